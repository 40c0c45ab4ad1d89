"""Draws → forward paths → probabilities before dates (NumPy only)."""

from forecast.simulation.acts import NewTypeEffect
from forecast.simulation.first_passages import NEVER, FirstPassages
from forecast.simulation.options import SimulationOptions
from forecast.simulation.paths import simulate_first_passages
from forecast.simulation.probabilities import ProbabilityCurve, probability_curve, time_to_event

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
