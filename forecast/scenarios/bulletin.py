"""What acts that came after a run change: the run carried on to their day, with them and without.

The acts enter the record, as cause and as evidence: each draw of the run, with tension and drift drawn on to
the new day, is weighted by the ratio of the densities of the longer record and of its own, priors included,
which move with the record (Pareto smoothed). Where that leaves too few draws, or acts are told apart in
another way, the longer record is fitted. Days of which nothing is known count as unobserved: acts are as
likely on them as the model says. Chances are compared with those of the run, carried on without news.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config.scenario import AssumedAct, Change
from forecast.config.settings_file import Fault
from forecast.errors import EventError, InputError
from forecast.events.cells import latest_day
from forecast.events.codebook import CONFLICTUAL, SEVERITIES, way
from forecast.events.reading import load_events
from forecast.events.table import Event, EventTable
from forecast.inference.importance import PARETO_K_MAX, importance_weights
from forecast.models.draws import StreamDraws, log_likelihood, point_layout
from forecast.models.survival import Chances
from forecast.records.bulletin import AfterActs, Bulletin, CountAfter, Course, NewAct, NextAct, TargetAfter
from forecast.records.forecast import GateFailure
from forecast.records.ledger import GRACE_DAYS
from forecast.runs.inputs import Inputs, inputs_of
from forecast.runs.mixture import Mixture
from forecast.runs.run import Run, mixture_of, stage_seed
from forecast.runs.summaries import number_of_events
from forecast.scenarios.answer import SEEN_DRAWS_MIN, fitted_anew, log_prior_ratio
from forecast.scenarios.plan import plan_change
from forecast.storage import day_made
from forecast.streams import NO_SIDE
from forecast.wording import count, long_day

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Days = NDArray[np.datetime64]
NewActs = Sequence[Mapping[str, object]] | Change | EventTable | str | Path
"""Acts as in a scenario file, or events of which the newer rows are new."""

WINDOWS = (1, 7, 30, 90, 365)
"""Days after the acts for which chances are told."""
COURSE_DAYS, NEXT_DAYS, NEXT_SEVERITY, COUNTED_FROM = 30, 14, 2, 2
_DRAWS, _COUNTED_DRAWS, _ORDER = 250, 100, 12
_SEED = 0xB0
STATED = "acts stated"
"""Source of acts that are stated, as none of a file is called."""


class Carried(NamedTuple):
    """A forecast carried on to a later day, by which method, and how many draws it rests on."""

    mixture: Mixture
    refitted: bool
    effective_draws: float
    failures: tuple[GateFailure, ...] = ()

    @property
    def chances(self) -> Chances:
        """The model's part."""
        assert self.mixture.process is not None
        return self.mixture.process


def bulletin(
    run: Run,
    acts: NewActs,
    *,
    allow_unconverged: bool = False,
    summary: str = "",
    source: str = "",
    tell: Callable[[str], None] = lambda note: None,
) -> Bulletin:
    """Tell what acts that came after a run change.

    Parameters
    ----------
    run : Run
    acts : sequence of mapping, Change, path or EventTable
        Acts as in a scenario file (date, category, severity, by), or events of which the rows that became
        known after the run are new.
    allow_unconverged : bool
        Give numbers that rest on too few draws all the same.
    summary, source : str
        Of the acts, where they are stated: what happened in a sentence, and an address.
    tell : callable
        Hears of a new fit how far it is.

    Raises
    ------
    InputError
        An act is not after the as-of date, lies ahead, is given twice or by nobody of the dyad; no milestone
        is left after the acts; rows that the run read have changed; the run did not converge.
    NotConvergedError
        A new fit could not be sampled at all.
    """
    if not run.forecast.converged and not allow_unconverged:
        raise InputError(
            f"the run {run.forecast.run_id} did not converge, so that nothing can be carried on from it. "
            "Make it again with more draws, or use --allow-unconverged"
        )
    if run.forecast.too_little:
        raise InputError(f"the run {run.forecast.run_id} holds too little record for a forecast")
    new = _new_events(run, acts, summary, source)
    as_of = new.known_date.max().astype(date)
    last = max(milestone.date for milestone in run.inputs.config.milestones)
    if last <= as_of + timedelta(days=1):
        raise InputError(
            f"the acts reach {long_day(as_of)}, and the last milestone of the run is {long_day(last)}: "
            "nothing is left to carry on. Make a run with a later milestone"
        )
    known = EventTable.from_events(
        [*run.events.rows(), *new.rows()], run.events.source, has_verified=run.events.has_verified
    )
    days = np.arange(np.datetime64(run.forecast.as_of, "D"), np.datetime64(as_of, "D")) + np.timedelta64(
        1, "D"
    )
    # Acts that are stated say nothing of other days; rows of a file tell of all.
    unknown = np.setdiff1d(days, new.date) if new.source == STATED else days[:0]
    found = carried_on(run, known, as_of, unknown, tell=tell)
    acts_told, made_on = _acts_told(run, new), day_made()
    told = Bulletin(
        schema=1,
        run_id=run.forecast.run_id,
        dyad=run.forecast.dyad,
        run_as_of=run.forecast.as_of,
        as_of=as_of,
        made_on=made_on,
        hindsight=made_on > as_of + timedelta(days=GRACE_DAYS),
        acts=acts_told,
        gravest=max((act.severity for act in acts_told if act.category in CONFLICTUAL), default=2),
        unknown_days=len(unknown),
        headline=run.forecast.headline,
        method="refit" if found.refitted else "reweight",
        run_draws=len(run.draws),
        effective_draws=found.effective_draws,
        failures=found.failures,
        withheld="too_few_draws" if found.failures and not allow_unconverged else None,
    )
    if told.withheld:
        return told
    before = carried_on(run, run.events, as_of, days)
    counting, counted_before = (
        replace(one, draws=one.draws.rows(_evenly(len(one.draws), _COUNTED_DRAWS)))
        for one in (found.chances, before.chances)
    )
    return told.model_copy(
        update={
            "targets": _targets(run, found.mixture, before.mixture, told),
            "counts": _counts(counting),
            "courses": _courses(counting, told.gravest),
            "next_acts": _next_acts(counting, counted_before),
        }
    )


# What is new


def _new_events(
    run: Run,
    acts: NewActs,
    summary: str,
    source: str,
) -> EventTable:
    if isinstance(acts, str | Path):
        config = run.inputs.config
        try:
            acts = load_events(str(acts), dates=config.events.dates, pairs=config.dyad.rule.pairs)
        except EventError as error:
            raise InputError(str(error)) from error
    if isinstance(acts, EventTable):
        return _new_rows(run, acts)
    if not isinstance(acts, Change):
        acts = Change.of({"events": list(acts)})
    return _stated_rows(run, acts, summary, source)


def _stated_rows(run: Run, change: Change, summary: str, source: str) -> EventTable:
    """Return the acts of a change as events, checked against the run."""
    dyad, faults = run.inputs.dyad, list[Fault]()
    for key in ("priors", "beliefs", "reactions", "without", "calendar"):
        if getattr(change, key):
            faults.append(Fault((key,), "a bulletin is of acts alone; leave it out, or ask for a scenario"))
    for place, act in enumerate(change.events):
        path = ("events", place)
        if act.date is None or act.probability != 1.0:
            faults.append(Fault(path, "what happened has a day, and neither a window nor a probability"))
        elif act.date <= run.forecast.as_of:
            message = (
                f"{act.date} is not after the as-of date of the run ({run.forecast.as_of}); put it into the "
                "event file and make the run again"
            )
            faults.append(Fault((*path, "date"), message))
        elif act.date > latest_day():
            message = f"{act.date} is in the future; ask 'forecast scenario' with --do what it would change"
            faults.append(Fault((*path, "date"), message))
        elif not act.by:
            faults.append(Fault(path, f"say who acted. Allowed: {', '.join(dyad.actors)}"))
        elif act.by in dyad.theatre and not act.towards:
            message = f"{act.by} is of neither side; say towards whom: {', '.join((*dyad.a, *dyad.b))}"
            faults.append(Fault(path, message))
    if faults:
        raise change.errors(faults)
    plan_change(run.inputs, change)
    if not change.events:
        raise InputError("no act is given; state one with --act, or a file of events with --events")

    def row(place: int, act: AssumedAct) -> Event:
        by, day = act.by or "", act.first_day
        other = dyad.b[0] if by in dyad.a else dyad.a[0]
        return Event(
            id=f"new-{place + 1}",
            date=day,
            known_date=day,
            initiator=by,
            recipient=act.towards or other,
            category=act.category,
            subcategory=act.subcategory or "",
            severity=act.severity,
            summary=act.label or summary,
            source_url=source,
        )

    return EventTable.from_events([row(*one) for one in enumerate(change.events)], STATED)


def _new_rows(run: Run, table: EventTable) -> EventTable:
    """Return the rows that became known after a run; the others have to be those that it read."""
    as_of = run.forecast.as_of
    acts = table.select(run.inputs.dyad.mask(table))

    def content(events: EventTable) -> Counter[tuple[object, ...]]:
        columns = (events.date, events.initiator, events.recipient, events.category, events.severity)
        return Counter(zip(*(column.tolist() for column in columns), strict=True))

    was, now = content(run.events), content(acts.known_by(as_of))
    gone, added = (was - now).total(), (now - was).total()
    if gone or added:
        raise InputError(
            f"{table.source}: of the rows known on {long_day(as_of)}, {count(gone, 'row')} of the run are "
            f"changed or missing and {added:,} are new: a bulletin takes in what came after. Make the run "
            "again"
        )
    new = acts.select(acts.known_date > np.datetime64(as_of, "D"))
    if not len(new):
        raise InputError(f"{table.source}: no row of the dyad is newer than the run ({long_day(as_of)})")
    rows = [replace(row, id=f"new-{place + 1}") for place, row in enumerate(new.rows())]
    return EventTable.from_events(rows, table.source, has_verified=table.has_verified)


def _acts_told(run: Run, new: EventTable) -> tuple[NewAct, ...]:
    layout, known = run.inputs.data.layout, run.events
    sides, own = layout.sides(known), layout.sides(new)
    told = []
    for place, row in enumerate(new.rows()):
        alike = (known.category == row.category) & (known.severity >= row.severity) & (sides == own[place])
        named = known.subcategory[known.category == row.category]
        acting = way(row.initiator, row.recipient)
        met = layout.targets_met(row.category, row.severity, acting)
        told.append(
            NewAct(
                day=row.date,
                category=row.category,
                subcategory=row.subcategory,
                severity=row.severity,
                by=row.initiator,
                summary=row.summary,
                source=row.source_url,
                meets=tuple(layout.targets[q].name for q in met),
                alike=int(alike.sum()),
                last_alike=known.date[alike].max().astype(date) if alike.any() else None,
                class_seen=not row.subcategory or row.subcategory in named,
            )
        )
    return tuple(sorted(told, key=lambda act: (act.category not in CONFLICTUAL, -act.severity, act.day)))


# The run carried on


def carried_on(
    run: Run,
    events: EventTable,
    as_of: date,
    unknown: Days | Sequence[date] = (),
    *,
    tell: Callable[[str], None] = lambda note: None,
) -> Carried:
    """Return the forecast of a run at a later day, given all ``events`` known by then.

    Nothing is known of the ``unknown`` days; where these are all, the draws stay as they are. ``tell`` hears
    of a new fit.
    """
    config = run.inputs.config
    ahead = tuple(milestone for milestone in config.milestones if milestone.date > as_of + timedelta(days=1))
    inputs = inputs_of(config.model_copy(update={"as_of": as_of, "milestones": ahead}), events)
    calendar = tuple(act for act in inputs.calendar if act.date > as_of)
    completeness = inputs.data.completeness.copy()
    completeness[(np.array(unknown, dtype="M8[D]") - np.datetime64(inputs.data.grid.start)).astype(int)] = 0.0
    inputs = replace(inputs, calendar=calendar, data=replace(inputs.data, completeness=completeness))
    n_days = max(*WINDOWS, *((milestone.date - as_of).days - 1 for milestone in ahead))
    seed = stage_seed(config, "chances")
    if inputs.data.layout.kinds == run.inputs.data.layout.kinds:
        draws, worth, tail = _weighted(run, inputs, even=len(unknown) == (as_of - run.forecast.as_of).days)
        if worth >= SEEN_DRAWS_MIN and tail <= PARETO_K_MAX:
            chances = Chances(inputs.data, inputs.priors, draws, n_days, seed)
            return Carried(mixture_of(inputs, chances), False, worth)
    chances, failures = fitted_anew(inputs, tell)
    draws = chances.draws.rows(_evenly(len(chances.draws)))
    chances = Chances(inputs.data, inputs.priors, draws, n_days, seed)
    return Carried(mixture_of(inputs, chances), True, float(len(draws)), failures)


def _evenly(n: int, most: int = _DRAWS) -> slice:
    return slice(None, None, max(1, n // most))


def _weighted(run: Run, inputs: Inputs, *, even: bool) -> tuple[StreamDraws, float, float]:
    """Draws of a run that stand for the posterior of a longer record, their worth, and Pareto k.

    They weigh ``even`` where the longer record tells nothing more.
    """
    rng = np.random.default_rng([stage_seed(run.inputs.config, "chances"), _SEED])
    own, data = run.draws, inputs.data
    points, before = point_layout(inputs.priors, data.grid.n_knots), own.points
    parameters, innovations, drifts = np.split(
        own.values, [before.n_parameters, before.n_parameters + before.n_knots], axis=1
    )
    new, new_drift = (
        rng.standard_normal((len(own), more))
        for more in (points.n_knots - before.n_knots, points.n_drift_knots - before.n_drift_knots)
    )
    values = np.concatenate([parameters, innovations, new, drifts, new_drift], axis=1)
    longer = StreamDraws(data.layout, points, values)
    ratio = np.zeros(len(own))
    if not even:
        with np.errstate(all="ignore"):
            ratio = log_likelihood(data, longer, inputs.priors) + log_prior_ratio(run, inputs.priors)
            ratio -= log_likelihood(run.inputs.data, own, run.inputs.priors)
    weights = importance_weights(np.where(np.isnan(ratio), -np.inf, ratio))
    edges = np.cumsum(weights.weights)
    edges[-1] = 1.0
    rows = np.searchsorted(edges, (np.arange(_DRAWS) + rng.random()) / _DRAWS)
    return longer.rows(rows), weights.effective_draws, weights.pareto_k


# What is told


def _targets(run: Run, now: Mixture, before: Mixture, told: Bulletin) -> tuple[TargetAfter, ...]:
    origin, met = told.as_of + timedelta(days=1), {name for act in told.acts for name in act.meets}
    found = []
    for target in run.forecast.targets:
        last = [(one.date, one.label, one.probability) for one in target.milestones if one.date > origin]
        windows = [(origin + timedelta(days=days), "", None) for days in WINDOWS]
        after = []
        for day, label, said in (*windows, *last):
            days = (day - origin).days
            curve, base = now.curves[target.name], before.curves[target.name]
            after.append(
                AfterActs(
                    days=days,
                    date=day,
                    milestone=label,
                    base=float(base.mean[days]),
                    probability=float(curve.mean[days]),
                    low=float(curve.low[days]),
                    high=float(curve.high[days]),
                    said=said,
                )
            )
        rule = next(rule for rule in now.inputs.rules if rule.name == target.name)
        found.append(
            TargetAfter(
                name=target.name,
                label=target.label,
                met=target.name in met,
                seen=target.observed_before,
                after=tuple(after),
                outside=now.inputs.outside(rule),
            )
        )
    return tuple(found)


def _conflict(chances: Chances, least: int, most: int = SEVERITIES[-1], side: int | None = None) -> Flags:
    """Acts of conflict of some severities, by either side or by one, shape (k, s)."""
    kinds = chances.data.layout.kinds
    of_side = np.array([one.side != NO_SIDE and side in (None, one.side) for one in kinds])
    grades = np.array([least <= severity <= most for severity in SEVERITIES])
    return np.asarray(of_side[:, None] & grades)


def _counts(chances: Chances) -> tuple[CountAfter, ...]:
    severities = [one for one in SEVERITIES if one >= COUNTED_FROM]
    counted = np.stack([_conflict(chances, one, one) for one in severities])
    data, numbers = chances.data, chances.counts(counted, (COURSE_DAYS,), order=_ORDER)[:, 0]
    hostile = np.array([kind.side != NO_SIDE for kind in data.layout.kinds])[data.stream]
    n_days, found = len(data.completeness), []
    for severity, chance in zip(severities, numbers, strict=True):
        daily = np.bincount(data.day[hostile & (data.severity == severity)], minlength=n_days)
        number, past = number_of_events(chance), np.convolve(daily, np.ones(COURSE_DAYS), mode="valid")
        found.append(
            CountAfter(
                severity=severity,
                usual=COURSE_DAYS * daily.sum() / n_days,
                usual_any=(past > 0).mean(),
                expected=number.expected,
                interval90=number.interval90,
                none=chance[0],
                half=number.most_in(0.5),
                nine_of_ten=number.most_in(0.9),
            )
        )
    return tuple(found)


def _courses(chances: Chances, severity: int) -> tuple[Course, ...]:
    """Courses by what comes within 30 days: none as grave, one as grave and none graver, a graver one."""
    last = severity == SEVERITIES[-1]
    flags = [_conflict(chances, severity, side=side) for side in (None, 0, 1)]
    flags += [_conflict(chances, min(severity + 1, SEVERITIES[-1]), side=side) for side in (None, 0, 1)]
    number = chances.counts(np.stack(flags), (7, COURSE_DAYS), order=1)
    any_, graver = 1 - number[:3, :, 0], 1 - number[3:, :, 0]
    if last:  # nothing is graver: another one, and then more
        graver = graver - number[3:, :, 1]
    answered = any_ - graver
    none = Course(name="fades", chance=1 - any_[0, 1], week=1 - any_[0, 0], by=(0.0, 0.0))

    def course(name: Literal["answered", "worse"], came: Floats) -> Course:
        """Of what came, by either side, by a and by b, within 7 and 30 days."""
        return Course(name=name, chance=came[0, 1], week=came[0, 0], by=(came[1, 1], came[2, 1]))

    return none, course("answered", answered), course("worse", graver)


def _next_acts(now: Chances, before: Chances) -> tuple[NextAct, ...]:
    layout = now.data.layout
    categories = [name for name in layout.categories if name in CONFLICTUAL]
    asked = [*product((0, 1), categories)]
    kinds = np.array([kind.category for kind in layout.kinds])
    flags = np.stack(
        [_conflict(now, NEXT_SEVERITY, side=side) & (kinds == name)[:, None] for side, name in asked]
    )
    chances = [1 - one.counts(flags, (NEXT_DAYS,), order=0)[:, 0, 0] for one in (now, before)]
    found = [
        NextAct(side="b" if side else "a", category=name, base=float(base), probability=float(probability))
        for (side, name), probability, base in zip(asked, *chances, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: -one.probability))
