"""What the priors imply before any data: acts a month, and targets within a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from forecast.events.table import EventTable
from forecast.models.draws import Floats, prior_draws, stream_draws
from forecast.panel.panel import DAYS_A_MONTH, STEP_DAYS, TimeGrid, count_events
from forecast.runs.inputs import Inputs
from forecast.simulation import NEVER, SimulationOptions, simulate_first_passages

DAYS = 364
_DRAWS = 400
_PATHS = 1


@dataclass(frozen=True)
class PriorPredictive:
    """Simulated years that know the priors and the calendar, but no event.

    Acts a month by stream, and ``all`` for their sum: (5%, 50%, 95%) quantiles, and the observed mean; the
    probability of at least one target event within a year by target, with its Monte Carlo error.
    """

    acts_a_month: dict[str, tuple[float, float, float]]
    observed_a_month: dict[str, float]
    target_within_year: dict[str, float]
    mcse: dict[str, float]


def prior_predictive(inputs: Inputs, seed: int) -> PriorPredictive:
    """Simulate years from the prior, starting from a world without a past."""
    data, origin = inputs.data, inputs.data.grid.origin
    streams = data.layout.streams
    grid = TimeGrid(origin - timedelta(days=STEP_DAYS), origin)
    nothing = count_events(EventTable.from_events([], "nothing"), grid, data.layout)
    variables = prior_draws(inputs.priors, _DRAWS, grid.n_knots, np.random.default_rng(seed))
    draws = stream_draws(data.layout, variables, inputs.priors)
    options = SimulationOptions(seed=seed, horizon_days=DAYS, paths_per_draw=_PATHS)
    hits = simulate_first_passages(nothing, draws, options)
    assert hits.acts is not None  # those of paths that were not read
    simulated = _by_stream(hits.acts.reshape(-1, len(streams)) / (DAYS / DAYS_A_MONTH), streams)
    seen = _by_stream(data.counts.sum(axis=(0, 1)) / data.months, streams)
    # Paths of one draw are not independent: the error comes from the draws' own shares.
    shares = {name: (hits.of(name) != NEVER).mean(axis=1) for name in hits.targets}
    return PriorPredictive(
        {name: _three(values) for name, values in simulated.items()},
        {name: float(rate) for name, rate in seen.items()},
        {name: float(share.mean()) for name, share in shares.items()},
        {name: float(share.std(ddof=1) / np.sqrt(_DRAWS)) for name, share in shares.items()},
    )


def _by_stream(rates: Floats, streams: tuple[str, ...]) -> dict[str, Floats]:
    """Rates by stream, their last axis, and ``all`` for the sum."""
    return {name: rates[..., k] for k, name in enumerate(streams)} | {"all": rates.sum(axis=-1)}


def _three(values: Floats) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return low, middle, high
