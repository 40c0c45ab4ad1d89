"""The event files of a list: read once, cut by pair, and handed to each dyad.

A large archive is narrowed by DuckDB to the rows between actors of the list before it is read strictly, so
that faults of rows which concern nobody on the list stop nothing; its volume by day is kept for the checks of
the feed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import numpy as np

from forecast.config.faults import Fault
from forecast.config.watchlist import Watchlist
from forecast.errors import EventError, InputError
from forecast.events.dyads import DyadRule
from forecast.events.feed_faults import Feed, Integers
from forecast.events.reading import PREFIX, load_events, read_events
from forecast.events.rows import literal_path
from forecast.events.stores import is_store, read_store
from forecast.events.table import FIELDS, EventTable
from forecast.events.terms import refuse_barred
from forecast.progress import Listener
from forecast.storage import scratch_folder
from forecast.store.update import SourceReport, UpdateOptions, update_store

LARGE_BYTES = 30_000_000
"""Size of a file from which on it is narrowed to the actors of the list before it is read."""
SUFFIXES = (".csv", ".parquet", ".xlsx")
_CONTENT = ("date", "initiator", "recipient", "category", "severity", "subcategory", "summary")


@dataclass(frozen=True, eq=False)
class EventFile(Feed):
    """One file of the list; of a large archive ``table`` holds the rows between actors of the list."""

    @cached_property
    def _by_pair(self) -> tuple[dict[str, int], Integers, Integers]:
        """Codes of actors, pair codes in order, and the row of each."""
        names, codes = np.unique(
            np.concatenate([self.table.initiator, self.table.recipient]).astype(str), return_inverse=True
        )
        first, second = codes.reshape(2, -1).astype(np.int64)
        pair = first * len(names) + second
        order = np.argsort(pair, kind="stable")
        return {str(name): place for place, name in enumerate(names)}, pair[order], order

    def rows_of(self, rule: DyadRule) -> Integers:
        """Return the rows that are acts of a dyad, in order."""
        codes, pairs, order = self._by_pair
        found = []
        for one, other in _ordered_pairs(rule):
            if one in codes and other in codes:
                asked = codes[one] * len(codes) + codes[other]
                begin, end = np.searchsorted(pairs, [asked, asked + 1])
                found.append(order[begin:end])
        return np.sort(np.concatenate(found)) if found else np.zeros(0, np.int64)


def _ordered_pairs(rule: DyadRule) -> Iterator[tuple[str, str]]:
    """Every initiator and recipient whose acts count."""
    sides = [(a, b) for a in rule.a for b in rule.b]
    third = [(side, one) for side in (*rule.a, *rule.b) for one in rule.theatre]
    for one, other in (*sides, *third):
        yield one, other
        yield other, one


@dataclass(frozen=True, eq=False)
class DyadEvents:
    """The acts of one dyad, and the files that hold any."""

    table: EventTable
    files: tuple[EventFile, ...]
    repeated: int
    """Rows that stood in more than one file and were taken once."""


def rules(watchlist: Watchlist) -> list[DyadRule]:
    """Return whose acts count for each dyad of a list."""
    return [DyadRule(one.side_a, one.side_b, one.theatre) for one in watchlist.dyads]


def update_stores(watchlist: Watchlist, listen: Listener) -> list[SourceReport]:
    """Bring the stores among the events of a list up to date, for the pairs of the list.

    Raises
    ------
    ConfigError
        None of the events is a store.
    InputError
        As ``forecast.store.update.update_store``.
    """
    base = watchlist.base_folder
    stores = [path for one in watchlist.events if is_store(path := base / Path(one).expanduser())]
    if not stores:
        raise watchlist.error(("events",), "none of these is a store, so there is nothing to update")
    pairs = frozenset[tuple[str, str]]().union(*(rule.pairs for rule in rules(watchlist)))
    options = UpdateOptions(pairs=tuple(sorted(pairs)))
    return [report for place in stores for report in update_store(place, options, listen)]


def read_files(watchlist: Watchlist) -> tuple[EventFile, ...]:
    """Read every event file that a list names.

    Raises
    ------
    ConfigError
        A pattern that no file fits, with its line, and all such patterns at once; or acts whose terms bar
        the use of the list.
    EventError
        Files that cannot be read: every one of them, with its faults.
    """
    paths, faults = _paths(watchlist)
    if faults:
        raise watchlist.errors(Fault(*one) for one in faults)
    actors = sorted(
        {actor for dyad in watchlist.dyads for actor in (*dyad.side_a, *dyad.side_b, *dyad.theatre)}
    )
    pairs = frozenset[tuple[str, str]]().union(*(rule.pairs for rule in rules(watchlist)))
    found, failures = [], []
    for source, path in paths.items():
        try:
            if path is not None and is_store(path):
                table = read_store(path, name=source, pairs=pairs)
                found.append(EventFile.of_table(table, source, path))
            else:
                found.append(_read(source, path, actors, watchlist))
        except EventError as error:
            failures.append(str(error))
    if failures:
        raise EventError("\n".join(failures))
    if watchlist.use is not None:
        try:
            for file in found:
                refuse_barred(file.table, watchlist.use, watchlist.licensed)
        except InputError as error:
            raise watchlist.error(("use",), str(error)) from error
    return tuple(found)


def _paths(watchlist: Watchlist) -> tuple[dict[str, Path | None], list[tuple[tuple[str | int, ...], str]]]:
    """Return the files by how they are named; a pattern may match many, and a file is read once."""
    base = watchlist.base_folder
    found: dict[str, Path | None] = {}
    faults: list[tuple[tuple[str | int, ...], str]] = []
    for place, pattern in enumerate(watchlist.events):
        if pattern.startswith(PREFIX):
            found[pattern] = None
            continue
        whole = base / Path(pattern).expanduser()
        if not has_magic(pattern):
            if whole.is_file() or is_store(whole):
                found[pattern] = whole
            else:
                faults.append((("events", place), f"no file {whole}; give event files, patterns or stores"))
            continue
        matched = [path for path in sorted(glob(str(whole), recursive=True)) if path.endswith(SUFFIXES)]
        if not matched:
            faults.append((("events", place), f"no event file fits '{whole}'; give another pattern"))
        for name in matched:
            path = Path(name)
            found[path.relative_to(base).as_posix() if path.is_relative_to(base) else name] = path
    return found, faults


def _read(source: str, path: Path | None, actors: Sequence[str], watchlist: Watchlist) -> EventFile:
    if path is None:
        return EventFile.of_table(load_events(source, Path()), source)
    if path.stat().st_size >= LARGE_BYTES and path.suffix in (".csv", ".parquet"):
        narrowed = _narrowed(source, path, actors, watchlist)
        if narrowed is not None:
            return narrowed
    return EventFile.of_table(read_events(path, source=source, dates=watchlist.dates), source)


def _narrowed(source: str, path: Path, actors: Sequence[str], watchlist: Watchlist) -> EventFile | None:
    """Read the rows between actors of the list alone; ``None`` where the columns go by other names."""
    import duckdb

    with duckdb.connect() as connection, scratch_folder("watch") as folder:
        place = _quoted(literal_path(path))
        reader = (
            f"read_csv({place}, all_varchar=true, " if path.suffix == ".csv" else f"read_parquet({place}, "
        )
        reader += "hive_partitioning=false)"  # else a folder named severity=5 becomes a column
        try:
            connection.execute(f"CREATE VIEW archive AS SELECT * FROM {reader}")
            names = {row[0] for row in connection.execute("DESCRIBE archive").fetchall()}
            if not {"date", "initiator", "target"} <= names or watchlist.dates != "iso":
                return None
            kept = folder / "kept.csv"
            listed = ", ".join(_quoted(actor) for actor in actors)
            connection.execute(
                f"COPY (SELECT * FROM archive WHERE initiator IN ({listed}) AND target IN ({listed})) "
                f"TO {_quoted(kept)} (HEADER)"
            )
            days = connection.execute(
                "SELECT TRY_CAST(date AS DATE) AS day, count(*) FROM archive GROUP BY day "
                "HAVING day IS NOT NULL ORDER BY day"
            ).fetchall()
        except duckdb.Error as error:
            raise EventError(f"{source}: cannot be read ({str(error).splitlines()[0]})") from error
        table = read_events(kept, source=source)
    volume_day = np.array([day for day, _ in days], dtype="datetime64[D]")
    return EventFile(source, table, volume_day, np.array([rows for _, rows in days], dtype=np.int64))


def _quoted(text: str | Path) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def events_of(rule: DyadRule, files: Sequence[EventFile]) -> DyadEvents | None:
    """Return the acts of a dyad over all files; ``None`` where there are none.

    A row that several files hold counts once. Ids that mean different acts in different files get the name of
    their file.
    """
    found = [(file, rows) for file in files if len(rows := file.rows_of(rule))]
    if not found:
        return None
    tables = [_taken(file.table, rows) for file, rows in found]
    if len(tables) == 1:
        return DyadEvents(tables[0], (found[0][0],), 0)
    table, repeated = _merged([file for file, _ in found], tables)
    return DyadEvents(table, tuple(file for file, _ in found), repeated)


def _taken(table: EventTable, rows: Integers) -> EventTable:
    mask = np.zeros(len(table), dtype=np.bool_)
    mask[rows] = True
    return table.select(mask)


def _merged(files: Sequence[EventFile], tables: Sequence[EventTable]) -> tuple[EventTable, int]:
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(table, name) for table in tables]) for name in FIELDS
    }
    place = np.concatenate([np.full(len(table), number) for number, table in enumerate(tables)])
    seen: dict[str, tuple[int, tuple[object, ...]]] = {}
    keep = np.ones(len(place), dtype=np.bool_)
    ids = columns["id"].copy()
    content = list(zip(*(columns[name].tolist() for name in _CONTENT), strict=True))
    for row, name in enumerate(ids.tolist()):
        first = seen.setdefault(name, (int(place[row]), content[row]))
        if first[0] == place[row]:
            continue
        if first[1] == content[row]:
            keep[row] = False
        else:
            ids[row] = f"{Path(files[int(place[row])].source).stem}/{name}"
    columns["id"] = ids
    most = max(range(len(tables)), key=lambda number: len(tables[number]))
    merged = EventTable.sort_rows(
        {name: column[keep] for name, column in columns.items()},
        files[most].source,
        has_verified=all(table.has_verified for table in tables),
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
        line=np.concatenate([table.line for table in tables])[keep],
    )
    return merged, int((~keep).sum())
