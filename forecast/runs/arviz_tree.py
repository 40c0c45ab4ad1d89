"""All that ArviZ asks of a fit: draws, priors, predictions and log likelihood, as groups of one tree.

Made on demand from the saved draws, which stay small: pointwise log likelihoods are larger than all else in a
run folder. Predictions and log likelihood are of each week and kind of act *given what was seen before*.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.errors import InputError, did_you_mean, shown
from forecast.families.family import ExplainsRecord
from forecast.models.draws import INNOVATIONS, prior_draws
from forecast.panel.panel import STEP_DAYS
from forecast.priors import PriorSet
from forecast.runs.inputs import FitInputs

if TYPE_CHECKING:
    from forecast.runs.run import Run

Floats = NDArray[np.float64]
Variable = tuple[tuple[Hashable, ...], NDArray[Any]]
OBSERVED = "acts"
"""Name of what was observed, in every group that has it."""
_PRIOR_DRAWS, _PREDICTED_DRAWS = 1000, 500
_STREAM_OF_SEEDS = 0xA5


def arviz_tree(run: Run, model: str | None = None) -> xr.DataTree:
    """Return the tree of one model of a run, of the one that answers the headline when none is named.

    Raises
    ------
    InputError
        The run has no model of that name.
    """
    fits = {fit.model.name: fit for fit in run.inputs.fits}
    fit = run.inputs.main if model is None else fits.get(model)
    if fit is None:
        raise InputError(
            f"model: got {shown(repr(model))}; expected one of {', '.join(fits)}."
            f"{did_you_mean(str(model), fits)}"
        )
    kept = run.posteriors[fit.model.name].tree
    posterior = kept["posterior"].to_dataset()
    groups = {name: part.to_dataset() for name, part in kept.children.items()}
    if isinstance(fit.model, ExplainsRecord):
        rng = np.random.default_rng([run.inputs.config.sampler.seed, _STREAM_OF_SEEDS])
        groups |= _groups(fit, fit.model, posterior, run.posteriors[fit.model.name].variables, rng)
    tree = xr.DataTree.from_dict({name: _with_sample_dims(part) for name, part in groups.items()})
    tree.attrs = dict(kept.attrs)
    return tree


def _groups(
    fit: FitInputs,
    model: ExplainsRecord,
    posterior: xr.Dataset,
    variables: Mapping[str, Floats],
    rng: np.random.Generator,
) -> dict[str, xr.Dataset]:
    chains = posterior.sizes["chain"]
    n_knots = variables[INNOVATIONS].shape[-1]
    prior = prior_draws(fit.priors, _PRIOR_DRAWS, n_knots, rng)
    record = model.record_under_draws(fit.panel, fit.priors, variables)
    every = max(1, -(-len(record.mean) // _PREDICTED_DRAWS))
    few = {name: values[:_PREDICTED_DRAWS] for name, values in prior.items()}
    from_prior = model.record_under_draws(fit.panel, fit.priors, few)

    def of_record(values: NDArray[Any], n_chains: int, step: int = 1) -> xr.Dataset:
        by_chain = values.reshape(n_chains, -1, *values.shape[1:])
        draws = step * np.arange(by_chain.shape[1])
        return _dataset(fit, {OBSERVED: (("chain", "draw", "week", "kind"), by_chain)}).assign_coords(
            chain=np.arange(n_chains), draw=draws
        )

    predicted = record.draw_counts(rng).reshape(chains, -1, *record.mean.shape[1:])[:, ::every]
    return {
        "log_likelihood": of_record(record.log_likelihood, chains),
        "log_prior": _log_prior(fit.priors, posterior),
        "posterior_predictive": of_record(predicted.reshape(-1, *predicted.shape[2:]), chains, every),
        "prior": _prior(posterior, prior),
        "prior_predictive": of_record(from_prior.draw_counts(rng), 1),
        "observed_data": _dataset(fit, {OBSERVED: (("week", "kind"), fit.panel.counts[0])}),
        "constant_data": _dataset(
            fit,
            {
                "exposure": (("week",), fit.panel.exposure[0]),
                "completeness": (("week",), fit.panel.completeness[0]),
            },
        ),
    }


def _dataset(fit: FitInputs, variables: Mapping[str, Variable]) -> xr.Dataset:
    """Dataset with the first day of each week, and the kinds of act where a variable has them."""
    grid = fit.panel.grid
    weeks = np.datetime64(grid.start, "ns") + np.arange(grid.n_steps) * np.timedelta64(STEP_DAYS, "D")
    made = xr.Dataset(dict(variables), coords={"week": weeks})
    return made.assign_coords(kind=list(fit.panel.layout.streams)) if "kind" in made.dims else made


def _prior(posterior: xr.Dataset, prior: Mapping[str, Floats]) -> xr.Dataset:
    """Prior draws as one chain, with the dimensions of the posterior."""
    variables: dict[str, Variable] = {
        name: (posterior[name].dims, prior[name][:, 0][None])
        for name in map(str, posterior.data_vars)
        if name in prior
    }
    coords = {name: values for name, values in posterior.coords.items() if name not in ("chain", "draw")}
    return xr.Dataset(variables, coords={"chain": [0], "draw": np.arange(_PRIOR_DRAWS), **coords})


def _log_prior(priors: PriorSet, posterior: xr.Dataset) -> xr.Dataset:
    """Log prior density of every parameter; the innovations of latent processes are none."""
    made = {}
    for group in priors.groups:
        values = posterior[group.variable]
        own = [one.distribution for one in priors.of_group(group)]
        if group.dimension is None:
            made[group.variable] = values.copy(data=own[0].log_density(values.values))
        else:
            columns = [one.log_density(values.values[..., k]) for k, one in enumerate(own)]
            made[group.variable] = values.copy(data=np.stack(columns, axis=-1))
    return xr.Dataset(made)


def _with_sample_dims(part: xr.Dataset) -> xr.Dataset:
    """Dataset with the attribute by which ArviZ knows the dimensions of draws."""
    if "draw" not in part.dims:
        return part
    return part.assign_attrs(sample_dims=["chain", "draw"])
