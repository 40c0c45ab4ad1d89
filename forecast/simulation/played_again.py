"""The same draws played again under other acts ahead: what stays is kept, what changes is machine code."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.models.draws import DENSITY_DECAY, Floats, StreamDraws
from forecast.panel.panel import (
    DENSITY_KNOT_STEPS,
    HALF_SATURATION,
    KNOT_STEPS,
    SEVERE,
    SEVERE_HALF_LIFE_DAYS,
    STEP_DAYS,
    Panel,
    decay_per_step,
)
from forecast.panel.streams import FutureAct, StreamLayout, TargetRule
from forecast.simulation.acts import ActsAhead, ExcitationState
from forecast.simulation.compiled_paths import (
    Ahead,
    Constants,
    Game,
    Numbers,
    Parameters,
    Past,
    Rules,
    Steps,
    play,
)
from forecast.simulation.first_passages import NEVER
from forecast.simulation.options import (
    CALENDAR,
    COUNT,
    DAY,
    DENSITY,
    MARK,
    TENSION,
    WINDOW,
    SimulationOptions,
)
from forecast.simulation.paths import MOST_LOG_RATE, RATE_CAP
from forecast.simulation.random_numbers import Counts, RandomStreams

Begun = tuple[StreamDraws, ExcitationState]
"""Some draws of a dyad alone, and where they stand before the last step of the record."""


def play_again(
    kept: Callable[[Callable[[], Game]], Game],
    begun: Callable[[], Begun],
    panel: Panel,
    targets: Sequence[TargetRule],
    options: SimulationOptions,
    streams: RandomStreams,
    calendar: Sequence[FutureAct],
    only: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], Counts, float]:
    """Play the paths of some draws of the one dyad where ``only``, shape (draw, path), is true.

    ``kept`` keeps what is made of ``begun`` and the rest but for ``calendar``. Returns first days, shape
    (target, draw, path); acts, (draw, path, stream); share of capped intensities.
    """
    n_paths = only.shape[1]
    game = kept(lambda: _game_of(panel, begun(), targets, options.horizon_days, streams, n_paths))
    draw, path = np.nonzero(only)
    some = streams.on(draw, path, n_paths)
    days = np.full((len(targets), *only.shape), NEVER, dtype=np.int32)
    acts = np.zeros((*only.shape, len(panel.layout.streams)), dtype=np.int64)
    chances = (lambda key: some.uniform(key, CALENDAR, (1,)), lambda key: some.uniform(key, WINDOW, (1,)))
    ahead = ActsAhead(calendar, panel.grid.origin, *chances)
    arranged = _ahead_of(calendar, ahead, panel.layout, targets, len(draw))
    played, acts_played, capped = play(game, arranged, draw, path)
    played[played >= options.horizon_days] = NEVER
    days[:, draw, path], acts[draw, path] = played, acts_played
    cells = acts_played.size * int((game.steps.ends > game.steps.begins).sum())
    return days, acts, capped / max(cells, 1)


def _game_of(
    panel: Panel,
    begun: Begun,
    targets: Sequence[TargetRule],
    horizon_days: int,
    streams: RandomStreams,
    n_paths: int,
) -> Game:
    draws, past = begun
    layout, grid = panel.layout, panel.grid
    first = grid.n_steps - 1
    levels = sorted({SEVERE, *(target.min_severity for target in targets)} - {1}) if layout.marked else []
    began = (grid.first_day(0) - grid.origin).days
    days = np.arange(began + STEP_DAYS * first, horizon_days, STEP_DAYS, dtype=np.int64)
    steps = Steps(first, np.maximum(days, 0), days + STEP_DAYS, STEP_DAYS, KNOT_STEPS, DENSITY_KNOT_STEPS)
    return Game(
        _parameters(draws, levels),
        Past(
            past.own,
            past.cross,
            past.calming,
            past.severe,
            _sides(draws.knots, first, KNOT_STEPS),
            _sides(draws.density, first, DENSITY_KNOT_STEPS),
            panel.felt_counts[0, first].astype(np.float64),
            float(panel.reach[0, first, :, SEVERE - 1].sum()),
        ),
        _numbers(layout, levels, steps, streams, (len(draws), n_paths)),
        _rules(layout, levels, targets),
        steps,
        Constants(
            MOST_LOG_RATE, RATE_CAP, HALF_SATURATION, float(decay_per_step(SEVERE_HALF_LIFE_DAYS)), int(NEVER)
        ),
    )


def _ahead_of(
    calendar: Sequence[FutureAct],
    acts: ActsAhead,
    layout: StreamLayout,
    targets: Sequence[TargetRule],
    n_paths: int,
) -> Ahead:
    """Arrange acts that are drawn on paths of a draw each."""
    happening = acts.all
    streams = [layout.stream_of(act.category, act.severity) for act in calendar]
    meets = [
        [act.category in target.any_of and act.severity >= target.min_severity for target in targets]
        for act in calendar
    ]
    shape = len(happening), n_paths
    return Ahead(
        np.array([one.happens[:, 0] for one in happening], dtype=bool).reshape(shape),
        np.array([one.day[:, 0] for one in happening], dtype=np.int64).reshape(shape),
        np.array([-1 if stream is None else stream for stream in streams], dtype=np.int64),
        np.array([act.severity >= SEVERE for act in calendar], dtype=bool),
        np.array(meets, dtype=bool).reshape(len(happening), len(targets)),
    )


def _parameters(draws: StreamDraws, levels: Sequence[int]) -> Parameters:
    against = [
        np.exp(-(draws.level[:, level - 2, None] + draws.severity_shift(level)))
        for level in range(2, max(levels, default=1) + 1)
    ]
    each = (
        draws.loading,
        draws.log_rate,
        draws.own,
        draws.cross,
        draws.shape,
        draws.ballast,
        np.array(against).reshape(len(against), *draws.loading.shape),
        draws.mark_tension,
        draws.mark_recent,
        draws.mark_density,
        draws.own_decay,
        draws.cross_decay,
        draws.ballast_decay,
        draws.knot_decay,
        np.sqrt(1 - draws.knot_decay**2),
        np.full(len(draws), DENSITY_DECAY),
        draws.density_scale * np.sqrt(1 - DENSITY_DECAY**2),
    )
    return Parameters(*(np.ascontiguousarray(values, dtype=np.float64) for values in each))


def _sides(knots: Floats, step: int, every: int) -> Floats:
    """Knots left and right of a step, shape (draw, 2)."""
    left = step // every
    return np.ascontiguousarray(knots[:, left : left + 2], dtype=np.float64)


def _numbers(
    layout: StreamLayout,
    levels: Sequence[int],
    steps: Steps,
    streams: RandomStreams,
    paths: tuple[int, int],
) -> Numbers:
    cells = (paths[1], len(layout.streams))
    each = range(steps.first, steps.first + len(steps.begins))
    last = each[-1]

    def normals(every: int, purpose: int) -> Floats:
        knots = range(steps.first // every + 2, last // every + 2)
        drawn = [streams.normal(knot, purpose, paths[1]) for knot in knots]
        return np.array(drawn).reshape(len(drawn), *paths)

    marks = [[streams.uniform(step, MARK + level, cells) for step in each] for level in levels]
    return Numbers(
        np.array([streams.uniform(step, COUNT, cells) for step in each]),
        np.array(marks).reshape(len(levels), len(each), *paths, cells[1]),
        np.array([streams.uniform(step, DAY, paths[1:]) for step in each]),
        normals(KNOT_STEPS, TENSION),
        normals(DENSITY_KNOT_STEPS, DENSITY),
    )


def _rules(layout: StreamLayout, levels: Sequence[int], targets: Sequence[TargetRule]) -> Rules:
    place = {level: at for at, level in enumerate(levels)}
    met_by = [target.any_of if layout.marked else ("target",) for target in targets]
    return Rules(
        layout.has_density,
        layout.coding,
        np.array(layout.conflictual, dtype=bool),
        np.array(layout.calming, dtype=bool),
        np.array([place.get(level, -1) for level in range(2, max(levels, default=1) + 1)], dtype=np.int64),
        np.array([place.get(target.min_severity, -1) + 1 for target in targets], dtype=np.int64),
        np.array([[stream in names for stream in layout.streams] for names in met_by], dtype=bool),
        place.get(SEVERE, -2) + 1,
    )
