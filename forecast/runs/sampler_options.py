"""How long to sample, as a config says it."""

from __future__ import annotations

from forecast.config import Config
from forecast.inference.sampling import SamplerOptions


def sampler_options(config: Config, seed: int) -> SamplerOptions:
    """Sampler options of a config, with the seed of the fit."""
    sampler = config.sampler
    return SamplerOptions(
        seed=seed,
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        target_accept=sampler.target_accept,
    )
