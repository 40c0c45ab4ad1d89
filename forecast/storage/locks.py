"""One writer a place, temporary names beside the results, and the removal of what dead processes left.

Whoever makes a temporary file or folder holds a lock on it (``filelock``), which the system takes away when
the process ends, however it ends. What can be locked by another process is therefore stale.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from filelock import FileLock, Timeout, lock_descriptor

from forecast.errors import BusyError

MARK = ".forecast-"
"""In the name of everything temporary, which begins with a point and the name of the place."""
NEW, OLD, LOCK = f"{MARK}new-", f"{MARK}old-", f"{MARK}claim"
_MAX_NAME_BYTES = 180
_WAIT_S = 0.2
"""Somebody who looks for stale files holds one for a moment."""
_cleaned: set[Path] = set()


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
    lock = FileLock(key.with_name(f".{_short(key.name)}{LOCK}"), timeout=_WAIT_S, is_singleton=True)
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


def beside(place: Path, kind: str) -> Path:
    """Return a name beside a place that nothing has yet: ``.<name><kind><eight digits>``."""
    return place.with_name(f".{_short(place.name)}{kind}{token_hex(4)}")


def _short(name: str) -> str:
    # A file name has at most 255 bytes.
    return os.fsdecode(os.fsencode(name)[:_MAX_NAME_BYTES])


def lock_open(descriptor: int) -> bool:
    """Lock an open file or folder until it is closed; ``False`` when another holds it.

    Where the file system has no locks, everything counts as locked by us and as held for others, so that
    nothing is removed there.
    """
    if sys.platform == "win32":
        return True
    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError:
        return True


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Make a folder that counts as in use until the block ends or the process does."""
    if sys.platform == "win32":
        folder.mkdir(mode=0o700)
        yield
        return
    while True:
        folder.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY)
            # Between the two calls another process may have taken it for stale.
            if lock_open(descriptor) and _is_at(descriptor, folder):
                break
            os.close(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


def open_new(place: Path) -> tuple[Path, int]:
    """Make a temporary file beside a place, and return it with its descriptor: locked until that is closed.

    Whoever looks for stale files may take it away before it is locked: then another is made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        half = beside(place, NEW)
        descriptor = os.open(half, flags, 0o666)
        if sys.platform == "win32" or (lock_open(descriptor) and _is_at(descriptor, half)):
            return half, descriptor
        os.close(descriptor)
        half.unlink(missing_ok=True)


def _is_at(descriptor: int, path: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    return False


def remove_stale(folder: Path) -> None:
    """Remove what dead processes left in a folder; put back what one was about to replace."""
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and MARK in entry.name:
                with suppress(OSError):
                    _remove_if_stale(Path(entry.path))


def remove_stale_once(folder: Path) -> None:
    """Do so unless this process has done it."""
    if folder not in _cleaned:
        _cleaned.add(folder)
        remove_stale(folder)


def _remove_if_stale(path: Path) -> None:
    if path.is_symlink():
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not lock_descriptor(descriptor, blocking=False) or not _is_at(descriptor, path):
            return
        name, was_replaced, _ = path.name[1:].partition(OLD)
        place = path.with_name(name)
        if was_replaced and not place.exists():
            path.rename(place)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(descriptor)
