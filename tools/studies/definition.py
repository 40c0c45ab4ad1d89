"""The model in plain PyMC: the definition to which ``forecast.models.density`` is held.

Clear before fast. Every line is an equation of ``docs/model.md``; the compiled density has the same value and
the same gradient, and tests compare them.

Axes: act j, day d, week t, stream k, category c, severity s, reaction i; knots m of tension and of drift.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.transforms import logodds

from forecast.grid import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    DRIFT_NOISE,
    HALF_SATURATION,
    KNOT_STEPS,
    STEP_DAYS,
    drift_knots_for,
)
from forecast.models.density import REFERENCE, SEVERITIES
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, record_of
from forecast.priors import PriorSet, elements
from forecast.priors.distributions import FAMILIES
from forecast.streams import Acts

Tensor = Any
Floats = NDArray[np.float64]
GRADES = np.arange(1, SEVERITIES + 1)


def build_model(data: Acts, priors: PriorSet, n_knots: int | None = None) -> pm.Model:
    """Write the model, with the knots that the weeks of a record need or with more."""
    record = record_of(data)
    n_days, n = len(record.completeness), data.grid.n_steps
    weights, days = record.weight, record.days
    n_knots = max(n_knots or 0, data.grid.n_knots)
    side, category = record.side, record.category
    conflict = side >= 0
    with pm.Model(coords=_coordinates(data, priors, n_knots)) as model:
        p = _parameters(priors)
        innovations = pm.Normal(INNOVATIONS, 0.0, 1.0, shape=n_knots, dims="knot")
        drift_innovations = pm.Normal(
            DRIFT_INNOVATIONS, 0.0, 1.0, shape=drift_knots_for(n_knots), dims="drift_knot"
        )

        # Tension x(t): months, unit variance. Drift z(t): years, and exp(z) has mean one over the record.
        kept = pt.exp(-STEP_DAYS * KNOT_STEPS / p["tension.persistence"])
        tension = _between(_walk(innovations, kept, pt.sqrt(1 - kept**2)), KNOT_STEPS, n)
        unit_drift = _walk(drift_innovations, DRIFT_DECAY, DRIFT_NOISE)
        drift = _between(p["drift.scale"] * unit_drift, DRIFT_KNOT_STEPS, n)
        drift = drift - pt.log((pt.exp(drift) * weights).sum() / weights.sum())

        # calm(t) = exp(−Σ_b β_b N/(N + 5)), with N the recent acts of cooperation of each kind.
        calm = pt.zeros(n)
        if len(record.calming):
            recent = _decayed(record.calming.T, 2 ** (-STEP_DAYS / p["ballast.half_life_days"]), n)
            calm = -pt.dot(recent / (recent + HALF_SATURATION), p["ballast"])

        # Immigrants: r_k·exp(ℓσx − (ℓσ)²/2 + z)·calm a week; cooperation neither drifts nor is calmed.
        of_conflict = np.zeros(record.n_categories)
        of_conflict[category[conflict]] = 1.0
        loading = p["tension.loading"] * p["tension.scale"]
        log_moved = loading * tension[:, None] - loading**2 / 2 + of_conflict * (drift + calm)[:, None]
        rate = p["baseline.weekly_rate"][record.rate_of] * record.rate_share
        immigrants = rate / STEP_DAYS * pt.exp(log_moved)[:, category]

        # mass_k(j): how many acts of stream k act j brings about, by severity s of j.
        grave = pt.exp(p["answers.gravity"] * (record.severity - 1) * (GRADES - 2)[:, None])
        plain = pt.exp(p["answers.severity"] * (GRADES - 2))[:, None] * grave
        in_side = rate / pt.dot((side[:, None] == side).astype(float), rate)
        alike = (side[:, None] == side) & (category[:, None] == category)
        in_kind = rate / pt.dot(alike.astype(float), rate)
        gravest = pt.dot(alike.astype(float), in_kind * plain[-1])
        full = p["answers.number"].sum() * gravest / p["answers.most"]
        factor = plain / (1 + full * plain / plain[-1])
        mass = np.zeros((len(side), SEVERITIES, len(side)))
        for e, same in enumerate((True, False)):
            answers = conflict[:, None] & conflict & ((side[:, None] == side) == same)
            kind = category[:, None] == category
            share = p["answers.in_kind"][e]
            part = (1 - share) * in_side + share * kind * in_kind
            mass = mass + p["answers.number"][e] * (answers * part)[:, None, :] * factor
        # An occasion is an act of no stream.
        of_stream, act = record.stream, record.stream >= 0
        masses = [mass[of_stream, record.grade] * act[:, None]]
        lives = [p["answers.half_life_days"]]
        follows = np.eye(len(side)) * ~conflict
        masses.append(p["follow_on.number"] * follows[of_stream] * act[:, None])
        lives.append(p["follow_on.half_life_days"])
        for i in range(len(record.then)):
            answering = rate * record.then[i] * pt.exp(p["reaction.gravity"][i] * (record.severity - 1))
            answering = answering / (answering * grave[REFERENCE]).sum()
            graver = pt.exp(p["reaction.severity"][i] * (record.grade - REFERENCE))
            acts = record.trigger[i] * graver * p["reaction.number"][i]
            masses.append(acts[:, None] * answering * grave[record.grade])
            lives.append(p["reaction.half_life_days"][i])

        # λ_k(d_j) of every act, and the integral of λ·known over days and streams.
        lag = record.day[act][:, None] - record.day[None, :]
        ahead = np.arange(n_days)[None, :] - record.day[:, None]
        own = immigrants[record.day[act] // STEP_DAYS, of_stream[act]]
        whole = (immigrants * days[:, None]).sum()
        for answers, life in zip(masses, lives, strict=True):
            decay = 2 ** (-1 / life)
            own = own + (_kernel(lag, decay) * answers.T[of_stream[act]]).sum(axis=1)
            whole = (
                whole
                + (answers.sum(axis=1) * (_kernel(ahead, decay) * record.completeness).sum(axis=1)).sum()
            )
        silence = pt.dot(rate, record.silent)
        pm.Potential("acts", pt.log(own * record.completeness[record.day[act]]).sum() - whole - silence)
    return model


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


def _coordinates(data: Acts, priors: PriorSet, n_knots: int) -> dict[str, Any]:
    """Names along each dimension."""
    coords: dict[str, Any] = {"knot": np.arange(n_knots), "drift_knot": np.arange(drift_knots_for(n_knots))}
    for group in priors.groups:
        if group.dimension is not None:
            coords[group.dimension] = elements(group, priors.layout)
    return {name: values for name, values in coords.items() if len(values)}


def _parameters(priors: PriorSet) -> dict[str, Tensor]:
    """Declare every parameter by the name of its group."""
    declared = {}
    for group in priors.groups:
        every = [prior.distribution for prior in priors.of_group(group)]
        families = list(dict.fromkeys(own.family for own in every))
        values = {name: np.array([own.values for own in every if own.family == name]).T for name in families}
        if group.dimension is None:
            declared[group.name] = _of_family(families[0], group.name, every[0].values)
        elif len(families) == 1:
            (only,) = values.values()
            declared[group.name] = _of_family(families[0], group.name, only, dims=group.dimension)
        elif every:  # a variable a family, joined in the order of the dimension
            joined = pt.zeros(len(every))
            for family in families:
                index = [k for k, own in enumerate(every) if own.family == family]
                joined = joined[index].set(_of_family(family, f"{group.name}.{family}", values[family]))
            declared[group.name] = pm.Deterministic(group.name, joined, dims=group.dimension)
    return declared


def _of_family(family: str, name: str, values: Iterable[object], **size: object) -> Tensor:
    """Declare a variable of a family, which has PyMC's names for itself and its parameters."""
    if family == "LogitNormal":  # PyMC gives it no transform of its own
        size["transform"] = logodds
    return getattr(pm, family)(name, **dict(zip(FAMILIES[family].parameters, values, strict=True)), **size)
