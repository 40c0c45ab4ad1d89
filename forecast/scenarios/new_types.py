"""Types of acts that were never seen: their priors, drawn once for each posterior draw.

What the prior leaves open enters the forecast like any other uncertainty. The random numbers belong to the
type and the parameter, so that a prior moved up moves every draw up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecast.models.draws import Floats
from forecast.panel.panel import decay_per_step
from forecast.panel.streams import StreamLayout
from forecast.priors import Distribution
from forecast.simulation import NewTypeEffect


@dataclass(frozen=True)
class NewTypePriors:
    """What a scenario says one act of a new type does.

    Parameters
    ----------
    excites : mapping of str to Distribution
        Category → further acts that one act brings about.
    calms : Distribution or None
        Fall of the log rate of conflictual acts at first.
    half_life_days : Distribution
    counts_as : str or None
        Category whose targets it meets.
    """

    excites: Mapping[str, Distribution]
    calms: Distribution | None
    half_life_days: Distribution
    counts_as: str | None


def draw_effects(
    types: Mapping[str, NewTypePriors], layout: StreamLayout, n_draws: int, seed: int
) -> dict[str, NewTypeEffect]:
    """Draw the effect of each type, one row a posterior draw."""
    effects = {}
    for name, priors in types.items():
        excites = np.zeros((n_draws, len(layout.streams)))
        for category, prior in priors.excites.items():
            column = layout.streams.index(category)
            excites[:, column] = prior.quantile(_uniform(seed, n_draws, name, "excites", category))
        calms = np.zeros(n_draws)
        if priors.calms is not None:
            calms = priors.calms.quantile(_uniform(seed, n_draws, name, "calms"))
        half_life = priors.half_life_days.quantile(_uniform(seed, n_draws, name, "half_life_days"))
        effects[name] = NewTypeEffect(excites, calms, decay_per_step(half_life), priors.counts_as)
    return effects


def _uniform(seed: int, n_draws: int, *of: str) -> Floats:
    key = int.from_bytes(hashlib.sha256("\n".join(of).encode()).digest()[:8], "little")
    numbers = np.random.Generator(np.random.Philox(key=np.array([seed, key], dtype=np.uint64)))
    # Never exactly zero, where quantiles are infinite.
    return np.maximum(numbers.random(n_draws), 2.0**-53)
