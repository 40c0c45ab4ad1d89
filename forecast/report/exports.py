"""Charts and tables as files of their own, the same as in the report, written whole or not at all."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from forecast.errors import InputError
from forecast.report.blocks import Cell, Column, Table, Track
from forecast.report.content import Content
from forecast.report.drawing import FileKind, figure_bytes


def export_figures(content: Content, folder: Path) -> tuple[Path, ...]:
    """Write every chart as ``<name>.svg`` and ``<name>.png`` on a white ground.

    Raises
    ------
    InputError
        The folder cannot be made or written.
    """
    files = {}
    for chart in content.charts():
        figure = chart.draw()
        files[f"{chart.name}.svg"] = figure_bytes(figure, "svg")
        files[f"{chart.name}.png"] = figure_bytes(figure, "png")
    return _write(files, folder)


def export_tables(content: Content, folder: Path) -> tuple[Path, ...]:
    """Write every table as ``<name>.csv``: numbers at full precision where the table rounds them.

    Raises
    ------
    InputError
        The folder cannot be made or written.
    """
    return _write({f"{table.name}.csv": table_csv(table).encode() for table in content.tables()}, folder)


def table_csv(table: Table) -> str:
    """Return a table as CSV (RFC 4180, UTF-8, lines end in CR LF).

    A group's label is the first column where there are groups, a cell's second line follows its first after
    ``·``. An interval drawn on a scale becomes three numbers, other marks are left out: their numbers stand
    beside them. A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    grouped = any(group.label for group in table.groups)
    stream = io.StringIO()
    writer = csv.writer(stream)
    first = next((row for group in table.groups for row in group.rows), ())
    heads = [
        head for column, cell in zip(table.columns, first, strict=False) for head in _heads(column, cell)
    ]
    writer.writerow([*(["Group"] if grouped else []), *(heads or [one.head for one in table.columns])])
    for group in table.groups:
        for row in group.rows:
            values = [value for cell in row for value in _values(cell)]
            writer.writerow([*([_plain(group.label)] if grouped else []), *values])
    return stream.getvalue()


def _heads(column: Column, cell: Cell) -> list[str]:
    if isinstance(cell.mark, Track):
        return ["Lower 90%", "Probability", "Upper 90%"]
    return [] if cell.mark is not None else [column.head]


def _values(cell: Cell) -> Iterator[str]:
    if isinstance(cell.mark, Track):
        yield from (repr(float(value)) for value in (cell.mark.lower, cell.mark.value, cell.mark.upper))
    elif cell.mark is None:
        if cell.value is not None:
            yield repr(cell.value)
        else:
            yield _plain(f"{cell.text} · {cell.note}" if cell.note else cell.text)


def _plain(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def figure_kind(path: Path) -> FileKind:
    """Return the format that the ending of a file names.

    Raises
    ------
    InputError
        It ends in none of ``.svg``, ``.png`` and ``.pdf``.
    """
    match path.suffix.lower()[1:]:
        case "svg" | "png" | "pdf" as kind:
            return kind
    raise InputError(f"{path}: '{path.suffix}' is no format of a figure here. Allowed: .svg, .png, .pdf")


def write_figure(figure: Figure, path: Path) -> Path:
    """Write the figure in the format that the ending names.

    Raises
    ------
    InputError
        The ending is none of ``.svg``, ``.png`` and ``.pdf``, or the place cannot be written.
    """
    content = figure_bytes(figure, figure_kind(path))
    try:
        _write_whole(path, content)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}). Check the folder and permissions."
        ) from error
    return path


def _write(contents: Mapping[str, bytes], folder: Path) -> tuple[Path, ...]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _write_whole(folder / name, content)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}). Give a folder that can be written."
        ) from error
    return tuple(folder / name for name in sorted(contents))


def _write_whole(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
