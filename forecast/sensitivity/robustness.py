"""What would change the call: every assumption moved up and down, and how far it must go for another word.

Moved are priors, by weights of the draws, and the chances of scheduled acts. What the record says itself, how
often the acts came that it holds, is no assumption and is not moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from forecast import wording
from forecast.records.analysis import (
    Assumed,
    AssumptionEffect,
    BreakEven,
    NumberSensitivity,
    Robustness,
    ShiftEnd,
)
from forecast.records.notices import Notice, notice
from forecast.runs.inputs import Inputs
from forecast.runs.run import Run
from forecast.scenarios.answer import milestone_day
from forecast.sensitivity.acts_ahead import ActEffect, act_effects
from forecast.sensitivity.labels import measure_sensitivities
from forecast.sensitivity.shifts import (
    FURTHEST,
    PriorShifts,
    Questions,
    find_break_evens,
    key_assumptions,
    rests_on_record,
)

ONE_STEP = 1.0
"""Spreads of the prior by which a bar moves it: its median goes to its 16% and its 84% quantile."""
_CLOSE_ERRORS = 2.0
"""Monte Carlo errors from a bound within which a probability may as well stand on its other side."""

BoundKind = Literal["word", "threshold"]


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
    main, questions = asked.index((target, milestone)), Questions.of(base, asked)
    numbers = [_bounded_number(base, name, one, options.threshold) for name, one in asked]
    assumptions = {name: moved_assumptions(base.inputs, name) for name in targets}
    bars: list[AssumptionEffect] = []
    break_evens: list[BreakEven] = []
    for name in dict.fromkeys(name for names in assumptions.values() for name in names):
        shifts = PriorShifts(base, name, questions)
        for column, number in enumerate(numbers):
            if name in assumptions[number.target]:
                break_evens += _prior_break_evens(shifts, column, number)
        if name in assumptions[target]:
            bars.append(prior_bar(shifts, main))
    for position, effect in enumerate(act_effects(base, asked, base.inputs.calendar)):
        bars.append(_calendar_bar(position, effect, main))
        for column, number in enumerate(numbers):
            break_evens += _calendar_break_evens(position, effect, column, number)
    return Robustness(
        target=target,
        milestone=milestone,
        threshold=options.threshold,
        sensitivities=sensitivities,
        tornado=strongest_first(bars),
        break_evens=_in_order(break_evens, asked),
        notes=tuple(note for number in numbers for note in number.notes),
    )


def strongest_first(bars: Sequence[AssumptionEffect]) -> tuple[AssumptionEffect, ...]:
    """Order by the largest change either way; those that need a refit come last."""
    return tuple(
        sorted(bars, key=lambda bar: -max(abs(bar.lower.change or 0.0), abs(bar.upper.change or 0.0)))
    )


def _in_order(break_evens: list[BreakEven], asked: Sequence[tuple[str, str]]) -> tuple[BreakEven, ...]:
    """By question; within it crossings first, the smallest change of a belief before larger ones."""
    outcome = {"crosses": 0, "needs a refit": 1, "never": 2}

    def rank(one: BreakEven) -> tuple[int, int, float]:
        return asked.index((one.target, one.milestone)), outcome[one.outcome], abs(one.steps or 0.0)

    return tuple(sorted(break_evens, key=rank))


def moved_assumptions(inputs: Inputs, target: str) -> tuple[str, ...]:
    """Priors that a target may hang on, without the rates that the record tells."""
    return tuple(name for name in key_assumptions(inputs, target) if not rests_on_record(inputs, name))


def assumed_chance(probability: float) -> Assumed:
    """Probability of an act ahead as an assumption."""
    return Assumed(parameter=probability, value=probability, scale="probability")


class Bound(NamedTuple):
    """A probability that matters, and the word beyond it; ``None`` for a threshold, or where none is said."""

    kind: BoundKind
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

    def by_kind(self) -> Iterator[tuple[BoundKind, dict[float, Bound]]]:
        """Bounds of the words, then the threshold, each by its probability."""
        for kind in dict.fromkeys(bound.kind for bound in self.bounds):
            yield kind, {bound.probability: bound for bound in self.bounds if bound.kind == kind}

    def missed(self, kind: BoundKind, **known: object) -> BreakEven:
        """A break-even whose bound is not reached."""
        asked = {"target": self.target, "milestone": self.milestone, "probability": self.probability}
        return BreakEven.model_validate({"outcome": "never", **asked, "kind": kind, **known})


def _bounded_number(base: Run, target: str, milestone: str, threshold: float | None) -> BoundedNumber:
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


def _prior_break_evens(shifts: PriorShifts, question: int, number: BoundedNumber) -> Iterator[BreakEven]:
    """Yield the break-even of one prior, and that of the threshold where there is one."""
    for kind, bounds in number.by_kind():
        search = find_break_evens(shifts, question, tuple(bounds))
        missed = number.missed(
            kind,
            name=shifts.name,
            outcome="never" if search.whole else "needs a refit",
            now=shifts.assumed(0.0),
            reached=search.reached,
        )
        if not search.crossings:
            yield missed
            continue
        steps, mcse, at = search.crossings[0]
        # An error as large as the prior is wide says no more than that it is larger than all asked.
        error = min(mcse, 2 * FURTHEST)
        there, low, high = (shifts.assumed(steps + side * error) for side in (0, -1, 1))
        yield _crossed(missed, bounds[at], steps, mcse, there, (low, high))


def _calendar_break_evens(
    position: int, effect: ActEffect, question: int, number: BoundedNumber
) -> Iterator[BreakEven]:
    """Yield the probability of an act ahead from which another word holds."""
    act, slope = effect.act, effect.slope(question)
    low, high = sorted(effect.at(happens, question) for happens in (0.0, 1.0))
    for kind, bounds in number.by_kind():
        missed = number.missed(
            kind,
            name=f"calendar.{position}",
            act=act.label,
            now=assumed_chance(act.probability),
            reached=(low, high),
        )
        crossings = [
            (needed, bound)
            for bound in bounds.values()
            if slope and 0.0 <= (needed := effect.crossing(question, bound.probability)) <= 1.0
        ]
        if not crossings:
            yield missed
            continue
        needed, bound = min(crossings, key=lambda crossing: abs(crossing[0] - act.probability))
        moved = needed - act.probability
        error = ((number.mcse / slope) ** 2 + (moved * float(effect.mcse[question]) / slope) ** 2) ** 0.5
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


def prior_bar(shifts: PriorShifts, question: int) -> AssumptionEffect:
    """Bar of one prior for the question in one column of the shares."""
    base = float(shifts.at(0.0).probability[question])

    def end(steps: float) -> ShiftEnd:
        there, chances = shifts.assumed(steps), shifts.at(steps)
        if not chances.weights.trusted:
            return ShiftEnd(assumed=there, probability=None, change=None, mcse=None)
        probability = float(chances.probability[question])
        error = shifts.change_error_at(steps, question)
        return ShiftEnd(assumed=there, probability=probability, change=probability - base, mcse=error)

    return AssumptionEffect(
        name=shifts.name,
        told=shifts.told,
        now=shifts.assumed(0.0),
        lower=end(-ONE_STEP),
        upper=end(ONE_STEP),
    )


def _calendar_bar(position: int, effect: ActEffect, question: int) -> AssumptionEffect:
    """Bar of an act ahead: it surely does not happen, and it surely does."""
    act = effect.act

    def end(happens: float) -> ShiftEnd:
        there, moved = effect.at(happens, question), happens - act.probability
        error = abs(moved) * float(effect.mcse[question])
        change = moved * effect.slope(question)
        return ShiftEnd(assumed=assumed_chance(happens), probability=there, change=change, mcse=error)

    return AssumptionEffect(
        name=f"calendar.{position}",
        act=act.label,
        now=assumed_chance(act.probability),
        lower=end(0.0),
        upper=end(1.0),
    )
