"""The terminal: blocks in 80 columns, a bar a stage, streams that nothing foreign can break, and signals.

Styles show on a terminal only (and not with ``NO_COLOR``); control characters of foreign words show nowhere.
"""

from __future__ import annotations

import io
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Literal

from forecast import blocks
from forecast.errors import MOST_SIGNS, safe_lines, shown
from forecast.progress import LABELS, StageProgress
from forecast.wording import in_lines, in_sentence

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text as RichText

    from forecast.progress import Listener

WIDTH = 80
"""Columns of every table and text."""
_INDENT, _GAP = 2, 2
_JOINT = re.compile(r"(?<=[_+/])(?=\w)|(?<=[^\W\d]-)(?=[^\W\d])")
"""Where a word that is wider than its column breaks; a day does not."""
_READABLE, _NARROWEST = 24, 8
"""Width that a column of words keeps where heads of numbers can break instead, and at the least."""
ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Those of a job queue or a closed terminal; a command cleans up after them as after Ctrl-C."""


def show(parts: Iterable[blocks.Block]) -> None:
    """Print blocks on standard output."""
    for line in _lines(parts, "auto"):
        print(line)


def lines_of(parts: Iterable[blocks.Block]) -> list[str]:
    """Return the lines as a file would get them."""
    return list(_lines(parts, None))


def _lines(parts: Iterable[blocks.Block], colours: Literal["auto"] | None) -> Iterator[str]:
    from rich.console import Console
    from rich.text import Text

    console = Console(width=WIDTH, color_system=colours, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        for part in _set(parts, 0):
            console.print(part, soft_wrap=isinstance(part, str | Text))
    for line in captured.get().splitlines():
        yield line.rstrip()


def _set(parts: Iterable[blocks.Block], indent: int) -> Iterator[RenderableType]:
    """Yield the lines and rows of blocks, with a blank line before heads and after tables."""
    before: blocks.Block | None = None
    for block in parts:
        if _stands_apart(before, block):
            yield ""
        yield from _set_block(block, indent)
        before = block


def _stands_apart(before: blocks.Block | None, block: blocks.Block) -> bool:
    if before is None or isinstance(before, blocks.Heading):
        return False
    opens = isinstance(block, blocks.Heading | blocks.Entry | blocks.Alert)
    closed = isinstance(before, blocks.Table | blocks.Entry | blocks.Alert)
    return opens or closed or (isinstance(block, blocks.Table) and bool(block.title))


def _set_block(block: blocks.Block, indent: int) -> Iterator[RenderableType]:
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
        case blocks.Answer():
            yield _text(block.sentence, "bold", indent)
            if block.detail:
                yield _text(block.detail, "", indent)
            if block.ticks:
                beside = "; ".join(f"{said} {in_sentence(words)}" for _, said, words in block.ticks)
                yield _text(f"Beside it: {beside}.", "", indent)
        case blocks.Verbatim(lines):
            yield _styled([" " * indent + shown(line, MOST_SIGNS) for line in lines])
        case blocks.Entry(words, inner):
            yield _text(words, "bold", indent)
            yield from _set(inner, indent + _INDENT)
        case blocks.Beside():
            yield from _set((*block.left, *block.right), indent)
        case blocks.Table():
            yield from _set_table(block, indent)
        case blocks.Chart():
            if block.headline:
                yield _text(f"{block.headline}. {block.alt}", "", indent)


def _set_table(table: blocks.Table, indent: int) -> Iterator[RenderableType]:
    if table.title:
        yield _text(table.title, "bold", indent)
    every = [row for group in table.groups for row in group.rows]
    # What is drawn in a cell stands in its text as well.
    places = [
        place
        for place in range(len(table.columns))
        if any(row[place].text for row in every) or not any(row[place].mark for row in every)
    ]
    columns = [table.columns[place] for place in places]
    widths = _widths(columns, [[row[place] for place in places] for row in every], WIDTH - indent - _INDENT)
    if any(column.head for column in columns):
        yield _grid(columns, widths, [[blocks.Cell(column.head) for column in columns]], ["bold"], "bottom")
    for place, group in enumerate(table.groups):
        if group.detail and place:
            yield ""
        if group.label:
            yield _text(f"{group.label} ({group.note})" if group.note else group.label, "bold", indent)
        if group.detail:
            yield from (_text(line, "dim", indent + _INDENT) for line in group.detail.split("\n"))
        if rows := [[row[place] for place in places] for row in group.rows]:
            yield _grid(columns, widths, rows, ["bold" * (row in group.marked) for row in range(len(rows))])
    if notes := "; ".join(f"{column.head}: {column.note}" for column in columns if column.note):
        yield _text(notes if notes.endswith("…") else f"{notes}.", "dim", indent + _INDENT)


def _widths(columns: Sequence[blocks.Column], rows: Sequence[Sequence[blocks.Cell]], room: int) -> list[int]:
    """Width of each column: long words give way first, then heads break, then words get narrow."""
    from rich.cells import cell_len

    every = range(len(columns))
    texts = [[_printable(text) for row in rows for text in (row[at].text, row[at].note)] for at in every]

    def longest(cut: Callable[[str], list[str]]) -> list[int]:
        return [max((cell_len(part) for text in column for part in cut(text)), default=0) for column in texts]

    content, words, pieces = longest(lambda text: [text]), longest(str.split), longest(_pieces)
    heads = [max(map(len, column.head.split()), default=0) for column in columns]
    whole = [max(len(column.head), width) for column, width in zip(columns, content, strict=True)]
    tight = [*map(max, heads, content)]
    wordy = [at for at in every if columns[at].align != "right"]
    unbroken = [max(heads[at], words[at], _READABLE if at in wordy else 0) for at in every]
    room -= _GAP * (len(columns) - 1)
    # From which widths, down to which, in which columns: second lines of numbers break after heads, and a
    # word is broken only where nothing else makes room.
    for start, least, narrowed in (
        (whole, [_READABLE] * len(columns), wordy),
        (tight, [_READABLE] * len(columns), wordy),
        (tight, unbroken, every),
        (tight, [max(_NARROWEST, min(width, _READABLE)) for width in words], every),
        (tight, [max(_NARROWEST, min(width, _READABLE)) for width in pieces], every),
        (tight, [_NARROWEST] * len(columns), every),
    ):
        widths = list(start)
        while sum(widths) > room and (wide := [at for at in narrowed if widths[at] > least[at]]):
            widths[max(wide, key=widths.__getitem__)] -= 1
        if sum(widths) <= room:
            break
    return widths


def _pieces(text: str) -> list[str]:
    """Return the parts of a text between which a line can end."""
    return [piece for word in text.split() for piece in _JOINT.split(word)]


def _grid(
    columns: Sequence[blocks.Column],
    widths: Sequence[int],
    rows: Sequence[Sequence[blocks.Cell]],
    styles: Sequence[str],
    vertical: Literal["top", "bottom"] = "top",
) -> RenderableType:
    from rich.padding import Padding
    from rich.table import Table as Grid

    grid = Grid(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=False)
    for column, width in zip(columns, widths, strict=True):
        grid.add_column(justify=column.align, width=width, overflow="fold", vertical=vertical)
    for row, style in zip(rows, styles, strict=True):
        grid.add_row(*map(_cell, row, widths), style=style)
    return Padding(grid, (0, 0, 0, _INDENT), expand=False)


def _cell(cell: blocks.Cell, width: int) -> RichText:
    from rich.text import Text

    words = Text(_broken(cell.text, width), style="dim" if cell.tone == "fine" else "")
    return words.append(f"\n{_broken(cell.note, width)}", style="dim") if cell.note else words


def _broken(text: str, width: int) -> str:
    """Return a text whose words break at their joints where they are wider than their column."""
    from rich.cells import cell_len

    words = []
    for word in _printable(text).split(" "):
        line = ""
        for piece in _JOINT.split(word):
            if line and cell_len(line + piece) > width:
                words.append(line)
                line = ""
            line += piece
        words.append(line)
    return " ".join(words)


def _styled(lines: Sequence[str], style: str = "") -> RichText:
    from rich.text import Text

    return Text("\n".join(lines), style=style)


def _printable(words: str) -> str:
    """Return a line without control characters; its indentation stays."""
    from forecast.errors import clean_text

    inner = words.lstrip(" ")[:MOST_SIGNS]
    return " " * (len(words) - len(words.lstrip(" "))) + clean_text(inner)


def _text(words: str, style: str = "", indent: int = 0, hang: int | None = None) -> RichText:
    """Return a text in lines that fit; ``hang`` indents all but the first, ``indent`` where it is absent."""
    # Not left to rich, which knows no hanging indent and cuts a path that is longer than a line.
    others = " " * (indent if hang is None else hang)
    return _styled(in_lines(_printable(words), WIDTH, " " * indent, others), style)


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
def reading(*, shown: bool) -> Iterator[None]:
    """Draw a bar while events are read."""
    with show_progress(shown=shown, passing=True) as tell:
        tell(StageProgress("read"))
        yield


@contextmanager
def show_progress(*, shown: bool, passing: bool = False) -> Iterator[Listener]:
    """Yield a listener that draws a bar a stage on a terminal; those that are ``passing`` are wiped away."""
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
    with Progress(*columns, console=Console(stderr=True), transient=passing) as bars:
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


def _made_safe(record: logging.LogRecord) -> bool:
    record.msg, record.args = safe_lines(record.getMessage()), None
    return True


def prepare_streams() -> None:
    """Let both streams write any text, and show warnings as all other foreign text is shown."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a home that cannot be written is no news
    if logging.lastResort is not None:
        logging.lastResort.addFilter(_made_safe)


class EndedBySignalError(KeyboardInterrupt):
    """The command was told to end; whoever cleans up after Ctrl-C cleans up after this one, too."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


_told: list[int] = []
"""Signals that told the command to end."""


def end(number: int, frame: FrameType | None) -> None:
    """Handle a signal: raise ``KeyboardInterrupt``, of a kind that knows the signal unless it is Ctrl-C."""
    _told.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else EndedBySignalError(number)


def clean_up_on_signals() -> None:
    """Let the ending signals raise; one that the process was started to ignore stays ignored."""
    _told.clear()
    sys.unraisablehook = tell_again
    for number in (signal.SIGINT, *ENDING):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)


def stop_behind(error: Exception) -> KeyboardInterrupt | None:
    """Return the interrupt behind a fault: a compiler or an import may swallow it, and fail because of it."""
    if stop := found_in(error):
        return stop
    if not _told:
        return None
    return KeyboardInterrupt() if _told[-1] == signal.SIGINT else EndedBySignalError(_told[-1])


def found_in(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interrupt that led to an error, which libraries turn into exceptions of their own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


_SOON_S = 0.1
_again: list[threading.Timer] = []


def tell_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Send a signal once more whose exception was lost where code of C, such as a compiler, called Python."""
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
    elif _told:
        _again.append(threading.Timer(_SOON_S, os.kill, (os.getpid(), _told[-1])))
        _again[-1].daemon = True
        _again[-1].start()


def forget_signals() -> None:
    """Send no signal again: the command ends."""
    while _again:
        _again.pop().cancel()


@contextmanager
def remembered_interrupt() -> Iterator[Callable[[], None]]:
    """Yield a function that raises ``KeyboardInterrupt`` if a signal told to end, even if it seemed lost."""
    known = len(_told)

    def stop_if_pressed() -> None:
        if len(_told) > known:
            end(_told.pop(), None)

    try:
        yield stop_if_pressed
    except Exception as error:
        if found_in(error) is None:
            stop_if_pressed()  # what fails after a lost Ctrl-C fails because of it
        raise
