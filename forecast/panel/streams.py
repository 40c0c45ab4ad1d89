"""Which events form which stream: targets, future acts, and the cells into which targets cut the acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from datetime import date as Date
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CATEGORIES, CONFLICTUAL, SEVERITIES
from forecast.events.table import EventTable


@dataclass(frozen=True)
class TargetRule:
    """Which events count as the target: any of these categories at this severity or above."""

    name: str
    any_of: tuple[str, ...]
    min_severity: int

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event of the table meets the rule."""
        return np.isin(events.category, self.any_of) & (events.severity >= self.min_severity)

    def meets(self, category: str, severity: int) -> bool:
        """Whether an act counts as the target."""
        return category in self.any_of and severity >= self.min_severity

    def within(self, other: TargetRule) -> bool:
        """Whether every act that meets this target meets another one, too."""
        return set(self.any_of) <= set(other.any_of) and self.min_severity >= other.min_severity


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
    """The streams that a model counts: cells of acts that meet the same targets, and the acts that meet none.

    Parameters
    ----------
    targets : tuple of TargetRule
    ordinary : tuple of str
        Categories with acts that meet no target; each is a stream, in the order of the codebook.
    cells : tuple of tuple of int
        For each further stream, the positions of the targets that its acts meet, from the fewest on.
    """

    targets: tuple[TargetRule, ...]
    ordinary: tuple[str, ...]
    cells: tuple[tuple[int, ...], ...]

    @cached_property
    def streams(self) -> tuple[str, ...]:
        """Names, in the order of the last axis of all counts.

        A cell has the name of the narrowest target that it meets, or those of several with ``+``.
        """
        names = ("+".join(self.targets[q].name for q in self.narrowest(cell)) for cell in self.cells)
        # No target has a name with a dot, so that these stay distinct.
        return (*self.ordinary, *(f"{name}.target" if name in _TAKEN else name for name in names))

    def narrowest(self, cell: tuple[int, ...]) -> tuple[int, ...]:
        """Targets among those of a cell that include no other of them; they tell cells apart."""
        held = {q: self.acts_of[q] for q in cell}
        return tuple(q for q in cell if not any(held[other] < held[q] for other in cell))

    @cached_property
    def acts_of(self) -> tuple[frozenset[tuple[str, int]], ...]:
        """Categories and severities that meet each target."""
        return tuple(frozenset(act for act in _ACTS if target.meets(*act)) for target in self.targets)

    @cached_property
    def _stream(self) -> Mapping[tuple[str, int], int]:
        places = {name: k for k, name in enumerate(self.ordinary)}
        cells = {cell: len(self.ordinary) + k for k, cell in enumerate(self.cells)}
        met = {act: self.targets_met(*act) for act in _ACTS}
        return {act: cells[met[act]] if met[act] else places[act[0]] for act in _ACTS}

    def targets_met(self, category: str, severity: int) -> tuple[int, ...]:
        """Positions of the targets that an act meets."""
        return tuple(q for q, target in enumerate(self.targets) if target.meets(category, severity))

    def stream_of(self, category: str, severity: int) -> int:
        """Position of the stream of an act."""
        return self._stream[category, severity]

    def acts_in_words(self, stream: int) -> tuple[str, ...]:
        """Categories of a stream with their severities there, e.g. ``"sanction of severity 4 or 5"``."""
        by_severities: dict[tuple[int, ...], list[str]] = {}
        for category in CATEGORIES:
            held = tuple(one for one in SEVERITIES if self.stream_of(category, one) == stream)
            by_severities.setdefault(held, []).append(category.replace("_", " "))
        by_severities.pop((), None)
        return tuple(f"{', '.join(of)} of {_severities(held)}" for held, of in by_severities.items())

    @cached_property
    def severities(self) -> NDArray[np.float64]:
        """Share of each severity of conflict among a stream's kinds of act, shape (stream, severity)."""
        kinds = np.zeros((len(self.streams), 2, len(SEVERITIES)))
        for (category, severity), stream in self._stream.items():
            kinds[stream, int(category in CONFLICTUAL), severity - 1] += 1
        return np.asarray(kinds[:, 1] / kinds.sum(axis=(1, 2))[:, None])

    @cached_property
    def meets(self) -> NDArray[np.bool_]:
        """Streams whose acts meet each target, shape (target, stream)."""
        found = np.zeros((len(self.targets), len(self.streams)), dtype=bool)
        for k, cell in enumerate(self.cells):
            found[list(cell), len(self.ordinary) + k] = True
        return found

    def _holds(self, categories: Sequence[str]) -> tuple[bool, ...]:
        held = {stream for (category, _), stream in self._stream.items() if category in categories}
        return tuple(k in held for k in range(len(self.streams)))

    @cached_property
    def conflictual(self) -> tuple[bool, ...]:
        """Streams that hold acts of conflict: they excite one another, drift, and are calmed by ballast."""
        return self._holds(CONFLICTUAL)

    @cached_property
    def calming(self) -> tuple[bool, ...]:
        """Streams whose recent acts are ballast: all others."""
        return tuple(not one for one in self.conflictual)

    @cached_property
    def wider(self) -> tuple[tuple[int, ...], ...]:
        """For each stream those that hold the same categories one severity lower; empty for severity 1."""
        least: dict[tuple[int, str], int] = {}
        for (category, severity), stream in self._stream.items():
            least[stream, category] = min(severity, least.get((stream, category), severity))
        found: list[set[int]] = [set() for _ in self.streams]
        for (stream, category), severity in least.items():
            if severity > SEVERITIES[0]:
                found[stream].add(self._stream[category, severity - 1])
        return tuple(tuple(sorted(one - {k})) for k, one in enumerate(found))

    @property
    def conflict_index(self) -> NDArray[np.int64]:
        """Positions of the conflictual streams."""
        return np.flatnonzero(self.conflictual)

    @property
    def cooperative(self) -> tuple[str, ...]:
        """Names of the cooperative streams."""
        return tuple(self.streams[k] for k in self.calming_index)

    @property
    def calming_index(self) -> NDArray[np.int64]:
        """Positions of the calming streams."""
        return np.flatnonzero(self.calming)

    def assign(self, events: EventTable) -> NDArray[np.int64]:
        """Position of each event's stream, shape (event,)."""
        pairs = zip(events.category, events.severity, strict=True)
        return np.array(
            [self._stream[str(category), int(severity)] for category, severity in pairs], np.int64
        )


_ACTS = tuple(product(CATEGORIES, SEVERITIES))
_TAKEN = (*CATEGORIES, "conflict")
"""Names that parameters of streams and sides have."""


def _severities(held: tuple[int, ...]) -> str:
    if held == SEVERITIES:
        return "any severity"
    first, last = held[0], held[-1]
    whole = len(held) > 2 and len(held) == last - first + 1
    return "severity " + (f"{first} to {last}" if whole else " or ".join(map(str, held)))


def stream_layout(targets: Sequence[TargetRule]) -> StreamLayout:
    """Cut the acts of the codebook into streams by the targets that they meet."""
    met = {act: tuple(q for q, target in enumerate(targets) if target.meets(*act)) for act in _ACTS}
    ordinary = tuple(name for name in CATEGORIES if any(not met[name, s] for s in SEVERITIES))
    cells = sorted({cell for cell in met.values() if cell}, key=lambda cell: (len(cell), cell))
    return StreamLayout(tuple(targets), ordinary, tuple(cells))
