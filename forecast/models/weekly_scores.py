"""The PyMC model of weekly scores: acts of each direction, and their tone, around two latent processes.

``z`` (activity) and ``x`` (tone) are Ornstein–Uhlenbeck processes of unit variance. With the number of acts::

    n[t,d] ~ NegBinomial(mean exp(log m[d] + s[d]·z[t]) + e[d]·E[t], shape α[d])     E: decayed past acts
    y[t,d] ~ Student t(ν, n·(μ[d] + w[d]·x[t] + r·z[t]), σ[d]·n^γ), correlated ρ;  0 where n = 0

and without it activity moves the spread: y ~ Student t(ν, μ + w·x + r·z, σ·exp(s·z)). The tail, and a spread
that grows with the number of acts, keep single weeks of many acts from being read as a turn of the relation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from forecast.models.recursion import decayed_sum
from forecast.models.streams import declare
from forecast.series import KNOT_STEPS, STEP_DAYS, knots_for
from forecast.weekly_scores.parameters import ScorePriors, parameters_of
from forecast.weekly_scores.series import ScoreSeries

Tensor = Any
Floats = NDArray[np.float64]

INNOVATIONS = "latent_innovations"
"""Standard normal innovations of tone and activity at the knots, shape (knot, 2)."""


def score_arrays(series: ScoreSeries, n_weeks: int) -> dict[str, Floats]:
    """Return the data of the model, padded to ``n_weeks``; padding has weight 0 and is never looked at.

    Returns
    -------
    dict
        ``score`` and ``acts``, shape (week, direction), scores in units; ``weight``, shape (week,).
    """
    used = len(series)
    shape = (n_weeks, len(series.directions))
    score, acts, weight = np.zeros(shape), np.zeros(shape), np.zeros(n_weeks)
    score[:used] = series.score / series.unit
    acts[:used] = 1.0 if series.acts is None else series.acts
    weight[:used] = 1.0
    return {"score": score, "acts": acts, "weight": weight}


def build_score_model(series: ScoreSeries, priors: ScorePriors, n_weeks: int | None = None) -> pm.Model:
    """Build the model of a series.

    Parameters
    ----------
    series : ScoreSeries
    priors : ScorePriors
        Of ``parameters_of`` the series.
    n_weeks : int, optional
        Weeks that the model has room for, so that it can be refitted to longer data.
    """
    n = n_weeks or len(series)
    acts_known = series.acts is not None
    coords = {
        "direction": list(series.directions),
        "knot": np.arange(knots_for(n)),
        "latent": ["tone", "activity"],
    }
    with pm.Model(coords=coords) as model:
        parameter = {}
        for one in parameters_of(n_directions=len(series.directions), acts_known=acts_known):
            copies = len(series.directions) if one.by_direction else 1
            size = {"dims": "direction"} if one.by_direction else {}
            distribution = priors.distributions[one.name]
            parameter[one.name] = declare(one.variable, [distribution] * copies, **size)
        data = {name: pm.Data(name, value) for name, value in score_arrays(series, n).items()}
        innovations = pm.Normal(INNOVATIONS, 0.0, 1.0, dims=("knot", "latent"))
        persistence = pt.stack([parameter["tone.persistence"], parameter["activity.persistence"]])
        latent = latent_at_weeks(innovations, persistence, n)
        tone, activity = latent[:, 0], latent[:, 1]
        if acts_known:
            # Acts of either side are answered by echo[a] + echo[b] acts: below one, or chains never end.
            strength = parameter["activity.echo"].sum()
            pm.Potential("finite_chains", -10.0 * pt.softplus(20.0 * (strength - 1.0)))
            rate = acts_rate(parameter, activity, data["acts"])
            counts = pm.NegativeBinomial.dist(mu=rate, alpha=parameter["activity.shape"])
            pm.Potential("log_acts", (pm.logp(counts, data["acts"]) * data["weight"][:, None]).sum())
        pm.Potential("log_scores", (log_scores(parameter, tone, activity, data) * data["weight"]).sum())
    return model


def latent_at_weeks(innovations: Tensor, persistence_days: Tensor, n_weeks: int) -> Tensor:
    """Ornstein–Uhlenbeck processes of unit variance, linear between knots, shape (week, process)."""
    n_knots = knots_for(n_weeks)
    decay = pt.exp(-STEP_DAYS * KNOT_STEPS / persistence_days)
    first = pt.ones((1, 2))
    later = pt.ones((n_knots - 1, 1)) * pt.sqrt(1 - decay**2)[None, :]
    knots = decayed_sum(pt.concatenate([first, later]) * innovations, decay)
    week = np.arange(n_weeks)
    left, part = week // KNOT_STEPS, (week % KNOT_STEPS / KNOT_STEPS)[:, None]
    return (1 - part) * knots[left] + part * knots[left + 1]


def acts_rate(parameter: Mapping[str, Tensor], activity: Tensor, acts: Tensor) -> Tensor:
    """Expected acts, shape (week, direction): latent activity, and the echo of the acts before."""
    decay = pt.exp2(-STEP_DAYS / parameter["activity.echo_half_life_days"])
    total = acts.sum(axis=1)
    before = pt.concatenate([pt.zeros(1), total[:-1]])
    past = (1 - decay) * decayed_sum(before[:, None], decay[None])[:, 0]
    level = pt.exp(
        pt.log(parameter["activity.weekly_acts"]) + parameter["activity.swing"] * activity[:, None]
    )
    return level + parameter["activity.echo"] * past[:, None]


def log_scores(
    parameter: Mapping[str, Tensor], tone: Tensor, activity: Tensor, data: Mapping[str, Tensor]
) -> Tensor:
    """Log density of the scores of each week, shape (week,); a direction without acts adds nothing."""
    acts = data["acts"]
    mean = parameter["tone.mean"] + parameter["tone.swing"] * tone[:, None]
    mean = mean + parameter["tone.with_activity"] * activity[:, None]
    if "noise.growth" in parameter:
        # At least one, so that the power of a week without acts has a slope; its density is not used.
        log_size = (0.5 + 0.5 * parameter["noise.growth"]) * pt.log(pt.maximum(acts, 1.0))
    else:
        log_size = parameter["activity.swing"] * activity[:, None]
    log_scale = pt.log(parameter["noise.scale"]) + log_size
    z = (data["score"] - acts * mean) * pt.exp(-log_scale)
    nu = 2.0 + parameter["noise.tail"]
    active = pt.switch(acts > 0, 1.0, 0.0)
    alone = (active * (_log_t(z**2, nu, 1) - log_scale)).sum(axis=1)
    if "noise.together" not in parameter:
        return alone
    rho = 2 * parameter["noise.together"] - 1
    room = 1 - rho**2
    square = (z[:, 0] ** 2 - 2 * rho * z[:, 0] * z[:, 1] + z[:, 1] ** 2) / room
    both = _log_t(square, nu, 2) - 0.5 * pt.log(room) - log_scale.sum(axis=1)
    return pt.switch(active.prod(axis=1) > 0, both, alone)


def _log_t(square: Tensor, nu: Tensor, dimension: int) -> Tensor:
    """Log density of the standard t distribution where the squared distance from its centre is ``square``."""
    constant = pt.gammaln((nu + dimension) / 2) - pt.gammaln(nu / 2) - dimension / 2 * pt.log(np.pi * nu)
    return constant - (nu + dimension) / 2 * pt.log1p(square / nu)
