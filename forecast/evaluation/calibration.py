"""Calibration: do things happen as often as forecast? Reliability bins, and one line over all forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.bootstrap import Estimate, block_length, draw_blocks, with_interval
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.scores import N_BINS, bin_of, calibration_line

Floats = NDArray[np.float64]

N_BAND_RESAMPLES = 2000
N_LINE_RESAMPLES = 300


@dataclass(frozen=True)
class ReliabilityBins:
    """Forecast and observed frequency by bin, with the band in which a calibrated forecast would fall.

    Parameters
    ----------
    forecast_mean, observed_share : ndarray of float64, shape (bin,)
        Mean probability and share of hits of the forecasts in the bin; NaN in an empty bin.
    number : ndarray of int64, shape (bin,)
        Forecasts in the bin.
    lower90, upper90 : ndarray of float64, shape (bin,)
        5% and 95% quantiles of the share of hits if the forecasts were calibrated; NaN in an empty bin.
    """

    forecast_mean: Floats
    observed_share: Floats
    number: NDArray[np.int64]
    lower90: Floats
    upper90: Floats


def reliability_bins(
    probability: Floats,
    outcome: NDArray[np.int8],
    seed: int,
    *,
    window: NDArray[np.int64] | None = None,
    n_resamples: int = N_BAND_RESAMPLES,
) -> ReliabilityBins:
    """Bin forecasts (ten of equal width) and find the consistency band of each bin.

    The forecasts are resampled with replacement, outcomes drawn with the forecast probabilities, and the
    share of hits read bin by bin; Bröcker & Smith (2007), doi:10.1175/WAF993.1.

    Parameters
    ----------
    probability, outcome : ndarray, shape (row,)
    seed : int
    window : ndarray of int64, shape (row,), optional
        Label of the stretch of time a forecast is about. Forecasts with one label are drawn together and
        share one random number, since windows that overlap tend to end alike; without labels every
        forecast is independent, which makes the band too narrow for overlapping windows.
        ``window_labels`` makes them.
    n_resamples : int

    Returns
    -------
    ReliabilityBins
    """
    labels = np.arange(len(probability)) if window is None else window
    _, group = np.unique(labels, return_inverse=True)
    members = [np.flatnonzero(group == label) for label in range(group.max() + 1)]
    place = bin_of(probability)
    number = np.bincount(place, minlength=N_BINS)
    random = np.random.default_rng(seed)
    shares = np.full((n_resamples, N_BINS), np.nan)
    for resample in range(n_resamples):
        drawn = random.integers(len(members), size=len(members))
        luck = random.random(len(members))
        rows = np.concatenate([members[label] for label in drawn])
        hit = probability[rows] > np.repeat(luck, [len(members[label]) for label in drawn])
        total = np.bincount(place[rows], minlength=N_BINS)
        hits = np.bincount(place[rows], hit, N_BINS)
        np.divide(hits, total, out=shares[resample], where=total > 0)
    lower, upper = _band(shares, number)
    return ReliabilityBins(
        _bin_mean(probability, place, number),
        _bin_mean(outcome.astype(np.float64), place, number),
        number,
        lower,
        upper,
    )


def window_labels(table: ForecastTable) -> NDArray[np.int64]:
    """Label each row by target and stretch of time: origins less than the longest horizon apart.

    Returns
    -------
    ndarray of int64, shape (row,)
        Rows share a label when they are about the same target and their origins fall in the same stretch,
        counted from the first origin. Stretches are as long as the longest horizon of the table.
    """
    day = (table.origin - table.origin.min()).astype(np.int64)
    stretch = day // table.horizon_days.max()
    _, target = np.unique(table.target.astype(str), return_inverse=True)
    return np.asarray(stretch * (target.max() + 1) + target, dtype=np.int64)


@dataclass(frozen=True)
class PooledCalibration:
    """Calibration line of one model over all its targets and horizons.

    Intercept 0 and slope 1 when calibrated; the slope is below 1 when forecasts are too extreme. Errors
    by block bootstrap over origins. NaN where no line can be fitted.
    """

    model: str
    intercept: Estimate
    slope: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return the model's name and both estimates by name."""
        return {"model": self.model, "intercept": self.intercept.to_dict(), "slope": self.slope.to_dict()}


def pool_calibration(
    table: ForecastTable, model: str, seed: int, n_resamples: int = N_LINE_RESAMPLES
) -> PooledCalibration:
    """Fit the calibration line of one model, pooled; origins are resampled in blocks, all rows with them."""
    rows = table.select(model=model)
    origins, row_origin = np.unique(rows.origin, return_inverse=True)
    block = block_length(origins, max(rows.horizons))
    line = calibration_line(rows.probability, rows.outcome)
    found = []
    for drawn in draw_blocks(len(origins), block, seed, n_resamples):
        weight = np.bincount(drawn, minlength=len(origins))[row_origin].astype(np.float64)
        resampled = calibration_line(rows.probability, rows.outcome, weight)
        found.append((resampled.intercept, resampled.slope))
    spread = np.std(found, axis=0, ddof=1)
    n_blocks = len(origins) / block
    return PooledCalibration(
        model,
        with_interval(line.intercept, float(spread[0]), n_blocks),
        with_interval(line.slope, float(spread[1]), n_blocks),
    )


def _bin_mean(values: Floats, place: NDArray[np.int64], number: NDArray[np.int64]) -> Floats:
    total = np.bincount(place, values, N_BINS)
    return np.asarray(np.divide(total, number, out=np.full(N_BINS, np.nan), where=number > 0))


def _band(shares: Floats, number: NDArray[np.int64]) -> tuple[Floats, Floats]:
    lower, upper = np.full(N_BINS, np.nan), np.full(N_BINS, np.nan)
    for place in np.flatnonzero(number):
        # A bin that a resample leaves empty says nothing there.
        seen = shares[~np.isnan(shares[:, place]), place]
        lower[place], upper[place] = np.quantile(seen, (0.05, 0.95))
    return lower, upper
