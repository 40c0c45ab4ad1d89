"""What ``forecast.json`` says of where the headline comes from, and of how such forecasts did."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from forecast.records.base import Probability, Record

Step = Literal["base_rate", "own_rates", "recent_acts", "tension", "drift", "other_pairs", "scheduled_events"]
"""A source of change between a base rate and the headline: see ``docs/report.md``."""


class WaterfallStep(Record):
    """The headline probability with the sources up to this one, and what this one adds."""

    step: Step
    probability: Probability
    change: float = Field(description="that minus the step before; 0 for the base rate")
    error: float = Field(ge=0.0, description="Monte Carlo standard error of the change")


class OwnRecord(Record):
    """How forecasts of the headline target did in the past, at a distance like that of the headline.

    All but ``never_tested`` is ``None`` where nothing of the kind was tested.
    """

    never_tested: bool = Field(description="no backtest of this target at such a distance")
    horizon_days: int | None = Field(default=None, description="the tested one that is nearest")
    windows: int | None = None
    held: int | None = Field(default=None, description="windows in which the target happened")
    mean_said: Probability | None = Field(default=None, description="mean of the forecasts")
    highest_said: Probability | None = None
    highest_came: bool | None = Field(default=None, description="whether the highest came true")
    skill_windows: float | None = Field(
        default=None, description="1 - Brier / Brier of the share of past windows"
    )
    skill_windows_se: float | None = None
    skill_constant_rate: float | None = Field(
        default=None, description="1 - Brier / Brier of the constant rate"
    )
    skill_constant_rate_se: float | None = None
