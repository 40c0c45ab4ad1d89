"""Coded events counted in time steps, dyad by dyad: the data of every fit.

The grid starts on a fixed day and runs to the origin (00:00 of the first day that is not known). Its last
step may be cut short by the origin and then has an exposure below one. A single dyad is a panel of length
one. Axes: dyad i, step t, stream k.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.errors import InputError
from forecast.events.codebook import CONFLICTUAL, SEVERITIES
from forecast.events.table import EventTable
from forecast.panel.streams import StreamLayout

Floats = NDArray[np.float64]

STEP_DAYS = 7
DAYS_A_MONTH = 365.25 / 12
KNOT_STEPS = 4
"""Steps between the knots of the latent tension; linear in between."""
DRIFT_KNOT_STEPS = 6 * KNOT_STEPS
"""Steps between the knots of drift; linear in between. Each is a knot of tension, too."""
DRIFT_PERSISTENCE_DAYS = 4 * 365.25
"""Days after which a swing of drift has faded to 37%: years, where tension lasts months."""
DRIFT_DECAY = math.exp(-STEP_DAYS * DRIFT_KNOT_STEPS / DRIFT_PERSISTENCE_DAYS)
"""Autocorrelation of drift from knot to knot."""
DRIFT_NOISE = math.sqrt(1 - DRIFT_DECAY**2)
"""Scale of its innovations, so that it has unit variance."""
LEAST_COMPLETENESS = 0.25
"""Least share of a step's events taken to be known, where the others are added for their after-effects."""
HALF_SATURATION = 5.0
"""Recent cooperative acts of one kind (decayed count) that give half of their full ballast."""


@dataclass(frozen=True)
class TimeGrid:
    """Steps of ``STEP_DAYS`` from ``start`` to ``origin``, the first day not known, which is later."""

    start: date
    origin: date

    def __post_init__(self) -> None:
        if self.origin <= self.start:
            window = f"it starts {self.start} and ends before {self.origin}"
            raise InputError(f"the data window is empty: {window}")

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


def drift_knots_for(n_knots: int) -> int:
    """Knots of drift that reach as far as so many knots of tension."""
    return -(-(n_knots - 1) * KNOT_STEPS // DRIFT_KNOT_STEPS) + 1


@dataclass(frozen=True)
class Panel:
    """Counts of one or more dyads on a common grid.

    Parameters
    ----------
    dyads : tuple of str
        Names, in the order of the first axis of all arrays.
    grid : TimeGrid
    layout : StreamLayout
    counts : ndarray of int64, shape (dyad, step, stream)
        Events of each stream in each step.
    graded : ndarray of int64, shape (dyad, step, severity)
        Counted conflictual acts by severity, from 1 on.
    mix : ndarray, shape (dyad, stream, severity)
        Share of conflict of each severity among a stream's acts, to which half an act is added, spread
        evenly over the kinds of act that the stream can hold.
    completeness : ndarray, shape (dyad, step)
        Share of each step's events that is in the data, in (0, 1]: below one in recent steps when events
        are reported late.
    first_step : ndarray of int64, shape (dyad,)
        First step of each dyad's record; its exposure before is zero.
    """

    dyads: tuple[str, ...]
    grid: TimeGrid
    layout: StreamLayout
    counts: NDArray[np.int64]
    graded: NDArray[np.int64] = field(repr=False)
    mix: Floats = field(repr=False)
    completeness: Floats = field(repr=False)
    first_step: NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.dyads)

    @property
    def exposure(self) -> Floats:
        """Share of each step that was observed, shape (dyad, step): ones, but for the last."""
        exposure = (np.arange(self.grid.n_steps) >= self.first_step[:, None]).astype(np.float64)
        exposure[:, -1] = self.grid.last_exposure
        return exposure

    @property
    def felt_counts(self) -> Floats:
        """Events of each step as later steps feel them, reported late or not, shape (dyad, step, stream).

        Known events over their completeness, which has the right mean; completeness is taken to be at
        least ``LEAST_COMPLETENESS``, so that one event of the last days does not stand for dozens.
        """
        return self._felt(self.counts)

    @property
    def felt_graded(self) -> Floats:
        """The same of conflictual acts by severity, shape (dyad, step, severity)."""
        return self._felt(self.graded)

    def _felt(self, counts: NDArray[np.int64]) -> Floats:
        return np.asarray(counts / np.maximum(self.completeness, LEAST_COMPLETENESS)[..., None])

    @property
    def weeks(self) -> float:
        """Length of the first dyad's record."""
        return float(self.exposure[0].sum())

    @property
    def months(self) -> float:
        """Length of the first dyad's record."""
        return self.weeks * STEP_DAYS / DAYS_A_MONTH

    @property
    def acts_a_month(self) -> float:
        """Acts of all streams a month, over the first dyad's record; half an act in all where none is."""
        return max(float(self.counts[0].sum()), 0.5) / self.months

    def select(self, positions: slice) -> Panel:
        """Return the panel of some of the dyads."""
        arrays = ("counts", "graded", "mix", "completeness", "first_step")
        part = {name: getattr(self, name)[positions] for name in arrays}
        return replace(self, dyads=self.dyads[positions], **part)


def count_events(
    events: EventTable,
    grid: TimeGrid,
    layout: StreamLayout,
    completeness: Floats | None = None,
    *,
    dyad: str = "dyad",
) -> Panel:
    """Count the events of one dyad: a panel of length one, ``completeness`` by step; see ``count_panel``."""
    shares = None if completeness is None else completeness[None]
    return count_panel({dyad: events}, grid, layout, completeness=shares)


def count_panel(
    tables: Mapping[str, EventTable],
    grid: TimeGrid,
    layout: StreamLayout,
    *,
    completeness: Floats | None = None,
    starts: Mapping[str, date] | None = None,
) -> Panel:
    """Count the events of dyads on a grid; events outside the grid are left out.

    A cell of targets counts once a day, the gravest act: whether a target happens is the question, and one
    clash coded as several acts of a day says little about the next.

    Parameters
    ----------
    tables : mapping of str to EventTable
        What is known of each dyad at the origin (cut by ``known_date`` already).
    grid, layout
        When, and which streams.
    completeness : ndarray, shape (dyad, step), optional
        See ``Panel``; ones when absent.
    starts : mapping of str to date, optional
        Day on which a dyad's record starts, where that is after the start of the grid. Its first step is
        the first whole one, and earlier events are left out.
    """
    late = [((starts or {}).get(name, grid.start) - grid.start).days for name in tables]
    first_step = np.clip([-(-days // STEP_DAYS) for days in late], 0, grid.n_steps - 1).astype(np.int64)
    pairs = zip(tables.values(), first_step, strict=True)
    parts = [_count(events, grid, layout, int(first)) for events, first in pairs]
    counts, graded, mix = (np.stack(arrays) for arrays in zip(*parts, strict=True))
    known = np.ones(counts.shape[:2]) if completeness is None else completeness
    return Panel(tuple(tables), grid, layout, counts, graded, mix, known, first_step)


def _count(
    events: EventTable, grid: TimeGrid, layout: StreamLayout, first_step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Counts, conflict by severity and mixes of one dyad, without its axis."""
    day = (events.date - np.datetime64(grid.start, "D")).astype(np.int64)
    n_days = (grid.origin - grid.start).days
    stream = layout.assign(events)
    used = np.flatnonzero((day >= STEP_DAYS * first_step) & (day < n_days))
    used = used[np.argsort(-events.severity[used], kind="stable")]
    once = stream[used] >= len(layout.ordinary)
    _, gravest = np.unique(np.column_stack([day[used], stream[used]])[once], axis=0, return_index=True)
    used = np.concatenate([used[~once], used[once][gravest]])
    step, own, severity = day[used] // STEP_DAYS, stream[used], events.severity[used].astype(np.int64) - 1
    counts = np.zeros((grid.n_steps, len(layout.streams)), dtype=np.int64)
    np.add.at(counts, (step, own), 1)
    # A cell may hold cooperation, too, which is no conflict however severe.
    conflict = np.isin(events.category[used], CONFLICTUAL)
    graded = np.zeros((grid.n_steps, len(SEVERITIES)), dtype=np.int64)
    np.add.at(graded, (step[conflict], severity[conflict]), 1)
    by_severity = np.zeros((len(layout.streams), len(SEVERITIES)), dtype=np.int64)
    np.add.at(by_severity, (own[conflict], severity[conflict]), 1)
    return counts, graded, severity_mix(layout, by_severity, counts.sum(axis=0))


def severity_mix(layout: StreamLayout, by_severity: NDArray[np.int64], acts: NDArray[np.int64]) -> Floats:
    """Return ``Panel.mix`` of a dyad from its conflict, (stream, severity), and all its acts, (stream,)."""
    return np.asarray((by_severity + 0.5 * layout.severities) / (acts[:, None] + 0.5))


def decay_per_step(half_life_days: float | Floats) -> Floats:
    """Factor left after one step of exponential decay with this half-life."""
    return np.asarray(np.exp2(-STEP_DAYS / np.asarray(half_life_days, dtype=np.float64)))
