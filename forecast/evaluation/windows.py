"""Origins, windows after them, and whether the target happened in each.

An origin is 00:00 of its day: what became public before that day is known. The window of ``H`` days is
[origin, origin + H), the origin's day included. The outcome is 1 when any target event lies in the window
by its own date, whenever it became public. A window that ends after the data is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.errors import InputError
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule

Days = NDArray[np.datetime64]
Horizons = NDArray[np.int64]

DAY = np.timedelta64(1, "D")


def as_day(day: date | np.datetime64) -> np.datetime64:
    """Return a day as ``datetime64[D]``."""
    return np.datetime64(day, "D")


def monthly_origins(first: date, last: date) -> Days:
    """Return the first day of every month in [first, last], shape (origin,), ascending.

    Raises
    ------
    InputError
        No month begins in the span.
    """
    months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + np.timedelta64(1, "M"))
    days = months.astype("datetime64[D]")
    return _some(days[(days >= as_day(first)) & (days <= as_day(last))], first, last, "no month begins")


def weekly_origins(first: date, last: date) -> Days:
    """Return every seventh day of [first, last], beginning with ``first``, shape (origin,).

    Raises
    ------
    InputError
        The span is empty.
    """
    days = np.arange(as_day(first), as_day(last) + DAY, np.timedelta64(7, "D"))
    return _some(days, first, last, "no week begins")


def listed_origins(days: Sequence[date]) -> Days:
    """Return the given days as origins, ascending, shape (origin,).

    Raises
    ------
    InputError
        The list is empty or a day appears twice.
    """
    origins = np.sort(np.array(days, dtype="datetime64[D]"))
    if not len(origins):
        raise InputError("origins: the list is empty. Give at least one day, or 'monthly' or 'weekly'")
    twice = origins[1:][origins[1:] == origins[:-1]]
    if len(twice):
        raise InputError(f"origins: {twice[0]} appears twice. Give each day once")
    return origins


def horizon_lengths(days: Sequence[int]) -> Horizons:
    """Return horizons in days, ascending, shape (horizon,).

    Raises
    ------
    InputError
        The list is empty, a horizon appears twice or is shorter than a day.
    """
    horizons = np.sort(np.array(days, dtype=np.int64))
    if not len(horizons):
        raise InputError("horizons: the list is empty. Give lengths in days, e.g. 30,90,180")
    if horizons[0] < 1:
        raise InputError(f"horizons: {horizons[0]} days is too short. Allowed: 1 day or more")
    twice = horizons[1:][horizons[1:] == horizons[:-1]]
    if len(twice):
        raise InputError(f"horizons: {twice[0]} days appears twice. Give each length once")
    return horizons


@dataclass(frozen=True)
class BinaryOutcomes:
    """Whether the target happened in each window.

    Parameters
    ----------
    target : str
        Name of the target.
    origin : ndarray of datetime64[D], shape (origin,)
    horizon_days : ndarray of int64, shape (horizon,)
    outcome : ndarray of float64, shape (origin, horizon)
        1 or 0; NaN where the window ends after the data.
    """

    target: str
    origin: Days
    horizon_days: Horizons
    outcome: NDArray[np.float64]

    @property
    def complete(self) -> NDArray[np.bool_]:
        """True where the window lies within the data, shape (origin, horizon)."""
        return ~np.isnan(self.outcome)


def observe_outcomes(
    events: EventTable, target: TargetRule, origins: Days, horizons: Horizons, data_end: date
) -> BinaryOutcomes:
    """Look up whether the target happened in each window.

    Parameters
    ----------
    events : EventTable
        Everything known by now, not cut at the origins.
    origins, horizons
        As made by the functions above.
    data_end : date
        Last day that the data cover.

    Raises
    ------
    InputError
        A horizon has no complete window: even the first origin's ends after the data.
    """
    end = as_day(data_end)
    longest = int((end - origins[0]).astype(np.int64)) + 1
    if horizons[-1] > longest:
        allowed = f"Allowed: up to {longest} days" if longest > 0 else "Begin earlier"
        raise InputError(
            f"horizons: no window of {horizons[-1]} days is complete: the first origin is {origins[0]} and "
            f"the data end on {data_end}. {allowed}"
        )
    hit_days = np.sort(events.date[target.mask(events)])
    last = origins[:, None] + (horizons * DAY)[None, :] - DAY
    before_start = np.searchsorted(hit_days, origins, side="left")[:, None]
    through_last = np.searchsorted(hit_days, last, side="right")
    outcome = (through_last > before_start).astype(np.float64)
    outcome[last > end] = np.nan
    return BinaryOutcomes(target.name, origins, horizons, outcome)


def _some(days: Days, first: date, last: date, nothing: str) -> Days:
    if not len(days):
        raise InputError(f"origins: {nothing} between {first} and {last}. Give a longer span")
    return days
