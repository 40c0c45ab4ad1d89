"""``ForecastTable``: forecasts and what happened, one row each; read from and written to CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.baselines import BASELINES, DAY, BinaryOutcomes, baselines_by_origin
from forecast.errors import InputError
from forecast.events.table import EventTable, csv_text
from forecast.panel import TargetRule
from forecast.storage import SheetRow, check_rows, read_rows, write_file

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
    """Make a table of columns, each a sequence or one value for all rows; without ``failed_fit`` none failed.

    ``ValueError`` when a forecast is given twice.
    """
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
    """Read a table written by ``ForecastTable.write_csv``.

    ``InputError`` when the file cannot be read, a column lacks, or a row has a value that is not allowed.
    """
    rows = check_rows(read_rows(Path(path), COLUMNS, help="Run the backtest again"), _read_row)
    try:
        return table_of(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)))
    except ValueError as error:
        raise InputError(f"{path}: {error}. Run the backtest again") from error


def _read_row(row: SheetRow) -> tuple[object, ...]:
    def read[T](name: str, kind: Callable[[str], T], allowed: str) -> T:
        try:
            return kind(row[name])
        except (ValueError, KeyError) as error:
            raise row.fault(name, allowed) from error

    origin, day = (read(name, date.fromisoformat, "a day as YYYY-MM-DD") for name in ("origin", "day"))
    if day <= origin:
        raise row.fault("day", f"a day after the origin, {origin}")
    chance = read("chance", float, "a number from 0 to 1")
    if not 0.0 <= chance <= 1.0:
        raise row.fault("chance", "a number from 0 to 1")
    flags = (read(name, {"0": 0, "1": 1}.__getitem__, "0 or 1") for name in ("outcome", "failed_fit"))
    return row["what"], row["target"], origin, day, row["who"], chance, *flags
