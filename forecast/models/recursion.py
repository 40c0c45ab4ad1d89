"""The recursion y[t] = d·y[t−1] + v[t] as one PyTensor operation: one small function to compile.

By doubling (``terms.decayed_past``) it takes a chain of some twenty operations and their gradients, which
compile for half a minute; that form is the reference that tests this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from inspect import getsource
from typing import Any

import numba
import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

Floats = NDArray[np.float64]


@numba.njit(error_model="numpy", fastmath=False, cache=True)
def run_recursion(values: Floats, decay: Floats) -> Floats:
    """Return y with y[0] = v[0] and y[t] = d·y[t−1] + v[t], shape (step, process); d of shape (process,)."""
    result = values.copy()
    for t in range(1, values.shape[0]):
        for k in range(values.shape[1]):
            result[t, k] += decay[k] * result[t - 1, k]
    return result


_VERSION = int(sha256(getsource(run_recursion.py_func).encode()).hexdigest(), base=16)


class DecayedSum(Op):  # type: ignore[misc]
    """y[t] = d·y[t−1] + v[t] along the first axis; inputs v, shape (step, process), and d, (process,)."""

    __props__ = ()

    def make_node(self, values: Variable, decay: Variable) -> Apply:
        """Build the node; both inputs become float64 tensors."""
        values = pt.as_tensor_variable(values, dtype="float64")
        decay = pt.as_tensor_variable(decay, dtype="float64")
        if (values.ndim, decay.ndim) != (2, 1):
            raise TypeError(f"expected 2 and 1 dimensions, got {values.ndim} and {decay.ndim}")
        return Apply(self, [values, decay], [pt.matrix(dtype="float64", shape=values.type.shape)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]]) -> None:
        """Evaluate outside Numba's linker."""
        output_storage[0][0] = run_recursion(*inputs)

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[Any]:
        """The shape of the values."""
        return [shapes[0]]

    def pullback(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangents: Sequence[Variable]
    ) -> list[Variable]:
        """Run it backwards: λ[t] = g[t] + d·λ[t+1] is the cotangent of v, and Σ λ[t]·y[t−1] that of d."""
        decay, result = inputs[1], outputs[0]
        adjoint = self(cotangents[0][::-1], decay)[::-1]
        return [adjoint, (adjoint[1:] * result[:-1]).sum(axis=0)]


@register_funcify_default_op_cache_key(DecayedSum)
def _numba_decayed_sum(op: DecayedSum, **kwargs: object) -> tuple[Callable[..., Any], int]:
    @numba.njit(error_model="numpy", fastmath=False)
    def decayed_sum(values: Floats, decay: Floats) -> Floats:
        return run_recursion(values, decay)  # type: ignore[no-any-return]

    return decayed_sum, _VERSION


decayed_sum = DecayedSum()
