"""Weekly scores of a dyad on a grid of weeks, by direction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Direction = Literal["a_to_b", "b_to_a"]
Way = Literal["a_to_b", "b_to_a", "both"]
"""A direction, or the sum of both."""
DIRECTIONS: tuple[Direction, ...] = ("a_to_b", "b_to_a")
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class ScoreSeries:
    """Scores of consecutive weeks, as known on a day.

    Parameters
    ----------
    start : date
        First day of the first week.
    directions : tuple of str
        Directions that the file has, in the order of ``DIRECTIONS``.
    score : ndarray of float64, shape (week, direction)
        Sum of the scores of the week's acts.
    acts : ndarray of int64, shape (week, direction), or None
        Number of acts behind each score; ``None`` when the file does not say.
    """

    start: date
    directions: tuple[Direction, ...]
    score: Floats
    acts: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.score)

    @property
    def end(self) -> date:
        """First day that the series does not cover."""
        return self.start + len(self) * WEEK

    @cached_property
    def unit(self) -> float:
        """Typical size of a score: median size of those that are not zero, an act where acts are known.

        The model works in this unit, so that its priors fit any scale.
        """
        used = self.score != 0 if self.acts is None else self.acts > 0
        size = np.abs(self.score) if self.acts is None else np.abs(self.score) / np.maximum(self.acts, 1)
        typical = float(np.median(size[used])) if used.any() else 0.0
        return typical or (float(size.mean()) or 1.0)

    def first_week(self, weeks: int) -> date:
        """First day of the week at this position, which may lie ahead of the series."""
        return self.start + weeks * WEEK

    def until(self, weeks: int) -> ScoreSeries:
        """Return the first weeks alone."""
        acts = None if self.acts is None else self.acts[:weeks]
        return ScoreSeries(self.start, self.directions, self.score[:weeks], acts)

    def total(self, direction: str) -> Floats:
        """Scores of one direction, or of ``both`` together, shape (week,)."""
        return self.score @ direction_weights(self.directions, direction)


@dataclass(frozen=True)
class ScoreRule:
    """A target: a week of this direction (or of ``both`` together) with a score below a bound."""

    name: str
    direction: Way
    score_below: float


def direction_weights(directions: tuple[Direction, ...], direction: str) -> Floats:
    """Return 1 for each direction that is asked for, 0 for the other, shape (direction,)."""
    return np.array([float(direction in ("both", one)) for one in directions])
