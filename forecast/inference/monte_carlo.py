"""The error of a mean over correlated posterior draws."""

from __future__ import annotations

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray


def monte_carlo_error(per_draw: NDArray[np.float64], n_chains: int) -> float:
    """Standard error of the mean, from the effective sample size.

    Parameters
    ----------
    per_draw : ndarray, shape (draw,)
        Values with the chains one after the other.
    n_chains : int
    """
    chains = per_draw.reshape(n_chains, -1)
    if np.ptp(chains) == 0.0:
        return 0.0
    return float(array_stats.mcse(chains, chain_axis=0, draw_axis=1, method="mean"))
