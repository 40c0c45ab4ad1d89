"""How stages tell what they are doing, to whoever listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


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
