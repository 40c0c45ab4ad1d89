"""Posteriors at successive origins: fit rarely, carry the draws on between fits.

A tempered sequential Monte Carlo sampler (Del Moral, Doucet and Jasra 2006,
doi:10.1111/j.1467-9868.2006.00553.x). The particles are weighted by the ratio of the densities (Pareto
smoothed: Vehtari, Simpson, Gelman, Yao and Gabry 2024, arXiv:1507.02646), and keep their weights from record
to record while enough of them stay in effect. Otherwise what the longer record adds is taken in by stages:
each takes a power of the ratio that leaves a share in effect, resamples, and moves all coordinates by
Hamiltonian Monte Carlo (Neal 2011, arXiv:1206.1901), which keeps the posterior, so that copies part again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from forecast.grid import drift_knots_for
from forecast.inference.importance import PARETO_K_MAX, effective_sample_size, importance_weights
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import PosteriorDensity, Rerun, check_gates, fit
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, StreamDraws, stream_draws
from forecast.priors import PriorSet
from forecast.streams import Acts

Floats = NDArray[np.float64]
LogDensity = Callable[[Floats], tuple[Floats, Floats]]
"""From points, shape (particle, coordinate), to log densities, shape (particle,), and their gradients."""

MOST_PARTICLES = 200
"""Draws of a fit that are carried on, evenly spaced."""
INDEPENDENT_MIN = 50.0
"""Independent draws that the particles must be worth in every coordinate.

A score needs the mean of a probability. With a share ρ of its variance p(1 − p) left open by the parameters,
n independent draws cost ρ / (2n) nats on average: .002 at n = 50 and ρ = .2, a fifth of a benchmark's error.
"""
KEPT_SHARE = 0.5
"""Share of the particles in effect with which weights are kept, and nothing is moved."""
STAGE_SHARE = 0.3
"""Share of the particles that the weights of one stage leave in effect."""
MOST_STAGES = 10
"""More than these are needed for data that contradict the particles."""
MOST_HALVINGS = 5
"""Times that a stage is made smaller since the tail of its weights is too heavy."""
LEAPFROGS = 5
FIRST_STEP = 0.3
"""Of the leapfrog, in standard deviations: what the sampler settles on, about."""
ACCEPTED = 0.8
"""Share of the proposals that steps are made for."""
ACCEPTED_MIN = 0.5
"""With fewer, the particles are moved again, by smaller steps."""
MOST_MOVES = 12
"""Moves after one stage; a fit takes as long as a hundred."""
LEARNED = 0.03
"""Weight of a stage's particles in the correlation that moves go by; the rest is what was known before.

Particles are fewer than coordinates. Moves by their own correlation alone would stay among them, where no
correlation between before and after shows it.
"""
SHRUNK = 0.1
"""Part by which correlations are shrunk, so that the matrix has a root."""


@dataclass(frozen=True)
class Particles:
    """Weighted points that stand for a posterior.

    ``points`` (particle, coordinate) are on the sampler's scale; ``value`` and ``gradient`` are of the log
    density that they stand for; ``log_weights`` hold up to a constant. Moves are scaled by ``spread``
    (coordinate), go by ``correlation`` (coordinate, coordinate), and take steps of size ``step``.
    ``copied`` (coordinate) says how much more the mean of a coordinate varies, by copies alone, than that
    of as many independent draws, less 1.
    """

    points: Floats
    value: Floats
    gradient: Floats
    log_weights: Floats
    spread: Floats
    correlation: Floats
    step: float
    copied: Floats

    @classmethod
    def of_fit(
        cls, draws: Floats, n_chains: int, density: LogDensity, most: int | None = MOST_PARTICLES
    ) -> Particles:
        """Return draws of a fit, shape (draw, coordinate), chains one after the other: ``most``, or all.

        They are evenly spaced, and worth no more independent draws than the fit has.
        """
        n = min(most or len(draws), len(draws))
        points = draws[np.linspace(0, len(draws) - 1, n).round().astype(np.int64)]
        chains = draws.T.reshape(draws.shape[1], n_chains, -1)
        effective = np.array([effective_sample_size(chain) if np.ptp(chain) else 1.0 for chain in chains])
        copied = np.maximum(n / effective - 1, 0.0)
        spread, correlation = _spread(draws, np.full(len(draws), 1 / len(draws)))
        return cls(points, *density(points), np.zeros(n), spread, correlation, FIRST_STEP, copied)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def weights(self) -> Floats:
        """Weights that sum to one, shape (particle,)."""
        weights = np.exp(self.log_weights - self.log_weights.max())
        return np.asarray(weights / weights.sum())

    @property
    def independent(self) -> float:
        """Independent draws that they are worth, in the coordinate where these are fewest."""
        return float(1 / np.sum(self.weights**2) / (1 + self.copied.max()))

    def rows(self, n: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Positions of ``n`` particles of equal weight: of each its share, up to the next number."""
        edges = np.cumsum(self.weights)
        edges[-1] = 1.0
        return np.searchsorted(edges, (np.arange(n) + random.random()) / n)


def carry_on(
    particles: Particles, before: LogDensity, now: LogDensity, random: np.random.Generator
) -> Particles | None:
    """Return particles for the density ``now``; ``None`` where a new fit is due.

    ``before`` is the density that they stand for.
    """
    found, taken = particles, 0.0
    for _ in range(MOST_STAGES):
        value, gradient = now(found.points)
        # What is left to take in: their own density is the geometric mean of both up to here.
        gain = value - found.value
        if not np.isfinite((found.log_weights + gain).max()):
            return None
        # Particles that the record rules out would have no gain next time: they go by resampling.
        if np.isfinite(value).all() and _share(found.log_weights + gain) >= KEPT_SHARE:
            whole = _weighted(found, gain)
            if whole and whole.independent >= INDEPENDENT_MIN:
                return replace(whole, value=value, gradient=gradient)
        part = _part_taken(found.log_weights, gain)
        if not part:
            return None
        for _ in range(1 + MOST_HALVINGS):
            weighted = _weighted(found, part * gain)
            if weighted:
                break
            part /= 2
        else:
            return None
        taken = 1.0 if part == 1.0 else taken + part * (1 - taken)
        weighted = replace(
            weighted,
            value=(1 - part) * found.value + part * value,
            gradient=(1 - part) * found.gradient + part * gradient,
        )
        moved = _moved(_resampled(weighted, random), _between(before, now, taken), random)
        if moved is None or taken == 1.0:
            return moved
        found = moved
    return None


def _share(log_weights: Floats) -> float:
    """Share of the particles that weights leave in effect."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights @ weights) / len(weights))


def _part_taken(log_weights: Floats, gain: Floats) -> float:
    """Largest part of the gain, up to 1, that leaves ``STAGE_SHARE`` of the particles in effect."""
    if _share(log_weights + gain) >= STAGE_SHARE:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _share(log_weights + middle * gain) >= STAGE_SHARE else (low, middle)
    return low


def _weighted(particles: Particles, gain: Floats) -> Particles | None:
    """Multiply the weights by exp(gain); ``None`` where their tail is too heavy for so many particles."""
    weights = importance_weights(particles.log_weights + gain)
    # Equation 13 of the paper. Of a tail of copies no shape can be told, and the share in effect has to do.
    if min(1 - 1 / np.log10(len(particles)), PARETO_K_MAX) <= weights.pareto_k < np.inf:
        return None
    with np.errstate(divide="ignore"):  # no weight at all
        return replace(particles, log_weights=np.log(weights.weights))


def _resampled(particles: Particles, random: np.random.Generator) -> Particles:
    """Systematic resampling to equal weights; what moves go by learns from the weighted points."""
    n, weights = len(particles), particles.weights
    spread, correlation = _spread(particles.points, weights)
    rows = particles.rows(n, random)
    return replace(
        particles,
        points=particles.points[rows],
        value=particles.value[rows],
        gradient=particles.gradient[rows],
        log_weights=np.zeros(n),
        spread=(particles.spread + spread) / 2,
        correlation=(1 - LEARNED) * particles.correlation + LEARNED * correlation,
        # Copies that have hardly parted are weighted alike, so that what is lost multiplies.
        copied=(1 + particles.copied) * n * float(weights @ weights) - 1,
    )


def _spread(points: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Standard deviations and correlations of weighted points; 0 where a coordinate does not vary."""
    apart = points - weights @ points
    spread = np.sqrt(weights @ apart**2)
    apart /= np.where(spread > 0, spread, 1.0)
    return spread, (apart.T * weights) @ apart


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
    correlation = (1 - SHRUNK) * particles.correlation
    np.fill_diagonal(correlation, 1.0)
    scale = particles.spread[:, None] * np.linalg.cholesky(correlation)
    for _ in range(MOST_MOVES):
        moved, accepted = _hamiltonian_move(found, scale, density, random)
        # Of what copies have in common, a move leaves the square of the correlation with where they were.
        kept = _correlation(found.points, moved.points) ** 2
        step = found.step * np.exp(accepted - ACCEPTED)
        found = replace(moved, step=step, copied=found.copied * kept)
        if accepted >= ACCEPTED_MIN and found.independent >= INDEPENDENT_MIN:
            return found
    return None


def _hamiltonian_move(
    particles: Particles, scale: Floats, density: LogDensity, random: np.random.Generator
) -> tuple[Particles, float]:
    """Return the particles after one trajectory each, and the mean chance that it was accepted."""
    # Steps of one size could return to where they began, along some coordinate.
    step = particles.step * random.uniform(0.8, 1.2)
    start = random.standard_normal(particles.points.shape)
    points, value, gradient = particles.points, particles.value, particles.gradient
    momentum = start
    for _ in range(LEAPFROGS):
        momentum = momentum + 0.5 * step * (gradient @ scale)
        points = points + step * (momentum @ scale.T)
        value, gradient = density(points)
        momentum = momentum + 0.5 * step * (gradient @ scale)
    with np.errstate(over="ignore", invalid="ignore"):  # where a trajectory ran away
        gain = value - particles.value - 0.5 * ((momentum**2).sum(axis=1) - (start**2).sum(axis=1))
    chance = np.exp(np.minimum(np.where(np.isfinite(gain), gain, -np.inf), 0.0))
    taken = random.random(len(particles)) < chance
    moved = replace(
        particles,
        points=np.where(taken[:, None], points, particles.points),
        value=np.where(taken, value, particles.value),
        gradient=np.where(taken[:, None], gradient, particles.gradient),
    )
    return moved, float(chance.mean())


def _correlation(one: Floats, other: Floats) -> Floats:
    """Correlation of each coordinate over the particles; 1 where it does not vary."""
    first, second = one - one.mean(axis=0), other - other.mean(axis=0)
    scale = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    product = (first * second).sum(axis=0)
    return np.divide(product, scale, out=np.ones_like(product), where=scale > 0)


MOST_FAILED = 2
"""Fits in a row that fail a gate before draws are carried on all the same: one may have been unlucky."""
FORECAST_DRAWS = 400
"""Draws that a forecast is made from, at most."""


@dataclass(frozen=True)
class OriginDraws:
    """Draws that stand for the posterior at an origin, with the priors behind it.

    ``weights``, shape (draw,), sum to one. ``refitted`` says whether a new fit was made there, ``converged``
    whether the fit passed the gates; ``effective_draws`` are what they are worth in the coordinate where
    these are fewest.
    """

    draws: StreamDraws
    weights: Floats
    priors: PriorSet
    refitted: bool
    effective_draws: float
    converged: bool


class RollingPosterior:
    """One posterior, carried from origin to origin; with ``exact`` refitted at every one.

    It is refitted where acts are told apart in another way than at the origin before, and after a fit that
    failed a gate, unless ``MOST_FAILED`` in a row did. It has
    ``n_knots``, enough for the longest record that will be asked for. ``priors`` gives those of a record; fit
    number i uses ``options.seed + 10 i``. Every fit is held to the gates of a run and made once
    more, with three times the draws and warm-up, when it fails one.
    """

    def __init__(
        self,
        n_knots: int,
        priors: Callable[[Acts], PriorSet],
        options: SamplerOptions,
        *,
        exact: bool = False,
    ) -> None:
        self._n_knots = n_knots
        self._priors = priors
        self._exact = exact
        self._options = options
        self._moves = np.random.default_rng([options.seed, 1])
        self._last: tuple[PosteriorDensity, Particles] | None = None
        self._failed = 0
        self.refit_seconds = self.bridge_seconds = 0.0
        self.n_fits = 0

    def at(self, data: Acts) -> OriginDraws:
        """Return draws that stand for the posterior given ``data``, carried on where that is safe."""
        # Products of matrices this small take many times as long where threads share busy cores.
        with threadpool_limits(1, user_api="blas"):
            return self._at(data)

    def _at(self, data: Acts) -> OriginDraws:
        began = time.process_time()
        density = PosteriorDensity.of(data, self._priors(data), self._n_knots)
        carried = None
        lucky = self._failed % MOST_FAILED == 0
        if self._last and lucky and not self._exact and self._last[0].data.layout == data.layout:
            before, particles = self._last
            carried = carry_on(particles, before, density, self._moves)
            bridged = time.process_time()
            self.bridge_seconds += bridged - began
            began = bridged
        particles = carried or self._fitted(density)
        self.refit_seconds += 0.0 if carried else time.process_time() - began
        self._last = density, particles
        every = -(-len(particles) // FORECAST_DRAWS)
        points, weights = particles.points[::every], particles.weights[::every]
        return OriginDraws(
            stream_draws(data.layout, _of_record(density, points), density.priors),
            weights / weights.sum(),
            density.priors,
            carried is None,
            particles.independent,
            self._failed == 0,
        )

    def _fitted(self, density: PosteriorDensity) -> Particles:
        options = replace(self._options, seed=self._options.seed + 10 * self.n_fits)
        longer = Rerun(3, 3 * options.tune, 0.95)
        posterior = fit(density, options, reruns=(longer,), keep_points=True)
        self._failed = 0 if check_gates(posterior).converged else self._failed + 1
        self.n_fits += 1
        most = None if self._exact else MOST_PARTICLES
        return Particles.of_fit(posterior.points, posterior.n_chains, density, most)


def _of_record(density: PosteriorDensity, points: Floats) -> dict[str, Floats]:
    """Return the variables at points without the knots beyond the record, of which it says nothing."""
    variables, knots = density.variables(points), density.data.grid.n_knots
    for name, kept in ((INNOVATIONS, knots), (DRIFT_INNOVATIONS, drift_knots_for(knots))):
        variables[name] = variables[name][..., :kept]
    return variables
