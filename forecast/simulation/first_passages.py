"""When each target first happens on each path, and every probability that is read from it.

Paths may have weights (``forecast.simulation.tilting``). Whatever wants a probability asks here, so that the
weights are never forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.simulation.play import NEVER as NEVER
from forecast.simulation.probabilities import (
    HitMoments,
    ProbabilityCurve,
    curve_from_moments,
    hit_share,
    probability_curve,
    share_by_draw,
)

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
    weights : ndarray, shape (draw, path), optional
        Of the paths of the first dyad, summing to one; all alike when absent.
    dispersion : mapping of str to ndarray, shape (horizon_days + 1,), optional
        Beside weights: of each target by day the variance of its probability over p(1 − p), in [0, 1].
    """

    targets: tuple[str, ...]
    origin: date
    day: NDArray[np.int32]
    acts: NDArray[np.int64] | None
    horizon_days: int
    capped_share: float
    weights: Floats | None = None
    dispersion: Mapping[str, Floats] | None = None

    def __repr__(self) -> str:
        n_draws, n_paths = self.day.shape[2:]
        return f"FirstPassages({', '.join(self.targets)}; {n_draws} draws of {n_paths} paths)"

    def of(self, target: str, dyad: int = 0) -> NDArray[np.int32]:
        """First days of one target of one dyad, shape (draw, path)."""
        return np.asarray(self.day[dyad, self.targets.index(target)])

    @property
    def draw_weights(self) -> Floats | None:
        """Weights of the draws, shape (draw,), summing to one; ``None``: all alike."""
        return None if self.weights is None else self.weights.sum(axis=1)

    def shares_before(self, target: str, day: int) -> Floats:
        """Share of each draw's own paths hit before a day, shape (draw,).

        The probability is their mean with ``draw_weights``.
        """
        hit = self.of(target) < day
        if self.weights is None:
            return np.asarray(hit.mean(axis=1))
        return np.asarray((self.weights * hit).sum(axis=1) / self.weights.sum(axis=1))

    def by_draw(self, target: str, day: int) -> Floats:
        """What each draw says of the probability, shape (draw,): the plain mean is it and has its error."""
        return share_by_draw(self.of(target) < day, self.weights)

    def probability(self, target: str, day: int) -> float:
        """Probability that the target happens before a day."""
        return float(self.by_draw(target, day).mean())

    def curve(self, target: str) -> ProbabilityCurve:
        """Probability by day, with its interval; with weights ``per_draw`` stays empty."""
        days = self.of(target)
        if self.weights is None or self.dispersion is None:
            return probability_curve(days, self.horizon_days)
        mean = hit_share(days, self.horizon_days, self.weights)
        return dispersed_curve(mean, self.dispersion[target])


def dispersed_curve(mean: Floats, dispersion: Floats) -> ProbabilityCurve:
    """Return the curve of a probability by day whose variance is dispersion × p(1 − p)."""
    spread = dispersion * mean * (1 - mean)
    return curve_from_moments(HitMoments(mean, spread), np.empty((0, len(mean))))
