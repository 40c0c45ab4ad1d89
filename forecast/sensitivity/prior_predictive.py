"""What the priors imply before any data: acts a month, and targets within a year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.models.draws import prior_draws, stream_draws
from forecast.panel.panel import DAYS_A_MONTH
from forecast.runs.inputs import Inputs
from forecast.simulation import NEVER, SimulationOptions, simulate_first_passages

DAYS = 364
_DRAWS = 400
_PATHS = 1


@dataclass(frozen=True)
class PriorPredictive:
    """Simulated years ahead of the record, from parameters that have not seen it but through the priors.

    Acts a month by stream, and ``all`` for their sum: (5%, 50%, 95%) quantiles, and the observed mean; the
    probability of at least one target event within a year by target, with its Monte Carlo error.
    """

    acts_a_month: dict[str, tuple[float, float, float]]
    observed_a_month: dict[str, float]
    target_within_year: dict[str, float]
    mcse: dict[str, float]


def prior_predictive(inputs: Inputs, seed: int) -> PriorPredictive:
    """Simulate the year ahead with parameters from the prior, which are relative to the record."""
    panel, layout = inputs.data, inputs.data.layout
    options = SimulationOptions(seed=seed, horizon_days=DAYS, paths_per_draw=_PATHS)
    variables = prior_draws(inputs.priors, _DRAWS, panel.grid.n_knots, np.random.default_rng(seed))
    hits = simulate_first_passages(panel, stream_draws(layout, variables, inputs.priors), options)
    a_month = np.asarray(hits.acts).reshape(-1, len(layout.streams)) / (DAYS / DAYS_A_MONTH)
    by_stream = dict(zip(layout.streams, a_month.T, strict=True)) | {"all": a_month.sum(axis=1)}
    counted = panel.counts.sum(axis=(0, 1)) / panel.months
    shares = {name: (hits.of(name) != NEVER).mean(axis=1) for name in hits.targets}
    return PriorPredictive(
        {name: tuple(np.quantile(some, [0.05, 0.5, 0.95]).tolist()) for name, some in by_stream.items()},
        {**dict(zip(layout.streams, counted.tolist(), strict=True)), "all": float(counted.sum())},
        {name: float(share.mean()) for name, share in shares.items()},
        {name: float(share.std(ddof=1) / np.sqrt(_DRAWS)) for name, share in shares.items()},
    )
