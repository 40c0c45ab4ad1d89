"""Paths of the relationship played forward as machine code: the one simulator.

A path goes on from the end of the record, week by week: new tension, new drift, acts of every stream, acts
ahead, and what they bring about. Every random number has its place in a counter-based generator (Philox
4×32-10; Salmon, Moraes, Dror and Shaw 2011, doi:10.1145/2063384.2063405): seed, draw, path, step and purpose.
So two futures meet the same luck path by path, some paths may be played without the others, and a count,
which takes one uniform number and rises with its rate, is monotone in the assumptions.

Bare axes: n path that is played, d draw, k stream, t step ahead, m knot of tension, j knot of drift, q
target, a act ahead, v new type of act, s severity less 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from forecast.models.density import Record, between_knots, log_mean_level, mean_pull, severity_weights
from forecast.panel import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    DRIFT_NOISE,
    HALF_SATURATION,
    KNOT_STEPS,
    STEP_DAYS,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Word = np.uint64
"""Of 32 bits."""

NEVER = int(np.iinfo(np.int32).max)
"""First day of a target that does not happen within the horizon."""
RATE_CAP = 200.0
"""Acts a step and stream above which the intensity is cut (and counted)."""
_MOST_LOG_RATE = 20.0
"""Far above the cap, and far below what overflows."""
_ROUNDING = 1e-9
"""Far above what the rounding of a bound can amount to."""

COUNT, TENSION, DRIFT, DAY, CHANCE, WINDOW = 0, 1, 2, 3, 4, 5
"""Purposes of random numbers."""

_COMPILED = {"error_model": "numpy", "fastmath": False, "cache": True, "nogil": True}


class Parameters(NamedTuple):
    """Of the draws, by role."""

    rate: Floats  # (d, k)
    share: Floats  # (d, k): brought by other conflict; 0 where the stream is cooperative
    loading: Floats  # (d, k): times the scale of tension
    own: Floats  # (d, k)
    shape: Floats  # (d, k)
    ballast: Floats  # (d, k): 0 where the stream does not calm
    severity: Floats  # (d): κ
    decays: Floats  # (d, 4): a step of own excitation, of that by conflict, of ballast; a knot of tension
    knots: Floats  # (d, m)
    drift: Floats  # (d, j)
    drift_scale: Floats  # (d)


class Ahead(NamedTuple):
    """Acts ahead and new types; ``stream`` is −1 and ``kind`` that of the new type for acts of new types."""

    key: NDArray[np.uint64]  # (a)
    probability: Floats  # (a)
    first: Integers  # (a): first day, from the origin
    days: Integers  # (a): days among which it may fall
    stream: Integers  # (a)
    kind: Integers  # (a): −1 for acts of the codebook
    severity: Integers  # (a): of conflict, less 1; −1 for other acts
    meets: Flags  # (a, q)
    excites: Floats  # (v, d, k)
    calms: Floats  # (v, d)
    decay: Floats  # (v, d)


@numba.njit(**_COMPILED)
def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[Word, Word, Word, Word]:
    """Four random words of 32 bits for a counter of four and a key of two."""
    mask = np.uint64(0xFFFFFFFF)
    x0, x1, x2, x3 = np.uint64(c0), np.uint64(c1), np.uint64(c2), np.uint64(c3)
    a, b = np.uint64(k0), np.uint64(k1)
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * x0
        p1 = np.uint64(0xCD9E8D57) * x2
        x0, x1, x2, x3 = (
            (p1 >> np.uint64(32)) ^ x1 ^ a,
            p1 & mask,
            (p0 >> np.uint64(32)) ^ x3 ^ b,
            p0 & mask,
        )
        a = (a + np.uint64(0x9E3779B9)) & mask
        b = (b + np.uint64(0xBB67AE85)) & mask
    return x0, x1, x2, x3


@numba.njit(**_COMPILED)
def _unit(word: Word) -> float:
    """Uniform number in (0, 1) of a word."""
    return (float(word) + 0.5) * 2.0**-32


@numba.njit(**_COMPILED)
def _normal(d: int, j: int, place: int, purpose: int, seed: Integers) -> float:
    w0, w1, _, _ = philox(d, j, place, purpose << 8, seed[0], seed[1])
    return math.sqrt(-2.0 * math.log(_unit(w0))) * math.cos(2.0 * math.pi * _unit(w1))


@numba.njit(**_COMPILED)
def act_number(d: int, j: int, key: int, purpose: int, seed: Integers) -> float:
    """Uniform number of an act on a path: whether it happens (``CHANCE``), when (``WINDOW``)."""
    mask = np.uint64(0xFFFFFFFF)
    low, high = np.uint64(key) & mask, np.uint64(key) >> np.uint64(32)
    word, _, _, _ = philox(d, j, low, purpose << 8, np.uint64(seed[0]) ^ high, seed[1])
    return float(_unit(word))


@numba.njit(**_COMPILED)
def act_numbers(
    draws: Integers, n_paths: int, keys: NDArray[np.uint64], purpose: int, seed: Integers
) -> Floats:
    """The same for acts, draws and the first paths of each, shape (a, draw, path)."""
    numbers = np.empty((len(keys), len(draws), n_paths))
    for a in range(len(keys)):
        for i in range(len(draws)):
            for j in range(n_paths):
                numbers[a, i, j] = act_number(draws[i], j, keys[a], purpose, seed)
    return numbers


@numba.njit(**_COMPILED)
def play(
    par: Parameters,
    record: Record,
    meets: Flags,  # (q, k)
    ahead: Ahead,
    seed: Integers,  # two words of 32 bits
    draw: Integers,  # (n): draws one after the other are read from the record once
    path: Integers,  # (n)
    begins: int,  # day from the origin on which the last step of the record begins, 0 or less
    horizon_days: int,
    target: int,  # paths end where it is met; −1: none
    first: NDArray[np.int32],  # (q, n), to be filled
    acts: NDArray[np.int32],  # (n, k), to be filled
) -> tuple[int, int]:
    """Play paths; return the number of intensities that were cut, and of all."""
    n_targets, n_streams = meets.shape
    n_types, n_ahead = len(ahead.calms), len(ahead.key)
    last = record.counts.shape[1] - 1
    left_knot, left_drift = last // KNOT_STEPS, last // DRIFT_KNOT_STEPS
    conflict, calming = record.conflict, record.calming
    has_ballast = calming.any()
    own0, own = np.zeros(n_streams), np.zeros(n_streams)
    calm0, calmed = np.zeros(n_streams), np.zeros(n_streams)
    ordinary, weight_of = np.zeros(n_streams), np.zeros(n_streams)
    recent = np.zeros(n_types)
    counts = np.zeros(n_streams, dtype=np.int64)
    happens_on = np.zeros(n_ahead, dtype=np.int64)
    words = np.zeros(4, dtype=np.uint64)
    known = -1
    pull0 = level = mean = 0.0
    weight = np.zeros(5)
    capped = cells = 0
    for n in range(len(draw)):
        d, j = draw[n], path[n]
        own_decay, cross_decay, calm_decay, knot_decay = par.decays[d]
        if d != known:
            known = d
            weight = severity_weights(par.severity[d])
            mean = mean_pull(record, weight)[0]
            past_drift = between_knots(par.drift[d], DRIFT_KNOT_STEPS, last + 1)
            level = log_mean_level(past_drift, record.last_exposure)
            pull0 = _past(record, last, weight, par.decays[d], own0, calm0)
            for k in range(n_streams):
                loading = par.loading[d, k]
                ordinary[k] = math.log(par.rate[d, k] * (1.0 - par.share[d, k])) - 0.5 * loading * loading
                if conflict[k] > 0.0:
                    ordinary[k] -= level
                weight_of[k] = 0.0
                for s in range(5):
                    weight_of[k] += record.mix[k, s] * weight[s]
        own[:] = own0
        calmed[:] = calm0
        pull = pull0
        recent[:] = 0.0
        tension_left, tension_right = par.knots[d, left_knot], par.knots[d, left_knot + 1]
        drift_left, drift_right = par.drift[d, left_drift], par.drift[d, left_drift + 1]
        knot_noise = math.sqrt(1.0 - knot_decay * knot_decay)
        for a in range(n_ahead):
            happens_on[a] = -1
            if act_number(d, j, ahead.key[a], CHANCE, seed) < ahead.probability[a]:
                happens_on[a] = ahead.first[a]
                if ahead.days[a] > 1:
                    place = act_number(d, j, ahead.key[a], WINDOW, seed)
                    happens_on[a] += int(place * ahead.days[a])
        for q in range(n_targets):
            first[q, n] = NEVER
        acts[n, :] = 0
        step, day = last, begins
        while day < horizon_days:
            start, end = max(day, 0), day + STEP_DAYS
            if step > last and step % KNOT_STEPS == 0:
                normal = _normal(d, j, step // KNOT_STEPS + 1, TENSION, seed)
                tension_left, tension_right = tension_right, knot_decay * tension_right + knot_noise * normal
            if step > last and step % DRIFT_KNOT_STEPS == 0:
                normal = _normal(d, j, step // DRIFT_KNOT_STEPS + 1, DRIFT, seed)
                drift_left = drift_right
                drift_right = DRIFT_DECAY * drift_right + par.drift_scale[d] * DRIFT_NOISE * normal
            part = step % KNOT_STEPS / KNOT_STEPS
            tension = (1.0 - part) * tension_left + part * tension_right
            part = step % DRIFT_KNOT_STEPS / DRIFT_KNOT_STEPS
            drift = (1.0 - part) * drift_left + part * drift_right
            total = 0
            counts[:] = 0
            if end > start:
                exposure = (end - start) / STEP_DAYS
                log_calm = 0.0
                if has_ballast:
                    for k in range(n_streams):
                        if calming[k] > 0.0:
                            log_calm -= par.ballast[d, k] * calmed[k] / (calmed[k] + HALF_SATURATION)
                for v in range(n_types):
                    log_calm -= ahead.calms[v, d] * recent[v]
                calm = math.exp(log_calm)
                for k in range(n_streams):
                    log_rate = ordinary[k] + par.loading[d, k] * tension
                    if conflict[k] > 0.0:
                        log_rate += drift
                    rate = math.exp(min(log_rate, _MOST_LOG_RATE)) + par.own[d, k] * own[k]
                    rate += par.rate[d, k] * par.share[d, k] * pull / mean
                    for v in range(n_types):
                        rate += ahead.excites[v, d, k] * (1.0 - ahead.decay[v, d]) * recent[v]
                    if conflict[k] > 0.0:
                        rate *= calm
                    cells += 1
                    if rate > RATE_CAP:
                        capped += 1
                        rate = RATE_CAP
                    rate *= exposure
                    if k % 4 == 0:
                        words[0], words[1], words[2], words[3] = philox(
                            d, j, step, COUNT << 8 | k // 4, seed[0], seed[1]
                        )
                    uniform = _unit(words[k % 4])
                    if uniform >= 1.0 - rate:
                        counts[k] = negative_binomial(uniform, rate, par.shape[d, k] * exposure)
                        total += counts[k]
                if total:
                    uniform = -1.0
                    for q in range(n_targets):
                        hits = 0
                        if first[q, n] == NEVER:
                            for k in range(n_streams):
                                if meets[q, k]:
                                    hits += counts[k]
                        if hits:
                            if uniform < 0.0:
                                word, _, _, _ = philox(d, j, step, DAY << 8, seed[0], seed[1])
                                uniform = _unit(word)
                            share = 1.0 - (1.0 - uniform) ** (1.0 / hits)
                            first[q, n] = start + int(share * (end - start))
                    for k in range(n_streams):
                        acts[n, k] += counts[k]
            came = 0.0
            for k in range(n_streams):
                if conflict[k] > 0.0:
                    came += weight_of[k] * counts[k]
            for v in range(n_types):
                recent[v] *= ahead.decay[v, d]
            for a in range(n_ahead):
                if start <= happens_on[a] < end:
                    k = ahead.stream[a]
                    if k >= 0:
                        counts[k] += 1
                        if ahead.severity[a] >= 0:
                            came += weight[ahead.severity[a]]
                    if ahead.kind[a] >= 0:
                        recent[ahead.kind[a]] += 1.0
                    for q in range(n_targets):
                        if ahead.meets[a, q] and first[q, n] > happens_on[a]:
                            first[q, n] = happens_on[a]
            # What comes later does not change a first day.
            if target >= 0 and first[target, n] != NEVER:
                break
            if step == last:
                for s in range(5):
                    came += weight[s] * record.graded[last, s]
            for k in range(n_streams):
                felt = float(counts[k])
                if step == last:
                    felt += record.felt[k, last]
                own[k] = own_decay * own[k] + (1.0 - own_decay) * felt
                if calming[k] > 0.0:
                    calmed[k] = calm_decay * (calmed[k] + felt)
            pull = cross_decay * pull + (1.0 - cross_decay) * came
            step += 1
            day += STEP_DAYS
        for q in range(n_targets):
            if first[q, n] >= horizon_days:
                first[q, n] = NEVER
    return capped, cells


@numba.njit(**_COMPILED)
def _past(record: Record, last: int, weight: Floats, decays: Floats, own: Floats, calmed: Floats) -> float:
    """Fill own excitation and ballast before the last step of the record; return the pull of conflict."""
    own[:] = 0.0
    calmed[:] = 0.0
    pull = 0.0
    for t in range(last):
        came = 0.0
        for s in range(5):
            came += weight[s] * record.graded[t, s]
        pull = decays[1] * pull + (1.0 - decays[1]) * came
        for k in range(len(own)):
            own[k] = decays[0] * own[k] + (1.0 - decays[0]) * record.felt[k, t]
            if record.calming[k] > 0.0:
                calmed[k] = decays[2] * (calmed[k] + record.felt[k, t])
    return pull


@numba.njit(**_COMPILED)
def negative_binomial(uniform: float, mean: float, shape: float) -> int:
    """Quantile of a negative binomial: the smallest n with P(N ≤ n) > ``uniform``, in [0, 1).

    ``shape`` is α of the gamma mixture: variance = mean + mean²/α.
    """
    # P(0) is at least exp(−mean), and that at least the first terms of its series.
    if uniform < 1.0 - mean * (1.0 - mean / 2.0 * (1.0 - mean / 3.0)) - _ROUNDING:
        return 0
    mass = math.exp(-shape * math.log1p(mean / shape))
    total = mass
    odds = mean / (shape + mean)
    n = 0
    # A tail too thin to move the sum ends the search.
    while uniform >= total and (n == 0 or mass > 1e-17 * total):
        n += 1
        mass *= odds * (shape + (n - 1)) / n
        total += mass
    return n
