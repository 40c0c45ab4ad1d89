"""All measurements of speed: our default beside the same model in plain PyMC under other samplers."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from pymc.blocking import DictToArrayBijection

from forecast.bench.stages import StageTimes, measure_stages
from forecast.blocks import Block, Bullets, Prose, plain_table, right
from forecast.config import load_config
from forecast.errors import install_command
from forecast.inference.density import PosteriorDensity
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import check_gates, sample
from forecast.models.definition import build_model
from forecast.runs.inputs import Inputs, read_inputs
from forecast.runs.run import versions

PYMC_TUNE = PYMC_DRAWS = 1000
"""What ``pymc.sample`` does when nothing is asked for."""
_BATCH_SECONDS = 0.02
OURS = "core, nutpie"
PYMC = "definition, PyMC NUTS"
NUMPYRO = "definition, NumPyro NUTS"
CORES = 2
"""Processes of PyMC's sampler."""


@dataclass(frozen=True)
class SamplerRun:
    """One run of one sampler; ``draws`` and ``tune`` are of each chain.

    ``total_seconds`` are from counts to draws; ``sampling_seconds`` without building and compiling the model
    (NumPyro compiles as it samples; the core comes from disk). The effective sample size is the least over
    parameters and tension.
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


@dataclass(frozen=True, kw_only=True)
class SpeedOptions:
    """How much to measure; ``quick``: one round, too few draws for an exact effective sample size."""

    rounds: int = 2
    quick: bool = False


@dataclass(frozen=True)
class SpeedReport:
    """What was measured: time of a gradient by form of the model, a run a sampler in each round, a whole run.

    ``stages`` has a whole run, ``cold`` and ``warm``; ``machine`` processor count, platform and versions.
    """

    config: str
    machine: dict[str, str]
    gradient_microseconds: dict[str, float]
    rounds: list[list[SamplerRun]]
    stages: dict[str, StageTimes]

    @property
    def samplers(self) -> list[str]:
        """Names of the samplers, ours first."""
        return [run.sampler for run in self.rounds[0]]

    def runs_of(self, sampler: str) -> list[SamplerRun]:
        """Return the runs of a sampler, one a round."""
        return [run for runs in self.rounds for run in runs if run.sampler == sampler]

    def times_faster(self, sampler: str = PYMC, *, total: bool = False) -> float:
        """Mean over rounds of our effective draws a second over those of a sampler.

        With ``total``, building and compiling the models count too.
        """

        def rate(run: SamplerRun) -> float:
            return run.ess_per_total_second if total else run.ess_per_second

        pairs = zip(self.runs_of(OURS), self.runs_of(sampler), strict=True)
        return mean(rate(ours) / rate(theirs) for ours, theirs in pairs)

    def facts(self) -> dict[str, object]:
        """Return what programs get."""
        return {
            "config": self.config,
            "machine": self.machine,
            "gradient_microseconds": self.gradient_microseconds,
            "rounds": [
                [vars(run) | {"ess_per_second": run.ess_per_second} for run in runs] for runs in self.rounds
            ],
            "times_faster": {
                sampler: {
                    "sampling": self.times_faster(sampler),
                    "total": self.times_faster(sampler, total=True),
                }
                for sampler in self.samplers
                if sampler != OURS
            },
            "stages": {state: vars(times) for state, times in self.stages.items()},
        }

    def blocks(self) -> Iterator[Block]:
        """Yield gradients, samplers and the stages of a run."""
        core, plain = (self.gradient_microseconds[form] for form in ("core", "definition"))
        said = f"core {core:.0f} µs, definition {plain:.0f} µs: {plain / core:.1f} times faster"
        yield Prose(f"{said}.", lead="One gradient:")
        heads = map(right, ("total s", "sampling s", "ESS", "ESS/s", "R-hat", "div."))
        title = "Samplers (means of the rounds; ESS is the least bulk ESS)"
        yield plain_table(("", *heads), map(self._sampler_row, self.samplers), title)
        others = [sampler for sampler in self.samplers if sampler != OURS]
        faster = [
            f"{self.times_faster(sampler):.1f} times the ESS/s of {sampler} "
            f"({self.times_faster(sampler, total=True):.1f} with compiling)"
            for sampler in others
        ]
        if NUMPYRO not in self.samplers:
            faster.append(f"NumPyro left out: not installed. Install it: {install_command('bench')}")
        yield Bullets(tuple(faster))
        cold, warm = self.stages["cold"], self.stages["warm"]
        rows = [(stage, cold.seconds.get(stage, 0.0), seconds) for stage, seconds in warm.seconds.items()]
        rows += [("all", cold.total_seconds, warm.total_seconds)]
        shown = [(stage, f"{first:.1f}", f"{second:.1f}") for stage, first, second in rows]
        shown += [("peak memory, MiB", f"{cold.peak_mebibytes:.0f}", f"{warm.peak_mebibytes:.0f}")]
        yield plain_table(("", right("first"), right("second")), shown, "A whole run, seconds")

    def _sampler_row(self, sampler: str) -> tuple[str, ...]:
        runs = self.runs_of(sampler)
        return (
            sampler,
            f"{mean(run.total_seconds for run in runs):.1f}",
            f"{mean(run.sampling_seconds for run in runs):.1f}",
            f"{mean(run.ess_bulk_min for run in runs):.0f}",
            f"{mean(run.ess_per_second for run in runs):.1f}",
            f"{max(run.rhat_max for run in runs):.3f}",
            f"{sum(run.divergences for run in runs)}",
        )


def measure_speed(
    config: Path, options: SpeedOptions, tell: Callable[[str], None] = lambda _: None
) -> SpeedReport:
    """Measure a config's model in this process, and its whole run in two others; ``tell`` hears what is next.

    ``InputError`` when the config cannot be used, ``ForecastError`` when a run failed.
    """
    loaded = load_config(config)
    inputs = read_inputs(loaded)
    asked = (field.name for field in fields(SamplerOptions))
    ours = SamplerOptions(**{name: getattr(loaded.sampler, name) for name in asked})
    plain = replace(ours, draws=PYMC_DRAWS, tune=PYMC_TUNE)
    overrides: list[str] = []
    if options.quick:
        ours, plain = replace(ours, draws=200, tune=200), replace(plain, draws=200, tune=200)
        overrides = ["sampler.draws=200", "sampler.tune=200"]
    tell("a whole run, twice: nothing compiled yet, then all compiled")
    stages = measure_stages(config, overrides)
    tell("time of a gradient")
    core = PosteriorDensity.of(inputs.data, inputs.priors)
    point = core.starting_point(1)
    density, model = core.log_density(), build_model(inputs.data, inputs.priors)
    definition = model.logp_dlogp_function(ravel_inputs=True)
    definition.set_extra_values({})
    # Each has an order of coordinates, and a middle of the priors, of its own.
    start = DictToArrayBijection.map(model.initial_point(1)).data
    gradients = gradient_microseconds(
        {"core": lambda: density(point), "definition": lambda: definition(start)},
        batches=5 if options.quick else 40,
    )
    rounds = race(inputs, ours, plain, 1 if options.quick else options.rounds, tell)
    machine = {"processors": str(os.cpu_count()), "platform": platform.platform()} | versions()
    return SpeedReport(str(config), machine, gradients, rounds, stages)


def gradient_microseconds(gradients: dict[str, Callable[[], object]], batches: int) -> dict[str, float]:
    """Median time of each log density with gradient, as Python calls it, in microseconds.

    They take turns, in batches of about a fiftieth of a second, so that all see the same machine.
    """
    sizes = {name: max(1, round(_BATCH_SECONDS / _seconds(call, 3))) for name, call in gradients.items()}
    times: dict[str, list[float]] = {name: [] for name in gradients}
    for _ in range(batches):
        for name, call in gradients.items():
            times[name].append(_seconds(call, sizes[name]))
    return {name: 1e6 * float(np.median(values)) for name, values in times.items()}


def _seconds(call: Callable[[], object], calls: int) -> float:
    """Seconds a call, over some calls."""
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began) / calls


def race(
    inputs: Inputs, ours: SamplerOptions, plain: SamplerOptions, rounds: int, tell: Callable[[str], None]
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
            options = replace(ours, seed=seed) if number else replace(ours, seed=seed, draws=10, tune=10)
            tell(f"{label}: {OURS}")
            first, names = _ours(inputs, options)
            runs = [first]
            for sampler in samplers:
                tell(f"{label}: {sampler}")
                asked = replace(plain, seed=seed) if number else replace(plain, seed=seed, draws=10, tune=10)
                if sampler == NUMPYRO:
                    runs.append(apart.submit(_plain, inputs, asked, sampler, names).result())
                else:
                    runs.append(_plain(inputs, asked, sampler, names))
            if number:
                result.append(runs)
    return result


def _ours(inputs: Inputs, options: SamplerOptions) -> tuple[SamplerRun, list[str]]:
    began = time.perf_counter()
    tree = sample(PosteriorDensity.of(inputs.data, inputs.priors), options)
    seconds = time.perf_counter() - began
    names = [str(name) for name in tree["posterior"].data_vars]
    return _run(OURS, options, tree, seconds, seconds), names


def _plain(inputs: Inputs, options: SamplerOptions, sampler: str, names: list[str]) -> SamplerRun:
    began = time.perf_counter()
    tree = _sample(sampler, build_model(inputs.data, inputs.priors), options, names)
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
    posterior = tree["posterior"].to_dataset()[list(names)]
    statistics = tree["sample_stats"].to_dataset()[["diverging", "energy"]]
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
