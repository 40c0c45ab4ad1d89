"""Strict reading of weekly scores: every fault with its line, every vintage of a week kept."""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from forecast.errors import EventError
from forecast.events.cells import CellFault, clean_text, parse_actor, parse_day, parse_optional_day, shorten
from forecast.events.codebook import did_you_mean
from forecast.events.columns import OWN_PREFIX
from forecast.events.csv_source import Row, decode, read_bytes, split_rows
from forecast.events.faults import SHOWN, Fault
from forecast.weekly_scores.series import DIRECTIONS, WEEK, Direction, ScoreSeries

COLUMNS = ("week", "initiator", "target", "score", "acts", "known_date")
REQUIRED = ("week", "initiator", "target", "score")
LARGEST_SCORE = 1e9
LEAST_WEEKS = 52
"""Weeks below which a level and its swings cannot be told apart."""
LEAST_ACTIVE = 20
"""Weeks with a score other than zero below which there is nothing to learn from."""
ZEROS_ALLOWED = 0.2
"""Share of weeks of exactly zero above which a file must say how many acts are behind each score."""


@dataclass(frozen=True)
class WeeklyScore:
    """One row of a file.

    Parameters
    ----------
    week : date
        First day of the week.
    initiator, target : str
        Who acts towards whom.
    score : float
        Sum over the week's acts.
    acts : int or None
        Their number; ``None`` where the file has no such column.
    known_date : date
        Day from which this figure could be known; not before the last day of the week.
    """

    week: date
    initiator: str
    target: str
    score: float
    acts: int | None
    known_date: date


def read_weekly_scores(path: Path, source: str | None = None) -> tuple[WeeklyScore, ...]:
    """Read a file of weekly scores, in the order of its rows.

    Parameters
    ----------
    path : Path
        CSV with the columns week, initiator, target, score; optional acts and known_date. A week that was
        revised has one row for each version, told apart by ``known_date``.
    source : str, optional
        Name of the file in messages.

    Raises
    ------
    EventError
        Lists every fault with its line (the first 20).
    """
    name = source or str(path)
    raw = read_bytes(path)
    text = decode(raw) if isinstance(raw, bytes) else raw
    if isinstance(text, Fault):
        raise EventError(text.located(name))
    rows, faults = split_rows(text)
    if not rows:
        raise EventError(f"{name}: the file is empty. Expected: a header and one line a week and direction")
    header, *body = rows
    columns, header_faults = _header(header)
    faults += header_faults
    read: list[WeeklyScore] = []
    if not header_faults:
        for row in body:
            one, wrong = _row(row, columns, len(header.cells))
            faults += wrong
            if one is not None:
                read.append(one)
        faults += _repeated(body, read) if len(read) == len(body) else []
    if not faults and not read:
        faults = [Fault(None, "", "no scores: the file has a header and nothing below it")]
    if faults:
        ordered = sorted(faults, key=lambda fault: fault.line or 0)
        lines = [fault.located(name) for fault in ordered[:SHOWN]]
        if len(ordered) > SHOWN:
            lines.append(f"{name}: and {len(ordered) - SHOWN:,} more faults")
        raise EventError("\n".join(lines))
    return tuple(read)


def scores_known_by(
    rows: Sequence[WeeklyScore], a: str, b: str, as_of: date, *, start: date | None = None, source: str
) -> ScoreSeries:
    """Return the series of a dyad as it was known at the end of a day.

    Weeks from the first to the last of the file (of any dyad) that have no row count as weeks without acts
    where the file counts acts; without that column a missing week is an error.

    Parameters
    ----------
    rows : sequence of WeeklyScore
    a, b : str
        The dyad.
    as_of : date
        Of each week the latest version with ``known_date`` on or before this day is used.
    start : date, optional
        Weeks that begin earlier are left out.
    source : str
        Name of the file in messages.

    Raises
    ------
    EventError
        No row of the dyad, too few weeks, weeks that do not lie seven days apart, a gap, or too many
        zeros without the number of acts.
    """
    pairs: dict[tuple[str, str], Direction] = {(a, b): "a_to_b", (b, a): "b_to_a"}
    mine = [row for row in rows if (row.initiator, row.target) in pairs]
    if not mine:
        seen = sorted({f"{row.initiator} → {row.target}" for row in rows})
        raise EventError(
            f"{source}: no row of {a} → {b} or {b} → {a}. The file has: {', '.join(seen[:10])}"
            f"{' …' if len(seen) > 10 else ''}"
        )
    latest: dict[tuple[date, Direction], WeeklyScore] = {}
    for row in sorted(mine, key=lambda row: row.known_date):
        if row.known_date <= as_of and (start is None or row.week >= start):
            latest[row.week, pairs[row.initiator, row.target]] = row
    if not latest:
        raise EventError(f"{source}: no week was known on {as_of}" + (f" from {start} on" if start else ""))
    weeks = sorted({week for week, _ in latest})
    if all(row.acts is not None for row in latest.values()):
        weeks += _quiet_weeks(weeks[-1], min(as_of, max(row.week for row in rows) + WEEK))
    odd = next((week for week in weeks if (week - weeks[0]).days % WEEK.days), None)
    if odd is not None:
        raise EventError(
            f"{source}: weeks begin on different weekdays: {weeks[0]} and {odd}. All must lie whole weeks "
            "apart"
        )
    directions = tuple(one for one in DIRECTIONS if any(way == one for _, way in latest))
    n_weeks = (weeks[-1] - weeks[0]).days // WEEK.days + 1
    score = np.zeros((n_weeks, len(directions)))
    acts = np.zeros((n_weeks, len(directions)), dtype=np.int64)
    filled = np.zeros(score.shape, dtype=np.bool_)
    for (week, way), row in latest.items():
        cell = ((week - weeks[0]).days // WEEK.days, directions.index(way))
        score[cell], acts[cell], filled[cell] = row.score, row.acts or 0, True
    counted = all(row.acts is not None for row in latest.values())
    series = ScoreSeries(weeks[0], directions, score, acts if counted else None)
    _refuse_unusable(series, filled, source)
    return series


def rows_csv(rows: Sequence[WeeklyScore]) -> str:
    """Return rows as a file that reads back as the same, every version of every week."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            [
                row.week.isoformat(),
                row.initiator,
                row.target,
                f"{row.score:.10g}",
                "" if row.acts is None else row.acts,
                row.known_date.isoformat(),
            ]
        )
    return buffer.getvalue()


def _quiet_weeks(last: date, end: date) -> list[date]:
    """Weeks after the last one with a row that end by a day which the file still covers: without acts."""
    whole = ((end - last).days + 1) // WEEK.days - 1
    return [last + number * WEEK for number in range(1, whole + 1)]


def scores_csv(series: ScoreSeries, a: str, b: str) -> str:
    """Return a series as a file that reads back as the same."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS[: 4 if series.acts is None else 5])
    who = {"a_to_b": (a, b), "b_to_a": (b, a)}
    for week in range(len(series)):
        for place, way in enumerate(series.directions):
            cells = [series.first_week(week).isoformat(), *who[way], f"{series.score[week, place]:.10g}"]
            if series.acts is not None:
                cells.append(str(series.acts[week, place]))
            writer.writerow(cells)
    return buffer.getvalue()


def _refuse_unusable(series: ScoreSeries, filled: np.ndarray, source: str) -> None:
    n_weeks = len(series)
    active = int((series.score != 0).any(axis=1).sum())
    if n_weeks < LEAST_WEEKS or active < LEAST_ACTIVE:
        raise EventError(
            f"{source}: {n_weeks} weeks are known, {active} of them with a score other than zero. Needed: at "
            f"least {LEAST_WEEKS}, {LEAST_ACTIVE} of them with a score"
        )
    if series.acts is not None:
        return
    if not filled.all():
        week, place = (int(index) for index in np.argwhere(~filled)[0])
        raise EventError(
            f"{source}: no row for the week of {series.first_week(week)} ({series.directions[place]}), and "
            "without a column 'acts' a week without acts cannot be told from a missing one. Add the row, or "
            "the column"
        )
    zeros = float((series.score == 0).mean())
    if zeros > ZEROS_ALLOWED:
        raise EventError(
            f"{source}: {zeros:.0%} of the scores are exactly zero, which are mostly weeks without acts. Add "
            "a column 'acts' with the number of acts behind each score"
        )


def _header(header: Row) -> tuple[dict[int, str], list[Fault]]:
    names = [clean_text(cell) for cell in header.cells]
    faults = []
    for name in names:
        if name not in COLUMNS and not name.startswith(OWN_PREFIX):
            hint = did_you_mean(name, COLUMNS) or f" Allowed: {', '.join(COLUMNS)}"
            faults.append(Fault(header.line, "", f"unknown column '{shorten(name)}'.{hint}"))
    faults += [
        Fault(header.line, name, "the column appears twice. Keep one")
        for name in COLUMNS
        if names.count(name) > 1
    ]
    faults += [
        Fault(header.line, name, f"the required column is missing. Required: {', '.join(REQUIRED)}")
        for name in REQUIRED
        if name not in names
    ]
    return {place: name for place, name in enumerate(names) if name in COLUMNS}, faults


def _row(row: Row, columns: Mapping[int, str], width: int) -> tuple[WeeklyScore | None, list[Fault]]:
    if len(row.cells) != width:
        return None, [Fault(row.line, "", f"{len(row.cells)} cells, but the header has {width} columns")]
    values: dict[str, Any] = {"acts": None, "known_date": None}
    faults = []
    for place, name in columns.items():
        try:
            values[name] = _PARSERS[name](clean_text(row.cells[place]))
        except CellFault as fault:
            faults.append(Fault(row.line, name, str(fault)))
    if not faults:
        faults = [Fault(row.line, column, message) for column, message in _contradictions(values)]
    if faults:
        return None, faults
    values["known_date"] = values["known_date"] or values["week"] + WEEK - timedelta(days=1)
    return WeeklyScore(**values), []


def _contradictions(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    last = values["week"] + WEEK - timedelta(days=1)
    if values["known_date"] is not None and values["known_date"] < last:
        found.append(
            ("known_date", f"{values['known_date']} is before the week ends. Allowed: {last} or later")
        )
    if values["initiator"] == values["target"]:
        found.append(("target", f"initiator and target are both '{values['target']}'"))
    if values["acts"] == 0 and values["score"] != 0:
        found.append(("score", f"{values['score']:g} of no act. Allowed: 0 where acts is 0"))
    return found


def _repeated(body: Sequence[Row], read: Sequence[WeeklyScore]) -> list[Fault]:
    lines: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for row, one in zip(body, read, strict=True):
        lines[one.week, one.initiator, one.target, one.known_date].append(row.line)
    return [
        Fault(
            later,
            "week",
            f"the same week, direction and known_date as in line {first}. Keep one, or give the day from "
            "which each version was known",
        )
        for first, *rest in lines.values()
        for later in rest
    ]


def _parse_score(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise CellFault(
            f"'{shorten(text)}' is not a number" if text else "empty. Allowed: a number"
        ) from error
    if not math.isfinite(value) or abs(value) > LARGEST_SCORE:
        raise CellFault(f"{text} is out of range. Allowed: a number from −1e9 to 1e9")
    return value


def _parse_acts(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise CellFault(f"'{shorten(text)}' is not a number of acts. Allowed: a whole number from 0")
    return int(text)


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "week": parse_day,
    "initiator": parse_actor,
    "target": parse_actor,
    "score": _parse_score,
    "acts": _parse_acts,
    "known_date": parse_optional_day,
}
