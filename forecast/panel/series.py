"""Events → counts in time steps: the data every model family is fitted to.

The grid starts on a fixed day and runs to the origin (00:00 of the first day that is not known). Its last
step may be cut short by the origin and then has an exposure below one. A ``StreamLayout`` says which
events form which stream, so that all families share one likelihood and one simulator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from datetime import date as Date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.errors import InputError
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, COOPERATIVE
from forecast.events.table import EventTable

STEP_DAYS = 7
SEVERE = 4
"""Severity from which an event counts as severe for the 'recent severe events' term."""
SEVERE_HALF_LIFE_DAYS = 56.0
KNOT_STEPS = 4
"""Steps between the knots of the latent tension; linear in between."""
LEAST_SHARE = 0.25
"""Least share of a step's events taken to be known, where the others are added for their after-effects."""
HALF_SATURATION = 5.0
"""Recent cooperative acts of one kind (decayed count) that give half of their full ballast."""

INNOVATIONS = "tension_innovations"
"""Name of the standard normal innovations of the latent tension in models and posteriors."""

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

    Parameters
    ----------
    date : date
        Its day, or the first day of its window.
    category : str
        Of the codebook, or a type that a scenario declares.
    severity : int
    probability : float
    until : date or None
        Last day of the window, in which every day is as likely as any other.
    label : str
        Tells acts apart that are alike otherwise.
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
    def conflict_index(self) -> NDArray[np.int64]:
        """Positions of the conflictual streams."""
        return np.flatnonzero(self.conflictual)

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
        table = {
            (category, severity): self.stream_of(category, severity)
            for category in CATEGORIES
            for severity in range(1, 6)
        }
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
    return StreamLayout(
        ("cooperative", "dispute", "other_conflict", "target"),
        (False, True, True, True),
        (False,) * 4,
        marked=False,
        target=target,
    )


@dataclass(frozen=True)
class TimeGrid:
    """Steps of ``STEP_DAYS`` from ``start`` to ``origin``, the first day that is not known.

    Raises
    ------
    InputError
        The origin is not after the start.
    """

    start: date
    origin: date

    def __post_init__(self) -> None:
        if self.origin <= self.start:
            raise InputError(
                f"the data window is empty: it starts {self.start} and ends before {self.origin}"
            )

    @property
    def n_steps(self) -> int:
        """Number of steps begun before the origin."""
        return -(-(self.origin - self.start).days // STEP_DAYS)

    @property
    def last_exposure(self) -> float:
        """Share of the last step that lies before the origin, in (0, 1]."""
        return ((self.origin - self.start).days - STEP_DAYS * (self.n_steps - 1)) / STEP_DAYS

    @property
    def n_knots(self) -> int:
        """Knots of the latent tension that the steps need."""
        return knots_for(self.n_steps)

    def first_day(self, step: int) -> date:
        """First day of a step."""
        return self.start + timedelta(days=STEP_DAYS * step)


def knots_for(n_steps: int) -> int:
    """Knots needed for linear interpolation over ``n_steps`` steps."""
    return (n_steps - 1) // KNOT_STEPS + 2


@dataclass(frozen=True)
class EventCounts:
    """Counts and marks on a grid.

    Parameters
    ----------
    counts : ndarray of int64, shape (step, stream)
        Events of each stream in each step.
    reach : ndarray of int64, shape (step, stream, level)
        Events with severity at least ``level + 1``, level = 0 … 4 (so ``reach[..., 0] == counts``);
        zeros in an unmarked layout.
    severe_recent : ndarray of float64, shape (step,)
        Decayed count of severe events in the steps before (half-life ``SEVERE_HALF_LIFE_DAYS``).
    known : ndarray of float64, shape (step,), optional
        Share of each step's events that is in the data, in (0, 1]: below one in recent steps when events
        are reported late. ``None`` when all are taken to be there.
    """

    grid: TimeGrid
    layout: StreamLayout
    counts: NDArray[np.int64]
    reach: NDArray[np.int64]
    severe_recent: NDArray[np.float64] = field(repr=False)
    known: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def exposure(self) -> NDArray[np.float64]:
        """Share of each step that was observed, shape (step,): ones, but for the last."""
        exposure = np.ones(self.grid.n_steps)
        exposure[-1] = self.grid.last_exposure
        return exposure

    @property
    def known_share(self) -> NDArray[np.float64]:
        """Share of each step's events that is in the data, shape (step,)."""
        return np.ones(self.grid.n_steps) if self.known is None else self.known

    @property
    def past_counts(self) -> NDArray[np.float64]:
        """Events of each step as later steps feel them, shape (step, stream): reported late or not.

        Known events over the share that is known, which has the right mean; the share is taken to be at
        least ``LEAST_SHARE``, so that one event of the last days does not stand for dozens.
        """
        counts = self.counts.astype(np.float64)
        return counts if self.known is None else counts / np.maximum(self.known, LEAST_SHARE)[:, None]


def decay_per_step(half_life_days: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Factor left after one step of exponential decay with this half-life."""
    return np.asarray(np.exp2(-STEP_DAYS / np.asarray(half_life_days, dtype=np.float64)))


def count_events(
    events: EventTable,
    grid: TimeGrid,
    layout: StreamLayout,
    known: NDArray[np.float64] | None = None,
) -> EventCounts:
    """Count the events of a table on a grid; events outside the grid are left out.

    A target with a stream of its own counts once a day: whether it happens is the question, and one clash
    coded as several acts of a day says little about the next.

    Parameters
    ----------
    events : EventTable
        What is known at the origin (cut by ``known_date`` already).
    grid, layout
        When, and which streams.
    known : ndarray, shape (step,), optional
        Share of each step's events that the table holds, see ``EventCounts``.
    """
    day = (events.date - np.datetime64(grid.start, "D")).astype(np.int64)
    n_days = (grid.origin - grid.start).days
    stream = layout.assign(events)
    used = (day >= 0) & (day < n_days) & (stream >= 0)
    if layout.target is not None:
        hits = np.flatnonzero(used & (stream == layout.streams.index("target")))
        used[hits] = False
        used[hits[np.unique(day[hits], return_index=True)[1]]] = True
    step = day[used] // STEP_DAYS
    shape = (grid.n_steps, len(layout.streams))
    counts = np.zeros(shape, dtype=np.int64)
    np.add.at(counts, (step, stream[used]), 1)
    reach = np.zeros((*shape, 5), dtype=np.int64)
    severity = events.severity[used].astype(np.int64)
    if layout.marked:
        for level in range(5):
            np.add.at(reach[..., level], (step, stream[used]), severity > level)
    severe = np.bincount(step[severity >= SEVERE], minlength=grid.n_steps)
    return EventCounts(grid, layout, counts, reach, decayed_before(severe, SEVERE_HALF_LIFE_DAYS), known)


def decayed_before(counts: NDArray[np.int64], half_life_days: float) -> NDArray[np.float64]:
    """Exponentially decayed sum of earlier entries, shape (step,): d·n[t−1] + d²·n[t−2] and so on."""
    decay = float(decay_per_step(half_life_days))
    total = np.zeros(len(counts))
    for step in range(1, len(counts)):
        total[step] = decay * (total[step - 1] + counts[step - 1])
    return total


def recent_severe_term(decayed_count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log((T+0.1)/0.2): zero at one tenth, so that a quiet time is near the average."""
    return np.log((decayed_count + 0.1) / 0.2)
