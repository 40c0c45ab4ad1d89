"""Forecasts of one model family at successive origins, each made from the past only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forecast.events.table import EventTable
from forecast.families import FAMILIES
from forecast.families.family import EventModel
from forecast.inference.posterior import SamplerOptions
from forecast.inference.rolling import RollingPosterior, WeightedDraws
from forecast.panel.panel import Panel, TimeGrid, count_events
from forecast.panel.streams import TargetRule
from forecast.priors import PriorStatement
from forecast.simulation import SimulationOptions
from forecast.simulation.probabilities import hit_shares

PATHS_PER_DRAW = 4
MODELS_KEPT = 16
"""Compiled models that a process keeps."""


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
    family: str,
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
    """Forecast at every origin, in order; the model is compiled once, and once a process for all calls.

    Parameters
    ----------
    events : EventTable
        The whole file; what is used at an origin is what was known before it.
    family : str
        One whose models answer these targets together: all for ``joint``, one for the others.
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
    (model,) = FAMILIES[family].models(targets)
    rolling = _compiled(
        model,
        TimeGrid(start, longest or origins[-1]),
        json.dumps(priors or {}, sort_keys=True),
        replace(sampler, seed=0),
        exact,
    )
    rolling.start_anew(sampler.seed)
    forecasts = []
    for origin in origins:
        known = events.known_by(origin - timedelta(days=1))
        data = count_events(known, TimeGrid(start, origin), model.layout)
        weighted = rolling.at(data)
        forecast = OriginForecast(
            origin,
            _probabilities(model, data, weighted, horizons, seed=sampler.seed + origin.toordinal()),
            weighted.refitted,
            weighted.converged,
            weighted.pareto_k,
            weighted.effective_draws,
        )
        forecasts.append(forecast)
        if listen:
            listen(forecast)
    return forecasts


@lru_cache(maxsize=MODELS_KEPT)
def _compiled(
    model: EventModel, grid: TimeGrid, priors: str, sampler: SamplerOptions, exact: bool
) -> RollingPosterior:
    # Compiled on an empty past of the right length: the model must not know what came after an origin.
    empty = count_events(EventTable.from_events([], "nothing"), grid, model.layout)
    defaults = model.default_priors()
    stated = {name: one for name, one in json.loads(priors).items() if defaults.has(name)}
    return RollingPosterior(model, empty, defaults.changed(stated, "config"), sampler, exact=exact)


def _probabilities(
    model: EventModel,
    data: Panel,
    weighted: WeightedDraws,
    horizons: Sequence[int],
    *,
    seed: int,
) -> NDArray[np.float64]:
    options = SimulationOptions(seed=seed, horizon_days=max(horizons), paths_per_draw=PATHS_PER_DRAW)
    hits = model.simulate(data, weighted.draws, options)
    shares = (hit_shares(hits.of(name), max(horizons))[:, list(horizons)] for name in hits.targets)
    # Not by a matrix product: its last bits depend on the number of threads. Rounding may pass one.
    return np.minimum([(weighted.weights[:, None] * share).sum(axis=0) for share in shares], 1.0)
