"""The past events that moved the headline, each left out in turn; those of one day that meet it, together.

Without an event likelihood and priors are others, so the draws are reweighted (Pareto smoothed) by the exact
density; and so are the chances of each draw, which lose what the event still brings about. The other members
of the forecast are asked again without it; what acts ahead do is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import numpy as np

from forecast.config.scenario import Change
from forecast.errors import NotConvergedError
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.events.table import EventTable
from forecast.inference.importance import PARETO_K_MAX, importance_weights, monte_carlo_error
from forecast.models.draws import Floats, StreamDraws, log_likelihood
from forecast.models.survival import Chances, on_all_cores
from forecast.priors import PriorSet
from forecast.priors.named import log_prior
from forecast.progress import Listener, StageProgress
from forecast.records.forecast import Driver, MethodReason, least_change
from forecast.records.notices import Notice, notice
from forecast.runs.inputs import Inputs, priors_of
from forecast.runs.mixture import ratio_by_draw, weighted_by_draw
from forecast.runs.run import Run
from forecast.scenarios.answer import Way, answered, milestone_day
from forecast.scenarios.plan import Plan
from forecast.streams import Acts, acts_of

_LEAST = 1e-12
_LIVES = ("answers.half_life_days", "follow_on.half_life_days", "reaction.half_life_days")
_HALF_LIVES = 10.0
"""After which less than a thousandth of the answers to an act is still to come."""
CANDIDATES = 24
"""Events that are left out in turn."""
MOST_REFITS, SMALL_RECORD = 2, 200
"""Past cases that are left out of a new fit, and the events up to which a fit takes few seconds."""


class Drivers(NamedTuple):
    """Drivers, the strongest rise first; how many were left out in turn; a notice of those not to be told."""

    shown: tuple[Driver, ...]
    tried: int
    untold: tuple[Notice, ...]


def measure_drivers(base: Run, *, listen: Listener = lambda progress: None) -> Drivers:
    """Measure the drivers of the headline: its own past cases, and events that clearly move it.

    Cases that draws cannot tell about, the latest, are left out of a new fit where the record is small.
    """
    asked, events = base.inputs.config.headline, base.inputs.events
    (rule,) = (one for one in base.inputs.rules if one.name == asked.target)
    case, rows = rule.mask(events), list(events.rows())
    day = milestone_day(base, asked.milestone)
    least = least_change(base.mixture.probability(asked.target, day))
    quick = leave_one_out(base, asked.target, asked.milestone, few=True, listen=listen)
    # All draws cost many times as much, and most events do nothing.
    near = [
        one.rows
        for one in quick
        if one.change is None or case[one.rows[0]] or abs(one.change) + 2 * one.mcse >= least
    ]
    exact = leave_one_out(base, asked.target, asked.milestone, left_out=near) if near else ()
    known = {one.rows: one for one in (*quick, *exact)}
    hard = [one.rows for one in known.values() if one.change is None and case[one.rows[0]]]
    refits = base.forecast.converged and len(events) <= SMALL_RECORD
    for left_out in hard[-MOST_REFITS:] if refits else ():
        left = np.ones(len(events), dtype=bool)
        left[list(left_out)] = False
        known[left_out] = LeaveOneOut(left_out, *fit_to(base, events.select(left), asked.target, day))
    measured = known.values()
    drivers = [
        Driver(
            event_id=event.id,
            date=event.date,
            category=event.category,
            severity=event.severity,
            summary=event.summary,
            source=event.source_outlet,
            change=one.change,
            mcse=one.mcse,
            also=tuple(rows[row].id for row in one.rows[1:]),
        )
        for one, event in ((one, rows[one.rows[0]]) for one in measured)
        if one.change is not None
    ]
    unknown = [one.rows[0] for one in measured if one.change is None]
    cases = [rows[row].date for row in unknown if case[row]]
    untold = notice("influential_events", cases=cases, others=len(unknown) - len(cases))
    shown = [
        one for one in drivers if (one.clear and abs(one.change) >= least) or one.event_id in events.id[case]
    ]
    shown.sort(key=lambda driver: -driver.change)
    return Drivers(tuple(shown), len(measured), (untold,) if unknown else ())


class LeaveOneOut(NamedTuple):
    """Probability with some rows of the event table minus that without them, and its Monte Carlo error.

    ``change`` is ``None`` where the posterior without them is too far for reweighting (``PARETO_K_MAX``).
    """

    rows: tuple[int, ...]
    change: float | None
    mcse: float


def leave_one_out(
    base: Run,
    target: str,
    milestone: str,
    *,
    left_out: list[tuple[int, ...]] | None = None,
    few: bool = False,
    listen: Listener = lambda progress: None,
) -> tuple[LeaveOneOut, ...]:
    """Measure these rows left out; when absent, those that can have moved the probability the most."""
    events, measured = base.inputs.events, on_other_records(base, target, milestone, few=few)
    left_out = candidates(base.inputs, target, CANDIDATES) if left_out is None else left_out

    def measure(rows: tuple[int, ...]) -> LeaveOneOut:
        left = np.ones(len(events), dtype=bool)
        left[list(rows)] = False
        return LeaveOneOut(rows, *measured(events.select(left), events.select(~left)))

    results = []
    for done, result in enumerate(on_all_cores(measure, left_out), start=1):
        results.append(result)
        listen(StageProgress("drivers", done, len(left_out)))
    return tuple(results)


class Moves(NamedTuple):
    """Probability on the record of a run minus that on another, and its Monte Carlo error.

    ``change`` is ``None`` where draws of the run cannot tell (``PARETO_K_MAX``).
    """

    change: float | None
    mcse: float


OtherRecord = Callable[[EventTable, EventTable], Moves]
"""What the rows that another record has not, or has besides, move: the record, and these rows."""


def on_other_records(base: Run, target: str, milestone: str, *, few: bool = False) -> OtherRecord:
    """Return what tells a probability of a run from that on other records of the same dyad."""
    mixture, chances = (base.thinned, base.thinned_process) if few else (base.mixture, base.process)
    inputs, draws = base.inputs, chances.draws
    day, share = milestone_day(base, milestone), mixture.share(target)
    data, priors = inputs.data, inputs.priors
    ahead, plain = (one.survival.of(target)[:, day] for one in (mixture, mixture.without_acts))
    by_acts = ahead / np.maximum(plain, _LEAST)

    known = Chances(data, priors, draws, day, chances.seed)

    def quiet(acts: Acts, under: PriorSet, *, cooperative: bool = True) -> Floats:
        """Chance by draw that nothing happens, after these acts, and without reactions to them."""
        without = replace(known, data=acts, priors=under)
        # What tension and drift do ahead is the same, and ballast but for acts of cooperation.
        for name in ("_innovations", "_moved", *(() if cooperative else ("expected_course",))):
            without.__dict__[name] = getattr(known, name)
        return np.asarray(without.quiet(target) * by_acts)

    full = quiet(data, priors)
    reacted = full[0].mean() / max(full[1].mean(), _LEAST)
    told = log_likelihood(data, draws, priors) + log_prior(priors, draws.variables)
    others = _silent(inputs, inputs.events, target, day)
    factor = float(mixture.factor(target)[day])

    def measure(record: EventTable, rows: EventTable) -> Moves:
        acts, under = record_of(inputs, record)
        found = importance_weights(
            log_likelihood(acts, draws, under) + log_prior(under, draws.variables) - told
        )
        if found.pareto_k > PARETO_K_MAX:
            return Moves(None, 0.0)
        cooperative = bool(np.isin(rows.category, COOPERATIVE).any())
        after = quiet(acts, under, cooperative=cooperative) if _felt_still(inputs, draws, rows) else full
        # The chance of nothing without the event less that with it.
        moved, known = (weighted_by_draw(one, found.weights) for one in after)
        change = share * (moved - full[0])
        if share < 1:
            silent = _silent(inputs, record, target, day) * ratio_by_draw(moved, known) / reacted
            change = change + (1 - share) * factor * (silent - others)
        return Moves(float(change.mean()), monte_carlo_error(change, base.n_chains))

    return measure


def record_of(inputs: Inputs, record: EventTable) -> tuple[Acts, PriorSet]:
    """Arrange another record of a dyad as that of a run, with its priors: they are centred on the record."""
    data = inputs.data
    acts = acts_of(record, data.grid, data.layout, data.completeness)
    return acts, priors_of(inputs.config, acts, inputs.population)


def fit_to(base: Run, record: EventTable, target: str, day: int) -> Moves:
    """Measure what another record moves by a fit to it; no change where that fails."""
    inputs = base.inputs
    acts, priors = record_of(inputs, record)
    other = replace(inputs, events=record, data=acts, priors=priors)
    plan = Plan(Change(), other, (), (), False, False, False, taken_out=1)
    try:
        found = answered(base, plan, Way("refit", MethodReason(code="past_taken_out")))
    except NotConvergedError:
        return Moves(None, 0.0)
    change = base.mixture.probability(target, day) - found.mixture.probability(target, day)
    return Moves(None, 0.0) if found.failures else Moves(change, found.errors(target, day, 0.0)[1])


def candidates(inputs: Inputs, target: str, most: int) -> list[tuple[int, ...]]:
    """Rows worth leaving out: the latest that met the target or set off a reaction, and others.

    Those of one day that met the target are one case, and left out together, the gravest first. Recent acts
    are ranked by what is left of them at the origin (half-life of four weeks, as long as tension remembers),
    doubled where they are grave or conflict.
    """
    events, grid, layout = inputs.events, inputs.data.grid, inputs.data.layout
    (rule,) = (one for one in inputs.rules if one.name == target)
    age = (np.datetime64(grid.origin, "D") - events.date).astype(np.int64)
    fitted = (age > 0) & (events.date >= np.datetime64(grid.start, "D"))
    met = fitted & rule.mask(events)
    marked = met
    if layout.reactions:
        marked = marked | layout.sets_off[:, layout.assign(events)].any(axis=0)
    latest = np.flatnonzero(fitted & marked)[-most // 2 :]
    left = felt_weight(events, grid.origin)
    left[~fitted] = 0.0
    left[latest] = 0.0
    recent = np.argsort(-left, kind="stable")[: most - len(latest)]
    alone = [(row,) for row in {*latest.tolist(), *recent[left[recent] > 0].tolist()} if not met[row]]
    days = {events.date[row] for row in latest if met[row]}
    cases = (np.flatnonzero(met & (events.date == day)).tolist() for day in days)
    return sorted([*alone, *(tuple(sorted(one, key=lambda row: -events.severity[row])) for one in cases)])


def felt_weight(events: EventTable, origin: date) -> Floats:
    """What is left of each act at the origin, by its age, gravity and kind, shape (event,)."""
    age = (np.datetime64(origin, "D") - events.date).astype(np.int64)
    conflictual = np.isin(events.category, CONFLICTUAL)
    return np.asarray(np.exp2(-age / 28.0) * (1 + (events.severity >= 4)) * (1 + conflictual))


def _felt_still(inputs: Inputs, draws: StreamDraws, rows: EventTable) -> bool:
    """Whether chances still feel any of the rows: cooperation, by ballast, and what is not yet answered."""
    held = draws.variables
    lives = [held[name].max() for name in _LIVES if name in held and held[name].size]
    age = (np.datetime64(inputs.data.grid.origin, "D") - rows.date).astype(np.int64)
    answered = age > _HALF_LIVES * max(lives)
    return bool((~answered | np.isin(rows.category, COOPERATIVE)).any())


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
