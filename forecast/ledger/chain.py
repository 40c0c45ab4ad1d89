"""A record as a link of the chain: its text, and the hash that holds it to the one before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from forecast.ledger.canonical import canonical_json, sha256_of
from forecast.ledger.entries import AnyEntry, Payload


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
class ChainRecord:
    """One record as it is read: a link, when it was written down, and what it says."""

    link: Link
    recorded_on: datetime
    clock_behind_s: int | None
    entry: AnyEntry

    @property
    def sequence(self) -> int:
        """Place in the chain, from 1."""
        return self.link.sequence

    @property
    def hash(self) -> str:
        """The record's own hash."""
        return self.link.hash


def link_hash(previous: str, payload: str) -> str:
    """SHA-256 of the hash before and the payload, one after the other."""
    return sha256_of(previous + payload)


def make_link(entry: AnyEntry, sequence: int, previous: str, latest: datetime | None, now: datetime) -> Link:
    """Put an entry into words and link it to the chain.

    Parameters
    ----------
    entry : AnyEntry
    sequence, previous
        Place in the chain, and hash of the record before.
    latest : datetime or None
        Latest time on record; if the clock stands behind it, the record says so.
    now : datetime
        With a time zone.
    """
    stamp = now.astimezone(UTC).replace(microsecond=0)
    payload = Payload(schema=2, recorded_on=stamp, clock_behind_s=seconds_behind(stamp, latest), entry=entry)
    text = canonical_json(payload.model_dump(mode="json", by_alias=True))
    return Link(sequence, previous, link_hash(previous, text), text)


def seconds_behind(stamp: datetime, latest: datetime | None) -> int | None:
    """Whole seconds by which a time lies before the latest on record; ``None`` when it does not."""
    behind = latest - stamp if latest else timedelta()
    return int(behind.total_seconds()) if behind > timedelta() else None


def read_link(link: Link, place: int, previous: str) -> ChainRecord:
    """Read a link that must stand at this place, after the record with this hash.

    Raises
    ------
    BadRecordError
        It does not, was altered, or says what no version up to this one writes.
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
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the payload"
        raise BadRecordError(f"is none that this version knows: {where}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"is not readable: {error}") from error
    if not plain:
        raise BadRecordError("is not written in canonical JSON")
    if payload.entry.id != payload.entry.expected_id:
        raise BadRecordError("has an id that is not that of its content")
    return ChainRecord(link, payload.recorded_on, payload.clock_behind_s, payload.entry)
