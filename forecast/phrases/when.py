"""When a target may happen: whether any month stands out; and whether its chance is one to act on."""

from __future__ import annotations

from forecast.records.analysis import (
    MATERIAL,
    STANDARD_DAYS,
    MonthlyRisk,
    ScheduledEffect,
)
from forecast.records.forecast import Decision, least_change
from forecast.wording import interval_percent, long_day, month_span, percent, points


def monthly_risk_text(risk: MonthlyRisk) -> str:
    """State what scheduled events do to the month that they change most, or that all dates are alike."""
    return _date_matters(risk, risk.effect) if risk.effect else _dates_alike(risk)


def _date_matters(risk: MonthlyRisk, effect: ScheduledEffect) -> str:
    month = risk.month(effect.month)

    def moved(by: float, what: str) -> str:
        verb, link = ("add", "to") if by > 0 else ("take", "off")
        return f"they {verb} {points(by)} {link} {what}" if by else f"they leave {what} as it is"

    # As the steps from the base rate to the headline have it, which are differences of rounded figures.
    change = round(round(100 * effect.chance, 1) - round(100 * effect.without, 1), 1) / 100
    chance = f"the chance before {long_day(effect.before)}"
    if max(abs(change), abs(month.scheduled)) < least_change(effect.chance):
        return f"Scheduled events hardly change {chance}."
    sooner = "Part of that only brings the event forward: " if 0 < change < effect.added else ""
    in_all = sooner + moved(change, chance)
    of_month = moved(effect.added, f"its {STANDARD_DAYS}-day risk ({percent(month.in_30_days)})")
    when = month_span(month.first_day, month.last_day)
    return f"Scheduled events matter most in {when}: {of_month}. {in_all[0].upper()}{in_all[1:]}."


def _dates_alike(risk: MonthlyRisk) -> str:
    why = "no event is scheduled"
    if any(event.kind == "scheduled" for month in risk.months for event in month.dated):
        why = "scheduled events hardly change the risk of any month"
    alike = (
        f"The model treats all dates alike: {why}. It cannot tell whether such acts cluster around a "
        "milestone."
    )
    low, high = percent(risk.lowest_risk), percent(risk.highest_risk)
    if low == high:
        return alike
    span = f"If it has not happened by then, the 30-day risk is {low} to {high}"
    if not risk.months_differ:
        return f"{alike} {span}; months do not differ beyond chance."
    if risk.difference < MATERIAL * risk.month(risk.highest).in_30_days:
        return f"{alike} {span}."
    lowest, highest = (
        month_span(month.first_day, month.last_day) for month in map(risk.month, (risk.lowest, risk.highest))
    )
    months = f"{high} in {highest} and {low} in {lowest}"
    return f"{alike} If it has not happened by then, the 30-day risk is {months}."


def decision_text(decision: Decision, probability: float) -> str:
    """State whether a headline is a reason to act, by the costs stated."""
    low, high = decision.threshold_range
    span = percent(decision.threshold)
    if low < high:
        span = f"{interval_percent((low, high))} (middle {span})"
    advice = {
        "act": "is above it, so act",
        "wait": "is below it, so wait",
        "depends": "lies within it, so it depends on the costs",
    }[decision.advice]
    return (
        f"By the costs stated, acting pays from {span}: {percent(probability)} {advice}; the chance that "
        f"the true probability is that high is {percent(decision.chance_above)}."
    )
