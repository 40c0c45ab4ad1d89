"""What this machine reaches: samplers side by side, the cost of a gradient, the stages of a run."""

from forecast.bench.speed import SpeedOptions, SpeedReport, measure_speed

__all__ = ["SpeedOptions", "SpeedReport", "measure_speed"]
