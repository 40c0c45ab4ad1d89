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


class Parameters(NamedTuple):
    """Of the draws; names as in ``StreamDraws``.

    ``odds`` (l, d, k) are log odds at mean tension of the severities from 2 on; ``tension_noise`` and
    ``density_noise`` scale the normals of a knot.
    """

    loading: Floats  # (d, k)
    log_rate: Floats  # (d, k)
    own: Floats  # (d, k)
    cross: Floats  # (d, k)
    shape: Floats  # (d, k)
    ballast: Floats  # (d, k)
    odds: Floats
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

    count: Floats  # (t, d, j, k)
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
def _play(  # noqa: ANN202 (a number)
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
):
    n_paths, n_streams, n_levels = len(draw), len(rules.coding), len(numbers.mark)
    has_ballast = rules.calming.any()
    own, cross = past.own[draw], past.cross[draw]
    calming, severe = past.calming[draw], past.severe[draw]
    tension_left, tension_right = past.tension[draw, 0].copy(), past.tension[draw, 1].copy()
    density_left, density_right = past.density[draw, 0].copy(), past.density[draw, 1].copy()
    reach = np.zeros((n_levels + 1, n_streams), dtype=np.int64)
    counts = reach[0]
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
                calm = 0.0
                if has_ballast:
                    for k in range(n_streams):
                        if rules.calming[k]:
                            recent = calming[n, k]
                            calm -= par.ballast[d, k] * (recent / (recent + constants.half_saturation))
                    calm = math.exp(calm)
                for k in range(n_streams):
                    rate = par.loading[d, k] * tension
                    rate += par.log_rate[d, k]
                    if rules.has_density:
                        rate += density * rules.coding[k]
                    rate = math.exp(min(rate, constants.most_log_rate))
                    rate += par.own[d, k] * own[n, k]
                    rate += par.cross[d, k] * cross[n]
                    if has_ballast and rules.conflict[k]:
                        rate *= calm
                    if rate > constants.rate_cap:
                        capped += 1
                        rate = constants.rate_cap
                    rate *= exposure
                    uniform = numbers.count[t, d, j, k]
                    if uniform >= 1 - rate:
                        counts[k] = _negative_binomial(uniform, rate, par.shape[d, k] * exposure)
                        total += counts[k]
                        acts[n, k] += counts[k]
            if total and rules.severe_level >= 0:
                log_odds = par.mark_tension[d] * tension
                log_odds += par.mark_recent[d] * math.log((severe[n] + 0.1) / 0.2)
                if rules.has_density:
                    log_odds -= par.mark_density[d] * density
                for k in range(n_streams):
                    left = counts[k]
                    passed = 1.0
                    if left:
                        for level in range(len(rules.mark_place)):
                            passed /= 1 + math.exp(-(par.odds[level, d, k] + log_odds))
                            place = rules.mark_place[level]
                            if place >= 0:
                                left = _binomial(numbers.mark[place, t, d, j, k], left, passed)
                                reach[place + 1, k] = left
                                passed = 1.0
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
            conflict = 0.0
            for k in range(n_streams):
                came = float(counts[k])
                if t == 0:
                    came += past.last_counts[k]
                own[n, k] *= par.own_decay[d]
                own[n, k] += (1 - par.own_decay[d]) * came
                if rules.conflict[k]:
                    conflict += came
                if has_ballast:
                    calming[n, k] += came
                    calming[n, k] *= par.ballast_decay[d]
            cross[n] *= par.cross_decay[d]
            cross[n] += (1 - par.cross_decay[d]) * conflict
            if t == 0:
                fell += past.last_severe
            if rules.severe_level >= 0:
                severe[n] += fell
                severe[n] *= constants.severe_decay
    return capped


@numba.njit(**_COMPILED)
def _negative_binomial(uniform: float, mean: float, shape: float):  # noqa: ANN202 (a whole number)
    """Quantile of a negative binomial; see ``random_numbers.negative_binomial``."""
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
def _binomial(uniform: float, trials: int, probability: float):  # noqa: ANN202 (a whole number)
    """Quantile of a binomial; see ``random_numbers.binomial``."""
    failure = 1.0 - probability
    if trials == 1:
        return 1 if uniform >= failure else 0
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
