"""Paths as machine code, for a process that plays the same draws again and again.

The same arithmetic as ``forecast.simulation.paths`` and ``random_numbers``, path by path and in the same
order, so that the paths are the same. Kept apart since loading the compiler takes longer than a single
simulation saves, and in one file since Numba's cache takes notice of edits in one file only.

Bare axes: n path, t step, d draw, j path of a draw, k stream, m knot, l level of severity, a act, q target.
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
    ``tension_noise`` and ``density_noise`` scale the normals of a knot.
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
    mark_density: Floats  # (d)
    own_decay: Floats  # (d)
    cross_decay: Floats  # (d)
    ballast_decay: Floats  # (d)
    tension_decay: Floats  # (d)
    tension_noise: Floats  # (d)
    density_decay: Floats  # (d)
    density_noise: Floats  # (d)


class Past(NamedTuple):
    """Where the paths of each draw begin: see ``ExcitationState``, and knots left and right of that step.

    ``last_counts`` (k) and ``last_severe`` are acts of the step that the origin cuts short.
    """

    own: Floats  # (d, k)
    cross: Floats  # (d)
    calming: Floats  # (d, k)
    severe: Floats  # (d)
    tension: Floats  # (d, 2)
    density: Floats  # (d, 2)
    last_counts: Floats
    last_severe: float


class Numbers(NamedTuple):
    """Random numbers of all paths; ``tension`` and ``density`` are normals of the knots ahead."""

    counts: Floats  # (t, d, j, k)
    mark: Floats  # (l, t, d, j, k), levels that a target or recent severe acts ask for
    day: Floats  # (t, d, j)
    tension: Floats  # (m, d, j)
    density: Floats  # (m, d, j)


class Rules(NamedTuple):
    """What is counted and met.

    ``coding`` says how far density, if the layout has it, is felt. ``mark_place`` (l) is where the numbers of
    a level stand, from severity 2 on, −1 where it is passed by; ``target_level`` (q) is 0 for all acts, else
    one more than the place of a level, as is ``severe_level`` (−1: no marks); ``meets`` (q, k) tells the
    streams of a target.
    """

    has_density: bool
    coding: Floats  # (k)
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
    density_every: int


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


class Game(NamedTuple):
    """All but the acts ahead, which stays as it is from one simulation to the next."""

    parameters: Parameters
    past: Past
    numbers: Numbers
    rules: Rules
    steps: Steps
    constants: Constants


def play(game: Game, ahead: Ahead, draw: Integers, path: Integers) -> tuple[NDArray[np.int32], Integers, int]:
    """Play some paths, each given by its draw and its place there.

    Returns first days, shape (target, path), not cut at the horizon; acts, shape (path, stream); and how
    many intensities were capped.
    """
    first = np.full((len(game.rules.target_level), len(draw)), game.constants.never, dtype=np.int32)
    acts = np.zeros((len(draw), len(game.rules.coding)), dtype=np.int64)
    return first, acts, int(_play(*game, ahead, draw, path, first, acts))


@numba.njit(**_COMPILED)
def _play(
    par: Parameters,
    past: Past,
    numbers: Numbers,
    rules: Rules,
    steps: Steps,
    constants: Constants,
    ahead: Ahead,
    draw: Integers,
    path: Integers,
    first: NDArray[np.int32],
    acts: Integers,
) -> int:
    n_paths, n_streams, n_levels = len(draw), len(rules.coding), len(numbers.mark)
    has_ballast = rules.calming.any()
    own, cross = past.own[draw], past.cross[draw]
    calming, severe = past.calming[draw], past.severe[draw]
    tension_left, tension_right = past.tension[draw, 0].copy(), past.tension[draw, 1].copy()
    density_left, density_right = past.density[draw, 0].copy(), past.density[draw, 1].copy()
    reach = np.zeros((n_levels + 1, n_streams), dtype=np.int64)
    counts = reach[0]
    log_rate, came = np.empty(n_streams), np.empty(n_streams)
    capped = 0
    for t in range(len(steps.begins)):
        begins, ends = steps.begins[t], steps.ends[t]
        exposure = (ends - begins) / steps.step_days
        knot, within = divmod(steps.first + t, steps.tension_every)
        tension_knot = knot - steps.first // steps.tension_every - 1
        new_tension = t > 0 and within == 0
        tension_part = within / steps.tension_every
        knot, within = divmod(steps.first + t, steps.density_every)
        density_knot = knot - steps.first // steps.density_every - 1
        new_density = t > 0 and within == 0
        density_part = within / steps.density_every
        for n in range(n_paths):
            d, j = draw[n], path[n]
            if new_tension:
                right = par.tension_decay[d] * tension_right[n] + (
                    par.tension_noise[d] * numbers.tension[tension_knot, d, j]
                )
                tension_left[n], tension_right[n] = tension_right[n], right
            tension = (1 - tension_part) * tension_left[n] + tension_part * tension_right[n]
            density = 0.0
            if rules.has_density:
                if new_density:
                    right = par.density_decay[d] * density_right[n] + (
                        par.density_noise[d] * numbers.density[density_knot, d, j]
                    )
                    density_left[n], density_right[n] = density_right[n], right
                density = (1 - density_part) * density_left[n] + density_part * density_right[n]
            reach[:] = 0
            total = 0
            if exposure > 0:
                calm = 1.0
                if has_ballast:
                    calm = _calm(par.ballast[d], calming[n], rules.calming, constants.half_saturation)
                _log_rates(log_rate, par.loading[d], par.log_rate[d], tension)
                if rules.has_density:
                    for k in range(n_streams):
                        log_rate[k] += density * rules.coding[k]
                uniforms = numbers.counts[t, d, j]
                for k in range(n_streams):
                    rate = math.exp(min(log_rate[k], constants.most_log_rate))
                    rate += par.own[d, k] * own[n, k]
                    rate += par.cross[d, k] * cross[n]
                    if rules.conflict[k]:
                        rate *= calm
                    if rate > constants.rate_cap:
                        capped += 1
                        rate = constants.rate_cap
                    rate *= exposure
                    if uniforms[k] >= 1 - rate:
                        counts[k] = negative_binomial(uniforms[k], rate, par.shape[d, k] * exposure)
                        total += counts[k]
                        acts[n, k] += counts[k]
            if total and rules.severe_level >= 0:
                log_odds = par.mark_tension[d] * tension
                log_odds += par.mark_recent[d] * math.log((severe[n] + 0.1) / 0.2)
                if rules.has_density:
                    log_odds -= par.mark_density[d] * density
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
                            left = binomial(numbers.mark[place, t, d, j, k], left, 1 / inverse)
                            reach[place + 1, k] = left
                            inverse = 1.0
            if total:
                for q in range(len(first)):
                    hits = 0
                    for k in range(n_streams):
                        if rules.meets[q, k]:
                            hits += reach[rules.target_level[q], k]
                    if hits and first[q, n] == constants.never:
                        share = 1 - (1 - numbers.day[t, d, j]) ** (1 / hits)
                        first[q, n] = begins + math.floor(share * (ends - begins))
            fell = 0.0
            if total and rules.severe_level >= 0:
                for k in range(n_streams):
                    fell += reach[rules.severe_level, k]
            for a in range(len(ahead.stream)):
                if ahead.happens[a, n] and begins <= ahead.day[a, n] < ends:
                    if ahead.severe[a]:
                        fell += 1.0
                    if ahead.stream[a] >= 0:
                        counts[ahead.stream[a]] += 1
                    for q in range(len(first)):
                        if ahead.meets[a, q] and first[q, n] > ahead.day[a, n]:
                            first[q, n] = ahead.day[a, n]
            for k in range(n_streams):
                came[k] = counts[k]
            if t == 0:
                came += past.last_counts
            _decayed_with(own[n], par.own_decay[d], came)
            conflict = 0.0
            for k in range(n_streams):
                if rules.conflict[k]:
                    conflict += came[k]
            cross[n] *= par.cross_decay[d]
            cross[n] += (1 - par.cross_decay[d]) * conflict
            if has_ballast:
                _with_decayed(calming[n], par.ballast_decay[d], came)
            if t == 0:
                fell += past.last_severe
            if rules.severe_level >= 0:
                severe[n] += fell
                severe[n] *= constants.severe_decay
    return capped


# Loops over the streams, each with few arrays, so that the compiler does several streams at once.


@numba.njit(**_COMPILED)
def _log_rates(log_rate: Floats, loading: Floats, base: Floats, tension: float) -> None:
    for k in range(len(log_rate)):
        log_rate[k] = loading[k] * tension + base[k]


@numba.njit(**_COMPILED)
def _decayed_with(state: Floats, decay: float, came: Floats) -> None:
    for k in range(len(state)):
        state[k] = state[k] * decay + (1 - decay) * came[k]


@numba.njit(**_COMPILED)
def _with_decayed(state: Floats, decay: float, came: Floats) -> None:
    for k in range(len(state)):
        state[k] = (state[k] + came[k]) * decay


@numba.njit(**_COMPILED)
def _calm(ballast: Floats, recent: Floats, calming: Flags, half: float) -> float:
    """Factor of the rates of conflictual acts."""
    log_calm = 0.0
    for k in range(len(ballast)):
        if calming[k]:
            log_calm -= ballast[k] * (recent[k] / (recent[k] + half))
    return math.exp(log_calm)


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
