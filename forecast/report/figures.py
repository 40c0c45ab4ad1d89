"""The charts of a report as SVG files."""

from __future__ import annotations

from pathlib import Path

from forecast.report.content import Content
from forecast.report.drawing import svg_bytes


def write_figures(content: Content, folder: Path) -> tuple[Path, ...]:
    """Draw every chart of the content into an existing folder, as ``<name>.svg``, and return the files.

    Raises
    ------
    ValueError
        Two charts have the same name: one would overwrite the other.
    """
    paths: list[Path] = []
    for chart in content.charts():
        path = folder / f"{chart.name}.svg"
        if path in paths:
            raise ValueError(f"two charts are named {chart.name!r}")
        path.write_bytes(svg_bytes(chart.draw()))
        paths.append(path)
    return tuple(paths)
