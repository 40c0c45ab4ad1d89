"""Whose act it is: the rows of an event table that belong to a dyad, and the pairs that the others are of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CONFLICTUAL, near_actor
from forecast.events.table import EventTable, Mask
from forecast.wording import count, listing

FEW_SHARE = 0.1
"""Below this share of a file's rows a dyad has few: a reader is told which other pairs the file holds."""
SHOWN_PAIRS = 10


class Direction(IntEnum):
    """Who acts upon whom; ``OUTSIDE`` is no act of the dyad."""

    OUTSIDE = 0
    A_TO_B = 1
    B_TO_A = 2
    THEATRE = 3


class PairRows(NamedTuple):
    """How many rows an initiator and a recipient have."""

    initiator: str
    recipient: str
    rows: int


@dataclass(frozen=True)
class DyadRule:
    """Which acts belong to a dyad: between its sides, and between a side and its theatre, either way.

    An act within a side does not. Raises ``ValueError``: a side is empty, or an actor is named twice.
    """

    a: tuple[str, ...]
    b: tuple[str, ...]
    theatre: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.a or not self.b:
            raise ValueError("a side of a dyad needs an actor")
        if len(set(self.actors)) != len(self.actors):
            raise ValueError(f"an actor is named twice: {', '.join(self.actors)}")

    @property
    def actors(self) -> tuple[str, ...]:
        """All that the rule names."""
        return (*self.a, *self.b, *self.theatre)

    @property
    def sides(self) -> tuple[str, str]:
        """The sides as text, several actors joined by a plus: ``("NAT+USA", "SER")``; sorted all through."""
        low, high = sorted("+".join(sorted(side)) for side in (self.a, self.b))
        return low, high

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Pairs of actors whose acts count, either way, each in order of name."""
        third = product((*self.a, *self.b), self.theatre)
        return frozenset((min(pair), max(pair)) for pair in (*product(self.a, self.b), *third))

    def directions(self, events: EventTable) -> NDArray[np.int8]:
        """Return the ``Direction`` of every row, shape (event,)."""
        groups = (self.a, self.b, self.theatre)
        from_a, from_b, from_third = (np.isin(events.initiator, group) for group in groups)
        to_a, to_b, to_third = (np.isin(events.recipient, group) for group in groups)
        theatre = ((from_a | from_b) & to_third) | (from_third & (to_a | to_b))
        directions = [from_a & to_b, from_b & to_a, theatre]
        return np.select(directions, [Direction.A_TO_B, Direction.B_TO_A, Direction.THEATRE], 0).astype(
            np.int8
        )

    def acting_for(
        self, actors: Sequence[str], events: EventTable | None = None, kinds: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Who acts for the sides of these actors: all of each, and who of the theatre did so on record.

        ``kinds`` are the categories of the acts; any of conflict when empty.
        """
        ours = [actor for side in (self.a, self.b) if {*side} & {*actors} for actor in side]
        third: list[str] = []
        if events is not None:
            # As in the model, an act of the theatre counts for the side opposite the one that it is aimed at.
            other = [actor for actor in (*self.a, *self.b) if actor not in ours]
            chosen = np.isin(events.recipient, other) & np.isin(events.category, kinds or CONFLICTUAL)
            third = [actor for actor in self.theatre if actor in events.initiator[chosen]]
        return (*ours, *(third if len(third) < 2 else ("a third party",)))

    def mask(self, events: EventTable) -> Mask:
        """Return which rows are acts of the dyad, shape (event,)."""
        chosen: Mask = self.directions(events) != Direction.OUTSIDE
        return chosen

    def left_out(self, events: EventTable) -> tuple[PairRows, ...]:
        """Return the pairs of all other rows, the most frequent first."""
        return pair_rows(events.select(~self.mask(events)))

    def in_words(self) -> str:
        """Return which acts count, e.g. ``acts between USA and CHN``."""
        sides = f"acts between {_either(self.a)} and {_either(self.b)}"
        return f"{sides}, and between either side and {_either(self.theatre)}" if self.theatre else sides

    def to_dict(self) -> dict[str, list[str]]:
        """Return the rule as plain values."""
        return {"a": [*self.a], "b": [*self.b], "theatre": [*self.theatre]}


def _either(actors: Sequence[str]) -> str:
    *first, last = actors
    return f"{', '.join(first)} or {last}" if first else last


def pair_rows(events: EventTable) -> tuple[PairRows, ...]:
    """Return how many rows each initiator and recipient have; most rows first, equals by name."""
    counts = Counter(zip(events.initiator.tolist(), events.recipient.tolist(), strict=True))
    return tuple(PairRows(*pair, rows) for pair, rows in _most_first(counts).items())


def actors_of(events: EventTable) -> frozenset[str]:
    """Return all initiators and recipients."""
    return frozenset(events.initiator.tolist()) | frozenset(events.recipient.tolist())


def main_pairs(events: EventTable) -> dict[tuple[str, str], int]:
    """Return the rows of each pair of different actors, whoever acts; most rows first, equals by name."""
    return either_way(pair_rows(events))


def either_way(counted: Iterable[PairRows]) -> dict[tuple[str, str], int]:
    """Return the rows of each pair as ``main_pairs`` does, of those that were counted."""
    counts: Counter[tuple[str, str]] = Counter()
    for initiator, recipient, rows in counted:
        if initiator != recipient:
            counts[min(initiator, recipient), max(initiator, recipient)] += rows
    return _most_first(counts)


def _most_first(counts: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def pairs_in_words(pairs: Mapping[tuple[str, str], int], shown: int = SHOWN_PAIRS) -> str:
    """Return pairs, e.g. ``IND–PAK (812 rows), CHN–IND (40) and other pairs (17)``."""
    named = [(f"{a}–{b}", rows) for (a, b), rows in pairs.items()]
    return rows_in_words(named[:shown], sum(pairs.values())) or "no acts between two actors"


def rows_in_words(named: Sequence[tuple[str, int]], total: int) -> str:
    """Return how many rows each has, and how many of the total are left."""
    rest = total - sum(rows for _, rows in named)
    counted = [*named, *([("other pairs", rest)] if rest else [])]
    first = [f"{name} ({count(rows, 'row')})" for name, rows in counted[:1]]
    return listing((*first, *(f"{name} ({rows:,})" for name, rows in counted[1:])))


def near_actors(actors: Iterable[str], known: Iterable[str]) -> str:
    """Return ``" Did you mean 'USA' for 'usa'?"`` for actors that are not known but nearly named so."""
    names = sorted(known)
    near = {actor: near_actor(actor, names) for actor in actors if actor not in names}
    hints = tuple(f"{found} for '{actor}'" for actor, found in near.items() if found)
    return f" Did you mean {listing(hints)}?" if hints else ""
