"""What a list may bring as a whole: joint paths of all dyads, which share shocks.

On a path dyad i has the latent score z_i = √c F + √s Σ_k A_ik G_k + √(1 − c − s) e_i with standard normal F
(everybody's shock), G (one an actor) and e. It meets its target before day t when Φ(z_i) < P_i(t): each dyad
keeps its own curve exactly, a path that meets a target by a day has met it by all later ones, and two dyads
have the correlation c + s (A Aᵀ) of their scores (a Gaussian copula; Li 2000, doi:10.3905/jfi.2000.319253).

Given F and G dyads are independent, so that the number of hits has a Poisson-binomial law, which is summed up
exactly: averaging it over draws of F and G has the mean of counted paths with a smaller error, and none
without a shock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from forecast.events.dyads import DyadRule

N_SHOCKS = 4000
MOST_COUNTED = 20
"""Largest k of P(at least k)."""
_CELLS = 4_000_000
"""Cells of (draw, dyad) that are held at once."""
_ALIKE = 1e-24
"""Spread of the numbers over their square below which they are the same but for rounding."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SharedShock:
    """Shares of the variance of the latent score: of all dyads (c), and of those that name an actor (s)."""

    everyone: float = 0.0
    actors: float = 0.0

    @property
    def shared(self) -> float:
        """Share of the variance that is not a dyad's own."""
        return self.everyone + self.actors


NO_SHOCK = SharedShock()


@dataclass(frozen=True)
class ListOutcome:
    """What one target may bring by one day.

    Parameters
    ----------
    at_least : ndarray, shape (k,)
        P(at least k dyads), k = 1, 2, …
    expected : float
    mcse : float
        Monte Carlo standard error of P(at least one).
    both : ndarray, shape (dyad, dyad)
        P(both dyads); on the diagonal each dyad's own.
    """

    at_least: Floats
    expected: float
    mcse: float
    both: Floats


def actor_loadings(rules: Sequence[DyadRule]) -> Floats:
    """Loadings A on the actors' shocks, shape (dyad, actor), rows of length one.

    Both sides have the same weight, and so have the actors of a side.
    """
    actors = {
        name: place for place, name in enumerate(sorted({n for one in rules for n in (*one.a, *one.b)}))
    }
    loadings = np.zeros((len(rules), len(actors)))
    for row, rule in enumerate(rules):
        for side in (rule.a, rule.b):
            for name in side:
                loadings[row, actors[name]] = np.sqrt(0.5 / len(side))
    return loadings


def list_outcomes(
    probabilities: Floats, loadings: Floats, shock: SharedShock, seed: int, n_shocks: int = N_SHOCKS
) -> list[ListOutcome]:
    """Return what a list may bring by each of several days.

    Parameters
    ----------
    probabilities : ndarray, shape (dyad, day)
    loadings : ndarray, shape (dyad, actor)
        As ``actor_loadings``.
    shock : SharedShock
    seed : int
    n_shocks : int
        Draws of the shocks, an even number; one is enough where there are none.
    """
    half = np.random.default_rng(seed).standard_normal((n_shocks // 2, loadings.shape[1] + 1))
    drawn = np.concatenate([half, -half]) if shock.shared else half[:1]
    own, common = np.sqrt(1.0 - shock.shared), _common(loadings, shock, drawn)
    bound = ndtri(probabilities)
    return [_outcome(bound[:, day], probabilities[:, day], own, common) for day in range(bound.shape[1])]


def _common(loadings: Floats, shock: SharedShock, drawn: Floats) -> Floats:
    """Shared part of the scores, shape (draw, dyad), from standard normals, shape (draw, 1 + actor)."""
    everyone, actors = np.sqrt(shock.everyone), np.sqrt(shock.actors)
    return np.asarray(everyone * drawn[:, :1] + actors * (drawn[:, 1:] @ loadings.T))


def _outcome(bound: Floats, probability: Floats, own: float, common: Floats) -> ListOutcome:
    n_dyads, n_draws = len(bound), len(common)
    most = min(n_dyads, MOST_COUNTED)
    tail, below = np.zeros((2, n_draws, most))
    number = np.zeros(n_draws)
    both = np.zeros((n_dyads, n_dyads))
    size = max(1, _CELLS // n_dyads)
    for first in range(0, n_draws, size):
        chosen = slice(first, first + size)
        given = ndtr((bound - common[chosen]) / own)
        tail[chosen], below[chosen] = _tails(given, most)
        number[chosen] = given.sum(axis=1)
        both += given.T @ given
    both /= n_draws
    np.fill_diagonal(both, probability)
    expected = float(probability.sum())
    tail, below = _adjusted(tail, number, expected), _adjusted(below, number, expected)
    # 1 − x has as many digits as x where x is the larger: each side is taken from its own sum.
    above, under = np.clip(tail.mean(axis=0), 0.0, 1.0), np.clip(below.mean(axis=0), 0.0, 1.0)
    at_least = np.minimum.accumulate(np.where(above <= under, above, 1 - under))
    # Antithetic draws are pairs: their means are independent of one another.
    one = tail[:, 0]
    pairs = (one[: n_draws // 2] + one[n_draws // 2 :]) / 2 if n_draws > 1 else one
    mcse = float(pairs.std(ddof=1) / np.sqrt(len(pairs))) if len(pairs) > 1 else 0.0
    return ListOutcome(at_least, expected, mcse, both)


def _adjusted(chance: Floats, number: Floats, expected: float) -> Floats:
    """Take out what the draws of the shocks miss of the expected number, which is known (control variate)."""
    away = number - number.mean()
    spread = float(away @ away)
    if spread <= _ALIKE * float(number @ number):
        return chance
    slope = away @ (chance - chance.mean(axis=0)) / spread
    return np.asarray(chance - np.outer(number - expected, slope))


def _tails(hit: Floats, most: int) -> tuple[Floats, Floats]:
    """P(at least k) and P(fewer than k) of independent dyads, k = 1 … most, each of shape (draw, most).

    ``hit`` is the chance of each dyad, shape (draw, dyad). Only sums and products of chances: the smallest
    keep their digits.
    """
    law = np.zeros((len(hit), most + 1))
    law[:, 0] = 1.0
    for dyad in range(hit.shape[1]):
        moved = law[:, :-1] * hit[:, dyad : dyad + 1]
        # The last cell holds "most or more", which stays so.
        law[:, :-1] *= 1 - hit[:, dyad : dyad + 1]
        law[:, 1:] += moved
    return np.cumsum(law[:, :0:-1], axis=1)[:, ::-1], np.cumsum(law[:, :-1], axis=1)


def draw_hits(
    probabilities: Floats, loadings: Floats, shock: SharedShock, seed: int, n_paths: int
) -> NDArray[np.bool_]:
    """Play joint paths: which dyads meet the target by each day, shape (path, dyad, day).

    ``list_outcomes`` is what they give on average; these are for whoever wants the paths themselves.
    """
    random = np.random.default_rng(seed)
    common = _common(loadings, shock, random.standard_normal((n_paths, loadings.shape[1] + 1)))
    noise = random.standard_normal((n_paths, len(loadings)))
    score = ndtr(common + np.sqrt(1.0 - shock.shared) * noise)
    return np.asarray(score[:, :, None] < probabilities[None])
