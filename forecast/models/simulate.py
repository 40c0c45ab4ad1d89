"""A plain simulator of clusters: for predictive checks, and the oracle of exact chances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.models import density
from forecast.models.density import (
    ANSWER_LIFE,
    ANSWERS,
    FOLLOW_LIFE,
    FOLLOW_ON,
    IN_KIND,
    OTHER,
    REACTION,
    REACTION_LIFE,
    REACTION_SEVERITY,
    REFERENCE,
    SAME,
    SEVERITIES,
)
from forecast.models.survival import Chances, left_of_past, window_of
from forecast.panel import STEP_DAYS, FutureAct
from forecast.streams import occasion_chances

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Act = tuple[int, int, int]
"""Day from the origin, stream, severity."""
MOST_ACTS = 100_000
"""Acts of a future at which a chain that does not end is cut."""


class Simulator:
    """Plays the days after the origin under one of the draws of ``chances``; all acts, one by one."""

    def __init__(self, chances: Chances, draw: int) -> None:
        self._chances, self._draw = chances, draw
        self._own = chances.draws.values[draw]
        self._record, self._layout, o = chances.record, chances.data.layout, chances.arrays.offset
        own, record = self._own, self._record
        rate = density.stream_rates(own, chances.arrays, record)
        in_side, in_kind, factor, grave = density.answer_weights(own, rate, chances.arrays, record)
        self._rate = rate / STEP_DAYS
        conflict = record.side >= 0
        n = len(record.side)
        self._mass = np.zeros((n, SEVERITIES, n))
        for k in np.flatnonzero(conflict):
            e = np.where(record.side == record.side[k], SAME, OTHER)
            share = own[o[IN_KIND] + e]
            close = np.where(record.category == record.category[k], in_kind, 0.0)
            part = own[o[ANSWERS] + e] * ((1 - share) * in_side + share * close)
            self._mass[k] = np.where(conflict, part * factor, 0.0)
        self._follow = own[o[FOLLOW_ON]]
        then = record.then * rate
        then = then / (then * grave[REFERENCE]).sum(axis=1, keepdims=True) if len(then) else then
        grades = np.arange(SEVERITIES) - REFERENCE
        self._reaction = np.array(
            [
                own[o[REACTION] + i]
                * np.exp(own[o[REACTION_SEVERITY] + i] * grades)[:, None]
                * then[i]
                * grave
                for i in range(len(then))
            ]
        )
        self._lives = own[o[ANSWER_LIFE]], own[o[FOLLOW_LIFE]]
        self._reaction_lives = own[o[REACTION_LIFE] : o[REACTION_LIFE] + len(then)]
        self._left = left_of_past(own, chances.arrays, record, self._layout.sets_off)

    def play(
        self, rng: np.random.Generator, acts: Sequence[FutureAct] = ()
    ) -> tuple[Integers, Integers, Integers]:
        """Play one future to the horizon.

        Returns
        -------
        tuple of ndarray, shape (act,)
            Day, from 0 on, stream and severity of every act, in no order.
        """
        chances, record = self._chances, self._record
        moved = chances._calmed([act for act in acts if act.category in self._layout.calming])[self._draw]
        future = int(rng.integers(chances.futures))
        found: list[Act] = []
        for w, (first, last) in enumerate(zip(chances._starts[:-1], chances._starts[1:], strict=True)):
            mean = self._rate * moved[w, record.category, future]
            for k, number in enumerate(rng.poisson(mean * (last - first))):
                days = rng.integers(first, last, number) if number else ()
                found += [(int(day), k, self._severity(k, rng)) for day in days]
        left, left_reaction = self._left
        for k, s in zip(*np.nonzero(left), strict=True):
            found += self._answers(-1, left[k, s], int(k), int(s) + 1, rng, reactions=())
        for i, s in zip(*np.nonzero(left_reaction), strict=True):
            found += self._born(-1, left_reaction[i, s] * self._reaction[i, s], self._reaction_lives[i], rng)
        for act in acts:
            if rng.random() < act.probability:
                day, length = window_of(act, chances.data.grid.origin)
                streams, shares = zip(*chances.data.streams_of(act), strict=True)
                found.append(
                    (day + int(rng.integers(length)), int(rng.choice(streams, p=shares)), act.severity)
                )
        for i, reaction in enumerate(self._layout.reactions):
            occasion = occasion_chances(reaction, chances.data.grid.origin)
            if occasion is not None and rng.random() < occasion[1]:
                mass = self._reaction[i, REFERENCE]
                found += self._born(occasion[0], mass, self._reaction_lives[i], rng)
        waiting = list(found)
        while waiting and len(found) < MOST_ACTS:
            day, k, severity = waiting.pop()
            born = self._answers(day, 1.0, k, severity, rng, self._layout.kinds[k].classes)
            found += born
            waiting += born
        table = np.array(found, dtype=np.int64).reshape(-1, 3)
        table = table[(table[:, 0] >= 0) & (table[:, 0] < chances.n_days)]
        return table[:, 0], table[:, 1], table[:, 2]

    def _severity(self, stream: int, rng: np.random.Generator) -> int:
        return 1 + int(rng.choice(SEVERITIES, p=self._record.mix[stream]))

    def _answers(
        self,
        day: int,
        weight: float,
        stream: int,
        severity: int,
        rng: np.random.Generator,
        reactions: Sequence[int],
    ) -> list[Act]:
        conflict = self._record.side[stream] >= 0
        mass = self._mass[stream, severity - 1].copy()
        if not conflict:
            mass[stream] = self._follow
        born = self._born(day, weight * mass, self._lives[0 if conflict else 1], rng)
        for i in reactions:
            born += self._born(day, weight * self._reaction[i, severity - 1], self._reaction_lives[i], rng)
        return born

    def _born(self, day: int, mass: Floats, half_life: float, rng: np.random.Generator) -> list[Act]:
        decay = 2.0 ** (-1.0 / half_life)
        born = []
        for k in np.flatnonzero(mass > 0):
            for lag in rng.geometric(1 - decay, rng.poisson(mass[k])):
                if day + lag < self._chances.n_days:
                    born.append((day + int(lag), int(k), self._severity(int(k), rng)))
        return born
