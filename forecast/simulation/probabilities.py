"""From first days to probabilities with their errors: one array answers every date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.simulation.paths import NEVER

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ProbabilityCurve:
    """P(target has happened before day t), t = 0 … horizon (days from the origin).

    Parameters
    ----------
    probability, lower90, upper90 : ndarray, shape (horizon_days + 1,)
        Mean over draws and paths; 5% and 95% quantiles of the probability over draws. None ever falls.
    per_draw : ndarray, shape (draw, horizon_days + 1)
        Share of each draw's paths that were hit (with the noise of few paths).
    """

    probability: Floats
    lower90: Floats
    upper90: Floats
    per_draw: Floats


def probability_curve(
    first_day: NDArray[np.int32], horizon_days: int, weights: Floats | None = None
) -> ProbabilityCurve:
    """Summarise first days.

    Parameters
    ----------
    first_day : ndarray of int32, shape (draw, path)
    horizon_days : int
    weights : ndarray, shape (draw,), optional
        Importance weights that sum to one; equal when absent.

    Notes
    -----
    The interval is that of the probability over draws, free of path noise. The hits of a draw with
    probability p on n paths are binomial, so over draws they are modelled as beta-binomial: the variance
    of p is what is left of the variance of the shares after E[p̂(1−p̂)]/(n−1) is taken off, and the
    interval is that of the beta distribution of this mean and variance.
    """
    n_draws, n_paths = first_day.shape
    if n_paths < 2:
        raise ValueError("at least two paths a draw are needed to tell path noise from parameter spread")
    weight = np.full(n_draws, 1 / n_draws) if weights is None else weights
    per_draw = hit_shares(first_day, horizon_days)
    # Rounding of the weighted sum must neither let the curve fall nor pass one.
    mean = np.minimum(np.maximum.accumulate(weight @ per_draw), 1.0)
    within = weight @ (per_draw * (1 - per_draw)) / (n_paths - 1)
    between = np.maximum(weight @ (per_draw - mean) ** 2 - within, 0.0)
    lower, upper = beta_interval(mean, between)
    return ProbabilityCurve(
        mean,
        np.minimum(np.maximum.accumulate(lower), mean),
        np.maximum(np.maximum.accumulate(upper), mean),
        per_draw,
    )


def hit_shares(first_day: NDArray[np.int32], horizon_days: int) -> Floats:
    """Share of paths hit before day t, shape (draw, horizon_days + 1)."""
    n_draws, n_paths = first_day.shape
    draw, path = np.nonzero(first_day < min(horizon_days, NEVER))
    hits = np.zeros((n_draws, horizon_days + 1))
    np.add.at(hits, (draw, first_day[draw, path] + 1), 1.0)
    return np.asarray(np.cumsum(hits, axis=1) / n_paths)


def beta_interval(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """5% and 95% quantiles of beta distributions given by mean and variance; the mean where it is zero."""
    room = mean * (1 - mean)
    spread = variance > 1e-12
    safe = np.where(spread, np.minimum(variance, 0.99 * room), 1.0)
    total = np.where(spread, room / safe - 1, 1.0)
    lower, upper = mean.copy(), mean.copy()
    a, b = (mean * total)[spread], ((1 - mean) * total)[spread]
    lower[spread] = special.betaincinv(a, b, 0.05)
    upper[spread] = special.betaincinv(a, b, 0.95)
    return lower, upper


def time_to_event(first_day: NDArray[np.int32], quantile: float) -> float | None:
    """Days from the as-of date to the first target event, at a quantile; ``None`` beyond the horizon."""
    value = np.quantile(first_day, quantile, method="inverted_cdf")
    return None if value == NEVER else float(value + 1)
