"""A file or a folder, whole or as it was before, on disk when the call returns; one writer a place.

By hand: libraries that write one file whole know no folders, and leave files behind when they are killed.

Whoever makes a temporary file or folder holds a lock on it (``filelock``), which the system takes away when
the process ends, however it ends. What another process can lock is therefore stale, and is removed.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from filelock import FileLock, Timeout, lock_descriptor

from forecast.errors import BusyError

MARK = ".forecast-"
"""In the name of everything temporary, which begins with a point and the name of the place."""
NEW, OLD, LOCK = f"{MARK}new-", f"{MARK}old-", f"{MARK}claim"
_MAX_NAME_BYTES = 180  # a name may have 255
_WAIT_S = 0.2
"""Somebody who looks for stale files holds one for a moment."""


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Hold a place: no other process, and no other thread, holds it until the block ends.

    Stale files beside it are removed first. The folder above is made where it is missing, and goes again when
    nothing is in it at the end. Locks of one thread nest.

    Raises
    ------
    BusyError
        Somebody else holds the place.
    OSError
        The folder above cannot be written.
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
            raise BusyError(
                f"{place}: another forecast command is writing it. Wait until it has ended, or name another "
                "place"
            ) from error
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
def new_text(path: Path) -> Iterator[io.TextIOWrapper]:
    """Give a text stream, UTF-8 with the line ends as given; see ``new_file``."""
    with new_file(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach()


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
    is untouched and nothing is left.

    Raises
    ------
    BusyError
        Another process writes there.
    OSError
        It cannot be written.
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
