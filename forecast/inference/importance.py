"""What draws are worth: importance weights that stand for another posterior, and the error of a mean.

Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling", arXiv:1507.02646; the
fit of the tail is that of Zhang and Stephens (2009), "A new and efficient estimation method for the
generalized Pareto distribution", doi:10.1198/tech.2009.08017. Effective sample size as in Vehtari, Gelman,
Simpson, Carpenter and Bürkner (2021), doi:10.1214/20-BA1221: split chains, autocovariances by Fourier
transform, cut by Geyer's initial positive and monotone sequences. Written out here, on NumPy alone, since
importing ``arviz_stats.base`` takes .9 seconds and a scenario of a saved run 1.5; tests hold it to ArviZ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

PARETO_K_MAX = 0.7
"""Above it the draws cannot stand for the other posterior."""

EFFECTIVE_DRAWS_MIN = 400.0
"""With fewer left, the draws are too few to stand for the other posterior, whatever the tail."""

_FEWEST_DRAWS = 25
"""Fewer leave less than five for the tail, on which nothing can be fitted."""
_PRIOR_DRAWS, _PRIOR_SHAPE = 10, 0.5
"""The shape is shrunk towards one half, as if so many draws had said so."""


@dataclass(frozen=True)
class ImportanceWeights:
    """Weights of draws, which sum to one, and the shape of their tail.

    ``pareto_k`` is −inf where the largest weights are all the same (nothing to smooth), inf where it cannot
    be told.
    """

    weights: Floats
    pareto_k: float

    @property
    def effective_draws(self) -> float:
        """1/Σw²: the shape alone can miss a bounded ratio that leaves few draws."""
        return float(1 / np.sum(self.weights**2))

    @property
    def tail(self) -> float:
        """The shape as it is told, a finite number: −1 is that of even weights."""
        return float(np.clip(self.pareto_k, -1.0, 1e6))

    @property
    def trusted(self) -> bool:
        """Whether both gates are passed."""
        return self.pareto_k <= PARETO_K_MAX and self.effective_draws >= EFFECTIVE_DRAWS_MIN


def importance_weights(log_ratio: Floats) -> ImportanceWeights:
    """Weights for the log ratio of the other density to that of the draws, shape (draw,).

    Ratios of zero (log −inf) get no weight; equal ratios get exactly equal weights.
    """
    n_draws = len(log_ratio)
    # ArviZ takes the same number of draws for the tail, but rounds it down.
    n_tail = int(min(n_draws / 5, 3 * np.sqrt(n_draws)))
    highest = log_ratio.max()
    if not np.isfinite(highest):
        return ImportanceWeights(np.full(n_draws, 1 / n_draws), np.inf)
    shifted = log_ratio - highest
    order = np.argsort(shifted, kind="stable")
    tail = order[n_draws - n_tail :]
    if n_draws < _FEWEST_DRAWS or shifted[tail[0]] == 0.0:
        weights = np.exp(shifted)
        return ImportanceWeights(weights / weights.sum(), np.inf if n_draws < _FEWEST_DRAWS else -np.inf)
    cutoff = np.exp(shifted[order[n_draws - n_tail - 1]])
    pareto_k, scale = fit_pareto(np.exp(shifted[tail]) - cutoff)
    weights = np.exp(shifted)
    if np.isfinite(pareto_k):
        # The smoothed tail: the quantiles of the fitted distribution, none above the largest weight seen.
        below = (np.arange(n_tail) + 0.5) / n_tail
        weights[tail] = np.minimum(cutoff + _pareto_quantile(below, pareto_k, scale), 1.0)
    return ImportanceWeights(weights / weights.sum(), pareto_k)


_LEAST_QUARTILE = 1e-250


def fit_pareto(excess: Floats) -> tuple[float, float]:
    """Shape k and scale of a generalised Pareto distribution, from rising values that are not negative.

    k is inf where the lowest quarter does not rise or is nothing beside the largest: nothing can be fitted.
    """
    n = len(excess)
    quartile = excess[int(n / 4 + 0.5) - 1]
    if quartile <= excess[0] or quartile <= _LEAST_QUARTILE * excess[-1]:
        return np.inf, np.nan
    points = 30 + int(np.sqrt(n))
    theta = 1 / excess[-1] + (1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))) / (3 * quartile)
    with np.errstate(divide="ignore", invalid="ignore"):
        shape = np.log1p(-theta[:, None] * excess).mean(axis=1)
        log_profile = n * (np.log(-theta / shape) - shape - 1)
    weight = np.exp(log_profile - np.logaddexp.reduce(log_profile))
    kept = weight >= 10 * np.finfo(np.float64).eps
    if not kept.any():
        return np.inf, np.nan
    mean = float(theta[kept] @ weight[kept] / weight[kept].sum())
    raw = float(np.log1p(-mean * excess).mean())
    return (n * raw + _PRIOR_DRAWS * _PRIOR_SHAPE) / (n + _PRIOR_DRAWS), -raw / mean


def _pareto_quantile(probability: Floats, shape: float, scale: float) -> Floats:
    log_above = -np.log1p(-probability)
    return np.asarray(scale * (log_above if shape == 0.0 else np.expm1(shape * log_above) / shape))


def monte_carlo_error(per_draw: Floats, n_chains: int) -> float:
    """Standard error of the mean over draws, chains one after the other, from the effective sample size."""
    chains = np.asarray(per_draw, dtype=np.float64).reshape(n_chains, -1)
    if np.ptp(chains) == 0.0:
        return 0.0
    return float(chains.std(ddof=1) / np.sqrt(effective_sample_size(chains)))


def mixing(chains: Floats, *, tails: bool = True) -> tuple[float, float, float]:
    """R-hat, bulk and tail effective sample size of one quantity, shape (chain, draw); NaN where it stands.

    Ranks make them hold for any distribution; R-hat is the larger of that of the values and that of their
    distance from the median. Without ``tails`` the last is inf.
    """
    bulk = _normal_scores(chains)
    rhat = max(_rhat(bulk), _rhat(_normal_scores(np.abs(chains - np.median(chains)))))
    tail = np.inf
    if tails:
        ends = np.quantile(chains, [0.05, 0.95])
        tail = min(effective_sample_size((chains <= end).astype(np.float64)) for end in ends)
    return rhat, effective_sample_size(bulk), tail


def _normal_scores(values: Floats) -> Floats:
    """Normal quantiles at the ranks of values, equal ones at their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(special.ndtri((rank - 0.375) / (values.size + 0.25))[place].reshape(values.shape))


def _halves(chains: Floats) -> Floats:
    half = chains.shape[1] // 2
    return np.vstack([chains[:, :half], chains[:, -half:]])


def _rhat(chains: Floats) -> float:
    split = _halves(chains)
    within, between = split.var(axis=1, ddof=1).mean(), split.mean(axis=1).var(ddof=1)
    return float(np.sqrt(1 - 1 / split.shape[1] + between / within))


def chance_of_rhat(chains: Floats) -> float:
    """Chance of an R-hat as large as that of ``mixing``, were all of one distribution; NaN if one stands.

    Means of m half-chains worth n independent draws then differ by noise: between/within·n·(m − 1)/m follows
    a χ² distribution of m − 1 degrees of freedom. n is that of chains whose means differ by their own mixing
    and no more, so that chains in different modes do not excuse each other. Two tests: the smaller doubled.
    """
    chances = []
    for values in (chains, np.abs(chains - np.median(chains))):
        split = _halves(_normal_scores(values))
        m, within, worth = len(split), split.var(axis=1, ddof=1).mean(), np.inf
        for _ in range(3):  # worth and variance of means follow from each other
            worth = _effective(split, within * m / worth)
        ratio = split.mean(axis=1).var(ddof=1) / within
        chances.append(special.chdtrc(m - 1, ratio * worth * (m - 1) / m))
    return float(min(2 * np.min(chances), 1.0))


def effective_sample_size(chains: Floats) -> float:
    """Independent draws that would give the mean as precisely; shape (chain, draw), not all the same."""
    split = _halves(chains)
    return _effective(split, split.mean(axis=1).var(ddof=1))


def _effective(split: Floats, apart: float) -> float:
    """Effective draws of half-chains, (half, draw), whose true means have this variance."""
    half, total = split.shape[1], split.size
    covariance = _autocovariance(split).mean(axis=0)
    within = covariance[0] * half / (half - 1)
    variance = covariance[0] + apart
    correlation = 1 - (within - covariance) / variance
    correlation[0] = 1.0
    pairs = correlation[: half - half % 2].reshape(-1, 2).sum(axis=1)
    # Sums of neighbouring autocorrelations are positive and fall in theory; noise beyond that is cut.
    negative = np.flatnonzero(pairs < 0)
    used = max(int(negative[0]) if len(negative) else len(pairs) - 1, 1)
    time = -1 + 2 * np.minimum.accumulate(pairs[:used]).sum()
    if used < len(pairs):
        time += max(correlation[2 * used], 0.0)
    return float(total / max(time, 1 / np.log10(total)))


def _autocovariance(series: Floats) -> Floats:
    """Autocovariance of each row at every lag, shape of ``series``."""
    n = series.shape[1]
    centred = series - series.mean(axis=1, keepdims=True)
    # Padded with zeros to a power of two, so that the transform neither wraps around nor is slow.
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, n=size, axis=1)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2, n=size, axis=1)[:, :n] / n)
