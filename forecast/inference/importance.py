"""Importance weights that stand for another posterior, Pareto smoothed, with what they are worth.

Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling", arXiv:1507.02646.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

PARETO_K_MAX = 0.7
"""Above it the draws cannot stand for the other posterior."""

_FEWEST_DRAWS = 25
"""Fewer leave less than five for the tail, on which nothing can be fitted."""


@dataclass(frozen=True)
class ImportanceWeights:
    """Weights of draws.

    Parameters
    ----------
    weights : ndarray, shape (draw,)
        Sum to one.
    pareto_k : float
        Shape of the tail; −inf where the largest weights are all the same (nothing to smooth), inf where
        there are too few draws to tell.
    """

    weights: NDArray[np.float64]
    pareto_k: float

    @property
    def effective_draws(self) -> float:
        """1/Σw²: the shape alone can miss a bounded ratio that leaves few draws."""
        return float(1 / np.sum(self.weights**2))


def importance_weights(log_ratio: NDArray[np.float64]) -> ImportanceWeights:
    """Weights for the log ratio of the other density to that of the draws, shape (draw,)."""
    n_draws = len(log_ratio)
    n_tail = int(np.ceil(min(n_draws / 5, 3 * np.sqrt(n_draws))))
    tail = np.sort(log_ratio)[-n_tail:]
    if n_draws < _FEWEST_DRAWS or tail[0] == tail[-1]:
        weights = np.exp(log_ratio - log_ratio.max())
        return ImportanceWeights(weights / weights.sum(), np.inf if n_draws < _FEWEST_DRAWS else -np.inf)
    log_weights, pareto_k = array_stats.psislw(-log_ratio)  # it takes log likelihoods, not log ratios
    weights = np.exp(log_weights - np.logaddexp.reduce(log_weights))
    return ImportanceWeights(weights, float(pareto_k))
