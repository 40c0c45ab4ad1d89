"""From first days to probabilities with their errors: one array answers every date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
_NO_SPREAD = 1e-12
"""Variance over the square of p, or of 1 − p, below which there is none to show."""
_ROUNDED = 1e-15
"""What rounding leaves of the difference of two numbers near 1."""


@dataclass(frozen=True)
class ProbabilityCurve:
    """P(target has happened before day t), t = 0 … horizon (days from the origin).

    ``probability`` is the mean over draws and paths, ``lower90`` and ``upper90`` are the 5% and 95%
    quantiles over draws; none ever falls. ``per_draw`` (draw, t) is the share of each draw's paths that
    were hit, with the noise of few paths.
    """

    probability: Floats
    lower90: Floats
    upper90: Floats
    per_draw: Floats


def probability_curve(
    first_day: NDArray[np.int32], horizon_days: int, weights: Floats | None = None
) -> ProbabilityCurve:
    """Summarise first days, shape (draw, path); ``weights``, equal when absent, sum to one over draws.

    The interval is that of the probability over draws, free of path noise. The hits of a draw with
    probability p on n paths are binomial, so over draws they are modelled as beta-binomial: the variance of
    p is what is left of the variance of the shares after E[p̂(1−p̂)]/(n−1) is taken off (so found from
    pairs of paths), and the interval is that of the beta distribution of this mean and variance.
    """
    n_draws, n_paths = first_day.shape
    if n_paths < 2:
        raise ValueError("at least two paths a draw are needed to tell path noise from parameter spread")
    weight = np.full(n_draws, 1 / n_draws) if weights is None else weights
    moments = hit_moments(first_day, horizon_days, weight)
    return curve_from_moments(moments, hit_shares(first_day, horizon_days))


@dataclass(frozen=True)
class HitMoments:
    """Mean and variance over draws of the probability that a target has happened before day t, by t.

    Both are free of the noise of few paths: the variance is the covariance of two different paths of a
    draw, so it may be negative by chance.
    """

    mean: Floats
    variance: Floats


def hit_moments(first_day: NDArray[np.int32], horizon_days: int, weights: Floats) -> HitMoments:
    """Moments from first days, shape (draw, path), two paths or more; weights sum to one over draws."""
    n_paths = first_day.shape[1]
    ordered = np.sort(first_day, axis=1)
    # The k-th path of a draw to be hit makes k−1 new pairs of paths that are both hit.
    new_pairs = np.arange(n_paths) / ((n_paths - 1) / 2)
    mean = hit_share(ordered, horizon_days, weights)
    return HitMoments(mean, hit_share(ordered, horizon_days, weights, new_pairs) - mean**2)


def hit_share(
    days: NDArray[np.int32], horizon_days: int, weights: Floats, counted: Floats | None = None
) -> Floats:
    """Weighted share of days, shape (draw, n), before day t; shape (horizon_days + 1,).

    Weights, shape (draw,), sum to one; ``counted``, shape (n,), says as how many each of the n counts (one).
    """
    n = days.shape[1]
    each = np.ones(n) if counted is None else counted
    cells = weights[:, None] * (each / n)
    day = np.minimum(days, horizon_days).ravel()
    by_day = np.bincount(day, cells.ravel(), minlength=horizon_days + 1)
    before = np.concatenate([[0.0], np.cumsum(by_day[:horizon_days])])
    if counted is not None:
        return np.asarray(before)
    after = np.cumsum(by_day[::-1])[::-1]
    # Each side from its own sum: what is nearly certain keeps the digits of what is left, and 1 is exact.
    return np.asarray(np.where(before <= after, before, 1 - after))


def curve_from_moments(moments: HitMoments, per_draw: Floats) -> ProbabilityCurve:
    """Return the curve with these moments of the probability over draws, by day."""
    # Rounding, and differences of simulations, must neither let the curve fall nor leave [0, 1]. Half way
    # between the curves that are raised and lowered until they rise, so that chance biases neither way.
    raised = np.maximum.accumulate(moments.mean)
    lowered = np.minimum.accumulate(moments.mean[::-1])[::-1]
    mean = np.clip((raised + lowered) / 2, 0.0, 1.0)
    lower, upper = beta_interval(mean, np.maximum(moments.variance, 0.0))
    # Where chance lets a bound fall from day to day, the interval is made wider, never narrower.
    lower = np.minimum.accumulate(lower[::-1])[::-1]
    return ProbabilityCurve(
        mean, np.minimum(lower, mean), np.maximum(np.maximum.accumulate(upper), mean), per_draw
    )


def hit_shares(first_day: NDArray[np.int32], horizon_days: int) -> Floats:
    """Share of paths hit before day t, shape (draw, horizon_days + 1)."""
    n_draws, n_paths = first_day.shape
    draw, path = np.nonzero(first_day < horizon_days)
    hits = np.zeros((n_draws, horizon_days + 1))
    np.add.at(hits, (draw, first_day[draw, path] + 1), 1.0)
    return np.asarray(np.cumsum(hits, axis=1) / n_paths)


def weighted_by_draw(shares: Floats, weights: Floats | None) -> Floats:
    """What each draw says of a weighted mean of shares, shape (draw, …): its plain mean is that mean.

    A weighted mean is linearised in what each draw adds to it, so that its Monte Carlo error, and that of a
    difference, is that of a plain mean. Weights sum to one; all draws alike when absent.
    """
    if weights is None or np.ptp(weights) == 0.0:
        return shares
    mean = np.tensordot(weights, shares, axes=1)
    return np.asarray(mean + len(shares) * (weights * (shares - mean).T).T)


def beta_interval(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """5% and 95% quantiles of beta distributions given by mean and variance; the mean where it is zero."""
    room = mean * (1 - mean)
    bounded = np.minimum(variance, 0.99 * room)
    # A part of what is less likely, and more than the rounding of mean² where that is nearly 1.
    spread = bounded > _NO_SPREAD * np.minimum(mean, 1 - mean) ** 2 + _ROUNDED * mean**2
    lower, upper = mean.copy(), mean.copy()
    a, b = beta_of(mean[spread], bounded[spread])
    lower[spread] = special.betaincinv(a, b, 0.05)
    upper[spread] = special.betaincinv(a, b, 0.95)
    return lower, upper


def beta_of(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Shapes a and b of beta distributions given by mean and variance, which is positive."""
    total = mean * (1 - mean) / np.minimum(variance, 0.99 * mean * (1 - mean)) - 1
    return mean * total, (1 - mean) * total


def time_to_event(probability: Floats, quantile: float) -> float | None:
    """Days from the as-of date to the first target event, at a quantile; ``None`` beyond the horizon.

    ``probability`` is that of a ``ProbabilityCurve``.
    """
    reached = np.flatnonzero(probability >= quantile - 1e-12)  # sums of weights are rounded
    return float(reached[0]) if len(reached) else None


@dataclass(frozen=True, repr=False)
class FirstPassages:
    """When each target first happens on each path.

    Parameters
    ----------
    targets : tuple of str
    origin : date
        First day of the future.
    day : ndarray of int32, shape (target, draw, path)
        Days from the origin (0 = the origin's own day) to the first target event; ``NEVER`` where the path
        stays quiet to the horizon.
    acts : ndarray of int64, shape (draw, path, stream)
        Acts drawn over the steps begun before the horizon (calendar acts not counted); ``None`` of a run
        that was read.
    horizon_days : int
    capped_share : float
        Share of simulated intensities that were cut at ``RATE_CAP``.
    """

    targets: tuple[str, ...]
    origin: date
    day: NDArray[np.int32]
    acts: NDArray[np.int64] | None
    horizon_days: int
    capped_share: float

    def __repr__(self) -> str:
        n_draws, n_paths = self.day.shape[1:]
        return f"FirstPassages({', '.join(self.targets)}; {n_draws} draws of {n_paths} paths)"

    def of(self, target: str) -> NDArray[np.int32]:
        """First days of one target, shape (draw, path)."""
        return np.asarray(self.day[self.targets.index(target)])

    def shares_before(self, target: str, day: int) -> Floats:
        """Share of each draw's own paths hit before a day, shape (draw,)."""
        return hit_shares_before(self.of(target), day)

    def probability(self, target: str, day: int) -> float:
        """Probability that the target happens before a day."""
        return float(self.shares_before(target, day).mean())

    def curve(self, target: str) -> ProbabilityCurve:
        """Probability by day, with its interval."""
        return probability_curve(self.of(target), self.horizon_days)


def hit_shares_before(first_day: NDArray[np.int32], day: int) -> Floats:
    """Share of each draw's paths hit before a day, shape (draw,); ``first_day`` has shape (draw, path)."""
    return np.asarray((first_day < day).mean(axis=1))
