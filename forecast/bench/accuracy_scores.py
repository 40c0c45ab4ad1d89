"""Scores of one target on many dyads: by dyad, by horizon, of onset; and the simplest of the good models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from forecast.baselines.methods import BASELINES
from forecast.evaluation.backtest import DEFAULT_MODEL
from forecast.evaluation.calibration import PooledCalibration, pool_dyads
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.pooled_scores import (
    HorizonCalibration,
    PooledWindows,
    ScoreGap,
    StateScores,
    WindowScores,
    calibration_by_horizon,
    scores_by_horizon,
    scores_by_state,
)
from forecast.evaluation.score_table import (
    FailedFits,
    ScoreCell,
    compare_models,
    score_forecasts,
    without_nan,
)
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule

SIMPLEST_FIRST = ("model", "panel", "combined")
"""By what a forecast takes: one fit; that, for its paths alone; both."""
TOLERANCE = 2.0
"""Standard errors of the difference in log score."""


@dataclass(frozen=True)
class ModelChoice:
    """The simplest good model, ``chosen``: of ``SIMPLEST_FIRST``, within ``TOLERANCE`` errors of the best.

    ``best`` has the lowest mean log score; ``gaps`` are of every model, the best included (0, error 0).
    """

    best: str
    gaps: dict[str, ScoreGap]
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


def _gap(tables: Sequence[ForecastTable], model: str, other: str, seed: int) -> ScoreGap:
    if model == other:
        return ScoreGap(0.0, 0.0)
    found = [compare_models(table, model, other, seed=seed) for table in tables]
    value = sum(one.value for one in found) / len(found)
    return ScoreGap(value, math.sqrt(sum(one.se**2 for one in found)) / len(found))


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
class TargetScores:
    """Scores of one target: cells by dyad, horizon and model; of each dyad one calibration line a model.

    ``choice`` is the simplest good model by these dyads, ``None`` without models. ``against_baselines`` is
    the mean log score of each model minus that of each baseline over the dyads that both forecast: below 0
    the model is better. ``pooled_calibration`` has one line a model over all dyads; ``by_horizon``,
    ``calibration_by_horizon`` and ``by_state`` (onset and continuation) are over all dyads, too.
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
    windows = PooledWindows.of(own, events, target)
    return TargetScores(
        tuple(BenchmarkCell.of(dyad, cell) for dyad, table in scores.items() for cell in table.cells),
        {dyad: table.calibration for dyad, table in scores.items()},
        tuple(pool_dyads(tables, model, seed) for model in models),
        choose_model(tables, seed=seed),
        against,
        scores_by_horizon(windows, seed=seed),
        calibration_by_horizon(windows, seed=seed),
        scores_by_state(windows, seed=seed),
    )
