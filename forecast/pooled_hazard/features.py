"""Features of the pooled hazard: how the present stands to the dyad's own record.

The future is cut into intervals (``EDGES``). In each, the hazard of a target is that of the dyad's own
gamma–Poisson rate, the *anchor*, times the exponential of a departure that is linear in the features. Every
feature is a ratio, a share or a time of the dyad's own record, so that it means the same whoever coded it and
however many acts that coder notes. All are computed at every day at once, each from what was known before
that day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.baselines.methods import discounted_rate, share_of_windows
from forecast.baselines.windows import PastEvents
from forecast.events.codebook import CONFLICTUAL, COOPERATIVE
from forecast.panel.streams import TargetRule

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

EDGES: Integers = np.array([0, 14, 30, 60, 90, 180, 365, 540, 730])
"""Days ahead between which the hazard is constant."""
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

NAMES = (
    "climatology",
    "long_run",
    "last_window",
    "target_30",
    "target_365",
    "conflict_30",
    "conflict_365",
    "cooperation_30",
    "all_acts_30",
    "since_last",
    "silence",
    "years_with",
    "ever",
    "sanctions",
    "log_time",
    "log_time_squared",
    "target_30_by_time",
    "conflict_30_by_time",
    "since_last_by_time",
    "years_with_by_time",
)
"""Features in their order; ``docs/model.md`` says what each is."""


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
    columns |= {name: np.broadcast_to(one[:, None], anchor.shape) for name, one in at_origin.items()}
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
    years = np.arange(1, int(days.max()) // int(_YEAR) + 1)
    ends = days[:, None] - (years - 1) * int(_YEAR)
    begins = ends - int(_YEAR)
    hit = (so_far[np.maximum(ends, 0)] > so_far[np.maximum(begins, 0)]) & (begins >= 0)
    return np.asarray((hit.sum(axis=1) + _HALF) / (days // int(_YEAR) + 1))


def _log_pace(past: PastEvents, days: Integers) -> Floats:
    """Log of acts a year before each origin; a record of less than a year counts as one year."""
    acts = np.searchsorted(np.sort(past.known_day), days)
    return np.asarray(np.log((acts + _HALF) / np.maximum(days / _YEAR, 1.0)))
