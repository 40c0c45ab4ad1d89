"""Which events form which stream: targets, future acts, and the layouts that the model families count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from datetime import date as Date
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE
from forecast.events.table import EventTable

Family = Literal["joint", "focused", "target"]


@dataclass(frozen=True)
class TargetRule:
    """Which events count as the target: any of these categories at this severity or above."""

    name: str
    any_of: tuple[str, ...]
    min_severity: int

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event of the table meets the rule."""
        return np.isin(events.category, self.any_of) & (events.severity >= self.min_severity)


@dataclass(frozen=True)
class FutureAct:
    """An act ahead that happens with a probability.

    Its day is ``date``, or any of those to ``until``, all as likely. The category is one of the codebook, or
    a type that a scenario declares; a ``label`` tells acts apart that are alike otherwise.
    """

    date: date
    category: str
    severity: int
    probability: float
    until: Date | None = None
    label: str = ""


@dataclass(frozen=True)
class StreamLayout:
    """Which streams a model counts, and how they act on one another.

    Parameters
    ----------
    streams : tuple of str
        Names, in the order of the last axis of all counts.
    conflictual : tuple of bool
        Streams that cross-excite one another and are calmed by ballast.
    calming : tuple of bool
        Streams whose recent acts are ballast (empty set: no ballast in the model).
    marked : bool
        Whether severities are modelled as marks. If so streams are categories.
    target : TargetRule or None
        The target that has a stream of its own (named ``target``); ``None`` for the joint layout.
    """

    streams: tuple[str, ...]
    conflictual: tuple[bool, ...]
    calming: tuple[bool, ...]
    marked: bool
    target: TargetRule | None = None

    @property
    def family(self) -> Family:
        """The family that counts these streams."""
        if self.target is None:
            return "joint"
        return "target" if len(self.streams) == 1 else "focused"

    @property
    def conflict_index(self) -> NDArray[np.int64]:
        """Positions of the conflictual streams."""
        return np.flatnonzero(self.conflictual)

    @property
    def cooperative(self) -> tuple[str, ...]:
        """Names of the cooperative streams."""
        return tuple(
            name for name, conflict in zip(self.streams, self.conflictual, strict=True) if not conflict
        )

    @property
    def calming_index(self) -> NDArray[np.int64]:
        """Positions of the calming streams."""
        return np.flatnonzero(self.calming)

    def stream_of(self, category: str, severity: int) -> int | None:
        """Position of the stream an act belongs to, or ``None`` when the layout does not count it."""
        if self.target is None:
            return self.streams.index(category) if category in self.streams else None
        if category in self.target.any_of and severity >= self.target.min_severity:
            name = "target"
        elif category in COOPERATIVE:
            name = "cooperative"
        else:
            name = "dispute" if category == "dispute" else "other_conflict"
        return self.streams.index(name) if name in self.streams else None

    def assign(self, events: EventTable) -> NDArray[np.int64]:
        """Position of each event's stream, shape (event,); −1 where it is not counted."""
        table = {pair: self.stream_of(*pair) for pair in product(CATEGORIES, range(1, 6))}
        pairs = zip(events.category, events.severity, strict=True)
        found = (table[str(category), int(severity)] for category, severity in pairs)
        return np.array([-1 if stream is None else stream for stream in found], dtype=np.int64)


def stream_layout(family: Family, target: TargetRule | None = None) -> StreamLayout:
    """Return the layout of a family: all categories, four streams around a target, or the target alone."""
    if family == "joint":
        return StreamLayout(
            CATEGORIES,
            tuple(name in CONFLICTUAL for name in CATEGORIES),
            tuple(name in COOPERATIVE for name in CATEGORIES),
            marked=True,
        )
    if target is None:
        raise ValueError(f"the {family} family needs a target")
    if family == "target":
        return StreamLayout(("target",), (True,), (False,), marked=False, target=target)
    streams = ("cooperative", "dispute", "other_conflict", "target")
    return StreamLayout(streams, (False, True, True, True), (False,) * 4, marked=False, target=target)
