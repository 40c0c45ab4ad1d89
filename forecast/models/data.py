"""The arrays the likelihood reads, made from counts; the same names serve compile-once refits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.panel.series import EventCounts, recent_severe_term

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LikelihoodData:
    """Data arguments of ``kernel.value_and_gradient``, all float64.

    Parameters
    ----------
    roles : ndarray, shape (2, stream)
        Row 0: conflictual; row 1: calming (1 or 0).
    counts : ndarray, shape (step, stream)
    exceed : ndarray, shape (max count, stream)
        ``exceed[j, k]`` = number of steps before the last with more than ``j`` events.
    marks : ndarray, shape (cell, 7)
        Step, stream, and events reaching severity 1 … 5, for cells with events; empty when unmarked.
    recent : ndarray, shape (step,)
        log((T+0.1)/0.2) of the decayed count T of severe events.
    extent : ndarray, shape (2,)
        Number of steps and exposure of the last.
    past : ndarray, shape (step, stream)
        Counts as later steps feel them: those not yet known added in the mean.
    known : ndarray, shape (step,)
        Share of each step's events that is in the counts.
    """

    roles: Floats
    counts: Floats
    exceed: Floats
    marks: Floats
    recent: Floats
    extent: Floats
    past: Floats
    known: Floats


def likelihood_data(data: EventCounts) -> LikelihoodData:
    """Arrange counts for the likelihood."""
    counts = data.counts.astype(np.float64)
    full = data.counts[:-1]
    top = max(int(full.max(initial=0)), 1)
    exceed = (full[None] > np.arange(top)[:, None, None]).sum(axis=1).astype(np.float64)
    cells = np.argwhere(data.reach[..., 0] > 0)
    marks = np.column_stack([cells, data.reach[cells[:, 0], cells[:, 1]]]).astype(np.float64)
    return LikelihoodData(
        roles=np.array([data.layout.conflictual, data.layout.calming], dtype=np.float64),
        counts=counts,
        exceed=exceed,
        marks=marks.reshape(-1, 7),
        recent=recent_severe_term(data.severe_recent),
        extent=np.array([data.grid.n_steps, data.grid.last_exposure]),
        past=data.past_counts,
        known=data.known_share,
    )
