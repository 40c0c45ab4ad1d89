"""What can be seen before the headline milestone, and what the headline probability would be then.

Two kinds are conditional probabilities of the run's own paths: no target event before a day, and another
target met before it. The third puts one more serious act into the futures, as a scenario does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.config import AssumedAct, Scenario
from forecast.events.codebook import CATEGORIES, category_label
from forecast.inference.importance import monte_carlo_error
from forecast.models.draws import Floats
from forecast.records.forecast import Indicator
from forecast.runs.run import Run
from forecast.scenarios.compare import evaluate_plan
from forecast.scenarios.futures import Effort
from forecast.scenarios.plan import plan_scenario
from forecast.simulation.probabilities import share_by_draw

SERIOUS = 3
"""Severity of the acts that are put into the futures; less where one so severe would meet the target."""
CHANNEL = "channel_opening"
FEWEST_PATHS = 400
"""Paths that a condition must leave, 1/Σw² where they have weights."""
_FIRST_LOOK_DAYS = 90


def measure_indicators(base: Run) -> tuple[Indicator, ...]:
    """Measure every indicator of the headline, in the order of the days by which it is seen."""
    return (*conditions(base), *single_acts(base))


def looks(base: Run) -> list[tuple[date, str | None]]:
    """Days to look at before the headline milestone, with the milestone on each if there is one."""
    config = base.inputs.config
    last = config.headline_milestone.date
    found: list[tuple[date, str | None]] = sorted(
        (one.date, one.name) for one in config.milestones if config.as_of < one.date < last
    )
    days = (last - config.as_of).days
    if not found and days > 2:
        found = [(config.as_of + timedelta(days=min(_FIRST_LOOK_DAYS, days // 2)), None)]
    return found


def conditions(base: Run) -> Iterator[Indicator]:
    """Yield what the run's own paths say once the headline target stayed away, or another one was met."""
    config = base.inputs.config
    target, origin = config.headline.target, base.inputs.data.grid.origin
    first = base.hits.of(target)
    hit = first < (config.headline_milestone.date - origin).days
    for by, milestone in looks(base):
        day = (by - origin).days
        quiet = first >= day
        asked: list[tuple[str, str | None, NDArray[np.bool_]]] = [("quiet", None, quiet)]
        others = (name for name in config.targets if name != target)
        asked += [("other_target", name, quiet & (base.hits.of(name) < day)) for name in others]
        for code, other, condition in asked:
            found = conditional(hit, condition, base.hits.weights, base.n_chains)
            if found is not None:
                yield Indicator.model_validate(
                    {"code": code, "by": by, "milestone": milestone, "target": other} | found
                )


def conditional(
    hit: NDArray[np.bool_], condition: NDArray[np.bool_], weights: Floats | None, n_chains: int
) -> dict[str, float] | None:
    """P(hit | condition) over paths, shape (draw, path), its change against P(hit), and the change's error.

    ``None`` where the condition leaves fewer than ``FEWEST_PATHS`` effective paths. The error is that of the
    ratio of two means over draws, paired with the unconditional probability (delta method).
    """
    left = condition if weights is None else weights * condition
    total = float(left.sum())
    if not total or total**2 / float((left.astype(np.float64) ** 2).sum()) < FEWEST_PATHS:
        return None
    both, given, any_way = (share_by_draw(one, weights) for one in (hit & condition, condition, hit))
    probability = float(both.mean() / given.mean())
    apart = (both - probability * given) / given.mean() - (any_way - any_way.mean())
    return {
        "probability": min(max(probability, 0.0), 1.0),
        "change": probability - float(any_way.mean()),
        "mcse": monte_carlo_error(apart, n_chains),
    }


def single_acts(base: Run) -> Iterator[Indicator]:
    """Yield what one more act just short of the target, or a channel opened, would make of the headline."""
    days = looks(base)
    if not days:
        return
    config = base.inputs.config
    by, milestone = days[0]
    rule = next(one for one in base.inputs.rules if one.name == config.headline.target)
    for category in (name for name in CATEGORIES if name in {CHANNEL, *rule.any_of}):
        severity = min(SERIOUS, rule.min_severity - 1) if category in rule.any_of else SERIOUS
        if severity < 1:
            continue
        act = AssumedAct(
            window=(config.as_of + timedelta(days=1), by - timedelta(days=1)),
            category=category,
            severity=severity,
            by=base.inputs.who_acts(category, severity, rule),
            label=category_label(category),
        )
        scenario = Scenario(name=f"one-{category}", rationale="one act more", events=(act,))
        found = evaluate_plan(base, plan_scenario(base.inputs, scenario), effort=Effort(target=rule.name))
        asked = next(
            one
            for one in found.target(config.headline.target).milestones
            if one.name == config.headline.milestone
        )
        yield Indicator(
            code="act",
            by=by,
            milestone=milestone,
            category=category,
            severity=severity,
            probability=asked.probability,
            change=asked.difference.value,
            mcse=asked.difference.mcse,
        )
