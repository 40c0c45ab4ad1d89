"""A run and a named diff → changed probabilities, with how they were found and how far to trust them.

The modules in the order of the flow: ``options`` (a scenario from the command line), ``plan`` (a scenario put
upon a run), ``evaluate`` (weights of the draws, paired differences), ``compare`` (all of it, the way chosen
and named).
"""

from forecast.runs.run import Run, read_run
from forecast.scenarios.compare import SCENARIO_PATHS, compare_scenarios, evaluate_plans
from forecast.scenarios.plan import plan_scenario, plan_scenarios

__all__ = [
    "SCENARIO_PATHS",
    "Run",
    "compare_scenarios",
    "evaluate_plans",
    "plan_scenario",
    "plan_scenarios",
    "read_run",
]
