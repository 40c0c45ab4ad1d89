"""Signals that end a command: Ctrl-C, and those of a job queue or a closed terminal. All clean up first."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class EndedBySignalError(KeyboardInterrupt):
    """The command was told to end; whoever cleans up after Ctrl-C cleans up after this one, too."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def end(number: int, frame: FrameType | None) -> None:
    """Handle a signal: raise ``KeyboardInterrupt``, of a kind that knows the signal unless it is Ctrl-C."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise EndedBySignalError(number)


def clean_up_on_signals() -> None:
    """Let the ending signals raise; one that the process was started to ignore stays ignored."""
    for number in ENDING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


def found_in(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interrupt that led to an error, which libraries turn into exceptions of their own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


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
