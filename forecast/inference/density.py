"""The posterior of a model given counts: its density on the sampler's scale, and what a point there means.

A point holds all parameters of all dyads on a scale without bounds, dyad after dyad. The density is one
function for records of every size (``forecast.models.density``), compiled once a machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit, logit

from forecast.models import density
from forecast.models.density import FAMILY_CODES, Priors, Record
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    PointLayout,
    point_layout,
    prior_arrays,
    record_of,
)
from forecast.panel.panel import Panel
from forecast.priors import PriorSet, elements

Floats = NDArray[np.float64]
_JITTER = 0.5
"""How far starting points lie from the middle of the priors, at most, on the sampler's scale."""


@dataclass(frozen=True)
class PosteriorDensity:
    """Log posterior density of a panel under priors, with latent knots for its steps or for more."""

    panel: Panel
    priors: PriorSet
    n_knots: int

    @classmethod
    def of(cls, panel: Panel, priors: PriorSet, n_knots: int | None = None) -> PosteriorDensity:
        """Return the density with at least the knots that the panel needs."""
        return cls(panel, priors, max(n_knots or 0, panel.grid.n_knots))

    @cached_property
    def layout(self) -> PointLayout:
        """Where each variable of a dyad lies in its part of a point."""
        return point_layout(self.priors, self.n_knots)

    @cached_property
    def arrays(self) -> Priors:
        """The priors as the compiled density reads them."""
        return prior_arrays(self.priors, self.layout)

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """The counts of each dyad."""
        return tuple(record_of(self.panel, dyad) for dyad in range(len(self.panel)))

    @property
    def n_coordinates(self) -> int:
        """Coordinates of a point."""
        return len(self.panel) * self.layout.n_coordinates

    def __call__(self, points: Floats) -> tuple[Floats, Floats]:
        """Return values and gradients at points of shape (point, coordinate): (point,), (point, coordinate).

        Where the density is no number, the value is −inf and the gradient 0.
        """
        parts = self._by_dyad(points)
        found = [
            density.densities(np.ascontiguousarray(parts[:, i]), self.arrays, record)
            for i, record in enumerate(self.records)
        ]
        value = np.sum([one for one, _ in found], axis=0)
        return value, np.concatenate([one for _, one in found], axis=1)

    def _by_dyad(self, points: Floats) -> Floats:
        return points.reshape(*points.shape[:-1], len(self.panel), -1)

    def log_density(self) -> Callable[[Floats], tuple[float, Floats]]:
        """Return the density as the sampler calls it, one point at a time."""
        priors, records, one = self.arrays, self.records, density.log_density
        if len(records) == 1:
            record = records[0]

            def of_one(point: Floats) -> tuple[float, Floats]:
                gradient = np.empty(len(point))
                return one(point, priors, record, gradient), gradient

            return of_one

        def of_all(point: Floats) -> tuple[float, Floats]:
            gradient = np.empty(len(point))
            parts, slopes = self._by_dyad(point), self._by_dyad(gradient)
            value = sum(one(parts[i], priors, record, slopes[i]) for i, record in enumerate(records))
            return value, gradient

        return of_all

    def starting_point(self, seed: int) -> Floats:
        """Return the middle of the priors, moved at random."""
        middle = np.zeros((len(self.panel), self.layout.n_coordinates))
        normal = self.arrays.family <= FAMILY_CODES["LogitNormal"]
        middle[:, : self.layout.n_parameters][:, normal] = self.arrays.value[normal, 0]
        for place in np.flatnonzero(~normal):
            family, values = self.arrays.family[place], self.arrays.value[place]
            at = {3: values[0], 4: 1 / values[0], 5: values[0] / max(values[1], 1e-300)}.get(int(family))
            middle[:, place] = np.log(at) if at else np.log(values[0] / values[1])
        rng = np.random.default_rng(seed)
        return np.asarray(middle.ravel() + rng.uniform(-_JITTER, _JITTER, middle.size))

    def values(self, points: Floats) -> Floats:
        """Return the parameters at points, shape (point, dyad, coordinate)."""
        values = self._by_dyad(np.asarray(points)).copy()
        positive, unit = self._bounded
        values[..., positive] = np.exp(values[..., positive])
        values[..., unit] = expit(values[..., unit])
        return values

    @property
    def _bounded(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Coordinates of parameters above zero, and of those between zero and one."""
        family = self.arrays.family
        unit = np.isin(family, [FAMILY_CODES["LogitNormal"], FAMILY_CODES["Beta"]])
        return np.flatnonzero(~unit & (family != FAMILY_CODES["Normal"])), np.flatnonzero(unit)

    def points_of(self, draws: xr.Dataset) -> Floats:
        """Return the points, (chain, draw, coordinate), of named draws of one dyad: ``dataset`` undone."""
        points = self.layout.joined({str(name): part.values for name, part in draws.data_vars.items()})
        positive, unit = self._bounded
        points[..., positive] = np.log(points[..., positive])
        points[..., unit] = logit(points[..., unit])
        return points

    def variables(self, points: Floats) -> dict[str, Floats]:
        """Return the model's variables at points, each of shape (point, dyad, …)."""
        return self.layout.named(self.values(points))

    def dataset(self, points: Floats) -> xr.Dataset:
        """Return the variables of draws, points of shape (chain, draw, coordinate), with named dimensions.

        A panel of one dyad has variables without that axis, as their users expect them in ArviZ. Knots beyond
        the record, on which the data say nothing, are left out.
        """
        chains, draws = points.shape[:2]
        knots = self.panel.grid.n_knots
        kept = PointLayout(self.layout.variables, self.layout.sizes, self.layout.single, knots)
        several = len(self.panel) > 1
        dims: dict[str, tuple[str, ...]] = {INNOVATIONS: ("knot",), DRIFT_INNOVATIONS: ("drift_knot",)}
        coords: dict[str, Any] = {
            "chain": np.arange(chains),
            "draw": np.arange(draws),
            "knot": np.arange(knots),
            "drift_knot": np.arange(kept.n_drift_knots),
        }
        for group in self.priors.groups:
            dims[group.variable] = () if group.dimension is None else (group.dimension,)
            if group.dimension is not None:
                coords[group.dimension] = list(elements(group, self.priors.layout))
        if several:
            coords["dyad"] = list(self.panel.dyads)
        found = {}
        for name, values in self.variables(points.reshape(chains * draws, -1)).items():
            cut = (
                values[..., : len(coords[dims[name][0]])]
                if name in (INNOVATIONS, DRIFT_INNOVATIONS)
                else values
            )
            shaped = cut.reshape(chains, draws, *cut.shape[1:])
            own = shaped if several else shaped[:, :, 0]
            found[name] = (("chain", "draw", *(("dyad",) if several else ()), *dims[name]), own)
        used = {name for names, _ in found.values() for name in names}
        return xr.Dataset(found, coords={name: values for name, values in coords.items() if name in used})
