"""Files of others: only plain ones, only up to a size, with one boundary for what is in them."""

from __future__ import annotations

import csv
import errno
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from forecast.errors import InputError

MAX_RECORD_BYTES = 200_000_000
"""Of a JSON or CSV file that we wrote ourselves."""
MAX_JSON_BYTES, MAX_JSON_VALUES = 50_000_000, 2_000_000
"""Of the record of a run, a watch or coefficients; those of the worked case have 1,030,000 and 50,000."""
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


def open_plain(path: Path, limit: int) -> BinaryIO:
    """Open a plain file of at most ``limit`` bytes; a device or a pipe could have no end.

    Raises
    ------
    OSError
        It cannot be read, is no plain file (``EINVAL``) or is larger (``EFBIG``).
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
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

    A value takes some 100 bytes in memory, and may take two in the file.

    Raises
    ------
    OSError
        As ``open_plain``; or it holds more than ``MAX_JSON_VALUES`` (``EFBIG``).
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
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise error_type(f"{path}: is damaged, or not what it should be ({said}). {advice}") from error
