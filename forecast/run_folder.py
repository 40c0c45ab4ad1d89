"""A folder that is whole or absent: written beside its place, then renamed into it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.errors import RunFolderError


def refuse_existing(folder: Path, *, force: bool) -> None:
    """Refuse a place that is taken, or that cannot be written, before any work is done.

    Raises
    ------
    RunFolderError
        The folder exists and ``force`` is not set, or its parent cannot be made or written.
    """
    if folder.exists() and not force:
        raise RunFolderError(
            f"{folder}: there is a run already. Use --force to replace it, or --out for another place."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent):
            pass
    except OSError as error:
        raise _cannot_write(folder.parent, error) from error


@contextmanager
def new_run_folder(folder: Path, *, force: bool) -> Iterator[Path]:
    """Give a temporary folder to fill; on success it becomes ``folder``, on any failure nothing is left.

    Raises
    ------
    RunFolderError
        As ``refuse_existing``; or the disk is full or not writable while the folder is filled.
    """
    refuse_existing(folder, force=force)
    try:
        filling = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise _cannot_write(folder.parent, error) from error
    try:
        yield filling
        filling.chmod(0o755)
        _move_into_place(filling, folder)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    finally:
        shutil.rmtree(filling, ignore_errors=True)


def _move_into_place(filling: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(filling, folder)
        return
    # A folder cannot be replaced in one step; the old one is kept until the new one stands.
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent)) / folder.name
    os.rename(folder, old)
    try:
        os.rename(filling, folder)
    except BaseException:
        os.rename(old, folder)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _cannot_write(place: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"{place}: cannot be written ({error.strerror or error}). Check permissions and free space, or use "
        "--out for another place; nothing was left behind."
    )


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
