"""Signals that end a command: Ctrl-C, and those of a job queue or a closed terminal. All clean up first."""

from __future__ import annotations

import signal
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
