"""The calibration diagram of a ledger, as a file of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from forecast.errors import InputError
from forecast.records.history import ReliabilityCurve
from forecast.report.drawing import png_bytes, svg_bytes
from forecast.report.reliability_figure import draw_reliability


def refuse_figure_name(path: Path) -> None:
    """Refuse a name whose ending is no format that is drawn.

    Raises
    ------
    InputError
        It ends in neither ``.svg`` nor ``.png``.
    """
    if path.suffix.lower() not in (".svg", ".png"):
        raise InputError(f"{path}: '{path.suffix}' is no format of a figure here. Allowed: .svg, .png")


def write_calibration_figure(curves: Sequence[ReliabilityCurve], path: Path) -> None:
    """Draw what was forecast and how often it happened, with consistency bands; whole or not at all.

    Parameters
    ----------
    curves : sequence of ReliabilityCurve
        One panel each.
    path : Path
        Ends in ``.svg`` or ``.png``; the same curves give the same bytes.

    Raises
    ------
    InputError
        The ending is another, or the file cannot be written.
    """
    refuse_figure_name(path)
    figure = draw_reliability(curves)
    content = svg_bytes(figure) if path.suffix.lower() == ".svg" else png_bytes(figure)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
