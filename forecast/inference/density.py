"""The log posterior density of a compiled model at points that are chosen by the caller, and what they mean.

A point holds all parameters on the sampler's scale, where none has a bound. The functions are those that the
sampler itself calls: they are machine code, and take addresses.
"""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from forecast.inference.compile_cache import Compiled
from forecast.inference.posterior import OF_THE_SAMPLER, with_dyads

Floats = NDArray[np.float64]

_SIZE, _ADDRESS, _CODE = ctypes.c_uint64, ctypes.c_void_p, ctypes.c_int64
_DENSITY = ctypes.CFUNCTYPE(_CODE, _SIZE, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS)
_EXPAND = ctypes.CFUNCTYPE(_CODE, _SIZE, _SIZE, _ADDRESS, _ADDRESS, _ADDRESS)


class PosteriorDensity:
    """Log posterior density, up to a constant, of a compiled model with the data that it holds."""

    def __init__(self, compiled: Compiled) -> None:
        # Keeps the arrays alive that the addresses lead to.
        self._compiled = compiled
        self._data = compiled.user_data.ctypes.data
        self._density = _DENSITY(compiled.compiled_logp_func.address)
        self._expand = _EXPAND(compiled.compiled_expand_func.address)

    def __call__(self, points: Floats) -> tuple[Floats, Floats]:
        """Return values and gradients at points of shape (point, coordinate): (point,), (point, coordinate).

        Where the density is no number, the value is −inf and the gradient 0.
        """
        points = np.ascontiguousarray(points)
        values, gradients = np.empty(len(points)), np.empty_like(points)
        at, gradient, value = (array.ctypes.data for array in (points, gradients, values))
        width = points.strides[0]
        for row in range(len(points)):
            code = self._density(
                points.shape[1], at + row * width, gradient + row * width, value + row * 8, self._data
            )
            if code:
                values[row], gradients[row] = -np.inf, 0.0
        return values, gradients

    def variables(self, points: Floats) -> dict[str, Floats]:
        """Return the model's variables at points, each of shape (point, dyad, …)."""
        points = np.ascontiguousarray(points)
        flat = np.empty((len(points), self._compiled.n_expanded))
        at, found = points.ctypes.data, flat.ctypes.data
        for row in range(len(points)):
            code = self._expand(
                points.shape[1],
                flat.shape[1],
                at + row * points.strides[0],
                found + row * flat.strides[0],
                self._data,
            )
            if code:
                raise ValueError(f"a point has no variables (code {code})")
        variables = {}
        for name, part, shape in zip(*self._compiled.shape_info, strict=True):
            if not name.endswith(OF_THE_SAMPLER):
                values = flat[:, part].reshape(len(points), *shape)
                variables[name] = with_dyads(values, "dyad" in self._compiled.dims.get(name, ()), axis=1)
        return variables
