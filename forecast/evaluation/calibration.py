"""Calibration: do things happen as often as forecast? Reliability bins, and one line over all forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.scores import (
    N_BINS,
    Estimate,
    bin_of,
    block_length,
    calibration_line,
    draw_blocks,
    resampled_lines,
    with_interval,
)
from forecast.records.history import ReliabilityBin, ReliabilityCurve

Floats = NDArray[np.float64]

N_BAND_RESAMPLES = 2000
N_LINE_RESAMPLES = 300


def reliability_curve(forecasts: ForecastTable, model: str, *, seed: int) -> ReliabilityCurve:
    """Reliability of one model over all its targets and horizons."""
    rows = forecasts.select(model=model)
    bins = reliability_bins(rows.probability, rows.outcome, seed, window=window_labels(rows))
    return ReliabilityCurve(model=model, bins=bins)


def reliability_bins(
    probability: Floats,
    outcome: NDArray[np.int8],
    seed: int,
    *,
    window: NDArray[np.int64] | None = None,
    n_resamples: int = N_BAND_RESAMPLES,
) -> tuple[ReliabilityBin, ...]:
    """Bin forecasts (ten of equal width) and find the consistency band of each bin that holds any.

    The band is where the share of hits would lie, 90 times in 100, if the forecasts were calibrated: they are
    resampled with replacement, outcomes drawn with the forecast probabilities, and the share read bin by bin;
    Bröcker & Smith (2007), doi:10.1175/WAF993.1.

    ``window``, shape (row,), labels the stretch of time a forecast is about, as ``window_labels`` does.
    Forecasts with one label are drawn together and share one random number, since windows that overlap tend
    to end alike; without labels every forecast is independent, which makes the band too narrow for such.
    """
    labels = np.arange(len(probability)) if window is None else window
    _, group = np.unique(labels, return_inverse=True)
    members = [np.flatnonzero(group == label) for label in range(group.max() + 1)]
    place = bin_of(probability)
    number = np.bincount(place, minlength=N_BINS)
    probability_sum = np.bincount(place, probability, N_BINS)
    outcome_sum = np.bincount(place, outcome.astype(np.float64), N_BINS)
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
    bins = []
    for k in np.flatnonzero(number):
        # A bin that a resample leaves empty says nothing there.
        lower, upper = np.quantile(shares[~np.isnan(shares[:, k]), k], (0.05, 0.95))
        bins.append(
            ReliabilityBin(
                forecast_mean=float(probability_sum[k] / number[k]),
                observed_share=float(outcome_sum[k] / number[k]),
                number=int(number[k]),
                lower90=float(lower),
                upper90=float(upper),
            )
        )
    return tuple(bins)


def window_labels(table: ForecastTable) -> NDArray[np.int64]:
    """Label each row by target and stretch of time, shape (row,).

    Stretches are counted from the first origin and are as long as the longest horizon of the table.
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


def pool_calibration(
    table: ForecastTable, model: str, seed: int, n_resamples: int = N_LINE_RESAMPLES
) -> PooledCalibration:
    """Fit the calibration line of one model, pooled; origins are resampled in blocks, all rows with them."""
    rows = table.select(model=model)
    origins, row_origin = np.unique(rows.origin, return_inverse=True)
    block = block_length(origins, max(rows.horizons))
    line = calibration_line(rows.probability, rows.outcome)
    drawn = draw_blocks(len(origins), block, seed, n_resamples)
    times = np.stack([np.bincount(places, minlength=len(origins)) for places in drawn]).astype(np.float64)
    lines = resampled_lines(rows.probability, rows.outcome, row_origin, times)
    spread = np.std(lines, axis=0, ddof=1)
    n_blocks = len(origins) / block
    return PooledCalibration(
        model,
        with_interval(line.intercept, float(spread[0]), n_blocks),
        with_interval(line.slope, float(spread[1]), n_blocks),
    )


def pool_dyads(
    tables: Sequence[ForecastTable], model: str, seed: int, n_resamples: int = N_LINE_RESAMPLES
) -> PooledCalibration:
    """Fit the calibration line of one model over several dyads; whole dyads are resampled.

    Errors are NaN for a single dyad: ``pool_calibration`` has those of its origins.
    """
    rows = [table.select(model=model) for table in tables]
    probability = np.concatenate([row.probability for row in rows])
    outcome = np.concatenate([row.outcome for row in rows])
    dyad = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    line = calibration_line(probability, outcome)
    spread = np.full(2, np.nan)
    if len(rows) > 1:
        drawn = np.random.default_rng(seed).integers(len(rows), size=(n_resamples, len(rows)))
        times = np.stack([np.bincount(places, minlength=len(rows)) for places in drawn]).astype(np.float64)
        lines = resampled_lines(probability, outcome, dyad, times)
        # A resample of dyads that all ended alike has no line.
        known = lines[~np.isnan(lines).any(axis=1)]
        if len(known) > 1:
            spread = np.std(known, axis=0, ddof=1)
    return PooledCalibration(
        model,
        with_interval(line.intercept, float(spread[0]), len(rows)),
        with_interval(line.slope, float(spread[1]), len(rows)),
    )
