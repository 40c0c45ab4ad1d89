"""Coverage of an event file over time: counts a month, share of the archive's volume, breaks in either.

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
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.errors import EventError
from forecast.events.duplicates import find_duplicates
from forecast.events.table import EventTable

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

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LevelBreak:
    """A change of level: its first month, counted from 0, and the means of the two sides up to other breaks.

    ``p_value`` is the probability of so clear a break in a series of one level with the same memory.
    """

    position: int
    before: float
    after: float
    p_value: float


@dataclass(frozen=True)
class MonthBreak:
    """A ``LevelBreak`` of a series (``events``, ``world`` or ``share``) in a month, YYYY-MM."""

    series: str
    month: str
    before: float
    after: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Coverage:
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

    def to_dict(self) -> dict[str, Any]:
        """Return the coverage as JSON-ready values."""
        return asdict(self)


def measure_coverage(table: EventTable, volumes: Mapping[date, int] | None) -> Coverage:
    """Count the whole months of a table and look for breaks.

    ``volumes`` are the rows of the whole archive by day of publication, as an import leaves them.
    """
    months = _whole_months(table)
    counts = Counter(str(month) for month in table.date.astype("datetime64[M]"))
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
        MonthBreak(name, months[found.position], found.before, found.after, found.p_value)
        for name, values in series.items()
        for found in find_breaks(values)
    )
    repeats = sum(len(group.rows) - 1 for group in find_duplicates(table).groups)
    return Coverage(
        months=tuple(months),
        events=tuple(int(count) for count in events),
        world=None if world is None else tuple(int(count) for count in world),
        duplicate_share=repeats / len(table) if len(table) else 0.0,
        breaks=tuple(breaks),
    )


def volumes_beside(path: Path) -> dict[date, int] | None:
    """Return the archive's volume by day that an import left beside its output, if it did.

    Raises ``EventError``: the file is there and cannot be read.
    """
    held = path.with_name(path.name + IMPORT_FOLDER) / VOLUMES
    if not held.is_file():
        return None
    try:
        with held.open(encoding="utf-8", newline="") as stream:
            return {date.fromisoformat(row["day"]): int(row["world"]) for row in csv.DictReader(stream)}
    except (OSError, ValueError, KeyError) as error:
        raise EventError(f"{held}: not the volumes of an import ({error}). Import again") from error


def _whole_months(table: EventTable) -> list[str]:
    """Return the months that lie within the span of the acts; a month cut by either end is left out."""
    if not len(table):
        return []
    one_day, one_month = np.timedelta64(1, "D"), np.timedelta64(1, "M")
    first, last = table.date[0], table.date[-1]
    begin, end = first.astype("datetime64[M]"), last.astype("datetime64[M]")
    if begin.astype("datetime64[D]") < first:
        begin += one_month
    if (end + one_month).astype("datetime64[D]") - one_day > last:
        end -= one_month
    return [str(month) for month in np.arange(begin, end + one_month)]


def find_breaks(series: Floats) -> list[LevelBreak]:
    """Return the breaks of a series, shape (month,), in order of time."""
    series = np.asarray(series, dtype=np.float64)
    places: list[int] = []
    _candidates(series, 0, places)
    places.sort()
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
    length = len(series)
    ranks = _ranks(series)
    steps = np.arange(1, length)
    # The sum of the signs of x_j - x_i over i < t ≤ j, by ranks.
    sums = 2 * np.cumsum(ranks)[:-1] - steps * (length + 1)
    place = int(np.argmax(np.abs(sums))) + 1
    return place, _p_value(float(np.abs(sums).max()), ranks, place)


def _ranks(series: Floats) -> Floats:
    """Ranks from 1; ties take their mean."""
    _, places, counts = np.unique(series, return_inverse=True, return_counts=True)
    means: Floats = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return means


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


def _candidates(series: Floats, offset: int, found: list[int]) -> None:
    """Collect the best split of the series, of its two sides, and so on, whether or not it is clear.

    A split may show only once another is made, so none is judged here.
    """
    if len(series) < 2 * SHORTEST:
        return
    place, _ = pettitt(series)
    place = min(max(place, SHORTEST), len(series) - SHORTEST)
    found.append(offset + place)
    _candidates(series[:place], offset, found)
    _candidates(series[place:], offset + place, found)


def _tested(series: Floats, begin: int, place: int, end: int) -> LevelBreak:
    """Judge a candidate on the months between its neighbours; too small a change has a p of one."""
    before, after = float(np.mean(series[begin:place])), float(np.mean(series[place:end]))
    if max(before, after) < LEAST_FACTOR * min(before, after) or before == after:
        return LevelBreak(place, before, after, 1.0)
    ranks = _ranks(series[begin:end])
    length, steps = end - begin, place - begin
    statistic = abs(2 * float(ranks[:steps].sum()) - steps * (length + 1))
    return LevelBreak(place, before, after, _p_value(statistic, ranks, steps))
