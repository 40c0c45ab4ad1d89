"""Exact chances: the probability that no target has happened before each day, with all acts summed out.

An act is the root of a cluster that is independent of all others, since intensities are sums. With n days
left after its own, φ(j; n) is the chance that no target is among its descendants:

    φ(j; n) = exp(−L_j(n)),   L_j(n) = Σ_k mass_k(j)·Q_k(n),   Q_k(n) = Σ_{i=1..n} g(i)·u_k(n − i)
    u_k(n)  = 1 where k meets the target, else 1 − Σ_s mix_k(s)·exp(−L_{k,s}(n))

so one recursion forward in n gives everything. Immigrants and what past acts still bring about add up in
−log S; an act ahead on day d, which happens with probability p, multiplies S(h) by
1 − p + p·1[it is no target]·φ(h − 1 − d). Only tension and drift are drawn ahead: S of a draw is the mean
over its futures. (Generating functionals of cluster processes: Hawkes and Oakes 1974, doi:10.2307/3212693.)

Ballast is not linear in acts: it multiplies immigrants, and takes cooperation at its expected course plus
what the acts ahead add.

Bare axes as in ``forecast.models.density``; besides, target q, future f, day h or t from the origin, n days
left, and N for the days of ``Chances.days``, between which −log S and L are taken as linear.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from forecast.events.codebook import COOPERATIVE
from forecast.models import density
from forecast.models.density import (
    _COMPILED,
    ANSWER_LIFE,
    ANSWERS,
    BALLAST,
    CALM_LIFE,
    DRIFT,
    FOLLOW_LIFE,
    FOLLOW_ON,
    IN_KIND,
    LOADING,
    OTHER,
    PERSISTENCE,
    RATE,
    REACTION,
    REACTION_LIFE,
    REACTION_SEVERITY,
    REFERENCE,
    SAME,
    SCALE,
    SEVERITIES,
    Priors,
    Record,
)
from forecast.models.draws import StreamDraws, linear_between, ornstein_uhlenbeck, prior_arrays, record_of
from forecast.panel import (
    DRIFT_DECAY,
    DRIFT_KNOT_STEPS,
    DRIFT_NOISE,
    HALF_SATURATION,
    KNOT_STEPS,
    STEP_DAYS,
    FutureAct,
    Reaction,
    drift_knots_for,
    knots_for,
)
from forecast.priors import PriorSet
from forecast.streams import Acts, occasion_chances

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

FUTURES = 8
"""Futures of tension and drift that a draw is averaged over; every second mirrors the one before."""
DAILY = 30
"""Days after which chances are computed weekly, and interpolated."""
_KEPT_ACTS = 16
_KEPT_CURVES = 100
_SMALL = 0.02
_LEAST = 1e-300


@numba.njit(**_COMPILED)
def _chance_of_any(expected: float) -> float:
    """1 − exp(−x), by its series where x is small."""
    if expected < _SMALL:
        return expected * (1.0 - expected * (0.5 - expected * (1.0 / 6.0 - expected / 24.0)))
    return 1.0 - math.exp(-expected)


@numba.njit(**_COMPILED)
def left_of_past(values: Floats, priors: Priors, record: Record, sets_off: Flags) -> tuple[Floats, Floats]:
    """Past acts by stream and severity, (k, s), and by reaction, (i, s), weighted by what is left of them.

    The answer of weight 1 comes as that to an act on the last day before the origin.
    """
    o = priors.offset
    n_days = len(record.known)
    left = np.zeros((len(record.side), SEVERITIES))
    left_reaction = np.zeros((len(record.then), SEVERITIES))
    for j in range(len(record.day)):
        k = record.stream[j]
        age = n_days - 1 - record.day[j]
        if k >= 0:
            life = values[o[ANSWER_LIFE]] if record.side[k] >= 0 else values[o[FOLLOW_LIFE]]
            left[k, record.grade[j]] += record.felt[j] * 2.0 ** (-age / life)
        for i in range(len(record.then)):
            if record.trigger[i, j] > 0.0 or (k >= 0 and sets_off[i, k]):
                left_reaction[i, record.grade[j]] += record.felt[j] * 2.0 ** (
                    -age / values[o[REACTION_LIFE] + i]
                )
    return left, left_reaction


@numba.njit(**_COMPILED)
def _survival(
    past: Floats, immigrants: Floats, moved: Floats, starts: Integers, days: Integers, survival: Floats
) -> None:
    """Write S of one draw and target into ``survival`` (N).

    ``past`` (N) is what past acts still lead to, ``immigrants`` (n, c) the sum of what immigrants with fewer
    than n days left lead to while nothing moves them; see ``_chances`` for the rest.
    """
    n_weeks, n_categories, n_futures = moved.shape
    expected = np.empty(n_futures)
    # Immigrants on the days t0 … t1 − 1 that lead to a target before h add Σ_t r·u(h − 1 − t).
    for place in range(len(days)):
        h = days[place]
        expected[:] = past[place]
        for w in range(n_weeks):
            first = h - starts[w]
            if first <= 0:
                break
            last = max(h - starts[w + 1], 0)
            for c in range(n_categories):
                part = immigrants[first, c] - immigrants[last, c]
                for f in range(n_futures):
                    expected[f] += moved[w, c, f] * part
        total = 0.0
        for f in range(n_futures):
            total += math.exp(-expected[f])
        survival[place] = total / n_futures


@numba.njit(**_COMPILED)
def _survival_of_draws(
    past: Floats, immigrants: Floats, moved: Floats, starts: Integers, days: Integers, survival: Floats
) -> None:
    for d in range(len(past)):
        for target in range(past.shape[1]):
            _survival(past[d, target], immigrants[d, target], moved[d], starts, days, survival[d, target])


@numba.njit(**_COMPILED)
def _chances(
    values: Floats,
    priors: Priors,
    record: Record,
    sets_off: Flags,
    met: Flags,
    also: Flags,
    also_days: int,
    moved: Floats,
    starts: Integers,
    days: Integers,
    pairs: Integers,
    survival: Floats,
    tables: Floats,
    reactions: Floats,
    past: Floats,
    summed: Floats,
) -> None:
    """Write chances of one draw into ``survival`` (q, N), ``tables`` (pair, q, N), ``reactions`` (i, q, N).

    What ``_survival`` reads goes into ``past`` (q, N) and ``summed`` (q, n, c); (1, n, c): the last target.

    Parameters
    ----------
    sets_off : ndarray of bool, shape (i, k)
    met : ndarray of bool, shape (q, k)
        Streams whose acts meet each target.
    also : ndarray of bool, shape (k, s)
        Acts that count as every target as well, up to the day ``also_days``; then only the last of ``days``
        is meant.
    moved : ndarray, shape (week, c, f)
        What moves each category in the weeks ahead, which begin on the days ``starts``, (week + 1,).
    pairs : ndarray, shape (pair, 2)
        Streams and severities less 1 of which L is wanted.
    """
    o = priors.offset
    n_streams, n_reactions, n_categories = len(record.side), len(record.then), record.n_categories
    n_days = days[-1]
    rates = density.stream_rates(values, priors, record)
    in_side, in_kind, factor, grave = density.answer_weights(values, rates, priors, record)
    decay = 2.0 ** (-1.0 / values[o[ANSWER_LIFE]])
    follow_decay = 2.0 ** (-1.0 / values[o[FOLLOW_LIFE]])
    follow_on = values[o[FOLLOW_ON]]
    number, kind_share = values[o[ANSWERS] : o[ANSWERS] + 2], values[o[IN_KIND] : o[IN_KIND] + 2]
    in_reaction = density.reaction_shares(values, rates, grave, priors, record)
    reaction_decay = np.empty(n_reactions)
    reaction_factor = np.empty((n_reactions, SEVERITIES))
    for i in range(n_reactions):
        reaction_decay[i] = 2.0 ** (-1.0 / values[o[REACTION_LIFE] + i])
        for s in range(SEVERITIES):
            reaction_factor[i, s] = values[o[REACTION] + i] * math.exp(
                values[o[REACTION_SEVERITY] + i] * (s - REFERENCE)
            )
    left, left_reaction = left_of_past(values, priors, record, sets_off)
    q, q_reaction = np.zeros(n_streams), np.zeros((n_reactions, n_streams))
    by_side, by_kind = np.zeros((2, SEVERITIES)), np.zeros((2, n_categories, SEVERITIES))
    answered = np.zeros((2, n_categories, SEVERITIES))
    in_conflict = np.zeros(n_categories, dtype=np.bool_)
    for k in range(n_streams):
        in_conflict[record.category[k]] = record.side[k] >= 0
    brought, reacted = np.zeros((n_streams, SEVERITIES)), np.zeros((n_reactions, SEVERITIES))
    hit = np.zeros((n_days + 1, n_streams))
    for target in range(len(met)):
        q[:] = 0.0
        q_reaction[:] = 0.0
        brought[:] = 0.0
        reacted[:] = 0.0
        place = 0
        for n in range(n_days + 1):
            if n > 0:
                by_side[:] = 0.0
                by_kind[:] = 0.0
                for k in range(n_streams):
                    if record.side[k] >= 0:
                        q[k] = (1.0 - decay) * hit[n - 1, k] + decay * q[k]
                        wide, close = in_side[k] * q[k], in_kind[k] * q[k]
                        for s in range(SEVERITIES):
                            by_side[record.side[k], s] += factor[s, k] * wide
                            by_kind[record.side[k], record.category[k], s] += factor[s, k] * close
                    else:
                        q[k] = (1.0 - follow_decay) * hit[n - 1, k] + follow_decay * q[k]
                for i in range(n_reactions):
                    reacted[i] = 0.0
                    for k in range(n_streams):
                        if record.then[i, k] > 0.0:
                            kept = reaction_decay[i]
                            q_reaction[i, k] = (1.0 - kept) * hit[n - 1, k] + kept * q_reaction[i, k]
                            for s in range(SEVERITIES):
                                reacted[i, s] += (
                                    reaction_factor[i, s] * grave[s, k] * in_reaction[i, k] * q_reaction[i, k]
                                )
                for a in range(2):
                    for c in range(n_categories):
                        if in_conflict[c]:
                            for s in range(SEVERITIES):
                                in_kind_too = kind_share[SAME] * by_kind[a, c, s]
                                other_too = kind_share[OTHER] * by_kind[1 - a, c, s]
                                answered[a, c, s] = number[SAME] * (
                                    (1.0 - kind_share[SAME]) * by_side[a, s] + in_kind_too
                                ) + number[OTHER] * (
                                    (1.0 - kind_share[OTHER]) * by_side[1 - a, s] + other_too
                                )
                for k in range(n_streams):
                    if record.side[k] >= 0:
                        brought[k] = answered[record.side[k], record.category[k]]
                    else:
                        brought[k] = follow_on * q[k]
            signs = also_days > 0 and n >= n_days - also_days
            for k in range(n_streams):
                chance = 1.0
                if not met[target, k]:
                    chance = 0.0
                    for s in range(SEVERITIES):
                        if record.mix[k, s] > 0.0:
                            if signs and also[k, s]:
                                chance += record.mix[k, s]
                                continue
                            whole = brought[k, s]
                            for i in range(n_reactions):
                                if sets_off[i, k]:
                                    whole += reacted[i, s]
                            chance += record.mix[k, s] * _chance_of_any(whole)
                hit[n, k] = chance
            if days[place] == n:
                total = 0.0
                for k in range(n_streams):
                    for s in range(SEVERITIES):
                        if left[k, s] > 0.0:
                            total += left[k, s] * brought[k, s]
                for i in range(n_reactions):
                    reactions[i, target, place] = reacted[i, REFERENCE]
                    for s in range(SEVERITIES):
                        total += left_reaction[i, s] * reacted[i, s]
                past[target, place] = total
                for pair in range(len(pairs)):
                    k, s = pairs[pair, 0], pairs[pair, 1]
                    whole = brought[k, s]
                    for i in range(n_reactions):
                        if sets_off[i, k]:
                            whole += reacted[i, s]
                    tables[pair, target, place] = whole
                place += 1
        immigrants = summed[min(target, len(summed) - 1)]
        immigrants[0] = 0.0
        for n in range(n_days):
            for c in range(n_categories):
                immigrants[n + 1, c] = immigrants[n, c]
            for k in range(n_streams):
                immigrants[n + 1, record.category[k]] += rates[k] / STEP_DAYS * hit[n, k]
        _survival(past[target], immigrants, moved, starts, days, survival[target])


@numba.njit(**_COMPILED)
def _chances_of_draws(
    values: Floats,
    priors: Priors,
    record: Record,
    sets_off: Flags,
    met: Flags,
    also: Flags,
    also_days: int,
    moved: Floats,
    starts: Integers,
    days: Integers,
    pairs: Integers,
    survival: Floats,
    tables: Floats,
    reactions: Floats,
    past: Floats,
    kept: Floats,
) -> None:
    scratch = np.empty((1, days[-1] + 1, record.n_categories))
    for d in range(len(values)):
        _chances(
            values[d],
            priors,
            record,
            sets_off,
            met,
            also,
            also_days,
            moved[d],
            starts,
            days,
            pairs,
            survival[d],
            tables[d],
            reactions[d],
            past[d],
            kept[d] if len(kept) > 0 else scratch,
        )


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
    keeps : bool
        Keep what acts ahead were found to do, and what cooperation ahead needs, so that the next of the kind
        is answered at once: for few draws and many questions.
    """

    data: Acts
    priors: PriorSet
    draws: StreamDraws
    n_days: int
    seed: int
    futures: int = FUTURES
    further: tuple[FurtherReaction, ...] = ()
    keeps: bool = False

    def with_further(self, further: Sequence[FurtherReaction]) -> Chances:
        """Return the same chances with these further reactions; what was computed is shared."""
        names = ("_tables", "_plain", "_reactions", "_lost")
        shared = {name: getattr(self, name) for name in names}
        own = {name: value for name, value in vars(self).items() if name not in self.__dataclass_fields__}
        found = replace(self, further=tuple(further))
        found.__dict__.update({**own, **shared})
        found.__dict__.pop("_answers", None)
        if further:
            found.__dict__.pop("_lost", None)
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
    def record(self) -> Record:
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
        for held, wanted in (
            (points.n_knots, knots),
            (points.n_drift_knots, drift_knots_for(knots)),
        ):
            wanted = max(wanted, held)
            half = rng.standard_normal((len(values), (self.futures + 1) // 2, wanted - held))
            ahead = np.stack([half, -half], axis=2).reshape(len(values), 2 * half.shape[1], wanted - held)
            own = np.broadcast_to(values[:, None, begin : begin + held], (len(values), self.futures, held))
            found.append(np.concatenate([own, ahead[:, : self.futures]], axis=2))
            begin += held
        return found[0], found[1]

    @cached_property
    def _weeks(self) -> Integers:
        """Weeks of the grid that reach into the days ahead."""
        n_days = len(self.data.known)
        return np.arange(n_days // STEP_DAYS, -(-(n_days + self.n_days) // STEP_DAYS))

    @cached_property
    def _starts(self) -> Integers:
        """Days from the origin on which these weeks begin, and the horizon."""
        begun = np.clip(self._weeks * STEP_DAYS - len(self.data.known), 0, self.n_days)
        return np.append(begun, self.n_days)

    @cached_property
    def _moved(self) -> Floats:
        """What tension and drift do to each category ahead, without ballast, (draw, week, c, f)."""
        o, values, data = self.arrays.offset, self.draws.values, self.data
        innovations, drift_innovations = self._innovations
        one = np.ones(innovations.shape[:2])
        decay = np.exp(-STEP_DAYS * KNOT_STEPS / values[:, o[PERSISTENCE], None]) * one
        tension = linear_between(
            ornstein_uhlenbeck(innovations, decay, np.sqrt(1 - decay**2)), self._weeks, KNOT_STEPS
        )
        drift = values[:, o[DRIFT], None, None] * ornstein_uhlenbeck(
            drift_innovations, DRIFT_DECAY * one, DRIFT_NOISE * one
        )
        within = linear_between(drift[:, 0], np.arange(data.grid.n_steps), DRIFT_KNOT_STEPS)
        weights = density.weights_of_weeks(len(data.known))
        mean = np.log(np.exp(within) @ weights / weights.sum())
        level = linear_between(drift, self._weeks, DRIFT_KNOT_STEPS) - mean[:, None, None]
        moved = np.empty((len(values), len(self._weeks), len(data.layout.categories), self.futures))
        for c, name in enumerate(data.layout.categories):
            loading = (values[:, o[LOADING] + c] * values[:, o[SCALE]])[:, None, None]
            of_level = 0.0 if name in COOPERATIVE else level
            moved[:, :, c] = np.exp(loading * tension - loading**2 / 2 + of_level).transpose(0, 2, 1)
        return moved

    @cached_property
    def expected_course(self) -> Floats:
        """What tension, drift and cooperation do to each category ahead without acts, (draw, week, c, f)."""
        return self._calmed(())

    def _calmed(self, acts: Sequence[FutureAct]) -> Floats:
        """``_moved`` with ballast, under cooperation at its expected course and these acts ahead."""
        o, values, record = self.arrays.offset, self.draws.values, self.record
        layout, moved = self.data.layout, self._moved
        if not layout.calming:
            return moved
        kept = np.exp2(-STEP_DAYS / values[:, o[CALM_LIFE]])
        exponent = np.zeros((len(values), len(self._weeks), self.futures))
        for b, name in enumerate(layout.calming):
            c = layout.categories.index(name)
            amount = np.zeros(len(values))
            for t in range(self._weeks[0]):
                amount = kept * (amount + record.calming[b, t])
            begun = record.calming[b, self._weeks[0]] if self._weeks[0] < self.data.grid.n_steps else 0.0
            own = [k for k, one in enumerate(layout.kinds) if one.category == name]
            rates = values[:, o[RATE] + record.rate_of[own]] @ record.rate_share[own]
            rate = rates / (1 - values[:, o[FOLLOW_ON]])
            added = self._added(name, acts)
            share = np.diff(self._starts) / STEP_DAYS
            level = np.repeat(amount[:, None], self.futures, axis=1)
            for w in range(len(self._weeks)):
                exponent[:, w] -= values[:, o[BALLAST] + b, None] * level / (level + HALF_SATURATION)
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

    def _run(
        self,
        moved: Floats,
        pairs: Sequence[tuple[int, int]] = (),
        also: Flags | None = None,
        also_days: int = 0,
        met: Flags | None = None,
    ) -> tuple[Floats, Floats, Floats]:
        layout, n_draws = self.data.layout, len(self.draws)
        met = layout.meets if met is None else met
        n_streams = len(layout.kinds)
        pair = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        survival = np.empty((n_draws, len(met), len(self.days)))
        tables = np.empty((n_draws, len(pair), len(met), len(self.days)))
        reactions = np.empty((n_draws, len(layout.reactions), len(met), len(self.days)))
        counted = np.zeros((n_streams, SEVERITIES), dtype=bool) if also is None else also
        past = np.empty((n_draws, len(met), len(self.days)))
        keeps = self.keeps and also is None
        shape = (n_draws, len(met), self.n_days + 1, len(layout.categories)) if keeps else (0, 0, 0, 0)
        kept = np.empty(shape)

        def run(some: slice) -> None:
            _chances_of_draws(
                self.draws.values[some],
                self.arrays,
                self.record,
                layout.sets_off,
                met,
                counted,
                also_days,
                moved[some],
                self._starts,
                self.days,
                pair,
                survival[some],
                tables[some],
                reactions[some],
                past[some],
                kept[some],
            )

        self._in_parts(run)
        if keeps:
            self._reactions.update({"past": past, "immigrants": kept})
        return survival, tables, reactions

    def _in_parts(self, run: Callable[[slice], None]) -> None:
        """Run over all draws, some at a time, on all cores."""
        n_draws, cores = len(self.draws), os.cpu_count() or 1
        cut = np.linspace(0, n_draws, min(4 * cores, n_draws) + 1).astype(int).tolist()
        with ThreadPoolExecutor(max_workers=cores) as pool:
            list(pool.map(run, [slice(*ends) for ends in pairwise(cut)]))

    @cached_property
    def _tables(self) -> dict[tuple[int, int], Floats]:
        """L of an act by stream and severity less 1, each of shape (draw, q, N)."""
        return {}

    @cached_property
    def _plain(self) -> dict[tuple[FutureAct, ...], Floats]:
        """S without the acts of conflict ahead, by those of cooperation, each of shape (draw, q, N)."""
        return {}

    @cached_property
    def _reactions(self) -> dict[str, Floats]:
        """By name: L of occasions ``of`` reactions; where they are kept, ``past`` and ``immigrants``."""
        return {}

    @cached_property
    def _lost(self) -> dict[FutureAct, Floats]:
        """1 less what an act ahead that is certain multiplies S by, (draw, q, day), of those asked last."""
        return {}

    def prepare(self, acts: Iterable[FutureAct]) -> None:
        """Compute at once what several lists of acts ahead need."""
        wanted = {
            (stream, act.severity - 1) for act in acts for stream, _ in self.data.streams_of(act)
        } - self._tables.keys()
        if wanted:
            self._compute((), sorted(wanted))

    def _compute(self, calming: tuple[FutureAct, ...], pairs: Sequence[tuple[int, int]]) -> None:
        if self.keeps and not pairs and "immigrants" in self._reactions:
            self._plain[calming] = self._again(self._calmed(calming))
            _forget(self._plain, _KEPT_CURVES)
            return
        survival, tables, reactions = self._run(self._calmed(calming), pairs)
        self._plain[calming] = survival
        self._tables.update({pair: tables[:, at] for at, pair in enumerate(pairs)})
        self._reactions["of"] = reactions

    def _again(self, moved: Floats) -> Floats:
        """S without the acts ahead, (draw, q, N), with immigrants moved in another way."""
        past, immigrants = self._reactions["past"], self._reactions["immigrants"]
        survival = np.empty_like(past)

        def run(some: slice) -> None:
            parts = past[some], immigrants[some], moved[some]
            _survival_of_draws(*parts, self._starts, self.days, survival[some])

        self._in_parts(run)
        return survival

    def survival(
        self,
        acts: Sequence[FutureAct] = (),
        *,
        occasions: bool = True,
        reactions: Sequence[Reaction] | None = None,
    ) -> Survival:
        """Return S of every target by day, with these acts ahead, and occasions of reactions where asked.

        ``reactions`` are those of the layout with other occasions, in its order.
        """
        calming = tuple(act for act in acts if act.category in COOPERATIVE)
        wanted = {
            (stream, act.severity - 1) for act in acts for stream, _ in self.data.streams_of(act)
        } - self._tables.keys()
        if wanted or calming not in self._plain:
            self._compute(calming, sorted(wanted))
        values = self.daily_survival(self._plain[calming])
        for act in acts:
            values *= self.factor(act)
        known = self.data.layout.reactions if reactions is None else reactions
        for i, reaction in enumerate((*known, *(one.reaction for one in self.further)) if occasions else ()):
            occasion = occasion_chances(reaction, self.data.grid.origin)
            if occasion is not None and reaction.when is None:
                day, chance = occasion
                if i < len(known):
                    answered = self._daily(self._reactions["of"][:, i])
                else:
                    answered = self._answered(i - len(known), REFERENCE)
                values *= 1 - chance * (1 - _delayed(np.exp(-answered), day))
        targets = tuple(target.name for target in self.data.layout.targets)
        return Survival(targets, self.data.grid.origin, values)

    def factor(self, act: FutureAct) -> Floats:
        """What an act ahead multiplies S by, shape (draw, target, day): chance that it leads to no target."""
        certain = replace(act, probability=1.0, label="")
        lost = self._lost.get(certain)
        if lost is None:
            lost = self._lost_by(act)
            if self.keeps:
                self._lost[certain] = lost
                _forget(self._lost, _KEPT_ACTS)
        # Exactly 1 where nothing is changed.
        return np.asarray(1 - act.probability * lost)

    def _lost_by(self, act: FutureAct) -> Floats:
        """1 less what an act ahead that is certain multiplies S by, shape (draw, target, day)."""
        first, length = window_of(act, self.data.grid.origin)
        quiet: Floats | float = 0.0
        answered: Floats | float = 0.0
        for i, one in enumerate(self.further):
            when = one.reaction.when
            if when and when.holds(act.category, act.subcategory, act.severity, act.by):
                answered = answered + self._answered(i, act.severity - 1)
        for stream, share in self.data.streams_of(act):
            if (stream, act.severity - 1) not in self._tables:
                self.prepare([act])
            of_stream = np.exp(-self._daily(self._tables[stream, act.severity - 1]) - answered)
            of_stream[:, self.data.layout.meets[:, stream]] = 0.0
            quiet = quiet + share * of_stream
        return np.asarray(1 - _delayed(np.asarray(quiet), first, length))

    @cached_property
    def _answers(self) -> dict[int, tuple[Floats, Floats]]:
        """Of further reactions by place: answers of each stream to a trigger by severity, and their hits."""
        return {}

    def _answered(self, place: int, grade: int) -> Floats:
        """L of a further reaction for a trigger of this severity less 1, shape (draw, q, day)."""
        if place not in self._answers:
            self._answers[place] = self._answers_of(self.further[place])
        mass, hits = self._answers[place]
        return np.asarray(np.einsum("dk,dkqn->dqn", mass[:, grade], hits))

    def _answers_of(self, one: FurtherReaction) -> tuple[Floats, Floats]:
        """Mass by severity of the trigger, (draw, s, k), and the chance that an answer leads to a target.

        The second, (draw, k, q, day), is Q of the streams that answer, with so many days left.
        """
        streams = np.flatnonzero(self.data.layout.answering(one.reaction))
        mix, meets = self.record.mix, self.data.layout.meets
        pairs = [(int(k), s) for k in streams for s in range(SEVERITIES) if mix[k, s] > 0]
        if missing := [pair for pair in pairs if pair not in self._tables]:
            self._compute((), missing)
        hits = np.zeros((len(self.draws), len(streams), len(meets), self.n_days + 1))
        for at, k in enumerate(streams):
            for s in np.flatnonzero(mix[k] > 0):
                hits[:, at] -= mix[k, s] * np.expm1(-self._daily(self._tables[int(k), int(s)]))
            hits[:, at, meets[:, k]] = 1.0
        kept = np.exp2(-1.0 / one.half_life)[:, None, None]
        answers = np.zeros_like(hits)
        for n in range(1, self.n_days + 1):
            answers[..., n] = (1 - kept) * hits[..., n - 1] + kept * answers[..., n - 1]
        mass = np.empty((len(self.draws), SEVERITIES, len(streams)))
        for d, values in enumerate(self.draws.values):
            rates = density.stream_rates(values, self.arrays, self.record)
            grave = density.answer_weights(values, rates, self.arrays, self.record)[3][:, streams]
            share = rates[streams] * np.exp(one.gravity[d] * (self.record.severity[streams] - 1))
            mass[d] = grave * share / (share @ grave[REFERENCE])
        graver = np.exp(one.severity[:, None] * (np.arange(SEVERITIES) - REFERENCE))
        return mass * (one.number[:, None] * graver)[:, :, None], answers

    def with_sign(self, also: Flags, days: int, target: str) -> Floats:
        """Chance that neither target nor sign has happened, shape (draw,).

        The target before the horizon, an act that ``also``, (k, s), marks before ``days``; no acts are ahead.
        """
        place = [one.name for one in self.data.layout.targets].index(target)
        met = self.data.layout.meets[[place]]
        survival, _, _ = self._run(self._calmed(()), also=also, also_days=days, met=met)
        return np.asarray(survival[:, 0, -1])

    def without_sign(self, also: Flags, days: int) -> Floats:
        """Chance that no act that ``also``, (k, s), marks has happened before ``days``, shape (draw,)."""
        met = np.zeros((1, len(self.data.layout.kinds)), dtype=bool)
        survival, _, _ = self._run(self._calmed(()), also=also, also_days=days, met=met)
        return np.asarray(survival[:, 0, -1])

    @cached_property
    def _between(self) -> tuple[Integers, Floats]:
        """For every day the place of the computed day at or before it, and how far it is to the next."""
        every = np.arange(self.n_days + 1)
        left = np.clip(np.searchsorted(self.days, every, side="right") - 1, 0, max(len(self.days) - 2, 0))
        right = np.minimum(left + 1, len(self.days) - 1)
        gap = np.maximum(self.days[right] - self.days[left], 1)
        return left, (every - self.days[left]) / gap

    def _daily(self, values: Floats) -> Floats:
        """Values of every day, linear between those computed, (…, day)."""
        left, part = self._between
        right = np.minimum(left + 1, len(self.days) - 1)
        low, high = values[..., left], values[..., right]
        # Between both to the last digit, so that no curve falls by rounding.
        return np.clip(low + part * (high - low), np.minimum(low, high), np.maximum(low, high))

    def daily_survival(self, values: Floats) -> Floats:
        """S of every day, its logarithm linear between the days computed."""
        return np.exp(self._daily(np.log(np.maximum(values, _LEAST))))


def _forget[Key, Value](known: dict[Key, Value], most: int) -> None:
    """Leave what came last."""
    for key in [*known][:-most]:
        known.pop(key, None)


def window_of(act: FutureAct, origin: date) -> tuple[int, int]:
    """First day of an act, from the origin, and the number of days among which it falls."""
    return (act.date - origin).days, ((act.until or act.date) - act.date).days + 1


def _delayed(quiet: Floats, first: int, length: int = 1) -> Floats:
    """Chance of quiet before each day for what falls on one of the days ``first`` … ``first + length − 1``.

    ``quiet`` (…, n) is that with n days left after it; every day is as likely.
    """
    n_days = quiet.shape[-1] - 1
    left = np.arange(n_days + 1) - 1 - first
    if length == 1:
        return np.where(left < 0, 1.0, quiet[..., np.maximum(left, 0)])
    total = np.concatenate([np.zeros((*quiet.shape[:-1], 1)), np.cumsum(quiet, axis=-1)], axis=-1)
    top = np.clip(left + 1, 0, n_days + 1)
    low = np.clip(left + 1 - length, 0, n_days + 1)
    # Where the act is still to come it does nothing. Differences of sums are rounded: none may rise.
    before = length - (top - low)
    return np.minimum.accumulate((total[..., top] - total[..., low] + before) / length, axis=-1)
