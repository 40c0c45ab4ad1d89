"""A file, whole or as it was before, on disk when the call returns."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from forecast.storage.leavings import NEW, beside, lock, remove_leavings_once

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES}
"""What file systems answer that cannot sync a folder."""


_SYNCED_LATER: set[Path] = set()


@contextmanager
def synced_later(folder: Path) -> Iterator[None]:
    """Leave files below a folder to the sync of the whole folder, which its maker does before its rename."""
    place = folder.resolve()
    _SYNCED_LATER.add(place)
    try:
        yield
    finally:
        _SYNCED_LATER.discard(place)


def is_synced_later(place: Path) -> bool:
    """Whether a file lies below such a folder."""
    return bool(_SYNCED_LATER) and not _SYNCED_LATER.isdisjoint(place.parents)


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file, whole or not at all; text is UTF-8, with the line ends as given (``OSError``)."""
    with new_file(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a stream whose content takes the place of a file when the block ends; on failure nothing changes.

    A link is followed, and the permissions of a file that is there are kept. What is no file, such as
    ``/dev/stdout``, is written to as it is.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        with place.open("wb") as stream:
            yield stream
        return
    remove_leavings_once(place.parent)
    half = beside(place, NEW)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        lock(descriptor)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            if place.exists():
                half.chmod(stat.S_IMODE(place.stat().st_mode))
            later = is_synced_later(place)
            if not later:
                os.fsync(stream.fileno())
            os.replace(half, place)
        if not later:
            sync_folder(place.parent)
    finally:
        half.unlink(missing_ok=True)


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


def sync_file(path: Path) -> None:
    """Bring onto the disk what others wrote into a file (``OSError``)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder onto the disk, where the file system can."""
    if os.name == "nt":
        return
    try:
        sync_file(folder)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def sync_tree(folder: Path) -> None:
    """Bring a folder onto the disk with all that is in it."""
    for above, _, names in os.walk(folder, topdown=False):
        for name in names:
            with suppress(FileNotFoundError):
                sync_file(Path(above, name))
        sync_folder(Path(above))
