"""Breaks in the level of monthly counts: Pettitt's rank test, corrected for memory, applied again.

Pettitt's statistic K compares the ranks before and after each month; for independent months of one level
P(K ≥ k) ≈ 2 exp(−6 k² / (T³ + T²)). Events come in bursts, so months are not independent: the variance of K
grows by about (1 + r) / (1 − r), with r the correlation of neighbouring months around their own levels, and
k² is divided by it. Breaks that follow one another hide one another, so every series is first split as often
as its length allows; then the least clear split is dropped, and the others are tested anew between their
neighbours, until each has a corrected p below ``ALPHA`` and changes the level (the mean) by a factor of
``LEAST_FACTOR`` at least. At most ``MOST`` breaks are reported.

Source: A. N. Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28 (1979),
126–135, doi 10.2307/2346729. The correction is the usual one of the variance of a mean of an AR(1) series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.001
LEAST_FACTOR = 1.5
SHORTEST = 8
"""Months on either side of a break at least."""
MOST = 5
MOST_MEMORY = 0.9


@dataclass(frozen=True)
class LevelBreak:
    """A change of level.

    Parameters
    ----------
    position : int
        First month of the new level, counted from 0.
    before, after : float
        Mean a month of the two sides, up to the neighbouring breaks.
    p_value : float
        Probability of so clear a break in a series of one level with the same memory.
    """

    position: int
    before: float
    after: float
    p_value: float

    @property
    def factor(self) -> float:
        """Level after over level before; infinite when there was nothing before."""
        return self.after / self.before if self.before else float("inf")


def find_breaks(series: NDArray[np.float64]) -> list[LevelBreak]:
    """Return the breaks of a series, shape (month,), in order of time."""
    series = np.asarray(series, dtype=np.float64)
    places: list[int] = []
    _candidates(series, 0, places)
    places.sort()
    while places:
        borders = [0, *places, len(series)]
        tested = [_tested(series, *borders[number : number + 3]) for number in range(len(places))]
        weakest = max(range(len(places)), key=lambda number: tested[number].p_value)
        if tested[weakest].p_value < ALPHA and len(places) <= MOST:
            return tested
        del places[weakest]
    return []


def pettitt(series: NDArray[np.float64]) -> tuple[int, float]:
    """Return the most likely first month of a new level, and the corrected probability of it by chance.

    Parameters
    ----------
    series : ndarray of float, shape (month,)
        At least two months.
    """
    length = len(series)
    ranks = _ranks(series)
    steps = np.arange(1, length)
    # The sum of the signs of x_j - x_i over i < t ≤ j, by ranks.
    sums = 2 * np.cumsum(ranks)[:-1] - steps * (length + 1)
    place = int(np.argmax(np.abs(sums))) + 1
    return place, _p_value(float(np.abs(sums).max()), ranks, place)


def _ranks(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; ties take their mean."""
    _, places, counts = np.unique(series, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return means


def _p_value(statistic: float, ranks: NDArray[np.float64], place: int) -> float:
    length = len(ranks)
    inflation = _inflation(ranks, place)
    return float(min(2 * np.exp(-6 * statistic**2 / ((length**3 + length**2) * inflation)), 1.0))


def _inflation(ranks: NDArray[np.float64], place: int) -> float:
    """Growth of the variance of K by memory, with the two levels taken out first."""
    rest = ranks.copy()
    rest[:place] -= rest[:place].mean()
    rest[place:] -= rest[place:].mean()
    spread = float(rest @ rest)
    memory = float(rest[1:] @ rest[:-1]) / spread if spread else 0.0
    memory = min(max(memory, 0.0), MOST_MEMORY)
    return (1 + memory) / (1 - memory)


def _candidates(series: NDArray[np.float64], offset: int, found: list[int]) -> None:
    """Collect the best split of the series, of its two sides, and so on, whether or not it is clear.

    A split may show only once another is made, so none is judged here.
    """
    if len(series) < 2 * SHORTEST:
        return
    place, _ = pettitt(series)
    place = min(max(place, SHORTEST), len(series) - SHORTEST)
    found.append(offset + place)
    _candidates(series[:place], offset, found)
    _candidates(series[place:], offset + place, found)


def _tested(series: NDArray[np.float64], begin: int, place: int, end: int) -> LevelBreak:
    """Judge a candidate on the months between its neighbours; too small a change has a p of one."""
    before, after = float(np.mean(series[begin:place])), float(np.mean(series[place:end]))
    if max(before, after) < LEAST_FACTOR * min(before, after) or before == after:
        return LevelBreak(place, before, after, 1.0)
    ranks = _ranks(series[begin:end])
    length, steps = end - begin, place - begin
    statistic = abs(2 * float(ranks[:steps].sum()) - steps * (length + 1))
    return LevelBreak(place, before, after, _p_value(statistic, ranks, steps))
