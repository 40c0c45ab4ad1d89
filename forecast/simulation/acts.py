"""Acts ahead: keys of their chance, what acts of new types do, and all of them as the simulator reads them.

Chance belongs to the act ahead, not to its place in a list: its random numbers are keyed by what it is (days,
category, severity, label, actor). An act that two scenarios share happens on the same paths in both, and a
higher probability only adds paths to those on which it happened before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CONFLICTUAL
from forecast.panel.streams import FutureAct, StreamLayout, TargetRule
from forecast.simulation.play import Ahead

Floats = NDArray[np.float64]


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


def act_keys(acts: Sequence[FutureAct]) -> list[int]:
    """Keys of the random numbers of each act; acts alike in everything are told apart by their order."""
    keys, seen = [], Counter[tuple[object, ...]]()
    for act in acts:
        identity = (act.date, act.until, act.category, act.severity, act.label, *filter(None, [act.by]))
        text = "\n".join(map(str, (*identity, seen[identity])))
        seen[identity] += 1
        keys.append(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))
    return keys


def window_of(act: FutureAct, origin: date) -> tuple[int, int]:
    """First day of an act, from the origin, and the number of days among which it falls."""
    return (act.date - origin).days, ((act.until or act.date) - act.date).days + 1


class CountsAs(Protocol):
    """A type of act that the codebook does not know, and the category whose targets it meets."""

    @property
    def counts_as(self) -> str | None:
        """``None``: it meets no target."""


def meets(act: FutureAct, rule: TargetRule, types: Mapping[str, CountsAs]) -> bool:
    """Whether an act meets a target by itself."""
    category = types[act.category].counts_as if act.category in types else act.category
    return category is not None and rule.meets(category, act.severity, act.by)


def chance_before(act: FutureAct, origin: date, days: Floats) -> Floats:
    """Chance that an act ahead has happened before each day, in days from the origin."""
    first, length = window_of(act, origin)
    return np.asarray(act.probability * np.clip(days - first, 0, length) / length)


def quiet_chance(
    acts: Sequence[FutureAct], rule: TargetRule, origin: date, days: Floats, types: Mapping[str, CountsAs]
) -> Floats:
    """Chance that no act ahead has met a target by itself before each day, in days from the origin."""
    quiet = np.ones(np.shape(days))
    for act in acts:
        if meets(act, rule, types):
            quiet = quiet * (1 - chance_before(act, origin, days))
    return quiet


def acts_ahead(
    acts: Sequence[FutureAct], origin: date, layout: StreamLayout, new_types: Mapping[str, NewTypeEffect]
) -> Ahead:
    """Arrange acts ahead and new types for ``play``."""
    names = list(new_types)
    windows = np.array([window_of(act, origin) for act in acts], dtype=np.int64).reshape(-1, 2)
    known = [act.category not in new_types for act in acts]
    met = [[meets(act, target, new_types) for target in layout.targets] for act in acts]
    streams = [
        layout.stream_of(act.category, act.severity, act.by) if old else -1
        for act, old in zip(acts, known, strict=True)
    ]
    kinds = [-1 if old else names.index(act.category) for act, old in zip(acts, known, strict=True)]
    effects = new_types.values()
    draws = len(next(iter(effects)).calms) if names else 0
    return Ahead(
        np.array(act_keys(acts), dtype=np.uint64),
        np.array([act.probability for act in acts], dtype=np.float64),
        windows[:, 0].copy(),
        windows[:, 1].copy(),
        np.array(streams, dtype=np.int64),
        np.array(kinds, dtype=np.int64),
        np.array([act.severity - 1 if act.category in CONFLICTUAL else -1 for act in acts], dtype=np.int64),
        np.array(met, dtype=bool).reshape(len(acts), len(layout.targets)),
        np.array([one.excites for one in effects]).reshape(len(names), draws, len(layout.streams)),
        np.array([one.calms for one in effects]).reshape(len(names), draws),
        np.array([one.decay for one in effects]).reshape(len(names), draws),
    )
