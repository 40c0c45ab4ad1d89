"""Compile a PyMC model for nutpie so that the next process finds the machine code on disk.

PyTensor keeps compiled graphs on disk, but nutpie wraps them in C callbacks made anew in every process:
their shared data have random names, which no cache can recognise, and compiling the wrappers compiles the
graphs inside them once more. Here the same callbacks are written as source text that depends on nothing but
the sizes of the model, and kept under a key made of that text, the key of the graph inside and the versions
of the compilers. Everything else is nutpie's own, private names included; hence one version of nutpie, and
nutpie's own compilation wherever anything is not as expected. Draws are the same either way.

Two processes may compile at once, and either may be killed: Numba writes files aside and renames them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.metadata import version
from pickle import UnpicklingError
from typing import Any

import numba
import numpy as np
import nutpie
import pymc as pm
import pytensor
from numba.core.errors import NumbaError
from numpy.typing import NDArray

Compiled = Any
"""A model compiled by nutpie, which exports no type for it."""
Function = Any
"""A function compiled by PyTensor for Numba."""
Callback = Any
"""A C callback of Numba, or the signature of one."""

NUTPIE_VERSION = "0.16.11"
"""The version whose private names are used here."""

_SETTINGS = {
    # Leave to reorder sums makes results depend on what happens to be inlined, and that on what the cache
    # already holds: two runs of one seed then differ. Gains nothing: the kernel is compiled apart.
    "numba__fastmath": False,
    # Stack traces of graph nodes, of use to authors of graphs, take a third of the time.
    "traceback__limit": 0,
}

_COMPILERS = ("numba", "llvmlite", "numpy", "nutpie", "pytensor")
_log = logging.getLogger(__name__)


class NotCacheableError(Exception):
    """The model, or the nutpie at hand, is not what the cached callbacks are written for."""


_UNFORESEEN = (NotCacheableError, NumbaError, AttributeError, ImportError, KeyError, TypeError, ValueError)


def compile_model(model: pm.Model) -> Compiled:
    """Compile log density and gradient; the result can be sampled many times and takes new data.

    The machine code is kept in PyTensor's folder (``pytensor.config.base_compiledir``). Where it cannot be
    read or written, the model is compiled without it: slower, with the same draws.
    """
    with pytensor.config.change_flags(**_SETTINGS):
        try:
            return compile_cached(model)
        except _UNFORESEEN as error:
            _log.debug("compiled by nutpie itself, which keeps nothing on disk: %r", error)
            return nutpie.compile_pymc_model(model)
        except (OSError, EOFError, UnpicklingError) as error:
            _log.warning(
                "compiled models cannot be kept in %s (%s): every run compiles anew. Delete that folder, or "
                "name another: PYTENSOR_FLAGS=base_compiledir=FOLDER",
                pytensor.config.base_compiledir,
                error,
            )
            with pytensor.config.change_flags(numba__cache=False):
                return nutpie.compile_pymc_model(model)


def compile_cached(model: pm.Model) -> Compiled:
    """Compile with callbacks that are kept on disk.

    Raises
    ------
    NotCacheableError
        Another version of nutpie, or a graph that PyTensor itself cannot cache.
    OSError, EOFError, pickle.UnpicklingError
        The cache cannot be written, or holds a damaged file.
    """
    found = version("nutpie")
    if found != NUTPIE_VERSION:
        raise NotCacheableError(f"nutpie {found} is not {NUTPIE_VERSION}")
    from nutpie.compile_pymc import (
        CompiledPyMCModel,
        _make_functions,
        _prepare_dims_and_coords,
        _wrap_with_lock,
        make_user_data,
    )
    from pymc.initial_point import make_initial_point_fn

    starting_point = make_initial_point_fn(
        model=model, default_strategy="support_point", jitter_rvs=set(model.free_RVs), return_transformed=True
    )
    n_dim, n_expanded, density, expand, starting_point, shapes, transformed = _make_functions(
        model,
        mode="NUMBA",
        compute_grad=True,
        join_expanded=True,
        pymc_initial_point_fn=_wrap_with_lock(starting_point),
    )
    # Names that are the same in every process; the first use of a variable gives its number.
    shared = dict.fromkeys([*density.get_shared(), *expand.get_shared()])
    keys = {variable: f"shared{number}" for number, variable in enumerate(shared)}
    data = {key: np.array(variable.get_value(), order="C", copy=True) for variable, key in keys.items()}
    for array in data.values():
        array.flags.writeable = False
    record = make_user_data(keys, data)
    position = _positions(record.dtype)

    sizes = {"n": n_dim, "m": n_expanded, "words": record.dtype.itemsize // 8}

    def callback(name: str, template: str, function: Function, signature: Callback) -> Callback:
        used = [keys[variable] for variable in function.get_shared()]
        arguments = ", ".join(["point", *(_array(key, data[key], position) for key in used)])
        return _callback(name, template.format(arguments=arguments, **sizes), function, signature)

    dims, coords = _prepare_dims_and_coords(model, shapes, transformed)
    return CompiledPyMCModel(
        _n_dim=n_dim,
        dims=dims,
        _coords=coords,
        _shapes={name: tuple(shape) for name, _, shape in zip(*shapes, strict=True)},
        compiled_logp_func=callback("log_density", _DENSITY, density, _DENSITY_TYPES),
        compiled_expand_func=callback("expand", _EXPAND, expand, _EXPAND_TYPES),
        initial_point_func=starting_point,
        shared_data=data,
        shared_var_keys=keys,
        user_data=record,
        n_expanded=n_expanded,
        shape_info=shapes,
        logp_func=density,
        expand_func=expand,
        reparameterized_names=transformed,
    )


# The conventions of nutpie's callbacks: arguments by pointer, zero when done, another code when not.
_POINTER = numba.types.CPointer(numba.types.double)
_DENSITY_TYPES = numba.types.int64(numba.types.uint64, _POINTER, _POINTER, _POINTER, numba.types.voidptr)
_EXPAND_TYPES = numba.types.int64(
    numba.types.uint64, numba.types.uint64, _POINTER, _POINTER, numba.types.voidptr
)

# Copied in a loop: assigning to out[...] would compile the message for arrays of different shapes.
_DENSITY = """
def log_density(dim, point_, gradient_, value_, data_):
    if dim != {n}:
        return -1
    try:
        point = carray(point_, ({n},))
        words = carray(data_, ({words},), np.uint64)
        value, gradient = graph({arguments})
        value_[0] = value.item()
        finite = True
        for i in range({n}):
            gradient_[i] = gradient[i]
            finite = finite and isfinite(gradient[i])
        if not finite:
            return 3
        if not isfinite(value_[0]):
            return 4
    except Exception:
        return 1
    return 0
"""

_EXPAND = """
def expand(dim, expanded, point_, values_, data_):
    if dim != {n} or expanded != {m}:
        return -1
    try:
        point = carray(point_, ({n},))
        words = carray(data_, ({words},), np.uint64)
        (values,) = graph({arguments})
        for i in range({m}):
            values_[i] = values[i]
    except Exception:
        return -2
    return 0
"""


def _callback(name: str, source: str, function: Function, signature: Callback) -> Callback:
    """Compile one callback around a compiled graph, or load it."""
    from nutpie.compile_pymc import address_as_void_pointer
    from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS, compile_numba_function_src

    graph = function.vm.jit_fn
    graph_key = CACHED_SRC_FUNCTIONS.get(graph.py_func)
    if graph_key is None:
        raise NotCacheableError(f"PyTensor has no key for the graph of {name}")
    versions = "\n".join(f"{package} {version(package)}" for package in _COMPILERS)
    compiled = compile_numba_function_src(
        source,
        name,
        global_env={
            # Numba names the environment of a cached function by its module.
            "__name__": __name__,
            "np": np,
            "address": address_as_void_pointer,
            "carray": numba.carray,
            "graph": graph,
            "isfinite": np.isfinite,
        },
        cache_key=sha256("\n".join((graph_key, source, versions)).encode()).hexdigest(),
    )
    return numba.cfunc(signature, cache=True)(compiled)


def _positions(record: np.dtype[Any]) -> Callable[[str, str], int]:
    """Position of a field of nutpie's record of shared data, in 64-bit words."""
    fields: Mapping[str, Any] = record["shared"].fields or {}
    if record.itemsize % 8 or set(fields) != {"data", "size", "shape"}:
        raise NotCacheableError(f"nutpie lays out shared data as {record}")

    def position(part: str, key: str) -> int:
        dtype, start = fields[part][:2]
        return int(start + dtype.fields[key][1]) // 8

    return position


def _array(key: str, value: NDArray[Any], position: Callable[[str, str], int]) -> str:
    """Text that makes an array of the pointer and the shape in nutpie's record."""
    first = position("shape", key)
    shape = "".join(f"np.intp(words[{first + axis}]), " for axis in range(value.ndim))
    return f"carray(address(words[{position('data', key)}]), ({shape}), np.{value.dtype.name})"
