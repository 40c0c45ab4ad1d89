"""Paths as machine code, for a process that plays the same draws again and again.

The same arithmetic as ``forecast.simulation.paths`` and ``random_numbers``, path by path and in the same
order, so that the paths are the same. Kept apart since loading the compiler takes longer than a single
simulation saves, and in one file since Numba's cache takes notice of edits in one file only.

Bare axes: n path of all that are played, t step, d draw, j path of a draw, k stream, m knot, l level of
severity, a act, q target.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_COMPILED = {"error_model": "numpy", "fastmath": False, "cache": True, "nogil": True}


_ROUNDING = 1e-9
"""Far above what the rounding of a bound can amount to."""


class Parameters(NamedTuple):
    """Of the draws; names as in ``StreamDraws``.

    ``against`` (l, d, k) are the odds at mean tension against reaching the severities from 2 on;
    ``tension_noise`` and ``drift_noise`` scale the normals of a knot.
    """

    loading: Floats  # (d, k)
    log_rate: Floats  # (d, k)
    own: Floats  # (d, k)
    cross: Floats  # (d, k)
    shape: Floats  # (d, k)
    ballast: Floats  # (d, k)
    against: Floats
    mark_tension: Floats  # (d)
    mark_recent: Floats  # (d)
    mark_drift: Floats  # (d)
    own_decay: Floats  # (d)
    cross_decay: Floats  # (d)
    ballast_decay: Floats  # (d)
    tension_decay: Floats  # (d)
    tension_noise: Floats  # (d)
    drift_decay: Floats  # (d)
    drift_noise: Floats  # (d)


class Past(NamedTuple):
    """Where the paths of each draw begin.

    A state is own excitation and ballast by stream, then cross excitation, recent severe acts and the knots
    of tension and of drift left and right of the step. ``last_counts`` (k) and ``last_severe`` are acts of
    the step that the origin cuts short.
    """

    state: Floats  # (d, 2k + 6)
    last_counts: Floats
    last_severe: float


class Numbers(NamedTuple):
    """Random numbers of all paths; ``tension`` and ``drift`` are normals of the knots ahead."""

    counts: Floats  # (d, j, t, k)
    marks: Floats  # (d, j, t, l, k), levels that a target or recent severe acts ask for
    day: Floats  # (d, j, t)
    tension: Floats  # (d, j, m)
    drift: Floats  # (d, j, m)


class Rules(NamedTuple):
    """What is counted and met.

    ``mark_place`` (l) is where the numbers of a level stand, from severity 2 on, −1 where it is passed by;
    ``target_level`` (q) is 0 for all acts, else one more than the place of a level, as is ``severe_level``
    (−1: no marks); ``meets`` (q, k) tells the streams of a target.
    """

    conflict: Flags  # (k)
    calming: Flags  # (k)
    mark_place: Integers
    target_level: Integers
    meets: Flags
    severe_level: int


class Steps(NamedTuple):
    """First step, and by step its first day and the day after its last; knots lie so many steps apart."""

    first: int
    begins: Integers  # (t)
    ends: Integers  # (t)
    step_days: int
    tension_every: int
    drift_every: int


class Ahead(NamedTuple):
    """Acts ahead of the paths that are played; ``stream`` is −1 where none counts the act."""

    happens: Flags  # (a, n)
    day: Integers  # (a, n)
    stream: Integers  # (a)
    severe: Flags  # (a)
    meets: Flags  # (a, q)


class Constants(NamedTuple):
    """Of the model: see the names in ``paths`` and ``panel``."""

    most_log_rate: float
    rate_cap: float
    half_saturation: float
    severe_decay: float
    never: int


class Chosen(NamedTuple):
    """Paths that are played, and the place (see ``Kept``) from which each is."""

    draw: Integers  # (n)
    path: Integers  # (n)
    start: Integers  # (n)


class Kept(NamedTuple):
    """The paths under the acts ahead of the run: first days, and the state every ``KEPT_STEPS``.

    ``first`` is not cut at the horizon. ``rest`` are rates without excitation, which no act changes.
    """

    first: NDArray[np.int32]  # (q, d, j)
    states: Floats  # (d, j, place, 2k + 6)
    rest: Floats  # (d, j, t, k)


class Game(NamedTuple):
    """All but the acts ahead, which stays as it is from one simulation to the next."""

    parameters: Parameters
    past: Past
    numbers: Numbers
    rules: Rules
    steps: Steps
    constants: Constants


KEPT_STEPS = 4
"""Steps between two places from which a path can be played again."""
ALL = -1
"""In place of a target: all of them."""


def keep(game: Game, ahead: Ahead) -> Kept:
    """Play all paths under the acts ahead of the run; these are of paths one after the other, by draw."""
    n_draws, n_paths = game.numbers.day.shape[:2]
    n_streams, n_places = len(game.rules.conflict), -(-len(game.steps.begins) // KEPT_STEPS)
    states = np.zeros((n_draws, n_paths, n_places, 2 * n_streams + 6))
    draw, path = (place.ravel() for place in np.indices((n_draws, n_paths)))
    chosen = Chosen(draw, path, np.zeros(len(draw), dtype=np.int64))
    first = _never(game, len(draw))
    kept = Kept(first.reshape(-1, n_draws, n_paths), states, np.empty(game.numbers.counts.shape))
    _play(*game, kept, ahead, chosen, ALL, True, first)
    return kept


def play(game: Game, kept: Kept, ahead: Ahead, chosen: Chosen, target: int) -> NDArray[np.int32]:
    """Play some paths under other acts ahead, until they meet the target, or to the end for ``ALL``.

    Returns first days, shape (target, path), not cut at the horizon, which hold for that target alone.
    """
    first = kept.first[:, chosen.draw, chosen.path]
    first[first >= game.steps.begins[KEPT_STEPS * chosen.start]] = game.constants.never
    _play(*game, kept, ahead, chosen, target, False, first)
    return first


def _never(game: Game, n_paths: int) -> NDArray[np.int32]:
    return np.full((len(game.rules.target_level), n_paths), game.constants.never, dtype=np.int32)


@numba.njit(**_COMPILED)
def _play(
    par: Parameters,
    past: Past,
    numbers: Numbers,
    rules: Rules,
    steps: Steps,
    constants: Constants,
    kept: Kept,
    ahead: Ahead,
    chosen: Chosen,
    target: int,
    keeps: bool,
    first: NDArray[np.int32],
) -> None:
    n_streams, n_levels = len(rules.conflict), numbers.marks.shape[3]
    has_ballast = rules.calming.any()
    reach = np.zeros((n_levels + 1, n_streams), dtype=np.int64)
    counts = reach[0]
    state = np.empty(2 * n_streams + 6)
    own, calming, more = state[:n_streams], state[n_streams : 2 * n_streams], state[2 * n_streams :]
    cross, severe, tension_knots, drift_knots = more[0:1], more[1:2], more[2:4], more[4:6]
    for n in range(len(chosen.draw)):
        d, j, t = chosen.draw[n], chosen.path[n], KEPT_STEPS * chosen.start[n]
        state[:] = past.state[d] if keeps else kept.states[d, j, chosen.start[n]]
        while t < len(steps.begins):
            if keeps and t % KEPT_STEPS == 0:
                kept.states[d, j, t // KEPT_STEPS] = state
            begins, ends = steps.begins[t], steps.ends[t]
            exposure = (ends - begins) / steps.step_days
            knot, within = divmod(steps.first + t, steps.tension_every)
            if t > 0 and within == 0:
                normal = numbers.tension[d, j, knot - steps.first // steps.tension_every - 1]
                _next_knot(tension_knots, par.tension_decay[d], par.tension_noise[d], normal)
            part = within / steps.tension_every
            tension = (1 - part) * tension_knots[0] + part * tension_knots[1]
            knot, within = divmod(steps.first + t, steps.drift_every)
            if t > 0 and within == 0:
                normal = numbers.drift[d, j, knot - steps.first // steps.drift_every - 1]
                _next_knot(drift_knots, par.drift_decay[d], par.drift_noise[d], normal)
            part = within / steps.drift_every
            drift = (1 - part) * drift_knots[0] + part * drift_knots[1]
            if keeps:
                for k in range(n_streams):
                    log_rate = par.loading[d, k] * tension
                    log_rate += par.log_rate[d, k]
                    if rules.conflict[k]:
                        log_rate += drift
                    kept.rest[d, j, t, k] = math.exp(min(log_rate, constants.most_log_rate))
            for level in range(n_levels + 1):
                for k in range(n_streams):
                    reach[level, k] = 0
            total = 0
            if exposure > 0:
                calm = 1.0
                if has_ballast:
                    log_calm = 0.0
                    for k in range(n_streams):
                        if rules.calming[k]:
                            recent = calming[k] / (calming[k] + constants.half_saturation)
                            log_calm -= par.ballast[d, k] * recent
                    calm = math.exp(log_calm)
                for k in range(n_streams):
                    rate = kept.rest[d, j, t, k]
                    rate += par.own[d, k] * own[k]
                    rate += par.cross[d, k] * cross[0]
                    if rules.conflict[k]:
                        rate *= calm
                    rate = min(rate, constants.rate_cap) * exposure
                    uniform = numbers.counts[d, j, t, k]
                    if uniform >= 1 - rate:
                        counts[k] = negative_binomial(uniform, rate, par.shape[d, k] * exposure)
                        total += counts[k]
            fell = 0.0
            if total and rules.severe_level >= 0:
                log_odds = par.mark_tension[d] * tension
                log_odds += par.mark_recent[d] * math.log((severe[0] + 0.1) / 0.2)
                log_odds += par.mark_drift[d] * drift
                against = math.exp(-log_odds)
                for k in range(n_streams):
                    left = counts[k]
                    inverse = 1.0
                    for level in range(len(rules.mark_place)):
                        if not left:
                            break
                        inverse *= 1 + par.against[level, d, k] * against
                        place = rules.mark_place[level]
                        if place >= 0:
                            left = binomial(numbers.marks[d, j, t, place, k], left, 1 / inverse)
                            reach[place + 1, k] = left
                            inverse = 1.0
                    fell += reach[rules.severe_level, k]
            if total:
                for q in range(len(first)):
                    hits = 0
                    for k in range(n_streams):
                        if rules.meets[q, k]:
                            hits += reach[rules.target_level[q], k]
                    if hits and first[q, n] == constants.never:
                        share = 1 - (1 - numbers.day[d, j, t]) ** (1 / hits)
                        first[q, n] = begins + math.floor(share * (ends - begins))
            for a in range(len(ahead.stream)):
                if ahead.happens[a, n] and begins <= ahead.day[a, n] < ends:
                    if ahead.severe[a]:
                        fell += 1.0
                    if ahead.stream[a] >= 0:
                        counts[ahead.stream[a]] += 1
                    for q in range(len(first)):
                        if ahead.meets[a, q] and first[q, n] > ahead.day[a, n]:
                            first[q, n] = ahead.day[a, n]
            # What comes later does not change a first day.
            if target >= 0 and first[target, n] != constants.never:
                break
            conflict = 0.0
            for k in range(n_streams):
                came = float(counts[k])
                if t == 0:
                    came += past.last_counts[k]
                if rules.conflict[k]:
                    conflict += came
                own[k] = own[k] * par.own_decay[d] + (1 - par.own_decay[d]) * came
                if has_ballast:
                    calming[k] = (calming[k] + came) * par.ballast_decay[d]
            cross[0] = cross[0] * par.cross_decay[d] + (1 - par.cross_decay[d]) * conflict
            if rules.severe_level >= 0:
                if t == 0:
                    fell += past.last_severe
                severe[0] = (severe[0] + fell) * constants.severe_decay
            t += 1


@numba.njit(**_COMPILED)
def _next_knot(sides: Floats, decay: float, noise: float, normal: float) -> None:
    sides[0], sides[1] = sides[1], decay * sides[1] + noise * normal


@numba.njit(**_COMPILED)
def negative_binomial(uniform: float, mean: float, shape: float) -> int:
    """Quantile of a negative binomial; see ``random_numbers.negative_binomial``."""
    # P(0) is at least exp(−mean), and that at least the first terms of its series.
    if uniform < 1 - mean * (1 - mean / 2 * (1 - mean / 3)) - _ROUNDING:
        return 0
    mass = math.exp(-shape * math.log1p(mean / shape))
    total = mass
    odds = mean / (shape + mean)
    n = 0
    # A tail too thin to move the sum ends the search.
    while uniform >= total and (n == 0 or mass > 1e-17 * total):
        n += 1
        mass = mass * odds * (shape + (n - 1)) / n
        total = total + mass
    return n


@numba.njit(**_COMPILED)
def binomial(uniform: float, trials: int, probability: float) -> int:
    """Quantile of a binomial; see ``random_numbers.binomial``."""
    failure = 1.0 - probability
    if trials == 1:
        return 1 if uniform >= failure else 0
    # (1 − p)ⁿ is at least 1 − np.
    if uniform < 1 - trials * probability - _ROUNDING:
        return 0
    mass = failure**trials
    total = mass
    if trials < 1 or uniform < total:
        return 0
    for n in range(1, trials):
        mass *= (trials - n + 1) / n * (probability / failure)
        total += mass
        if uniform < total:
            return n
    # Without a decision (p = 1, rounding).
    return trials
