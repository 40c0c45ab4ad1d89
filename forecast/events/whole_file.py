"""A file that is whole or as it was: written beside its place, then put there in one step."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from forecast.errors import EventError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole, or leave what was there; a link is followed, the file's permissions are kept.

    Raises
    ------
    EventError
        The folder does not exist, or nothing can be written there.
    """
    place = path.resolve()
    try:
        number, name = tempfile.mkstemp(prefix=f".{place.name}-", dir=place.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    beside = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            # On the disk before it takes the place of the old file, or a power cut could leave it empty.
            os.fsync(file.fileno())
        beside.chmod(stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o644)
        os.replace(beside, place)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        beside.unlink(missing_ok=True)


def _cannot_write(path: Path, error: OSError) -> EventError:
    return EventError(
        f"{path}: cannot be written ({error.strerror or error}). Check that the folder exists, its "
        "permissions and free space; nothing was changed."
    )
