"""When a target may happen, and whether its chance is one to act on."""

from __future__ import annotations

from forecast.records.forecast import Decision
from forecast.wording import interval_percent, percent

DATES_ALIKE = (
    "Milestones are dates. The model treats all days alike, but for scheduled events and for days that a "
    "reaction names; it cannot tell whether such acts cluster around a milestone."
)


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
