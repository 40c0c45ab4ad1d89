"""A folder, whole or as it was before, on disk when the call returns."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from forecast.storage.claims import claim
from forecast.storage.files import sync_folder, sync_tree, synced_later
from forecast.storage.leavings import NEW, OLD, beside, held_folder, lock

_AT_CWD, _EXCHANGE = -100, 2
_RENAME_SWAP = 2


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
    with claim(folder):
        filling = beside(folder, NEW)
        try:
            with held_folder(filling):
                with synced_later(filling):
                    yield filling
                filling.chmod(0o755)
                sync_tree(filling)
                _move_into_place(filling, folder)
                sync_folder(folder.absolute().parent)
        finally:
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
            lock(descriptor)
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
