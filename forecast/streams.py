"""Streams of acts, and the acts of a dyad as density, chances and simulator read them.

Whether an act meets a target depends on its category, its severity and, where a target says so, on who acts;
a named reaction tells a class of acts apart as well. Conflict is cut by category, side and *cell* (the
targets that an act meets), cooperation by category; a class of acts is a stream of its own. An act by a third
party of the theatre belongs to the side opposite the one that it is aimed at.

Axes: stream k, act j, day d, severity s, reaction i, target q.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import (
    CATEGORIES,
    CONFLICTUAL,
    COOPERATIVE,
    SEVERITIES,
    is_way,
    may_be,
    parties,
    way,
)
from forecast.events.dyads import DyadRule
from forecast.events.table import EventTable
from forecast.grid import DAYS_A_MONTH, STEP_DAYS, TimeGrid
from forecast.targets import FutureAct, Reaction, TargetRule

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

A, B, NO_SIDE = 0, 1, -1
"""Sides of a stream; cooperation has none."""
LEAST_ACTS = 0.5
"""Acts that a stream, a side or a severity is taken to have beside those of the record (Jeffreys)."""


class Stream(NamedTuple):
    """Acts of a category by a side that meet the same targets and belong to the same classes.

    ``cell`` holds positions of targets, ``classes`` of the reactions that they set off, ``aimed`` of those
    whose answers are towards the same.
    """

    category: str
    side: int
    cell: tuple[int, ...] = ()
    classes: tuple[int, ...] = ()
    aimed: tuple[int, ...] = ()


@dataclass(frozen=True)
class StreamLayout:
    """How acts are told apart; ``joint`` are sets of reactions that one act can set off at once."""

    targets: tuple[TargetRule, ...]
    dyad: DyadRule
    reactions: tuple[Reaction, ...] = ()
    joint: tuple[tuple[int, ...], ...] = ()

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Who acts, or who towards whom, as acts are told apart; left empty: all others."""
        stated = [way for target in self.targets for way in target.by]
        stated += [way for reaction in self.reactions if reaction.when for way in reaction.when.by]
        stated += [way("", actor) for reaction in self.reactions for actor in reaction.towards]
        by, towards = (
            ("", *sorted({*names} - {""})) for names in zip(("", ""), *map(parties, stated), strict=True)
        )
        every = tuple(way(*pair) for pair in product(by, towards))
        return every if towards == ("",) else tuple(one for one in every if self._is_act(one, by, towards))

    def _is_act(self, acting: str, by: Sequence[str], towards: Sequence[str]) -> bool:
        """Whether acts of the dyad are of a way, in which an empty actor is none of those that are named."""
        who, whom = (
            (one,) if one else {*self.dyad.actors}.difference(named)
            for one, named in zip(parties(acting), (by, towards), strict=True)
        )
        return any((min(pair), max(pair)) in self.dyad.pairs for pair in product(who, whom))

    def side_of(self, acting: str) -> int | None:
        """Side of who acts, or opposite to whom; ``None`` of a third party, or of nobody: either may be."""
        by, towards = parties(acting)
        for actor, a, b in ((by, A, B), (towards, B, A)):
            if actor in self.dyad.a or actor in self.dyad.b:
                return a if actor in self.dyad.a else b
        return None

    def targets_met(self, category: str, severity: int, by: str = "") -> tuple[int, ...]:
        """Positions of the targets that an act meets."""
        return tuple(q for q, target in enumerate(self.targets) if target.meets(category, severity, by))

    def classes_of(self, category: str, subcategory: str, severity: int, by: str) -> tuple[int, ...]:
        """Positions of the reactions that an act sets off."""
        return tuple(
            i
            for i, reaction in enumerate(self.reactions)
            if reaction.when is not None and reaction.when.holds(category, subcategory, severity, by)
        )

    def aimed_at(self, category: str, by: str) -> tuple[int, ...]:
        """Positions of the reactions that an act may answer by whom it is towards."""
        return tuple(
            i
            for i, one in enumerate(self.reactions)
            if one.towards and category in (one.then or CONFLICTUAL) and parties(by)[1] in one.towards
        )

    def _groups(self, category: str, severity: int, by: str) -> set[tuple[int, ...]]:
        """Sets of reactions that an act may set off, by its subcategory."""
        alike = {
            i
            for i, reaction in enumerate(self.reactions)
            if reaction.when is not None
            and reaction.when.category == category
            and severity in reaction.when.severities
            and is_way(by, reaction.when.by)
        }
        always = {i for i in alike if not self.reactions[i].when.subcategory}  # type: ignore[union-attr]
        by_name = [(), *((i,) for i in sorted(alike - always)), *self.joint]
        return {tuple(sorted(always | set(some))) for some in by_name if set(some) <= alike}

    @cached_property
    def held(self) -> Mapping[Stream, tuple[int, ...]]:
        """Severities that every stream can hold, in the order of the streams."""
        held: dict[Stream, set[int]] = {}
        for category in CATEGORIES:
            for by in self.sources:
                side = self.side_of(by)
                sides = (A, B) if side is None else (side,)
                for severity in SEVERITIES:
                    cell = self.targets_met(category, severity, by)
                    for classes in self._groups(category, severity, by):
                        for own in sides if category in CONFLICTUAL else (NO_SIDE,):
                            stream = Stream(category, own, cell, classes, self.aimed_at(category, by))
                            held.setdefault(stream, set()).add(severity)
        order = sorted(
            held,
            key=lambda stream: (
                CATEGORIES.index(stream.category),
                stream.side,
                len(stream.cell),
                stream.cell,
                stream.classes,
                stream.aimed,
            ),
        )
        return {stream: tuple(sorted(held[stream])) for stream in order}

    @cached_property
    def kinds(self) -> tuple[Stream, ...]:
        """Streams in the order of all arrays."""
        return tuple(self.held)

    @cached_property
    def streams(self) -> tuple[str, ...]:
        """Names: ``visit``, ``sanction.USA``, ``military_posture.taiwan_drills.CHN``.

        After the category come the narrowest targets that the acts meet, the reactions that they set off,
        those that they may answer by whom they are towards, and the side, by its first actor.
        """
        return tuple(map(self._name, self.kinds))

    def _name(self, stream: Stream) -> str:
        targets = "+".join(self.targets[q].name for q in self.narrowest(stream.cell))
        classes = "+".join(self.reactions[i].name for i in stream.classes)
        aimed = "+".join(f"towards_{self.reactions[i].name}" for i in stream.aimed)
        side = () if stream.side == NO_SIDE else ((self.dyad.a, self.dyad.b)[stream.side][0],)
        return ".".join(filter(None, (stream.category, targets, classes, aimed, *side)))

    @cached_property
    def _rate_keys(self) -> tuple[tuple[Stream | tuple[int, ...], bool], ...]:
        """For each stream what its rate belongs to: itself, or its cell; and whether it is conflict."""
        return tuple((stream.cell or stream, stream.side != NO_SIDE) for stream in self.kinds)

    @cached_property
    def rates(self) -> tuple[str, ...]:
        """Names of the rates: of each stream that meets no target, and of each cell.

        The streams of a cell have shares of one rate, so that what a target never did says as much of it
        into however many sides and categories it is cut.
        """
        names = []
        for key, conflict in dict.fromkeys(self._rate_keys):
            if isinstance(key, Stream):
                names.append(self._name(key))
            else:
                name = "+".join(self.targets[q].name for q in self.narrowest(key))
                name = f"{name}.target" if name in CATEGORIES else name
                names.append(name if conflict else f"{name}.cooperation")
        return tuple(names)

    @cached_property
    def rate_of(self) -> Integers:
        """Position of each stream's rate, shape (k,)."""
        places = {key: at for at, key in enumerate(dict.fromkeys(self._rate_keys))}
        return np.array([places[key] for key in self._rate_keys], dtype=np.int64)

    def of_rate(self, rate: str) -> tuple[Stream, ...]:
        """Streams of the rate of that name."""
        place = self.rates.index(rate)
        return tuple(kind for kind, own in zip(self.kinds, self.rate_of, strict=True) if own == place)

    @cached_property
    def milder(self) -> tuple[frozenset[int], ...]:
        """Streams that hold the same acts one severity lower, for each stream."""
        return tuple(
            frozenset(
                i
                for i, kind in enumerate(self.kinds)
                if kind._replace(cell=own.cell) == own and severities[0] - 1 in self.held[kind]
            )
            for own, severities in self.held.items()
        )

    def narrowest(self, cell: Iterable[int]) -> tuple[int, ...]:
        """Targets among those of a cell that include no other of them."""
        held = tuple(cell)
        return tuple(
            q
            for q in held
            if not any(
                other != q
                and self.targets[q].includes(self.targets[other])
                and not self.targets[other].includes(self.targets[q])
                for other in held
            )
        )

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Categories in the order of the codebook, which is that of their loadings."""
        return tuple(name for name in CATEGORIES if any(stream.category == name for stream in self.kinds))

    @cached_property
    def calming(self) -> tuple[str, ...]:
        """Categories whose recent acts are ballast."""
        return tuple(name for name in self.categories if name in COOPERATIVE)

    @cached_property
    def meets(self) -> NDArray[np.bool_]:
        """Streams whose acts meet each target, shape (q, k)."""
        return self._holding(len(self.targets), [stream.cell for stream in self.kinds])

    @cached_property
    def sets_off(self) -> NDArray[np.bool_]:
        """Streams whose acts set off each reaction, shape (i, k)."""
        return self._holding(len(self.reactions), [stream.classes for stream in self.kinds])

    def _holding(self, n: int, held: Sequence[tuple[int, ...]]) -> NDArray[np.bool_]:
        """Whether what each stream holds has each of n positions, shape (n, k)."""
        return np.array([[i in own for own in held] for i in range(n)], dtype=bool).reshape(n, len(held))

    @cached_property
    def answers(self) -> NDArray[np.bool_]:
        """Streams that may answer each reaction, shape (i, k)."""
        rows = [self.answering(reaction) for reaction in self.reactions]
        return np.array(rows, dtype=bool).reshape(len(rows), len(self.kinds))

    def answering(self, reaction: Reaction) -> NDArray[np.bool_]:
        """Streams that may answer a reaction, shape (k,)."""
        sides = {self.side_of(actor) for actor in reaction.by}
        place = self.reactions.index(reaction) if reaction.towards else None
        names = [target.name for target in self.targets]
        target = names.index(reaction.target) if reaction.target is not None else None
        return np.array(
            [
                stream.side != NO_SIDE
                and (not reaction.by or None in sides or stream.side in sides)
                and (not reaction.then or stream.category in reaction.then)
                and (target is None or target in stream.cell)
                and (place is None or place in stream.aimed)
                for stream in self.kinds
            ],
            dtype=bool,
        )

    def directed(self, category: str, severity: int, by: str = "") -> tuple[TargetRule, ...]:
        """Targets that an act meets or not by what is not said of who acts towards whom."""
        return tuple(
            target
            for target in self.targets
            if target.by
            and target.meets(category, severity, target.by[0])
            and may_be(by, target.by)
            and not is_way(by, target.by)
        )

    def sides(self, events: EventTable) -> Integers:
        """Side that acts in each row, shape (event,)."""
        from_a, from_b = np.isin(events.initiator, self.dyad.a), np.isin(events.initiator, self.dyad.b)
        against_a = np.isin(events.recipient, self.dyad.a)
        return np.where(from_a, A, np.where(from_b, B, np.where(against_a, B, A))).astype(np.int64)

    def assign(self, events: EventTable) -> Integers:
        """Position of each row's stream, shape (event,)."""
        columns = (events.category, events.severity, events.subcategory, self.sides(events))
        acting = map(way, events.initiator.tolist(), events.recipient.tolist())
        rows = [*zip(acting, *(column.tolist() for column in columns), strict=True)]
        places = {
            row: self.place(
                Stream(
                    category,
                    side if category in CONFLICTUAL else NO_SIDE,
                    self.targets_met(category, severity, by),
                    self.classes_of(category, subcategory, severity, by),
                    self.aimed_at(category, by),
                )
            )
            for row in {*rows}
            for by, category, severity, subcategory, side in [row]
        }
        return np.fromiter(map(places.__getitem__, rows), np.int64, len(rows))

    @cached_property
    def _places(self) -> Mapping[Stream, int]:
        return {stream: k for k, stream in enumerate(self.kinds)}

    def place(self, stream: Stream) -> int:
        """Position of a stream; of classes that were not known to overlap, of as many of them as are.

        An act of which nobody says towards whom it is may be towards those who are named.
        """
        if stream in self._places:
            return self._places[stream]
        alike = (
            k
            for k, kind in enumerate(self.kinds)
            if kind[:3] == stream[:3] and set(kind.classes) <= set(stream.classes)
        )
        return max(alike, key=lambda k: (self.kinds[k].aimed == stream.aimed, len(self.kinds[k].classes)))


def stream_layout(
    targets: Sequence[TargetRule],
    dyad: DyadRule,
    reactions: Sequence[Reaction] = (),
    events: EventTable | None = None,
    acts: Iterable[FutureAct] = (),
) -> StreamLayout:
    """Return how acts are told apart; ``events`` and ``acts`` ahead say which classes overlap."""
    alone = StreamLayout(tuple(targets), dyad, tuple(reactions))
    if sum(reaction.when is not None for reaction in reactions) < 2:
        return alone
    kinds = {(act.category, act.subcategory, act.severity, act.by) for act in acts}
    if events is not None:
        acting = map(way, events.initiator.tolist(), events.recipient.tolist())
        columns = (events.category, events.subcategory, events.severity)
        kinds |= set(zip(*(column.tolist() for column in columns), acting, strict=True))
    found = {alone.classes_of(*kind) for kind in kinds}
    joint = tuple(sorted(classes for classes in found if len(classes) > 1))
    return StreamLayout(alone.targets, dyad, alone.reactions, joint)


class RateSource(NamedTuple):
    """What the record says of a rate: ``acts`` of its streams, or of those so many ``steps`` milder.

    ``read`` are the streams counted, ``shares`` those of the rate's streams, in their order.
    """

    acts: int
    steps: int
    read: tuple[int, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Acts:
    """The acts of a dyad on a grid that are known at its origin, by day.

    ``day``, ``stream`` and ``severity``, shape (j,), are days from the start of the grid in order, positions
    of streams, and 1 to 5. ``completeness``, shape (d,), is the share of each day's acts that is in the data,
    below one lately when acts are reported late, 0 of a day of which nothing is known.
    """

    grid: TimeGrid
    layout: StreamLayout
    day: Integers = field(repr=False)
    stream: Integers = field(repr=False)
    severity: Integers = field(repr=False)
    completeness: Floats = field(repr=False)

    def __len__(self) -> int:
        return len(self.day)

    @cached_property
    def by_stream(self) -> Integers:
        """Acts of each stream, shape (k,)."""
        return np.bincount(self.stream, minlength=len(self.layout.kinds)).astype(np.int64)

    @cached_property
    def counts(self) -> Integers:
        """Acts of each stream by week, shape (week, k)."""
        counts = np.zeros((self.grid.n_steps, len(self.layout.kinds)), dtype=np.int64)
        np.add.at(counts, (self.day // STEP_DAYS, self.stream), 1)
        return counts

    @cached_property
    def mix(self) -> Floats:
        """Share of each severity among a stream's acts, shape (k, s).

        Half an act is added, spread evenly over the severities that the stream can hold.
        """
        mix = np.zeros((len(self.layout.kinds), len(SEVERITIES)))
        np.add.at(mix, (self.stream, self.severity - 1), 1.0)
        for k, severities in enumerate(self.layout.held.values()):
            mix[k, [severity - 1 for severity in severities]] += LEAST_ACTS / len(severities)
        return np.asarray(mix / mix.sum(axis=1, keepdims=True))

    @cached_property
    def rate_sources(self) -> tuple[RateSource, ...]:
        """What the record says of each rate."""
        layout, counts = self.layout, self.by_stream
        found = []
        for rate in range(len(layout.rates)):
            streams = np.flatnonzero(layout.rate_of == rate).tolist()
            steps, level = 0, {k: frozenset({k}) for k in streams}
            while (
                layout.kinds[streams[0]].cell and not counts[list(frozenset().union(*level.values()))].sum()
            ):
                milder = {
                    k: frozenset().union(*(layout.milder[i] for i in held)) for k, held in level.items()
                }
                if not any(milder.values()):
                    break
                steps, level = steps + 1, milder
            read = sorted(frozenset().union(*level.values()))
            weight = np.array([counts[list(level[k])].sum() + LEAST_ACTS / len(streams) for k in streams])
            found.append(
                RateSource(int(counts[read].sum()), steps, tuple(read), tuple(weight / weight.sum()))
            )
        return tuple(found)

    @cached_property
    def rate_shares(self) -> Floats:
        """Share of each stream in its rate, shape (k,)."""
        shares = np.empty(len(self.layout.kinds))
        for rate, source in enumerate(self.rate_sources):
            shares[self.layout.rate_of == rate] = source.shares
        return shares

    @cached_property
    def silent_weeks(self) -> Floats:
        """Weeks before the record in which acts of each stream are known not to have come, shape (k,)."""
        before = [target.days_before(self.grid.start) for target in self.layout.targets]
        weeks = [max((before[q] for q in kind.cell), default=0) / STEP_DAYS for kind in self.layout.kinds]
        return np.array(weeks, dtype=np.float64)

    @cached_property
    def gravity(self) -> Floats:
        """Mean severity by which the acts of each stream answer grave ones, shape (k,).

        Of a cell never seen it is that of the milder acts that its rate is read from: that grave acts are
        answered by graver ones was seen of them alone.
        """
        mean = self.mix @ np.array(SEVERITIES, dtype=np.float64)
        found = mean.copy()
        for rate, source in enumerate(self.rate_sources):
            if source.steps:
                acts = self.by_stream[list(source.read)] + LEAST_ACTS
                found[self.layout.rate_of == rate] = acts @ mean[list(source.read)] / acts.sum()
        return found

    @property
    def weekly_completeness(self) -> Floats:
        """Share of each week's acts that is in the data, shape (week,)."""
        week = np.arange(len(self.completeness)) // STEP_DAYS
        return np.asarray(np.bincount(week, self.completeness) / np.bincount(week))

    @property
    def exposure(self) -> Floats:
        """Share of each week that was observed, shape (week,): ones, but for the last."""
        exposure = np.ones(self.grid.n_steps)
        exposure[-1] = self.grid.last_exposure
        return exposure

    @property
    def weeks(self) -> float:
        """Length of the record."""
        return len(self.completeness) / STEP_DAYS

    @property
    def months(self) -> float:
        """Length of the record."""
        return len(self.completeness) / DAYS_A_MONTH

    def occasions(self, reaction: int) -> Integers:
        """Past days of an occasion within the record, in days from its start."""
        days = [(day - self.grid.start).days for day in self.layout.reactions[reaction].past]
        return np.array(sorted(day for day in days if 0 <= day < len(self.completeness)), dtype=np.int64)

    def streams_of(self, act: FutureAct) -> tuple[tuple[int, float], ...]:
        """Streams that an act ahead may belong to, with weights that sum to one.

        An act of conflict by nobody in particular, or by a third party, belongs to either side, in the
        proportion of the record's acts of its category; half an act is added to each.
        """
        layout = self.layout
        cell = layout.targets_met(act.category, act.severity, act.by)
        classes = layout.classes_of(act.category, act.subcategory, act.severity, act.by)
        aimed, side = layout.aimed_at(act.category, act.by), layout.side_of(act.by)
        if act.category not in CONFLICTUAL:
            shares: dict[int, float] = {NO_SIDE: 1.0}
        elif side is not None:
            shares = {side: 1.0}
        else:
            known = dict.fromkeys((A, B), LEAST_ACTS)
            for stream, n in zip(layout.kinds, self.by_stream.tolist(), strict=True):
                if stream.category == act.category:
                    known[stream.side] += n
            shares = {own: acts / sum(known.values()) for own, acts in known.items()}
        return tuple(
            (layout.place(Stream(act.category, own, cell, classes, aimed)), share)
            for own, share in shares.items()
        )


def acts_of(
    events: EventTable, grid: TimeGrid, layout: StreamLayout, completeness: Floats | None = None
) -> Acts:
    """Arrange what is known of a dyad at the origin; events outside the grid are left out.

    A stream that meets a target counts one act a day, the gravest: whether a target happens is the question,
    and one clash coded as several acts of a day says little about the next. ``completeness``, shape (d,), is
    one when absent.
    """
    days = (grid.origin - grid.start).days
    day = (events.date - np.datetime64(grid.start, "D")).astype(np.int64)
    inside = (day >= 0) & (day < days)
    events, day = events.select(inside), day[inside]
    stream, severity = layout.assign(events), events.severity.astype(np.int64)
    cell = np.array([bool(stream.cell) for stream in layout.kinds])
    order = np.argsort(-severity, kind="stable")
    once = cell[stream[order]]
    _, gravest = np.unique(np.column_stack([day, stream])[order][once], axis=0, return_index=True)
    used = np.sort(np.concatenate([order[~once], order[once][gravest]]))
    # In one order whatever that of the rows, so that sums are the same to the last digit.
    used = used[np.lexsort((severity[used], stream[used], day[used]))]
    return Acts(
        grid,
        layout,
        day[used],
        stream[used],
        severity[used],
        np.ones(days) if completeness is None else completeness,
    )


def occasion_chances(reaction: Reaction, origin: date) -> tuple[int, float] | None:
    """Day from the origin and probability of an occasion ahead; ``None`` where there is none."""
    if reaction.ahead is None or reaction.ahead < origin:
        return None
    return (reaction.ahead - origin).days, reaction.ahead_probability
