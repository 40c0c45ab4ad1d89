"""The past events that moved the headline, each left out in turn.

Without an event likelihood and priors are others, so the draws are reweighted (Pareto smoothed) by the exact
density; and so are the chances of each draw, which lose what the event still brings about. The other members
of the forecast are asked again without it; what acts ahead do is held.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from forecast.events.codebook import CONFLICTUAL, COOPERATIVE, SEVERITIES
from forecast.events.table import EventTable
from forecast.inference.importance import PARETO_K_MAX, importance_weights, monte_carlo_error
from forecast.models.draws import Floats, StreamDraws, log_likelihood
from forecast.models.survival import Chances
from forecast.priors import PriorSet
from forecast.priors.named import log_prior
from forecast.progress import Listener, StageProgress
from forecast.records.forecast import Driver
from forecast.runs.inputs import Inputs, priors_of
from forecast.runs.mixture import weighted_by_draw
from forecast.runs.run import Run
from forecast.scenarios.answer import milestone_day
from forecast.streams import Acts, acts_of

_LEAST = 1e-12
_LIVES = ("answers_half_life_days", "follow_on_half_life_days", "reaction_half_life_days")
_HALF_LIVES = 10.0
"""After which less than a thousandth of the answers to an act is still to come."""
CANDIDATES = 24
"""Events that are left out in turn."""
LEAST_CHANGE, LEAST_DRIVERS = 0.01, 3
"""Kept are events that move the headline by a point, and so many of the strongest in any case."""


class Drivers(NamedTuple):
    """Drivers, the strongest rise first; how many events were left out in turn; and those not to be told."""

    shown: tuple[Driver, ...]
    tried: int
    withheld: int


def measure_drivers(base: Run, *, listen: Listener = lambda progress: None) -> Drivers:
    """Measure the drivers of the headline; an event whose Pareto k is too high is withheld."""
    asked = base.inputs.config.headline
    measured = leave_one_out(base, asked.target, asked.milestone, listen=listen)
    rows = list(base.inputs.events.rows())
    drivers = [
        Driver(
            event_id=event.id,
            date=event.date,
            category=event.category,
            severity=event.severity,
            summary=event.summary,
            source=event.source_outlet,
            change=one.change,
            mcse=one.mcse or 0.0,
        )
        for one, event in ((one, rows[one.row]) for one in measured)
        if one.change is not None
    ]
    drivers.sort(key=lambda driver: -driver.change)
    # The strongest in any case, so that a reader sees how little a single event does.
    strongest = sorted(drivers, key=lambda driver: -abs(driver.change))[:LEAST_DRIVERS]
    shown = [driver for driver in drivers if abs(driver.change) >= LEAST_CHANGE or driver in strongest]
    return Drivers(tuple(shown), len(measured), len(measured) - len(drivers))


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
    base: Run,
    target: str,
    milestone: str,
    *,
    rows: list[int] | None = None,
    listen: Listener = lambda progress: None,
) -> tuple[LeaveOneOut, ...]:
    """Measure the events of these rows; when absent, those that can have moved the probability the most."""
    inputs, mixture, day = base.inputs, base.few, milestone_day(base, milestone)
    events, data, priors = inputs.events, inputs.data, inputs.priors
    draws, share = base.few_chances.draws, mixture.share(target)
    ahead, plain = (one.survival.of(target)[:, day] for one in (mixture, mixture.without_acts))
    no_sign = np.zeros((len(data.layout.kinds), len(SEVERITIES)), dtype=bool)
    by_acts = ahead / np.maximum(plain, _LEAST)

    known = Chances(data, priors, draws, day, base.few_chances.seed)

    def quiet(acts: Acts, under: PriorSet, *, cooperative: bool = True) -> Floats:
        """Chance by draw that nothing happens, after these acts."""
        chances = replace(known, data=acts, priors=under)
        # What tension and drift do ahead is the same, and ballast but for acts of cooperation.
        for name in ("_innovations", "_moved", *(() if cooperative else ("expected_course",))):
            chances.__dict__[name] = getattr(known, name)
        return np.asarray(chances.with_sign(no_sign, 0, target) * by_acts)

    full = quiet(data, priors)
    told = log_likelihood(data, draws, priors) + log_prior(priors, draws.variables)
    others = _silent(inputs, inputs.events, target, day)
    factor = float(mixture.factor(target)[day])

    rows = candidate_rows(inputs, target, CANDIDATES) if rows is None else rows
    recent = set(rows) & set(_felt_still(inputs, draws))

    def measure(row: int) -> LeaveOneOut:
        left = np.ones(len(events), dtype=bool)
        left[row] = False
        some = events.select(left)
        acts = acts_of(some, data.grid, data.layout, data.known)
        # Priors are centred on the record, and move with it.
        under = priors_of(inputs.config, acts, inputs.population)
        found = importance_weights(
            log_likelihood(acts, draws, under) + log_prior(under, draws.variables) - told
        )
        if found.pareto_k > PARETO_K_MAX:
            return LeaveOneOut(row, None, None, found.pareto_k)
        cooperative = bool(events.category[row] in COOPERATIVE)
        after = quiet(acts, under, cooperative=cooperative) if row in recent else full
        # The chance of nothing without the event less that with it.
        change = share * (weighted_by_draw(after, found.weights) - full)
        if share < 1:
            change = change + (1 - share) * factor * (_silent(inputs, some, target, day) - others)
        return LeaveOneOut(
            row, float(change.mean()), monte_carlo_error(change, base.n_chains), found.pareto_k
        )

    results = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done, result in enumerate(pool.map(measure, rows), start=1):
            results.append(result)
            listen(StageProgress("drivers", done, len(rows)))
    return tuple(results)


def candidate_rows(inputs: Inputs, target: str, most: int) -> list[int]:
    """Rows of the events worth measuring: the latest that met the target or set off a reaction, and others.

    Recent acts are ranked by what is left of them at the origin (half-life of four weeks, as long as tension
    remembers), doubled where they are grave or conflict.
    """
    events, grid, layout = inputs.events, inputs.data.grid, inputs.data.layout
    (rule,) = (one for one in inputs.rules if one.name == target)
    age = (np.datetime64(grid.origin, "D") - events.date).astype(np.int64)
    fitted = (age > 0) & (events.date >= np.datetime64(grid.start, "D"))
    marked = rule.mask(events)
    if layout.reactions:
        marked = marked | layout.sets_off[:, layout.assign(events)].any(axis=0)
    latest = np.flatnonzero(fitted & marked)[-most // 2 :]
    conflictual = np.isin(events.category, CONFLICTUAL)
    left = np.exp2(-age / 28.0) * (1 + (events.severity >= 4)) * (1 + conflictual)
    left[~fitted] = 0.0
    left[latest] = 0.0
    recent = np.argsort(-left, kind="stable")[: most - len(latest)]
    return sorted({*latest.tolist(), *recent[left[recent] > 0].tolist()})


def _felt_still(inputs: Inputs, draws: StreamDraws) -> list[int]:
    """Rows of events that chances still feel: of cooperation, by ballast, and those not yet answered."""
    events, lives = (
        inputs.events,
        [values.max() for name, values in draws.variables.items() if name in _LIVES and values.size],
    )
    age = (np.datetime64(inputs.data.grid.origin, "D") - events.date).astype(np.int64)
    answered = age > _HALF_LIVES * max(lives)
    return np.flatnonzero(~answered | np.isin(events.category, COOPERATIVE)).tolist()


def _silent(inputs: Inputs, events: EventTable, target: str, day: int) -> float:
    """Mean chance that nothing happens by the members that need no fit, asked of these events."""
    rules, grid = [rule for rule in inputs.rules if rule.name == target], inputs.data.grid
    origin = np.array([grid.origin], dtype="datetime64[D]")
    # The last day that a member answers, where the day lies beyond.
    said = [
        member.at_origins(events, rules, origin, grid.start, np.array([min(day, member.furthest_days)]))
        for member in inputs.family.direct
    ]
    return float(np.mean([1 - chances[target].item() for chances in said])) if said else 0.0
