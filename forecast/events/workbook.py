"""A workbook of a spreadsheet (.xlsx) → rows of text with the numbers of their rows, read by openpyxl."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from forecast.errors import install_command
from forecast.events.rows import MAX_FILE_BYTES, Fault, Row, Sheet, column_named
from forecast.events.table import REQUIRED
from forecast.wording import count

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_UNREADABLE = (
    *(OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, EOFError),
    *(zipfile.BadZipFile, zlib.error, ParseError),
)
"""What openpyxl raises for a damaged workbook: mostly what its readers of ZIP and XML do."""

_FREE_BYTES, _MAX_EXPANSION = 10_000_000, 50
"""A workbook is refused that unpacks to more than this, and to so many times its size; sheets: 5 to 20."""
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 2_000
"""Rows that a spreadsheet can have, and columns of one with events; a cell far out makes all before it."""


_TITLE_ROWS = 20
"""Rows above the header that may hold titles and notes."""


def read_workbook(path: Path) -> Sheet:
    """Return header and rows of the one sheet of a workbook that holds events, or what is wrong with it.

    Days become ``YYYY-MM-DD``, whole numbers have no decimal point, true and false are yes and no, and a
    formula has the value that the spreadsheet last saved.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            size = sum(one.file_size for one in archive.infolist())
            packed = sum(one.compress_size for one in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return _fault("a damaged spreadsheet or ZIP file. Save the sheet as CSV (UTF-8)")
    if "xl/workbook.xml" not in names:
        if {"xl/workbook.bin", "content.xml"} & set(names):
            return _fault("a spreadsheet of another kind than .xlsx. Save it as .xlsx or CSV (UTF-8)")
        return _fault("a ZIP file. Unpack it first")
    if size > MAX_FILE_BYTES:
        return _fault(f"{size:,} bytes when unpacked. Allowed: at most {MAX_FILE_BYTES:,}. Split it by year")
    if size > max(_FREE_BYTES, _MAX_EXPANSION * packed):
        return _fault(
            f"{packed:,} bytes that unpack to {size:,}, which no sheet of events does. Save it as CSV (UTF-8)"
        )
    try:
        from openpyxl import load_workbook
    except ImportError:
        return _fault(
            "spreadsheets are read by openpyxl, which is not installed. Install it: "
            f"{install_command('excel')} (or save the sheet as 'CSV UTF-8')"
        )
    with warnings.catch_warnings():
        # openpyxl warns of styles and checks on cells that it leaves out; only values are read here.
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(path, read_only=True, data_only=True)
            try:
                return _sheet_of_events(book)
            finally:
                book.close()
        except _UNREADABLE as error:
            reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
            return _fault(f"the spreadsheet cannot be read: {reason}. Save the sheet as CSV (UTF-8)")


def _fault(message: str) -> Sheet:
    return Sheet(faults=[Fault(None, "", message)])


def _sheet_of_events(book: Workbook) -> Sheet:
    """Rows of the sheet whose header names required columns; of the first with content where none does."""
    headers = {sheet.title: header for sheet in book.worksheets if (header := _header(sheet))}
    if not headers:
        return _fault("the spreadsheet is empty. Expected: a header and events")
    fitting = [title for title, header in headers.items() if _required_in(header) > 1]
    if len(fitting) > 1:
        sheets = ", ".join(f"'{title}'" for title in fitting)
        return _fault(f"several sheets hold events: {sheets}. Keep one of them in the file")
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
        if number > _MOST_ROWS or len(values) > _MOST_COLUMNS:
            raise ValueError(
                f"row {number:,} has {len(values):,} cells; a sheet of events has fewer of either"
            )
        cells = [_text(value) for value in values]
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield Row(number, cells)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        # A day is kept as its midnight.
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
