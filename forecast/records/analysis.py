"""What stands beside ``forecast.json``: ``analysis.json``, and what backtest, ledger and earlier run said.

What is said of it is in ``forecast.report``.
"""

from __future__ import annotations

from datetime import date, timedelta
from datetime import date as Date
from itertools import pairwise
from typing import Any, Literal

from pydantic import Field

from forecast.records.base import Interval, Probability, Record
from forecast.records.forecast import Claim, Forecast, OwnRecord, ReactionStated, RestsOn
from forecast.records.notices import Notice
from forecast.wording import DisplayScale

LabelReason = Literal[
    "never observed",
    "too few cases",
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


SENSITIVE = 0.2
"""Strength of a pull from which on it counts.

A normal posterior that shifts by .2 standard deviations is .044 away in the distance of Kallioinen et al.
(2024), who take .05.
"""


class WeightPull(Record):
    """What twice the weight of a part of the posterior does to a probability (power-scaling)."""

    name: str = Field(description="'all priors', 'data', or the name of a group of priors")
    change: float = Field(description="of the probability, per doubling of the weight")
    mcse: float = Field(description="Monte Carlo error of the change")
    strength: float = Field(description="size of the change in standard deviations of what draws say")


class NumberSensitivity(Record):
    """What one probability rests on."""

    target: str
    milestone: str
    rests_on: RestsOn
    reason: LabelReason
    priors: WeightPull
    data: WeightPull
    groups: tuple[WeightPull, ...] = Field(description="groups of priors, the most influential first")


class Assumed(Record):
    """The middle of a prior, or the probability of an act ahead."""

    parameter: float = Field(description="in the unit of the parameter")
    value: float = Field(description="the same on the scale")
    scale: DisplayScale


class ShiftEnd(Record):
    """The headline probability under one shift of an assumption; ``None`` where it needs a refit."""

    assumed: Assumed
    probability: Probability | None
    change: float | None
    mcse: float | None = Field(description="Monte Carlo error of the change, draw by draw")


class AssumptionEffect(Record):
    """What one step each way of an assumption does to a probability."""

    name: str = Field(description="name of the prior, or 'calendar.N' for an act ahead")
    act: str | None = Field(default=None, description="label of the act ahead; None for a prior")
    updated: bool = Field(
        default=True, description="false where the posterior is the prior: this record cannot tell"
    )
    now: Assumed
    lower: ShiftEnd
    upper: ShiftEnd


class Sensitivity(Record):
    """What every probability rests on, and one of them with each assumption moved."""

    target: str = Field(description="target for which the assumptions are moved")
    milestone: str
    labels: tuple[NumberSensitivity, ...]
    assumptions: tuple[AssumptionEffect, ...] = Field(description="every one, the most influential first")


class PriorMoved(Record):
    """A parameter that shifts where a run is made to say another probability, on its human scale."""

    name: str = Field(description="name of the prior")
    from_: float = Field(alias="from", description="typical value over the draws of the run")
    to: float
    scale: DisplayScale
    distance: float = Field(description="of the shift, in posterior standard deviations")
    probability: Probability | None = Field(
        description="of the run with this prior alone; None where its draws cannot tell"
    )
    setting: dict[str, dict[str, str]] = Field(description="that prior as a scenario file holds it")


class BeliefAlone(Record):
    """How many times as likely the target is on every day where that belief alone is stated."""

    ratio: float
    first_day: Date
    last_day: Date
    setting: dict[str, list[dict[str, Any]]] = Field(description="the belief as a scenario file holds it")


class Reconciled(Record):
    """What a run would have to believe to say a probability: its draws, weighted as little as that takes."""

    target: str
    milestone: str
    asked: Probability
    probability: Probability = Field(description="of the run")
    reach: Interval = Field(description="least and largest chance of any draw")
    nats: float = Field(description="relative entropy of the weighted draws to those of the run")
    share: float = Field(description="exp(−nats): share of the draws that would have to be kept, all alike")
    effective_draws: float
    model: Interval = Field(description="weight of the draws of the model, before and after")
    level: tuple[float, float] | None = Field(
        description="mean level of conflict at the end of the record, its average 1, before and after"
    )
    tension: tuple[float, float] | None = Field(description="the same of tension, in standard deviations")
    priors: tuple[PriorMoved, ...] = Field(description="parameters that shift clearly, the furthest first")
    belief: BeliefAlone | None = Field(description="None where no ratio up to 1,000 gives it")


STRAINED_FROM, CRISIS_FROM = 0.5, 1.5
"""Mean tension from which a step is read as strained, or as a crisis."""


class TensionSeries(Record):
    """Latent tension by step: posterior mean and 90% band.

    ``date`` is the first day of the step. Unit: standard deviations of the process (mean 0, variance 1).
    A step is strained from ``strained_from`` on, a crisis from ``crisis_from`` on.
    """

    date: tuple[date, ...]
    mean: tuple[float, ...]
    lower90: tuple[float, ...]
    upper90: tuple[float, ...]
    strained_from: float = STRAINED_FROM
    crisis_from: float = CRISIS_FROM


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
    rows_sourced: int | None = Field(default=None, description="rows with an outlet, a title or a page")
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
    coding_complete: bool = Field(default=False, description="as its author says, up to the as-of date")


class ScheduledAct(Record):
    """An act ahead with its probability."""

    date: date
    category: str
    subcategory: str = Field(default="", description="what kind of act of its category; empty: not stated")
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


class GradeFollowed(Record):
    """Cases whose gravest trigger has one severity (``None``: an occasion), and how many were followed."""

    severity: int | None
    cases: int
    followed: int


class FollowedBy(Record):
    """How the cases of a reaction were followed within its days, by the answer or by a target."""

    target: str | None = Field(description="None: by the answer that the reaction names")
    followed: int = Field(description="cases")
    answers: int = Field(description="days with such an act, each counted once however many cases it follows")
    by_severity: tuple[GradeFollowed, ...]
    by_chance: Probability | None = Field(
        description="share of all other days that such an act followed; None where there are none"
    )


class ReactionCase(Record):
    """A day with a trigger of a reaction, or an occasion, and the first answer within its days."""

    date: Date
    event_id: str | None = Field(description="of the gravest trigger of the day; None of an occasion")
    severity: int | None
    what: str = Field(description="its summary")
    answered_on: Date | None = Field(description="None where no answer followed")
    over: bool = Field(description="whether all the days of the reaction lie in the record")


class ReactionEffect(Record):
    """The headline target after one trigger on the first day ahead, some days on or by the milestone."""

    days: int | None = Field(description="after the trigger; None for the headline milestone")
    date: Date
    probability: Probability = Field(description="with the trigger")
    base: Probability = Field(description="without it")
    mcse: float = Field(ge=0.0, description="Monte Carlo error of the difference")


class ReactionFacts(Record):
    """A declared reaction: its cases in the record, its chance before and after it, and what a trigger does.

    The class of acts was chosen by whoever wrote the config, who may have known these cases.
    """

    stated: ReactionStated
    cases: int = Field(description="days with a trigger, or occasions, whose days are over")
    answer: FollowedBy = Field(description="by the answer that it names")
    targets: tuple[FollowedBy, ...] = Field(description="by each target of the run")
    shown: tuple[ReactionCase, ...] = Field(
        description="the answered ones, then the gravest, then the latest; at most fifty"
    )
    prior: Probability = Field(description="mean chance of an answer to a trigger of severity 4, or occasion")
    prior90: Interval
    chance_stated: bool = Field(description="whether the config states the chance")
    chance: Probability = Field(description="after the record, of a trigger of ``severity``")
    chance90: Interval
    target: str = Field(description="of the effects: that of the headline")
    severity: int | None = Field(
        default=None,
        description="of the trigger of chance and effects: 4 or the nearest that does not meet the target",
    )
    counts_itself: bool = Field(
        default=False, description="whether every trigger meets the target itself, so that no effect is told"
    )
    effects: tuple[ReactionEffect, ...] = Field(description="of one such trigger; none of an occasion")

    @property
    def name(self) -> str:
        """Its name in the config."""
        return self.stated.name

    @property
    def title(self) -> str:
        """What people call it."""
        return self.stated.title

    def followed_by(self, target: str | None) -> FollowedBy:
        """How the cases were followed by a target; by the answer where the run has no such target."""
        return next((count for count in self.targets if count.target == target), self.answer)


OwnReason = Literal["model", "events", "settings", "program"]


class OtherForecast(Record):
    """What somebody else said of a question of the run: shown, never part of a number of the run."""

    target: str
    milestone: str | None = Field(description="of the run; None where the question ends on another day")
    forecaster: str
    made_on: date
    probability: Probability
    link: str | None = None
    ends: date = Field(description="day before which it has to happen")
    asked_as_of: date = Field(description="day after which it has to happen")
    nearest: date | None = Field(
        default=None, description="of the milestone that is nearest; None where one is on the same day"
    )
    differs: str | None = Field(default=None, description="how its question differs, as its source says it")
    after_as_of: bool = Field(description="made later than the as-of date, so it may know more")
    recorded_on: date | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="where it was put on record more than a week after it was made, as it says",
    )
    ours: tuple[OwnReason, ...] = Field(
        default=(), description="of a forecast of this program: what differs from the run beside the day"
    )


class Outcome(Record):
    """What the event file knows of the days after the as-of date; no number of the run knows it."""

    target: str
    came_on: date | None = Field(description="first day of the target after the as-of date")
    through: date = Field(description="last day on which anything became known")


class LearnedPair(Record):
    """A pair of countries that something was learned from."""

    name: str
    coder: str = ""
    first: date
    until: date = Field(description="last day on which the pair was observed")


class LearnedKind(Record):
    """A kind of target that was forecast on every pair of the coders that note it."""

    any_of: tuple[str, ...]
    min_severity: int
    coders: tuple[str, ...]


class LearnedFrom(Record):
    """What a part of the forecast learned from other pairs of countries."""

    part: Literal["priors", "pooled hazard"]
    pairs: tuple[LearnedPair, ...]
    kinds: tuple[LearnedKind, ...] = ()
    source: str = Field(description="origin and terms of the events, as its file names them")
    own_left_out: tuple[str, ...] = Field(
        default=(), description="records of this very pair, which the forecast does without"
    )


class Analysis(Record):
    """The content of ``analysis.json``."""

    schema_: Literal[8] = Field(8, alias="schema")
    tension: TensionSeries
    drift: DriftNow
    parameters: tuple[ParameterSummary, ...]
    data: DataSummary
    calendar: tuple[ScheduledAct, ...]
    sampler: SamplerSummary
    warnings: tuple[Notice, ...] = Field(description="what a reader must know, e.g. late reports")
    sensitivity: Sensitivity | None = Field(default=None, description="None where it was not measured")
    learned: tuple[LearnedFrom, ...] = Field(default=(), description="what other pairs taught")
    outcomes: tuple[Outcome, ...] = Field(
        default=(), exclude_if=lambda value: not value, description="where the config says outcome: show"
    )
    reactions: tuple[ReactionFacts, ...] = Field(
        default=(), description="the reactions that the config declares, in its order"
    )

    @property
    def reaction_labels(self) -> dict[str, str]:
        """What people call each declared reaction, by name."""
        return {reaction.name: reaction.title for reaction in self.reactions}


FEWEST_OUTCOMES = 20
"""Hits and misses that each are needed before skill is claimed."""
FEWEST_EPISODES = 3
"""Episodes below which nothing is claimed of a skill."""
ALIKE = 1.5
"""Factor up to which two horizons are alike."""


class ErrorBound(Record):
    """A value with its block-bootstrap error; ``None`` where the error is not defined."""

    value: float
    se: float | None
    interval90: Interval | None


def skill_told(skill: ErrorBound | None, claim: Claim) -> Interval | None:
    """The interval of a skill: one that leaves out 0 only where a skill is claimed."""
    span = skill.interval90 if skill else None
    return span if span and (claim != "none" or span[0] <= 0 <= span[1]) else None


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
    episodes: int = Field(
        description="cases that these windows met first, those within a month of another as one: however "
        "many windows overlap, one case decided them"
    )
    base_rate: Probability
    brier: ErrorBound
    log: ErrorBound
    baselines: tuple[BaselineScores, ...] = Field(min_length=1)
    gap: ErrorBound
    skill: ErrorBound | None = Field(description="None without a hit, or a climatology that could be beaten")
    claim: Claim = Field(description="what may be said of the skill")
    mean_said: Probability = Field(description="mean of the forecasts")
    highest_said: Probability
    highest_came: bool = Field(description="whether the target happened where the highest was said")
    origins: tuple[date, ...] = Field(default=(), description="first days of the windows")
    happened: tuple[bool, ...] = Field(default=(), description="whether the target happened in each")

    @property
    def best_baseline(self) -> BaselineScores:
        """The baseline of lowest Brier score; the first of equals."""
        return min(self.baselines, key=lambda scores: scores.brier)

    @property
    def more_accurate(self) -> Literal["model", "baseline"] | None:
        """Who had the lower Brier score by the digits that are shown; nobody below ``FEWEST_EPISODES``."""
        ours, theirs = round(self.brier.value, 3), round(self.best_baseline.brier, 3)
        if self.episodes < FEWEST_EPISODES or ours == theirs:
            return None
        return "model" if ours < theirs else "baseline"

    @property
    def skill_told(self) -> Interval | None:
        """The interval of the skill: one that leaves out 0 only where a skill is claimed."""
        return skill_told(self.skill, self.claim)

    @property
    def overlapping(self) -> bool:
        """Whether a window begins before the one before it has ended."""
        days = timedelta(days=self.horizon_days)
        return any(later - earlier < days for earlier, later in pairwise(sorted(self.origins)))


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


class TrackRecord(Record):
    """The content of ``track_record.json``: how this model did in a backtest of the same questions."""

    schema_: Literal[5] = Field(5, alias="schema")
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
    warnings: tuple[Notice, ...]


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
    n_forecasts: int = Field(description="of other runs, without those of runs that did not converge")
    n_same: int = Field(default=0, description="of them, on questions of this run, on whatever day asked")
    n_failed: int = Field(default=0, description="forecasts of runs that did not converge")
    n_scored: int
    n_yes: int
    n_hindcasts: int = Field(description="of n_forecasts: made more than a week after their as-of date")
    brier: ErrorBound | None
    baseline_brier: float | None
    claim: Claim = Field(description="what may be said of the skill")
    history: tuple[PastForecast, ...] = Field(
        default=(), description="earlier forecasts of the run's own questions, oldest first"
    )
    others: tuple[OtherForecast, ...] = Field(
        default=(), description="what others said of the run's own questions, the latest first"
    )


class RowMoved(Record):
    """A row that came, changed or went, and what it moved: the probability minus that without it."""

    kind: Literal["added", "changed", "removed"]
    event_id: str
    date: date
    category: str
    severity: int
    initiator: str
    recipient: str
    summary: str
    also: int = Field(default=0, description="further rows of that day that met the target, one case with it")
    change: float
    mcse: float = Field(ge=0.0)


class RowsMoved(Record):
    """The rows that are new since an earlier record, and what they moved.

    ``change`` is the probability minus that of the same model on the record of then, as it is now dated;
    ``None`` where no draws and no new fit could tell.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    rows: tuple[RowMoved, ...] = Field(
        default=(), description="at most 10 that move it most, each against the record without it"
    )
    change: float | None = 0.0

    @property
    def number(self) -> int:
        """How many rows are new."""
        return self.added + self.changed + self.removed


LEAST_ARROW = 0.01
RestReason = Literal["days", "settings", "program"]


class Moved(Record):
    """Why a probability is another than an earlier forecast gave.

    ``change`` = the change of each of the ``rows`` + ``together`` + ``rest``.
    """

    since: date = Field(description="as-of date of the earlier forecast")
    before: Probability
    change: float
    error: float = Field(ge=0.0, description="Monte Carlo standard error of the change")
    news: RowsMoved
    reasons: tuple[RestReason, ...] = Field(
        description="what the rest is due to: days that passed, other settings or priors, another version"
    )

    @property
    def now(self) -> float:
        """The probability that it moved to."""
        return min(max(self.before + self.change, 0.0), 1.0)

    @property
    def together(self) -> float | None:
        """What the other rows moved, and all of them beside what each does alone; ``None`` if not known."""
        return None if self.news.change is None else self.news.change - sum(r.change for r in self.news.rows)

    @property
    def rest(self) -> float:
        """What new rows did not move; with rows of which nothing is known."""
        return self.change - sum(row.change for row in self.news.rows) - (self.together or 0.0)

    @property
    def clear(self) -> bool:
        """Whether the change is more than twice its Monte Carlo error."""
        return abs(self.change) > 2 * self.error

    @property
    def arrow(self) -> Literal["up", "down"] | None:
        """Direction of a change that is clear and of a point or more."""
        if not self.clear or abs(self.change) < LEAST_ARROW:
            return None
        return "up" if self.change > 0 else "down"


class MilestoneChange(Record):
    """One question as an earlier run answered it."""

    target: str
    milestone: str
    date: date
    probability: Probability
    mcse: float = Field(ge=0.0)
    interval90: Interval


class PreviousRun(Record):
    """The content of ``previous_run.json``: what an earlier run of the same questions said."""

    schema_: Literal[2] = Field(2, alias="schema")
    run_id: str
    as_of: date
    code_version: str
    changes: tuple[MilestoneChange, ...] = Field(min_length=1)
    moved: Moved | None = Field(description="of the headline; None where it was not asked")

    def change(self, target: str, milestone: str) -> MilestoneChange | None:
        """Return what it said on a question; ``None`` when it was not asked."""
        return {(change.target, change.milestone): change for change in self.changes}.get((target, milestone))


def windows_like(forecast: Forecast, record: TrackRecord | None, target: str, day: date) -> TrackRow | None:
    """Return the tested windows of a target that are as long as those before a day, or nearly."""
    # The window begins on the day after the as-of date and ends before the milestone.
    days = (day - forecast.as_of).days - 1
    rows = [
        row
        for row in (record.rows if record else ())
        if row.target == target and max(row.horizon_days, days) <= ALIKE * min(row.horizon_days, days)
    ]
    return min(rows, key=lambda row: abs(row.horizon_days - days), default=None)


def own_record(forecast: Forecast, record: TrackRecord | None) -> OwnRecord:
    """Return how forecasts of the headline target did at a distance like that of the headline."""
    row = windows_like(forecast, record, forecast.headline.target, forecast.headline_milestone.date)
    if row is None:
        return OwnRecord(never_tested=True)
    return OwnRecord(
        never_tested=False,
        horizon_days=row.horizon_days,
        windows=row.n,
        overlapping=row.overlapping,
        held=row.n_hits,
        episodes=row.episodes,
        mean_said=row.mean_said,
        highest_said=row.highest_said,
        highest_came=row.highest_came,
        claim=row.claim,
    )
