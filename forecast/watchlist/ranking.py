"""Ranks of dyads with their uncertainty, and what moved a probability since the watch before.

What the data leave open of a probability is a beta distribution with its mean, as wide between the 5% and 95%
quantiles as its interval. Dyads are drawn apart: uncertainty that they share would leave ranks alone, so that
P(rank ≤ 5) errs towards the middle.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.records.base import Interval
from forecast.records.forecast import MilestoneForecast
from forecast.records.watch import Change

TOP = 5
N_RANKINGS = 4000
ERRORS = 2.0
"""An arrow stands for a change of more than so many standard errors, and of a point at least."""
LEAST_CHANGE = 0.01
_HALVINGS = 60

Floats = NDArray[np.float64]


def rank_dyads(headlines: Sequence[tuple[float, Interval]], seed: int) -> tuple[list[int], list[float]]:
    """Return rank, from 1, and P(rank ≤ 5) of each probability with its 90% interval.

    Equal probabilities take the order in which they come.
    """
    if not headlines:
        return [], []
    mean = np.array([probability for probability, _ in headlines])
    order = np.argsort(-mean, kind="stable")
    rank = np.empty(len(mean), dtype=np.int64)
    rank[order] = np.arange(1, len(mean) + 1)
    drawn = draw_probabilities(mean, np.array([interval for _, interval in headlines]), N_RANKINGS, seed)
    # Ties between draws are broken by chance alone, so that equal dyads are equally often ahead.
    random = np.random.default_rng([seed, 1])
    jitter = random.random(drawn.shape)
    places = np.argsort(np.lexsort((jitter, -drawn), axis=1), axis=1)
    return rank.tolist(), np.mean(places < TOP, axis=0).tolist()


def draw_probabilities(mean: Floats, intervals: Floats, n_draws: int, seed: int) -> Floats:
    """Draw probabilities, shape (draw, dyad), from beta distributions of these means and 90% intervals."""
    total = _concentration(mean, intervals[:, 1] - intervals[:, 0])
    random = np.random.default_rng(seed)
    inside = (mean > 0) & (mean < 1) & np.isfinite(total)
    drawn = np.broadcast_to(mean, (n_draws, len(mean))).copy()
    a, b = mean[inside] * total[inside], (1 - mean[inside]) * total[inside]
    drawn[:, inside] = random.beta(a, b, size=(n_draws, int(inside.sum())))
    return drawn


def _concentration(mean: Floats, width: Floats) -> Floats:
    """Sum of the parameters of the beta distribution whose central 90% is so wide; infinite for no width."""
    low, high = np.full(len(mean), np.log(0.1)), np.full(len(mean), np.log(1e7))
    centre = np.clip(mean, 1e-6, 1 - 1e-6)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        a, b = centre * np.exp(middle), (1 - centre) * np.exp(middle)
        wide = special.betaincinv(a, b, 0.95) - special.betaincinv(a, b, 0.05) > width
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return np.asarray(np.where(width < 1e-6, np.inf, np.exp(low)))


def split_change(
    since: MilestoneForecast, then: MilestoneForecast, now: MilestoneForecast, day: str
) -> Change:
    """Split what moved a probability into time passing and news.

    Parameters
    ----------
    since, now : MilestoneForecast
        Of the watch before and of today.
    then : MilestoneForecast
        Today's model on the events of the watch before; ``now`` where these are the same.
    day : str
        As-of date of the watch before.
    """
    change = now.probability - since.probability
    error = float(np.hypot(now.mcse, since.mcse))
    arrow = None
    if abs(change) > ERRORS * error and abs(change) >= LEAST_CHANGE:
        arrow = "up" if change > 0 else "down"
    return Change.model_validate(
        {
            "since": day,
            "before": since.probability,
            "change": change,
            "time_passing": then.probability - since.probability,
            "news": now.probability - then.probability,
            "error": error,
            "arrow": arrow,
        }
    )
