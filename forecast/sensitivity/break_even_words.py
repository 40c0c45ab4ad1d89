"""Break-evens as records in words: which word a smallest change leads to, and how that change is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forecast import wording
from forecast.config.schema import CalendarAct
from forecast.inference.importance import monte_carlo_error
from forecast.models.draws import Floats
from forecast.records.robustness import BreakEven
from forecast.runs.base_run import BaseRun
from forecast.sensitivity.assumptions import assumption_label, change_clause, plain_median, says_both
from forecast.sensitivity.break_even import FURTHEST, SCANNED, BreakEvenSearch, find_break_evens
from forecast.sensitivity.calendar_effects import CalendarEffect
from forecast.sensitivity.shifts import PriorShifts

_CLOSE_ERRORS = 2.0
"""Monte Carlo errors from a bound within which a probability may as well stand on its other side."""


@dataclass(frozen=True)
class Bound:
    """A probability that matters, and what is said when it is crossed."""

    kind: str
    probability: float
    becomes: str


@dataclass(frozen=True)
class Question:
    """One probability with the bounds around it.

    Parameters
    ----------
    target, milestone : str
    label : str
        Label of the milestone.
    probability, mcse : float
        Of the run.
    words : str
        ICD-203 word of the probability itself.
    bounds : tuple of Bound
        The nearest bounds of the words each way, and the threshold.
    notes : tuple of str
        What a reader must know, e.g. a probability that stands on a bound.
    """

    target: str
    milestone: str
    label: str
    probability: float
    mcse: float
    words: str
    bounds: tuple[Bound, ...]
    notes: tuple[str, ...]


def question_of(
    base: BaseRun, target: str, milestone: str, shares: Floats, threshold: float | None
) -> Question:
    """Read a probability and the bounds around it off the shares of the draws."""
    probability, error = float(shares.mean()), monte_carlo_error(shares, base.n_chains)
    label = base.inputs.config.milestone(milestone).title
    title = base.inputs.config.target_title(target)
    bounds, notes = [], []
    for near in wording.neighbouring_words(probability):
        one = near
        if abs(one.probability - probability) <= _CLOSE_ERRORS * error:
            notes.append(
                f"{title} before {label}: {100 * probability:.1f}% stands within its Monte Carlo error of "
                f"the bound between '{_word(probability)}' and '{one.words}'; either word may be said of it."
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
                f"{title} before {label}: {100 * probability:.1f}% stands within its Monte Carlo error of "
                f"the threshold of {100 * threshold:g}%."
            )
        else:
            side = "above" if threshold > probability else "below"
            bounds.append(Bound("threshold", threshold, f"{side} {100 * threshold:g}%"))
    return Question(
        target, milestone, label, probability, error, _word(probability), tuple(bounds), tuple(notes)
    )


def prior_break_even(shifts: PriorShifts, quantity: int, question: Question) -> Iterator[BreakEven]:
    """Yield the break-even of one prior, and that of the threshold where there is one."""
    prior = shifts.prior
    for kind in dict.fromkeys(bound.kind for bound in question.bounds):
        bounds = {bound.probability: bound for bound in question.bounds if bound.kind == kind}
        found = find_break_evens(shifts, quantity, tuple(bounds))
        common = {
            "target": question.target,
            "milestone": question.milestone,
            "name": shifts.name,
            "label": assumption_label(prior),
            "kind": kind,
            "reached": _reached(shifts, quantity, found),
        }
        if not found.crossings:
            yield BreakEven.model_validate(
                common
                | _nothing("never" if found.whole else "needs a refit")
                | {"text": _not_met(shifts, quantity, question, kind, found)}
            )
            continue
        crossing = found.crossings[0]
        bound = bounds[crossing.bound]
        moved = shifts.moved(crossing.steps)
        # An error as large as the prior is wide says no more than that it is larger than all asked.
        error = min(crossing.mcse, 2 * FURTHEST)
        either = tuple(plain_median(prior, shifts.moved(crossing.steps + side * error)) for side in (-1, 1))
        now, then = plain_median(prior, prior.distribution), plain_median(prior, moved)
        values = "" if says_both(prior) else f"prior centred on {then} instead of {now}; "
        detail = f"{values}{either[0]} to {either[1]} within one Monte Carlo error"
        yield BreakEven.model_validate(
            common
            | {
                "outcome": "crosses",
                "becomes": bound.becomes,
                "bound": bound.probability,
                "steps": crossing.steps,
                "mcse": crossing.mcse,
                "assumed": then,
                "assumed_mcse": either,
                "text": f"{_becomes(question, bound)} when {change_clause(prior, moved)} ({detail}).",
            }
        )


def calendar_break_even(
    act: CalendarAct, effect: CalendarEffect, quantity: int, question: Question
) -> Iterator[BreakEven]:
    """Yield the probability of an act ahead from which another word holds; the effect is linear in it."""
    slope, slope_error = float(effect.slope[quantity]), float(effect.mcse[quantity])
    low, high = sorted(
        min(max(question.probability + (assumed - act.probability) * slope, 0.0), 1.0)
        for assumed in (0.0, 1.0)
    )
    ends = (low, high)
    for kind in dict.fromkeys(bound.kind for bound in question.bounds):
        common = {
            "target": question.target,
            "milestone": question.milestone,
            "name": f"calendar.{effect.position}",
            "label": f"Ahead: {act.label}",
            "kind": kind,
            "reached": ends,
        }
        reached = [
            (needed, bound)
            for bound in question.bounds
            if bound.kind == kind and slope
            for needed in [act.probability + (bound.probability - question.probability) / slope]
            if 0.0 <= needed <= 1.0
        ]
        if not reached:
            yield BreakEven.model_validate(
                common
                | _nothing("never")
                | {
                    "text": f"Whether it happens or not, '{act.label}' changes {_what(question, kind)} "
                    f"nowhere ({_span(ends[0], ends[1])})."
                }
            )
            continue
        needed, bound = min(reached, key=lambda one: abs(one[0] - act.probability))
        moved = needed - act.probability
        error = ((question.mcse / slope) ** 2 + (moved * slope_error / slope) ** 2) ** 0.5
        either = tuple(wording.percent(min(max(needed + side * error, 0.0), 1.0)) for side in (-1, 1))
        yield BreakEven.model_validate(
            common
            | {
                "outcome": "crosses",
                "becomes": bound.becomes,
                "bound": bound.probability,
                "steps": moved,
                "mcse": error,
                "assumed": wording.percent(needed),
                "assumed_mcse": either,
                "text": f"{_becomes(question, bound)} when '{act.label}' has a chance of "
                f"{wording.percent(needed)} (between {either[0]} and {either[1]} within one Monte Carlo "
                f"error) in place of {wording.percent(act.probability)}.",
            }
        )


def _word(probability: float) -> str:
    return wording.words(probability, (probability, probability))


def _becomes(question: Question, bound: Bound) -> str:
    if bound.kind == "word":
        return f"'{question.words.capitalize()}' becomes '{bound.becomes}'"
    verb = "rises" if bound.probability > question.probability else "falls"
    return f"The chance of {wording.percent(question.probability)} {verb} {bound.becomes}"


def _what(question: Question, kind: str) -> str:
    return f"'{question.words}'" if kind == "word" else "the side of the threshold"


def _not_met(
    shifts: PriorShifts, quantity: int, question: Question, kind: str, found: BreakEvenSearch
) -> str:
    prior = shifts.prior
    ends = (found.told_from, found.told_to)
    reached = _reached(shifts, quantity, found)
    assumed = " to ".join(plain_median(prior, shifts.moved(steps)) for steps in ends)
    span = f"with the prior centred anywhere from {assumed} it is {_span(*reached)}"
    if found.whole:
        return f"No shift within reason changes {_what(question, kind)}: {span}."
    return f"Not within what the draws can tell: {span}. Further needs a refit."


def _reached(shifts: PriorShifts, quantity: int, found: BreakEvenSearch) -> tuple[float, float]:
    """Lowest and highest probability over the shifts that were scanned."""
    scanned = [
        float(shifts.at(side * steps).probability[quantity])
        for side, limit in ((-1.0, -found.told_from), (1.0, found.told_to))
        for steps in SCANNED
        if steps <= limit
    ]
    return max(min(scanned), 0.0), min(max(scanned), 1.0)


def _span(low: float, high: float) -> str:
    low, high = max(low, 0.0), min(high, 1.0)
    first, last = wording.percent(low), wording.percent(high)
    return first if first == last else f"{first} to {last}"


def _nothing(outcome: str) -> dict[str, object]:
    empty = dict.fromkeys(("becomes", "bound", "steps", "mcse", "assumed", "assumed_mcse"))
    return {"outcome": outcome, **empty}
