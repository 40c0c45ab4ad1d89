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
_CERTAIN = 1e-12

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
    bound = ndtri(np.clip(probabilities, _CERTAIN, 1 - _CERTAIN))
    return [_outcome(bound[:, day], probabilities[:, day], own, common) for day in range(bound.shape[1])]


def _common(loadings: Floats, shock: SharedShock, drawn: Floats) -> Floats:
    """Shared part of the scores, shape (draw, dyad), from standard normals, shape (draw, 1 + actor)."""
    everyone, actors = np.sqrt(shock.everyone), np.sqrt(shock.actors)
    return np.asarray(everyone * drawn[:, :1] + actors * (drawn[:, 1:] @ loadings.T))


def _outcome(bound: Floats, probability: Floats, own: float, common: Floats) -> ListOutcome:
    n_dyads, n_draws = len(bound), len(common)
    most = min(n_dyads, MOST_COUNTED)
    below = np.zeros((n_draws, most))
    number = np.zeros(n_draws)
    both = np.zeros((n_dyads, n_dyads))
    size = max(1, _CELLS // n_dyads)
    for first in range(0, n_draws, size):
        given = ndtr((bound - common[first : first + size]) / own)
        below[first : first + size] = _hits(given, most)
        number[first : first + size] = given.sum(axis=1)
        both += given.T @ given
    both /= n_draws
    np.fill_diagonal(both, probability)
    expected = float(probability.sum())
    below = _adjusted(below, number, expected)
    at_least = np.clip(1 - np.cumsum(below.mean(axis=0)), 0.0, 1.0)
    at_least = np.minimum.accumulate(at_least)
    # Antithetic draws are pairs: their means are independent of one another.
    none = below[:, 0]
    pairs = (none[: n_draws // 2] + none[n_draws // 2 :]) / 2 if n_draws > 1 else none
    mcse = float(pairs.std(ddof=1) / np.sqrt(len(pairs))) if len(pairs) > 1 else 0.0
    return ListOutcome(at_least, expected, mcse, both)


def _adjusted(below: Floats, number: Floats, expected: float) -> Floats:
    """Take out what the draws of the shocks miss of the expected number, which is known (control variate)."""
    away = number - number.mean()
    spread = float(away @ away)
    if spread < _CERTAIN:
        return below
    slope = away @ (below - below.mean(axis=0)) / spread
    return np.asarray(below - np.outer(number - expected, slope))


def _hits(given: Floats, most: int) -> Floats:
    """P(k dyads), k = 0 … most − 1, of independent dyads, shape (draw, most); ``given`` is (draw, dyad)."""
    law = np.zeros((len(given), most))
    law[:, 0] = 1.0
    for dyad in range(given.shape[1]):
        hit = given[:, dyad : dyad + 1]
        moved = law[:, :-1] * hit
        law *= 1 - hit
        law[:, 1:] += moved
    return law


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
