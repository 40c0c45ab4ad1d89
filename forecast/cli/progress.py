"""Progress of a run on standard error: bars on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecast.progress import Listener, StageProgress

_LABELS = {
    "read": "Read events",
    "compile": "Compile the model",
    "sample": "Sample the posterior",
    "simulate": "Simulate futures",
    "drivers": "Measure drivers",
    "robustness": "Test the assumptions",
    "scenarios": "Compare scenarios",
    "report": "Write the report",
    "backtest": "Forecast at past origins",
}


@contextmanager
def show_progress(*, hidden: bool) -> Iterator[Listener]:
    """Yield a listener that draws a bar a stage; it draws nothing when hidden or not on a terminal."""
    if hidden or not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
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
        tasks: dict[str, object] = {}

        def listen(progress: StageProgress) -> None:
            if progress.stage not in tasks:
                for task in tasks.values():
                    bars.update(task, total=1, completed=1, note="")  # type: ignore[arg-type]
                tasks[progress.stage] = bars.add_task(_LABELS[progress.stage], total=None, note="")
            total = progress.planned or None
            bars.update(tasks[progress.stage], total=total, completed=progress.finished, note=progress.note)  # type: ignore[arg-type]

        yield listen
        for task in tasks.values():
            bars.update(task, total=1, completed=1, note="")  # type: ignore[arg-type]
