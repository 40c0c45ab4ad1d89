"""Our default beside the naive form of the same model under other samplers, round by round."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any

import pymc as pm
import xarray as xr

from forecast.inference.compile_cache import compile_model
from forecast.inference.gates import check_gates
from forecast.inference.options import SamplerOptions
from forecast.inference.posterior import Posterior
from forecast.inference.sampling import sample
from forecast.models.streams import build_model
from forecast.runs.inputs import Inputs

OURS = "fused model, nutpie"
PYMC = "naive model, PyMC NUTS"
NUMPYRO = "naive model, NumPyro NUTS"
CORES = 2
"""Processes of PyMC's sampler."""


@dataclass(frozen=True)
class SamplerRun:
    """One run of one sampler; ``draws`` and ``tune`` are of each chain.

    Parameters
    ----------
    total_seconds : float
        From counts to draws: building and compiling the model, warm-up, sampling.
    sampling_seconds : float
        Without building and compiling (for NumPyro, which compiles as it samples, with compiling).
    ess_bulk_min : float
        Least bulk effective sample size over all parameters and the tension at all knots.
    """

    sampler: str
    draws: int
    tune: int
    total_seconds: float
    sampling_seconds: float
    ess_bulk_min: float
    rhat_max: float
    divergences: int

    @property
    def ess_per_second(self) -> float:
        """Effective draws a second of sampling (warm-up included)."""
        return self.ess_bulk_min / self.sampling_seconds

    @property
    def ess_per_total_second(self) -> float:
        """Effective draws a second from counts to draws."""
        return self.ess_bulk_min / self.total_seconds


def race(
    inputs: Inputs,
    ours: SamplerOptions,
    naive: SamplerOptions,
    rounds: int,
    tell: Callable[[str], None],
) -> list[list[SamplerRun]]:
    """Run the samplers one after the other, round after round; a list of runs a round.

    A round that compiles what later rounds load from disk comes before and is not counted.
    """
    samplers = [PYMC, NUMPYRO] if has_numpyro() else [PYMC]
    result = []
    # PyMC forks its workers, which a process with JAX's threads in it must not do.
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as apart:
        for number in range(rounds + 1):
            seed = ours.seed + number
            label = f"round {number} of {rounds}" if number else "warm-up"
            short = {} if number else {"draws": 10, "tune": 10}
            tell(f"{label}: {OURS}")
            first, names = _ours(inputs, replace(ours, seed=seed, **short))
            runs = [first]
            for sampler in samplers:
                tell(f"{label}: {sampler}")
                asked = replace(naive, seed=seed, **short)
                if sampler == NUMPYRO:
                    runs.append(apart.submit(_naive, inputs, asked, sampler, names).result())
                else:
                    runs.append(_naive(inputs, asked, sampler, names))
            if number:
                result.append(runs)
    return result


def _ours(inputs: Inputs, options: SamplerOptions) -> tuple[SamplerRun, list[str]]:
    began = time.perf_counter()
    compiled = compile_model(build_model(inputs.data, inputs.priors))
    ready = time.perf_counter()
    tree = sample(compiled, options)
    done = time.perf_counter()
    names = [str(name) for name in tree["posterior"].data_vars]
    return _run(OURS, options, tree, done - began, done - ready), names


def _naive(inputs: Inputs, options: SamplerOptions, sampler: str, names: list[str]) -> SamplerRun:
    began = time.perf_counter()
    tree = _sample(sampler, build_model(inputs.data, inputs.priors, form="plain"), options, names)
    seconds = time.perf_counter() - began
    return _run(sampler, options, tree, seconds, float(tree["posterior"].attrs["sampling_time"]))


def _run(
    sampler: str, options: SamplerOptions, tree: xr.DataTree, total: float, sampling: float
) -> SamplerRun:
    gates = check_gates(Posterior(tree, options.target_accept, options.tune))
    measured = total, sampling, gates.ess_bulk_min, gates.rhat_max, gates.divergences
    return SamplerRun(sampler, options.draws, options.tune, *measured)


def has_numpyro() -> bool:
    """NumPyro is installed (the extra ``bench``)."""
    return find_spec("numpyro") is not None


def _sample(sampler: str, model: pm.Model, options: SamplerOptions, names: Sequence[str]) -> xr.DataTree:
    """Draw the named variables with the No-U-Turn sampler of PyMC or NumPyro, as their users call them.

    The attribute ``sampling_time`` of the posterior is in seconds, without compilation for PyMC alone.
    ``target_accept`` is their default.
    """
    asked: dict[str, Any] = {
        "draws": options.draws,
        "tune": options.tune,
        "chains": options.chains,
        "random_seed": options.seed,
        "model": model,
        "var_names": list(names),
        "quiet": True,
        "progressbar": False,
        "compute_convergence_checks": False,
    }
    if sampler == NUMPYRO:
        # JAX reads the number of devices (one a chain) when it is first used; later calls change nothing.
        import_module("numpyro").set_host_device_count(options.chains)
        tree = import_module("pymc.sampling.jax").sample_numpyro_nuts(**asked)
    else:
        tree = pm.sample(cores=CORES, nuts_sampler="pymc", **asked)
    posterior = tree["posterior"].to_dataset()
    statistics = tree["sample_stats"].to_dataset()[["diverging", "energy"]]
    return xr.DataTree.from_dict({"posterior": posterior[list(names)], "sample_stats": statistics})
