"""Temporary names beside the results, and the removal of those that dead processes left.

Whoever makes a temporary file, folder or claim holds a lock on it (``flock``), which the system takes away
when the process ends, however it ends. What can be locked by another process is therefore a leaving.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

if sys.platform != "win32":
    import fcntl

MARK = ".forecast-"
"""In the name of everything temporary, which begins with a point and the name of the place."""
NEW, OLD, CLAIM = f"{MARK}new-", f"{MARK}old-", f"{MARK}claim"
_MAX_NAME_BYTES = 180
_swept: set[Path] = set()


def beside(place: Path, kind: str) -> Path:
    """Return a name beside a place that nothing has yet: ``.<name><kind><eight digits>``."""
    return place.with_name(f".{_short(place.name)}{kind}{token_hex(4)}")


def claim_of(place: Path) -> Path:
    """Return the name of the file that stands for the claim to a place."""
    return place.with_name(f".{_short(place.name)}{CLAIM}")


def _short(name: str) -> str:
    # A file name has at most 255 bytes.
    return os.fsdecode(os.fsencode(name)[:_MAX_NAME_BYTES])


def lock(descriptor: int) -> bool:
    """Lock an open file or folder until it is closed; ``False`` when another holds it.

    Where the file system has no locks, everything counts as locked by us and as held for others, so that
    nothing is removed there.
    """
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
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
            # Between the two calls another process may have taken it for a leaving.
            if lock(descriptor) and _is_at(descriptor, folder):
                break
            os.close(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    return False


def remove_leavings(folder: Path) -> None:
    """Remove what dead processes left in a folder; put back what one was about to replace."""
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and MARK in entry.name:
                with suppress(OSError):
                    _remove_if_dead(Path(entry.path))


def remove_leavings_once(folder: Path) -> None:
    """Do so unless this process has done it."""
    if folder not in _swept:
        _swept.add(folder)
        remove_leavings(folder)


def _remove_if_dead(path: Path) -> None:
    if path.is_symlink():
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(descriptor, path):
            return
        name, found, _ = path.name[1:].partition(OLD)
        place = path.with_name(name)
        if found and not place.exists():
            path.rename(place)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(descriptor)
