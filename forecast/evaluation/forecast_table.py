"""``ForecastTable``: forecasts and what happened, one row each; read from and written to CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.baselines import BASELINES, BinaryOutcomes, baselines_by_origin
from forecast.errors import InputError, shown
from forecast.events.table import EventTable
from forecast.panel import TargetRule
from forecast.storage import MAX_RECORD_BYTES, content_of, read_plain, write_file

COLUMNS = ("origin", "horizon_days", "target", "model", "probability", "outcome", "failed_fit")
_TYPES: tuple[Any, ...] = ("datetime64[D]", np.int64, np.object_, np.object_, np.float64, np.int8, np.int8)


@dataclass(frozen=True, eq=False, kw_only=True)
class ForecastTable:
    """Forecasts of windows that are complete, with their outcomes, shape (row,); rows in any order.

    ``outcome`` is 1 when the target happened in the window, else 0; ``failed_fit`` is 1 when a fit behind the
    forecast failed a gate. ``ValueError`` when columns differ in length, a value is out of range, or a
    forecast is given twice.
    """

    origin: NDArray[np.datetime64]
    horizon_days: NDArray[np.int64]
    target: NDArray[np.object_]
    model: NDArray[np.object_]
    probability: NDArray[np.float64]
    outcome: NDArray[np.int8]
    failed_fit: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))

    def __post_init__(self) -> None:
        if not len(self.failed_fit):
            object.__setattr__(self, "failed_fit", np.zeros(len(self.origin), np.int8))
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns differ in length: {lengths}")
        if not np.all((self.probability >= 0) & (self.probability <= 1)):
            raise ValueError("a probability is not in [0, 1]")
        for name in ("outcome", "failed_fit"):
            if not np.isin(getattr(self, name), (0, 1)).all():
                raise ValueError(f"a value of {name} is neither 0 nor 1")
        keys = zip(self.origin.tolist(), self.horizon_days.tolist(), self.target, self.model, strict=True)
        if len(set(keys)) < len(self):
            raise ValueError("a forecast (origin, horizon, target, model) is given twice")

    def __len__(self) -> int:
        return len(self.origin)

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets, in order of appearance."""
        return tuple(dict.fromkeys(self.target.tolist()))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in order of appearance."""
        return tuple(dict.fromkeys(self.model.tolist()))

    @property
    def horizons(self) -> tuple[int, ...]:
        """Horizons in days, ascending."""
        return tuple(sorted(set(self.horizon_days.tolist())))

    def select(
        self, *, target: str | None = None, horizon_days: int | None = None, model: str | None = None
    ) -> ForecastTable:
        """Return the rows of a target, horizon and model (``None``: all of them), sorted by origin."""
        kept = np.ones(len(self), dtype=np.bool_)
        wanted = {"target": target, "horizon_days": horizon_days, "model": model}
        for name, value in wanted.items():
            if value is not None:
                kept &= getattr(self, name) == value
        rows = np.flatnonzero(kept)
        return self.take(rows[np.argsort(self.origin[rows], kind="stable")])

    def take(self, rows: NDArray[np.intp]) -> ForecastTable:
        """Return the rows at these positions, in this order."""
        return ForecastTable(**{name: getattr(self, name)[rows] for name in COLUMNS})

    def write_csv(self, path: str | Path) -> None:
        """Write the table; reading it back gives the same values to the last bit."""
        # tolist gives Python floats, whose repr is the shortest text that reads back to the same value.
        rows = zip(*(getattr(self, name).tolist() for name in COLUMNS), strict=True)
        try:
            write_file(Path(path), csv_text(COLUMNS, rows))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV, lines ended by a line feed alone."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue()


def make_forecasts(
    outcomes: BinaryOutcomes,
    probability: NDArray[np.float64],
    *,
    model: str,
    failed: NDArray[np.bool_] | None = None,
) -> ForecastTable:
    """Make a table from one model's forecasts, shape (origin, horizon); incomplete windows are left out.

    ``failed``, shape (origin,), says where a fit behind them failed a gate (nowhere when absent).
    """
    if probability.shape != outcomes.outcome.shape:
        raise ValueError(f"probabilities are of shape {probability.shape}, not {outcomes.outcome.shape}")
    row, column = np.nonzero(outcomes.complete)
    return ForecastTable(
        origin=outcomes.origin[row],
        horizon_days=outcomes.horizon_days[column],
        target=np.full(len(row), outcomes.target, dtype=np.object_),
        model=np.full(len(row), model, dtype=np.object_),
        probability=probability[row, column],
        outcome=outcomes.outcome[row, column].astype(np.int8),
        failed_fit=np.zeros(len(row), np.int8) if failed is None else failed[row].astype(np.int8),
    )


def join_forecasts(tables: Iterable[ForecastTable]) -> ForecastTable:
    """Put tables below one another (``ValueError`` when a forecast is in two of them)."""
    parts = list(tables)
    if not parts:
        raise ValueError("no table to join")
    return ForecastTable(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    )


def read_forecasts(path: str | Path) -> ForecastTable:
    """Read a table written by ``ForecastTable.write_csv``; without its last column no fit failed.

    ``InputError`` when the file cannot be read, its header differs, or a row has a value that is not allowed.
    """
    try:
        text = read_plain(Path(path), MAX_RECORD_BYTES).decode()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text. Give a forecasts.csv written by a backtest") from error
    with content_of(path, InputError, "Give a forecasts.csv written by a backtest"):
        header, *body = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
    if tuple(header) not in (COLUMNS, COLUMNS[:-1]):
        raise InputError(
            f"{path}:1: the header is '{shown(','.join(header))}'. Expected: {','.join(COLUMNS)}"
        )
    rows = [_read_row(cells, len(header), f"{path}:{line}") for line, cells in enumerate(body, start=2)]
    seen: dict[tuple[object, ...], int] = {}
    for line, row in enumerate(rows, start=2):
        earlier = seen.setdefault(row[:4], line)
        if earlier != line:
            raise InputError(f"{path}:{line}: the same forecast is in line {earlier}. Delete one of them")
    columns = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
    return table_of(*columns)


def table_of(*columns: Sequence[object]) -> ForecastTable:
    """Make a table from plain values, a sequence a column in the order of ``COLUMNS``; the last may lack."""
    n_columns = len(columns)
    made = zip(COLUMNS[:n_columns], columns, _TYPES[:n_columns], strict=True)
    return ForecastTable(**{name: np.array(column, dtype=kind) for name, column, kind in made})


def _read_row(cells: list[str], n_columns: int, place: str) -> tuple[date, int, str, str, float, int, int]:
    if len(cells) != n_columns:
        raise InputError(f"{place}: {len(cells)} cells, but the header has {n_columns} columns")
    origin, horizon, target, model, probability, outcome, *last = cells
    failed = last[0] if last else "0"
    try:
        day = date.fromisoformat(origin)
    except ValueError as error:
        raise InputError(f"{place}: origin '{origin}' is not a day. Expected: YYYY-MM-DD") from error
    if not (horizon.isascii() and horizon.isdigit() and int(horizon) > 0):
        raise InputError(f"{place}: horizon_days '{horizon}' is not a number of days. Expected: 1 or more")
    try:
        value = float(probability)
    except ValueError:
        value = np.nan
    if not 0.0 <= value <= 1.0:
        raise InputError(f"{place}: probability '{probability}' is not in [0, 1]")
    if outcome not in ("0", "1"):
        raise InputError(f"{place}: outcome '{outcome}' is neither 0 nor 1")
    if failed not in ("0", "1"):
        raise InputError(f"{place}: failed_fit '{failed}' is neither 0 nor 1")
    return day, int(horizon), target, model, value, int(outcome), int(failed)


def forecast_baselines(
    events: EventTable, target: TargetRule, outcomes: BinaryOutcomes, start: date
) -> ForecastTable:
    """Forecast every complete window by each baseline, from what was known at its origin alone.

    ``outcomes`` give origins and horizons; ``InputError`` unless the first origin is after ``start``.
    """
    probability = baselines_by_origin(events, target, outcomes.origin, start, outcomes.horizon_days)
    return join_forecasts(make_forecasts(outcomes, probability[name], model=name) for name in BASELINES)
