"""Draws → forward paths → probabilities before dates (NumPy only)."""

from forecast.simulation.acts import NewTypeEffect
from forecast.simulation.paths import (
    NEVER,
    FirstHits,
    SimulationOptions,
    simulate_first_hits,
)
from forecast.simulation.probabilities import (
    ProbabilityCurve,
    probability_curve,
    time_to_event,
)

__all__ = [
    "NEVER",
    "FirstHits",
    "NewTypeEffect",
    "ProbabilityCurve",
    "SimulationOptions",
    "probability_curve",
    "simulate_first_hits",
    "time_to_event",
]
