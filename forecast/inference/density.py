"""The posterior of a model given acts: its density on the sampler's scale, and what a point there means.

A point holds all parameters on a scale without bounds. The density is one function for records of every size
(``forecast.models.density``), compiled once a machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
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
from forecast.panel import KNOT_STEPS, STEP_DAYS, drift_knots_for
from forecast.priors import PriorSet, elements
from forecast.streams import NO_SIDE, Acts

Floats = NDArray[np.float64]
_JITTER = 0.5
"""How far starting points lie from the middle of the priors, at most, on the sampler's scale."""
_TYPICAL_SWING, _TYPICAL_PERSISTENCE = 0.6, 120.0
"""Scale and days of persistence of tension that points are sheared by."""


@dataclass(frozen=True)
class PosteriorDensity:
    """Log posterior density of acts under priors, with latent knots for their steps or for more."""

    data: Acts
    priors: PriorSet
    n_knots: int

    @classmethod
    def of(cls, data: Acts, priors: PriorSet, n_knots: int | None = None) -> PosteriorDensity:
        """Return the density with at least the knots that the data need."""
        return cls(data, priors, max(n_knots or 0, data.grid.n_knots))

    @cached_property
    def layout(self) -> PointLayout:
        """Where each variable lies in a point."""
        return point_layout(self.priors, self.n_knots)

    @cached_property
    def arrays(self) -> Priors:
        """The priors as the compiled density reads them."""
        return prior_arrays(self.priors, self.layout)

    @cached_property
    def record(self) -> Record:
        """The acts as the compiled density reads them."""
        return record_of(self.data)

    @property
    def n_coordinates(self) -> int:
        """Coordinates of a point."""
        return self.layout.n_coordinates

    def __call__(self, points: Floats) -> tuple[Floats, Floats]:
        """Return values and gradients at points of shape (point, coordinate): (point,), (point, coordinate).

        Where the density is no number, the value is −inf and the gradient 0.
        """
        value, gradient = density.densities(np.ascontiguousarray(points), self.arrays, self.record)
        return np.asarray(value), np.asarray(gradient)

    def log_density(self) -> Callable[[Floats], tuple[float, Floats]]:
        """Return the density as the sampler calls it, one sheared point at a time."""
        priors, record, log_density = self.arrays, self.record, density.sheared_log_density
        rates, weights = self._shear

        def at(point: Floats) -> tuple[float, Floats]:
            gradient = np.empty(len(point))
            return log_density(point, rates, weights, priors, record, gradient), gradient

        return at

    @cached_property
    def _shear(self) -> tuple[NDArray[np.int64], Floats]:
        """Coordinates of the rates of conflict, and what innovations add to the mean tension, (knot,)."""
        decay = math.exp(-STEP_DAYS * KNOT_STEPS / _TYPICAL_PERSISTENCE)
        steps = self.data.grid.n_steps
        mean = [
            density.between_knots(
                density.ornstein_uhlenbeck(one, decay, math.sqrt(1 - decay**2)), KNOT_STEPS, steps
            ).mean()
            for one in np.eye(self.n_knots)
        ]
        layout = self.data.layout
        conflict = np.array([kind.side != NO_SIDE for kind in layout.kinds])
        return np.unique(layout.rate_of[conflict]), _TYPICAL_SWING * np.array(mean)

    def unsheared(self, point: Floats) -> Floats:
        """Return the point that a sheared one stands for.

        The mean tension of a record lifts all rates of conflict alike, and the data tell of the sum alone.
        Sheared, a rate is that of the record at its mean tension, which hangs on nothing else: chains mix
        twice as fast. The shear is linear, with a determinant of one.
        """
        return self._sheared(point, -1.0)

    def _sheared(self, point: Floats, sign: float) -> Floats:
        rates, weights = self._shear
        moved = np.array(point)
        begin = self.layout.n_parameters
        moved[rates] += sign * (weights @ moved[begin : begin + self.n_knots])
        return moved

    def starting_point(self, seed: int) -> Floats:
        """Return the middle of the priors, moved at random, as a sheared point."""
        middle = np.zeros(self.n_coordinates)
        normal = self.arrays.family <= FAMILY_CODES["LogitNormal"]
        middle[: self.layout.n_parameters][normal] = self.arrays.value[normal, 0]
        for place in np.flatnonzero(~normal):
            family, values = self.arrays.family[place], self.arrays.value[place]
            at = {3: values[0], 4: 1 / values[0], 5: values[0] / max(values[1], 1e-300)}.get(int(family))
            middle[place] = np.log(at) if at else np.log(values[0] / values[1])
        rng = np.random.default_rng(seed)
        return self._sheared(middle + rng.uniform(-_JITTER, _JITTER, middle.size), 1.0)

    def values(self, points: Floats) -> Floats:
        """Return the parameters at points, shape (point, coordinate)."""
        values = np.asarray(points).copy()
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

    def points(self, variables: Mapping[str, Floats]) -> Floats:
        """Return the points at which the variables are these, shape (…, coordinate)."""
        points = self.layout.joined(variables)
        positive, unit = self._bounded
        points[..., positive] = np.log(points[..., positive])
        points[..., unit] = logit(points[..., unit])
        return points

    def variables(self, points: Floats) -> dict[str, Floats]:
        """Return the model's variables at points, each of shape (point, …)."""
        return self.layout.named(self.values(points))

    def dataset(self, points: Floats) -> xr.Dataset:
        """Return the variables of draws, points of shape (chain, draw, coordinate), with named dimensions.

        Knots beyond the record, on which the data say nothing, are left out.
        """
        chains, draws = points.shape[:2]
        knots = self.data.grid.n_knots
        dims: dict[str, tuple[str, ...]] = {INNOVATIONS: ("knot",), DRIFT_INNOVATIONS: ("drift_knot",)}
        coords: dict[str, Any] = {
            "chain": np.arange(chains),
            "draw": np.arange(draws),
            "knot": np.arange(knots),
            "drift_knot": np.arange(drift_knots_for(knots)),
        }
        for group in self.priors.groups:
            dims[group.variable] = () if group.dimension is None else (group.dimension,)
            if group.dimension is not None:
                coords[group.dimension] = list(elements(group, self.priors.layout))
        variables = {}
        for name, values in self.variables(points.reshape(chains * draws, -1)).items():
            if name in (INNOVATIONS, DRIFT_INNOVATIONS):
                values = values[..., : len(coords[dims[name][0]])]
            shaped = values.reshape(chains, draws, *values.shape[1:])
            variables[name] = (("chain", "draw", *dims[name]), shaped)
        used = {name for names, _ in variables.values() for name in names}
        return xr.Dataset(variables, coords={name: values for name, values in coords.items() if name in used})
