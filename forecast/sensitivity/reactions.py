"""The reactions that a config declares: what followed their triggers, what chance alone gives, what one does.

Cases are counted as ``forecast.precedents`` counts them: a day with a trigger is a case, answered where the
answer falls on one of the next days. The chance is that of the parameter ``reaction.number``; the effect is
that of one trigger on the first day ahead, on the draws of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.config.schema import LEARNED, reaction_stated
from forecast.errors import InputError
from forecast.events.codebook import SEVERITIES
from forecast.events.table import EventTable
from forecast.inference.importance import monte_carlo_error
from forecast.precedents import base_share, is_followed
from forecast.priors import answer_chance
from forecast.records.analysis import FollowedBy, GradeFollowed, ReactionCase, ReactionEffect, ReactionFacts
from forecast.records.forecast import MethodReason
from forecast.runs.mixture import meets, quantiles
from forecast.runs.run import Run
from forecast.scenarios.answer import Answer, Way
from forecast.scenarios.evaluate import AFTER_DAYS
from forecast.targets import ActClass, FutureAct, TargetRule

REFERENCE = 4
"""Severity of the trigger that a chance is stated for."""
MOST_CASES = 50
"""Cases kept: the answered ones first, then the gravest, then the latest."""


def measure_reactions(base: Run) -> tuple[ReactionFacts, ...]:
    """Measure every reaction of a run, in the order of its config."""
    return tuple(_measured(base, place) for place in range(len(base.inputs.reactions)))


def _measured(base: Run, place: int) -> ReactionFacts:
    inputs = base.inputs
    reaction = inputs.reactions[place]
    shown, over, n_cases = _cases(base, place)
    number = inputs.priors.priors[f"reaction.number.{reaction.name}"]
    names = [prior.name for prior in inputs.priors.of_group(number.group)]
    answers, steeper = (
        base.samples.variables[group].reshape(base.samples.n_draws, -1)[:, names.index(number.name)]
        for group in (number.group.name, "reaction.severity")
    )
    prior, prior90 = answer_chance(number.distribution)
    headline = inputs.config.headline
    rule = next(rule for rule in inputs.rules if rule.name == headline.target)
    trigger = reaction.when and trigger_shown(reaction.when, rule, inputs.data.grid.origin)
    told = trigger or (reaction.when and trigger_of(reaction.when, inputs.data.grid.origin))
    chance = -np.expm1(-answers * np.exp(steeper * (told.severity - REFERENCE if told else 0)))
    record = _record(base)
    answering = inputs.data.layout.answers[place][inputs.data.layout.assign(record)]
    return ReactionFacts(
        stated=reaction_stated(
            reaction.name, inputs.config.reactions[reaction.name], inputs.config, inputs.events
        ),
        cases=n_cases,
        answer=_followed(base, reaction.days, over, record.date[answering], None),
        targets=tuple(
            _followed(base, reaction.days, over, record.date[rule.mask(record)], rule.name)
            for rule in inputs.rules
        ),
        shown=shown[:MOST_CASES],
        prior=prior,
        prior90=prior90,
        chance_stated=number.origin != "default" or reaction.chance != LEARNED,
        chance=float(chance.mean()),
        chance90=tuple(np.quantile(chance, [0.05, 0.95]).tolist()),
        target=headline.target,
        counts_itself=bool(reaction.when and trigger is None),
        severity=told.severity if told else None,
        effects=tuple(_effects(base, trigger)) if trigger else (),
    )


def _record(base: Run) -> EventTable:
    """Events of the days that are fitted."""
    grid = base.inputs.data.grid
    return base.inputs.events.between(grid.start, grid.origin - timedelta(days=1))


def _cases(base: Run, place: int) -> tuple[tuple[ReactionCase, ...], Mapping[int, int | None], int]:
    """Cases as they are kept; the severity of each whose days are over, by its day; how many these are."""
    inputs, layout, events = base.inputs, base.inputs.data.layout, _record(base)
    grid, reaction = inputs.data.grid, inputs.reactions[place]
    n_days, stream = (grid.origin - grid.start).days, layout.assign(events)
    day = (events.date - np.datetime64(grid.start, "D")).astype(np.int64)
    answers = np.unique(day[layout.answers[place][stream]])
    gravest: dict[int, int | None] = {}
    if reaction.when is None:
        gravest = dict.fromkeys(inputs.data.occasions(place).tolist(), None)
    else:
        rows = np.flatnonzero(layout.sets_off[place][stream])
        for row in rows[np.argsort(events.severity[rows], kind="stable")].tolist():
            gravest[int(day[row])] = row
    found = []
    for on, row in sorted(gravest.items()):
        after = answers[(answers > on) & (answers <= on + reaction.days)]
        found.append(
            ReactionCase(
                date=grid.start + timedelta(days=on),
                event_id=None if row is None else str(events.id[row]),
                severity=None if row is None else int(events.severity[row]),
                what="" if row is None else str(events.summary[row]),
                answered_on=grid.start + timedelta(days=int(after[0])) if len(after) else None,
                over=on + reaction.days < n_days,
            )
        )
    over = {(case.date - grid.start).days: case.severity for case in found if case.over}
    found.sort(key=lambda case: (case.answered_on is None, -(case.severity or 0), -case.date.toordinal()))
    return tuple(found), over, len(over)


def _followed(
    base: Run, days: int, over: Mapping[int, int | None], dates: NDArray[np.datetime64], target: str | None
) -> FollowedBy:
    """Count cases that acts on these dates followed, and on how many days these acts fell."""
    grid = base.inputs.data.grid
    on = np.unique((dates - np.datetime64(grid.start, "D")).astype(np.int64))
    met, cases = is_followed(on, (grid.origin - grid.start).days, days), np.array([*over], dtype=np.int64)
    after = {int(day) for case in cases for day in on[(on > case) & (on <= case + days)]}
    grades = sorted({*over.values()}, key=lambda severity: severity or 0)
    by_severity = []
    for grade in grades:
        of_grade = [case for case, severity in over.items() if severity == grade]
        followed = int(met[of_grade].sum())
        by_severity.append(GradeFollowed(severity=grade, cases=len(of_grade), followed=followed))
    return FollowedBy(
        target=target,
        followed=int(met[cases].sum()),
        answers=len(after),
        by_severity=tuple(by_severity),
        by_chance=base_share(met, cases) if len(cases) < len(met) else None,
    )


def trigger_shown(when: ActClass, rule: TargetRule, day: date) -> FutureAct | None:
    """Return the act of a class whose effect on a target is told: one that does not meet it by itself."""
    trigger = trigger_of(when, day)
    triggers = (replace(trigger, severity=severity) for severity in when.severities or SEVERITIES)
    return min((one for one in triggers if not meets(one, rule)), key=_from_reference, default=None)


def _effects(base: Run, trigger: FutureAct) -> Iterator[ReactionEffect]:
    """Yield what one trigger on the first day ahead does to the headline's target."""
    inputs, target = base.inputs, base.inputs.config.headline.target
    origin = inputs.data.grid.origin
    ahead = base.thinned_process.survival((*inputs.calendar, trigger))
    moved = replace(base.thinned, ahead=ahead, plain=base.thinned.without_acts.survival)
    found = Answer(base, moved, base.thinned, Way("exact", MethodReason(code="only_future")))
    headline = inputs.config.milestone(inputs.config.headline.milestone)
    ends: list[tuple[int | None, int]] = [
        (days, days + 1) for days in AFTER_DAYS if days + 1 <= moved.horizon_days
    ]
    ends += [(None, (headline.date - origin).days)] if headline.date > origin else []
    for days, end in ends:
        yield ReactionEffect(
            days=days,
            date=headline.date if days is None else origin + timedelta(days=days),
            probability=float(found.curves[target].mean[end]),
            base=float(base.curves[target].mean[end]),
            mcse=found.errors(target, end, 0.0)[1],
        )


def trigger_of(when: ActClass, day: date) -> FutureAct:
    """Return an act of a class that surely happens on a day, of severity 4 or the nearest that it holds."""
    subcategory = when.subcategory[0].replace("*", "") if when.subcategory else ""
    by = when.by[0] if when.by else ""
    acts = (
        FutureAct(day, when.category, severity, 1.0, label="trigger", by=by, subcategory=subcategory)
        for severity in when.severities or SEVERITIES
    )
    return min(acts, key=_from_reference)


def _from_reference(act: FutureAct) -> int:
    return abs(act.severity - REFERENCE)


class Followed(NamedTuple):
    """Chance that a target follows an act within days, and the cases of such acts in the record.

    ``by_chance`` is the share of all other days that were followed as soon.
    """

    probability: float
    mcse: float
    interval90: tuple[float, float]
    cases: int
    answered: int
    by_chance: float


def chance_after(run: Run, acts: ActClass, days: int, target: str) -> Followed:
    """Measure how likely a target follows within days of an act of a class on the first day ahead.

    The act has the severities that its class has in the record. A case is a day with such an act; the day of
    an act does not count. Raises ``InputError``: such acts meet the target themselves, or the run does not
    reach so far.
    """
    inputs, grid = run.inputs, run.inputs.data.grid
    rule = next(rule for rule in inputs.rules if rule.name == target)
    act = trigger_of(acts, grid.origin)
    if any(rule.meets(acts.category, severity, act.by) for severity in acts.severities):
        raise InputError(
            f"--if: an act of this class meets '{target}' by itself, so there is nothing to wait for. Give "
            "another class, severity or actor"
        )
    if days >= run.mixture.horizon_days:
        raise InputError(
            f"--within: got {days}; the run reaches {run.mixture.horizon_days - 1} days after its first day"
        )
    events = inputs.events.between(grid.start, inputs.config.as_of)
    of_class = acts.mask(events)
    on = (events.date - np.datetime64(grid.start, "D")).astype(np.int64)
    met = is_followed(np.unique(on[rule.mask(events)]), (grid.origin - grid.start).days, days)
    every = np.unique(on[of_class])
    cases = every[every < len(met)]
    seen, number = np.unique(events.severity[of_class], return_counts=True)
    shares = dict(zip(seen.tolist(), number / number.sum(), strict=True)) or {act.severity: 1.0}
    ends = np.array([1, days + 1])  # the day of the act itself does not count
    parts = []
    for severity, part in shares.items():
        ahead = run.process.survival((*inputs.calendar, replace(act, severity=severity)))
        moved = replace(run.mixture, ahead=ahead, plain=run.mixture.without_acts.survival)
        draws, weights = moved.draws(target)
        by_day = moved.curves[target].mean, draws, moved.by_draw_at(target, np.arange(days + 2))
        parts.append([part * values[..., ends] for values in by_day])
    chance, of_draws, of_runs = (
        (values[..., 1] - values[..., 0]) / (1 - values[..., 0])
        for values in (np.sum(same, axis=0) for same in zip(*parts, strict=True))
    )
    low, high = quantiles(of_draws, weights)
    return Followed(
        probability=float(chance),
        mcse=monte_carlo_error(of_runs, run.n_chains),
        interval90=(float(low), float(high)),
        cases=len(cases),
        answered=int(met[cases].sum()),
        by_chance=base_share(met, cases),
    )
