"""How paths are made and on which random numbers: what simulations of the same draws share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.panel.panel import Panel
from forecast.panel.streams import FutureAct
from forecast.simulation.acts import act_keys, window_of
from forecast.simulation.play import CHANCE, NEVER, WINDOW, act_numbers

Floats = NDArray[np.float64]
RANDOM_STREAMS = 3
"""Raised when the same seed gives other paths than before; kept with the paths of a run."""


@dataclass(frozen=True)
class OtherFutures:
    """Futures that are known, and where those to be simulated differ from them.

    Parameters
    ----------
    since : ndarray of int32, shape (draw, path)
        Day of the first act that happens in one and not in the other; ``NEVER`` where both are the same. What
        is said of a path there, or of a target that it meets earlier, has no meaning.
    target : str, optional
        First days of this target alone are asked for; of all when absent.
    """

    since: NDArray[np.int32]
    target: str | None = None


@dataclass(frozen=True, kw_only=True)
class SimulationOptions:
    """How many paths, how many days after the origin, and from which seed (the same for every scenario).

    With ``first_paths`` only so many of them, and with ``every`` those of every so many draws; these are the
    same, bit for bit, as when all are simulated. With ``other`` no more is played than what they differ in.
    """

    seed: int
    horizon_days: int
    paths_per_draw: int
    first_paths: int | None = None
    every: int = 1
    other: OtherFutures | None = field(default=None, compare=False, repr=False)

    @property
    def n_paths(self) -> int:
        """Paths of each draw that are simulated."""
        return self.first_paths or self.paths_per_draw

    def draws(self, n_draws: int) -> NDArray[np.int64]:
        """Draws that are simulated, of so many."""
        return np.arange(0, n_draws, self.every, dtype=np.int64)


def seed_words(seed: int, dyad: int = 0) -> NDArray[np.int64]:
    """Key of all random numbers of a dyad: two words of 32 bits."""
    root = np.random.SeedSequence([seed, dyad] if dyad else seed)
    return root.generate_state(2, np.uint32).astype(np.int64)


def _numbers(acts: Sequence[FutureAct], n_draws: int, options: SimulationOptions, purpose: int) -> Floats:
    keys = np.array(act_keys(acts), dtype=np.uint64)
    found: Floats = act_numbers(
        options.draws(n_draws), options.n_paths, keys, purpose, seed_words(options.seed)
    )
    return found


def met_on_paths(
    n_draws: int, options: SimulationOptions, acts: Sequence[FutureAct], origin: date
) -> NDArray[np.int32]:
    """First day on which one of these acts ahead happens on each path, shape (draw, path).

    Nothing is simulated; ``NEVER`` where none of them happens.
    """
    met = np.full((len(options.draws(n_draws)), options.n_paths), NEVER, dtype=np.int32)
    if not acts:
        return met
    chance, place = (_numbers(acts, n_draws, options, one) for one in (CHANCE, WINDOW))
    for at, act in enumerate(acts):
        day = _day_of(act, origin, place[at])
        met = np.where(chance[at] < act.probability, np.minimum(met, day), met).astype(np.int32)
    return met


def _day_of(act: FutureAct, origin: date, place: Floats) -> NDArray[np.int64]:
    first, days = window_of(act, origin)
    return first + np.floor(place * days).astype(np.int64)


def acts_on_paths(
    n_draws: int, options: SimulationOptions, calendar: Sequence[FutureAct]
) -> NDArray[np.bool_]:
    """On which paths of a simulation each act ahead happens, without simulating; shape (act, draw, path)."""
    chance = np.array([act.probability for act in calendar])
    return np.asarray(_numbers(calendar, n_draws, options, CHANCE) < chance[:, None, None])


def futures_differ_since(
    panel: Panel,
    n_draws: int,
    options: SimulationOptions,
    before: Sequence[FutureAct],
    after: Sequence[FutureAct],
) -> NDArray[np.int32]:
    """Day from which two lists of future acts do not come to the same, shape (draw, path) of the simulated.

    An act of one list, or of another chance, happens on some paths in one future and not in the other; where
    there is none, both are the same, and the day is ``NEVER``.
    """
    old, new = (dict(zip(act_keys(acts), acts, strict=True)) for acts in (before, after))
    since = np.full((len(options.draws(n_draws)), options.n_paths), NEVER, dtype=np.int32)
    changed = {
        key: act
        for key, act in {**old, **new}.items()
        if (old[key].probability if key in old else 0.0) != (new[key].probability if key in new else 0.0)
    }
    if not changed:
        return since
    keys, words = np.array(list(changed), dtype=np.uint64), seed_words(options.seed)
    draws = options.draws(n_draws)
    chance, place = (act_numbers(draws, options.n_paths, keys, one, words) for one in (CHANCE, WINDOW))
    for at, (key, act) in enumerate(changed.items()):
        low, high = sorted(acts[key].probability if key in acts else 0.0 for acts in (old, new))
        day = _day_of(act, panel.grid.origin, place[at])
        differ = (low <= chance[at]) & (chance[at] < high)
        since = np.where(differ, np.minimum(since, day), since).astype(np.int32)
    return since
