"""Simple forecasts of weekly scores, to be shown beside the model's: samples of the weeks ahead.

Each takes the past of one direction (or of both together) and gives samples of the next weeks, so that
CRPS, coverage and the probability of a target are read off all forecasts alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Baseline = Callable[[Floats, int, int, np.random.Generator], Floats]

LAST_YEAR = 52


def climatology_samples(past: Floats, n_weeks: int, n_samples: int, rng: np.random.Generator) -> Floats:
    """Weeks of the whole past, in runs of ``n_weeks`` that keep their order, shape (sample, week).

    Runs begin anywhere in the past; one that reaches its end goes on at its beginning.
    """
    first = rng.integers(0, len(past), n_samples)
    return np.asarray(past[(first[:, None] + np.arange(n_weeks)) % len(past)])


def last_year_samples(past: Floats, n_weeks: int, n_samples: int, rng: np.random.Generator) -> Floats:
    """As climatology, from the last 52 weeks alone."""
    return climatology_samples(past[-LAST_YEAR:], n_weeks, n_samples, rng)


def random_walk_samples(past: Floats, n_weeks: int, n_samples: int, rng: np.random.Generator) -> Floats:
    """Last week's score plus a sum of past changes drawn at random, shape (sample, week)."""
    steps = rng.choice(np.diff(past), (n_samples, n_weeks))
    return np.asarray(past[-1] + np.cumsum(steps, axis=1))


def autoregression_samples(past: Floats, n_weeks: int, n_samples: int, rng: np.random.Generator) -> Floats:
    """First-order autoregression by least squares, past errors drawn at random, shape (sample, week)."""
    before, after = past[:-1], past[1:]
    centred = before - before.mean()
    spread = float(centred @ centred)
    slope = float(np.clip(centred @ (after - after.mean()) / spread, -0.99, 0.99)) if spread else 0.0
    level = float(after.mean() - slope * before.mean())
    errors = rng.choice(after - level - slope * before, (n_samples, n_weeks))
    value = np.full(n_samples, past[-1])
    ahead = np.empty((n_samples, n_weeks))
    for week in range(n_weeks):
        value = level + slope * value + errors[:, week]
        ahead[:, week] = value
    return ahead


BASELINES: Mapping[str, Baseline] = {
    "climatology": climatology_samples,
    "last year": last_year_samples,
    "random walk": random_walk_samples,
    "autoregression": autoregression_samples,
}


def crps(samples: Floats, outcome: float) -> float:
    """Continuous ranked probability score of a sample, in the unit of the score; Gneiting & Raftery (2007).

    E|X − y| − ½·E|X − X'|, the second mean over all pairs of different samples (the 'fair' estimator).
    """
    ordered = np.sort(samples)
    n = len(ordered)
    rank = np.arange(1, n + 1)
    pairs = 2.0 * float(((2 * rank - n - 1) * ordered).sum()) / (n * (n - 1))
    return float(np.abs(ordered - outcome).mean()) - 0.5 * pairs
