"""All measurements of speed in one run, and what they add up to."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from forecast.bench.gradient import gradient_microseconds
from forecast.bench.samplers import OURS, PYMC, SamplerRun, race
from forecast.bench.stages import StageTimes, measure_stages
from forecast.config import load_config
from forecast.inference.sampling import SamplerOptions
from forecast.inference.sampling import compile_model
from forecast.models import build_model
from forecast.runs.inputs import read_inputs
from forecast.workflows.forecast import versions

PYMC_TUNE = 1000
"""The warm-up of ``pymc.sample`` when none is asked for."""
PYMC_DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class SpeedOptions:
    """How much to measure."""

    rounds: int = 2
    quick: bool = False


@dataclass(frozen=True)
class SpeedReport:
    """What was measured.

    Parameters
    ----------
    config : str
    machine : dict
        Processor count, platform and versions.
    gradient_microseconds : dict
        Form of the model → time of one gradient.
    rounds : list of list of SamplerRun
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
    """Measure a config's model in this process, and its whole run in two others.

    Parameters
    ----------
    config : Path
    options : SpeedOptions
        ``quick`` takes one round of few draws, too few for the effective sample size to be exact.
    tell : callable, optional
        Told what is being measured.

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
    return SpeedReport(str(config), _machine(), gradients, rounds, stages)


def _machine() -> dict[str, str]:
    return {"processors": str(os.cpu_count()), "platform": platform.platform()} | versions()
