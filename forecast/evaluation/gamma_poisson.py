"""Baseline 3: a discounted gamma–Poisson rate whose half-life is weighted by its past log score.

Days with a target event are counted (several events of one day are one flare-up), older ones discounted
by 2^(−age / half-life). With a gamma prior on the rate the number of event-days ahead is negative
binomial, and P(none in H days) = (b / (b + H))^a. Source of the discounting: Harvey & Fernandes (1989),
doi:10.1080/07350015.1989.10509750.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.history import PastEvents
from forecast.evaluation.windows import Horizons

Floats = NDArray[np.float64]

HALF_LIVES_DAYS = (np.inf, 960.0, 480.0, 240.0, 120.0, 60.0, 30.0)
"""Longest first: the rate of each is the prior mean of the next."""
FIRST_PRIOR_EVENTS = 0.5
"""Jeffreys prior, Gamma(½, 0), of the rate that forgets nothing."""
PRIOR_EVENTS = 1.0
"""Event-days that the prior of every other rate is worth."""
FLOOR = 1e-3
"""Past probabilities are clipped to [FLOOR, 1 − FLOOR] when half-lives are weighed."""


def discounted_rate(past: PastEvents, horizon_days: Horizons) -> Floats:
    """Probability of a target event from a discounted rate, averaged over half-lives.

    At every past day each half-life would have given a probability; the windows complete before the origin
    say how well it did. Half-lives are weighted by exp(sum of log scores / horizon): one unit of evidence a
    distinct window, since windows begin on every day.

    Returns
    -------
    ndarray of float64, shape (horizon,)
    """
    ahead = _probabilities(past, horizon_days)
    found = np.empty(len(horizon_days))
    for place, days in enumerate(horizon_days):
        # Windows begin on day 1 or later: on day 0 nothing has been observed.
        hits = past.window_hits(int(days))[1:]
        tried = np.clip(ahead[:, : len(hits), place], FLOOR, 1 - FLOOR)
        score = np.where(hits, np.log(tried), np.log1p(-tried)).sum(axis=1) / int(days)
        weight = np.exp(score - score.max())
        found[place] = weight @ ahead[:, -1, place] / weight.sum()
    return found


def _probabilities(past: PastEvents, horizon_days: Horizons) -> Floats:
    """P(target within the horizon) as seen on days 1 … n_days, shape (half_life, day, horizon)."""
    day = np.arange(1, past.n_days + 1, dtype=np.float64)
    chosen = past.first_of_day()
    shape = past.decayed_count(chosen, np.inf)[1:] + FIRST_PRIOR_EVENTS
    rate = day
    ahead = []
    for half_life in HALF_LIVES_DAYS:
        if np.isfinite(half_life):
            decay = 2.0 ** (-1.0 / half_life)
            observed = (1.0 - decay**day) / (1.0 - decay)
            # The right side still reads the shape and rate of the longer half-life.
            rate = observed + PRIOR_EVENTS * rate / shape
            shape = past.decayed_count(chosen, half_life)[1:] + PRIOR_EVENTS
        ahead.append(-np.expm1(-shape[:, None] * np.log1p(horizon_days / rate[:, None])))
    return np.stack(ahead)
