"""How far a call rests on assumptions: labels of all numbers, tornado chart, break-evens.

Everything is made from the draws of the run by reweighting, and from a few short simulations for the acts
ahead; nothing is fitted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forecast.config import CalendarAct
from forecast.records.analysis import (
    AssumptionEffect,
    BreakEven,
    CertainActs,
    NumberSensitivity,
    Robustness,
    ShiftEnd,
)
from forecast.runs.run import Run
from forecast.sensitivity.break_even import Question, calendar_break_even, prior_break_even, question_of
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
    ``sensitivities`` that are known already are kept.
    """
    if sensitivities is None:
        sensitivities = tuple(measure_sensitivities(base))
    return measure_shifts(base, options or RobustnessOptions(), sensitivities)


def measure_shifts(
    base: Run, options: RobustnessOptions, sensitivities: tuple[NumberSensitivity, ...]
) -> Robustness:
    """Tornado chart and break-evens, beside sensitivities that are known already."""
    config = base.inputs.config
    target = options.target or config.headline.target
    milestone = options.milestone or config.headline.milestone
    targets = tuple(config.targets) if options.all_targets else (target,)
    asked = [(name, one.name) for name in targets for one in config.milestones]
    shares = stacked_shares(base, asked)
    effects = calendar_effects(base, asked)
    questions = [question_of(base, name, one, options.threshold) for name, one in asked]
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
    left_out = [CertainActs(number=certain)] if certain else []
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
        found = shifts.at(steps)
        if not found.weights.trusted:
            return ShiftEnd(assumed=there, probability=None, change=None, mcse=None)
        probability = float(found.probability[quantity])
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


def _in_order(found: list[BreakEven], questions: Sequence[Question]) -> tuple[BreakEven, ...]:
    """By question; within it crossings first, the smallest change of a belief before larger ones."""
    place = {(one.target, one.milestone): index for index, one in enumerate(questions)}
    outcome = {"crosses": 0, "needs a refit": 1, "never": 2}

    def rank(one: BreakEven) -> tuple[int, int, float]:
        return place[one.target, one.milestone], outcome[one.outcome], abs(one.steps or 0.0)

    return tuple(sorted(found, key=rank))
