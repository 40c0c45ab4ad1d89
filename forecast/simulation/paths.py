"""Forward paths from every draw, and the day on which each target first happens.

A path carries the draw's parameters, its latent tension and the excitation left by the past; counts,
severities and calendar acts are drawn step by step. All targets read the same paths, so that nested
targets stay ordered and one array answers every question about dates.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.draws import Floats, StreamDraws
from forecast.series import (
    HALF_SATURATION,
    KNOT_STEPS,
    SEVERE,
    STEP_DAYS,
    EventCounts,
    FutureAct,
    StreamLayout,
    TargetRule,
    recent_severe_term,
)
from forecast.simulation.sampling import Counts, binomial, negative_binomial
from forecast.simulation.state import ExcitationState, decays_of, state_before_last_step

NEVER = np.iinfo(np.int32).max
"""First day of a target that does not happen within the horizon."""

RATE_CAP = 200.0
"""Acts a step and stream above which the intensity is cut (and counted)."""

_CHUNK_CELLS = 65_536  # cells of one step that fit the cache; part of the random streams, so fixed
_COUNT, _TENSION, _DAY, _CALENDAR, _MARK = range(5)  # purposes of random numbers; marks take one a level


@dataclass(frozen=True, kw_only=True)
class SimulationOptions:
    """How many paths, how far, and from which seed.

    Parameters
    ----------
    seed : int
        The same seed gives the same random numbers to every scenario.
    horizon_days : int
        Days simulated after the origin.
    paths_per_draw : int
    """

    seed: int
    horizon_days: int
    paths_per_draw: int


@dataclass(frozen=True)
class FirstHits:
    """When each target first happens on each path.

    Parameters
    ----------
    targets : tuple of str
    origin : date
        First day of the future.
    day : ndarray of int32, shape (target, draw, path)
        Days from the origin (0 = the origin's own day) to the first target event; ``NEVER`` where the path
        stays quiet to the horizon.
    acts : ndarray of int64, shape (draw, path, stream)
        Acts drawn over the steps begun before the horizon (calendar acts not counted).
    horizon_days : int
    capped_share : float
        Share of simulated intensities that were cut at ``RATE_CAP``.
    """

    targets: tuple[str, ...]
    origin: date
    day: NDArray[np.int32]
    acts: NDArray[np.int64]
    horizon_days: int
    capped_share: float

    def of(self, target: str) -> NDArray[np.int32]:
        """First days of one target, shape (draw, path)."""
        return np.asarray(self.day[self.targets.index(target)])


def simulate_first_hits(
    data: EventCounts,
    draws: StreamDraws,
    targets: Sequence[TargetRule],
    options: SimulationOptions,
    calendar: Sequence[FutureAct] = (),
) -> FirstHits:
    """Simulate all paths.

    Parameters
    ----------
    data : EventCounts
        The past; paths go on from its origin.
    draws : StreamDraws
        One parameter set a draw, with knots that cover the past.
    targets : sequence of TargetRule
        In a marked layout any rule; otherwise the layout's own target only.
    options : SimulationOptions
    calendar : sequence of FutureAct
        Acts ahead; each happens on a path with its probability and then acts like any other.

    Raises
    ------
    ValueError
        A target that the layout does not count.
    """
    for target in targets:
        if not data.layout.marked and target != data.layout.target:
            raise ValueError(f"the layout counts no stream for target {target.name!r}")
    width = max(1, _CHUNK_CELLS // (options.paths_per_draw * len(data.layout.streams)))
    slices = [slice(first, first + width) for first in range(0, len(draws), width)]
    keys = np.random.SeedSequence(options.seed).spawn(len(slices))
    state = state_before_last_step(data, draws)

    def run(job: tuple[slice, np.random.SeedSequence]) -> tuple[NDArray[np.int32], Counts, float]:
        rows, key = job
        chunk = _Chunk(data, draws.rows(rows), _rows_of(state, rows), targets, options, key)
        return chunk.run(calendar)

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        results = list(pool.map(run, zip(slices, keys, strict=True)))
    weight = np.array([result[0].shape[1] for result in results], dtype=np.float64)
    return FirstHits(
        tuple(target.name for target in targets),
        data.grid.origin,
        np.concatenate([result[0] for result in results], axis=1),
        np.concatenate([result[1] for result in results]),
        options.horizon_days,
        float(np.average([result[2] for result in results], weights=weight)),
    )


def _rows_of(state: ExcitationState, rows: slice) -> ExcitationState:
    parts = (state.own, state.cross, state.calming, state.severe)
    return ExcitationState(*(part[rows].copy() for part in parts))


class _Chunk:
    """Some draws with all their paths; arrays have shape (draw, path[, stream])."""

    def __init__(
        self,
        data: EventCounts,
        draws: StreamDraws,
        state: ExcitationState,
        targets: Sequence[TargetRule],
        options: SimulationOptions,
        key: np.random.SeedSequence,
    ) -> None:
        self.data, self.draws, self.targets, self.options = data, draws, targets, options
        self.thresholds = {SEVERE} | {target.min_severity for target in targets}
        self.layout: StreamLayout = data.layout
        self.paths = (len(draws), options.paths_per_draw)
        wide = (*self.paths, len(self.layout.streams))
        self.state = ExcitationState(
            np.broadcast_to(state.own[:, None], wide).copy(),
            np.broadcast_to(state.cross[:, None], self.paths).copy(),
            np.broadcast_to(state.calming[:, None], wide).copy(),
            np.broadcast_to(state.severe[:, None], self.paths).copy(),
        )
        self.key = key.generate_state(2, np.uint64)
        # The draws may have more knots than the past: the data say nothing on those beyond its last step.
        self.left_knot = (data.grid.n_steps - 1) // KNOT_STEPS
        sides = draws.knots[:, self.left_knot], draws.knots[:, self.left_knot + 1]
        self.knots = [np.broadcast_to(knot[:, None], self.paths) for knot in sides]
        self.capped = 0

    def random(self, step: int, purpose: int) -> np.random.Generator:
        """Random numbers of one step and purpose, whatever happened before."""
        counter = np.array([0, 0, step, purpose], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(counter=counter, key=self.key))

    def run(self, calendar: Sequence[FutureAct]) -> tuple[NDArray[np.int32], Counts, float]:
        """First days, shape (target, draw, path); acts, (draw, path, stream); share of capped intensities."""
        grid = self.data.grid
        first = np.full((len(self.targets), *self.paths), NEVER, dtype=np.int32)
        decays = tuple(decay[:, None] for decay in decays_of(self.draws))
        last = (grid.first_day(0) - grid.origin).days  # day of the future on which step 0 began (negative)
        step = grid.n_steps - 1
        cells = 0
        acts = np.zeros(self.state.own.shape, dtype=np.int64)
        while last + STEP_DAYS * step < self.options.horizon_days:
            begins = max(last + STEP_DAYS * step, 0)
            ends = last + STEP_DAYS * (step + 1)
            self.tension = self._tension(step)
            counts = np.zeros(self.state.own.shape, dtype=np.int64)
            if ends > begins:
                counts = self._draw_counts(step, (ends - begins) / STEP_DAYS)
                cells += counts.size
                acts += counts
            reach = self._draw_marks(step, counts)
            for position, target in enumerate(self.targets):
                self._note_hits(first[position], step, self._hits(target, counts, reach), begins, ends)
            severe = reach[SEVERE].sum(axis=-1) if self.layout.marked else np.zeros(self.paths)
            for number, act in enumerate(calendar):
                day = (act.date - grid.origin).days
                if begins <= day < ends:
                    severe = severe + self._add_act(first, counts, act, number, day)
            total = counts.astype(np.float64)
            if step == grid.n_steps - 1:
                total += self.data.past_counts[step]
                severe = severe + self.data.reach[step, :, SEVERE - 1].sum()
            self.state.advance(total, np.asarray(severe, dtype=np.float64), self.layout, decays)  # type: ignore[arg-type]
            step += 1
        first[first >= self.options.horizon_days] = NEVER
        return first, acts, self.capped / max(cells, 1)

    def _tension(self, step: int) -> Floats:
        knot, within = divmod(step, KNOT_STEPS)
        while self.left_knot < knot:
            self.left_knot += 1
            decay = self.draws.knot_decay[:, None]
            noise = self.random(self.left_knot + 1, _TENSION).standard_normal(self.paths)
            self.knots = [self.knots[1], decay * self.knots[1] + np.sqrt(1 - decay**2) * noise]
        part = within / KNOT_STEPS
        return np.asarray((1 - part) * self.knots[0] + part * self.knots[1])

    def _draw_counts(self, step: int, exposure: float) -> Counts:
        draws, state = self.draws, self.state
        rate = np.exp(draws.log_rate[:, None] + draws.load[:, None] * self.tension[..., None])
        rate += draws.own[:, None] * state.own
        rate += draws.cross[:, None] * state.cross[..., None]
        if any(self.layout.calming):
            strength = state.calming / (state.calming + HALF_SATURATION)
            log_calm = -(strength * draws.ballast[:, None]).sum(axis=-1)
            rate[..., self.layout.conflict_index] *= np.exp(log_calm)[..., None]
        self.capped += int((rate > RATE_CAP).sum())
        np.minimum(rate, RATE_CAP, out=rate)
        # Streams come first, so that a stream added by a scenario leaves the numbers of the others alone.
        uniform = self.random(step, _COUNT).random((rate.shape[-1], *self.paths))
        return negative_binomial(
            np.moveaxis(uniform, 0, -1), rate * exposure, draws.shape[:, None] * exposure
        )

    def _draw_marks(self, step: int, counts: Counts) -> dict[int, Counts]:
        """Acts that reach each severity asked for, by continuation ratios, shape (draw, path, stream)."""
        reach = {1: counts}
        if not self.layout.marked:
            return reach
        cells = np.flatnonzero(counts)
        draw, path, stream = np.unravel_index(cells, counts.shape)
        draws = self.draws
        log_odds = draws.mark_tension[draw] * self.tension[draw, path]
        log_odds += draws.mark_recent[draw] * recent_severe_term(self.state.severe[draw, path])
        left, passed = counts.ravel()[cells], np.ones(len(cells))
        for level in range(2, max(self.thresholds) + 1):
            kind = draws.severity_shift(level)
            passed = passed / (1 + np.exp(-(draws.level[draw, level - 2] + kind[draw, stream] + log_odds)))
            if level in self.thresholds:
                uniform = self.random(step, _MARK + level).random((counts.shape[-1], *self.paths))
                left = binomial(uniform[stream, draw, path], left, passed)
                reach[level] = np.zeros_like(counts)
                reach[level].ravel()[cells] = left
                passed = np.ones(len(cells))
        return reach

    def _hits(self, target: TargetRule, counts: Counts, reach: dict[int, Counts]) -> Counts:
        if not self.layout.marked:
            return np.asarray(counts[..., self.layout.streams.index("target")])
        streams = [self.layout.streams.index(category) for category in target.any_of]
        return np.asarray(reach[target.min_severity][..., streams].sum(axis=-1))

    def _note_hits(self, first: NDArray[np.int32], step: int, hits: Counts, begins: int, ends: int) -> None:
        new = np.nonzero((hits > 0) & (first == NEVER))
        if not len(new[0]):
            return
        # The first of n acts that fall evenly over the days of a step comes at 1-(1-U)^(1/n) of it.
        uniform = self.random(step, _DAY).random(self.paths)[new]
        share = 1 - (1 - uniform) ** (1 / hits[new])
        first[new] = begins + np.floor(share * (ends - begins)).astype(np.int32)

    def _add_act(
        self,
        first: NDArray[np.int32],
        counts: Counts,
        act: FutureAct,
        number: int,
        day: int,
    ) -> Floats:
        """Add a calendar act to the counts where it happens; return the severe acts added."""
        stream = self.layout.stream_of(act.category, act.severity)
        happens = self.random(number, _CALENDAR).random(self.paths) < act.probability
        if stream is not None:
            counts[..., stream] += happens
        for position, target in enumerate(self.targets):
            if act.category in target.any_of and act.severity >= target.min_severity:
                earlier = happens & (first[position] > day)
                first[position][earlier] = day
        return happens.astype(np.float64) * float(act.severity >= SEVERE)
