"""Changed priors: log ratio of prior densities by draw, and the weights it gives.

The likelihood and the soft constraint on chains of acts stay as they are, and every prior stands on the
parameter that was sampled, so that the ratio of two posteriors is the ratio of the changed priors alone, up
to a constant that the weights do not see.
"""

from __future__ import annotations

import numpy as np

from forecast.inference.importance import ImportanceWeights, importance_weights
from forecast.models.draws import Floats
from forecast.priors import PriorSet, elements
from forecast.runs.run import Run


def parameter_draws(base: Run, name: str) -> Floats:
    """Posterior draws of one named parameter, shape (draw,).

    Raises
    ------
    KeyError
        No parameter has this name.
    """
    prior = base.inputs.priors.priors[name]
    values = base.variables[prior.group.variable][:, 0]
    if prior.element is None:
        return values
    return values[:, elements(prior.group, base.inputs.data.layout).index(prior.element)]


def changed_priors(base: Run, priors: PriorSet) -> tuple[str, ...]:
    """Names of the parameters whose prior is another distribution than in the run."""
    before = base.inputs.priors.priors
    return tuple(
        name for name, prior in priors.priors.items() if prior.distribution != before[name].distribution
    )


def log_prior_ratio(base: Run, priors: PriorSet) -> Floats:
    """Log of new over old prior density at each draw, shape (draw,); exactly zero where nothing changed.

    −inf where the new priors rule a draw out.
    """
    ratio = np.zeros(base.n_draws)
    for name in changed_priors(base, priors):
        values = parameter_draws(base, name)
        old = base.inputs.priors.priors[name].distribution.log_density(values)
        ratio += priors.priors[name].distribution.log_density(values) - old
    return ratio


def weights_for(base: Run, priors: PriorSet) -> ImportanceWeights:
    """Weights that make the draws of the run stand for the posterior under other priors.

    With unchanged priors all weights are exactly the same.
    """
    return importance_weights(log_prior_ratio(base, priors))
