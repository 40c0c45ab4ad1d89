"""Acts past and ahead: what the past leaves behind, and on which paths and days each act ahead happens.

Chance belongs to the act ahead, not to its place in a list: its random numbers are keyed by what it is (days,
category, severity, label). An act that two scenarios share happens on the same paths in both, and a
higher probability only adds paths to those on which it happened before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.models.draws import Floats, StreamDraws
from forecast.panel.panel import SEVERE, SEVERE_HALF_LIFE_DAYS, Panel, decay_per_step
from forecast.panel.streams import FutureAct, StreamLayout

Uniforms = Callable[[int], Floats]
"""Uniform numbers of every path for a key, shape (draw, path)."""


@dataclass(frozen=True)
class NewTypeEffect:
    """What one act of a type that was never seen does, by draw.

    Parameters
    ----------
    excites : ndarray, shape (draw, stream)
        Further acts of each stream that one act brings about.
    calms : ndarray, shape (draw,)
        How much one act lowers the log rate of conflictual acts, before it fades (negative: raises it).
    decay : ndarray, shape (draw,)
        Share of both that is left after one step.
    counts_as : str or None
        Category whose targets it meets, at its severity; ``None``: it meets none.
    """

    excites: Floats
    calms: Floats
    decay: Floats
    counts_as: str | None = None

    def rows(self, index: slice | NDArray[np.int64]) -> NewTypeEffect:
        """Return the draws at these positions."""
        return NewTypeEffect(self.excites[index], self.calms[index], self.decay[index], self.counts_as)


class HappeningAct(NamedTuple):
    """An act in a step: where it happens, shape (draw, path), and on which day there (from the origin)."""

    act: FutureAct
    happens: NDArray[np.bool_]
    day: NDArray[np.int64]


def act_keys(acts: Sequence[FutureAct]) -> list[int]:
    """Keys of the random numbers of each act; acts alike in everything are told apart by their order."""
    keys, seen = [], Counter[tuple[object, ...]]()
    for act in acts:
        identity = (act.date, act.until, act.category, act.severity, act.label)
        text = "\n".join(map(str, (*identity, seen[identity])))
        seen[identity] += 1
        keys.append(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))
    return keys


def day_of(act: FutureAct, origin: date, key: int, place: Uniforms) -> NDArray[np.int64]:
    """Day, from the origin, on which an act happens if it does; ``place`` says where within its window."""
    first = np.asarray((act.date - origin).days, dtype=np.int64)
    if act.until is None:
        return first
    days = (act.until - act.date).days + 1
    return np.asarray(first + np.floor(place(key) * days).astype(np.int64))


class ActsAhead:
    """The acts of some paths, drawn once; the origin is day 0.

    ``chance`` and ``place`` give uniform numbers by key: whether an act happens, and when within its window.
    """

    def __init__(self, acts: Sequence[FutureAct], origin: date, chance: Uniforms, place: Uniforms) -> None:
        self._acts = []
        for act, key in zip(acts, act_keys(acts), strict=True):
            happens = chance(key) < act.probability
            day = np.broadcast_to(day_of(act, origin, key, place), happens.shape)
            first, last = (act.date - origin).days, ((act.until or act.date) - origin).days
            self._acts.append((first, last, HappeningAct(act, happens, day)))

    @property
    def all(self) -> list[HappeningAct]:
        """The acts, whenever they happen, in their order."""
        return [one for _, _, one in self._acts]

    def between(self, begins: int, ends: int) -> Iterator[HappeningAct]:
        """Yield the acts that can happen from day ``begins`` to before day ``ends``."""
        for first, last, one in self._acts:
            if first < ends and last >= begins:
                yield one._replace(happens=one.happens & (begins <= one.day) & (one.day < ends))


class NewTypeState:
    """What acts of new types have left behind so far; arrays have shape (draw, path)."""

    def __init__(self, effects: Mapping[str, NewTypeEffect], paths: tuple[int, int]) -> None:
        self.effects = effects
        self._recent = {name: np.zeros(paths) for name in effects}

    def excitation(self, name: str) -> Floats:
        """Acts of each stream brought about in the step, shape (draw, path, stream)."""
        effect = self.effects[name]
        # The kernel sums to one over the steps after an act: one act brings about ``excites`` acts in all.
        weight = (1 - effect.decay)[:, None] * self._recent[name]
        return np.asarray(effect.excites[:, None] * weight[..., None])

    def log_calm(self, name: str) -> Floats:
        """Change of the log rate of conflictual acts in the step, shape (draw, path)."""
        return np.asarray(-self.effects[name].calms[:, None] * self._recent[name])

    def __iter__(self) -> Iterator[str]:
        return (name for name, recent in self._recent.items() if recent.any())

    def advance(self, happened: Mapping[str, Floats]) -> None:
        """Move one step on, after so many acts of each type, shape (draw, path)."""
        for name, effect in self.effects.items():
            # An act has its full effect in the step after it and fades from there on.
            self._recent[name] = effect.decay[:, None] * self._recent[name] + happened.get(name, 0.0)


@dataclass
class ExcitationState:
    """Decayed past before a step; leading axes are those of the draws (and paths), k streams.

    Parameters
    ----------
    own, calming : ndarray, shape (..., k)
        Normalised decayed counts of each stream; decayed counts (not normalised) for ballast.
    cross : ndarray, shape (...)
        Normalised decayed count of all conflictual acts.
    severe : ndarray, shape (...)
        Decayed count of severe acts.
    """

    own: Floats
    cross: Floats
    calming: Floats
    severe: Floats

    def advance(
        self, counts: Floats, severe: Floats, layout: StreamLayout, decays: tuple[Floats, Floats, Floats]
    ) -> None:
        """Move one step on, after ``counts`` (..., k) acts of which ``severe`` (...) were severe."""
        own_decay, cross_decay, calming_decay = decays
        self.own *= own_decay[..., None]
        self.own += (1 - own_decay[..., None]) * counts
        self.cross *= cross_decay
        conflict = sum(counts[..., stream] for stream in layout.conflict_index)
        self.cross += (1 - cross_decay) * conflict
        if any(layout.calming):
            self.calming += counts
            self.calming *= calming_decay[..., None]
        if layout.marked:
            self.severe += severe
            self.severe *= float(decay_per_step(SEVERE_HALF_LIFE_DAYS))


def decays_of(draws: StreamDraws) -> tuple[Floats, Floats, Floats]:
    """Factors left after a step: own, cross, ballast; each of shape (d,)."""
    return draws.own_decay, draws.cross_decay, draws.ballast_decay


def state_before_last_step(panel: Panel, dyad: int, draws: StreamDraws) -> ExcitationState:
    """Run the past of a dyad through the recursions up to the start of the last step of the grid.

    That step may be cut short by the origin, and the simulation completes it before moving on. ``draws`` are
    those of the dyad alone (``StreamDraws.of_dyad``).
    """
    layout, past = panel.layout, slice(0, panel.grid.n_steps - 1)
    felt = panel.felt_counts[dyad, past]
    own_decay, cross_decay, calming_decay = decays_of(draws)
    # The recursions of ``ExcitationState.advance``, to the last bit; own and cross excitation in one array.
    conflict = sum((felt[:, stream] for stream in layout.conflict_index), np.zeros(len(felt)))
    counts = np.column_stack([felt, conflict])
    decay = np.column_stack([*[own_decay] * felt.shape[1], cross_decay])
    entering = 1 - decay
    excitation = np.zeros(decay.shape)
    calming, calming_decay = np.zeros((len(draws), felt.shape[1])), calming_decay[:, None]
    for step in range(len(felt)):
        excitation *= decay
        excitation += entering * counts[step]
        if any(layout.calming):
            calming += felt[step]
            calming *= calming_decay
    severe = 0.0
    if layout.marked:
        for acts in panel.reach[dyad, past, :, SEVERE - 1].sum(axis=1, dtype=np.float64):
            severe = (severe + float(acts)) * float(decay_per_step(SEVERE_HALF_LIFE_DAYS))
    own, cross = excitation[:, :-1].copy(), excitation[:, -1].copy()
    return ExcitationState(own, cross, calming, np.full(len(draws), severe))
