"""What the past leaves behind at the origin: excitation, ballast and recent severe acts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.models.draws import StreamDraws
from forecast.panel.panel import SEVERE, SEVERE_HALF_LIFE_DAYS, Panel, decay_per_step
from forecast.panel.streams import StreamLayout

Floats = NDArray[np.float64]


@dataclass
class ExcitationState:
    """Decayed past before a step; leading axes are those of the draws (and paths), k streams.

    Parameters
    ----------
    own, calming : ndarray, shape (..., k)
        Normalised decayed counts of each stream; decayed counts (not normalised) for ballast.
    cross : ndarray, shape (...)
        Normalised decayed count of all conflictual acts.
    severe : ndarray, shape (...)
        Decayed count of severe acts.
    """

    own: Floats
    cross: Floats
    calming: Floats
    severe: Floats

    def advance(
        self, counts: Floats, severe: Floats, layout: StreamLayout, decays: tuple[Floats, Floats, Floats]
    ) -> None:
        """Move one step on, after ``counts`` (..., k) acts of which ``severe`` (...) were severe."""
        own_decay, cross_decay, calming_decay = decays
        self.own *= own_decay[..., None]
        self.own += (1 - own_decay[..., None]) * counts
        self.cross *= cross_decay
        conflict = sum(counts[..., stream] for stream in layout.conflict_index)
        self.cross += (1 - cross_decay) * conflict
        if any(layout.calming):
            self.calming += counts
            self.calming *= calming_decay[..., None]
        if layout.marked:
            self.severe += severe
            self.severe *= float(decay_per_step(SEVERE_HALF_LIFE_DAYS))


def decays_of(draws: StreamDraws) -> tuple[Floats, Floats, Floats]:
    """Factors left after a step: own, cross, ballast; each of shape (d,)."""
    return draws.own_decay, draws.cross_decay, draws.ballast_decay


def empty_state(n_draws: int, n_streams: int) -> ExcitationState:
    """State of a world without a past."""
    return ExcitationState(
        np.zeros((n_draws, n_streams)), np.zeros(n_draws), np.zeros((n_draws, n_streams)), np.zeros(n_draws)
    )


def state_before_last_step(panel: Panel, dyad: int, draws: StreamDraws) -> ExcitationState:
    """Run the past of a dyad through the recursions up to the start of the last step of the grid.

    The last step itself is not included: it may be cut short by the origin, and the simulation completes
    it before moving on. ``draws`` are those of the dyad alone (``StreamDraws.of_dyad``).
    """
    state = empty_state(len(draws), len(panel.layout.streams))
    felt, reach = panel.felt_counts[dyad], panel.reach[dyad]
    for step in range(panel.grid.n_steps - 1):
        severe = np.asarray(reach[step, :, SEVERE - 1].sum(), dtype=np.float64)
        state.advance(felt[step], severe, panel.layout, decays_of(draws))
    return state
