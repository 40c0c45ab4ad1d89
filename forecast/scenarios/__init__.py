"""A run and a named diff → changed probabilities, with how they were found and how far to trust them.

In the order of the flow: ``plan`` (a scenario put upon a run), ``evaluate`` (weights of the draws,
paths simulated anew, paired differences), ``compare`` (all of it, the way chosen and named, and what of a
change is assumed), ``indicators`` (what can be seen ahead, and what the headline would be then).
"""

from forecast.scenarios.compare import compare_scenarios, evaluate_plans
from forecast.scenarios.evaluate import SCENARIO_PATHS
from forecast.scenarios.indicators import measure_indicators
from forecast.scenarios.plan import plan_scenario, plan_scenarios

__all__ = [
    "SCENARIO_PATHS",
    "compare_scenarios",
    "evaluate_plans",
    "measure_indicators",
    "plan_scenario",
    "plan_scenarios",
]
