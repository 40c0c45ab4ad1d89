"""What an event table holds: for a reader who must judge whether it can carry a forecast.

Counts and gaps; counts a month beside the archive's volume, with breaks in either; severities that no longer
tell acts apart.

Breaks are found by Pettitt's rank test, corrected for memory and applied again. Pettitt's statistic K
compares the ranks before and after each month; for independent months of one level P(K ≥ k) ≈ 2 exp(−6 k² /
(T³ + T²)). Events come in bursts, so months are not independent: the variance of K grows by about (1 + r) /
(1 − r), with r the correlation of neighbouring months around their own levels, and k² is divided by it.
Breaks that follow one another hide one another, so every series is first split as often as its length allows;
then the least clear split is dropped, and the others are tested anew between their neighbours, until each has
a corrected p below ``ALPHA`` and changes the level (the mean) by a factor of ``LEAST_FACTOR`` at least.

Source: A. N. Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28 (1979),
126–135, doi 10.2307/2346729. The correction is the usual one of the variance of a mean of an AR(1) series.
"""

from __future__ import annotations

import csv
import re
from calendar import monthrange
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.errors import EventError
from forecast.events.codebook import CATEGORIES, SEVERITIES, armed_scale, countries, standard_scale
from forecast.events.duplicates import find_duplicates
from forecast.events.reading import source_limits
from forecast.events.table import EventTable
from forecast.records.base import Record
from forecast.records.notices import Notice, notice
from forecast.records.scale import Scale

GAP_DAYS = 30
"""Shortest span without an act that counts as a gap."""
IMPORT_FOLDER, VOLUMES = ".import", "volumes.csv"
"""Where ``forecast events import`` leaves the archive's volume by day, beside its output."""
LARGEST_SHARE = 0.2
"""Share of the rows from which on they are no archive of the world, but files of this dyad."""
ALPHA = 0.001
LEAST_FACTOR = 1.5
SHORTEST = 8
"""Months on either side of a break at least."""
MOST = 5
MOST_MEMORY = 0.9
FEWEST_DEADLY = 3
"""Incidents below the highest severity with people killed, from which on they were coded by that number."""
_DEADLY = re.compile(r"\b(kill(s|ed|ing)?|dead|deaths?|died|dies|fatal(ly|ities)?)\b", re.IGNORECASE)
_NONE_DEAD = re.compile(r"\b(no|nobody|none|without)\b[^.;]{0,20}\b(kill|dead|death|died)", re.IGNORECASE)

Floats = NDArray[np.float64]


class Gap(Record):
    """Days without any act: the first and last of them, and how many."""

    first: date
    last: date
    days: int


class EventSummary(Record):
    """Counts, shares and gaps of an event table; dates and shares are ``None`` where nothing gives them.

    The nested counts are events by category (all, in fixed order) and severity, and by year of the act (every
    one) and category. ``per_month_by_year`` leaves months outside the span of the data out of the division.
    ``verified_share`` are rows whose source page was read, ``verified_without_page`` those that name none,
    ``late_known_share`` acts that became public after their day. ``actors`` are the rows in which each takes
    part, most frequent first; ``unlisted_actors`` are no ISO 3166-1 countries. ``gaps`` are the spans of at
    least ``GAP_DAYS`` without an act, longest first.
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
    verified_share: float | None
    verified_without_page: int
    late_known_share: float | None
    actors: dict[str, int]
    unlisted_actors: tuple[str, ...]
    gaps: tuple[Gap, ...]
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
        verified_share=float(table.verified.mean()) if table.has_verified and days else None,
        verified_without_page=int(np.sum(table.verified & (table.source_url == ""))),
        late_known_share=float(np.mean(table.known_date > table.date)) if days else None,
        actors=dict(sorted(actors.items(), key=lambda item: (-item[1], item[0]))),
        unlisted_actors=tuple(sorted(set(actors) - set(countries()))),
        gaps=tuple(sorted(_gaps(days), key=lambda gap: (-gap.days, gap.first))),
        limits=source_limits(table.source),
    )


def _months_covered(first: date, last: date, year: int) -> float:
    """Months of a year between two days, both included; a part of a month counts as its share of days."""
    begin, end = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
    whole = end.month - begin.month + end.day / monthrange(year, end.month)[1]
    return whole - (begin.day - 1) / monthrange(year, begin.month)[1]


def _gaps(days: list[date]) -> list[Gap]:
    one = timedelta(days=1)
    return [
        Gap(first=before + one, last=after - one, days=(after - before).days - 1)
        for before, after in pairwise(days)
        if (after - before).days > GAP_DAYS
    ]


# Severities

FEWEST_INCIDENTS = 5
"""Military incidents below which nothing is said of how they spread over the scale."""
TOP_SHARE, ANY_SHARE = 1 / 3, 0.9
"""Share of incidents of the highest severity, and of any one, above which it hardly tells them apart."""


def saturated(events: EventTable, scale: Scale) -> Notice | None:
    """Return the caution that severity hardly tells military incidents apart, if so."""
    severities = events.severity[events.category == "military_incident"].tolist()
    if len(severities) < FEWEST_INCIDENTS:
        return None
    top = scale.greatest("military_incident")
    counts = [severities.count(severity) for severity in range(max(top, *severities) + 1)]
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
    deadly = sum(bool(_DEADLY.search(said)) and not _NONE_DEAD.search(said) for said in summaries)
    if deadly >= FEWEST_DEADLY:
        said = f"{deadly} military incidents below severity {SEVERITIES[-1]} tell of people killed"
        return armed_scale(), said
    return standard_scale(), "the codebook's own; armed is for relations with routine fire"


# Coverage


class LevelBreak(NamedTuple):
    """A change of level: its first month, counted from 0, and the means of the two sides up to other breaks.

    ``p_value`` is the probability of so clear a break in a series of one level with the same memory.
    """

    position: int
    before: float
    after: float
    p_value: float


class MonthBreak(Record):
    """A ``LevelBreak`` of a series (``events``, ``world`` or ``share``) in a month, YYYY-MM."""

    series: str
    month: str
    before: float
    after: float
    p_value: float


class Coverage(Record):
    """How evenly a file covers its time: acts of every whole month (YYYY-MM), and breaks.

    ``world`` are the rows of the whole archive by month of publication, ``None`` when the file was not
    imported, or from files that hold little but this dyad; ``duplicate_share`` is the share of rows that may
    repeat another; ``breaks`` are those of events, world and the share of the archive.
    """

    months: tuple[str, ...]
    events: tuple[int, ...]
    world: tuple[int, ...] | None
    duplicate_share: float
    breaks: tuple[MonthBreak, ...]


def measure_coverage(table: EventTable, volumes: Mapping[date, int] | None) -> Coverage:
    """Count the whole months of a table and look for breaks.

    ``volumes`` are the rows of the whole archive by day of publication, as an import leaves them.
    """
    months = _whole_months(table)
    counts = Counter(table.date.astype("datetime64[M]").astype(str).tolist())
    events = np.array([counts[month] for month in months], dtype=np.float64)
    series, world = {"events": events}, None
    if volumes is not None and len(table) < LARGEST_SHARE * sum(volumes.values()):
        by_month: Counter[str] = Counter()
        for day, rows in volumes.items():
            by_month[day.isoformat()[:7]] += rows
        series["world"] = world = np.array([by_month[month] for month in months], dtype=np.float64)
        if months and (world > 0).all():
            series["share"] = events / world
    breaks = (
        MonthBreak(
            series=name,
            month=months[level.position],
            **{key: value for key, value in level._asdict().items() if key != "position"},
        )
        for name, values in series.items()
        for level in find_breaks(values)
    )
    repeats = sum(len(group.rows) - 1 for group in find_duplicates(table)[0])
    return Coverage(
        months=tuple(months),
        events=tuple(events.astype(np.int64).tolist()),
        world=None if world is None else tuple(world.astype(np.int64).tolist()),
        duplicate_share=repeats / len(table) if len(table) else 0.0,
        breaks=tuple(breaks),
    )


def volumes_beside(path: Path) -> dict[date, int] | None:
    """Return the archive's volume by day that an import left beside its output, if it did.

    Raises ``EventError``: the file is there and cannot be read.
    """
    beside = path.with_name(path.name + IMPORT_FOLDER) / VOLUMES
    if not beside.is_file():
        return None
    try:
        with beside.open(encoding="utf-8", newline="") as stream:
            return {date.fromisoformat(row["day"]): int(row["world"]) for row in csv.DictReader(stream)}
    except (OSError, ValueError, KeyError) as error:
        raise EventError(f"{beside}: not the volumes of an import ({error}). Import again") from error


def _whole_months(table: EventTable) -> list[str]:
    """Return the months that lie within the span of the acts; a month cut by either end is left out."""
    if not len(table):
        return []
    day, month = np.timedelta64(1, "D"), np.timedelta64(1, "M")
    begin = (table.date[0] - day).astype("datetime64[M]") + month
    end = (table.date[-1] + day).astype("datetime64[M]")
    return [str(whole) for whole in np.arange(begin, end)]


def find_breaks(series: Floats) -> list[LevelBreak]:
    """Return the breaks of a series, shape (month,), in order of time."""
    series = np.asarray(series, dtype=np.float64)
    places = sorted(_candidates(series, 0))
    while places:
        borders = [0, *places, len(series)]
        tested = [_tested(series, *borders[number : number + 3]) for number in range(len(places))]
        weakest = max(range(len(places)), key=lambda number: tested[number].p_value)
        if tested[weakest].p_value < ALPHA and len(places) <= MOST:
            return tested
        del places[weakest]
    return []


def pettitt(series: Floats) -> tuple[int, float]:
    """Return the most likely first month of a new level, and the corrected probability of it by chance."""
    ranks = _ranks(series)
    statistics = np.abs(_statistics(ranks))
    place = int(np.argmax(statistics)) + 1
    return place, _p_value(float(statistics.max()), ranks, place)


def _ranks(series: Floats) -> Floats:
    """Ranks from 1; ties take their mean."""
    _, places, counts = np.unique(series, return_inverse=True, return_counts=True)
    means: Floats = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return means


def _statistics(ranks: Floats) -> Floats:
    """Return the sum of the signs of x_j - x_i over i < t ≤ j for each t from 1, by ranks."""
    steps = np.arange(1, len(ranks))
    sums: Floats = 2 * np.cumsum(ranks)[:-1] - steps * (len(ranks) + 1)
    return sums


def _p_value(statistic: float, ranks: Floats, place: int) -> float:
    length = len(ranks)
    # Memory makes the variance of K grow; the two levels are no part of it, so they are taken out first.
    rest = ranks.copy()
    rest[:place] -= rest[:place].mean()
    rest[place:] -= rest[place:].mean()
    spread = float(rest @ rest)
    memory = float(rest[1:] @ rest[:-1]) / spread if spread else 0.0
    memory = min(max(memory, 0.0), MOST_MEMORY)
    inflation = (1 + memory) / (1 - memory)
    return float(min(2 * np.exp(-6 * statistic**2 / ((length**3 + length**2) * inflation)), 1.0))


def _candidates(series: Floats, offset: int) -> list[int]:
    """Return the best split of the series, of its two sides, and so on, whether or not it is clear.

    A split may show only once another is made, so none is judged here.
    """
    if len(series) < 2 * SHORTEST:
        return []
    place = min(max(pettitt(series)[0], SHORTEST), len(series) - SHORTEST)
    before, after = series[:place], series[place:]
    return [offset + place, *_candidates(before, offset), *_candidates(after, offset + place)]


def _tested(series: Floats, begin: int, place: int, end: int) -> LevelBreak:
    """Judge a candidate on the months between its neighbours; too small a change has a p of one."""
    before, after = float(np.mean(series[begin:place])), float(np.mean(series[place:end]))
    if max(before, after) < LEAST_FACTOR * min(before, after) or before == after:
        return LevelBreak(place, before, after, 1.0)
    ranks, steps = _ranks(series[begin:end]), place - begin
    statistic = abs(float(_statistics(ranks)[steps - 1]))
    return LevelBreak(place, before, after, _p_value(statistic, ranks, steps))
