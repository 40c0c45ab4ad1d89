"""Draws → forward paths → probabilities before dates (NumPy only)."""

from forecast.simulation.draws import StreamDraws, prior_draws, stream_draws, tension_at_steps
from forecast.simulation.paths import (
    NEVER,
    FirstHits,
    FutureAct,
    SimulationOptions,
    simulate_first_hits,
)
from forecast.simulation.probabilities import (
    ProbabilityCurve,
    monte_carlo_error,
    probability_curve,
    time_to_event,
)

__all__ = [
    "NEVER",
    "FirstHits",
    "FutureAct",
    "ProbabilityCurve",
    "SimulationOptions",
    "StreamDraws",
    "monte_carlo_error",
    "prior_draws",
    "probability_curve",
    "simulate_first_hits",
    "stream_draws",
    "tension_at_steps",
    "time_to_event",
]
