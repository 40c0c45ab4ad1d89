"""Time of one evaluation of log density and gradient, as the sampler calls it."""

from __future__ import annotations

import ctypes
import time

import numpy as np

from forecast.inference.compile_cache import Compiled

_BATCH_SECONDS = 0.02


def gradient_microseconds(models: dict[str, Compiled], batches: int) -> dict[str, float]:
    """Median time of a call, in microseconds, the models taking turns so that all see the same machine.

    Parameters
    ----------
    models : dict
        Name → compiled model.
    batches : int
        Batches of calls a model, of about a fiftieth of a second each.
    """
    calls = {name: _Call(compiled) for name, compiled in models.items()}
    sizes = {name: max(1, round(_BATCH_SECONDS / call.seconds(3))) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(batches):
        for name, call in calls.items():
            times[name].append(call.seconds(sizes[name]))
    return {name: 1e6 * float(np.median(values)) for name, values in times.items()}


class _Call:
    """The compiled log density at a fixed point."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._arrays = [compiled.initial_point_func(1), np.empty(compiled.n_dim), np.empty(1)]

    def seconds(self, calls: int) -> float:
        """Seconds a call, over some calls."""
        function = self._compiled.compiled_logp_func.ctypes
        pointers = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for array in self._arrays]
        arguments = (self._compiled.n_dim, *pointers, self._compiled.user_data.ctypes.data)
        began = time.perf_counter()
        for _ in range(calls):
            function(*arguments)
        return (time.perf_counter() - began) / calls
