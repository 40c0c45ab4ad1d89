"""The chain of a colleague → our ledger: all checked, none taken twice, nothing of ours overruled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from forecast.errors import LedgerError
from forecast.ledger.book import Book
from forecast.ledger.canonical import canonical_json
from forecast.ledger.chain import BadRecordError, ChainRecord, Link
from forecast.ledger.entries import (
    ChainLine,
    ForecastEntry,
    JudgementEntry,
    Provenance,
    ResolutionEntry,
    VoidEntry,
)
from forecast.ledger.store import LedgerWriter, open_ledger

_SQLITE = b"SQLite format 3\x00"


@dataclass
class Imported:
    """What an import did, in records.

    ``different`` counts forecasts that are on record here with another probability (as another machine may
    give), ``refused`` outcomes and voids that would have overruled ours.
    """

    head: str
    added: int = 0
    known: int = 0
    different: int = 0
    refused: int = 0


def read_chain_file(path: Path) -> Book:
    """Read a chain from an export or from a ledger, and check it.

    Raises
    ------
    LedgerError
        The file cannot be read, is neither, or a record in it cannot be trusted; with its line.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror or error}") from error
    if raw.startswith(_SQLITE):
        return open_ledger(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LedgerError(f"{path}: is no text. Give a ledger, or what its export wrote") from error
    book = Book(str(path))
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            book.add(_read_line(line))
        except BadRecordError as bad:
            raise LedgerError(
                f"{path}:{number}: the record {bad}. Nothing was imported; ask for a new export"
            ) from bad
    if not len(book):
        raise LedgerError(f"{path}: holds no record")
    return book


def import_chain(ledger: LedgerWriter, chain: Book) -> Imported:
    """Put the records of another chain on record here, each with the head of that chain and its hash there.

    Outcomes are taken for questions that have none here; a question or forecast of ours is not declared void
    by others.
    """
    done = Imported(chain.head)
    ours = {
        key for entry in ledger.book.answers if not entry.provenance for key in (entry.id, entry.question.id)
    }
    for record in chain.records:
        _import_record(ledger, chain, record, ours, done)
    return done


def _import_record(
    ledger: LedgerWriter, chain: Book, record: ChainRecord, ours: set[str], done: Imported
) -> None:
    entry = record.entry
    if entry.id in ledger.book:
        done.known += 1
        done.different += _differs(ledger.book, entry)
    elif isinstance(entry, ResolutionEntry) and not _fits(ledger.book, entry):
        standing = ledger.book.resolution_of(entry.question_id)
        same = standing is not None and standing.outcome == entry.outcome
        done.known += same
        done.refused += not same
    elif isinstance(entry, VoidEntry) and entry.subject in ours:
        done.refused += 1
    else:
        origin = Provenance(chain_head=chain.head, hash=record.hash)
        ledger.append(entry.model_copy(update={"provenance": (*entry.provenance, origin)}))
        done.added += 1


def _differs(book: Book, entry: object) -> bool:
    if not isinstance(entry, (ForecastEntry, JudgementEntry)):
        return False
    here = book.record(entry.id).entry
    return isinstance(here, (ForecastEntry, JudgementEntry)) and here.probability != entry.probability


def _fits(book: Book, entry: ResolutionEntry) -> bool:
    standing = book.resolution_of(entry.question_id)
    return (standing.id if standing else None) == entry.corrects


def _read_line(line: str) -> Link:
    try:
        content = json.loads(line)
        ChainLine.model_validate_json(line)
        return Link(
            content["sequence"], content["previous"], content["hash"], canonical_json(content["payload"])
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise BadRecordError(f"is none that this version knows: {where}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"is no JSON ({error}); the line may have been cut") from error
