"""What was known beside a forecast: ``track_record.json``, ``ledger_record.json``, ``previous_run.json``.

How forecasts of this kind did in a backtest, what the ledger held about the pair, and what the run before
said, so that a report is rebuilt from a run folder without the backtest, the ledger and the earlier run.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from forecast.records.base import Interval, Probability, Record
from forecast.records.costs import Decision, DecisionValue
from forecast.records.explained import OtherForecast, OwnRecord
from forecast.records.forecast import Forecast

ALIKE = 1.5
"""Factor up to which two horizons are alike."""


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
    skill_constant_rate: ErrorBound | None = Field(description="the same against the constant rate")
    mean_said: Probability = Field(description="mean of the forecasts")
    highest_said: Probability
    highest_came: bool = Field(description="whether the target happened where the highest was said")
    origins: tuple[date, ...] = Field(default=(), description="first days of the windows")
    happened: tuple[bool, ...] = Field(default=(), description="whether the target happened in each")

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


class FewOutcomes(Record):
    """Too few windows with the target, or without it, for any claim of skill."""

    code: Literal["few_outcomes"] = "few_outcomes"
    target: str
    horizon_days: int
    hits: int
    misses: int
    needed: int = Field(description="of either")

    @property
    def sentence(self) -> str:
        """Say it: where, and what follows."""
        return (
            f"{self.target}, {self.horizon_days} days: {self.hits} windows with and {self.misses} without "
            f"the target. With fewer than {self.needed} of either no skill is claimed."
        )


class AbsentForecasts(Record):
    """Origins at which a model made no forecast."""

    code: Literal["absent_forecasts"] = "absent_forecasts"
    target: str
    horizon_days: int
    model: str
    absent: int
    origins: int

    @property
    def sentence(self) -> str:
        """Say it: where, and how many."""
        return (
            f"{self.target}, {self.horizon_days} days: {self.model} has no forecast for {self.absent} of "
            f"{self.origins} origins."
        )


ScoreWarning = Annotated[FewOutcomes | AbsentForecasts, Field(discriminator="code")]


class OtherSettings(Record):
    """A backtest without a forecast, with other settings than the run, or that does not say with which."""

    code: Literal["no_forecast", "settings_unknown", "other_definitions", "other_priors"]

    @property
    def clause(self) -> str:
        """Why it cannot speak for the run."""
        return {
            "no_forecast": "it holds no forecast",
            "settings_unknown": "scores.json does not say which targets and priors were tested",
            "other_definitions": "its targets are defined otherwise than this run's",
            "other_priors": "its priors are not this run's",
        }[self.code]


class OtherTargets(Record):
    """The backtest tested other targets than the run has."""

    code: Literal["other_targets"] = "other_targets"
    tested: tuple[str, ...]
    asked: tuple[str, ...]

    @property
    def clause(self) -> str:
        """Why it cannot speak for the run."""
        return f"its targets are {', '.join(self.tested)}; this run's are {', '.join(self.asked)}"


class LaterWindows(Record):
    """Windows of the backtest end after the as-of date of the run."""

    code: Literal["later_windows"] = "later_windows"
    last_day: date
    as_of: date

    @property
    def clause(self) -> str:
        """Why it cannot speak for the run."""
        return f"its windows run to {self.last_day}, past the as-of date {self.as_of}"


class OtherOutcomes(Record):
    """The outcomes of a target are not those that the events of the run give."""

    code: Literal["other_outcomes"] = "other_outcomes"
    target: str

    @property
    def clause(self) -> str:
        """Why it cannot speak for the run."""
        return f"its outcomes of {self.target} are not those that this run's events give"


class UntestedModel(Record):
    """The backtest holds no forecast of the run's model."""

    code: Literal["untested_model"] = "untested_model"
    model: str
    tested: tuple[str, ...]

    @property
    def clause(self) -> str:
        """Why it cannot speak for the run."""
        return (
            f"it is of other models ({', '.join(self.tested)}) than this run's, which is {self.model}. Run "
            f"it again with --models {self.model}"
        )


class UnreadableBacktest(Record):
    """A file of the backtest is damaged; ``fault`` is the error message."""

    code: Literal["unreadable"] = "unreadable"
    fault: str

    @property
    def clause(self) -> str:
        """Why it cannot speak for the run."""
        return self.fault


BacktestRefusal = Annotated[
    OtherSettings | OtherTargets | LaterWindows | OtherOutcomes | UntestedModel | UnreadableBacktest,
    Field(discriminator="code"),
]
"""Why the backtest beside a run cannot speak for it."""


class TrackRecord(Record):
    """The content of ``track_record.json``: how this model did in a backtest of the same questions."""

    schema_: Literal[3] = Field(3, alias="schema")
    model: str
    forecasts_sha256: str = Field(description="of the forecasts.csv it was made from")
    n_origins: int
    first_origin: date
    last_origin: date
    data_end: date = Field(description="last day that the outcomes cover")
    rows: tuple[TrackRow, ...] = Field(min_length=1)
    reliability: tuple[ReliabilityCurve, ...] = Field(description="the model first, then climatology")
    calibration_slope: ErrorBound | None = Field(description="1 is calibrated, below 1 too extreme; pooled")
    largest_misses: tuple[Miss, ...] = Field(description="worst first, one an episode")
    warnings: tuple[ScoreWarning, ...]
    decisions: tuple[DecisionValue, ...] = Field(
        default=(), description="what acting on the forecasts would have cost; empty without costs"
    )


class PastForecast(Record):
    """What was on record about one of the run's questions, as of an earlier day."""

    target: str
    milestone: str
    as_of: date
    probability: Probability
    interval90: Interval
    hindcast: bool = Field(description="made more than a week after its as-of date")


class LedgerSummary(Record):
    """The content of ``ledger_record.json``: what was on record about the dyad when a run was begun."""

    schema_: Literal[1] = Field(1, alias="schema")
    head: str = Field(description="hash of the last record of the ledger; 64 zeros when it was empty")
    n_forecasts: int = Field(description="without those of runs that did not converge")
    n_failed: int = Field(default=0, description="forecasts of runs that did not converge")
    n_scored: int
    n_yes: int
    n_hindcasts: int = Field(description="of the scored: made more than a week after their as-of date")
    brier: ErrorBound | None
    baseline_brier: float | None
    claim: Literal["better", "worse", "none"] = Field(description="what may be said of the skill")
    history: tuple[PastForecast, ...] = Field(
        default=(), description="earlier forecasts of the run's own questions, oldest first"
    )
    others: tuple[OtherForecast, ...] = Field(
        default=(), description="what others said of the run's own questions, the latest first"
    )


class MilestoneChange(Record):
    """One question as an earlier run answered it.

    ``quiet`` is what the earlier run would have said on the later as-of day had the target stayed away and
    nothing else been learnt: its chance of the days that are left, given none before.
    """

    target: str
    milestone: str
    date: date
    probability: Probability
    mcse: float = Field(ge=0.0)
    interval90: Interval
    quiet: Probability
    happened_since: int | None = Field(
        description="target events between the as-of days; None where the two runs count otherwise"
    )


class PreviousRun(Record):
    """The content of ``previous_run.json``: what an earlier run of the same questions said."""

    schema_: Literal[1] = Field(1, alias="schema")
    run_id: str
    as_of: date
    code_version: str
    new_events: dict[str, int] = Field(description="events after its as-of day, by category")
    changed_priors: tuple[str, ...] = Field(description="parameters whose prior is another now")
    other_model: bool = Field(description="it was made with another model family or version")
    changes: tuple[MilestoneChange, ...] = Field(min_length=1)

    def change(self, target: str, milestone: str) -> MilestoneChange | None:
        """Return what it said on a question; ``None`` when it was not asked."""
        return {(one.target, one.milestone): one for one in self.changes}.get((target, milestone))


def with_value(forecast: Forecast, record: TrackRecord | None) -> Decision | None:
    """Return the decision of a forecast with what acting on forecasts like it would have cost."""
    own = own_record(forecast, record)
    if forecast.decision is None or record is None:
        return forecast.decision
    tested = (one for one in record.decisions if one.target == forecast.headline.target)
    value = next((one for one in tested if one.horizon_days == own.horizon_days), None)
    return forecast.decision.model_copy(update={"value": value})


def tested_row(forecast: Forecast, record: TrackRecord | None) -> TrackRow | None:
    """Return the tested windows of the headline target that are as long as the headline's, or nearly."""
    asked = forecast.headline
    milestones = {one.name: one for one in forecast.target(asked.target).milestones}
    # The window begins on the day after the as-of date and ends before the milestone.
    days = (milestones[asked.milestone].date - forecast.as_of).days - 1
    rows = [
        row
        for row in (record.rows if record else ())
        if row.target == asked.target and max(row.horizon_days, days) <= ALIKE * min(row.horizon_days, days)
    ]
    return min(rows, key=lambda one: abs(one.horizon_days - days), default=None)


def own_record(forecast: Forecast, record: TrackRecord | None) -> OwnRecord:
    """Return how forecasts of the headline target did at a distance like that of the headline."""
    row = tested_row(forecast, record)
    if row is None:
        return OwnRecord(never_tested=True)
    windows, rate = row.skill, row.skill_constant_rate
    return OwnRecord(
        never_tested=False,
        horizon_days=row.horizon_days,
        windows=row.n,
        held=row.n_hits,
        mean_said=row.mean_said,
        highest_said=row.highest_said,
        highest_came=row.highest_came,
        skill_windows=windows.value if windows else None,
        skill_windows_se=windows.se if windows else None,
        skill_constant_rate=rate.value if rate else None,
        skill_constant_rate_se=rate.se if rate else None,
    )
