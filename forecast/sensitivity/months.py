"""The risk of each target by month: as it stands, what scheduled events do to it, whether months differ."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import special

from forecast.baselines import climatology
from forecast.inference.importance import monte_carlo_error, ratio_by_draw
from forecast.models.draws import Floats
from forecast.records.analysis import (
    MATERIAL,
    STANDARD_DAYS,
    DatedEvent,
    MonthlyRisk,
    MonthRisk,
    ScheduledEffect,
    months_before,
)
from forecast.runs.mixture import Mixture
from forecast.runs.run import Run
from forecast.runs.summaries import constant_rate
from forecast.targets import TargetRule

LEVEL = 0.05
"""Chance that any month, or pair of months, is called different by luck."""
_WHOLE_DAYS = 28
"""From so many days on a month is compared with others."""
_FEWEST_DAYS = 20
"""Days below which a part of a month joins its neighbour."""


class MonthSpan(NamedTuple):
    """A calendar month or a part of it, or one with a stub beside it; both days belong to it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def months_ahead(first: date, end: date) -> list[MonthSpan]:
    """Calendar months from a day to the day before ``end``; the first and the last may be cut.

    One of few days joins its neighbour: no rate of 30 days is told from a week.
    """
    found: list[MonthSpan] = []
    while first < end:
        next_month = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
        found.append(MonthSpan(first, min(next_month, end) - timedelta(days=1)))
        first = next_month
        if len(found) > 1 and min(month.days for month in found[-2:]) < _FEWEST_DAYS:
            found[-2:] = [MonthSpan(found[-2].first, found[-1].last)]
    return found


def measure_monthly_risk(base: Run) -> tuple[MonthlyRisk, ...]:
    """Measure the risk of every target by month, that of the headline first."""
    config = base.inputs.config
    rules = sorted(base.inputs.rules, key=lambda rule: rule.name != config.headline.target)
    last = max(milestone.date for milestone in config.milestones)
    months = months_ahead(base.inputs.data.grid.origin, last)
    return tuple(_risk(base, rule, months) for rule in rules) if months else ()


def _risk(base: Run, rule: TargetRule, months: list[MonthSpan]) -> MonthlyRisk:
    inputs, origin = base.inputs, base.inputs.data.grid.origin
    ends = [0, *((month.last - origin).days + 1 for month in months)]
    hazards, firsts = _by_month(base.mixture, rule.name, ends)
    scheduled = [np.zeros_like(hazards[0])] * len(months)
    if base.mixture.plain is not None:
        before = _by_month(base.mixture.without_acts, rule.name, ends)[0]
        scheduled = [a - b for a, b in zip(hazards, before, strict=True)]
    lengths, start = sorted({month.days for month in months}), inputs.data.grid.start
    past = dict(zip(lengths, climatology(inputs.events, rule, origin, start, lengths), strict=True))
    rate = {days: constant_rate(inputs.events, rule, origin, start, days) for days in lengths}
    direct = [base.mixture.direct_error(rule.name, day) for day in ends]
    found = []
    for at, month in enumerate(months):
        # The draws of other members move the whole curve, so its steps share their luck.
        luck = abs(direct[at + 1] - direct[at])
        left = 1 - base.mixture.probability(rule.name, ends[at])
        found.append(
            MonthRisk(
                first_day=month.first,
                last_day=month.last,
                days=month.days,
                hazard=_inside(hazards[at]),
                hazard_mcse=float(np.hypot(_error(base, hazards[at]), luck / max(left, 1e-12))),
                in_30_days=_in_30_days(_inside(hazards[at]), month.days),
                probability=_inside(firsts[at]),
                mcse=float(np.hypot(_error(base, firsts[at]), luck)),
                past_windows=float(past[month.days]),
                constant_rate=rate[month.days],
                scheduled=float(scheduled[at].mean()),
                scheduled_mcse=_error(base, scheduled[at]),
                dated=tuple(_dated(base, month)),
            )
        )
    return _compared(base, rule.name, found, hazards)


def _in_30_days(hazard: float, days: int) -> float:
    """Chance within 30 days at the rate that gives a chance within so many."""
    return float(-np.expm1(np.log1p(-min(hazard, 1 - 1e-12)) * STANDARD_DAYS / days))


def _inside(by_draw: Floats) -> float:
    return min(max(float(by_draw.mean()), 0.0), 1.0)


def _error(base: Run, by_draw: Floats) -> float:
    return monte_carlo_error(by_draw, base.n_chains)


def _by_month(mixture: Mixture, target: str, ends: list[int]) -> tuple[list[Floats], list[Floats]]:
    """Hazard and probability of each month by draw; a hazard is 1 where the target is certain before."""
    curves = [*mixture.by_draw_at(target, np.array(ends)).T]
    firsts = [later - sooner for sooner, later in pairwise(curves)]
    hazards = [
        ratio_by_draw(first, 1 - sooner) if sooner.mean() < 1 - 1e-9 else np.ones_like(first)
        for sooner, first in zip(curves[:-1], firsts, strict=True)
    ]
    return hazards, firsts


def _dated(base: Run, month: MonthSpan) -> Iterator[DatedEvent]:
    config = base.inputs.config
    days = [DatedEvent(kind="milestone", date=day.date, label=day.title) for day in config.milestones]
    days += [
        DatedEvent(kind="scheduled", date=act.date, label=act.label, probability=act.probability)
        for act in config.calendar
    ]
    last = max(milestone.date for milestone in config.milestones)
    for event in sorted(days, key=lambda event: event.date):
        # The last milestone ends the window and is no day of it; it stands on the month that it closes.
        if month.first <= event.date <= month.last or (event.date == last == month.last + timedelta(days=1)):
            yield event


def _compared(base: Run, target: str, months: list[MonthRisk], hazards: list[Floats]) -> MonthlyRisk:
    """Compare the months before the milestone of the headline, beside which they stand."""
    end = base.inputs.config.headline_milestone.date
    near = months_before(months, end)
    whole = [at for at, month in enumerate(near) if month.days >= _WHOLE_DAYS] or [*range(len(near))]
    # Rounding may bring a month that is certain above 1.
    even = {at: 1 - np.clip(1 - hazards[at], 0, 1) ** (STANDARD_DAYS / months[at].days) for at in whole}
    high = max(whole, key=lambda at: even[at].mean())
    low = min(whole, key=lambda at: even[at].mean())
    apart = even[high] - even[low]
    difference, mcse = float(apart.mean()), _error(base, apart)
    pairs = len(whole) * (len(whole) - 1) // 2
    differ = bool(pairs) and difference > _limit(pairs) * mcse and difference > 0
    moved = [
        month
        for month in near
        if abs(month.scheduled) > _limit(len(near)) * month.scheduled_mcse
        and abs(month.scheduled) >= MATERIAL * max(month.hazard, month.hazard - month.scheduled)
        and month.scheduled
    ]
    effect = None
    if moved:
        day = (end - base.inputs.data.grid.origin).days
        most = max(moved, key=lambda month: abs(month.scheduled))
        effect = ScheduledEffect(
            month=most.first_day,
            added=most.in_30_days - _in_30_days(most.hazard - most.scheduled, most.days),
            before=end,
            chance=base.mixture.probability(target, day),
            without=base.mixture.without_acts.probability(target, day),
        )
    return MonthlyRisk(
        target=target,
        months=tuple(months),
        highest=months[high].first_day,
        lowest=months[low].first_day,
        difference=difference,
        difference_mcse=mcse,
        months_differ=differ,
        highest_risk=float(even[high].mean()),
        lowest_risk=float(even[low].mean()),
        effect=effect,
    )


def _limit(comparisons: int) -> float:
    """Standard errors that one of so many comparisons passes by luck with probability ``LEVEL``."""
    return float(-special.ndtri(LEVEL / 2 / comparisons))
