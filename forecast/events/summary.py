"""What an event table holds, in counts: for a reader who must judge whether it can carry a forecast."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from forecast.events.bundled import source_limits
from forecast.events.codebook import CATEGORIES, SEVERITIES, countries
from forecast.events.table import EventTable

GAP_DAYS = 30
"""Shortest span without an act that counts as a gap."""


@dataclass(frozen=True)
class Gap:
    """Days without any act: the first and last of them, and how many."""

    first: date
    last: date
    days: int


@dataclass(frozen=True, kw_only=True)
class EventSummary:
    """Counts, shares and gaps of an event table; dates and shares are ``None`` where nothing gives them.

    ``last_known_date`` is the latest day on which an act became public. The nested counts are events by
    category (all, in fixed order) and severity, and by year of the act (every one) and category.
    ``per_month_by_year`` leaves months outside the span of the data out of the division. ``verified_share``
    are rows whose source page was read, ``verified_without_page`` those that name none, ``late_known_share``
    acts that became public after their day. ``actors`` are the rows in which each takes part, most frequent
    first; ``unlisted_actors`` are no ISO 3166-1 countries. ``gaps`` are the spans of at least ``GAP_DAYS``
    without an act, longest first.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON-ready values; days become ISO text, numeric keys text."""
        plain: dict[str, Any] = _jsonable(asdict(self))
        return plain


def summarise(table: EventTable) -> EventSummary:
    """Count what a table holds."""
    days: list[date] = table.date.tolist()
    known: list[date] = table.known_date.tolist()
    pairs = Counter(zip(table.category.tolist(), table.severity.tolist(), strict=True))
    years = Counter(zip((day.year for day in days), table.category.tolist(), strict=True))
    span = range(days[0].year, days[-1].year + 1) if days else range(0)
    actors = Counter(table.initiator.tolist()) + Counter(table.recipient.tolist())
    return EventSummary(
        source=table.source,
        sha256=table.sha256,
        rows=len(table),
        first_date=days[0] if days else None,
        last_date=days[-1] if days else None,
        last_known_date=max(known, default=None),
        by_category_severity={
            name: {severity: pairs[name, severity] for severity in SEVERITIES} for name in CATEGORIES
        },
        by_year_category={year: {name: years[year, name] for name in CATEGORIES} for year in span},
        per_month_by_year={
            year: sum(years[year, name] for name in CATEGORIES) / _months_covered(days[0], days[-1], year)
            for year in span
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
    months = 0.0
    for month in range(1, 13):
        length = monthrange(year, month)[1]
        begin = max(first, date(year, month, 1))
        end = min(last, date(year, month, length))
        months += max((end - begin).days + 1, 0) / length
    return months


def _gaps(days: list[date]) -> list[Gap]:
    one = timedelta(days=1)
    gaps = [Gap(before + one, after - one, (after - before).days - 1) for before, after in pairwise(days)]
    return [gap for gap in gaps if gap.days >= GAP_DAYS]


def _jsonable(value: Any) -> Any:  # noqa: ANN401 - nested plain values
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
