"""A figure as a file of its own: SVG, PNG or PDF by its ending, written whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path

from matplotlib.figure import Figure

from forecast.errors import InputError
from forecast.report.drawing import report_style, svg_bytes

_DOTS_PER_INCH = 200


def write_figure(figure: Figure, path: Path) -> Path:
    """Write the figure in the format that the ending names (``.svg``, ``.png``, ``.pdf``).

    Raises
    ------
    InputError
        The place cannot be written.
    """
    content = _content(figure, path.suffix.lower())
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}). Check the folder and permissions."
        ) from error
    return path


def _content(figure: Figure, suffix: str) -> bytes:
    if suffix == ".svg":
        return svg_bytes(figure)
    buffer = io.BytesIO()
    metadata = {"CreationDate": None, "Creator": None, "Producer": None} if suffix == ".pdf" else None
    with report_style():
        figure.savefig(buffer, format=suffix[1:], facecolor="white", dpi=_DOTS_PER_INCH, metadata=metadata)
    return buffer.getvalue()
