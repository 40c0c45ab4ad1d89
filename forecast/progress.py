"""How stages tell what they are doing, to whoever listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LABELS = {
    "read": "Read events",
    "import": "Read files",
    "draft": "Ask the model",
    "update": "Fetch files",
    "compile": "Compile the model",
    "sample": "Sample the posterior",
    "sample_2": "Sample again",
    "sample_3": "Sample a third time",
    "chances": "Compute chances",
    "drivers": "Measure drivers",
    "assumptions": "Move the assumptions",
    "ahead": "Look ahead",
    "scenarios": "Compare scenarios",
    "report": "Write the report",
    "backtest": "Forecast at past origins",
    "watch": "Forecast the dyads",
}
"""What each stage does, for whoever watches."""


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
