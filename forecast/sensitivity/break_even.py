"""The smallest shift of a prior that takes a probability across a bound, with its Monte Carlo error.

Shifts are scanned outwards on both sides by reweighting, and the first crossing is found by bisection. Where
the draws can no longer stand for the shifted posterior (Pareto k, effective draws) the scan ends, and the
answer is that they cannot tell: a refit would have to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from forecast.sensitivity.shifts import PriorShifts

FURTHEST = 2.0
"""Steps of a prior's own spread beyond which a shift is no longer the same belief."""
SCANNED = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, FURTHEST)
_TOLERANCE = 1e-3
_SLOPE_STEP = 0.05


@dataclass(frozen=True)
class Crossing:
    """Where a probability meets a bound.

    Parameters
    ----------
    steps, mcse : float
        Shift in steps of the prior's spread, and the Monte Carlo error of it.
    bound : float
        The probability that is met.
    """

    steps: float
    mcse: float
    bound: float


@dataclass(frozen=True)
class BreakEvenSearch:
    """Result of a search.

    Parameters
    ----------
    crossings : tuple of Crossing
        The nearest one of each bound that is met, nearest first.
    told_from, told_to : float
        The shifts between which the draws can tell; ``FURTHEST`` on a side that was scanned whole.
    """

    crossings: tuple[Crossing, ...]
    told_from: float
    told_to: float

    @property
    def whole(self) -> bool:
        """Whether the draws could tell of every shift that was to be scanned."""
        return (self.told_from, self.told_to) == (-FURTHEST, FURTHEST)


def find_break_evens(shifts: PriorShifts, quantity: int, bounds: Sequence[float]) -> BreakEvenSearch:
    """Search the nearest shift that takes one probability to each bound.

    Parameters
    ----------
    shifts : PriorShifts
        Of the prior that is moved.
    quantity : int
        Column of its shares.
    bounds : sequence of float
        Probabilities, none of them that of the run.
    """
    nearest: dict[float, float] = {}
    reach = {}
    for side in (-1.0, 1.0):
        reach[side] = 0.0
        for inner, outer in pairwise(SCANNED):
            if not shifts.at(side * outer).weights.trusted:
                break
            reach[side] = outer
            low = float(shifts.at(side * inner).probability[quantity])
            high = float(shifts.at(side * outer).probability[quantity])
            for bound in bounds:
                if (low < bound) == (high < bound) or abs(nearest.get(bound, outer)) < inner:
                    continue
                found = _bisect(shifts, quantity, bound, side * inner, side * outer)
                if bound not in nearest or abs(found) < abs(nearest[bound]):
                    nearest[bound] = found
    crossings = sorted(
        (Crossing(steps, _error(shifts, quantity, steps), bound) for bound, steps in nearest.items()),
        key=lambda crossing: abs(crossing.steps),
    )
    return BreakEvenSearch(tuple(crossings), -reach[-1.0], reach[1.0])


def _bisect(shifts: PriorShifts, quantity: int, bound: float, inner: float, outer: float) -> float:
    starts_below = bool(shifts.at(inner).probability[quantity] < bound)
    while abs(outer - inner) > _TOLERANCE:
        middle = 0.5 * (inner + outer)
        if bool(shifts.at(middle).probability[quantity] < bound) == starts_below:
            inner = middle
        else:
            outer = middle
    return 0.5 * (inner + outer)


def _error(shifts: PriorShifts, quantity: int, steps: float) -> float:
    """Error of the probability at the crossing, over the slope there."""
    ahead, behind = (shifts.at(steps + side * _SLOPE_STEP).probability[quantity] for side in (1.0, -1.0))
    slope = abs(float(ahead - behind)) / (2 * _SLOPE_STEP)
    return shifts.error_at(steps, quantity) / slope if slope > 0 else float("inf")
