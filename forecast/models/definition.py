"""The model in plain PyMC: the definition to which ``forecast.models.density`` is held.

Clear before fast. Every line is an equation of ``docs/model.md``; the compiled density has the same value and
the same gradient, and tests compare them. The groups that ArviZ reads beside the draws are made from it.

Axes: step t, stream k, severity s; knots m of tension and j of drift.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.transforms import logodds
from pymc.pytensorf import compile as compile_graph
from pytensor.tensor.signal import convolve1d

from forecast.events.codebook import SEVERITIES
from forecast.models.density import CHAIN_SLOPE, CHAIN_STEEPNESS
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, StreamDraws
from forecast.panel import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    DRIFT_NOISE,
    HALF_SATURATION,
    KNOT_STEPS,
    STEP_DAYS,
    EventCounts,
    drift_knots_for,
)
from forecast.priors import PriorSet, elements
from forecast.priors.distributions import FAMILIES

Tensor = Any
OBSERVED = "acts"
"""Name of the counts, which have dimensions week and kind."""


def build_model(data: EventCounts, priors: PriorSet, n_knots: int | None = None) -> pm.Model:
    """Write the model, with the knots that the steps of a record need or with more."""
    layout, n_steps = data.layout, data.grid.n_steps
    in_conflict, calming = np.array(layout.conflictual), layout.calming_index
    exposure, felt, graded = data.exposure, data.felt_counts, data.felt_graded
    n_knots = max(n_knots or 0, data.grid.n_knots)
    with pm.Model(coords=_coordinates(data, priors, n_knots)) as model:
        p = _parameters(priors)
        innovations = pm.Normal(INNOVATIONS, 0.0, 1.0, shape=n_knots, dims="knot")
        n_drift_knots = drift_knots_for(n_knots)
        drift_innovations = pm.Normal(DRIFT_INNOVATIONS, 0.0, 1.0, shape=n_drift_knots, dims="drift_knot")

        # Tension x(t): months, unit variance. Drift z(t): years, and exp(z) has mean one over the record.
        kept = pt.exp(-STEP_DAYS * KNOT_STEPS / p["tension.persistence"])
        unit_tension = ornstein_uhlenbeck(innovations, kept, pt.sqrt(1 - kept**2))
        tension = between_knots(unit_tension, KNOT_STEPS, n_steps)
        unit_drift = ornstein_uhlenbeck(drift_innovations, DRIFT_DECAY, DRIFT_NOISE)
        drift = between_knots(p["drift.scale"] * unit_drift, DRIFT_KNOT_STEPS, n_steps)
        drift = drift - pt.log((pt.exp(drift) * exposure).sum() / exposure.sum())

        # What came before: S_k(t), own acts; E(t), conflict by severity, and its mean; N_k(t), calming acts.
        own_left = left_after_a_step(p["excitation.half_life_days"])
        own_past = (1 - own_left) * past(felt, own_left)
        weight = pt.exp(p["excitation.severity"] * (np.array(SEVERITIES) - 2))
        pull_left = left_after_a_step(p["excitation.cross_half_life_days"])
        pull = (1 - pull_left) * past(pt.dot(graded, weight), pull_left)
        mean_pull = (0.5 + pt.dot(graded, weight).sum()) / exposure.sum()
        calm = pt.ones(n_steps)
        if len(calming):
            calm_left = left_after_a_step(p["ballast.half_life_days"])
            recent = calm_left * past(felt[:, calming], calm_left)
            calm = pt.exp(-pt.dot(recent / (recent + HALF_SATURATION), p["ballast"]))

        # λ_k(t) = [r_k·{(1−χ_k)·exp(ℓ_kσx − (ℓ_kσ)²/2 + z) + χ_k·E/Ē} + a·S_k]·calm; without χ, z and calm
        # for cooperation.
        rate = p["baseline.weekly_rate"]
        share = pt.zeros(len(layout.streams))[layout.conflict_index].set(p["excitation.cross"])
        loading = p["tension.loading"] * p["tension.scale"]
        branching = p["excitation.branching"][np.where(in_conflict, 0, 1)]
        moved = pt.exp(loading * tension[:, None] - loading**2 / 2 + in_conflict * drift[:, None])
        ordinary = rate * ((1 - share) * moved + share * pull[:, None] / mean_pull)
        intensity = (ordinary + branching * own_past) * pt.where(in_conflict, calm[:, None], 1.0)

        # Chains of conflict die out when Σ_k w̄_k·r_k·χ_k/Ē/(1−a) < 1; a soft bound, so that the sampler meets
        # a slope and not a wall.
        chains = (
            (pt.dot(data.mix, weight) * rate * share).sum() / mean_pull / (1 - p["excitation.branching"][0])
        )
        pm.Potential("finite_chains", -CHAIN_SLOPE * pt.softplus(CHAIN_STEEPNESS * (chains - 1)))

        observed = exposure[:, None]
        pm.NegativeBinomial(
            OBSERVED,
            mu=intensity * data.completeness[:, None] * observed,
            alpha=p["overdispersion.shape"] * observed,
            observed=data.counts,
            dims=("week", "kind"),
        )
    return model


def replay(
    data: EventCounts, priors: PriorSet, draws: StreamDraws, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Go through the record again under each draw, every week given what was seen before it.

    Returns
    -------
    tuple of ndarray, shape (draw, week, kind)
        Log likelihood of the counts, and counts drawn anew.
    """
    model = build_model(data, priors, draws.points.n_knots)
    counts = model[OBSERVED]
    # Given by the names of the groups: a variable that is joined from parts takes their place.
    given = [model[name] for name in draws.variables]
    outputs = [pm.logp(counts, data.counts), counts]
    # To compile to machine code would take longer than all evaluations.
    options = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}  # no ballast where nothing calms
    evaluate = compile_graph(given, outputs, random_seed=seed, **options)
    found = [evaluate(*(values[d] for values in draws.variables.values())) for d in range(len(draws))]
    likelihood, drawn = zip(*found, strict=True)
    return np.array(likelihood), np.array(drawn)


def ornstein_uhlenbeck(innovations: Tensor, decay: Tensor, noise: Tensor) -> Tensor:
    """x[0] = ε[0]; x[m] = decay·x[m−1] + noise·ε[m]."""
    return decayed_sum(pt.concatenate([innovations[:1], noise * innovations[1:]]), decay)


def between_knots(knots: Tensor, every: int, n_steps: int) -> Tensor:
    """Values in each step, linear between knots that stand ``every`` so many steps."""
    left, part = np.divmod(np.arange(n_steps), every)
    return (1 - part / every) * knots[left] + part / every * knots[left + 1]


def left_after_a_step(half_life_days: Tensor) -> Tensor:
    """Share of an effect."""
    return pt.exp2(-STEP_DAYS / half_life_days)


def past(values: Tensor, decay: Tensor) -> Tensor:
    """Σ_{l≥1} decay^(l−1)·v[t−l], along the first axis."""
    until_now = decayed_sum(pt.as_tensor(values), decay)
    return pt.concatenate([pt.zeros_like(until_now[:1]), until_now[:-1]])


def decayed_sum(values: Tensor, decay: Tensor) -> Tensor:
    """Σ_{l≥0} decay^l·v[t−l], along the first axis: a convolution."""
    n = values.type.shape[0]
    return convolve1d(values.T, decay ** np.arange(n), mode="full")[..., :n].T


def _coordinates(data: EventCounts, priors: PriorSet, n_knots: int) -> dict[str, Any]:
    """Names along each dimension; ``week`` is the first day of each step of the record."""
    grid = data.grid
    coords: dict[str, Any] = {
        "knot": np.arange(n_knots),
        "drift_knot": np.arange(drift_knots_for(n_knots)),
        "week": np.datetime64(grid.start, "ns") + np.arange(grid.n_steps) * np.timedelta64(STEP_DAYS, "D"),
        "kind": data.layout.streams,
    }
    for group in priors.groups:
        if group.dimension is not None:
            coords[group.dimension] = elements(group, priors.layout)
    return {name: values for name, values in coords.items() if len(values)}


def _parameters(priors: PriorSet) -> dict[str, Tensor]:
    """Declare every parameter by the name of its group."""
    declared = {}
    for group in priors.groups:
        own = [one.distribution for one in priors.of_group(group)]
        families = list(dict.fromkeys(one.family for one in own))
        values = {name: np.array([one.values for one in own if one.family == name]).T for name in families}
        if group.dimension is None:
            declared[group.name] = _of_family(families[0], group.variable, own[0].values)
        elif len(families) == 1:
            (only,) = values.values()
            declared[group.name] = _of_family(families[0], group.variable, only, dims=group.dimension)
        elif own:  # a variable a family, joined in the order of the dimension
            joined = pt.zeros(len(own))
            for family in families:
                index = [k for k, one in enumerate(own) if one.family == family]
                joined = joined[index].set(_of_family(family, f"{group.variable}_{family}", values[family]))
            declared[group.name] = pm.Deterministic(group.variable, joined, dims=group.dimension)
    return declared


def _of_family(family: str, name: str, values: Iterable[object], **size: object) -> Tensor:
    """Declare a variable of a family, which has PyMC's names for itself and its parameters."""
    if family == "LogitNormal":  # PyMC gives it no transform of its own
        size["transform"] = logodds
    return getattr(pm, family)(name, **dict(zip(FAMILIES[family].parameters, values, strict=True)), **size)
