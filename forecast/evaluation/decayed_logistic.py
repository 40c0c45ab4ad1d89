"""Baseline 4: ridge logistic regression on decayed event counts, fitted to past windows only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from forecast.evaluation.climatology import share_of_windows
from forecast.evaluation.history import PastEvents
from forecast.evaluation.logistic import fit_logistic
from forecast.evaluation.windows import Horizons
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE

Floats = NDArray[np.float64]

HALF_LIVES_DAYS = (30.0, 120.0)
STEP_DAYS = 7
"""Days between the past windows that are fitted."""
PENALTY = 10.0
"""Prior precision of each standardised coefficient: two thirds of a standard deviation is a large effect."""
PRIOR_ROWS = 1.0
"""Weight of one row at outcome ½ and average covariates, so that the intercept is finite."""


def logistic_on_decayed_counts(past: PastEvents, horizon_days: Horizons) -> Floats:
    """Probability of a target event from a logistic regression refitted at the origin.

    Covariates: log(1 + decayed count) of target events, conflictual acts and cooperative acts, each at two
    half-lives, standardised over the fitted windows. Fitted windows begin every ``STEP_DAYS`` days and are
    complete before the origin; each has weight step / horizon, so that overlapping ones count once.

    Returns
    -------
    ndarray of float64, shape (horizon,)
        Climatology where fewer than two past windows are complete.
    """
    covariates = _covariates(past)
    found = share_of_windows(past, horizon_days)
    for place, days in enumerate(horizon_days):
        hits = past.window_hits(int(days))
        # Counted back from the origin, so that the newest complete window is always among them.
        begins = np.arange(len(hits) - 1, -1, -STEP_DAYS)
        if len(begins) > 1:
            found[place] = _fit_and_predict(covariates, begins, hits[begins], int(days))
    return found


def _covariates(past: PastEvents) -> Floats:
    """Covariates on each day up to the origin, shape (n_days + 1, covariate)."""
    kinds = (
        past.is_target,
        np.isin(past.category, CONFLICTUAL),
        np.isin(past.category, COOPERATIVE),
    )
    columns = [past.decayed_count(kind, half_life) for kind in kinds for half_life in HALF_LIVES_DAYS]
    return np.log1p(np.stack(columns, axis=1))


def _fit_and_predict(
    covariates: Floats, begins: NDArray[np.int64], hits: NDArray[np.bool_], days: int
) -> float:
    fitted = covariates[begins]
    spread = fitted.std(axis=0)
    # A covariate that never moved says nothing: it is centred to zero and left unscaled.
    spread[spread < 1e-9] = 1.0
    scaled = (fitted - fitted.mean(axis=0)) / spread
    now = (covariates[-1] - fitted.mean(axis=0)) / spread
    design = np.vstack([np.column_stack([np.ones(len(begins)), scaled]), np.eye(1, 1 + scaled.shape[1])])
    weight = np.append(np.full(len(begins), min(STEP_DAYS / days, 1.0)), PRIOR_ROWS)
    penalty = np.append(0.0, np.full(scaled.shape[1], PENALTY))
    coefficients = fit_logistic(design, np.append(hits, 0.5), weight=weight, penalty=penalty)
    return float(expit(coefficients[0] + coefficients[1:] @ now))
