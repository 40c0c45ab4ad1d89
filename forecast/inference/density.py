"""The posterior of a model given acts: its density on the sampler's scale, and what a point there means.

A point holds all parameters on a scale without bounds. The density is one function for records of every size
(``forecast.models.density``), compiled once a machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit, logit

from forecast.grid import KNOT_STEPS, STEP_DAYS, drift_knots_for
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
from forecast.priors import PriorSet, elements
from forecast.streams import NO_SIDE, Acts

Floats = NDArray[np.float64]
_JITTER = 0.5
"""How far starting points lie from the middle of the priors, at most, on the sampler's scale."""
_TYPICAL_SWING, _TYPICAL_PERSISTENCE = 0.6, 120.0
"""Scale and days of persistence of tension that points are sheared by."""
_STEP, _LEAST_CURVATURE = 1e-5, 0.3
"""Of differences of gradients; and the least curvature believed, of which a standard normal has 1."""


class Scale(NamedTuple):
    """A place z stands for the point ``center + spread @ z``; (p,) and (p, p), upper triangular."""

    center: Floats
    spread: Floats


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

    def fields(self, scale: Scale) -> tuple[Floats | NDArray[np.int64] | int, ...]:
        """Return all that the sampler's function reads, for ``packed``."""
        center, spread = scale
        turned = np.ascontiguousarray(spread.T)
        return (*self.arrays, *self.record, center, np.ascontiguousarray(spread), turned)

    @cached_property
    def middle(self) -> Floats:
        """The middle of the priors, a point."""
        middle = np.zeros(self.n_coordinates)
        normal = self.arrays.family <= FAMILY_CODES["LogitNormal"]
        middle[: self.layout.n_parameters][normal] = self.arrays.value[normal, 0]
        for place in np.flatnonzero(~normal):
            family, values = self.arrays.family[place], self.arrays.value[place]
            at = {3: values[0], 4: 1 / values[0], 5: values[0] / max(values[1], 1e-300)}.get(int(family))
            middle[place] = np.log(at) if at else np.log(values[0] / values[1])
        return middle

    def starting_point(self, seed: int) -> Floats:
        """Return the middle of the priors, moved at random."""
        return self.middle + np.random.default_rng(seed).uniform(-_JITTER, _JITTER, self.n_coordinates)

    @cached_property
    def sheared(self) -> Scale:
        """The scale on which a rate of conflict is that of the record at its mean tension.

        That mean lifts all of them alike, and the data tell of the sum alone. So told, chains mix twice as
        fast before anything else is known.
        """
        decay = math.exp(-STEP_DAYS * KNOT_STEPS / _TYPICAL_PERSISTENCE)
        noise, steps = math.sqrt(1 - decay**2), self.data.grid.n_steps
        knots = [density.ornstein_uhlenbeck(one, decay, noise) for one in np.eye(self.n_knots)]
        mean = [density.between_knots(one, KNOT_STEPS, steps).mean() for one in knots]
        layout, begin = self.data.layout, self.layout.n_parameters
        rates = np.unique(layout.rate_of[[kind.side != NO_SIDE for kind in layout.kinds]])
        spread = np.eye(self.n_coordinates)
        spread[rates[:, None], begin : begin + self.n_knots] = -_TYPICAL_SWING * np.array(mean)
        return Scale(self.middle, spread)

    def whitened(self, points: Floats) -> Scale:
        """Return the scale on which the mean curvature of the log density at these points is one.

        The curvature at the mode alone would mislead: scales of tension and drift are far from it.
        """
        curvature = np.zeros((self.n_coordinates, self.n_coordinates))
        for point in points:
            _, slopes = self(np.concatenate([point[None], point + _STEP * np.eye(len(point))]))
            curvature += (slopes[0] - slopes[1:]) / (_STEP * len(points))
        values, axes = np.linalg.eigh((curvature + curvature.T) / 2)
        inverse = axes / np.maximum(values, _LEAST_CURVATURE) @ axes.T
        return Scale(points.mean(axis=0), np.linalg.cholesky(inverse[::-1, ::-1])[::-1, ::-1])

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
            dims[group.name] = () if group.dimension is None else (group.dimension,)
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
