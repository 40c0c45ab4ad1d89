"""Break-evens as records: which word a smallest change of a prior, or of an act ahead, leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from forecast import wording
from forecast.config import CalendarAct
from forecast.inference.importance import monte_carlo_error
from forecast.models.draws import Floats
from forecast.records.analysis import BreakEven, OnThreshold, OnWordBound, RobustnessNote
from forecast.runs.run import Run
from forecast.sensitivity.assumptions import assumed, assumed_chance
from forecast.sensitivity.break_even import FURTHEST, SCANNED, BreakEvenSearch, find_break_evens
from forecast.sensitivity.calendar_effects import CalendarEffect
from forecast.sensitivity.shifts import PriorShifts

_CLOSE_ERRORS = 2.0
"""Monte Carlo errors from a bound within which a probability may as well stand on its other side."""


@dataclass(frozen=True)
class Bound:
    """A probability that matters, and the word beyond it; ``None`` for a threshold."""

    kind: Literal["word", "threshold"]
    probability: float
    becomes: str | None


@dataclass(frozen=True)
class Question:
    """One probability with the bounds around it.

    Parameters
    ----------
    target, milestone : str
    probability, mcse : float
        Of the run.
    bounds : tuple of Bound
        The nearest bounds of the words each way, and the threshold.
    notes : tuple of RobustnessNote
        What a reader must know, e.g. a probability that stands on a bound.
    """

    target: str
    milestone: str
    probability: float
    mcse: float
    bounds: tuple[Bound, ...]
    notes: tuple[RobustnessNote, ...]


def question_of(base: Run, target: str, milestone: str, shares: Floats, threshold: float | None) -> Question:
    """Read a probability and the bounds around it off the shares of the draws."""
    probability, error = float(shares.mean()), monte_carlo_error(shares, base.n_chains)
    here = wording.words(probability, (probability, probability))
    bounds: list[Bound] = []
    notes: list[RobustnessNote] = []
    for near in wording.neighbouring_words(probability):
        one = near
        if abs(one.probability - probability) <= _CLOSE_ERRORS * error:
            notes.append(
                OnWordBound(
                    target=target, milestone=milestone, probability=probability, words=(here, one.words)
                )
            )
            beyond = 1e-6 if one.above else -1e-6
            further = [
                bound
                for bound in wording.neighbouring_words(one.probability + beyond)
                if bound.above == one.above
            ]
            if not further:
                continue
            one = further[0]
        bounds.append(Bound("word", one.probability, one.words))
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
    """Yield the probability of an act ahead from which another word holds; the effect is linear in it."""
    slope, slope_error = float(effect.slope[quantity]), float(effect.mcse[quantity])
    low, high = sorted(
        min(max(question.probability + (happens - act.probability) * slope, 0.0), 1.0)
        for happens in (0.0, 1.0)
    )
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
            for needed in [act.probability + (bound.probability - question.probability) / slope]
            if 0.0 <= needed <= 1.0
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
