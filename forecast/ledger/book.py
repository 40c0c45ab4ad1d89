"""A chain of records linked by hashes, and what it says when it is read to its end.

A record is kept as text, with a hash of it and of the hash before. A book holds the records in order, and
knows which forecasts stand and what happened.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from forecast.errors import LedgerError
from forecast.ledger.entries import (
    GENESIS,
    AnyEntry,
    ForecastEntry,
    JudgementEntry,
    Payload,
    ProbabilityEntry,
    Question,
    ResolutionEntry,
    VoidEntry,
    canonical_json,
    sha256_of,
)

Standing = Literal["open", "resolved", "void"]

SHOWN_DIGITS = 10
"""Digits of an id that are shown; any beginning of at least ``FEWEST_DIGITS`` that is unique will do."""
FEWEST_DIGITS = 4


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
    clock_behind_s: int | None
    entry: AnyEntry


def link_hash(previous: str, payload: str) -> str:
    """SHA-256 of the hash before and the payload, one after the other."""
    return sha256_of(previous + payload)


def make_link(entry: AnyEntry, sequence: int, previous: str, latest: datetime | None, now: datetime) -> Link:
    """Put an entry into words and link it to the record with the hash ``previous``.

    If the clock (``now``, with a time zone) stands behind the latest time on record, the record says so.
    """
    stamp = now.astimezone(UTC).replace(microsecond=0)
    payload = Payload(schema=4, recorded_on=stamp, clock_behind_s=seconds_behind(stamp, latest), entry=entry)
    text = canonical_json(payload.model_dump(mode="json", by_alias=True))
    return Link(sequence, previous, link_hash(previous, text), text)


def seconds_behind(stamp: datetime, latest: datetime | None) -> int | None:
    """Whole seconds by which a time lies before the latest on record; ``None`` when it does not."""
    behind = latest - stamp if latest else timedelta()
    return int(behind.total_seconds()) if behind > timedelta() else None


def read_link(link: Link, place: int, previous: str) -> ChainRecord:
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
        raise unknown_record(error, "the payload") from error
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"is not readable: {error}") from error
    if not plain:
        raise BadRecordError("is not written in canonical JSON")
    if payload.entry.id != payload.entry.expected_id:
        raise BadRecordError("has an id that is not that of its content")
    said = {name: getattr(payload, name) for name in ("recorded_on", "clock_behind_s", "entry")}
    return ChainRecord(**vars(link), **said)


def unknown_record(error: ValidationError, whole: str) -> BadRecordError:
    """Say where a record is not of a known form; ``whole`` names it where the fault has no place in it."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return BadRecordError(f"is none that this version knows: {where}: {first['msg']}")


class Book:
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
        self.latest_time: datetime | None = None
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
        return (one.entry for one in self.records if isinstance(one.entry, ForecastEntry))

    @property
    def judgements(self) -> Iterator[JudgementEntry]:
        """Others' probabilities, in order."""
        return (one.entry for one in self.records if isinstance(one.entry, JudgementEntry))

    @property
    def answers(self) -> list[ProbabilityEntry]:
        """Forecasts, then others' probabilities."""
        return [*self.forecasts, *self.judgements]

    def record(self, entry_id: str) -> ChainRecord:
        """Return the record of an entry (``KeyError`` when there is none)."""
        return self._records[entry_id]

    def add(self, link: Link) -> ChainRecord:
        """Take the next record.

        ``BadRecordError`` when it does not follow the chain, or contradicts it; the book is then as before.
        """
        record = read_link(link, len(self) + 1, self.head)
        if record.clock_behind_s != seconds_behind(record.recorded_on, self.latest_time):
            raise BadRecordError("hides, or invents, that the clock was set back")
        entry = record.entry
        if entry.id in self._records:
            raise BadRecordError("is on record already")
        if isinstance(entry, ResolutionEntry):
            self._add_resolution(entry)
        elif isinstance(entry, VoidEntry):
            self._add_void(entry)
        elif isinstance(entry, ProbabilityEntry):
            self.questions.setdefault(entry.question.id, entry.question)
        self._records[entry.id] = record
        self.head = record.hash
        self.latest_time = max(self.latest_time or record.recorded_on, record.recorded_on)
        return record

    def _add_resolution(self, entry: ResolutionEntry) -> None:
        question = self.questions.get(entry.question_id)
        if question is None:
            raise BadRecordError("resolves a question that is not on record")
        if not is_over(question, entry.through):
            raise BadRecordError(f"resolves a question that was open until {question.milestone}")
        if not self.is_next(entry):
            raise BadRecordError("does not point to the resolution that it replaces")
        self.resolutions.setdefault(entry.question_id, []).append(entry)

    def _add_void(self, entry: VoidEntry) -> None:
        if entry.subject not in self._records and entry.subject not in self.questions:
            raise BadRecordError("declares void what is not on record")
        self.voids.setdefault(entry.subject, entry)

    def resolution_of(self, question_id: str) -> ResolutionEntry | None:
        """The resolution of a question that stands, if there is one."""
        found = self.resolutions.get(question_id)
        return found[-1] if found else None

    def is_next(self, entry: ResolutionEntry) -> bool:
        """Whether a resolution points to the one that stands, or to none where none does."""
        standing = self.resolution_of(entry.question_id)
        return (standing.id if standing else None) == entry.corrects

    def void_of(self, entry: ProbabilityEntry) -> VoidEntry | None:
        """Why a forecast does not count: it, or its question, was declared void."""
        return self.voids.get(entry.id) or self.voids.get(entry.question.id)

    def standing(self, entry: ProbabilityEntry) -> Standing:
        """Whether a forecast is open, resolved, or void."""
        if self.void_of(entry):
            return "void"
        return "resolved" if self.resolution_of(entry.question.id) else "open"

    def find(self, beginning: str) -> str:
        """Return the id of the one entry or question that begins so (``LedgerError`` for none or several)."""
        start = beginning.strip().lower()
        if len(start) < FEWEST_DIGITS:
            raise LedgerError(
                f"'{beginning}' is too short. Give at least {FEWEST_DIGITS} digits of an id; "
                "'forecast ledger list' shows them"
            )
        found = [one for one in (*self._records, *self.questions) if one.startswith(start)]
        if not found:
            raise LedgerError(f"{self.path}: nothing has the id '{beginning}'. See 'forecast ledger list'")
        if len(found) > 1:
            shown = ", ".join(one[:SHOWN_DIGITS] for one in found[:5])
            raise LedgerError(f"'{beginning}' begins {len(found)} ids: {shown} … Give more digits")
        return found[0]


def is_over(question: Question, through: date) -> bool:
    """Whether events through this day cover the window: its last day is the one before the milestone."""
    return question.milestone.toordinal() <= through.toordinal() + 1


@dataclass(frozen=True)
class ChainFault:
    """The first record that cannot be trusted, and why."""

    sequence: int
    reason: str


@dataclass(frozen=True)
class CheckedChain:
    """The book up to the first fault, and the fault, if there is one."""

    book: Book
    fault: ChainFault | None


def check_chain(path: str, links: Iterable[Link]) -> CheckedChain:
    """Check every record in order and stop at the first that is bad.

    Records cut off at the end leave no trace here: compare the head with one that was noted elsewhere.
    """
    book = Book(path)
    for link in links:
        try:
            book.add(link)
        except BadRecordError as bad:
            return CheckedChain(book, ChainFault(len(book) + 1, str(bad)))
    return CheckedChain(book, None)
