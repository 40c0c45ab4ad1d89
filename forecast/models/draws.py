"""Parameter draws, from a posterior or a prior, arranged as the likelihood and the simulator read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from forecast.panel.panel import (
    DRIFT_KNOT_STEPS,
    DRIFT_PERSISTENCE_DAYS,
    KNOT_STEPS,
    STEP_DAYS,
    Panel,
    decay_per_step,
    drift_knots_for,
    knots_for,
)
from forecast.panel.streams import StreamLayout
from forecast.priors import PriorSet, elements

Floats = NDArray[np.float64]

INNOVATIONS = "tension_innovations"
"""Name of the standard normal innovations of the latent tension in models and posteriors."""
DRIFT_INNOVATIONS = "drift_innovations"
"""The same of drift."""
DRIFT_DECAY = float(np.exp(-STEP_DAYS * DRIFT_KNOT_STEPS / DRIFT_PERSISTENCE_DAYS))
"""Autocorrelation of drift from knot to knot."""


@dataclass(frozen=True)
class StreamDraws:
    """Parameters by role: axes draw d, dyad i, stream k, knot m.

    Parameters
    ----------
    log_rate, loading, own, cross, shape, ballast, stage_2, stage_3, stage_4 : ndarray, shape (d, i, k)
        See ``kernel.STREAM_ROWS``; zero where a layout has no such term.
    own_decay, cross_decay, ballast_decay : ndarray, shape (d, i)
        Factors left after one step.
    knot_decay : ndarray, shape (d, i)
        Autocorrelation of tension from knot to knot.
    innovations, knots : ndarray, shape (d, i, m)
        Standard normal innovations of tension, and tension itself, at the knots.
    level : ndarray, shape (d, i, 4)
        Log odds of reaching severity 2 … 5, given the one below (zero for 2: see ``stage_2``).
    mark_tension, mark_recent, mark_drift : ndarray, shape (d, i)
        Effects of tension, of recent severe acts and of drift on these log odds.
    drift : ndarray, shape (d, i, j)
        Drift, the slow level of conflict, at its knots, ``DRIFT_KNOT_STEPS`` apart. Only its difference from
        the mean over a record counts: ``drift_of_record``.
    drift_scale : ndarray, shape (d, i)
        Its standard deviation.
    """

    log_rate: Floats
    loading: Floats
    own: Floats
    cross: Floats
    shape: Floats
    ballast: Floats
    stage_2: Floats
    stage_3: Floats
    stage_4: Floats
    own_decay: Floats
    cross_decay: Floats
    ballast_decay: Floats
    knot_decay: Floats
    innovations: Floats
    knots: Floats
    level: Floats
    mark_tension: Floats
    mark_recent: Floats
    mark_drift: Floats
    drift: Floats
    drift_scale: Floats

    def __len__(self) -> int:
        return len(self.log_rate)

    @property
    def drift_at_knots(self) -> Floats:
        """Drift at the knots of tension, shape (d, i, m)."""
        steps = KNOT_STEPS * np.arange(self.knots.shape[-1])
        return linear_between(self.drift, steps, DRIFT_KNOT_STEPS)

    def drift_of_record(self, panel: Panel) -> Floats:
        """Drift at its knots less its mean over the steps of each dyad's record, shape (d, i, j)."""
        means = [
            linear_between(self.drift[:, i], np.arange(first, panel.grid.n_steps), DRIFT_KNOT_STEPS).mean(-1)
            for i, first in enumerate(panel.first_step)
        ]
        return np.asarray(self.drift - np.stack(means, axis=-1)[..., None])

    def severity_shift(self, severity: int) -> Floats:
        """Shift of the log odds of reaching a severity from the one below, by kind, shape (d, …, k)."""
        if severity == 2:
            return self.stage_2
        return self.stage_3 if severity == 3 else self.stage_3 + self.stage_4

    def rows(self, index: slice | NDArray[np.int64]) -> StreamDraws:
        """Return the draws at these positions."""
        return StreamDraws(*(getattr(self, item.name)[index] for item in fields(self)))

    def of_dyad(self, position: int) -> StreamDraws:
        """Return the draws of one dyad, without the axis of dyads."""
        return StreamDraws(*(getattr(self, item.name)[:, position] for item in fields(self)))


def stream_draws(layout: StreamLayout, variables: Mapping[str, Floats]) -> StreamDraws:
    """Arrange the variables of a posterior, each of shape (draw, dyad, …), by their roles.

    They are parameter groups by variable name, of a model of this layout, and the innovations of tension and
    of drift.
    """
    none = ballast_decay = np.zeros(variables["tension_scale"].shape)
    absent = np.zeros((*none.shape, len(layout.streams)))
    cross, ballast = absent.copy(), absent.copy()
    cross[..., layout.conflict_index] = variables["excitation_cross"]
    if "ballast" in variables:
        ballast[..., layout.calming_index] = variables["ballast"]
        ballast_decay = decay_per_step(variables["ballast_half_life_days"])
    knot_decay = np.exp(-STEP_DAYS * KNOT_STEPS / variables["tension_persistence"])
    stage_3 = variables.get("severity_category", absent)
    stage_4 = variables.get("severity_grave", absent)
    level = variables.get("severity_level", np.zeros((*none.shape, 3)))
    innovations = variables[INNOVATIONS]
    drift_scale = variables["drift_scale"]
    decay = np.broadcast_to(DRIFT_DECAY, drift_scale.shape)
    return StreamDraws(
        log_rate=np.log(variables["baseline_weekly_rate"]),
        loading=variables["tension_loading"] * variables["tension_scale"][..., None],
        own=variables["excitation_branching"],
        cross=cross,
        shape=variables["overdispersion_shape"],
        ballast=ballast,
        stage_2=variables.get("severity_notable", absent),
        stage_3=stage_3 - stage_3.mean(axis=-1, keepdims=True),
        stage_4=stage_4 - stage_4.mean(axis=-1, keepdims=True),
        own_decay=decay_per_step(variables["excitation_half_life_days"]),
        cross_decay=decay_per_step(variables["excitation_cross_half_life_days"]),
        ballast_decay=ballast_decay,
        knot_decay=knot_decay,
        innovations=innovations,
        knots=ornstein_uhlenbeck(innovations, knot_decay),
        level=np.concatenate([none[..., None], level], axis=-1),
        mark_tension=variables.get("severity_tension", none),
        mark_recent=variables.get("severity_recent", none),
        mark_drift=variables.get("severity_drift", none),
        drift=drift_scale[..., None] * ornstein_uhlenbeck(variables[DRIFT_INNOVATIONS], decay),
        drift_scale=drift_scale,
    )


def ornstein_uhlenbeck(innovations: Floats, knot_decay: Floats) -> Floats:
    """Ornstein–Uhlenbeck process of unit variance from its innovations, shape (…, knot)."""
    knots = np.empty_like(innovations)
    knots[..., 0] = innovations[..., 0]
    scale = np.sqrt(1 - knot_decay**2)
    for m in range(1, innovations.shape[-1]):
        knots[..., m] = knot_decay * knots[..., m - 1] + scale * innovations[..., m]
    return knots


def tension_at_steps(knots: Floats, n_steps: int) -> Floats:
    """Tension in every step, linear between knots, shape (…, step)."""
    return linear_between(knots, np.arange(n_steps), KNOT_STEPS)


def linear_between(knots: Floats, steps: NDArray[np.int64], every: int) -> Floats:
    """Values in these steps, linear between knots that stand ``every`` so many steps, shape (…, step)."""
    left, part = steps // every, steps % every / every
    right = np.minimum(left + 1, knots.shape[-1] - 1)  # has no part where a step stands on the last knot
    return np.asarray((1 - part) * knots[..., left] + part * knots[..., right])


def with_longer_future(
    variables: Mapping[str, Floats], n_steps: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Add knots until a record of so many steps is reached, their innovations drawn from the prior."""
    longer = dict(variables)
    knots = knots_for(n_steps)
    for name, wanted in ((INNOVATIONS, knots), (DRIFT_INNOVATIONS, drift_knots_for(knots))):
        if name in longer and longer[name].shape[-1] < wanted:
            held = longer[name]
            missing = rng.standard_normal((*held.shape[:-1], wanted - held.shape[-1]))
            longer[name] = np.concatenate([held, missing], axis=-1)
    return longer


def prior_draws(
    priors: PriorSet, n_draws: int, n_knots: int, rng: np.random.Generator, n_dyads: int = 1
) -> dict[str, Floats]:
    """Draw every parameter from its prior: the variables that ``stream_draws`` reads."""
    variables: dict[str, Floats] = {}
    rows = n_draws * n_dyads
    for group in priors.groups:
        columns = [prior.distribution.draw(rng, rows) for prior in priors.of_group(group)]
        grouped = elements(group, priors.layout)
        values = np.column_stack(columns) if grouped else columns[0]
        variables[group.variable] = values.reshape(n_draws, n_dyads, *values.shape[1:])
    variables[INNOVATIONS] = rng.standard_normal((n_draws, n_dyads, n_knots))
    variables[DRIFT_INNOVATIONS] = rng.standard_normal((n_draws, n_dyads, drift_knots_for(n_knots)))
    return variables
