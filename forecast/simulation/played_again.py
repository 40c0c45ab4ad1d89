"""The same draws played again under other acts ahead: what stays is kept, what changes is machine code."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.models.draws import DRIFT_DECAY, Floats, StreamDraws
from forecast.panel.panel import (
    DRIFT_KNOT_STEPS,
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
    ALL,
    KEPT_STEPS,
    Ahead,
    Chosen,
    Constants,
    Game,
    Kept,
    Numbers,
    Parameters,
    Past,
    Rules,
    Steps,
    keep,
    play,
)
from forecast.simulation.first_passages import NEVER
from forecast.simulation.options import (
    CALENDAR,
    COUNT,
    DAY,
    DRIFT,
    MARK,
    TENSION,
    WINDOW,
    SimulationOptions,
)
from forecast.simulation.paths import MOST_LOG_RATE, RATE_CAP
from forecast.simulation.random_numbers import Places, RandomStreams

Known = tuple[Game, Kept]
Begun = tuple[StreamDraws, ExcitationState]
"""Some draws of a dyad alone, and where they stand before the last step of the record."""


def play_again(
    kept: Callable[[Callable[[], Known]], Known],
    begun: Callable[[], Begun],
    panel: Panel,
    targets: Sequence[TargetRule],
    options: SimulationOptions,
    streams: RandomStreams,
    calendar: Sequence[FutureAct],
    since: NDArray[np.int32] | None,
) -> NDArray[np.int32]:
    """Play the paths of some draws of the one dyad; first days of all targets, shape (target, draw, path).

    ``since`` is that of ``OtherFutures`` for these draws (``None``: all is played), and ``kept`` keeps what
    is made of the rest but for ``calendar``. Of a target that is not asked for, first days have no meaning.
    """
    n_paths = options.first_paths or options.paths_per_draw
    other = options.other

    def make() -> Known:
        game = _game_of(panel, begun(), targets, options.horizon_days, streams, n_paths)
        draw, path = np.nonzero(np.ones(game.numbers.day.shape[:2], dtype=bool))
        acts = () if other is None else other.calendar
        return game, keep(game, _ahead(acts, panel, targets, streams, (draw, path, n_paths)))

    game, known = kept(make)
    asked = ALL
    if other is not None and other.target is not None:
        asked = [target.name for target in targets].index(other.target)
    differ = np.ones(known.first.shape[1:], dtype=bool)
    start = np.zeros(differ.shape, dtype=np.int64)
    if since is not None:
        differ = since < options.horizon_days
        if asked != ALL:
            differ &= known.first[asked] >= since
        first_step = np.searchsorted(game.steps.ends, since, side="right")
        start = first_step // KEPT_STEPS
    draw, path = np.nonzero(differ)
    some = _ahead(calendar, panel, targets, streams, (draw, path, n_paths))
    played = play(game, known, some, Chosen(draw, path, start[draw, path]), asked)
    days = known.first.copy()
    days[:, draw, path] = played
    days[days >= options.horizon_days] = NEVER
    return days


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
    steps = Steps(first, np.maximum(days, 0), days + STEP_DAYS, STEP_DAYS, KNOT_STEPS, DRIFT_KNOT_STEPS)
    return Game(
        _parameters(draws, levels),
        Past(
            np.column_stack(
                [
                    past.own,
                    past.calming,
                    past.cross,
                    past.severe,
                    _sides(draws.knots, first, KNOT_STEPS),
                    _sides(draws.drift, first, DRIFT_KNOT_STEPS),
                ]
            ),
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


def _ahead(
    calendar: Sequence[FutureAct],
    panel: Panel,
    targets: Sequence[TargetRule],
    streams: RandomStreams,
    paths: tuple[Places, Places, int],
) -> Ahead:
    """Acts ahead on some paths, each by its draw and its place among so many there."""
    some, shape = streams.on(*paths), (len(calendar), len(paths[0]))
    chances = (lambda key: some.uniform(key, CALENDAR, (1,)), lambda key: some.uniform(key, WINDOW, (1,)))
    acts = ActsAhead(calendar, panel.grid.origin, *chances).all
    places = [panel.layout.stream_of(act.category, act.severity) for act in calendar]
    meets = [
        [act.category in target.any_of and act.severity >= target.min_severity for target in targets]
        for act in calendar
    ]
    return Ahead(
        np.array([one.happens[:, 0] for one in acts], dtype=bool).reshape(shape),
        np.array([one.day[:, 0] for one in acts], dtype=np.int64).reshape(shape),
        np.array([-1 if place is None else place for place in places], dtype=np.int64),
        np.array([act.severity >= SEVERE for act in calendar], dtype=bool),
        np.array(meets, dtype=bool).reshape(len(acts), len(targets)),
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
        draws.mark_drift,
        draws.own_decay,
        draws.cross_decay,
        draws.ballast_decay,
        draws.knot_decay,
        np.sqrt(1 - draws.knot_decay**2),
        np.full(len(draws), DRIFT_DECAY),
        draws.drift_scale * np.sqrt(1 - DRIFT_DECAY**2),
    )
    return Parameters(*(np.ascontiguousarray(values, dtype=np.float64) for values in each))


def _sides(knots: Floats, step: int, every: int) -> Floats:
    """Knots left and right of a step, shape (draw, 2)."""
    left = step // every
    return knots[:, left : left + 2]


def _numbers(
    layout: StreamLayout,
    levels: Sequence[int],
    steps: Steps,
    streams: RandomStreams,
    paths: tuple[int, int],
) -> Numbers:
    n_paths, n_streams = paths[1], len(layout.streams)
    each = range(steps.first, steps.first + len(steps.begins))
    counts = np.empty((*paths, len(each), n_streams))
    marks = np.empty((*paths, len(each), len(levels), n_streams))
    day = np.empty((*paths, len(each)))
    for at, step in enumerate(each):
        counts[:, :, at] = streams.uniform(step, COUNT, (n_paths, n_streams))
        for place, level in enumerate(levels):
            marks[:, :, at, place] = streams.uniform(step, MARK + level, (n_paths, n_streams))
        day[:, :, at] = streams.uniform(step, DAY, (n_paths,))

    def normals(every: int, purpose: int) -> Floats:
        knots = range(steps.first // every + 2, each[-1] // every + 2)
        drawn = np.empty((*paths, len(knots)))
        for at, knot in enumerate(knots):
            drawn[:, :, at] = streams.normal(knot, purpose, n_paths)
        return drawn

    return Numbers(counts, marks, day, normals(KNOT_STEPS, TENSION), normals(DRIFT_KNOT_STEPS, DRIFT))


def _rules(layout: StreamLayout, levels: Sequence[int], targets: Sequence[TargetRule]) -> Rules:
    place = {level: at for at, level in enumerate(levels)}
    met_by = [target.any_of if layout.marked else ("target",) for target in targets]
    return Rules(
        np.array(layout.conflictual, dtype=bool),
        np.array(layout.calming, dtype=bool),
        np.array([place.get(level, -1) for level in range(2, max(levels, default=1) + 1)], dtype=np.int64),
        np.array([place.get(target.min_severity, -1) + 1 for target in targets], dtype=np.int64),
        np.array([[stream in names for stream in layout.streams] for names in met_by], dtype=bool),
        place.get(SEVERE, -2) + 1,
    )
