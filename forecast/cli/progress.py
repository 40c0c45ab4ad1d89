"""While a command works: bars on standard error, on a terminal only, and a Ctrl-C that is not lost.

Callbacks of compiled code swallow the exception that Ctrl-C raises; the listener raises it again.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from forecast.cli.signals import ENDING, end
from forecast.progress import LABELS

if TYPE_CHECKING:
    from forecast.progress import Listener, StageProgress


@contextmanager
def listening(*, shown: bool) -> Iterator[Listener]:
    """Yield a listener that draws progress where it is shown, and ends the work if Ctrl-C was pressed."""
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


@contextmanager
def remembered_interrupt() -> Iterator[Callable[[], None]]:
    """Yield a function that raises ``KeyboardInterrupt`` if a signal told to end, even if it seemed lost.

    A process that was started to ignore Ctrl-C (in the background of a shell) goes on ignoring it.
    """
    if signal.getsignal(signal.SIGINT) != signal.default_int_handler:
        yield lambda: None
        return
    pressed: int | None = None
    show_unraisable = sys.unraisablehook

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = number
        end(number, frame)

    def stop_if_pressed() -> None:
        if pressed is not None:
            end(pressed, None)

    def show_other(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            show_unraisable(unraisable)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *ENDING)}
    for number, handler in before.items():
        if handler in (signal.default_int_handler, end):
            signal.signal(number, remember)
    sys.unraisablehook = show_other
    try:
        yield stop_if_pressed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = show_unraisable
