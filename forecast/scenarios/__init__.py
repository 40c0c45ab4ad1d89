"""A run and a named diff → changed probabilities, with how they were found and how far to trust them.

The modules in the order of the flow: ``base_run`` (the run that scenarios start from), ``reweighting``
(changed priors → weights of its draws), ``evaluate`` (paired differences).
"""

from forecast.scenarios.base_run import BaseRun, base_of, read_base_run
from forecast.scenarios.evaluate import ChangedProbability, base_shares, reweighted_probability
from forecast.scenarios.reweighting import changed_priors, log_prior_ratio, parameter_draws, weights_for

__all__ = [
    "BaseRun",
    "ChangedProbability",
    "base_of",
    "base_shares",
    "changed_priors",
    "log_prior_ratio",
    "parameter_draws",
    "read_base_run",
    "reweighted_probability",
    "weights_for",
]
