"""Fit an event model to one record, with one compiled model for all records of its size.

Compiling takes longer than sampling a thin record, and machine code stays in memory until the process ends.
A compiled model depends on sizes and families of distributions alone, so records share it: the latent knots
may be rounded up, and spare ones, on which the data say nothing, are left out of what is returned.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.inference.compile_cache import Compiled, compile_model
from forecast.inference.posterior import Posterior, SamplerOptions
from forecast.inference.sampling import ProgressListener, fit_compiled
from forecast.panel.panel import Panel, drift_knots_for
from forecast.priors import PriorSet

if TYPE_CHECKING:
    from forecast.families.family import EventModel

KNOTS_STEP = 16
"""Latent knots of a compiled model are a multiple of this, so that records of other lengths share it, too."""
MODELS_KEPT = 16
"""Compiled models that a process keeps."""

_kept: dict[Hashable, Compiled] = {}
_one_at_a_time = threading.Lock()


def fit_record(
    model: EventModel,
    panel: Panel,
    priors: PriorSet,
    options: SamplerOptions,
    listen: ProgressListener | None = None,
) -> Posterior:
    """Sample the posterior of a model given a panel; ``listen``, reruns and errors as ``fit_compiled``."""
    posterior = fit_compiled(compiled_for(model, panel, priors), options, listen)
    needed = {"knot": panel.grid.n_knots, "drift_knot": drift_knots_for(panel.grid.n_knots)}

    def without_spare(part: xr.Dataset) -> xr.Dataset:
        return part.isel({name: slice(size) for name, size in needed.items() if name in part.dims})

    return replace(posterior, source=posterior.tree.map_over_datasets(without_spare))


def compiled_for(model: EventModel, panel: Panel, priors: PriorSet, n_knots: int | None = None) -> Compiled:
    """Return a compiled model with the data of a panel and priors, ready to be sampled.

    A model that the process compiled for another record of these sizes serves as well, with the same draws.
    It has latent knots for the panel, and at least ``n_knots``.
    """
    # Machine code does not look whether it has enough.
    knots = -(-max(n_knots or 0, panel.grid.n_knots) // KNOTS_STEP) * KNOTS_STEP
    families = tuple(prior.distribution.family for prior in priors.priors.values())
    # Names of dyads are coordinates where there are several; a target only decides what is counted.
    dyads = panel.dyads if len(panel) > 1 else ()
    sizes = (type(model), replace(panel.layout, target=None), families, dyads, knots)
    with _one_at_a_time:
        if sizes not in _kept:
            while len(_kept) >= MODELS_KEPT:
                del _kept[next(iter(_kept))]
            _kept[sizes] = compile_model(model.build(panel, priors, knots))
        shared = _kept[sizes]
    arrays = model.arrays(panel, priors)
    return replace(shared.with_data(**arrays), initial_point_func=_starting_points(shared, arrays))


def _starting_points(
    shared: Compiled, arrays: Mapping[str, NDArray[np.float64]]
) -> Callable[[Any], NDArray[np.float64]]:
    """Return the sampler's function from a seed to a starting point, for these priors.

    Its compiled form reads them from the variables of the model that was compiled, not from ``shared``.
    """

    def start(seed: Any) -> NDArray[np.float64]:  # noqa: ANN401 -- whatever seeds PyMC takes
        with _one_at_a_time:
            for variable in shared.shared_var_keys:
                if variable.name in arrays:  # others hang on the sizes alone
                    variable.set_value(arrays[variable.name])
            return np.asarray(shared.initial_point_func(seed), dtype=np.float64)

    return start
