"""What the priors imply before any data: acts a month, and targets within a year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.events.table import EventTable
from forecast.models.draws import prior_draws, stream_draws
from forecast.panel.panel import STEP_DAYS, TimeGrid, count_events
from forecast.runs.inputs import Inputs
from forecast.simulation import NEVER, SimulationOptions, simulate_first_passages

DAYS = 364
_DRAWS = 400
_PATHS = 1
_MONTH_DAYS = 365.25 / 12


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
    layout = inputs.data.layout
    origin = inputs.data.grid.origin
    begin = origin.fromordinal(origin.toordinal() - STEP_DAYS)
    grid = TimeGrid(begin, origin)
    empty = count_events(EventTable.from_events([], "nothing"), grid, layout)
    rng = np.random.default_rng(seed)
    draws = stream_draws(layout, prior_draws(inputs.priors, _DRAWS, grid.n_knots, rng))
    options = SimulationOptions(seed=seed, horizon_days=DAYS, paths_per_draw=_PATHS)
    hits = simulate_first_passages(empty, draws, inputs.rules, options)
    months = DAYS / _MONTH_DAYS
    if hits.acts is None:
        raise ValueError("one model is asked for")
    acts = hits.acts.reshape(-1, len(layout.streams)) / months
    by_stream = {name: acts[:, k] for k, name in enumerate(layout.streams)} | {"all": acts.sum(axis=1)}
    seen_months = (origin - inputs.data.grid.start).days / _MONTH_DAYS
    seen = inputs.data.counts.sum(axis=(0, 1)) / seen_months
    # Paths of one draw are not independent: the error comes from the draws' own shares.
    shares = {name: (hits.of(name) != NEVER).mean(axis=1) for name in hits.targets}
    return PriorPredictive(
        {name: tuple(np.quantile(values, [0.05, 0.5, 0.95]).tolist()) for name, values in by_stream.items()},
        {name: float(seen[k]) for k, name in enumerate(layout.streams)} | {"all": float(seen.sum())},
        {name: float(share.mean()) for name, share in shares.items()},
        {name: float(share.std(ddof=1) / np.sqrt(_DRAWS)) for name, share in shares.items()},
    )
