"""Scores of one target on many dyads: by dyad, by horizon, of onset; and the simplest of the good models.

Errors over dyads come from a block bootstrap over origins in which all dyads of an origin are drawn together:
neighbours share wars, so that dyads are no separate evidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from forecast.baselines.methods import BASELINES
from forecast.bench.pooled_windows import OriginResamples, PooledWindows
from forecast.evaluation.backtest import DEFAULT_MODEL
from forecast.evaluation.calibration import PooledCalibration, pool_dyads
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.score_table import FailedFits, compare_models, score_forecasts, without_nan
from forecast.evaluation.scores import (
    Estimate,
    brier_score,
    calibration_line,
    log_score,
)
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule

SIMPLEST_FIRST = ("model", "panel", "combined")
"""By what a forecast takes: one fit; that, for its paths alone; both."""
TOLERANCE = 2.0
"""Standard errors of the difference in log score."""
COUNT_FREE = ("gamma_poisson", "constant_rate")
"""Baselines that read the target's own past acts alone: what others gain on them, counts of events add."""

State = Literal["onset", "continuation"]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class ScoreGap:
    """Mean log score of a model minus that of another on the same windows, and its error; below 0: better."""

    value: float
    se: float


@dataclass(frozen=True)
class ModelChoice:
    """The simplest good model, ``chosen``: of ``SIMPLEST_FIRST``, within ``TOLERANCE`` errors of the best.

    ``best`` has the lowest mean log score; ``gaps`` are of every model, the best included (0, error 0).
    """

    best: str
    gaps: dict[str, ScoreGap]
    chosen: str


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


@dataclass(frozen=True)
class WindowScores:
    """Mean scores of one model at one horizon over dyads of the same weight.

    ``n`` windows of ``dyads`` dyads, of whose windows the share ``base_rate`` held the target, on average.
    """

    horizon_days: int
    model: str
    dyads: int
    n: int
    base_rate: float
    brier: float
    log: float
    brier_se: float
    log_se: float


@dataclass(frozen=True)
class HorizonCalibration:
    """Calibration line of one model at one horizon over all windows; NaN where there is none."""

    horizon_days: int
    model: str
    intercept: float
    slope: float
    intercept_se: float
    slope_se: float


@dataclass(frozen=True)
class StateScores:
    """Scores of the windows of one model that follow a quiet year (``onset``), or of all others.

    Every window has the same weight; ``horizon_days`` is ``None`` where it is over all horizons.
    ``log_minus`` is the gap to each of ``COUNT_FREE``, but to itself.
    """

    state: State
    horizon_days: int | None
    model: str
    n: int
    base_rate: float
    brier: float
    log: float
    brier_se: float
    log_se: float
    log_minus: Mapping[str, ScoreGap]


@dataclass(frozen=True)
class TargetScores:
    """Scores of one target: cells by dyad, horizon and model; of each dyad one calibration line a model.

    ``choice`` is ``None`` without models. ``against_baselines`` is the mean log score of each model minus
    that of each baseline over the dyads that both forecast. ``pooled_calibration`` has one line a model.
    """

    cells: tuple[BenchmarkCell, ...]
    calibration: Mapping[str, tuple[PooledCalibration, ...]]
    pooled_calibration: tuple[PooledCalibration, ...]
    choice: ModelChoice | None
    against_baselines: Mapping[str, Mapping[str, ScoreGap]]
    by_horizon: tuple[WindowScores, ...]
    calibration_by_horizon: tuple[HorizonCalibration, ...]
    by_state: tuple[StateScores, ...]

    def means(self) -> dict[str, dict[str, float]]:
        """Mean Brier and log score of each model over dyads and horizons, all of the same weight."""
        by_model: dict[str, list[BenchmarkCell]] = {}
        for cell in self.cells:
            by_model.setdefault(cell.model, []).append(cell)
        return {
            model: {name: sum(getattr(one, name) for one in own) / len(own) for name in ("brier", "log")}
            for model, own in by_model.items()
        }

    def failed_fits(self) -> dict[str, FailedFits]:
        """Mean scores of the windows from failed fits, of each model that has any."""
        by_model: dict[str, list[FailedFits]] = {}
        for cell in self.cells:
            if cell.failed_fits:
                by_model.setdefault(cell.model, []).append(cell.failed_fits)
        pooled = {}
        for model, own in by_model.items():
            n = sum(one.n for one in own)
            means = (sum(one.n * getattr(one, score) for one in own) / n for score in ("brier", "log"))
            pooled[model] = FailedFits(n, *means)
        return pooled

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
            "by_horizon": [asdict(one) for one in self.by_horizon],
            "calibration": lines,
            "pooled_calibration": [asdict(line) for line in self.pooled_calibration],
            "calibration_by_horizon": [asdict(one) for one in self.calibration_by_horizon],
            "onset": [asdict(one) for one in self.by_state],
        }
        return cast("dict[str, Any]", without_nan(content))


def score_target(
    target: TargetRule,
    forecasts: Mapping[str, ForecastTable],
    events: Mapping[str, EventTable],
    *,
    seed: int,
) -> TargetScores:
    """Score the forecasts of one target, by dyad; baselines are among them, and ``events`` the records."""
    own = {dyad: table.select(target=target.name) for dyad, table in forecasts.items()}
    tables = list(own.values())
    models = list(dict.fromkeys(name for table in tables for name in table.models))
    scores = {dyad: score_forecasts(table, seed=seed) for dyad, table in own.items()}
    against: dict[str, dict[str, ScoreGap]] = {}
    for model in models:
        # A model that has no answer for a dyad is compared on the others.
        having = [table for table in tables if model in table.models]
        if model not in BASELINES:
            against[model] = {name: _gap(having, model, name, seed) for name in BASELINES}
    cells = [
        BenchmarkCell(
            dyad,
            one.horizon_days,
            one.model,
            one.n,
            one.base_rate,
            *_means(one.brier, one.log),
            one.failed_fits,
        )
        for dyad, table in scores.items()
        for one in table.cells
    ]
    windows = PooledWindows.of(own, events, target)
    return TargetScores(
        tuple(cells),
        {dyad: table.calibration for dyad, table in scores.items()},
        tuple(pool_dyads(tables, model, seed) for model in models),
        choose_model(tables, seed=seed),
        against,
        *scores_by_horizon(windows, seed),
        scores_by_state(windows, seed),
    )


def _means(brier: Estimate, log: Estimate) -> tuple[float, float, float, float]:
    return brier.value, log.value, brier.se, log.se


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


def _gap(tables: Sequence[ForecastTable], model: str, other: str, seed: int) -> ScoreGap:
    if model == other:
        return ScoreGap(0.0, 0.0)
    gaps = [compare_models(table, model, other, seed=seed) for table in tables]
    value = sum(one.value for one in gaps) / len(gaps)
    return ScoreGap(value, math.sqrt(sum(one.se**2 for one in gaps)) / len(gaps))


def scores_by_horizon(
    windows: PooledWindows, seed: int
) -> tuple[tuple[WindowScores, ...], tuple[HorizonCalibration, ...]]:
    """Score every model at every horizon over the windows it forecast, and fit its calibration line.

    Dyads have the same weight in the scores, windows in the line. Errors are those of the line to first
    order: a resample whose outcomes the forecasts all but separate would otherwise send it anywhere.
    """
    scores, lines = [], []
    for column, days in enumerate(windows.horizons):
        outcome = windows.outcome[:, :, column]
        for model, every in windows.probability.items():
            probability = every[:, :, column]
            known = ~np.isnan(probability)
            if not known.any():
                continue
            resample = OriginResamples(windows.origin, known, days, seed)
            brier, log = (
                resample.mean_of_dyads(score(probability, outcome)) for score in (brier_score, log_score)
            )
            rate = float(np.mean([outcome[own, k].mean() for k, own in enumerate(known.T) if own.any()]))
            n_dyads, n = int(known.any(axis=0).sum()), int(known.sum())
            scores.append(WindowScores(days, model, n_dyads, n, rate, *_means(brier, log)))
            p, y = probability[known], outcome[known]
            line = calibration_line(p, y)
            errors: tuple[float, float] = (np.nan, np.nan)
            if np.isfinite(line.slope):
                errors = resample.errors_of_line(p, y, np.nonzero(known)[0], line)
            lines.append(HorizonCalibration(days, model, line.intercept, line.slope, *errors))
    return tuple(scores), tuple(lines)


def scores_by_state(windows: PooledWindows, seed: int) -> tuple[StateScores, ...]:
    """Score onset and continuation of every model, over all horizons and by each.

    Onset and continuation together are all windows of a model. A state without a window is left out.
    """
    states: tuple[tuple[State, Flags], ...] = (("onset", windows.quiet), ("continuation", ~windows.quiet))
    spans: list[tuple[int | None, slice]] = [(None, slice(None))]
    spans += [(days, slice(column, column + 1)) for column, days in enumerate(windows.horizons)]
    scores: list[StateScores] = []
    for state, within in states:
        for days, columns in spans:
            every = {model: values[:, :, columns] for model, values in windows.probability.items()}
            outcome, longest = windows.outcome[:, :, columns], max(windows.horizons[columns])
            logs = {model: log_score(probability, outcome) for model, probability in every.items()}
            for model, probability in every.items():
                known = ~np.isnan(probability) & within[:, :, None]
                if not known.any():
                    continue
                resample = OriginResamples(windows.origin, known.any(axis=2), longest, seed)
                brier = resample.mean_of_windows(brier_score(probability, outcome), known)
                log = resample.mean_of_windows(logs[model], known)
                gaps = {}
                for name in COUNT_FREE:
                    both = known & ~np.isnan(every[name]) if name in every else np.zeros_like(known)
                    if name != model and both.any():
                        gap = resample.mean_of_windows(logs[model] - logs[name], both)
                        gaps[name] = ScoreGap(gap.value, gap.se)
                n, rate = int(known.sum()), float(outcome[known].mean())
                scores.append(StateScores(state, days, model, n, rate, *_means(brier, log), gaps))
    return tuple(scores)
