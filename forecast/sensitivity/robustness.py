"""How far a call rests on assumptions: labels of all numbers, tornado chart, break-evens.

A break-even is the smallest change of an assumption that takes a probability to another word, or across a
threshold. Shifts of a prior are scanned outwards on both sides by reweighting, and the first crossing is
found by bisection. Where the draws can no longer stand for the shifted posterior (Pareto k, effective
draws) the scan ends, and the answer is that they cannot tell: a refit would have to. Of an act ahead the
forecast is known at every probability. Nothing is fitted again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from forecast import wording
from forecast.config import CalendarAct
from forecast.records.analysis import (
    Assumed,
    AssumptionEffect,
    BreakEven,
    NumberSensitivity,
    Robustness,
    ShiftEnd,
)
from forecast.records.notices import Notice, notice
from forecast.runs.run import Run
from forecast.scenarios.evaluate import milestone_day
from forecast.sensitivity.labels import measure_sensitivities
from forecast.sensitivity.shifts import (
    CalendarEffect,
    PriorShifts,
    assumed,
    assumed_chance,
    calendar_effects,
    key_assumptions,
    stacked_shares,
)

FURTHEST = 2.0
"""Steps of a prior's own spread beyond which a shift is no longer the same belief."""
SCANNED = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, FURTHEST)
_TOLERANCE = 1e-3
_SLOPE_STEP = 0.05
_CLOSE_ERRORS = 2.0
"""Monte Carlo errors from a bound within which a probability may as well stand on its other side."""


class Crossing(NamedTuple):
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
                crossing = _bisect(shifts, quantity, bound, side * inner, side * outer)
                if bound not in nearest or abs(crossing) < abs(nearest[bound]):
                    nearest[bound] = crossing
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
class BoundedNumber:
    """One probability of the run, the nearest bounds of the words each way, and the threshold."""

    target: str
    milestone: str
    probability: float
    mcse: float
    bounds: tuple[Bound, ...]
    notes: tuple[Notice, ...]


def bounded_number(base: Run, target: str, milestone: str, threshold: float | None) -> BoundedNumber:
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
    notes: list[Notice] = []
    asked: dict[str, Any] = {
        "target": target,
        "label": base.forecast.target(target).label,
        "milestone": milestone,
        "before": next(one.title for one in base.inputs.config.milestones if one.name == milestone),
        "probability": probability,
    }
    for near in wording.neighbouring_words(probability):
        bound: wording.WordBound | None = near
        if abs(near.probability - probability) <= _CLOSE_ERRORS * error and worded(near):
            notes.append(notice("on_word_bound", **asked, words=(here, near.words)))
            further = wording.neighbouring_words(near.probability + (1e-6 if near.above else -1e-6))
            bound = next((one for one in further if one.above == near.above), None)
        if bound is not None:
            bounds.append(Bound("word", bound.probability, bound.words if worded(bound) else None))
    if threshold is not None:
        if abs(threshold - probability) <= _CLOSE_ERRORS * error:
            notes.append(notice("on_threshold", **asked, threshold=threshold))
        else:
            bounds.append(Bound("threshold", threshold, None))
    return BoundedNumber(target, milestone, probability, error, tuple(bounds), tuple(notes))


def prior_break_even(shifts: PriorShifts, quantity: int, question: BoundedNumber) -> Iterator[BreakEven]:
    """Yield the break-even of one prior, and that of the threshold where there is one."""
    prior = shifts.prior
    for kind in dict.fromkeys(bound.kind for bound in question.bounds):
        bounds = {bound.probability: bound for bound in question.bounds if bound.kind == kind}
        search = find_break_evens(shifts, quantity, tuple(bounds))
        missed = BreakEven(
            target=question.target,
            milestone=question.milestone,
            name=shifts.name,
            kind=kind,
            outcome="never" if search.whole else "needs a refit",
            probability=question.probability,
            now=assumed(prior, prior.distribution),
            reached=_reached(shifts, quantity, search),
        )
        if not search.crossings:
            yield missed
            continue
        steps, mcse, at = search.crossings[0]
        # An error as large as the prior is wide says no more than that it is larger than all asked.
        error = min(mcse, 2 * FURTHEST)
        there, low, high = (assumed(prior, shifts.moved(steps + side * error)) for side in (0, -1, 1))
        yield _crossed(missed, bounds[at], steps, mcse, there, (low, high))


def calendar_break_even(
    act: CalendarAct, effect: CalendarEffect, quantity: int, question: BoundedNumber
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
        needed, bound = min(reached, key=lambda crossing: abs(crossing[0] - act.probability))
        moved = needed - act.probability
        error = ((question.mcse / slope) ** 2 + (moved * slope_error / slope) ** 2) ** 0.5
        least, most = (assumed_chance(min(max(needed + side * error, 0.0), 1.0)) for side in (-1, 1))
        yield _crossed(missed, bound, moved, error, assumed_chance(needed), (least, most))


def _crossed(
    missed: BreakEven, bound: Bound, steps: float, mcse: float, there: Assumed, ends: tuple[Assumed, Assumed]
) -> BreakEven:
    """Return a break-even that is reached: the assumption there, and one Monte Carlo error to each side."""
    crossing = {"becomes": bound.becomes, "bound": bound.probability, "steps": steps, "mcse": mcse}
    return missed.model_copy(
        update={"outcome": "crosses", **crossing, "assumed": there, "assumed_mcse": ends}
    )


def _reached(shifts: PriorShifts, quantity: int, search: BreakEvenSearch) -> tuple[float, float]:
    """Lowest and highest probability over the shifts that were scanned."""
    scanned = [
        float(shifts.at(side * steps).probability[quantity])
        for side, limit in ((-1.0, -search.told_from), (1.0, search.told_to))
        for steps in SCANNED
        if steps <= limit
    ]
    return max(min(scanned), 0.0), min(max(scanned), 1.0)


ONE_STEP = 1.0
"""Spreads of the prior by which it is moved: its median goes to its 16% and its 84% quantile."""


@dataclass(frozen=True, kw_only=True)
class RobustnessOptions:
    """What to measure.

    The tornado chart is of one question, the headline's when absent; break-evens are of its target or of all.
    ``threshold`` is a probability whose crossing matters to the user, beside the bounds of the words.
    """

    target: str | None = None
    milestone: str | None = None
    threshold: float | None = None
    all_targets: bool = False


def measure_robustness(
    base: Run,
    options: RobustnessOptions | None = None,
    sensitivities: tuple[NumberSensitivity, ...] | None = None,
) -> Robustness:
    """Measure what every probability rests on, and what would change the call.

    Labels are of every target × milestone, the tornado chart of one question, the break-evens of its target
    (or of all) at every milestone; of the headline without a threshold when no options are given.
    ``sensitivities`` that are known already are taken over.
    """
    options, config = options or RobustnessOptions(), base.inputs.config
    if sensitivities is None:
        sensitivities = measure_sensitivities(base)
    target = options.target or config.headline.target
    milestone = options.milestone or config.headline.milestone
    targets = tuple(config.targets) if options.all_targets else (target,)
    asked = [(name, one.name) for name in targets for one in config.milestones]
    shares = stacked_shares(base, asked)
    effects = calendar_effects(base, asked)
    questions = [bounded_number(base, name, one, options.threshold) for name, one in asked]
    main = asked.index((target, milestone))
    bars: list[AssumptionEffect] = []
    break_evens: list[BreakEven] = []
    assumptions = {one: key_assumptions(base.inputs, one) for one in targets}
    for name in dict.fromkeys(name for names in assumptions.values() for name in names):
        shifts = PriorShifts(base, name, shares)
        for column, question in enumerate(questions):
            if name in assumptions[question.target]:
                break_evens += prior_break_even(shifts, column, question)
        if name in assumptions[target]:
            bars.append(prior_bar(shifts, main))
    for effect in effects:
        act = base.inputs.config.calendar[effect.position]
        bars.append(calendar_bar(act, effect, main, questions[main].probability))
        for column, question in enumerate(questions):
            break_evens += calendar_break_even(act, effect, column, question)
    certain = len(base.inputs.calendar) - len(effects)
    left_out = [notice("certain_acts", number=certain)] if certain else []
    return Robustness(
        target=target,
        milestone=milestone,
        threshold=options.threshold,
        sensitivities=sensitivities,
        tornado=strongest_first(bars),
        break_evens=_in_order(break_evens, questions),
        notes=(*(note for question in questions for note in question.notes), *left_out),
    )


def prior_bar(shifts: PriorShifts, quantity: int) -> AssumptionEffect:
    """Bar of one prior for the question in one column of the shares."""
    prior = shifts.prior
    base = float(shifts.at(0.0).probability[quantity])

    def end(steps: float) -> ShiftEnd:
        there = assumed(prior, shifts.moved(steps))
        chances = shifts.at(steps)
        if not chances.weights.trusted:
            return ShiftEnd(assumed=there, probability=None, change=None, mcse=None)
        probability = float(chances.probability[quantity])
        return ShiftEnd(
            assumed=there,
            probability=probability,
            change=probability - base,
            mcse=shifts.change_error_at(steps, quantity),
        )

    return AssumptionEffect(
        name=shifts.name,
        now=assumed(prior, prior.distribution),
        lower=end(-ONE_STEP),
        upper=end(ONE_STEP),
    )


def calendar_bar(
    act: CalendarAct, effect: CalendarEffect, quantity: int, probability: float
) -> AssumptionEffect:
    """Bar of an act ahead: it surely does not happen, and it surely does."""

    def end(happens: float) -> ShiftEnd:
        there = effect.at(happens, quantity)
        return ShiftEnd(
            assumed=assumed_chance(happens),
            probability=there,
            change=there - probability,
            mcse=abs(happens - act.probability) * float(effect.mcse[quantity]),
        )

    return AssumptionEffect(
        name=f"calendar.{effect.position}",
        act=act.label,
        now=assumed_chance(act.probability),
        lower=end(0.0),
        upper=end(1.0),
    )


def strongest_first(bars: Sequence[AssumptionEffect]) -> tuple[AssumptionEffect, ...]:
    """Order by the largest change either way; those that need a refit come last."""
    return tuple(
        sorted(bars, key=lambda bar: -max(abs(bar.lower.change or 0.0), abs(bar.upper.change or 0.0)))
    )


def _in_order(break_evens: list[BreakEven], questions: Sequence[BoundedNumber]) -> tuple[BreakEven, ...]:
    """By question; within it crossings first, the smallest change of a belief before larger ones."""
    place = {(one.target, one.milestone): index for index, one in enumerate(questions)}
    outcome = {"crosses": 0, "needs a refit": 1, "never": 2}

    def rank(one: BreakEven) -> tuple[int, int, float]:
        return place[one.target, one.milestone], outcome[one.outcome], abs(one.steps or 0.0)

    return tuple(sorted(break_evens, key=rank))
