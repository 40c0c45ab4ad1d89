"""What the priors imply before any data: acts a month, and targets within a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from forecast.events.table import EventTable
from forecast.models.draws import Floats, prior_draws, stream_draws
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
    """Simulate years from the prior, starting from a world without a past.

    Acts are those of the main fit; a target is read off the first model that answers it.
    """
    origin = inputs.data.grid.origin
    grid = TimeGrid(origin - timedelta(days=STEP_DAYS), origin)
    nothing = EventTable.from_events([], "nothing")
    options = SimulationOptions(seed=seed, horizon_days=DAYS, paths_per_draw=_PATHS)
    acts: dict[str, tuple[float, float, float]] = {}
    seen: dict[str, float] = {}
    shares: dict[str, Floats] = {}
    layout = inputs.data.layout
    rng = np.random.default_rng(seed)
    draws = stream_draws(layout, prior_draws(inputs.priors, _DRAWS, grid.n_knots, rng), inputs.priors)
    hits = simulate_first_passages(count_events(nothing, grid, layout), draws, options)
    if True:
        for name in hits.targets:
            # Paths of one draw are not independent: the error comes from the draws' own shares.
            shares.setdefault(name, (hits.of(name) != NEVER).mean(axis=1))
        if hits.acts is not None:
            a_month = hits.acts.reshape(-1, len(layout.streams)) / (DAYS / _MONTH_DAYS)
            by_stream = {name: a_month[:, k] for k, name in enumerate(layout.streams)}
            by_stream["all"] = a_month.sum(axis=1)
            acts = {
                name: tuple(np.quantile(values, [0.05, 0.5, 0.95]).tolist())
                for name, values in by_stream.items()
            }
            months = inputs.data.months
            counted = inputs.data.counts.sum(axis=(0, 1)) / months
            seen = {name: float(counted[k]) for k, name in enumerate(layout.streams)}
            seen["all"] = float(counted.sum())
    return PriorPredictive(
        acts,
        seen,
        {name: float(share.mean()) for name, share in shares.items()},
        {name: float(share.std(ddof=1) / np.sqrt(_DRAWS)) for name, share in shares.items()},
    )
