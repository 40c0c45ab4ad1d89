"""Is the feed of a dyad still what it was: its freshness, a lost month, a doubled day, changed coding.

The feed is all rows of the files that a dyad's acts come from: a dyad may be silent while its feed is alive.
Only what was known at the as-of date is looked at. Each check compares the feed with its own past, so that
sparse and dense feeds, hand-coded or by machine, are held to their own measure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CATEGORIES
from forecast.events.table import EventTable
from forecast.records.watch import FeedFault
from forecast.runs.cautions import stale_events
from forecast.watchlist.event_files import EventFile, volume_of
from forecast.wording import count, long_day, number

RECENT_MONTHS = 12
"""Faults that lie further back are part of the record by now."""
LOST_SHARE = 0.1
LOST_LEAST = 15.0
"""A month is lost that holds less than this share of the median of its neighbours, where that is so much."""
NEIGHBOURS = 6
DOUBLED_ROWS, DOUBLED_KINDS = 8, 3
"""A day is doubled that has so many rows of so many kinds, each an even number of times."""
CODING_MONTHS, CODING_BEFORE = 3, 24
CODING_ROWS = 30
CODING_FACTOR, CODING_LEAST = 1.25, 0.3
"""Coding has changed where the mixture of categories of the last months is further from that of the months
before than any earlier span was, by this factor, and by so much at least."""

_DAY, _MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")

Floats = NDArray[np.float64]


def feed_faults(files: Sequence[EventFile], as_of: date) -> tuple[FeedFault, ...]:
    """Return what is wrong with the feed that these files are, as known at the as-of date."""
    day = np.datetime64(as_of, "D")
    volume = {one: rows for one, rows in volume_of(files).items() if one <= day}
    found = list(_stale(files, volume, day))
    for file in files:
        table = file.table.known_by(as_of)
        by_day = dict(zip(file.volume_day, file.volume, strict=True))
        found += _lost_months(file.source, {one: n for one, n in by_day.items() if one <= day}, day)
        found += _doubled_days(file.source, table, day)
        found += _changed_coding(file.source, table, day)
    return tuple(found)


def _stale(
    files: Sequence[EventFile], volume: dict[np.datetime64, int], as_of: np.datetime64
) -> Iterator[FeedFault]:
    if not volume:
        return
    days = np.array(list(volume), dtype="datetime64[D]")
    for one in stale_events(days, as_of):
        before = one.longest_gap_days or 0
        yield FeedFault(
            code="stale_feed",
            feed=files[0].source,
            first=one.last_date,
            last=as_of.item(),
            value=one.gap_days,
            limit=before,
            text=f"{files[0].source}: nothing since {long_day(one.last_date)}, {count(one.gap_days, 'day')}; "
            f"the longest gap before was {count(before, 'day')}.",
        )


def _lost_months(source: str, volume: dict[np.datetime64, int], as_of: np.datetime64) -> Iterator[FeedFault]:
    if not volume:
        return
    first, last = min(volume).astype("datetime64[M]"), max(volume).astype("datetime64[M]")
    months = np.arange(first, last + _MONTH)
    counts = np.zeros(len(months))
    for one, rows in volume.items():
        counts[int((one.astype("datetime64[M]") - first) / _MONTH)] += rows
    # The first and the last month are cut by the ends of the file.
    for place in range(max(1, len(months) - 1 - RECENT_MONTHS), len(months) - 1):
        low, high = max(1, place - NEIGHBOURS), min(len(months) - 1, place + NEIGHBOURS + 1)
        around = np.delete(counts[low:high], place - low)
        if len(around) < NEIGHBOURS:
            continue
        usual = float(np.median(around))
        if usual >= LOST_LEAST and counts[place] < LOST_SHARE * usual and counts[place] < 0.5 * around.min():
            begin, end = (
                months[place].astype("datetime64[D]"),
                (months[place] + _MONTH).astype("datetime64[D]"),
            )
            yield FeedFault(
                code="lost_month",
                feed=source,
                first=begin.item(),
                last=(end - _DAY).item(),
                value=float(counts[place]),
                limit=LOST_SHARE * usual,
                text=f"{source}: {count(int(counts[place]), 'row')} in {begin.item():%B %Y}, where the "
                f"months around it have {number(usual, 0)}; part of the feed seems lost.",
            )


def _doubled_days(source: str, table: EventTable, as_of: np.datetime64) -> Iterator[FeedFault]:
    since = as_of - np.timedelta64(int(RECENT_MONTHS * 30.5), "D")
    begin = int(np.searchsorted(table.date, since))
    columns: list[Any] = [
        getattr(table, name)[begin:].tolist()
        for name in ("date", "initiator", "recipient", "category", "severity", "subcategory", "summary")
    ]
    by_day: dict[date, Counter[tuple[Any, ...]]] = {}
    for day, *content in zip(*columns, strict=True):
        by_day.setdefault(day, Counter())[tuple(content)] += 1
    for day, kinds in by_day.items():
        rows = sum(kinds.values())
        doubled = all(times % 2 == 0 for times in kinds.values())
        if rows >= DOUBLED_ROWS and len(kinds) >= DOUBLED_KINDS and doubled:
            yield FeedFault(
                code="doubled_day",
                feed=source,
                first=day,
                last=day,
                value=float(rows),
                limit=float(DOUBLED_ROWS),
                text=f"{source}: all {rows} rows of {long_day(day)} stand there twice.",
            )


def _changed_coding(source: str, table: EventTable, as_of: np.datetime64) -> Iterator[FeedFault]:
    """Compare the mixture of categories of the last months with that before, by its own past."""
    if not len(table):
        return
    last = (as_of + _DAY).astype("datetime64[M]")
    month = ((last - table.date.astype("datetime64[M]")) / _MONTH).astype(np.int64) - 1
    inside = (month >= 0) & (month < 120)
    if not inside.any():
        return
    place = np.searchsorted(np.sort(CATEGORIES), table.category[inside].astype(str))
    counts = np.zeros((int(month[inside].max()) + 1, len(CATEGORIES)))
    np.add.at(counts, (month[inside], place), 1)
    distances = [
        _distance(
            counts[back : back + CODING_MONTHS], counts[back + CODING_MONTHS : back + CODING_MONTHS + 24]
        )
        for back in range(0, len(counts) - 2 * CODING_MONTHS, CODING_MONTHS)
    ]
    if not distances or distances[0] is None:
        return
    earlier = [one for one in distances[1:] if one is not None]
    limit = max(CODING_LEAST, CODING_FACTOR * max(earlier, default=1.0))
    if len(earlier) >= 3 and distances[0] > limit:
        first = (last - CODING_MONTHS * _MONTH).astype("datetime64[D]")
        yield FeedFault(
            code="changed_coding",
            feed=source,
            first=first.item(),
            last=as_of.item(),
            value=distances[0],
            limit=limit,
            text=f"{source}: the kinds of act coded since {first.item():%B %Y} differ from those of the two "
            f"years before more than ever ({number(distances[0], 2)}, at most {number(max(earlier), 2)} "
            "earlier); the coding may have changed.",
        )


def _distance(now: Floats, before: Floats) -> float | None:
    """Total variation distance of two mixtures of categories; ``None`` where either has too few rows."""
    one, other = now.sum(axis=0), before.sum(axis=0)
    if one.sum() < CODING_ROWS or other.sum() < CODING_ROWS:
        return None
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)
