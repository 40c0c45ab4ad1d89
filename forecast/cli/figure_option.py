"""The option that names the file of a figure, checked before any work."""

from __future__ import annotations

from pathlib import Path

from forecast.errors import InputError

FORMATS = (".svg", ".png", ".pdf")


def checked_figure(path: Path | None, option: str) -> Path | None:
    """Return the path if a figure can be written there.

    Raises
    ------
    InputError
        The ending names no format, or the folder does not exist.
    """
    if path is None:
        return None
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f"{option}: {path} ends in no format of a figure; give a name that ends in {', '.join(FORMATS)}"
        )
    if not path.absolute().parent.is_dir():
        raise InputError(f"{option}: {path}: the folder {path.parent} does not exist; make it first")
    if path.is_dir():
        raise InputError(f"{option}: {path} is a folder; give the name of a file in it")
    return path
