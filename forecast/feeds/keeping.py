"""Candidates of all files → which of them are kept: re-reports, mirrored rows, the cap a day, thinning.

Rows come in the order in which they became known, so that a later report never displaces an earlier one: what
was kept up to a day does not depend on what came after it. Only narrow columns are held in memory.

Thinning takes the growth of the archive out of a dyad's counts: when the whole archive doubles, a dyad's rows
double without any change between the two countries. Each row of a day is therefore kept with probability
min(1, V₀ / V), where V is the archive's mean volume of the last ``WINDOW`` days that have rows and V₀ that of
its first ``WINDOW``. A Poisson stream thinned so is a Poisson stream at the rate it would have at the volume
V₀. Both means look back only, and whether a row is kept depends on its id and the seed alone, so a later
import changes nothing of the past. A volume that falls below V₀ cannot be made up for.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.events.cells import clean_text
from forecast.events.rows import literal_path
from forecast.feeds.engine import CANDIDATE, load_table
from forecast.feeds.options import Switches

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEPT, REPEATED, MIRRORED, OVER_CAP, THINNED, SAME_ID = range(6)
NAMES = dict(enumerate(("repeated", "mirrored", "over_cap", "thinned", "same_id"), start=REPEATED))
MIRROR_DAYS = 1
"""Days within which the two sides of an act may be dated."""
WINDOW = 28
"""Days of the moving mean: four whole weeks, since archives are thinner at weekends."""
ROWS_AT_ONCE = 20_000
_ORDER = (
    "known, severity DESC, mentions DESC NULLS LAST, day, event_id, a, b, code, mode, place, url, title, "
    "note, swapped, name_a, name_b, outlet, sources"
)
"""Order in which rows count: as they became known; of those of one day the gravest first. It names all
columns that tell rows apart, so that the same files give the same account in every run."""

Whole = NDArray[np.int64]
Fates = NDArray[np.int8]


@dataclass(frozen=True)
class Kept:
    """What the last stage left: candidates dropped by fate, the first of them, and how many rows are kept.

    ``daily`` has the rows kept by day of publication; the least chance to be kept is 1 without thinning.
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

    ``parts`` are Parquet files with candidates, ``keys`` the files whose candidates count, ``volumes`` the
    rows of the whole archive by day of publication.
    """
    if not parts:
        return Kept({}, {}, 0, 1.0, {})
    load_table(connection, "wanted", {"key": list(keys)})
    connection.execute(
        f"""CREATE OR REPLACE TABLE rows AS
SELECT *, event_id IS NOT NULL
    AND row_number() OVER (PARTITION BY event_id, a, b, code ORDER BY turn) > 1 AS again
FROM (SELECT r.*, row_number() OVER (ORDER BY {_ORDER}) - 1 AS turn
  FROM read_parquet(?, hive_partitioning=false) r JOIN wanted USING (key))""",
        [[literal_path(path) for path in parts]],
    )
    place = "''" if switches.ignore_place else "coalesce(place, '')"
    # Rows of one group could be one act: same actors (either way round where it is mutual), code and place.
    one = "CASE WHEN mutual THEN least(a, b) ELSE a END"
    other = "CASE WHEN mutual THEN greatest(a, b) ELSE b END"
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
    told = (columns[name][alive] for name in ("day", "grp", "forward"))
    days, mirrored = switches.repeat_days, switches.merge_mirrored
    fates[alive] = mark_repeats(*told, repeat_days=days, mirrored=mirrored)
    if switches.cap_per_day is not None:
        fates = mark_over_cap(columns["day"], columns["stream"], fates, switches.cap_per_day)
    lowest = _thin(connection, fates, columns["known"], volumes, switches.seed) if switches.normalise else 1.0
    connection.register("verdicts", {"turn": np.arange(len(fates)), "fate": fates})
    connection.execute("CREATE OR REPLACE TABLE decided AS SELECT turn, fate FROM verdicts")
    connection.unregister("verdicts")
    connection.execute(
        "CREATE OR REPLACE TABLE kept AS "
        f"SELECT rows.* FROM rows JOIN decided USING (turn) WHERE fate = {KEPT}"
    )
    counts = Counter(fates.tolist())
    dropped = {name: counts[code] for code, name in NAMES.items() if counts[code]}
    daily = Counter(columns["known"][fates == KEPT].astype("datetime64[D]").tolist())
    return Kept(dropped, _examples(connection), counts[KEPT], lowest, dict(daily))


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


def _thin(
    connection: DuckDBPyConnection, fates: Fates, known: Whole, volumes: Mapping[date, int], seed: int
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
            shown[name] = [clean_text("row {}: {} {} to {}, code {}".format(*row)) for row in rows]
    return shown


def mark_repeats(
    day: Whole, group: Whole, forward: NDArray[np.bool_], *, repeat_days: int | None, mirrored: bool
) -> Fates:
    """Mark the rows that report again an act that an earlier row reports.

    Parameters
    ----------
    day, group, forward : ndarray, shape (row,)
        Day of the act, in the order in which the rows became known; rows of one group could be one act;
        direction of the row within its group.
    repeat_days : int or None
        Rows of one direction are one act when their days differ by at most this; ``None``: never.
    mirrored : bool
        Whether rows of opposite direction are one act, when their days differ by at most ``MIRROR_DAYS`` (or
        ``repeat_days``, if that is more).
    """
    fates = np.zeros(len(day), dtype=np.int8)
    kept: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    other_days = max(MIRROR_DAYS, repeat_days or 0)
    rows = zip(day.tolist(), group.tolist(), forward.tolist(), strict=True)
    for row, (when, which, side) in enumerate(rows):
        if repeat_days is not None and _near(kept[which, side], when, repeat_days):
            fates[row] = REPEATED
        elif mirrored and _near(kept[which, not side], when, other_days):
            fates[row] = MIRRORED
        else:
            insort(kept[which, side], when)
    return fates


def mark_over_cap(day: Whole, stream: Whole, fates: Fates, cap: int) -> Fates:
    """Mark the rows beyond the first ``cap`` of a stream (direction and category) on a day.

    Arrays as in ``mark_repeats``; rows that are not kept do not count.
    """
    marked = fates.copy()
    seen: defaultdict[tuple[int, int], int] = defaultdict(int)
    rows = zip(day.tolist(), stream.tolist(), fates.tolist(), strict=True)
    for row, (when, which, fate) in enumerate(rows):
        if fate == KEPT:
            seen[when, which] += 1
            if seen[when, which] > cap:
                marked[row] = OVER_CAP
    return marked


def _near(days: list[int], when: int, window: int) -> bool:
    at = bisect_left(days, when - window)
    return at < len(days) and days[at] <= when + window


def keep_probabilities(volumes: Mapping[date, int]) -> dict[date, float]:
    """Return the probability with which a row published on each day is kept, from the archive's volumes."""
    days = sorted(day for day, volume in volumes.items() if volume > 0)
    if not days:
        return {}
    first = [volumes[day] for day in days[:WINDOW]]
    reference = sum(first) / len(first)
    probability = {}
    for place, day in enumerate(days):
        recent = [volumes[past] for past in days[max(place + 1 - WINDOW, 0) : place + 1]]
        # Within the first window the mean of less than a window would be noise, not growth.
        mean = reference if place < WINDOW else sum(recent) / len(recent)
        probability[day] = min(1.0, reference / mean)
    return probability


def lot(event_id: str, seed: int) -> float:
    """Return a number in [0, 1) that belongs to a row for good: uniform over ids."""
    digest = hashlib.blake2b(f"{seed}\x1f{event_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
