"""A run and a named diff → changed probabilities, with how they were found and how far to trust them.

The modules in the order of the flow: ``base_run`` (the run that scenarios start from), ``plan`` (a scenario
put upon it), ``new_types`` (effects of what was never seen), ``reweighting`` (changed priors → weights of
the draws), ``evaluate`` (paired differences), ``refit``, ``compare`` (all of it, the way chosen and named).
"""

from forecast.runs.run import Run, read_run
from forecast.scenarios.compare import (
    SCENARIO_PATHS,
    compare_scenarios,
    evaluate_plan,
    evaluate_plans,
    simulate_plan,
)
from forecast.scenarios.evaluate import (
    ChangedProbability,
    ScenarioDraws,
    base_shares,
    changed_probability,
    hit_shares_before,
    milestone_day,
    scenario_curve,
)
from forecast.scenarios.plan import ScenarioPlan, plan_scenario, plan_scenarios
from forecast.scenarios.reweighting import changed_priors, log_prior_ratio, parameter_draws, weights_for

__all__ = [
    "SCENARIO_PATHS",
    "ChangedProbability",
    "Run",
    "ScenarioDraws",
    "ScenarioPlan",
    "base_shares",
    "changed_priors",
    "changed_probability",
    "compare_scenarios",
    "evaluate_plan",
    "evaluate_plans",
    "hit_shares_before",
    "log_prior_ratio",
    "milestone_day",
    "parameter_draws",
    "plan_scenario",
    "plan_scenarios",
    "read_run",
    "scenario_curve",
    "simulate_plan",
    "weights_for",
]
