"""The terminal: blocks in 80 columns, a bar a stage, and streams that nothing foreign can break.

Styles show on a terminal only (and not with ``NO_COLOR``); control characters of foreign words show nowhere.
"""

from __future__ import annotations

import codecs
import io
import logging
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple

from forecast import blocks
from forecast.cli.signals import remembered_interrupt
from forecast.errors import MOST_SIGNS, safe_lines, shown
from forecast.progress import LABELS

if TYPE_CHECKING:
    from rich.padding import Padding
    from rich.text import Text as RichText

    from forecast.progress import Listener, StageProgress

WIDTH = 80
"""Columns of every table and text."""
_INDENT, _GAP = 2, 2
_READABLE, _NARROWEST = 24, 8
"""Width that a column of words keeps where heads of numbers can break instead, and at the least."""
_ESCAPE = "forecast.escape"


class _Text(NamedTuple):
    """Lines in one style."""

    lines: tuple[str, ...]
    style: str = ""


_BLANK = _Text(("",))


class _Rows(NamedTuple):
    """Rows of a table in columns of given widths."""

    columns: Sequence[blocks.Column]
    widths: Sequence[int]
    rows: Sequence[Sequence[blocks.Cell]]
    styles: Sequence[str]
    heads: bool = False


def show(parts: Iterable[blocks.Block]) -> None:
    """Print blocks on standard output."""
    for line in _lines(parts, "auto"):
        print(line)


def lines_of(parts: Iterable[blocks.Block]) -> list[str]:
    """Return the lines as a file would get them."""
    return list(_lines(parts, None))


def _lines(parts: Iterable[blocks.Block], colours: Literal["auto"] | None) -> Iterator[str]:
    from rich.console import Console

    console = Console(width=WIDTH, color_system=colours, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        for part in _set(parts, 0):
            if isinstance(part, _Text):
                console.print("\n".join(part.lines), style=part.style, soft_wrap=True)
            else:
                console.print(_grid_of_rows(part))
    for line in captured.get().splitlines():
        yield line.rstrip()


def _set(parts: Iterable[blocks.Block], indent: int) -> Iterator[_Text | _Rows]:
    """Yield the lines and rows of blocks, with a blank line before heads and after tables."""
    before: blocks.Block | None = None
    for block in parts:
        if _stands_apart(before, block):
            yield _BLANK
        yield from _set_block(block, indent)
        before = block


def _stands_apart(before: blocks.Block | None, block: blocks.Block) -> bool:
    if before is None or isinstance(before, blocks.Heading):
        return False
    opens = isinstance(block, blocks.Heading | blocks.Entry | blocks.Alert)
    closed = isinstance(before, blocks.Table | blocks.Entry | blocks.Alert)
    return opens or closed or (isinstance(block, blocks.Table) and bool(block.title))


def _set_block(block: blocks.Block, indent: int) -> Iterator[_Text | _Rows]:
    match block:
        case blocks.Heading(words):
            yield _text(words, "bold", indent)
        case blocks.Prose(words, lead, tone):
            style = {"plain": "", "fine": "dim", "warning": "yellow"}[tone]
            yield _text(f"{lead} {words}" if lead else words, style, indent)
        case blocks.Bullets(items):
            yield from (_text(f"- {item}", "", indent, indent + 2) for item in items)
        case blocks.Alert():
            style = "red" if block.tone == "alarm" else "yellow"
            yield _text(block.text, f"bold {style}", indent)
            yield from (_text(f"- {item}", style, indent, indent + 2) for item in block.items)
        case blocks.BottomLine():
            yield _text(block.sentence, "bold", indent)
            spans = (part for part in (block.interval, block.change) if part)
            span = ". ".join(f"{part[:1].upper()}{part[1:]}" for part in spans)
            first, *others = block.details or ("",)
            yield from (_text(detail, "", indent) for detail in (f"{span}. {first}", *others))
        case blocks.Verbatim(lines):
            yield _Text(tuple(" " * indent + shown(line, MOST_SIGNS) for line in lines))
        case blocks.Pairs(items):
            width = max((len(name) for name, _ in items), default=0)
            yield _Text(
                tuple(" " * indent + shown(f"{name:<{width}}  {value}", MOST_SIGNS) for name, value in items)
            )
        case blocks.Entry(words, inner):
            yield _text(words, "bold", indent)
            yield from _set(inner, indent + _INDENT)
        case blocks.Beside():
            yield from _set((*block.left, *block.right), indent)
        case blocks.Table():
            yield from _set_table(block, indent)
        case blocks.Chart():
            yield _text(f"{block.headline}. {block.alt}", "", indent)


def _set_table(table: blocks.Table, indent: int) -> Iterator[_Text | _Rows]:
    if table.title:
        yield _text(table.title, "bold", indent)
    every = [row for group in table.groups for row in group.rows]
    # What is drawn in a cell stands in its text as well.
    drawn = [
        bool(every) and all(row[place].mark and not row[place].text for row in every)
        for place in range(len(table.columns))
    ]
    places = [place for place, skipped in enumerate(drawn) if not skipped]
    columns = [table.columns[place] for place in places]
    widths = _widths(columns, [[row[place] for place in places] for row in every], WIDTH - indent - _INDENT)
    if any(column.head for column in columns):
        yield _Rows(
            columns, widths, [blocks.cells(*(column.head for column in columns))], ["bold"], heads=True
        )
    for place, group in enumerate(table.groups):
        if group.detail and place:
            yield _BLANK
        if group.label:
            yield _text(f"{group.label} ({group.note})" if group.note else group.label, "bold", indent)
        if group.detail:
            yield _text(group.detail, "dim", indent + _INDENT)
        rows = [[row[place] for place in places] for row in group.rows]
        if rows:
            styles = ["bold" if place in group.marked else "" for place in range(len(rows))]
            yield _Rows(columns, widths, rows, styles)
    if said := "; ".join(f"{column.head}: {column.note}" for column in columns if column.note):
        yield _text(f"{said}.", "dim", indent + _INDENT)


def _widths(columns: Sequence[blocks.Column], rows: Sequence[Sequence[blocks.Cell]], room: int) -> list[int]:
    """Width of each column: long words give way first, then heads break, then words get narrow."""
    from rich.cells import cell_len

    texts = [
        [_printable(text) for row in rows for text in (row[place].text, row[place].note)]
        for place in range(len(columns))
    ]
    content = [max(map(cell_len, column), default=0) for column in texts]
    heads = [max(map(len, column.head.split()), default=0) for column in columns]
    whole = [max(len(column.head), width) for column, width in zip(columns, content, strict=True)]
    tight = [max(pair) for pair in zip(heads, content, strict=True)]
    words = [place for place, column in enumerate(columns) if column.align != "right"]
    room -= _GAP * (len(columns) - 1)
    for start, least in ((whole, _READABLE), (tight, _READABLE), (tight, _NARROWEST)):
        widths = list(start)
        while sum(widths) > room and (wide := [place for place in words if widths[place] > least]):
            widths[max(wide, key=widths.__getitem__)] -= 1
        if sum(widths) <= room:
            break
    return widths


def _grid_of_rows(part: _Rows) -> Padding:
    from rich.padding import Padding
    from rich.table import Table as Grid
    from rich.text import Text as Styled

    grid = Grid(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=False)
    for column, width in zip(part.columns, part.widths, strict=True):
        grid.add_column(
            justify=column.align, width=width, overflow="fold", vertical="bottom" if part.heads else "top"
        )
    for row, style in zip(part.rows, part.styles, strict=True):
        grid.add_row(*(_cell(cell, Styled) for cell in row), style=style)
    return Padding(grid, (0, 0, 0, _INDENT), expand=False)


def _cell(cell: blocks.Cell, styled: type[RichText]) -> RichText:
    words = styled(_printable(cell.text), style="dim" if cell.tone == "fine" else "")
    if cell.note:
        words.append(f"\n{_printable(cell.note)}", style="dim")
    return words


def _printable(words: str) -> str:
    """Return a line without control characters; its indentation stays."""
    from forecast.events.cells import clean_text

    inner = words.lstrip(" ")[:MOST_SIGNS]
    return " " * (len(words) - len(words.lstrip(" "))) + clean_text(inner)


def _text(words: str, style: str = "", indent: int = 0, hang: int | None = None) -> _Text:
    """Return a text in lines that fit; ``hang`` indents all but the first, ``indent`` where it is absent."""
    # Not left to rich, which knows no hanging indent and cuts a path that is longer than a line.
    lines = textwrap.wrap(
        _printable(words),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if hang is None else hang),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return _Text(tuple(lines), style)


@contextmanager
def listening(*, shown: bool) -> Iterator[Listener]:
    """Yield a listener that draws progress where it is shown, and ends the work if Ctrl-C was pressed.

    Callbacks of compiled code swallow the exception that Ctrl-C raises; the listener raises it again.
    """
    with remembered_interrupt() as stop_if_pressed, show_progress(shown=shown) as draw:

        def listen(progress: StageProgress) -> None:
            stop_if_pressed()
            draw(progress)

        yield listen


@contextmanager
def show_progress(*, shown: bool) -> Iterator[Listener]:
    """Yield a listener that draws a bar a stage; it draws nothing unless on a terminal."""
    if not shown or not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=False),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def finish() -> None:
            for task in tasks.values():
                bars.update(task, total=1, completed=1, note="")

        def listen(progress: StageProgress) -> None:
            if progress.stage not in tasks:
                finish()
                tasks[progress.stage] = bars.add_task(LABELS[progress.stage], total=None, note="")
            total = progress.planned or None
            bars.update(tasks[progress.stage], total=total, completed=progress.finished, note=progress.note)

        yield listen
        finish()


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding lacks as JSON would, so that an answer in JSON stays one."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", errors="surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end


class _SafeFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return safe_lines(super().format(record))


def prepare_streams() -> None:
    """Let both streams write any text, and show warnings as all other foreign text is shown."""
    codecs.register_error(_ESCAPE, _escaped)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPE)
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_SafeFormatter())
