"""Files and stores of coded events → ``EventTable`` and back; sets by name; on what terms acts may be used.

A file is read whole or not at all: every fault is collected, with its line, and reported at once. DuckDB
reads Parquet and what feeds publish, but its reader of CSV does not tell the line of a row that is sound,
loses the rows after a lone quotation mark, and refuses mixed line ends (2.0). Tables with types of their own
become text to be checked as CSV is. An id that begins with the name of a source (``gdelt2-984…``) is of it.

A store, which ``forecast.feeds.store`` fills, is a folder of files each replaced whole: ``store.json`` and,
below ``gdelt2``, ``source.json``, ``acts/2020-11.parquet`` (in order of pair, day and id) and
``files/2020-11.json`` (which files of the month were read).
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import warnings
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import cache
from importlib.resources import as_file, files
from itertools import batched, chain, islice
from itertools import count as numbers
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args
from xml.etree.ElementTree import ParseError

import numpy as np
from numpy.typing import NDArray

from forecast.errors import EventError, InputError, clean_text, did_you_mean, install_command, nearest
from forecast.events.cells import (
    BUNDLED_PREFIX,
    DATES,
    MAX_CELL_CHARS,
    MAY_MEAN,
    MOST_TEXTS,
    PARSERS,
    SYNONYMS,
    DateOrder,
    FaultyEventsError,
    RowFault,
    Use,
    column_named,
    latest_day,
    parse_text,
    parse_texts,
    respell,
    shorten,
)
from forecast.events.codebook import packaged_rows
from forecast.events.table import COLUMNS, FIELDS, OWN_PREFIX, REQUIRED, EventTable
from forecast.frames import columns_of
from forecast.records.analysis import SourceTerms
from forecast.storage import plain, read_json, read_plain, write_file
from forecast.wording import count, listing, long_day

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from openpyxl.workbook import Workbook

VERSION = 1
FEED = "gdelt2"
STORE, STATE, ACTS, FILES = "store.json", f"{FEED}/source.json", f"{FEED}/acts", f"{FEED}/files"
PACE_DAYS = 2
"""The newest act of the feed is at most so old when all is well."""
HELD = tuple(name for name in COLUMNS if name not in ("end_date", "verified", "confidence"))
"""Columns of an event file that a store holds; no feed fills the others."""
Pairs = Collection[tuple[str, str]]
"""Pairs of actors, each in order of name."""


def is_store(path: Path) -> bool:
    """Whether a folder is a store."""
    return (path / STORE).is_file()


def read_pairs(folder: Path) -> list[str]:
    """Return the pairs that a store is for, as ``CHN,USA`` (``EventError``: no store of this version)."""
    if not is_store(folder):
        kind = "no store of events" if folder.exists() else "no such folder"
        command = f"forecast events update --store {folder} --pair USA,CHN --since DAY"
        raise EventError(f"{folder}: {kind}. '{command}' makes one")
    settings = read_state(folder / STORE)
    version = settings.get("version")
    if version != VERSION:
        raise EventError(
            f"{folder / STORE}: a store of version {version!r}; this program reads version {VERSION}. Fill a "
            "new one with 'forecast events update', or use the version that made it"
        )
    if not isinstance(pairs := settings.get("pairs"), list):
        raise EventError(f"{folder / STORE}: no list of pairs. Move it away and update the store")
    return [*map(str, pairs)]


def read_state(path: Path) -> dict[str, Any]:
    """Return a JSON object of a store (``EventError``: damaged)."""
    try:
        content = json.loads(read_json(path))
    except (OSError, ValueError, RecursionError) as error:
        raise EventError(f"{path}: cannot be read ({error}). Move it away and update the store") from error
    if not isinstance(content, dict):
        raise EventError(f"{path}: no JSON object. Move it away and update the store")
    return content


def act_files(folder: Path) -> list[Path]:
    """Return the files with acts, by month."""
    return sorted((folder / ACTS).glob("*.parquet"))


def literal_path(path: Path) -> str:
    """Return a path as DuckDB reads it: signs that would stand for other files are written as themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def reader_of(paths: Sequence[Path]) -> str:
    """Return the SQL that reads files of acts."""
    listed = ", ".join(quoted(literal_path(path)) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning=false)"


def pair_key(pair: tuple[str, str]) -> str:
    """Return a pair as a store writes it, in order of name: ``CHN,USA``."""
    return ",".join(sorted(pair))


def read_store(folder: Path, *, name: str, pairs: Pairs | None = None) -> EventTable:
    """Read the acts of a store, of ``pairs`` alone if given, each once (``EventError``: no sound store)."""
    import duckdb

    held, paths = read_pairs(folder), act_files(folder)
    wanted = "" if pairs is None else f" AND pair IN ({', '.join(quoted(pair_key(pair)) for pair in pairs)})"
    chosen = ", ".join(f'"{column}"' for column in HELD)
    columns: dict[str, Any] = {"id": ()}
    if paths and pairs != ():
        query = f"SELECT {chosen} FROM {reader_of(paths)} WHERE story = id{wanted} ORDER BY date, id"
        try:
            with connect() as connection:
                columns = dict(connection.execute(query).fetchnumpy())
        except duckdb.Error as error:
            raise EventError(
                f"{name}: a file of the store cannot be read ({str(error).splitlines()[0][:200]}). Remove it "
                "and its namesake in the folder 'files', and update the store"
            ) from error
    if not len(columns["id"]):
        asked = " or ".join(" and ".join(pair) for pair in sorted(pairs or ())[:5])
        raise EventError(
            f"{name}: the store holds no act{asked and f' between {asked}'}. It was filled for: "
            f"{', '.join(held) or 'none'}. To add a pair: forecast events update --pair A,B --since DAY"
        )
    absent = dict.fromkeys(DATES, np.datetime64("NaT", "D"))
    held_fields = {
        name: np.ma.filled(columns[column], absent.get(name, "")) if name != "severity" else columns[column]
        for name, column in zip(FIELDS, COLUMNS, strict=True)
        if column in columns
    }
    return EventTable.sort_rows(held_fields, name, has_verified=False)


def connect() -> DuckDBPyConnection:
    """Open an engine in memory that fetches nothing from the network."""
    import duckdb

    return duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": 2})


# Fresh and whole


def newest_act(folder: Path, as_of: date) -> date | None:
    """Return the newest act in the files of a store on a day, whoever did it; ``None``: nothing was read.

    A store whose acts are all old is stale, however lately it was updated; a silent pair does not make it so.
    """
    newest = None
    for path in sorted((folder / FILES).glob("*.json"), reverse=True):
        if path.stem > as_of.isoformat()[:7]:
            continue
        days = [
            min(as_of, date.fromisoformat(entry["newest"]))
            for entry in read_state(path).get("read", {}).values()
            if entry.get("newest") and entry["day"] <= as_of.isoformat()
        ]
        newest = max((*days, *([newest] if newest else ())), default=None)
        # A file holds no act later than itself, so that older months bring none that is newer.
        if newest is not None and newest.isoformat()[:7] >= path.stem:
            break
    return newest


# Files → rows of text with their true line numbers

MAX_FILE_BYTES = 500_000_000
MAX_EXPANSION, FREE_BYTES = 200, 10_000_000
"""How many times its size a packed file may unpack to, beyond so many bytes; sound ones: 10 to 50 times."""
MAX_ROWS, MAX_COLUMNS = 5_000_000, 1_000
PARQUET_MARK = b"PAR1"
ZIP_MARK = b"PK\x03\x04"
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

_FIRST_LINE = re.compile(r"[^\r\n]+")
_SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?')
_LATIN_PAGES = ("cp1252", "cp1250", "cp1254")
_FOREIGN_WORD = re.compile(r"[^\W\x00-\x7f]{3}")
OTHER_KINDS = {
    ZIP_MARK: "a spreadsheet or ZIP file. Save the sheet as CSV (UTF-8)",
    b"\x1f\x8b": "a gzip file. Unpack it first",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel file. Save it as .xlsx or CSV (UTF-8)",
    **dict.fromkeys((b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"Rar!"), "a packed file. Unpack it first"),
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


class UnreadableError(Exception):
    """A file holds no rows that can be read; the message says why, ``line`` where."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class Row(NamedTuple):
    """Cells of one row and the physical line, counted from 1, on which it begins; 0 for names on no line."""

    line: int
    cells: list[str]


@dataclass
class Sheet:
    """Rows of a file, the header first, what ended the reading early, and what was guessed, in sentences.

    Rows and what ended them come as they are asked for (``UnreadableError``).
    """

    rows: Iterable[Row]
    faults: list[RowFault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_sheet(path: Path) -> Sheet:
    """Return header and rows of a CSV, Parquet or Excel file (``UnreadableError``)."""
    raw = _read_bytes(path)
    if raw.startswith(PARQUET_MARK):
        return _read_parquet(path)
    return _read_workbook(path) if raw.startswith(ZIP_MARK) else _read_text(raw)


def _read_bytes(path: Path) -> bytes:
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
    raise UnreadableError(why)


def _similar_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" There is no folder {folder}"
    return did_you_mean(path.name, sorted(entry.name for entry in folder.iterdir())) or " Check the path"


# Text


def _read_text(raw: bytes) -> Sheet:
    """Return header and rows of CSV; blank lines are skipped, a row with broken quotes ends the reading."""
    notes: list[str] = []
    try:
        text = decode(raw)
    except UnreadableError:
        western = _windows_text(raw)
        if western is None:
            raise
        text = western
        notes.append("the file is not UTF-8 and is read as Windows-1252: check a name with accents")
    text, separator = _separator_of(text)
    if separator != ",":
        notes.append(f"columns are separated by {SEPARATORS[separator]}")
    first = _FIRST_LINE.search(text)
    if first and (wide := first[0].count(separator) + 1) > MAX_COLUMNS:
        raise UnreadableError(f"{wide:,} columns. Allowed: at most {MAX_COLUMNS:,}", 1)
    faults: list[RowFault] = []
    return Sheet(_csv_rows(text.encode(), separator, "'" in text, faults), faults, notes)


def _csv_rows(text: bytes, separator: str, has_apostrophes: bool, faults: list[RowFault]) -> Iterator[Row]:
    # Read from bytes, since a stream of text takes four of them a sign.
    stream = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    reader = csv.reader(stream, delimiter=separator, strict=True)
    line, number = 1, 0
    try:
        for cells in reader:
            if cells:
                yield Row(line, [*map(plain, cells)] if has_apostrophes else cells)
                number += 1
            if number > MAX_ROWS:
                raise UnreadableError(f"more than {MAX_ROWS:,} rows. Split the file by year")
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(RowFault(line, "", f"{_quote_message(str(error))}. What follows was not read"))


def decode(raw: bytes) -> str:
    """Return the text of a UTF-8 or UTF-16 file (``UnreadableError``). UTF-16 needs its byte-order mark."""
    empty = UnreadableError("the file is empty. Expected: a header line and one line an event")
    if not raw.strip():
        raise empty
    for magic, kind in OTHER_KINDS.items():
        if raw.startswith(magic):
            raise UnreadableError(f"not CSV text but {kind}")
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        if wide:
            message = f"not readable as UTF-16 at byte {error.start:,}: cut short or binary"
            raise UnreadableError(message) from error
        message = "a binary file, not CSV text. Save the events as CSV (UTF-8)"
        if b"\x00" not in raw[:4096]:
            advice = "Save the file as UTF-8 (in Excel: the file type 'CSV UTF-8')"
            message = f"byte 0x{error.object[error.start]:02X} is not UTF-8. {advice}"
        raise UnreadableError(message, error.object.count(b"\n", 0, error.start) + 1) from error
    zero = text.find("\x00")
    if zero >= 0:
        message = "a NUL byte: a binary file, or UTF-16 without its mark. Save it as CSV (UTF-8)"
        raise UnreadableError(message, text.count("\n", 0, zero) + 1)
    if not text.strip():
        raise UnreadableError("the file is empty. Expected: a header and events")
    return text


def _windows_text(raw: bytes) -> str | None:
    """Return the text of a file in Windows-1252, or ``None`` where that is not certain."""
    # It is where Western, Central European and Turkish Windows read each byte as the same sign, and no three
    # such letters follow each other, as they would in Cyrillic or Greek.
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, *OTHER_KINDS)) or b"\x00" in raw:
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


def _quote_message(error: str) -> str:
    if "limit" in error:
        most = f"{csv.field_size_limit():,}"
        return f"a cell of more than {most} characters. Shorten it, or close the quotation mark before it"
    if "end of data" in error:
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
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableError("a damaged spreadsheet or ZIP file. Save the sheet as CSV (UTF-8)") from error
    if "xl/workbook.xml" not in names:
        if {"xl/workbook.bin", "content.xml"} & set(names):
            raise UnreadableError("a spreadsheet of another kind than .xlsx. Save it as .xlsx or CSV (UTF-8)")
        raise UnreadableError("a ZIP file. Unpack it first")
    if size > min(MAX_FILE_BYTES, max(FREE_BYTES, MAX_EXPANSION * path.stat().st_size)):
        raise UnreadableError(f"unpacks to {size:,} bytes. Save it as CSV (UTF-8), or split it by year")
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise UnreadableError(
            "spreadsheets are read by openpyxl, which is not installed. Install it: "
            f"{install_command('excel')} (or save the sheet as 'CSV UTF-8')"
        ) from error
    with warnings.catch_warnings():
        # openpyxl warns of styles and checks on cells that it leaves out; only values are read here.
        warnings.simplefilter("ignore")
        try:
            # Opened here, since openpyxl goes by the name of a file.
            with (
                path.open("rb") as file,
                closing(load_workbook(file, read_only=True, data_only=True)) as book,
            ):
                return _sheet_of_events(book)
        except _UNREADABLE as error:
            reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
            message = f"the spreadsheet cannot be read: {reason}. Save the sheet as CSV (UTF-8)"
            raise UnreadableError(message) from error


def _sheet_of_events(book: Workbook) -> Sheet:
    """Rows of the sheet whose header names required columns; of the first with content where none does."""
    headers = {sheet.title: header for sheet in book.worksheets if (header := _header(sheet))}
    if not headers:
        raise UnreadableError("the spreadsheet is empty. Expected: a header and events")
    fitting = [title for title, header in headers.items() if _required_in(header) > 1]
    if len(fitting) > 1:
        sheets = ", ".join(f"'{title}'" for title in fitting)
        raise UnreadableError(f"several sheets hold events: {sheets}. Keep one of them in the file")
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
        cells = [plain(cell_text(value)) for value in values]
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
        with connect() as connection:

            def select(what: str, statement: str = "SELECT") -> list[tuple[Any, ...]]:
                return connection.execute(f"{statement} {what} FROM {source}", where).fetchall()

            names, ((number,),) = [str(row[0]) for row in select("*", "DESCRIBE SELECT")], select("count(*)")
            if len(names) > MAX_COLUMNS:
                raise UnreadableError(f"{len(names):,} columns. Allowed: at most {MAX_COLUMNS:,}")
            if number > MAX_ROWS or number * len(names) > _PARQUET_CELLS:
                allowed = f"Allowed: at most {MAX_ROWS:,}. Split the file by year"
                raise UnreadableError(f"{number:,} rows. {allowed}")
            rows = select("*")
    except duckdb.Error as error:
        message = f"the Parquet file cannot be read: {str(error).splitlines()[0][:200]}"
        raise UnreadableError(message) from error
    read = (Row(place, [*map(cell_text, row)]) for place, row in enumerate(rows, start=1))
    return Sheet(chain([Row(0, names)], read))


# Rows → events

Values = dict[str, NDArray[Any]]
"""Values by column of the file, all of one length; ``None`` or ``NaT`` where a cell cannot be read."""
_BATCH = 1_000
"""Rows of text that are held at once; more would be too many for a processor's cache."""
HEADER_ALONE = RowFault(None, "", "no events: the file has a header and nothing below it")


_FILES = {"us-china": "us-china-2017-2023.csv"}
_DATA = files("forecast.events") / "data"
BUNDLED: Mapping[str, tuple[str, ...]] = {
    name: tuple((_DATA / f"{name}.limits.txt").read_text("utf-8").splitlines()) for name in _FILES
}
"""Known limits of each data set shipped with the package, by name, to be stated wherever it is shown."""


def load_events(
    source: str | Path, base: str | Path = "", *, dates: DateOrder = "iso", pairs: Pairs | None = None
) -> EventTable:
    """Return the events of ``bundled:<name>``, of a store, or of a coded file, from the folder ``base``.

    ``dates`` is how a file writes its days; of a store the acts of ``pairs`` alone are read. ``EventError``.
    """
    path, source = Path(base) / Path(source).expanduser(), str(source)
    if is_store(path):
        return read_store(path, name=source, pairs=pairs)
    if not source.startswith(BUNDLED_PREFIX):
        return read_events(path, source=source, dates=dates)
    _ = source_limits(source)
    with as_file(_DATA / _FILES[source.removeprefix(BUNDLED_PREFIX)]) as held:
        return read_events(held, source=source, dates=dates)


def source_limits(source: str) -> tuple[str, ...]:
    """Return the known limits of a source; none of a user's own file (``EventError``: no such set)."""
    if not source.startswith(BUNDLED_PREFIX):
        return ()
    name = source.removeprefix(BUNDLED_PREFIX)
    if name not in BUNDLED:
        allowed = [BUNDLED_PREFIX + known for known in BUNDLED]
        raise EventError(
            f"{source}: no such bundled data set.{did_you_mean(source, allowed, cutoff=0.75)} "
            f"Allowed: {', '.join(allowed)}, or a CSV or Parquet file"
        )
    return BUNDLED[name]


def read_events(path: str | Path, *, source: str | None = None, dates: DateOrder = "iso") -> EventTable:
    """Read a coded event file, sorted by (date, id).

    The columns ``REQUIRED`` must be there, the others of ``COLUMNS`` may; those that begin with ``x_`` are
    ignored, any other with a note. ``known_date`` defaults to ``date``, ``id`` to day and category. ``dates``
    is how the file writes days in numbers that are not ``YYYY-MM-DD``. ``EventTable.notes`` says what was put
    right (``docs/codebook.md``).

    Raises ``FaultyEventsError``, an ``EventError``: the file cannot be read or has faults, all of which it
    holds; the message lists the first 50 by line and counts the rest.
    """
    name = str(path) if source is None else source
    try:
        return _table_of(read_sheet(Path(path)), name, dates)
    except UnreadableError as error:
        raise FaultyEventsError(name, [RowFault(error.line, "", str(error))]) from error


def events_of_frame(frame: object, *, source: str = "frame", dates: DateOrder = "iso") -> EventTable:
    """Return the events of a data frame, its rows counted from 1; see ``EventTable.from_frame``."""
    try:
        columns = columns_of(frame)
    except InputError as error:
        raise EventError(f"{source}: {error}") from error
    cells = [[cell_text(value) for value in column] for column in columns.values()]
    rows = (Row(number, list(row)) for number, row in enumerate(zip(*cells, strict=True), start=1))
    return _table_of(Sheet(chain([Row(0, [*map(str, columns)])], rows)), source, dates, more="")


def _table_of(sheet: Sheet, source: str, dates: DateOrder, more: str | None = None) -> EventTable:
    """Make a table of the rows of a file (``FaultyEventsError``; ``more`` says where to see all faults)."""
    if dates not in get_args(DateOrder):
        raise InputError(f"`dates`: got {dates!r}; expected one of {', '.join(get_args(DateOrder))}")
    rows = iter(sheet.rows)
    if (header := next(rows, None)) is None:
        empty = RowFault(None, "", "the file is empty. Expected: a header and events")
        raise FaultyEventsError(source, sheet.faults or [empty])
    names, width = _column_names(header), len(header.cells)
    places = {name: place for place, name in enumerate(names) if name in COLUMNS}
    columns: dict[str, list[str]] = {name: [] for name in places}
    unnamed = [place for place, name in enumerate(names) if not name]
    lines, unfit, filled, empty_rows = list[int](), list[Row](), set[int](), 0
    for batch in batched(rows, _BATCH):
        body = [row for row in batch if any(map(str.strip, row.cells))]
        empty_rows += len(batch) - len(body)
        filled |= {place for row in body for place in unnamed if "".join(row.cells[place:][:1]).strip()}
        whole = [row for row in body if len(row.cells) == width]
        unfit += [row for row in body if len(row.cells) != width]
        lines += [row.line for row in whole]
        every = [*zip(*(row.cells for row in whole), strict=True)]
        for name, place in places.items() if whole else ():
            clean = {text: clean_text(text) for text in {*every[place]}}
            columns[name] += map(clean.__getitem__, every[place])
    faults = [*sheet.faults, *_header_faults(header, names, filled, sheet.notes)]
    if places and not lines and not unfit and not faults:
        faults = [HEADER_ALONE]
    if not places or not (lines or unfit):
        raise FaultyEventsError(source, faults, more)
    for row in unfit:
        many, few = "Put text that holds a comma in quotation marks", "Add a comma for each empty cell"
        counted = f"{len(row.cells)} cells, but the header has {width} columns"
        faults.append(RowFault(row.line, "", f"{counted}. {many if len(row.cells) > width else few}"))
    if empty_rows:
        sheet.notes.append(f"{count(empty_rows, 'empty row')} skipped")
    unread, order = respell(columns, lines, dates, sheet.notes, faults)
    values, row_faults = read_columns(columns, lines, unread)
    faults += row_faults
    if faults:
        raise FaultyEventsError(source, sorted(faults, key=lambda fault: fault.line or 0), more)
    return replace(_make_table(values, lines, source, sheet.notes), dates=order)


def _column_names(header: Row) -> list[str]:
    """Names in a header, those of the codebook as it spells them."""
    written = [clean_text(cell) for cell in header.cells]
    names = [known if (known := column_named(cell)) in COLUMNS else cell for cell in written]
    for place, cell in enumerate(written):
        meant = SYNONYMS.get(column_named(cell).replace("_", ""))
        if meant and meant not in names:
            names[place] = meant
    return names


def _header_faults(
    header: Row, names: Sequence[str], filled: Collection[int], notes: list[str]
) -> list[RowFault]:
    """What is wrong with the names of columns; ``filled`` are places without one that have content."""
    line, written = header.line or None, [clean_text(cell) for cell in header.cells]
    if not {*names} & {*COLUMNS}:
        shown = shorten(", ".join(names))
        message = f"no header: the first line is '{shown}'. Expected column names: {', '.join(REQUIRED)}, …"
        return [RowFault(line, "", message)]
    respelt = [
        f"'{old}'" if column_named(old) == name else f"'{old}' as {name}"
        for old, name in zip(written, names, strict=True)
        if old != name
    ]
    if respelt:
        notes.append(f"column names are read in the codebook's spelling: {', '.join(respelt)}")
    faults = [
        RowFault(line, name, f"the column appears {times} times. Keep one")
        for name, times in Counter(names).items()
        if times > 1 and name in COLUMNS
    ]
    absent = tuple(name for name in COLUMNS if name not in names)
    suggested, ignored, unused = set(), list[str](), 0
    for place, name in enumerate(names):
        shown = shorten(name)
        if name in COLUMNS or name.casefold().startswith(OWN_PREFIX):
            continue
        if name:
            meant = MAY_MEAN.get(column_named(name).replace("_", ""))
            near = meant if meant in absent else nearest(name, absent)
            if near in REQUIRED:
                suggested.add(near)
                faults.append(RowFault(line, "", f"unknown column '{shown}'. Did you mean '{near}'?"))
            else:
                ignored.append(f"'{shown}'" + (f" (did you mean '{near}'?)" if near else ""))
        elif place in filled:
            ignored.append(f"{place + 1}, which has no name")
        else:
            unused += 1
    if ignored:
        which = f"column{'s' * (len(ignored) > 1)} {listing(ignored)}"
        notes.append(f"{which}: not in the codebook, so ignored")
    if unused:
        notes.append(f"{count(unused, 'empty column')} without a name skipped")
    faults += [
        RowFault(line, name, f"the required column is missing. Required: {', '.join(REQUIRED)}")
        for name in REQUIRED
        if name in absent and name not in suggested
    ]
    return faults


def read_columns(
    columns: Mapping[str, list[str]], lines: Sequence[int | None], asked_about: Collection[str] = ()
) -> tuple[Values, list[RowFault]]:
    """Return the values of cleaned cells, and what is wrong, but of texts ``asked_about`` already."""
    values: Values = {}
    faults: list[RowFault] = []

    for name, cells in columns.items():
        if PARSERS[name] is parse_text and max(map(len, cells), default=0) <= MAX_CELL_CHARS:
            values[name] = np.array(cells, np.object_)
            continue
        texts = {text: place for place, text in enumerate(dict.fromkeys(cells))}
        parsed, refused = parse_texts(name, texts)
        held = np.array([*map(parsed.get, texts)], dtype="datetime64[D]" if name in DATES else "object")
        values[name] = held[np.fromiter(map(texts.__getitem__, cells), np.intp, len(cells))]
        if len(refused) == MOST_TEXTS:
            faults.append(RowFault(None, name, f"{MOST_TEXTS:,} different cells are wrong; read no further"))
        reasons = {text: why for text, why in refused.items() if text not in asked_about}
        if name == "verified" and any(answer is not None for answer in held):
            reasons[""] = "empty, while other rows answer. Allowed: yes, no"
        rows = zip(lines, cells, strict=True) if reasons else ()
        faults += [RowFault(line, name, reasons[text]) for line, text in rows if text in reasons]
    no_day, nobody = np.full(len(lines), np.datetime64("NaT", "D")), np.full(len(lines), None)
    day, known, end = (values.get(name, no_day) for name in ("date", "known_date", "end_date"))
    initiator, target = (values.get(name, nobody) for name in ("initiator", "target"))
    today, advice = latest_day(), "acts to come go into 'calendar' of the config"
    ahead = f"{{0}} lies in the future. Allowed: {today} or earlier; {advice}"
    both = "initiator and target are both '{0}'. An act is between two actors"
    early = "{0} is before date {1}%s. Allowed: {1} or later, or empty"
    for name, given, wrong, why in (
        ("date", day, day > np.datetime64(today), ahead),
        ("known_date", known, known > np.datetime64(today), ahead),
        ("known_date", known, known < day, early % ": an act is not public before it happens"),
        ("end_date", end, end < day, early % ""),
        ("target", target, initiator == target, both),
    ):
        faults += [
            RowFault(lines[row], name, why.format(given[row], day[row]))
            for row in np.flatnonzero(wrong).tolist()
            if given[row] is not None
        ]
    first: dict[str, int | None] = {}
    for line, name in zip(lines, values["id"].tolist(), strict=True) if "id" in values else ():
        if name and first.setdefault(name, line) != line:
            message = f"'{shorten(name)}' is already used in line {first[name]}. Ids are unique"
            faults.append(RowFault(line, "id", message))
    return values, faults


def _make_table(values: Values, lines: Sequence[int], source: str, notes: list[str]) -> EventTable:
    if (known := values.get("known_date")) is not None:
        values["known_date"] = np.where(np.isnat(known), values["date"], known)
    answers = values.pop("verified", np.full(len(lines), None))
    values["verified"] = answers.astype(np.bool_)
    if not values.setdefault("id", np.full(len(lines), "", np.object_)).all():
        columns = {column: values[column] for column in COLUMNS if column in values}
        values["id"] = np.array(_made_ids(columns), np.object_)
    values.setdefault("known_date", values["date"])
    fields = {name: values[column] for name, column in zip(FIELDS, COLUMNS, strict=True) if column in values}
    has_verified = any(answer is not None for answer in answers)
    return EventTable.sort_rows(fields, source, has_verified=has_verified, notes=notes, line=lines)


def _made_ids(columns: Values) -> list[str]:
    """Ids as given; where there is none, day and category, numbered by content where several share them."""
    cells = {name: column.tolist() for name, column in columns.items() if name != "verified"}
    ids: list[str] = cells.pop("id")
    shared: defaultdict[tuple[date, str], list[int]] = defaultdict(list)
    every = zip(ids, cells.pop("date"), cells.pop("category"), strict=True)
    for row, (name, day, category) in enumerate(every):
        if not name:
            shared[day, category].append(row)
    taken, judged = {*ids}, [column for column in cells.values() if len({*column}) > 1]
    for (day, category), rows in shared.items():
        stem = f"{day}-{category}"
        names = chain([stem], (f"{stem}-{number}" for number in numbers(2)))
        free = (name for name in names if name not in taken)
        if len(rows) > 1:
            rows.sort(key=lambda row: [repr(column[row]) for column in judged])
        for row, name in zip(rows, free, strict=False):
            ids[row] = name
    return ids


# Writing


def write_events(table: EventTable, path: str | Path) -> None:
    """Write a table as CSV; reading it back gives the same rows and ``sha256`` (``EventError``: cannot)."""
    write_whole(Path(path), table.canonical_csv().encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole, or leave what was there (``EventError``: nothing can be written there)."""
    try:
        write_file(path, content)
    except OSError as error:
        raise EventError(
            f"{path}: cannot be written ({error.strerror or error}). Check that the folder exists, its "
            "permissions and free space; nothing was changed."
        ) from error


_OWN = "file"
_SHOWN = 5
"""Acts named in a refusal."""


@cache
def known_terms() -> Mapping[str, SourceTerms]:
    """Return the terms of every source that we know, each for no acts."""
    rows = packaged_rows("terms.csv")
    return {
        row["source"]: SourceTerms.model_validate(
            {**row, "acts": 0, "bars": tuple(filter(None, row["bars"].split(";")))}
        )
        for row in rows
    }


def source_of(event_id: str, table_source: str) -> str:
    """Return the source of an act: that of its id, the bundled set, or a file of the user's own."""
    if table_source.startswith(BUNDLED_PREFIX):
        return BUNDLED_PREFIX.removesuffix(":")
    name = event_id.partition("-")[0]
    return name if name in known_terms() else _OWN


def terms_of(events: EventTable) -> tuple[SourceTerms, ...]:
    """Return the sources of some acts with their terms, most acts first."""
    acts = Counter(source_of(name, events.source) for name in events.id)
    unknown = SourceTerms(source=_OWN, acts=0, licence="", terms="", bars=())
    known = {name: known_terms().get(name, unknown) for name in acts}
    return tuple(known[name].model_copy(update={"acts": number}) for name, number in acts.most_common())


def refuse_barred(events: EventTable, use: Use, licensed: Sequence[str]) -> None:
    """Refuse acts whose terms bar a use, but for sources that are ``licensed`` (``InputError``)."""
    known, faults = known_terms(), []
    for name in licensed:
        if name not in known:
            hint = did_you_mean(name, known)
            raise InputError(f"'{name}' is no source that has terms.{hint} Allowed: {', '.join(known)}")
    for terms in terms_of(events):
        if use in terms.bars and terms.source not in licensed:
            assert terms.known_on is not None
            ids = [name for name in events.id if source_of(name, events.source) == terms.source]
            more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
            faults.append(
                f"{count(terms.acts, 'act')} of {terms.source} ({listing(tuple(ids[:_SHOWN]))}{more}): "
                f"{terms.terms} ({terms.licence}, as known on {long_day(terms.known_on)}, {terms.page})"
            )
    if faults:
        advice = "Leave these acts out, or name the sources of which you hold a licence: 'licensed'"
        raise InputError(f"the terms bar use '{use}' of {'; of '.join(faults)}. {advice}")
