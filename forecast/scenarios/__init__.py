"""A run and a change → changed probabilities, with how they were found and how far to trust them.

``plan`` puts a change upon a run, ``answer`` gives its forecast, exactly, by weights of the draws or by a
new fit, and ``evaluate`` the record of a scenario.
"""

from forecast.scenarios.answer import answer
from forecast.scenarios.evaluate import compare_scenarios
from forecast.scenarios.plan import plan_change, plan_scenarios

__all__ = ["answer", "compare_scenarios", "plan_change", "plan_scenarios"]
