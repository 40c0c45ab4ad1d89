"""Named priors: text ↔ distribution, catalogue with reasons, elicitation, changes."""

from forecast.priors.catalogue import (
    ParameterGroup,
    elements,
    new_type_parameters,
    parameter_groups,
)
from forecast.priors.distributions import Distribution, parse_distribution
from forecast.priors.resolve import (
    NamedPrior,
    PriorSet,
    PriorStatement,
    default_priors,
    fit_quantiles,
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
