"""Strict reading and writing of coded event files, as CSV or Parquet.

A file is read whole or not at all: every fault is collected, with its line, and reported at once.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from forecast.errors import EventError, did_you_mean, nearest
from forecast.events.cells import PARSERS, CellFault, DateOrder, clean_text, latest_day, shorten
from forecast.events.rows import (
    PARQUET_SUFFIX,
    Fault,
    Row,
    Sheet,
    column_named,
    faults_message,
    read_sheet,
)
from forecast.events.spelling import Spelling, respell
from forecast.events.table import COLUMNS, DATES, FIELDS, OWN_PREFIX, REQUIRED, EventTable
from forecast.storage import copy_file, scratch_folder, write_file
from forecast.wording import count

Values = dict[str, Any]
"""Values of one row, by column of the file."""
HEADER_ALONE = Fault(None, "", "no events: the file has a header and nothing below it")


def read_events(path: str | Path, *, source: str | None = None, dates: DateOrder = "iso") -> EventTable:
    """Read a coded event file, sorted by (date, id).

    It is CSV in UTF-8 or UTF-16 (either with a byte-order mark), any line ends; Parquet; or a sheet of an
    ``.xlsx`` workbook. The columns
    ``REQUIRED`` must be there, the others of ``COLUMNS`` may; those that begin with ``x_`` are ignored, any
    other is refused. ``known_date`` defaults to ``date``, ``id`` to a hash of the row. ``source`` names the
    file in messages and in the table, instead of its path; ``dates`` is how the file writes days that are
    not ``YYYY-MM-DD``. What was put right on reading (``docs/codebook.md``) stands in ``EventTable.notes``.

    Raises ``EventError``: the file cannot be read or has faults; the message lists the first 20 by line and
    counts the rest.
    """
    name = str(path) if source is None else source
    table, faults = inspect_events(path, source=name, dates=dates)
    if table is None:
        raise EventError(faults_message(name, faults))
    return table


def inspect_events(
    path: str | Path, *, source: str | None = None, dates: DateOrder = "iso"
) -> tuple[EventTable | None, list[Fault]]:
    """Return the table and no fault, or no table and every fault; raises nothing about the content."""
    return inspect_sheet(read_sheet(Path(path)), str(path) if source is None else source, dates)


def inspect_sheet(sheet: Sheet, source: str, dates: DateOrder) -> tuple[EventTable | None, list[Fault]]:
    """Return the table of a sheet that was read, or every fault, as ``inspect_events``."""
    faults = sheet.faults
    if not sheet.rows:
        return None, faults or [Fault(None, "", "the file is empty. Expected: a header and events")]
    header, *body = sheet.rows
    body, empty = [row for row in body if any(map(str.strip, row.cells))], len(body)
    columns, header_faults = _read_header(header, body, sheet.notes)
    faults += header_faults
    if not columns:
        return None, faults
    if not body and not faults:
        return None, [HEADER_ALONE]
    if empty := empty - len(body):
        sheet.notes.append(f"{count(empty, 'empty row')} skipped")
    events, row_faults = _read_rows(body, columns, len(header.cells), dates, sheet.notes)
    faults += row_faults
    if faults:
        return None, sorted(faults, key=lambda fault: fault.line or 0)
    return _make_table(events, source, sheet.notes), []


def read_cells(cells: Mapping[str, str]) -> tuple[Values, list[tuple[str, str]]]:
    """Return the values of the cells of one row, by column, and column and message of each fault.

    A fault is a cell that is not readable, or one that cannot be true beside another.
    """
    values: Values = {}
    faults: list[tuple[str, str]] = []
    for name, text in cells.items():
        try:
            values[name] = PARSERS[name](clean_text(text))
        except CellFault as fault:
            faults.append((name, str(fault)))
    return values, faults + _contradictions(values)


def event_fields(values: Values) -> Values:
    """Return values by field of ``Event``, from values by column of a file."""
    fields = dict(zip(COLUMNS, FIELDS, strict=True))
    return {fields[column]: value for column, value in values.items()}


def write_events(table: EventTable, path: str | Path) -> None:
    """Write a table as canonical CSV, or as Parquet where the name ends in ``.parquet``.

    Reading it back gives the same rows and the same ``sha256``.

    Raises ``EventError``: the file cannot be written.
    """
    if Path(path).suffix == PARQUET_SUFFIX:
        return _write_parquet(table, Path(path))
    try:
        write_file(Path(path), table.canonical_csv())
    except OSError as error:
        raise EventError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_new(table: EventTable, path: Path) -> None:
    """Write a table to a file that does not exist yet (see ``write_events``).

    Raises ``EventError``: the file exists, or cannot be written.
    """
    if path.exists():
        raise EventError(f"{path}: exists. Give the name of a new file, or remove it first")
    write_events(table, path)


def _write_parquet(table: EventTable, path: Path) -> None:
    import duckdb

    cells = list(zip(*csv.reader(io.StringIO(table.canonical_csv(), newline="")), strict=True))
    columns = {name: np.array(cells[place][1:], dtype=np.object_) for place, name in enumerate(COLUMNS)}
    try:
        with scratch_folder("events") as folder, duckdb.connect() as connection:
            connection.register("columns", columns)
            texts = ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in columns)
            packed = folder / "events.parquet"
            quoted = str(packed).replace("'", "''")
            connection.execute(f"COPY (SELECT {texts} FROM columns) TO '{quoted}' (FORMAT parquet)")
            copy_file(packed, path)
    except (duckdb.Error, OSError) as error:
        raise EventError(f"{path}: cannot be written: {str(error).splitlines()[0]}") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole, or leave what was there; a link is followed, the file's permissions are kept.

    Raises ``EventError``: the folder does not exist, or nothing can be written there.
    """
    try:
        write_file(path, content)
    except OSError as error:
        raise EventError(
            f"{path}: cannot be written ({error.strerror or error}). Check that the folder exists, its "
            "permissions and free space; nothing was changed."
        ) from error


def _read_header(header: Row, body: list[Row], notes: list[str]) -> tuple[dict[int, str], list[Fault]]:
    """Position → column, for the columns that are read; empty when the header cannot be used at all."""
    written = [clean_text(cell) for cell in header.cells]
    names = [known if (known := column_named(cell)) in COLUMNS else cell for cell in written]
    columns = {place: name for place, name in enumerate(names) if name in COLUMNS}
    if not columns:
        shown = shorten(", ".join(names))
        message = f"no header: the first line is '{shown}'. Expected column names: {', '.join(REQUIRED)}, …"
        return {}, [Fault(header.line, "", message)]
    respelt = [f"'{old}'" for old, name in zip(written, names, strict=True) if old != name]
    if respelt:
        notes.append(f"column names are read in the codebook's spelling: {', '.join(respelt)}")
    faults = [
        Fault(header.line, name, f"the column appears {times} times. Keep one")
        for name, times in Counter(names).items()
        if times > 1 and name in COLUMNS
    ]
    absent = tuple(name for name in COLUMNS if name not in names)
    suggested = set()
    unused = 0
    for place, name in enumerate(names):
        if name in COLUMNS or name.casefold().startswith(OWN_PREFIX):
            continue
        if not name and not any(row.cells[place].strip() for row in body if len(row.cells) > place):
            unused += 1
            continue
        suggested.add(nearest(name, absent))
        faults.append(Fault(header.line, "", _unknown_column(name, place, did_you_mean(name, absent))))
    if unused:
        notes.append(f"{count(unused, 'empty column')} without a name skipped")
    faults += [
        Fault(header.line, name, f"the required column is missing. Required: {', '.join(REQUIRED)}")
        for name in REQUIRED
        if name in absent and name not in suggested
    ]
    return columns, faults


def _unknown_column(name: str, place: int, hint: str) -> str:
    if not name:
        return f"column {place + 1} has no name. Name it, or delete it"
    shown = shorten(name)
    allowed = f" Allowed: {', '.join(COLUMNS)}; rename it '{OWN_PREFIX}{shown}' to have it ignored"
    return f"unknown column '{shown}'.{hint or allowed}"


def _read_rows(
    body: list[Row], columns: dict[int, str], width: int, dates: DateOrder, notes: list[str]
) -> tuple[list[Values], list[Fault]]:
    whole = [row for row in body if len(row.cells) == width]
    faults = [_width_fault(row, width) for row in body if len(row.cells) != width]
    spelling = respell(whole, columns, dates)
    notes += spelling.notes
    faults += spelling.faults
    events: list[Values] = []
    for row in whole:
        event, wrong = read_cells({name: row.cells[place] for place, name in columns.items()})
        faults += _cell_faults(row, columns, wrong, spelling)
        events.append({"line": row.line} | event)
    faults += _verified_faults(events)
    faults += _id_faults(events)
    return events, faults


def _width_fault(row: Row, width: int) -> Fault:
    many, few = "Put text that holds a comma in quotation marks", "Add a comma for each empty cell"
    remedy = many if len(row.cells) > width else few
    message = f"{len(row.cells)} cells, but the header has {width} columns. {remedy}"
    return Fault(row.line, "", message)


def _cell_faults(
    row: Row, columns: Mapping[int, str], wrong: list[tuple[str, str]], spelling: Spelling
) -> Iterator[Fault]:
    """Faults of a row; of a day that the spelling refused in its words, or none where it has said all."""
    texts = {name: clean_text(row.cells[place]) for place, name in columns.items()} if wrong else {}
    for column, message in wrong:
        if column in DATES:
            message = spelling.refused.get(texts[column], message)
        if message:
            yield Fault(row.line, column, message)


def _contradictions(event: Values) -> list[tuple[str, str]]:
    """Column and message of what cannot be true together; cells that were not readable are left out."""
    found = []
    day: date | None = event.get("date")
    today = latest_day()
    for name in ("date", "known_date"):
        other: date | None = event.get(name)
        if other is not None and other > today:
            found.append((name, f"{other} lies in the future. Allowed: {today} or earlier"))
    for name, reason in (("known_date", ": an act is not public before it happens"), ("end_date", "")):
        other = event.get(name)
        if day is not None and other is not None and other < day:
            found.append((name, f"{other} is before date {day}{reason}. Allowed: {day} or later, or empty"))
    initiator = event.get("initiator")
    if initiator is not None and initiator == event.get("target"):
        found.append(("target", f"initiator and target are both '{initiator}'. An act is between two actors"))
    return found


def _verified_faults(events: list[Values]) -> list[Fault]:
    silent = [event["line"] for event in events if event.get("verified", False) is None]
    if len(silent) == sum("verified" in event for event in events):
        return []
    return [Fault(line, "verified", "empty, while other rows answer. Allowed: yes, no") for line in silent]


def _id_faults(events: list[Values]) -> list[Fault]:
    first: dict[str, int] = {}
    faults = []
    for event in events:
        name, line = event.get("id"), event["line"]
        if name and first.setdefault(name, line) != line:
            message = f"'{shorten(name)}' is already used in line {first[name]}. Ids are unique"
            faults.append(Fault(line, "id", message))
    return faults


def _make_table(events: list[Values], source: str, notes: list[str]) -> EventTable:
    has_verified = any(event.get("verified") is not None for event in events)
    repeats: Counter[str] = Counter()
    for event in events:
        event["known_date"] = event.get("known_date") or event["date"]
        event["verified"] = bool(event.get("verified"))
        if not event.get("id"):
            stamp = _row_hash(event)
            repeats[stamp] += 1
            # Two acts coded alike on one day are two events; the count tells them apart.
            event["id"] = stamp if repeats[stamp] == 1 else f"{stamp}-{repeats[stamp]}"
    columns: dict[str, list[Any]] = {
        field: [event.get(name, None if name in DATES else "") for event in events]
        for name, field in zip(COLUMNS, FIELDS, strict=True)
    }
    lines = [event["line"] for event in events]
    return EventTable.sort_rows(columns, source, has_verified=has_verified, notes=notes, line=lines)


def _row_hash(event: Values) -> str:
    content = "\x1f".join(str(event.get(name) or "") for name in COLUMNS if name not in ("id", "verified"))
    return f"row-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
