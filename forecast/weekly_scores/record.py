"""What a run from weekly scores writes beside ``forecast.json``: the content of ``scores.json``."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from forecast.record import Interval, Record


class WeekAhead(Record):
    """Quantiles of the score of a week to come, over posterior and futures."""

    week: date = Field(description="first day of the week")
    q05: float
    q25: float
    q50: float
    q75: float
    q95: float


class DirectionAhead(Record):
    """The weeks ahead of one direction, or of both together."""

    direction: Literal["a_to_b", "b_to_a", "both"]
    weeks: tuple[WeekAhead, ...]


class ScoreParameterSummary(Record):
    """Prior and posterior of one parameter (means and 90% intervals), in units of the typical score."""

    name: str
    meaning: str
    unit: str
    prior: str
    prior_origin: Literal["default", "config"]
    posterior_mean: float
    posterior_interval90: Interval
    mcse: float


class ScoreAnalysis(Record):
    """The content of ``scores.json``."""

    schema_: Literal[1] = Field(1, alias="schema")
    source: str
    source_sha256: str = Field(description="of the weeks used, as in scores.csv")
    first_week: date
    last_week: date
    weeks: int
    directions: tuple[str, ...]
    acts_known: bool
    unit: float = Field(description="typical size of a score; parameters are in this unit")
    ahead: tuple[DirectionAhead, ...]
    parameters: tuple[ScoreParameterSummary, ...]
    warnings: tuple[str, ...]
