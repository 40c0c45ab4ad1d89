"""Streams of the cluster model: conflict by category, side and cell of the targets, cooperation by kind.

Whether an act meets a target depends on its category, its severity and, where a target says so, on who acts;
a named reaction tells a class of acts apart as well. Acts alike in all of these are one stream. An act by a
third party of the theatre belongs to the side opposite the one that it is aimed at.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cluster_model.density import Record
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, SEVERITIES
from forecast.events.dyads import DyadRule
from forecast.events.table import EventTable
from forecast.panel import LEAST_COMPLETENESS, STEP_DAYS, TargetRule

Floats = NDArray[np.float64]
NO_SIDE = -1
LEAST_ACTS = 0.5
"""Acts added to what a cell counted, once, shared by its streams, so that a cell never seen has a rate."""


@dataclass(frozen=True)
class ActClass:
    """Acts that a reaction names: of a category, where stated of subcategories (with ``*``) and by actors."""

    category: str
    subcategory: tuple[str, ...] = ()
    by: tuple[str, ...] = ()

    def mask(self, events: EventTable) -> NDArray[np.bool_]:
        """Return which rows belong to the class, shape (event,)."""
        chosen = events.category == self.category
        if self.by:
            chosen = chosen & np.isin(events.initiator, self.by)
        if self.subcategory:
            names = [
                any(fnmatch.fnmatchcase(str(name), one) for one in self.subcategory)
                for name in events.subcategory
            ]
            chosen = chosen & np.array(names, dtype=bool)
        return np.asarray(chosen, dtype=np.bool_)


@dataclass(frozen=True)
class Reaction:
    """Acts of a class, of these severities, are answered by a side's acts of a category, or by a target.

    ``then`` holds categories (none: any of conflict) and ``by`` the side (0 or 1; ``None``: either);
    ``target`` is the position of a target that the answer meets.
    """

    name: str
    when: ActClass
    severities: tuple[int, ...] = SEVERITIES
    then: tuple[str, ...] = ()
    by: int | None = None
    target: int | None = None


class Stream(NamedTuple):
    """Acts of a category by a side (``NO_SIDE``: cooperation) that meet the same targets and classes."""

    category: str
    side: int
    cell: tuple[int, ...]
    classes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Streams:
    """How acts are told apart: targets, sides, and reactions with their classes of acts."""

    targets: tuple[TargetRule, ...]
    dyad: DyadRule
    reactions: tuple[Reaction, ...] = ()

    @cached_property
    def _sources(self) -> tuple[str, ...]:
        return ("", *sorted({actor for target in self.targets for actor in target.by}))

    def _sides_of(self, source: str) -> tuple[int, ...]:
        if source in self.dyad.a:
            return (0,)
        return (1,) if source in self.dyad.b else (0, 1)

    def cell(self, category: str, severity: int, by: str) -> tuple[int, ...]:
        """Positions of the targets that an act meets."""
        return tuple(q for q, target in enumerate(self.targets) if target.meets(category, severity, by))

    @cached_property
    def held(self) -> Mapping[Stream, frozenset[int]]:
        """Every stream with the severities that it can hold, in the order of the streams."""
        held: dict[Stream, set[int]] = {}
        for category in CATEGORIES:
            conflict = category in CONFLICTUAL
            classes = [
                (),
                *sorted({(i,) for i, one in enumerate(self.reactions) if one.when.category == category}),
            ]
            for source in self._sources:
                for side in self._sides_of(source) if conflict else (NO_SIDE,):
                    for severity in SEVERITIES:
                        for group in classes if conflict else [()]:
                            actors = self.reactions[group[0]].when.by if group else ()
                            if actors and side not in {s for actor in actors for s in self._sides_of(actor)}:
                                continue
                            stream = Stream(category, side, self.cell(category, severity, source), group)
                            held.setdefault(stream, set()).add(severity)
        order = sorted(
            held,
            key=lambda one: (CATEGORIES.index(one.category), one.side, len(one.cell), one.cell, one.classes),
        )
        return {stream: frozenset(held[stream]) for stream in order}

    @cached_property
    def streams(self) -> tuple[Stream, ...]:
        """Streams in the order of all arrays."""
        return tuple(self.held)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Categories in the order of the loadings."""
        return tuple(name for name in CATEGORIES if any(one.category == name for one in self.streams))

    @cached_property
    def meets(self) -> NDArray[np.bool_]:
        """Streams whose acts meet each target, shape (target, stream)."""
        met = np.zeros((len(self.targets), len(self.streams)), dtype=bool)
        for k, stream in enumerate(self.streams):
            met[list(stream.cell), k] = True
        return met

    def sides(self, events: EventTable) -> NDArray[np.int64]:
        """Side that acts in each row, shape (event,)."""
        from_a, from_b = np.isin(events.initiator, self.dyad.a), np.isin(events.initiator, self.dyad.b)
        against_a = np.isin(events.recipient, self.dyad.a)
        return np.where(from_a, 0, np.where(from_b, 1, np.where(against_a, 1, 0)))

    def assign(self, events: EventTable) -> NDArray[np.int64]:
        """Position of each row's stream, shape (event,)."""
        places = {stream: k for k, stream in enumerate(self.streams)}
        classes = [one.when.mask(events) for one in self.reactions]
        sides = self.sides(events)
        found = np.empty(len(events), dtype=np.int64)
        for row in range(len(events)):
            category, severity = str(events.category[row]), int(events.severity[row])
            by = str(events.initiator[row])
            side = int(sides[row]) if category in CONFLICTUAL else NO_SIDE
            group = next(((i,) for i, of in enumerate(classes) if of[row]), ()) if side >= 0 else ()
            found[row] = places[
                Stream(
                    category, side, self.cell(category, severity, by if by in self._sources else ""), group
                )
            ]
        return found

    def then(self) -> Floats:
        """Streams that may answer each reaction, (reaction, stream)."""
        allowed = np.zeros((len(self.reactions), len(self.streams)))
        for i, one in enumerate(self.reactions):
            for k, stream in enumerate(self.streams):
                fits = stream.side >= 0 and (one.by is None or stream.side == one.by)
                fits = fits and (not one.then or stream.category in one.then)
                fits = fits and (one.target is None or one.target in stream.cell)
                allowed[i, k] = fits
        return allowed


@dataclass(frozen=True)
class Acts:
    """What is known of a dyad at the origin, as density, chances and simulator read it."""

    streams: Streams
    record: Record
    start: date
    origin: date
    counts: NDArray[np.int64] = field(repr=False)

    @property
    def n_days(self) -> int:
        """Days of the record."""
        return len(self.record.known)

    @property
    def n_weeks(self) -> int:
        """Weeks begun before the origin."""
        return -(-self.n_days // STEP_DAYS)


def acts_of(
    events: EventTable, streams: Streams, start: date, origin: date, known: Floats | None = None
) -> Acts:
    """Arrange the acts of a dyad between two days; ``known`` (day,) is the share that is in the data.

    A stream that meets a target counts one act a day, the gravest: whether a target happens is the question,
    and one clash coded as several acts of a day says little about the next.
    """
    days = (origin - start).days
    day = (events.date - np.datetime64(start, "D")).astype(np.int64)
    events = events.select((day >= 0) & (day < days))
    day = (events.date - np.datetime64(start, "D")).astype(np.int64)
    stream, grade = streams.assign(events), events.severity.astype(np.int64) - 1
    cell = np.array([bool(one.cell) for one in streams.streams])
    order = np.argsort(-grade, kind="stable")
    once = cell[stream[order]]
    _, gravest = np.unique(np.column_stack([day, stream])[order][once], axis=0, return_index=True)
    used = np.sort(np.concatenate([order[~once], order[once][gravest]]))
    used = used[np.argsort(day[used], kind="stable")]
    known = np.ones(days) if known is None else known
    felt = 1.0 / np.maximum(known[day[used]], LEAST_COMPLETENESS)
    every = streams.streams
    counts = np.bincount(stream[used], minlength=len(every))
    mix = np.zeros((len(every), len(SEVERITIES)))
    np.add.at(mix, (stream[used], grade[used]), 1)
    for k, one in enumerate(every):
        possible = [severity - 1 for severity in streams.held[one]]
        mix[k, possible] += 0.5 / len(possible)
    mix /= mix.sum(axis=1, keepdims=True)
    trigger = np.zeros((len(streams.reactions), len(used)))
    for i, one in enumerate(streams.reactions):
        in_class = np.array([i in stream_.classes for stream_ in every])
        trigger[i] = in_class[stream[used]] & np.isin(grade[used] + 1, one.severities)
    weeks = -(-days // STEP_DAYS)
    kinds = [name for name in streams.categories if name not in CONFLICTUAL]
    calming = np.zeros((len(kinds), weeks))
    names = np.array([one.category for one in every])
    for b, name in enumerate(kinds):
        own = names[stream[used]] == name
        np.add.at(calming[b], day[used][own] // STEP_DAYS, felt[own])
    record = Record(
        day[used],
        stream[used],
        grade[used],
        felt,
        trigger,
        streams.then(),
        np.array([streams.categories.index(one.category) for one in every], dtype=np.int64),
        np.array([one.side for one in every], dtype=np.int64),
        mix @ np.array(SEVERITIES, dtype=np.float64),
        mix,
        known,
        calming,
        len(streams.categories),
    )
    return Acts(streams, record, start, origin, counts)


class OwnRate(NamedTuple):
    """Centre of a stream's prior rate, acts a week, and what is added to the spread of its logarithm."""

    weekly: float
    spread: float


def own_rates(acts: Acts, further: tuple[float, float]) -> tuple[OwnRate, ...]:
    """Rates of the streams in the record; in a cell never seen those of the next milder acts × a share.

    ``further`` are the values of the Beta distribution of the share of acts that go one severity further.
    Half an act is added to each cell, once, and shared by its streams; a cell never seen is shared among its
    streams as its milder acts are.
    """
    streams, weeks, counts = acts.streams, acts.n_days / STEP_DAYS, acts.counts
    every, held = streams.streams, streams.held
    alpha, beta = further
    share = alpha / (alpha + beta)
    variance = math.log1p((1 - share) / (share * (alpha + beta + 1)))
    cells: dict[tuple[tuple[int, ...], bool], list[int]] = {}
    for k, one in enumerate(every):
        cells.setdefault((one.cell, one.side >= 0), []).append(k)

    def milder(k: int) -> set[int]:
        """Streams of the same acts one severity lower."""
        least = min(held[every[k]]) - 1
        alike = [i for i, one in enumerate(every) if one._replace(cell=()) == every[k]._replace(cell=())]
        return {i for i in alike if i != k and least in held[every[i]]}

    found: dict[int, OwnRate] = {}
    for (cell, _), held_by in cells.items():
        steps, level = 0, {k: {k} for k in held_by}
        while cell and not counts[list(set().union(*level.values()))].sum():
            below = {k: set().union(*map(milder, of)) for k, of in level.items()}
            if not any(below.values()):
                break
            steps, level = steps + 1, below
        total = counts[list(set().union(*level.values()))].sum() + LEAST_ACTS
        weight = {k: counts[list(of)].sum() + LEAST_ACTS / len(held_by) for k, of in level.items()}
        log_share = steps * (math.log(share) - variance / 2)
        for k in held_by:
            weekly = total / weeks * weight[k] / sum(weight.values()) * math.exp(log_share)
            found[k] = OwnRate(weekly, math.sqrt(steps * variance))
    return tuple(found[k] for k in range(len(every)))
