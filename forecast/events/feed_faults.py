"""Is a feed still what it was: fresh and whole.

One place for ``events validate``, ``check``, ``run`` and ``watch``. A feed is all rows of a file, or of the
files that a dyad's acts come from: a dyad may be silent while its feed is alive. Only what was known at the
as-of date is looked at. Each check compares the feed with its own past, so that sparse and dense feeds,
hand-coded or by machine, are held to their own measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from forecast.events.table import EventTable
from forecast.records.notices import FaultCode, FeedFault
from forecast.wording import count, long_day, number

STALE_CHANCE = 0.01
STALE_DAYS = 14
"""Shortest gap that is ever called stale: two weeks, since a shorter one changes no forecast."""
STALE_WITHOUT_PACE_DAYS = 365
"""The same where no two days have events, so that the record has no pace."""
RECENT_MONTHS = 12
"""Lost months that lie further back are part of the record by now."""
LOST_SHARE = 0.1
LOST_LEAST = 15.0
"""A month is lost that holds less than this share of the median of its neighbours, where that is so much."""
NEIGHBOURS = 6
SILENT_MONTHS, SILENT_LEAST = 24, 2
"""A month without a row is lost, too, where the last so many other months have so many rows each."""
_DAY, _MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Feed:
    """A file of events as a feed, by the name that messages give it.

    ``table`` has its rows, of a large archive perhaps those between some actors alone; ``volume_day`` and
    ``volume``, shape (day,), are the days on which the whole file has rows, in order, and how many.
    """

    source: str
    table: EventTable
    volume_day: Days
    volume: Integers
    store: Path | None = None

    @classmethod
    def of_table(cls, table: EventTable, source: str | None = None, store: Path | None = None) -> Self:
        """Return a table as a feed of its own."""
        days, rows = np.unique(table.date, return_counts=True)
        return cls(source or table.source, table, days, rows.astype(np.int64), store)


class StaleGap(NamedTuple):
    """A gap too long for the pace of its record; both are ``None`` where no two days have events."""

    last: np.datetime64
    days: int
    longest: int | None
    chance: float | None


def feed_faults(feeds: Sequence[Feed], as_of: date) -> tuple[FeedFault, ...]:
    """Return what is wrong with the feed that these files are, as known at the as-of date."""
    day = np.datetime64(as_of, "D")
    faults = list(_stale(feeds, day))
    for feed in feeds:
        until = int(np.searchsorted(feed.volume_day, day, side="right"))
        faults += _lost_months(feed.source, feed.volume_day[:until], feed.volume[:until])
    return tuple(faults)


def new_fault(
    code: FaultCode, source: str, span: tuple[date, date], value: float, limit: float, said: str
) -> FeedFault:
    """Return a fault of a feed over a span of days; ``limit`` is what the value should keep to."""
    days, text = dict(zip(("first", "last"), span, strict=True)), f"{source}: {said}"
    return FeedFault(code=code, feed=source, value=float(value), limit=float(limit), text=text, **days)


def stale_gap(days: Days, as_of: np.datetime64, *, chance: float = STALE_CHANCE) -> StaleGap | None:
    r"""Return the gap up to the as-of date where it is too long for the pace of its own record.

    A gap is the time between two neighbouring days with events. Of n gaps over T days in all, under one
    unknown rate with Jeffreys' prior, the next gap is longer than g days with probability (T / (T + g))^n:
    the mean of exp(−λg) over the posterior Gamma(n, T) of the rate λ. Events come in bursts, which this does
    not know, so three things are asked for:

    - that probability is below ``chance``;
    - the gap is longer than every gap before (whatever the law of the gaps, if they are exchangeable, this
      has probability 1 / (n + 1));
    - it lasts ``STALE_DAYS`` at least.

    Without a gap there is no pace, and ``STALE_WITHOUT_PACE_DAYS`` is the limit. ``days``, shape (event,),
    are in order, at least one.
    """
    active = np.unique(days)
    gap = int((as_of - active[-1]) / _DAY)
    gaps = (np.diff(active) / _DAY).astype(np.int64)
    if not len(gaps):
        return StaleGap(active[-1], gap, None, None) if gap >= STALE_WITHOUT_PACE_DAYS else None
    total, longest = int(gaps.sum()), int(gaps.max())
    by_chance = float((total / (total + gap)) ** len(gaps))
    stale = gap >= STALE_DAYS and by_chance < chance and gap > longest
    return StaleGap(active[-1], gap, longest, by_chance) if stale else None


def _stale(feeds: Sequence[Feed], as_of: np.datetime64) -> Iterator[FeedFault]:
    days = np.unique(np.concatenate([feed.volume_day for feed in feeds]))
    days = days[days <= as_of]
    gap = stale_gap(days, as_of) if len(days) else None
    if gap is not None:
        last, before = gap.last.item(), gap.longest or 0
        said = f"nothing since {long_day(last)}, {count(gap.days, 'day')}"
        said += f"; the longest gap before was {count(before, 'day')}."
        span = (last, as_of.item())
        yield new_fault("stale_feed", feeds[0].source, span, gap.days, before, said)


def _lost_months(source: str, days: Days, rows: Integers) -> Iterator[FeedFault]:
    if not len(days):
        return
    month = days.astype("datetime64[M]")
    first, last = month[0], month[-1]
    months = np.arange(first, last + _MONTH)
    counts = np.zeros(len(months))
    np.add.at(counts, ((month - first) / _MONTH).astype(np.int64), rows)
    # The first and the last month are cut by the ends of the file.
    for place in range(max(1, len(months) - 1 - RECENT_MONTHS), len(months) - 1):
        low, high = max(1, place - NEIGHBOURS), min(len(months) - 1, place + NEIGHBOURS + 1)
        around = np.delete(counts[low:high], place - low)
        if len(around) < NEIGHBOURS:
            continue
        usual = float(np.median(around))
        few = usual >= LOST_LEAST and counts[place] < LOST_SHARE * usual
        if (few and counts[place] < 0.5 * around.min()) or _unlikely_silence(counts, place):
            begin, end = (months[at].astype("datetime64[D]") for at in (place, place + 1))
            said = f"{count(int(counts[place]), 'row')} in {begin.item():%B %Y}, where the months around it "
            said += f"have {number(usual, 0)}; part of the feed seems lost."
            span = (begin.item(), (end - _DAY).item())
            yield new_fault("lost_month", source, span, float(counts[place]), LOST_SHARE * usual, said)


def _unlikely_silence(counts: Floats, place: int) -> bool:
    """Whether a month without a row stands alone in the years around it."""
    if counts[place]:
        return False
    rest = np.delete(counts[1:-1], place - 1)[-SILENT_MONTHS:]
    return len(rest) == SILENT_MONTHS and bool((rest >= SILENT_LEAST).all())
