"""Bytes of a CSV file → rows with their true line numbers, and what is wrong with the file itself."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forecast.events.faults import Fault

MAX_FILE_BYTES = 500_000_000
MAX_LINE_CHARS = 100_000
MAX_BROKEN_ROWS = 1_000
"""Rows with broken quotes after which reading stops: each costs a restart."""

_MAGIC = {
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
            return Fault(
                None, "", f"{size:,} bytes. Allowed: at most {MAX_FILE_BYTES:,}. Split the file by year"
            )
        return path.read_bytes()
    except OSError as error:
        return Fault(
            None, "", f"cannot be read: {error.strerror or error}. Check the path and its permissions"
        )
    except ValueError as error:
        return Fault(None, "", f"not a usable path: {error}")


def _similar_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" There is no folder {folder}"
    near = difflib.get_close_matches(path.name, sorted(entry.name for entry in folder.iterdir()), n=1)
    return f" Did you mean '{near[0]}'?" if near else " Check the path"


def decode(raw: bytes) -> str | Fault:
    """Return the text of a UTF-8 or UTF-16 file, or why it is not one. UTF-16 needs its byte-order mark."""
    if not raw.strip():
        return Fault(None, "", "the file is empty. Expected: a header line and one line an event")
    for magic, kind in _MAGIC.items():
        if raw.startswith(magic):
            return Fault(None, "", f"not CSV text but {kind}")
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        return _undecodable(raw, error, wide=wide)
    zero = text.find("\x00")
    if zero >= 0:
        line = text.count("\n", 0, zero) + 1
        return Fault(
            line, "", "a NUL byte: a binary file, or UTF-16 without its mark. Save it as CSV (UTF-8)"
        )
    return text if text.strip() else Fault(None, "", "the file is empty. Expected: a header and events")


def _undecodable(raw: bytes, error: UnicodeDecodeError, *, wide: bool) -> Fault:
    if wide:
        return Fault(None, "", f"not readable as UTF-16 at byte {error.start:,}: cut short or binary")
    line = raw.count(b"\n", 0, error.start) + 1
    if b"\x00" in raw[:4096]:
        return Fault(line, "", "a binary file, not CSV text. Save the events as CSV (UTF-8)")
    byte = raw[error.start]
    return Fault(
        line, "", f"byte 0x{byte:02X} is not UTF-8. Save the file as UTF-8 (it may be in a Windows code page)"
    )


def split_rows(text: str) -> tuple[list[Row], list[Fault]]:
    """Split CSV text into rows; blank lines are skipped.

    A row with broken quotes becomes a fault and reading goes on with the line after the one it began on,
    so that one lone quotation mark does not hide the rest of the file.
    """
    lines = list(io.StringIO(text, newline=""))
    faults = []
    for number, line in enumerate(lines, start=1):
        if len(line) <= MAX_LINE_CHARS:
            continue
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
    reader = csv.reader(_lines_after(lines, begin), strict=True)
    done = begin
    try:
        for cells in reader:
            if cells:
                rows.append(Row(done + 1, cells))
            done = begin + reader.line_num
    except csv.Error as error:
        return Fault(done + 1, "", _quote_message(str(error)))
    return None


def _lines_after(lines: list[str], begin: int) -> Iterator[str]:
    for index in range(begin, len(lines)):
        yield lines[index]


def _quote_message(error: str) -> str:
    if "end of data" in error or "limit" in error:
        return "a quotation mark is opened here and never closed. Close it, or write it twice if it is text"
    if "expected after" in error:
        return (
            'quotation marks do not pair up in this row. Put text in "…" and '
            'write a mark inside it twice ("")'
        )
    return f"not readable as CSV: {error}"
