"""Ridge-penalised logistic regression by Newton steps (iteratively reweighted least squares).

Written here and not taken from scikit-learn, which has one penalty for all coefficients, gives no sign when
outcomes are separated, and stops at other last digits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

MAX_STEPS = 100
TOLERANCE = 1e-9
FLAT = 1e-8
"""Curvature, as a share of that of the squared covariates, below which the likelihood is flat."""


class LogisticFitError(ArithmeticError):
    """The likelihood has no maximum (separated outcomes without a penalty) or Newton did not settle."""


def fit_logistic(design: Floats, outcome: Floats, *, weight: Floats, penalty: Floats) -> Floats:
    """Maximise the weighted Bernoulli log likelihood minus half the penalised sum of squares.

    Parameters
    ----------
    design : ndarray, shape (row, column)
        Covariates, an intercept column included where one is wanted.
    outcome, weight : ndarray, shape (row,)
        0 or 1 (or a share); how much each row counts, not negative.
    penalty : ndarray, shape (column,)
        Precision of the normal prior of each coefficient; 0 = not penalised.

    Returns
    -------
    ndarray, shape (column,)
        Coefficients; ``LogisticFitError`` when there is no finite maximum.
    """
    beta, linear = np.zeros(design.shape[1]), np.zeros(len(design))
    value = _objective(beta, linear, outcome, weight, penalty)
    for _ in range(MAX_STEPS):
        fitted = expit(linear)
        gradient = (weight * (outcome - fitted)) @ design - penalty * beta
        curvature = (design.T * (weight * fitted * (1.0 - fitted))) @ design + np.diag(penalty)
        try:
            np.linalg.cholesky(curvature)
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError as error:
            raise LogisticFitError("the curvature is singular: outcomes are separated") from error
        # Newton's gain in the objective is half this product; below the tolerance the maximum is reached.
        gain = float(gradient @ step)
        if gain < TOLERANCE:
            # On separated outcomes Newton walks to infinity, and the curvature behind it goes to nothing.
            if np.linalg.eigvalsh(curvature)[0] < FLAT * float(weight @ (design**2).sum(axis=1)):
                raise LogisticFitError("the likelihood has no maximum: outcomes are separated")
            return np.asarray(beta + step)
        ahead, size = design @ step, 1.0
        while True:
            there = beta + size * step, linear + size * ahead
            trial = _objective(*there, outcome, weight, penalty)
            if trial >= value:
                break
            size /= 2.0
            if size < 1e-10:
                raise LogisticFitError("no step improves the likelihood")
        (beta, linear), value = there, trial
    raise LogisticFitError(f"not settled after {MAX_STEPS} Newton steps: outcomes may be separated")


def _objective(beta: Floats, linear: Floats, outcome: Floats, weight: Floats, penalty: Floats) -> float:
    log_likelihood = weight @ (outcome * linear - np.logaddexp(0.0, linear))
    return float(log_likelihood - 0.5 * penalty @ beta**2)
