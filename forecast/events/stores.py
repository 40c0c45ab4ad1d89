"""A store of events, as readers see it: acts by source and month → ``EventTable``; how fresh each source is.

::

    store.json                  version, pairs
    gdelt2/source.json          address, pace, day of the last update, since when a pair is watched
    gdelt2/acts/2020-11.parquet  acts of the month, with their repeats, in order of pair, day and id
    gdelt2/files/2020-11.json   which files of the month were read, which are still open

``forecast.store`` fills it; each file is replaced whole, so it can be read at any time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.errors import EventError, did_you_mean
from forecast.events.cells import DATES
from forecast.events.feed_faults import Feed, feed_faults
from forecast.events.rows import literal_path
from forecast.events.table import COLUMNS, FIELDS, EventTable
from forecast.records.notices import FeedFault
from forecast.storage import read_json
from forecast.wording import count, long_day

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VERSION = 1
STORE, SOURCE, ACTS, FILES = "store.json", "source.json", "acts", "files"
ALWAYS_EMPTY = ("end_date", "verified", "confidence")
"""Columns of an event file that no feed fills."""
HELD = tuple(name for name in COLUMNS if name not in ALWAYS_EMPTY)
"""Columns of an event file that a store holds."""
Names = Sequence[str]
Pairs = Collection[tuple[str, str]]
"""Pairs of actors, each in order of name."""


@dataclass(frozen=True)
class SourceState:
    """One source of a store.

    ``pace_days``: when all is well its newest act is at most this old. ``watched`` is, by pair, the day of
    the first update that asked for it: what appears later was seen as it came.
    """

    name: str
    address: str
    pace_days: int
    updated: date | None
    watched: Mapping[str, date]


@dataclass(frozen=True)
class Freshness:
    """How old the newest act of a source is, whoever did it, against its pace."""

    source: str
    newest: date | None
    days: int | None
    pace_days: int

    @property
    def stale(self) -> bool:
        """Whether it is older than the pace of the source allows."""
        return self.days is None or self.days > self.pace_days


def is_store(path: Path) -> bool:
    """Whether a folder is a store."""
    return (path / STORE).is_file()


def read_settings(folder: Path) -> dict[str, Any]:
    """Return what ``store.json`` says.

    Raises
    ------
    EventError
        The folder is no store, or one of another version.
    """
    if not is_store(folder):
        found = "no store of events" if folder.exists() else "no such folder"
        raise EventError(
            f"{folder}: {found}. 'forecast events update --store {folder} --source gdelt2 --pair USA,CHN "
            "--since DAY' makes one"
        )
    settings = read_state(folder / STORE)
    version = settings.get("version")
    if version != VERSION:
        raise EventError(
            f"{folder / STORE}: a store of version {version!r}; this program reads version {VERSION}. Fill a "
            "new one with 'forecast events update', or use the version that made it"
        )
    return settings


def read_state(path: Path) -> dict[str, Any]:
    """Return a JSON object of a store (``EventError``: damaged)."""
    try:
        content = json.loads(read_json(path))
    except (OSError, ValueError, RecursionError) as error:
        raise EventError(f"{path}: cannot be read ({error}). Move it away and update the store") from error
    if not isinstance(content, dict):
        raise EventError(f"{path}: no JSON object. Move it away and update the store")
    return content


def source_states(folder: Path) -> tuple[SourceState, ...]:
    """Return the sources of a store, by name."""
    found = []
    for path in sorted(folder.glob(f"*/{SOURCE}")):
        told = read_state(path)
        try:
            found.append(
                SourceState(
                    path.parent.name,
                    str(told["address"]),
                    int(told["pace_days"]),
                    date.fromisoformat(told["updated"]) if told["updated"] else None,
                    {pair: date.fromisoformat(day) for pair, day in told["watched"].items()},
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EventError(f"{path}: {error!r} is wrong. Move it away and update the store") from error
    return tuple(found)


def act_files(folder: Path, sources: Sequence[str] = ()) -> list[Path]:
    """Return the files with acts, of some sources or of all.

    Raises ``EventError``: the store has no such source.
    """
    held = [state.name for state in source_states(folder)]
    for name in sources:
        if name not in held:
            hint = did_you_mean(name, held)
            raise EventError(
                f"{folder}: holds nothing of {name}.{hint} It holds: {', '.join(held) or 'none'}"
            )
    return [path for name in sources or held for path in sorted((folder / name / ACTS).glob("*.parquet"))]


def reader_of(paths: Sequence[Path]) -> str:
    """Return the SQL that reads files of acts."""
    listed = ", ".join("'" + literal_path(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning=false)"


def pair_key(pair: tuple[str, str]) -> str:
    """Return a pair as a store writes it, in order of name: ``CHN,USA``."""
    return ",".join(sorted(pair))


def read_store(
    folder: Path, *, name: str, pairs: Pairs | None = None, sources: Sequence[str] = ()
) -> EventTable:
    """Read the acts of a store, each once however often it was reported; ``pairs`` alone if given.

    Raises
    ------
    EventError
        No store, one of another version, a damaged file, or no act that is asked for.
    """
    import duckdb

    settings = read_settings(folder)
    paths = act_files(folder, sources)
    wanted = "" if pairs is None else f" AND pair IN ({', '.join(_quoted(pair_key(one)) for one in pairs)})"
    chosen = ", ".join(f'"{column}"' for column in HELD)
    columns: dict[str, Any] = {}
    if paths and pairs != ():
        query = f"SELECT {chosen} FROM {reader_of(paths)} WHERE story = id{wanted} ORDER BY date, id"
        try:
            with connect() as connection:
                columns = dict(connection.execute(query).fetchnumpy())
        except duckdb.Error as error:
            raise EventError(
                f"{name}: a file of the store cannot be read ({str(error).splitlines()[0][:200]}). Remove it "
                "and its namesake in the folder 'files', and update the store"
            ) from error
    if not columns or not len(columns["id"]):
        held = ", ".join(settings["pairs"]) or "none"
        asked = f" between {' or '.join(' and '.join(one) for one in sorted(pairs)[:5])}" if pairs else ""
        raise EventError(
            f"{name}: the store holds no act{asked}. It was filled for: {held}. To add a pair: forecast "
            "events update --pair A,B --since DAY"
        )
    return _table(columns, name)


def _table(columns: Mapping[str, Any], source: str) -> EventTable:
    rows = len(columns["id"])
    made: dict[str, Any] = {}
    for name, column in zip(FIELDS, COLUMNS, strict=True):
        values = columns.get(column)
        if values is None:
            made[name] = np.zeros(rows, np.bool_) if name == "verified" else np.full(rows, "", np.object_)
            if name in DATES:
                made[name] = np.full(rows, "NaT", "datetime64[D]")
        elif name in DATES:
            made[name] = np.ma.filled(values.astype("datetime64[D]"), np.datetime64("NaT", "D"))
        elif name == "severity":
            made[name] = np.asarray(values, np.int8)
        else:
            made[name] = np.asarray(np.ma.filled(values, ""), np.object_)
    return EventTable(source=source, has_verified=False, **made)


def connect() -> DuckDBPyConnection:
    """Open an engine in memory that fetches nothing from the network."""
    import duckdb

    return duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": 2})


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# Freshness


def freshness(folder: Path, as_of: date, sources: Sequence[str] = ()) -> tuple[Freshness, ...]:
    """Return how fresh each source is on a day: by the newest act in its files, whoever did it.

    A source of which a file was read whose acts are all old is stale, however lately the update ran; a pair
    may be silent while its source is alive.
    """
    found = []
    for state in source_states(folder):
        if sources and state.name not in sources:
            continue
        newest = _newest(folder / state.name / FILES, as_of)
        days = None if newest is None else (as_of - newest).days
        found.append(Freshness(state.name, newest, days, state.pace_days))
    return tuple(found)


def _newest(folder: Path, as_of: date) -> date | None:
    """Return the newest day of an act in the files that were published by the end of a day."""
    newest = None
    for path in sorted(folder.glob("*.json"), reverse=True):
        if path.stem > as_of.isoformat()[:7]:
            continue
        entries = read_state(path).get("read", {}).values()
        days = [
            min(as_of, date.fromisoformat(one["newest"]))
            for one in entries
            if one.get("newest") and one["day"] <= as_of.isoformat()
        ]
        newest = max((*days, *([newest] if newest else ())), default=None)
        # A file holds no act later than itself, so that older months bring none that is newer.
        if newest is not None and newest.isoformat()[:7] >= path.stem:
            break
    return newest


def faults_of(feeds: Sequence[Feed], as_of: date, sources: Sequence[str] = ()) -> tuple[FeedFault, ...]:
    """Return what is wrong with the feed that these files and stores are, as known at the as-of date.

    The age of a store is that of each of its sources, judged by its own pace.
    """
    faults = feed_faults(feeds, as_of)
    stores = {feed.store: feed.source for feed in feeds if feed.store is not None}
    if not stores:
        return faults
    stale = (one for path, name in stores.items() for one in _stale_sources(path, name, as_of, sources))
    return (*stale, *(one for one in faults if one.code != "stale_feed"))


def _stale_sources(folder: Path, name: str, as_of: date, sources: Sequence[str] = ()) -> Iterator[FeedFault]:
    """Yield a fault for each source whose newest act is too old on a day for its own pace."""
    for one in freshness(folder, as_of, sources):
        if one.newest is None or not one.stale:
            continue
        assert one.days is not None
        said = f"the newest act of {one.source} is of {long_day(one.newest)}, {count(one.days, 'day')} "
        said += f"before the as-of date; this source is never more than {count(one.pace_days, 'day')} behind."
        yield FeedFault(
            code="stale_feed",
            feed=name,
            first=one.newest,
            last=as_of,
            value=float(one.days),
            limit=float(one.pace_days),
            text=f"{name}: {said} Update the store: forecast events update",
        )
