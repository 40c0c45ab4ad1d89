"""Accuracy on many dyads: one event file each, one target, the same origins and horizons for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from forecast.errors import EventError, ForecastError, InputError, UnfinishedError
from forecast.evaluation.backtest import (
    DEFAULT_MODEL,
    MODELS,
    BacktestPlan,
    Unit,
    UnitResult,
    collect,
    model_columns,
    outcomes_of,
    units_of,
)
from forecast.evaluation.backtest_plan import (
    HORIZONS,
    Spacing,
    choose_origins,
    complete_origins,
    known_models,
)
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.history import find_record_start
from forecast.evaluation.scores import brier_score, log_score
from forecast.evaluation.windows import horizon_lengths
from forecast.evaluation.workers import run_jobs
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.inference.sampling import SamplerOptions
from forecast.series import TargetRule

SAMPLER = SamplerOptions(seed=20230710, draws=500, tune=300, chains=4, target_accept=0.9)
"""Of each fit in the benchmark."""
QUICK_STEP = 3
"""A quick benchmark takes every third origin."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """What is forecast of every dyad.

    Parameters
    ----------
    target : TargetRule
    first, data_end : date
        First origin; last day that the files cover.
    horizons : tuple of int
        Days ahead.
    origins : {"monthly", "weekly"} or tuple of date
    models : tuple of str
        Some of ``MODELS``; the baselines are always there.
    sampler : SamplerOptions
    quick : bool
        Every third origin only.
    """

    target: TargetRule
    first: date
    data_end: date
    horizons: tuple[int, ...] = HORIZONS
    origins: Spacing | tuple[date, ...] = "monthly"
    models: tuple[str, ...] = MODELS
    sampler: SamplerOptions = SAMPLER
    quick: bool = False


@dataclass(frozen=True)
class BenchmarkCell:
    """Mean scores of one model on one dyad and horizon; ``log`` in nats."""

    dyad: str
    horizon_days: int
    model: str
    n: int
    base_rate: float
    brier: float
    log: float


@dataclass(frozen=True)
class Benchmark:
    """Scores of all dyads.

    Parameters
    ----------
    cells : tuple of BenchmarkCell
        By dyad, horizon and model.
    forecasts : mapping of str to ForecastTable
        By dyad.
    seconds_per_origin : float
        Wall-clock time of all models together, divided by the origins of all dyads.
    """

    cells: tuple[BenchmarkCell, ...]
    forecasts: Mapping[str, ForecastTable]
    seconds_per_origin: float

    def means(self) -> dict[str, dict[str, float]]:
        """Mean Brier and log score of each model over dyads and horizons, all of the same weight."""
        found = {}
        for model in dict.fromkeys(cell.model for cell in self.cells):
            own = [cell for cell in self.cells if cell.model == model]
            found[model] = {
                "brier": sum(cell.brier for cell in own) / len(own),
                "log": sum(cell.log for cell in own) / len(own),
            }
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: cells, means, the name of the default model, seconds an origin."""
        return {
            "cells": [vars(cell) for cell in self.cells],
            "mean": self.means(),
            "default": DEFAULT_MODEL,
            "seconds_per_origin": self.seconds_per_origin,
        }


def read_dyads(folder: Path) -> dict[str, EventTable]:
    """Read every event file of a folder; the file's name without its ending names the dyad.

    Raises
    ------
    EventError
        The folder is missing or holds no CSV file, or a file is not valid.
    """
    if not folder.is_dir():
        raise EventError(f"{folder}: no such folder. Give a folder of event files, one dyad a file")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    if not paths:
        raise EventError(f"{folder}: holds no CSV file. Give a folder of event files, one dyad a file")
    return {path.stem: read_events(path) for path in paths}


def plan_dyad(dyad: str, events: EventTable, options: BenchmarkOptions) -> BacktestPlan:
    """Plan the backtest of one dyad; the data begin where its record is dense enough to mean something.

    Raises
    ------
    InputError
        No event is known before the first origin, or a horizon has no complete window.
    """
    horizons = tuple(int(days) for days in horizon_lengths(options.horizons))
    if options.data_end < options.first:
        raise InputError(f"the data end on {options.data_end}, before the first origin, {options.first}")
    origins = choose_origins(options.origins, options.first, options.data_end)
    origins = complete_origins(origins, horizons[0], options.data_end)
    try:
        plan = BacktestPlan(
            dyad=dyad,
            targets=(options.target,),
            origins=origins[::QUICK_STEP] if options.quick else origins,
            horizons=horizons,
            start=find_record_start(events, origins[0]),
            data_end=options.data_end,
            models=known_models(options.models),
            sampler=options.sampler,
        )
        outcomes_of(plan, events)
    except InputError as error:
        raise InputError(f"{dyad}: {error}") from error
    return plan


def run_benchmark(
    dyads: Mapping[str, EventTable],
    options: BenchmarkOptions,
    *,
    processes: int = 1,
    listen: Callable[[int, int], None] | None = None,
) -> Benchmark:
    """Forecast and score every dyad.

    Parameters
    ----------
    dyads : mapping of str to EventTable
    options : BenchmarkOptions
    processes : int
        Processes of this machine; the scores do not depend on it.
    listen : callable, optional
        Told how many forecasts (family × origin) are done and planned.

    Raises
    ------
    InputError
        A dyad cannot be forecast with these options.
    UnfinishedError
        Some part failed: a mean over the others would compare different things.
    """
    plans = {dyad: plan_dyad(dyad, events, options) for dyad, events in dyads.items()}
    jobs = [
        (plan, model_columns(dyads[dyad]), unit) for dyad, plan in plans.items() for unit in units_of(plan)
    ]
    planned = sum(unit.n_origins for _, _, unit in jobs)
    done: dict[Unit, int] = {}

    def note(unit: Unit, origins: int) -> None:
        done[unit] = origins
        if listen:
            listen(sum(done.values()), planned)

    began = time.perf_counter()
    results: dict[str, list[UnitResult]] = {dyad: [] for dyad in plans}
    failures: list[ForecastError] = []
    for (plan, _, unit), outcome in run_jobs(jobs, processes=processes, listen=note):
        if isinstance(outcome, UnitResult):
            results[plan.dyad].append(outcome)
        else:
            failures.append(outcome)
        note(unit, unit.n_origins)
    seconds = time.perf_counter() - began
    if failures:
        listed = "\n".join(f"  {failure}" for failure in failures)
        raise UnfinishedError(f"{len(failures)} of {len(jobs)} parts failed, so there is no mean.\n{listed}")
    forecasts = {dyad: collect(plan, dyads[dyad], results[dyad]) for dyad, plan in plans.items()}
    cells = [cell for dyad, table in forecasts.items() for cell in _cells(dyad, table)]
    n_origins = sum(len(plan.origins) for plan in plans.values())
    return Benchmark(tuple(cells), forecasts, round(seconds / n_origins, 3))


def _cells(dyad: str, table: ForecastTable) -> Sequence[BenchmarkCell]:
    cells = []
    for horizon in table.horizons:
        for model in table.models:
            rows = table.select(horizon_days=horizon, model=model)
            cells.append(
                BenchmarkCell(
                    dyad,
                    horizon,
                    model,
                    len(rows),
                    float(rows.outcome.mean()),
                    float(brier_score(rows.probability, rows.outcome).mean()),
                    float(log_score(rows.probability, rows.outcome).mean()),
                )
            )
    return cells
