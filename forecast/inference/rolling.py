"""Posteriors at successive origins: compile once, bridge by importance weights, refit when needed.

The draws of one fit are reweighted to what is known at a later origin by the ratio of likelihoods, Pareto
smoothed (Vehtari, Simpson, Gelman, Yao, Gabry 2024, "Pareto smoothed importance sampling",
arXiv:1507.02646). The shape of the tail (k-hat) alone can miss a bounded ratio with few effective draws,
so both are gates. Latent knots beyond the data of a fit are at their prior, so the draws already hold
their future.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecast.inference.compile_cache import compile_model
from forecast.inference.gates import check_gates
from forecast.inference.importance import EFFECTIVE_DRAWS_MIN, PARETO_K_MAX, importance_weights
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import sample
from forecast.panel.panel import Panel, knots_for
from forecast.priors import PriorSet

if TYPE_CHECKING:
    from forecast.families.family import Draws, EventModel

RHAT_TOLERATED = 1.02
"""Short fits of a backtest are sampled again, longer, when R-hat of any parameter is above this."""


@dataclass(frozen=True)
class WeightedDraws:
    """Draws that stand for the posterior at an origin, as the model reads them.

    Parameters
    ----------
    weights : ndarray, shape (draw,)
        Importance weights that sum to one (equal right after a fit).
    refitted : bool
        A new fit was made at this origin.
    pareto_k, effective_draws : float
        Shape of the tail of the weights, −inf right after a fit; 1/Σw².
    converged : bool
        The fit behind the draws passed the tolerated R-hat.
    """

    draws: Draws
    weights: NDArray[np.float64]
    refitted: bool
    pareto_k: float
    effective_draws: float
    converged: bool


class RollingPosterior:
    """One compiled model, carried from origin to origin; with ``exact`` refitted at every one.

    ``longest`` is the longest grid that will be asked for (only its size matters for compiling); ``priors``
    gives those of the record that is fitted; fit number i uses ``options.seed + i``.
    """

    def __init__(
        self,
        model: EventModel,
        longest: Panel,
        priors: Callable[[Panel], PriorSet],
        options: SamplerOptions,
        *,
        exact: bool = False,
    ) -> None:
        self._model = model
        n_knots = knots_for(longest.grid.n_steps)
        self._priors = priors
        self._compiled = compile_model(model.build(longest, priors(longest), n_knots))
        self._options = options
        self._exact = exact
        self._fits = 0
        self._variables: dict[str, NDArray[np.float64]] = {}
        self._fitted: Panel | None = None
        self._converged = False

    def at(self, data: Panel) -> WeightedDraws:
        """Return draws that stand for the posterior given ``data``, by bridging where that is safe."""
        if self._fitted is not None and not self._exact:
            bridged = self._bridge(self._fitted, data)
            if bridged.pareto_k < PARETO_K_MAX and bridged.effective_draws > EFFECTIVE_DRAWS_MIN:
                return bridged
        return self._refit(data)

    def start_anew(self, seed: int) -> None:
        """Forget the last fit; the next origin is refitted from this seed."""
        self._fitted = None
        self._fits = 0
        self._options = replace(self._options, seed=seed)

    def _refit(self, data: Panel) -> WeightedDraws:
        ready = self._compiled.with_data(**self._model.arrays(data, self._priors(data)))
        options = replace(self._options, seed=self._options.seed + self._fits)
        longer = replace(options, tune=3 * options.tune, target_accept=max(options.target_accept, 0.95))
        for attempt in (options, longer):
            posterior = Posterior(sample(ready, attempt), attempt.target_accept, attempt.tune)
            self._converged = check_gates(posterior).rhat_max <= RHAT_TOLERATED
            if self._converged:
                break
        self._fits += 1
        self._fitted = data
        self._variables = dict(posterior.variables)
        draws = self._model.draws(self._variables)
        n = len(draws)
        return WeightedDraws(draws, np.full(n, 1 / n), True, -np.inf, float(n), self._converged)

    def _bridge(self, fitted: Panel, data: Panel) -> WeightedDraws:
        draws = self._model.draws(self._variables)
        likelihood = self._model.log_likelihood
        found = importance_weights(likelihood(data, draws) - likelihood(fitted, draws))
        return WeightedDraws(
            draws, found.weights, False, found.pareto_k, found.effective_draws, self._converged
        )
