"""Files as published (.zip, .gz, plain) → blocks of whole lines; bombs are refused at their beginning."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

import duckdb

from forecast.events.rows import literal_path
from forecast.feeds.clean_rows import Block
from forecast.storage import open_plain

BLOCK_BYTES = 8_000_000
"""Size of a block; it ends with a whole line."""
MAX_LINE_BYTES = 4_000_000
"""A longer line means that the file is no text of rows."""
MAX_EXPANSION, FREE_BYTES = 200, 10_000_000
"""How many times its size a packed file may unpack to, from its beginning on, beyond so many bytes; feeds
unpack to 10 to 50 times theirs."""
ROW_BYTES = 20
"""Of the shortest row of a feed, about."""
_PIECE_BYTES = 16_384
"""Read at once of a packed file, so that little of it counts as read before it is unpacked."""

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


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by its first bytes."""
    try:
        with open_plain(path, sys.maxsize) as stream:
            return stream.read(4) == _PARQUET
    except OSError as error:
        raise CorruptFileError(f"cannot be read ({error.strerror or error})") from error


def _most_unpacked(packed_bytes: int) -> int:
    """Return how many bytes so many packed ones may stand for."""
    return max(FREE_BYTES, MAX_EXPANSION * packed_bytes)


def is_empty(path: Path) -> bool:
    """Whether a file is a ZIP archive of files without a byte; damaged ones are not."""
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(archive.infolist()) and not any(one.file_size for one in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return False


def read_blocks(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield the lines of a file, unpacked; in blocks, so that memory does not depend on its size.

    Raises
    ------
    CorruptFileError
        The file cannot be opened, is cut short, fails its checksum, is no text, or unpacks to too much.
    """
    try:
        with open_plain(path, sys.maxsize) as stream:
            head = stream.read(8)
            stream.seek(0)
            if not head:
                raise CorruptFileError("the file is empty")
            for mark, kind in _OTHERS.items():
                if head.startswith(mark):
                    raise CorruptFileError(f"not event rows but {kind}")
            if head.startswith((_ZIP, _EMPTY_ZIP)):
                packed = _Packed(stream)
                yield from _within(packed, _zip_blocks(packed, block_bytes))
            elif head.startswith(_GZIP):
                packed = _Packed(stream, _PIECE_BYTES)
                with gzip.GzipFile(fileobj=packed) as unpacked:
                    yield from _within(packed, _line_blocks("", cast("BinaryIO", unpacked), block_bytes))
            else:
                yield from _line_blocks("", stream, block_bytes)
    except EOFError as error:
        raise CorruptFileError("the packed file is cut short") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile, NotImplementedError) as error:
        raise CorruptFileError(f"the packed file is damaged ({error})") from error
    except (RuntimeError, ValueError, struct.error) as error:
        raise CorruptFileError(f"the archive cannot be opened ({error})") from error
    except OSError as error:
        raise CorruptFileError(f"cannot be read ({error.strerror or error})") from error


class _Packed:
    """A packed file that counts what was read of it, at most ``piece_bytes`` at once."""

    def __init__(self, stream: BinaryIO, piece_bytes: int = sys.maxsize) -> None:
        self._stream, self._piece_bytes, self.taken = stream, piece_bytes, 0
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(min(size, self._piece_bytes))
        self.taken += len(content)
        return content


def _within(packed: _Packed, blocks: Iterable[Block]) -> Iterator[Block]:
    """Pass blocks on while they are not many times the size of what was read to unpack them."""
    total = 0
    for block in blocks:
        total += len(block.content)
        if total > (most := _most_unpacked(packed.taken)):
            raise CorruptFileError(
                f"it unpacks to more than {most:,} bytes from its first {packed.taken:,}, which no packed "
                "feed does. If its rows are sound, unpack it first"
            )
        yield block


def _zip_blocks(packed: _Packed, block_bytes: int) -> Iterator[Block]:
    with zipfile.ZipFile(cast("IO[bytes]", packed)) as archive:
        files = (member for member in archive.infolist() if not member.is_dir())
        members = [member for member in files if not member.filename.startswith("__MACOSX/")]
        if not members:
            raise CorruptFileError("the archive holds no file")
        for member in members:
            with archive.open(member) as unpacked:
                name = member.filename if len(members) > 1 else ""
                yield from _line_blocks(name, cast("BinaryIO", unpacked), block_bytes)


def _line_blocks(text: str, stream: BinaryIO, block_bytes: int) -> Iterator[Block]:
    line, rest = 1, b""
    while chunk := _chunk(stream, block_bytes):
        if line == 1 and not rest:
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


def _chunk(stream: BinaryIO, size: int) -> bytes:
    """Read so many bytes, in pieces: a member of an archive takes as many packed bytes as it is asked for."""
    buffer = io.BytesIO()
    while (left := size - buffer.tell()) and (piece := stream.read(min(left, _PIECE_BYTES))):
        buffer.write(piece)
    return buffer.getvalue()


def _clean(content: bytes) -> bytes:
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return content.replace(b"\x00", b" ") if b"\x00" in content else content


def refuse_parquet_bomb(path: Path) -> None:
    """Refuse a Parquet file of far more rows than a file of its size can hold."""
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
            query = "SELECT sum(num_rows) FROM parquet_file_metadata(?)"
            (rows,) = connection.execute(query, [literal_path(path)]).fetchone() or (0,)
    except duckdb.Error:
        return  # the engine says what is wrong with it
    if ROW_BYTES * (rows or 0) > (most := _most_unpacked(path.stat().st_size)):
        raise CorruptFileError(
            f"it holds {rows:,} rows, more than {most:,} bytes, which no feed of its size does"
        )
