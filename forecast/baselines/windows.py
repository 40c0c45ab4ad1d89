"""Origins, what is known before each, and whether the target happened in the windows after it.

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
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY = np.timedelta64(1, "D")
DENSE_DAYS, DENSE_EVENTS = 90, 6


def as_day(day: date | np.datetime64) -> np.datetime64:
    """Return a day as ``datetime64[D]``."""
    return np.datetime64(day, "D")


def monthly_origins(first: date, last: date) -> Days:
    """Return the first day of every month in [first, last], ascending (``InputError`` when there is none)."""
    months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + np.timedelta64(1, "M"))
    days = months.astype("datetime64[D]")
    return _some(days[(days >= as_day(first)) & (days <= as_day(last))], first, last, "no month begins")


def quarterly_origins(first: date, last: date) -> Days:
    """Return the first day of every quarter in [first, last], ascending (``InputError`` for none)."""
    months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + np.timedelta64(1, "M"))
    days = months[months.astype(np.int64) % 3 == 0].astype("datetime64[D]")
    return _some(days[(days >= as_day(first)) & (days <= as_day(last))], first, last, "no quarter begins")


def weekly_origins(first: date, last: date) -> Days:
    """Return every seventh day of [first, last], from ``first`` on (``InputError`` for an empty span)."""
    days = np.arange(as_day(first), as_day(last) + DAY, np.timedelta64(7, "D"))
    return _some(days, first, last, "no week begins")


def _some(days: Days, first: date, last: date, nothing: str) -> Days:
    if not len(days):
        raise InputError(f"origins: {nothing} between {first} and {last}. Give a longer span")
    return days


def listed_origins(days: Sequence[date]) -> Days:
    """Return the given days, ascending (``InputError`` when there is none, or one appears twice)."""
    origins = np.sort(np.array(days, dtype="datetime64[D]"))
    if not len(origins):
        raise InputError("origins: the list is empty. Give at least one day, or 'monthly' or 'weekly'")
    twice = origins[1:][origins[1:] == origins[:-1]]
    if len(twice):
        raise InputError(f"origins: {twice[0]} appears twice. Give each day once")
    return origins


def horizon_lengths(days: Sequence[int]) -> Horizons:
    """Return horizons in days, ascending (``InputError`` for none, one twice, or one shorter than a day)."""
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
    """Whether the target happened in each window: ``outcome``, shape (origin, horizon), is 1 or 0.

    It is NaN where the window ends after the data.
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

    ``events`` are everything known by now, not cut at the origins, and cover days up to ``data_end``; origins
    and horizons ascend. ``InputError`` when a horizon has no complete window: even the first origin's ends
    after the data.
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


@dataclass(frozen=True)
class PastEvents:
    """Events known before an origin that happened on or after ``start``; with earlier origins to forecast at.

    ``n_days`` are the days from ``start`` to the origin, at least 1; day ``n_days`` is the origin itself and
    is not known. ``day`` of the act and ``known_day``, when it became public, count from ``start``; both are
    below ``n_days``. All arrays are of shape (event,).

    ``origin_days``, shape (origin,), are the days to forecast at, ascending; the last is ``n_days``. What was
    known at an earlier one are the events before that day: so where there are several, every event was known
    on its day.
    """

    n_days: int
    origin_days: NDArray[np.int64]
    day: NDArray[np.int64]
    known_day: NDArray[np.int64]
    category: NDArray[np.object_]
    is_target: Flags

    def window_hits(self, horizon_days: int) -> Flags:
        """Whether each complete past window [w, w + horizon_days) holds a target event, by ``w``."""
        n_windows = max(self.n_days - horizon_days + 1, 0)
        events = np.bincount(self.day[self.is_target], minlength=self.n_days)
        so_far = np.concatenate([[0], np.cumsum(events)])
        return np.asarray(so_far[horizon_days:][:n_windows] > so_far[:n_windows])

    def decayed_count(self, chosen: Flags, half_life_days: float) -> Floats:
        """Exponentially decayed number of the chosen events known before each day; ``inf`` for a plain count.

        Entry ``t``, shape (n_days + 1,): sum over events with known_day < t of 2^(−(t − 1 − day) /
        half-life); the last is that at the origin. An act disclosed late enters late, already aged.
        """
        from scipy.signal import (
            lfilter,
        )  # here, since it takes longer to load than all that needs no features

        decay = 2.0 ** (-1.0 / half_life_days)
        lag = self.known_day[chosen] - self.day[chosen]
        entering = np.bincount(self.known_day[chosen], weights=decay**lag, minlength=self.n_days)
        total = lfilter([1.0], [1.0, -decay], entering)
        return np.concatenate([[0.0], total])

    def first_of_day(self) -> Flags:
        """True for one target event of each day that has any, the first to be known, shape (event,)."""
        targets = np.flatnonzero(self.is_target)
        targets = targets[np.argsort(self.known_day[targets], kind="stable")]
        _, first = np.unique(self.day[targets], return_index=True)
        kept = np.zeros_like(self.is_target)
        kept[targets[first]] = True
        return kept


def past_events(
    events: EventTable, target: TargetRule, origin: date | np.datetime64, start: date
) -> PastEvents:
    """Cut the events to what was public before the origin (``InputError`` unless it is after the start)."""
    return _cut(events, target, np.array([as_day(origin)]), start)


def pasts_by_origin(events: EventTable, target: TargetRule, origins: Days, start: date) -> list[PastEvents]:
    """Cut the events to what was public before each origin; together they have all origins, in their order.

    One serves all origins where every event was known on its day. An act disclosed late changes the past of
    earlier days: then each origin has its own. ``origins`` ascend; ``InputError`` unless the first is after
    the start.
    """
    if np.array_equal(events.known_date, events.date):
        # The first is the one to refuse: the last may be after the start.
        past_events(events, target, origins[0], start)
        return [_cut(events, target, origins, start)]
    return [past_events(events, target, origin, start) for origin in origins]


def _cut(events: EventTable, target: TargetRule, origins: Days, start: date) -> PastEvents:
    first, end = as_day(start), origins[-1]
    origin_days = (origins - first).astype(np.int64)
    n_days = int(origin_days[-1])
    if n_days < 1:
        raise InputError(f"origin {end}: nothing is known before it, the data start {start}. Begin later")
    known = (events.known_date < end) & (events.date >= first)
    return PastEvents(
        n_days,
        origin_days,
        ((events.date[known] - first) // DAY).astype(np.int64),
        ((events.known_date[known] - first) // DAY).astype(np.int64),
        events.category[known],
        target.mask(events)[known],
    )


def find_record_start(events: EventTable, before: date) -> date:
    """Day from which a record is dense enough for its silence to mean something.

    Archives often hold a few stray rows from years in which the dyad was hardly covered. Counting those
    years as peace lowers every baseline. The record starts with the first event known before ``before`` that
    is followed by at least ``DENSE_EVENTS`` − 1 more within ``DENSE_DAYS`` days, or with the first event when
    no stretch is dense (``InputError`` when no event is known before that day).
    """
    days = np.sort(events.date[events.known_date < as_day(before)])
    if not len(days):
        raise InputError(
            f"no event is known before {before}, the first origin. Begin later, or add older events"
        )
    spans = days[DENSE_EVENTS - 1 :] - days[: max(len(days) - DENSE_EVENTS + 1, 0)]
    dense = np.flatnonzero(spans < DENSE_DAYS * DAY)
    chosen: date = days[dense[0] if len(dense) else 0].item()
    return chosen
