"""What each assumption does to the call: every one moved up and down, and what the numbers rest on.

Moved are priors, by weights of the draws, and the chances of scheduled acts.
"""

from __future__ import annotations

from collections.abc import Sequence

from forecast.records.analysis import Assumed, AssumptionEffect, NumberSensitivity, Robustness, ShiftEnd
from forecast.runs.run import Run
from forecast.scenarios.answer import is_told
from forecast.sensitivity.labels import measure_sensitivities
from forecast.sensitivity.shifts import ActEffect, PriorShifts, Questions, act_effects, key_assumptions

ONE_STEP = 1.0
"""Spreads of the prior by which a bar moves it: its median goes to its 16% and its 84% quantile."""


def measure_robustness(
    base: Run,
    sensitivities: tuple[NumberSensitivity, ...] | None = None,
    *,
    target: str | None = None,
    milestone: str | None = None,
) -> Robustness:
    """Measure what every probability rests on, and what each assumption does to one.

    Labels are of every target × milestone; ``sensitivities`` that are known already are taken over. The
    tornado chart is of one question, the headline's when absent.
    """
    headline = base.inputs.config.headline
    target, milestone = target or headline.target, milestone or headline.milestone
    if sensitivities is None:
        sensitivities = measure_sensitivities(base)
    asked = [(target, milestone)]
    questions = Questions.of(base, asked)
    bars = [prior_bar(PriorShifts(base, name, questions), 0) for name in key_assumptions(base.inputs, target)]
    effects = act_effects(base, asked, base.inputs.calendar)
    bars += [_calendar_bar(position, effect, 0) for position, effect in enumerate(effects)]
    return Robustness(
        target=target, milestone=milestone, sensitivities=sensitivities, tornado=strongest_first(bars)
    )


def strongest_first(bars: Sequence[AssumptionEffect]) -> tuple[AssumptionEffect, ...]:
    """Order by the largest change either way; those that need a refit come last."""
    return tuple(
        sorted(bars, key=lambda bar: -max(abs(bar.lower.change or 0.0), abs(bar.upper.change or 0.0)))
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
        told=is_told(shifts.base, shifts.name),
        now=shifts.assumed(0.0),
        lower=end(-ONE_STEP),
        upper=end(ONE_STEP),
    )


def _calendar_bar(position: int, effect: ActEffect, question: int) -> AssumptionEffect:
    """Bar of an act ahead: it surely does not happen, and it surely does."""
    act = effect.act

    def assumed(chance: float) -> Assumed:
        return Assumed(parameter=chance, value=chance, scale="probability")

    def end(happens: float) -> ShiftEnd:
        there, moved = effect.at(happens, question), happens - act.probability
        error = abs(moved) * float(effect.mcse[question])
        change = moved * effect.slope(question)
        return ShiftEnd(assumed=assumed(happens), probability=there, change=change, mcse=error)

    return AssumptionEffect(
        name=f"calendar.{position}",
        act=act.label,
        now=assumed(act.probability),
        lower=end(0.0),
        upper=end(1.0),
    )
