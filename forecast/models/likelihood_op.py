"""The fused kernel as a PyTensor operation, so that PyMC models can use it and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from inspect import getsource
from typing import Any

import numba
import pytensor.tensor as pt
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from forecast.models import kernel
from forecast.models.kernel import N_PARAMETERS, Floats, value_and_gradient
from forecast.panel.panel import HALF_SATURATION, KNOT_STEPS

KERNEL_VERSION = int(
    sha256(f"{getsource(kernel)} {HALF_SATURATION} {KNOT_STEPS}".encode()).hexdigest(), base=16
)
"""Part of PyTensor's cache key, which by itself takes no notice of edits of the kernel."""

Outputs = Any
"""A tuple of arrays; Numba's decorators hide its type."""

_DIMENSIONS = (3, 2, 2, 2, 2, 3, 3, 2, 2, 2, 3, 2)


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
        outputs = [pt.vector(dtype="float64", shape=(1,))]
        outputs += [
            pt.tensor(dtype="float64", shape=(None,) * tensor.ndim) for tensor in tensors[:N_PARAMETERS]
        ]
        return Apply(self, tensors, outputs)

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
        data = len(inputs) - N_PARAMETERS
        return [
            *(upstream * gradient for gradient in outputs[1:]),
            *(disconnected_type() for _ in range(data)),
        ]


@register_funcify_default_op_cache_key(StreamLikelihood)
def _numba_stream_likelihood(op: StreamLikelihood, **kwargs: object) -> tuple[Callable[..., Any], int]:
    @numba.njit(error_model="numpy", fastmath=False)
    def stream_likelihood(
        streams: Floats,
        dynamics: Floats,
        innovations: Floats,
        level: Floats,
        roles: Floats,
        counts: Floats,
        exceed: Floats,
        marks: Floats,
        recent: Floats,
        extent: Floats,
        felt: Floats,
        completeness: Floats,
    ) -> Outputs:
        return value_and_gradient(
            streams,
            dynamics,
            innovations,
            level,
            roles,
            counts,
            exceed,
            marks,
            recent,
            extent,
            felt,
            completeness,
        )

    return stream_likelihood, KERNEL_VERSION


stream_likelihood = StreamLikelihood()
