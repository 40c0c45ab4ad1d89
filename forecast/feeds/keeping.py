"""Candidates of all files → which of them are kept; only narrow columns are held in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.events.cells import clean_text
from forecast.events.rows import literal_path
from forecast.feeds.engine import load_table
from forecast.feeds.repeats import (
    KEPT,
    MIRRORED,
    OVER_CAP,
    REPEATED,
    Fates,
    Whole,
    mark_over_cap,
    mark_repeats,
)
from forecast.feeds.statement import CANDIDATE
from forecast.feeds.switches import Switches
from forecast.feeds.thinning import keep_probabilities, lot

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

THINNED, SAME_ID = 4, 5
NAMES = {
    REPEATED: "repeated",
    MIRRORED: "mirrored",
    OVER_CAP: "over_cap",
    THINNED: "thinned",
    SAME_ID: "same_id",
}
ROWS_AT_ONCE = 20_000

_ORDER = (
    "known, severity DESC, mentions DESC NULLS LAST, day, event_id, a, b, code, mode, place, url, title, note"
)


@dataclass(frozen=True)
class Kept:
    """What the last stage left.

    Parameters
    ----------
    fates : dict of str to int
        Candidates dropped, by fate.
    examples : dict of str to list of str
        First of them.
    count : int
        Rows kept.
    lowest_probability : float
        Least probability of being kept of the thinning; 1 without it.
    daily : dict of date to int
        Rows kept, by day of publication.
    """

    fates: dict[str, int]
    examples: dict[str, list[str]]
    count: int
    lowest_probability: float
    daily: dict[date, int]


def choose_rows(
    connection: DuckDBPyConnection,
    parts: Sequence[Path],
    keys: Sequence[str],
    switches: Switches,
    volumes: Mapping[date, int],
) -> Kept:
    """Decide which candidates are kept, and leave them in the table ``kept`` of the connection.

    Parameters
    ----------
    connection : duckdb connection
    parts : sequence of Path
        Parquet files with candidates.
    keys : sequence of str
        Files whose candidates count.
    switches : Switches
    volumes : mapping of date to int
        The world's rows by day of publication.
    """
    if not parts:
        return Kept({}, {}, 0, 1.0, {})
    _load(connection, parts, keys)
    place = "''" if switches.ignore_place else "coalesce(place, '')"
    one, other = (
        "CASE WHEN mutual THEN least(a, b) ELSE a END",
        "CASE WHEN mutual THEN greatest(a, b) ELSE b END",
    )
    narrow = connection.execute(
        f"""SELECT CAST(date_diff('day', DATE '1970-01-01', day) AS BIGINT) AS day,
  CAST(date_diff('day', DATE '1970-01-01', known) AS BIGINT) AS known,
  CAST(dense_rank() OVER (ORDER BY {one}, {other}, counts_as, {place}) AS BIGINT) AS grp,
  CAST(dense_rank() OVER (ORDER BY a, b, category) AS BIGINT) AS stream,
  (CASE WHEN mutual THEN a < b ELSE NOT swapped END) AS forward,
  again
FROM rows ORDER BY turn"""
    ).fetchnumpy()
    columns: dict[str, Any] = {name: np.asarray(values) for name, values in narrow.items()}
    fates = np.where(columns["again"], np.int8(SAME_ID), np.int8(KEPT))
    alive = np.flatnonzero(fates == KEPT)
    fates[alive] = mark_repeats(
        columns["day"][alive],
        columns["grp"][alive],
        columns["forward"][alive],
        repeat_days=switches.repeat_days,
        mirrored=switches.merge_mirrored,
    )
    if switches.cap_per_day is not None:
        fates = mark_over_cap(columns["day"], columns["stream"], fates, switches.cap_per_day)
    lowest = _thin(connection, fates, columns["known"], volumes, switches.seed) if switches.normalise else 1.0
    turns = np.arange(len(fates))
    verdicts = {"turn": turns, "fate": fates}
    connection.execute("CREATE OR REPLACE TABLE decided AS SELECT turn, fate FROM verdicts")
    del verdicts
    connection.execute(
        "CREATE OR REPLACE TABLE kept AS "
        f"SELECT rows.* FROM rows JOIN decided USING (turn) WHERE fate = {KEPT}"
    )
    counts = Counter(fates.tolist())
    known = columns["known"][fates == KEPT].astype("datetime64[D]").tolist()
    return Kept(
        {name: counts[code] for code, name in NAMES.items() if counts[code]},
        _examples(connection),
        counts[KEPT],
        lowest,
        dict(Counter(known)),
    )


def kept_rows(connection: DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the kept rows in order of day and id, in bundles; columns as in ``CANDIDATE``, then the id."""
    columns = ", ".join(CANDIDATE)
    # Rows without an id of their own get one from their content; acts coded alike are numbered.
    content = "concat_ws('|', day, a, b, code, mode, place, title, note, url)"
    cursor = connection.execute(
        f"""WITH named AS (SELECT *, coalesce(event_id, left(md5({content}), 16)) AS base FROM kept),
numbered AS (SELECT *, row_number() OVER (PARTITION BY base ORDER BY turn) AS copy FROM named)
SELECT {columns}, base || CASE WHEN copy = 1 THEN '' ELSE '-' || copy END AS id
FROM numbered ORDER BY day, id"""
    )
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield rows


def _load(connection: DuckDBPyConnection, parts: Sequence[Path], keys: Sequence[str]) -> None:
    load_table(connection, "wanted", {"key": list(keys)})
    paths = [literal_path(path) for path in parts]
    # The turn is the order in which rows became known; of those of one day the gravest comes first.
    connection.execute(
        f"""CREATE OR REPLACE TABLE rows AS
SELECT *, event_id IS NOT NULL
    AND row_number() OVER (PARTITION BY event_id, a, b, code ORDER BY turn) > 1 AS again
FROM (SELECT r.*, row_number() OVER (ORDER BY {_ORDER}) - 1 AS turn
  FROM read_parquet(?) r JOIN wanted USING (key))""",
        [paths],
    )


def _thin(
    connection: DuckDBPyConnection,
    fates: Fates,
    known: Whole,
    volumes: Mapping[date, int],
    seed: int,
) -> float:
    kept = keep_probabilities(volumes)
    chances = np.array([kept.get(day, 1.0) for day in known.astype("datetime64[D]").tolist()])
    cursor = connection.execute(
        "SELECT coalesce(event_id, concat_ws('|', day, a, b, code, turn)) FROM rows ORDER BY turn"
    )
    place = 0
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for (name,) in rows:
            if fates[place] == KEPT and lot(name, seed) >= chances[place]:
                fates[place] = THINNED
            place += 1
    return float(chances.min(initial=1.0))


def _examples(connection: DuckDBPyConnection) -> dict[str, list[str]]:
    shown = {}
    for code, name in NAMES.items():
        rows = connection.execute(
            "SELECT coalesce(event_id, ''), day, a, b, code FROM rows JOIN decided USING (turn) "
            f"WHERE fate = {code} ORDER BY turn LIMIT 3"
        ).fetchall()
        if rows:
            shown[name] = [
                clean_text(f"row {row}: {day} {a} to {b}, code {text}") for row, day, a, b, text in rows
            ]
    return shown
