"""Coding by hand: one event, checked by the rules of reading, added to a file that loses nothing by it."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from forecast.errors import EventError
from forecast.events.cells import Fault, clean_text, faults_message
from forecast.events.duplicates import DuplicateGroup, find_duplicates
from forecast.events.reading import HEADER_ALONE, inspect_events, read_cells, write_whole
from forecast.events.rows import PARQUET_MARK, PARQUET_SUFFIX, decode, read_bytes, split_rows
from forecast.events.table import COLUMNS, REQUIRED, Event, EventTable, csv_text
from forecast.records.scale import Scale


@dataclass(frozen=True)
class EventFile:
    """An event file as it stands before an event is added: its bytes (``None`` without a file) and events."""

    path: Path
    content: bytes | None
    table: EventTable | None

    @property
    def asks_verified(self) -> bool:
        """Whether a new row must say if its source was verified: every row of a file does, or none."""
        return self.table is None or self.table.has_verified

    @property
    def ids(self) -> list[str]:
        """Ids that are taken."""
        return [] if self.table is None else self.table.id.tolist()


@dataclass(frozen=True)
class CodedEvent:
    """An event ready to be added, the same as text by column, and the groups of rows it may repeat.

    Columns without content are left out of ``cells``.
    """

    event: Event
    cells: Mapping[str, str]
    duplicates: tuple[DuplicateGroup, ...]


def open_event_file(path: Path) -> EventFile:
    """Read a file to which an event is to be added; a file that does not exist yet is to be made.

    Raises ``EventError``: it has faults, is no CSV file, or its folder does not exist.
    """
    parquet = EventError(f"{path}: a Parquet file. Events are coded into CSV files: give one of those")
    if path.suffix == PARQUET_SUFFIX:
        raise parquet
    if not path.exists():
        if not path.parent.is_dir():
            raise EventError(f"{path}: there is no folder {path.parent}. Make it first, or give another path")
        return EventFile(path, None, None)
    raw = read_bytes(path)
    if isinstance(raw, Fault):
        raise EventError(raw.located(str(path)))
    if raw.startswith(PARQUET_MARK):
        raise parquet
    if not raw.strip():
        return EventFile(path, None, None)
    table, faults = inspect_events(path)
    # A header without rows is no file to forecast from, but one to begin with.
    if table is None and faults != [HEADER_ALONE]:
        raise EventError(f"{faults_message(str(path), faults)}\nNothing was added. Mend the file first.")
    if not _is_by_the_codebook(raw):
        raise EventError(
            f"{path}: not written by the codebook (a CSV in UTF-8 with commas and its names of columns). "
            f"Nothing was added. Make such a file first: forecast events validate {path} --out NEW.csv"
        )
    return EventFile(path, raw, table)


def _is_by_the_codebook(raw: bytes) -> bool:
    """Whether a row with commas and the codebook's columns fits below the rows of a file."""
    text = decode(raw)
    rows, _ = ([], []) if isinstance(text, Fault) else split_rows(text)
    header = {clean_text(cell) for cell in rows[0].cells} if rows else set()
    return header.issuperset(REQUIRED)


def code_event(
    cells: Mapping[str, str],
    file: EventFile,
    scale: Scale | None = None,
    own: Mapping[str, str] | None = None,
) -> CodedEvent:
    """Check one event by the rules of reading, give it an id, and look for it among the rows there are.

    ``own`` are cells of columns of one's own, whose names begin with ``x_``.

    Raises ``EventError``: lists everything that is missing or wrong, one line a column.
    """
    given = {name: clean_text(text) for name, text in cells.items() if clean_text(text)}
    if file.asks_verified:
        given.setdefault("verified", "no")
    faults = coding_faults(given, file, scale)
    if faults:
        faults.sort(key=lambda fault: COLUMNS.index(fault[0]))
        lines = [f"{file.path}: {column}: {message}" for column, message in faults]
        raise EventError(
            "\n".join([*lines, "Nothing was added. 'forecast events codebook' prints the codebook."])
        )
    values, _ = read_cells(given)
    given |= {name: values[name] for name in ("initiator", "target")}
    known = values.get("known_date") or values["date"]
    name = given.get("id") or new_id(values["initiator"], values["target"], values["date"], file.ids)
    values |= {"id": name, "known_date": known, "verified": values.get("verified") or False}
    event = Event(recipient=values.pop("target"), **values)
    given |= {"id": name, "known_date": known.isoformat()}
    ordered = {column: given[column] for column in COLUMNS if column in given} | dict(own or {})
    suspects: tuple[DuplicateGroup, ...] = ()
    if (table := file.table) is not None:
        both = EventTable.from_events([*table.rows(), event], table.source, has_verified=table.has_verified)
        suspects = tuple(group for group in find_duplicates(both).groups if event.id in group.ids)
    return CodedEvent(event, ordered, suspects)


def coding_faults(
    given: Mapping[str, str], file: EventFile, scale: Scale | None = None
) -> list[tuple[str, str]]:
    """Return column and message of all that is missing or wrong in an event meant for a file."""
    missing = [(name, "missing. It is required") for name in REQUIRED if name not in given]
    values, faults = read_cells(given)
    category, severity = values.get("category"), values.get("severity")
    if scale and category and severity and scale.anchor(category, severity) is None:
        allowed = f"{scale.least(category)} to {scale.greatest(category)}"
        message = f"the scale '{scale.name}' has no {category} of severity {severity}. Allowed: {allowed}"
        faults.append(("severity", message))
    if given.get("id") in file.ids:
        faults.append(("id", f"'{given['id']}' is used in the file already. Ids are unique"))
    if not file.asks_verified and "verified" in given:
        message = "no row of this file says whether it was verified, so a new one cannot either; leave it out"
        faults.append(("verified", message))
    return missing + faults


def new_id(initiator: str, recipient: str, day: date, taken: Iterable[str]) -> str:
    """Return a free id such as ``usa-chn-20230204-01``; a pair is named in the order the file began with."""
    used = set(taken)
    ways = [f"{initiator}-{recipient}-".lower(), f"{recipient}-{initiator}-".lower()]
    begun = (way for way in ways if any(name.startswith(way) for name in used))
    stem = f"{next(begun, ways[0])}{day:%Y%m%d}"
    numbered = (f"{stem}-{number:02d}" for number in count(1))
    return next(name for name in numbered if name not in used)


def add_event(file: EventFile, coded: CodedEvent) -> None:
    """Add the event as the last row; every other byte of the rows stays, columns are added where needed.

    Raises ``EventError``: the file was changed since it was read, or cannot be written; it is left as it is.
    """
    now = file.path.read_bytes() if file.path.exists() else None
    if now != file.content and not (file.content is None and not (now or b"").strip()):
        raise EventError(
            f"{file.path}: the file was changed while the event was coded. Nothing was added; code it again"
        )
    write_whole(file.path, _with_row(file.content, coded.cells))


def _with_row(content: bytes | None, cells: Mapping[str, str]) -> bytes:
    if content is None:
        header = [*COLUMNS, *(name for name in cells if name not in COLUMNS)]
        return csv_text([header, [cells.get(name, "") for name in header]]).encode()
    text, encoding = _text_of(content)
    end = "\r\n" if "\r\n" in text else "\n"
    rows, _ = split_rows(text)
    header = [clean_text(name) for name in rows[0].cells]
    # A day of becoming known that is the day of the act is what the reader takes by itself.
    plain = {"known_date"} if cells["known_date"] == cells["date"] else set()
    absent = [name for name in cells if name not in header and name not in plain]
    row = [cells.get(name, "") for name in [*header, *absent]]
    if absent:
        widened = [[*old.cells, *[""] * len(absent)] for old in rows[1:]]
        return csv_text([[*header, *absent], *widened, row], end).encode(encoding)
    if not text.endswith(("\n", "\r")):
        text += end
    return (text + csv_text([row], end)).encode(encoding)


def _text_of(content: bytes) -> tuple[str, str]:
    """Text of a file and the encoding that gives back its mark of byte order."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16"), "utf-16"
    marked = content.startswith(codecs.BOM_UTF8)
    return content.decode("utf-8-sig"), "utf-8-sig" if marked else "utf-8"
