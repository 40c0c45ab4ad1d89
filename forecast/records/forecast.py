"""What a run leaves behind, as types: ``forecast.json``, ``analysis.json``, ``track_record.json`` and more.

``Forecast`` is the contract other programs read: its JSON Schema is printed by ``forecast schema
forecast``. ``Analysis`` holds what the report shows beside the forecast (tension, parameters, data),
``TrackRecord`` how forecasts of this kind did in the past, and ``PreviousRun`` what the run before said, so
that a report is rebuilt from a run folder without the posterior, the backtest and the earlier run. All
probabilities are in [0, 1], all dates are ISO days.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from forecast.records.base import Interval as Interval
from forecast.records.base import Probability as Probability
from forecast.records.base import Record as Record
from forecast.records.robustness import RestsOn, Robustness
from forecast.records.scores import BaselineScores as BaselineScores
from forecast.records.scores import ErrorBound as ErrorBound
from forecast.records.scores import Miss as Miss
from forecast.records.scores import ReliabilityBin as ReliabilityBin
from forecast.records.scores import ReliabilityCurve as ReliabilityCurve
from forecast.records.scores import TrackRow as TrackRow


class DyadRecord(Record):
    """The two sides, as the event file names them; several actors of a side are joined by a plus."""

    a: str
    b: str
    label: str


class Diagnostics(Record):
    """Worst values of the sampler diagnostics over every monitored quantity."""

    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    bfmi_min: float
    failures: tuple[str, ...] = Field(description="gates that failed, in words; empty when converged")


class Baseline(Record):
    """A simple forecast of the same question, for comparison."""

    name: str
    probability: Probability


class MilestoneForecast(Record):
    """Probability that the target occurs after the as-of date and before the day of the milestone."""

    name: str
    label: str
    date: date
    probability: Probability
    mcse: float = Field(ge=0.0, description="Monte Carlo standard error of the probability")
    interval90: Interval = Field(description="5% and 95% quantiles of the probability over posterior draws")
    words: str = Field(description="ICD-203 words for the probability and its interval")
    frequency: str = Field(description="natural frequency, e.g. '63 of 100'")
    baseline: Baseline
    rests_on: RestsOn | None = Field(
        default=None,
        description="whether data or priors carry the probability; None where it was not measured",
    )


class Curve(Record):
    """P(target has occurred before ``date``), one entry a day; never falls."""

    date: tuple[date, ...]
    probability: tuple[float, ...]
    lower90: tuple[float, ...]
    upper90: tuple[float, ...]


class TimeToEvent(Record):
    """Quantiles of the days until the first target event; ``None`` beyond the simulated horizon."""

    q10: float | None
    q50: float | None
    q90: float | None


class TargetForecast(Record):
    """All that is forecast for one target."""

    name: str
    label: str
    definition: str
    observed_before: int = Field(ge=0, description="target events seen in the data; 0 = the prior speaks")
    milestones: tuple[MilestoneForecast, ...]
    curve: Curve
    time_to_event_days: TimeToEvent


class Difference(Record):
    """Probability under a scenario minus that of the forecast, taken draw by draw."""

    value: float
    mcse: float = Field(ge=0.0, description="Monte Carlo standard error of the difference")


class ScenarioMilestone(MilestoneForecast):
    """A milestone under a scenario; probability = that of the forecast + difference."""

    difference: Difference


class ScenarioTarget(TargetForecast):
    """All that is forecast for one target under a scenario."""

    milestones: tuple[ScenarioMilestone, ...]


ScenarioMethod = Literal["simulate", "reweight", "reweight and simulate", "refit"]
"""How a scenario was computed: other futures of the same draws; weights of the draws; both; a new fit."""


class ScenarioForecast(Record):
    """What a scenario changes, and how it was computed."""

    name: str
    label: str
    rationale: str
    method: ScenarioMethod
    reason: str = Field(description="why by this method, in one sentence")
    pareto_k: float | None = Field(
        description="shape of the tail of the weights (of the attempt, when it led to a refit); None without"
    )
    effective_draws: float | None = Field(description="1/Σw² of the weights; None without weights")
    failures: tuple[str, ...] = Field(description="gates that a refit failed, in words; empty otherwise")
    withheld: str | None = Field(description="why there are no numbers; None when there are")
    targets: tuple[ScenarioTarget, ...]

    def target(self, name: str) -> ScenarioTarget:
        """Return the target of that name (``KeyError`` when there is none)."""
        return {target.name: target for target in self.targets}[name]


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


class Forecast(Record):
    """The content of ``forecast.json``."""

    schema_: Literal[1] = Field(1, alias="schema")
    run_id: str
    name: str
    dyad: DyadRecord
    as_of: date
    model: str
    converged: bool
    diagnostics: Diagnostics
    targets: tuple[TargetForecast, ...]
    headline: Headline
    scenarios: tuple[ScenarioForecast, ...] = ()
    drivers: tuple[Driver, ...]
    timings_s: dict[str, float]
    versions: dict[str, str]

    def target(self, name: str) -> TargetForecast:
        """Return the target of that name (``KeyError`` when there is none)."""
        return {target.name: target for target in self.targets}[name]

    def scenario(self, name: str) -> ScenarioForecast:
        """Return the scenario of that name (``KeyError`` when there is none)."""
        return {scenario.name: scenario for scenario in self.scenarios}[name]


class Headline(Record):
    """Which target and milestone make the bottom line."""

    target: str
    milestone: str


class TensionSeries(Record):
    """Latent tension by step: posterior mean, 90% band, and the regime read off the mean.

    ``date`` is the first day of the step. Unit: standard deviations of the process (mean 0, variance 1).
    """

    date: tuple[date, ...]
    mean: tuple[float, ...]
    lower90: tuple[float, ...]
    upper90: tuple[float, ...]
    regime: tuple[Literal["calm", "strained", "crisis"], ...]


class ParameterSummary(Record):
    """Prior and posterior of one named parameter, side by side (means and 90% intervals)."""

    name: str
    meaning: str
    unit: str
    prior: str = Field(description="the distribution as text, e.g. 'Beta(4, 8)'")
    prior_origin: Literal["default", "config", "scenario"]
    prior_mean: float
    prior_interval90: Interval
    posterior_mean: float
    posterior_interval90: Interval
    mcse: float
    rhat: float
    ess_bulk: float


class DyadActs(Record):
    """Whose acts count: those between the sides, and those between a side and the theatre, either way."""

    a: tuple[str, ...]
    b: tuple[str, ...]
    theatre: tuple[str, ...]
    rows_a_to_b: int
    rows_b_to_a: int
    rows_theatre: int


class PairLeftOut(Record):
    """Rows of the event file that are no acts of the dyad."""

    initiator: str
    recipient: str
    rows: int


class DataSummary(Record):
    """The events behind the forecast."""

    source: str
    sha256: str
    rows: int = Field(description="events known by the as-of date")
    rows_fitted: int = Field(description="events on or after the start of the grid")
    first_date: date
    last_date: date
    verified_share: float | None
    counts_by_category: dict[str, int]
    limits: tuple[str, ...]
    dyad: DyadActs | None = Field(default=None, description="None where all rows of the file counted")
    rows_left_out: int = Field(default=0, description="rows known by the as-of date of other pairs")
    left_out: tuple[PairLeftOut, ...] = Field(
        default=(), description="their pairs, most rows first; the first fifty"
    )


class CalendarAct(Record):
    """An act ahead, inserted into the simulation with its probability."""

    date: date
    category: str
    severity: int
    probability: Probability
    label: str


class SamplerSummary(Record):
    """How the posterior was sampled."""

    chains: int
    draws: int
    tune: int
    target_accept: float
    seed: int
    reruns: int
    paths_per_draw: int
    seconds: float


class Analysis(Record):
    """The content of ``analysis.json``."""

    schema_: Literal[1] = Field(1, alias="schema")
    tension: TensionSeries | None
    parameters: tuple[ParameterSummary, ...]
    data: DataSummary
    calendar: tuple[CalendarAct, ...]
    sampler: SamplerSummary
    warnings: tuple[str, ...] = Field(description="what a reader must know, e.g. capped intensities")
    robustness: Robustness | None = Field(default=None, description="None where it was not measured")


class LedgerSummary(Record):
    """The content of ``ledger_record.json``: what was on record about the dyad when a run was begun."""

    schema_: Literal[1] = Field(1, alias="schema")
    head: str = Field(description="hash of the last record of the ledger; 64 zeros when it was empty")
    n_forecasts: int
    n_scored: int
    n_yes: int
    n_hindcasts: int = Field(description="of the scored: made more than a week after their as-of date")
    brier: ErrorBound | None
    baseline_brier: float | None
    claim: Literal["better", "worse", "none"] = Field(description="what may be said of the skill")


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


class TrackRecord(Record):
    """The content of ``track_record.json``: how this model did in a backtest of the same questions."""

    schema_: Literal[1] = Field(1, alias="schema")
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
    warnings: tuple[str, ...]


Forecast.model_rebuild()
