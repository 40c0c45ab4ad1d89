"""The store on disk: which files were read, acts by month, and which reports tell one story.

Acts lie in the month of the act, so that all reports of a story (one act, one day) lie in one file. The files
that were read are noted by the month in which they were published, after the acts are on disk: an update
that is killed reads the files that it had not noted again, and an id counts once.

**Stories.** A report repeats an earlier one where actors (either way round for acts without direction),
code, day of the act, and place or web address are the same, and it came within the hours of its source.
Reports count in the order in which they became known, so that a later one never displaces an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.events.rows import literal_path
from forecast.events.stores import (
    ACTS,
    FILES,
    HELD,
    SOURCE,
    STORE,
    VERSION,
    connect,
    is_store,
    read_settings,
    read_state,
    reader_of,
)
from forecast.storage import copy_file, remove_stale, write_file

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

OF_STORE: Mapping[str, str] = {
    "pair": "VARCHAR",
    "source": "VARCHAR",
    "licence": "VARCHAR",
    "first_seen": "DATE",
    "known_by": "VARCHAR",
    "stamp": "TIMESTAMP",
    "file": "VARCHAR",
    "counts_as": "VARCHAR",
    "mutual": "BOOLEAN",
    "place": "VARCHAR",
    "score": "DOUBLE",
    "mentions": "INTEGER",
    "sources": "INTEGER",
}
"""Columns of a report beside those of an event."""
_EVENT_TYPES = {"date": "DATE", "known_date": "DATE", "source_date": "DATE", "severity": "TINYINT"}
WRITTEN: Mapping[str, str] = {name: _EVENT_TYPES.get(name, "VARCHAR") for name in HELD} | dict(OF_STORE)
"""Columns of a report, with their types; a store adds ``story`` and ``reports``."""
ROWS_A_GROUP = 50_000
"""Of a Parquet file: a pair is found without reading the others."""


class Added(NamedTuple):
    """What a write brought: acts that were not there, and reports of acts that were."""

    acts: int
    repeats: int


@dataclass
class Month:
    """Files published in a month: those that were read, and those that are still to come, with the reason."""

    path: Path
    pairs: list[list[str]] = field(default_factory=list)
    """Sets of pairs that files were read for; a file names its own by place."""
    read: dict[str, dict[str, Any]] = field(default_factory=dict)
    still_open: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path) -> Month:
        """Read the notes of a month, empty where there are none."""
        told = read_state(path) if path.is_file() else {}
        return cls(path, told.get("pairs", []), told.get("read", {}), told.get("open", {}))

    def note_read(self, name: str, pairs: Sequence[str], entry: dict[str, Any]) -> None:
        """Note a file that was read for some pairs."""
        before = self.pairs_of(name)
        asked = sorted({*pairs, *before})
        if asked not in self.pairs:
            self.pairs.append(asked)
        self.read[name] = entry | {"pairs": self.pairs.index(asked)}
        self.still_open.pop(name, None)

    def note_open(self, name: str, state: str, reason: str, today: date) -> None:
        """Note a file that could not be used, since its first day without it."""
        since = self.still_open.get(name, {}).get("since", today.isoformat())
        self.still_open[name] = {"state": state, "reason": reason, "since": since}

    def pairs_of(self, name: str) -> list[str]:
        """Return the pairs that a file was read for."""
        return self.pairs[self.read[name]["pairs"]] if name in self.read else []

    def write(self) -> None:
        """Write the notes, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        told = {"pairs": self.pairs, "read": dict(sorted(self.read.items())), "open": self.still_open}
        write_file(self.path, json.dumps(told, separators=(",", ":")) + "\n")


@dataclass
class Folder:
    """The part of a store that holds one source."""

    place: Path
    months: dict[str, Month] = field(default_factory=dict)

    @classmethod
    def at(cls, place: Path) -> Folder:
        """Open the folder of a source; what dead processes left in it goes."""
        for below in (place, place / ACTS, place / FILES):
            below.mkdir(parents=True, exist_ok=True)
            remove_stale(below)
        held = sorted((place / FILES).glob("*.json"))
        return cls(place, {path.stem: Month.at(path) for path in held})

    def month(self, stamp: datetime) -> Month:
        """Return the notes of the month of a moment."""
        key = f"{stamp:%Y-%m}"
        return self.months.setdefault(key, Month(self.place / FILES / f"{key}.json"))

    def read_for(self, pairs: Sequence[str]) -> set[str]:
        """Return the names of files that were read for all these pairs."""
        wanted = set(pairs)
        found: set[str] = set()
        for month in self.months.values():
            whole = {place for place, held in enumerate(month.pairs) if wanted <= set(held)}
            found |= {name for name, entry in month.read.items() if entry["pairs"] in whole}
        return found

    def still_open(self, since: date) -> dict[str, dict[str, Any]]:
        """Return the files that are still to come and were first missed on a day or later."""
        return {
            name: entry
            for month in self.months.values()
            for name, entry in month.still_open.items()
            if entry["since"] >= since.isoformat()
        }

    def add(self, reports: Path, hours: int | None, scratch: Path) -> Added:
        """Add reports (CSV with the columns ``WRITTEN``) to their months; whole months, or as before."""
        acts = repeats = 0
        with connect() as connection:
            texts = ", ".join(f"'{name}': 'VARCHAR'" for name in WRITTEN)
            typed = ", ".join(
                f'"{name}"' if kind == "VARCHAR" else f'CAST(nullif("{name}", \'\') AS {kind}) AS "{name}"'
                for name, kind in WRITTEN.items()
            )
            connection.execute(
                f"CREATE TABLE fresh AS SELECT {typed} FROM read_csv('{_plain(reports)}', "
                f"columns={{{texts}}}, header=true, auto_detect=false, delim=',', quote='\"', "
                "escape='\"', nullstr='\\0', max_line_size=8000000, hive_partitioning=false)"
            )
            months = connection.execute("SELECT DISTINCT strftime(date, '%Y-%m') FROM fresh ORDER BY 1")
            for (month,) in months.fetchall():
                before, after, told = self._write_month(connection, month, hours, scratch)
                acts += after - before
                repeats += told - (after - before)
        return Added(acts, repeats)

    def _write_month(
        self, connection: DuckDBPyConnection, month: str, hours: int | None, scratch: Path
    ) -> tuple[int, int, int]:
        """Write a month with its fresh reports; return acts before and after, and fresh reports."""
        path = self.place / ACTS / f"{month}.parquet"
        columns = ", ".join(f'"{name}"' for name in WRITTEN)
        fresh = f"SELECT {columns}, 1 AS age FROM fresh WHERE strftime(date, '%Y-%m') = '{month}'"
        held, before = "", 0
        if path.is_file():
            held = f"SELECT {columns}, 0 AS age FROM {reader_of([path])} UNION ALL "
            before = _number(connection, f"SELECT count(*) FROM {reader_of([path])} WHERE story = id")
        # What was seen first stays as it was seen: a later version of a row must not change the past.
        connection.execute(
            f"CREATE OR REPLACE TABLE month AS SELECT * EXCLUDE (age, copy), row_number() OVER (ORDER BY "
            "known_date, stamp, id) - 1 AS turn FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY "
            f"age, known_date, stamp, file) AS copy FROM ({held}{fresh})) WHERE copy = 1"
        )
        leads = _leads(connection, hours)
        connection.register("stories", {"turn": np.arange(len(leads)), "lead": leads})
        made = scratch / "month.parquet"
        chosen = ", ".join(f'm."{name}"' for name in WRITTEN)
        connection.execute(
            f"COPY (SELECT {chosen}, l.id AS story, count(*) OVER (PARTITION BY l.id) AS reports "
            "FROM month m JOIN stories s USING (turn) JOIN month l ON l.turn = s.lead "
            f"ORDER BY m.pair, m.date, m.id) "
            f"TO '{_plain(made)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_A_GROUP})"
        )
        connection.unregister("stories")
        after = _number(connection, f"SELECT count(*) FROM {reader_of([made])} WHERE story = id")
        told = _number(connection, f"SELECT count(*) FROM ({fresh})")
        copy_file(made, path)
        made.unlink()
        return before, after, told


def _leads(connection: DuckDBPyConnection, hours: int | None) -> NDArray[np.int64]:
    """Return the first report of the story of each report, both by turn, shape (report,)."""
    one = "CASE WHEN mutual THEN least(initiator, target) ELSE initiator END"
    other = "CASE WHEN mutual THEN greatest(initiator, target) ELSE target END"
    same = f"{one}, {other}, counts_as, date"

    def earlier(key: str, known: str) -> str:
        window = f"OVER (PARTITION BY {same}, {key} ORDER BY turn)"
        gap = f"abs(epoch(stamp) - epoch(lag(stamp) {window}))"
        near = "true" if hours is None else f"{gap} <= {hours * 3600}"
        return f"CASE WHEN {known} AND {near} THEN lag(turn) {window} END"

    by_place = earlier("coalesce(place, '')", "true")
    by_address = earlier("source_url", "source_url <> ''")
    found = connection.execute(
        f"SELECT coalesce(least({by_place}, {by_address}), turn) AS before FROM month ORDER BY turn"
    ).fetchnumpy()["before"]
    leads: NDArray[np.int64] = np.asarray(found, dtype=np.int64)
    # Each step halves what is left of the longest chain of reports.
    while len(leads) and np.any(leads[leads] != leads):
        leads = leads[leads]
    return leads


def _number(connection: DuckDBPyConnection, query: str) -> int:
    (row,) = connection.execute(query).fetchall()
    return int(row[0])


def _plain(path: Path) -> str:
    return literal_path(path).replace("'", "''")


# The store as a whole


def open_store(place: Path) -> list[str]:
    """Return the pairs of a store; one that is not there yet holds none.

    Raises
    ------
    EventError
        A store of another version, or a folder that holds something else.
    """
    if is_store(place):
        return [str(pair) for pair in read_settings(place)["pairs"]]
    return []


def write_store(place: Path, pairs: Sequence[str]) -> None:
    """Write which pairs a store is for."""
    place.mkdir(parents=True, exist_ok=True)
    write_file(place / STORE, json.dumps({"version": VERSION, "pairs": sorted(pairs)}, indent=1) + "\n")


def write_source(place: Path, told: Mapping[str, object]) -> None:
    """Write what is known of a source: address, pace, last update, since when each pair is watched."""
    write_file(place / SOURCE, json.dumps(told, indent=1) + "\n")
