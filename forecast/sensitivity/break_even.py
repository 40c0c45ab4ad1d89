"""The smallest change of an assumption that takes a probability to another word, or across a threshold.

Shifts of a prior are scanned outwards on both sides by reweighting, and the first crossing is found by
bisection. Where the draws can no longer stand for the shifted posterior (Pareto k, effective draws) the scan
ends, and the answer is that they cannot tell: a refit would have to. Of an act ahead the forecast is known at
every probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from forecast import wording
from forecast.config import CalendarAct
from forecast.records.analysis import BreakEven, OnThreshold, OnWordBound, RobustnessNote
from forecast.runs.run import Run
from forecast.scenarios.evaluate import milestone_day
from forecast.sensitivity.shifts import CalendarEffect, PriorShifts, assumed, assumed_chance

FURTHEST = 2.0
"""Steps of a prior's own spread beyond which a shift is no longer the same belief."""
SCANNED = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, FURTHEST)
_TOLERANCE = 1e-3
_SLOPE_STEP = 0.05
_CLOSE_ERRORS = 2.0
"""Monte Carlo errors from a bound within which a probability may as well stand on its other side."""


@dataclass(frozen=True)
class Crossing:
    """Where a probability meets a bound: the shift in steps of the prior's spread, and its error."""

    steps: float
    mcse: float
    bound: float


@dataclass(frozen=True)
class BreakEvenSearch:
    """The nearest crossing of each bound that is met, nearest first.

    The draws can tell between the shifts ``told_from`` and ``told_to``; ``FURTHEST`` on a side that was
    scanned whole.
    """

    crossings: tuple[Crossing, ...]
    told_from: float
    told_to: float

    @property
    def whole(self) -> bool:
        """Whether the draws could tell of every shift that was to be scanned."""
        return (self.told_from, self.told_to) == (-FURTHEST, FURTHEST)


def find_break_evens(shifts: PriorShifts, quantity: int, bounds: Sequence[float]) -> BreakEvenSearch:
    """Search the nearest shift that takes the probability in one column to each bound (none its own)."""
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


@dataclass(frozen=True)
class Bound:
    """A probability that matters, and the word beyond it; ``None`` for a threshold, or where none is said."""

    kind: Literal["word", "threshold"]
    probability: float
    becomes: str | None


@dataclass(frozen=True)
class Question:
    """One probability of the run, the nearest bounds of the words each way, and the threshold."""

    target: str
    milestone: str
    probability: float
    mcse: float
    bounds: tuple[Bound, ...]
    notes: tuple[RobustnessNote, ...]


def question_of(base: Run, target: str, milestone: str, threshold: float | None) -> Question:
    """Read a probability of the forecast and the bounds around it."""
    day = milestone_day(base, milestone)
    probability = base.mixture.probability(target, day)
    error = base.mixture.error(target, day, base.n_chains)
    here = wording.words(probability)
    grave = base.forecast.target(target).grave

    def worded(near: wording.WordBound) -> bool:
        """Whether both sides of a bound have words: small chances of a grave event have none."""
        return not grave or near.probability > wording.LEAST_WORDED

    bounds: list[Bound] = []
    notes: list[RobustnessNote] = []
    for near in wording.neighbouring_words(probability):
        one = near
        if abs(one.probability - probability) <= _CLOSE_ERRORS * error and worded(one):
            notes.append(
                OnWordBound(
                    target=target, milestone=milestone, probability=probability, words=(here, one.words)
                )
            )
            beyond = 1e-6 if one.above else -1e-6
            further = wording.neighbouring_words(one.probability + beyond)
            same_way = [bound for bound in further if bound.above == one.above]
            if not same_way:
                continue
            one = same_way[0]
        bounds.append(Bound("word", one.probability, one.words if worded(one) else None))
    if threshold is not None:
        if abs(threshold - probability) <= _CLOSE_ERRORS * error:
            notes.append(
                OnThreshold(target=target, milestone=milestone, probability=probability, threshold=threshold)
            )
        else:
            bounds.append(Bound("threshold", threshold, None))
    return Question(target, milestone, probability, error, tuple(bounds), tuple(notes))


def prior_break_even(shifts: PriorShifts, quantity: int, question: Question) -> Iterator[BreakEven]:
    """Yield the break-even of one prior, and that of the threshold where there is one."""
    prior = shifts.prior
    for kind in dict.fromkeys(bound.kind for bound in question.bounds):
        bounds = {bound.probability: bound for bound in question.bounds if bound.kind == kind}
        found = find_break_evens(shifts, quantity, tuple(bounds))
        missed = BreakEven(
            target=question.target,
            milestone=question.milestone,
            name=shifts.name,
            kind=kind,
            outcome="never" if found.whole else "needs a refit",
            probability=question.probability,
            now=assumed(prior, prior.distribution),
            reached=_reached(shifts, quantity, found),
        )
        if not found.crossings:
            yield missed
            continue
        crossing = found.crossings[0]
        bound = bounds[crossing.bound]
        # An error as large as the prior is wide says no more than that it is larger than all asked.
        error = min(crossing.mcse, 2 * FURTHEST)
        low, high = (assumed(prior, shifts.moved(crossing.steps + side * error)) for side in (-1, 1))
        yield missed.model_copy(
            update={
                "outcome": "crosses",
                "becomes": bound.becomes,
                "bound": bound.probability,
                "steps": crossing.steps,
                "mcse": crossing.mcse,
                "assumed": assumed(prior, shifts.moved(crossing.steps)),
                "assumed_mcse": (low, high),
            }
        )


def calendar_break_even(
    act: CalendarAct, effect: CalendarEffect, quantity: int, question: Question
) -> Iterator[BreakEven]:
    """Yield the probability of an act ahead from which another word holds."""
    slope, slope_error = float(effect.slope[quantity]), float(effect.mcse[quantity])
    low, high = sorted(effect.at(happens, quantity) for happens in (0.0, 1.0))
    for kind in dict.fromkeys(bound.kind for bound in question.bounds):
        missed = BreakEven(
            target=question.target,
            milestone=question.milestone,
            name=f"calendar.{effect.position}",
            act=act.label,
            kind=kind,
            outcome="never",
            probability=question.probability,
            now=assumed_chance(act.probability),
            reached=(low, high),
        )
        reached = [
            (needed, bound)
            for bound in question.bounds
            if bound.kind == kind and slope
            for needed in effect.crossings(quantity, bound.probability).tolist()
        ]
        if not reached:
            yield missed
            continue
        needed, bound = min(reached, key=lambda one: abs(one[0] - act.probability))
        moved = needed - act.probability
        error = ((question.mcse / slope) ** 2 + (moved * slope_error / slope) ** 2) ** 0.5
        least, most = (assumed_chance(min(max(needed + side * error, 0.0), 1.0)) for side in (-1, 1))
        yield missed.model_copy(
            update={
                "outcome": "crosses",
                "becomes": bound.becomes,
                "bound": bound.probability,
                "steps": moved,
                "mcse": error,
                "assumed": assumed_chance(needed),
                "assumed_mcse": (least, most),
            }
        )


def _reached(shifts: PriorShifts, quantity: int, found: BreakEvenSearch) -> tuple[float, float]:
    """Lowest and highest probability over the shifts that were scanned."""
    scanned = [
        float(shifts.at(side * steps).probability[quantity])
        for side, limit in ((-1.0, -found.told_from), (1.0, found.told_to))
        for steps in SCANNED
        if steps <= limit
    ]
    return max(min(scanned), 0.0), min(max(scanned), 1.0)
