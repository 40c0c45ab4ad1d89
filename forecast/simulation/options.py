"""How paths are made and on which random numbers: what simulations of the same draws share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.panel.panel import Panel
from forecast.panel.streams import FutureAct
from forecast.simulation.acts import act_keys, day_of
from forecast.simulation.first_passages import NEVER
from forecast.simulation.random_numbers import RandomStreams

CHUNK_CELLS = 65_536  # cells of one step that fit the cache; part of the random streams, so fixed
# Purposes of random numbers; marks take one a level, from 6 to 9.
COUNT, TENSION, DAY, CALENDAR, MARK, WINDOW, DRIFT = 0, 1, 2, 3, 4, 10, 11
PURPOSES: Mapping[str, int] = {
    "count": COUNT,
    "tension": TENSION,
    "day": DAY,
    "calendar": CALENDAR,
    "mark": MARK,
    "window": WINDOW,
    "drift": DRIFT,
}
"""The same by name, for those that make the numbers of the paths again."""
RANDOM_STREAMS = 2
"""Raised when the same seed gives other paths than before; kept with the paths of a run."""


@dataclass(frozen=True)
class Remembered:
    """What simulations of a run have in common, for a process that makes one after the other.

    Models of the run are told apart by their layouts. ``play`` is ``played_again.play_again``: it finds the
    same paths. What is kept does not grow with the acts that are tried.
    """

    play: Callable[..., NDArray[np.int32]]
    _known: dict[tuple[object, ...], Any] = field(default_factory=dict, repr=False)
    _making: dict[tuple[object, ...], Lock] = field(default_factory=dict, repr=False)

    def get[T](self, place: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return what is known at a place, made once where nothing is; it must not be written to."""
        # Answers that come at once wait for the first, and do not each make what takes a hundred megabytes.
        with self._making.setdefault(place, Lock()):
            if place not in self._known:
                self._known[place] = make()
            known: T = self._known[place]
        return known


@dataclass(frozen=True)
class OtherFutures:
    """Futures that are known, and where those to be simulated differ from them.

    Parameters
    ----------
    calendar : tuple of FutureAct
        Acts ahead of the known futures.
    since : ndarray of int32, shape (draw, path)
        Day of the first act that happens in one and not in the other; ``NEVER`` where both are the same. What
        is said of a path there, or of a target that it meets earlier, has no meaning.
    target : str, optional
        First days of this target alone are asked for; of all when absent.
    """

    calendar: tuple[FutureAct, ...]
    since: NDArray[np.int32]
    target: str | None = None


@dataclass(frozen=True, kw_only=True)
class SimulationOptions:
    """How many paths, how many days after the origin, and from which seed (the same for every scenario).

    With ``first_paths`` only so many of them, and with ``every`` those of every so many draws; these are the
    same, bit for bit, as when all are simulated. With ``other`` no more is played than what they differ in.
    ``remembered`` keeps what the next simulation of the same panel and draws needs again.
    """

    seed: int
    horizon_days: int
    paths_per_draw: int
    first_paths: int | None = None
    every: int = 1
    other: OtherFutures | None = field(default=None, compare=False, repr=False)
    remembered: Remembered | None = field(default=None, compare=False, repr=False)


def empty_memory() -> Remembered:
    """Return a memory for simulations of one run, whatever acts are ahead."""
    # Loading the compiler takes longer than a single simulation.
    from forecast.simulation.played_again import play_again

    return Remembered(play_again)


def acts_on_paths(
    panel: Panel, n_draws: int, options: SimulationOptions, calendar: Sequence[FutureAct]
) -> NDArray[np.bool_]:
    """On which paths of a simulation each act ahead happens, without simulating; shape (act, draw, path)."""
    width = draws_a_key(len(panel.layout.streams), options)
    streams = RandomStreams(keys_of_draws(n_draws, width, options.seed, 0), width, n_draws)
    shape = (options.first_paths or options.paths_per_draw,)
    chances = [streams.uniform(key, CALENDAR, shape) for key in act_keys(calendar)]
    return np.stack([chance < act.probability for chance, act in zip(chances, calendar, strict=True)])


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
    width = draws_a_key(len(panel.layout.streams), options)
    keys = keys_of_draws(n_draws, width, options.seed, 0)
    streams = RandomStreams(keys, width, n_draws, every=options.every)
    shape = (options.first_paths or options.paths_per_draw,)
    old, new = (dict(zip(act_keys(acts), acts, strict=True)) for acts in (before, after))
    since = np.full((-(-n_draws // options.every), *shape), NEVER, dtype=np.int32)
    for key, act in {**old, **new}.items():
        low, high = sorted(acts[key].probability if key in acts else 0.0 for acts in (old, new))
        if low < high:
            chance = streams.uniform(key, CALENDAR, shape)
            differ = (low <= chance) & (chance < high)
            day = day_of(act, panel.grid.origin, key, lambda one: streams.uniform(one, WINDOW, shape))
            since = np.where(differ, np.minimum(since, day), since)
    return since


def path_keys(
    n_draws: int, n_streams: int, options: SimulationOptions
) -> tuple[int, list[NDArray[np.uint64]]]:
    """How many neighbouring draws share a key of the random numbers of the first dyad, and the keys."""
    width = draws_a_key(n_streams, options)
    return width, keys_of_draws(n_draws, width, options.seed, 0)


def draws_a_key(n_streams: int, options: SimulationOptions) -> int:
    """How many neighbouring draws share a key of random numbers."""
    return max(1, CHUNK_CELLS // (options.paths_per_draw * n_streams))


def keys_of_draws(n_draws: int, width: int, seed: int, dyad: int) -> list[NDArray[np.uint64]]:
    """Keys of random numbers of a dyad, one for every ``width`` draws."""
    root = np.random.SeedSequence([seed, dyad] if dyad else seed)
    children = root.spawn(-(-n_draws // width))
    return [np.asarray(child.generate_state(2, np.uint64), dtype=np.uint64) for child in children]
