"""Exact chances: the probability that no target has happened before each day, with all acts summed out.

An act is the root of a cluster that is independent of all others, since intensities are sums. With n days
left after its own, φ(j; n) is the chance that no target is among its descendants:

    φ(j; n) = exp(−L_j(n)),   L_j(n) = Σ_k mass_k(j)·Q_k(n),   Q_k(n) = Σ_{i=1..n} g(i)·u_k(n − i)
    u_k(n)  = 1 where k meets the target, else 1 − Σ_s mix_k(s)·exp(−L_{k,s}(n))

so one recursion forward in n gives everything. Immigrants and what past acts still bring about add up in
−log S; an act ahead on day d, which happens with probability p, multiplies S(h) by
1 − p + p·1[it is no target]·φ(h − 1 − d). Only tension and drift are drawn ahead: S of a draw is the mean
over its futures. (Generating functionals of cluster processes: Hawkes and Oakes 1974, doi:10.2307/3212693.)

The same recursion counts. With f_k(n, j) the chance that a cluster holds exactly j acts that count, its root
included, and ℓ_j its sums as L has them of u, the descendants of an act have the generating function

    exp(−L + Σ_j ℓ_j·zʲ),   j·e_j = Σ_{i=1..j} i·ℓ_i·e_{j−i},   e_0 = exp(−L)

so that f_k is the mean of e over severities, one place on where the root counts, and the number of all acts
follows from the expected number of clusters by size likewise (Panjer 1981, doi:10.1017/S0515036100006796).

Ballast is not linear in acts: it multiplies immigrants, and takes cooperation at its expected course plus
what the acts ahead add.

Bare axes as in ``forecast.models.density``; besides, target q, future f, day h or t from the origin, n days
left, and N for the days of ``Chances.days``, between which −log S and L are taken as linear.
"""

from __future__ import annotations

import functools
import math
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from forecast.events.codebook import COOPERATIVE
from forecast.grid import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    DRIFT_NOISE,
    HALF_SATURATION,
    KNOT_STEPS,
    STEP_DAYS,
    drift_knots_for,
    knots_for,
)
from forecast.models import density
from forecast.models.density import REFERENCE, SEVERITIES, Arrays, Priors, compiled, inner
from forecast.models.draws import StreamDraws, linear_between, ornstein_uhlenbeck, prior_arrays, record_of
from forecast.priors import PriorSet
from forecast.streams import Acts, occasion_chances
from forecast.targets import FutureAct, Reaction

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

FUTURES = 8
"""Futures of tension and drift that a draw is averaged over; every second mirrors the one before."""
ORDER = 6
"""Acts of a cluster that are counted exactly."""
MOST_COUNTED = 1000
"""Acts at which counting ends."""
_LEAST_ABOVE = 1e-13
"""Chance of more acts below which none are counted."""
DAILY = 30
"""Days after which chances are computed weekly, and interpolated."""
_KEPT_CURVES = 100
_LEAST = 1e-300
_FORGOTTEN = 80
"""Half-lives after which nothing is left of an act, to the last digit of a million others."""
_LANES = 16
"""Draws that the recursion takes at once, so that the processor computes several by one instruction."""
_SETTLED = 1e-10
"""Targets that the immigrants of a day lead to with one more day left, below which no day adds any more."""


@inner
def _chance_of_any(expected: float) -> float:
    """1 − exp(−x) for x ≥ 0, with all digits where x is small, and without branch or division.

    The series of exp(y) − 1 at y = −x/16, squared four times: exp(2y) − 1 = e·(e + 2).
    """
    y = min(expected, 32.0) * -0.0625
    e = 1.0 / 5040.0 + y * (1.0 / 40320.0 + y * (1.0 / 362880.0))
    e = 1.0 / 24.0 + y * (1.0 / 120.0 + y * (1.0 / 720.0 + y * e))
    e = y + y * y * (0.5 + y * (1.0 / 6.0 + y * e))
    for _ in range(4):
        e = e * (e + 2.0)
    return -e


@inner
def _left_of_late(late: Floats, life: float) -> float:
    number, n_days = 0.0, len(late)
    for day in range(n_days):
        number += late[day] * math.exp(-(n_days - 1 - day) * math.log(2.0) / life)
    return number


@compiled
def left_of_past(values: Floats, priors: Priors, record: Arrays, sets_off: Flags) -> tuple[Floats, Floats]:
    """Past acts by stream and severity, (k, s), and by reaction, (i, s), weighted by what is left of them.

    The answer of weight 1 comes as that to an act on the last day before the origin. Acts that are still to
    be reported count as many as one may expect.
    """
    o = priors.offset
    n_days = len(record.completeness)
    left = np.zeros((len(record.side), SEVERITIES))
    left_reaction = np.zeros((len(record.then), SEVERITIES))
    longest = max(values[o[density.ANSWER_LIFE]], values[o[density.FOLLOW_LIFE]])
    for i in range(len(record.then)):
        longest = max(longest, values[o[density.REACTION_LIFE] + i])
    first = np.searchsorted(record.day, n_days - 1 - _FORGOTTEN * longest)
    for j in range(first, len(record.day)):
        k = record.stream[j]
        age = (n_days - 1 - record.day[j]) * math.log(2.0)
        if k >= 0:
            life = values[o[density.ANSWER_LIFE]] if record.side[k] >= 0 else values[o[density.FOLLOW_LIFE]]
            left[k, record.grade[j]] += math.exp(-age / life)
        for i in range(len(record.then)):
            if record.trigger[i, j] > 0.0 or (k >= 0 and sets_off[i, k]):
                life = values[o[density.REACTION_LIFE] + i]
                left_reaction[i, record.grade[j]] += math.exp(-age / life)
    if record.completeness.min() < 1.0:
        late = density.unreported(values, priors, record, sets_off)
        for k in range(len(record.side)):
            life = values[o[density.ANSWER_LIFE]] if record.side[k] >= 0 else values[o[density.FOLLOW_LIFE]]
            number = _left_of_late(late[:, k], life)
            for s in range(SEVERITIES):
                left[k, s] += record.mix[k, s] * number
            for i in range(len(record.then)):
                number = _left_of_late(late[:, k], values[o[density.REACTION_LIFE] + i])
                for s in range(SEVERITIES if sets_off[i, k] else 0):
                    left_reaction[i, s] += record.mix[k, s] * number
    return left, left_reaction


class Roots(NamedTuple):
    """What acts lead to, whatever moves the immigrants ahead; axes draw d, target q, days N.

    Parameters
    ----------
    past : ndarray, shape (d, q, N)
        Targets that past acts still lead to, one may expect.
    reacted : ndarray, shape (d, q, N)
        The part of it by reactions.
    immigrants : ndarray, shape (d, q, n, c)
        The same of immigrants with fewer than n days left, while nothing moves them.
    settled : ndarray of int, shape (d,)
        Days left from which one more adds always the same.
    tables : ndarray, shape (q, pair + i, N, d)
        L of acts by stream and severity, then of a trigger of severity ``REFERENCE`` by reaction.
    """

    past: Floats
    reacted: Floats
    immigrants: Floats
    settled: Integers
    tables: Floats


@compiled
def _expected_of_draws(
    roots: Roots, moved: Floats, starts: Integers, days: Integers, expected: Floats
) -> None:
    """Write the clusters that one may expect, (d, row, N, f).

    ``moved`` (d, week, c, f) is what moves each category in the weeks ahead, which begin on the days
    ``starts``, (week + 1,).
    """
    n_draws, n_weeks, _, n_futures = moved.shape
    whole = np.zeros((n_weeks + 1, n_futures))
    for d in range(n_draws):
        for row in range(roots.past.shape[1]):
            immigrants = roots.immigrants[d, row]
            used = np.flatnonzero(immigrants[-1] > 0.0)
            # Immigrants on the days t0 … t1 − 1 that lead to a target before h add Σ_t r·u(h − 1 − t). Where
            # that is settled for all of them, the week adds the same whatever h.
            for w in range(n_weeks):
                lasting = starts[w + 1] - starts[w]
                for f in range(n_futures):
                    whole[w + 1, f] = whole[w, f]
                for c in used:
                    part = (immigrants[-1, c] - immigrants[-2, c]) * lasting
                    for f in range(n_futures):
                        whole[w + 1, f] += moved[d, w, c, f] * part
            begin = 0
            for place in range(len(days)):
                h = days[place]
                while begin < n_weeks and h - starts[begin + 1] >= roots.settled[d]:
                    begin += 1
                for f in range(n_futures):
                    expected[d, row, place, f] = roots.past[d, row, place] + whole[begin, f]
                for w in range(begin, n_weeks):
                    first = h - starts[w]
                    if first <= 0:
                        break
                    last = max(h - starts[w + 1], 0)
                    for c in used:
                        part = immigrants[first, c] - immigrants[last, c]
                        for f in range(n_futures):
                            expected[d, row, place, f] += moved[d, w, c, f] * part


class Ahead(NamedTuple):
    """Acts ahead, a, in order of their kinds, and what their kinds, p parts in all, may be.

    An act comes with a ``chance``, as likely on any of ``length`` days from ``first`` on.
    """

    chance: Floats  # (a)
    first: Integers  # (a)
    length: Integers  # (a)
    begin: Integers  # (a): first part of its kind
    end: Integers  # (a): the one after its last
    table: Integers  # (p): that of what it leads to
    share: Floats  # (p)
    itself: Flags  # (q, p): it counts


@inner
def _number_of(clusters: Floats, rate: Floats, chance: Floats) -> int:
    """Write the chances of 0, 1, … acts, (n, m), of its last place or fewer; return how many are told.

    ``clusters`` (j, m) may be expected: of any act that counts, then of exactly j; those of more count as one
    more than the last. ``rate`` (j + 1, m) is written over.
    """
    parts, width = clusters.shape
    above = np.empty(width)
    for m in range(width):
        rest = clusters[0, m]
        for j in range(1, parts):
            rest -= clusters[j, m]
            rate[j, m] = j * clusters[j, m]
        rate[parts, m] = parts * max(rest, 0.0)
        chance[0, m] = math.exp(-clusters[0, m])
        above[m] = 1.0 - chance[0, m]
    for n in range(1, len(chance)):
        if above.max() < _LEAST_ABOVE:
            return n
        chance[n] = 0.0
        for j in range(1, min(n, parts) + 1):
            for m in range(width):
                chance[n, m] += rate[j, m] * chance[n - j, m]
        for m in range(width):
            chance[n, m] /= n
            above[m] -= chance[n, m]
    return len(chance)


@inner
def _number_after(
    left: int,
    of_act: Floats,
    days: Integers,
    ahead: Ahead,
    a: int,
    target: int,
    clusters: Floats,
    own: Floats,
    found: Floats,
) -> int:
    """Write the chances of so many by an act with so many days ``left``; return how many are told.

    ``of_act`` (j, table, N, m) are its clusters on ``days``, between which they are taken as linear.
    ``clusters`` (2j + 1, m) and ``own``, as ``found`` (n, m), are written over.
    """
    n_parts, size = len(of_act), 1
    at: Any = min(max(np.searchsorted(days, left) - 1, 0), len(days) - 2)
    part = min((left - days[at]) / (days[at + 1] - days[at]), 1.0)
    found[0] = 0.0
    for kind in range(ahead.begin[a], ahead.end[a]):
        table = ahead.table[kind]
        for j in range(n_parts):
            for m in range(clusters.shape[1]):
                clusters[j, m] = (1.0 - part) * of_act[j, table, at, m] + part * of_act[j, table, at + 1, m]
        one = 1 if ahead.itself[target, kind] else 0
        told: int = min(_number_of(clusters[:n_parts], clusters[n_parts:], own) + one, len(found))
        if told > size:
            found[size:told] = 0.0
            size = told
        for n in range(one, told):
            for m in range(found.shape[1]):
                found[n, m] += ahead.share[kind] * own[n - one, m]
    return size


@compiled
def _add_numbers(
    mean: Floats, weights: Floats, led: Floats, days: Integers, ahead: Ahead, asked: Integers, found: Floats
) -> None:
    """Add the chances of so many acts before the days ``asked`` to ``found`` (q, h, n); at its last of more.

    ``mean`` (q, h, f, j, m) are clusters, ``led`` (q, j, table, N, m) those of acts ahead, by days
    left, ``weights`` (f, m) those of futures and draws. A number is cut where hardly any chance is left.
    """
    n_targets, n_asked, n_futures, n_parts, width = mean.shape
    most = found.shape[2] - 1
    chance, own, number = np.empty((most, width)), np.empty((most, width)), np.empty((n_asked, most, width))
    size, clusters = np.empty(n_asked, dtype=np.int64), np.empty((2 * n_parts + 1, width))
    # Numbers by acts of a kind with so many days left, one after the other.
    after, used, fresh = np.empty((most, width)), 0, np.empty((most, width))
    begun, told = np.zeros((2, asked.max() + 1), dtype=np.int64)
    whole = np.zeros(width)
    for f in range(n_futures):
        whole += weights[f]
    for q in range(n_targets):
        for place in range(n_asked):
            size[place] = 0
            for f in range(n_futures):
                length = _number_of(mean[q, place, f], clusters[n_parts:], chance)
                if length > size[place]:
                    number[place, size[place] : length] = 0.0
                    size[place] = length
                for n in range(length):
                    for m in range(width):
                        number[place, n, m] += weights[f, m] / whole[m] * chance[n, m]
        for a in range(len(ahead.chance)):
            if a == 0 or ahead.begin[a] != ahead.begin[a - 1]:
                told[:] = used = 0
            for place in range(n_asked):
                length = 0
                chance[0] = 0.0
                for day in range(ahead.first[a], ahead.first[a] + ahead.length[a]):
                    left = asked[place] - 1 - day
                    if left < 0:
                        chance[0] += (ahead.first[a] + ahead.length[a] - day) / ahead.length[a]
                        break
                    if told[left] == 0:
                        told[left] = _number_after(left, led[q], days, ahead, a, q, clusters, own, fresh)
                        begun[left], used = used, used + told[left]
                        if used > len(after):
                            after = np.concatenate((after, np.empty((used, width))))
                        for n in range(told[left]):
                            for m in range(width):
                                after[begun[left] + n, m] = fresh[n, m]
                    if told[left] > length:
                        chance[max(length, 1) : told[left]] = 0.0
                        length = told[left]
                    for n in range(told[left]):
                        for m in range(width):
                            chance[n, m] += after[begun[left] + n, m] / ahead.length[a]
                if length:
                    size[place] = _added(number[place], size[place], chance, length, ahead.chance[a])
        for place in range(n_asked):
            for m in range(width):
                above = whole[m]
                for n in range(size[place]):
                    found[q, place, n] += whole[m] * number[place, n, m]
                    above -= whole[m] * number[place, n, m]
                found[q, place, most] += max(above, 0.0)


@inner
def _added(number: Floats, size: int, more: Floats, length: int, probability: float) -> int:
    """Add a number that comes with a probability to another, and return how many are told of both."""
    whole, width = min(size + length - 1, len(number)), number.shape[1]
    number[size:whole] = 0.0
    total, above = np.empty(width), np.zeros(width)
    for n in range(whole - 1, -1, -1):
        total[:] = 0.0
        for j in range(max(n - size + 1, 0), min(n, length - 1) + 1):
            for m in range(width):
                total[m] += more[j, m] * number[n - j, m]
        for m in range(width):
            number[n, m] = (1.0 - probability) * number[n, m] + probability * total[m]
    while whole > 1:
        above += number[whole - 1]
        if above.max() >= _LEAST_ABOVE:
            break
        whole -= 1
    return whole


class Asked(NamedTuple):
    """What is asked of the clusters: which acts count, and on which days."""

    counted: Flags  # (q, k, s): acts that count as each target
    order: int  # largest number of them in a cluster that is told; 0: whether there is any
    sets_off: Flags  # (i, k): streams whose acts set off each reaction
    days: Integers  # (N)
    pairs: Integers  # (pair, 2): streams and severities less 1 of which L is wanted
    streams: Integers  # all but those of cooperation of whose acts nothing asked can come
    hostile: Integers  # categories of conflict


class Batch(NamedTuple):
    """Parameters of the draws m that are taken at once; they come last, so that loops are vector code."""

    rate: Floats  # (k, m): immigrants a day
    decay: Floats  # (k, m): of what comes of an act, a day
    kind_share: Floats  # (side, c, m): of a category in its side
    weight: Floats  # (4, m): answers of any kind and in kind by the same side, then by the other
    close: Floats  # (s, k, m): share of a stream in its category, times the factor of the severity answered
    left: Floats  # (s, k, m): see ``left_of_past``
    answer: Floats  # (i, s, k, m): answers of a stream to a trigger
    reaction_decay: Floats  # (i, m)
    left_reaction: Floats  # (i, s, m)
    follow_on: Floats  # (m)


class Recursion(NamedTuple):
    """State of the recursion forward in days left n, for the draws of a batch.

    Of each target there is a row for u, the chance that an act leads to any act that counts, with n days left
    after it, then one for each number j of them up to the order.
    """

    hit: Floats  # (row, k, m): u and f
    answered: Floats  # (row, k, m): Q of the kernel of the stream
    answered_reaction: Floats  # (row, i, k, m): Q of the kernel of the reaction
    immigrants: Floats  # (row, c, m): clusters of immigrants of the last n days
    new: Floats  # (k, m): 1 less the decay over the days since the last step
    new_reaction: Floats  # (i, m)
    brought: Floats  # (j, s, k, m): L and ℓ of an act, of the target at hand
    reacted: Floats  # (j, i, s, m): their part by a reaction
    added: Floats  # (m): by how much the step changes the clusters of a day's immigrants


@inner
def _empty_batch(asked: Asked, record: Arrays, width: int) -> tuple[Batch, Recursion]:
    n_streams, n_reactions, parts = len(record.side), len(record.then), asked.order + 1
    n_rows = len(asked.counted) * parts
    shape = (n_streams, width)
    batch = Batch(
        np.empty(shape),
        np.empty(shape),
        np.zeros((2, record.n_categories, width)),
        np.empty((4, width)),
        np.zeros((SEVERITIES, n_streams, width)),
        np.zeros((SEVERITIES, n_streams, width)),
        np.zeros((n_reactions, SEVERITIES, n_streams, width)),
        np.empty((n_reactions, width)),
        np.zeros((n_reactions, SEVERITIES, width)),
        np.empty(width),
    )
    recursion = Recursion(
        np.zeros((n_rows, n_streams, width)),
        np.zeros((n_rows, n_streams, width)),
        np.zeros((n_rows, n_reactions, n_streams, width)),
        np.zeros((n_rows, record.n_categories, width)),
        np.empty(shape),
        np.empty((n_reactions, width)),
        np.zeros((parts, SEVERITIES, n_streams, width)),
        np.zeros((parts, n_reactions, SEVERITIES, width)),
        np.empty(width),
    )
    return batch, recursion


@inner
def _read_draw(batch: Batch, m: int, own: Floats, priors: Priors, record: Arrays, sets_off: Flags) -> None:
    """Write the parameters of a draw, (coordinate,), into place m of a batch."""
    o, n_streams = priors.offset, len(record.side)
    rates = density.stream_rates(own, priors, record)
    in_side, in_kind, factor, grave = density.answer_weights(own, rates, priors, record)
    then = density.reaction_shares(own, rates, grave, priors, record)
    of_stream, of_reaction = left_of_past(own, priors, record, sets_off)
    for k in range(n_streams):
        batch.rate[k, m] = rates[k] / STEP_DAYS
        life = own[o[density.ANSWER_LIFE]] if record.side[k] >= 0 else own[o[density.FOLLOW_LIFE]]
        batch.decay[k, m] = 2.0 ** (-1.0 / life)
        if record.side[k] >= 0:
            batch.kind_share[record.side[k], record.category[k], m] = in_side[k] / in_kind[k]
        for s in range(SEVERITIES):
            batch.close[s, k, m] = factor[s, k] * in_kind[k]
            batch.left[s, k, m] = of_stream[k, s]
    batch.follow_on[m] = own[o[density.FOLLOW_ON]]
    for e in range(2):
        batch.weight[2 * e, m] = own[o[density.ANSWERS] + e] * (1.0 - own[o[density.IN_KIND] + e])
        batch.weight[2 * e + 1, m] = own[o[density.ANSWERS] + e] * own[o[density.IN_KIND] + e]
    for i in range(len(record.then)):
        batch.reaction_decay[i, m] = 2.0 ** (-1.0 / own[o[density.REACTION_LIFE] + i])
        for s in range(SEVERITIES):
            graver = math.exp(own[o[density.REACTION_SEVERITY] + i] * (s - REFERENCE))
            batch.left_reaction[i, s, m] = of_reaction[i, s]
            for k in range(n_streams):
                batch.answer[i, s, k, m] = own[o[density.REACTION] + i] * graver * grave[s, k] * then[i, k]


@inner
def _descend(
    row: int,
    part: int,
    batch: Batch,
    recursion: Recursion,
    record: Arrays,
    streams: Integers,
    hostile: Integers,
    whole: bool,
) -> None:
    """Write L of an act of each stream and severity, without reactions, and its part by each reaction.

    Of a further ``part`` of the target it is ℓ. Of severities that a stream lacks only where it is asked for
    the ``whole``.
    """
    rate, _, kind_share, weight, close, _, answer, _, _, follow_on = batch
    hits, answered, answered_reaction, _, new, new_reaction, _, _, _ = recursion
    brought, reacted = recursion.brought[part], recursion.reacted[part]
    width, then = rate.shape[1], record.then
    by_side, of_side = np.zeros((2, SEVERITIES, width)), np.empty((2, SEVERITIES, width))
    by_kind = np.zeros((2, record.n_categories, SEVERITIES, width))
    reacted[:] = 0.0
    for k in streams:
        a, c = record.side[k], record.category[k]
        for m in range(width):
            answered[row, k, m] += new[k, m] * (hits[row, k, m] - answered[row, k, m])
        if a >= 0:
            for s in range(SEVERITIES):
                for m in range(width):
                    by_kind[a, c, s, m] += close[s, k, m] * answered[row, k, m]
        for i in range(len(then)):
            if then[i, k] > 0.0:
                for m in range(width):
                    answered_reaction[row, i, k, m] += new_reaction[i, m] * (
                        hits[row, k, m] - answered_reaction[row, i, k, m]
                    )
                for s in range(SEVERITIES):
                    for m in range(width):
                        reacted[i, s, m] += answer[i, s, k, m] * answered_reaction[row, i, k, m]
    for a in range(2):
        for s in range(SEVERITIES):
            for c in hostile:
                for m in range(width):
                    by_side[a, s, m] += kind_share[a, c, m] * by_kind[a, c, s, m]
    for a in range(2):
        for s in range(SEVERITIES):
            for m in range(width):
                of_side[a, s, m] = weight[0, m] * by_side[a, s, m] + weight[2, m] * by_side[1 - a, s, m]
    for k in streams:
        a, c = record.side[k], record.category[k]
        for s in range(SEVERITIES):
            if a < 0:
                for m in range(width):
                    brought[s, k, m] = follow_on[m] * answered[row, k, m]
            elif record.mix[k, s] > 0.0 or whole:
                for m in range(width):
                    brought[s, k, m] = (
                        of_side[a, s, m]
                        + weight[1, m] * by_kind[a, c, s, m]
                        + weight[3, m] * by_kind[1 - a, c, s, m]
                    )


@inner
def _write_past(
    row: int, part: int, place: int, batch: Batch, recursion: Recursion, streams: Integers, roots: Roots
) -> None:
    """Write what past acts still lead to on a day asked for, and L of a trigger of each reaction."""
    left, left_reaction = batch.left, batch.left_reaction
    brought, reacted = recursion.brought[part], recursion.reacted[part]
    width = len(batch.follow_on)
    answers, reactions = np.zeros((2, width))
    for s in range(SEVERITIES):
        for k in streams:
            for m in range(width):
                answers[m] += left[s, k, m] * brought[s, k, m]
        for i in range(len(reacted)):
            for m in range(width):
                reactions[m] += left_reaction[i, s, m] * reacted[i, s, m]
    n_pairs = roots.tables.shape[1] - len(reacted)
    for m in range(width):
        roots.past[m, row, place] = answers[m] + reactions[m]
        roots.reacted[m, row, place] = reactions[m]
        for i in range(len(reacted)):
            roots.tables[row, n_pairs + i, place, m] = reacted[i, REFERENCE, m]


@inner
def _react(brought: Floats, reacted: Floats, sets_off: Flags, streams: Integers) -> None:
    """Add the parts by reactions to L of the acts that set them off."""
    for k in streams:
        for i in range(len(sets_off)):
            if sets_off[i, k]:
                for s in range(SEVERITIES):
                    for m in range(brought.shape[2]):
                        brought[s, k, m] += reacted[i, s, m]


@inner
def _hit(
    target: int, batch: Batch, recursion: Recursion, record: Arrays, asked: Asked, streams: Integers
) -> None:
    """Write the chance that an act leads to the target, or to so many, and what that adds to immigrants."""
    hits, immigrants, brought, added = recursion.hit, recursion.immigrants, recursion.brought, recursion.added
    rate, counted, mixes, parts = batch.rate, asked.counted[target], record.mix, asked.order + 1
    width = len(added)
    total, series = np.empty((parts, width)), np.empty((parts, width))
    for k in streams:
        total[:] = 0.0
        always = counted[k].all()
        for s in range(SEVERITIES):
            mix = mixes[k, s]
            if mix == 0.0 or (always and parts == 1):
                continue
            own = brought[:, s, k]
            for m in range(width):
                series[0, m] = _chance_of_any(own[0, m])
                total[0, m] += mix * (1.0 if counted[k, s] else series[0, m])
            if parts > 1:
                for m in range(width):
                    series[0, m] = math.exp(-own[0, m])  # 1 less the chance of any has lost its digits
                for j in range(1, parts):
                    for m in range(width):
                        series[j, m] = own[j, m] * series[0, m]
                    for i in range(1, j):
                        for m in range(width):
                            series[j, m] += (i / j) * own[i, m] * series[j - i, m]
                one = 1 if counted[k, s] else 0
                for j in range(1, parts):
                    for m in range(width):
                        total[j, m] += mix * series[j - one, m]
        if always:
            total[0] = 1.0
        c = record.category[k]
        for j in range(parts):
            row = target * parts + j
            for m in range(width):
                added[m] += rate[k, m] * abs(total[j, m] - hits[row, k, m])
                hits[row, k, m] = total[j, m]
                immigrants[row, c, m] += rate[k, m] * total[j, m]


@inner
def _write_immigrants(row: int, n: int, gap: int, flat: bool, immigrants: Floats, roots: Roots) -> None:
    """Write the clusters of immigrants up to n days; of days passed over, each as many as the last."""
    n_days = roots.immigrants.shape[2] - 1
    for m in range(immigrants.shape[2]):
        for c in range(immigrants.shape[1]):
            own = roots.immigrants[m, row, :, c]
            for later in range(n - gap + 2, min(n + flat, n_days) + 1):
                own[later] = 2.0 * own[later - 1] - own[later - 2]
            if flat:
                immigrants[row, c, m] = own[min(n + 1, n_days)]
            elif n < n_days:
                own[n + 1] = immigrants[row, c, m]


@compiled
def _roots_of_draws(values: Floats, priors: Priors, record: Arrays, asked: Asked, roots: Roots) -> None:
    """Write what acts lead to into ``roots``, for these draws, (m, coordinate), taken at once."""
    days, pairs, parts, n_days = asked.days, asked.pairs, asked.order + 1, asked.days[-1]
    streams, hostile, width = asked.streams, asked.hostile, len(values)
    batch, recursion = _empty_batch(asked, record, width)
    for m in range(width):
        _read_draw(batch, m, values[m], priors, record, asked.sets_off)
    roots.settled[:] = n_days
    roots.immigrants[:, :, 0] = 0.0
    # Once one more day adds nothing, chances stay as they are, and only days asked for are visited.
    place, n, gap, passed, flat = 0, 0, 1, 0, False
    while n <= n_days:
        recorded = days[place] == n
        if gap != passed:
            passed = gap
            for new, decay in (
                (recursion.new, batch.decay),
                (recursion.new_reaction, batch.reaction_decay),
            ):
                for k in range(len(new)):
                    for m in range(width):
                        new[k, m] = 1.0 - decay[k, m] ** gap
        recursion.added[:] = 0.0
        for row in range(len(asked.counted) * parts):
            part = row % parts
            _descend(row, part, batch, recursion, record, streams, hostile, recorded)
            if recorded:
                _write_past(row, part, place, batch, recursion, streams, roots)
            _react(recursion.brought[part], recursion.reacted[part], asked.sets_off, streams)
            if recorded:
                for pair in range(len(pairs)):
                    own = recursion.brought[part, pairs[pair, 1], pairs[pair, 0]]
                    for m in range(width):
                        roots.tables[row, pair, place, m] = own[m]
            if part == asked.order:
                if not flat:
                    _hit(row // parts, batch, recursion, record, asked, streams)
                for own_row in range(row - part, row + 1):
                    _write_immigrants(own_row, n, gap, flat, recursion.immigrants, roots)
        place += recorded
        if not flat and n + 1 < n_days and recursion.added.max() < _SETTLED:
            flat = True
            roots.settled[:] = n
        gap = 1
        if flat and place < len(days):
            gap = days[place] - n
        n += gap


@compiled
def _leave(values: Floats, quiet: Floats, first: Integers, length: Integers, chance: Floats) -> None:
    """Multiply S, (d, q, day), by what acts of a kind leave of it; exactly 1 is no change.

    ``quiet`` (d, q, n) is the chance that such an act leads to no target with n days left. Each comes with a
    ``chance``, as likely on any of ``length`` days from ``first`` on.
    """
    n_draws, n_targets, n_days = values.shape
    total = np.zeros(n_days + 1)
    for d in range(n_draws):
        for q in range(n_targets):
            row, own = values[d, q], quiet[d, q]
            if length.max() > 1:
                total[1:] = np.cumsum(own)
            for a in range(len(first)):
                least = 1.0
                for left in range(n_days - first[a] - 1 if length[a] == 1 else 0):
                    row[first[a] + 1 + left] *= 1.0 - chance[a] * (1.0 - own[left])
                for ends in range(1, n_days - first[a] if length[a] > 1 else 0):
                    # Still to come, it does nothing. Differences of sums are rounded: none may rise.
                    came = min(ends, length[a])
                    least = min(least, (total[ends] - total[ends - came] + length[a] - came) / length[a])
                    row[first[a] + ends] *= 1.0 - chance[a] * (1.0 - least)


@compiled
def _write_daily(values: Floats, days: Integers, found: Floats) -> None:
    """Write exp(−x) of every day into ``found``, (row, day); x, (row, N), is linear between ``days``."""
    for row in range(len(values)):
        found[row, 0] = last = math.exp(-values[row, 0])
        for place in range(1, len(days)):
            begin, end = days[place - 1], days[place]
            after = math.exp(-values[row, place])
            if end > begin + 1:
                kept = math.exp((values[row, place - 1] - values[row, place]) / (end - begin))
                for day in range(begin + 1, end):
                    last *= kept
                    # Between both to the last digit, so that no curve falls by rounding.
                    found[row, day] = max(last, after)
            found[row, end] = last = after


@dataclass(frozen=True, repr=False)
class Survival:
    """S: the chance that a target has not happened before each day.

    Parameters
    ----------
    targets : tuple of str
    origin : date
        First day ahead.
    values : ndarray, shape (draw, target, day)
        Day 0 … horizon, in days from the origin; 1 on day 0, and never rising.
    """

    targets: tuple[str, ...]
    origin: date
    values: Floats

    def __repr__(self) -> str:
        return f"Survival({', '.join(self.targets)}; {len(self.values)} draws, {self.horizon_days} days)"

    @property
    def horizon_days(self) -> int:
        """Last day."""
        return int(self.values.shape[2]) - 1

    def of(self, target: str) -> Floats:
        """S of one target, shape (draw, day)."""
        return np.asarray(self.values[:, self.targets.index(target)])


@dataclass(frozen=True, repr=False)
class FurtherReaction:
    """A reaction that the record holds no trigger of, so that nothing but its prior tells of it.

    ``number``, ``half_life``, ``severity`` and ``gravity`` are its parameters by draw, each of shape (draw,).
    """

    reaction: Reaction
    number: Floats
    half_life: Floats
    severity: Floats
    gravity: Floats

    def rows(self, index: Integers) -> FurtherReaction:
        """Return it with the draws at these positions."""
        own = self.number, self.half_life, self.severity, self.gravity
        return FurtherReaction(self.reaction, *(values[index] for values in own))


_Table = tuple[int, int]
"""Whose L it is: an act's of a stream and severity less 1; of the occasion of reaction i that of −1 − i."""


@dataclass
class _Part:
    """What is known of the draws in some ``rows``, which are computed together."""

    rows: Integers
    roots: Roots | None = None
    reacted: Floats | None = None
    """Of −log S what reactions to past acts still add, (m, q, N)."""
    tables: dict[_Table, Floats] = field(default_factory=dict)
    """L, each of shape (m, q, N)."""
    plain: dict[tuple[FutureAct, ...], Floats] = field(default_factory=dict)
    """−log S without the acts of conflict ahead, by those of cooperation, each of shape (m, q, N)."""
    answers: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)
    """Of further reactions by place: answers of each stream to a trigger by severity, and their hits."""


class _Kind(NamedTuple):
    """What acts ahead that do the same may be, with shares, and what they set off.

    An occasion of one of the ``further`` reactions is nothing by itself.
    """

    parts: tuple[tuple[_Table, float], ...]
    grade: int
    further: tuple[int, ...] = ()


_Alike = list[tuple[int, int, int, float]]
"""Acts of one kind: their place among all, first day, number of days, chance."""


_ASKING = threading.RLock()
_THREAD = threading.local()


def _one_at_a_time[**Given, Found](ask: Callable[Given, Found]) -> Callable[Given, Found]:
    """Hold other threads back: a question takes all cores, and lets go of what it computed."""

    @functools.wraps(ask)
    def held(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        with _ASKING:
            return ask(*args, **kwargs)

    return held


@dataclass(frozen=True, repr=False)
class Chances:
    """Chances of the targets of a record from every draw, for any acts ahead.

    What does not depend on the acts ahead is computed once; what an act of a stream and severity does, the
    first time that it is asked for.

    Parameters
    ----------
    data : Acts
    priors : PriorSet
    draws : StreamDraws
    n_days : int
        Days ahead.
    seed : int
        Of tension and drift ahead: the same whatever acts are assumed.
    further : tuple of FurtherReaction
        Reactions beside those of the record's layout, to acts ahead and on occasions.
    seen : tuple of FutureAct
        Acts that are known to come, which tells of the tension and drift they come from: each future of a
        draw counts as much as the chance that it gave to them.
    keeps : bool
        Compute what any act ahead does, and keep it with what cooperation ahead needs, so that each question
        is answered at once: for few draws and many questions.
    """

    data: Acts
    priors: PriorSet
    draws: StreamDraws
    n_days: int
    seed: int
    futures: int = FUTURES
    further: tuple[FurtherReaction, ...] = ()
    seen: tuple[FutureAct, ...] = ()
    keeps: bool = False

    def under(self, further: Sequence[FurtherReaction], seen: Sequence[FutureAct] = ()) -> Chances:
        """Return the same chances with further reactions and acts seen; what was computed is shared."""
        own = {name: value for name, value in vars(self).items() if name not in self.__dataclass_fields__}
        found = replace(self, further=tuple(further), seen=tuple(seen))
        parts = [replace(part, answers={}, plain={} if seen else part.plain) for part in self._parts]
        found.__dict__.update({**own, "_parts": parts})
        return found

    @cached_property
    def days(self) -> Integers:
        """Days on which chances are computed: daily at first, then weekly, and the last."""
        weekly = np.arange(DAILY, self.n_days, STEP_DAYS)
        return np.unique(np.concatenate([np.arange(min(DAILY, self.n_days) + 1), weekly, [self.n_days]]))

    @cached_property
    def arrays(self) -> Priors:
        """Priors as the compiled density reads them."""
        return prior_arrays(self.priors, self.draws.points)

    @cached_property
    def record(self) -> Arrays:
        """Acts as the compiled density reads them."""
        return record_of(self.data)

    @cached_property
    def _innovations(self) -> tuple[Floats, Floats]:
        """Innovations of tension and drift to the horizon, (draw, f, m): those of the draw, then new ones."""
        rng = np.random.default_rng(self.seed)
        points, values = self.draws.points, self.draws.values
        knots = knots_for(self._weeks[-1] + 1)
        found = []
        begin = points.n_parameters
        for held, wanted in ((points.n_knots, knots), (points.n_drift_knots, drift_knots_for(knots))):
            wanted = max(wanted, held)
            half = rng.standard_normal((len(values), (self.futures + 1) // 2, wanted - held))
            ahead = np.stack([half, -half], axis=2).reshape(len(values), 2 * half.shape[1], wanted - held)
            own = np.broadcast_to(values[:, None, begin : begin + held], (len(values), self.futures, held))
            found.append(np.concatenate([own, ahead[:, : self.futures]], axis=2))
            begin += held
        return found[0], found[1]

    @property
    def of_targets(self) -> Flags:
        """Streams and severities of the acts that meet each target, shape (q, k, s)."""
        return np.repeat(self.data.layout.meets[:, :, None], SEVERITIES, axis=2)

    @property
    def _future_weights(self) -> Floats | None:
        """What each future counts, (draw, f), by the acts that are seen; ``None``: all alike."""
        return special.softmax(self.log_chance_of_seen, axis=1) if self.seen else None

    @cached_property
    def _weeks(self) -> Integers:
        """Weeks of the grid that reach into the days ahead."""
        n_days = len(self.data.completeness)
        return np.arange(n_days // STEP_DAYS, -(-(n_days + self.n_days) // STEP_DAYS))

    @cached_property
    def _starts(self) -> Integers:
        """Days from the origin on which these weeks begin, and the horizon."""
        begun = np.clip(self._weeks * STEP_DAYS - len(self.data.completeness), 0, self.n_days)
        return np.append(begun, self.n_days)

    @cached_property
    def _moved(self) -> Floats:
        """What tension and drift do to each category ahead, without ballast, (draw, week, c, f)."""
        o, values, data = self.arrays.offset, self.draws.values, self.data
        innovations, drift_innovations = self._innovations
        ones = np.ones(innovations.shape[:2])
        decay = np.exp(-STEP_DAYS * KNOT_STEPS / values[:, o[density.PERSISTENCE], None]) * ones
        tension = linear_between(
            ornstein_uhlenbeck(innovations, decay, np.sqrt(1 - decay**2)), self._weeks, KNOT_STEPS
        )
        drift = values[:, o[density.DRIFT], None, None] * ornstein_uhlenbeck(
            drift_innovations, DRIFT_DECAY * ones, DRIFT_NOISE * ones
        )
        within = linear_between(drift[:, 0], np.arange(data.grid.n_steps), DRIFT_KNOT_STEPS)
        weights = data.exposure
        mean = np.log(np.exp(within) @ weights / weights.sum())
        level = linear_between(drift, self._weeks, DRIFT_KNOT_STEPS) - mean[:, None, None]
        moved = np.empty((len(values), len(self._weeks), len(data.layout.categories), self.futures))
        for c, name in enumerate(data.layout.categories):
            loading = (values[:, o[density.LOADING] + c] * values[:, o[density.SCALE]])[:, None, None]
            of_level = 0.0 if name in COOPERATIVE else level
            moved[:, :, c] = np.exp(loading * tension - loading**2 / 2 + of_level).transpose(0, 2, 1)
        return moved

    @cached_property
    def expected_course(self) -> Floats:
        """What tension, drift and cooperation do to each category ahead without acts, (draw, week, c, f)."""
        return self._calmed(())

    def _calmed(self, acts: Sequence[FutureAct], rows: Integers | slice = slice(None)) -> Floats:
        """``_moved`` with ballast, under cooperation at its expected course and these acts ahead."""
        o, values, record = self.arrays.offset, self.draws.values[rows], self.record
        layout, moved = self.data.layout, self._moved[rows]
        if not layout.calming:
            return moved
        kept = np.exp2(-STEP_DAYS / values[:, o[density.CALM_LIFE]])
        exponent = np.zeros((len(values), len(self._weeks), self.futures))
        for b, name in enumerate(layout.calming):
            c = layout.categories.index(name)
            amount = kept[:, None] ** np.arange(self._weeks[0], 0, -1) @ record.calming[b, : self._weeks[0]]
            begun = record.calming[b, self._weeks[0]] if self._weeks[0] < self.data.grid.n_steps else 0.0
            own = [k for k, kind in enumerate(layout.kinds) if kind.category == name]
            rates = values[:, o[density.RATE] + record.rate_of[own]] @ record.rate_share[own]
            rate = rates / (1 - values[:, o[density.FOLLOW_ON]])
            added = self._added(name, acts)
            share = np.diff(self._starts) / STEP_DAYS
            level = np.repeat(amount[:, None], self.futures, axis=1)
            for w in range(len(self._weeks)):
                exponent[:, w] -= values[:, o[density.BALLAST] + b, None] * level / (level + HALF_SATURATION)
                known = begun if w == 0 else 0.0
                level = kept[:, None] * (level + known + added[w] + share[w] * rate[:, None] * moved[:, w, c])
        calm = np.exp(exponent)
        conflict = [c for c, name in enumerate(layout.categories) if name not in COOPERATIVE]
        calmed = moved.copy()
        calmed[:, :, conflict] *= calm[:, :, None]
        return calmed

    def _added(self, category: str, acts: Sequence[FutureAct]) -> Floats:
        """Acts ahead of a category expected in each week."""
        added = np.zeros(len(self._weeks))
        for act in acts:
            if act.category == category:
                first, length = window_of(act, self.data.grid.origin)
                days = np.arange(first, first + length)
                week = np.searchsorted(self._starts, days, side="right") - 1
                inside = (days >= 0) & (days < self.n_days)
                np.add.at(added, week[inside], act.probability / length)
        return added

    @cached_property
    def _parts(self) -> list[_Part]:
        """Draws that are computed together: those that take as many days until nothing more comes of acts."""
        return [_Part(rows) for rows in self._split(np.arange(len(self.draws)))]

    def _split(self, rows: Integers) -> list[Integers]:
        lives = self.draws.values[rows, self.arrays.offset[density.ANSWER_LIFE]]
        return np.split(rows[np.argsort(lives, kind="stable")], range(_LANES, len(rows), _LANES))

    def _roots(
        self, counted: Flags, pairs: Sequence[_Table], days: Integers, rows: Integers, order: int = 0
    ) -> Roots:
        """What acts lead to, for some draws; see ``_roots_of_draws``."""
        pair = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        layout, shape = self.data.layout, (len(rows), len(counted) * (order + 1))
        roots = Roots(
            np.empty((*shape, len(days))),
            np.empty((*shape, len(days))),
            np.empty((*shape, int(days[-1]) + 1, len(layout.categories))),
            np.empty(len(rows), dtype=np.int64),
            np.empty((shape[1], len(pair) + len(layout.reactions), len(days), len(rows))),
        )
        is_hostile = self.record.side >= 0
        leads = is_hostile | counted.any(axis=(0, 2)) | layout.sets_off.any(axis=0)
        leads[pair[:, 0]] = True
        hostile = np.unique(self.record.category[is_hostile])
        asked = Asked(counted, order, layout.sets_off, days, pair, np.flatnonzero(leads), hostile)
        _roots_of_draws(self.draws.values[rows], self.arrays, self.record, asked, roots)
        return roots

    def _expected(self, roots: Roots, moved: Floats, days: Integers) -> Floats:
        """Clusters that one may expect without the acts ahead, (m, row, N, f)."""
        expected = np.empty((*roots.past.shape[:2], len(days), moved.shape[-1]))
        _expected_of_draws(roots, moved, self._starts, days, expected)
        return expected

    def _plain(self, roots: Roots, moved: Floats, days: Integers, weights: Floats | None) -> Floats:
        """−log S without the acts ahead, (m, q, N); all futures alike without weights of them, (m, f)."""
        quiet = np.exp(-self._expected(roots, moved, days))
        mean = quiet.mean(axis=-1) if weights is None else np.einsum("dqnf,df->dqn", quiet, weights)
        return np.asarray(-np.log(np.maximum(mean, _LEAST)))

    def _known(self, calming: tuple[FutureAct, ...], wanted: Set[_Table]) -> Callable[[_Part], None]:
        """Return what computes what some draws lack of L of acts, and of S without acts of conflict."""
        # Without acts of cooperation as well, which most callers ask for next.
        lacking, weights = {calming, ()} - self._parts[0].plain.keys(), self._future_weights
        courses = {asked: self._calmed(asked) if asked else self.expected_course for asked in lacking}
        # What is kept is computed at once for all that can be asked: one pass costs as much as another.
        held = self.data.layout.held.values() if self.keeps else ()
        every = wanted | {(k, severity - 1) for k, some in enumerate(held) for severity in some}

        def known(part: _Part) -> None:
            missing, roots = sorted(every - part.tables.keys()), part.roots
            if missing or (courses and roots is None):
                pairs = [table for table in missing if table[0] >= 0]
                roots = self._roots(self.of_targets, pairs, self.days, part.rows)
                pairs += [(-1 - i, REFERENCE) for i in range(len(self.data.layout.reactions))]
                for at, table in enumerate(pairs):
                    part.tables[table] = roots.tables[:, at].transpose(2, 0, 1).copy()
                part.roots = roots._replace(tables=roots.tables[:0].copy())
                part.reacted = roots.reacted
            own = None if weights is None else weights[part.rows]
            for asked, moved in courses.items():
                assert roots is not None
                part.plain[asked] = self._plain(roots, moved[part.rows], self.days, own)
            for old in [*part.plain][:-_KEPT_CURVES]:
                part.plain.pop(old, None)

        return known

    @_one_at_a_time
    def survival(
        self,
        acts: Sequence[FutureAct] = (),
        *,
        occasions: bool = True,
        reactions: Sequence[Reaction] | None = None,
        to_past: bool = True,
    ) -> Survival:
        """Return S of every target by day, with these acts ahead, and occasions of reactions where asked.

        ``reactions`` are those of the layout with other occasions, in its order. What reactions to past acts
        still bring is left out where ``to_past`` is false.
        """
        calming, every = _calming(acts), self.data.layout.reactions if reactions is None else reactions
        further = (one.reaction for one in self.further)
        kinds = self._kinds(acts, (*every, *further) if occasions else ())
        known, windows = self._known(calming, _tables_of(kinds)), [*map(_windows, kinds.values())]
        targets = tuple(target.name for target in self.data.layout.targets)
        values = np.empty((len(self.draws), len(targets), self.n_days + 1))

        def write(part: _Part) -> None:
            known(part)
            expected = part.plain[calming]
            if not to_past:
                assert part.reacted is not None
                expected = expected - part.reacted
            own = _daily(expected, self.days)
            for kind, alike in zip(kinds, windows, strict=True):
                _leave(own, self._quiet_after(kind, part, slice(None)), *alike)
            values[part.rows] = own
            if not self.keeps:
                part.tables, part.roots = {}, None

        list(on_all_cores(write, self._parts))
        return Survival(targets, self.data.grid.origin, values)

    @_one_at_a_time
    def with_each(self, acts: Sequence[FutureAct], chances: Sequence[float], target: str, day: int) -> Floats:
        """S of a target on a day where each act ahead in turn has another chance, shape (act, draw)."""
        place = [rule.name for rule in self.data.layout.targets].index(target)
        calming, one, weights = _calming(acts), slice(place, place + 1), self._future_weights
        every = (*self.data.layout.reactions, *(further.reaction for further in self.further))
        kinds = self._kinds(acts, every)
        known = self._known(calming, _tables_of(kinds))
        at = max(int(np.searchsorted(self.days, day)), 1)
        days = np.unique([0, *self.days[at - 1 : at + 1]])
        cooperative = [a for a, act in enumerate(acts) if act in calming]
        now, then = np.array([[act.probability for act in acts], [*chances]])[..., None]
        values = np.empty((len(acts), len(self.draws)))

        def write(part: _Part) -> None:
            known(part)
            lost = np.zeros((len(acts), len(part.rows)))
            always = _daily(part.plain[calming][:, place], self.days)[:, day]
            for kind, alike in kinds.items():
                quiet = self._quiet_after(kind, part, one)[:, 0]
                for a, first, length, chance in alike:
                    left = day - 1 - first - np.arange(length)
                    led = 1 - np.where(left < 0, 1.0, quiet[:, np.maximum(left, 0)]).mean(axis=1)
                    if a < 0:
                        always = always * (1 - chance * led)
                    else:
                        lost[a] = led
            kept = 1 - now * lost
            for a in range(len(acts)):
                values[a, part.rows] = (
                    always * np.delete(kept, a, axis=0).prod(axis=0) * (1 - then[a] * lost[a])
                )
            if cooperative:
                roots = self._roots(self.of_targets[one], (), days, part.rows)
            for a in cooperative:
                own = None if weights is None else weights[part.rows]
                others = (*acts[:a], replace(acts[a], probability=chances[a]), *acts[a + 1 :])
                plain = self._plain(roots, self._calmed(_calming(others), part.rows), days, own)
                before = _daily(part.plain[calming][:, place], self.days)[:, day]
                values[a, part.rows] *= _daily(plain, days)[:, 0, day] / np.maximum(before, _LEAST)

        list(on_all_cores(write, self._parts))
        return values

    def _kinds(self, acts: Sequence[FutureAct], occasions: Iterable[Reaction]) -> dict[_Kind, _Alike]:
        """Acts ahead by what they do, and occasions of reactions, of the layout and further: of place −1."""
        origin, kinds = self.data.grid.origin, dict[_Kind, _Alike]()
        for place, act in enumerate(acts):
            sign, grade = (act.category, act.subcategory, act.severity, act.by), act.severity - 1
            parts = tuple(((k, grade), share) for k, share in self.data.streams_of(act))
            sets_off = (one.reaction.when and one.reaction.when.holds(*sign) for one in self.further)
            kind = _Kind(parts, grade, tuple(i for i, does in enumerate(sets_off) if does))
            kinds.setdefault(kind, []).append((place, *window_of(act, origin), act.probability))
        n_learned = len(self.data.layout.reactions)
        for i, reaction in enumerate(occasions):
            known = occasion_chances(reaction, origin) if reaction.when is None else None
            if known is not None:
                parts = (((-1 - i, REFERENCE), 1.0),) if i < n_learned else ()
                kind = _Kind(parts, REFERENCE, () if parts else (i - n_learned,))
                kinds[kind] = [(-1, known[0], 1, known[1])]
        return kinds

    def _quiet_after(self, kind: _Kind, part: _Part, targets: slice) -> Floats:
        """Chance that such an act leads to no target in so many days, shape (m, target, day)."""
        quiet: Floats | float = 0.0 if kind.parts else 1.0
        for (stream, grade), share in kind.parts:
            of_stream = _daily(part.tables[stream, grade][:, targets], self.days)
            if stream >= 0:
                of_stream[:, self.data.layout.meets[targets, stream]] = 0.0
            quiet = quiet + share * of_stream
        for i in kind.further:
            quiet = quiet * np.exp(-self._answered(i, kind.grade, part, targets))
        return np.asarray(quiet)

    def _answered(self, place: int, grade: int, part: _Part, targets: slice) -> Floats:
        """L of a further reaction for a trigger of this severity less 1, shape (m, q, day)."""
        if place not in part.answers:
            part.answers[place] = self._answers_of(self.further[place].rows(part.rows), part)
        mass, hits = part.answers[place]
        return np.asarray(np.einsum("dk,dkqn->dqn", mass[:, grade], hits[:, :, targets]))

    def _answers_of(self, further: FurtherReaction, part: _Part) -> tuple[Floats, Floats]:
        """Mass by severity of the trigger, (m, s, k), and the chance that an answer leads to a target.

        The second, (m, k, q, day), is Q of the streams that answer, with so many days left.
        """
        streams = np.flatnonzero(self.data.layout.answering(further.reaction))
        mix, meets = self.record.mix, self.data.layout.meets
        self._known((), {(int(k), s) for k in streams for s in range(SEVERITIES) if mix[k, s] > 0})(part)
        hits = np.zeros((len(part.rows), len(streams), len(meets), self.n_days + 1))
        for at, k in enumerate(streams):
            for s in np.flatnonzero(mix[k] > 0):
                hits[:, at] += mix[k, s] * (1 - _daily(part.tables[int(k), int(s)], self.days))
            hits[:, at, meets[:, k]] = 1.0
        kept = np.exp2(-1.0 / further.half_life)[:, None, None]
        answers = np.zeros_like(hits)
        for n in range(1, self.n_days + 1):
            answers[..., n] = (1 - kept) * hits[..., n - 1] + kept * answers[..., n - 1]
        mass = np.empty((len(part.rows), SEVERITIES, len(streams)))
        for d, values in enumerate(self.draws.values[part.rows]):
            rates = density.stream_rates(values, self.arrays, self.record)
            grave = density.answer_weights(values, rates, self.arrays, self.record)[3][:, streams]
            share = rates[streams] * np.exp(further.gravity[d] * (self.record.severity[streams] - 1))
            mass[d] = grave * share / (share @ grave[REFERENCE])
        graver = np.exp(further.severity[:, None] * (np.arange(SEVERITIES) - REFERENCE))
        return mass * (further.number[:, None] * graver)[:, :, None], answers

    def quiet(self, target: str) -> Floats:
        """Chance that a target has not happened before the horizon, without acts ahead, shape (2, draw).

        The second is that without reactions to past acts as well.
        """
        place = [rule.name for rule in self.data.layout.targets].index(target)
        quiet, reacted = self._quiet_of(self.of_targets[place], (self.n_days,))
        own = quiet.mean(axis=1)[:, 0]
        return np.array([own, own * np.exp(reacted[:, 0])])

    def counts(
        self,
        counted: Flags,
        days: Sequence[int],
        acts: Sequence[FutureAct] = (),
        *,
        order: int = ORDER,
        weights: Floats | None = None,
    ) -> Floats:
        """Chance of n acts before each day, shape (q, day, n); at the last of so many or more.

        Parameters
        ----------
        counted : ndarray of bool, shape (q, k, s)
            Streams and severities of the acts that count.
        days : sequence of int
            In days from the origin.
        acts : sequence of FutureAct
            Acts ahead, which count where they happen; occasions of reactions come as well.
        order : int
            Acts of a cluster that are told exactly; clusters of more count as ``order`` + 1.
        weights : ndarray, shape (draw,), optional
            What each draw counts; all alike without it.
        """
        asked = np.minimum(days, self.n_days)
        pairs, ahead = self._ahead(self._kinds(acts, self.data.layout.reactions), counted)
        visited = np.unique([0, *asked, *(self.days[self.days < asked.max()] if len(ahead.chance) else ())])
        moved = self._calmed(_calming(acts))
        by_draw = np.ones(len(self.draws)) if weights is None else weights
        by_future = self._future_weights
        if by_future is None:
            by_future = np.full((len(moved), moved.shape[-1]), 1 / moved.shape[-1])
        by_future = by_future * (by_draw / by_draw.sum())[:, None]
        shape = len(counted), order + 1

        def found_by(some: Integers) -> Floats:
            roots = self._roots(counted, pairs, visited, some, order)
            expected = self._expected(roots, moved[some], visited)[:, :, np.searchsorted(visited, asked)]
            # Draws come last, so that loops are vector code.
            clusters = expected.reshape(len(some), *shape, len(asked), -1).transpose(1, 3, 4, 2, 0).copy()
            of_acts = roots.tables.reshape(*shape, *roots.tables.shape[1:])
            found = np.zeros((len(counted), len(asked), MOST_COUNTED + 1))
            _add_numbers(clusters, by_future[some].T.copy(), of_acts, visited, ahead, asked, found)
            return found

        # A few draws at once: with many targets and kinds of acts ahead, what they lead to fills the memory.
        found = functools.reduce(np.add, on_all_cores(found_by, self._split(np.flatnonzero(by_draw > 0))))
        used = int(np.flatnonzero(found[..., :-1].max(axis=(0, 1))).max(initial=0)) + 1
        return np.concatenate([found[..., :used], found[..., -1:]], axis=-1)

    def _ahead(self, kinds: dict[_Kind, _Alike], counted: Flags) -> tuple[list[_Table], Ahead]:
        """Return streams and severities less 1 of acts ahead, and these acts, occasions included."""
        pairs = sorted(table for table in _tables_of(kinds) if table[0] >= 0)
        places = {table: at for at, table in enumerate(pairs)}
        places |= {(-1 - i, REFERENCE): len(pairs) + i for i in range(len(self.data.layout.reactions))}
        parts = [part for kind in kinds for part in kind.parts]
        first, length, chance = _windows([act for alike in kinds.values() for act in alike])
        sizes, number = ([*map(len, some)] for some in ((kind.parts for kind in kinds), kinds.values()))
        ends = np.cumsum(sizes, dtype=np.int64)
        itself = [counted[:, k, s] & (k >= 0) for (k, s), _ in parts]
        return pairs, Ahead(
            chance,
            first,
            length,
            np.repeat(ends - sizes, number),
            np.repeat(ends, number),
            np.array([places[table] for table, _ in parts], dtype=np.int64),
            np.array([share for _, share in parts], dtype=float),
            np.array(itself, dtype=bool).reshape(-1, len(counted)).T.copy(),
        )

    @cached_property
    def log_chance_of_seen(self) -> Floats:
        """Log of the chance that each future gave to the acts seen, shape (draw, f).

        Of each act it is that of at least one such act in its window, given none before it, without the acts
        that are ahead.
        """
        total = np.zeros((len(self.draws), self.futures))
        for act in self.seen:
            alike = np.zeros(self.record.mix.shape, dtype=bool)
            for stream, _ in self.data.streams_of(act):
                alike[stream, act.severity - 1] = True
            first, length = window_of(act, self.data.grid.origin)
            before, after = np.moveaxis(self.quiet_of(alike, (first, first + length)), -1, 0)
            total += np.log(np.maximum(1 - after / before, _LEAST))
        return total

    def quiet_of(self, acts: Flags, days: Sequence[int]) -> Floats:
        """Chance that none of these ``acts``, (k, s), has happened before ``days``, (draw, future, day)."""
        return self._quiet_of(acts, days)[0]

    def _quiet_of(self, acts: Flags, days: Sequence[int]) -> tuple[Floats, Floats]:
        """The same, and of its −log what reactions to past acts still add, (draw, day)."""
        asked = np.minimum(days, self.n_days)
        visited = np.unique([0, *asked])
        quiet = np.empty((len(self.draws), self.futures, len(asked)))
        reacted = np.empty((len(self.draws), len(asked)))

        def write(part: _Part) -> None:
            roots = self._roots(acts[None], (), visited, part.rows)
            expected = self._expected(roots, self.expected_course[part.rows], visited)
            at = np.searchsorted(visited, asked)
            quiet[part.rows] = np.exp(-expected[:, 0, at]).swapaxes(1, 2)
            reacted[part.rows] = roots.reacted[:, 0, at]

        self.expected_course  # noqa: B018 - computed once, not by each thread
        list(on_all_cores(write, self._parts))
        return quiet, reacted


def _daily(values: Floats, days: Integers) -> Floats:
    """exp(−x) of every day, (…, day), of x that is linear between those computed, (…, N)."""
    found = np.empty((*values.shape[:-1], int(days[-1]) + 1))
    _write_daily(
        np.ascontiguousarray(values).reshape(-1, len(days)), days, found.reshape(-1, found.shape[-1])
    )
    return found


def on_all_cores[Item, Found](run: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
    """Yield what a function returns of each item, in order, by as many threads as there are cores.

    Within one of the threads no more are started. An interrupt does not wait for them: one may be compiling,
    which takes half a minute.
    """
    if getattr(_THREAD, "is_of_pool", False):
        yield from map(run, items)
        return
    mark = functools.partial(setattr, _THREAD, "is_of_pool", True)
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, initializer=mark)
    try:
        yield from pool.map(run, items)
    finally:
        pool.shutdown(wait=sys.exc_info()[0] is None, cancel_futures=True)


def _tables_of(kinds: Iterable[_Kind]) -> set[_Table]:
    return {table for kind in kinds for table, _ in kind.parts}


def _windows(alike: _Alike) -> tuple[Integers, Integers, Floats]:
    """First days, numbers of days and chances of acts, each of shape (act,)."""
    _, first, length, chance = np.array(alike, dtype=float).reshape(-1, 4).T
    return first.astype(np.int64), length.astype(np.int64), chance.copy()


def _calming(acts: Iterable[FutureAct]) -> tuple[FutureAct, ...]:
    return tuple(act for act in acts if act.category in COOPERATIVE)


def window_of(act: FutureAct, origin: date) -> tuple[int, int]:
    """First day of an act, from the origin, and the number of days among which it falls."""
    return (act.date - origin).days, ((act.until or act.date) - act.date).days + 1
