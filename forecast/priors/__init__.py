"""Named priors: text ↔ distribution, catalogue with reasons, elicitation, changes."""

from forecast.priors.distributions import Distribution, parse_distribution
from forecast.priors.named import (
    NamedPrior,
    ParameterGroup,
    PriorSet,
    PriorStatement,
    default_priors,
    elements,
    fit_quantiles,
    new_type_parameters,
    parameter_groups,
    read_prior,
)

__all__ = [
    "Distribution",
    "NamedPrior",
    "ParameterGroup",
    "PriorSet",
    "PriorStatement",
    "default_priors",
    "elements",
    "fit_quantiles",
    "new_type_parameters",
    "parameter_groups",
    "parse_distribution",
    "read_prior",
]
