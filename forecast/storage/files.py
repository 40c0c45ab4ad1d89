"""A file or a folder, whole or as it was before, on disk when the call returns.

By hand: libraries that write one file whole (``atomicwrites`` is no longer kept) know neither folders nor the
exchange of two names, and leave files behind when the process is killed.
"""

from __future__ import annotations

import ctypes
import errno
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from forecast.storage.locks import (
    NEW,
    OLD,
    beside,
    held_folder,
    lock_open,
    locked,
    open_new,
    remove_stale_once,
)

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES}
"""What file systems answer that cannot sync a folder."""
_AT_CWD, _EXCHANGE, _RENAME_SWAP = -100, 2, 2
_SYNCED_LATER: set[Path] = set()
"""Folders whose maker syncs all that is below them before their rename."""


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
    remove_stale_once(place.parent)
    half, descriptor = open_new(place)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            if place.exists():
                half.chmod(stat.S_IMODE(place.stat().st_mode))
            later = not _SYNCED_LATER.isdisjoint(place.parents)
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
    with locked(folder):
        filling = beside(folder, NEW)
        try:
            with held_folder(filling):
                _SYNCED_LATER.add(filling.resolve())
                yield filling
                filling.chmod(0o755)
                sync_tree(filling)
                _move_into_place(filling, folder)
                sync_folder(folder.absolute().parent)
        finally:
            _SYNCED_LATER.discard(filling.resolve())
            shutil.rmtree(filling, ignore_errors=True)


@contextmanager
def amended_folder(folder: Path) -> Iterator[Path]:
    """Give a copy of a folder to change; when the block ends it takes its place, as ``new_folder`` does.

    Files are shared with the original by hard links: replace them (``write_file``), never write into them.
    """
    with new_folder(folder) as filling:
        shutil.copytree(folder, filling, copy_function=_link, symlinks=True, dirs_exist_ok=True)
        yield filling


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)


def _move_into_place(filling: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(filling, folder)
        return
    if folder.is_symlink():
        folder = folder.resolve()
    if _exchange(filling, folder):
        return
    # Without an exchange there is a moment with neither name; the next start puts the old folder back.
    old = beside(folder, OLD)
    descriptor = os.open(folder, os.O_RDONLY) if os.name != "nt" else None
    try:
        if descriptor is not None:
            lock_open(descriptor)
        os.rename(folder, old)
        try:
            os.rename(filling, folder)
        except BaseException:
            os.rename(old, folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change names in one step; ``False`` where the system cannot."""
    call = _exchange_call()
    if call is None:
        return False
    if call(os.fsencode(one), os.fsencode(other)) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(other))


@cache
def _exchange_call() -> Any:  # noqa: ANN401 - a function of the C library
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            swap = library.renamex_np
            return lambda one, other: swap(one, other, _RENAME_SWAP)
        rename = library.renameat2
        return lambda one, other: rename(_AT_CWD, one, _AT_CWD, other, _EXCHANGE)
    return None


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """Give an empty folder below the system's one for temporary files; gone after the block (``OSError``)."""
    above = Path(tempfile.gettempdir())
    remove_stale_once(above)
    folder = beside(above / name, NEW)
    try:
        with held_folder(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
