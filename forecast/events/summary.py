"""What an event table holds: for a reader who must judge whether it can carry a forecast.

Counts and gaps, severities that no longer tell acts apart, and whether a feed is still what it was: fresh and
whole. A feed is all rows of a file, or of the files that a dyad's acts come from: a dyad may be silent while
its feed is alive. Each check compares a feed with its own past, as known at the as-of date.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    SEVERITIES,
    armed_scale,
    countries,
    standard_scale,
)
from forecast.events.reading import PACE_DAYS, newest_act, source_limits
from forecast.events.table import EventTable
from forecast.records.base import Record, Scale
from forecast.records.notices import FaultCode, FeedFault, Notice, notice

GAP_DAYS = 30
"""Shortest span without an act that counts as a gap."""
FEWEST_DEADLY = 3
"""Incidents below the highest severity with people killed, from which on they were coded by that number."""
_DEADLY = re.compile(r"\b(kill(s|ed|ing)?|dead|deaths?|died|dies|fatal(ly|ities)?)\b", re.IGNORECASE)
_NONE_DEAD = re.compile(r"\b(no|nobody|none|without)\b[^.;]{0,20}\b(kill|dead|death|died)", re.IGNORECASE)


class EventSummary(Record):
    """Counts, shares and gaps of an event table; dates and shares are ``None`` where nothing gives them.

    The nested counts are events by category (all, in fixed order) and severity, and by year of the act (every
    one) and category. ``per_month_by_year`` leaves months outside the span of the data out of the division.
    ``rows_sourced`` name where they come from, ``verified_share`` are rows whose source page was read,
    ``verified_without_page`` those that name none, ``late_known_share`` acts that became public late.
    ``actors`` are the rows in which each takes part, most frequent first; ``unlisted_actors`` are no ISO
    3166-1 countries. ``gaps`` are the spans of at least ``GAP_DAYS`` without an act, longest first.
    """

    source: str
    sha256: str
    rows: int
    first_date: date | None
    last_date: date | None
    last_known_date: date | None
    by_category_severity: dict[str, dict[int, int]]
    by_year_category: dict[int, dict[str, int]]
    per_month_by_year: dict[int, float]
    rows_sourced: int
    verified_share: float | None
    verified_without_page: int
    late_known_share: float | None
    actors: dict[str, int]
    unlisted_actors: tuple[str, ...]
    gaps: tuple[dict[str, Any], ...]
    limits: tuple[str, ...]


def summarise(table: EventTable) -> EventSummary:
    """Count what a table holds."""
    days: list[date] = table.date.tolist()
    pairs = Counter(zip(table.category.tolist(), table.severity.tolist(), strict=True))
    years = Counter(zip((day.year for day in days), table.category.tolist(), strict=True))
    span = range(days[0].year, days[-1].year + 1) if days else range(0)
    by_year = {year: {name: years[year, name] for name in CATEGORIES} for year in span}
    actors = Counter(table.initiator.tolist()) + Counter(table.recipient.tolist())
    return EventSummary(
        source=table.source,
        sha256=table.sha256,
        rows=len(table),
        first_date=days[0] if days else None,
        last_date=days[-1] if days else None,
        last_known_date=max(table.known_date.tolist(), default=None),
        by_category_severity={
            name: {severity: pairs[name, severity] for severity in SEVERITIES} for name in CATEGORIES
        },
        by_year_category=by_year,
        per_month_by_year={
            year: sum(counts.values()) / _months_covered(days[0], days[-1], year)
            for year, counts in by_year.items()
        },
        rows_sourced=table.sourced,
        verified_share=float(table.verified.mean()) if table.has_verified and days else None,
        verified_without_page=int(np.sum(table.verified & (table.source_url == ""))),
        late_known_share=float(np.mean(table.known_date > table.date)) if days else None,
        actors=dict(sorted(actors.items(), key=lambda item: (-item[1], item[0]))),
        unlisted_actors=tuple(sorted(set(actors) - set(countries()))),
        gaps=tuple(sorted(_gaps(days), key=lambda gap: (-gap["days"], gap["first"]))),
        limits=source_limits(table.source),
    )


def _months_covered(first: date, last: date, year: int) -> float:
    """Months of a year between two days, both included; a part of a month counts as its share of days."""
    begin, end = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
    whole = end.month - begin.month + end.day / monthrange(year, end.month)[1]
    return whole - (begin.day - 1) / monthrange(year, begin.month)[1]


def _gaps(days: list[date]) -> list[dict[str, Any]]:
    day = timedelta(days=1)
    return [
        {"first": before + day, "last": after - day, "days": (after - before).days - 1}
        for before, after in pairwise(days)
        if (after - before).days > GAP_DAYS
    ]


JUMP, FEWEST_A_YEAR = 1.8, 8
"""Ratio of the rows of two years, of conflict and of cooperation alike, and rows of each that tell it."""


def coding_jump(events: EventTable) -> tuple[int, tuple[int, int], tuple[int, int]] | None:
    """Return the year of the greatest leap, and rows of conflict and cooperation before and in it.

    A crisis brings conflict and ends talks; more of both is rather that more was coded.
    """
    years = (events.date.astype("datetime64[Y]").astype(int) + 1970).tolist()
    rows = Counter(zip(years, np.isin(events.category, CONFLICTUAL).tolist(), strict=True))
    found = []
    # The first and the last year may be parts of one.
    for year in range(min(years) + 2, max(years)):
        before, after = ((rows[one, True], rows[one, False]) for one in (year - 1, year))
        ratio = min(most / max(least, 1) for least, most in map(sorted, zip(before, after, strict=True)))
        alike = (after[0] > before[0]) == (after[1] > before[1])
        if alike and ratio >= JUMP and min(map(max, before, after)) >= FEWEST_A_YEAR:
            found.append((ratio, (year, before, after)))
    return max(found)[1] if found else None


# Severities

FEWEST_INCIDENTS = 5
"""Military incidents below which nothing is said of how they spread over the scale."""
TOP_SHARE, ANY_SHARE = 1 / 3, 0.9
"""Share of incidents of the highest severity, and of any one, above which it hardly tells them apart."""
STANDARD_REASON = "the codebook's own; armed is for relations with routine fire"


def saturated(events: EventTable, scale: Scale) -> Notice | None:
    """Return the caution that severity hardly tells military incidents apart, if so."""
    incidents = events.select(events.category == "military_incident")
    # Both sides' rows of one clash are one incident: its day counts once, by the gravest.
    days, at = np.unique(incidents.date, return_inverse=True)
    severities = [int(incidents.severity[at == day].max()) for day in range(len(days))]
    if len(severities) < FEWEST_INCIDENTS:
        return None
    top = SEVERITIES[-1]
    counts = [severities.count(severity) for severity in range(top + 1)]
    severity = top if counts[top] > TOP_SHARE * len(severities) else counts.index(max(counts))
    if severity != top and counts[severity] < ANY_SHARE * len(severities):
        return None
    return notice(
        "saturated_scale", scale=scale.name, severity=severity, events=counts[severity], of=len(severities)
    )


def scale_of(events: EventTable) -> tuple[Scale, str]:
    """Return the scale of the package by which events seem to be coded, and the reason in a clause.

    By the standard scale every clash with deaths is of the highest severity, so incidents below it that tell
    of people killed were coded by the number killed.
    """
    lesser = (events.category == "military_incident") & (events.severity < SEVERITIES[-1])
    summaries = map(str, events.summary[lesser])
    deadly = sum(bool(_DEADLY.search(text)) and not _NONE_DEAD.search(text) for text in summaries)
    if deadly >= FEWEST_DEADLY:
        said = f"{deadly} military incidents below severity {SEVERITIES[-1]} tell of people killed"
        return armed_scale(), said
    return standard_scale(), STANDARD_REASON


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
    """Return what is wrong with the feed that these files and stores are, as known at the as-of date."""
    day, faults = np.datetime64(as_of, "D"), []
    stores = {feed.store: feed.source for feed in feeds if feed.store is not None}
    for folder, name in stores.items():
        newest = newest_act(folder, as_of)
        if newest is not None and (days := (as_of - newest).days) > PACE_DAYS:
            faults.append(_fault("stale_store", name, (newest, as_of), days, PACE_DAYS))
    active = np.unique(np.concatenate([feed.volume_day for feed in feeds]))
    active = active[active <= day]
    gap = stale_gap(active, day) if len(active) and not stores else None
    if gap is not None:
        span = (gap.last.item(), as_of)
        faults.append(_fault("stale_feed", feeds[0].source, span, gap.days, gap.longest or 0))
    for feed in feeds:
        until = int(np.searchsorted(feed.volume_day, day, side="right"))
        faults += _lost_months(feed.source, feed.volume_day[:until], feed.volume[:until])
    return tuple(faults)


def _fault(code: FaultCode, source: str, span: tuple[date, date], value: float, limit: float) -> FeedFault:
    """A fault of a feed over a span of days; ``limit`` is what the value should keep to."""
    first, last = span
    return FeedFault(code=code, feed=source, first=first, last=last, value=float(value), limit=float(limit))


def stale_gap(days: Days, as_of: np.datetime64, *, chance: float = STALE_CHANCE) -> StaleGap | None:
    r"""Return the gap up to the as-of date where it is too long for the pace of its own record.

    A gap is the time between two neighbouring days with events. Of n gaps over T days in all, under one
    unknown rate with Jeffreys' prior, the next gap is longer than g days with probability (T / (T + g))^n:
    the mean of exp(−λg) over the posterior Gamma(n, T) of the rate λ. Events come in bursts, which this does
    not know, so that probability has to be below ``chance``, and the gap longer than every gap before (which,
    if gaps are exchangeable, has probability 1 / (n + 1)) and than ``STALE_DAYS``. Without a gap there is no
    pace, and ``STALE_WITHOUT_PACE_DAYS`` is the limit. ``days``, shape (event,), are in order, at least one.
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
            span = (begin.item(), (end - _DAY).item())
            yield _fault("lost_month", source, span, float(counts[place]), LOST_SHARE * usual)


def _unlikely_silence(counts: Floats, place: int) -> bool:
    """Whether a month without a row stands alone in the years around it."""
    if counts[place]:
        return False
    rest = np.delete(counts[1:-1], place - 1)[-SILENT_MONTHS:]
    return len(rest) == SILENT_MONTHS and bool((rest >= SILENT_LEAST).all())
