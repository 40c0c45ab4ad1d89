"""Counts by inverse distribution function as machine code, for a process that simulates again and again.

The same arithmetic as ``forecast.simulation.random_numbers``, cell by cell and in the same order, so that the
counts are the same. Kept apart since loading the compiler takes longer than a single simulation saves.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from forecast.simulation.random_numbers import Counts, Floats

_COMPILED = {"error_model": "numpy", "fastmath": False, "cache": True, "nogil": True}


def negative_binomial(uniform: Floats, mean: Floats, shape: Floats) -> Counts:
    """Quantile of a negative binomial; see ``random_numbers.negative_binomial``."""
    counts = np.zeros(uniform.shape, dtype=np.int64)
    spread = np.ascontiguousarray(np.broadcast_to(shape, (len(uniform), 1, uniform.shape[-1])))
    _fill_negative_binomial(uniform, mean, spread, counts)
    return counts


def binomial(uniform: Floats, trials: Counts, probability: Floats) -> Counts:
    """Quantile of a binomial; see ``random_numbers.binomial``."""
    counts = np.zeros(len(trials), dtype=np.int64)
    _fill_binomial(uniform, trials, probability, counts)
    return counts


@numba.njit(**_COMPILED)
def _fill_negative_binomial(uniform: Floats, mean: Floats, shape: Floats, counts: Counts) -> None:
    """Cells of (draw, path, stream); ``shape`` has one path."""
    for draw in range(uniform.shape[0]):
        for path in range(uniform.shape[1]):
            for stream in range(uniform.shape[2]):
                u, m = uniform[draw, path, stream], mean[draw, path, stream]
                if u < 1 - m:
                    continue
                a = shape[draw, 0, stream]
                mass = math.exp(-a * math.log1p(m / a))
                total = mass
                if u < total:
                    continue
                odds = m / (a + m)
                n = 0
                while True:
                    n += 1
                    mass = mass * odds * (a + (n - 1)) / n
                    total = total + mass
                    if u < total or mass <= 1e-17 * total:
                        break
                counts[draw, path, stream] = n


@numba.njit(**_COMPILED)
def _fill_binomial(uniform: Floats, trials: Counts, probability: Floats, counts: Counts) -> None:
    """Cells in one row."""
    for cell in range(len(trials)):
        u, t, p = uniform[cell], trials[cell], probability[cell]
        q = 1.0 - p
        if t == 1:
            counts[cell] = 1 if u >= q else 0
            continue
        mass = q**t
        total = mass
        if t < 1 or u < total:
            continue
        # Stays at t where the walk ends without a decision (p = 1, rounding).
        counts[cell] = t
        for n in range(1, t):
            mass *= (t - n + 1) / n * (p / q)
            total += mass
            if u < total:
                counts[cell] = n
                break
