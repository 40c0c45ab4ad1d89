"""How stages tell what they are doing, to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class StageProgress:
    """What the run is doing: a stage, and how far it is (``planned`` is 0 where that is not known)."""

    stage: str
    finished: int = 0
    planned: int = 0
    note: str = ""


Listener = Callable[[StageProgress], None]
