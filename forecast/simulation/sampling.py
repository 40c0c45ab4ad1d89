"""Counts by inverse distribution function: one uniform number a count.

A count that rises with its rate for a given uniform number makes paths comparable between scenarios
(common random numbers) and monotone in the assumptions, which rejection samplers cannot give.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def negative_binomial(uniform: Floats, mean: Floats, shape: Floats) -> Counts:
    """Quantile of a negative binomial at ``uniform``, elementwise.

    Parameters
    ----------
    uniform : ndarray in [0, 1)
    mean : ndarray
        Mean, not negative.
    shape : ndarray
        Shape α of the gamma mixture: variance = mean + mean²/α.

    Returns
    -------
    ndarray of int64
        Smallest n with P(N ≤ n) > uniform.
    """
    counts = np.zeros(uniform.shape, dtype=np.int64)
    # P(0) = (1 + mean/shape)^−shape ≥ exp(−mean) ≥ 1 − mean: below that no logarithm is needed.
    cells = np.flatnonzero(uniform >= 1 - mean)
    u, m = uniform.ravel()[cells], mean.ravel()[cells]
    a = np.broadcast_to(shape, uniform.shape).ravel()[cells]
    zero = np.exp(-a * np.log1p(m / a))
    later = np.flatnonzero(u >= zero)
    open_cells, u, m, a, mass = cells[later], u[later], m[later], a[later], zero[later]
    odds = m / (a + m)
    flat = counts.ravel()
    total = mass.copy()
    n = 0
    while len(open_cells):
        n += 1
        mass = mass * odds * (a + (n - 1)) / n
        total = total + mass
        # A tail too thin to move the sum ends the search: the remaining mass is below rounding.
        stay = (u >= total) & (mass > 1e-17 * total)
        flat[open_cells[~stay]] = n
        open_cells, u, mass = open_cells[stay], u[stay], mass[stay]
        total, a, odds = total[stay], a[stay], odds[stay]
    return counts


def binomial(uniform: Floats, trials: Counts, probability: Floats) -> Counts:
    """Quantile of a binomial at ``uniform``, elementwise for 1-d arrays; rises in both parameters."""
    failure = 1.0 - probability
    # One trial, by far the most common case, needs one comparison.
    result = ((trials > 0) & (uniform >= failure)).astype(np.int64)
    several = np.flatnonzero(trials > 1)
    if not len(several):
        return result
    u, t, p, q = uniform[several], trials[several], probability[several], failure[several]
    mass = q**t
    total = mass.copy()
    found = np.where(u >= total, t, 0)  # stays at t where the walk ends without a decision (p = 1, rounding)
    undecided = np.flatnonzero(found > 0)
    for n in range(1, int(t.max())):
        i = undecided
        with np.errstate(divide="ignore", invalid="ignore"):
            mass[i] *= (t[i] - n + 1) / n * (p[i] / q[i])
        total[i] += mass[i]
        decided = (u[i] < total[i]) & (n < t[i])
        found[i[decided]] = n
        undecided = i[~decided & (n < t[i])]
        if not len(undecided):
            break
    result[several] = found
    return result
