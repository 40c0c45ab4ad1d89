"""What is on record in a ledger: entries, the one text that each has, and the scores that are made of them.

The ``id`` of an entry is a hash of what makes it what it is, not of when it was recorded: the same forecast
has the same id in every ledger, so that re-running adds nothing. All probabilities are in [0, 1], all days
are ISO days, all times UTC.

A hash means the same everywhere because a value has one text: JSON by the rules of RFC 8785. Keys are sorted,
nothing is spaced, numbers are in plain decimal notation as ECMAScript writes them: 0.25, 0.00001, 1. They are
rounded to ``DIGITS`` decimals where they enter the ledger, which keeps them in the range without an exponent.
A chance that is neither 0 nor 1 is neither on record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from forecast.errors import clean_text
from forecast.records.analysis import ErrorBound, ReliabilityCurve
from forecast.records.base import STANDARD, Interval, Probability, Record
from forecast.records.forecast import Baseline, Claim, Reporter
from forecast.records.notices import Notice

SCHEMA: Literal[9] = 9
"""Version of the payloads; no other is read."""
GENESIS = "0" * 64
"""What the first record of a chain has in the place of the hash before it."""
DIGITS = 6
"""Decimals kept of every number on record; the Monte Carlo error of a probability is far larger."""
GRACE_DAYS = 7
"""Days after the as-of date within which a forecast counts as made ahead; made later it is a hindcast."""
SHOWN_DIGITS = 10
"""Digits of an id that are shown; any beginning of at least ``FEWEST_DIGITS`` that is unique will do."""
FEWEST_DIGITS = 4
FIRST_YEAR, LAST_YEAR = 1000, 9000
"""Of days and times on record: sums of days stay within the calendar."""

Standing = Literal["open", "resolved", "void"]
Refusal = Literal["missing", "unconverged", "void", "settings", "program", "late"]


def _in_calendar[D: date](day: D) -> D:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year is not between {FIRST_YEAR} and {LAST_YEAR}")
    return day


def _is_empty(value: object) -> bool:
    return value is None or value is False


Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256, 64 hex digits")]
# Ledgers of others are read as well: what could steer a terminal is taken out.
Text = Annotated[str, Field(min_length=1), AfterValidator(clean_text)]
Day = Annotated[date, AfterValidator(_in_calendar)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_calendar)]


class Condition(Record):
    """Acts of a class, the first of which in the window of a question starts a clock of so many days."""

    category: str
    subcategory: tuple[str, ...] = Field(description="sorted; with * for any text; empty: any")
    severities: tuple[int, ...] = Field(min_length=1)
    by: tuple[str, ...] = Field(description="who acts, sorted; empty: anybody")
    days: int = Field(ge=1, description="the target has to follow on one of the next so many days")


class Question(Record):
    """What is forecast: an act that meets the rule, after ``as_of`` and before ``milestone``.

    Under a ``condition`` that window is of the trigger, and the act has to follow within the condition's
    days; without a trigger the question is void. Actors and ``any_of`` are sorted, so that equal questions
    are equal. Without ``by`` anybody's acts count; without ``scale`` severities are of the
    standard one.
    """

    dyad: tuple[str, str] = Field(description="the two sides, sorted; actors of a side are joined by a plus")
    sides: tuple[tuple[str, ...], tuple[str, ...]] = Field(description="actors of each side, as in dyad")
    theatre: tuple[str, ...] = Field(description="acts between one of them and a side count too")
    any_of: tuple[str, ...] = Field(min_length=1, description="categories that meet the target, sorted")
    min_severity: int = Field(ge=1, le=5)
    by: tuple[str, ...] | None = Field(None, min_length=1, exclude_if=_is_empty)
    scale: Text | None = Field(None, exclude_if=_is_empty)
    as_of: Day = Field(description="last day that was known")
    milestone: Day = Field(description="first day that no longer counts")
    condition: Condition | None = Field(None, exclude_if=_is_empty, description="what starts the clock")

    @property
    def id(self) -> str:
        """Hash of the question."""
        return content_hash(self.model_dump(mode="json"))

    @property
    def origin(self) -> date:
        """First day of the window."""
        return self.as_of + timedelta(days=1)

    @property
    def horizon_days(self) -> int:
        """Days from the day after ``as_of`` to the day before ``milestone``, or after a trigger."""
        return self.condition.days if self.condition else (self.milestone - self.origin).days

    @property
    def pair(self) -> str:
        """The dyad as one word, e.g. ``CHN-USA``."""
        return "-".join(self.dyad)

    @property
    def scale_key(self) -> str:
        """What the severities mean (``Scale.key``)."""
        return self.scale or STANDARD

    def is_over(self, through: date, triggered_on: date | None = None) -> bool:
        """Whether events through this day cover the window, or the days after its trigger."""
        if self.condition and triggered_on:
            return (through - triggered_on).days >= self.condition.days
        return self.milestone.toordinal() <= through.toordinal() + 1


class Rule(Record):
    """How a question was put to people: the rule in the words of its author, and the anchors of the scale."""

    reporter: Reporter = Field(description="whose reports settle it")
    counts: Text | None = Field(None, exclude_if=_is_empty, description="None: what the anchors say")
    does_not_count: Text | None = Field(None, exclude_if=_is_empty)
    edge_cases: tuple[Text, ...] = ()
    anchors: dict[str, Text] = Field(description="of the least severity that counts, by category")
    anchors_below: dict[str, Text] = Field(
        default_factory=dict, description="of the severity below it; empty: none"
    )


class LedgerEntry(Record):
    """Base of what is put on record."""

    id: Hash

    identity: ClassVar[set[str] | None] = None
    """Fields that the id is made of; ``None``: all but itself."""

    @property
    def expected_id(self) -> str:
        """The id that the content has."""
        return content_hash(self.model_dump(mode="json", include=self.identity, exclude={"id"}))


class ProbabilityEntry(LedgerEntry):
    """Base of what answers a question with a probability."""

    question: Question
    probability: Probability
    made_on: Moment

    @property
    def failed(self) -> bool:
        """Whether the run did not converge: it is neither listed nor scored unless asked for."""
        return False

    @property
    def hindcast(self) -> bool:
        """Whether it was made so late that part of the answer could be known."""
        return self.made_on.date() > self.question.as_of + timedelta(days=GRACE_DAYS)


class ForecastEntry(ProbabilityEntry):
    """One probability of a run: one target before one milestone."""

    kind: Literal["forecast"] = "forecast"
    name: Text = Field(description="name of the config")
    dyad_label: Text
    target: Text
    target_label: Text
    rule: Rule | None = Field(None, exclude_if=_is_empty, description="how it was asked")
    grave: bool = Field(False, exclude_if=_is_empty, description="of high impact: no word plays it down")
    milestone_name: Text
    milestone_label: Text
    model: Text
    mcse: float = Field(ge=0.0, description="Monte Carlo standard error of the probability")
    interval90: Interval
    baseline: Baseline
    converged: bool
    config_sha256: Hash
    data_sha256: Hash
    code_version: Text
    program: Text | None = Field(None, exclude_if=_is_empty, description="as in a seal")
    run_id: Text
    run_folder: Text | None = Field(description="where the run was kept; null when it was not")

    identity: ClassVar[set[str] | None] = {
        *("kind", "question", "name", "target", "milestone_name", "model"),
        *("config_sha256", "data_sha256", "code_version"),
    }

    @property
    def failed(self) -> bool:
        """Whether the run did not converge."""
        return not self.converged


class JudgementEntry(ProbabilityEntry):
    """Somebody else's probability for a question: a person's, a crowd's, a price of a market.

    Statements of a ``person`` and prices are told apart by their time, so that one who returns to an earlier
    number is on record with all three.
    """

    kind: Literal["judgement"] = "judgement"
    forecaster: Text
    person: bool = Field(False, exclude_if=_is_empty, description="stated by 'forecast judge'")
    price: bool = Field(False, exclude_if=_is_empty, description="of a market on the day of made_on")
    interval: Interval | None = Field(None, exclude_if=_is_empty, description="range that the person gives")
    because: Text | None = Field(None, exclude_if=_is_empty, description="the reason that the person gives")
    link: Text | None = Field(None, exclude_if=_is_empty, description="address of the forecast, if stated")
    differs: Text | None = Field(None, exclude_if=_is_empty, description="how its question differs")

    @property
    def expected_id(self) -> str:
        """The id that the content has."""
        fields = {"kind", "question", "forecaster", "probability"}
        if self.person:
            fields |= {"person", "made_on", "interval", "because"}
        if self.price:
            fields |= {"price", "made_on"}
        return content_hash(self.model_dump(mode="json", include=fields))


class ResolutionEntry(LedgerEntry):
    """What happened, by the rule of the question."""

    kind: Literal["resolution"] = "resolution"
    question_id: Hash
    outcome: Literal[0, 1] | None = Field(description="null: never triggered, so void")
    triggered_on: date | None = Field(None, exclude_if=_is_empty, description="of a conditional question")
    decided_on: date | None = Field(description="day of the first act that met the target; null for a no")
    acts: tuple[Text, ...] = Field(description="ids of the acts in the window that met the target")
    through: Day = Field(description="last day that the events cover")
    events_source: Text
    events_sha256: Hash
    corrects: Hash | None = Field(None, description="id of the resolution that this one replaces")

    def same_answer(self, other: ResolutionEntry) -> bool:
        """Whether both say that the same happened, by the same acts."""
        return all(
            getattr(self, part) == getattr(other, part)
            for part in ("outcome", "triggered_on", "decided_on", "acts")
        )


class VoidEntry(LedgerEntry):
    """A forecast, or a question with all its forecasts, that does not count, and why."""

    kind: Literal["void"] = "void"
    subject: Hash = Field(description="id of the forecast, judgement or question")
    reason: Text


class RunEntry(LedgerEntry):
    """The folder that a run left, so that it can be told later whether it was altered."""

    kind: Literal["run"] = "run"
    run_id: Text
    manifest_sha256: Hash = Field(description="of the manifest's lasting part (``run_hash``)")
    run_folder: Text = Field(description="where the run was kept")

    identity: ClassVar[set[str] | None] = {"kind", "run_id", "manifest_sha256"}


class SealedForecast(Record):
    """A question, and which config and model have to answer it."""

    question: Question
    name: Text = Field(description="name of the config")
    target: Text
    model: Text
    config_sha256: Hash = Field(description="of the config as of the day of the question")


class SealEntry(LedgerEntry):
    """The plan of a test, put on record before its windows open."""

    kind: Literal["seal"] = "seal"
    name: Text
    sealed_on: Day
    forecasts: tuple[SealedForecast, ...] = Field(min_length=1)
    rivals: tuple[Text, ...] = Field(description="forecasters that are scored beside, and the base rate")
    data_sha256: dict[str, Hash] = Field(description="of the events known on that day, by config")
    program: Text = Field(description="versions and hash of the code that the numbers depend on")


AnyEntry = Annotated[
    ForecastEntry | JudgementEntry | ResolutionEntry | VoidEntry | RunEntry | SealEntry,
    Field(discriminator="kind"),
]


class Payload(Record):
    """What a record says and when it was written down; the text that is hashed."""

    schema_: Literal[9] = Field(SCHEMA, alias="schema")
    recorded_on: Moment
    entry: AnyEntry


def with_id[E: LedgerEntry](kind: type[E], **fields: object) -> E:
    """Make an entry whose id is that of its content."""
    draft = kind.model_validate({"id": GENESIS, **fields})
    return draft.model_copy(update={"id": draft.expected_id})


def canonical_json(value: object) -> str:
    """Return JSON-like values as canonical text (``ValueError`` for numbers without a plain notation)."""
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return str(value)
        case float():
            return _number(value)
        case Mapping():
            items = (f"{canonical_json(key)}:{canonical_json(value[key])}" for key in sorted(value))
            return "{" + ",".join(items) + "}"
        case Sequence():
            return "[" + ",".join(map(canonical_json, value)) + "]"
    raise TypeError(f"JSON knows no {type(value).__name__}")


def _number(value: float) -> str:
    if value == 0:
        return "0"
    if not 1e-6 <= abs(value) < 1e15:
        raise ValueError(f"{value!r} has no plain decimal notation; round it to {DIGITS} decimals first")
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded_chance(probability: float) -> float:
    """Round a chance to ``DIGITS`` decimals, but never to 0 or 1 what is neither."""
    least = 10.0**-DIGITS
    inside = probability if probability in {0.0, 1.0} else min(max(probability, least), 1 - least)
    return round(inside, DIGITS)


def content_hash(value: object) -> str:
    """Return the SHA-256 of the canonical text, 64 hex digits."""
    return _sha256(canonical_json(value))


def link_hash(previous: str, payload: str) -> str:
    """SHA-256 of the hash before and the payload, one after the other."""
    return _sha256(previous + payload)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


# Scores


class Counts(Record):
    """What became of every forecast on record; all but the last add up to ``forecasts``."""

    forecasts: int
    scored: int
    open: int
    void: int
    unconverged: int = Field(description="not scored: the run did not converge")
    repeated: int = Field(description="not scored: an earlier forecast of the same question stands")
    hindcasts: int = Field(description="of the scored: made more than a week after the as-of date")


class GroupScore(Record):
    """Mean scores of a group, beside those of the baseline that each forecast was recorded with.

    ``brier`` and ``log`` (in nats) are better when lower. ``skill`` is 1 − Brier / baseline's Brier.
    ``episodes`` are the first events in the windows of a pair, those within a month of another as one.
    """

    by: str = "all"
    group: str = "all"
    n: int
    n_yes: int
    episodes: int
    brier: ErrorBound
    log: ErrorBound
    baseline_brier: float
    baseline_log: float
    skill: ErrorBound | None
    claim: Claim


class LedgerMiss(Record):
    """A forecast on the wrong side of an even chance."""

    id: str
    dyad: str
    target: str
    as_of: date
    milestone: date
    probability: Probability
    outcome: Literal[0, 1]


class LedgerScores(Record):
    """All scores of a ledger; ``groups`` begins with all forecasts together."""

    schema_: Literal[4] = Field(4, alias="schema")
    head: str
    counts: Counts
    void_share: float | None
    groups: tuple[GroupScore, ...]
    calibration: tuple[ReliabilityCurve, ...]
    calibration_slope: ErrorBound | None
    largest_misses: tuple[LedgerMiss, ...]
    warnings: tuple[Notice, ...]


class PersonScore(Record):
    """One forecaster on the questions that it answered; Brier and log score (nats): lower is better.

    On the same questions, ``skill`` is 1 − Brier / that of the base rate, ``model_brier`` the model's, and
    ``lead`` the model's Brier score minus this one: above 0 it was better than the model. ``n_late`` of its
    answers were made more than a week after the as-of date.
    """

    by: str
    n: int
    n_yes: int
    brier: float
    brier_se: float | None
    log: float
    skill: float | None
    model_brier: float
    lead: float
    lead_se: float | None
    n_late: int
    sure: bool = Field(description="whether the lead exceeds twice its error, with enough outcomes")


class SealRefusal(Record):
    """A sealed question without a forecast that was made as sealed, and why there is none."""

    name: str = Field(description="name of the config")
    target: str
    as_of: date
    milestone: date
    why: Refusal


class SealScores(Record):
    """How the forecasts of a sealed plan did beside the base rate and the rivals, by the Brier score."""

    schema_: Literal[1] = Field(1, alias="schema")
    id: str = Field(description="of the seal")
    name: str
    sealed_on: date
    sealed: int = Field(description="questions")
    refused: tuple[SealRefusal, ...]
    scores: tuple[PersonScore, ...] = Field(description="empty where no forecast was made as sealed")
