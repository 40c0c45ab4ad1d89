"""What comes from others: the chain of a colleague, and a CSV of probabilities, each checked whole.

Nothing is taken twice, and nothing of ours is overruled. A probability is matched to a question that we
answered.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from forecast.errors import LedgerError, did_you_mean, shown
from forecast.ledger.book import BadRecordError, Book, ChainRecord, Link, unknown_record
from forecast.ledger.entries import (
    FIRST_YEAR,
    ChainLine,
    JudgementEntry,
    ProbabilityEntry,
    Provenance,
    Question,
    ResolutionEntry,
    VoidEntry,
    canonical_json,
    rounded_chance,
    with_id,
)
from forecast.ledger.exporting import ANSWER_COLUMNS, QUESTION_COLUMNS, target_names
from forecast.ledger.store import MAX_VALUE_BYTES, LedgerWriter, open_ledger
from forecast.storage import content_of, open_plain, read_plain

_SQLITE = b"SQLite format 3\x00"

REQUIRED = ("dyad", "target", "as_of", "milestone", "forecaster", "probability")
_COLUMNS = (*QUESTION_COLUMNS, *ANSWER_COLUMNS)
_MOST_FAULTS, _MOST_BLANK = 20, 1_000
_MOST_LINE_BYTES = MAX_VALUE_BYTES + 1_000
"""A line of an export is a value with its place in the chain and its hashes."""
MAX_CHAIN_BYTES, MAX_ANSWER_BYTES = 1_000_000_000, 100_000_000


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
    """Read a chain from an export or from a ledger, and check it (``LedgerError``, with the line)."""
    try:
        with open_plain(path, MAX_CHAIN_BYTES) as file:
            if file.read(len(_SQLITE)) == _SQLITE:
                return open_ledger(path)
            file.seek(0)
            return _read_export(path, file)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{path}: is no text. Give a ledger, or what its export wrote") from error


def _read_export(path: Path, file: BinaryIO) -> Book:
    book, blank = Book(str(path)), 0
    for number, line in enumerate(_lines(path, file), start=1):
        if not line.strip():
            blank += 1
            if blank > _MOST_BLANK:
                raise LedgerError(f"{path}: has more than {_MOST_BLANK:,} blank lines, so it is no export")
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


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    number, encoding = 1, "utf-8-sig"
    while raw := file.readline(_MOST_LINE_BYTES + 1):
        if len(raw) > _MOST_LINE_BYTES:
            raise LedgerError(
                f"{path}:{number}: a line of more than {_MOST_LINE_BYTES:,} bytes, so it is no export of a "
                "ledger. Nothing was imported; ask for a new export"
            )
        yield raw.decode(encoding)
        number, encoding = number + 1, "utf-8"


def import_chain(ledger: LedgerWriter, chain: Book) -> Imported:
    """Put the records of another chain on record here, each with the head of that chain and its hash there.

    Outcomes are taken for questions that have none here; a question or forecast of ours is not declared void
    by others.
    """
    done = Imported(chain.head)
    own = [entry for entry in ledger.book.answers if not entry.provenance]
    ours = {key for entry in own for key in (entry.id, entry.question.id)}
    for record in chain.records:
        _import_record(ledger, chain, record, ours, done)
    return done


def _import_record(
    ledger: LedgerWriter, chain: Book, record: ChainRecord, ours: set[str], done: Imported
) -> None:
    entry = record.entry
    if entry.id in ledger.book:
        done.known += 1
        here = ledger.book.record(entry.id).entry
        if isinstance(entry, ProbabilityEntry) and isinstance(here, ProbabilityEntry):
            done.different += here.probability != entry.probability
    elif isinstance(entry, ResolutionEntry) and not ledger.book.is_next(entry):
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


def _read_line(line: str) -> Link:
    try:
        content = json.loads(line)
        ChainLine.model_validate_json(line)
        place = content["sequence"], content["previous"], content["hash"]
        return Link(*place, canonical_json(content["payload"]))
    except ValidationError as error:
        raise unknown_record(error, "the line") from error
    except (ValueError, RecursionError) as error:
        raise BadRecordError(f"is no JSON ({error}); the line may have been cut") from error


@dataclass(frozen=True)
class Answers:
    """Judgements read from a file, and the number of rows without a probability."""

    judgements: tuple[JudgementEntry, ...]
    empty: int


class _RowFaultError(Exception):
    pass


def read_answers(path: Path, book: Book, *, now: datetime) -> Answers:
    """Read probabilities of others on the questions of a ledger.

    The file is CSV in UTF-8 with the columns dyad, target, as_of, milestone, forecaster and probability;
    ``made_on`` (day or time; ``now`` where it is not given) and ``question`` (an id, needed when one target
    name stands for two rules) are optional. Rows with an empty probability are left out. ``LedgerError`` when
    the file cannot be read or has faults; the message lists the first 20 with their lines.
    """
    try:
        text = read_plain(path, MAX_ANSWER_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{path}: is not UTF-8 text. Save it as CSV in UTF-8") from error
    with content_of(
        path, LedgerError, "Give a CSV file as 'forecast ledger export --format questions' writes"
    ):
        return _answers(path, text, book, now)


def _answers(path: Path, text: str, book: Book, now: datetime) -> Answers:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    _check_header(path, reader.fieldnames)
    names = target_names(book)
    judgements, faults, empty = [], [], 0
    for row in reader:
        try:
            if None in row or None in row.values():
                raise _RowFaultError(f"does not have the {len(reader.fieldnames or ())} cells of the header")
            cells = {name: cell.strip() for name, cell in row.items()}
            if cells["probability"]:
                judgements.append(_judgement(cells, book, names, now))
            else:
                empty += 1
        except _RowFaultError as fault:
            faults.append(f"{path}:{reader.line_num}: {fault}")
    if faults:
        more = [f"… and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
        raise LedgerError("\n".join(faults[:_MOST_FAULTS] + more))
    if not judgements:
        raise LedgerError(f"{path}: holds no probability: fill in forecaster and probability")
    return Answers(tuple(judgements), empty)


def _check_header(path: Path, header: Sequence[str] | None) -> None:
    found = [str(name) for name in header or ()]
    for name in found:
        if name not in _COLUMNS:
            hint = did_you_mean(name, _COLUMNS) or f" Allowed: {', '.join(_COLUMNS)}"
            raise LedgerError(f"{path}:1: unknown column '{name}'.{hint}")
        if found.count(name) > 1:
            raise LedgerError(f"{path}:1: the column '{name}' appears twice. Keep one")
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise LedgerError(
            f"{path}:1: the column '{missing[0]}' is missing. Required: {', '.join(REQUIRED)}. "
            "'forecast ledger export --format questions' writes a sheet to fill in"
        )


def _judgement(
    cells: Mapping[str, str], book: Book, names: Mapping[str, list[str]], now: datetime
) -> JudgementEntry:
    if not cells["forecaster"]:
        raise _RowFaultError("forecaster is empty. Give a name, e.g. crowd")
    question = _question(cells, book, names)
    try:
        probability = float(cells["probability"])
    except ValueError:
        probability = -1.0
    if not 0 <= probability <= 1:
        raise _RowFaultError(f"probability '{cells['probability']}' is not in 0 to 1. Write 63% as 0.63")
    return with_id(
        JudgementEntry,
        question=question.model_dump(),
        forecaster=cells["forecaster"],
        probability=rounded_chance(probability),
        made_on=_made_on(cells.get("made_on", ""), now),
    )


def _question(cells: Mapping[str, str], book: Book, names: Mapping[str, list[str]]) -> Question:
    as_of, milestone = _day(cells, "as_of"), _day(cells, "milestone")
    same_days = {
        key: question
        for key, question in book.questions.items()
        if question.is_about(cells["dyad"]) and (question.as_of, question.milestone) == (as_of, milestone)
    }
    if not same_days:
        raise _RowFaultError(
            f"no forecast on record is about {cells['dyad']} as of {as_of} and before {milestone}. 'forecast "
            "ledger list' shows what is"
        )
    found = [key for key in same_days if cells["target"] in names[key]]
    if not found:
        asked = sorted({name for key in same_days for name in names[key]})
        hint = did_you_mean(cells["target"], asked)
        raise _RowFaultError(f"no target is named '{cells['target']}'.{hint} On record: {', '.join(asked)}")
    wanted = cells.get("question", "").lower()
    matching = [key for key in found if key.startswith(wanted)]
    if not matching:
        raise _RowFaultError(f"question '{wanted}' is not the one that the other columns name ({found[0]})")
    if len(matching) > 1:
        raise _RowFaultError(
            f"'{cells['target']}' was asked with {len(matching)} rules. Say which in the column question: "
            f"{', '.join(matching)}"
        )
    return same_days[matching[0]]


def _day(cells: Mapping[str, str], column: str) -> date:
    try:
        return date.fromisoformat(cells[column])
    except ValueError as error:
        raise _RowFaultError(f"{column} '{cells[column]}' is not a day. Expected: YYYY-MM-DD") from error


def _made_on(text: str, now: datetime) -> datetime:
    if not text:
        return now.replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _RowFaultError(
            f"made_on '{shown(text)}' is neither a day nor a time. Expected: YYYY-MM-DD, or "
            "YYYY-MM-DDTHH:MM:SSZ"
        ) from error
    if moment.year < FIRST_YEAR:
        raise _RowFaultError(f"made_on {shown(text)} is before the year {FIRST_YEAR}")
    if moment > now:
        raise _RowFaultError(f"made_on {shown(text)} lies ahead")
    return moment.replace(microsecond=0)
