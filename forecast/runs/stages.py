"""What the stages of a run take from its config: seeds of their own, and how far to simulate."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import numpy as np

from forecast.config import Config
from forecast.simulation import SimulationOptions


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
