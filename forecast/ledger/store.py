"""The ledger as one SQLite file that only grows.

Write-ahead log, so that readers never wait and a killed process leaves whole records only; one writer at a
time (``BEGIN IMMEDIATE``), so that two processes lose nothing; triggers that refuse to change or remove a
record. The schema version stands in ``PRAGMA user_version``, the mark of the file in ``application_id``.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from forecast.errors import LedgerError, shown
from forecast.ledger.chain import BadRecordError, ChainRecord, Ledger, Link, check_chain
from forecast.ledger.entries import AnyEntry

_LOGGER = logging.getLogger(__name__)

VERSION = 1
"""Version of the tables."""
APPLICATION_ID = 0x46434C47
"""Marks a SQLite file as a ledger: ``FCLG`` in ASCII."""
BUSY_S = 60.0
"""How long to wait for another process that is writing."""
MAX_VALUE_BYTES = 2_000_000
"""Of one value in a ledger; a record of three targets has some 20,000."""

_now = partial(datetime.now, UTC)

_TABLES = (
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


class LedgerWriter:
    """Appends to a ledger within one transaction; see ``write_ledger``."""

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._clock = clock
        self.ledger = _trusted(path, _links(connection))
        self.added: list[ChainRecord] = []

    def append(self, entry: AnyEntry) -> bool:
        """Put an entry at the end of the chain; return whether it is new.

        ``LedgerError`` when it contradicts what is on record.
        """
        if entry.id in self.ledger:
            return False
        link = self.ledger.next_link(entry, self._clock())
        try:
            self.added.append(self.ledger.add(link))
        except BadRecordError as bad:
            raise LedgerError(f"{self.ledger.path}: the new record {bad}. Nothing was written") from bad
        self._connection.execute(
            "INSERT INTO records VALUES (:sequence, :previous, :hash, :payload)", vars(link)
        )
        return True


def open_ledger(path: Path) -> Ledger:
    """Read a ledger (``LedgerError`` when there is none, or it is newer, unreadable or broken)."""
    ledger = _trusted(path, read_links(path))
    if len(ledger):
        with _reading(path) as connection:
            _refuse_altered_tables(connection, path)
    return ledger


def read_links(path: Path) -> list[Link]:
    """Read the records of a ledger as they are stored, without checking the chain."""
    if not path.is_file():
        raise LedgerError(
            f"{path}: there is no ledger. 'forecast run' makes one; give its place with --ledger or in "
            "FORECAST_LEDGER"
        )
    with _reading(path) as connection:
        return _links(connection) if _is_ready(connection, path) else []


@contextmanager
def write_ledger(path: Path, clock: Callable[[], datetime] = _now) -> Iterator[LedgerWriter]:
    """Give a writer that holds the ledger; what it appends is on record when the block ends, or not at all.

    The ledger is made when it is not there. Other processes wait. When the clock stands behind an earlier
    record, the new one says by how much and a warning is logged. ``LedgerError`` when the file is no ledger,
    from a newer version, broken, or cannot be written.
    """
    if path.exists():
        _refuse_device(path)
    with _translated(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _connected(path) as connection:
            _prepare(connection, path)
            # On disk when a command says so, even if the power fails the moment after.
            connection.execute("PRAGMA synchronous = FULL")
            with _transaction(connection):
                writer = LedgerWriter(connection, path, clock)
                _refuse_altered_tables(connection, path)
                yield writer
    behind = max((record.clock_behind_s or 0 for record in writer.added), default=0)
    if behind:
        _LOGGER.warning(
            "%s: the clock stands %s behind the latest record, so it was set back or ran ahead before. The "
            "new records are kept in order and marked.",
            path,
            timedelta(seconds=behind),
        )


def refuse_unusable(path: Path) -> Ledger:
    """Read a ledger that is about to be written, or an empty one where there is none; leaves no trace.

    ``LedgerError`` when it could not be written, or cannot be trusted.
    """
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
    if not path.is_file():
        raise LedgerError(f"{path}: is no plain file, so no ledger. Give the file of the ledger")


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    # Reading a write-ahead log makes files beside the ledger, which only a connection that may write takes
    # away again. Where none can be made and none is waiting, the ledger is read as an unchanging file.
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        mode = "rw"
    else:
        mode = "ro" if path.with_name(path.name + "-wal").exists() else "ro&immutable=1"
    address = f"{path.absolute().as_uri()}?mode={mode}"
    with _translated(path, "read"), _connected(address, uri=True) as connection:
        connection.execute("PRAGMA query_only = ON")
        yield connection


@contextmanager
def _connected(address: Path | str, *, uri: bool = False) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(address, uri=uri, timeout=BUSY_S, isolation_level=None)) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        yield connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where there are none; check the version before anything is written."""
    if _is_ready(connection, path):
        return
    _switch_to_log(connection)
    with _transaction(connection):
        if not _is_ready(connection, path):  # another process may have been faster
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the file for writing; all of the block is kept, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _switch_to_log(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for the lock that this one switch needs.
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _is_ready(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file holds a ledger of this version; ``False`` for an empty one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if not tables and not version and not mark:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
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


def _refuse_altered_tables(connection: sqlite3.Connection, path: Path) -> None:
    if altered := _altered_tables(connection):
        raise LedgerError(
            f"{path}: the tables of the ledger were altered ({'; '.join(altered)}), so that records could be "
            "changed or lost unseen. It is not used; put back a copy"
        )


def _altered_tables(connection: sqlite3.Connection) -> list[str]:
    """Name what a ledger has beside its tables and triggers, or lacks; nothing if it is whole."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    there = {" ".join(str(sql).split()): f"{kind} {name}" for kind, name, sql in rows}
    ours = {" ".join(sql.split()): " ".join(sql.split()[1:3]).lower() for sql in _TABLES}
    strange = [f"{shown(name)} is not ours" for sql, name in there.items() if sql not in ours]
    return [*strange, *(f"{name} is missing" for sql, name in ours.items() if sql not in there)]


def integrity_faults(path: Path) -> list[str]:
    """Return what SQLite's own check finds, and which tables and triggers were altered (``LedgerError``)."""
    with _reading(path) as connection:
        damage = [shown(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
        altered = _altered_tables(connection) if _is_ready(connection, path) else []
    return [*(damage if damage != ["ok"] else ()), *altered]


def _links(connection: sqlite3.Connection) -> list[Link]:
    rows = connection.execute("SELECT sequence, previous, hash, payload FROM records ORDER BY sequence")
    return [Link(sequence, str(before), str(own), str(payload)) for sequence, before, own, payload in rows]


def _trusted(path: Path, links: Iterable[Link]) -> Ledger:
    ledger, fault = check_chain(str(path), links)
    if fault:
        raise LedgerError(
            f"{path}: record {len(ledger) + 1} {fault}. Only the records before it can be "
            "trusted, so the ledger is not used; put back a copy. See 'forecast ledger verify'"
        )
    return ledger


@contextmanager
def _translated(path: Path, verb: str) -> Iterator[None]:
    put_back = "It was left as it is; put back a copy"
    try:
        yield
    except sqlite3.DatabaseError as error:
        faults = {
            (
                "SQLITE_NOTADB",
                "SQLITE_CORRUPT",
            ): f"is no ledger, or a damaged one ({error}). {put_back}, or use another place",
            (
                "SQLITE_TOOBIG",
            ): f"holds a value of more than {MAX_VALUE_BYTES:,} bytes, so it is no ledger, or a "
            f"damaged one. {put_back}, or use another place",
            ("SQLITE_BUSY", "SQLITE_LOCKED"): "another process has held the ledger for "
            f"{BUSY_S:.0f} seconds. Try again later",
        }
        name = getattr(error, "sqlite_errorname", "")
        for names, fault in faults.items():
            if name.startswith(names):
                raise LedgerError(f"{path}: {fault}") from error
        raise _cannot(path, verb, str(error)) from error
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
