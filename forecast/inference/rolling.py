"""Posteriors at successive origins: compile once, fit rarely, carry the draws on by weights.

Between fits the draws of the last one go from origin to origin as the particles of a filter (Gordon, Salmond
and Smith 1993, doi:10.1049/ip-f-2.1993.0015): they are weighted by the ratio of likelihoods, Pareto smoothed
(Vehtari, Simpson, Gelman, Yao, Gabry 2024, arXiv:1507.02646), resampled, and what lies beyond the data is
drawn anew. Only what was learned since the last origin enters a step of weights, so that they hold longer
than weights from an old fit. Draws that come from the same draw of the fit are not separate evidence on
the parameters: a new fit is made when too few *ancestors* are left, or a step's weights cannot be trusted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecast.inference.compile_cache import compile_model
from forecast.inference.gates import check_gates
from forecast.inference.importance import PARETO_K_MAX, importance_weights
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import Rerun, fit_compiled
from forecast.models.draws import with_new_future
from forecast.panel.panel import Panel
from forecast.priors import PriorSet

if TYPE_CHECKING:
    from forecast.families.family import Draws, EventModel

ANCESTORS_MIN = 50.0
"""Effective number of draws of the fit that must be left behind the particles.

A score needs the mean of a probability. With a share ρ of its variance p(1 − p) left open by the parameters,
n effective draws cost ρ / (2n) nats on average: .002 at n = 50 and ρ = .2, a fifth of a benchmark's error.
"""
STEP_MIN = 0.1
"""Share of the particles that the weights of one step must leave in effect."""
Variables = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class OriginDraws:
    """Draws of equal weight that stand for the posterior at an origin, as the model reads them.

    Parameters
    ----------
    refitted : bool
        A new fit was made at this origin.
    pareto_k : float
        Shape of the tail of the weights of the last step, −inf right after a fit.
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
class _Particles:
    """Draws of equal weight at an origin: variables, log likelihood and draw of the fit, by particle."""

    variables: Variables
    log_likelihood: NDArray[np.float64]
    ancestor: NDArray[np.int64]
    pareto_k: float = -np.inf

    def spaced(self, most: int | None) -> Variables:
        """Variables of evenly spaced particles: copies of a draw, and draws of a chain, stand together."""
        n = len(self.ancestor)
        if most is None or most >= n:
            return self.variables
        rows = np.linspace(0, n - 1, most).round().astype(np.int64)
        return {name: values[rows] for name, values in self.variables.items()}

    @property
    def effective_ancestors(self) -> float:
        share = np.bincount(self.ancestor) / len(self.ancestor)
        return float(1 / np.sum(share**2))


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
        self._particles: _Particles | None = None
        self._converged = False
        self.spent = StageSeconds()

    def at(self, data: Panel, most: int | None = None) -> OriginDraws:
        """Return draws that stand for the posterior given ``data``, carried on where that is safe.

        All of them, or ``most``, evenly spaced.
        """
        watch = _Stopwatch()
        carried = None
        if self._particles is not None and not self._exact:
            carried = self._carry_on(self._particles, data)
            self.spent.bridge += watch.lap()
        self._particles = carried or self._refit(data)
        self.spent.refit += 0.0 if carried else watch.lap()
        return OriginDraws(
            self._model.draws(self._particles.spaced(most)),
            carried is None,
            self._particles.pareto_k,
            self._particles.effective_ancestors,
            self._converged,
        )

    def _refit(self, data: Panel) -> _Particles:
        ready = self._compiled.with_data(**self._model.arrays(data, self._priors(data)))
        options = replace(self._options, seed=self._options.seed + 10 * self.spent.fits)
        longer = Rerun(3, 3 * options.tune, 0.95)
        posterior = fit_compiled(ready, options, reruns=(longer,))
        self._converged = check_gates(posterior).converged
        self.spent.fits += 1
        self.spent.failed += not self._converged
        variables, n = dict(posterior.variables), posterior.n_draws
        likelihood = np.zeros(n) if self._exact else self._log_likelihood(data, variables)
        return _Particles(variables, likelihood, np.arange(n))

    def _log_likelihood(self, data: Panel, variables: Variables) -> NDArray[np.float64]:
        return self._model.log_likelihood(data, self._model.draws(variables))

    def _carry_on(self, before: _Particles, data: Panel) -> _Particles | None:
        """Weigh by what was learned since, and resample; ``None`` where a new fit is due."""
        now = self._log_likelihood(data, before.variables)
        found = importance_weights(now - before.log_likelihood)
        n = len(now)
        if not (found.pareto_k < PARETO_K_MAX and found.effective_draws >= STEP_MIN * n):
            return None
        # Systematic resampling: as many copies of each as its share of all, up to the next whole number.
        edges = np.cumsum(found.weights)
        edges[-1] = 1.0
        rows = np.searchsorted(edges, (np.arange(n) + self._random.random()) / n)
        variables = {name: values[rows] for name, values in before.variables.items()}
        variables = with_new_future(variables, data.grid.n_steps, self._random)
        particles = _Particles(variables, now[rows], before.ancestor[rows], found.pareto_k)
        return particles if particles.effective_ancestors >= ANCESTORS_MIN else None
