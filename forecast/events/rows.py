"""A file of events → rows of text with their true line numbers, how it was written, or what is wrong.

DuckDB reads Parquet and what feeds publish, but its reader of CSV does not tell the
line of a row that is sound, loses the rows after a lone quotation mark, and refuses mixed line ends (2.0).
Tables with types of their own (.xlsx workbooks, Parquet files) become text to be checked as CSV is: days are
``YYYY-MM-DD``, whole numbers have no decimal point, true and false are yes and no.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from forecast.errors import did_you_mean, install_command
from forecast.events.cells import Fault, column_named
from forecast.events.table import COLUMNS, REQUIRED
from forecast.storage import read_plain
from forecast.wording import count

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

MAX_FILE_BYTES = 500_000_000
MAX_ROWS, MAX_COLUMNS = 5_000_000, 1_000
"""Of a file."""
PARQUET_MARK = b"PAR1"
ZIP_MARK = b"PK\x03\x04"
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

_FIRST_LINE = re.compile(r"[^\r\n]+")
_SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?')
_LATIN_PAGES = ("cp1252", "cp1250", "cp1254")
_FOREIGN_WORD = re.compile(r"[^\W\x00-\x7f]{3}")
_OTHER_KINDS = {
    ZIP_MARK: "a spreadsheet or ZIP file. Save the sheet as CSV (UTF-8)",
    b"\x1f\x8b": "a gzip file. Unpack it first",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel file. Save it as .xlsx or CSV (UTF-8)",
}
_UNREADABLE = (
    *(OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, EOFError),
    *(zipfile.BadZipFile, zlib.error, ParseError),
)
"""What openpyxl raises for a damaged workbook: mostly what its readers of ZIP and XML do."""
_SHEET_ROWS, _SHEET_COLUMNS = 1_048_576, 2_000
"""Rows that a spreadsheet can have, and columns of one with events; a cell far out makes all before it."""
_TITLE_ROWS = 20
"""Rows above the header that may hold titles and notes."""
_PARQUET_CELLS = 100_000_000
"""Of a Parquet file, where a value repeated without end takes no room."""


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
        return Fault(self.line, "", f"{len(self.cells)} cells, but the header has {width} columns. {remedy}")


@dataclass
class Sheet:
    """Rows of a file, the header first, each fault of the file itself, and what was guessed, in sentences."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def refused(cls, message: str, line: int | None = None) -> Sheet:
        """Return a sheet without rows, and why there are none."""
        return cls(faults=[Fault(line, "", message)])


def read_sheet(path: Path) -> Sheet:
    """Return header and rows of a CSV, Parquet or Excel file, and every fault of the file itself."""
    raw = read_bytes(path)
    if isinstance(raw, Fault):
        return Sheet(faults=[raw])
    if raw.startswith(PARQUET_MARK):
        return _read_parquet(path)
    return _read_workbook(path) if raw.startswith(ZIP_MARK) else read_text(raw)


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


def literal_path(path: Path) -> str:
    """Return a path as DuckDB reads it: signs that would stand for other files are written as themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


# Text


def read_text(raw: bytes) -> Sheet:
    """Return header and rows of CSV, and every fault of the file itself."""
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
    return Sheet(*split_rows(text, separator), notes)


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
        if wide:
            return Fault(None, "", f"not readable as UTF-16 at byte {error.start:,}: cut short or binary")
        message = "a binary file, not CSV text. Save the events as CSV (UTF-8)"
        if b"\x00" not in raw[:4096]:
            advice = "Save the file as UTF-8 (in Excel: the file type 'CSV UTF-8')"
            message = f"byte 0x{raw[error.start]:02X} is not UTF-8. {advice}"
        return Fault(raw.count(b"\n", 0, error.start) + 1, "", message)
    zero = text.find("\x00")
    if zero >= 0:
        message = "a NUL byte: a binary file, or UTF-16 without its mark. Save it as CSV (UTF-8)"
        return Fault(text.count("\n", 0, zero) + 1, "", message)
    return text if text.strip() else Fault(None, "", "the file is empty. Expected: a header and events")


def _windows_text(raw: bytes) -> str | None:
    """Return the text of a file in Windows-1252, or ``None`` where that is not certain."""
    # It is where Western, Central European and Turkish Windows read each byte as the same sign, and no three
    # such letters follow each other, as they would in Cyrillic or Greek.
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, *_OTHER_KINDS)) or b"\x00" in raw:
        return None
    readings = {raw.decode(page, errors="replace") for page in _LATIN_PAGES}
    text = readings.pop()
    return None if readings or "\ufffd" in text or _FOREIGN_WORD.search(text) else text


def _separator_of(text: str) -> tuple[str, str]:
    """Text without Excel's line ``sep=;`` (left empty), and the sign that gives the header most columns."""
    found = _FIRST_LINE.search(text)
    if found is None:
        return text, ","
    first = found[0]
    if stated := _SEPARATOR_LINE.fullmatch(first.strip(" ")):
        return text[: found.start()] + text[found.end() :], stated[1]

    def known_columns(sign: str) -> int:
        with suppress(csv.Error):
            return sum(
                column_named(cell) in COLUMNS for cell in next(csv.reader([first], delimiter=sign), [])
            )
        return 0

    return text, max(SEPARATORS, key=known_columns)


def split_rows(text: str, separator: str = ",") -> tuple[list[Row], list[Fault]]:
    """Split CSV text into rows; blank lines are skipped. A row with broken quotes ends the reading."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    line = 1
    try:
        for cells in reader:
            if cells:
                rows.append(Row(line, cells))
            if len(rows) > MAX_ROWS:
                return rows, [Fault(None, "", f"more than {MAX_ROWS:,} rows. Split the file by year")]
            line = reader.line_num + 1
    except csv.Error as error:
        return rows, [Fault(line, "", f"{_quote_message(str(error))}. What follows was not read")]
    return rows, []


def _quote_message(error: str) -> str:
    if "end of data" in error or "limit" in error:
        return "a quotation mark is opened here and never closed. Close it, or write it twice if it is text"
    if "expected after" in error:
        advice = 'Put text in "…" and write a mark inside it twice ("")'
        return f"quotation marks do not pair up in this row. {advice}"
    return f"not readable as CSV: {error}"


# Tables with types


def cell_text(value: object) -> str:
    """Cell as a file of text would have it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            # A day is kept as its midnight.
            return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return f"{value:.0f}"
    return str(value)


def _read_workbook(path: Path) -> Sheet:
    """Header and rows of the one sheet with events, or what is wrong; a formula has the value last saved."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            size = sum(member.file_size for member in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return Sheet.refused("a damaged spreadsheet or ZIP file. Save the sheet as CSV (UTF-8)")
    if "xl/workbook.xml" not in names:
        if {"xl/workbook.bin", "content.xml"} & set(names):
            return Sheet.refused("a spreadsheet of another kind than .xlsx. Save it as .xlsx or CSV (UTF-8)")
        return Sheet.refused("a ZIP file. Unpack it first")
    if size > MAX_FILE_BYTES:
        return Sheet.refused(f"unpacks to {size:,} bytes. Save the sheet as CSV (UTF-8), or split it by year")
    try:
        from openpyxl import load_workbook
    except ImportError:
        return Sheet.refused(
            "spreadsheets are read by openpyxl, which is not installed. Install it: "
            f"{install_command('excel')} (or save the sheet as 'CSV UTF-8')"
        )
    with warnings.catch_warnings():
        # openpyxl warns of styles and checks on cells that it leaves out; only values are read here.
        warnings.simplefilter("ignore")
        try:
            with closing(load_workbook(path, read_only=True, data_only=True)) as book:
                return _sheet_of_events(book)
        except _UNREADABLE as error:
            reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
            return Sheet.refused(f"the spreadsheet cannot be read: {reason}. Save the sheet as CSV (UTF-8)")


def _sheet_of_events(book: Workbook) -> Sheet:
    """Rows of the sheet whose header names required columns; of the first with content where none does."""
    headers = {sheet.title: header for sheet in book.worksheets if (header := _header(sheet))}
    if not headers:
        return Sheet.refused("the spreadsheet is empty. Expected: a header and events")
    fitting = [title for title, header in headers.items() if _required_in(header) > 1]
    if len(fitting) > 1:
        sheets = ", ".join(f"'{title}'" for title in fitting)
        return Sheet.refused(f"several sheets hold events: {sheets}. Keep one of them in the file")
    chosen = fitting[0] if fitting else next(iter(headers))
    width, first = len(headers[chosen].cells), headers[chosen].line
    every = list(_rows(book[chosen]))
    rows = [Row(row.line, row.cells + [""] * (width - len(row.cells))) for row in every if row.line >= first]
    notes = [f"events are read from the sheet '{chosen}', one of {len(headers)}"] if len(headers) > 1 else []
    if above := len(every) - len(rows):
        notes.append(f"{count(above, 'title row')} above the header (row {first}) skipped")
    return Sheet(rows, notes=notes)


def _header(sheet: Any) -> Row | None:  # noqa: ANN401 - openpyxl's sheets carry no types
    """First row that names required columns, below titles; the first with content where none does."""
    top = list(islice(_rows(sheet), _TITLE_ROWS + 1))
    return next((row for row in top if _required_in(row) > 1), top[0] if top else None)


def _required_in(header: Row) -> int:
    return len({column_named(cell) for cell in header.cells} & set(REQUIRED))


def _rows(sheet: Any) -> Iterator[Row]:  # noqa: ANN401 - openpyxl's sheets carry no types
    """Rows with content; the number of a row is that in the spreadsheet."""
    # Some programs write a wrong size of the sheet; without it every row is read.
    sheet.reset_dimensions()
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > _SHEET_ROWS or len(values) > _SHEET_COLUMNS:
            raise ValueError(
                f"row {number:,} has {len(values):,} cells; a sheet of events has fewer of either"
            )
        cells = [cell_text(value) for value in values]
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield Row(number, cells)


def _read_parquet(path: Path) -> Sheet:
    """Return header and rows of a Parquet file; the line of a row is its number."""
    import duckdb

    # Else DuckDB takes a folder named severity=5 for a column.
    source, where = "read_parquet(?, hive_partitioning=false)", [literal_path(path)]
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:

            def select(what: str, statement: str = "SELECT") -> list[tuple[Any, ...]]:
                return connection.execute(f"{statement} {what} FROM {source}", where).fetchall()

            names, ((number,),) = [str(row[0]) for row in select("*", "DESCRIBE SELECT")], select("count(*)")
            if len(names) > MAX_COLUMNS:
                return Sheet.refused(f"{len(names):,} columns. Allowed: at most {MAX_COLUMNS:,}")
            if number > MAX_ROWS or number * len(names) > _PARQUET_CELLS:
                allowed = f"Allowed: at most {MAX_ROWS:,}. Split the file by year"
                return Sheet.refused(f"{number:,} rows. {allowed}")
            rows = select("*")
    except duckdb.Error as error:
        return Sheet.refused(f"the Parquet file cannot be read: {str(error).splitlines()[0][:200]}")
    return Sheet(
        [Row(0, names), *(Row(place, [*map(cell_text, row)]) for place, row in enumerate(rows, start=1))]
    )
