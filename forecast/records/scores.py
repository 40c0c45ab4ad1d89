"""How forecasts of the past did, as types: part of ``track_record.json`` and ``ledger_record.json``."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from forecast.records.base import Interval, Probability, Record


class ErrorBound(Record):
    """A value with its block-bootstrap error; ``None`` where the error is not defined."""

    value: float
    se: float | None
    interval90: Interval | None


class BaselineScores(Record):
    """Mean scores of a simple forecast over the same windows as the model's."""

    name: str
    brier: float
    log: float = Field(description="in nats")


class TrackRow(Record):
    """How a model did on one target and horizon, beside every baseline.

    ``skill`` is 1 − Brier / Brier of climatology; ``gap`` the mean Brier score minus that of the best
    baseline (above 0: the baseline was more accurate).
    """

    target: str
    horizon_days: int
    n: int = Field(description="windows")
    n_hits: int = Field(description="windows in which the target happened")
    base_rate: Probability
    brier: ErrorBound
    log: ErrorBound
    baselines: tuple[BaselineScores, ...] = Field(min_length=1)
    gap: ErrorBound
    skill: ErrorBound | None = Field(description="None where climatology was perfect or made no forecast")
    claim: Literal["better", "worse", "none"] = Field(description="what may be said of the skill")

    @property
    def best_baseline(self) -> BaselineScores:
        """The baseline of lowest Brier score; the first of equals."""
        return min(self.baselines, key=lambda scores: scores.brier)


class ReliabilityBin(Record):
    """Forecasts of one bin: what was said, what happened, and where calibrated forecasts would fall."""

    forecast_mean: Probability
    observed_share: Probability
    number: int
    lower90: Probability
    upper90: Probability


class ReliabilityCurve(Record):
    """Filled bins of one model, over all its targets and horizons."""

    model: str
    bins: tuple[ReliabilityBin, ...]


class Miss(Record):
    """A past forecast that was far from what happened."""

    origin: date
    horizon_days: int
    target: str
    probability: Probability
    outcome: Literal[0, 1]
