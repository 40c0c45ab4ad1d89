"""Moving-block bootstrap over origins: the error of a mean when windows overlap.

Forecasts made a month apart of windows of half a year share most of their days, so their scores are not
independent. Whole blocks of neighbouring origins are drawn, with the ends of the series joined so that
every origin is drawn equally often (Politis & Romano 1992). Block rule: twice the number of origins that
share days with one another, at least the cube root of their number (the rate for weak dependence), at most
half of them. On simulated scores of 49 to 127 monthly origins the 90% interval held the truth in 88 to 90 of
100 series when only the overlap makes them dependent, in 82 to 89 when they are autocorrelated besides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from forecast.baselines.windows import DAY, Days

Floats = NDArray[np.float64]

N_RESAMPLES = 2000


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
