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

Floats = NDArray[np.float64]
Kind = tuple[str, int, str]
"""What targets tell acts apart by: category, severity, and who acts (see ``StreamLayout.sources``)."""


@dataclass(frozen=True)
class TargetRule:
    """Which events count as the target: any of these categories at this severity or above.

    With ``by`` only acts of these actors count; empty: acts of anybody.
    """

    name: str
    any_of: tuple[str, ...]
    min_severity: int
    by: tuple[str, ...] = ()

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event of the table meets the rule."""
        return self.mask_kind(events) & (events.severity >= self.min_severity)

    def mask_kind(self, events: EventTable) -> NDArray[np.bool_]:
        """Return True where an event of the table would meet the rule, were it severe enough."""
        kind = np.isin(events.category, self.any_of)
        return kind & np.isin(events.initiator, self.by) if self.by else kind

    def meets(self, category: str, severity: int, by: str = "") -> bool:
        """Whether an act counts as the target; ``by`` is who acts, empty for nobody that a target names."""
        return category in self.any_of and severity >= self.min_severity and (not self.by or by in self.by)

    def includes(self, other: TargetRule) -> bool:
        """Whether every act that meets the other rule meets this one."""
        wider = not self.by or bool(other.by and set(other.by) <= set(self.by))
        return wider and set(other.any_of) <= set(self.any_of) and other.min_severity >= self.min_severity

    def to_dict(self) -> dict[str, object]:
        """Return the rule as plain values, without its name."""
        plain: dict[str, object] = {"any_of": [*self.any_of], "min_severity": self.min_severity}
        return plain | {"by": [*self.by]} if self.by else plain


def raised_to_included(values: Mapping[str, Floats], rules: Sequence[TargetRule]) -> dict[str, Floats]:
    """Raise what is said of each target to what is said of every target that it includes; NaN stays."""
    raised = dict(values)
    for wide in rules:
        for narrow in rules:
            if wide.includes(narrow):
                known = np.where(np.isnan(values[narrow.name]), -np.inf, values[narrow.name])
                raised[wide.name] = np.maximum(raised[wide.name], known)
    return raised


@dataclass(frozen=True)
class FutureAct:
    """An act ahead that happens with a probability.

    Its day is ``date``, or any of those to ``until``, all as likely. The category is one of the codebook, or
    a type that a scenario declares; a ``label`` tells acts apart that are alike otherwise. ``by`` is who
    acts, where it is stated.
    """

    date: date
    category: str
    severity: int
    probability: float
    until: Date | None = None
    label: str = ""
    by: str = ""


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
    def sources(self) -> tuple[str, ...]:
        """Actors by which some target tells acts apart; the first, empty, stands for all others."""
        return _sources(self.targets)

    @cached_property
    def acts_of(self) -> tuple[frozenset[Kind], ...]:
        """Kinds of act that meet each target."""
        kinds = _kinds(self.sources)
        return tuple(frozenset(kind for kind in kinds if target.meets(*kind)) for target in self.targets)

    @cached_property
    def _stream(self) -> Mapping[Kind, int]:
        places = {name: k for k, name in enumerate(self.ordinary)}
        cells = {cell: len(self.ordinary) + k for k, cell in enumerate(self.cells)}
        met = {kind: self.targets_met(*kind) for kind in _kinds(self.sources)}
        return {kind: cells[cell] if cell else places[kind[0]] for kind, cell in met.items()}

    def targets_met(self, category: str, severity: int, by: str = "") -> tuple[int, ...]:
        """Positions of the targets that an act meets."""
        return tuple(q for q, target in enumerate(self.targets) if target.meets(category, severity, by))

    def stream_of(self, category: str, severity: int, by: str = "") -> int:
        """Position of the stream of an act."""
        return self._stream[category, severity, by if by in self.sources else ""]

    def directed(self, category: str, severity: int) -> tuple[TargetRule, ...]:
        """Targets that an act meets or not by who acts."""
        return tuple(
            target for target in self.targets if target.by and target.meets(category, severity, target.by[0])
        )

    def acts_in_words(self, stream: int) -> tuple[str, ...]:
        """Categories of a stream with severities and actors: ``"sanction of severity 4 or 5 by CHN"``."""
        alike: dict[tuple[tuple[int, ...], tuple[str, ...]], list[str]] = {}
        for category in CATEGORIES:
            held: dict[tuple[int, ...], list[str]] = {}
            for by in self.sources:
                severities = tuple(
                    severity for severity in SEVERITIES if self.stream_of(category, severity, by) == stream
                )
                held.setdefault(severities, []).append(by)
            held.pop((), None)
            for severities, sources in held.items():
                alike.setdefault((severities, tuple(sources)), []).append(category.replace("_", " "))
        return tuple(
            f"{', '.join(of)} of {_severities(severities)}{self._by(sources)}"
            for (severities, sources), of in alike.items()
        )

    def _by(self, sources: tuple[str, ...]) -> str:
        if sources == self.sources:
            return ""
        return f" by {' or '.join(source or 'others' for source in sorted(sources, reverse=True))}"

    @cached_property
    def severities(self) -> Floats:
        """Share of each severity of conflict among a stream's kinds of act, shape (stream, severity)."""
        kinds = np.zeros((len(self.streams), 2, len(SEVERITIES)))
        for (category, severity, _), stream in self._stream.items():
            kinds[stream, int(category in CONFLICTUAL), severity - 1] += 1
        return np.asarray(kinds[:, 1] / kinds.sum(axis=(1, 2))[:, None])

    @cached_property
    def meets(self) -> NDArray[np.bool_]:
        """Streams whose acts meet each target, shape (target, stream)."""
        met = np.zeros((len(self.targets), len(self.streams)), dtype=bool)
        for k, cell in enumerate(self.cells):
            met[list(cell), len(self.ordinary) + k] = True
        return met

    def _holds(self, categories: Sequence[str]) -> tuple[bool, ...]:
        held = {stream for (category, _, _), stream in self._stream.items() if category in categories}
        return tuple(k in held for k in range(len(self.streams)))

    @cached_property
    def conflictual(self) -> tuple[bool, ...]:
        """Streams that hold acts of conflict: they excite one another, drift, and are calmed by ballast."""
        return self._holds(CONFLICTUAL)

    @cached_property
    def calming(self) -> tuple[bool, ...]:
        """Streams whose recent acts are ballast: all others."""
        return tuple(not conflict for conflict in self.conflictual)

    @cached_property
    def wider(self) -> tuple[tuple[int, ...], ...]:
        """For each stream those that hold the same categories one severity lower; empty for severity 1."""
        least: dict[tuple[int, str, str], int] = {}
        for (category, severity, by), stream in self._stream.items():
            least[stream, category, by] = min(severity, least.get((stream, category, by), severity))
        wider: list[set[int]] = [set() for _ in self.streams]
        for (stream, category, by), severity in least.items():
            if severity > SEVERITIES[0]:
                wider[stream].add(self._stream[category, severity - 1, by])
        return tuple(tuple(sorted(streams - {k})) for k, streams in enumerate(wider))

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
        kinds = zip(events.category, events.severity, events.initiator, strict=True)
        return np.array(
            [self.stream_of(str(name), int(grade), str(by)) for name, grade, by in kinds], np.int64
        )


def _sources(targets: Sequence[TargetRule]) -> tuple[str, ...]:
    return ("", *sorted({actor for target in targets for actor in target.by}))


def _kinds(sources: Sequence[str]) -> tuple[Kind, ...]:
    return tuple(product(CATEGORIES, SEVERITIES, sources))


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
    kinds = _kinds(_sources(targets))
    met = {kind: tuple(q for q, target in enumerate(targets) if target.meets(*kind)) for kind in kinds}
    ordinary = tuple(name for name in CATEGORIES if any(not met[kind] for kind in kinds if kind[0] == name))
    cells = sorted({cell for cell in met.values() if cell}, key=lambda cell: (len(cell), cell))
    return StreamLayout(tuple(targets), ordinary, tuple(cells))
