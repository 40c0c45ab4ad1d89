"""What is put on record, as types: forecasts, others' judgements, resolutions, voids, folders of runs.

The ``id`` of an entry is a hash of what makes it what it is, not of when it was recorded: the same forecast
has the same id in every ledger, so that re-running adds nothing and merged ledgers hold nothing twice.
All probabilities are in [0, 1], all days are ISO days, all times UTC.

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
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from forecast.events.cells import clean_text
from forecast.events.countries import pair_named
from forecast.records.base import Interval, Probability, Record
from forecast.records.explained import MarketFacts
from forecast.records.forecast import Baseline
from forecast.records.scale import STANDARD

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256, 64 hex digits")]
# Ledgers of others are read as well: what could steer a terminal is taken out.
Text = Annotated[str, Field(min_length=1), AfterValidator(clean_text)]
FIRST_YEAR, LAST_YEAR = 1000, 9000
"""Of days and times on record: sums of days stay within the calendar."""


def _in_calendar[D: date](day: D) -> D:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year is not between {FIRST_YEAR} and {LAST_YEAR}")
    return day


Day = Annotated[date, AfterValidator(_in_calendar)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_calendar)]


def _clean_facts(facts: MarketFacts) -> MarketFacts:
    cleaned = {name: clean_text(getattr(facts, name)) for name in ("key", "title")}
    return facts.model_copy(update=cleaned)


GENESIS = "0" * 64
"""What the first record of a chain has in the place of the hash before it."""
DIGITS = 6
"""Decimals kept of every number on record; the Monte Carlo error of a probability is far larger."""
GRACE_DAYS = 7
"""Days after the as-of date within which a forecast counts as made ahead; made later it is a hindcast."""


def _is_none(value: object) -> bool:
    return value is None


def _is_false(value: object) -> bool:
    return value is False


class Question(Record):
    """What is forecast: an act that meets the rule, after ``as_of`` and before ``milestone``.

    Actors and ``any_of`` are sorted, so that equal questions are equal. Questions of schema 1 name their pair
    only: they have neither ``sides`` nor ``theatre``. Without ``scale`` severities are of the scale standard.
    """

    dyad: tuple[str, str] = Field(description="the two sides, sorted; actors of a side are joined by a plus")
    sides: tuple[tuple[str, ...], tuple[str, ...]] | None = Field(
        None, exclude_if=_is_none, description="actors of each side, in the order of dyad"
    )
    theatre: tuple[str, ...] | None = Field(
        None, exclude_if=_is_none, description="third parties; acts between one of them and a side count too"
    )
    any_of: tuple[str, ...] = Field(min_length=1, description="categories that meet the target, sorted")
    min_severity: int = Field(ge=1, le=5)
    by: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        exclude_if=_is_none,
        description="actors whose acts count, sorted; null: anybody's",
    )
    scale: Text | None = Field(
        None,
        exclude_if=_is_none,
        description="what severities mean: armed, or name and hash of a file of anchors; null: standard",
    )
    as_of: Day = Field(description="last day that was known")
    milestone: Day = Field(description="first day that no longer counts")

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
        """Days in the window, from the day after ``as_of`` to the day before ``milestone``."""
        return (self.milestone - self.origin).days

    @property
    def pair(self) -> str:
        """The dyad as one word, e.g. ``CHN-USA``."""
        return "-".join(self.dyad)

    @property
    def scale_key(self) -> str:
        """What the severities mean (``Scale.key``)."""
        return self.scale or STANDARD

    def is_over(self, through: date) -> bool:
        """Whether events through this day cover the window: its last day is the one before the milestone."""
        return self.milestone.toordinal() <= through.toordinal() + 1

    def is_about(self, pair: str) -> bool:
        """Whether a text such as ``usa-chn`` or ``China-USA`` names the dyad, either way round."""
        either = ("-".join(self.dyad), "-".join(reversed(self.dyad)))
        written = (pair.strip(), "-".join(pair_named(pair)))
        return any(name.casefold() in map(str.casefold, either) for name in written)


class AskedRule(Record):
    """How a question was put to people: its text, and the rule in words with the anchors that it quotes."""

    question: Text
    counts: Text
    does_not_count: Text
    edge_cases: tuple[Text, ...] = ()
    anchors: dict[str, Text] = Field(description="of the least severity that counts, by category")


class Provenance(Record):
    """Where an imported entry stood before: the head of that chain when it was read, and its own hash."""

    chain_head: Hash
    hash: Hash


class Entry(Record):
    """Base of what is put on record."""

    id: Hash
    provenance: tuple[Provenance, ...] = Field((), description="chains it came through, the first one first")

    identity: ClassVar[frozenset[str]]
    """Fields that the id is made of."""

    @property
    def expected_id(self) -> str:
        """The id that the content has."""
        return content_hash(self.model_dump(mode="json", include=set(self.identity)))


class ProbabilityEntry(Entry):
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
    rule: AskedRule | None = Field(
        None, exclude_if=_is_none, description="the question as asked; null in entries before schema 4"
    )
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

    @property
    def failed(self) -> bool:
        """Whether the run did not converge."""
        return not self.converged

    identity = frozenset(
        {"kind", "question", "name", "target", "milestone_name", "model"}
        | {"config_sha256", "data_sha256", "code_version"}
    )


class JudgementEntry(ProbabilityEntry):
    """Somebody else's probability for a question: a crowd, a market, an expert.

    ``made_on`` is what its maker says, or the time of the import. Statements of a ``person`` and prices of a
    ``market`` are told apart by their time, so that one who returns to an earlier number is on record with
    all three.
    """

    kind: Literal["judgement"] = "judgement"
    forecaster: Text
    person: bool = Field(False, exclude_if=_is_false, description="stated by 'forecast judge'")
    interval: Interval | None = Field(None, exclude_if=_is_none, description="range that the person gives")
    because: Text | None = Field(None, exclude_if=_is_none, description="the reason that the person gives")
    link: Text | None = Field(None, exclude_if=_is_none, description="address of the forecast, if stated")
    differs: Text | None = Field(
        None, exclude_if=_is_none, description="how the question that it answers differs, as stated"
    )
    market: Annotated[MarketFacts, AfterValidator(_clean_facts)] | None = Field(
        None, exclude_if=_is_none, description="what the site said of the price, where it is that of a market"
    )

    identity = frozenset({"kind", "question", "forecaster", "probability"})

    @property
    def expected_id(self) -> str:
        """The id that the content has."""
        fields: dict[str, Any] = dict.fromkeys(self.identity, True)
        if self.person:
            fields |= dict.fromkeys(("person", "made_on", "interval", "because"), True)
        if self.market:
            # Not what was traded: that is said anew with every file.
            fields |= {"made_on": True, "market": {"site": True, "key": True, "opposite": True}}
        return content_hash(self.model_dump(mode="json", include=fields))


class ResolutionEntry(Entry):
    """What happened, by the rule of the question."""

    kind: Literal["resolution"] = "resolution"
    question_id: Hash
    outcome: Literal[0, 1]
    decided_on: date | None = Field(description="day of the first act that met the target; null for a no")
    acts: tuple[Text, ...] = Field(description="ids of the acts in the window that met the target")
    through: Day = Field(description="last day that the events cover")
    events_source: Text
    events_sha256: Hash
    corrects: Hash | None = Field(None, description="id of the resolution that this one replaces")

    # Everything but the way it came here.
    identity = frozenset(
        {"kind", "question_id", "outcome", "decided_on", "acts", "through"}
        | {"events_source", "events_sha256", "corrects"}
    )

    def same_answer(self, other: ResolutionEntry) -> bool:
        """Whether both say that the same happened, by the same acts."""
        return (self.outcome, self.decided_on, self.acts) == (other.outcome, other.decided_on, other.acts)


class VoidEntry(Entry):
    """A forecast, or a question with all its forecasts, that does not count, and why."""

    kind: Literal["void"] = "void"
    subject: Hash = Field(description="id of the forecast, judgement or question")
    reason: Text

    identity = frozenset({"kind", "subject", "reason"})


class RunEntry(Entry):
    """The folder that a run left, so that it can be told later whether it was altered."""

    kind: Literal["run"] = "run"
    run_id: Text
    manifest_sha256: Hash = Field(
        description="of what the manifest says for good: origin of the run, and hashes of its files"
    )
    run_folder: Text = Field(description="where the run was kept")

    identity = frozenset({"kind", "run_id", "manifest_sha256"})


AnyEntry = Annotated[
    ForecastEntry | JudgementEntry | ResolutionEntry | VoidEntry | RunEntry, Field(discriminator="kind")
]


class Payload(Record):
    """What a record says and when it was written down; the text that is hashed."""

    schema_: Literal[1, 2, 3, 4, 5, 6] = Field(
        6,
        alias="schema",
        description="version of the payloads; 1 lacks sides and theatre of questions, 1 and 2 lack runs, "
        "1 to 3 lack rules, scales and actors of questions, 1 to 4 lack what a person says of a judgement, "
        "1 to 5 what a site says of its market",
    )
    recorded_on: Moment
    clock_behind_s: int | None = Field(
        None, ge=1, description="seconds by which the clock stood behind an earlier record, else null"
    )
    entry: AnyEntry


class ChainLine(Record):
    """One line of the JSON Lines export: a record with its place in the chain.

    ``hash`` is SHA-256 of ``previous`` followed by ``payload`` as canonical JSON (RFC 8785).
    """

    sequence: int = Field(ge=1, description="place in the chain, from 1, without gaps")
    previous: Hash = Field(description="hash of the record before; 64 zeros for the first")
    hash: Hash
    payload: Payload


def ledger_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a line of the export."""
    schema = ChainLine.model_json_schema(by_alias=True, mode="serialization")
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **schema, "title": "A line of a ledger's JSON Lines export"}


def with_id[E: Entry](kind: type[E], **fields: object) -> E:
    """Make an entry whose id is that of its content."""
    draft = kind.model_validate({"id": GENESIS, **fields})
    return draft.model_copy(update={"id": draft.expected_id})


def canonical_json(value: object) -> str:
    """Return JSON-like values as canonical text (``ValueError`` for numbers without a plain notation)."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys of JSON are texts")
        items = (f"{canonical_json(key)}:{canonical_json(value[key])}" for key in sorted(value))
        return "{" + ",".join(items) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(canonical_json(item) for item in value) + "]"
    raise TypeError(f"JSON knows no {type(value).__name__}")


def rounded_chance(probability: float) -> float:
    """Round a chance to ``DIGITS`` decimals, but never to 0 or 1 what is neither."""
    least = 10.0**-DIGITS
    inside = probability if probability in {0.0, 1.0} else min(max(probability, least), 1 - least)
    return round(inside, DIGITS)


def content_hash(value: object) -> str:
    """Return the SHA-256 of the canonical text, 64 hex digits."""
    return sha256_of(canonical_json(value))


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


def _number(value: float) -> str:
    if not (value == 0 or 1e-6 <= abs(value) < 1e15):
        raise ValueError(f"{value!r} has no plain decimal notation; round it to {DIGITS} decimals first")
    text = format(Decimal(repr(abs(value) if value == 0 else value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
