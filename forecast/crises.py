"""Crises of a record: the days after a grave act of conflict in quiet, when the target may come next.

A crisis begins an *origin*, the day after the act became public. Days are ``datetime64[D]``, ascending where
they are returned; whatever is found at an origin rests on days before it alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CONFLICTUAL
from forecast.events.table import EventTable
from forecast.targets import TargetRule

Days = NDArray[np.datetime64]

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, kw_only=True)
class CrisisRule:
    """What makes a crisis: an act of ``min_severity`` or above, after ``quiet_days`` without the target.

    ``None``: the gravest severity below the target's that the record holds. Crises begin more than
    ``apart_days`` after one another.
    """

    min_severity: int | None = None
    quiet_days: int = 180
    apart_days: int = 30


def gravest_below(events: EventTable, target: TargetRule) -> int | None:
    """Gravest severity below the target's that an act of conflict of the record has; ``None`` without one."""
    below = np.isin(events.category, CONFLICTUAL) & (events.severity < target.min_severity)
    return int(events.severity[below].max()) if below.any() else None


def crisis_origins(events: EventTable, target: TargetRule, rule: CrisisRule | None = None) -> Days:
    """Days after a grave act that is not of the target, in quiet; none where the record has no such act.

    The target's days are those on which it happened, known or not: a crisis in which it had come is none.
    """
    rule = rule or CrisisRule()
    least = rule.min_severity or gravest_below(events, target)
    came = target.mask(events)
    grave = np.isin(events.category, CONFLICTUAL) & ~came & (events.severity >= (least or np.inf))
    return crisis_days(events.known_date[grave], events.date[came], rule.quiet_days, rule.apart_days) + DAY


def crisis_days(grave: Days, target: Days, quiet_days: int, apart_days: int) -> Days:
    """Days of ``grave`` with no target in so many days up to and on them, and no such day shortly before.

    The target on the same day ends the quiet. Of days that follow one another within ``apart_days``, counted
    from the last that was kept, the first is kept.
    """
    grave = np.unique(grave)
    grave = grave[days_since(target, grave + DAY) > quiet_days]
    kept: list[np.datetime64] = []
    for day in grave:
        if not kept or day - kept[-1] > apart_days * DAY:
            kept.append(day)
    return np.array(kept, "datetime64[D]")


def days_since(target: Days, origins: Days) -> NDArray[np.float64]:
    """Days from the last target day to each origin, 1 on the day after it; ``inf`` where it never came."""
    target = np.unique(target)
    place = np.searchsorted(target, origins, side="left")
    since = np.full(len(origins), np.inf)
    some = place > 0
    since[some] = (origins[some] - target[place[some] - 1]) / DAY
    return since
