"""The PyMC model of event streams: priors by name, one likelihood for every layout.

``joint``, ``focused`` and ``target`` are layouts of this one model (see ``forecast.panel.series``): all
categories with severities as marks; four streams around one target; the target's stream alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.transforms import logodds

from forecast.models import terms
from forecast.models.data import LikelihoodData, likelihood_data
from forecast.models.likelihood import stream_likelihood
from forecast.panel.series import INNOVATIONS, KNOT_STEPS, STEP_DAYS, EventCounts, knots_for
from forecast.priors import SEVERITY_LEVELS, Distribution, ParameterGroup, PriorSet
from forecast.priors.distributions import FAMILIES

Tensor = Any
LikelihoodForm = Literal["fused", "plain"]

_PYMC = {
    "Normal": pm.Normal,
    "LogNormal": pm.LogNormal,
    "LogitNormal": pm.LogitNormal,
    "HalfNormal": pm.HalfNormal,
    "Exponential": pm.Exponential,
    "Gamma": pm.Gamma,
    "Beta": pm.Beta,
}


def build_model(
    data: EventCounts, priors: PriorSet, *, form: LikelihoodForm = "fused", n_knots: int | None = None
) -> pm.Model:
    """Build the model of a layout.

    Parameters
    ----------
    data : EventCounts
        Counts and marks, with the layout of ``priors``.
    priors : PriorSet
        A prior for every parameter.
    form : {"fused", "plain"}
        The fused kernel, or PyMC's own distributions (slower by far; reference and oracle).
    n_knots : int, optional
        Knots of the latent tension; more than the data need lets the same model be refitted to longer
        data (fused form only).

    Returns
    -------
    pymc.Model
        In the fused form its data containers are the fields of ``LikelihoodData``.
    """
    layout = data.layout
    knots = n_knots or knots_for(data.grid.n_steps)
    arrays = likelihood_data(data)
    coords: dict[str, Sequence[object] | NDArray[np.int64]] = {
        "stream": list(layout.streams),
        "conflict_stream": [layout.streams[i] for i in layout.conflict_index],
        "calming_stream": [layout.streams[i] for i in layout.calming_index],
        "next_severity": list(SEVERITY_LEVELS),
        "knot": np.arange(knots),
    }
    with pm.Model(coords={name: values for name, values in coords.items() if len(values)}) as model:
        parameter = {
            group.name: _parameter(group, [prior.distribution for prior in priors.of_group(group)])
            for group in priors.groups
        }
        innovations = pm.Normal(INNOVATIONS, 0.0, 1.0, dims="knot")
        own = parameter["excitation.branching"][layout.conflict_index]
        strength = terms.chain_strength(own, parameter["excitation.cross"])
        # Soft, so that the sampler meets a slope and not a wall: −0.2 at 0.8, −7 at 1, −40 at 1.2.
        pm.Potential("finite_chains", -10.0 * pt.softplus(20.0 * (strength - 1.0)))
        if form == "fused":
            _fused(arrays, data, parameter, innovations)
        else:
            _plain(arrays, data, parameter, innovations)
    return model


def _parameter(group: ParameterGroup, distributions: list[Distribution]) -> Tensor:
    """Declare one group; elements of several families are joined in the order of the dimension."""
    if group.dimension is None:
        return declare(group.variable, distributions)
    families = list(dict.fromkeys(distribution.family for distribution in distributions))
    if len(families) == 1:
        return declare(group.variable, distributions, dims=group.dimension)
    joined = pt.zeros(len(distributions))
    for family in families:
        index = [i for i, distribution in enumerate(distributions) if distribution.family == family]
        part = declare(
            f"{group.variable}_{family.lower()}", [distributions[i] for i in index], shape=len(index)
        )
        joined = pt.set_subtensor(joined[index], part)
    return pm.Deterministic(group.variable, joined, dims=group.dimension)


def declare(name: str, distributions: list[Distribution], **size: object) -> Tensor:
    """Declare a variable, one prior an element and all of one family; a scalar without dims or shape."""
    family = distributions[0].family
    values = np.array([distribution.values for distribution in distributions]).T
    if not size:
        values = values[:, 0]
    if family == "LogitNormal":  # PyMC gives it no transform of its own
        size["transform"] = logodds
    parameters = dict(zip(FAMILIES[family].parameters, values, strict=True))
    return _PYMC[family](name, **parameters, **size)


def _levels(level: Tensor) -> Tensor:
    """Log odds of severity 2 … 5; that of severity 2 lies in the kinds alone."""
    return pt.concatenate([pt.zeros(1), level])


def _centred(category: Tensor) -> Tensor:
    # Only differences between kinds and the level of their average are identified; without centring the
    # two trade off along a ridge, and the sampler mixes along it two to three times more slowly.
    return category - category.mean()


def _decay(half_life_days: Tensor) -> Tensor:
    return pt.exp2(-STEP_DAYS / half_life_days)


def _fused(
    arrays: LikelihoodData, data: EventCounts, parameter: dict[str, Tensor], innovations: Tensor
) -> None:
    layout = data.layout
    zeros = pt.zeros(len(layout.streams))
    absent = pt.zeros(())
    cross = pt.set_subtensor(zeros[layout.conflict_index], parameter["excitation.cross"])
    ballast = zeros
    if "ballast" in parameter:
        ballast = pt.set_subtensor(zeros[layout.calming_index], parameter["ballast"])
    streams = pt.stack(
        [
            pt.log(parameter["baseline.weekly_rate"]),
            parameter["tension.loading"] * parameter["tension.scale"],
            parameter["excitation.branching"],
            cross,
            parameter["overdispersion.shape"],
            ballast,
            parameter.get("severity.notable", zeros),
            _centred(parameter["severity.category"]) if layout.marked else zeros,
            _centred(parameter["severity.grave"]) if layout.marked else zeros,
        ]
    )
    dynamics = pt.stack(
        [
            _decay(parameter["excitation.half_life_days"]),
            _decay(parameter["excitation.cross_half_life_days"]),
            _decay(parameter["ballast.half_life_days"]) if "ballast" in parameter else absent,
            pt.exp(-STEP_DAYS * KNOT_STEPS / parameter["tension.persistence"]),
            parameter.get("severity.tension", absent),
            parameter.get("severity.recent", absent),
        ]
    )
    level = _levels(parameter["severity.level"]) if layout.marked else pt.zeros(4)
    observed = [pm.Data(name, value) for name, value in vars(arrays).items()]
    value = stream_likelihood(streams, dynamics, innovations, level, *observed)[0]
    pm.Potential("log_likelihood", value[0])


def _plain(
    arrays: LikelihoodData, data: EventCounts, parameter: dict[str, Tensor], innovations: Tensor
) -> None:
    layout, n_steps = data.layout, data.grid.n_steps
    conflict = np.array(layout.conflictual)
    knot_decay = pt.exp(-STEP_DAYS * KNOT_STEPS / parameter["tension.persistence"])
    knots = terms.tension_at_knots(innovations, knot_decay, knots_for(n_steps))
    tension = terms.tension_at_steps(knots, n_steps)
    own_decay = _decay(parameter["excitation.half_life_days"])
    cross_decay = _decay(parameter["excitation.cross_half_life_days"])
    log_calm = pt.zeros(n_steps)
    if "ballast" in parameter:
        decay = _decay(parameter["ballast.half_life_days"])
        past = decay * terms.decayed_past(arrays.past[:, layout.calming_index], decay, n_steps)
        log_calm = terms.ballast_exponent(past, parameter["ballast"])
    cross = pt.set_subtensor(
        pt.zeros(len(layout.streams))[layout.conflict_index], parameter["excitation.cross"]
    )
    conflict_counts = arrays.past[:, conflict].sum(axis=1)
    rate = terms.intensity(
        pt.log(parameter["baseline.weekly_rate"]),
        parameter["tension.loading"] * parameter["tension.scale"],
        tension,
        (1 - own_decay) * terms.decayed_past(arrays.past, own_decay, n_steps),
        parameter["excitation.branching"],
        (1 - cross_decay) * terms.decayed_past(conflict_counts, cross_decay, n_steps),
        cross,
        log_calm,
        conflict,
    )
    pm.Deterministic("rate", rate)
    exposure = data.exposure[:, None]
    shape = parameter["overdispersion.shape"]
    mean = rate * exposure * data.known_share[:, None]
    pm.NegativeBinomial("counts", mu=mean, alpha=shape * exposure, observed=data.counts)
    if layout.marked:
        step, stream = arrays.marks[:, 0].astype(int), arrays.marks[:, 1].astype(int)
        log_odds = terms.mark_log_odds(
            _levels(parameter["severity.level"]),
            (
                parameter["severity.notable"][stream],
                _centred(parameter["severity.category"])[stream],
                _centred(parameter["severity.grave"])[stream],
            ),
            tension[step],
            arrays.recent[step],
            (parameter["severity.tension"], parameter["severity.recent"]),
        )
        at_risk, passed = arrays.marks[:, 2:6].astype(int), arrays.marks[:, 3:7].astype(int)
        reached = at_risk > 0
        pm.Binomial("passed", n=at_risk[reached], logit_p=log_odds[reached], observed=passed[reached])
