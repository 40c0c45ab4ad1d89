"""Posteriors at successive origins: fit rarely, carry the draws on between fits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from threadpoolctl import threadpool_limits

from forecast.inference.density import PosteriorDensity
from forecast.inference.gates import check_gates
from forecast.inference.particles import MOST_PARTICLES, Particles, carry_on
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import Rerun, fit
from forecast.models.draws import StreamDraws
from forecast.panel.panel import Panel
from forecast.priors import PriorSet

FORECAST_DRAWS = 400
"""Draws of equal weight that a forecast is simulated from, at least."""


@dataclass(frozen=True)
class OriginDraws:
    """Draws of equal weight that stand for the posterior at an origin.

    Parameters
    ----------
    refitted : bool
        A new fit was made at this origin.
    pareto_k : float
        Largest shape of the tail of the weights of the stages since the last origin, −inf right after a fit.
    effective_draws : float
        Independent draws that they are worth, in the coordinate where these are fewest.
    converged : bool
        The fit passed the gates.
    """

    draws: StreamDraws
    refitted: bool
    pareto_k: float
    effective_draws: float
    converged: bool


@dataclass
class StageSeconds:
    """Processor time spent on fits and on carrying draws on, and the number of fits made and failed."""

    refit: float = 0.0
    bridge: float = 0.0
    fits: int = 0
    failed: int = 0


@dataclass
class _Stopwatch:
    began: float = field(default_factory=time.process_time)

    def lap(self) -> float:
        now = time.process_time()
        passed, self.began = now - self.began, now
        return passed


class RollingPosterior:
    """One posterior, carried from origin to origin; with ``exact`` refitted at every one.

    It has ``n_knots``, enough for the longest record that will be asked for. ``priors`` gives those of a
    record; fit number i uses ``options.seed + 10 i``. Every fit is held to the gates of a run and made once
    more, with three times the draws and warm-up, when it fails one.
    """

    def __init__(
        self,
        n_knots: int,
        priors: Callable[[Panel], PriorSet],
        options: SamplerOptions,
        *,
        exact: bool = False,
    ) -> None:
        self._n_knots = n_knots
        self._priors = priors
        self._exact = exact
        self._options = options
        self._moves, self._rows = (np.random.default_rng([options.seed, which]) for which in (1, 2))
        self._last: tuple[PosteriorDensity, Particles] | None = None
        self._converged = False
        self.spent = StageSeconds()

    def at(self, data: Panel) -> OriginDraws:
        """Return draws that stand for the posterior given ``data``, carried on where that is safe."""
        # Products of matrices this small take many times as long where threads share busy cores.
        with threadpool_limits(1, user_api="blas"):
            return self._at(data)

    def _at(self, data: Panel) -> OriginDraws:
        watch = _Stopwatch()
        density = PosteriorDensity.of(data, self._priors(data), self._n_knots)
        carried = None
        if self._last is not None and not self._exact:
            before, particles = self._last
            carried = carry_on(particles, before, density, self._moves)
            self.spent.bridge += watch.lap()
        particles = carried or self._fitted(density)
        self.spent.refit += 0.0 if carried else watch.lap()
        self._last = density, particles
        rows = particles.rows(max(len(particles), FORECAST_DRAWS), self._rows)
        return OriginDraws(
            StreamDraws(data.layout, density.layout, density.values(particles.points[rows])),
            carried is None,
            particles.pareto_k,
            particles.independent,
            self._converged,
        )

    def _fitted(self, density: PosteriorDensity) -> Particles:
        options = replace(self._options, seed=self._options.seed + 10 * self.spent.fits)
        longer = Rerun(3, 3 * options.tune, 0.95)
        posterior = fit(density, options, reruns=(longer,), keep_points=True)
        self._converged = check_gates(posterior).converged
        self.spent.fits += 1
        self.spent.failed += not self._converged
        most = None if self._exact else MOST_PARTICLES
        return Particles.of_fit(posterior.points, posterior.n_chains, density, most)
