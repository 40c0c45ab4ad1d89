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
def show_progress(*, shown: bool) -> Iterator[Listener]:
    """Yield a listener that draws a bar a stage; it draws nothing unless on a terminal."""
    if not shown or sys.stderr is None or not sys.stderr.isatty():
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
def progress_bar() -> Iterator[Listener]:
    """Yield a listener that shows each stage and how far it is.

    In a notebook it is one line of HTML, which needs no widgets; in a script a bar a stage on standard error
    if that is a terminal, else nothing::

        with forecast.progress_bar() as listen:
            run = forecast.make_forecast(config, listen)
    """
    # IPython is not imported for this: where it is not loaded already, this is no notebook.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        with show_progress(shown=True) as listen:
            yield listen
        return
    page: Any = sys.modules["IPython"].display
    handle = page.display(page.HTML(""), display_id=True)
    began, drawn, stage = time.monotonic(), -_REDRAW_SECONDS, ""

    def draw(progress: StageProgress) -> None:
        nonlocal drawn, stage
        now = time.monotonic()
        if progress.stage != stage or now - drawn >= _REDRAW_SECONDS:
            drawn, stage = now, progress.stage
            handle.update(page.HTML(_html(progress, now - began)))

    try:
        yield draw
    finally:
        handle.update(page.HTML(f"<small>Done in {time.monotonic() - began:.0f} s</small>"))


def _html(progress: StageProgress, seconds: float) -> str:
    said = LABELS.get(progress.stage, progress.stage) + (f", {progress.note}" if progress.note else "")
    known = f' value="{progress.finished}" max="{progress.planned}"' if progress.planned else ""
    return f"<div>{escape(said)} <progress{known}></progress> <small>{seconds:.0f} s</small></div>"
