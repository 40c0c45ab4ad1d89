"""What made the headline: the past events that moved it, and its way from a base rate to the forecast.

Events are left out one by one. Without the event likelihood and priors change (so the draws are reweighted,
with Pareto smoothing) and so does the state at the origin (so the paths are simulated again, on the same
random numbers). The other members of the forecast are asked again without it; what acts ahead do to these
is held.

Each step of the way is a difference of two forecasts on the same random numbers, so that they add up:

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

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np

from forecast.events.codebook import CONFLICTUAL
from forecast.events.table import EventTable
from forecast.inference.importance import PARETO_K_MAX, importance_weights, monte_carlo_error
from forecast.inference.posterior import Posterior
from forecast.models.density import Record
from forecast.models.draws import Floats, StreamDraws, log_likelihood, record_of, stream_draws
from forecast.panel import EventCounts, TargetRule, count_events
from forecast.priors.named import log_prior
from forecast.progress import Listener, StageProgress
from forecast.records.forecast import Driver, Step, WaterfallStep
from forecast.runs.inputs import priors_of
from forecast.runs.mixture import Mixture, direct_answers
from forecast.runs.run import Run
from forecast.scenarios.evaluate import milestone_day
from forecast.simulation.paths import OtherFutures, SimulationOptions, simulate_first_passages
from forecast.simulation.probabilities import weighted_by_draw

_DRAWS_A_CHAIN = 250
_PATHS = 4
SHOWN_DRIVERS = 10
"""Drivers kept each way."""


class Drivers(NamedTuple):
    """Drivers, the strongest rise first; how many events were left out in turn; and those not to be told."""

    shown: tuple[Driver, ...]
    tried: int
    withheld: int


def measure_drivers(posterior: Posterior, mixture: Mixture, *, seed: int, listen: Listener) -> Drivers:
    """Measure the drivers of the headline; an event whose Pareto k is too high is withheld."""
    inputs = mixture.inputs
    config = inputs.config
    rule = next(rule for rule in inputs.rules if rule.name == config.headline.target)
    measured = leave_one_out(
        posterior,
        mixture,
        rule,
        config.headline_milestone.date,
        seed=seed,
        listen=lambda done, planned: listen(StageProgress("drivers", done, planned)),
    )
    rows = list(inputs.events.rows())
    drivers = [
        Driver(
            event_id=rows[one.row].id,
            date=rows[one.row].date,
            category=rows[one.row].category,
            severity=rows[one.row].severity,
            summary=rows[one.row].summary,
            source=rows[one.row].source_outlet,
            change=one.change,
            mcse=one.mcse or 0.0,
        )
        for one in measured
        if one.change is not None
    ]
    drivers.sort(key=lambda driver: -driver.change)
    raised = [driver for driver in drivers if driver.change > 0][:SHOWN_DRIVERS]
    lowered = [driver for driver in drivers if driver.change < 0][-SHOWN_DRIVERS:]
    return Drivers((*raised, *lowered), len(measured), len(measured) - len(drivers))


@dataclass(frozen=True)
class LeaveOneOut:
    """Probability with the event minus probability without it, and its Monte Carlo error.

    ``row`` is the position in the event table; ``change`` and ``mcse`` are ``None`` where leaving the event
    out changes the posterior too much for reweighting (``pareto_k`` above ``PARETO_K_MAX``).
    """

    row: int
    change: float | None
    mcse: float | None
    pareto_k: float


def leave_one_out(
    posterior: Posterior,
    mixture: Mixture,
    target: TargetRule,
    milestone: date,
    *,
    seed: int,
    candidates: int = 24,
    listen: Callable[[int, int], None] | None = None,
) -> tuple[LeaveOneOut, ...]:
    """Measure the events that can have moved P(target before milestone) the most.

    The same ``seed`` serves every event. Of the ``candidates`` half are the latest target events, half
    those that weigh most on the present. ``listen`` is called with (done, all).
    """
    inputs = mixture.inputs
    events, data, priors = inputs.events, inputs.data, inputs.priors
    variables = _thinned(posterior)
    draws = stream_draws(data.layout, variables, priors)
    horizon = (milestone - data.grid.origin).days
    # All paths are played, each no further than to the target.
    other = OtherFutures(np.zeros((len(draws), _PATHS), dtype=np.int32), target.name)
    options = SimulationOptions(seed=seed, horizon_days=horizon, paths_per_draw=_PATHS, other=other)
    acts = mixture.mixing(target.name, horizon).acts(mixture.shares(target.name, horizon).mean())

    def forecast(members: Mixture, counts: EventCounts, weights: Floats | None) -> Floats:
        """The forecast by draw from this past."""
        paths = simulate_first_passages(counts, draws, options, inputs.calendar)
        ahead = weighted_by_draw(paths.shares_before(target.name, horizon), weights)
        share, direct = members.share(target.name), members.direct.of(target.name)
        if direct is None:
            return ahead
        said = direct.mean[horizon]
        return np.asarray(share * ahead + (1 - share) * (said if acts is None else acts.moved(said)))

    full = forecast(mixture, data, None)
    full_density = log_likelihood(data, draws, priors) + log_prior(priors, variables)

    def measure(row: int) -> LeaveOneOut:
        left = np.ones(len(events), dtype=bool)
        left[row] = False
        some = events.select(left)
        without = count_events(some, data.grid, data.layout, data.completeness)
        # Priors are centred on the record, and move with it.
        moved = log_prior(priors_of(inputs.config, without, inputs.population), variables)
        found = importance_weights(log_likelihood(without, draws, priors) + moved - full_density)
        if found.pareto_k > PARETO_K_MAX:
            return LeaveOneOut(row, None, None, found.pareto_k)
        members = replace(mixture, direct=direct_answers(inputs, some, horizon))
        change = full - forecast(members, without, found.weights)
        error = monte_carlo_error(change, posterior.n_chains)
        return LeaveOneOut(row, float(change.mean()), error, found.pareto_k)

    rows = candidate_rows(events, data, target, candidates)
    results = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done, result in enumerate(pool.map(measure, rows), start=1):
            results.append(result)
            if listen:
                listen(done, len(rows))
    return tuple(results)


def candidate_rows(events: EventTable, data: EventCounts, target: TargetRule, most: int) -> list[int]:
    """Rows of the events worth measuring: the latest target events and the most recent acts.

    Recent acts are ranked by what is left of their pull at the origin (half-life of four weeks), doubled
    where they are severe or conflictual.
    """
    age = (np.datetime64(data.grid.origin, "D") - events.date).astype(np.int64)
    fitted = (age > 0) & (events.date >= np.datetime64(data.grid.start, "D"))
    met = np.flatnonzero(fitted & target.mask(events))[-most // 2 :]
    conflictual = np.isin(events.category, CONFLICTUAL)
    pull = np.exp2(-age / 28.0) * (1 + (events.severity >= 4)) * (1 + conflictual)
    pull[~fitted] = 0.0
    pull[met] = 0.0
    recent = np.argsort(-pull, kind="stable")[: most - len(met)]
    return sorted({*met.tolist(), *recent[pull[recent] > 0].tolist()})


def _thinned(posterior: Posterior) -> dict[str, Floats]:
    a_chain = posterior.n_draws // posterior.n_chains
    step = max(1, a_chain // _DRAWS_A_CHAIN)
    keep = (np.arange(posterior.n_chains)[:, None] * a_chain + np.arange(0, a_chain, step)).ravel()
    return {name: values[keep] for name, values in posterior.variables.items()}


_STEP_PATHS = 2
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
        luck = hit.mean(axis=1) - hit[:, :_STEP_PATHS].mean(axis=1)
        return few + luck, luck
    hit = (mixture.plain or mixture.paths).of(target) < day
    alone = np.asarray(hit.mean(axis=1))
    return alone, alone - hit[:, :_STEP_PATHS].mean(axis=1)


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
    weeks = len(record.graded) - 1 + record.last_exposure
    felt, graded = (
        np.broadcast_to(one.sum(axis=steps, keepdims=True) / weeks, one.shape).copy()
        for one, steps in ((record.felt, 1), (record.graded, 0))
    )
    return record._replace(felt=felt, graded=graded)


def _shares(base: Run, draws: StreamDraws, past: Record, day: int) -> Floats:
    target = base.inputs.config.headline.target
    since = np.zeros((len(draws), _STEP_PATHS), dtype=np.int32)
    # All paths are played, each no further than to the target.
    options = replace(base.simulation, first_paths=_STEP_PATHS, other=OtherFutures(since, target))
    return simulate_first_passages(base.inputs.data, draws, options, past=past).shares_before(target, day)
