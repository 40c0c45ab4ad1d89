"""When: the risk of each target by calendar month, and whether any date in them matters.

The chance of a first case in a month, given none before, is a ratio of the forecast's own chances. Dates can
matter by the scheduled events alone, since the forecast knows no other; what these change in a month is the
difference of two forecasts on the same random numbers, with and without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from forecast import wording
from forecast.baselines import climatology
from forecast.inference.importance import monte_carlo_error, ratio_by_draw
from forecast.panel import TargetRule
from forecast.records.explained import DatedEvent, MonthlyRisk, MonthRisk
from forecast.runs.mixture import Mixture
from forecast.runs.run import Run
from forecast.runs.summaries import constant_rate
from forecast.simulation.paths import simulate_first_passages

Floats = NDArray[np.float64]

LEVEL = 0.05
"""Chance that any month, or pair of months, is called different by luck."""
MATERIAL = 0.1
"""Part of a month's risk below which what scheduled events change is not called a matter of the date."""
STANDARD_DAYS = 30
"""Hazards of months are compared for so many days."""
_PAIRED_PATHS = 4
_WHOLE_DAYS = 28


class Month(NamedTuple):
    """A calendar month or a part of it; both days belong to it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def months_ahead(first: date, end: date) -> list[Month]:
    """Calendar months from a day to the day before ``end``; the first and the last may be cut."""
    found = []
    while first < end:
        next_month = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
        found.append(Month(first, min(next_month, end) - timedelta(days=1)))
        first = next_month
    return found


def measure_monthly_risk(base: Run) -> tuple[MonthlyRisk, ...]:
    """Measure the risk of every target by month, that of the headline first."""
    config = base.inputs.config
    rules = sorted(base.inputs.rules, key=lambda rule: rule.name != config.headline.target)
    months = months_ahead(base.inputs.data.grid.origin, max(one.date for one in config.milestones))
    paired = _paired(base)
    return tuple(_risk(base, rule, months, paired) for rule in rules) if months else ()


def _paired(base: Run) -> tuple[Mixture, Mixture] | None:
    """The forecast with and without scheduled events, on the same paths; ``None`` where there are none."""
    mixture, inputs = base.mixture, base.inputs
    if not inputs.calendar:
        return None
    if mixture.plain is not None:
        return mixture, replace(mixture, ahead=mixture.plain, plain=None, met=None, acts=())
    # The model alone has no paths without scheduled events yet; a few tell a difference.
    options = replace(base.simulation, first_paths=min(_PAIRED_PATHS, mixture.paths.day.shape[2]))
    plain = simulate_first_passages(inputs.data, base.draws, options)
    few = replace(mixture.paths, day=mixture.paths.day[:, :, : options.n_paths], acts=None)
    return replace(mixture, ahead=few), replace(mixture, ahead=plain, acts=())


def _risk(
    base: Run, rule: TargetRule, months: list[Month], paired: tuple[Mixture, Mixture] | None
) -> MonthlyRisk:
    inputs, origin = base.inputs, base.inputs.data.grid.origin
    ends = [0, *((one.last - origin).days + 1 for one in months)]
    hazards, firsts = _by_month(base.mixture, rule.name, ends)
    scheduled = [np.zeros_like(hazards[0])] * len(months)
    if paired is not None:
        now, before = (_by_month(one, rule.name, ends)[0] for one in paired)
        scheduled = [a - b for a, b in zip(now, before, strict=True)]
    lengths, start = sorted({one.days for one in months}), inputs.data.grid.start
    shares = climatology(inputs.events, rule, origin, start, lengths)
    past = dict(zip(lengths, shares, strict=True))
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
                probability=_inside(firsts[at]),
                mcse=float(np.hypot(_error(base, firsts[at]), luck)),
                past_windows=float(past[month.days]),
                constant_rate=rate[month.days],
                scheduled=float(scheduled[at].mean()),
                scheduled_mcse=_error(base, scheduled[at]),
                dated=tuple(_dated(base, month)),
            )
        )
    return _told(base, rule.name, found, hazards)


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


def _dated(base: Run, month: Month) -> Iterator[DatedEvent]:
    config = base.inputs.config
    days = [DatedEvent(kind="milestone", date=one.date, label=one.title) for one in config.milestones]
    days += [
        DatedEvent(kind="scheduled", date=one.date, label=one.label, probability=one.probability)
        for one in config.calendar
    ]
    last = max(one.date for one in config.milestones)
    for one in sorted(days, key=lambda one: one.date):
        # The last milestone ends the window and is no day of it; it stands on the month that it closes.
        if month.first <= one.date <= month.last or (one.date == last == month.last + timedelta(days=1)):
            yield one


def _told(base: Run, target: str, months: list[MonthRisk], hazards: list[Floats]) -> MonthlyRisk:
    whole = [at for at, one in enumerate(months) if one.days >= _WHOLE_DAYS] or [*range(len(months))]
    even = {at: hazards[at] * (STANDARD_DAYS / months[at].days) for at in whole}
    high = max(whole, key=lambda at: even[at].mean())
    low = min(whole, key=lambda at: even[at].mean())
    apart = even[high] - even[low]
    difference, mcse = float(apart.mean()), _error(base, apart)
    pairs = len(whole) * (len(whole) - 1) // 2
    differ = bool(pairs) and difference > _limit(pairs) * mcse and difference > 0
    moved = [
        one
        for one in months
        if abs(one.scheduled) > _limit(len(months)) * one.scheduled_mcse
        and abs(one.scheduled) >= MATERIAL * max(one.hazard, one.hazard - one.scheduled)
        and one.scheduled
    ]
    told = MonthlyRisk(
        target=target,
        months=tuple(months),
        highest=months[high].first_day,
        lowest=months[low].first_day,
        difference=difference,
        difference_mcse=mcse,
        months_differ=differ,
        date_matters=bool(moved),
        sentence="",
    )
    if moved:
        return told.model_copy(update={"sentence": _matters(max(moved, key=lambda one: abs(one.scheduled)))})
    ends = wording.percent(float(even[low].mean())), wording.percent(float(even[high].mean()))
    return told.model_copy(
        update={"sentence": _matters_not(told, ends, scheduled=bool(base.inputs.calendar))}
    )


def _limit(comparisons: int) -> float:
    """Standard errors that one of so many comparisons passes by luck with probability ``LEVEL``."""
    return float(stats.norm.isf(LEVEL / 2 / comparisons))


def _matters(month: MonthRisk) -> str:
    verb, other = ("add", "to") if month.scheduled > 0 else ("take", "off")
    return (
        f"{_month_of(month.first_day)} matters most: scheduled events {verb} "
        f"{_with_error(month.scheduled, month.scheduled_mcse)} {other} its risk, which is "
        f"{wording.percent(month.hazard)}."
    )


def _matters_not(told: MonthlyRisk, ends: tuple[str, str], *, scheduled: bool) -> str:
    """Say that no date matters; ``ends`` are the lowest and the highest risk of 30 days in percent."""
    why = "scheduled events hardly change the risk of any month" if scheduled else "no event is scheduled"
    if len(told.months) == 1:
        return f"No date matters: {why}."
    if not told.months_differ:
        return (
            f"No date matters: {why}, and months do not differ beyond simulation error "
            f"({ends[0]} to {ends[1]} in 30 days)."
        )
    return (
        f"No date matters: {why}; the 30-day risk ranges from {ends[0]} in {_month_of(told.lowest)} to "
        f"{ends[1]} in {_month_of(told.highest)}, {_with_error(told.difference, told.difference_mcse)} apart."
    )


def _with_error(change: float, mcse: float) -> str:
    """A change in points with its 95% Monte Carlo error."""
    return f"{wording.points(change)} (±{max(1.96 * mcse, 0.0005) * 100:.1f})"


def _month_of(day: date) -> str:
    return f"{wording.month_name(day)} {day.year}"
