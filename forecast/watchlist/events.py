"""The event files of a list, and the acts of each dyad in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import glob
from pathlib import Path
from typing import NamedTuple

import numpy as np

from forecast.config.settings_file import Fault
from forecast.config.watchlist import Watchlist
from forecast.errors import EventError, InputError
from forecast.events.cells import BUNDLED_PREFIX
from forecast.events.dyads import DyadRule
from forecast.events.reading import is_store, load_events, refuse_barred
from forecast.events.summary import Feed
from forecast.events.table import FIELDS, EventTable
from forecast.feeds.store import StoreUpdate, update_store
from forecast.progress import Listener

SUFFIXES = (".csv", ".parquet", ".xlsx")
_CONTENT = ("date", "initiator", "recipient", "category", "severity", "subcategory", "summary")


@dataclass(frozen=True, eq=False)
class EventFile(Feed):
    """One file of the list."""

    @cached_property
    def _by_pair(self) -> dict[tuple[str, str], list[int]]:
        rows = defaultdict(list)
        pairs = zip(self.table.initiator.tolist(), self.table.recipient.tolist(), strict=True)
        for row, (initiator, recipient) in enumerate(pairs):
            rows[min(initiator, recipient), max(initiator, recipient)].append(row)
        return rows

    def acts_of(self, rule: DyadRule) -> EventTable | None:
        """Return the acts of a dyad; ``None`` where there are none."""
        rows = [row for pair in rule.pairs for row in self._by_pair.get(pair, ())]
        mask = np.zeros(len(self.table), dtype=np.bool_)
        mask[rows] = True
        return self.table.select(mask) if rows else None


class DyadEvents(NamedTuple):
    """The acts of one dyad, the files that hold any, and how many rows stood in more than one of them."""

    table: EventTable
    files: tuple[EventFile, ...]
    repeated: int


def pairs_of(watchlist: Watchlist) -> frozenset[tuple[str, str]]:
    """Return the pairs of actors whose acts count for any dyad, each in order of name."""
    return frozenset(pair for dyad in watchlist.dyads for pair in dyad.rule.pairs)


def update_stores(watchlist: Watchlist, listen: Listener) -> list[StoreUpdate]:
    """Bring the stores of a list up to date, for its pairs (``ConfigError``: its events are no store)."""
    places = [watchlist.base_folder / Path(name).expanduser() for name in watchlist.events]
    stores = [place for place in places if is_store(place)]
    if not stores:
        raise watchlist.error(("events",), "none of these is a store, so there is nothing to update")
    return [update_store(place, listen, pairs=pairs_of(watchlist)) for place in stores]


def read_files(watchlist: Watchlist) -> tuple[EventFile, ...]:
    """Read every event file that a list names; ``ConfigError``, ``EventError`` name every bad one."""
    events, failures = [], []
    for source, path in _paths(watchlist).items():
        try:
            events.append(_read(source, path, watchlist))
        except EventError as error:
            failures.append(str(error))
    if failures:
        raise EventError("\n".join(failures))
    try:
        for file in events:
            if watchlist.use is not None:
                refuse_barred(file.table, watchlist.use, watchlist.licensed)
    except InputError as error:
        raise watchlist.error(("use",), str(error)) from error
    return tuple(events)


def _paths(watchlist: Watchlist) -> dict[str, Path | None]:
    """Return the files by how they are named; a pattern may match many, and a file is read once."""
    base, faults = watchlist.base_folder, []
    paths: dict[str, Path | None] = {}
    for place, pattern in enumerate(watchlist.events):
        if pattern.startswith(BUNDLED_PREFIX):
            paths[pattern] = None
            continue
        whole = base / Path(pattern).expanduser()
        matched = [Path(name) for name in sorted(glob(str(whole), recursive=True)) if name.endswith(SUFFIXES)]
        if whole.is_file() or is_store(whole):
            matched = [whole]
        if not matched:
            message = f"no event file fits '{whole}'; give event files, patterns or stores"
            faults.append(Fault(("events", place), message))
        for path in matched:
            paths[path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)] = path
    if faults:
        raise watchlist.errors(faults)
    return paths


def _read(source: str, path: Path | None, watchlist: Watchlist) -> EventFile:
    base, pairs = watchlist.base_folder, pairs_of(watchlist)
    events = load_events(source, base, dates=watchlist.dates, pairs=pairs)
    return EventFile.of_table(events, source, path if path and is_store(path) else None)


def events_of(rule: DyadRule, event_files: Sequence[EventFile]) -> DyadEvents | None:
    """Return the acts of a dyad, each row once; ids that mean several acts get the name of their file."""
    acts = [(file, table) for file in event_files if (table := file.acts_of(rule)) is not None]
    if not acts:
        return None
    holding, tables = zip(*acts, strict=True)
    if len(acts) == 1:
        return DyadEvents(tables[0], holding, 0)
    columns = {name: np.concatenate([getattr(table, name) for table in tables]) for name in FIELDS}
    place = np.repeat(np.arange(len(tables)), [len(table) for table in tables]).tolist()
    content = list(zip(*(columns[name].tolist() for name in _CONTENT), strict=True))
    keep = np.ones(len(place), dtype=np.bool_)
    seen: dict[str, int] = {}
    for row, name in enumerate(columns["id"].tolist()):
        first = seen.setdefault(name, row)
        if place[first] != place[row]:
            keep[row] = content[first] != content[row]
            columns["id"][row] = f"{Path(holding[place[row]].source).stem}/{name}"
    table = EventTable.sort_rows(
        {name: column[keep] for name, column in columns.items()},
        max(zip(tables, holding, strict=True), key=lambda pair: len(pair[0]))[1].source,
        has_verified=all(table.has_verified for table in tables),
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
        line=np.concatenate([table.line for table in tables])[keep],
    )
    return DyadEvents(table, holding, int((~keep).sum()))
