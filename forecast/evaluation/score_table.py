"""Forecasts beside what happened, one row each, and their scores by group: one dyad, many, a list, a ledger.

A ``ForecastTable`` is read from and written to CSV. ``score_by`` groups its rows by columns; a ``Score`` has
the means of a group with block-bootstrap errors, its calibration, and its difference from another group on
the same windows. ``score_forecasts`` makes the content of ``scores.json``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_jsonable_python

from forecast.baselines import BASELINES, DAY, REFERENCE, BinaryOutcomes, baselines_by_origin
from forecast.errors import InputError, shown
from forecast.evaluation.metrics import (
    Estimate,
    OriginBlocks,
    area_under_roc,
    brier_score,
    log_score,
    reliability_bins,
)
from forecast.events.table import EventTable
from forecast.records.analysis import FEWEST_OUTCOMES, ReliabilityCurve
from forecast.records.forecast import Claim
from forecast.records.notices import Notice, notice
from forecast.storage import SheetRow, check_rows, csv_text, read_rows, write_file
from forecast.targets import TargetRule

Integers = NDArray[np.int64]

SCHEMA = 3
"""Version of ``scores.json``."""
MOST_MISSES = 8
_WINDOW = ("what", "target", "origin", "day")
_IN_JSON = {"what": "dyad", "who": "model"}

COLUMNS = ("what", "target", "origin", "day", "who", "chance", "outcome", "failed_fit")
_TYPES: tuple[Any, ...] = (object, object, "datetime64[D]", "datetime64[D]", object, float, np.int8, np.int8)


@dataclass(frozen=True, eq=False)
class ForecastTable:
    """Forecasts of complete windows [origin, day), with their outcomes, shape (row,); rows in any order.

    ``what`` is forecast about (a dyad, a series), ``who`` is the model or baseline that gives the ``chance``.
    ``outcome`` is 1 when the target happened in the window, else 0; ``failed_fit`` is 1 when a fit behind the
    forecast failed a gate.
    """

    what: NDArray[np.object_]
    target: NDArray[np.object_]
    origin: NDArray[np.datetime64]
    day: NDArray[np.datetime64]
    who: NDArray[np.object_]
    chance: NDArray[np.float64]
    outcome: NDArray[np.int8]
    failed_fit: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.origin)

    @property
    def horizon_days(self) -> NDArray[np.int64]:
        """Length of each window."""
        return np.asarray((self.day - self.origin) // DAY, np.int64)

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets, in order of appearance."""
        return tuple(dict.fromkeys(self.target.tolist()))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of models and baselines, in order of appearance."""
        return tuple(dict.fromkeys(self.who.tolist()))

    @property
    def horizons(self) -> tuple[int, ...]:
        """Horizons in days, ascending."""
        return tuple(np.unique(self.horizon_days).tolist())

    def select(self, **wanted: Any) -> ForecastTable:  # noqa: ANN401 - values of columns
        """Return the rows in which columns, or ``horizon_days``, have these values, sorted by origin."""
        kept = np.ones(len(self), np.bool_)
        for name, value in wanted.items():
            kept &= getattr(self, name) == value
        rows = np.flatnonzero(kept)
        return self.take(rows[np.argsort(self.origin[rows], kind="stable")])

    def take(self, rows: NDArray[np.intp]) -> ForecastTable:
        """Return the rows at these positions, in this order."""
        return ForecastTable(*(getattr(self, name)[rows] for name in COLUMNS))

    def write_csv(self, path: str | Path) -> None:
        """Write the table; reading it back gives the same values to the last bit."""
        # tolist gives Python floats, whose repr is the shortest text that reads back to the same value.
        rows = zip(*(getattr(self, name).tolist() for name in COLUMNS), strict=True)
        try:
            write_file(Path(path), csv_text([COLUMNS, *rows]))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def table_of(columns: Mapping[str, object]) -> ForecastTable:
    """Make a table of columns or single values (``ValueError``: a forecast is given twice)."""
    values = {"failed_fit": 0, **columns}
    made = (np.asarray(values[name], kind) for name, kind in zip(COLUMNS, _TYPES, strict=True))
    table = ForecastTable(*map(np.array, np.broadcast_arrays(*made)))
    if len(set(zip(*(getattr(table, name).tolist() for name in COLUMNS[:5]), strict=True))) < len(table):
        raise ValueError("a forecast (what, target, origin, day, who) is given twice")
    return table


def make_forecasts(
    outcomes: BinaryOutcomes,
    chance: NDArray[np.float64],
    *,
    who: str,
    what: str = "",
    failed: NDArray[np.bool_] | None = None,
) -> ForecastTable:
    """Join the forecasts of one model, shape (origin, horizon), to the outcomes of complete windows.

    What it did not forecast (NaN) is left out. ``failed``, shape (origin,), says where a fit failed a gate.
    """
    row, column = np.nonzero(outcomes.complete & ~np.isnan(chance))
    origin = outcomes.origin[row]
    return table_of(
        {
            "what": what,
            "target": outcomes.target,
            "origin": origin,
            "day": origin + outcomes.horizon_days[column] * DAY,
            "who": who,
            "chance": chance[row, column],
            "outcome": outcomes.outcome[row, column],
            "failed_fit": 0 if failed is None else failed[row],
        }
    )


def forecast_baselines(
    events: EventTable, target: TargetRule, outcomes: BinaryOutcomes, start: date, *, what: str = ""
) -> ForecastTable:
    """Forecast every complete window by each baseline, from what was known at its origin alone.

    ``outcomes`` give origins and horizons; ``InputError`` unless the first origin is after ``start``.
    """
    chance = baselines_by_origin(events, target, outcomes.origin, start, outcomes.horizon_days)
    return join_forecasts(make_forecasts(outcomes, chance[who], who=who, what=what) for who in BASELINES)


def join_forecasts(tables: Iterable[ForecastTable]) -> ForecastTable:
    """Put tables below one another (``ValueError`` when a forecast is in two of them)."""
    parts = list(tables)
    return table_of({name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})


def read_forecasts(path: str | Path) -> ForecastTable:
    """Read a table that ``ForecastTable.write_csv`` wrote (``InputError``: it is none)."""
    rows = check_rows(read_rows(Path(path), COLUMNS, help="Run the backtest again"), _read_row)
    try:
        return table_of(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)))
    except ValueError as error:
        raise InputError(f"{path}: {error}. Run the backtest again") from error


def _read_row(row: SheetRow) -> tuple[object, ...]:
    with suppress(ValueError):
        origin, day = date.fromisoformat(row["origin"]), date.fromisoformat(row["day"])
        chance, outcome, failed = (float(row[name]) for name in ("chance", "outcome", "failed_fit"))
        if day > origin and 0.0 <= chance <= 1.0 and {outcome, failed} <= {0.0, 1.0}:
            return row["what"], row["target"], origin, day, row["who"], chance, outcome, failed
    expected = "a day after the origin, a chance from 0 to 1, and 0 or 1 for outcome and failed_fit"
    got = shown(",".join(row.cells.values()), 200)
    raise InputError(f"got {got}; expected {expected}. Run the backtest again")


class SkillScore(NamedTuple):
    """Skill, 1 − mean score / mean reference score, over the ``n`` windows that both forecast.

    ``claim`` is ``better`` or ``worse`` when the 90% interval of the Brier skill excludes 0 and there are at
    least ``FEWEST_OUTCOMES`` hits and misses; else ``none``.
    """

    reference: str
    n: int
    brier: Estimate
    log: Estimate
    claim: Claim


@dataclass(frozen=True, eq=False)
class Score:
    """Scores of the forecasts of one group; ``group`` has the values of the columns that it shares.

    ``window``, shape (row,), numbers the windows alike in all groups of a table. Combinations of the values
    of the columns ``equal`` have the same weight, forecasts within each too. ``asked`` are the windows of the
    group's question that anybody forecast. With ``apart_days`` errors come from whole episodes, the origins
    of a dyad and target that follow one another within so many days, and not from blocks of origins.
    """

    group: Mapping[str, Any]
    rows: ForecastTable
    window: Integers
    seed: int
    equal: tuple[str, ...]
    asked: int
    apart_days: int | None = None

    @property
    def n(self) -> int:
        """Number of forecasts."""
        return len(self.rows)

    @property
    def n_hits(self) -> int:
        """Number of windows in which the target happened."""
        return int(self.rows.outcome.sum())

    @cached_property
    def blocks(self) -> OriginBlocks:
        """What means and their errors are made by."""
        return self.blocks_of(self.rows)

    def blocks_of(self, rows: ForecastTable) -> OriginBlocks:
        """What means over some of its rows are made by."""
        group = _numbered(rows, self.equal) if self.equal else None
        if self.apart_days is not None:
            return OriginBlocks(label_episodes(rows, self.apart_days), 1, self.seed, group, block=1)
        return OriginBlocks(rows.origin, int(rows.horizon_days.max()), self.seed, group)

    @cached_property
    def base_rate(self) -> float:
        """Share of the windows in which the target happened."""
        return self.blocks.mean(self.rows.outcome).value

    @cached_property
    def brier(self) -> Estimate:
        """Mean Brier score."""
        return self.blocks.mean(brier_score(self.rows.chance, self.rows.outcome))

    @cached_property
    def log(self) -> Estimate:
        """Mean log score, in nats."""
        return self.blocks.mean(log_score(self.rows.chance, self.rows.outcome))

    @cached_property
    def line(self) -> tuple[Estimate, Estimate]:
        """Intercept and slope of the calibration line, every forecast of the same weight."""
        return self.blocks.line(self.rows.chance, self.rows.outcome)

    @property
    def failed_fits(self) -> dict[str, Any] | None:
        """Mean scores of the forecasts from a fit that failed a gate; all other scores are of these too."""
        failed = self.rows.take(np.flatnonzero(self.rows.failed_fit))
        if not len(failed):
            return None
        brier, log = (
            float(score(failed.chance, failed.outcome).mean()) for score in (brier_score, log_score)
        )
        return {"n": len(failed), "brier": brier, "log": log}

    def minus(self, other: Score) -> Estimate | None:
        """Mean log score less that of another on the windows of both; ``None`` where there is none."""
        found = self.beside(other)
        if found is None:
            return None
        ours, theirs = found
        gap = log_score(ours.chance, ours.outcome) - log_score(theirs.chance, theirs.outcome)
        return self.blocks_of(ours).mean(gap)

    def skill(self, other: Score) -> SkillScore | None:
        """Skill beside another on the windows of both; ``None`` where there is none."""
        found = self.beside(other)
        if found is None:
            return None
        ours, theirs = found
        blocks = self.blocks_of(ours)
        brier, log = (
            blocks.skill(score(ours.chance, ours.outcome), score(theirs.chance, theirs.outcome))
            for score in (brier_score, log_score)
        )
        claim: Claim = "better" if brier.interval90[0] > 0 else "worse" if brier.interval90[1] < 0 else "none"
        claim = "none" if min(self.n_hits, self.n - self.n_hits) < FEWEST_OUTCOMES else claim
        return SkillScore(str(other.group["who"]), len(ours), brier, log, claim)

    def on(self, windows: Integers) -> Score:
        """The same on some of its windows."""
        rows = np.flatnonzero(np.isin(self.window, windows))
        return replace(self, rows=self.rows.take(rows), window=self.window[rows])

    def beside(self, other: Score) -> tuple[ForecastTable, ForecastTable] | None:
        """Rows of both on the windows of both; ``None`` where there is none."""
        _, ours, theirs = np.intersect1d(self.window, other.window, return_indices=True)
        return (self.rows.take(ours), other.rows.take(theirs)) if len(ours) else None

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """What a reader must see beside the scores of a target, horizon and model."""
        asked, found = {name: self.group[name] for name in ("target", "horizon_days")}, []
        outcomes = {"hits": self.n_hits, "misses": self.n - self.n_hits}
        if min(outcomes.values()) < FEWEST_OUTCOMES:
            found.append(notice("few_outcomes", **asked, **outcomes, needed=FEWEST_OUTCOMES))
        if self.n < self.asked:
            lacking = {"model": self.group["who"], "absent": self.asked - self.n, "origins": self.asked}
            found.append(notice("absent_forecasts", **asked, **lacking))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: the group, then the scores."""
        return {
            **{_IN_JSON.get(name, name): value for name, value in self.group.items()},
            **{"n": self.n, "base_rate": self.base_rate, "brier": self.brier.value, "log": self.log.value},
            **{"brier_se": self.brier.se, "log_se": self.log.se, "failed_fits": self.failed_fits},
        }


Scores = dict[tuple[Any, ...], Score]


def score_by(
    table: ForecastTable,
    *by: str,
    seed: int,
    equal: Sequence[str] = (),
    also: Mapping[str, NDArray[Any]] | None = None,
    apart_days: int | None = None,
) -> Scores:
    """Score the rows of every combination of the values of some columns.

    ``by`` names columns of the table, ``horizon_days``, or further ones in ``also``, each of shape (row,);
    its values are the keys of the result, in this order. ``seed`` is of the resamples, the same for all
    groups: differences between them are not noise. Combinations of values of the columns ``equal`` have the
    same weight in means; else all forecasts have. ``apart_days`` as in ``Score``.
    """
    columns = {name: (also or {}).get(name) for name in by}
    codes = [_codes(getattr(table, name) if own is None else own) for name, own in columns.items()]
    window = _numbered(table, _WINDOW)
    key = _joined([code for _, code in codes]) if codes else np.zeros(len(table), np.int64)
    shared = [code for (_, code), name in zip(codes, by, strict=True) if name != "who"]
    question = _joined(shared or [key * 0])
    size = int(window.max(initial=0)) + 1
    asked = Counter((np.unique(question * size + window) // size).tolist())
    order = np.lexsort((table.origin, key))
    edges = np.flatnonzero(np.diff(key[order])) + 1
    found: Scores = {}
    for rows in np.split(order, edges) if len(order) else ():
        values = tuple(values[code[rows[0]]] for values, code in codes)
        group = dict(zip(by, values, strict=True))
        found[values] = Score(
            group,
            table.take(rows),
            window[rows],
            seed,
            tuple(equal),
            asked[int(question[rows[0]])],
            apart_days,
        )
    return found


def label_episodes(table: ForecastTable, apart_days: int) -> Integers:
    """Number the episodes of each dyad and target, shape (row,); see ``Score``."""
    own = _numbered(table, ("what", "target"))
    order = np.lexsort((table.origin, own))
    begins = np.diff(own[order], prepend=-1) != 0
    begins |= np.diff(table.origin[order], prepend=table.origin[:1]) > apart_days * DAY
    labels = np.empty(len(table), np.int64)
    labels[order] = np.cumsum(begins)
    return labels


def _codes(column: NDArray[Any]) -> tuple[list[Any], Integers]:
    """Values of a column, texts in the order in which they appear, others ascending; the place of each."""
    if column.dtype != object:
        values, code = np.unique(column, return_inverse=True)
        return values.tolist(), code
    places = {value: place for place, value in enumerate(dict.fromkeys(column.tolist()))}
    return list(places), np.array([places[value] for value in column.tolist()], np.int64)


def _joined(codes: Sequence[Integers]) -> Integers:
    """One number for each combination of codes, ascending as they do."""
    key = codes[0]
    for code in codes[1:]:
        key = key * (int(code.max(initial=0)) + 1) + code
    return key


def _numbered(table: ForecastTable, names: Sequence[str]) -> Integers:
    return _joined([_codes(getattr(table, name))[1] for name in names])


QUESTION = ("what", "target", "horizon_days")
"""Columns of what is asked: means that weigh models give each question the same weight."""


@dataclass(frozen=True)
class ScoreTable:
    """Scores by target, horizon and model, and of each model over all targets and horizons."""

    cells: Scores
    overall: Scores

    def skill(self, cell: Score) -> SkillScore | None:
        """Skill of a cell beside ``REFERENCE``; ``None`` for that itself, and where it made no forecast."""
        target, days, model = cell.group.values()
        other = self.cells.get((target, days, REFERENCE))
        return None if other is None or model == REFERENCE else cell.skill(other)

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """Warnings of all cells, each once."""
        return tuple(dict.fromkeys(warning for cell in self.cells.values() for warning in cell.warnings))

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``scores.json``: plain values, ``None`` where a number is not defined."""
        content: dict[str, Any] = {
            "schema": SCHEMA,
            "reference": REFERENCE,
            "cells": [self._cell(cell) for cell in self.cells.values()],
            "calibration": [
                {"model": model, "intercept": asdict(score.line[0]), "slope": asdict(score.line[1])}
                for (model,), score in self.overall.items()
            ],
            "warnings": [warning.model_dump(mode="json") for warning in self.warnings],
        }
        return without_nan(content)

    def _cell(self, cell: Score) -> dict[str, Any]:
        (intercept, slope), skill, rows = cell.line, self.skill(cell), cell.rows
        plain = skill and {**skill._asdict(), "brier": asdict(skill.brier), "log": asdict(skill.log)}
        return cell.to_dict() | {
            "auc": area_under_roc(rows.chance, rows.outcome),
            "calibration": {"intercept": intercept.value, "slope": slope.value},
            "skill": plain,
            "warnings": [warning.model_dump(mode="json") for warning in cell.warnings],
        }


def score_forecasts(table: ForecastTable, *, seed: int) -> ScoreTable:
    """Score every model on every target and horizon (``InputError`` when there is no forecast)."""
    if not len(table):
        raise InputError(
            "there is no complete window to score: every window ends after the data. "
            "Begin earlier, or give shorter horizons"
        )
    cells = score_by(table, "target", "horizon_days", "who", seed=seed)
    return ScoreTable(cells, score_by(table, "who", seed=seed))


def without_nan(content: dict[str, Any]) -> dict[str, Any]:
    """Return JSON values with ``None`` for numbers that are not finite, however deep they lie."""
    plain: dict[str, Any] = to_jsonable_python(content, inf_nan_mode="null")
    return plain


def largest_misses(
    table: ForecastTable, most: int = MOST_MISSES, *, rules: Sequence[str] | None = None
) -> list[int]:
    """Rows of forecasts on the wrong side of even, worst first, one an episode; ``table`` is of one model.

    Windows that overlap miss the same thing again and again: of the misses of one target of one dyad, in one
    direction, with origins less than a horizon apart, only the worst is kept. ``rules`` say of each row what
    it asks, where that is not its target.
    """
    asked = list(zip(table.what, rules or table.target, table.outcome, strict=True))
    error, days = np.abs(table.chance - table.outcome), table.horizon_days
    order = np.lexsort((days, table.origin, -error))
    found: list[int] = []
    for row in order[error[order] > 0.5].tolist():
        if len(found) < most and not any(
            asked[row] == asked[other]
            and abs(table.origin[row] - table.origin[other]) < max(days[row], days[other]) * DAY
            for other in found
        ):
            found.append(row)
    return found


def reliability_curve(forecasts: ForecastTable, model: str, *, seed: int) -> ReliabilityCurve:
    """Reliability of one model over all its targets and horizons."""
    rows = forecasts.select(who=model)
    bins = reliability_bins(rows.chance, rows.outcome, seed, window=window_labels(rows))
    return ReliabilityCurve(model=model, bins=bins)


def window_labels(table: ForecastTable) -> NDArray[np.int64]:
    """Label each row by target and stretch of time, shape (row,).

    Stretches are counted from the first origin and are as long as the longest horizon of the table.
    """
    stretch = (table.origin - table.origin.min()) // DAY // table.horizon_days.max()
    _, target = np.unique(table.target.astype(str), return_inverse=True)
    return np.asarray(stretch * (target.max() + 1) + target, dtype=np.int64)
