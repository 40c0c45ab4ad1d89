"""Draws of an earlier fit, weighted to what is known now: a new week without a new fit, where that is safe.

Weights are the ratio of the posterior density of today to that of the fit: of the likelihoods of the counts,
and of the priors, which follow the record. Knots of the latent series that the fit did not reach are drawn
from their prior, as the fit itself would have left them. The weights start from the fit each time, not from
the draws of the week before, so that nothing piles up: once they cannot be trusted (Pareto's shape, effective
draws) a new fit is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.config import Config, config_hash
from forecast.errors import ForecastError
from forecast.inference.density import PosteriorDensity
from forecast.inference.importance import importance_weights
from forecast.inference.posterior import Posterior
from forecast.models.draws import with_longer_future
from forecast.panel.panel import Panel
from forecast.priors import PriorSet
from forecast.records.forecast import Diagnostics
from forecast.runs.inputs import Inputs
from forecast.runs.run import read_run

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit of an earlier watch, held in memory so that it can go to another machine."""

    config: Config
    data: Panel
    priors: PriorSet
    fit: Posterior
    diagnostics: Diagnostics

    @property
    def as_of(self) -> date:
        """Day of the fit."""
        return self.config.as_of

    def suits(self, config: Config) -> bool:
        """Whether a config asks for the same model: all is the same but for days and the question."""
        asked = {"as_of": config.as_of, "milestones": config.milestones, "headline": config.headline}
        before = self.config.model_copy(update=asked | {"events": config.events})
        before._source, before._source_path = config._source, config._source_path
        return config_hash(before) == config_hash(config)


@dataclass(frozen=True, eq=False)
class Carried:
    """Draws of equal weight that stand for today's posterior, and what the weights behind them are worth."""

    fit: Posterior
    diagnostics: Diagnostics
    pareto_k: float
    effective_draws: float


def read_fitted(folder: Path) -> Fitted | None:
    """Read a fit of an earlier watch; ``None`` where none is there, it failed, or it cannot be read."""
    try:
        run = read_run(folder)
    except (ForecastError, OSError):
        return None
    if not run.forecast.converged:
        return None
    inputs = run.inputs
    return Fitted(inputs.config, inputs.data, inputs.priors, _in_memory(run.fit), run.forecast.diagnostics)


def _in_memory(posterior: Posterior) -> Posterior:
    return Posterior(posterior.tree, posterior.target_accept, posterior.tune, posterior.reruns)


def carry(fitted: Fitted, inputs: Inputs, seed: int) -> Carried | None:
    """Weigh the draws of a fit by what was learned since, and resample; ``None`` where a new fit is due."""
    if not fitted.suits(inputs.config):
        return None
    data = inputs.data
    if fitted.data.layout != data.layout or fitted.data.grid.start != data.grid.start:
        return None
    random = np.random.default_rng([seed, inputs.config.as_of.toordinal()])
    variables = with_longer_future(fitted.fit.variables, data.grid.n_steps, random)
    now = PosteriorDensity.of(data, inputs.priors)
    before = PosteriorDensity.of(fitted.data, fitted.priors, now.n_knots)
    points = now.points(variables)[:, 0]
    ratio = now(points)[0] - before(points)[0]
    weights = importance_weights(ratio)
    if not weights.trusted:
        return None
    # Systematic resampling: as many copies of each as its share of all, up to the next whole number.
    n = len(ratio)
    edges = np.cumsum(weights.weights)
    edges[-1] = 1.0
    rows = np.searchsorted(edges, (np.arange(n) + random.random()) / n)
    carried = _posterior(fitted.fit, {name: one[rows] for name, one in variables.items()})
    return Carried(carried, fitted.diagnostics, weights.pareto_k, weights.effective_draws)


def _posterior(before: Posterior, variables: Mapping[str, Floats]) -> Posterior:
    """Return resampled draws, copies side by side in the chains that they come from."""
    import xarray as xr

    data = {}
    for name, values in variables.items():
        rest = tuple(f"{name}_dim_{place}" for place in range(values.ndim - 2))
        shaped = values.reshape(before.n_chains, -1, *values.shape[1:])
        data[name] = (("chain", "draw", "dyad", *rest), shaped)
    statistics = before.tree["sample_stats"].to_dataset()
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(data), "sample_stats": statistics})
    return Posterior(tree, before.target_accept, before.tune, before.reruns)
