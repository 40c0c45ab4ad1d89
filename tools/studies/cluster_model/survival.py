"""Exact chances: the probability that no target has happened before each day, with all acts summed out.

An act is the root of a cluster that is independent of all others, since intensities are sums. With n days
left, φ(j; n) is the chance that no target is among the descendants of act j within n days:

    φ(j; n) = exp(−L_j(n)),   L_j(n) = Σ_k mass_k(j)·Q_k(n),   Q_k(n) = Σ_{i=1..n} g(i)·u_k(n − i)
    u_k(n)  = 1 where k meets the target, else 1 − Σ_s mix_k(s)·exp(−L_{k,s}(n))

so one recursion forward in n gives everything. Immigrants and what past acts still bring about then add up
in −log S, and an act ahead on day d with probability p multiplies S(h) by 1 − p + p·1[no target]·φ(h − d).
Only tension and drift are drawn ahead. (Generating functionals of cluster processes: Hawkes and Oakes 1974,
doi:10.2307/3212693.)

Bare axes as in ``cluster_model.density``; n days left, h day from the origin on, counted from 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from cluster_model import density
from cluster_model.density import (
    ANSWER_LIFE,
    ANSWERS,
    BALLAST,
    CALM_LIFE,
    DRIFT,
    FOLLOW_ON,
    IN_KIND,
    LOADING,
    OTHER,
    PERSISTENCE,
    RATE,
    REACTION,
    REACTION_LIFE,
    REACTION_SEVERITY,
    SAME,
    SCALE,
    SEVERITIES,
    Priors,
    Record,
)
from cluster_model.streams import Acts
from forecast.panel import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    DRIFT_NOISE,
    HALF_SATURATION,
    KNOT_STEPS,
    STEP_DAYS,
    drift_knots_for,
    knots_for,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_COMPILED = density._COMPILED


@numba.njit(**_COMPILED)
def clusters(
    values: Floats, priors: Priors, record: Record, triggers: Floats, met: NDArray[np.bool_], n_days: int
) -> tuple[Floats, Floats, Floats]:
    """Go forward in the days left, for one draw and one target.

    Parameters
    ----------
    triggers : ndarray, shape (i, k, s)
        1 where an act of a stream and severity sets off a reaction.
    met : ndarray of bool, shape (k,)
        Streams whose acts meet the target.

    Returns
    -------
    tuple of ndarray
        L of an act by its stream and severity, (n, k, s), and u of a stream, (n, k), for n = 0 … n_days; L of
        each reaction alone by severity of the trigger, (n, i, s), for what past triggers still bring about.
    """
    o = priors.offset
    n_streams, n_reactions, n_categories = len(record.side), len(record.then), record.n_categories
    in_side, in_kind, factor, grave = density.answer_weights(values, priors, record)
    decay = math.exp(-math.log(2.0) / values[o[ANSWER_LIFE]])
    number, kind_share = values[o[ANSWERS] : o[ANSWERS] + 2], values[o[IN_KIND] : o[IN_KIND] + 2]
    in_reaction = np.zeros((n_reactions, n_streams))
    reaction_decay = np.empty(n_reactions)
    for i in range(n_reactions):
        total = 0.0
        for k in range(n_streams):
            total += record.then[i, k] * values[o[RATE] + k]
        for k in range(n_streams):
            in_reaction[i, k] = record.then[i, k] * values[o[RATE] + k] / total
        reaction_decay[i] = math.exp(-math.log(2.0) / values[o[REACTION_LIFE] + i])
    brought = np.zeros((n_days + 1, n_streams, SEVERITIES))
    reacted = np.zeros((n_days + 1, n_reactions, SEVERITIES))
    hit = np.zeros((n_days + 1, n_streams))
    for k in range(n_streams):
        if met[k]:
            hit[:, k] = 1.0
    q, q_reaction = np.zeros(n_streams), np.zeros((n_reactions, n_streams))
    by_side, by_kind = np.empty((2, SEVERITIES)), np.empty((2, n_categories, SEVERITIES))
    quiet = np.empty((2, n_categories, SEVERITIES))
    for n in range(1, n_days + 1):
        by_side[:] = 0.0
        by_kind[:] = 0.0
        for k in range(n_streams):
            if record.side[k] >= 0:
                q[k] = (1.0 - decay) * hit[n - 1, k] + decay * q[k]
                for s in range(SEVERITIES):
                    mass = factor[s, k] * q[k]
                    by_side[record.side[k], s] += in_side[k] * mass
                    by_kind[record.side[k], record.category[k], s] += in_kind[k] * mass
        for i in range(n_reactions):
            for s in range(SEVERITIES):
                reacted[n, i, s] = 0.0
            for k in range(n_streams):
                if record.then[i, k] > 0.0:
                    left = reaction_decay[i]
                    q_reaction[i, k] = (1.0 - left) * hit[n - 1, k] + left * q_reaction[i, k]
                    for s in range(SEVERITIES):
                        reacted[n, i, s] += in_reaction[i, k] * grave[s, k] * q_reaction[i, k]
            for s in range(SEVERITIES):
                reacted[n, i, s] *= values[o[REACTION] + i] * math.exp(
                    values[o[REACTION_SEVERITY] + i] * (s - 1)
                )
        for a in range(2):
            for c in range(n_categories):
                for s in range(SEVERITIES):
                    total = 0.0
                    for b in range(2):
                        e = SAME if a == b else OTHER
                        total += number[e] * (
                            (1.0 - kind_share[e]) * by_side[b, s] + kind_share[e] * by_kind[b, c, s]
                        )
                    quiet[a, c, s] = total
        for k in range(n_streams):
            if record.side[k] < 0:
                continue
            chance = 0.0
            for s in range(SEVERITIES):
                whole = quiet[record.side[k], record.category[k], s]
                for i in range(n_reactions):
                    whole += triggers[i, k, s] * reacted[n, i, s]
                brought[n, k, s] = whole
                if not met[k] and record.mix[k, s] > 0.0:
                    chance += record.mix[k, s] * -math.expm1(-whole)
            if not met[k]:
                hit[n, k] = chance
    return brought, hit, reacted


@numba.njit(**_COMPILED)
def left_of_past(values: Floats, priors: Priors, record: Record) -> tuple[Floats, Floats]:
    """Past acts by stream and severity, (k, s), and by reaction, (i, s), weighted by what is left of them.

    The answer of weight 1 comes as that to an act on the last day before the origin.
    """
    o = priors.offset
    n_days = len(record.known)
    decay = math.exp(-math.log(2.0) / values[o[ANSWER_LIFE]])
    left = np.zeros((len(record.side), SEVERITIES))
    left_reaction = np.zeros((len(record.then), SEVERITIES))
    for j in range(len(record.day)):
        k = record.stream[j]
        age = n_days - 1 - record.day[j]
        if record.side[k] >= 0:
            left[k, record.grade[j]] += record.felt[j] * decay**age
        for i in range(len(record.then)):
            if record.trigger[i, j] > 0.0:
                own = math.exp(-math.log(2.0) / values[o[REACTION_LIFE] + i])
                left_reaction[i, record.grade[j]] += record.felt[j] * own**age
    return left, left_reaction


@dataclass(frozen=True)
class ActAhead:
    """An act that happens with a probability on a day, or on any of ``days`` from it on, all as likely."""

    day: int
    stream: int
    severity: int
    probability: float = 1.0
    days: int = 1


def moved_ahead(
    values: Floats, priors: Priors, acts: Acts, n_days: int, futures: int, rng: np.random.Generator
) -> tuple[Floats, Integers]:
    """How tension, drift and ballast move each category in the weeks ahead, by draw and future.

    Returns
    -------
    tuple of ndarray
        Factors, (draw, future, c, week), and the days ahead that lie before each week, (week + 1,).
    """
    o, record = priors.offset, acts.record
    begun = acts.n_weeks
    first = begun if acts.n_days % STEP_DAYS == 0 else begun - 1
    last = -(-(acts.n_days + n_days) // STEP_DAYS)
    weeks = np.arange(first, last)
    n_draws, n_parameters = len(values), len(priors.family)
    knots, drift_knots = knots_for(last), drift_knots_for(knots_for(last))
    longer = np.empty((n_draws, futures, knots))
    longer[..., : priors.n_knots] = values[:, None, n_parameters : n_parameters + priors.n_knots]
    longer[..., priors.n_knots :] = rng.standard_normal((n_draws, futures, knots - priors.n_knots))
    drifts = np.empty((n_draws, futures, drift_knots))
    drifts[..., : priors.n_drift_knots] = values[:, None, n_parameters + priors.n_knots :]
    drifts[..., priors.n_drift_knots :] = rng.standard_normal(
        (n_draws, futures, drift_knots - priors.n_drift_knots)
    )
    decay = np.exp(-STEP_DAYS * KNOT_STEPS / values[:, o[PERSISTENCE]])
    noise = np.sqrt(1 - decay**2)

    def walked(innovations: Floats, decay: Any, noise: Any) -> Floats:  # noqa: ANN401 - number or by draw
        walk = innovations.copy()
        for m in range(1, walk.shape[-1]):
            walk[..., m] = decay * walk[..., m - 1] + noise * innovations[..., m]
        return walk

    def between(walk: Floats, steps: Integers, every: int) -> Floats:
        left, part = steps // every, steps % every / every
        return np.asarray(
            (1 - part) * walk[..., left] + part * walk[..., np.minimum(left + 1, walk.shape[-1] - 1)]
        )

    tension = between(walked(longer, decay[:, None], noise[:, None]), weeks, KNOT_STEPS)
    drift = values[:, o[DRIFT], None, None] * walked(drifts, DRIFT_DECAY, DRIFT_NOISE)
    within = between(drift[:, 0], np.arange(begun), DRIFT_KNOT_STEPS)
    weights = density.weights_of_weeks(acts.n_days)
    mean = np.log(np.exp(within) @ weights / weights.sum())
    level = between(drift, weeks, DRIFT_KNOT_STEPS) - mean[:, None, None]
    moved = np.empty((n_draws, futures, record.n_categories, len(weeks)))
    conflict = {record.category[k] for k in range(len(record.side)) if record.side[k] >= 0}
    for c in range(record.n_categories):
        loading = (values[:, o[LOADING] + c] * values[:, o[SCALE]])[:, None, None]
        moved[:, :, c] = np.exp(loading * tension - loading**2 / 2 + (level if c in conflict else 0.0))
    if len(record.calming):
        left = np.exp2(-STEP_DAYS / values[:, o[CALM_LIFE]])
        exponent = np.zeros_like(tension)
        kinds = [c for c in range(record.n_categories) if c not in conflict]
        for b, c in enumerate(kinds):
            amount = np.zeros(n_draws)
            for t in range(first):
                amount = left * (amount + record.calming[b, t])
            amount = np.repeat(amount[:, None], futures, axis=1)
            own = [k for k in range(len(record.side)) if record.category[k] == c]
            rate = values[:, [o[RATE] + k for k in own]].sum(axis=1) / (1 - values[:, o[FOLLOW_ON]])
            for w in range(len(weeks)):
                exponent[..., w] -= values[:, o[BALLAST] + b, None] * amount / (amount + HALF_SATURATION)
                amount = left[:, None] * (amount + rate[:, None] * moved[:, :, c, w])
        for c in conflict:
            moved[:, :, c] *= np.exp(exponent)
    starts = np.clip(weeks * STEP_DAYS - acts.n_days, 0, n_days)
    return moved, np.append(starts, n_days)


@dataclass(frozen=True)
class Survival:
    """S(h), the chance that a target has not happened within h days of the origin: (draw, target, day).

    ``days`` are the days h, from 0 on; between them −log S is linear.
    """

    days: Integers
    values: Floats

    def at(self, day: int) -> Floats:
        """S of a day, (draw, target)."""
        logs = np.log(np.maximum(self.values, 1e-300))
        place = np.clip(np.searchsorted(self.days, day), 1, len(self.days) - 1)
        low, high = self.days[place - 1], self.days[place]
        part = (day - low) / (high - low)
        return np.asarray(np.exp((1 - part) * logs[..., place - 1] + part * logs[..., place]))


def survival(
    values: Floats,
    priors: Priors,
    acts: Acts,
    days: Sequence[int],
    rng: np.random.Generator,
    *,
    futures: int = 8,
    ahead: Sequence[ActAhead] = (),
) -> Survival:
    """Return S of every target at these days, averaged over futures of tension and drift of each draw."""
    record, streams = acts.record, acts.streams
    grid = np.unique([0, *days]).astype(np.int64)
    n_days = int(grid[-1])
    triggers = np.zeros((len(streams.reactions), len(streams.streams), SEVERITIES))
    for i, one in enumerate(streams.reactions):
        for k, stream in enumerate(streams.streams):
            if i in stream.classes:
                triggers[i, k, [s - 1 for s in one.severities]] = 1.0
    moved, starts = moved_ahead(values, priors, acts, n_days, futures, rng)
    n_targets = len(streams.targets)
    found = np.ones((len(values), n_targets, len(grid)))
    o, every = priors.offset, record.category
    category = np.zeros((record.n_categories, len(every)))
    category[every, np.arange(len(every))] = 1.0
    # CUM(h − d0) − CUM(h − d1) over the days of each week: what an immigrant of each day adds.
    upper = np.clip(grid[:, None] - starts[None, :-1], 0, None)
    lower = np.clip(grid[:, None] - starts[None, 1:], 0, None)
    for d, own in enumerate(values):
        left, left_reaction = left_of_past(own, priors, record)
        rates = own[o[RATE] : o[RATE] + len(every)] / STEP_DAYS
        for q in range(n_targets):
            brought, hit, reacted = clusters(own, priors, record, triggers, streams.meets[q], n_days)
            cumulated = np.zeros((n_days + 1, record.n_categories))
            cumulated[1:] = np.cumsum((hit[:-1] * rates) @ category.T, axis=0)
            part = cumulated[upper] - cumulated[lower]  # (h, week, c)
            immigrants = np.einsum("fcw,hwc->fh", moved[d], part, optimize=True)
            bare = brought[grid] - np.einsum("iks,his->hks", triggers, reacted[grid])
            past = np.einsum("hks,ks->h", bare, left) + np.einsum("his,is->h", reacted[grid], left_reaction)
            quiet = np.exp(-immigrants - past).mean(axis=0)
            for act in ahead:
                quiet *= _quiet(act, brought, bool(streams.meets[q, act.stream]), grid)
            found[d, q] = quiet
    return Survival(grid, found)


def _quiet(act: ActAhead, brought: Floats, met: bool, grid: Integers) -> Floats:
    """Chance that an act ahead neither meets a target nor leads to one before each day, (h,)."""
    total = np.zeros(len(grid))
    for shift in range(act.days):
        left = grid - act.day - shift
        quiet = 0.0 if met else np.exp(-brought[np.clip(left, 0, None), act.stream, act.severity - 1])
        total += np.where(left >= 0, 1 - act.probability + act.probability * quiet, 1.0)
    return total / act.days
