"""The chain of a ledger: records linked by hashes, and the ledger in memory that they make."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from forecast.errors import LedgerError
from forecast.events.codebook import pair_named
from forecast.records.ledger import (
    FEWEST_DIGITS,
    GENESIS,
    SCHEMA,
    SHOWN_DIGITS,
    AnyEntry,
    ForecastEntry,
    JudgementEntry,
    Payload,
    ProbabilityEntry,
    Question,
    ResolutionEntry,
    Standing,
    VoidEntry,
    canonical_json,
    link_hash,
)


def is_about(question: Question, pair: str) -> bool:
    """Whether a text such as ``usa-chn`` or ``China-USA`` names the dyad of a question, either way round."""
    either = ("-".join(question.dyad), "-".join(reversed(question.dyad)))
    written = (pair.strip(), "-".join(pair_named(pair)))
    return any(name.casefold() in map(str.casefold, either) for name in written)


class OldFormatError(Exception):
    """A record that an earlier version wrote; the text goes on from the name of the ledger."""


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
            raise OldFormatError(
                f"is of format {content['schema']}; this version reads {SCHEMA}. Export it with the version "
                "that wrote it ('forecast ledger export'), or begin a new one ('forecast run --ledger FILE')"
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

    Raises ``LedgerError``: it is of an earlier format.

    Records cut off at the end leave no trace here: compare the head with one that was noted elsewhere.
    """
    ledger = Ledger(path)
    for link in links:
        try:
            ledger.add(link)
        except BadRecordError as bad:
            return ledger, str(bad)
        except OldFormatError as old:
            raise LedgerError(f"{path}: {old}") from old
    return ledger, ""
