"""What explains the headline: its sources, its months, past and coming events, and how such forecasts did."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from forecast.records.base import Interval, Probability, Record

Step = Literal[
    "base_rate",
    "own_rates",
    "recent_acts",
    "tension",
    "drift",
    "other_pairs",
    "scheduled_events",
]
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


class DatedEvent(Record):
    """A milestone, or a scheduled event of the calendar, on its day."""

    kind: Literal["milestone", "scheduled"]
    date: date
    label: str
    probability: Probability | None = Field(default=None, description="that it happens; of scheduled events")


class MonthRisk(Record):
    """A calendar month, or what is left of it, and the chance that the target first happens in it.

    Errors are Monte Carlo standard errors. The base rates are the chance of at least one case in as many
    days, which does not change from month to month but for their length.
    """

    first_day: date
    last_day: date = Field(description="inclusive")
    days: int = Field(ge=1)
    hazard: Probability = Field(description="that it happens in the month, given that it did not before")
    hazard_mcse: float = Field(ge=0.0)
    probability: Probability = Field(description="that it first happens in the month, as seen today")
    mcse: float = Field(ge=0.0)
    past_windows: Probability = Field(description="share of past windows of as many days with a case")
    constant_rate: Probability | None = Field(
        description="1 - exp(-n d / T): n days with the target in T days of record, d days of the month; "
        "None where the target was never seen"
    )
    scheduled: float = Field(
        default=0.0, description="part of the hazard that the scheduled events bring or, negative, take away"
    )
    scheduled_mcse: float = Field(default=0.0, ge=0.0)
    dated: tuple[DatedEvent, ...] = Field(default=(), description="milestones and scheduled events in it")


class MonthlyRisk(Record):
    """Risk of a target by month, from the day after the as-of date to the last milestone.

    ``difference`` is that of the hazards, for 30 days, of two months that are not cut short: the highest and
    the lowest. ``months_differ`` says that it is beyond chance among all pairs of months, ``date_matters``
    that scheduled events change the hazard of some month by more than chance (both at 5%).
    """

    target: str
    months: tuple[MonthRisk, ...] = Field(min_length=1)
    highest: date = Field(description="first day of the month of highest hazard")
    lowest: date
    difference: float = Field(ge=0.0)
    difference_mcse: float = Field(ge=0.0)
    months_differ: bool
    date_matters: bool
    sentence: str = Field(description="whether any date matters, in one sentence")


class SignHistory(Record):
    """How often a sign misled in the backtest of the same questions, at the tested distance nearest.

    The sign was ``present`` where such an act fell into the last days before an origin, as many as the sign
    is watched for; it ``misled`` where the target then did not happen before the end of the window.
    Neighbouring windows overlap, so they are worth fewer independent cases.
    """

    horizon_days: int
    origins: int
    present: int
    misled: int
    came_without: int = Field(description="origins without the sign after which the target happened")


class Sign(Record):
    """Acts that can be seen in the next days, and the headline once they are, or once the days have passed.

    A sign is at least one act of ``category``, of ``severity`` or more, that does not meet the headline
    target itself. The parts average back to the headline: chance · if_seen + (1 − chance) · if_not_seen =
    headline. Errors are Monte Carlo standard errors.
    """

    category: str
    severity: int = Field(ge=1, le=5, description="least severity")
    most_severity: int = Field(ge=1, le=5, description="greatest severity that does not meet the target")
    label: str = Field(description="the category as readers are told it")
    anchor: str = Field(description="what an act of the least severity looks like, in words of the scale")
    by: tuple[str, ...] = Field(default=(), description="whose acts count; empty: those of everybody")
    within_days: int
    until: date = Field(description="last day on which it is watched for")
    chance: Probability
    chance_mcse: float = Field(ge=0.0)
    if_seen: Probability
    if_seen_mcse: float = Field(ge=0.0)
    if_not_seen: Probability
    if_not_seen_mcse: float = Field(ge=0.0)
    likelihood_ratio: float = Field(
        ge=0.0,
        description="chance of the sign where the target comes before the milestone, over that where not",
    )
    likelihood_ratio90: Interval = Field(description="by its Monte Carlo error")
    information_bits: float = Field(
        ge=0.0, description="mutual information of sign and target: what seeing or not seeing it tells"
    )
    history: SignHistory | None = Field(default=None, description="None where no backtest tells")


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
    differs: tuple[str, ...] = Field(default=(), description="how the question differs from the run's")
    after_as_of: bool = Field(description="made later than the as-of date, so it may know more")


MissingPart = Literal["waterfall", "monthly_risk", "signs", "sign_history", "other_pairs", "others"]
MissingReason = Literal[
    "not_measured",
    "not_converged",
    "no_backtest",
    "no_ledger",
    "none_on_record",
    "none_informative",
    "no_past",
]
_SENTENCES: dict[tuple[str, str], str] = {
    (
        "signs",
        "none_informative",
    ): "No act of the next weeks would tell more about the headline than simulation error.",
    ("sign_history", "no_backtest"): "How often the signs misled is unknown: no backtest of these questions.",
    ("other_pairs", "no_past"): "Other pairs are not compared: of the pairs learned from, the program ships "
    "coefficients and no events.",
    ("others", "no_ledger"): "What others say is unknown: the run was not put beside a ledger.",
    ("others", "none_on_record"): "Nobody else's forecast of these questions is on record in the ledger.",
}
_BY_REASON = {
    "not_measured": "Not measured in this run.",
    "not_converged": "Not told, since the fit did not converge.",
}


class Missing(Record):
    """Something that ``analysis.json`` has no word on, and why."""

    part: MissingPart
    code: MissingReason
    sentence: str

    @classmethod
    def of(cls, part: MissingPart, code: MissingReason) -> Missing:
        """Name what is missing, with its sentence."""
        return cls(part=part, code=code, sentence=_SENTENCES.get((part, code)) or _BY_REASON[code])
