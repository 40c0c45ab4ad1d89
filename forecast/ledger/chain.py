"""Records linked by hashes, and the ledger that they make when they are read to the end.

A record is kept as text, with a hash of it and of the hash before. A ledger holds the records in order, and
knows which forecasts stand, what happened, and which of them count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pydantic import Field, ValidationError

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
from forecast.records.base import Record

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
        plain = canonical_json(json.loads(link.payload)) == link.payload
        payload = Payload.model_validate_json(link.payload)
    except ValidationError as error:
        raise unknown_record(error, "the payload") from error
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"is not readable: {error}") from error
    if not plain:
        raise BadRecordError("is not written in canonical JSON")
    if payload.entry.id != payload.entry.expected_id:
        raise BadRecordError("has an id that is not that of its content")
    return ChainRecord(**vars(link), **{name: getattr(payload, name) for name in _READ})


_READ = ("recorded_on", "clock_behind_s", "entry")


def unknown_record(error: ValidationError, whole: str) -> BadRecordError:
    """Say where a record is none that this version knows; ``whole`` names what has no place in it."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return BadRecordError(f"is none that this version knows: {where}: {first['msg']}")


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
        self._latest_time: datetime | None = None
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
        """Put an entry into words and link it to the last record.

        If the clock (``now``, with a time zone) stands behind the latest time on record, the record says so.
        """
        time = now.astimezone(UTC).replace(microsecond=0)
        payload = Payload(schema=6, recorded_on=time, clock_behind_s=self._seconds_behind(time), entry=entry)
        text = canonical_json(payload.model_dump(mode="json", by_alias=True))
        return Link(len(self) + 1, self.head, link_hash(self.head, text), text)

    def _seconds_behind(self, time: datetime) -> int | None:
        """Whole seconds by which a time lies before the latest on record; ``None`` when it does not."""
        behind = self._latest_time - time if self._latest_time else timedelta()
        return int(behind.total_seconds()) if behind > timedelta() else None

    def add(self, link: Link) -> ChainRecord:
        """Take the next record.

        ``BadRecordError`` when it does not follow the chain, or contradicts it; the ledger is then as before.
        """
        record = _read_link(link, len(self) + 1, self.head)
        if record.clock_behind_s != self._seconds_behind(record.recorded_on):
            raise BadRecordError("hides, or invents, that the clock was set back")
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
        self._latest_time = max(self._latest_time or record.recorded_on, record.recorded_on)
        return record

    def _add_resolution(self, entry: ResolutionEntry) -> None:
        question = self.questions.get(entry.question_id)
        if question is None:
            raise BadRecordError("resolves a question that is not on record")
        if not question.is_over(entry.through):
            raise BadRecordError(f"resolves a question that was open until {question.milestone}")
        if not self.is_next(entry):
            raise BadRecordError("does not point to the resolution that it replaces")
        self.resolutions.setdefault(entry.question_id, []).append(entry)

    def resolution_of(self, question_id: str) -> ResolutionEntry | None:
        """The resolution of a question that stands, if there is one."""
        return self.resolutions.get(question_id, [None])[-1]

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
        ids = [each for each in (*self._records, *self.questions) if each.startswith(start)]
        if not ids:
            raise LedgerError(f"{self.path}: nothing has the id '{beginning}'. See 'forecast ledger list'")
        if len(ids) > 1:
            shown = ", ".join(each[:SHOWN_DIGITS] for each in ids[:5])
            raise LedgerError(f"'{beginning}' begins {len(ids)} ids: {shown} … Give more digits")
        return ids[0]


def check_chain(path: str, links: Iterable[Link]) -> tuple[Ledger, str]:
    """Check every record in order and stop at the first that is bad.

    Returns the ledger up to that record, and why it is bad, to be read after 'record 17'; empty where none
    is. Records cut off at the end leave no trace here: compare the head with one that was noted elsewhere.
    """
    ledger = Ledger(path)
    for link in links:
        try:
            ledger.add(link)
        except BadRecordError as bad:
            return ledger, str(bad)
    return ledger, ""


@dataclass(frozen=True)
class ScoredForecast:
    """A forecast and what happened."""

    entry: ForecastEntry
    resolution: ResolutionEntry

    @property
    def outcome(self) -> Literal[0, 1]:
        """1 when the target happened in the window."""
        return self.resolution.outcome

    @property
    def origin(self) -> date:
        """First day of the window."""
        return self.entry.question.origin

    @property
    def horizon_days(self) -> int:
        """Length of the window."""
        return self.entry.question.horizon_days

    @property
    def early(self) -> bool:
        """Whether the answer, a yes, was there before the window was half over."""
        decided = self.resolution.decided_on
        return decided is not None and 2 * (decided - self.origin).days < self.horizon_days


class Counts(Record):
    """What became of every forecast on record; all but the last two add up to ``forecasts``."""

    forecasts: int
    scored: int
    open: int
    void: int
    unconverged: int = Field(description="not scored: the run did not converge")
    repeated: int = Field(description="not scored: an earlier forecast of the same question stands")
    hindcasts: int = Field(description="of the scored: made more than a week after the as-of date")
    early: int = Field(description="of the scored: a yes before the window was half over")

    @property
    def void_share(self) -> float | None:
        """Void forecasts as a share of void and scored ones; ``None`` without either."""
        closed = self.void + self.scored
        return self.void / closed if closed else None


def standing_forecasts(ledger: Ledger, *, failed: bool = False) -> tuple[list[ForecastEntry], Counts]:
    """Choose what counts: of each config name, model and question the first forecast that stands.

    Later ones do not count, or the best could be picked afterwards. One that was declared void, or did not
    converge (unless ``failed`` ones count as well), makes room for the next. Given are the open and the
    resolved ones, in the order they were made, and what became of all.
    """
    chosen: dict[tuple[str, str, str], ForecastEntry] = {}
    left = dict.fromkeys(("void", "unconverged", "repeated"), 0)
    forecasts = sorted(ledger.forecasts, key=lambda entry: entry.made_on)
    for entry in forecasts:
        key = (entry.question.id, entry.name, entry.model)
        if ledger.standing(entry) == "void":
            left["void"] += 1
        elif entry.failed and not failed:
            left["unconverged"] += 1
        elif key in chosen:
            left["repeated"] += 1
        else:
            chosen[key] = entry
    resolved = resolved_forecasts(ledger, chosen.values())
    return list(chosen.values()), Counts(
        forecasts=len(forecasts),
        scored=len(resolved),
        open=len(chosen) - len(resolved),
        hindcasts=sum(forecast.entry.hindcast for forecast in resolved),
        early=sum(forecast.early for forecast in resolved),
        **left,
    )


def resolved_forecasts(ledger: Ledger, entries: Iterable[ForecastEntry]) -> list[ScoredForecast]:
    """Return those whose question is resolved, each with the resolution that stands."""
    answers = ((entry, ledger.resolution_of(entry.question.id)) for entry in entries)
    return [ScoredForecast(entry, resolution) for entry, resolution in answers if resolution]
