"""The way of the headline from a base rate to the forecast, one source after the other.

The model's −log S is a sum: of immigrants at their mean level, of what drift and tension make of it, of what
named reactions add, of what past acts still bring about; acts ahead multiply S. A step is the exact chance
with one more source let in, on the same draws, less that without it, at the weight that the headline gives
it; all steps add up to the headline.

* *base rate*: the constant rate of past cases, or the share of past windows where there is none.
* *own rates*: the model with the rates of this pair alone, at their mean over the record.
* *other pairs*: the mean with the members that were learned on other pairs.
* *drift*, *tension*: the level of conflict of these years and the tension of now, and where they may go.
* *reactions*: the answers of named reactions to triggers that are still to come.
* *recent acts*: what past acts still bring about, and how far recent cooperation calms.
* *scheduled events*: the acts of the calendar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from forecast.inference.importance import monte_carlo_error
from forecast.models.draws import Floats, stream_draws
from forecast.models.survival import Chances
from forecast.records.forecast import Step, WaterfallStep
from forecast.runs.run import Run
from forecast.sensitivity.shifts import milestone_day


def measure_waterfall(base: Run) -> tuple[WaterfallStep, ...]:
    """Take the headline apart; the last probability is the headline's."""
    config, mixture = base.inputs.config, base.mixture
    target, day = config.headline.target, milestone_day(base, config.headline.milestone)
    share = mixture.share(target)
    alone = mixture.without_acts
    said: dict[Step, Floats] = {"base_rate": np.full(base.n_draws, _base_rate(base))}
    whole = alone.by_draw(target, day)
    if share:
        model = 1 - alone.survival.of(target)[:, day]
        # What the other members hold of the forecast, the same at every step.
        others = whole - share * model
        for step, chance in _sources(base, target, day):
            if step == "own_rates":
                said["own_rates"] = chance
                if share < 1:
                    said["other_pairs"] = share * chance + others
            else:
                said[step] = share * chance + others
        said["recent_acts"] = whole
    else:
        said["other_pairs"] = whole
    said["scheduled_events"] = mixture.by_draw(target, day)
    steps, before = [], said["base_rate"]
    for step, by_draw in said.items():
        probability, reached = (min(max(float(one.mean()), 0.0), 1.0) for one in (by_draw, before))
        error = monte_carlo_error(by_draw - before, base.n_chains)
        steps.append(
            WaterfallStep(step=step, probability=probability, change=probability - reached, error=error)
        )
        before = by_draw
    return tuple(steps)


def _base_rate(base: Run) -> float:
    asked = base.inputs.config.headline
    milestones = base.forecast.target(asked.target).milestones
    (known,) = (one for one in milestones if one.name == asked.milestone)
    return known.baseline.probability if known.constant_rate is None else known.constant_rate


def _sources(base: Run, target: str, day: int) -> Iterator[tuple[Step, Floats]]:
    """Chance by draw with ever more sources of the model, all but past acts and acts ahead, shape (draw,)."""
    held = {"tension_scale", "drift_scale"}
    reactions = "reaction_number" in base.draws.variables
    if reactions:
        held.add("reaction_number")
    order: list[tuple[Step, str]] = [
        ("own_rates", ""),
        ("drift", "drift_scale"),
        ("tension", "tension_scale"),
        *([("reactions", "reaction_number")] if reactions else []),
    ]
    for step, let_in in order:
        held.discard(let_in)
        yield step, 1 - _quiet(base, held).survival(occasions=False).of(target)[:, day]


def _quiet(base: Run, held: set[str]) -> Chances:
    """Chances without past acts, with these variables at zero; cooperation came at its mean rate."""
    known, variables = base.chances, dict(base.draws.variables)
    for name in held:
        variables[name] = np.zeros_like(variables[name])
    draws = stream_draws(known.data.layout, variables, known.priors)
    chances = replace(known, draws=draws)
    record = known.record
    weeks = known.data.exposure
    even = record.calming.sum(axis=1, keepdims=True) / weeks.sum() * weeks
    chances.__dict__["record"] = record._replace(felt=np.zeros_like(record.felt), calming=even)
    return chances
