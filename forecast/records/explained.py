"""What explains the headline: its sources, past and coming events, and how such forecasts did."""

from __future__ import annotations

from datetime import date
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


class Driver(Record):
    """One past event and what leaving it out does to the headline probability.

    ``change`` = probability with the event minus probability without it (positive: it raised the risk).
    """

    event_id: str
    date: date
    category: str
    severity: int
    summary: str
    source: str
    change: float
    mcse: float


class Indicator(Record):
    """Something that can be seen before a day, and the headline probability once it is.

    ``quiet``: the headline target has not happened before ``by``; ``other_target``: ``target`` has happened
    before ``by`` and the headline target has not; both are read off the run's own paths. ``act``: one more
    act of ``category`` and ``severity`` happens before ``by``, put into the futures as a scenario puts it.
    """

    code: Literal["quiet", "other_target", "act"]
    by: date
    milestone: str | None = Field(description="the milestone on that day, if it is one")
    target: str | None = Field(default=None, description="of other_target")
    category: str | None = Field(default=None, description="of act")
    severity: int | None = Field(default=None, description="of act")
    probability: Probability
    change: float = Field(description="that minus the headline probability")
    mcse: float = Field(ge=0.0, description="Monte Carlo standard error of the change")
