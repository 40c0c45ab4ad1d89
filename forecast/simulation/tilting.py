"""Weights of paths under which targets have given probabilities: entropic tilting.

Of all weights that give each target its probability before each day, those that differ least from equal ones
in relative entropy are w ∝ exp(λ·a), where a says which targets a path has met before which day, and λ
minimises the convex function log E[exp(λ·(a − b))] of the wanted probabilities b. Robertson, Tallman and
Whiteman (2005), "Forecasting using relative entropy", Journal of Money, Credit and Banking 37(3), 383–401.
Paths that have met the same targets by the same days share a weight, so that the work is done on patterns of
hits, of which there are few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import linprog

Floats = NDArray[np.float64]
Days = NDArray[np.int32]

TOLERANCE = 1e-7
"""How far a probability may be from the wanted one, as a share of it or of what it leaves to 1."""
_SAME = 1e-12
"""Probabilities so close, likewise, are the same but for rounding."""
_ROUNDED = 1e-15
"""Rounding of numbers near 1."""
_CLOSE = 1e-10
_MOST_ROUNDS = 200
_RIDGE = 1e-12
_SLACK = 1e-9

DropReason = Literal["no_path", "every_path", "contradiction", "too_few_effective"]
"""Why paths cannot carry a probability: none of them meets the target before the day, or all do, or no
weights give it together with the others, or those that do are worth too few paths."""


@dataclass(frozen=True)
class Wanted:
    """A probability that a target is to have before a day (days from the origin)."""

    target: str
    day: int
    probability: float


@dataclass(frozen=True)
class Dropped:
    """A wanted probability that the paths cannot carry."""

    wanted: Wanted
    reason: DropReason


@dataclass(frozen=True)
class Tilt:
    """Weights of paths, shape (draw, path), summing to one, and what they could not be given."""

    weights: Floats
    dropped: tuple[Dropped, ...] = ()

    @cached_property
    def effective_paths(self) -> float:
        """1/Σw² over the paths."""
        return float(1 / np.sum(self.weights**2))

    @cached_property
    def effective_draws(self) -> float:
        """1/Σw² over the draws, each with the weight of all its paths."""
        return float(1 / np.sum(self.weights.sum(axis=1) ** 2))


def tilt_paths(first_day: Mapping[str, Days], wanted: Sequence[Wanted]) -> Tilt:
    """Change the weights of paths least, so that targets have the wanted probabilities.

    Parameters
    ----------
    first_day : mapping of str to ndarray of int32, shape (draw, path)
        First day of each target on the same paths.
    wanted : sequence of Wanted
        What the paths cannot carry is dropped, and the others are met to ``TOLERANCE``.
    """
    shape = next(iter(first_day.values())).shape
    n_paths = shape[0] * shape[1]
    dropped: list[Dropped] = []
    kept: list[Wanted] = []
    columns: list[NDArray[np.bool_]] = []
    for one in wanted:
        hit = (first_day[one.target] < one.day).ravel()
        share = hit.mean()
        if 0.0 < share < 1.0:
            kept.append(one)
            columns.append(hit)
        elif abs(one.probability - share) > _ROUNDED * share:
            dropped.append(Dropped(one, "every_path" if share else "no_path"))
    while kept:
        patterns, place = _patterns(np.column_stack(columns))
        share = np.bincount(place, minlength=len(patterns)) / n_paths
        asked = np.array([one.probability for one in kept])
        if _gaps(patterns, share, asked).max() <= _SAME:
            break
        weights = _least_change(patterns, share, asked)
        gap = _gaps(patterns, weights, asked)
        if gap.max() <= TOLERANCE:
            each = weights / (share * n_paths)
            return Tilt(each[place].reshape(shape), tuple(dropped))
        refused = _contradictions(patterns, asked)
        if not refused.any():
            refused = gap == gap.max()
        dropped += [Dropped(one, "contradiction") for one, no in zip(kept, refused, strict=True) if no]
        kept = [one for one, no in zip(kept, refused, strict=True) if not no]
        columns = [one for one, no in zip(columns, refused, strict=True) if not no]
    return Tilt(np.full(shape, 1 / n_paths), tuple(dropped))


def _patterns(hits: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.int64]]:
    """Distinct rows of hits, shape (pattern, constraint), and the pattern of each row."""
    packed = np.packbits(hits, axis=1)
    _, first, place = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return hits[first].astype(np.float64), np.asarray(place, dtype=np.int64).ravel()


def _gaps(patterns: Floats, weights: Floats, asked: Floats) -> Floats:
    """How far the probabilities are from those asked for, in shares of what is less likely."""
    # Differences of each pattern first: their sum is small where the probability is nearly 0 or nearly 1.
    return np.asarray(np.abs(weights @ (patterns - asked)) / _scale(asked))


def _scale(asked: Floats) -> Floats:
    least = np.minimum(asked, 1 - asked)
    return np.asarray(np.where(least > 0, least, 1.0))


def _least_change(patterns: Floats, share: Floats, asked: Floats) -> Floats:
    """Weights of patterns nearest to their shares that give the probabilities asked for, by Newton's method.

    Where none do, the weights of the last round.
    """
    # In units of the standard deviation asked for, so that all constraints weigh alike near 0 and 1.
    scale = _scale(asked)
    unit = np.sqrt(scale)
    log_share, centred = np.log(share), (patterns - asked) / unit
    multipliers = np.zeros(len(asked))
    log_weights = log_share
    value = 0.0
    for _ in range(_MOST_ROUNDS):
        weights = np.exp(log_weights - special.logsumexp(log_weights))
        slope = weights @ centred
        if np.abs(slope * unit / scale).max() <= _CLOSE:
            break
        away = centred - slope
        curvature = (weights[:, None] * away).T @ away
        curvature[np.diag_indices_from(curvature)] += _RIDGE
        step = np.linalg.solve(curvature, -slope)
        length = 1.0
        while True:
            tried = log_share + centred @ (multipliers + length * step)
            tried_value = float(special.logsumexp(tried))
            # What a step gains near 0 and 1 is less than the rounding of the value.
            enough = value + 1e-4 * length * float(slope @ step) + _ROUNDED * (1 + abs(value))
            if tried_value <= enough or length < 1e-10:
                break
            length /= 2
        if length < 1e-10:
            break
        multipliers = multipliers + length * step
        log_weights, value = tried, tried_value
    return np.asarray(np.exp(log_weights - special.logsumexp(log_weights)))


def _contradictions(patterns: Floats, asked: Floats) -> NDArray[np.bool_]:
    """Which probabilities to give up so that weights exist for the rest: those that miss by least in all."""
    n_patterns, n_asked = patterns.shape
    miss = np.eye(n_asked)
    found = linprog(
        np.concatenate([np.zeros(n_patterns), np.ones(2 * n_asked)]),
        A_eq=np.vstack(
            [
                np.hstack([patterns.T, miss, -miss]),
                np.concatenate([np.ones(n_patterns), np.zeros(2 * n_asked)])[None],
            ]
        ),
        b_eq=np.append(asked, 1.0),
        method="highs",
    )
    missed = found.x[n_patterns:].reshape(2, n_asked).sum(axis=0)
    return np.asarray(missed > _SLACK)
