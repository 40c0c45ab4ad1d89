"""Forward paths from every draw, and the day on which each target first happens.

A path carries the draw's parameters, its latent tension and the excitation left by the past; counts,
severities and calendar acts are drawn step by step. All targets read the same paths, so that nested
targets stay ordered and one array answers every question about dates.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from forecast.models.draws import DRIFT_DECAY, Floats, StreamDraws
from forecast.panel.panel import (
    DRIFT_KNOT_STEPS,
    HALF_SATURATION,
    KNOT_STEPS,
    SEVERE,
    STEP_DAYS,
    Panel,
    recent_severe_term,
)
from forecast.panel.streams import FutureAct, StreamLayout, TargetRule
from forecast.simulation.acts import (
    ActsAhead,
    ExcitationState,
    HappeningAct,
    NewTypeEffect,
    NewTypeState,
    decays_of,
    state_before_last_step,
)
from forecast.simulation.first_passages import NEVER as NEVER
from forecast.simulation.first_passages import FirstPassages as FirstPassages
from forecast.simulation.knot_path import KnotPath
from forecast.simulation.options import (
    CALENDAR,
    COUNT,
    DAY,
    DRIFT,
    MARK,
    TENSION,
    WINDOW,
    Remembered,
    SimulationOptions,
    draws_a_key,
    keys_of_draws,
)
from forecast.simulation.random_numbers import Counts, RandomStreams, binomial, negative_binomial

RATE_CAP = 200.0
"""Acts a step and stream above which the intensity is cut (and counted)."""

MOST_LOG_RATE = 20.0
"""Far above the cap, and far below what overflows."""
_NO_NEW_TYPES: Mapping[str, NewTypeEffect] = {}


def simulate_first_passages(
    panel: Panel,
    draws: StreamDraws,
    targets: Sequence[TargetRule],
    options: SimulationOptions,
    calendar: Sequence[FutureAct] = (),
    new_types: Mapping[str, NewTypeEffect] = _NO_NEW_TYPES,
) -> FirstPassages:
    """Simulate all paths of all dyads.

    Parameters
    ----------
    panel : Panel
        The past; paths go on from its origin.
    draws : StreamDraws
        One parameter set a draw and dyad, with knots that cover the past.
    targets : sequence of TargetRule
        In a marked layout any rule; otherwise the layout's own target only.
    calendar : sequence of FutureAct
        Future acts; each happens on a path with its probability and then acts like any other. Only for a
        panel of one dyad.
    new_types : mapping of str to NewTypeEffect, optional
        What acts of a category that the layout does not know do, one row a draw.

    Raises
    ------
    ValueError
        A target that the layout does not count, or future acts in a panel of several dyads.
    """
    for target in targets:
        if not panel.layout.marked and target != panel.layout.target:
            raise ValueError(f"the layout counts no stream for target {target.name!r}")
    if calendar and len(panel) > 1:
        raise ValueError(f"future acts are of one dyad; the panel holds {len(panel)}")
    n_streams = len(panel.layout.streams)
    n_draws, every = len(draws), options.every
    n_paths = options.first_paths or options.paths_per_draw
    other = options.other
    told = [at for at, one in enumerate(targets) if not (other and other.target) or one.name == other.target]
    again = options.remembered if len(panel) == 1 and not new_types else None
    place = (panel.layout, tuple(targets), options.horizon_days, every)
    drift = _kept(again, ("drift", *place), lambda: draws.drift_of_record(panel))
    width = draws_a_key(n_streams, options)
    cores = os.cpu_count() or 1
    # Fewer paths leave room for the draws of several keys at once.
    together = max(1, options.paths_per_draw // n_paths)
    together = min(together * every, -(-n_draws // (width * cores)) or 1)

    def run(dyad: int, first: int) -> tuple[NDArray[np.int32], Counts, float]:
        begin, end = first * width, min((first + together) * width, n_draws)
        rows = slice(begin + -begin % every, end, every)
        keys = keys_of_draws(n_draws, width, options.seed, dyad)[first : first + together]
        streams = RandomStreams(keys, width, end - begin, first=begin, every=every)
        shape = (len(range(n_draws)[rows]), n_paths)
        at = -(-begin // every)
        since = None if other is None else other.since[at : at + shape[0]]

        def begun() -> tuple[StreamDraws, ExcitationState]:
            own = replace(draws, drift=drift).rows(rows).of_dyad(dyad)
            return own, state_before_last_step(panel, dyad, own)

        if again is not None:
            keep = partial(again.get, ("game", *place, begin, end, n_paths, other and other.calendar))
            days = again.play(keep, begun, panel, targets, options, streams, calendar, since)
            return days, np.empty((*shape, 0), dtype=np.int64), 0.0
        effects = {name: effect.rows(rows) for name, effect in new_types.items()}
        own, past = begun()
        if since is None:
            return _Chunk(panel, dyad, own, past, targets, options, streams, effects).run(calendar)
        draw, path = np.nonzero(since < NEVER)
        days = np.full((len(targets), *shape), NEVER, dtype=np.int32)
        acts = np.zeros((*shape, n_streams), dtype=np.int64)
        capped = 0.0
        if len(draw):
            past = ExcitationState(*(values[draw] for values in vars(past).values()))
            effects = {name: effect.rows(draw) for name, effect in effects.items()}
            alone, own = replace(options, first_paths=1), own.rows(draw)
            some = streams.on(draw, path, n_paths)
            chunk = _Chunk(panel, dyad, own, past, targets, alone, some, effects)
            played, acts_played, capped = chunk.run(calendar)
            days[:, draw, path], acts[draw, path] = played[..., 0], acts_played[:, 0]
        return days, acts, capped

    blocks = range(0, -(-n_draws // width), together)
    jobs = [(dyad, first) for dyad in range(len(panel)) for first in blocks]
    with ThreadPoolExecutor(max_workers=cores) as pool:
        results = list(pool.map(run, *zip(*jobs, strict=True)))
    by_dyad = [results[k : k + len(blocks)] for k in range(0, len(results), len(blocks))]
    weight = np.array([result[0].shape[1] for result in results], dtype=np.float64)
    return FirstPassages(
        tuple(targets[at].name for at in told),
        panel.grid.origin,
        np.stack([np.concatenate([days[told] for days, _, _ in of_dyad], axis=1) for of_dyad in by_dyad]),
        None
        if again is not None
        else np.stack([np.concatenate([acts for _, acts, _ in of_dyad]) for of_dyad in by_dyad]),
        options.horizon_days,
        float(np.average([capped for _, _, capped in results], weights=weight)),
    )


def _kept[T](remembered: Remembered | None, place: tuple[object, ...], make: Callable[[], T]) -> T:
    return make() if remembered is None else remembered.get(place, make)


def _as_slice(index: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Return neighbouring positions as a slice, which is read without a copy; others as they are."""
    if len(index) and np.all(np.diff(index) == 1):
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


class _Chunk:
    """Some draws of one dyad with all their paths; arrays have shape (draw, path[, stream])."""

    def __init__(
        self,
        panel: Panel,
        dyad: int,
        draws: StreamDraws,
        past: ExcitationState,
        targets: Sequence[TargetRule],
        options: SimulationOptions,
        streams: RandomStreams,
        new_types: Mapping[str, NewTypeEffect],
    ) -> None:
        self.grid, self.draws, self.targets, self.options = panel.grid, draws, targets, options
        last = panel.grid.n_steps - 1
        self.last_counts = panel.felt_counts[dyad, last]
        self.last_severe = panel.reach[dyad, last, :, SEVERE - 1].sum()
        self.thresholds = {SEVERE} | {target.min_severity for target in targets}
        self.layout: StreamLayout = panel.layout
        self.paths = (len(draws), options.first_paths or options.paths_per_draw)
        every_path = (np.repeat(values[:, None], self.paths[1], axis=1) for values in vars(past).values())
        self.state = ExcitationState(*every_path)
        self.streams = streams
        decay = draws.knot_decay[:, None]
        noise = np.sqrt(1 - decay**2)
        self.tension_path = KnotPath(draws.knots, last, KNOT_STEPS, decay, noise, self.paths)
        noise = draws.drift_scale[:, None] * np.sqrt(1 - DRIFT_DECAY**2)
        self.drift_path = KnotPath(draws.drift, last, DRIFT_KNOT_STEPS, DRIFT_DECAY, noise, self.paths)
        self.new = NewTypeState(new_types, self.paths)
        self.conflict = _as_slice(self.layout.conflict_index)
        self.met_by = [
            [self.layout.streams.index(category) for category in target.any_of if self.layout.marked]
            for target in targets
        ]
        # Log odds of each severity at mean tension, by draw and stream, in one row for fast look-up.
        self.odds = {
            level: (draws.level[:, level - 2, None] + draws.severity_shift(level)).ravel()
            for level in range(2, max(self.thresholds) + 1)
        }
        self.capped = 0

    def uniform(self, step: int, purpose: int, *width: int) -> Floats:
        """Uniform numbers of every path, shape (draw, path[, width])."""
        return self.streams.uniform(step, purpose, (self.paths[1], *width))

    def run(self, calendar: Sequence[FutureAct]) -> tuple[NDArray[np.int32], Counts, float]:
        """First days, shape (target, draw, path); acts, (draw, path, stream); share of capped intensities."""
        grid = self.grid
        first = np.full((len(self.targets), *self.paths), NEVER, dtype=np.int32)
        decays = tuple(decay[:, None] for decay in decays_of(self.draws))
        last = (grid.first_day(0) - grid.origin).days  # day of the future on which step 0 began (negative)
        step = grid.n_steps - 1
        cells = 0
        acts = np.zeros(self.state.own.shape, dtype=np.int64)
        chances = (lambda key: self.uniform(key, CALENDAR), lambda key: self.uniform(key, WINDOW))
        ahead = ActsAhead(calendar, grid.origin, *chances)
        while last + STEP_DAYS * step < self.options.horizon_days:
            begins = max(last + STEP_DAYS * step, 0)
            ends = last + STEP_DAYS * (step + 1)
            self.tension = self.tension_path.at(step, lambda knot: self._normal(knot, TENSION))
            self.drift = self.drift_path.at(step, lambda knot: self._normal(knot, DRIFT))
            counts = np.zeros(self.state.own.shape, dtype=np.int64)
            if ends > begins:
                counts = self._draw_counts(step, (ends - begins) / STEP_DAYS)
                cells += counts.size
                acts += counts
            reach = self._draw_marks(step, counts)
            for position in range(len(self.targets)):
                self._note_hits(first[position], step, self._hits(position, counts, reach), begins, ends)
            severe = reach[SEVERE].sum(axis=-1) if self.layout.marked else np.zeros(self.paths)
            new = dict.fromkeys(self.new.effects, np.zeros(self.paths))
            for one in ahead.between(begins, ends):
                severe = severe + one.happens * float(one.act.severity >= SEVERE)
                if one.act.category in new:
                    new[one.act.category] = new[one.act.category] + one.happens
                self._add_act(first, counts, one)
            total = counts.astype(np.float64)
            if step == grid.n_steps - 1:
                total += self.last_counts
                severe = severe + self.last_severe
            self.new.advance(new)
            self.state.advance(total, np.asarray(severe, dtype=np.float64), self.layout, decays)  # type: ignore[arg-type]
            step += 1
        first[first >= self.options.horizon_days] = NEVER
        return first, acts, self.capped / max(cells, 1)

    def _normal(self, knot: int, purpose: int) -> Floats:
        return self.streams.normal(knot, purpose, self.paths[1])

    def _draw_counts(self, step: int, exposure: float) -> Counts:
        draws, state = self.draws, self.state
        rate = draws.loading[:, None] * self.tension[..., None]
        rate += draws.log_rate[:, None]
        rate[..., self.conflict] += self.drift[..., None]
        np.minimum(rate, MOST_LOG_RATE, out=rate)
        np.exp(rate, out=rate)
        rate += draws.own[:, None] * state.own
        rate += draws.cross[:, None] * state.cross[..., None]
        log_calm = np.zeros(self.paths)
        for name in self.new:
            rate += self.new.excitation(name)
            log_calm += self.new.log_calm(name)
        for stream in self.layout.calming_index:
            recent = state.calming[..., stream]
            log_calm -= draws.ballast[:, None, stream] * (recent / (recent + HALF_SATURATION))
        if log_calm.any():
            rate[..., self.conflict] *= np.exp(log_calm)[..., None]
        if rate.max() > RATE_CAP:
            self.capped += int((rate > RATE_CAP).sum())
            np.minimum(rate, RATE_CAP, out=rate)
        uniform = self.uniform(step, COUNT, rate.shape[-1])
        rate *= exposure
        return negative_binomial(uniform, rate, draws.shape[:, None] * exposure)

    def _draw_marks(self, step: int, counts: Counts) -> dict[int, Counts]:
        """Acts that reach each severity asked for, by continuation ratios, shape (draw, path, stream)."""
        reach = {1: counts}
        if not self.layout.marked:
            return reach
        n_streams = counts.shape[-1]
        cells = np.flatnonzero(counts)
        place, stream = np.divmod(cells, n_streams)
        draws = self.draws
        log_odds = draws.mark_tension[:, None] * self.tension
        log_odds += draws.mark_recent[:, None] * recent_severe_term(self.state.severe)
        log_odds += draws.mark_drift[:, None] * self.drift
        log_odds = log_odds.ravel()[place]
        by_draw = place // self.paths[1] * n_streams + stream
        left, passed = counts.ravel()[cells], np.ones(len(cells))
        for level, odds in self.odds.items():
            passed /= 1 + np.exp(-(odds[by_draw] + log_odds))
            if level in self.thresholds:
                uniform = self.uniform(step, MARK + level, n_streams)
                left = binomial(uniform.ravel()[cells], left, passed)
                reach[level] = np.zeros_like(counts)
                reach[level].ravel()[cells] = left
                passed = np.ones(len(cells))
        return reach

    def _hits(self, position: int, counts: Counts, reach: dict[int, Counts]) -> Counts:
        """Acts that meet the target at this place, shape (draw, path)."""
        if not self.layout.marked:
            return np.asarray(counts[..., self.layout.streams.index("target")])
        reached = reach[self.targets[position].min_severity]
        first, *others = self.met_by[position]
        hits = reached[..., first].copy()
        for stream in others:
            hits += reached[..., stream]
        return hits

    def _note_hits(self, first: NDArray[np.int32], step: int, hits: Counts, begins: int, ends: int) -> None:
        new = np.nonzero((hits > 0) & (first == NEVER))
        if not len(new[0]):
            return
        # The first of n acts that fall evenly over the days of a step comes at 1-(1-U)^(1/n) of it.
        uniform = self.uniform(step, DAY)[new]
        share = 1 - (1 - uniform) ** (1 / hits[new])
        first[new] = begins + np.floor(share * (ends - begins)).astype(np.int32)

    def _add_act(self, first: NDArray[np.int32], counts: Counts, one: HappeningAct) -> None:
        """Add an act ahead to the counts, and to the targets that it meets, where it happens."""
        act, effect = one.act, self.new.effects.get(one.act.category)
        stream = None if effect else self.layout.stream_of(act.category, act.severity)
        if stream is not None:
            counts[..., stream] += one.happens
        counted_as = effect.counts_as if effect else act.category
        for position, target in enumerate(self.targets):
            if counted_as in target.any_of and act.severity >= target.min_severity:
                earlier = one.happens & (first[position] > one.day)
                first[position][earlier] = one.day[earlier]
