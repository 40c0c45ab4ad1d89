"""What a baseline may know at an origin: daily arrays of the past, cut by ``known_date``.

Days are counted from ``start``; day ``n_days`` is the origin itself and is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from forecast.errors import InputError
from forecast.evaluation.windows import DAY, as_day
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class PastEvents:
    """Events known before an origin that happened on or after ``start``.

    Parameters
    ----------
    n_days : int
        Days from ``start`` to the origin, at least 1.
    day, known_day : ndarray of int64, shape (event,)
        Day of the act and day it became public, counted from ``start``; both below ``n_days``.
    category : ndarray of object, shape (event,)
    is_target : ndarray of bool, shape (event,)
    """

    n_days: int
    day: NDArray[np.int64]
    known_day: NDArray[np.int64]
    category: NDArray[np.object_]
    is_target: Flags

    def window_hits(self, horizon_days: int) -> Flags:
        """Whether each complete past window holds a target event, by the first day of the window.

        Returns
        -------
        ndarray of bool, shape (max(n_days - horizon_days + 1, 0),)
            Entry ``w`` is the window [w, w + horizon_days).
        """
        n_windows = max(self.n_days - horizon_days + 1, 0)
        events = np.bincount(self.day[self.is_target], minlength=self.n_days)
        so_far = np.concatenate([[0], np.cumsum(events)])
        return np.asarray(so_far[horizon_days:][:n_windows] > so_far[:n_windows])

    def decayed_count(self, chosen: Flags, half_life_days: float) -> Floats:
        """Exponentially decayed number of events known before each day.

        Parameters
        ----------
        chosen : ndarray of bool, shape (event,)
        half_life_days : float
            ``inf`` for a plain count.

        Returns
        -------
        ndarray of float64, shape (n_days + 1,)
            Entry ``t``: sum over events with known_day < t of 2^(−(t − 1 − day) / half-life); the last
            entry is the value at the origin. An act disclosed late enters late, already aged.
        """
        decay = 2.0 ** (-1.0 / half_life_days)
        lag = self.known_day[chosen] - self.day[chosen]
        entering = np.bincount(self.known_day[chosen], weights=decay**lag, minlength=self.n_days)
        total = lfilter([1.0], [1.0, -decay], entering)
        return np.concatenate([[0.0], total])

    def first_of_day(self) -> Flags:
        """True for one target event of each day that has any, shape (event,)."""
        targets = np.flatnonzero(self.is_target)
        _, first = np.unique(self.day[targets], return_index=True)
        kept = np.zeros_like(self.is_target)
        kept[targets[first]] = True
        return kept


def past_events(
    events: EventTable, target: TargetRule, origin: date | np.datetime64, start: date
) -> PastEvents:
    """Cut the events to what was public before the origin, and count days from ``start``.

    Raises
    ------
    InputError
        The origin is not after the start.
    """
    first, end = as_day(start), as_day(origin)
    n_days = int((end - first).astype(np.int64))
    if n_days < 1:
        raise InputError(f"origin {origin}: nothing is known before it, the data start {start}. Begin later")
    known = (events.known_date < end) & (events.date >= first)
    return PastEvents(
        n_days,
        ((events.date[known] - first) // DAY).astype(np.int64),
        ((events.known_date[known] - first) // DAY).astype(np.int64),
        events.category[known],
        target.mask(events)[known],
    )


DENSE_DAYS = 90
DENSE_EVENTS = 6


def find_record_start(events: EventTable, before: date) -> date:
    """Day from which a record is dense enough for its silence to mean something.

    Archives often hold a few stray rows from years in which the dyad was hardly covered. Counting those
    years as peace lowers every baseline. The record starts with the first event known before ``before`` that
    is followed by at least ``DENSE_EVENTS`` − 1 more within ``DENSE_DAYS`` days.

    Parameters
    ----------
    events : EventTable
    before : date
        The first origin: later events are not looked at.

    Returns
    -------
    date
        The first event's day when no stretch is dense.

    Raises
    ------
    InputError
        No event is known before that day.
    """
    days = np.sort(events.date[events.known_date < as_day(before)])
    if not len(days):
        raise InputError(
            f"no event is known before {before}, the first origin. Begin later, or add older events"
        )
    spans = days[DENSE_EVENTS - 1 :] - days[: len(days) - DENSE_EVENTS + 1]
    dense = np.flatnonzero(spans < DENSE_DAYS * DAY)
    chosen: date = days[dense[0] if len(dense) else 0].item()
    return chosen
