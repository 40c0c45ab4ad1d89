"""Probabilities of the pooled hazard: a dyad's gamma–Poisson rate, moved by what other dyads teach.

The future is cut into intervals (``EDGES``). The daily hazard of a target in an interval is g·exp(Σ w_c
x·β_c + u). The anchor g is that of the dyad's own gamma–Poisson rate. x are features, each a ratio, a share
or a time of the dyad's own record, so that it means the same whoever coded it and however many acts that
coder notes; all are computed at every day at once, from what was known before it. β_c are coefficients
learned from the records of coder c, with a normal posterior (``learning``). Weights w_c fall where a record
is unlike those that were learned, so that the anchor is left. u is the dyad's own deviation, Normal(0,
``deviation``²) over dyads, and is updated at every origin on how often targets came after earlier origins
beside what was foreseen. Overlapping windows do not count twice there, and old ones are forgotten.

The probability of a target within h days is 1 − exp(−Λ(h)), Λ the sum of the hazards up to h, so it never
falls in h. A target that includes another has at least its Λ, draw by draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.special import lambertw

from forecast.baselines import (
    DAY,
    Days,
    Horizons,
    PastEvents,
    as_day,
    discounted_rate,
    past_events,
    share_of_windows,
)
from forecast.errors import InputError
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.events.table import EventTable
from forecast.panel import TargetRule, raised_to_included
from forecast.pooled_hazard.coefficients import (
    EDGES,
    FURTHEST_DAYS,
    NAMES,
    Integers,
    PooledHazard,
    shipped_hazard,
)
from forecast.simulation.probabilities import HitMoments, hit_chance

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

INTERVAL_DAYS: Floats = np.diff(EDGES).astype(np.float64)
_LOG_TIME: Floats = np.log(np.sqrt(np.maximum(EDGES[:-1], 5) * EDGES[1:]) / 90)
_MONTH, _YEAR = 30.0, 365.0
"""Half-lives of decayed counts, and days of a year."""
_USUAL_DAYS = 1500.0
"""Half-life of the usual rate of all acts, which drifts with the coding."""
_PRIOR_ACTS = 1.0
"""Acts at the dyad's long-run rate that every recent rate starts from."""
_HALF = 0.5
"""Added to a count of the whole record, so that a silent one has a rate."""
_LEAST_SHARE = 0.02
"""Least hazard of an interval, as a share of the hazard up to its end: the gamma–Poisson rate weighs its
half-lives anew at every horizon, and its probability may stand still from one to the next."""
_MILITARY = frozenset({"military_incident", "military_posture"})


@dataclass(frozen=True)
class OriginFeatures:
    """What is known of a target at origins.

    ``anchor`` is the log daily hazard of the gamma–Poisson rate, shape (origin, interval); ``values`` has
    shape (origin, interval, feature), in the order of ``NAMES``; ``log_pace``, shape (origin,), is the log of
    all acts a year so far, ``seen``, shape (origin,), the days with the target; ``military`` is the share of
    military categories among those of the target.
    """

    anchor: Floats
    values: Floats
    log_pace: Floats
    seen: Floats
    military: float


def origin_features(past: PastEvents, days: Integers, target: TargetRule) -> OriginFeatures:
    """Compute anchor and features at origins.

    Parameters
    ----------
    past : PastEvents
        The record up to the last origin or beyond; each origin sees what was known before it.
    days : ndarray of int
        Origins, in days from the start of the record, from 1 to ``past.n_days``, ascending.
    target : TargetRule
        The target of ``past``.
    """
    # Acts count from the day on which they became known, so that one record serves all origins.
    as_known = replace(past, origin_days=days, day=past.known_day)
    anchor = _log_hazard(discounted_rate(as_known, EDGES[1:]))
    climatology = _log_hazard(share_of_windows(as_known, EDGES[1:]))
    known = np.bincount(past.known_day[past.is_target], minlength=past.n_days) > 0
    so_far = np.concatenate([[0], np.cumsum(known)])
    long_run = (so_far[days] + _HALF) / days
    begins = np.maximum(days[:, None] - EDGES[1:], 0)
    columns = {
        "climatology": climatology - anchor,
        "long_run": np.log(long_run)[:, None] - anchor,
        "last_window": (so_far[days][:, None] > so_far[begins]).astype(np.float64),
        "log_time": np.broadcast_to(_LOG_TIME, anchor.shape),
        "log_time_squared": np.broadcast_to(_LOG_TIME**2, anchor.shape),
        "sanctions": np.full(anchor.shape, float("sanction" in target.any_of)),
    }
    at_origin = _recent(past, days) | _silence(known, so_far, days, long_run)
    columns |= {name: np.broadcast_to(values[:, None], anchor.shape) for name, values in at_origin.items()}
    for name in ("target_30", "conflict_30", "since_last", "years_with"):
        columns[f"{name}_by_time"] = at_origin[name][:, None] * _LOG_TIME
    return OriginFeatures(
        anchor,
        np.stack([columns[name] for name in NAMES], axis=-1),
        _log_pace(past, days),
        so_far[days].astype(np.float64),
        len(_MILITARY.intersection(target.any_of)) / len(target.any_of),
    )


def _log_hazard(probability: Floats) -> Floats:
    cumulative = np.maximum.accumulate(-np.log1p(-np.clip(probability, 1e-7, 1 - 1e-6)), axis=1)
    least = _LEAST_SHARE * cumulative * INTERVAL_DAYS / EDGES[1:]
    increments = np.diff(cumulative, axis=1, prepend=0.0)
    return np.asarray(np.log(np.maximum(increments, least) / INTERVAL_DAYS))


def _recent(past: PastEvents, days: Integers) -> dict[str, Floats]:
    """Log ratios of recent rates to the dyad's own long-run rates, shape (origin,) each."""
    conflict = np.isin(past.category, CONFLICTUAL) & ~past.is_target
    cooperation = np.isin(past.category, COOPERATIVE)
    every = np.ones(len(past.day), dtype=np.bool_)
    target = past.first_of_day()

    def ratio(chosen: Flags, half_life: float, usual: float = np.inf) -> Floats:
        recent = past.decayed_count(chosen, half_life)[days]
        rate = (past.decayed_count(chosen, usual)[days] + _HALF) / _observed(days, usual)
        expected = rate * _observed(days, half_life)
        return np.asarray(np.log((recent + _PRIOR_ACTS) / (expected + _PRIOR_ACTS)))

    return {
        "target_30": ratio(target, _MONTH),
        "target_365": ratio(target, _YEAR),
        "conflict_30": ratio(conflict, _MONTH),
        "conflict_365": ratio(conflict, _YEAR),
        "cooperation_30": ratio(cooperation, _MONTH),
        "all_acts_30": ratio(every, _MONTH, _USUAL_DAYS),
    }


def _observed(days: Integers, half_life: float) -> Floats:
    """Days before each origin, discounted by age."""
    if np.isinf(half_life):
        return days.astype(np.float64)
    return np.asarray((1 - 2.0 ** (-days / half_life)) / (1 - 2.0 ** (-1 / half_life)))


def _silence(known: Flags, so_far: Integers, days: Integers, long_run: Floats) -> dict[str, Floats]:
    last = np.concatenate([[-1], np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))])[days]
    since = np.where(last >= 0, days - last, days + 1)
    return {
        # In mean gaps between targets; a tenth of one keeps the log finite.
        "since_last": np.log(since * long_run + 0.1),
        "silence": np.log1p(since / _YEAR),
        "years_with": _share_of_years(so_far, days),
        "ever": (last >= 0).astype(np.float64),
    }


def _share_of_years(so_far: Integers, days: Integers) -> Floats:
    """Share of the years before each origin, counted back from it, that held a target: (hits + ½)/(n + 1)."""
    years = np.arange(1, int(days.max(initial=0)) // int(_YEAR) + 1)
    ends = days[:, None] - (years - 1) * int(_YEAR)
    begins = ends - int(_YEAR)
    hit = (so_far[np.maximum(ends, 0)] > so_far[np.maximum(begins, 0)]) & (begins >= 0)
    return np.asarray((hit.sum(axis=1) + _HALF) / (days // int(_YEAR) + 1))


def _log_pace(past: PastEvents, days: Integers) -> Floats:
    """Log of acts a year before each origin; a record of less than a year counts as one year."""
    acts = np.searchsorted(np.sort(past.known_day), days)
    return np.asarray(np.log((acts + _HALF) / np.maximum(days / _YEAR, 1.0)))


N_DRAWS = 200
"""Draws of the coefficients behind a forecast."""
SPACING_DAYS = 30
"""Days between the earlier origins that a dyad's deviation, and the coefficients, are learned from."""
FORGET_DAYS = 1500.0
"""Half-life of what earlier origins say of a dyad's deviation."""
INTERVAL_WEIGHT: Floats = np.minimum(SPACING_DAYS / INTERVAL_DAYS, 1.0)
"""Weight of an interval: origins are closer to one another than the longer intervals are long."""
_LEAST_LOG, _MOST_LOG = -15.0, 3.0
"""Bounds of the log of a daily hazard."""


def forecast_origins(
    hazard: PooledHazard | None,
    events: EventTable,
    targets: Sequence[TargetRule],
    origins: Days,
    start: date,
    horizons: Horizons,
    *,
    seed: int = 0,
) -> dict[str, Floats]:
    """Forecast targets at several origins, each from what was known before it; by the shipped hazard if none.

    A dyad that the coefficients were learned on is forecast by those learned without it.

    Returns
    -------
    dict
        Target → P(target within the horizon), shape (origin, horizon), mean over draws. Of a target that
        never happened it is the gamma–Poisson rate's.

    Raises ``InputError``: a horizon beyond ``FURTHEST_DAYS``, or coefficients that know what came after an
    origin.
    """
    drawn = _cumulative_draws(hazard, events, targets, origins, start, seed)
    refuse_far(int(np.max(horizons)))
    return {target.name: np.asarray(hit_chance(_at_days(drawn[target.name], horizons))) for target in targets}


def forecast_by_day(
    hazard: PooledHazard | None,
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
    moments = {}
    for target in targets:
        cumulative = _at_days(drawn[target.name][:, 0], days)
        # exp(−Λ) has the same variance as 1 − exp(−Λ).
        moments[target.name] = HitMoments(hit_chance(cumulative), np.expm1(-cumulative).var(axis=0))
    return moments


def refuse_far(horizon_days: int) -> None:
    """Raise ``InputError`` for a horizon further ahead than twice what was learned."""
    if horizon_days > FURTHEST_DAYS:
        raise InputError(
            f"{horizon_days} days ahead is more than the pooled hazard can tell: it was learned up to "
            f"{EDGES[-1]} days and answers up to {FURTHEST_DAYS}. Take nearer dates, or model.family: model"
        )


def _cumulative_draws(
    hazard: PooledHazard | None,
    events: EventTable,
    targets: Sequence[TargetRule],
    origins: Days,
    start: date,
    seed: int,
) -> dict[str, Floats]:
    """Cumulative hazards at the ends of the intervals, shape (draw, origin, interval), by target."""
    hazard = hazard or shipped_hazard()
    means = hazard.mean_for(events, origins[0].item())
    random = np.random.default_rng(seed)
    draws = [coder.draws(mean, N_DRAWS, random) for coder, mean in zip(hazard.coders, means, strict=True)]
    noise = random.standard_normal((2, N_DRAWS // 2))
    noise = np.concatenate([noise, -noise], axis=1)
    days = ((origins - as_day(start)) // DAY).astype(np.int64)
    last = start + timedelta(days=int(days.max()))
    drawn: dict[str, Floats] = {}
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
        drawn[target.name] = np.cumsum(daily * INTERVAL_DAYS, axis=-1)
    return raised_to_included(drawn, targets)


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
