"""A run and a named diff → changed probabilities, with how they were found and how far to trust them.

``plan`` puts a scenario upon a run, ``evaluate`` computes it, by weights of the draws, paths simulated anew
or a new fit; ``signs`` are acts to watch for, and what the headline is once they are seen.
"""

from forecast.scenarios.evaluate import SCENARIO_PATHS, compare_scenarios
from forecast.scenarios.plan import plan_scenario, plan_scenarios

__all__ = ["SCENARIO_PATHS", "compare_scenarios", "plan_scenario", "plan_scenarios"]
