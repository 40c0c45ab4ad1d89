"""Where the headline comes from: from a base rate to the forecast, one source of change after the other.

Each step is a difference of two forecasts on the same random numbers, so that they add up to the headline:

* *base rate*: the constant rate of past cases, or the share of past windows where there is none.
* *own rates*: the model with nothing but this pair's rates over the whole record: recent acts at their
  average, tension and the level of conflict held at theirs.
* *recent acts*: what has just happened, and what it still brings about.
* *tension*: how tense the relationship is now, and may become.
* *drift*: the level of conflict of these years, and where it may go.
* *other pairs*: the mean with the members that were learned on other pairs.
* *scheduled events*: the acts of the calendar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from forecast.inference.importance import monte_carlo_error
from forecast.models.density import Record
from forecast.models.draws import Floats, StreamDraws, record_of, stream_draws
from forecast.records.explained import Step, WaterfallStep
from forecast.runs.run import Run
from forecast.scenarios.evaluate import milestone_day
from forecast.simulation.options import OtherFutures
from forecast.simulation.paths import simulate_first_passages

_PATHS = 2
"""Paths a draw that are played for each step; what they lack in luck all paths of the run give back."""


def measure_waterfall(base: Run) -> tuple[WaterfallStep, ...]:
    """Take the headline apart; the last probability is the headline's."""
    config, mixture = base.inputs.config, base.mixture
    target, day = config.headline.target, milestone_day(base, config.headline.milestone)
    share, direct = mixture.share(target), mixture.mixing(target, day).direct
    said: dict[Step, Floats] = {"base_rate": np.full(base.n_draws, _base_rate(base))}
    alone, luck = _without_acts(base, target, day)
    if share:
        for step, draws, past in _held(base):
            said[step] = _shares(base, draws, past, day) + luck
        said["drift"] = alone
    said["other_pairs"] = share * alone + (1 - share) * direct
    said["scheduled_events"] = mixture.by_draw(target, day)
    steps, before = [], said["base_rate"]
    for step, by_draw in said.items():
        probability, reached = (min(max(float(one.mean()), 0.0), 1.0) for one in (by_draw, before))
        error = monte_carlo_error(by_draw - before, base.n_chains)
        change = probability - reached
        steps.append(WaterfallStep(step=step, probability=probability, change=change, error=error))
        before = by_draw
    return tuple(steps)


def _without_acts(base: Run, target: str, day: int) -> tuple[Floats, Floats]:
    """What each draw of the model says without the calendar, and how much of it the first paths lack."""
    mixture = base.mixture
    if mixture.plain is None and base.inputs.calendar:
        few = _shares(base, base.draws, record_of(base.inputs.data), day)
        hit = base.hits.of(target) < day
        luck = hit.mean(axis=1) - hit[:, :_PATHS].mean(axis=1)
        return few + luck, luck
    hit = (mixture.plain or mixture.paths).of(target) < day
    alone = np.asarray(hit.mean(axis=1))
    return alone, alone - hit[:, :_PATHS].mean(axis=1)


def _base_rate(base: Run) -> float:
    asked = base.inputs.config.headline
    milestones = base.forecast.target(asked.target).milestones
    (known,) = (one for one in milestones if one.name == asked.milestone)
    return known.baseline.probability if known.constant_rate is None else known.constant_rate


def _held(base: Run) -> Iterator[tuple[Step, StreamDraws, Record]]:
    """Draws and pasts of the steps up to tension: what is not yet let in is held at its average."""
    inputs = base.inputs
    past = record_of(inputs.data)
    still = np.zeros_like(base.variables["drift_scale"])
    level = {**base.variables, "drift_scale": still}
    calm = {**level, "tension_scale": np.zeros_like(base.variables["tension_scale"])}
    held, tense = (stream_draws(inputs.data.layout, one, inputs.priors) for one in (calm, level))
    yield "own_rates", held, evened(past)
    yield "recent_acts", held, past
    yield "tension", tense, past


def evened(record: Record) -> Record:
    """Return a record whose acts came evenly: in every step as many as on average."""
    steps = slice(record.first, None)
    weeks = len(record.felt) - record.first - 1 + record.last_exposure
    felt, graded = (
        np.broadcast_to(one[steps].sum(axis=0) / weeks, one.shape).copy()
        for one in (record.felt, record.graded)
    )
    return record._replace(felt=felt, graded=graded)


def _shares(base: Run, draws: StreamDraws, past: Record, day: int) -> Floats:
    target = base.inputs.config.headline.target
    since = np.zeros((len(draws), _PATHS), dtype=np.int32)
    # All paths are played, each no further than to the target.
    options = replace(base.simulation, first_paths=_PATHS, other=OtherFutures(since, target))
    return simulate_first_passages(base.inputs.data, draws, options, past=past).shares_before(target, day)
