"""The terms of the model in plain PyTensor: the reference for the fused kernel, and readable equations.

Time is the first axis. Every function takes and returns tensors; none needs a sampler to be tested.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray

from forecast.models import draws
from forecast.panel.panel import DRIFT_KNOT_STEPS, HALF_SATURATION, KNOT_STEPS, drift_knots_for

Tensor = Any


def ornstein_uhlenbeck(innovations: Tensor, knot_decay: Tensor, n_knots: int) -> Tensor:
    """Stationary Ornstein–Uhlenbeck process at the knots, unit variance, shape (knot,).

    x[0] = ε[0]; x[m] = φ·x[m−1] + √(1−φ²)·ε[m].
    """
    scale = pt.concatenate([pt.ones(1), pt.ones(n_knots - 1) * pt.sqrt(1 - knot_decay**2)])
    return _decayed_sum(scale * innovations, knot_decay, n_knots)


def tension_at_steps(knots: Tensor, n_steps: int) -> Tensor:
    """Linear interpolation between knots, shape (step,)."""
    step = np.arange(n_steps)
    left = step // KNOT_STEPS
    part = step % KNOT_STEPS / KNOT_STEPS
    return (1 - part) * knots[left] + part * knots[left + 1]


def drift_basis(n_knots: int) -> NDArray[np.float64]:
    """What innovations at the knots of drift add at the knots of tension, shape (drift knot, knot).

    Drift is an Ornstein–Uhlenbeck process of unit variance and fixed persistence, so it is linear in them.
    """
    unit = np.eye(drift_knots_for(n_knots))
    process = draws.ornstein_uhlenbeck(unit, np.full(len(unit), draws.DRIFT_DECAY))
    return draws.linear_between(process, KNOT_STEPS * np.arange(n_knots), DRIFT_KNOT_STEPS)


def drift_at_knots(innovations: Tensor, scale: Tensor, basis: Tensor | NDArray[np.float64]) -> Tensor:
    """Drift at the knots of tension, shape (..., knot), from innovations at its own knots."""
    return scale[..., None] * pt.dot(innovations, basis)


def drift_at_steps(knots: Tensor, n_steps: int, first_step: int) -> Tensor:
    """Drift less its mean over the record, shape (step,); from the knots of tension."""
    values = tension_at_steps(knots, n_steps)
    return values - values[first_step:].mean()


def decayed_past(counts: NDArray[np.float64] | Tensor, decay: Tensor, n_steps: int) -> Tensor:
    """Σ_{l≥1} d^(l−1)·n[t−l]: exponentially decayed sum of earlier steps, shape of ``counts``."""
    return _later(_decayed_sum(pt.as_tensor(counts), decay, n_steps), 1)


def _decayed_sum(values: Tensor, decay: Tensor, n: int) -> Tensor:
    """Σ_{l≥0} d^l·v[t−l], by doubling: the sum over 2w terms is that over w plus d^w times it, w earlier.

    Exact in log₂ n steps; a matrix of powers of d would cost n² of them.
    """
    width = 1
    while width < n:
        values = values + decay**width * _later(values, width)
        width *= 2
    return values


def _later(values: Tensor, steps: int) -> Tensor:
    """Shift along the first axis, zeros coming in."""
    return pt.concatenate([pt.zeros_like(values[:steps]), values[:-steps]])


def ballast_exponent(calming_past: Tensor, strength: Tensor) -> Tensor:
    """−Σ_j β_j·N_j/(N_j+5): log factor on conflictual rates, shape (step,)."""
    return -(calming_past / (calming_past + HALF_SATURATION)) @ strength


def intensity(
    log_rate: Tensor,
    loading: Tensor,
    tension: Tensor,
    own_past: Tensor,
    own: Tensor,
    cross_past: Tensor,
    cross: Tensor,
    log_calm: Tensor,
    conflict: NDArray[np.bool_],
    drift: Tensor = 0.0,
) -> Tensor:
    """Rate of each stream a step, shape (step, stream): (exp(μ+loading·x+z) + a·S + c·C)·exp(ballast).

    ``drift`` is z, shape (step,), which moves conflictual streams.
    """
    drifts = pt.as_tensor(drift)[..., None] * conflict
    base = pt.exp(log_rate + loading * tension[:, None] + drifts)
    rate = base + own * own_past + cross * cross_past[:, None]
    return rate * pt.exp(pt.where(conflict, log_calm[:, None], 0.0))


def mark_log_odds(
    level: Tensor,
    kinds: tuple[Tensor, Tensor, Tensor],
    tension: Tensor,
    recent: Tensor,
    weights: tuple[Tensor, Tensor],
    raised: Tensor = 0.0,
) -> Tensor:
    """Log odds of reaching severity 2 … 5, given the one below, shape (cell, 4).

    ``kinds`` are the shifts of each cell's kind of act for severity 2, for all above it, and for 4 and 5;
    ``raised`` is what drift adds.
    """
    on_tension, on_recent = weights
    shift = on_tension * tension + on_recent * recent + raised
    stage_2, stage_3, stage_4 = kinds
    by_level = pt.stack([stage_2, stage_3, stage_3 + stage_4, stage_3 + stage_4], axis=1)
    return level + by_level + shift[:, None]


def chain_strength(own: Tensor, cross: Tensor) -> Tensor:
    """Σ_k c_k/(1−a_k) over conflictual streams, the last axis: below one exactly when chains of acts die out.

    The branching matrix of the conflictual streams is diag(a) + c·1ᵀ; its largest eigenvalue ρ solves
    Σ c_k/(ρ−a_k) = 1 and is below one if and only if the sum at ρ = 1 is (all a_k < 1).
    """
    return (cross / (1 - own)).sum(axis=-1)
