"""Named priors: text ↔ distribution, catalogue with reasons, elicitation, changes."""

from forecast.priors.distributions import Distribution, parse_distribution
from forecast.priors.named import (
    NamedPrior,
    ParameterGroup,
    PriorSet,
    PriorStatement,
    answer_chance,
    chance_prior,
    default_priors,
    elements,
    fit_quantiles,
    parameter_groups,
)

__all__ = [
    "Distribution",
    "NamedPrior",
    "ParameterGroup",
    "PriorSet",
    "PriorStatement",
    "answer_chance",
    "chance_prior",
    "default_priors",
    "elements",
    "fit_quantiles",
    "parameter_groups",
    "parse_distribution",
]
