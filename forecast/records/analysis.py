"""``analysis.json``: what the report shows beside the forecast, without the posterior at hand.

A warning of a run is a type with the sentence on it; what is said of the rest is in ``forecast.report``.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from forecast.records.base import Interval, Probability, Record
from forecast.records.explained import Missing, MonthlyRisk, OtherForecast, Sign, WaterfallStep
from forecast.records.forecast import RestsOn
from forecast.records.history import BacktestRefusal
from forecast.wording import Scale, count, share

Reason = Literal[
    "never observed",
    "too few draws",
    "priors move it little",
    "within the noise",
    "nothing moves it",
    "data do not move it",
    "priors lower it against the data",
    "priors raise it against the data",
    "priors move it more",
    "data move it more",
]
"""Which rule made the label of a probability: see ``docs/sensitivity.md``."""


class WeightPull(Record):
    """What more weight of a part of the posterior does to a probability (power-scaling).

    ``sensitivity`` is the cumulative Jensen–Shannon distance per doubling of the weight, ``noise`` what would
    be found of it by chance, ``change`` that of the probability per doubling with its Monte Carlo error.
    """

    name: str = Field(description="'all priors', 'data', or the name of a group of priors")
    sensitivity: float
    noise: float | None = None
    change: float
    mcse: float
    pareto_k: float


class NumberSensitivity(Record):
    """What one probability rests on."""

    target: str
    milestone: str
    rests_on: RestsOn
    reason: Reason
    priors: WeightPull
    data: WeightPull
    groups: tuple[WeightPull, ...] = Field(description="groups of priors, the most influential first")


class Assumed(Record):
    """The middle of a prior, or the probability of an act ahead."""

    parameter: float = Field(description="in the unit of the parameter")
    value: float = Field(description="the same on the scale")
    scale: Scale


class ShiftEnd(Record):
    """The headline probability under one shift of an assumption; ``None`` where it needs a refit."""

    assumed: Assumed
    probability: Probability | None
    change: float | None
    mcse: float | None = Field(description="Monte Carlo error of the change, draw by draw")


class AssumptionEffect(Record):
    """One bar of the tornado chart: what one step each way of an assumption does to the headline."""

    name: str = Field(description="name of the prior, or 'calendar.N' for an act ahead")
    act: str | None = Field(default=None, description="label of the act ahead; None for a prior")
    now: Assumed
    lower: ShiftEnd
    upper: ShiftEnd


class BreakEven(Record):
    """The smallest change of one assumption that takes a probability to another word, or to a threshold.

    ``steps`` counts spreads of the prior (for an act ahead: its probability moved by so much). Without a
    crossing ``outcome`` says whether none exists or the draws cannot tell.
    """

    target: str
    milestone: str
    name: str = Field(description="name of the prior, or 'calendar.N' for an act ahead")
    act: str | None = Field(default=None, description="label of the act ahead; None for a prior")
    kind: Literal["word", "threshold"]
    outcome: Literal["crosses", "never", "needs a refit"]
    probability: Probability = Field(description="of the run")
    becomes: str | None = Field(default=None, description="the other word of ICD 203; None for a threshold")
    bound: Probability | None = None
    steps: float | None = None
    mcse: float | None = None
    now: Assumed = Field(description="what the run assumes")
    assumed: Assumed | None = Field(default=None, description="the assumption at the crossing")
    assumed_mcse: tuple[Assumed, Assumed] | None = Field(
        default=None, description="the same, one Monte Carlo error to each side"
    )
    reached: Interval = Field(description="lowest and highest probability over all shifts that can be told")


class OnWordBound(Record):
    """A probability within its Monte Carlo error of the bound between two words."""

    code: Literal["on_word_bound"] = "on_word_bound"
    target: str
    milestone: str
    probability: Probability
    words: tuple[str, str]


class OnThreshold(Record):
    """A probability within its Monte Carlo error of the threshold."""

    code: Literal["on_threshold"] = "on_threshold"
    target: str
    milestone: str
    probability: Probability
    threshold: Probability


class CertainActs(Record):
    """Future acts of probability 0 or 1, which were not varied."""

    code: Literal["certain_acts"] = "certain_acts"
    number: int


RobustnessNote = Annotated[OnWordBound | OnThreshold | CertainActs, Field(discriminator="code")]


class Robustness(Record):
    """How far the call rests on assumptions."""

    target: str = Field(description="target of the tornado chart and the break-evens")
    milestone: str = Field(description="milestone of the tornado chart")
    threshold: Probability | None
    sensitivities: tuple[NumberSensitivity, ...]
    tornado: tuple[AssumptionEffect, ...] = Field(description="the most influential first")
    break_evens: tuple[BreakEven, ...]
    notes: tuple[RobustnessNote, ...] = ()


class TensionSeries(Record):
    """Latent tension by step: posterior mean, 90% band, and the regime read off the mean.

    ``date`` is the first day of the step. Unit: standard deviations of the process (mean 0, variance 1).
    A step is strained from ``strained_from`` on, a crisis from ``crisis_from`` on.
    """

    date: tuple[date, ...]
    mean: tuple[float, ...]
    lower90: tuple[float, ...]
    upper90: tuple[float, ...]
    regime: tuple[Literal["calm", "strained", "crisis"], ...]
    strained_from: float = 0.5
    crisis_from: float = 1.5
    chance_strained: tuple[float, ...] = Field(description="posterior probability that the step is strained")
    chance_crisis: tuple[float, ...] = Field(description="the same of a crisis")


class DriftNow(Record):
    """The slow level of conflict at the as-of date: posterior mean and 90% interval."""

    mean: float = Field(description="rate of conflictual acts, tension apart, over its mean over the record")
    interval90: tuple[float, float]


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


class SourceTerms(Record):
    """A source of the events, and on what terms its acts may be used."""

    source: str = Field(description="as ids of its acts begin; 'file' for acts of a user's own file")
    acts: int = Field(description="events known by the as-of date that are of it")
    licence: str = Field(description="name of the licence; empty where none is known")
    terms: str = Field(description="what it says, in one sentence")
    bars: tuple[str, ...] = Field(description="uses that need a licence of their own: client, internal")
    known_on: date | None = Field(default=None, description="day on which these terms were known to hold")
    page: str = Field(default="", description="where they stand")


class DataSummary(Record):
    """The events behind the forecast."""

    source: str
    sha256: str
    rows: int = Field(description="events known by the as-of date")
    rows_fitted: int = Field(description="events on or after the start of the grid")
    first_date: date
    last_date: date
    start: date = Field(description="first day that is fitted")
    verified_share: float | None
    counts_by_category: dict[str, int]
    limits: tuple[str, ...]
    dyad: DyadActs
    rows_left_out: int = Field(default=0, description="rows known by the as-of date of other pairs")
    left_out: tuple[PairLeftOut, ...] = Field(
        default=(), description="their pairs, most rows first; the first fifty"
    )
    sources: tuple[SourceTerms, ...] = Field(
        default=(), description="sources of the events and their terms, most events first"
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
    seconds: float | None = Field(None, description="of the fit; null in a saved run, whose manifest has it")


class CappedRates(Record):
    """Simulated intensities were cut at the cap."""

    code: Literal["capped_rates"] = "capped_rates"
    share: Probability
    cap: float = Field(description="acts a week")

    @property
    def sentence(self) -> str:
        """What a reader must know of it."""
        return (
            f"{self.share * 1e6:,.0f} of 1,000,000 simulated intensities reached the cap of {self.cap:.0f} "
            "acts a week and were cut."
        )


class LateReports(Record):
    """Recent counts are corrected for acts that become known late."""

    code: Literal["late_reports"] = "late_reports"
    origin: str = Field(description="'estimated' or 'stated'")
    mean_days: float
    known_share: Probability = Field(description="share of the last week's acts taken to be known")

    @property
    def sentence(self) -> str:
        """What a reader must know of it."""
        return (
            f"Recent weeks are corrected for acts that become known late ({self.origin} delay, mean "
            f"{self.mean_days:.1f} days): {share(self.known_share)} of the last week's acts are taken to be "
            "known."
        )


class InfluentialEvents(Record):
    """Events whose effect is not shown, since without them the draws cannot stand for the posterior."""

    code: Literal["influential_events"] = "influential_events"
    number: int

    @property
    def sentence(self) -> str:
        """What a reader must know of it."""
        are, their = ("is", "its effect is") if self.number == 1 else ("are", "their effects are")
        many = count(self.number, "event")
        return f"{many} {are} too influential to remove without a refit; {their} not shown."


class UnusedBacktest(Record):
    """The backtest beside the run is about other questions."""

    code: Literal["unused_backtest"] = "unused_backtest"
    refusal: BacktestRefusal = Field(description="why it was not used")

    @property
    def sentence(self) -> str:
        """What a reader must know of it."""
        return f"The backtest beside this run was not used: {self.refusal.clause}."


RunWarning = Annotated[
    CappedRates | LateReports | InfluentialEvents | UnusedBacktest, Field(discriminator="code")
]


class LearnedFrom(Record):
    """What a part of the forecast learned from other pairs of countries."""

    part: Literal["priors", "pooled hazard"]
    clause: str = Field(description="pairs, coders and years in short")
    pairs: tuple[str, ...] = Field(description="every pair, in lines")
    source: str = Field(description="origin and terms of the events")
    own_left_out: tuple[str, ...] = Field(
        default=(), description="records of this very pair, which the forecast does without"
    )


class Analysis(Record):
    """The content of ``analysis.json``."""

    schema_: Literal[5] = Field(5, alias="schema")
    tension: TensionSeries
    drift: DriftNow
    parameters: tuple[ParameterSummary, ...]
    data: DataSummary
    calendar: tuple[CalendarAct, ...]
    sampler: SamplerSummary
    warnings: tuple[RunWarning, ...] = Field(description="what a reader must know, e.g. capped intensities")
    robustness: Robustness | None = Field(default=None, description="None where it was not measured")
    learned: tuple[LearnedFrom, ...] = Field(default=(), description="what other pairs taught")
    waterfall: tuple[WaterfallStep, ...] = Field(
        default=(), description="as in forecast.json: where the headline comes from"
    )
    monthly_risk: tuple[MonthlyRisk, ...] = Field(
        default=(), description="when: the risk by month, of the headline target first"
    )
    signs: tuple[Sign, ...] = Field(
        default=(), description="what to watch for; at most six, the most informative first"
    )
    others: tuple[OtherForecast, ...] = Field(
        default=(), description="what others said of the same questions, the latest first"
    )
    missing: tuple[Missing, ...] = Field(default=(), description="what is absent of these, and why")
