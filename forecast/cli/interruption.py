"""Ctrl-C that is not lost: callbacks of compiled code swallow the exception that it raises."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def remembered_interrupt() -> Iterator[Callable[[], None]]:
    """Yield a function that raises ``KeyboardInterrupt`` if Ctrl-C was pressed, even if it seemed lost.

    A process that was started to ignore Ctrl-C (in the background of a shell) goes on ignoring it.
    """
    if signal.getsignal(signal.SIGINT) != signal.default_int_handler:
        yield lambda: None
        return
    pressed = False
    show_unraisable = sys.unraisablehook

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    def stop_if_pressed() -> None:
        if pressed:
            raise KeyboardInterrupt

    def show_other(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, KeyboardInterrupt):
            show_unraisable(unraisable)

    signal.signal(signal.SIGINT, remember)
    sys.unraisablehook = show_other
    try:
        yield stop_if_pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = show_unraisable
