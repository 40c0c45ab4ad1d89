"""Which of two models has the better mean score, and which model to ship: the simplest of the good ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.errors import InputError
from forecast.evaluation.bootstrap import Estimate, block_length, draw_blocks, with_interval
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.scores import brier_score, log_score

Floats = NDArray[np.float64]

SCORES: Mapping[str, Callable[..., Floats]] = MappingProxyType({"brier": brier_score, "log": log_score})

SIMPLEST_FIRST = ("joint", "target", "focused", "ensemble")
"""By what a forecast takes: one fit for all targets, categories and scenarios; a fit a target on one stream,
and on four; all of these."""
TOLERANCE = 2.0
"""Standard errors of the difference in log score."""


def compare_models(
    forecasts: ForecastTable, model: str, other: str, *, seed: int, score: Literal["log", "brier"] = "log"
) -> Estimate:
    """Mean score of a model minus that of another: below 0 the first is better.

    Every (target, horizon) has the same weight, as in a mean over the cells of the score table. Origins are
    resampled in blocks sized for the longest horizon; all their forecasts go with them.

    Windows that only one of them forecast are left out.

    Raises
    ------
    InputError
        They forecast no window in common.
    """
    columns = []
    for target in forecasts.targets:
        for horizon in forecasts.horizons:
            ours = forecasts.select(target=target, horizon_days=horizon, model=model)
            theirs = forecasts.select(target=target, horizon_days=horizon, model=other)
            origin, left, right = np.intersect1d(ours.origin, theirs.origin, return_indices=True)
            if len(origin):
                of = SCORES[score]
                gap = of(ours.probability, ours.outcome)[left] - of(theirs.probability, theirs.outcome)[right]
                columns.append((origin, gap))
    if not columns:
        raise InputError(f"'{model}' and '{other}' forecast no window in common: nothing to compare")
    origins = np.unique(np.concatenate([origin for origin, _ in columns]))
    difference = np.full((len(origins), len(columns)), np.nan)
    for place, (origin, values) in enumerate(columns):
        difference[np.searchsorted(origins, origin), place] = values
    block = block_length(origins, max(forecasts.horizons))
    drawn = draw_blocks(len(origins), block, seed)
    spread = float(np.std(_mean_of_cells(difference[drawn]), ddof=1))
    return with_interval(float(_mean_of_cells(difference)), spread, len(origins) / block)


def _mean_of_cells(difference: Floats) -> Floats:
    """Mean over cells of the mean over origins, shape (...), from (..., origin, cell) with NaN for none."""
    known = ~np.isnan(difference)
    number = known.sum(axis=-2)
    total = np.where(known, difference, 0.0).sum(axis=-2)
    # A resample may miss a cell with few windows altogether; the mean is then over the others.
    means = np.divide(total, number, out=np.zeros_like(total), where=number > 0)
    return np.asarray(means.sum(axis=-1) / (number > 0).sum(axis=-1))


@dataclass(frozen=True)
class Gap:
    """Mean log score of a model minus that of the best one, in nats, and its block-bootstrap error."""

    value: float
    se: float


@dataclass(frozen=True)
class ModelChoice:
    """The model to ship, ``chosen``: the first of ``SIMPLEST_FIRST`` within ``TOLERANCE`` errors of the best.

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


def _gap(tables: Sequence[ForecastTable], model: str, other: str, seed: int) -> Gap:
    if model == other:
        return Gap(0.0, 0.0)
    found = [compare_models(table, model, other, seed=seed) for table in tables]
    value = sum(one.value for one in found) / len(found)
    return Gap(value, math.sqrt(sum(one.se**2 for one in found)) / len(found))
