"""What commands print: texts and tables of 80 columns, whose words may come from anybody's file.

Styles show on a terminal only (and not with ``NO_COLOR``); control characters of foreign words show nowhere.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import zip_longest

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from forecast.events.cells import clean_text

WIDTH = 80
"""Columns of every table and text."""
Part = Text | Padding
"""A text or a table."""
BLANK = Text()


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
    return Text("\n".join(lines), style)


def left(head: str = "", width: int | None = None, *, wraps: bool = False) -> Column:
    """Return a column of words, cut at ``width`` with an ellipsis unless it wraps (as without one)."""
    return Column(head, width=width, no_wrap=width is not None and not wraps)


def right(head: str = "", width: int | None = None) -> Column:
    """Return a column of numbers."""
    return Column(head, width=width, no_wrap=True, justify="right")


def table(
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    styles: Iterable[str] = (),
    *,
    heads: bool = True,
    indent: int = 2,
    gap: int = 2,
) -> Padding:
    """Return a table without rules; tables of the same fixed widths stand below each other in line."""
    made = Table(
        *(column.copy() for column in columns),
        box=None,
        padding=(0, gap, 0, 0),
        pad_edge=False,
        show_header=heads,
        header_style="bold",
    )
    for row, style in zip_longest(rows, styles, fillvalue=""):
        made.add_row(*map(printable, row), style=style)
    return Padding(made, (0, 0, 0, indent), expand=False)


def show(parts: Iterable[Part]) -> None:
    """Print on standard output."""
    for line in _lines(parts, Console(width=WIDTH, highlight=False, markup=False, emoji=False)):
        print(line)


def lines_of(parts: Iterable[Part]) -> list[str]:
    """Return the lines as a file would get them."""
    plain = Console(
        width=WIDTH, file=StringIO(), color_system=None, highlight=False, markup=False, emoji=False
    )
    return list(_lines(parts, plain))


def _lines(parts: Iterable[Part], console: Console) -> Iterator[str]:
    with console.capture() as captured:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, Text))
    for line in captured.get().splitlines():
        yield line.rstrip()


def printable(words: str) -> str:
    """Return a line without control characters; its indentation stays."""
    inner = words.lstrip(" ")
    return " " * (len(words) - len(inner)) + clean_text(inner)
