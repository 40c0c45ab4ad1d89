"""Files of others: only plain ones, up to a size; records in JSON, and CSV sheets that people fill in."""

from __future__ import annotations

import csv
import errno
import io
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from forecast.errors import InputError, did_you_mean, shown

MAX_RECORD_BYTES = 200_000_000
"""Of a JSON or CSV file that we wrote ourselves."""
MAX_JSON_BYTES, MAX_JSON_VALUES = 50_000_000, 2_000_000
"""Of the record of a run, a watch or coefficients; those of the worked case have 1,030,000 and 50,000."""
MAX_SHEET_BYTES = 20_000_000
_MOST_FAULTS = 20
_OF_THE_CONTENT = (
    RecursionError,
    OverflowError,
    UnicodeError,
    csv.Error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    EOFError,
)
"""What content alone causes, never a slip of ours in reading a sound file."""
_CHANCE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(%?)", re.ASCII)
_OPTION = re.compile(r"--([a-z-]+)(?=:)")


def open_plain(path: Path, limit: int) -> BinaryIO:
    """Open a plain file of at most ``limit`` bytes; a device or a pipe could have no end.

    ``OSError``: it cannot be read, is no plain file (``EINVAL``) or is larger (``EFBIG``).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        if status.st_size > limit:
            raise OSError(
                errno.EFBIG, f"{status.st_size:,} bytes, more than the {limit:,} allowed", str(path)
            )
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_plain(path: Path, limit: int) -> bytes:
    """Return the content of a plain file; see ``open_plain``."""
    with open_plain(path, limit) as file:
        return file.read(limit)


def read_json(path: Path) -> bytes:
    """Return the content of a record in JSON, which one that holds too many values is not.

    A value takes some 100 bytes in memory, and may take two in the file. ``OSError``: as ``open_plain``, or
    it holds more than ``MAX_JSON_VALUES`` (``EFBIG``).
    """
    content = read_plain(path, MAX_JSON_BYTES)
    if (values := sum(content.count(sign) for sign in (b",", b"[", b"{"))) > MAX_JSON_VALUES:
        raise OSError(errno.EFBIG, f"{values:,} values, more than the {MAX_JSON_VALUES:,} allowed", str(path))
    return content


@contextmanager
def content_of(path: Path | str, error_type: type[InputError], advice: str) -> Iterator[None]:
    """Turn what the content of a file causes while it is read into one message that names the file.

    Errors that a sound file could cause as well, which are faults of the program, pass through.
    """
    try:
        yield
    except _OF_THE_CONTENT as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise error_type(f"{path}: is damaged, or not what it should be ({reason}). {advice}") from error


@dataclass(frozen=True)
class SheetRow:
    """Stripped cells by column, and where they stand; those of optional columns that lack are empty."""

    path: Path
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Return a cell."""
        return self.cells[column]

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.line}"

    def fault(self, column: str, expected: str) -> InputError:
        """Return the error of a cell; ``expected`` ends with what to do."""
        return InputError(f"{self.place}: {column}: got '{shown(self[column])}'; expected {expected}")


def read_rows(
    path: Path, required: Sequence[str], optional: Sequence[str] = (), *, help: str
) -> list[SheetRow]:
    """Read the rows of a CSV file in UTF-8, columns in any order.

    ``InputError`` names file and line: no text, a column that is unknown, missing or twice there, a row with
    other cells than the header, no row at all. ``help`` says what to do.
    """
    try:
        text = read_plain(path, MAX_SHEET_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text. Save it as CSV in UTF-8") from error
    columns = (*required, *optional)
    also = f", and if you like {','.join(optional)}" if optional else ""
    advice = f"Expected: {','.join(required)}{also}. {help}"
    rows = []
    with content_of(path, InputError, help):
        reader = csv.reader(io.StringIO(text, newline=""))
        header = [name.strip() for name in next(reader, [])]
        for name in header:
            if name not in columns:
                raise InputError(
                    f"{path}:1: unknown column '{shown(name)}'.{did_you_mean(name, columns)} {advice}"
                )
            if header.count(name) > 1:
                raise InputError(f"{path}:1: the column '{name}' appears twice. Keep one")
        if missing := [name for name in required if name not in header]:
            raise InputError(f"{path}:1: the column '{missing[0]}' is missing. {advice}")
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(header):
                place = f"{path}:{reader.line_num}"
                raise InputError(f"{place}: does not have the {len(header)} cells of the header. {advice}")
            stripped = dict(zip(header, map(str.strip, cells), strict=True))
            rows.append(SheetRow(path, reader.line_num, dict.fromkeys(columns, "") | stripped))
    if not rows:
        raise InputError(f"{path}: holds no row. {help}")
    return rows


def check_rows[T](rows: Sequence[SheetRow], check: Callable[[SheetRow], T]) -> list[T]:
    """Check every row before anything is done with one (``InputError`` lists the first faults by line).

    Where an error names an option, the column of that name is meant.
    """
    checked, faults = [], []
    for row in rows:
        try:
            checked.append(check(row))
        except InputError as error:
            message = _OPTION.sub(lambda option: option[1].replace("-", "_"), str(error), count=1)
            faults.append(message if message.startswith(row.place) else f"{row.place}: {message}")
    if faults:
        more = [f"… and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
        raise InputError("\n".join(faults[:_MOST_FAULTS] + more))
    return checked


def chance_of(text: str) -> float | None:
    """Return what ``40%``, ``0.4`` or ``.4`` says as a share, also above 1; ``None`` of any other text."""
    written = _CHANCE.fullmatch(text.strip())
    return float(written[1]) / (100 if written[2] else 1) if written else None


def read_chance(text: str, name: str, *, certain: bool = False) -> float:
    """Return a probability from a text; ``name`` is for the error.

    It lies between 0 and 1, and is neither of them unless it may be ``certain``.
    """
    value = chance_of(text)
    if value is not None and (0.0 < value < 1.0 or (certain and value in (0.0, 1.0))):
        return value
    why = ""
    if value in (0.0, 1.0):
        why = ". Nothing is certain: give a number above 0 and below 1"
    elif value is not None and "%" not in text and 1 < value <= 100:
        why = f". Write {text.strip()} percent as {text.strip()}%"
    raise InputError(f"{name}: got '{shown(text)}'; expected a probability such as 40% or 0.4{why}")
