"""Scores of a group of resolved forecasts, whatever targets, horizons and dyads it mixes.

The errors are those of the backtest: whole blocks of neighbouring origins are resampled (``bootstrap``), and
all forecasts of an origin go with it, since one act can decide many of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.bootstrap import Estimate, block_length, mean_estimate, skill_estimate
from forecast.evaluation.score_table import FEWEST_OUTCOMES, claim_of
from forecast.evaluation.scores import brier_score, log_score
from forecast.evaluation.track_record import error_bound, error_bound_if_defined
from forecast.ledger.scored import ScoredForecast
from forecast.records.base import Record
from forecast.records.history import ErrorBound

Floats = NDArray[np.float64]


class GroupScore(Record):
    """Mean scores of a group, beside those of the baseline that each forecast was recorded with.

    ``brier`` and ``log`` (in nats) are better when lower. ``skill`` is 1 − Brier / baseline's Brier.
    """

    by: str = "all"
    group: str = "all"
    n: int
    n_yes: int
    brier: ErrorBound
    log: ErrorBound
    baseline_brier: float
    baseline_log: float
    skill: ErrorBound | None
    claim: Literal["better", "worse", "none"]


def score_group(
    forecasts: Sequence[ScoredForecast], *, seed: int, by: str = "all", group: str = "all"
) -> GroupScore:
    """Score a group of at least one forecast.

    Parameters
    ----------
    forecasts : sequence of ScoredForecast
    seed : int
        Of the bootstrap.
    by, group : str
        What the forecasts have in common.
    """
    probability = np.array([one.entry.probability for one in forecasts])
    baseline = np.array([one.entry.baseline.probability for one in forecasts])
    outcome = np.array([one.outcome for one in forecasts], dtype=np.int8)
    origins = OriginBlocks(forecasts)
    brier, reference = brier_score(probability, outcome), brier_score(baseline, outcome)
    skill = origins.skill(brier, reference, seed)
    n_yes = int(outcome.sum())
    few = min(n_yes, len(outcome) - n_yes) < FEWEST_OUTCOMES
    return GroupScore(
        by=by,
        group=group,
        n=len(outcome),
        n_yes=n_yes,
        brier=error_bound(origins.mean(brier, seed)),
        log=error_bound(origins.mean(log_score(probability, outcome), seed)),
        baseline_brier=float(reference.mean()),
        baseline_log=float(log_score(baseline, outcome).mean()),
        skill=error_bound_if_defined(skill),
        claim="none" if few else claim_of(skill),
    )


def score_groups(
    forecasts: Sequence[ScoredForecast],
    by: str,
    group_of: Callable[[ScoredForecast], str],
    *,
    seed: int,
    order: Sequence[str] = (),
) -> list[GroupScore]:
    """Score every group, in a given order, then by name."""
    members: dict[str, list[ScoredForecast]] = {}
    for one in forecasts:
        members.setdefault(group_of(one), []).append(one)
    rank = {group: place for place, group in enumerate(order)}
    names = sorted(members, key=lambda group: (rank.get(group, len(rank)), group))
    return [score_group(members[name], seed=seed, by=by, group=name) for name in names]


class OriginBlocks:
    """The origins of some forecasts, and the block bootstrap over them."""

    def __init__(self, forecasts: Sequence[ScoredForecast]) -> None:
        days = np.array([one.origin for one in forecasts], dtype="datetime64[D]")
        origins, self._row_origin = np.unique(days, return_inverse=True)
        self._number = np.bincount(self._row_origin).astype(np.float64)
        self._block = block_length(origins, max(one.horizon_days for one in forecasts))

    def mean(self, values: Floats, seed: int) -> Estimate:
        """Mean over forecasts, shape (forecast,), with the error to first order of a ratio of sums."""
        mean = float(values.mean())
        apart = (self._sums(values) - mean * self._number) / self._number.mean()
        spread = mean_estimate(apart, self._block, seed)
        lower, upper = (mean + end for end in spread.interval90)
        return Estimate(mean, spread.se, (lower, upper))

    def skill(self, values: Floats, reference: Floats, seed: int) -> Estimate:
        """1 − mean score / mean reference score; NaN if the reference is perfect."""
        return skill_estimate(self._sums(values), self._sums(reference), self._block, seed)

    def _sums(self, values: Floats) -> Floats:
        return np.bincount(self._row_origin, values)
