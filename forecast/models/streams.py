"""The PyMC model of event streams: priors by name, one likelihood for all layouts, the fused kernel as an op.

``joint``, ``focused`` and ``target`` are layouts of this one model (see ``forecast.panel.streams``): all
categories with severities as marks; four streams around one target; the target's stream alone. Every
parameter has an axis of dyads, and one prior for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from inspect import getsource
from typing import Any, Literal

import numba
import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.transforms import logodds
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from forecast.models import kernel, terms
from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS
from forecast.models.kernel import N_PARAMETERS, Floats, value_and_gradient
from forecast.models.likelihood import (
    PRIOR,
    LikelihoodData,
    families_of,
    likelihood_data,
    part_name,
    prior_values,
)
from forecast.panel.panel import HALF_SATURATION, KNOT_STEPS, STEP_DAYS, Panel, drift_knots_for, knots_for
from forecast.panel.streams import StreamLayout
from forecast.priors import SEVERITY_LEVELS, Distribution, ParameterGroup, PriorSet
from forecast.priors.distributions import FAMILIES

Tensor = Any
DRIFT_BASIS = "drift_basis"
"""Name of the data container of ``terms.drift_basis``."""
CENTRED = ("severity.category", "severity.grave")
"""Groups of which only the differences between elements enter the likelihood."""
LikelihoodForm = Literal["fused", "plain"]


KERNEL_VERSION = int(
    sha256(f"{getsource(kernel)} {HALF_SATURATION} {KNOT_STEPS}".encode()).hexdigest(), base=16
)
"""Part of PyTensor's cache key, which by itself takes no notice of edits of the kernel."""

_DIMENSIONS = (3, 2, 2, 2, 2, 2, 3, 3, 2, 2, 2, 3, 2)


class StreamLikelihood(Op):  # type: ignore[misc]
    """Log likelihood of counts and marks.

    Inputs are the arguments of ``kernel.value_and_gradient``; outputs are the log likelihood, shape (1,),
    and its gradient in each of the first ``N_PARAMETERS`` inputs. Only the first output is meant for use:
    the others serve ``pullback``, and PyTensor merges both uses into one evaluation.
    """

    __props__ = ()

    def make_node(self, *inputs: Variable) -> Apply:
        """Build the node; all inputs become float64 tensors."""
        tensors = [pt.as_tensor_variable(value, dtype="float64") for value in inputs]
        for tensor, ndim in zip(tensors, _DIMENSIONS, strict=True):
            if tensor.ndim != ndim:
                raise TypeError(f"expected {ndim} dimensions, got {tensor.ndim} ({tensor})")
        shapes = [(1,), *((None,) * tensor.ndim for tensor in tensors[:N_PARAMETERS])]
        return Apply(self, tensors, [pt.tensor(dtype="float64", shape=shape) for shape in shapes])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]]) -> None:
        """Evaluate outside Numba's linker."""
        for storage, value in zip(output_storage, value_and_gradient(*inputs), strict=True):
            storage[0] = value

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[Any]:
        """One value, and gradients of the shapes of their parameters."""
        return [(1,), *shapes[:N_PARAMETERS]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the parameters are differentiable, and only through the log likelihood."""
        return [[position < N_PARAMETERS, *([False] * N_PARAMETERS)] for position in range(len(node.inputs))]

    def pullback(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Sequence[Variable]
    ) -> list[Variable]:
        """Return the cotangent of the log likelihood times the gradients already computed."""
        upstream = cotangents[0][0]
        data = [disconnected_type() for _ in inputs[N_PARAMETERS:]]
        return [*(upstream * gradient for gradient in outputs[1:]), *data]


@register_funcify_default_op_cache_key(StreamLikelihood)
def _numba_stream_likelihood(op: StreamLikelihood, **kwargs: object) -> tuple[Callable[..., Any], int]:
    @numba.njit(error_model="numpy", fastmath=False)
    def stream_likelihood(*inputs: Floats) -> Any:  # noqa: ANN401 -- a tuple of arrays of several shapes
        return value_and_gradient(*inputs)

    return stream_likelihood, KERNEL_VERSION


stream_likelihood = StreamLikelihood()


def build_model(
    panel: Panel, priors: PriorSet, *, form: LikelihoodForm = "fused", n_knots: int | None = None
) -> pm.Model:
    """Build the model of the panel's layout, which is also that of the priors.

    Parameters
    ----------
    form : {"fused", "plain"}
        The fused kernel, or PyMC's own distributions (slower by far; reference and oracle).
    n_knots : int, optional
        Knots of the latent tension; more than the data need lets the same model be refitted to longer
        data (fused form only).

    Returns
    -------
    pymc.Model
        Its data containers are those of ``prior_data``, ``DRIFT_BASIS`` (fixed by the number of knots) and,
        in the fused form, the fields of ``LikelihoodData``.
    """
    layout = panel.layout
    knots = n_knots or knots_for(panel.grid.n_steps)
    arrays = likelihood_data(panel)
    coords: dict[str, Sequence[object] | NDArray[np.int64]] = {
        "dyad": list(panel.dyads),
        "stream": list(layout.streams),
        "conflict_stream": [layout.streams[i] for i in layout.conflict_index],
        "calming_stream": [layout.streams[i] for i in layout.calming_index],
        "next_severity": list(SEVERITY_LEVELS),
        "knot": np.arange(knots),
        "drift_knot": np.arange(drift_knots_for(knots)),
    }
    with pm.Model(coords={name: values for name, values in coords.items() if len(values)}) as model:
        # A panel of one dyad has variables without that axis, as its users expect them in ArviZ.
        dyads = ("dyad",) if len(panel) > 1 else ()
        parameter = {
            group.name: _parameter(group, [one.distribution for one in priors.of_group(group)], dyads)
            for group in priors.groups
        }
        innovations = pm.Normal(INNOVATIONS, 0.0, 1.0, dims=(*dyads, "knot"))
        own_knots = pm.Normal(DRIFT_INNOVATIONS, 0.0, 1.0, dims=(*dyads, "drift_knot"))
        # Data, since Numba keeps no machine code on disk that holds a constant as large as a century needs.
        basis = pm.Data(DRIFT_BASIS, terms.drift_basis(knots))
        drift = terms.drift_at_knots(own_knots, parameter["drift.scale"], basis)
        own = parameter["excitation.branching"][..., layout.conflict_index]
        strength = terms.chain_strength(own, parameter["excitation.cross"])
        # Soft, so that the sampler meets a slope and not a wall: −0.2 at 0.8, −7 at 1, −40 at 1.2.
        pm.Potential("finite_chains", (-10.0 * pt.softplus(20.0 * (strength - 1.0))).sum())
        if form == "fused":
            _fused(arrays, panel, parameter, innovations, drift)
        else:
            _plain(arrays, panel, parameter, innovations, drift)
    return model


def _parameter(group: ParameterGroup, distributions: list[Distribution], dyads: tuple[str, ...]) -> Tensor:
    """Declare one group; elements of several families are joined in the order of the dimension.

    Parameters of the priors are data, so that a compiled model takes those of another pair.
    """
    if group.dimension is None:
        return declare(group.variable, distributions, dims=dyads or None)
    families = families_of(distributions)
    dims = (*dyads, group.dimension)
    if families == ["Normal"] and group.name in CENTRED:
        return _rotated(group.variable, distributions, dims)
    if len(families) == 1:
        return declare(group.variable, distributions, dims=dims)
    n_dyads = [len(pm.modelcontext(None).coords[name]) for name in dyads]
    joined = pt.zeros((*n_dyads, len(distributions)))
    for family in families:
        index = [i for i, distribution in enumerate(distributions) if distribution.family == family]
        part = [distributions[i] for i in index]
        values = declare(part_name(group.variable, family), part, shape=(*n_dyads, len(index)))
        joined = pt.set_subtensor(joined[..., index], values)
    return pm.Deterministic(group.variable, joined, dims=dims)


def declare(name: str, distributions: list[Distribution], **size: object) -> Tensor:
    """Declare a variable, one prior an element and all of one family."""
    family = distributions[0].family
    values = pm.Data(f"{PRIOR}{name}", prior_values(distributions))
    if size in ({"dims": None}, {"dims": ("dyad",)}):
        values = values[:, 0]
    if family == "LogitNormal":  # PyMC gives it no transform of its own
        size["transform"] = logodds
    parameters = {one: values[row] for row, one in enumerate(FAMILIES[family].parameters)}
    # Families are named as PyMC names them.
    return getattr(pm, family)(name, **parameters, **size)


def _rotated(name: str, distributions: list[Distribution], dims: tuple[str, ...]) -> Tensor:
    """Declare independent normals of which the likelihood sees differences alone.

    Their common level has its prior only, which is far wider than what the data leave of the differences: a
    ridge that takes twice the steps. Standard normals are turned so that one of them is the common level
    alone; the distribution of the variable stays as stated.
    """
    values = pm.Data(f"{PRIOR}{name}", prior_values(distributions))
    scale = values[1]
    turned = pm.Normal(f"{name}_turned__", 0.0, 1.0, dims=dims)
    # Adding a number to all elements changes the standardised ones by its multiple of 1/scale: the reflection
    # that swaps this direction and the first axis makes it a coordinate (Householder).
    direction = 1 / scale
    direction = direction / pt.sqrt((direction**2).sum())
    normal = pt.set_subtensor(direction[0], direction[0] - 1.0)
    along = (turned * normal).sum(axis=-1, keepdims=True)
    standard = turned - 2.0 * along / (normal**2).sum() * normal
    return pm.Deterministic(name, values[0] + scale * standard, dims=dims)


def _levels(level: Tensor) -> Tensor:
    """Log odds of severity 2 … 5; that of severity 2 lies in the kinds alone."""
    # Not zeros like a slice of it, whose length would have to be computed: JAX takes known shapes only.
    zeros = pt.zeros((*tuple(level.shape)[:-1], 1))
    return pt.concatenate([zeros, level], axis=-1)


def _centred(category: Tensor) -> Tensor:
    # Only differences between kinds and the level of their average are identified; without centring the
    # two trade off along a ridge, and the sampler mixes along it two to three times more slowly.
    return category - category.mean(axis=-1, keepdims=True)


def _decay(half_life_days: Tensor) -> Tensor:
    return pt.exp2(-STEP_DAYS / half_life_days)


def _fused(
    arrays: LikelihoodData,
    panel: Panel,
    parameter: dict[str, Tensor],
    innovations: Tensor,
    drift: Tensor,
) -> None:
    layout = panel.layout
    zeros = pt.zeros_like(parameter["baseline.weekly_rate"])
    absent = pt.zeros_like(parameter["tension.scale"])
    cross = pt.set_subtensor(zeros[..., layout.conflict_index], parameter["excitation.cross"])
    ballast = zeros
    if "ballast" in parameter:
        ballast = pt.set_subtensor(zeros[..., layout.calming_index], parameter["ballast"])
    streams = pt.stack(
        [
            pt.log(parameter["baseline.weekly_rate"]),
            parameter["tension.loading"] * parameter["tension.scale"][..., None],
            parameter["excitation.branching"],
            cross,
            parameter["overdispersion.shape"],
            ballast,
            parameter.get("severity.notable", zeros),
            _centred(parameter["severity.category"]) if layout.marked else zeros,
            _centred(parameter["severity.grave"]) if layout.marked else zeros,
        ],
        axis=-2,
    )
    dynamics = pt.stack(
        [
            _decay(parameter["excitation.half_life_days"]),
            _decay(parameter["excitation.cross_half_life_days"]),
            _decay(parameter["ballast.half_life_days"]) if "ballast" in parameter else absent,
            pt.exp(-STEP_DAYS * KNOT_STEPS / parameter["tension.persistence"]),
            parameter.get("severity.tension", absent),
            parameter.get("severity.recent", absent),
            parameter.get("severity.drift", absent),
        ],
        axis=-1,
    )
    level = _levels(parameter["severity.level"]) if layout.marked else pt.zeros(4)
    by_dyad = [
        value.reshape((len(panel), *value.shape[-width:]))
        for value, width in ((streams, 2), (dynamics, 1), (innovations, 1), (drift, 1))
    ]
    by_dyad.insert(N_PARAMETERS - 2, pt.broadcast_to(level, (len(panel), 4)))
    observed = [pm.Data(name, value) for name, value in vars(arrays).items()]
    value = stream_likelihood(*by_dyad, *observed)[0]
    pm.Potential("log_likelihood", value[0])


def _plain(
    arrays: LikelihoodData,
    panel: Panel,
    parameter: dict[str, Tensor],
    innovations: Tensor,
    drift: Tensor,
) -> None:
    """The equations of ``terms``, dyad by dyad: a reference, so clear before fast."""
    layout = panel.layout
    if len(panel) == 1:
        parameter = {name: value[None] for name, value in parameter.items()}
        innovations, drift = innovations[None], drift[None]
    n_steps = panel.grid.n_steps
    drifted = [terms.drift_at_steps(drift[i], n_steps, first) for i, first in enumerate(panel.first_step)]
    own = ({name: value[i] for name, value in parameter.items()} for i in range(len(panel)))
    parts = [
        rate_of_dyad(layout, arrays.felt[i], one, innovations[i], drifted[i]) for i, one in enumerate(own)
    ]
    rates, tensions = zip(*parts, strict=True)
    rate = pt.stack(rates)
    pm.Deterministic("rate", rate)
    exposure = panel.exposure[..., None]
    shape = parameter["overdispersion.shape"][:, None]
    # What was not observed holds no event, and a shape of zero is none.
    observed = np.broadcast_to(exposure > 0, panel.counts.shape).nonzero()
    mean = rate * exposure * panel.completeness[..., None]
    alpha = pt.broadcast_to(shape * exposure, panel.counts.shape)
    pm.NegativeBinomial("counts", mu=mean[observed], alpha=alpha[observed], observed=panel.counts[observed])
    if layout.marked:
        log_odds = ladder_log_odds(arrays, panel, parameter, pt.stack(tensions), pt.stack(drifted))
        at_risk, passed = arrays.marks[:, 2:6].astype(int), arrays.marks[:, 3:7].astype(int)
        reached = at_risk > 0
        pm.Binomial("passed", n=at_risk[reached], logit_p=log_odds[reached], observed=passed[reached])


def ladder_log_odds(
    arrays: LikelihoodData, panel: Panel, parameter: dict[str, Tensor], tension: Tensor, drifted: Tensor
) -> Tensor:
    """Log odds of each severity from 2 on given the one below, shape (cell, 4): of the cells with events.

    Parameters have a first axis of dyads; ``tension`` and ``drifted`` have shape (dyad, step).
    """
    dyad, step, stream = np.argwhere(panel.reach[..., 0] > 0).T
    return terms.mark_log_odds(
        _levels(parameter["severity.level"])[dyad],
        (
            parameter["severity.notable"][dyad, stream],
            _centred(parameter["severity.category"])[dyad, stream],
            _centred(parameter["severity.grave"])[dyad, stream],
        ),
        tension[dyad, step],
        arrays.recent[dyad, step],
        (parameter["severity.tension"][dyad], parameter["severity.recent"][dyad]),
        parameter["severity.drift"][dyad] * drifted[dyad, step],
    )


def rate_of_dyad(
    layout: StreamLayout,
    felt: NDArray[np.float64],
    parameter: dict[str, Tensor],
    innovations: Tensor,
    drifted: Tensor,
) -> tuple[Tensor, Tensor]:
    """Rate, shape (step, stream), and tension, shape (step,), of one dyad."""
    n_steps = len(felt)
    conflict = np.array(layout.conflictual)
    knot_decay = pt.exp(-STEP_DAYS * KNOT_STEPS / parameter["tension.persistence"])
    knots = terms.ornstein_uhlenbeck(innovations, knot_decay, knots_for(n_steps))
    tension = terms.tension_at_steps(knots, n_steps)
    own_decay = _decay(parameter["excitation.half_life_days"])
    cross_decay = _decay(parameter["excitation.cross_half_life_days"])
    log_calm = pt.zeros(n_steps)
    if "ballast" in parameter:
        decay = _decay(parameter["ballast.half_life_days"])
        past = decay * terms.decayed_past(felt[:, layout.calming_index], decay, n_steps)
        log_calm = terms.ballast_exponent(past, parameter["ballast"])
    none = pt.zeros(len(layout.streams))
    cross = pt.set_subtensor(none[layout.conflict_index], parameter["excitation.cross"])
    conflict_counts = felt[:, conflict].sum(axis=1)
    rate = terms.intensity(
        pt.log(parameter["baseline.weekly_rate"]),
        parameter["tension.loading"] * parameter["tension.scale"],
        tension,
        (1 - own_decay) * terms.decayed_past(felt, own_decay, n_steps),
        parameter["excitation.branching"],
        (1 - cross_decay) * terms.decayed_past(conflict_counts, cross_decay, n_steps),
        cross,
        log_calm,
        conflict,
        drifted,
    )
    return rate, tension
