"""All that ArviZ asks of a fit: draws, priors, predictions and log likelihood, as groups of one tree.

Made on demand from the saved draws, which stay small: pointwise log likelihoods are larger than all else in a
run folder. Predictions and log likelihood are of each week and kind of act, every day *given what was seen
before it*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.inference.posterior import Posterior
from forecast.models.draws import StreamDraws, prior_draws, stream_draws
from forecast.models.intensity import replay
from forecast.panel import STEP_DAYS
from forecast.priors import PriorSet
from forecast.streams import Acts

Floats = NDArray[np.float64]
OBSERVED = "acts"
"""Name of the counts, which have dimensions week and kind."""
_PRIOR_DRAWS, _PREDICTED_DRAWS = 1000, 500
_STREAM_OF_SEEDS = 0xA5


def arviz_tree(fit: Posterior, draws: StreamDraws, data: Acts, priors: PriorSet, seed: int) -> xr.DataTree:
    """Return the tree of a fit; ``draws`` are its draws as the simulator reads them."""
    posterior = fit.tree["posterior"].to_dataset()
    chains, knots = posterior.sizes["chain"], posterior.sizes["knot"]
    seeds = np.random.SeedSequence([seed, _STREAM_OF_SEEDS])
    drawing, *playing = (int(seed) for seed in seeds.generate_state(3))
    prior = prior_draws(priors, _PRIOR_DRAWS, knots, np.random.default_rng(drawing))
    likelihood, predicted = replay(data, priors, draws, playing[0])
    from_prior = stream_draws(data.layout, prior, priors).rows(slice(_PREDICTED_DRAWS))
    _, expected = replay(data, priors, from_prior, playing[1])
    every = max(1, -(-len(draws) // _PREDICTED_DRAWS))
    groups = {name: part.to_dataset() for name, part in fit.tree.children.items()} | {
        "log_likelihood": _of_weeks(data, likelihood, chains),
        "log_prior": _log_prior(priors, posterior),
        "posterior_predictive": _of_weeks(data, predicted, chains).isel(draw=slice(None, None, every)),
        "prior": _prior(posterior, prior),
        "prior_predictive": _of_weeks(data, expected, 1),
        "observed_data": _dataset(data, {OBSERVED: (("week", "kind"), data.counts)}),
        "constant_data": _dataset(
            data, {"exposure": (("week",), data.exposure), "completeness": (("week",), data.completeness)}
        ),
    }
    tree = xr.DataTree.from_dict({name: _with_sample_dims(part) for name, part in groups.items()})
    tree.attrs = dict(fit.tree.attrs)
    return tree


def _of_weeks(data: Acts, values: NDArray[Any], chains: int) -> xr.Dataset:
    """Dataset of values of shape (draw, week, kind), chains one after the other."""
    by_chain = values.reshape(chains, -1, *values.shape[1:])
    made = _dataset(data, {OBSERVED: (("chain", "draw", "week", "kind"), by_chain)})
    return made.assign_coords(chain=np.arange(chains), draw=np.arange(by_chain.shape[1]))


def _dataset(data: Acts, variables: Mapping[str, tuple[tuple[str, ...], NDArray[Any]]]) -> xr.Dataset:
    """Dataset with the first day of each week, and the kinds of act where a variable has them."""
    grid = data.grid
    weeks = np.datetime64(grid.start, "ns") + np.arange(grid.n_steps) * np.timedelta64(STEP_DAYS, "D")
    made = xr.Dataset(dict(variables), coords={"week": weeks})
    return made.assign_coords(kind=list(data.layout.streams)) if "kind" in made.dims else made


def _prior(posterior: xr.Dataset, prior: Mapping[str, Floats]) -> xr.Dataset:
    """Prior draws as one chain, with the dimensions of the posterior."""
    variables = {str(name): (part.dims, prior[str(name)][None]) for name, part in posterior.items()}
    coords = {name: values for name, values in posterior.coords.items() if name not in ("chain", "draw")}
    return xr.Dataset(variables, coords={"chain": [0], "draw": np.arange(_PRIOR_DRAWS), **coords})


def _log_prior(priors: PriorSet, posterior: xr.Dataset) -> xr.Dataset:
    """Log prior density of every parameter; the innovations of latent processes are none."""
    made = {}
    for group in priors.groups:
        if own := priors.of_group(group):
            values = posterior[group.variable]
            columns = values.values.reshape(*values.shape[:2], -1)
            parts = [prior.distribution.log_density(columns[..., k]) for k, prior in enumerate(own)]
            made[group.variable] = values.copy(data=np.stack(parts, axis=-1).reshape(values.shape))
    return xr.Dataset(made)


def _with_sample_dims(part: xr.Dataset) -> xr.Dataset:
    """Dataset with the attribute by which ArviZ knows the dimensions of draws."""
    if "draw" not in part.dims:
        return part
    return part.assign_attrs(sample_dims=["chain", "draw"])
