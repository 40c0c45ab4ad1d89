"""Documented priors of the cluster model, and draws from its posterior with what the gates ask of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import nutpie
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from nutpie.compiled_pyfunc import from_pyfunc

from cluster_model import density
from cluster_model.density import (
    ANSWER_LIFE,
    ANSWERS,
    BALLAST,
    CALM_LIFE,
    DRIFT,
    FOLLOW_LIFE,
    FOLLOW_ON,
    GRAVITY,
    GROUPS,
    IN_KIND,
    LOADING,
    LOG_NORMAL,
    LOGIT_NORMAL,
    NORMAL,
    PERSISTENCE,
    RATE,
    REACTION,
    REACTION_LIFE,
    REACTION_SEVERITY,
    SCALE,
    SEVERITY,
    Priors,
)
from cluster_model.streams import Acts, own_rates
from forecast.events.codebook import CONFLICTUAL
from forecast.panel import drift_knots_for, knots_for

Floats = NDArray[np.float64]
FURTHER = (0.12, 0.78)
"""Beta distribution of the share of acts that go one severity further, of the shipped population."""
DOCUMENTED: Mapping[int, tuple[int, float, float]] = {
    RATE: (LOG_NORMAL, 0.0, 1.0),  # times the record's own rate
    SCALE: (LOG_NORMAL, np.log(0.9), 0.5),
    PERSISTENCE: (LOG_NORMAL, np.log(120.0), 0.5),
    LOADING: (LOG_NORMAL, 0.0, 0.4),
    DRIFT: (LOG_NORMAL, 0.0, 0.5),
    ANSWERS: (LOG_NORMAL, np.log(0.08), 0.8),
    IN_KIND: (LOGIT_NORMAL, 0.0, 1.0),
    ANSWER_LIFE: (LOG_NORMAL, np.log(3.0), 0.5),
    SEVERITY: (LOG_NORMAL, np.log(0.4), 0.7),
    GRAVITY: (LOG_NORMAL, np.log(0.3), 0.7),
    FOLLOW_ON: (LOGIT_NORMAL, -2.0, 1.0),
    FOLLOW_LIFE: (LOG_NORMAL, np.log(10.5), 0.6),
    REACTION: (LOG_NORMAL, np.log(0.1), 1.0),
    REACTION_LIFE: (LOG_NORMAL, np.log(3.0), 0.5),
    REACTION_SEVERITY: (LOG_NORMAL, np.log(0.8), 0.5),
    BALLAST: (NORMAL, 0.0, 0.1),
    CALM_LIFE: (LOG_NORMAL, np.log(56.0), 0.5),
}
"""Family and its two values by group; half-lives in days, numbers in acts an act."""
COOPERATIVE_LOADING = (NORMAL, 0.0, 0.35)


def documented_priors(acts: Acts, changed: Mapping[int, tuple[int, float, float]] | None = None) -> Priors:
    """Return the priors of a record: rates around its own, the rest as documented or as ``changed``."""
    stated = {**DOCUMENTED, **(changed or {})}
    record, reactions = acts.record, len(acts.streams.reactions)
    sizes = dict.fromkeys(range(len(GROUPS)), 1) | {
        RATE: len(acts.streams.streams),
        LOADING: record.n_categories,
        ANSWERS: 2,
        IN_KIND: 2,
        REACTION: reactions,
        REACTION_LIFE: reactions,
        REACTION_SEVERITY: reactions,
        BALLAST: len(record.calming),
    }
    rates = own_rates(acts, FURTHER)
    family, values = [], []
    for group, size in sizes.items():
        for element in range(size):
            kind, centre, spread = stated[group]
            if group == RATE:
                centre += np.log(rates[element].weekly)
                spread = np.hypot(spread, rates[element].spread)
            elif group == LOADING and acts.streams.categories[element] not in CONFLICTUAL:
                kind, centre, spread = COOPERATIVE_LOADING
            family.append(kind)
            values.append((centre, spread))
    offset = np.concatenate([[0], np.cumsum(list(sizes.values()))[:-1]]).astype(np.int64)
    knots = knots_for(acts.n_weeks)
    return Priors(np.array(family, dtype=np.int64), np.array(values), offset, knots, drift_knots_for(knots))


def prior_draws(priors: Priors, n_draws: int, rng: np.random.Generator, share: float = 1.0) -> Floats:
    """Draw points from priors of normal families whose spreads are a share of those stated, (draw, p)."""
    n_parameters = len(priors.family)
    points = rng.standard_normal((n_draws, n_parameters + priors.n_knots + priors.n_drift_knots))
    points[:, :n_parameters] = priors.value[:, 0] + share * priors.value[:, 1] * points[:, :n_parameters]
    return np.array([density.constrained(point, priors) for point in points])


@dataclass(frozen=True)
class Fit:
    """Draws of the parameters and innovations, (draw, p), each in its own unit, and what they are worth."""

    values: Floats
    rhat: float
    ess: float
    divergences: int
    steps: float


def fit(
    acts: Acts,
    priors: Priors,
    *,
    seed: int,
    draws: int = 600,
    tune: int = 400,
    chains: int = 4,
    target_accept: float = 0.85,
) -> Fit:
    """Sample the posterior with nutpie; R-hat and effective sample size are the worst of all coordinates."""
    record, size = acts.record, len(priors.family) + priors.n_knots + priors.n_drift_knots

    def log_density() -> Callable[[Floats], tuple[float, Floats]]:
        def at(point: Floats) -> tuple[float, Floats]:
            gradient = np.empty(size)
            return density.log_density(point, priors, record, gradient), gradient

        return at

    def start(seed: int) -> Floats:
        point = np.zeros(size)
        point[: len(priors.family)] = priors.value[:, 0]
        return point + np.random.default_rng(seed).uniform(-0.5, 0.5, size)

    model = from_pyfunc(
        size,
        make_logp_fn=log_density,
        make_expand_fn=lambda *seeds: lambda point: {"point": point},
        expanded_dtypes=[np.dtype(np.float64)],
        expanded_shapes=[(size,)],
        expanded_names=["point"],
        make_initial_point_fn=start,
    )
    tree = nutpie.sample(
        model,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        target_accept=target_accept,
        adaptation="draw_diag",
        save_warmup=False,
        progress_bar=False,
    )
    points = tree["posterior"]["point"].values
    statistics = tree["sample_stats"]
    return Fit(
        np.array([density.constrained(point, priors) for point in points.reshape(-1, size)]),
        float(np.max(array_stats.rhat(points, chain_axis=0, draw_axis=1))),
        float(np.min(array_stats.ess(points, chain_axis=0, draw_axis=1))),
        int(statistics["diverging"].values.sum()),
        float(statistics["n_steps"].values.mean()),
    )
