"""All measurements of speed in one run, and what they add up to."""

from __future__ import annotations

import ctypes
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np

from forecast.bench.samplers import OURS, PYMC, SamplerRun, race
from forecast.bench.stages import StageTimes, measure_stages
from forecast.config import load_config
from forecast.inference.compile_cache import Compiled, compile_model
from forecast.inference.options import SamplerOptions
from forecast.models.streams import build_model
from forecast.runs.inputs import read_inputs
from forecast.workflows.forecast import versions

PYMC_TUNE = PYMC_DRAWS = 1000
"""What ``pymc.sample`` does when nothing is asked for."""
_BATCH_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class SpeedOptions:
    """How much to measure; ``quick``: one round, too few draws for an exact effective sample size."""

    rounds: int = 2
    quick: bool = False


@dataclass(frozen=True)
class SpeedReport:
    """What was measured.

    Parameters
    ----------
    machine : dict
        Processor count, platform and versions.
    gradient_microseconds : dict
        Form of the model → time of one gradient.
    rounds : list of list of SamplerRun
        One run a sampler in each round.
    stages : dict
        ``cold`` and ``warm`` → a whole run by stage.
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


def measure_speed(
    config: Path, options: SpeedOptions, tell: Callable[[str], None] = lambda _: None
) -> SpeedReport:
    """Measure a config's model in this process, and its whole run in two others; ``tell`` hears what is next.

    Raises
    ------
    InputError
        The config cannot be used.
    ForecastError
        A run failed.
    """
    loaded = load_config(config)
    inputs = read_inputs(loaded)
    sampler = loaded.sampler
    ours = SamplerOptions(
        seed=sampler.seed,
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        target_accept=sampler.target_accept,
    )
    naive = replace(ours, draws=PYMC_DRAWS, tune=PYMC_TUNE)
    overrides: list[str] = []
    if options.quick:
        ours, naive = replace(ours, draws=200, tune=200), replace(naive, draws=200, tune=200)
        overrides = ["sampler.draws=200", "sampler.tune=200"]
    tell("a whole run, twice: nothing compiled yet, then all compiled")
    stages = measure_stages(config, overrides)
    tell("time of a gradient")
    forms = {
        "fused": compile_model(build_model(inputs.data, inputs.priors)),
        "naive": compile_model(build_model(inputs.data, inputs.priors, form="plain")),
    }
    gradients = gradient_microseconds(forms, batches=5 if options.quick else 40)
    rounds = race(inputs, ours, naive, 1 if options.quick else options.rounds, tell)
    machine = {"processors": str(os.cpu_count()), "platform": platform.platform()} | versions()
    return SpeedReport(str(config), machine, gradients, rounds, stages)


def gradient_microseconds(models: dict[str, Compiled], batches: int) -> dict[str, float]:
    """Median time of one log density with gradient, as the sampler calls it, in microseconds.

    The models take turns, in batches of about a fiftieth of a second, so that all see the same machine.
    """
    calls = {name: _Call(compiled) for name, compiled in models.items()}
    sizes = {name: max(1, round(_BATCH_SECONDS / call.seconds(3))) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(batches):
        for name, call in calls.items():
            times[name].append(call.seconds(sizes[name]))
    return {name: 1e6 * float(np.median(values)) for name, values in times.items()}


class _Call:
    """The compiled log density at a fixed point."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._arrays = [compiled.initial_point_func(1), np.empty(compiled.n_dim), np.empty(1)]

    def seconds(self, calls: int) -> float:
        """Seconds a call, over some calls."""
        function = self._compiled.compiled_logp_func.ctypes
        pointers = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for array in self._arrays]
        arguments = (self._compiled.n_dim, *pointers, self._compiled.user_data.ctypes.data)
        began = time.perf_counter()
        for _ in range(calls):
            function(*arguments)
        return (time.perf_counter() - began) / calls
