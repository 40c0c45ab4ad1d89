"""How long to sample, and from which seed; apart from the sampler, which takes seconds to load."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SamplerOptions:
    """How long to sample, and from which seed."""

    seed: int
    draws: int = 1000
    tune: int = 400
    chains: int = 4
    target_accept: float = 0.9
