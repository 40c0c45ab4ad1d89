"""The four baselines, at one origin or at all: what a model has to beat.

All are deterministic, and none can see the future: each works on ``PastEvents``, already cut to what was
public before the origin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.climatology import share_after_alike, share_of_windows
from forecast.evaluation.decayed_logistic import logistic_on_decayed_counts
from forecast.evaluation.forecast_table import ForecastTable, join_forecasts, make_forecasts
from forecast.evaluation.gamma_poisson import discounted_rate
from forecast.evaluation.history import PastEvents, past_events
from forecast.evaluation.windows import BinaryOutcomes, Horizons
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule

Floats = NDArray[np.float64]
Method = Callable[[PastEvents, Horizons], Floats]

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "climatology": share_of_windows,
        "last_window": share_after_alike,
        "gamma_poisson": discounted_rate,
        "decayed_logistic": logistic_on_decayed_counts,
    }
)
BASELINES = tuple(METHODS)
"""Names of the baselines, in the order they are shown."""
REFERENCE = "climatology"
"""The baseline that skill is measured against."""


def climatology(
    events: EventTable,
    target: TargetRule,
    origin: date | np.datetime64,
    start: date,
    horizon_days: Sequence[int] | Horizons,
) -> Floats:
    """Share of past windows of the same length that held a target event; see ``baseline_probabilities``."""
    return _forecast(share_of_windows, past_events(events, target, origin, start), horizon_days)


def baseline_probabilities(
    events: EventTable,
    target: TargetRule,
    origin: date | np.datetime64,
    start: date,
    horizon_days: Sequence[int] | Horizons,
    names: Sequence[str] = BASELINES,
) -> dict[str, Floats]:
    """Forecast the target by each baseline at one origin.

    Parameters
    ----------
    events : EventTable
        Any table: it is cut to what was public before the origin and happened on or after ``start``.
    target : TargetRule
    origin : date or datetime64[D]
        First day that is not known and first day of every window.
    start : date
        First day that counts as observed, before the origin.
    horizon_days : sequence of int, shape (horizon,)
        Lengths of the windows; one of no day gives probability 0.
    names : sequence of str
        Some of ``BASELINES``.

    Returns
    -------
    dict of str to ndarray of float64, shape (horizon,)

    Raises
    ------
    InputError
        The origin is not after the start.
    """
    past = past_events(events, target, origin, start)
    return {name: _forecast(METHODS[name], past, horizon_days) for name in names}


def forecast_baselines(
    events: EventTable,
    target: TargetRule,
    outcomes: BinaryOutcomes,
    start: date,
    names: Sequence[str] = BASELINES,
) -> ForecastTable:
    """Forecast every complete window by each baseline.

    Parameters
    ----------
    events : EventTable
        Cut anew at each origin.
    target : TargetRule
    outcomes : BinaryOutcomes
        Gives origins, horizons and outcomes; forecasts are made without the outcomes.
    start : date
        First day that counts as observed, before the first origin.
    names : sequence of str
        Some of ``BASELINES``.

    Raises
    ------
    InputError
        The first origin is not after the start.
    """
    probability = {name: np.full(outcomes.outcome.shape, np.nan) for name in names}
    for row in np.flatnonzero(outcomes.complete.any(axis=1)):
        origin = outcomes.origin[row]
        found = baseline_probabilities(events, target, origin, start, outcomes.horizon_days, names)
        for name in names:
            probability[name][row] = found[name]
    return join_forecasts(make_forecasts(outcomes, probability[name], model=name) for name in names)


def _forecast(method: Method, past: PastEvents, horizon_days: Sequence[int] | Horizons) -> Floats:
    horizons = np.asarray(horizon_days, dtype=np.int64)
    found = np.zeros(len(horizons))
    some = horizons > 0
    found[some] = method(past, horizons[some])
    return found
