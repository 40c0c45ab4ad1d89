"""Posteriors at successive origins: compile once, fit rarely, carry the draws on between fits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from forecast.inference.compile_cache import compile_model
from forecast.inference.gates import check_gates
from forecast.inference.particles import MOST_PARTICLES, LogLikelihood, Particles, carry_on
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import Rerun, fit_compiled
from forecast.panel.panel import Panel
from forecast.priors import PriorSet

if TYPE_CHECKING:
    from forecast.families.family import Draws, EventModel


@dataclass(frozen=True)
class OriginDraws:
    """Draws of equal weight that stand for the posterior at an origin, as the model reads them.

    Parameters
    ----------
    refitted : bool
        A new fit was made at this origin.
    pareto_k : float
        Shape of the tail of the weights since the last origin, −inf right after a fit.
    effective_draws : float
        Draws of the fit that are behind them, 1/Σ of squared shares.
    converged : bool
        The fit passed the gates.
    """

    draws: Draws
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
    """One compiled model, carried from origin to origin; with ``exact`` refitted at every one.

    It is compiled for ``n_knots``, enough for the longest record that will be asked for, on ``example``, of
    which nothing else is kept. ``priors`` gives those of the record that is fitted; fit number i uses
    ``options.seed + 10 i``. Every fit is held to the gates of a run and made once more, with three times the
    draws and warm-up, when it fails one.
    """

    def __init__(
        self,
        model: EventModel,
        example: Panel,
        n_knots: int,
        priors: Callable[[Panel], PriorSet],
        options: SamplerOptions,
        *,
        exact: bool = False,
    ) -> None:
        self._model = model
        self._priors = priors
        self._compiled = compile_model(model.build(example, priors(example), n_knots))
        self._options = options
        self._exact = exact
        self.start_anew(options.seed)

    def start_anew(self, seed: int) -> None:
        """Forget the last fit; the next origin is refitted from this seed."""
        self._options = replace(self._options, seed=seed)
        self._random = np.random.default_rng([seed, 1])
        self._last: tuple[Panel, Particles] | None = None
        self._converged = False
        self.spent = StageSeconds()

    def at(self, data: Panel, most: int | None = None) -> OriginDraws:
        """Return draws that stand for the posterior given ``data``, carried on where that is safe.

        All of them, or ``most``, evenly spaced.
        """
        watch = _Stopwatch()
        carried = None
        if self._last is not None and not self._exact:
            before, particles = self._last
            likelihoods = self._log_likelihood(before), self._log_likelihood(data)
            carried = carry_on(particles, *likelihoods, data.grid.n_steps, self._random)
            self.spent.bridge += watch.lap()
        particles = carried or self._refit(data)
        self.spent.refit += 0.0 if carried else watch.lap()
        self._last = data, particles
        return OriginDraws(
            self._model.draws(particles.spaced(most).variables),
            carried is None,
            particles.pareto_k,
            particles.effective_ancestors,
            self._converged,
        )

    def _refit(self, data: Panel) -> Particles:
        ready = self._compiled.with_data(**self._model.arrays(data, self._priors(data)))
        options = replace(self._options, seed=self._options.seed + 10 * self.spent.fits)
        longer = Rerun(3, 3 * options.tune, 0.95)
        posterior = fit_compiled(ready, options, reruns=(longer,))
        self._converged = check_gates(posterior).converged
        self.spent.fits += 1
        self.spent.failed += not self._converged
        found = Particles(posterior.variables, np.arange(posterior.n_draws), data.grid.n_steps)
        return found if self._exact else found.spaced(MOST_PARTICLES)

    def _log_likelihood(self, data: Panel) -> LogLikelihood:
        return lambda variables: self._model.log_likelihood(data, self._model.draws(variables))
