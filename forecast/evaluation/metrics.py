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

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from forecast.baselines import DAY, Days, LogisticFitError, fit_logistic
from forecast.records.analysis import ReliabilityBin

Floats = NDArray[np.float64]

LOG_FLOOR = 1e-3
"""Probabilities are clipped to [LOG_FLOOR, 1 − LOG_FLOOR] in the log score and in the calibration line.

A forecast of 0 that goes wrong would otherwise cost infinity. With some hundred origins no rate below one
in a thousand can be told from it, nor do some thousand simulated paths resolve a smaller probability. One
such miss costs 6.9.
"""
N_RESAMPLES = 2000
"""Of the bootstrap, and of consistency bands."""
N_BINS = 10
"""Bins of equal width, [0, 0.1), [0.1, 0.2) … [0.9, 1], of the reliability diagram."""


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


def calibration_line(probability: Floats, outcome: ArrayLike) -> tuple[float, float]:
    """Fit a logistic regression of the outcome on logit(p), p clipped by ``LOG_FLOOR``; Cox (1958).

    Its intercept and slope are 0 and 1 when forecasts are calibrated. A slope below 1 means forecasts too
    extreme, above 1 too timid. NaN when the outcomes are of one kind, are separated by the forecasts, or the
    forecasts are all the same.
    """
    observed = np.asarray(outcome, dtype=np.float64)
    design = _logits(probability)
    if observed.min() < observed.max() and np.ptp(design[:, 1]) >= 1e-9:
        with suppress(LogisticFitError):
            line = fit_logistic(design, observed, weight=np.ones_like(observed), penalty=np.zeros(2))
            return float(line[0]), float(line[1])
    return np.nan, np.nan


def _logits(probability: Floats) -> Floats:
    x = scipy.special.logit(np.clip(probability, LOG_FLOOR, 1 - LOG_FLOOR))
    return np.column_stack([np.ones_like(x), x])


@dataclass(frozen=True)
class Estimate:
    """A value with its block-bootstrap error.

    ``se`` is the standard deviation over resamples × √(B / (B − 1)), B the number of blocks: the resamples
    vary about the mean of the sample, which cost one block. ``interval90`` is value ± t·se, t the 95%
    quantile of Student's t with B − 1 degrees of freedom: few blocks give a poor standard error.
    """

    value: float
    se: float
    interval90: tuple[float, float]


def block_length(origins: Days, horizon_days: int) -> int:
    """Length of a block in origins by the rule above (see the module), spacings at their median."""
    spacing = float(np.median(np.diff(origins) / DAY)) if len(origins) > 1 else np.inf
    overlap = max(1, int(np.ceil(horizon_days / spacing)))
    wanted = max(2 * overlap if overlap > 1 else 1, int(np.ceil(len(origins) ** (1 / 3))))
    return max(1, min(wanted, len(origins) // 2))


def draw_blocks(n_origins: int, block: int, seed: int, n_resamples: int = N_RESAMPLES) -> NDArray[np.int64]:
    """Draw resamples of the origins in blocks: positions of the drawn origins, shape (resample, origin)."""
    begins = np.random.default_rng(seed).integers(n_origins, size=(n_resamples, -(-n_origins // block)))
    drawn = (begins[:, :, None] + np.arange(block)) % n_origins
    return np.asarray(drawn.reshape(n_resamples, -1)[:, :n_origins])


@lru_cache(maxsize=16)
def _origin_counts(n_origins: int, block: int, seed: int, n_resamples: int) -> Floats:
    """How often each resample of ``draw_blocks`` holds each origin, shape (resample, origin)."""
    drawn = draw_blocks(n_origins, block, seed, n_resamples)
    return np.stack([np.bincount(row, minlength=n_origins) for row in drawn]).astype(np.float64)


class OriginBlocks:
    """Resamples of origins in blocks, for means over forecasts; all forecasts of an origin go together.

    ``origin``, shape (row,), is that of each forecast, or its episode; a ``block`` is sized for the longest
    horizon. With a ``group``, shape (row,), groups have the same weight, and forecasts within each.
    """

    def __init__(
        self,
        origin: NDArray[Any],
        horizon_days: int,
        seed: int,
        group: NDArray[Any] | None = None,
        *,
        block: int | None = None,
        n_resamples: int = N_RESAMPLES,
    ) -> None:
        origins, self._row = np.unique(origin, return_inverse=True)
        groups, self._group = np.unique(
            np.zeros(len(origin)) if group is None else group, return_inverse=True
        )
        self._shape = len(origins), len(groups)
        block = block or block_length(origins, horizon_days)
        self._times = _origin_counts(len(origins), block, seed, n_resamples)
        self.n_blocks = len(origins) / block
        self._number = self._sums(np.ones(len(origin)))

    def mean(self, values: ArrayLike) -> Estimate:
        """Mean of one value a forecast, with its error."""
        value, drawn = self.resampled(np.asarray(values, np.float64))
        return with_interval(value, float(np.std(drawn, ddof=1)), self.n_blocks)

    def resampled(self, values: Floats) -> tuple[float, Floats]:
        """Mean of one value a forecast, and the mean over each resample."""
        total = self._sums(values)
        (value,), drawn = (self._means(times, total) for times in (np.ones((1, self._shape[0])), self._times))
        return float(value), drawn

    def skill(self, scores: Floats, reference: Floats) -> Estimate:
        """Skill 1 − mean score / mean reference score, with its error; NaN if the reference is perfect.

        The error is that of the ratio to first order: a resample in which the reference is almost perfect
        would otherwise send the ratio anywhere. At skill 0 it is the error of the difference of the means.
        Scores are not negative.
        """
        level = self.mean(reference).value
        if level == 0.0:
            return Estimate(np.nan, np.nan, (np.nan, np.nan))
        ratio = self.mean(scores).value / level
        slope = self.mean((ratio * reference - scores) / level)
        lower, upper = (1 - ratio + end for end in slope.interval90)
        return Estimate(1 - ratio, slope.se, (lower, min(upper, 1.0)))

    def line(self, probability: Floats, outcome: ArrayLike) -> tuple[Estimate, Estimate]:
        """Intercept and slope of the calibration line, with errors to first order.

        A resample whose outcomes the forecasts all but separate would otherwise send the line anywhere. A
        forecast moves it by its influence, the inverse information times its part of the score.
        """
        line = calibration_line(probability, outcome)
        if not np.isfinite(line[1]):
            return (Estimate(np.nan, np.nan, (np.nan, np.nan)),) * 2
        design = _logits(probability)
        fitted = scipy.special.expit(design @ line)
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        influence = np.linalg.solve(information, (design * (outcome - fitted)[:, None]).T)
        by_origin = np.stack([np.bincount(self._row, moves, self._shape[0]) for moves in influence], axis=1)
        spread = np.std(self._times @ by_origin, axis=0, ddof=1)
        intercept, slope = (
            with_interval(value, float(se), self.n_blocks) for value, se in zip(line, spread, strict=True)
        )
        return intercept, slope

    def _sums(self, values: Floats) -> Floats:
        n_origins, n_groups = self._shape
        cell = self._row * n_groups + self._group
        return np.bincount(cell, values, n_origins * n_groups).reshape(self._shape)

    def _means(self, times: Floats, total: Floats) -> Floats:
        drawn = times @ self._number
        means = np.divide(times @ total, drawn, where=drawn > 0, out=np.zeros_like(drawn))
        # A resample may miss a group with few forecasts altogether; the mean is then over the others.
        groups = (drawn > 0).sum(axis=1)
        return np.asarray(means.sum(axis=1)[groups > 0] / groups[groups > 0])


def with_interval(value: float, spread: float, n_blocks: float) -> Estimate:
    """Turn the standard deviation over resamples of so many blocks into an error and a 90% interval."""
    if n_blocks <= 1:
        return Estimate(value, np.nan, (np.nan, np.nan))
    se = spread * float(np.sqrt(n_blocks / (n_blocks - 1)))
    reach = float(scipy.special.stdtrit(max(n_blocks - 1, 1), 0.95)) * se
    return Estimate(value, se, (value - reach, value + reach))


def reliability_bins(
    probability: Floats,
    outcome: NDArray[np.int8],
    seed: int,
    *,
    window: NDArray[np.int64] | None = None,
    n_resamples: int = N_RESAMPLES,
) -> tuple[ReliabilityBin, ...]:
    """Bin forecasts (ten of equal width) and find the consistency band of each bin that holds any.

    The band is where the share of hits would lie, 90 times in 100, if the forecasts were calibrated: they are
    resampled with replacement, outcomes drawn with the forecast probabilities, and the share read bin by bin;
    Bröcker & Smith (2007), doi:10.1175/WAF993.1. Forecasts with one label ``window``, shape (row,), are drawn
    together and share one random number, since windows that overlap tend to end alike.
    """
    labels = np.arange(len(probability)) if window is None else window
    _, group = np.unique(labels, return_inverse=True)
    by_label, size = np.argsort(group, kind="stable"), np.bincount(group)
    first = np.cumsum(size) - size
    place = bin_of(probability)
    number = np.bincount(place, minlength=N_BINS)
    probability_sum = np.bincount(place, probability, N_BINS)
    outcome_sum = np.bincount(place, outcome.astype(np.float64), N_BINS)
    random = np.random.default_rng(seed)
    shares = np.full((n_resamples, N_BINS), np.nan)
    for resample in range(n_resamples):
        drawn = random.integers(len(size), size=len(size))
        luck = random.random(len(size))
        lengths = size[drawn]
        before = np.cumsum(lengths) - lengths
        rows = by_label[np.repeat(first[drawn] - before, lengths) + np.arange(lengths.sum())]
        hit = probability[rows] > np.repeat(luck, lengths)
        total = np.bincount(place[rows], minlength=N_BINS)
        hits = np.bincount(place[rows], hit, N_BINS)
        np.divide(hits, total, out=shares[resample], where=total > 0)
    used = number > 0
    # A bin that a resample leaves empty says nothing there.
    lower, upper = np.nanquantile(shares[:, used], (0.05, 0.95), axis=0)
    means = probability_sum[used] / number[used], outcome_sum[used] / number[used]
    found = zip(*(column.tolist() for column in (*means, number[used], lower, upper)), strict=True)
    names = ("forecast_mean", "observed_share", "number", "lower90", "upper90")
    return tuple(ReliabilityBin(**dict(zip(names, row, strict=True))) for row in found)
