"""``forecast.json``, the contract other programs read: probabilities are in [0, 1], dates are ISO days."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from forecast.errors import InputError, did_you_mean, shown
from forecast.records.base import Interval, Names, Probability, Record, Scale, one_named
from forecast.records.notices import Notice


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


RestsOn = Literal["data-driven", "prior-driven", "conflict", "unclear"]
"""What a probability rests on: see ``docs/sensitivity.md`` for the rule."""


class DyadRecord(Record):
    """The two sides, as the event file names them; several actors of a side are joined by a plus."""

    a: str
    b: str
    label: str


class Reporter(Record):
    """Whose reports settle the questions: as the config states it, else sources or coder of the events."""

    stated: str | None = Field(default=None, description="in the words of the config")
    events: str = Field(description="file or bundled set of the events")
    sourced: bool = Field(description="whether its rows name their sources")


Gate = Literal["rhat", "ess_bulk", "ess_tail", "divergences", "bfmi", "seen_draws"]
"""A check that a fit must pass, see ``forecast.inference.sampling``; the last, of weights of acts seen."""


class GateFailure(Record):
    """A gate that a fit failed; R-hat and divergences have an upper ``limit``, the others a lower one."""

    code: Gate
    quantity: str | None = Field(default=None, description="the worst one; None for gates of the whole fit")
    value: float = Field(description="not a number where a part of the quantity stood still")
    limit: float


class Diagnostics(Record):
    """Worst values of the sampler diagnostics of a fitted model over every monitored quantity."""

    name: Literal["model"] = Field(default="model", description="the fitted model")
    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    bfmi_min: float
    failures: tuple[GateFailure, ...] = Field(description="gates that failed; empty when converged")

    @property
    def converged(self) -> bool:
        """All gates were passed."""
        return not self.failures


FEWEST_PERIODS = 3
"""Periods that lie side by side in a record whose share is told."""


class Baseline(Record):
    """A simple forecast of the same question, for comparison."""

    name: str
    probability: Probability
    periods: int | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="whole periods of this length that the record holds; below 3 the share is not shown",
    )
    counted: Probability | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="share of past periods of this length, one a day, with the target: not smoothed",
    )

    @property
    def shown(self) -> float | None:
        """The probability; ``None`` where the record holds too few periods to tell a share of them."""
        return None if self.periods is not None and self.periods < FEWEST_PERIODS else self.probability


class Member(Record):
    """What a forecast is the mean of, with its weight (of the headline target, in ``Forecast``)."""

    name: str
    label: str
    weight: Probability


class MemberForecast(Member):
    """What one member says of a milestone, without the scheduled acts of the calendar and with them."""

    probability: Probability
    interval90: Interval = Field(description="5% and 95% quantiles of its probability")
    with_acts: Probability = Field(
        description="its probability with the scheduled acts: the forecast is the mean of these"
    )


class DatedChance(Record):
    """Probability that a target occurs after the as-of date and before the day of a milestone."""

    in_short: ClassVar[Names] = ("name", "date", "probability", "interval90")
    name: str
    label: str
    date: date
    probability: Probability = Field(exclude=True, description="by its day, from the chances of the target")
    mcse: float = Field(ge=0.0, description="Monte Carlo standard error of the probability")
    interval90: Interval = Field(exclude=True, description="5% and 95% quantiles over draws, from there too")


class NumberOfEvents(Record):
    """How often a target happens before a day; several acts of a day count each."""

    expected: float = Field(ge=0.0, description="mean, of a long tail what the least number in it adds")
    interval90: tuple[int, int] = Field(description="5% and 95% quantiles")
    at_least: tuple[Probability, ...] = Field(
        description="chance of 1 or more, 2 or more, and so on while it is .001 or more"
    )

    def most_in(self, share: float) -> int:
        """Least number that is not exceeded with this chance."""
        return sum(chance > 1 - share for chance in self.at_least)


class MilestoneForecast(DatedChance):
    """The same in the forecast, beside what its members and simple forecasts say."""

    baseline: Baseline
    constant_rate: Probability | None = Field(
        default=None,
        description="1 - exp(-n h / T): n days with the target in T days of record, h days to the milestone; "
        "None where the target was never seen",
    )
    rests_on: RestsOn | None = Field(
        default=None,
        description="whether data or priors carry the probability; None where it was not measured",
    )
    members: tuple[MemberForecast, ...] | None = Field(
        default=None, description="what each member says; None for the model alone"
    )
    number: NumberOfEvents | None = Field(default=None, description="how many; None: not counted")


class ChanceTable(Record):
    """Chance that a target happens before each day, with its 5% and 95% quantiles over draws; never falls."""

    day: tuple[date, ...]
    mean: tuple[Probability, ...]
    low: tuple[Probability, ...]
    high: tuple[Probability, ...]


class OutsideShare(Record):
    """After how many cases of other pairs the target followed within so many days of the as-of date."""

    days: int
    cases: int = Field(description="crises, or quiet months, that were observed so long")
    followed: int = Field(description="of them, within so many days of their beginning")
    share: Probability = Field(
        description="pooled over coders, of those without the target until now: what the days passed leave"
    )
    interval90: Interval = Field(description="5% and 95% quantiles for a coder that nothing was learned from")


class OutsideView(Record):
    """How often a target of this kind followed where other pairs were in the situation of the as-of date."""

    missing: Literal["no_such_kind", "one_side", "no_quiet", "no_such_case"] | None = Field(
        default=None,
        description="why there is none: nothing was learned of such acts, or of acts by one side; the target "
        "came shortly before; no other pair was in this situation",
    )
    crisis_days: int | None = Field(default=None, description="since the crisis began; None: a quiet month")
    first: bool = Field(default=False, description="whether the target has never come in the data")
    pairs: int = Field(default=0, description="other pairs that the cases are of")
    shares: tuple[OutsideShare, ...] = Field(default=(), description="by days, the shortest first")


class TargetCase(Record):
    """One event of the record that met a target."""

    event_id: str
    date: date


class TargetChances[M: DatedChance](Record):
    """The chances of a target by day, and the milestones that select from them."""

    name: str
    milestones: tuple[M, ...]
    chances: ChanceTable = Field(
        description="by day; of a scenario those of the headline target, of others the milestones alone"
    )

    @model_validator(mode="before")
    @classmethod
    def _select(cls, given: Any) -> Any:  # noqa: ANN401 - whatever a file holds
        """Give the milestones of a file their chances, which stand in the table alone."""
        if not isinstance(given, dict) or not isinstance(table := given.get("chances"), dict):
            return given
        try:
            columns = zip(*(table[name] for name in ChanceTable.model_fields), strict=True)
            by_day = {day: {"probability": mean, "interval90": ends} for day, mean, *ends in columns}
            chosen = [
                {**one, **by_day[one["date"]]} if isinstance(one, dict) else one
                for one in given["milestones"]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"no chance before the day of each milestone ({error})") from error
        return {**given, "milestones": chosen}

    def milestone(self, name: str) -> M:
        """Return the milestone of that name (``KeyError``, with those that there are, when there is none)."""
        return one_named(self.milestones, "milestone", name)


class TargetForecast(TargetChances[MilestoneForecast]):
    """All that is forecast for one target."""

    in_short: ClassVar[Names] = ("name", "label", "observed_before", "milestones")
    label: str
    any_of: tuple[str, ...] = Field(description="categories that meet it")
    min_severity: int = Field(description="least severity")
    by: tuple[str, ...] = Field(default=(), description="who acts, or who towards whom (A>B); empty: anybody")
    counts: str | None = Field(
        default=None, description="what counts, in the words of the config; None: what the anchors say"
    )
    does_not_count: str | None = Field(
        default=None, description="what comes close and does not count, in the words of the config"
    )
    edge_cases: tuple[str, ...] = Field(default=(), description="doubtful cases and how each is decided")
    grave: bool = Field(default=False, description="of high impact: a chance below 5% gets no word")
    observed_before: int = Field(
        ge=0,
        description="days with a target event in the data, since rows of one day are one case; 0: the chance "
        "rests on priors and milder acts",
    )
    silent_since: date | None = Field(
        default=None,
        description="day before the data from which on none came, as the config states; None: not stated",
    )
    seen_then: bool = Field(default=False, description="whether the target came on silent_since itself")
    cases: tuple[TargetCase, ...] = Field(
        default=(), description="the last of the cases seen, in their order, one a day; at most ten"
    )
    outside: OutsideView | None = Field(default=None, description="what other pairs tell; None: not asked")

    def days_before(self, start: date) -> int:
        """Days without it, known beside data that begin on ``start``."""
        return (start - self.silent_since).days if self.silent_since else 0

    @property
    def rule(self) -> tuple[tuple[str, ...], int, tuple[str, ...]]:
        """What meets it: categories, the least severity, and whose acts."""
        return self.any_of, self.min_severity, self.by


class Difference(Record):
    """Probability under a scenario minus that of the forecast, taken draw by draw."""

    value: float
    mcse: float = Field(ge=0.0, description="Monte Carlo standard error of the difference")


class ScenarioMilestone(DatedChance):
    """A milestone under a scenario; probability = that of the forecast + difference."""

    in_short: ClassVar[Names] = ("name", "date", "probability", "interval90", "difference")
    difference: Difference
    by_assumption: float | None = Field(
        default=None,
        description="part of the difference that assumed acts make by meeting the target themselves; the "
        "rest is what they bring about. None where more than acts is stated",
    )
    carried: bool = Field(
        default=True, description="False where beliefs alone are stated, and none moves this target"
    )


class AfterAct(Record):
    """Chance of a target from the day of the first assumed act to ``date``, given none before it."""

    days: int = Field(description="from the day of the act, or its window's first, to the last that counts")
    date: date
    probability: Probability = Field(description="under the scenario")
    base: Probability = Field(description="in the forecast")


class ScenarioTarget(TargetChances[ScenarioMilestone]):
    """All that is forecast for one target under a scenario."""

    after: tuple[AfterAct, ...] = Field(
        default=(), description="days 7, 14 and 30 after the first assumed act, up to the last milestone"
    )


ScenarioMethod = Literal["exact", "reweight", "refit"]
"""How a scenario was computed: exactly, from the draws of the run; from weights of the draws; a new fit."""


class MethodReason(Record):
    """Why a scenario was computed as it was: by what it changes."""

    code: Literal[
        "only_future",
        "only_priors",
        "priors_and_future",
        "acts_seen",
        "draws_moved",
        "past_taken_out",
        "reactions_of_record",
    ]


class FailedWeights(Record):
    """The draws of the run cannot stand for the priors of the scenario: the weights' worth and its limit.

    ``weights_not_trusted``: Pareto k above the limit; ``too_few_effective_draws``: 1/Σw² below it.
    """

    code: Literal["weights_not_trusted", "too_few_effective_draws"]
    value: float
    limit: float


ScenarioReason = Annotated[MethodReason | FailedWeights, Field(discriminator="code")]


class ActAssumed(Record):
    """An act that a scenario assumes: on a day, or once between two."""

    label: str
    first_day: date
    last_day: date
    category: str
    subcategory: str = Field(default="", description="what kind of act of its category; empty: not stated")
    severity: int
    by: str = Field(default="", description="who acts, or who towards whom (A>B); empty: not stated")
    probability: Probability
    seen: bool = Field(default=False, description="seen, so that it also tells of tension and level")
    meets: tuple[str, ...] = Field(description="targets that it meets by itself")


class ExpectationChanged(Record):
    """A scheduled event that a scenario makes more or less likely."""

    label: str
    before: Probability
    after: Probability


class BeliefStated(Record):
    """What a scenario believes: so many times the chance of a target on every day of a window."""

    target: str
    first_day: date
    last_day: date
    ratio: float = Field(ge=0.0, description="0: it cannot happen there")
    from_now: bool = Field(
        description="whether the window begins on the first day ahead: a ratio of 0 then gives the forecast "
        "given that nothing has happened by its end"
    )


ScenarioKind = Literal["done", "given", "belief"]
"""What a scenario states: acts that are done, or not; a fact; another chance, rate, prior or past."""


class ActsNamed(Record):
    """A class of acts: of a category and, where stated, of subcategories, severities and actors."""

    category: str
    subcategory: tuple[str, ...] = Field(default=(), description="with * for any text; empty: any")
    severities: tuple[int, ...] = Field(description="all that count")
    by: tuple[str, ...] = Field(default=(), description="who acts, or who towards whom (A>B); empty: anybody")


class OccasionNamed(Record):
    """A day that sets a reaction off: a milestone or a scheduled event, by its label, with earlier days."""

    label: str
    past: tuple[date, ...] = ()


class AnswerNamed(Record):
    """What counts as an answer: acts that meet a target, or conflict of these categories by these actors."""

    target: str | None = None
    categories: tuple[str, ...] = Field(default=(), description="empty: any of conflict")
    by: tuple[str, ...] = Field(default=(), description="who answers; empty: either side")
    towards: tuple[str, ...] = Field(default=(), description="towards whom; empty: anybody")


class ReactionStated(Record):
    """A reaction as a config states it."""

    name: str
    label: str = Field(default="", description="the author's; empty: none is given")
    trigger: ActsNamed | OccasionNamed
    answer: AnswerNamed
    days: int = Field(description="within which the answer follows")
    chance: str | float | dict[str, Any] = Field(
        description="'learned', or as the author states it: a word, a share, a distribution, quantiles"
    )
    uses_record: bool = Field(description="whether the record updates the chance")

    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.name.replace("_", " ").capitalize()


class ReactionBasis(Record):
    """What an answer takes from a reaction: how its past cases were followed, and the chance stated."""

    code: Literal["reaction"] = "reaction"
    reaction: ReactionStated
    cases: int = Field(description="past triggers or occasions whose days are over")
    followed: int = Field(description="of them, by the answer that the reaction names")
    target: str = Field(description="that of the headline")
    target_followed: int = Field(description="of the cases, by this target")
    severity: int | None = Field(default=None, description="of the act assumed, where the class holds milder")
    grave_cases: int = Field(default=0, description="of the cases, those as grave or graver")
    grave_followed: int = Field(default=0, description="of these, by the target")
    chance90: tuple[float, float, float] | None = Field(
        default=None, description="5%, 50% and 95% quantile of the chance, where it is stated"
    )
    of_act: bool = Field(default=True, description="whether an act assumed sets it off")
    part: float | None = Field(
        default=None,
        description="of the headline's change, what goes without it; None where nothing else could carry it",
    )


class KindBasis(Record):
    """What an answer takes from acts of one kind: how past ones as grave were followed by the headline."""

    code: Literal["kind"] = "kind"
    category: str
    severity: int
    by: str = ""
    target: str = Field(description="that of the headline")
    days: int
    cases: int = Field(description="days with such an act of no named class, whose days are over")
    followed: int
    seen: int = Field(description="all days with such an act of no named class")
    beside_named: bool = Field(description="whether acts of named classes are left aside")
    conflict: bool
    calming: Literal["record", "prior", "none"] | None = Field(
        default=None,
        description="of cooperation: what tells how far it calms; None of conflict, or where the scenario "
        "states it",
    )
    part: float | None = Field(default=None, description="as that of a reaction")


class EventBasis(Record):
    """An act assumed counts as these targets by itself."""

    code: Literal["event"] = "event"
    targets: tuple[str, ...]


class PriorBasis(Record):
    """Whether the record moves estimates whose priors a scenario states."""

    code: Literal["prior"] = "prior"
    names: tuple[str, ...]
    at_prior: tuple[str, ...] = Field(description="those of which the record does not tell")
    acts: int = Field(default=0, description="acts on record of the category of the first of these")


class RateBasis(Record):
    """A prior that moves one part of the rate of a target, and the one that moves all of it."""

    code: Literal["rate"] = "rate"
    prior: str
    whole: str


Basis = Annotated[
    ReactionBasis | KindBasis | EventBasis | PriorBasis | RateBasis, Field(discriminator="code")
]
NoEffect = Literal[
    "after_milestone",
    "not_carried",
    "within_error",
    "no_dependence",
    "no_dependence_on_priors",
    "cooperation",
    "few_answers",
]
"""Why a scenario hardly moves the headline."""


class ScenarioForecast(Record):
    """What a scenario changes, and how it was computed."""

    in_short: ClassVar[Names] = ("name", "label", "method", "withheld", "targets")
    name: str
    label: str
    rationale: str
    method: ScenarioMethod
    reason: ScenarioReason = Field(description="why by this method")
    pareto_k: float | None = Field(
        description="shape of the tail of the weights (of the attempt, when it led to a refit); None without"
    )
    effective_draws: float | None = Field(description="1/Σw² of the weights; None without weights")
    failures: tuple[GateFailure, ...] = Field(
        description="gates that a refit failed, or the weights of what is seen; empty otherwise"
    )
    withheld: Literal["no_refit", "too_few_draws"] | None = Field(
        description="why there are no numbers: a refit is needed and was not wanted, or too few draws fit "
        "what is seen; None when there are"
    )
    acts: tuple[ActAssumed, ...] = Field(default=(), description="acts that it assumes")
    expectations: tuple[ExpectationChanged, ...] = Field(
        default=(), description="scheduled events that it makes more or less likely"
    )
    priors: tuple[str, ...] = Field(default=(), description="parameters whose prior it changes")
    beliefs: tuple[BeliefStated, ...] = ()
    reactions: tuple[str, ...] = Field(default=(), description="labels of the reactions that it states")
    taken_out: int = Field(default=0, description="past events that it takes out")
    basis: tuple[Basis, ...] = Field(
        default=(), description="what the answer rests on beside beliefs and acts taken out, most first"
    )
    no_effect: NoEffect | None = Field(
        default=None, description="why it leaves the headline as it is; None where it moves it"
    )
    targets: tuple[ScenarioTarget, ...]

    @property
    def kinds(self) -> tuple[ScenarioKind, ...]:
        """What it states, of all that it may state at once, in the order of ``ScenarioKind``."""
        chances = [*(act.probability for act in self.acts if not act.seen)]
        chances += [one.after for one in self.expectations]
        quiet = [one.from_now and one.ratio == 0 for one in self.beliefs]
        done = any(one in (0.0, 1.0) for one in chances)
        given = any(quiet) or any(act.seen for act in self.acts)
        open_chance = any(0 < one < 1 for one in chances) or not all(quiet)
        other = open_chance or self.priors or self.reactions or self.taken_out or not (done or given)
        stated: dict[ScenarioKind, object] = {"done": done, "given": given, "belief": other}
        return tuple(kind for kind, is_stated in stated.items() if is_stated)

    def answer(self, target: str, milestone: str) -> ScenarioMilestone:
        """Return what it says to one question."""
        return self.target(target).milestone(milestone)

    def target(self, name: str) -> ScenarioTarget:
        """Return the target of that name (``KeyError``, with those that there are, when there is none)."""
        return one_named(self.targets, "target", name)


class Headline(Record):
    """Which target and milestone make the bottom line."""

    target: str
    milestone: str


Step = Literal[
    "base_rate",
    "own_rates",
    "drift",
    "tension",
    "reactions",
    "recent_acts",
    "other_pairs",
    "scheduled_events",
]
"""A source of change between a base rate and the headline: see ``docs/report.md``."""


class WaterfallStep(Record):
    """The headline probability with the sources up to this one, and what this one adds."""

    step: Step
    probability: Probability
    change: float = Field(description="that minus the step before; 0 for the base rate")
    points: float = Field(
        default=0.0,
        description="the change in points as it is printed, of the base rate the whole: all add up to the "
        "headline in percent, rounded to a tenth",
    )
    error: float = Field(ge=0.0, description="Monte Carlo standard error of the change")


Claim = Literal["better", "worse", "none"]


class OwnRecord(Record):
    """How forecasts of the headline target did in the past, at a distance like that of the headline.

    All but ``never_tested`` is ``None`` where nothing of the kind was tested.
    """

    never_tested: bool = Field(description="no backtest of this target at such a distance")
    horizon_days: int | None = Field(default=None, description="the tested one that is nearest")
    windows: int | None = None
    overlapping: bool = Field(default=False, description="whether the windows overlap")
    held: int | None = Field(default=None, description="windows in which the target happened")
    episodes: int | None = Field(default=None, description="cases apart that these windows met first")
    mean_said: Probability | None = Field(default=None, description="mean of the forecasts")
    highest_said: Probability | None = None
    highest_came: bool | None = Field(default=None, description="whether it happened after the highest")
    claim: Claim = Field(default="none", description="what may be said of the skill")


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
    also: tuple[str, ...] = Field(default=(), description="ids of other rows of the case, left out with it")

    @property
    def clear(self) -> bool:
        """Whether the change is over three times its error: of so many events one passes twice by luck."""
        return abs(self.change) > 3 * self.mcse


def least_change(headline: float) -> float:
    """Change from which an event counts as a driver: a point, or a tenth of a smaller headline."""
    return min(0.01, headline / 10)


class Forecast(Record):
    """The content of ``forecast.json``."""

    in_short: ClassVar[Names] = ("run_id", "as_of", "converged", "headline", "targets", "scenarios")
    schema_: Literal[8] = Field(8, alias="schema")
    run_id: str
    name: str
    dyad: DyadRecord
    as_of: date
    made_on: date | None = Field(default=None, description="day on which it was made; None: not recorded")
    hindsight: bool = Field(default=False, description="made more than a week after the as-of date")
    model: str
    converged: bool
    fits: tuple[Diagnostics, ...] = Field(min_length=1, description="one a fitted model")
    targets: tuple[TargetForecast, ...]
    headline: Headline
    scale: Scale = Field(description="what severities mean")
    reporter: Reporter
    cautions: tuple[Notice, ...] = Field(
        default=(), description="what a reader must know before trusting the numbers, gravest first"
    )
    members: tuple[Member, ...] = Field(default=(), description="what the forecast is the mean of")
    waterfall: tuple[WaterfallStep, ...] = Field(
        default=(), description="where the headline comes from; empty where it was not measured"
    )
    record: OwnRecord | None = Field(default=None, description="how such forecasts did; None unless saved")
    decision: Decision | None = Field(default=None, description="None without stated costs")
    scenarios: tuple[ScenarioForecast, ...] = ()
    drivers: tuple[Driver, ...]
    drivers_tried: int | None = Field(
        default=None,
        description="events that were left out in turn; the most likely to matter. None: not measured",
    )
    versions: dict[str, str]

    @property
    def diagnostics(self) -> Diagnostics:
        """Those of the model."""
        return self.fits[0]

    @property
    def too_little(self) -> Notice | None:
        """Why the record is too little for a forecast; ``None`` where it is enough."""
        return next((caution for caution in self.cautions if caution.code == "too_little_record"), None)

    @property
    def headline_target(self) -> TargetForecast:
        """The target of the bottom line (``KeyError`` where there is none)."""
        return self.target(self.headline.target)

    @property
    def headline_milestone(self) -> MilestoneForecast:
        """The answer of the bottom line (``KeyError`` where there is none)."""
        return self.headline_target.milestone(self.headline.milestone)

    @property
    def days_ahead(self) -> int:
        """Days after the as-of date and before the headline's milestone: those of the window asked of."""
        return (self.headline_milestone.date - self.as_of).days - 1

    @property
    def clear_drivers(self) -> tuple[Driver, ...]:
        """Events that clearly move the headline, the largest effect first."""
        least = least_change(self.headline_milestone.probability)
        clear = [one for one in self.drivers if one.clear and abs(one.change) >= least]
        return tuple(sorted(clear, key=lambda one: (-abs(one.change), -one.change, one.date, one.event_id)))

    def target(self, name: str) -> TargetForecast:
        """Return the target of that name (``KeyError``, with those that there are, when there is none)."""
        return one_named(self.targets, "target", name)

    def scenario(self, name: str) -> ScenarioForecast:
        """Return the scenario of that name (``KeyError``, with those that there are, when there is none)."""
        return one_named(self.scenarios, "scenario", name)


def named_milestone(
    forecast: Forecast, target: str, before: str, option: str = "--before"
) -> MilestoneForecast:
    """Return the answer of a run before a milestone, given by name or day (``InputError``)."""
    targets = {each.name: each for each in forecast.targets}
    if target not in targets:
        hint = did_you_mean(target, tuple(targets))
        raise InputError(f"--target: the run has no '{shown(target)}'.{hint} It has: {', '.join(targets)}")
    milestones = targets[target].milestones
    for milestone in milestones:
        if before in (milestone.name, milestone.date.isoformat()):
            return milestone
    known = ", ".join(f"{milestone.date} ({milestone.name})" for milestone in milestones)
    hint = did_you_mean(before, [milestone.name for milestone in milestones])
    raise InputError(f"{option}: the run has no milestone '{shown(before)}'.{hint} It has: {known}")
