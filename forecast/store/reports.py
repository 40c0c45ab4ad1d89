"""Candidates of a feed → reports of a store: an event, where it comes from, since when it is known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from forecast.events.stores import pair_key
from forecast.events.terms import known_terms
from forecast.feeds.formats import Layout
from forecast.feeds.importing import WRITTEN as EVENT_CELLS
from forecast.feeds.importing import event_cells
from forecast.feeds.reading import CANDIDATE
from forecast.storage import new_text
from forecast.store.folder import WRITTEN

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_AT_ONCE = 20_000


class Origin(NamedTuple):
    """Where a report comes from, and since when its act is known.

    ``known_by`` says by what: ``seen`` as it came, stated by the ``row``, or day of the ``release``.
    """

    source: str
    file: str
    stamp: datetime
    first_seen: date
    known: date
    known_by: str


def reports_of(
    connection: DuckDBPyConnection,
    layout: Layout,
    origin_of: Callable[[str, Mapping[str, Any]], Origin],
) -> Iterator[list[str]]:
    """Yield the candidates as cells of ``WRITTEN``; ``origin_of`` gets a file and a row."""
    names = (*CANDIDATE, "key", "id")
    columns = ", ".join((*CANDIDATE, "key", "event_id AS id"))
    cursor = connection.execute(f"SELECT {columns} FROM candidates")
    while bundle := cursor.fetchmany(ROWS_AT_ONCE):
        for values in bundle:
            row: dict[str, Any] = dict(zip(names, values, strict=True))
            origin = origin_of(row["key"], row)
            row["known"] = origin.known
            held = dict(zip(EVENT_CELLS, event_cells(row, layout), strict=True))
            held |= {
                "pair": pair_key((row["a"], row["b"])),
                "source": origin.source,
                "licence": known_terms()[origin.source].licence,
                "first_seen": origin.first_seen.isoformat(),
                "known_by": origin.known_by,
                "stamp": f"{origin.stamp:%Y-%m-%d %H:%M:%S}",
                "file": origin.file,
                "counts_as": row["counts_as"],
                "mutual": str(row["mutual"]),
                "place": row["place"] or "",
                "score": held["x_score"],
                "mentions": held["x_mentions"],
                "sources": "" if row["sources"] is None else str(row["sources"]),
            }
            yield [held[name] for name in WRITTEN]


def write_reports(rows: Iterator[Sequence[str]], path: Path) -> None:
    """Write reports as CSV into a scratch file."""
    with new_text(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(WRITTEN)
        writer.writerows(rows)
