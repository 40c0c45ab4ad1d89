"""Probabilities of the pooled hazard: a dyad's gamma–Poisson rate, moved by what other dyads teach.

The daily hazard of a target in an interval of the future is g·exp(Σ w_c x·β_c + u). The anchor g is that of
the dyad's own gamma–Poisson rate; x are features; β_c coefficients learned from the records of coder c, with
a normal posterior (``learning`` tells how it is found). Weights w_c fall where a record is unlike those that
were learned, so that the anchor is left. u is the dyad's own deviation, Normal(0, ``deviation``²) over dyads,
and is updated at every origin on how often targets came after earlier origins beside what was foreseen.
Overlapping windows do not count twice there, and old ones are forgotten.

The probability of a target within h days is 1 − exp(−Λ(h)), Λ the sum of the hazards up to h, so it never
falls in h. A target that includes another has at least its Λ, draw by draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.special import lambertw

from forecast.baselines.windows import DAY, Days, Horizons, as_day, past_events
from forecast.errors import InputError
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule
from forecast.pooled_hazard.coefficients import PooledHazard
from forecast.pooled_hazard.features import EDGES, INTERVAL_DAYS, OriginFeatures, origin_features
from forecast.simulation.probabilities import HitMoments, hit_chance

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

N_DRAWS = 200
"""Draws of the coefficients behind a forecast."""
SPACING_DAYS = 30
"""Days between the earlier origins that a dyad's deviation, and the coefficients, are learned from."""
FORGET_DAYS = 1500.0
"""Half-life of what earlier origins say of a dyad's deviation."""
FURTHEST_DAYS = 2 * int(EDGES[-1])
"""Longest horizon that may be asked: twice the longest that was learned."""
INTERVAL_WEIGHT: Floats = np.minimum(SPACING_DAYS / INTERVAL_DAYS, 1.0)
"""Weight of an interval: origins are closer to one another than the longer intervals are long."""
_LEAST_LOG, _MOST_LOG = -15.0, 3.0
"""Bounds of the log of a daily hazard."""


def forecast_origins(
    hazard: PooledHazard,
    events: EventTable,
    targets: Sequence[TargetRule],
    origins: Days,
    start: date,
    horizons: Horizons,
    *,
    seed: int = 0,
) -> dict[str, Floats]:
    """Forecast targets at several origins, each from what was known before it.

    A dyad that the coefficients were learned on is forecast by those learned without it.

    Returns
    -------
    dict
        Target → P(target within the horizon), shape (origin, horizon), mean over draws. Of a target that
        never happened it is the gamma–Poisson rate's.

    Raises
    ------
    InputError
        A horizon beyond ``FURTHEST_DAYS``, or coefficients that know what came after an origin.
    """
    drawn = _cumulative_draws(hazard, events, targets, origins, start, seed)
    refuse_far(int(np.max(horizons)))
    return {one.name: np.asarray(hit_chance(_at_days(drawn[one.name], horizons))) for one in targets}


def forecast_by_day(
    hazard: PooledHazard,
    events: EventTable,
    targets: Sequence[TargetRule],
    origin: date,
    start: date,
    horizon_days: int,
    *,
    seed: int = 0,
) -> dict[str, HitMoments]:
    """Mean and variance over draws of P(target before day t), t = 0 … ``horizon_days``, at one origin.

    Raises ``InputError``: a horizon beyond ``FURTHEST_DAYS``.
    """
    refuse_far(horizon_days)
    days = np.arange(horizon_days + 1)
    drawn = _cumulative_draws(hazard, events, targets, np.array([origin], "datetime64[D]"), start, seed)
    found = {}
    for target in targets:
        cumulative = _at_days(drawn[target.name][:, 0], days)
        # exp(−Λ) has the same variance as 1 − exp(−Λ).
        found[target.name] = HitMoments(hit_chance(cumulative), np.expm1(-cumulative).var(axis=0))
    return found


def refuse_far(horizon_days: int) -> None:
    """Raise ``InputError`` for a horizon further ahead than twice what was learned."""
    if horizon_days > FURTHEST_DAYS:
        raise InputError(
            f"{horizon_days} days ahead is more than the pooled hazard can tell: it was learned up to "
            f"{EDGES[-1]} days and answers up to {FURTHEST_DAYS}. Take nearer dates, or model.family: model"
        )


def _cumulative_draws(
    hazard: PooledHazard,
    events: EventTable,
    targets: Sequence[TargetRule],
    origins: Days,
    start: date,
    seed: int,
) -> dict[str, Floats]:
    """Cumulative hazards at the ends of the intervals, shape (draw, origin, interval), by target."""
    means = hazard.mean_for(events, origins[0].item())
    random = np.random.default_rng(seed)
    draws = [one.draws(mean, N_DRAWS, random) for one, mean in zip(hazard.coders, means, strict=True)]
    noise = random.standard_normal((2, N_DRAWS // 2))
    noise = np.concatenate([noise, -noise], axis=1)
    days = ((origins - as_day(start)) // DAY).astype(np.int64)
    last = start + timedelta(days=int(days.max()))
    found: dict[str, Floats] = {}
    for target in targets:
        past = past_events(events, target, last, start)
        earlier = earlier_origins(past.n_days)
        before = origin_features(past, earlier, target)
        now = origin_features(past, days, target)
        expected = np.exp(np.clip(before.anchor + _departure(hazard, before, means), _LEAST_LOG, _MOST_LOG))
        own, spread = _own_deviation(
            expected,
            earlier,
            days,
            first_day_after(past.known_day[past.is_target], earlier),
            hazard.deviation,
        )
        log_hazard = now.anchor + _departure(hazard, now, draws)
        log_hazard += own[:, None] + spread[:, None] * noise[0][:, None, None]
        if not hazard.knows_kind(target):
            log_hazard += hazard.kind_spread * noise[1][:, None, None]
        daily = np.exp(np.clip(log_hazard, _LEAST_LOG, _MOST_LOG))
        found[target.name] = np.cumsum(daily * INTERVAL_DAYS, axis=-1)
    return _nested(found, targets)


def _departure(hazard: PooledHazard, features: OriginFeatures, effects: Sequence[Floats]) -> Floats:
    """What the coders' coefficients add to the log hazard of the anchor.

    ``effects``, by coder, are of shape (coefficient,) or (draw, coefficient); the result has shape
    (origin, interval), or (draw, origin, interval).
    """
    weights = hazard.coder_weights(features.log_pace)
    parts = []
    for coder, weight, effect in zip(hazard.coders, weights, effects, strict=True):
        design = (
            coder.design(features.values, features.military, features.seen[:, None]) * weight[:, None, None]
        )
        parts.append(np.moveaxis(design @ effect.T, -1, 0) if effect.ndim == 2 else design @ effect)
    return np.asarray(sum(parts))


def earlier_origins(n_days: int) -> Integers:
    """Origins in a record of so many days that something can be learned from, in days from its start."""
    return np.arange(SPACING_DAYS, n_days, SPACING_DAYS)


def first_day_after(target_days: Integers, origins: Integers) -> Integers:
    """Days from each origin to the first target day on or after it; a very large number where none is."""
    days = np.append(np.sort(target_days), np.iinfo(np.int32).max)
    return np.asarray(days[np.searchsorted(days, origins)] - origins)


def follow_up(first: Integers, seen: Integers) -> tuple[NDArray[np.bool_], Floats]:
    """Whether the first target fell into each interval, and days at risk there, shape (origin, interval).

    ``first`` are the days to it, ``seen`` the days after the origin that are known.
    """
    begins, ends = EDGES[:-1], EDGES[1:]
    first, seen = first[:, None], seen[:, None]
    hit = (first >= begins) & (first < ends) & (first < seen)
    stop = np.where(hit, first + 1, np.minimum(np.minimum(first, seen), ends))
    return hit, np.maximum(stop - begins, 0).astype(np.float64)


def _own_deviation(
    expected: Floats, earlier: Integers, days: Integers, first: Integers, deviation: float
) -> tuple[Floats, Floats]:
    """Posterior mode and standard deviation of a dyad's deviation at each origin, shape (origin,).

    The counts of hits y and expected hits E of the weighted past windows give a Poisson likelihood
    y·u − E·exp(u); the mode solves u/deviation² = y − E·exp(u), by Lambert's W.
    """
    mode, spread = np.zeros(len(days)), np.full(len(days), deviation)
    variance = deviation**2
    for place, day in enumerate(days.tolist()):
        n = int(np.searchsorted(earlier, day))
        seen = day - earlier[:n]
        hit, at_risk = follow_up(first[:n], seen)
        weight = INTERVAL_WEIGHT * 2.0 ** (-seen[:, None] / FORGET_DAYS)
        hits = float((weight * hit).sum())
        foreseen = float((weight * expected[:n] * at_risk).sum())
        if n:
            solved = lambertw(variance * foreseen * np.exp(variance * hits)).real
            mode[place] = variance * hits - solved
            spread[place] = (1 / variance + foreseen * np.exp(mode[place])) ** -0.5
    return mode, spread


def _at_days(cumulative: Floats, days: Integers) -> Floats:
    """Cumulative hazard by day, from that at the ends of the intervals (last axis)."""
    ends = np.concatenate([np.zeros((*cumulative.shape[:-1], 1)), cumulative], axis=-1)
    interval = np.clip(np.searchsorted(EDGES, days, side="left") - 1, 0, len(INTERVAL_DAYS) - 1)
    rate = np.diff(ends, axis=-1) / INTERVAL_DAYS
    return np.asarray(ends[..., interval] + rate[..., interval] * (days - EDGES[interval]))


def _nested(found: Mapping[str, Floats], targets: Sequence[TargetRule]) -> dict[str, Floats]:
    """Raise the cumulative hazard of a target to that of every target that it includes."""
    result = dict(found)
    for wide in targets:
        for narrow in targets:
            if wide.includes(narrow):
                result[wide.name] = np.maximum(result[wide.name], found[narrow.name])
    return result
