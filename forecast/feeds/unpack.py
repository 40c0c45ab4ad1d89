"""Files as published (.zip, .gz, plain) → blocks of whole lines; what cannot be unpacked is named.

A file is read once, in blocks, so that memory does not depend on its size.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

BLOCK_BYTES = 8_000_000
"""Size of a block; it ends with a whole line."""
MAX_LINE_BYTES = 4_000_000
"""A longer line means that the file is no text of rows."""

_GZIP, _ZIP, _EMPTY_ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06", b"PAR1"
_UTF8_MARK = b"\xef\xbb\xbf"
_OTHERS = {
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as CSV",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"BZh": "a bzip2 file: unpack it first",
    b"\xfd7zXZ": "an xz file: unpack it first",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
    b"Rar!": "a RAR archive: unpack it first",
}


class CorruptFileError(Exception):
    """A file that cannot be read to its end; the message says why. It is set aside, not the import's end."""


@dataclass(frozen=True)
class Block:
    """Whole lines of a file."""

    text: str
    """Name of the member of an archive that holds several; otherwise empty."""
    first_line: int
    """Line of that text, counted from 1, with which the block begins."""
    content: bytes
    """Lines, each ended by a line feed; carriage returns and NUL bytes are gone."""


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by its first bytes."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) == _PARQUET
    except OSError as error:
        raise CorruptFileError(f"cannot be read ({error.strerror or error})") from error


def read_blocks(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield the lines of a file, unpacked.

    Raises
    ------
    CorruptFileError
        The file cannot be opened, is cut short, fails its checksum, or is no text.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
            stream.seek(0)
            if not head:
                raise CorruptFileError("the file is empty")
            for mark, kind in _OTHERS.items():
                if head.startswith(mark):
                    raise CorruptFileError(f"not event rows but {kind}")
            if head.startswith((_ZIP, _EMPTY_ZIP)):
                yield from _zip_blocks(stream, block_bytes)
            elif head.startswith(_GZIP):
                with gzip.GzipFile(fileobj=stream) as unpacked:
                    yield from _line_blocks("", cast("BinaryIO", unpacked), block_bytes)
            else:
                yield from _line_blocks("", stream, block_bytes)
    except EOFError as error:
        raise CorruptFileError("the packed file is cut short") from error
    except (zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, NotImplementedError) as error:
        raise CorruptFileError(f"the packed file is damaged ({error})") from error
    except RuntimeError as error:
        raise CorruptFileError(f"the archive cannot be opened ({error})") from error
    except OSError as error:
        raise CorruptFileError(f"cannot be read ({error.strerror or error})") from error


def _zip_blocks(stream: BinaryIO, block_bytes: int) -> Iterator[Block]:
    with zipfile.ZipFile(stream) as archive:
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not member.filename.startswith("__MACOSX/")
        ]
        if not members:
            raise CorruptFileError("the archive holds no file")
        for member in members:
            with archive.open(member) as unpacked:
                name = member.filename if len(members) > 1 else ""
                yield from _line_blocks(name, cast("BinaryIO", unpacked), block_bytes)


def _line_blocks(text: str, stream: BinaryIO, block_bytes: int) -> Iterator[Block]:
    line, rest, first = 1, b"", True
    reader = io.BufferedReader(cast("io.RawIOBase", stream), 1 << 18) if not stream.seekable() else stream
    while chunk := reader.read(block_bytes):
        if first:
            first = False
            if chunk.startswith((_GZIP, _ZIP, _PARQUET)):
                raise CorruptFileError("a packed file inside a packed file: unpack it once")
            chunk = chunk.removeprefix(_UTF8_MARK)
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            rest += chunk
            if len(rest) > max(MAX_LINE_BYTES, block_bytes):
                raise CorruptFileError(f"a line of more than {len(rest):,} bytes: this is no text of rows")
            continue
        content = _clean(rest + chunk[:cut])
        rest = chunk[cut:]
        yield Block(text, line, content)
        line += content.count(b"\n")
    if rest:
        yield Block(text, line, _clean(rest + b"\n"))


def _clean(content: bytes) -> bytes:
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return content.replace(b"\x00", b" ") if b"\x00" in content else content
