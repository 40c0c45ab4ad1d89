"""What is on record, linked by hashes: entries, the one text that each has, and the ledger that they make.

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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError

from forecast.errors import LedgerError
from forecast.events.cells import clean_text
from forecast.events.codebook import pair_named
from forecast.reactions import acts_in_words
from forecast.records.base import Interval, Probability, Record
from forecast.records.forecast import Baseline
from forecast.records.scale import STANDARD
from forecast.targets import ActClass
from forecast.wording import count

SCHEMA: Literal[8] = 8
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

    @property
    def acts(self) -> ActClass:
        """The class."""
        return ActClass(self.category, self.subcategory, self.severities, self.by)

    @property
    def words(self) -> str:
        """E.g. ``within 14 days of dispute/taiwan_visit ≥ 3 by USA``."""
        return f"within {count(self.days, 'day')} of {acts_in_words(self.acts)}"


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

    def is_about(self, pair: str) -> bool:
        """Whether a text such as ``usa-chn`` or ``China-USA`` names the dyad, either way round."""
        either = ("-".join(self.dyad), "-".join(reversed(self.dyad)))
        written = (pair.strip(), "-".join(pair_named(pair)))
        return any(name.casefold() in map(str.casefold, either) for name in written)


class RuleInWords(Record):
    """How a question was put to people: its text, and the rule in words with the anchors that it quotes."""

    question: Text
    counts: Text
    does_not_count: Text | None = Field(None, exclude_if=_is_empty)
    edge_cases: tuple[Text, ...] = ()
    anchors: dict[str, Text] = Field(description="of the least severity that counts, by category")


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
    rule: RuleInWords | None = Field(None, exclude_if=_is_empty, description="the question as asked")
    milestone_name: Text
    milestone_label: Text
    model: Text
    mcse: float = Field(ge=0.0, description="Monte Carlo standard error of the probability")
    interval90: Interval
    words: Text
    baseline: Baseline
    converged: bool
    config_sha256: Hash
    data_sha256: Hash
    code_version: Text
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

    @property
    def asked(self) -> str:
        """Name of the target, with the condition."""
        return self.target + (f" {self.question.condition.words}" if self.question.condition else "")


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


AnyEntry = Annotated[
    ForecastEntry | JudgementEntry | ResolutionEntry | VoidEntry | RunEntry, Field(discriminator="kind")
]


class Payload(Record):
    """What a record says and when it was written down; the text that is hashed."""

    schema_: Literal[8] = Field(SCHEMA, alias="schema")
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


class BadRecordError(Exception):
    """A record that cannot be trusted; the text says why and goes on from 'record 17'."""


@dataclass(frozen=True)
class Link:
    """One record as it is stored: its place, the hash before it, its own hash, its text."""

    sequence: int
    previous: str
    hash: str
    payload: str


@dataclass(frozen=True)
class ChainRecord(Link):
    """One record as it is read: a link, when it was written down, and what it says."""

    recorded_on: datetime
    entry: AnyEntry


def _read_link(link: Link, place: int, previous: str) -> ChainRecord:
    """Read a link that must stand at this place, after the record with this hash.

    ``BadRecordError`` when it does not, was altered, or says what no version up to this one writes.
    """
    if link.sequence != place:
        raise BadRecordError(f"is missing: the next one has number {link.sequence}")
    if link.previous != previous:
        raise BadRecordError("does not follow the record before it: one was removed, added, moved or altered")
    if link_hash(previous, link.payload) != link.hash:
        raise BadRecordError("was altered: its content does not have its hash")
    try:
        content = json.loads(link.payload)
        plain = canonical_json(content) == link.payload
        payload = Payload.model_validate_json(link.payload)
    except ValidationError as error:
        if isinstance(content, dict) and content.get("schema") in range(1, SCHEMA):
            raise BadRecordError(
                f"is of an old format (schema {content['schema']}), which is not read any more. Leave the "
                "file to the version that wrote it; 'forecast run --ledger FILE' makes a new one"
            ) from error
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "the payload"
        raise BadRecordError(f"is none that this version knows: {where}: {fault['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"is not readable: {error}") from error
    if not plain:
        raise BadRecordError("is not written in canonical JSON")
    if payload.entry.id != payload.entry.expected_id:
        raise BadRecordError("has an id that is not that of its content")
    return ChainRecord(**vars(link), recorded_on=payload.recorded_on, entry=payload.entry)


class Ledger:
    """A ledger in memory. It grows at its end only, and takes no record that contradicts an earlier one.

    ``path`` says where it was read from, for messages; ``head`` is the hash of the last record, 64 zeros for
    an empty ledger. ``questions`` are by id, in the order they were first asked, ``resolutions`` by id of the
    question (the last one stands), ``voids`` by id of what does not count.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.questions: dict[str, Question] = {}
        self.resolutions: dict[str, list[ResolutionEntry]] = {}
        self.voids: dict[str, VoidEntry] = {}
        self.head = GENESIS
        self._records: dict[str, ChainRecord] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, entry_id: object) -> bool:
        return entry_id in self._records

    @property
    def records(self) -> Iterator[ChainRecord]:
        """The records, in order."""
        return iter(self._records.values())

    @property
    def forecasts(self) -> Iterator[ForecastEntry]:
        """The forecasts, in order."""
        return (record.entry for record in self.records if isinstance(record.entry, ForecastEntry))

    @property
    def judgements(self) -> Iterator[JudgementEntry]:
        """Others' probabilities, in order."""
        return (record.entry for record in self.records if isinstance(record.entry, JudgementEntry))

    @property
    def answers(self) -> list[ForecastEntry | JudgementEntry]:
        """Forecasts, then others' probabilities."""
        return [*self.forecasts, *self.judgements]

    def record(self, entry_id: str) -> ChainRecord:
        """Return the record of an entry (``KeyError`` when there is none)."""
        return self._records[entry_id]

    def next_link(self, entry: AnyEntry, now: datetime) -> Link:
        """Put an entry into words and link it to the last record; ``now`` has a time zone."""
        payload = Payload(schema=SCHEMA, recorded_on=now.astimezone(UTC).replace(microsecond=0), entry=entry)
        text = canonical_json(payload.model_dump(mode="json", by_alias=True))
        return Link(len(self) + 1, self.head, link_hash(self.head, text), text)

    def add(self, link: Link) -> ChainRecord:
        """Take the next record (``BadRecordError``: it contradicts the chain, which is then as before)."""
        record = _read_link(link, len(self) + 1, self.head)
        entry = record.entry
        if entry.id in self:
            raise BadRecordError("is on record already")
        if isinstance(entry, ResolutionEntry):
            self._add_resolution(entry)
        elif isinstance(entry, VoidEntry):
            if entry.subject not in self and entry.subject not in self.questions:
                raise BadRecordError("declares void what is not on record")
            self.voids.setdefault(entry.subject, entry)
        elif isinstance(entry, ProbabilityEntry):
            self.questions.setdefault(entry.question.id, entry.question)
        self._records[entry.id] = record
        self.head = record.hash
        return record

    def _add_resolution(self, entry: ResolutionEntry) -> None:
        question = self.questions.get(entry.question_id)
        if question is None:
            raise BadRecordError("resolves a question that is not on record")
        if not question.is_over(entry.through, entry.triggered_on):
            raise BadRecordError(f"resolves a question that was open until {question.milestone}")
        if (entry.outcome is None) != (question.condition is not None and entry.triggered_on is None):
            raise BadRecordError("resolves a question with a trigger where there is none, or the reverse")
        standing = self.resolution_of(entry.question_id)
        if (standing.id if standing else None) != entry.corrects:
            raise BadRecordError("does not point to the resolution that it replaces")
        self.resolutions.setdefault(entry.question_id, []).append(entry)

    def resolution_of(self, question_id: str) -> ResolutionEntry | None:
        """The resolution of a question that stands, if there is one."""
        return self.resolutions.get(question_id, [None])[-1]

    def void_of(self, entry: ProbabilityEntry) -> VoidEntry | None:
        """Why a forecast does not count: it, or its question, was declared void."""
        return self.voids.get(entry.id) or self.voids.get(entry.question.id)

    def standing(self, entry: ProbabilityEntry) -> Standing:
        """Whether a forecast is open, resolved, or void: declared so, or never triggered."""
        resolution = self.resolution_of(entry.question.id)
        if self.void_of(entry) or (resolution and resolution.outcome is None):
            return "void"
        return "resolved" if resolution else "open"

    def find(self, beginning: str) -> str:
        """Return the id of the one entry or question that begins so (``LedgerError`` for none or several)."""
        start = beginning.strip().lower()
        if len(start) < FEWEST_DIGITS:
            raise LedgerError(
                f"'{beginning}' is too short. Give at least {FEWEST_DIGITS} digits of an id; "
                "'forecast ledger list' shows them"
            )
        ids = [each for each in (*self._records, *self.questions) if each.startswith(start)]
        if not ids:
            raise LedgerError(f"{self.path}: nothing has the id '{beginning}'. See 'forecast ledger list'")
        if len(ids) > 1:
            shown = ", ".join(each[:SHOWN_DIGITS] for each in ids[:5])
            raise LedgerError(f"'{beginning}' begins {len(ids)} ids: {shown} … Give more digits")
        return ids[0]


def check_chain(path: str, links: Iterable[Link]) -> tuple[Ledger, str]:
    """Check every record in order; return the ledger up to the first bad one, and why it is, or empty.

    Records cut off at the end leave no trace here: compare the head with one that was noted elsewhere.
    """
    ledger = Ledger(path)
    for link in links:
        try:
            ledger.add(link)
        except BadRecordError as bad:
            return ledger, str(bad)
    return ledger, ""
