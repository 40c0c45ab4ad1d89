"""What can be seen before the headline milestone, and what the headline probability would be then.

Two kinds are conditional probabilities: no target event before a day, and another target met before it. The
third puts one more serious act into the futures, as a scenario does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.config import AssumedAct, Scenario
from forecast.events.codebook import CATEGORIES, category_label
from forecast.inference.importance import monte_carlo_error, ratio_by_draw
from forecast.models.draws import Floats
from forecast.records.explained import Indicator
from forecast.runs.run import Run
from forecast.scenarios.compare import evaluate_plan
from forecast.scenarios.evaluate import Effort
from forecast.scenarios.plan import plan_scenario

SERIOUS = 3
"""Severity of the acts that are put into the futures; less where one so severe would meet the target."""
CHANNEL = "channel_opening"
FEWEST_PATHS = 400
"""Paths that a condition must leave."""
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
    """Yield what the headline is once its target stayed away, or another one was met besides.

    That it stayed away is a ratio of the forecast's own chances. What another target adds is read off the
    model's paths, and moves this by its change of log odds.
    """
    config, mixture = base.inputs.config, base.mixture
    target, origin = config.headline.target, base.inputs.data.grid.origin
    first, last = base.hits.of(target), (config.headline_milestone.date - origin).days
    hit = first < last
    ever = mixture.by_draw(target, last)
    for by, milestone in looks(base):
        day = (by - origin).days
        quiet = first >= day
        if worth(quiet) < FEWEST_PATHS:
            continue
        stayed = 1 - mixture.by_draw(target, day)
        quietly = ratio_by_draw(ever - 1 + stayed, stayed)
        asked: list[tuple[str, str | None, Floats]] = [("quiet", None, quietly)]
        for other in (name for name in config.targets if name != target):
            both = quiet & (base.hits.of(other) < day)
            if worth(both) < FEWEST_PATHS:
                continue
            then, before = (ratio_by_draw(*_shares(hit & one, one)) for one in (both, quiet))
            asked.append(("other_target", other, moved_by_draw(quietly, then, before, 0.5 / hit.size)))
        for code, name, by_draw in asked:
            probability = min(max(float(by_draw.mean()), 0.0), 1.0)
            yield Indicator.model_validate(
                {
                    "code": code,
                    "by": by,
                    "milestone": milestone,
                    "target": name,
                    "probability": probability,
                    "change": probability - float(ever.mean()),
                    "mcse": monte_carlo_error(by_draw - ever, base.n_chains),
                }
            )


def worth(paths: NDArray[np.bool_]) -> int:
    """Number of paths of a condition, shape (draw, path)."""
    return int(paths.sum())


def _shares(*conditions: NDArray[np.bool_]) -> Iterator[Floats]:
    return (np.asarray(one.mean(axis=1)) for one in conditions)


def moved_by_draw(shown: Floats, now: Floats, before: Floats, least: float) -> Floats:
    """Move a probability by a change of log odds, linearised in what each draw adds, shape (draw,)."""
    inside = [np.clip(one.mean(), least, 1 - least) for one in (shown, now, before)]
    odds = [special.logit(one) for one in inside]
    moved = special.expit(odds[0] + odds[1] - odds[2])
    parts = [(one - one.mean()) / (p * (1 - p)) for one, p in zip((shown, now, before), inside, strict=True)]
    return np.asarray(moved + moved * (1 - moved) * (parts[0] + parts[1] - parts[2]))


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
