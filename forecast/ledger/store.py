"""The ledger: records linked by hashes in one SQLite file that only grows; whether all is as it was made.

One transaction a run, so that a killed process leaves whole runs only; one writer at a time
(``BEGIN IMMEDIATE``), so that two processes lose nothing; triggers that refuse to change or remove a record.
The version of the tables stands in ``PRAGMA user_version``, the mark of the file in ``application_id``.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from forecast.errors import InputError, LedgerError, RunFolderError, shown
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
    RunEntry,
    SealEntry,
    Standing,
    VoidEntry,
    canonical_json,
    link_hash,
)
from forecast.runs.files import check_folder, read_manifest, run_hash
from forecast.wording import count

VERSION = 1
"""Version of the tables."""
APPLICATION_ID = 0x46434C47
"""Marks a SQLite file as a ledger: ``FCLG`` in ASCII."""
BUSY_S = 60.0
"""How long to wait for another process that is writing."""
MAX_VALUE_BYTES = 2_000_000
"""Of one value in a ledger; a record of three targets has some 20,000."""
FEWEST_HEAD_DIGITS = 8
"""Of a head that is looked for; fewer could be met by chance."""

TABLES = (
    """CREATE TABLE records (
        sequence INTEGER PRIMARY KEY,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE,
        payload TEXT NOT NULL
    )""",
    """CREATE TRIGGER records_only_follow BEFORE INSERT ON records
    WHEN NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM records)
        OR EXISTS (SELECT 1 FROM records WHERE hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'a ledger only grows at its end'); END""",
    """CREATE TRIGGER records_never_change BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'a ledger is never changed'); END""",
    """CREATE TRIGGER records_never_leave BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'nothing leaves a ledger'); END""",
)


# The chain


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
    question (the last one stands), ``voids`` by id of what does not count, ``seals`` by name of the plan.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.questions: dict[str, Question] = {}
        self.resolutions: dict[str, list[ResolutionEntry]] = {}
        self.voids: dict[str, VoidEntry] = {}
        self.seals: dict[str, SealEntry] = {}
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
        elif isinstance(entry, SealEntry):
            self._add_seal(entry, record.recorded_on.date())
        elif isinstance(entry, ProbabilityEntry):
            self.questions.setdefault(entry.question.id, entry.question)
        self._records[entry.id] = record
        self.head = record.hash
        return record

    def _add_seal(self, entry: SealEntry, day: date) -> None:
        if earlier := self.seals.get(entry.name):
            raise BadRecordError(f"seals '{entry.name}', which was sealed on {earlier.sealed_on}")
        first = min(sealed.question.as_of for sealed in entry.forecasts)
        if max(day, entry.sealed_on) > first:
            raise BadRecordError(f"seals a window that opened on {first + timedelta(days=1)}")
        self.seals[entry.name] = entry

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


# The file


class LedgerWriter:
    """Appends to a ledger within one transaction; see ``write_ledger``."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.ledger = _trusted(path, _links(connection))

    def append(self, entry: AnyEntry) -> bool:
        """Put an entry on the chain (``LedgerError``: it contradicts it); return whether it is new."""
        if entry.id in self.ledger:
            return False
        link = self.ledger.next_link(entry, datetime.now(UTC))
        try:
            self.ledger.add(link)
        except BadRecordError as bad:
            raise LedgerError(f"{self.ledger.path}: the new record {bad}. Nothing was written") from bad
        self._connection.execute(
            "INSERT INTO records VALUES (:sequence, :previous, :hash, :payload)", vars(link)
        )
        return True


def open_ledger(path: Path) -> Ledger:
    """Read a ledger (``LedgerError`` when there is none, or it is newer, unreadable or broken)."""
    with _reading(path) as connection:
        if not _is_ready(connection, path):
            return Ledger(str(path))
        ledger = _trusted(path, _links(connection))
        _refuse_altered_tables(connection, path)
        return ledger


def read_links(path: Path) -> list[Link]:
    """Read the records of a ledger as they are stored, without checking the chain."""
    with _reading(path) as connection:
        return _links(connection) if _is_ready(connection, path) else []


@contextmanager
def write_ledger(path: Path) -> Iterator[LedgerWriter]:
    """Give a writer that holds the ledger; what it appends is on record when the block ends, or not at all.

    The ledger is made when it is not there. Other processes wait. ``LedgerError`` when the file is no ledger,
    from a newer version, broken, or cannot be written.
    """
    _refuse_device(path)
    with _translated(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _connected(path, "rwc") as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not _is_ready(connection, path):
                    marks = f"application_id = {APPLICATION_ID}", f"user_version = {VERSION}"
                    for statement in (*TABLES, *(f"PRAGMA {mark}" for mark in marks)):
                        connection.execute(statement)
                writer = LedgerWriter(connection, path)
                _refuse_altered_tables(connection, path)
                yield writer
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def refuse_unusable(path: Path) -> Ledger:
    """Read a ledger to be written, or an empty one; leaves no trace (``LedgerError``: not to be trusted)."""
    if path.is_dir():
        raise LedgerError(f"{path}: is a folder. Give the file of the ledger, e.g. {path / 'ledger.sqlite'}")
    above = next(place for place in path.absolute().parents if place.exists())
    with _translated(path, "written"), tempfile.TemporaryFile(dir=above):
        pass
    if not path.exists():
        return Ledger(str(path))
    _refuse_device(path)
    # Not by opening it: closing a file drops all locks that the process holds on it.
    if not os.access(path, os.W_OK):
        raise _cannot(path, "written", os.strerror(errno.EACCES))
    return open_ledger(path)


def _refuse_device(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise LedgerError(f"{path}: is no plain file, so no ledger. Give the file of the ledger")


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise LedgerError(
            f"{path}: there is no ledger. 'forecast run' makes one; give its place with --ledger or in "
            "FORECAST_LEDGER"
        )
    # Who may write takes back what a killed process left half done; who may not is told of it.
    may_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    with _translated(path, "read"), _connected(path, "rw" if may_write else "ro") as connection:
        connection.execute("PRAGMA query_only = ON")
        yield connection


@contextmanager
def _connected(path: Path, mode: Literal["ro", "rw", "rwc"]) -> Iterator[sqlite3.Connection]:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        yield connection


def _is_ready(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file holds a ledger of this version; ``False`` for an empty one."""
    version, mark, pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("user_version", "application_id", "page_count", "page_size")
    )
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if not tables and not version and not mark:
        if max(pages, path.stat().st_size // size) > 1:
            raise LedgerError(f"{path}: is a damaged ledger: its tables are gone. Put back a copy")
        return False
    if mark != APPLICATION_ID:
        raise LedgerError(f"{path}: is a SQLite file, but no ledger. It was left as it is; use another place")
    if version > VERSION:
        raise LedgerError(
            f"{path}: is from a newer version (format {version}, this one knows {VERSION}). It was left as "
            "it is; upgrade forecast, or use another place"
        )
    return True


_RESTORE = "restore it from a backup, or name a new file with --ledger"


def _refuse_altered_tables(connection: sqlite3.Connection, path: Path) -> None:
    if altered := _altered_tables(connection):
        raise LedgerError(
            f"{path}: the tables of the ledger were altered ({'; '.join(altered)}), so that records could be "
            f"changed or lost unseen. It is not used: {_RESTORE}"
        )


def _altered_tables(connection: sqlite3.Connection) -> list[str]:
    """Name what a ledger has beside its tables and triggers, or lacks; nothing if it is whole."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    there = {" ".join(str(sql).split()): f"{kind} {name}" for kind, name, sql in rows}
    due = {" ".join(sql.split()): " ".join(sql.split()[1:3]).lower() for sql in TABLES}
    strange = [f"{shown(name)} is not ours" for sql, name in there.items() if sql not in due]
    return [*strange, *(f"{name} is missing" for sql, name in due.items() if sql not in there)]


def _links(connection: sqlite3.Connection) -> list[Link]:
    rows = connection.execute("SELECT sequence, previous, hash, payload FROM records ORDER BY sequence")
    return [Link(sequence, str(before), str(after), str(text)) for sequence, before, after, text in rows]


def _trusted(path: Path, links: Iterable[Link]) -> Ledger:
    ledger, fault = check_chain(str(path), links)
    if fault:
        raise LedgerError(
            f"{path}: record {len(ledger) + 1} {fault}. Only the records before it can be "
            f"trusted, so the ledger is not used: {_RESTORE}. See 'forecast ledger verify'"
        )
    return ledger


@contextmanager
def _translated(path: Path, verb: str) -> Iterator[None]:
    put_back = f"It was left as it is: {_RESTORE}"
    try:
        yield
    except sqlite3.DatabaseError as error:
        match getattr(error, "sqlite_errorname", "").split("_")[1:2]:
            case ["NOTADB" | "CORRUPT"]:
                fault = f"is no ledger, or a damaged one ({error}). {put_back}"
            case ["TOOBIG"]:
                fault = f"holds a value of more than {MAX_VALUE_BYTES:,} bytes, so it is no ledger, or a "
                fault += f"damaged one. {put_back}"
            case ["BUSY" | "LOCKED"]:
                fault = f"another process has held the ledger for {BUSY_S:.0f} seconds. Try again later"
            case _:
                raise _cannot(path, verb, str(error)) from error
        raise LedgerError(f"{path}: {fault}") from error
    except UnicodeDecodeError as error:
        # SQLite hands on bytes of the file, in its messages too.
        raise LedgerError(f"{path}: is a damaged ledger ({error.reason}). {put_back}") from error
    except OSError as error:
        raise _cannot(path, verb, error.strerror or str(error)) from error


def _cannot(path: Path, verb: str, why: str) -> LedgerError:
    return LedgerError(
        f"{path}: cannot be {verb} ({why}). Check permissions and free space, or give another place with "
        "--ledger"
    )


@dataclass(frozen=True)
class Verified:
    """What was checked, as plain values, and the gravest fault in a message; empty where there is none."""

    facts: dict[str, Any]
    error: str


def verify_ledger(path: Path, head: str | None = None) -> Verified:
    """Check file, tables, the chain up to its first bad record, the runs, and a ``head`` noted earlier."""
    stated = "" if head is None else head.strip().lower()
    if head is not None and len(stated) < FEWEST_HEAD_DIGITS:
        raise InputError(
            f"--head: '{head}' is too short to prove anything. Give at least {FEWEST_HEAD_DIGITS} digits of "
            "it"
        )
    links, damage = read_links(path), integrity_faults(path)
    ledger, fault = check_chain(str(path), links)
    at = next((link.sequence for link in links if stated and link.hash.startswith(stated)), None)
    runs = [] if fault else list(_check_runs(ledger, path))
    records, error = count(len(ledger), "record"), ""
    unbroken = f"{path}: the chain is unbroken, but"
    if fault:
        error = (
            f"{path}: record {len(ledger) + 1} {fault}. {records} before it can be trusted, it and what "
            "follows cannot"
        )
    elif damage:
        error = f"{unbroken} the file is not as it was made: {'; '.join(damage)}. Put back a copy"
    elif head is not None and at is None:
        error = (
            f"{path}: {head} is not in the chain, which holds {records}: records were cut off at its end, or "
            "it is another ledger"
        )
    elif altered := [f"  {run['folder']}: {run['why']}" for run in runs if run["state"] == "altered"]:
        listed = "\n".join(altered)
        error = (
            f"{unbroken} {count(len(altered), 'run')} on record was altered since:\n{listed}\nDo not use "
            "these folders; run the forecasts again, or restore them from a backup"
        )
    facts = {
        "ledger": str(path),
        "sound": not error,
        "records": len(links),
        "head": ledger.head,
        "fault": {"record": len(ledger) + 1, "reason": fault} if fault else None,
        "damage": damage,
        "stated_head_at": at,
        "runs": runs,
    }
    return Verified(facts, error)


def integrity_faults(path: Path) -> list[str]:
    """Return what SQLite's own check finds, and which tables and triggers were altered (``LedgerError``)."""
    with _reading(path) as connection:
        damage = [shown(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
        altered = _altered_tables(connection) if _is_ready(connection, path) else []
    return [*(damage if damage != ["ok"] else ()), *altered]


def _check_runs(ledger: Ledger, path: Path) -> Iterator[dict[str, str]]:
    """Compare the folder of every run on record with the hash of its manifest.

    A folder that holds another run on record by now counts as replaced; one that was moved away as not here.
    A folder is looked for where it was, and beside the ledger as ``forecast run`` lays both out.
    """
    runs: dict[str, list[RunEntry]] = {}
    for record in ledger.records:
        if isinstance(record.entry, RunEntry):
            runs.setdefault(record.entry.run_id, []).append(record.entry)
    for run_id, entries in runs.items():
        folder, why = Path(entries[-1].run_folder), ""
        beside = path.absolute().parent.joinpath(*folder.parts[-2:])
        place = next((place for place in (beside, folder) if place.is_dir()), None)
        state = "as recorded" if place else "not here"
        try:
            if place and (held := read_manifest(place).get("run_id")) != run_id:
                state = "replaced"
                why = "" if held in runs else "it holds a run that is not on record"
            elif place:
                check_folder(place)
                known = {entry.manifest_sha256 for entry in entries}
                why = "" if run_hash(place) in known else "its manifest is not the one on record"
        except RunFolderError as error:
            why = str(error)
        state = "altered" if why else state
        yield {"run_id": run_id, "folder": str(place or folder), "state": state, "why": why}
