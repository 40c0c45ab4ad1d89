"""Clusters played ahead, act by act: the oracle of exact chances, for tests and studies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.grid import STEP_DAYS
from forecast.models import density
from forecast.models.density import ANSWER_LIFE, FOLLOW_LIFE, REACTION_LIFE, REFERENCE
from forecast.models.intensity import masses
from forecast.models.survival import Chances, left_of_past, window_of
from forecast.streams import occasion_chances
from forecast.targets import FutureAct

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
        answers, follow, self._reaction = masses(own, rate, chances.arrays, record)
        self._rate, self._mass = rate / STEP_DAYS, answers + follow[:, None, :]
        # All but the last, so that no rounding leads beyond the last severity.
        self._below = np.cumsum(record.mix, axis=1)[:, :-1]
        conflict = record.side >= 0
        self._lives = np.where(conflict, own[o[ANSWER_LIFE]], own[o[FOLLOW_LIFE]])
        self._reaction_lives = own[o[REACTION_LIFE] + np.arange(len(self._reaction))]
        self._kept: dict[tuple[FutureAct, ...], Floats] = {}
        left, left_reaction = left_of_past(own, chances.arrays, record, self._layout.sets_off)
        # What past acts still bring about, all together, and its half-life.
        self._past = [
            (np.einsum("ks,ksn->n", left[conflict], self._mass[conflict]), own[o[ANSWER_LIFE]]),
            (np.einsum("ks,ksn->n", left[~conflict], self._mass[~conflict]), own[o[FOLLOW_LIFE]]),
            *zip(np.einsum("is,isn->in", left_reaction, self._reaction), self._reaction_lives, strict=True),
        ]

    def play(
        self, rng: np.random.Generator, acts: Sequence[FutureAct] = (), *, occasions: bool = True
    ) -> tuple[Integers, Integers, Integers]:
        """Play one future to the horizon, with these acts ahead, and occasions of reactions where asked.

        Returns
        -------
        tuple of ndarray, shape (act,)
            Day, from 0 on, stream and severity of every act, in no order.
        """
        chances, record = self._chances, self._record
        moved = self._moved([act for act in acts if act.category in self._layout.calming])
        future = int(rng.integers(chances.futures))
        starts, lasting = chances._starts, np.diff(chances._starts)[:, None]
        numbers = rng.poisson(self._rate * moved[:, record.category, future] * lasting)
        found: list[Act] = []
        for w, k in zip(*np.nonzero(numbers), strict=True):
            for day in rng.integers(starts[w], starts[w + 1], numbers[w, k]):
                found.append((int(day), int(k), self.severity(int(k), rng)))
        for mass, half_life in self._past:
            found += self._born(-1, mass, half_life, rng)
        for act in acts:
            if rng.random() < act.probability:
                day, length = window_of(act, chances.data.grid.origin)
                streams, shares = zip(*chances.data.streams_of(act), strict=True)
                found.append(
                    (day + int(rng.integers(length)), int(rng.choice(streams, p=shares)), act.severity)
                )
        for i, reaction in enumerate(self._layout.reactions if occasions else ()):
            occasion = occasion_chances(reaction, chances.data.grid.origin)
            if occasion is not None and rng.random() < occasion[1]:
                mass = self._reaction[i, REFERENCE]
                found += self._born(occasion[0], mass, self._reaction_lives[i], rng)
        waiting = list(found)
        while waiting and len(found) < MOST_ACTS:
            day, k, severity = waiting.pop()
            born = self.answers(day, k, severity, rng)
            found += born
            waiting += born
        table = np.array(found, dtype=np.int64).reshape(-1, 3)
        table = table[(table[:, 0] >= 0) & (table[:, 0] < chances.n_days)]
        return table[:, 0], table[:, 1], table[:, 2]

    def _moved(self, acts: Sequence[FutureAct]) -> Floats:
        """What moves each category in the weeks ahead, under these acts of cooperation, (week, c, f)."""
        if tuple(acts) not in self._kept:
            self._kept[tuple(acts)] = self._chances._calmed(acts)[self._draw]
        return self._kept[tuple(acts)]

    def severity(self, stream: int, rng: np.random.Generator) -> int:
        """Severity of an act of a stream."""
        return 1 + int(np.searchsorted(self._below[stream], rng.random(), side="right"))

    def answers(self, day: int, stream: int, severity: int, rng: np.random.Generator) -> list[Act]:
        """Acts before the horizon that answer an act, not what these bring about."""
        born = self._born(day, self._mass[stream, severity - 1], self._lives[stream], rng)
        for i in self._layout.kinds[stream].classes:
            born += self._born(day, self._reaction[i, severity - 1], self._reaction_lives[i], rng)
        return born

    def _born(self, day: int, mass: Floats, half_life: float, rng: np.random.Generator) -> list[Act]:
        decay = 2.0 ** (-1.0 / half_life)
        numbers, born = rng.poisson(mass), []
        for k in np.flatnonzero(numbers):
            for lag in rng.geometric(1 - decay, numbers[k]):
                if day + lag < self._chances.n_days:
                    born.append((day + int(lag), int(k), self.severity(int(k), rng)))
        return born
