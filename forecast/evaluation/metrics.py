"""Scores of probability forecasts (lower is better for all but the AUC), their calibration, and their errors.

The Brier and logarithmic scores are one line each, so they are written here and compared with scoringrules
in the tests: importing that library loads a compiler and takes seconds.

Errors come from a moving-block bootstrap over origins, since windows of half a year that begin a month apart
share most of their days. Whole blocks of neighbouring origins are drawn, ends of the series joined, so that
every origin is drawn equally often (Politis & Romano 1992). Block rule: twice the number of origins that
share days with one another, at least the cube root of their number (the rate for weak dependence), at most
half of them. On simulated scores of 49 to 127 monthly origins the 90% interval held the truth in 88 to 90 of
100 series when only the overlap makes them dependent, in 82 to 89 when they are autocorrelated besides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

from forecast.baselines import DAY, Days, LogisticFitError, fit_logistic
from forecast.evaluation.forecast_table import ForecastTable
from forecast.records.analysis import ReliabilityBin, ReliabilityCurve

Floats = NDArray[np.float64]

LOG_FLOOR = 1e-3
"""Probabilities are clipped to [LOG_FLOOR, 1 − LOG_FLOOR] in the log score and in the calibration line.

A forecast of 0 that goes wrong would otherwise cost infinity. With some hundred origins no rate below one
in a thousand can be told from it, nor do some thousand simulated paths resolve a smaller probability. One
such miss costs 6.9.
"""
_STEPS, _GAIN, _STEEP, _CELLS = 12, 1e-9, 1e-6, 1_000_000
"""Newton's steps at most, the gain at which they end, the least curvature there, and cells held at once."""
N_RESAMPLES = 2000
"""Of the bootstrap."""
N_BINS = 10
"""Bins of equal width, [0, 0.1), [0.1, 0.2) … [0.9, 1], for the decomposition and the reliability diagram."""
N_BAND_RESAMPLES = 2000
N_LINE_RESAMPLES = 300


def brier_score(probability: ArrayLike, outcome: ArrayLike) -> Floats:
    """Return (p − y)² of each forecast, in [0, 1]; Brier (1950)."""
    return (np.asarray(probability, dtype=np.float64) - np.asarray(outcome, dtype=np.float64)) ** 2


def log_score(probability: ArrayLike, outcome: ArrayLike) -> Floats:
    """Return −log of the probability given to what happened, in nats, p clipped by ``LOG_FLOOR``."""
    clipped = np.clip(np.asarray(probability, dtype=np.float64), LOG_FLOOR, 1 - LOG_FLOOR)
    return -np.where(np.asarray(outcome) == 1, np.log(clipped), np.log1p(-clipped))


def bin_of(probability: Floats) -> NDArray[np.int64]:
    """Bin of each probability, 0 … ``N_BINS`` − 1; a probability of 1 is in the last."""
    # Rounded first, so that 0.3, which times ten is 3 in decimals only, is at the foot of its bin.
    return np.minimum(np.floor(np.round(probability * N_BINS, 9)).astype(np.int64), N_BINS - 1)


@dataclass(frozen=True)
class BrierParts:
    """Decomposition of the mean Brier score: reliability − resolution + uncertainty + within_bin.

    ``reliability`` is the mean squared distance of each bin's mean forecast from its share of hits (0 is
    best), ``resolution`` that of the shares from the base rate (more is better), ``uncertainty`` base rate ×
    (1 − base rate). ``within_bin`` is what the forecasts of one bin add by differing among themselves
    (variance minus twice covariance with the outcome): the sum is exact; Stephenson et al. (2008),
    doi:10.1175/2007WAF2006116.1.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bin: float


def decompose_brier(probability: Floats, outcome: ArrayLike) -> BrierParts:
    """Split the mean Brier score of at least one forecast into its parts, over ``N_BINS`` bins."""
    observed = np.asarray(outcome, dtype=np.float64)
    place = bin_of(probability)
    base_rate = observed.mean()
    number = np.bincount(place, minlength=N_BINS)
    filled = np.maximum(number, 1)
    forecast_mean = np.bincount(place, probability, N_BINS) / filled
    share = np.bincount(place, observed, N_BINS) / filled
    reliability = float(number @ (forecast_mean - share) ** 2 / len(observed))
    resolution = float(number @ (share - base_rate) ** 2 / len(observed))
    spread = probability - forecast_mean[place]
    within_bin = float(np.mean(spread**2 - 2 * spread * (observed - share[place])))
    return BrierParts(reliability, resolution, float(base_rate * (1 - base_rate)), within_bin)


def area_under_roc(probability: Floats, outcome: ArrayLike) -> float:
    """Share of (hit, miss) pairs in which the hit had the higher probability; ties count half.

    ½ for a forecast that does not discriminate; NaN when all outcomes are of one kind.
    """
    hit = np.asarray(outcome) == 1
    n_hits, n_misses = int(hit.sum()), int((~hit).sum())
    if n_hits == 0 or n_misses == 0:
        return np.nan
    _, place, number = np.unique(probability, return_inverse=True, return_counts=True)
    # Mean rank of tied values: the last rank of the run less half of its length.
    rank = (np.cumsum(number) - (number - 1) / 2)[place]
    return float((rank[hit].sum() - n_hits * (n_hits + 1) / 2) / (n_hits * n_misses))


@dataclass(frozen=True)
class CalibrationLine:
    """Logistic regression of the outcome on logit(p): intercept 0 and slope 1 when calibrated.

    A slope below 1 means forecasts too extreme, above 1 too timid. NaN when the outcomes are of one kind,
    are separated by the forecasts, or the forecasts are all the same.
    """

    intercept: float
    slope: float


def calibration_line(
    probability: Floats, outcome: ArrayLike, weight: Floats | None = None
) -> CalibrationLine:
    """Fit the calibration line by maximum likelihood, p clipped by ``LOG_FLOOR``; Cox (1958).

    ``weight`` says how often each row counts; once when absent.
    """
    observed = np.asarray(outcome, dtype=np.float64)
    x = logit(np.clip(probability, LOG_FLOOR, 1 - LOG_FLOOR))
    rows = np.ones_like(x) if weight is None else weight
    seen = observed[rows > 0]
    if seen.min() == seen.max() or np.ptp(x[rows > 0]) < 1e-9:
        return CalibrationLine(np.nan, np.nan)
    design = np.column_stack([np.ones_like(x), x])
    try:
        line = fit_logistic(design, observed, weight=rows, penalty=np.zeros(2))
    except LogisticFitError:
        return CalibrationLine(np.nan, np.nan)
    return CalibrationLine(float(line[0]), float(line[1]))


def resampled_lines(
    probability: Floats, outcome: ArrayLike, group: NDArray[np.int64], weights: Floats
) -> Floats:
    """Calibration line of each resample: intercept and slope, shape (resample, 2), NaN where there is none.

    Parameters
    ----------
    group : ndarray of int, shape (row,)
        Which group (origin) a row goes with.
    weights : ndarray, shape (resample, group)
        How often each group counts.

    Notes
    -----
    Newton's steps of all resamples at once, from the line of all rows; a resample that they do not settle
    within ``_STEPS``, or leave near separation, is fitted by ``calibration_line``.
    """
    observed = np.asarray(outcome, dtype=np.float64)
    x = logit(np.clip(probability, LOG_FLOOR, 1 - LOG_FLOOR))
    whole = calibration_line(probability, outcome)
    lines = np.empty((len(weights), 2))
    size = max(1, _CELLS // len(x))
    for first in range(0, len(weights), size):
        rows = weights[first : first + size, group]
        line, settled = _newton_lines(x, observed, rows, (whole.intercept, whole.slope))
        for place in np.flatnonzero(~settled):
            alone = calibration_line(probability, outcome, rows[place])
            line[place] = alone.intercept, alone.slope
        lines[first : first + size] = line
    return lines


def _newton_lines(
    x: Floats, observed: Floats, weight: Floats, start: tuple[float, float]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Lines, shape (resample, 2), and whether each is the maximum; ``weight`` of shape (resample, row)."""
    line = np.tile(start, (len(weight), 1))
    settled = np.zeros(len(weight), dtype=np.bool_)
    moments = weight.sum(axis=1), weight @ x**2
    for _ in range(_STEPS):
        fitted = expit(line[:, :1] + line[:, 1:] * x)
        score = weight * (observed - fitted)
        curvature = weight * (fitted * (1 - fitted))
        g0, g1 = score.sum(axis=1), score @ x
        h00, h01, h11 = curvature.sum(axis=1), curvature @ x, curvature @ x**2
        determinant = h00 * h11 - h01**2
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0], axis=1) / determinant[:, None]
            gain = g0 * step[:, 0] + g1 * step[:, 1]
            # The smaller eigenvalue is the determinant over the larger one, which is at most the trace.
            steep = determinant / (h00 + h11) > _STEEP * (moments[0] + moments[1])
        line = line + np.where(np.isfinite(step), step, np.nan)
        settled = (gain < _GAIN) & steep
        if settled.all():
            break
    return line, settled


@dataclass(frozen=True)
class Estimate:
    """A value with its block-bootstrap error.

    ``se`` is the standard deviation over resamples × √(B / (B − 1)), B the number of blocks: the resamples
    vary about the mean of the sample, which cost one block; NaN when the value is undefined in a resample.
    ``interval90`` is value ± t·se, t the 95% quantile of Student's t with B − 1 degrees of freedom: few
    blocks give a poor standard error, and the interval says so.
    """

    value: float
    se: float
    interval90: tuple[float, float]


def overlapping_origins(origins: Days, horizon_days: int) -> int:
    """Number of consecutive origins whose windows share days, by the median spacing; at least 1."""
    if len(origins) < 2:
        return 1
    spacing = float(np.median(np.diff(origins) / DAY))
    return max(1, int(np.ceil(horizon_days / spacing)))


def block_length(origins: Days, horizon_days: int) -> int:
    """Length of a block in origins by the rule above (see the module)."""
    overlap = overlapping_origins(origins, horizon_days)
    wanted = max(2 * overlap if overlap > 1 else 1, int(np.ceil(len(origins) ** (1 / 3))))
    return max(1, min(wanted, len(origins) // 2))


def draw_blocks(n_origins: int, block: int, seed: int, n_resamples: int = N_RESAMPLES) -> NDArray[np.int64]:
    """Draw resamples of the origins in blocks: positions of the drawn origins, shape (resample, origin)."""
    begins = _draw_begins(n_origins, block, seed, n_resamples)
    drawn = (begins[:, :, None] + np.arange(block)) % n_origins
    return np.asarray(drawn.reshape(n_resamples, -1)[:, :n_origins])


def origin_counts(n_origins: int, block: int, seed: int, n_resamples: int = N_RESAMPLES) -> Floats:
    """How often each resample of ``draw_blocks`` holds each origin, shape (resample, origin)."""
    drawn = draw_blocks(n_origins, block, seed, n_resamples)
    cells = np.arange(n_resamples)[:, None] * n_origins + drawn
    times = np.bincount(cells.ravel(), minlength=n_resamples * n_origins)
    return times.reshape(n_resamples, n_origins).astype(np.float64)


def _draw_begins(n_origins: int, block: int, seed: int, n_resamples: int) -> NDArray[np.int64]:
    """First origin of each block, shape (resample, block); the last block may be cut short."""
    random = np.random.default_rng(seed)
    return random.integers(n_origins, size=(n_resamples, -(-n_origins // block)))


def resampled_means(values: Floats, block: int, seed: int, n_resamples: int = N_RESAMPLES) -> Floats:
    """Mean over each resample of ``draw_blocks`` of one value an origin, shape (resample,)."""
    n = len(values)
    begins = _draw_begins(n, block, seed, n_resamples)
    # Sums of blocks by their first origin, ends joined: a resample adds whole blocks, not origins.
    so_far = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[:block]]))])
    first, last = np.arange(n), n - (begins.shape[1] - 1) * block
    whole, cut = so_far[first + block] - so_far[first], so_far[first + last] - so_far[first]
    return np.asarray((whole[begins[:, :-1]].sum(axis=1) + cut[begins[:, -1]]) / n)


def mean_estimate(values: Floats, block: int, seed: int, n_resamples: int = N_RESAMPLES) -> Estimate:
    """Mean of one value an origin (a score, or a difference of scores, in order of time), with its error."""
    spread = float(np.std(resampled_means(values, block, seed, n_resamples), ddof=1))
    return with_interval(float(values.mean()), spread, len(values) / block)


def skill_estimate(
    scores: Floats, reference: Floats, block: int, seed: int, n_resamples: int = N_RESAMPLES
) -> Estimate:
    """Skill 1 − mean score / mean reference score, with its error; NaN if the reference is perfect.

    The error is that of the ratio to first order: a resample in which the reference is almost perfect would
    otherwise send the ratio anywhere. At skill 0 it is the error of the difference of the means. Scores are
    not negative, one an origin, in order of time.
    """
    level = float(reference.mean())
    if level == 0.0:
        return Estimate(np.nan, np.nan, (np.nan, np.nan))
    ratio = float(scores.mean()) / level
    slope = mean_estimate((ratio * reference - scores) / level, block, seed, n_resamples)
    lower, upper = (1 - ratio + end for end in slope.interval90)
    return Estimate(1 - ratio, slope.se, (lower, min(upper, 1.0)))


def with_interval(value: float, spread: float, n_blocks: float) -> Estimate:
    """Turn the standard deviation over resamples of so many blocks into an error and a 90% interval."""
    if n_blocks <= 1:
        return Estimate(value, np.nan, (np.nan, np.nan))
    se = spread * float(np.sqrt(n_blocks / (n_blocks - 1)))
    reach = float(stdtrit(max(n_blocks - 1, 1), 0.95)) * se
    return Estimate(value, se, (value - reach, value + reach))


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
    """Calibration line of one model over many forecasts.

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
    times = origin_counts(len(origins), block, seed, n_resamples)
    lines = resampled_lines(rows.probability, rows.outcome, row_origin, times)
    spread = np.std(lines, axis=0, ddof=1)
    n_blocks = len(origins) / block
    return PooledCalibration(
        model,
        with_interval(line.intercept, float(spread[0]), n_blocks),
        with_interval(line.slope, float(spread[1]), n_blocks),
    )
