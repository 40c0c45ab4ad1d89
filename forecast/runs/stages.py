"""What the stages of a run take from its config: seeds of their own, how long to sample, how far to play."""

from __future__ import annotations

import platform
from datetime import timedelta
from importlib.metadata import version
from typing import NamedTuple

import numpy as np

from forecast import __version__
from forecast.config import Config
from forecast.inference.posterior import SamplerOptions
from forecast.simulation.options import SimulationOptions


class StageSeeds(NamedTuple):
    """One seed a stage, so that a change of one stage leaves the random numbers of the others alone."""

    fit: int
    simulate: int


def stage_seeds(config: Config) -> StageSeeds:
    """Seeds of the stages of a run, made from the one seed of the config."""
    children = np.random.SeedSequence(config.sampler.seed).spawn(len(StageSeeds._fields))
    return StageSeeds(*(int(child.generate_state(1, np.uint32)[0]) for child in children))


def simulation_options(config: Config) -> SimulationOptions:
    """Paths up to the last milestone, as many a draw as the config asks."""
    last = max(milestone.date for milestone in config.milestones)
    origin = config.as_of + timedelta(days=1)
    return SimulationOptions(
        seed=stage_seeds(config).simulate,
        horizon_days=(last - origin).days,
        paths_per_draw=config.sampler.paths_per_draw,
    )


def sampler_options(config: Config) -> SamplerOptions:
    """Sampler options of a config."""
    sampler = config.sampler
    return SamplerOptions(
        seed=stage_seeds(config).fit,
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        target_accept=sampler.target_accept,
        max_minutes=sampler.max_minutes,
        engine=sampler.engine,
    )


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    names = (
        "numpy",
        "scipy",
        "pymc",
        "pytensor",
        "nutpie",
        "numba",
        "arviz",
        "typst",
        "matplotlib",
    )
    ours = {"python": platform.python_version(), "forecast": __version__}
    return ours | {name: version(name) for name in names}
