"""When each target first happens on each path, and every probability that is read from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.simulation.play import NEVER as NEVER
from forecast.simulation.probabilities import ProbabilityCurve, probability_curve

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class FirstPassages:
    """When each target first happens on each path.

    Parameters
    ----------
    targets : tuple of str
    origin : date
        First day of the future.
    day : ndarray of int32, shape (dyad, target, draw, path)
        Days from the origin (0 = the origin's own day) to the first target event; ``NEVER`` where the path
        stays quiet to the horizon.
    acts : ndarray of int64, shape (dyad, draw, path, stream)
        Acts drawn over the steps begun before the horizon (calendar acts not counted); ``None`` of a run
        that was read.
    horizon_days : int
    capped_share : float
        Share of simulated intensities that were cut at ``RATE_CAP``.
    """

    targets: tuple[str, ...]
    origin: date
    day: NDArray[np.int32]
    acts: NDArray[np.int64] | None
    horizon_days: int
    capped_share: float

    def __repr__(self) -> str:
        n_draws, n_paths = self.day.shape[2:]
        return f"FirstPassages({', '.join(self.targets)}; {n_draws} draws of {n_paths} paths)"

    def of(self, target: str, dyad: int = 0) -> NDArray[np.int32]:
        """First days of one target of one dyad, shape (draw, path)."""
        return np.asarray(self.day[dyad, self.targets.index(target)])

    def shares_before(self, target: str, day: int) -> Floats:
        """Share of each draw's own paths hit before a day, shape (draw,)."""
        return hit_shares_before(self.of(target), day)

    def probability(self, target: str, day: int) -> float:
        """Probability that the target happens before a day."""
        return float(self.shares_before(target, day).mean())

    def curve(self, target: str) -> ProbabilityCurve:
        """Probability by day, with its interval."""
        return probability_curve(self.of(target), self.horizon_days)


def hit_shares_before(first_day: NDArray[np.int32], day: int) -> Floats:
    """Share of each draw's paths hit before a day, shape (draw,); ``first_day`` has shape (draw, path)."""
    return np.asarray((first_day < day).mean(axis=1))
