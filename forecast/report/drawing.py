"""Canvas, typeface, axes and file format that all figures share: same width, same type scale, same bytes."""

from __future__ import annotations

import io
import logging
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
from numpy.typing import ArrayLike

from forecast import wording
from forecast.errors import InputError
from forecast.report.palette import INK, MUTED, RULE
from forecast.report.typesetting import current_typeface, printable, shorten
from forecast.storage import write_file

FileKind = Literal["svg", "png", "pdf"]
WIDTH_INCHES = 6.69
"""Width of the text block on A4: figures are printed at their own size, so that type sizes hold."""
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "forecast",
    "text.parse_math": False,
    "font.size": 9,
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_TICKS = 10
_DOTS_PER_INCH = 300
_NO_ORIGIN: dict[FileKind, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_PATH = re.compile(rb' d="[^"]*"')
_FINER = re.compile(rb"(\.\d\d)\d+")


@cache
def _register(path: Path) -> None:
    font_manager.fontManager.addfont(str(path))


@contextmanager
def report_style() -> Iterator[None]:
    """Draw in the style of the report; Matplotlib's settings are as before afterwards."""
    chosen = current_typeface()
    for path in chosen.files:
        _register(path)
    # A family without the weight asked for gives its nearest, which needs no word on the terminal.
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with mpl.rc_context(_SETTINGS | {"font.family": list(chosen.families)}):
            yield
    finally:
        logger.setLevel(level)


def blank_figure(height_inches: float, width_inches: float = WIDTH_INCHES) -> Figure:
    """Figure as wide as the text block or part of it, with the axes laid out to fill it."""
    # No background, so that a stamp behind the page shows through.
    return Figure(figsize=(width_inches, height_inches), layout="constrained", facecolor="none")


def figure_bytes(figure: Figure, kind: FileKind, *, ground: str = "white") -> bytes:
    """Return the figure as a file, without date or random ids: the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with report_style():
        figure.savefig(buffer, format=kind, dpi=_DOTS_PER_INCH, facecolor=ground, metadata=_NO_ORIGIN[kind])
    content = buffer.getvalue()
    # Hundredths of a point are finer than any print; six decimals would make the files twice as large.
    return content if kind != "svg" else _PATH.sub(lambda path: _FINER.sub(rb"\1", path.group()), content)


def figure_kind(path: Path) -> FileKind:
    """Return the format that the ending of a file names; ``InputError`` where it names none."""
    match path.suffix.lower()[1:]:
        case "svg" | "png" | "pdf" as kind:
            return kind
    raise InputError(f"{path}: '{path.suffix}' is no format of a figure here. Allowed: .svg, .png, .pdf")


def write_figure(figure: Figure, path: Path, *, ground: str = "white") -> Path:
    """Write the figure in the format that the ending names, whole or not at all.

    Raises
    ------
    InputError
        The ending is none of ``.svg``, ``.png`` and ``.pdf``, or the place cannot be written.
    """
    content = figure_bytes(figure, figure_kind(path), ground=ground)
    try:
        write_file(path, content)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}). Check the folder and permissions."
        ) from error
    return path


def wrap_label(text: str, width: int) -> str:
    """Return the text as the typeface can show it, on at most two lines of about ``width`` signs."""
    shown = printable(text, current_typeface().glyphs)
    lines = textwrap.wrap(shown, width, break_on_hyphens=False)
    if len(lines) > 2:
        lines = [lines[0], shorten(" ".join(lines[1:]), width)]
    return "\n".join(lines)


def one_line(text: str, length: int) -> str:
    """Return the text as the typeface can show it, cut to a length."""
    return shorten(printable(text, current_typeface().glyphs), length)


def mark_months(axis: Axis, first: date, last: date, most: int = _MOST_TICKS) -> None:
    """Put about ``most`` ticks on firsts of months (or of years), in English; the year once a year."""
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next((size for size in (1, 2, 3, 6, 12, 24, 60) if months / size <= most), 120)
    number = first.year * 12 + first.month - 1
    start = number if first.day == 1 else number + 1
    firsts = [
        date(index // 12, index % 12 + 1, 1)
        for index in range(start, last.year * 12 + last.month)
        if index % step == 0
    ]
    texts = [str(day.year) if step >= 12 else _MONTHS[day.month - 1] for day in firsts]
    for place, day in enumerate(firsts):
        if step < 12 and (place == 0 or day.year != firsts[place - 1].year):
            texts[place] += f"\n{day.year}"
    fix_ticks(axis, day_numbers(firsts), texts)


def day_numbers(days: Sequence[date]) -> list[float]:
    """Days as Matplotlib counts them: from 1970-01-01."""
    return [float((day - date(1970, 1, 1)).days) for day in days]


def spread_labels(places: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart by ``gap`` in their order within [low, high]; evenly where they do not all fit."""
    if not places:
        return []
    order = sorted(range(len(places)), key=lambda index: places[index])
    gap = min(gap, (high - low) / max(len(places) - 1, 1))
    moved = [places[index] for index in order]
    moved[0] = max(moved[0], low)
    for k in range(1, len(moved)):
        moved[k] = max(moved[k], moved[k - 1] + gap)
    moved[-1] = min(moved[-1], high)
    for k in range(len(moved) - 2, -1, -1):
        moved[k] = min(moved[k], moved[k + 1] - gap)
    return [place for _, place in sorted(zip(order, moved, strict=True))]


def note(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float],
    *,
    ha: str = "left",
    va: str = "center",
    size: float = 9,
    colour: str = INK,
    weight: int = 400,
    spacing: float | None = None,
) -> None:
    """Write a text beside a place of the data, ``offset`` points away."""
    axes.annotate(
        text,
        at,
        xytext=offset,
        textcoords="offset points",
        ha=ha,
        va=va,
        fontsize=size,
        linespacing=spacing,
        color=colour,
        weight=weight,
        annotation_clip=False,
    )


def panels(figure: Figure, count: int, columns: int) -> list[Axes]:
    """Panels in rows of ``columns``; those of the last row that are not needed are hidden."""
    made = figure.subplots(-(-count // columns), columns, squeeze=False).ravel().tolist()
    for axes in made[count:]:
        axes.set_visible(False)
    return list(made[:count])


def fix_ticks(axis: Axis, places: Sequence[float], labels: Sequence[str]) -> None:
    """Put ticks with these labels at these places."""
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_major_formatter(FixedFormatter(list(labels)))


def percent_axis(axes: Axes, start: float, end: float) -> None:
    """Vertical axis from 0 to 100%, with light lines at the quarters from ``start`` to ``end``."""
    quarters = [0.25, 0.5, 0.75, 1.0]
    axes.set_ylim(0, 1)
    fix_ticks(axes.yaxis, [0.0, *quarters], ["0%", "25%", "50%", "75%", "100%"])
    axes.hlines(quarters, start, end, color=RULE, linewidth=0.5, zorder=0.4)
    align_tick_labels(axes)


def points_axis(axes: Axes, label: str) -> None:
    """Horizontal axis of signed percentage points."""
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(
        lambda value, _: wording.signed_points(value / 100, 0 if value == round(value) else 1)
    )
    axes.set_xlabel(label)


def name_rows(axes: Axes, places: Sequence[float], names: Sequence[str]) -> None:
    """Names of rows in place of a vertical axis."""
    fix_ticks(axes.yaxis, places, names)
    align_tick_labels(axes)
    axes.spines["left"].set_visible(False)


def list_rows(axes: Axes, names: Sequence[str], *, least: int = 1) -> list[int]:
    """Rows from the top with their names, room for ``least`` of them; return their places."""
    places = list(range(len(names)))[::-1]
    axes.set_ylim(-0.7, max(len(names), least) - 0.3)
    name_rows(axes, places, names)
    return places


def whiskers(axes: Axes, values: ArrayLike, places: ArrayLike, errors: ArrayLike) -> None:
    """Horizontal ± one Monte Carlo standard error at each value."""
    axes.errorbar(values, places, xerr=errors, fmt="none", ecolor=INK, elinewidth=0.8, capsize=2)


def align_tick_labels(axes: Axes) -> None:
    """Centre the labels of the vertical axis on their ticks by the height of figures, not of the font."""
    for text in axes.get_yticklabels():
        text.set_verticalalignment("center_baseline")
