"""The bars of the tornado chart: what one step each way of an assumption does to a probability."""

from __future__ import annotations

from collections.abc import Sequence

from forecast.config import CalendarAct
from forecast.records.analysis import AssumptionEffect, ShiftEnd
from forecast.sensitivity.assumptions import assumed, assumed_chance
from forecast.sensitivity.calendar_effects import CalendarEffect
from forecast.sensitivity.shifts import PriorShifts

ONE_STEP = 1.0
"""Spreads of the prior by which it is moved: its median goes to its 16% and its 84% quantile."""


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
    slope, error = float(effect.slope[quantity]), float(effect.mcse[quantity])

    def end(happens: float) -> ShiftEnd:
        moved = happens - act.probability
        return ShiftEnd(
            assumed=assumed_chance(happens),
            probability=min(max(probability + moved * slope, 0.0), 1.0),
            change=moved * slope,
            mcse=abs(moved) * error,
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
