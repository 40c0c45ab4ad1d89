"""What an event table holds: for a reader who must judge whether it can carry a forecast.

Counts and gaps, and severities that no longer tell acts apart.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from forecast.events.codebook import CATEGORIES, SEVERITIES, armed_scale, countries, standard_scale
from forecast.events.reading import source_limits
from forecast.events.table import EventTable
from forecast.records.base import Record
from forecast.records.notices import Notice, notice
from forecast.records.scale import Scale

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
    one = timedelta(days=1)
    return [
        {"first": before + one, "last": after - one, "days": (after - before).days - 1}
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
    deadly = sum(bool(_DEADLY.search(said)) and not _NONE_DEAD.search(said) for said in summaries)
    if deadly >= FEWEST_DEADLY:
        said = f"{deadly} military incidents below severity {SEVERITIES[-1]} tell of people killed"
        return armed_scale(), said
    return standard_scale(), "the codebook's own; armed is for relations with routine fire"
