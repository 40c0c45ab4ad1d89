"""The samplers that ``forecast bench`` compares with: PyMC's own and NumPyro, as their users call them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

import pymc as pm
import xarray as xr

from forecast.inference.sampling import SamplerOptions

CORES = 2
"""Processes of PyMC's sampler, and devices of NumPyro's."""


def sample_by_pymc(model: pm.Model, options: SamplerOptions, names: Sequence[str]) -> xr.DataTree:
    """Draw with the No-U-Turn sampler of PyMC; ``target_accept`` is PyMC's default.

    Parameters
    ----------
    model : pymc.Model
    options : SamplerOptions
    names : sequence of str
        Variables to keep.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and ``sample_stats``; the attribute ``sampling_time`` of the posterior is the
        time without compilation, in seconds.
    """
    tree = pm.sample(
        draws=options.draws,
        tune=options.tune,
        chains=options.chains,
        cores=CORES,
        random_seed=options.seed,
        nuts_sampler="pymc",
        model=model,
        var_names=list(names),
        quiet=True,
        progressbar=False,
        compute_convergence_checks=False,
    )
    return _kept(tree, names)


def has_numpyro() -> bool:
    """NumPyro is installed (the extra ``bench``)."""
    return find_spec("numpyro") is not None


def sample_by_numpyro(model: pm.Model, options: SamplerOptions, names: Sequence[str]) -> xr.DataTree:
    """Draw with the No-U-Turn sampler of NumPyro, a chain a device, through PyMC.

    As ``sample_by_pymc``, but that ``sampling_time`` holds compilation too.

    Raises
    ------
    ModuleNotFoundError
        NumPyro is not installed.
    """
    # JAX reads the number of devices when it is first used; later calls change nothing.
    import_module("numpyro").set_host_device_count(options.chains)
    tree = import_module("pymc.sampling.jax").sample_numpyro_nuts(
        draws=options.draws,
        tune=options.tune,
        chains=options.chains,
        random_seed=options.seed,
        model=model,
        var_names=list(names),
        progressbar=False,
        quiet=True,
        compute_convergence_checks=False,
    )
    return _kept(tree, names)


def _kept(tree: xr.DataTree, names: Sequence[str]) -> xr.DataTree:
    posterior = tree["posterior"].to_dataset()
    statistics = tree["sample_stats"].to_dataset()[["diverging", "energy"]]
    return xr.DataTree.from_dict({"posterior": posterior[list(names)], "sample_stats": statistics})
