"""Features of the pooled hazard: what is known at an origin, as numbers that mean the same in every dyad.

The future is cut into intervals (``EDGES``). In each, the log of the daily hazard of a target is linear in
the features. Two of them are what the dyad's own record says of that interval, by climatology and by the
discounted gamma–Poisson rate; the others tell how recent acts stand to that record, and what kind of target
is asked for. All are computed at every day at once, each from what was known before that day.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from forecast.baselines.methods import discounted_rate, share_of_windows
from forecast.baselines.windows import PastEvents
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.panel.streams import TargetRule

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EDGES: Integers = np.array([0, 14, 30, 60, 90, 180, 365, 730])
"""Days ahead between which the hazard is constant."""
INTERVAL_DAYS: Floats = np.diff(EDGES).astype(np.float64)
_LOG_TIME: Floats = np.log(np.sqrt(np.maximum(EDGES[:-1], 5) * EDGES[1:]) / 90)
_SHORT_DAYS, _LONG_DAYS, _YEARS_DAYS = 30.0, 365.0, 730.0
"""Half-lives of decayed counts."""
_LEAST_SHARE = 0.02
"""Least hazard of an interval by a baseline, as a share of its hazard up to the end of it: smoothed shares
of windows may fall from one length to the next."""
_QUIET = 0.01
"""Acts a day that are added to both sides of the relative activity, so that a silent record has one."""
_MILITARY = frozenset({"military_incident", "military_posture"})

OWN_RATES = ("climatology", "gamma_poisson")
NAMES = (
    *OWN_RATES,
    "last_window",
    "log_age",
    "log_target_days",
    "log_days_since",
    "ever",
    "target_30",
    "target_365",
    "conflict_30",
    "conflict_365",
    "cooperation_30",
    "relative_activity",
    "military_share",
    "sanctions",
    "severity",
    "log_time",
    "log_time_squared",
)
"""Features in their order; the first two and the third differ between intervals."""


def origin_features(past: PastEvents, days: Integers, target: TargetRule) -> Floats:
    """Features at origins, shape (origin, interval, feature).

    Parameters
    ----------
    past : PastEvents
        The record up to the last origin or beyond; each origin sees what was known before it.
    days : ndarray of int
        Origins, in days from the start of the record, from 1 to ``past.n_days``.
    target : TargetRule
        The target of ``past``.
    """
    known = np.bincount(past.known_day[past.is_target], minlength=past.n_days) > 0
    so_far = np.concatenate([[0], np.cumsum(known)])
    by_interval = [*_own_rates(past, days), _last_window(so_far, days)]
    at_origin = [*_record(so_far, known, days), *_recent(past, days), *_kind(target, len(days))]
    n_intervals = len(INTERVAL_DAYS)
    columns = by_interval + [np.repeat(one[:, None], n_intervals, axis=1) for one in at_origin]
    time = np.broadcast_to(_LOG_TIME, (len(days), n_intervals))
    return np.stack([*columns, time, time**2], axis=-1)


def _own_rates(past: PastEvents, days: Integers) -> tuple[Floats, Floats]:
    """Log daily hazards of the intervals by the two baselines, each of shape (origin, interval).

    Acts count from the day on which they became known, so that one record serves all origins.
    """
    as_known = replace(past, origin_days=days, day=past.known_day)
    ends = EDGES[1:]
    return _log_hazard(share_of_windows(as_known, ends)), _log_hazard(discounted_rate(as_known, ends))


def _log_hazard(probability: Floats) -> Floats:
    cumulative = np.maximum.accumulate(-np.log1p(-np.clip(probability, 1e-5, 1 - 1e-4)), axis=1)
    least = _LEAST_SHARE * cumulative * INTERVAL_DAYS / EDGES[1:]
    increments = np.diff(cumulative, axis=1, prepend=0.0)
    return np.asarray(np.log(np.maximum(increments, least) / INTERVAL_DAYS))


def _last_window(so_far: Integers, days: Integers) -> Floats:
    """Whether a target lay in the days before the origin, as many as the interval reaches ahead."""
    begins = np.maximum(days[:, None] - EDGES[1:], 0)
    return np.asarray(so_far[days][:, None] > so_far[begins], dtype=np.float64)


def _record(so_far: Integers, known: NDArray[np.bool_], days: Integers) -> list[Floats]:
    last = np.concatenate([[-1], np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))])[days]
    since = np.where(last >= 0, days - last, days + 1)
    number = so_far[days]
    return [np.log(days / _LONG_DAYS), np.log1p(number), np.log(since), (number > 0).astype(np.float64)]


def _recent(past: PastEvents, days: Integers) -> list[Floats]:
    conflict = np.isin(past.category, CONFLICTUAL) & ~past.is_target
    cooperation = np.isin(past.category, COOPERATIVE)

    def count(chosen: NDArray[np.bool_], half_life: float) -> Floats:
        return np.asarray(past.decayed_count(chosen, half_life)[days])

    def activity(half_life: float) -> Floats:
        """Acts a day, discounted by age, of all kinds."""
        observed = half_life / np.log(2) * (1 - 2.0 ** (-days / half_life))
        return np.asarray(count(np.ones(len(past.day), dtype=bool), half_life) / observed + _QUIET)

    counts = (
        (past.is_target, _SHORT_DAYS),
        (past.is_target, _LONG_DAYS),
        (conflict, _SHORT_DAYS),
        (conflict, _LONG_DAYS),
        (cooperation, _SHORT_DAYS),
    )
    decayed = [np.log1p(count(chosen, half_life)) for chosen, half_life in counts]
    return [*decayed, np.log(activity(_SHORT_DAYS) / activity(_YEARS_DAYS))]


def _kind(target: TargetRule, n_origins: int) -> list[Floats]:
    military = len(_MILITARY.intersection(target.any_of)) / len(target.any_of)
    values = (military, float("sanction" in target.any_of), target.min_severity - 4.0)
    return [np.full(n_origins, value) for value in values]
