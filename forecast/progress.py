"""How stages tell what they are doing, to whoever listens, and a bar for notebooks and scripts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

LABELS = {
    "read": "Read events",
    "import": "Read files",
    "draft": "Ask the model",
    "update": "Fetch files",
    "compile": "Compile the model",
    "sample": "Sample the posterior",
    "sample_2": "Sample again",
    "sample_3": "Sample a third time",
    "learn": "Fit the dyads",
    "chances": "Compute chances",
    "drivers": "Measure drivers",
    "robustness": "Test the assumptions",
    "signs": "Look for signs",
    "scenarios": "Compare scenarios",
    "report": "Write the report",
    "study": "Forecast the cells",
    "backtest": "Forecast at past origins",
    "watch": "Forecast the dyads",
}
"""What each stage does, for whoever watches."""
_BAR_SIGNS = 30
_REDRAW_SECONDS = 0.2


@dataclass(frozen=True)
class StageProgress:
    """What the run is doing: a stage, and how far it is (``planned`` is 0 where that is not known)."""

    stage: str
    finished: int = 0
    planned: int = 0
    note: str = ""


Listener = Callable[[StageProgress], None]


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the seconds of what is done inside to a stage."""
        began = time.perf_counter()
        yield
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - began, 3)


@contextmanager
def progress_bar() -> Iterator[Listener]:
    """Yield a listener that shows each stage and how far it is.

    In a notebook it is one line of HTML, which needs no widgets; in a script one line of standard error if
    that is a terminal, else nothing::

        with forecast.progress_bar() as listen:
            run = forecast.make_forecast(config, listen)
    """
    show = _notebook_line() or _terminal_line()
    if show is None:
        yield lambda progress: None
        return
    began, drawn, stage = time.monotonic(), -_REDRAW_SECONDS, ""

    def listen(progress: StageProgress) -> None:
        nonlocal drawn, stage
        now = time.monotonic()
        if progress.stage != stage or now - drawn >= _REDRAW_SECONDS:
            drawn, stage = now, progress.stage
            show(progress, now - began)

    try:
        yield listen
    finally:
        show(None, time.monotonic() - began)


_Show = Callable[[StageProgress | None, float], None]
"""Draws what is being done and the seconds since the beginning; ``None``: nothing any more."""


def _notebook_line() -> _Show | None:
    # IPython is not imported for this: where it is not loaded already, this is no notebook.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    shown: Any = sys.modules["IPython"].display
    handle = shown.display(shown.HTML(""), display_id=True)

    def show(progress: StageProgress | None, seconds: float) -> None:
        handle.update(shown.HTML(_html(progress, seconds)))

    return show


def _html(progress: StageProgress | None, seconds: float) -> str:
    if progress is None:
        return f"<small>Done in {seconds:.0f} s</small>"
    known = f' value="{progress.finished}" max="{progress.planned}"' if progress.planned else ""
    return f"<div>{escape(_said(progress))} <progress{known}></progress> <small>{seconds:.0f} s</small></div>"


def _terminal_line() -> _Show | None:
    stream = sys.stderr
    if stream is None or not stream.isatty():
        return None

    def show(progress: StageProgress | None, seconds: float) -> None:
        stream.write("\r\x1b[2K" if progress is None else f"\r\x1b[2K{_line(progress, seconds)}")
        stream.flush()

    return show


def _line(progress: StageProgress, seconds: float) -> str:
    part = progress.finished / progress.planned if progress.planned else 0.0
    full = round(part * _BAR_SIGNS)
    bar = f" [{'#' * full}{'.' * (_BAR_SIGNS - full)}]" if progress.planned else ""
    return f"{_said(progress)}{bar} {seconds:.0f} s"


def _said(progress: StageProgress) -> str:
    note = f", {progress.note}" if progress.note else ""
    return f"{LABELS.get(progress.stage, progress.stage)}{note}"
