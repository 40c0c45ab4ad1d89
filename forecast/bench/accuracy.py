"""Accuracy on many dyads: one event file each, one target, the same origins and horizons for all.

It names the simplest of the good models; ``docs/validation.md`` says which is shipped, and why.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

from forecast.baselines.methods import BASELINES
from forecast.baselines.windows import find_record_start, horizon_lengths
from forecast.errors import EventError, ForecastError, InputError, UnfinishedError, did_you_mean
from forecast.evaluation.backtest import (
    DEFAULT_MODEL,
    HORIZONS,
    MODELS,
    BacktestPlan,
    Spacing,
    choose_origins,
    complete_origins,
    known_models,
    outcomes_of,
    refuse_unanswerable,
)
from forecast.evaluation.calibration import PooledCalibration, pool_dyads
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.score_table import (
    FailedFits,
    ScoreCell,
    compare_models,
    score_forecasts,
    without_nan,
)
from forecast.evaluation.unit_store import plan_settings, unit_content, unit_result
from forecast.evaluation.units import (
    Unit,
    UnitResult,
    collect,
    count_fits,
    model_columns,
    stage_seconds,
    units_of,
)
from forecast.evaluation.workers import run_jobs
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.inference.posterior import SamplerOptions
from forecast.panel.streams import TargetRule, stream_layout
from forecast.priors import PriorStatement, default_priors
from forecast.storage.kept_rows import KeptRows

SAMPLER = SamplerOptions(seed=20230710)
"""Of each fit in the benchmark."""
QUICK_STEP = 3
"""A quick benchmark takes every third origin."""
SIMPLEST_FIRST = ("model", "panel", "combined")
"""By what a forecast takes: one fit; that, for its paths alone; both."""
TOLERANCE = 2.0
"""Standard errors of the difference in log score."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """What is forecast of every dyad, from the origin ``first`` to the last day that the files cover.

    ``models`` are some of ``MODELS``; the baselines are always there. ``priors`` (name → statement) change
    the model, to see what they do. ``quick`` takes every third origin only.
    """

    target: TargetRule
    first: date
    data_end: date
    horizons: tuple[int, ...] = HORIZONS
    origins: Spacing | tuple[date, ...] = "monthly"
    models: tuple[str, ...] = MODELS
    sampler: SamplerOptions = SAMPLER
    priors: Mapping[str, PriorStatement] = field(default_factory=dict)
    quick: bool = False


@dataclass(frozen=True)
class Gap:
    """Mean log score of a model minus that of the best one, in nats, and its block-bootstrap error."""

    value: float
    se: float


@dataclass(frozen=True)
class ModelChoice:
    """The simplest good model, ``chosen``: of ``SIMPLEST_FIRST``, within ``TOLERANCE`` errors of the best.

    ``best`` has the lowest mean log score; ``gaps`` are of every model, the best included (0, error 0).
    """

    best: str
    gaps: dict[str, Gap]
    chosen: str


def choose_model(tables: Sequence[ForecastTable], *, seed: int) -> ModelChoice | None:
    """Choose the simplest model within two standard errors of the best, by one or more dyads of equal weight.

    Targets and horizons have the same weight within a dyad; dyads count as independent, which makes errors
    too small where neighbours share wars. ``None`` when the tables hold none of the models.
    """
    models = [name for name in SIMPLEST_FIRST if all(name in table.models for table in tables)]
    if not models:
        return None
    gaps = {name: _gap(tables, name, models[0], seed) for name in models}
    best = min(models, key=lambda name: gaps[name].value)
    gaps = {name: _gap(tables, name, best, seed) for name in models}
    chosen = next(name for name in models if gaps[name].value <= TOLERANCE * gaps[name].se)
    return ModelChoice(best, gaps, chosen)


def _settings_key(plan: BacktestPlan, events: EventTable) -> str:
    """Hash of all that units depend on but their names; which other models are compared is no part of it."""
    settings = plan_settings(replace(plan, models=()), events.sha256)
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _kept_result(unit: Unit, row: Mapping[str, Any], keep: Path | None) -> UnitResult:
    try:
        return unit_result(unit, row)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"--keep {keep}: the row of {unit.name} is damaged ({error}). Delete it, or name another folder"
        ) from error


def _gap(tables: Sequence[ForecastTable], model: str, other: str, seed: int) -> Gap:
    if model == other:
        return Gap(0.0, 0.0)
    found = [compare_models(table, model, other, seed=seed) for table in tables]
    value = sum(one.value for one in found) / len(found)
    return Gap(value, math.sqrt(sum(one.se**2 for one in found)) / len(found))


@dataclass(frozen=True)
class BenchmarkCell:
    """Mean scores of one model on one dyad and horizon, with block-bootstrap errors; ``log`` in nats."""

    dyad: str
    horizon_days: int
    model: str
    n: int
    base_rate: float
    brier: float
    log: float
    brier_se: float
    log_se: float
    failed_fits: FailedFits | None = None

    @classmethod
    def of(cls, dyad: str, cell: ScoreCell) -> BenchmarkCell:
        """Keep of a cell of the score table what is compared between dyads."""
        means = cell.brier.value, cell.log.value, cell.brier.se, cell.log.se
        return cls(dyad, cell.horizon_days, cell.model, cell.n, cell.base_rate, *means, cell.failed_fits)


@dataclass(frozen=True)
class Benchmark:
    """Scores of all dyads: cells by dyad, horizon and model; of each dyad one calibration line a model.

    ``choice`` is the simplest good model by these dyads, ``None`` without models. ``against_baselines`` is
    the mean log score of each model minus that of each baseline: below 0 the model is better.
    ``seconds_per_origin`` is the wall-clock time of all models and baselines together, divided by the origins
    of all dyads.
    ``pooled_calibration`` has one line a model over all dyads. ``seconds`` are of the processor, by stage.
    ``fits`` were made; ``failed`` of them did not pass the gates.
    """

    cells: tuple[BenchmarkCell, ...]
    calibration: Mapping[str, tuple[PooledCalibration, ...]]
    pooled_calibration: tuple[PooledCalibration, ...]
    choice: ModelChoice | None
    against_baselines: Mapping[str, Mapping[str, Gap]]
    seconds_per_origin: float
    seconds: Mapping[str, float]
    fits: int
    failed: int

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

    def failed_fits(self) -> dict[str, FailedFits]:
        """Mean scores of the windows from failed fits, of each model that has any."""
        found = {}
        for model in dict.fromkeys(cell.model for cell in self.cells):
            own = [cell.failed_fits for cell in self.cells if cell.model == model and cell.failed_fits]
            if own:
                n = sum(one.n for one in own)
                means = (sum(one.n * getattr(one, score) for one in own) / n for score in ("brier", "log"))
                found[model] = FailedFits(n, *means)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, ``None`` where a number is not defined."""
        choice = self.choice
        behind = {name: asdict(gap) for name, gap in choice.gaps.items()} if choice else {}
        lines = [{"dyad": dyad} | asdict(line) for dyad, lines in self.calibration.items() for line in lines]
        content: dict[str, Any] = {
            "cells": [asdict(cell) for cell in self.cells],
            "mean": self.means(),
            "default": DEFAULT_MODEL,
            "choice": choice and {"best": choice.best, "chosen": choice.chosen, "log_behind_best": behind},
            "against_baselines": {
                model: {name: asdict(gap) for name, gap in gaps.items()}
                for model, gaps in self.against_baselines.items()
            },
            "calibration": lines,
            "pooled_calibration": [asdict(line) for line in self.pooled_calibration],
            "seconds_per_origin": self.seconds_per_origin,
            "seconds": dict(self.seconds),
            "fits": {"made": self.fits, "failed": self.failed},
        }
        return cast("dict[str, Any]", without_nan(content))


def read_dyads(folder: Path, names: Sequence[str] | None = None) -> dict[str, EventTable]:
    """Read every event file of a folder, or those of some dyads; a file's name names the dyad.

    ``EventError`` without any; ``InputError`` for a name that no file has.
    """
    if not folder.is_dir():
        raise EventError(f"{folder}: no such folder. Give a folder of event files, one dyad a file")
    paths = sorted(one for one in folder.glob("[!.]*") if one.suffix.lower() == ".csv" and one.is_file())
    if not paths:
        raise EventError(f"{folder}: holds no CSV file. Give a folder of event files, one dyad a file")
    found: dict[str, Path] = {}
    for path in paths:
        if found.setdefault(path.stem, path) != path:
            raise EventError(f"{path}: {found[path.stem].name} names the same dyad. Rename one of them")
    for name in names or ():
        if name not in found:
            raise InputError(
                f"{folder}: holds no {name}.csv.{did_you_mean(name, found)} It holds {', '.join(found)}"
            )
    return {name: read_events(path) for name, path in found.items() if names is None or name in names}


def plan_dyad(dyad: str, events: EventTable, options: BenchmarkOptions) -> BacktestPlan:
    """Plan the backtest of one dyad; the data begin where its record is dense enough to mean something.

    ``InputError`` when no event is known before the first origin or a horizon has no complete window;
    ``PriorError`` when a changed prior is unknown or not valid.
    """
    horizons = tuple(int(days) for days in horizon_lengths(options.horizons))
    models = known_models(options.models)
    default_priors(stream_layout((options.target,))).changed(options.priors, "config")
    if options.data_end < options.first:
        raise InputError(f"the data end on {options.data_end}, before the first origin, {options.first}")
    origins = choose_origins(options.origins, options.first, options.data_end)
    if not options.first <= min(origins) <= max(origins) <= options.data_end:
        span = f"{options.first} to {options.data_end}, as --from and --until say"
        raise InputError(f"origins: got {min(origins)} to {max(origins)}; allowed: {span}")
    origins = complete_origins(origins, horizons[0], options.data_end)[:: QUICK_STEP if options.quick else 1]
    try:
        start = find_record_start(events, origins[0])
        plan = BacktestPlan(
            dyad=dyad,
            targets=(options.target,),
            origins=origins,
            horizons=horizons,
            start=start,
            data_end=options.data_end,
            models=models,
            sampler=options.sampler,
            priors=options.priors,
        )
        outcomes_of(plan, events)
        refuse_unanswerable(plan, events)
    except InputError as error:
        raise InputError(f"{dyad}: {error}") from error
    return plan


def run_benchmark(
    dyads: Mapping[str, EventTable],
    options: BenchmarkOptions,
    *,
    processes: int = 1,
    cluster: str | None = None,
    keep: Path | None = None,
    listen: Callable[[int, int], None] | None = None,
) -> Benchmark:
    """Forecast and score every dyad; the scores do not depend on where the units run.

    Parameters
    ----------
    processes, cluster
        Where they run; see ``run_jobs``.
    keep : Path, optional
        Folder of finished units. Those of the same events, settings, code and versions are read, not run.
    listen : callable, optional
        Told how many origins, of all dyads, are done and planned.

    Raises
    ------
    InputError
        A dyad cannot be forecast with these options, or ``keep`` cannot be read or written.
    UnfinishedError
        Some part failed: a mean over the others would compare different things.
    """
    plans = {dyad: plan_dyad(dyad, events, options) for dyad, events in dyads.items()}
    kept = KeptRows(keep) if keep else None
    keys = {dyad: _settings_key(plan, dyads[dyad]) for dyad, plan in plans.items()}
    results: dict[str, list[UnitResult]] = {dyad: [] for dyad in plans}
    jobs = []
    done: dict[Unit, int] = {}
    for dyad, plan in plans.items():
        for unit in units_of(plan):
            row = kept.row(f"{keys[dyad]} {unit.name}") if kept is not None else None
            if row:
                results[dyad].append(_kept_result(unit, row, keep))
                done[unit] = unit.n_origins
            else:
                jobs.append((plan, model_columns(dyads[dyad]), unit))
    planned = sum(done.values()) + sum(unit.n_origins for _, _, unit in jobs)

    def note(unit: Unit, origins: int) -> None:
        done[unit] = origins
        if listen:
            listen(sum(done.values()), planned)

    began = time.perf_counter()
    failures: list[ForecastError] = []
    for (plan, _, unit), outcome in run_jobs(jobs, processes=processes, cluster=cluster, listen=note):
        if isinstance(outcome, UnitResult):
            results[plan.dyad].append(outcome)
            if kept is not None:
                kept.keep(f"{keys[plan.dyad]} {unit.name}", unit_content(outcome))
        else:
            failures.append(outcome)
        note(unit, unit.n_origins)
    if failures:
        listed = "\n".join(f"  {failure}" for failure in failures)
        raise UnfinishedError(f"{len(failures)} of {len(jobs)} parts failed, so there is no mean.\n{listed}")
    scoring = time.process_time()
    forecasts = {dyad: collect(plan, dyads[dyad], results[dyad]) for dyad, plan in plans.items()}
    seconds = time.perf_counter() - began
    seed = options.sampler.seed
    scores = {dyad: score_forecasts(table, seed=seed) for dyad, table in forecasts.items()}
    every = [result for found in results.values() for result in found]
    spent = stage_seconds(every) | {"score": round(time.process_time() - scoring, 2)}
    made, failed = count_fits(every)
    n_origins = sum(len(plan.origins) for plan in plans.values())
    tables = list(forecasts.values())
    against = {
        model: {name: _gap(tables, model, name, seed) for name in BASELINES}
        for model in known_models(options.models)
    }
    return Benchmark(
        tuple(BenchmarkCell.of(dyad, cell) for dyad, table in scores.items() for cell in table.cells),
        {dyad: table.calibration for dyad, table in scores.items()},
        tuple(pool_dyads(tables, model, seed) for model in (*known_models(options.models), *BASELINES)),
        choose_model(tables, seed=seed),
        against,
        round(seconds / n_origins, 3),
        spent,
        made,
        failed,
    )
