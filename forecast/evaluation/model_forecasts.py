"""Forecasts of one model family at successive origins, each made from the past only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.events.table import EventTable
from forecast.inference.rolling import RollingPosterior, WeightedDraws
from forecast.inference.sampling import SamplerOptions
from forecast.priors import PriorStatement, default_priors
from forecast.series import EventCounts, Family, TargetRule, TimeGrid, count_events, stream_layout
from forecast.simulation import SimulationOptions, simulate_first_hits
from forecast.simulation.probabilities import hit_shares

PATHS_PER_DRAW = 4


@dataclass(frozen=True)
class OriginForecast:
    """Forecasts at one origin.

    Parameters
    ----------
    origin : date
    probability : ndarray, shape (target, horizon)
        P(target in [origin, origin + H)).
    refitted, converged : bool
        Whether the posterior was fitted at this origin, and whether that fit passed the tolerated R-hat.
    pareto_k, effective_draws : float
        Of the importance weights.
    """

    origin: date
    probability: NDArray[np.float64]
    refitted: bool
    converged: bool
    pareto_k: float
    effective_draws: float


def family_forecasts(
    events: EventTable,
    family: Family,
    targets: Sequence[TargetRule],
    origins: Sequence[date],
    horizons: Sequence[int],
    start: date,
    sampler: SamplerOptions,
    *,
    longest: date | None = None,
    priors: Mapping[str, PriorStatement] | None = None,
    exact: bool = False,
    listen: Callable[[OriginForecast], None] | None = None,
) -> list[OriginForecast]:
    """Forecast at every origin, in order; the model is compiled once.

    Parameters
    ----------
    events : EventTable
        The whole file; what is used at an origin is what was known before it.
    family : {"joint", "focused", "target"}
        The last two take exactly one target.
    origins : sequence of date
        Ascending; 00:00 of each day.
    horizons : sequence of int
        Window lengths in days.
    start : date
        First day of the grid, the same at all origins.
    sampler : SamplerOptions
        Of each fit.
    longest : date, optional
        Latest origin of the whole backtest, the last one here when absent. It sets the number of latent
        knots: with the same value, parts of a backtest share one compiled model.
    priors : mapping, optional
        Changed priors.
    exact : bool
        Refit at every origin instead of bridging.
    listen : callable, optional
        Called after each origin.
    """
    if family != "joint" and len(targets) != 1:
        raise ValueError(f"the {family} family forecasts one target at a time")
    layout = stream_layout(family, None if family == "joint" else targets[0])
    resolved = default_priors(layout).changed(priors or {}, "config")

    def counted(origin: date) -> EventCounts:
        known = events.known_by(origin - timedelta(days=1))
        return count_events(known, TimeGrid(start, origin), layout)

    rolling = RollingPosterior(counted(longest or origins[-1]), resolved, sampler, exact=exact)
    forecasts = []
    for origin in origins:
        data = counted(origin)
        weighted = rolling.at(data)
        forecast = OriginForecast(
            origin,
            _probabilities(data, weighted, targets, horizons, seed=sampler.seed + origin.toordinal()),
            weighted.refitted,
            weighted.converged,
            weighted.pareto_k,
            weighted.effective_draws,
        )
        forecasts.append(forecast)
        if listen:
            listen(forecast)
    return forecasts


def _probabilities(
    data: EventCounts,
    weighted: WeightedDraws,
    targets: Sequence[TargetRule],
    horizons: Sequence[int],
    *,
    seed: int,
) -> NDArray[np.float64]:
    options = SimulationOptions(seed=seed, horizon_days=max(horizons), paths_per_draw=PATHS_PER_DRAW)
    hits = simulate_first_hits(data, weighted.draws, targets, options)
    return np.array(
        [
            weighted.weights @ hit_shares(hits.of(target.name), max(horizons))[:, list(horizons)]
            for target in targets
        ]
    )
