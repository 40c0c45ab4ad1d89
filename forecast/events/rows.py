"""An event file → rows of text with their true line numbers, or what is wrong with the file itself."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from forecast.errors import did_you_mean

MAX_FILE_BYTES = 500_000_000
MAX_LINE_CHARS = 100_000
MAX_BROKEN_ROWS = 1_000
"""Rows with broken quotes after which reading stops: each costs a restart."""
PARQUET_MARK, PARQUET_SUFFIX = b"PAR1", ".parquet"

_OTHER_KINDS = {
    b"PK\x03\x04": "a spreadsheet or ZIP file. Save the sheet as CSV (UTF-8)",
    b"\x1f\x8b": "a gzip file. Unpack it first",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel file. Save the sheet as CSV (UTF-8)",
}


@dataclass(frozen=True)
class Row:
    """Cells of one row and the physical line, counted from 1, on which it begins."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an event file; without ``line`` with the file as a whole.

    ``line`` is the one on which the row begins; ``column`` is empty for the whole row or file.
    """

    line: int | None
    column: str
    message: str

    def located(self, source: str) -> str:
        """Return ``source:line: column: message``, without the parts that do not apply."""
        place = source if self.line is None else f"{source}:{self.line}"
        return ": ".join(part for part in (place, self.column, self.message) if part)


def faults_message(source: str, faults: Sequence[Fault], shown: int = 20) -> str:
    """Return one line a fault, the first ``shown`` of them, and how many are left."""
    lines = [fault.located(source) for fault in faults[:shown]]
    left = len(faults) - len(lines)
    if left:
        lines.append(
            f"{source}: and {left:,} more {'fault' if left == 1 else 'faults'}. "
            f"All of them: forecast events validate {source}"
        )
    return "\n".join(lines)


def read_rows(path: Path) -> tuple[list[Row], list[Fault]]:
    """Return header and rows of a CSV or Parquet file, and every fault of the file itself."""
    raw = read_bytes(path)
    if isinstance(raw, bytes) and raw.startswith(PARQUET_MARK):
        return _parquet_rows(path)
    text = decode(raw) if isinstance(raw, bytes) else raw
    return ([], [text]) if isinstance(text, Fault) else split_rows(text)


def read_bytes(path: Path) -> bytes | Fault:
    """Return the content of a regular file, or why there is none."""
    try:
        if not path.exists():
            return Fault(None, "", f"no such file.{_similar_file(path)}")
        if path.is_dir():
            return Fault(None, "", "this is a folder. Give the CSV file inside it")
        if not path.is_file():
            return Fault(None, "", "not a regular file. Save the events as a CSV file first")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            message = f"{size:,} bytes. Allowed: at most {MAX_FILE_BYTES:,}. Split the file by year"
            return Fault(None, "", message)
        return path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}. Check the path and its permissions"
        return Fault(None, "", message)
    except ValueError as error:
        return Fault(None, "", f"not a usable path: {error}")


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
        advice = "Save the file as UTF-8 (it may be in a Windows code page)"
        message = f"byte 0x{raw[start]:02X} is not UTF-8. {advice}"
    return Fault(raw.count(b"\n", 0, start) + 1, "", message)


def split_rows(text: str) -> tuple[list[Row], list[Fault]]:
    """Split CSV text into rows; blank lines are skipped.

    A row with broken quotes becomes a fault and reading goes on with the line after the one it began on,
    so that one lone quotation mark does not hide the rest of the file.
    """
    lines = list(io.StringIO(text, newline=""))
    faults = []
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_CHARS:
            length = len(line.rstrip("\r\n"))
            message = f"the line has {length:,} characters. Allowed: at most {MAX_LINE_CHARS:,}"
            faults.append(Fault(number, "", message))
            lines[number - 1] = "\n"
    rows: list[Row] = []
    begin = 0
    for _ in range(MAX_BROKEN_ROWS):
        broken = _read_from(lines, begin, rows)
        if broken is None:
            return rows, faults
        faults.append(broken)
        begin = broken.line or len(lines)
    faults.append(Fault(None, "", f"reading stopped after {MAX_BROKEN_ROWS:,} rows with broken quotes"))
    return rows, faults


def _read_from(lines: list[str], begin: int, rows: list[Row]) -> Fault | None:
    """Append rows from line index ``begin`` on; return the first broken row as a fault."""
    reader = csv.reader(islice(lines, begin, None), strict=True)
    done = begin
    try:
        for cells in reader:
            if cells:
                rows.append(Row(done + 1, cells))
            done = begin + reader.line_num
    except csv.Error as error:
        return Fault(done + 1, "", _quote_message(str(error)))
    return None


def _quote_message(error: str) -> str:
    if "end of data" in error or "limit" in error:
        return "a quotation mark is opened here and never closed. Close it, or write it twice if it is text"
    if "expected after" in error:
        return (
            'quotation marks do not pair up in this row. Put text in "…" and '
            'write a mark inside it twice ("")'
        )
    return f"not readable as CSV: {error}"


def _parquet_rows(path: Path) -> tuple[list[Row], list[Fault]]:
    """Return header and rows of a Parquet file; the line of a row is its number.

    Cells become text, so that a file of ours (all text) and one of others (days as dates, severity as
    numbers, verified as true or false) are checked alike.
    """
    import duckdb

    where = literal_path(path)
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [where]).fetchall()
            names = [str(row[0]) for row in described]
            cells = ", ".join(_text_of(name, str(row[1])) for name, row in zip(names, described, strict=True))
            rows = connection.execute(f"SELECT {cells} FROM read_parquet(?)", [where]).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0][:200]
        return [], [Fault(None, "", f"the Parquet file cannot be read: {reason}")]
    return [Row(0, names), *(Row(number, list(row)) for number, row in enumerate(rows, start=1))], []


def literal_path(path: Path) -> str:
    """Return a path as DuckDB reads it: signs that would stand for other files are written as themselves."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))


def _text_of(name: str, kind: str) -> str:
    """SQL that turns a column of some type into the text of our cells."""
    column = '"' + name.replace('"', '""') + '"'
    if kind == "BOOLEAN":
        column = f"CASE WHEN {column} THEN 'yes' WHEN NOT {column} THEN 'no' END"
    elif kind.startswith("TIMESTAMP"):
        # A day that software stored as its midnight.
        text, day = f"CAST({column} AS VARCHAR)", f"CAST({column} AS DATE)"
        column = f"CASE WHEN {column} = {day} THEN CAST({day} AS VARCHAR) ELSE {text} END"
    return f"coalesce(CAST({column} AS VARCHAR), '')"
