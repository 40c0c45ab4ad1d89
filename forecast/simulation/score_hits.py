"""Simulated weekly scores → the day on which each target is first met, as event paths have it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from forecast.simulation.paths import NEVER, FirstHits
from forecast.simulation.weekly_scores import ScorePaths
from forecast.weekly_scores.series import WEEK, ScoreRule, ScoreSeries, direction_weights


def score_hits(
    series: ScoreSeries, paths: ScorePaths, rules: Sequence[ScoreRule], origin: date, horizon_days: int
) -> FirstHits:
    """Return when each target is first met.

    A week counts on its last day. Weeks that end before the origin, if the file stops short of it, are
    simulated and do not count.

    Parameters
    ----------
    series : ScoreSeries
    paths : ScorePaths
        Of enough weeks to reach the horizon.
    rules : sequence of ScoreRule
    origin : date
        First day of the future.
    horizon_days : int
    """
    n_weeks = paths.score.shape[2]
    week = np.arange(n_weeks)
    last_day = (series.end - origin).days + (week + 1) * WEEK.days - 1
    counts = (last_day >= 0) & (last_day < horizon_days)
    day = np.full((len(rules), *paths.score.shape[:2]), NEVER, dtype=np.int32)
    for place, rule in enumerate(rules):
        total = paths.score @ direction_weights(series.directions, rule.direction)
        met = (total < rule.score_below) & counts
        day[place] = np.where(met.any(axis=-1), last_day[met.argmax(axis=-1)], NEVER)
    acts = np.zeros((*paths.score.shape[:2], 0), dtype=np.int64)
    return FirstHits(tuple(rule.name for rule in rules), origin, day, acts, horizon_days, paths.capped)


def weeks_needed(series: ScoreSeries, origin: date, horizon_days: int) -> int:
    """Weeks to simulate so that the horizon is reached; at least one."""
    return max(-(-((origin - series.end).days + horizon_days) // WEEK.days), 1)
