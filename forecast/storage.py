"""Files and folders: written whole or as before, one writer a place; those of others read up to a size.

By hand: libraries that write one file whole know no folders, and leave files behind when they are killed.

Whoever makes a temporary file or folder holds a lock on it (``filelock``), which the system takes away when
the process ends, however it ends. What another process can lock is therefore stale, and is removed.
"""

from __future__ import annotations

import csv
import errno
import io
import lzma
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from filelock import FileLock, Timeout, lock_descriptor

from forecast.errors import BusyError, InputError, did_you_mean, shown

MARK = ".forecast-"
"""In the name of everything temporary, which begins with a point and the name of the place."""
NEW, OLD, LOCK = f"{MARK}new-", f"{MARK}old-", f"{MARK}claim"
_MAX_NAME_BYTES = 180  # a name may have 255
_WAIT_S = 0.2
"""Somebody who looks for stale files holds one for a moment."""
MAX_JSON_BYTES, MAX_JSON_VALUES = 50_000_000, 2_000_000
"""Of the record of a run, a watch or coefficients; those of the worked case have 1,030,000 and 50,000."""
MAX_SHEET_BYTES = 20_000_000
_MOST_FAULTS = 20
_OF_THE_CONTENT = (
    *(RecursionError, OverflowError, UnicodeError, EOFError),
    *(csv.Error, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)
"""What content alone causes, never a slip of ours in reading a sound file."""
_CHANCE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(%?)", re.ASCII)
_OPTION = re.compile(r"--([a-z-]+)(?=:)")
_SIGNS = frozenset("'=+@\t\r-")
_CALCULATED = re.compile(r"'*[=+@\t\r-]")
"""How a text begins that a spreadsheet takes for a formula, with the apostrophes that stop it."""


def day_made() -> date:
    """Return today (UTC), or the day of ``SOURCE_DATE_EPOCH``; ``InputError`` where that is no second."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date() if epoch else datetime.now(UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"SOURCE_DATE_EPOCH: got {shown(repr(epoch))}; expected seconds since 1970-01-01"
        ) from error


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Hold a place: no other process, and no other thread, holds it until the block ends.

    Stale files beside it are removed first. The folder above is made where it is missing, and goes again when
    nothing is in it at the end. Locks of one thread nest.

    Raises ``BusyError``: somebody else holds the place; ``OSError``: the folder above cannot be written.
    """
    key = place.absolute()
    missing = [above for above in key.parents if not above.exists()]
    lock = FileLock(_beside(key, LOCK), timeout=_WAIT_S, is_singleton=True)
    try:
        if not lock.is_locked:
            key.parent.mkdir(parents=True, exist_ok=True)
            remove_stale(key.parent)
        try:
            lock.acquire()
        except Timeout as error:
            advice = "Wait until it has ended, or name another place"
            raise BusyError(f"{place}: another forecast command is writing it. {advice}") from error
        try:
            yield
        finally:
            if lock.lock_counter == 1:
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()
    finally:
        for above in missing:
            with suppress(OSError):  # it holds something by now
                above.rmdir()


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file, whole or not at all; text is UTF-8, with the line ends as given (``OSError``)."""
    with new_file(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def copy_file(source: Path, target: Path) -> None:
    """Copy the content of a file, whole or not at all (``OSError``)."""
    with source.open("rb") as content, new_file(target) as stream:
        shutil.copyfileobj(content, stream)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a stream whose content takes the place of a file when the block ends; on failure nothing changes.

    A link is followed, and the permissions of a file that is there are kept. What is no file, such as
    ``/dev/stdout``, is written to as it is (``OSError``: it cannot be written).
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        with place.open("wb") as stream:
            yield stream
        return
    _remove_stale_once(place.parent)
    with _temporary(place, _make_file) as (half, descriptor):
        with os.fdopen(os.dup(descriptor), "wb") as stream:
            yield stream
        if place.exists():
            half.chmod(stat.S_IMODE(place.stat().st_mode))
        # What stands in a temporary folder is synced when that is moved into place.
        synced_later = any(NEW in name for name in place.parent.parts)
        if not synced_later:
            os.fsync(descriptor)
        os.replace(half, place)
        if not synced_later:
            sync_file(place.parent)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; when the block ends it takes the place of ``folder`` by one rename.

    All files are on disk before the rename, and the rename before the call returns. On failure what was there
    is untouched and nothing is left (``BusyError``: another process writes there; ``OSError``).
    """
    with locked(folder), _temporary(folder, _make_folder) as (filling, _):
        yield filling
        filling.chmod(0o755)
        for above, _, names in os.walk(filling, topdown=False):
            for path in (*(Path(above, name) for name in names), Path(above)):
                with suppress(FileNotFoundError):  # a link to nowhere
                    sync_file(path)
        _move_into_place(filling, folder)
        sync_file(folder.absolute().parent)


@contextmanager
def amended_folder(folder: Path) -> Iterator[Path]:
    """Give a copy of a folder to change; when the block ends it takes its place, as ``new_folder`` does.

    Files are shared with the original by hard links: replace them (``write_file``), never write into them.
    """
    with new_folder(folder) as filling:
        shutil.copytree(folder, filling, copy_function=_link, symlinks=True, dirs_exist_ok=True)
        yield filling


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """Give an empty folder below the system's one for temporary files; gone after the block (``OSError``)."""
    above = Path(tempfile.gettempdir())
    _remove_stale_once(above)
    with _temporary(above / name, _make_folder) as (folder, _):
        yield folder


def sync_file(path: Path) -> None:
    """Bring onto the disk what others wrote into a file, or the names in a folder (``OSError``)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_stale(folder: Path) -> None:
    """Remove what dead processes left in a folder; put back what one was about to replace."""
    with suppress(OSError):
        for path in folder.glob(f".*{MARK}*"):
            with suppress(OSError):
                _remove_if_stale(path)


_remove_stale_once = cache(remove_stale)


def _remove_if_stale(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        if not _lock(descriptor, path):
            return
        name, was_replaced, _ = path.name[1:].partition(OLD)
        place = path.with_name(name)
        if was_replaced and not place.exists():
            path.rename(place)
        else:
            _remove(path)
    finally:
        os.close(descriptor)


@contextmanager
def _temporary(place: Path, make: Callable[[Path], int]) -> Iterator[tuple[Path, int]]:
    """Make something beside a place, and give it with its descriptor; it is locked, and gone, at the end."""
    half = _beside(place, f"{NEW}{token_hex(4)}")
    descriptor = make(half)
    try:
        if _lock(descriptor, half):
            yield half, descriptor
            return
    finally:
        os.close(descriptor)
        _remove(half)
    with _temporary(place, make) as other:  # the first was taken for stale before it was locked
        yield other


def _make_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)


def _make_folder(path: Path) -> int:
    path.mkdir(mode=0o700)
    return os.open(path, os.O_RDONLY)


def _lock(descriptor: int, path: Path) -> bool:
    """Lock what is open until it is closed; ``False`` where another holds it or it is no longer there."""
    with suppress(FileNotFoundError):
        is_ours = lock_descriptor(descriptor, blocking=False)
        return is_ours and os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    return False


def _beside(place: Path, kind: str) -> Path:
    return place.with_name(f".{os.fsdecode(os.fsencode(place.name)[:_MAX_NAME_BYTES])}{kind}")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)


def _move_into_place(filling: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(filling, folder)
        return
    folder = folder.resolve()
    # For a moment neither name is there; should the process die in it, the next one puts the old folder back.
    old = _beside(folder, f"{OLD}{token_hex(4)}")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        lock_descriptor(descriptor, blocking=False)
        os.rename(folder, old)
        try:
            os.rename(filling, folder)
        except BaseException:
            os.rename(old, folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        os.close(descriptor)


# Files of others


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
            reason = f"{status.st_size:,} bytes, more than the {limit:,} allowed"
            raise OSError(errno.EFBIG, reason, str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_plain(path: Path, limit: int) -> bytes:
    """Return the content of a plain file; see ``open_plain``."""
    with open_plain(path, limit) as file:
        # Room is made for all that is asked for, and some files of the system say that they have no size.
        return file.read(min(limit, os.fstat(file.fileno()).st_size or limit))


def read_json(path: Path) -> bytes:
    """Return the content of a record in JSON (``OSError``: as ``open_plain``, or too many values)."""
    # A value takes some 100 bytes in memory, and may take two in the file.
    content = read_plain(path, MAX_JSON_BYTES)
    if (values := sum(content.count(sign) for sign in (b",", b"[", b"{"))) > MAX_JSON_VALUES:
        raise OSError(errno.EFBIG, f"{values:,} values, more than the {MAX_JSON_VALUES:,} allowed", str(path))
    return content


@contextmanager
def content_of(path: Path | str, error_type: type[InputError], advice: str) -> Iterator[None]:
    """Turn what the content of a file alone causes while it is read into one message that names the file."""
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


def csv_text(rows: Iterable[Iterable[object]], end: str = "\n") -> str:
    """Return rows of cells as CSV, with quotes where needed and texts ``inert``."""
    buffer = io.StringIO(newline="")
    # Most cells begin with no such sign, which is quicker to see than to match.
    safe = ([inert(cell) if str(cell)[:1] in _SIGNS else cell for cell in row] for row in rows)
    csv.writer(buffer, lineterminator=end).writerows(safe)
    return buffer.getvalue()


def inert[T](cell: T) -> T | str:
    """Return a cell, with an apostrophe before a text that a spreadsheet would calculate."""
    return f"'{cell}" if isinstance(cell, str) and _CALCULATED.match(cell) else cell


def plain(cell: str) -> str:
    """Return the text of a cell, without the apostrophe of ``inert``."""
    return cell[1:] if cell.startswith("'") and _CALCULATED.match(cell) else cell


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
        header = [plain(name).strip() for name in next(reader, [])]
        for name in header:
            if name not in columns:
                hint = did_you_mean(name, columns)
                raise InputError(f"{path}:1: unknown column '{shown(name)}'.{hint} {advice}")
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
            stripped = {name: plain(cell).strip() for name, cell in zip(header, cells, strict=True)}
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
