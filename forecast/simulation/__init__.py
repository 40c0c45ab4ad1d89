"""Draws → forward paths → probabilities before dates (NumPy only)."""

from forecast.simulation.paths import NewTypeEffect, SimulationOptions, simulate_first_passages
from forecast.simulation.play import NEVER
from forecast.simulation.probabilities import (
    FirstPassages,
    ProbabilityCurve,
    probability_curve,
    time_to_event,
)

__all__ = [
    "NEVER",
    "FirstPassages",
    "NewTypeEffect",
    "ProbabilityCurve",
    "SimulationOptions",
    "probability_curve",
    "simulate_first_passages",
    "time_to_event",
]
