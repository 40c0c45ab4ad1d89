"""Several coders' files → one: rows that are one event are matched, and made one row by a stated rule.

Two rows of different files may be one event when they share the two actors (either way round) and lie at
most ``window_days`` apart. What speaks for it is added up; each row of a file is given to at most one row of
another, so that the sum over all pairs is greatest (assignment problem).
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np

from forecast.events.duplicates import words_in
from forecast.events.table import COLUMNS, Event, EventTable, csv_text

# What each likeness of two rows is worth; rows whose sum is below LEAST are not one event.
SAME_DAY = 1.0  # falls to nothing at one day beyond the window
SAME_INITIATOR = 0.5
SAME_CATEGORY = 1.0
SAME_WORDS, WORDS_BY_CHANCE = 3.0, 0.15  # in proportion to the words in common, when both have a summary
SAME_PAGE = 2.0
SAME_ID = 4.0  # for coders who were given a list of events
LEAST = 1.5

_MADE_ID = "row-"
"""Ids that the reader made of the row begin so; they say nothing of the event."""

Rule = Literal["first", "majority"]

RULES: dict[Rule, str] = {
    "first": "the first file given that holds the event",
    "majority": "what most coders gave; the first file of the most frequent when as many gave another",
}
OWN_COLUMNS = ("x_coders", "x_rows", "x_resolved")
"""Columns that say where a merged row comes from: coders who have it, their ids, what was resolved."""

_Value = Callable[[Event], Hashable]

# Days, and the two actors, are resolved together: taken one by one they could contradict each other.
_PROPERTIES: dict[str, _Value] = {
    "date": lambda row: (row.date, row.end_date, row.known_date),
    "actors": lambda row: (row.initiator, row.recipient),
    "category": lambda row: row.category,
    "severity": lambda row: row.severity,
}


@dataclass(frozen=True)
class Unit:
    """One event as the coders have it: row of each coder who has it, by position of the coder."""

    rows: dict[int, Event]


def match_events(tables: Sequence[EventTable], *, window_days: int = 1) -> list[Unit]:
    """Match the events of several coders, one table each, in order of day.

    ``window_days`` is by how much the dates of one event may differ between coders. Every row of every table
    is in exactly one unit.
    """
    pairs: defaultdict[tuple[str, str], list[Unit]] = defaultdict(list)
    for coder, table in enumerate(tables):
        rows: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in table.rows():
            rows[min(event.initiator, event.recipient), max(event.initiator, event.recipient)].append(event)
        for pair, events in rows.items():
            _join(pairs[pair], events, coder, window_days)

    def first_row(unit: Unit) -> tuple[date, str]:
        first = unit.rows[min(unit.rows)]
        return first.date, first.id

    return sorted((unit for found in pairs.values() for unit in found), key=first_row)


def _join(units: list[Unit], events: list[Event], coder: int, window_days: int) -> None:
    """Give each event of a coder to the unit it fits best, or to a new one."""
    days = np.array([event.date for event in events], dtype="datetime64[D]")
    words = [words_in(event.summary) for event in events]
    window = np.timedelta64(window_days, "D")
    gain: dict[tuple[int, int], float] = {}
    for place, unit in enumerate(units):
        for other in unit.rows.values():
            first = np.searchsorted(days, np.datetime64(other.date, "D") - window)
            last = np.searchsorted(days, np.datetime64(other.date, "D") + window, side="right")
            for position in range(int(first), int(last)):
                likeness = _likeness(events[position], words[position], other, window_days)
                if likeness >= LEAST:
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


def _likeness(event: Event, words: frozenset[str], other: Event, window_days: int) -> float:
    apart = abs((event.date - other.date).days)
    total = SAME_DAY * (1 - apart / (window_days + 1))
    total += SAME_INITIATOR * (event.initiator == other.initiator)
    total += SAME_CATEGORY * (event.category == other.category)
    theirs = words_in(other.summary)
    if words and theirs:
        total += SAME_WORDS * (len(words & theirs) / len(words | theirs) - WORDS_BY_CHANCE)
    total += SAME_PAGE * bool(event.source_url and event.source_url == other.source_url)
    return total + SAME_ID * (event.id == other.id and not event.id.startswith(_MADE_ID))


@dataclass(frozen=True)
class Disagreement:
    """What the coders of one event (id of the merged row) disagree on, what each gave, and what was taken.

    ``property`` is ``date`` (with end and day of becoming known), ``actors``, ``category`` or ``severity``.
    """

    event: str
    property: str
    values: dict[str, str]
    taken: str


@dataclass(frozen=True)
class Merged:
    """One table of several coders, with what was resolved, in order of day.

    ``coders`` are those who have each event, by id of the merged row; ``rows`` their ids of it.
    """

    table: EventTable
    coders: dict[str, tuple[str, ...]]
    rows: dict[str, tuple[str, ...]]
    disagreements: tuple[Disagreement, ...]

    def csv_text(self) -> str:
        """Return the rows as CSV, with ``OWN_COLUMNS`` after those of the codebook."""
        resolved: dict[str, list[str]] = {}
        for one in self.disagreements:
            given = " | ".join(f"{coder}: {value}" for coder, value in one.values.items())
            resolved.setdefault(one.event, []).append(f"{one.property} = {one.taken} ({given})")
        rows = [[*COLUMNS, *OWN_COLUMNS]]
        for cells in list(csv.reader(io.StringIO(self.table.canonical_csv())))[1:]:
            own = (self.coders[cells[0]], self.rows[cells[0]], resolved.get(cells[0], ()))
            rows.append([*cells, *map("; ".join, own)])
        return csv_text(rows)


def merge_units(
    units: Sequence[Unit],
    coders: Sequence[str],
    *,
    rule: Rule = "first",
    least_coders: int = 1,
    has_verified: bool = True,
) -> Merged:
    """Make one row of each event that ``least_coders`` have; ``coders`` are their names, by position.

    All that is not judged (texts, sources) comes from the coder whose judgement was taken, and what that one
    left empty from the next.
    """
    events: list[Event] = []
    who: dict[str, tuple[str, ...]] = {}
    rows: dict[str, tuple[str, ...]] = {}
    disagreements: list[Disagreement] = []
    for unit in units:
        if len(unit.rows) < least_coders:
            continue
        ordered = dict(sorted(unit.rows.items()))
        event = _resolve(list(ordered.values()), rule)
        name, number = event.id, 2
        while name in who:
            name, number = f"{event.id}-{number}", number + 1
        event = replace(event, id=name)
        events.append(event)
        who[event.id] = tuple(coders[coder] for coder in ordered)
        rows[event.id] = tuple(row.id for row in ordered.values())
        for quality, value in _PROPERTIES.items():
            given = {coders[coder]: value(row) for coder, row in ordered.items()}
            if len(set(given.values())) > 1:
                shown = {coder: _shown(one) for coder, one in given.items()}
                disagreements.append(Disagreement(event.id, quality, shown, _shown(value(event))))
    table = EventTable.from_events(events, "merged", has_verified=has_verified)
    return Merged(table, who, rows, tuple(disagreements))


def _resolve(rows: list[Event], rule: Rule) -> Event:
    """One row of the coders' rows of one event, in the order of the files."""
    judged = {name: _winner(rows, value, rule) for name, value in _PROPERTIES.items()}
    lead = judged["category"]
    # Sub-category and code belong to the category: another's would contradict it.
    same = [row for row in rows if row.category == lead.category]
    texts = {
        field: next((text for row in (lead, *those) if (text := getattr(row, field))), "")
        for those, fields in ((same, ("subcategory", "cameo")), (rows, ("summary", "confidence")))
        for field in fields
    }
    # Outlet, title, page, day and check of one row: those of two coders are two pages.
    page = next((row for row in (lead, *rows) if row.source_url or row.source_outlet), lead)
    taken = (
        (judged["date"], ("date", "end_date", "known_date")),
        (judged["actors"], ("initiator", "recipient")),
        (lead, ("category",)),
        (judged["severity"], ("severity",)),
        (page, ("source_outlet", "source_title", "source_url", "source_date", "verified")),
    )
    whole: dict[str, Any] = {field: getattr(row, field) for row, fields in taken for field in fields}
    return replace(rows[0], **whole | texts)


def _winner(rows: list[Event], value: _Value, rule: Rule) -> Event:
    if rule == "first":
        return rows[0]
    votes = Counter(value(row) for row in rows)
    most = max(votes.values())
    return next(row for row in rows if votes[value(row)] == most)


def _shown(value: Hashable) -> str:
    if isinstance(value, tuple):
        return " ".join(str(part) for part in value if part is not None)
    return str(value)
