"""A run and a named diff → changed probabilities, with how they were found and how far to trust them.

The modules in the order of the flow: ``options`` (a scenario from the command line), ``plan`` (a scenario put
upon a run), ``evaluate`` (weights of the draws, paired differences), ``futures`` (paths simulated anew),
``compare`` (all of it, the way chosen and named), ``assumptions`` (what a scenario assumes, and what of its
change is that), ``indicators`` (what can be seen ahead, and what the headline would be then).
"""

from forecast.runs.run import Run, read_run
from forecast.scenarios.compare import compare_scenarios, evaluate_plans
from forecast.scenarios.futures import SCENARIO_PATHS
from forecast.scenarios.indicators import measure_indicators
from forecast.scenarios.plan import plan_scenario, plan_scenarios

__all__ = [
    "SCENARIO_PATHS",
    "Run",
    "compare_scenarios",
    "evaluate_plans",
    "measure_indicators",
    "plan_scenario",
    "plan_scenarios",
    "read_run",
]
