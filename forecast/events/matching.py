"""Which rows of several coders' files are one event: rows of one pair of actors, close in time, paired up.

Two rows of different files may be one event when they share the two actors (either way round) and lie at
most ``window_days`` apart. How much speaks for it is added up by ``Evidence``; each row of a file is given
to at most one row of another, so that the sum over all pairs is greatest (assignment problem).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from forecast.events.table import Event, EventTable

_WORD = re.compile(r"\w{3,}")
_MADE_ID = "row-"
"""Ids that the reader made of the row begin so; they say nothing of the event."""


@dataclass(frozen=True)
class Evidence:
    """What each likeness of two rows is worth; rows below ``least`` are not one event.

    Parameters
    ----------
    day : float
        The same day; falls to nothing at one day beyond the window.
    direction, category : float
        The same actor acts; the same category.
    words : float
        Summaries with all words in common; in proportion, less ``words_by_chance``, when both have one.
    source, id : float
        The same page; the same id, for coders who were given a list of events.
    least : float
        Sum from which two rows are taken for one event.
    """

    day: float = 1.0
    direction: float = 0.5
    category: float = 1.0
    words: float = 3.0
    words_by_chance: float = 0.15
    source: float = 2.0
    id: float = 4.0
    least: float = 1.5


@dataclass(frozen=True)
class Unit:
    """One event as the coders have it: row of each coder who has it, by position of the coder."""

    rows: dict[int, Event]


def match_events(
    tables: Sequence[EventTable], *, window_days: int = 1, evidence: Evidence | None = None
) -> list[Unit]:
    """Match the events of several coders, in order of day.

    Parameters
    ----------
    tables : sequence of EventTable
        One a coder.
    window_days : int
        Days by which the dates of one event may differ between coders.
    evidence : Evidence, optional
        What speaks for two rows being one event; the documented weights when absent.

    Returns
    -------
    list of Unit
        Every row of every table is in exactly one.
    """
    weights = evidence or Evidence()
    pairs: defaultdict[tuple[str, str], list[Unit]] = defaultdict(list)
    for coder, table in enumerate(tables):
        rows: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in table.rows():
            rows[min(event.initiator, event.recipient), max(event.initiator, event.recipient)].append(event)
        for pair, events in rows.items():
            _join(pairs[pair], events, coder, window_days, weights)
    units = [unit for found in pairs.values() for unit in found]
    return sorted(units, key=_first_row)


def _first_row(unit: Unit) -> tuple[date, str]:
    first = unit.rows[min(unit.rows)]
    return first.date, first.id


def _join(units: list[Unit], events: list[Event], coder: int, window_days: int, weights: Evidence) -> None:
    """Give each event of a coder to the unit it fits best, or to a new one."""
    days = np.array([event.date for event in events], dtype="datetime64[D]")
    words = [_words(event) for event in events]
    window = np.timedelta64(window_days, "D")
    gain: dict[tuple[int, int], float] = {}
    for place, unit in enumerate(units):
        for other in unit.rows.values():
            first = np.searchsorted(days, np.datetime64(other.date, "D") - window)
            last = np.searchsorted(days, np.datetime64(other.date, "D") + window, side="right")
            for position in range(int(first), int(last)):
                likeness = _likeness(events[position], words[position], other, window_days, weights)
                if likeness >= weights.least:
                    gain[place, position] = max(gain.get((place, position), 0.0), likeness)
    taken = _assign(gain)
    units += [Unit({coder: event}) for position, event in enumerate(events) if position not in taken]
    for position, place in taken.items():
        units[place].rows[coder] = events[position]


def _assign(gain: dict[tuple[int, int], float]) -> dict[int, int]:
    """Event → unit of the pairs with the greatest sum of gains, one unit an event and one event a unit."""
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not gain:
        return {}
    units, events = (np.array(places) for places in zip(*gain, strict=True))
    n_units, n_events = int(units.max()) + 1, int(events.max()) + 1
    size = n_units + n_events
    graph = coo_array((np.ones(len(units)), (units, n_units + events)), shape=(size, size))
    # Pairs that share no row with one another are apart: small problems, where one of all rows would take
    # memory with the square of the file.
    label = connected_components(graph, directed=False)[1][units]
    values = np.array(list(gain.values()))
    taken: dict[int, int] = {}
    for chosen in np.split(np.argsort(label, kind="stable"), np.flatnonzero(np.diff(np.sort(label))) + 1):
        rows, row_of = np.unique(units[chosen], return_inverse=True)
        columns, column_of = np.unique(events[chosen], return_inverse=True)
        table = np.zeros((len(rows), len(columns)))
        table[row_of, column_of] = values[chosen]
        for row, column in zip(*linear_sum_assignment(table, maximize=True), strict=True):
            if table[row, column] > 0.0:
                taken[int(columns[column])] = int(rows[row])
    return taken


def _likeness(event: Event, words: frozenset[str], other: Event, window_days: int, by: Evidence) -> float:
    apart = abs((event.date - other.date).days)
    total = by.day * (1 - apart / (window_days + 1))
    total += by.direction * (event.initiator == other.initiator)
    total += by.category * (event.category == other.category)
    theirs = _words(other)
    if words and theirs:
        total += by.words * (len(words & theirs) / len(words | theirs) - by.words_by_chance)
    total += by.source * bool(event.source_url and event.source_url == other.source_url)
    return total + by.id * (event.id == other.id and not event.id.startswith(_MADE_ID))


def _words(event: Event) -> frozenset[str]:
    return frozenset(_WORD.findall(event.summary.lower()))
