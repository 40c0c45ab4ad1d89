"""A font file that a config names, checked before any work is done with it."""

from __future__ import annotations

from pathlib import Path

from forecast.errors import InputError

_SIGNATURES = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")


def refuse_no_font(path: Path) -> None:
    """Refuse a file that does not begin as a TTF, OTF or TTC file does.

    Raises
    ------
    InputError
        The file cannot be read, or is no font.
    """
    try:
        with path.open("rb") as file:
            signature = file.read(4)
    except OSError as error:
        raise InputError(
            f"{path}: the font cannot be read ({error.strerror or error}). Give the path of a TTF, OTF or "
            "TTC file, or leave it out of report.fonts."
        ) from error
    if signature not in _SIGNATURES:
        raise InputError(f"{path}: is no font file. Allowed: TTF, OTF, TTC.")
