"""Draws of one record's posterior carried on to a longer record, without a fit.

A tempered sequential Monte Carlo sampler (Del Moral, Doucet and Jasra 2006,
doi:10.1111/j.1467-9868.2006.00553.x). What the longer record adds is taken in by stages. In each, the
particles are weighted by a power of the ratio of densities that leaves a share of them in effect (Pareto
smoothed: Vehtari, Simpson, Gelman, Yao and Gabry 2024, arXiv:1507.02646) and resampled. Then all
coordinates are moved by Hamiltonian Monte Carlo (Neal 2011, arXiv:1206.1901), which keeps the posterior, so
that copies part again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.inference.importance import PARETO_K_MAX, effective_sample_size, importance_weights

Floats = NDArray[np.float64]
LogDensity = Callable[[Floats], tuple[Floats, Floats]]
"""From points, shape (particle, coordinate), to log densities, shape (particle,), and their gradients."""

MOST_PARTICLES = 400
"""Draws of a fit that are carried on, evenly spaced."""
INDEPENDENT_MIN = 50.0
"""Independent draws that the particles must be worth in every coordinate.

A score needs the mean of a probability. With a share ρ of its variance p(1 − p) left open by the parameters,
n independent draws cost ρ / (2n) nats on average: .002 at n = 50 and ρ = .2, a fifth of a benchmark's error.
"""
STAGE_SHARE = 0.5
"""Share of the particles that the weights of one stage leave in effect."""
MOST_STAGES = 6
"""More than these are needed for data that contradict the particles."""
LEAPFROGS = 8
FIRST_STEP = 0.2
"""Of the leapfrog, in standard deviations of each coordinate: what the sampler settles on, about."""
ACCEPTED = 0.8
"""Share of the proposals that steps are made for."""
ACCEPTED_MIN = 0.5
"""With fewer, the particles are moved again, by smaller steps."""
MOST_MOVES = 4
"""Moves after one stage."""


@dataclass(frozen=True)
class Particles:
    """Points of equal weight that stand for a posterior.

    Parameters
    ----------
    points : ndarray, shape (particle, coordinate)
        On the sampler's scale.
    scale : ndarray, shape (coordinate,)
        Standard deviations, by which moves are scaled.
    step : float
        Size of the steps of the next move.
    copied : ndarray, shape (coordinate,)
        How much more the mean of a coordinate varies than that of as many independent draws, less 1.
    pareto_k : float
        Largest shape of the tail of the weights on the way from the last record; −inf right after a fit.
    """

    points: Floats
    scale: Floats
    step: float
    copied: Floats
    pareto_k: float = -np.inf

    @classmethod
    def of_fit(cls, draws: Floats, n_chains: int, most: int | None = MOST_PARTICLES) -> Particles:
        """Return draws of a fit, shape (draw, coordinate), chains one after the other: ``most``, or all.

        They are evenly spaced, and worth no more independent draws than the fit has.
        """
        n = min(most or len(draws), len(draws))
        points = draws[np.linspace(0, len(draws) - 1, n).round().astype(np.int64)]
        chains = draws.T.reshape(draws.shape[1], n_chains, -1)
        effective = np.array([effective_sample_size(one) if np.ptp(one) else 1.0 for one in chains])
        return cls(points, draws.std(axis=0), FIRST_STEP, np.maximum(n / effective - 1, 0.0))

    def __len__(self) -> int:
        return len(self.points)

    @property
    def independent(self) -> float:
        """Independent draws that they are worth, in the coordinate where these are fewest."""
        return float(len(self) / (1 + self.copied.max()))


def carry_on(
    particles: Particles, before: LogDensity, now: LogDensity, random: np.random.Generator
) -> Particles | None:
    """Return particles for the density ``now``; ``None`` where a new fit is due.

    ``before`` is the density that they stand for.
    """
    found = replace(particles, pareto_k=-np.inf)
    taken = 0.0
    for _ in range(MOST_STAGES):
        gain = now(found.points)[0] - before(found.points)[0]
        if not np.isfinite(gain.max()):
            return None
        power = _next_power(gain, 1 - taken)
        if not power:
            return None
        weights = importance_weights(power * gain)
        # So many draws bear no heavier tail (equation 13 of the paper).
        if not weights.pareto_k < min(1 - 1 / np.log10(len(found)), PARETO_K_MAX):
            return None
        taken = 1.0 if power == 1 - taken else taken + power
        found = _resampled(found, weights.weights, random)
        found = replace(found, pareto_k=max(found.pareto_k, weights.pareto_k))
        moved = _moved(found, _between(before, now, taken), random)
        if moved is None or taken == 1.0:
            return moved
        found = moved
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


def _resampled(particles: Particles, weights: Floats, random: np.random.Generator) -> Particles:
    """Systematic resampling: as many copies of each as its share of all, up to the next whole number."""
    n = len(weights)
    edges = np.cumsum(weights)
    edges[-1] = 1.0
    rows = np.searchsorted(edges, (np.arange(n) + random.random()) / n)
    # Copies that have hardly parted are weighted alike, so that what is lost multiplies.
    copied = (1 + particles.copied) * n * float(weights @ weights) - 1
    points = particles.points[rows]
    scale = (particles.scale + points.std(axis=0)) / 2
    return replace(particles, points=points, scale=scale, copied=copied)


def _between(before: LogDensity, now: LogDensity, taken: float) -> LogDensity:
    """The geometric mean of two densities, with weights 1 − ``taken`` and ``taken``."""
    if taken == 1.0:
        return now

    def density(points: Floats) -> tuple[Floats, Floats]:
        (first, down), (second, up) = before(points), now(points)
        return (1 - taken) * first + taken * second, (1 - taken) * down + taken * up

    return density


def _moved(particles: Particles, density: LogDensity, random: np.random.Generator) -> Particles | None:
    """Move all particles until enough of a move is accepted and copies have parted.

    ``None`` where ``MOST_MOVES`` do not suffice.
    """
    found = particles
    for _ in range(MOST_MOVES):
        points, accepted = _hamiltonian_move(found, density, random)
        # Of what copies have in common, a move leaves the square of the correlation with where they were.
        kept = _correlation(found.points, points) ** 2
        step = found.step * np.exp(accepted - ACCEPTED)
        found = replace(found, points=points, step=step, copied=found.copied * kept)
        if accepted >= ACCEPTED_MIN and found.independent >= INDEPENDENT_MIN:
            return found
    return None


def _hamiltonian_move(
    particles: Particles, density: LogDensity, random: np.random.Generator
) -> tuple[Floats, float]:
    """Return the particles after one trajectory each, and the mean chance that it was accepted."""
    points, scale = particles.points, particles.scale
    # Steps of one size could return to where they began, along some coordinate.
    step = particles.step * random.uniform(0.8, 1.2)
    start = random.standard_normal(points.shape)
    before, gradient = density(points)
    moved, momentum, value = points, start, before
    for _ in range(LEAPFROGS):
        momentum = momentum + 0.5 * step * scale * gradient
        moved = moved + step * scale * momentum
        value, gradient = density(moved)
        momentum = momentum + 0.5 * step * scale * gradient
    with np.errstate(over="ignore", invalid="ignore"):  # where a trajectory ran away
        gain = value - before - 0.5 * ((momentum**2).sum(axis=1) - (start**2).sum(axis=1))
    chance = np.exp(np.minimum(np.where(np.isfinite(gain), gain, -np.inf), 0.0))
    taken = random.random(len(points)) < chance
    return np.where(taken[:, None], moved, points), float(chance.mean())


def _correlation(one: Floats, other: Floats) -> Floats:
    """Correlation of each coordinate over the particles; 1 where it does not vary."""
    first, second = one - one.mean(axis=0), other - other.mean(axis=0)
    scale = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    product = (first * second).sum(axis=0)
    return np.divide(product, scale, out=np.ones_like(product), where=scale > 0)
