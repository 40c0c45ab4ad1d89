"""Parameter draws, from a posterior or a prior, arranged as the likelihood and the simulator read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from forecast.panel.series import INNOVATIONS, KNOT_STEPS, STEP_DAYS, StreamLayout, decay_per_step
from forecast.priors import PriorSet, elements

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StreamDraws:
    """Parameters by role, first axis draw (d), streams k, knots m.

    Parameters
    ----------
    log_rate, load, own, cross, shape, ballast, notable, category, grave : ndarray, shape (d, k)
        Log baseline a step; loading times scale of tension; branching ratios; gamma shape; ballast of the
        stream's own acts; shifts of the log odds of severity 2, of all above it, and of 4 and 5. Zero where
        a layout has no such term.
    own_decay, cross_decay, ballast_decay : ndarray, shape (d,)
        Factors left after one step.
    knot_decay : ndarray, shape (d,)
        Autocorrelation of tension from knot to knot.
    innovations, knots : ndarray, shape (d, m)
        Standard normal innovations of tension, and tension itself, at the knots.
    level : ndarray, shape (d, 4)
        Log odds of reaching severity 2 … 5, given the one below (zero for 2: see ``notable``).
    mark_tension, mark_recent : ndarray, shape (d,)
        Effects of tension and of recent severe acts on these log odds.
    """

    log_rate: Floats
    load: Floats
    own: Floats
    cross: Floats
    shape: Floats
    ballast: Floats
    notable: Floats
    category: Floats
    grave: Floats
    own_decay: Floats
    cross_decay: Floats
    ballast_decay: Floats
    knot_decay: Floats
    innovations: Floats
    knots: Floats
    level: Floats
    mark_tension: Floats
    mark_recent: Floats

    def __len__(self) -> int:
        return len(self.log_rate)

    def severity_shift(self, severity: int) -> Floats:
        """Shift of the log odds of reaching a severity from the one below, by kind of act, shape (d, k)."""
        if severity == 2:
            return self.notable
        return self.category if severity == 3 else self.category + self.grave

    def rows(self, index: slice | NDArray[np.int64]) -> StreamDraws:
        """Return the draws at these positions."""
        return StreamDraws(*(getattr(self, item.name)[index] for item in fields(self)))


def stream_draws(layout: StreamLayout, variables: Mapping[str, Floats]) -> StreamDraws:
    """Arrange the variables of a posterior, each of shape (draw, …), by their roles.

    Parameters
    ----------
    layout : StreamLayout
        The layout of the model that made them.
    variables : mapping of str to ndarray
        Parameter groups by variable name and ``tension_innovations``.
    """
    n_draws = len(variables["tension_scale"])
    absent = np.zeros((n_draws, len(layout.streams)))
    cross, ballast = absent.copy(), absent.copy()
    cross[:, layout.conflict_index] = variables["excitation_cross"]
    ballast_decay = np.zeros(n_draws)
    if "ballast" in variables:
        ballast[:, layout.calming_index] = variables["ballast"]
        ballast_decay = decay_per_step(variables["ballast_half_life_days"])
    knot_decay = np.exp(-STEP_DAYS * KNOT_STEPS / variables["tension_persistence"])
    none = np.zeros(n_draws)
    category = variables.get("severity_category", absent)
    grave = variables.get("severity_grave", absent)
    return StreamDraws(
        log_rate=np.log(variables["baseline_weekly_rate"]),
        load=variables["tension_loading"] * variables["tension_scale"][:, None],
        own=variables["excitation_branching"],
        cross=cross,
        shape=variables["overdispersion_shape"],
        ballast=ballast,
        notable=variables.get("severity_notable", absent),
        category=category - category.mean(axis=1, keepdims=True),
        grave=grave - grave.mean(axis=1, keepdims=True),
        own_decay=decay_per_step(variables["excitation_half_life_days"]),
        cross_decay=decay_per_step(variables["excitation_cross_half_life_days"]),
        ballast_decay=ballast_decay,
        knot_decay=knot_decay,
        innovations=variables[INNOVATIONS],
        knots=tension_at_knots(variables[INNOVATIONS], knot_decay),
        level=np.column_stack([none, variables.get("severity_level", np.zeros((n_draws, 3)))]),
        mark_tension=variables.get("severity_tension", none),
        mark_recent=variables.get("severity_recent", none),
    )


def tension_at_knots(innovations: Floats, knot_decay: Floats) -> Floats:
    """Ornstein–Uhlenbeck process of unit variance from its innovations, shape (draw, knot)."""
    knots = np.empty_like(innovations)
    knots[:, 0] = innovations[:, 0]
    scale = np.sqrt(1 - knot_decay**2)
    for m in range(1, innovations.shape[1]):
        knots[:, m] = knot_decay * knots[:, m - 1] + scale * innovations[:, m]
    return knots


def tension_at_steps(knots: Floats, n_steps: int) -> Floats:
    """Tension in every step, linear between knots, shape (draw, step)."""
    step = np.arange(n_steps)
    left, part = step // KNOT_STEPS, step % KNOT_STEPS / KNOT_STEPS
    return np.asarray((1 - part) * knots[:, left] + part * knots[:, left + 1])


def prior_draws(priors: PriorSet, n_draws: int, n_knots: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Draw every parameter from its prior: the variables that ``stream_draws`` reads."""
    variables: dict[str, Floats] = {}
    for group in priors.groups:
        columns = [prior.distribution.draw(rng, n_draws) for prior in priors.of_group(group)]
        grouped = elements(group, priors.layout)
        variables[group.variable] = np.column_stack(columns) if grouped else columns[0]
    variables[INNOVATIONS] = rng.standard_normal((n_draws, n_knots))
    return variables
