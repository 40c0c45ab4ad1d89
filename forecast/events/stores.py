"""A store of events, as readers see it: acts by month → ``EventTable``; how fresh it is.

::

    store.json                   version, pairs
    gdelt2/source.json           address, days of the last update
    gdelt2/acts/2020-11.parquet  acts of the month, with their repeats, in order of pair, day and id
    gdelt2/files/2020-11.json    which files of the month were read, which are still open

``forecast.store`` fills it; each file is replaced whole, so it can be read at any time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.errors import EventError
from forecast.events.cells import DATES
from forecast.events.rows import literal_path, quoted
from forecast.events.table import COLUMNS, FIELDS, EventTable
from forecast.storage import read_json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VERSION = 1
FEED = "gdelt2"
STORE, STATE, ACTS, FILES = "store.json", f"{FEED}/source.json", f"{FEED}/acts", f"{FEED}/files"
PACE_DAYS = 2
"""The newest act of the feed is at most so old when all is well."""
HELD = tuple(name for name in COLUMNS if name not in ("end_date", "verified", "confidence"))
"""Columns of an event file that a store holds; no feed fills the others."""
Pairs = Collection[tuple[str, str]]
"""Pairs of actors, each in order of name."""


def is_store(path: Path) -> bool:
    """Whether a folder is a store."""
    return (path / STORE).is_file()


def read_pairs(folder: Path) -> list[str]:
    """Return the pairs that a store is for, as ``CHN,USA``.

    Raises ``EventError``: the folder is no store, or one of another version, or holds another feed.
    """
    if not is_store(folder):
        kind = "no store of events" if folder.exists() else "no such folder"
        command = f"forecast events update --store {folder} --pair USA,CHN --since DAY"
        raise EventError(f"{folder}: {kind}. '{command}' makes one")
    settings = read_state(folder / STORE)
    version = settings.get("version")
    if version != VERSION:
        raise EventError(
            f"{folder / STORE}: a store of version {version!r}; this program reads version {VERSION}. Fill a "
            "new one with 'forecast events update', or use the version that made it"
        )
    if others := [path.parent.name for path in folder.glob("*/source.json") if path.parent.name != FEED]:
        raise EventError(
            f"{folder / others[0]}: since 0.4 a store holds {FEED} alone. Move this folder away, and read "
            f"files of {others[0]} with 'forecast events import'"
        )
    return [str(pair) for pair in settings["pairs"]]


def read_state(path: Path) -> dict[str, Any]:
    """Return a JSON object of a store (``EventError``: damaged)."""
    try:
        content = json.loads(read_json(path))
    except (OSError, ValueError, RecursionError) as error:
        raise EventError(f"{path}: cannot be read ({error}). Move it away and update the store") from error
    if not isinstance(content, dict):
        raise EventError(f"{path}: no JSON object. Move it away and update the store")
    return content


def act_files(folder: Path) -> list[Path]:
    """Return the files with acts, by month."""
    return sorted((folder / ACTS).glob("*.parquet"))


def reader_of(paths: Sequence[Path]) -> str:
    """Return the SQL that reads files of acts."""
    listed = ", ".join(quoted(literal_path(path)) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning=false)"


def pair_key(pair: tuple[str, str]) -> str:
    """Return a pair as a store writes it, in order of name: ``CHN,USA``."""
    return ",".join(sorted(pair))


def read_store(folder: Path, *, name: str, pairs: Pairs | None = None) -> EventTable:
    """Read the acts of a store, each once however often it was reported; ``pairs`` alone if given.

    Raises ``EventError``: no store, one of another version, a damaged file, or no act that is asked for.
    """
    import duckdb

    held, paths = read_pairs(folder), act_files(folder)
    wanted = "" if pairs is None else f" AND pair IN ({', '.join(quoted(pair_key(pair)) for pair in pairs)})"
    chosen = ", ".join(f'"{column}"' for column in HELD)
    columns: dict[str, Any] = {"id": ()}
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
    if not len(columns["id"]):
        asked = " or ".join(" and ".join(pair) for pair in sorted(pairs or ())[:5])
        raise EventError(
            f"{name}: the store holds no act{asked and f' between {asked}'}. It was filled for: "
            f"{', '.join(held) or 'none'}. To add a pair: forecast events update --pair A,B --since DAY"
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


# Fresh and whole


def newest_act(folder: Path, as_of: date) -> date | None:
    """Return the newest act in the files of a store on a day, whoever did it; ``None``: nothing was read.

    A store of which a file was read whose acts are all old is stale, however lately the update ran; a pair
    may be silent while its feed is alive.
    """
    newest = None
    for path in sorted((folder / FILES).glob("*.json"), reverse=True):
        if path.stem > as_of.isoformat()[:7]:
            continue
        days = [
            min(as_of, date.fromisoformat(entry["newest"]))
            for entry in read_state(path).get("read", {}).values()
            if entry.get("newest") and entry["day"] <= as_of.isoformat()
        ]
        newest = max((*days, *([newest] if newest else ())), default=None)
        # A file holds no act later than itself, so that older months bring none that is newer.
        if newest is not None and newest.isoformat()[:7] >= path.stem:
            break
    return newest
