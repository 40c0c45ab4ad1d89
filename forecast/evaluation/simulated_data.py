"""Data made by the model itself: parameters from the prior, counts and marks from the parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecast.models.draws import StreamDraws, prior_draws, stream_draws, tension_at_steps
from forecast.panel.panel import (
    HALF_SATURATION,
    SEVERE,
    SEVERE_HALF_LIFE_DAYS,
    Panel,
    TimeGrid,
    decay_per_step,
    decayed_before,
    recent_severe_term,
)
from forecast.priors import PriorSet

MOST_ACTS = 1000
"""Data with more acts of a stream in one step are refused (see ``draw_truth``)."""


def draw_truth(
    priors: PriorSet, grid: TimeGrid, rng: np.random.Generator
) -> tuple[dict[str, NDArray[np.float64]], Panel]:
    """Draw parameters from the prior, with the model's soft constraint on chains, and data from them.

    The constraint multiplies the prior density by (1+e^{20(r−1)})^{−10} of the chain strength r; it is at
    most one, so it is sampled by rejection.

    Returns
    -------
    dict
        Variables of one draw, each of shape (1, …).
    Panel

    Raises
    ------
    ValueError
        A stream exceeds ``MOST_ACTS`` in a step: the priors are too wide for a calibration study, which
        must not drop draws by their data.
    """
    layout = priors.layout
    while True:
        variables = prior_draws(priors, 1, grid.n_knots, rng)
        own = variables["excitation_branching"][0, 0, layout.conflict_index]
        strength = (variables["excitation_cross"][0, 0] / (1 - own)).sum()
        if np.log(rng.uniform()) < -10 * np.logaddexp(0.0, 20 * (strength - 1)):
            break
    return variables, simulate_data(stream_draws(layout, variables), priors, grid, rng)


def simulate_data(draw: StreamDraws, priors: PriorSet, grid: TimeGrid, rng: np.random.Generator) -> Panel:
    """Simulate counts and marks over a grid from one draw, starting without a past; see ``draw_truth``."""
    layout, draw = priors.layout, draw.of_dyad(0)
    n_streams = len(layout.streams)
    conflict = np.array(layout.conflictual)
    tension = tension_at_steps(draw.knots, grid.n_steps)[0]
    counts = np.zeros((grid.n_steps, n_streams), dtype=np.int64)
    reach = np.zeros((grid.n_steps, n_streams, 5), dtype=np.int64)
    own, calm, cross, severe = np.zeros(n_streams), np.zeros(n_streams), 0.0, 0.0
    severe_decay = float(decay_per_step(SEVERE_HALF_LIFE_DAYS))
    for step in range(grid.n_steps):
        rate = np.exp(draw.log_rate[0] + draw.loading[0] * tension[step])
        rate = rate + draw.own[0] * own + draw.cross[0] * cross
        rate[conflict] *= np.exp(-(draw.ballast[0] * calm / (calm + HALF_SATURATION)).sum())
        exposure = grid.last_exposure if step == grid.n_steps - 1 else 1.0
        shape = draw.shape[0] * exposure
        counts[step] = rng.poisson(rng.gamma(shape, rate * exposure / shape))
        if counts[step].max() > MOST_ACTS:
            raise ValueError(f"{counts[step].max()} acts in one step; narrow the priors of this study")
        if layout.marked:
            shift = draw.mark_tension[0] * tension[step]
            shift = shift + draw.mark_recent[0] * recent_severe_term(np.array(severe))
            reach[step, :, 0] = counts[step]
            for level in range(4):
                kind = draw.severity_shift(level + 2)[0]
                odds = np.exp(draw.level[0, level] + kind + shift)
                reach[step, :, level + 1] = rng.binomial(reach[step, :, level], odds / (1 + odds))
        own = draw.own_decay[0] * own + (1 - draw.own_decay[0]) * counts[step]
        cross = draw.cross_decay[0] * cross + (1 - draw.cross_decay[0]) * counts[step, conflict].sum()
        calm = draw.ballast_decay[0] * (calm + counts[step] * np.array(layout.calming))
        severe = severe_decay * (severe + reach[step, :, SEVERE - 1].sum())
    recent = decayed_before(reach[:, :, SEVERE - 1].sum(axis=1), SEVERE_HALF_LIFE_DAYS)
    return Panel(
        ("simulated",),
        grid,
        layout,
        counts[None],
        reach[None],
        recent[None],
        np.ones((1, grid.n_steps)),
        np.zeros(1, dtype=np.int64),
    )
