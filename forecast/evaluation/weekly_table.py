"""Forecasts of weekly scores at past origins, beside the baselines', scored: CRPS, coverage, Brier, log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.bootstrap import Estimate, block_length, mean_estimate
from forecast.evaluation.scores import brier_score, log_score
from forecast.evaluation.weekly_baselines import crps

Floats = NDArray[np.float64]

MODEL_NAME = "model"


@dataclass(frozen=True)
class WeekScored:
    """One forecast of the score of one week.

    Parameters
    ----------
    origin : date
        First day that was not known.
    direction : str
    weeks_ahead : int
        1 is the first week after the last known one.
    model : str
        ``model``, or the name of a baseline.
    lower90, median, upper90 : float
        Quantiles of the forecast.
    outcome : float
        The score as known at the end of the file.
    crps : float
        In the unit of the score; lower is better.
    """

    origin: date
    direction: str
    weeks_ahead: int
    model: str
    lower90: float
    median: float
    upper90: float
    outcome: float
    crps: float

    @property
    def covered(self) -> bool:
        """Whether the outcome lies within the 90% interval, ends included."""
        return self.lower90 <= self.outcome <= self.upper90


@dataclass(frozen=True)
class TargetScored:
    """One probability that a target is met within so many weeks, and whether it was."""

    origin: date
    target: str
    weeks_ahead: int
    model: str
    probability: float
    outcome: int


def score_week(
    samples: Floats, outcome: float, origin: date, direction: str, weeks_ahead: int, model: str
) -> WeekScored:
    """Score samples of one week, shape (sample,), against what came."""
    lower, median, upper = (float(value) for value in np.quantile(samples, [0.05, 0.5, 0.95]))
    return WeekScored(
        origin, direction, weeks_ahead, model, lower, median, upper, outcome, crps(samples, outcome)
    )


def week_summaries(rows: Sequence[WeekScored], seed: int) -> list[dict[str, Any]]:
    """Mean CRPS and coverage by direction, weeks ahead and model, with block-bootstrap errors.

    ``crps_gap`` is the mean CRPS less that of the model: above 0 the model was better.
    """
    found = []
    for direction, weeks in sorted({(row.direction, row.weeks_ahead) for row in rows}):
        same = [row for row in rows if (row.direction, row.weeks_ahead) == (direction, weeks)]
        ours = np.array([row.crps for row in same if row.model == MODEL_NAME])
        block = _block([row.origin for row in same if row.model == MODEL_NAME], weeks)
        for model in dict.fromkeys(row.model for row in same):
            theirs = [row for row in same if row.model == model]
            value = np.array([row.crps for row in theirs])
            covered = np.array([float(row.covered) for row in theirs])
            found.append(
                {
                    "direction": direction,
                    "weeks_ahead": weeks,
                    "model": model,
                    "n": len(theirs),
                    "crps": _plain(mean_estimate(value, block, seed)),
                    "crps_gap": None
                    if model == MODEL_NAME
                    else _plain(mean_estimate(value - ours, block, seed)),
                    "coverage90": _plain(mean_estimate(covered, block, seed)),
                }
            )
    return found


def target_summaries(rows: Sequence[TargetScored], seed: int) -> list[dict[str, Any]]:
    """Mean Brier and logarithmic score by target, weeks ahead and model, with block-bootstrap errors."""
    found = []
    for target, weeks in sorted({(row.target, row.weeks_ahead) for row in rows}):
        same = [row for row in rows if (row.target, row.weeks_ahead) == (target, weeks)]
        mine = [row for row in same if row.model == MODEL_NAME]
        ours = brier_score([row.probability for row in mine], [row.outcome for row in mine])
        block = _block([row.origin for row in mine], weeks)
        for model in dict.fromkeys(row.model for row in same):
            theirs = [row for row in same if row.model == model]
            probability = np.array([row.probability for row in theirs])
            outcome = np.array([row.outcome for row in theirs])
            brier = brier_score(probability, outcome)
            found.append(
                {
                    "target": target,
                    "weeks_ahead": weeks,
                    "model": model,
                    "n": len(theirs),
                    "n_hits": int(outcome.sum()),
                    "brier": _plain(mean_estimate(brier, block, seed)),
                    "brier_gap": None
                    if model == MODEL_NAME
                    else _plain(mean_estimate(brier - ours, block, seed)),
                    "log": _plain(mean_estimate(log_score(probability, outcome), block, seed)),
                }
            )
    return found


def _block(origins: Sequence[date], weeks: int) -> int:
    return block_length(np.array(origins, dtype="datetime64[D]"), 7 * weeks)


def _plain(estimate: Estimate) -> dict[str, Any]:
    """Value and error; an error that is not defined (one block) is ``None``."""
    defined = bool(np.isfinite(estimate.se))
    return {
        "value": estimate.value,
        "se": estimate.se if defined else None,
        "interval90": list(estimate.interval90) if defined else None,
    }
