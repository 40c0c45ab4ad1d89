"""A file of events → rows of text with their true line numbers, how it was written, or what is wrong.

Text is split by hand. DuckDB reads Parquet and what feeds publish, but its reader of CSV does not tell the
line of a row that is sound, loses the rows after a lone quotation mark, and refuses mixed line ends (2.0).
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from forecast.errors import did_you_mean
from forecast.events.cells import Fault, column_named
from forecast.events.table import COLUMNS
from forecast.storage import read_plain

MAX_FILE_BYTES = 500_000_000
MAX_LINE_CHARS = 100_000
MAX_BROKEN_ROWS = 1_000
"""Rows with broken quotes after which reading stops: each costs a restart."""
MAX_USELESS_ROWS, MAX_ROWS, MAX_COLUMNS = 10_000, 5_000_000, 1_000
"""Rows that cannot be events after which reading stops, and all rows and columns that a file may have."""
PARQUET_MARK, PARQUET_SUFFIX = b"PAR1", ".parquet"
ZIP_MARK = b"PK\x03\x04"
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

_LINE_END = re.compile(r"\r\n|\n|\r")
_FIRST_LINE = re.compile(r"[^\r\n]+")
_SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?')
_LATIN_PAGES = ("cp1252", "cp1250", "cp1254")
_SHOWN_PAGES = ("cp1252", "cp1250", "cp1251")
# Bounded: a run of ASCII would else be read again from each of its characters.
_WORD_BEYOND_ASCII = re.compile(rb"[^\s,;|\"\x80-\xff]{0,60}[\x80-\xff][^\s,;|\"]{0,60}")
_FOREIGN_WORD = re.compile(r"[^\W\x00-\x7f]{3}")
_OTHER_KINDS = {
    ZIP_MARK: "a spreadsheet or ZIP file. Save the sheet as CSV (UTF-8)",
    b"\x1f\x8b": "a gzip file. Unpack it first",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel file. Save it as .xlsx or CSV (UTF-8)",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of one row and the physical line, counted from 1, on which it begins; 0 for names on no line."""

    line: int
    cells: list[str]

    def width_fault(self, width: int) -> Fault | None:
        """Return the fault of a row that has not as many cells as the header has columns."""
        if len(self.cells) == width:
            return None
        many, few = "Put text that holds a comma in quotation marks", "Add a comma for each empty cell"
        remedy = many if len(self.cells) > width else few
        wrong = f"{len(self.cells)} cells, but the header has {width} columns. {remedy}"
        return Fault(self.line, "", wrong)


@dataclass
class Sheet:
    """Rows of a file, the header first, each fault of the file itself, and what was guessed about its form.

    ``notes`` are sentences for the user, e.g. ``columns are separated by semicolons``
    """

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def refused(cls, message: str, line: int | None = None) -> Sheet:
        """Return a sheet without rows, and why there are none."""
        return cls(faults=[Fault(line, "", message)])


def read_text(raw: bytes) -> Sheet:
    """Return header and rows of CSV, and every fault of the file itself.

    Separators are recognised by the header, and Windows-1252 where no other code page reads differently.
    """
    notes = []
    text = decode(raw)
    if isinstance(text, Fault) and (western := _windows_text(raw)) is not None:
        text = western
        notes.append("the file is not UTF-8 and is read as Windows-1252: check a name with accents")
    if isinstance(text, Fault):
        return Sheet(faults=[text])
    text, separator = _separator_of(text)
    if separator != ",":
        notes.append(f"columns are separated by {SEPARATORS[separator]}")
    first = _FIRST_LINE.search(text)
    if first and (wide := first[0].count(separator) + 1) > MAX_COLUMNS:
        return Sheet.refused(f"{wide:,} columns. Allowed: at most {MAX_COLUMNS:,}", 1)
    rows, faults = split_rows(text, separator)
    return Sheet(rows, faults, notes)


def _separator_of(text: str) -> tuple[str, str]:
    """Text without Excel's line ``sep=;`` (left empty), and the sign that gives the header most columns."""
    found = _FIRST_LINE.search(text)
    if found is None:
        return text, ","
    first = found[0][:MAX_LINE_CHARS]
    if stated := _SEPARATOR_LINE.fullmatch(first.strip(" ")):
        return text[: found.start()] + text[found.end() :], stated[1]
    return text, max(
        SEPARATORS, key=lambda sign: sum(column_named(cell) in COLUMNS for cell in _cut(first, sign))
    )


def _cut(line: str, separator: str) -> list[str]:
    with suppress(csv.Error):
        return next(csv.reader([line], delimiter=separator), [])
    return []


def read_bytes(path: Path) -> bytes | Fault:
    """Return the content of a regular file, or why there is none."""
    try:
        if not path.exists():
            why = f"no such file.{_similar_file(path)}"
        elif path.is_dir():
            why = "this is a folder. Give the CSV file inside it"
        elif not path.is_file():
            why = "not a regular file. Save the events as a CSV file first"
        elif (size := path.stat().st_size) > MAX_FILE_BYTES:
            why = f"{size:,} bytes. Allowed: at most {MAX_FILE_BYTES:,}. Split the file by year"
        else:
            return read_plain(path, MAX_FILE_BYTES)
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}. Check the path and its permissions"
    except ValueError as error:
        why = f"not a usable path: {error}"
    return Fault(None, "", why)


def _similar_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" There is no folder {folder}"
    return did_you_mean(path.name, sorted(entry.name for entry in folder.iterdir())) or " Check the path"


def decode(raw: bytes) -> str | Fault:
    """Return the text of a UTF-8 or UTF-16 file, or why it is not one. UTF-16 needs its byte-order mark."""
    if not raw.strip():
        return Fault(None, "", "the file is empty. Expected: a header line and one line an event")
    for magic, kind in _OTHER_KINDS.items():
        if raw.startswith(magic):
            return Fault(None, "", f"not CSV text but {kind}")
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        return _undecodable(raw, error.start, wide=wide)
    zero = text.find("\x00")
    if zero >= 0:
        message = "a NUL byte: a binary file, or UTF-16 without its mark. Save it as CSV (UTF-8)"
        return Fault(text.count("\n", 0, zero) + 1, "", message)
    return text if text.strip() else Fault(None, "", "the file is empty. Expected: a header and events")


def _undecodable(raw: bytes, start: int, *, wide: bool) -> Fault:
    if wide:
        return Fault(None, "", f"not readable as UTF-16 at byte {start:,}: cut short or binary")
    message = "a binary file, not CSV text. Save the events as CSV (UTF-8)"
    if b"\x00" not in raw[:4096]:
        message = (
            f"byte 0x{raw[start]:02X} is not UTF-8.{_readings(raw)} Save the file as UTF-8 "
            "(in Excel: the file type 'CSV UTF-8')"
        )
    return Fault(raw.count(b"\n", 0, start) + 1, "", message)


def _readings(raw: bytes) -> str:
    """How three code pages read the first word that they read differently."""
    for word in _WORD_BEYOND_ASCII.finditer(raw):
        readings = {page: text for page in _SHOWN_PAGES if (text := _read_as(word[0], page))}
        if len(set(readings.values())) > 1:
            shown = ", ".join(f"'{text[:30]}' in Windows-{page[2:]}" for page, text in readings.items())
            return f" It may be {shown}, or another code page."
    return ""


def _windows_text(raw: bytes) -> str | None:
    """Return the text of a file in Windows-1252, or ``None`` where that is not certain.

    It is certain where Western, Central European and Turkish Windows read each byte as the same sign (``ü``,
    ``é``, ``ç``, a dash), and no three such letters follow each other, as they would in Cyrillic or Greek.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, *_OTHER_KINDS)) or b"\x00" in raw:
        return None
    readings = {_read_as(raw, page) for page in _LATIN_PAGES}
    text = readings.pop()
    return text if text and not readings and not _FOREIGN_WORD.search(text) else None


def _read_as(raw: bytes, page: str) -> str | None:
    try:
        return raw.decode(page)
    except UnicodeDecodeError:
        return None


def split_rows(text: str, separator: str = ",") -> tuple[list[Row], list[Fault]]:
    """Split CSV text into rows; blank lines are skipped.

    A row with broken quotes becomes a fault and reading goes on with the line after the one it began on,
    so that one lone quotation mark does not hide the rest of the file. Reading stops where too many rows can
    never be read, or where there are more than ``MAX_ROWS``.
    """
    lines = _Lines(text)
    rows: list[Row] = []
    for _ in range(MAX_BROKEN_ROWS):
        broken = _read_from(lines, rows, separator)
        if broken is None or broken.line is None:
            return rows, [*lines.faults, *([broken] if broken else [])]
        lines.faults.append(broken)
        lines.go_back()
    stopped = Fault(None, "", f"reading stopped after {MAX_BROKEN_ROWS:,} rows with broken quotes")
    return rows, [*lines.faults, stopped]


class _Lines:
    """The lines of a text one after the other, never all at once; too long ones are empty."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = self._row_line = self._row_end = 0
        self.done, self.faults = 0, list[Fault]()
        """Lines that were given out, and a fault for each that is too long."""

    def __iter__(self) -> Iterator[str]:
        while self._place < len(self._text):
            end = _LINE_END.search(self._text, self._place)
            begin, self._place = self._place, end.end() if end else len(self._text)
            line = self._text[begin : self._place]
            self.done += 1
            if self.done == self._row_line + 1:
                self._row_end = self._place
            if len(line) > MAX_LINE_CHARS:
                self._refuse_long(len(line.rstrip("\r\n")))
                line = "\n"
            yield line

    def _refuse_long(self, length: int) -> None:
        message = f"the line has {length:,} characters. Allowed: at most {MAX_LINE_CHARS:,}"
        if not any(fault.line == self.done for fault in self.faults[-MAX_BROKEN_ROWS:]):
            self.faults.append(Fault(self.done, "", message))

    @property
    def row_line(self) -> int:
        """The line on which the row being read began, from 1."""
        return self._row_line + 1

    def end_row(self) -> None:
        """Take note that the next line begins another row."""
        self._row_line = self.done

    def go_back(self) -> None:
        """Go on with the line after the one on which the row being read began."""
        self._place = self._row_end
        self._row_line = self.done = self._row_line + 1


def _read_from(lines: _Lines, rows: list[Row], separator: str) -> Fault | None:
    """Append the rows that follow; return the first broken row as a fault, or why reading stopped."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    useless = 0
    names = [column_named(cell) for cell in rows[0].cells] if rows else []
    try:
        for cells in reader:
            if cells:
                if not rows:
                    names = [column_named(cell) for cell in cells]
                rows.append(Row(lines.row_line, cells))
                useless += len(rows) > 1 and _is_useless(cells, names)
                if useless > MAX_USELESS_ROWS:
                    message = (
                        f"reading stopped after {useless:,} rows that cannot be events: without a day, or "
                        "with more or fewer cells than the header has columns"
                    )
                    return Fault(None, "", message)
                if len(rows) > MAX_ROWS:
                    return Fault(None, "", f"more than {MAX_ROWS:,} rows. Split the file by year")
            lines.end_row()
    except csv.Error as error:
        return Fault(lines.row_line, "", _quote_message(str(error)))
    return None


def _is_useless(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a row can never be read: of another width, without a day, or below an unknown header."""
    if len(cells) != len(names):
        return True
    if "date" not in names:
        return not any(name in COLUMNS for name in names)
    day = cells[names.index("date")].strip()
    return bool(day) and not any(sign.isdigit() for sign in day)


def _quote_message(error: str) -> str:
    if "end of data" in error or "limit" in error:
        return "a quotation mark is opened here and never closed. Close it, or write it twice if it is text"
    if "expected after" in error:
        return (
            'quotation marks do not pair up in this row. Put text in "…" and '
            'write a mark inside it twice ("")'
        )
    return f"not readable as CSV: {error}"


def literal_path(path: Path) -> str:
    """Return a path as DuckDB reads it: signs that would stand for other files are written as themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))
