"""The cluster model in plain PyMC: the definition to which ``cluster_model.density`` is held.

Clear before fast. Every line is an equation of ``docs/model.md``; the compiled density has the same value and
the same gradient, and tests compare them.

Axes: act j, day d, week t, stream k, category c, side a, severity s, reaction i.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.transforms import logodds

from cluster_model import density
from cluster_model.density import (
    BETA,
    CHAIN_SLOPE,
    CHAIN_STEEPNESS,
    EXPONENTIAL,
    GAMMA,
    GROUPS,
    HALF_NORMAL,
    LOG_NORMAL,
    LOGIT_NORMAL,
    NORMAL,
    SEVERITIES,
    Priors,
    Record,
)
from forecast.panel import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    DRIFT_NOISE,
    HALF_SATURATION,
    KNOT_STEPS,
    STEP_DAYS,
)

Tensor = Any
Floats = NDArray[np.float64]
GRADES = np.arange(1, SEVERITIES + 1)


def build_model(record: Record, priors: Priors) -> pm.Model:
    """Write the model of a record; the variables are named as ``GROUPS``, innovations last."""
    n_days = len(record.known)
    n = -(-n_days // STEP_DAYS)
    weights = density.weights_of_weeks(n_days)
    days = density.days_of_weeks(record.known)
    conflict = record.side >= 0
    with pm.Model() as model:
        p = {name: _group(g, name, priors) for g, name in enumerate(GROUPS)}
        innovations = pm.Normal("tension_innovations", 0.0, 1.0, shape=priors.n_knots)
        drift_innovations = pm.Normal("drift_innovations", 0.0, 1.0, shape=priors.n_drift_knots)

        # Tension x(t): months, unit variance. Drift z(t): years, and exp(z) has mean one over the record.
        kept = pt.exp(-STEP_DAYS * KNOT_STEPS / p["tension.persistence"][0])
        tension = _between(_walk(innovations, kept, pt.sqrt(1 - kept**2)), KNOT_STEPS, n)
        drift = p["drift.scale"][0] * _between(
            _walk(drift_innovations, DRIFT_DECAY, DRIFT_NOISE), DRIFT_KNOT_STEPS, n
        )
        drift = drift - pt.log((pt.exp(drift) * weights).sum() / weights.sum())

        # calm(t) = exp(−Σ_b β_b N/(N + 5)), with N the recent acts of cooperation of each kind.
        calm = pt.zeros(n)
        if len(record.calming):
            recent = _decayed(record.calming.T, 2 ** (-STEP_DAYS / p["ballast.half_life_days"][0]), n)
            calm = -pt.dot(recent / (recent + HALF_SATURATION), p["ballast"])

        # Immigrants: r_k·exp(ℓσx − (ℓσ)²/2 + z)·calm a week; cooperation neither drifts nor is calmed.
        of_conflict = np.zeros(record.n_categories)
        of_conflict[record.category[conflict]] = 1.0
        loading = p["tension.loading"] * p["tension.scale"][0]
        log_moved = loading * tension[:, None] - loading**2 / 2 + of_conflict * (drift + calm)[:, None]
        moved = pt.exp(log_moved)[:, record.category]
        rate = p["baseline.weekly_rate"]
        immigrants = rate / STEP_DAYS * moved

        # mass_k(j): how many acts of stream k act j brings about, by severity s of j.
        grave = pt.exp(p["answers.gravity"][0] * (record.severity - 1) * (GRADES - 2)[:, None])
        factor = pt.exp(p["answers.severity"][0] * (GRADES - 2))[:, None] * grave
        side, category = record.side, record.category
        in_side = rate / pt.dot((side[:, None] == side).astype(float), rate)
        alike = (side[:, None] == side) & (category[:, None] == category)
        in_kind = rate / pt.dot(alike.astype(float), rate)
        mass = np.zeros((len(side), SEVERITIES, len(side)))
        for e, same in enumerate((True, False)):
            answers = conflict[:, None] & conflict & ((side[:, None] == side) == same)
            kind = category[:, None] == category
            share = p["answers.in_kind"][e]
            part = (1 - share) * in_side + share * kind * in_kind
            mass = mass + p["answers.number"][e] * (answers * part)[:, None, :] * factor
        masses = [mass[record.stream, record.grade] * record.felt[:, None]]
        lives = [p["answers.half_life_days"][0]]
        follows = np.eye(len(side)) * ~conflict
        masses.append(p["follow_on.number"][0] * follows[record.stream] * record.felt[:, None])
        lives.append(p["follow_on.half_life_days"][0])
        for i in range(len(record.then)):
            answering = rate * record.then[i] / (rate * record.then[i]).sum()
            graver = pt.exp(p["reaction.severity"][i] * (record.grade - 1))
            acts = record.trigger[i] * record.felt * graver * p["reaction.number"][i]
            masses.append(acts[:, None] * answering * grave[record.grade])
            lives.append(p["reaction.half_life_days"][i])

        # λ_k(d_j) of every act, and the integral of λ·known over days and streams.
        lag = record.day[:, None] - record.day[None, :]
        ahead = np.arange(n_days)[None, :] - record.day[:, None]
        own = immigrants[record.day // STEP_DAYS, record.stream]
        whole = (immigrants * days[:, None]).sum()
        for answers, life in zip(masses, lives, strict=True):
            decay = 2 ** (-1 / life)
            own = own + (_kernel(lag, decay) * answers.T[record.stream]).sum(axis=1)
            whole = whole + (answers.sum(axis=1) * (_kernel(ahead, decay) * record.known).sum(axis=1)).sum()
        pm.Potential("acts", pt.log(own * record.known[record.day]).sum() - whole)

        # Chains die out when an act of the record's mean brings about less than one; a soft bound, so that
        # the sampler meets a slope and not a wall.
        part = rate * conflict / (rate * conflict).sum()
        mean = pt.dot(pt.dot(pt.dot(part, record.mix), factor), part)
        strength = p["answers.number"].sum() * mean
        pm.Potential("finite_chains", -CHAIN_SLOPE * pt.softplus(CHAIN_STEEPNESS * (strength - 1)))
    return model


def _group(g: int, name: str, priors: Priors) -> Tensor:
    """Declare the parameters of a group: a variable for each family, joined in the order of the group."""
    begin = priors.offset[g]
    end = priors.offset[g + 1] if g + 1 < len(GROUPS) else len(priors.family)
    joined = pt.zeros(end - begin)
    for family in np.unique(priors.family[begin:end]):
        places = np.flatnonzero(priors.family[begin:end] == family)
        values = _of_family(int(family), f"{name}.{family}", *priors.value[begin + places].T)
        joined = joined[places].set(values)
    return joined


def _of_family(family: int, name: str, a: Floats, b: Floats) -> Tensor:
    made = {
        NORMAL: lambda: pm.Normal(name, a, b),
        LOG_NORMAL: lambda: pm.LogNormal(name, a, b),
        LOGIT_NORMAL: lambda: pm.LogitNormal(name, a, b, transform=logodds),
        HALF_NORMAL: lambda: pm.HalfNormal(name, a),
        EXPONENTIAL: lambda: pm.Exponential(name, a),
        GAMMA: lambda: pm.Gamma(name, a, b),
        BETA: lambda: pm.Beta(name, a, b),
    }
    return made[family]()


def _kernel(lag: NDArray[np.int64], decay: Tensor) -> Tensor:
    """g(n) = (1 − ρ)ρ^(n−1) from the first day on, 0 before."""
    return (lag >= 1) * (1 - decay) * decay ** np.maximum(lag - 1, 0)


def _walk(innovations: Tensor, decay: Tensor, noise: Tensor) -> Tensor:
    """x[0] = ε[0]; x[m] = decay·x[m−1] + noise·ε[m]."""
    size = innovations.type.shape[0]
    lag = np.arange(size)[:, None] - np.arange(size)
    scaled = pt.concatenate([innovations[:1], noise * innovations[1:]])
    return pt.dot((lag >= 0) * decay ** np.maximum(lag, 0), scaled)


def _decayed(values: Floats, decay: Tensor, n: int) -> Tensor:
    """Σ_{l≥1} decay^l·v[t − l], along the first axis."""
    lag = np.arange(n)[:, None] - np.arange(n)
    return pt.dot((lag >= 1) * decay ** np.maximum(lag, 0), values)


def _between(knots: Tensor, every: int, n: int) -> Tensor:
    """Values in each week, linear between knots that stand ``every`` so many weeks."""
    left, part = np.divmod(np.arange(n), every)
    return (1 - part / every) * knots[left] + part / every * knots[left + 1]
