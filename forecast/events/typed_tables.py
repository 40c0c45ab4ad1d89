"""Tables with types of their own (.xlsx workbooks, Parquet files) → rows of text, to be checked as CSV is.

Days become ``YYYY-MM-DD``, whole numbers have no decimal point, true and false are yes and no.
"""

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
from forecast.events.cells import column_named
from forecast.events.rows import MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROWS, Row, Sheet, literal_path
from forecast.events.table import REQUIRED
from forecast.wording import count

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_UNREADABLE = (
    *(OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, EOFError),
    *(zipfile.BadZipFile, zlib.error, ParseError),
)
"""What openpyxl raises for a damaged workbook: mostly what its readers of ZIP and XML do."""
_WORKBOOK_BYTES, _WORKBOOK_EXPANSION = 10_000_000, 50
"""A workbook is refused that unpacks to more than this, and to so many times its size; sheets: 5 to 20."""
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 2_000
"""Rows that a spreadsheet can have, and columns of one with events; a cell far out makes all before it."""
_TITLE_ROWS = 20
"""Rows above the header that may hold titles and notes."""
_PARQUET_BYTES, _PARQUET_EXPANSION = 100_000_000, 200
"""A Parquet file is refused that takes more memory, and so many times its size; events take 10 to 90."""
_CELL_BYTES = 60
"""Memory of a cell beside its letters, about."""


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


# Workbooks


def read_workbook(path: Path) -> Sheet:
    """Return header and rows of the one sheet of a workbook that holds events, or what is wrong with it.

    A formula has the value that the spreadsheet last saved.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            size = sum(member.file_size for member in archive.infolist())
            packed = sum(member.compress_size for member in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return Sheet.refused("a damaged spreadsheet or ZIP file. Save the sheet as CSV (UTF-8)")
    if "xl/workbook.xml" not in names:
        if {"xl/workbook.bin", "content.xml"} & set(names):
            return Sheet.refused("a spreadsheet of another kind than .xlsx. Save it as .xlsx or CSV (UTF-8)")
        return Sheet.refused("a ZIP file. Unpack it first")
    if size > MAX_FILE_BYTES:
        allowed = f"Allowed: at most {MAX_FILE_BYTES:,}. Split it by year"
        return Sheet.refused(f"{size:,} bytes when unpacked. {allowed}")
    if size > max(_WORKBOOK_BYTES, _WORKBOOK_EXPANSION * packed):
        return Sheet.refused(
            f"{packed:,} bytes that unpack to {size:,}, which no sheet of events does. Save it as CSV (UTF-8)"
        )
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
            book = load_workbook(path, read_only=True, data_only=True)
            try:
                return _sheet_of_events(book)
            finally:
                book.close()
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
    below = [row for row in every if row.line >= first]
    rows = [Row(row.line, row.cells + [""] * (width - len(row.cells))) for row in below]
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
        cells = [cell_text(value) for value in values]
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield Row(number, cells)


# Parquet


def read_parquet(path: Path) -> Sheet:
    """Return header and rows of a Parquet file; the line of a row is its number."""
    import duckdb

    # Else DuckDB takes a folder named severity=5 for a column.
    source, where = "read_parquet(?, hive_partitioning=false)", [literal_path(path)]
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            described = connection.execute(f"DESCRIBE SELECT * FROM {source}", where).fetchall()
            names = [str(row[0]) for row in described]
            number = _number(connection.execute(f"SELECT count(*) FROM {source}", where).fetchall())
            if len(names) > MAX_COLUMNS:
                return Sheet.refused(f"{len(names):,} columns. Allowed: at most {MAX_COLUMNS:,}")
            if number > MAX_ROWS:
                return Sheet.refused(
                    f"{number:,} rows. Allowed: at most {MAX_ROWS:,}. Split the file by year"
                )
            cells = [_text_in_sql(name, str(row[1])) for name, row in zip(names, described, strict=True)]
            letters = " + ".join(f"sum(strlen({cell}))" for cell in cells)
            memory = _number(connection.execute(f"SELECT {letters} FROM {source}", where).fetchall())
            memory, size = memory + _CELL_BYTES * number * len(names), path.stat().st_size
            # A few values, repeated without end, take far more memory than events do.
            if memory > max(_PARQUET_BYTES, _PARQUET_EXPANSION * size):
                return Sheet.refused(
                    f"{size:,} bytes that unpack to about {memory:,}, which no events do. Save them as CSV "
                    "(UTF-8)"
                )
            rows = connection.execute(f"SELECT {', '.join(cells)} FROM {source}", where).fetchall()
    except duckdb.Error as error:
        return Sheet.refused(f"the Parquet file cannot be read: {str(error).splitlines()[0][:200]}")
    return Sheet([Row(0, names), *(Row(place, list(row)) for place, row in enumerate(rows, start=1))])


def _number(rows: list[tuple[Any, ...]]) -> int:
    return int(rows[0][0] or 0)


def _text_in_sql(name: str, kind: str) -> str:
    """SQL for ``cell_text`` of a column, since files may hold millions of rows."""
    column = '"' + name.replace('"', '""') + '"'
    if kind == "BOOLEAN":
        column = f"CASE WHEN {column} THEN 'yes' WHEN NOT {column} THEN 'no' END"
    elif kind.startswith("TIMESTAMP"):
        text, day = f"CAST({column} AS VARCHAR)", f"CAST({column} AS DATE)"
        column = f"CASE WHEN {column} = {day} THEN CAST({day} AS VARCHAR) ELSE {text} END"
    return f"coalesce(CAST({column} AS VARCHAR), '')"
