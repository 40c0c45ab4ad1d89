"""What commands print: texts and tables of 80 columns, whose words may come from anybody's file.

Styles show on a terminal only (and not with ``NO_COLOR``); control characters of foreign words show nowhere.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, NamedTuple

from forecast.errors import MOST_SIGNS, shown

if TYPE_CHECKING:
    from rich.padding import Padding

WIDTH = 80
"""Columns of every table and text."""


class Text(NamedTuple):
    """Lines in one style."""

    lines: tuple[str, ...]
    style: str


class Column(NamedTuple):
    """A column: whether what is longer than its width is wrapped, or cut with an ellipsis."""

    head: str
    width: int | None
    wraps: bool
    justify: Literal["left", "right"] = "left"


class Table(NamedTuple):
    """Rows without rules, with a style each; tables of the same fixed widths stand in line."""

    columns: Sequence[Column]
    rows: Iterable[Sequence[str]]
    styles: Iterable[str] = ()
    heads: bool = True
    indent: int = 2
    gap: int = 2


Part = Text | Table
BLANK = Text(("",), "")


def text(words: str, style: str = "", indent: int = 0, hang: int | None = None) -> Text:
    """Return a text in lines that fit; ``hang`` indents all but the first, ``indent`` where it is absent."""
    # Not left to rich, which knows no hanging indent and cuts a path that is longer than a line.
    lines = textwrap.wrap(
        printable(words),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if hang is None else hang),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return Text(tuple(lines), style)


def line(words: str) -> Text:
    """Return a line as it is, e.g. with the path of a file: neither wrapped nor cut."""
    return Text((shown(words, MOST_SIGNS),), "")


def left(head: str = "", width: int | None = None, *, wraps: bool = False) -> Column:
    """Return a column of words."""
    return Column(head, width, wraps or width is None)


def right(head: str = "", width: int | None = None) -> Column:
    """Return a column of numbers."""
    return Column(head, width, wraps=False, justify="right")


def show(parts: Iterable[Part]) -> None:
    """Print on standard output."""
    for one in _lines(parts, "auto"):
        print(one)


def lines_of(parts: Iterable[Part]) -> list[str]:
    """Return the lines as a file would get them."""
    return list(_lines(parts, None))


def _lines(parts: Iterable[Part], colours: Literal["auto"] | None) -> Iterator[str]:
    from rich.console import Console

    console = Console(width=WIDTH, color_system=colours, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        for part in parts:
            if isinstance(part, Text):
                console.print("\n".join(part.lines), style=part.style, soft_wrap=True)
            else:
                console.print(_grid(part))
    for one in captured.get().splitlines():
        yield one.rstrip()


def _grid(part: Table) -> Padding:
    from rich.padding import Padding
    from rich.table import Table as Grid

    grid = Grid(
        box=None, padding=(0, part.gap, 0, 0), pad_edge=False, show_header=part.heads, header_style="bold"
    )
    for one in part.columns:
        grid.add_column(one.head, justify=one.justify, width=one.width, no_wrap=not one.wraps)
    for row, style in zip_longest(part.rows, part.styles, fillvalue=""):
        grid.add_row(*map(printable, row), style=style)
    return Padding(grid, (0, 0, 0, part.indent), expand=False)


def printable(words: str) -> str:
    """Return a line without control characters; its indentation stays."""
    from forecast.events.cells import clean_text

    inner = words.lstrip(" ")[:MOST_SIGNS]
    return " " * (len(words) - len(words.lstrip(" "))) + clean_text(inner)
