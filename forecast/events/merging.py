"""Several coders' files → one: what they disagree on is resolved by a stated rule, and told."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from forecast.events.columns import COLUMNS
from forecast.events.matching import Unit
from forecast.events.table import Event, EventTable

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
class Disagreement:
    """What the coders of one event disagree on.

    Parameters
    ----------
    event : str
        Id of the merged row.
    property : str
        ``date`` (with end and day of becoming known), ``actors``, ``category`` or ``severity``.
    values : dict of str to str
        What each coder gave, by coder.
    taken : str
        What the merged row holds.
    """

    event: str
    property: str
    values: dict[str, str]
    taken: str


@dataclass(frozen=True)
class Merged:
    """One table of several coders, with what was resolved.

    Parameters
    ----------
    table : EventTable
    coders : dict of str to tuple of str
        Coders who have each event, by id of the merged row.
    rows : dict of str to tuple of str
        Their ids of it, in the same order.
    disagreements : tuple of Disagreement
        In order of day.
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
        lines = list(csv.reader(io.StringIO(self.table.canonical_csv())))
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([*COLUMNS, *OWN_COLUMNS])
        for cells in lines[1:]:
            name = cells[0]
            own = [
                "; ".join(self.coders[name]),
                "; ".join(self.rows[name]),
                "; ".join(resolved.get(name, [])),
            ]
            writer.writerow([*cells, *own])
        return buffer.getvalue()


def merge_units(
    units: Sequence[Unit],
    coders: Sequence[str],
    *,
    rule: Rule = "first",
    least_coders: int = 1,
    has_verified: bool = True,
) -> Merged:
    """Make one row of each event.

    Parameters
    ----------
    units : sequence of Unit
        From ``match_events``.
    coders : sequence of str
        Name of each coder, by position.
    rule : {"first", "majority"}
        How disagreements are resolved, see ``RULES``. All that is not judged (texts, sources) comes from
        the coder whose judgement was taken, and what that one left empty from the next.
    least_coders : int
        Events that fewer coders have are left out.
    has_verified : bool
        Whether the rows say anything about verification.
    """
    events: list[Event] = []
    who: dict[str, tuple[str, ...]] = {}
    rows: dict[str, tuple[str, ...]] = {}
    disagreements: list[Disagreement] = []
    taken: set[str] = set()
    for unit in units:
        if len(unit.rows) < least_coders:
            continue
        ordered = dict(sorted(unit.rows.items()))
        event = _resolve(list(ordered.values()), rule)
        event = replace(event, id=_free(event.id, taken))
        taken.add(event.id)
        events.append(event)
        who[event.id] = tuple(coders[coder] for coder in ordered)
        rows[event.id] = tuple(row.id for row in ordered.values())
        for name, value in _PROPERTIES.items():
            given = {coders[coder]: value(row) for coder, row in ordered.items()}
            if len(set(given.values())) > 1:
                shown = {coder: _shown(one) for coder, one in given.items()}
                disagreements.append(Disagreement(event.id, name, shown, _shown(value(event))))
    table = EventTable.from_events(events, "merged", has_verified=has_verified)
    return Merged(table, who, rows, tuple(disagreements))


def _resolve(rows: list[Event], rule: Rule) -> Event:
    """One row of the coders' rows of one event, in the order of the files."""
    judged = {name: _winner(rows, value, rule) for name, value in _PROPERTIES.items()}
    lead = judged["category"]
    days, actors = judged["date"], judged["actors"]
    # Sub-category and code belong to the category: another's would contradict it.
    same = [row for row in rows if row.category == lead.category]
    page = next((row for row in (lead, *rows) if row.source_url or row.source_outlet), lead)
    return replace(
        rows[0],
        date=days.date,
        end_date=days.end_date,
        known_date=days.known_date,
        initiator=actors.initiator,
        recipient=actors.recipient,
        category=lead.category,
        severity=judged["severity"].severity,
        subcategory=_first_given(lead, same, "subcategory"),
        cameo=_first_given(lead, same, "cameo"),
        summary=_first_given(lead, rows, "summary"),
        confidence=_first_given(lead, rows, "confidence"),
        # Outlet, title, page, day and check of one row: those of two coders are two pages.
        source_outlet=page.source_outlet,
        source_title=page.source_title,
        source_url=page.source_url,
        source_date=page.source_date,
        verified=page.verified,
    )


def _winner(rows: list[Event], value: _Value, rule: Rule) -> Event:
    if rule == "first":
        return rows[0]
    votes = Counter(value(row) for row in rows)
    most = max(votes.values())
    return next(row for row in rows if votes[value(row)] == most)


def _first_given(lead: Event, rows: list[Event], field: str) -> str:
    return next((str(text) for row in (lead, *rows) if (text := getattr(row, field))), "")


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _shown(value: Hashable) -> str:
    if isinstance(value, tuple):
        return " ".join(str(part) for part in value if part is not None)
    return str(value)
