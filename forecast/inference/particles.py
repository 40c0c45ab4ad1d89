"""Draws of one record's posterior carried on to a longer record, without a fit.

A tempered sequential Monte Carlo sampler (Del Moral, Doucet and Jasra 2006,
doi:10.1111/j.1467-9868.2006.00553.x). What the longer record adds is taken in by stages. In each, the
particles are weighted by a power of the ratio of likelihoods that leaves a share of them in effect (Pareto
smoothed: Vehtari, Simpson, Gelman, Yao and Gabry 2024, arXiv:1507.02646) and resampled. Then the newest
latent innovations, of which the last weeks say most, are moved by Metropolis steps that keep the posterior
(preconditioned Crank–Nicolson: Cotter, Roberts, Stuart and White 2013, doi:10.1214/13-STS421), so that copies
part again.

Parameters do not move. Particles that come from the same draw of the fit are not separate evidence on them:
the number of such draws, the *ancestors*, says how long this can go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.inference.importance import PARETO_K_MAX, importance_weights
from forecast.models.draws import open_innovations, with_new_future

Floats = NDArray[np.float64]
Variables = Mapping[str, Floats]
LogLikelihood = Callable[[Variables], Floats]
"""From variables, each of shape (particle, …), to the log likelihood of a record, shape (particle,)."""

MOST_PARTICLES = 1000
"""Draws of a fit that are carried on, evenly spaced."""
ANCESTORS_MIN = 50.0
"""Effective number of draws of the fit that must be left behind the particles.

A score needs the mean of a probability. With a share ρ of its variance p(1 − p) left open by the parameters,
n effective draws cost ρ / (2n) nats on average: .002 at n = 50 and ρ = .2, a fifth of a benchmark's error.
"""
STAGE_SHARE = 0.5
"""Share of the particles that the weights of one stage leave in effect."""
MOST_STAGES = 6
"""More than these are needed for data that contradict the particles."""
MOVES = (0.6, 0.3, 0.15, 0.6, 0.3, 0.15)
"""Sizes of the proposals after each stage: large where the data say little, small where they say much."""


@dataclass(frozen=True)
class Particles:
    """Draws of equal weight given a record of ``n_steps`` steps.

    Parameters
    ----------
    variables : mapping
        Name → values of shape (particle, …).
    ancestor : ndarray of int, shape (particle,)
        The draw of the fit that each comes from.
    pareto_k : float
        Largest shape of the tail of the weights on the way from the last record; −inf right after a fit.
    """

    variables: Variables
    ancestor: NDArray[np.int64]
    n_steps: int
    pareto_k: float = -np.inf

    def __len__(self) -> int:
        return len(self.ancestor)

    def spaced(self, most: int | None) -> Particles:
        """At most so many, evenly spaced: copies of a draw, and draws of a chain, stand together."""
        if most is None or most >= len(self):
            return self
        return self._at(np.linspace(0, len(self) - 1, most).round().astype(np.int64))

    def _at(self, rows: NDArray[np.int64]) -> Particles:
        variables = {name: values[rows] for name, values in self.variables.items()}
        return replace(self, variables=variables, ancestor=self.ancestor[rows])

    @property
    def effective_ancestors(self) -> float:
        """Draws of the fit that are behind them, 1/Σ of squared shares."""
        share = np.bincount(self.ancestor) / len(self.ancestor)
        return float(1 / np.sum(share**2))


def carry_on(
    particles: Particles, before: LogLikelihood, now: LogLikelihood, n_steps: int, random: np.random.Generator
) -> Particles | None:
    """Return particles for the record of ``now``, of ``n_steps`` steps; ``None`` where a new fit is due.

    ``before`` is the log likelihood of the record that they stand for now.
    """
    variables: Variables = with_new_future(particles.variables, particles.n_steps, random)
    found = replace(particles, variables=variables, n_steps=n_steps, pareto_k=-np.inf)
    likelihood = np.stack([before(variables), now(variables)])
    taken = 0.0
    for _ in range(MOST_STAGES):
        gain = likelihood[1] - likelihood[0]
        power = _next_power(gain, 1 - taken)
        weights = importance_weights(power * gain)
        if not weights.pareto_k < PARETO_K_MAX:
            return None
        rows = _resampled(weights.weights, random)
        found = replace(found._at(rows), pareto_k=max(found.pareto_k, weights.pareto_k))
        if found.effective_ancestors < ANCESTORS_MIN:
            return None
        taken = min(taken + power, 1.0)
        opened = open_innovations(found.variables, particles.n_steps, n_steps)
        variables, likelihood = _moved(
            found.variables, opened, likelihood[:, rows], (before, now), taken, random
        )
        found = replace(found, variables=variables)
        if taken == 1.0:
            return replace(found, variables=with_new_future(found.variables, n_steps, random))
    return None


def _next_power(gain: Floats, most: float) -> float:
    """Largest power of exp(gain), up to ``most``, that leaves ``STAGE_SHARE`` of the particles in effect."""

    def in_effect(power: float) -> float:
        weight = np.exp(power * (gain - gain.max()))
        return float(weight.sum() ** 2 / (weight**2).sum() / len(weight))

    if in_effect(most) >= STAGE_SHARE:
        return most
    low, high = 0.0, most
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if in_effect(middle) >= STAGE_SHARE else (low, middle)
    return low


def _resampled(weights: Floats, random: np.random.Generator) -> NDArray[np.int64]:
    """Systematic resampling: as many copies of each as its share of all, up to the next whole number."""
    n = len(weights)
    edges = np.cumsum(weights)
    edges[-1] = 1.0
    return np.searchsorted(edges, (np.arange(n) + random.random()) / n)


def _moved(
    variables: Variables,
    opened: Mapping[str, slice],
    likelihood: Floats,
    records: tuple[LogLikelihood, LogLikelihood],
    taken: float,
    random: np.random.Generator,
) -> tuple[Variables, Floats]:
    """Move the open innovations under likelihoods of powers 1 − ``taken`` and ``taken``, and return both.

    ``likelihood`` has shape (record, particle). Proposals √(1 − s²)·x + s·ξ keep the standard normal prior,
    so that the ratio of likelihoods alone decides.
    """
    power = np.array([1 - taken, taken])
    likelihood = likelihood.copy()
    moved = {name: values.copy() if name in opened else values for name, values in variables.items()}
    for size in MOVES if opened else ():
        proposed = dict(moved)
        for name, part in opened.items():
            proposed[name] = moved[name].copy()
            now = moved[name][..., part]
            proposed[name][..., part] = np.sqrt(1 - size**2) * now + size * random.standard_normal(now.shape)
        # The record before has no say in the last stage.
        tried = np.stack(
            [
                record(proposed) if power[place] > 0 else likelihood[place]
                for place, record in enumerate(records)
            ]
        )
        chance = power @ (tried - likelihood)
        taken_up = np.log(random.random(len(chance))) < chance
        likelihood[:, taken_up] = tried[:, taken_up]
        for name in opened:
            moved[name][taken_up] = proposed[name][taken_up]
    return moved, likelihood
