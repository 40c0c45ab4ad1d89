"""Coverage of an event file over time: counts a month, share of the archive's volume, breaks in either."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from forecast.errors import EventError
from forecast.events.change_point import find_breaks
from forecast.events.duplicates import find_duplicates
from forecast.events.table import EventTable

IMPORT_FOLDER, VOLUMES = ".import", "volumes.csv"
"""Where ``forecast events import`` leaves the archive's volume by day, beside its output."""
LARGEST_SHARE = 0.2
"""Share of the rows from which on they are no archive of the world, but files of this dyad."""


@dataclass(frozen=True)
class MonthBreak:
    """A month in which the level of a monthly series changes.

    Parameters
    ----------
    series : str
        ``events``, ``world`` or ``share``.
    month : str
        First month of the new level, YYYY-MM.
    before, after : float
        Mean a month of the two sides.
    p_value : float
        Chance of so clear a break without one (see ``change_point``).
    """

    series: str
    month: str
    before: float
    after: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How evenly a file covers its time.

    Parameters
    ----------
    months : tuple of str
        Every whole month of the span, YYYY-MM.
    events : tuple of int
        Acts a month.
    world : tuple of int or None
        Rows of the whole archive a month, by day of publication; ``None`` when the file was not imported, or
        from files that hold little but this dyad.
    duplicate_share : float
        Share of rows that may repeat another (see ``duplicates``).
    breaks : tuple of MonthBreak
        Breaks in either series, and in the share of the archive.
    """

    months: tuple[str, ...]
    events: tuple[int, ...]
    world: tuple[int, ...] | None
    duplicate_share: float
    breaks: tuple[MonthBreak, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the coverage as JSON-ready values."""
        return {
            "months": list(self.months),
            "events": list(self.events),
            "world": None if self.world is None else list(self.world),
            "duplicate_share": self.duplicate_share,
            "breaks": [vars(found) for found in self.breaks],
        }


def measure_coverage(table: EventTable, volumes: Mapping[date, int] | None) -> Coverage:
    """Count the whole months of a table and look for breaks.

    Parameters
    ----------
    table : EventTable
    volumes : mapping of date to int, or None
        Rows of the whole archive by day of publication, as an import leaves them.
    """
    months = _whole_months(table)
    counts = Counter(str(month) for month in table.date.astype("datetime64[M]"))
    events = np.array([counts[month] for month in months], dtype=np.float64)
    world = None
    if volumes is not None and len(table) < LARGEST_SHARE * sum(volumes.values()):
        by_month: Counter[str] = Counter()
        for day, rows in volumes.items():
            by_month[day.isoformat()[:7]] += rows
        world = np.array([by_month[month] for month in months], dtype=np.float64)
    breaks = _breaks("events", months, events)
    if world is not None:
        breaks += _breaks("world", months, world)
        if months and (world > 0).all():
            breaks += _breaks("share", months, events / world)
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

    Raises
    ------
    EventError
        The file is there and cannot be read.
    """
    held = path.with_name(path.name + IMPORT_FOLDER) / VOLUMES
    if not held.is_file():
        return None
    try:
        with held.open(encoding="utf-8", newline="") as stream:
            return {date.fromisoformat(row["day"]): int(row["world"]) for row in csv.DictReader(stream)}
    except (OSError, ValueError, KeyError) as error:
        raise EventError(f"{held}: not the volumes of an import ({error}). Import again") from error


def _breaks(series: str, months: list[str], counts: np.ndarray[Any, Any]) -> list[MonthBreak]:
    return [
        MonthBreak(series, months[found.position], found.before, found.after, found.p_value)
        for found in find_breaks(counts)
    ]


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
