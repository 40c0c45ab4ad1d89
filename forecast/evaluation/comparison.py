"""Mean difference in score between two models over all targets and horizons, with its error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
N_RESAMPLES = 2000


def compare_models(
    forecasts: ForecastTable, model: str, other: str, *, seed: int, score: Literal["log", "brier"] = "log"
) -> Estimate:
    """Mean score of a model minus that of another: below 0 the first is better.

    Every (target, horizon) has the same weight, as in a mean over the cells of the score table. Origins are
    resampled in blocks sized for the longest horizon; all their forecasts go with them.

    Parameters
    ----------
    forecasts : ForecastTable
    model, other : str
        Windows that only one of them forecast are left out.
    seed : int
    score : {"log", "brier"}

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
                columns.append((origin, _score(ours, score)[left] - _score(theirs, score)[right]))
    if not columns:
        raise InputError(f"'{model}' and '{other}' forecast no window in common: nothing to compare")
    origins = np.unique(np.concatenate([origin for origin, _ in columns]))
    difference = np.full((len(origins), len(columns)), np.nan)
    for place, (origin, values) in enumerate(columns):
        difference[np.searchsorted(origins, origin), place] = values
    block = block_length(origins, max(forecasts.horizons))
    drawn = draw_blocks(len(origins), block, seed, N_RESAMPLES)
    spread = float(np.std(_mean_of_cells(difference[drawn]), ddof=1))
    return with_interval(float(_mean_of_cells(difference)), spread, len(origins) / block)


def _score(rows: ForecastTable, score: str) -> Floats:
    return SCORES[score](rows.probability, rows.outcome)


def _mean_of_cells(difference: Floats) -> Floats:
    """Mean over cells of the mean over origins, shape (...), from (..., origin, cell) with NaN for none."""
    known = ~np.isnan(difference)
    number = known.sum(axis=-2)
    total = np.where(known, difference, 0.0).sum(axis=-2)
    # A resample may miss a cell with few windows altogether; the mean is then over the others.
    means = np.divide(total, number, out=np.zeros_like(total), where=number > 0)
    return np.asarray(means.sum(axis=-1) / (number > 0).sum(axis=-1))
