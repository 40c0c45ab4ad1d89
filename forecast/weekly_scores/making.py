"""Coded events → weekly scores by a scale of codes, with every vintage."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from forecast.errors import EventError
from forecast.events.cells import CellFault
from forecast.events.table import Event, EventTable
from forecast.feeds.crosswalk import shipped_crosswalk
from forecast.weekly_scores.reading import WeeklyScore
from forecast.weekly_scores.series import WEEK

_CODED_KIND = re.compile(r"([a-z]+)_(\d{2,4})")
"""A sub-category that holds the code of another scheme, such as ``weis_223``."""


@dataclass(frozen=True)
class MadeScores:
    """Weekly scores of a dyad, and how many of its events have no code of the scale."""

    rows: tuple[WeeklyScore, ...]
    events: int
    without_score: int


SHIPPED: tuple[Literal["cameo", "weis"], ...] = ("cameo", "weis")
"""Schemes with a scale in the package."""


def cameo_scale() -> dict[str, float]:
    """Return the Goldstein-type score of every CAMEO code, from the package's own table."""
    return shipped_scale("cameo")


def shipped_scale(scheme: Literal["cameo", "weis"]) -> dict[str, float]:
    """Return the Goldstein-type score of every code of a scheme."""
    return {code: coding.score for (code, _), coding in shipped_crosswalk(scheme).items()}


def weekly_scores(
    table: EventTable, a: str, b: str, scale: Mapping[str, float], scheme: str | None = None
) -> MadeScores:
    """Sum the scores of a dyad's acts by week (from Monday) and direction.

    A week gets a row for each day on which its figure changed, not before its last day, so that what was
    known on any day can be read back. Weeks without acts get no row.

    Parameters
    ----------
    table : EventTable
    a, b : str
        The dyad.
    scale : mapping of str to float
        Score by code; an act's code is its CAMEO code, or the digits of a sub-category such as
        ``weis_223``.
    scheme : {"cameo", "weis"}, optional
        Scheme of the scale's codes; codes of another one are then no codes of the scale, since the same
        digits mean other acts there. Without it, any code is looked up.

    Raises
    ------
    EventError
        No act of the dyad has a code of the scale.
    """
    acts = list(table.exchanged(a, b).rows())
    changes: defaultdict[tuple[date, str, str], list[tuple[date, float]]] = defaultdict(list)
    for act in acts:
        score = scale.get(_code(act, scheme))
        if score is None:
            continue
        week = act.date - timedelta(days=act.date.weekday())
        known = max(act.known_date, week + WEEK - timedelta(days=1))
        changes[week, act.initiator, act.target].append((known, score))
    scored = sum(map(len, changes.values()))
    if not scored:
        if not acts:
            raise EventError(f"{table.source}: no act between {a} and {b}")
        coded = (_CODED_KIND.fullmatch(act.subcategory) for act in acts)
        others = sorted({found[1] for found in coded if found} - {scheme})
        hint = f". Their sub-categories hold codes of {', '.join(others)}: give that scale" if others else ""
        raise EventError(
            f"{table.source}: none of {len(acts):,} acts between {a} and {b} has a code of the scale{hint}"
        )
    rows = []
    for (week, initiator, target), figures in sorted(changes.items()):
        figures.sort()
        for place, (known, _) in enumerate(figures):
            if place + 1 < len(figures) and figures[place + 1][0] == known:
                continue
            total = round(sum(score for _, score in figures[: place + 1]), 6)
            rows.append(WeeklyScore(week, initiator, target, total, place + 1, known))
    return MadeScores(tuple(rows), len(acts), len(acts) - scored)


def parse_scale(text: str, source: str) -> dict[str, float]:
    """Read a scale: lines of ``code,score`` below a header.

    Raises
    ------
    EventError
        A line is not of that form, or a code stands twice.
    """
    scale: dict[str, float] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if number == 1 or not line.strip():
            continue
        try:
            code, score = (part.strip() for part in line.split(","))
            value = float(score)
        except (ValueError, CellFault) as error:
            raise EventError(f"{source}:{number}: '{line[:60]}' is not 'code,score', e.g. 223,-10") from error
        if code in scale:
            raise EventError(f"{source}:{number}: the code {code} stands above already. Keep one")
        scale[code] = value
    if not scale:
        raise EventError(f"{source}: no code. Expected: a header, then lines such as 223,-10")
    return scale


def _code(act: Event, scheme: str | None) -> str:
    if act.cameo and scheme in (None, "cameo"):
        return act.cameo
    found = _CODED_KIND.fullmatch(act.subcategory)
    return found[2] if found and scheme in (None, found[1]) else ""
