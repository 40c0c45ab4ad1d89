"""The chance that each draw gives a target, freed of the luck of its few paths.

A draw's share of paths is its chance plus binomial noise, which for a rare target outweighs what the
parameters do. The hits are therefore regressed on the parameters: a binomial model whose log cumulative
hazard is linear in them, shrunk a little. The fit serves questions on the spread over draws only;
probabilities themselves are always means of the shares.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from forecast.models.draws import Floats
from forecast.runs.run import Run
from forecast.scenarios.reweighting import parameter_draws

_SHRINKAGE = 5.0
"""Precision of the coefficients around zero, per standard deviation of a parameter."""
_MOST_ROUNDS = 50
_ROUNDS_OF_CURVATURE = 3
"""Rounds in which the curvature is worked out anew: nearly all of the cost, and it hardly changes later."""


def parameter_features(base: Run) -> Floats:
    """Standardised parameters and latest tension by draw, shape (draw, feature); constants are left out."""
    columns = []
    for name, prior in base.inputs.priors.priors.items():
        values = parameter_draws(base, name)
        support = prior.group.support
        columns.append(
            values
            if support == "real"
            else np.log(values)
            if support == "positive"
            else special.logit(values)
        )
    columns += list(base.draws.knots[:, 0, -2:].T)
    features = np.column_stack(columns)
    spread = features.std(axis=0)
    moving = spread > 1e-12
    return np.asarray((features[:, moving] - features[:, moving].mean(axis=0)) / spread[moving])


def log_hazards(shares: Floats, n_paths: int, features: Floats) -> Floats:
    """Logarithm of each draw's cumulative hazard, −log(1 − chance), shape (draw,).

    Parameters
    ----------
    shares : ndarray, shape (draw,)
        Share of each draw's paths that are hit.
    n_paths : int
        Paths a draw.
    features : ndarray, shape (draw, feature)

    Returns
    -------
    ndarray
        The same value everywhere when all paths agree (there is nothing to tell draws apart).
    """
    mean = float(shares.mean())
    if mean in (0.0, 1.0):
        return np.zeros(len(shares))
    design = np.column_stack([np.ones(len(shares)), features])
    penalty = np.diag([0.0, *([_SHRINKAGE] * features.shape[1])])
    coefficients = np.zeros(design.shape[1])
    coefficients[0] = np.log(-np.log1p(-mean))
    curvature = penalty
    for finished in range(_MOST_ROUNDS):
        # Fisher scoring; the clip keeps a wild step of the first rounds finite.
        log_hazard = np.clip(design @ coefficients, -14.0, 3.0)
        hazard = np.exp(log_hazard)
        chance = np.clip(-np.expm1(-hazard), 1e-9, 1 - 1e-9)
        slope = hazard * np.exp(-hazard)
        variance = chance * (1 - chance)
        score = n_paths * slope * (shares - chance) / variance
        if finished < _ROUNDS_OF_CURVATURE:
            rooted = np.sqrt(n_paths * slope**2 / variance)[:, None] * design
            curvature = rooted.T @ rooted + penalty
        step = np.linalg.solve(curvature, design.T @ score - penalty @ coefficients)
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-4:
            break
    return np.asarray(design @ coefficients)
