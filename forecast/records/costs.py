"""What acting and being surprised cost, by the costs that a config states."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from forecast.records.base import Interval, Probability, Record
from forecast.wording import interval_percent, percent


class DecisionValue(Record):
    """Mean expense a window of acting on the forecasts of a backtest, in the unit of the config's costs."""

    target: str
    horizon_days: int
    windows: int
    held: int = Field(description="windows in which the target happened")
    acted: int = Field(description="windows in which the forecast was at or above the threshold")
    forecast: float
    base_rate: float = Field(description="acting on the share of past windows known at the time")
    always: float
    never: float
    perfect: float = Field(description="acting where the target did happen, and nowhere else")
    value: float | None = Field(
        description="1: as good as knowing; 0: no better than the base rate; None where knowing saves nothing"
    )
    value_se: float | None


class Decision(Record):
    """Whether the headline probability is one to act on, given what acting and being surprised cost."""

    act: tuple[float, float] = Field(description="cost of acting, least and most")
    surprised: tuple[float, float] = Field(description="cost of being surprised, least and most")
    threshold: Probability = Field(description="acting pays from here on, at the middle of both ranges")
    threshold_range: Interval
    advice: Literal["act", "wait", "depends"] = Field(
        description="depends: the headline lies within the range of the threshold"
    )
    chance_above: Probability = Field(description="that the true probability is at or above the threshold")
    value: DecisionValue | None = Field(
        default=None, description="of the tested horizon nearest to the headline's; None where none is alike"
    )

    def sentence(self, probability: float) -> str:
        """Say whether a headline is a reason to act."""
        low, high = self.threshold_range
        span = percent(self.threshold)
        if low < high:
            span = f"{interval_percent((low, high))} (middle {span})"
        said = {
            "act": "is above it, so act",
            "wait": "is below it, so wait",
            "depends": "lies within it, so it depends on the costs",
        }[self.advice]
        return (
            f"By the costs stated, acting pays from {span}: {percent(probability)} {said}; the chance that "
            f"the true probability is that high is {percent(self.chance_above)}."
        )
