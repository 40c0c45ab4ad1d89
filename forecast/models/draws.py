"""Parameter draws, from a posterior or a prior: named variables ↔ points of density and chances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecast.grid import DRIFT_DECAY, DRIFT_KNOT_STEPS, DRIFT_NOISE, KNOT_STEPS, STEP_DAYS, drift_knots_for
from forecast.models import density
from forecast.models.density import FAMILY_CODES, GROUPS, REFERENCE, Arrays, Priors
from forecast.priors import PriorSet, elements
from forecast.streams import Acts, StreamLayout

Floats = NDArray[np.float64]

INNOVATIONS = "tension.innovations"
"""Name of the standard normal innovations of the latent tension in models and posteriors."""
DRIFT_INNOVATIONS = "drift.innovations"
"""The same of drift."""


@dataclass(frozen=True)
class PointLayout:
    """Where each variable lies in a point: parameters by group and element, then innovations.

    Both are by group, in the order of ``density.GROUPS``: ``sizes`` the numbers of elements, 0 where there is
    none, and ``single`` whether the group is one parameter without elements.
    """

    sizes: tuple[int, ...]
    single: tuple[bool, ...]
    n_knots: int

    @property
    def n_drift_knots(self) -> int:
        """Knots of drift that reach as far as those of tension."""
        return drift_knots_for(self.n_knots)

    @property
    def n_parameters(self) -> int:
        """Coordinates but for innovations."""
        return sum(self.sizes)

    @property
    def n_coordinates(self) -> int:
        """Coordinates of a point."""
        return self.n_parameters + self.n_knots + self.n_drift_knots

    @property
    def offset(self) -> NDArray[np.int64]:
        """First coordinate of each group."""
        return np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)

    def named(self, values: Floats) -> dict[str, Floats]:
        """Cut constrained points, shape (…, coordinate), into variables, each of shape (…[, element])."""
        found = {}
        for name, begin, size, single in zip(GROUPS, self.offset, self.sizes, self.single, strict=True):
            if size:
                found[name] = values[..., begin] if single else values[..., begin : begin + size]
        found[INNOVATIONS] = values[..., self.n_parameters : self.n_parameters + self.n_knots]
        found[DRIFT_INNOVATIONS] = values[..., self.n_parameters + self.n_knots :]
        return found

    def joined(self, variables: Mapping[str, Floats]) -> Floats:
        """Put variables, as ``named`` gives them, into constrained points."""
        parts = []
        for name, size, single in zip(GROUPS, self.sizes, self.single, strict=True):
            if size:
                parts.append(variables[name][..., None] if single else variables[name])
        return np.concatenate([*parts, variables[INNOVATIONS], variables[DRIFT_INNOVATIONS]], axis=-1)


def point_layout(priors: PriorSet, n_knots: int) -> PointLayout:
    """Return the layout of the points of a model with these priors."""
    groups = {group.name: group for group in priors.groups}
    own = [groups[name] for name in GROUPS]
    return PointLayout(
        tuple(len(priors.of_group(group)) for group in own),
        tuple(group.dimension is None for group in own),
        n_knots,
    )


def prior_arrays(priors: PriorSet, layout: PointLayout) -> Priors:
    """Return priors as the density reads them."""
    groups = {group.name: group for group in priors.groups}
    every = [prior.distribution for name in GROUPS for prior in priors.of_group(groups[name])]
    values = np.zeros((len(every), 2))
    for row, distribution in zip(values, every, strict=True):
        row[: len(distribution.values)] = distribution.values
    family = np.array([FAMILY_CODES[distribution.family] for distribution in every], dtype=np.int64)
    return Priors(family, values, layout.offset, layout.n_knots, layout.n_drift_knots)


def record_of(data: Acts) -> Arrays:
    """Return acts as density and chances read them."""
    layout = data.layout
    categories = {name: c for c, name in enumerate(layout.categories)}
    day, stream, grade = data.day, data.stream, data.severity - 1
    learned = np.array([reaction.use_record for reaction in layout.reactions], dtype=bool)
    trigger = (layout.sets_off & learned[:, None])[:, stream].astype(np.float64)
    for i in np.flatnonzero(learned):
        days = data.occasions(int(i))
        of_reaction = np.zeros((len(layout.reactions), len(days)))
        of_reaction[i] = 1.0
        day = np.concatenate([day, days])
        stream = np.concatenate([stream, np.full(len(days), -1)])
        grade = np.concatenate([grade, np.full(len(days), REFERENCE)])
        trigger = np.concatenate([trigger, of_reaction], axis=1)
    order = np.lexsort((stream, day))
    known, week = data.completeness, np.arange(len(data.completeness)) // STEP_DAYS
    calming = np.zeros((len(layout.calming), data.grid.n_steps))
    for b, name in enumerate(layout.calming):
        own = [kind.category == name for kind in layout.kinds]
        calming[b] = data.counts[:, own].sum(axis=1)
    return Arrays(
        np.ascontiguousarray(day[order]),
        np.ascontiguousarray(stream[order]),
        np.ascontiguousarray(grade[order]),
        np.ascontiguousarray(trigger[:, order]),
        layout.answers.astype(np.float64),
        np.array([categories[kind.category] for kind in layout.kinds], dtype=np.int64),
        np.array([kind.side for kind in layout.kinds], dtype=np.int64),
        data.gravity,
        np.ascontiguousarray(data.mix),
        np.ascontiguousarray(known),
        np.union1d(np.flatnonzero(np.diff(known)), len(known) - 1),
        np.bincount(week, known),
        data.exposure,
        calming,
        layout.rate_of,
        data.rate_shares,
        data.silent_weeks,
        len(categories),
    )


@dataclass(frozen=True)
class StreamDraws:
    """Draws of a model; axes draw d, stream k.

    Parameters
    ----------
    streams : StreamLayout
    points : PointLayout
    values : ndarray, shape (d, coordinate)
        Parameters and innovations, each in its own unit.
    """

    streams: StreamLayout
    points: PointLayout
    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def variables(self) -> dict[str, Floats]:
        """Variables by name, each of shape (d, …)."""
        return self.points.named(self.values)

    def rows(self, index: slice | NDArray[np.int64]) -> StreamDraws:
        """Return the draws at these positions."""
        # Contiguous, since compiled code is compiled anew for any other layout.
        return StreamDraws(self.streams, self.points, np.ascontiguousarray(self.values[index]))

    @cached_property
    def knots(self) -> Floats:
        """Tension at its knots, shape (d, m)."""
        decay = np.exp(-STEP_DAYS * KNOT_STEPS / self.variables["tension.persistence"])
        return ornstein_uhlenbeck(self.variables[INNOVATIONS], decay, np.sqrt(1 - decay**2))

    @cached_property
    def drift(self) -> Floats:
        """Drift at its knots, shape (d, j); only differences count."""
        ones = np.ones(len(self))
        unit = ornstein_uhlenbeck(self.variables[DRIFT_INNOVATIONS], DRIFT_DECAY * ones, DRIFT_NOISE * ones)
        return np.asarray(self.variables["drift.scale"][..., None] * unit)

    def tension_now(self, data: Acts) -> Floats:
        """Tension in the last week of the record, in standard deviations, shape (d,)."""
        return tension_at_steps(self.knots, data.grid.n_steps)[:, -1]

    def level(self, data: Acts) -> Floats:
        """Log of the level of conflict at the end of the record less that of its mean, shape (d,)."""
        values = linear_between(self.drift, np.arange(data.grid.n_steps), DRIFT_KNOT_STEPS)
        exposure = data.exposure
        return np.asarray(values[:, -1] - np.log(np.exp(values) @ exposure / exposure.sum()))


def stream_draws(layout: StreamLayout, variables: Mapping[str, Floats], priors: PriorSet) -> StreamDraws:
    """Arrange the variables of a posterior, each of shape (draw, …)."""
    points = point_layout(priors, variables[INNOVATIONS].shape[-1])
    return StreamDraws(layout, points, points.joined(variables))


def ornstein_uhlenbeck(innovations: Floats, decay: Floats, noise: Floats) -> Floats:
    """x[0] = ε[0], x[m] = decay·x[m−1] + noise·ε[m] along the last axis, shape (…, knot)."""
    knots = np.empty_like(innovations)
    knots[..., 0] = innovations[..., 0]
    for m in range(1, innovations.shape[-1]):
        knots[..., m] = decay * knots[..., m - 1] + noise * innovations[..., m]
    return knots


def tension_at_steps(knots: Floats, n_steps: int) -> Floats:
    """Tension in every step, linear between knots, shape (…, step)."""
    return linear_between(knots, np.arange(n_steps), KNOT_STEPS)


def linear_between(knots: Floats, steps: NDArray[np.int64], every: int) -> Floats:
    """Values in these steps, linear between knots that stand ``every`` so many steps, shape (…, step)."""
    left, part = steps // every, steps % every / every
    right = np.minimum(left + 1, knots.shape[-1] - 1)  # has no part where a step stands on the last knot
    return np.asarray((1 - part) * knots[..., left] + part * knots[..., right])


def prior_draws(priors: PriorSet, n_draws: int, n_knots: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Draw every parameter from its prior: the variables that ``stream_draws`` reads."""
    variables: dict[str, Floats] = {}
    for group in priors.groups:
        columns = [prior.distribution.draw(rng, n_draws) for prior in priors.of_group(group)]
        if columns:
            grouped = elements(group, priors.layout)
            variables[group.name] = np.column_stack(columns) if grouped else columns[0]
    variables[INNOVATIONS] = rng.standard_normal((n_draws, n_knots))
    variables[DRIFT_INNOVATIONS] = rng.standard_normal((n_draws, drift_knots_for(n_knots)))
    return variables


def log_likelihood(data: Acts, draws: StreamDraws, priors: PriorSet) -> Floats:
    """Log likelihood of the acts under each draw, shape (draw,).

    The draws must have the knots that the grid needs.
    """
    arrays = prior_arrays(priors, draws.points)
    return np.asarray(density.log_likelihood(np.ascontiguousarray(draws.values), arrays, record_of(data)))
