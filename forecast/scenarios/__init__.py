"""A run and a named diff → changed probabilities, with how they were found and how far to trust them.

In the order of the flow: ``plan`` (a scenario put upon a run), ``evaluate`` (weights of the draws,
paths simulated anew, paired differences), ``compare`` (all of it, the way chosen and named, and what of a
change is assumed), ``signs`` (acts to watch for, and what the headline is once they are seen).
"""

from forecast.scenarios.compare import compare_scenarios, evaluate_plans
from forecast.scenarios.evaluate import SCENARIO_PATHS
from forecast.scenarios.plan import plan_scenario, plan_scenarios

__all__ = [
    "SCENARIO_PATHS",
    "compare_scenarios",
    "evaluate_plans",
    "plan_scenario",
    "plan_scenarios",
]
