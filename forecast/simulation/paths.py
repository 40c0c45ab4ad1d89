"""Acts ahead and forward paths from every draw, and the day on which each target first happens.

All targets read the same paths, so that nested targets stay ordered and one array answers every question
about dates. Paths are played by ``forecast.simulation.play``, some on each core.

Chance belongs to the act ahead, not to its place in a list: its random numbers are keyed by what it is (days,
category, severity, label, actor). An act that two scenarios share happens on the same paths in both, and a
higher probability only adds paths to those on which it happened before.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import CONFLICTUAL
from forecast.models.density import Record
from forecast.models.draws import StreamDraws, record_of
from forecast.panel import KNOT_STEPS, STEP_DAYS, EventCounts, FutureAct, StreamLayout, TargetRule
from forecast.simulation.play import CHANCE, NEVER, WINDOW, Ahead, Parameters, act_numbers, play
from forecast.simulation.probabilities import FirstPassages

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NewTypeEffect:
    """What one act of a type that was never seen does, by draw.

    ``excites`` (draw, stream) are further acts of each stream that it brings about; ``calms`` (draw,) is
    how much it lowers the log rate of conflictual acts, before it fades (negative: raises it); ``decay``
    (draw,) is the share of both that is left after one step. It meets the targets of the category
    ``counts_as`` at its severity; ``None``: none.
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
        np.array([effect.excites for effect in effects]).reshape(len(names), draws, len(layout.streams)),
        np.array([effect.calms for effect in effects]).reshape(len(names), draws),
        np.array([effect.decay for effect in effects]).reshape(len(names), draws),
    )


RANDOM_STREAMS = 3
"""Raised when the same seed gives other paths than before; kept with the paths of a run."""


@dataclass(frozen=True)
class OtherFutures:
    """Futures that are known, and where those to be simulated differ from them.

    ``since`` (draw, path) is the day of the first act that happens in one and not in the other; ``NEVER``
    where both are the same. What is said of a path there, or of a target that it meets earlier, has no
    meaning. First days of ``target`` alone are asked for; of all when absent.
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


def seed_words(seed: int) -> NDArray[np.int64]:
    """Key of all random numbers: two words of 32 bits."""
    return np.random.SeedSequence(seed).generate_state(2, np.uint32).astype(np.int64)


def _numbers(acts: Sequence[FutureAct], n_draws: int, options: SimulationOptions, purpose: int) -> Floats:
    keys = np.array(act_keys(acts), dtype=np.uint64)
    numbers: Floats = act_numbers(
        options.draws(n_draws), options.n_paths, keys, purpose, seed_words(options.seed)
    )
    return numbers


def met_on_paths(
    n_draws: int, options: SimulationOptions, acts: Sequence[FutureAct], origin: date
) -> NDArray[np.int32]:
    """First day on which one of these acts ahead happens on each path, shape (draw, path).

    Nothing is simulated; ``NEVER`` where none of them happens.
    """
    met = np.full((len(options.draws(n_draws)), options.n_paths), NEVER, dtype=np.int32)
    if not acts:
        return met
    chance, place = (_numbers(acts, n_draws, options, purpose) for purpose in (CHANCE, WINDOW))
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
    data: EventCounts,
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
    chance, place = (
        act_numbers(draws, options.n_paths, keys, purpose, words) for purpose in (CHANCE, WINDOW)
    )
    for at, (key, act) in enumerate(changed.items()):
        low, high = sorted(acts[key].probability if key in acts else 0.0 for acts in (old, new))
        day = _day_of(act, data.grid.origin, place[at])
        differ = (low <= chance[at]) & (chance[at] < high)
        since = np.where(differ, np.minimum(since, day), since).astype(np.int32)
    return since


_NO_NEW_TYPES: Mapping[str, NewTypeEffect] = {}


def simulate_first_passages(
    data: EventCounts,
    draws: StreamDraws,
    options: SimulationOptions,
    calendar: Sequence[FutureAct] = (),
    new_types: Mapping[str, NewTypeEffect] = _NO_NEW_TYPES,
    past: Record | None = None,
) -> FirstPassages:
    """Simulate paths; first days of the targets of the layout.

    Parameters
    ----------
    data : EventCounts
        The past; paths go on from its origin.
    draws : StreamDraws
        One parameter set a draw, with knots that cover the past.
    calendar : sequence of FutureAct
        Future acts; each happens on a path with its probability and then acts like any other.
    new_types : mapping of str to NewTypeEffect, optional
        What acts of a category that the codebook does not know do, one row a draw.
    past : Record, optional
        In place of the record of ``data``.
    """
    layout, chosen = data.layout, options.draws(len(draws))
    shape = len(chosen), options.n_paths
    names = [target.name for target in layout.targets]
    ahead = acts_ahead(calendar, data.grid.origin, layout, new_types)
    other = options.other
    played = np.ones(shape, dtype=bool) if other is None else other.since < NEVER
    row, path = (place.astype(np.int64) for place in np.nonzero(played))
    target = names.index(other.target) if other and other.target else -1
    begins = (data.grid.first_day(data.grid.n_steps - 1) - data.grid.origin).days
    days = np.full((len(names), *shape), NEVER, dtype=np.int32)
    acts = np.zeros((*shape, len(layout.streams)), dtype=np.int64)
    cores = os.cpu_count() or 1
    cut = np.linspace(0, len(row), min(cores, max(len(row), 1)) + 1).astype(int)
    parameters, record, words = _parameters(draws), past or record_of(data), seed_words(options.seed)

    def run(place: int) -> tuple[NDArray[np.int32], NDArray[np.int32], tuple[int, int]]:
        some = slice(cut[place], cut[place + 1])
        first = np.empty((len(names), len(row[some])), dtype=np.int32)
        happened = np.empty((len(row[some]), len(layout.streams)), dtype=np.int32)
        counted = play(
            parameters,
            record,
            layout.meets,
            ahead,
            words,
            chosen[row[some]],
            path[some],
            begins,
            options.horizon_days,
            target,
            first,
            happened,
        )
        return first, happened, counted

    with ThreadPoolExecutor(max_workers=cores) as pool:
        firsts, happened, counted = zip(*pool.map(run, range(len(cut) - 1)), strict=True)
    days[:, row, path] = np.concatenate(firsts, axis=1)
    acts[row, path] = np.concatenate(happened)
    capped, cells = (sum(numbers) for numbers in zip(*counted, strict=True))
    told = slice(None) if target < 0 else slice(target, target + 1)
    return FirstPassages(
        tuple(names[told]),
        data.grid.origin,
        days[told],
        acts,
        options.horizon_days,
        capped / max(cells, 1),
    )


def _parameters(draws: StreamDraws) -> Parameters:
    streams, own = draws.streams, draws.variables
    share = draws.by_stream("excitation_cross", streams.conflict_index)
    ballast = draws.by_stream("ballast", streams.calming_index)
    half_lives = ("excitation_half_life_days", "excitation_cross_half_life_days", "ballast_half_life_days")
    decays = [np.exp2(-STEP_DAYS / own[name]) for name in half_lives]
    decays.append(np.exp(-STEP_DAYS * KNOT_STEPS / own["tension_persistence"]))
    each = (
        own["baseline_weekly_rate"],
        share,
        own["tension_loading"] * own["tension_scale"][:, None],
        draws.own,
        own["overdispersion_shape"],
        ballast,
        own["excitation_severity"],
        np.column_stack(decays),
        draws.knots,
        draws.drift,
        own["drift_scale"],
    )
    return Parameters(*(np.ascontiguousarray(values, dtype=np.float64) for values in each))
