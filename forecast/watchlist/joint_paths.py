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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from forecast.config.watchlist import Watchlist
from forecast.events.dyads import DyadRule
from forecast.records.watch import DyadEntry, ListMilestone, Pair

PAIRS = 5
LEAST_GAIN = 0.001
"""Gain of a joint chance over independence below which a pair is not named."""
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


def list_outlook(
    watchlist: Watchlist, entries: Sequence[DyadEntry], rules: Mapping[str, DyadRule], shock: SharedShock
) -> dict[str, tuple[ListMilestone, ...]]:
    """Return what the list as a whole may bring, by target and milestone, from the dyads with numbers."""
    names = dict.fromkeys(target.name for one in entries for target in one.targets)
    return {name: _target_outlook(watchlist, name, entries, rules, shock) for name in names}


def _target_outlook(
    watchlist: Watchlist,
    name: str,
    entries: Sequence[DyadEntry],
    rules: Mapping[str, DyadRule],
    shock: SharedShock,
) -> tuple[ListMilestone, ...]:
    answering = [(one.name, target) for one in entries for target in one.targets if target.name == name]
    table = np.array([[m.probability for m in target.milestones] for _, target in answering])
    loadings = actor_loadings([rules[dyad] for dyad, _ in answering])
    seed = watchlist.sampler.seed
    together = list_outcomes(table, loadings, shock, seed)
    apart = list_outcomes(table, loadings, NO_SHOCK, seed)
    origin = watchlist.as_of + timedelta(days=1)
    dyads = [dyad for dyad, _ in answering]
    found = []
    for place, milestone in enumerate(answering[0][1].milestones):
        one = together[place]
        found.append(
            ListMilestone(
                milestone=milestone.name,
                days=(milestone.date - origin).days + 1,
                date=milestone.date,
                any=float(one.at_least[0]),
                at_least_two=float(one.at_least[1]) if len(one.at_least) > 1 else 0.0,
                at_least=tuple(one.at_least.tolist()),
                expected=one.expected,
                any_if_independent=float(apart[place].at_least[0]),
                mcse=one.mcse,
                together=_pairs(dyads, one),
            )
        )
    return tuple(found)


def _pairs(dyads: Sequence[str], outcome: ListOutcome) -> tuple[Pair, ...]:
    own = np.diag(outcome.both)
    gain = np.triu(outcome.both - np.outer(own, own), 1)
    best = np.argsort(-gain, axis=None)[:PAIRS]
    found = []
    for one, other in zip(*np.unravel_index(best, gain.shape), strict=True):
        if gain[one, other] > LEAST_GAIN:
            found.append(
                Pair(
                    one=dyads[one],
                    other=dyads[other],
                    both=float(outcome.both[one, other]),
                    independent=float(own[one] * own[other]),
                )
            )
    return tuple(found)
