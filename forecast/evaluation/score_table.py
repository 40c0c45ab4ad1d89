"""Scores per target, horizon and model, and what may be claimed from them; the content of ``scores.json``.

``compare_models`` gives the difference between two models over all cells.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecast.baselines import REFERENCE
from forecast.errors import InputError
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.metrics import (
    BrierParts,
    Estimate,
    PooledCalibration,
    area_under_roc,
    block_length,
    brier_score,
    calibration_line,
    decompose_brier,
    draw_blocks,
    log_score,
    mean_estimate,
    pool_calibration,
    skill_estimate,
    with_interval,
)
from forecast.records.notices import Notice, notice

Floats = NDArray[np.float64]

SCHEMA = 2
"""Version of ``scores.json``."""
FEWEST_OUTCOMES = 20
"""Hits and misses that each are needed before skill is claimed."""

Claim = Literal["better", "worse", "none"]


@dataclass(frozen=True)
class SkillScore:
    """Skill, 1 − mean score / mean reference score, over the ``n`` windows that both forecast.

    ``claim`` is ``better`` or ``worse`` when the 90% interval of the Brier skill excludes 0 and there are at
    least ``FEWEST_OUTCOMES`` hits and misses; else ``none``.
    """

    reference: str
    n: int
    brier: Estimate
    log: Estimate
    claim: Claim


@dataclass(frozen=True)
class FailedFits:
    """Mean scores of the ``n`` windows of a cell whose forecast comes from a fit that failed a gate."""

    n: int
    brier: float
    log: float

    @classmethod
    def of(cls, rows: ForecastTable) -> FailedFits | None:
        """Return the scores of these rows that come from failed fits, ``None`` where there is none."""
        failed = rows.take(np.flatnonzero(rows.failed_fit == 1))
        if not len(failed):
            return None
        forecast = failed.probability, failed.outcome
        return cls(len(failed), float(brier_score(*forecast).mean()), float(log_score(*forecast).mean()))


@dataclass(frozen=True)
class ScoreCell:
    """Scores of one model on one target and horizon; see ``scores`` for each.

    ``brier`` and ``log`` are means over origins with block-bootstrap errors, ``log`` in nats; ``auc`` and the
    calibration line are NaN where the outcomes do not define them; ``skill`` is ``None`` for the reference
    itself and where it made no forecast. ``warnings`` are for a reader to see beside the numbers.
    ``failed_fits`` are the windows whose fit failed a gate, scored apart: all others are those of the whole
    cell, they included.
    """

    target: str
    horizon_days: int
    model: str
    n: int
    base_rate: float
    brier: Estimate
    parts: BrierParts
    log: Estimate
    auc: float
    calibration_intercept: float
    calibration_slope: float
    skill: SkillScore | None
    warnings: tuple[Notice, ...]
    failed_fits: FailedFits | None = None


@dataclass(frozen=True)
class ScoreTable:
    """All cells, by target, horizon and model in the order of the forecasts, and pooled calibration."""

    cells: tuple[ScoreCell, ...]
    calibration: tuple[PooledCalibration, ...]

    def cell(self, target: str, horizon_days: int, model: str) -> ScoreCell:
        """Return one cell (``KeyError`` when there is none)."""
        keys = {(cell.target, cell.horizon_days, cell.model): cell for cell in self.cells}
        return keys[target, horizon_days, model]

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """Warnings of all cells, each once."""
        return tuple(dict.fromkeys(warning for cell in self.cells for warning in cell.warnings))

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``scores.json``: plain values, ``None`` where a number is not defined."""
        content = {
            "schema": SCHEMA,
            "reference": REFERENCE,
            "cells": [_cell_dict(cell) for cell in self.cells],
            "calibration": [asdict(line) for line in self.calibration],
            "warnings": [warning.text for warning in self.warnings],
        }
        plain: dict[str, Any] = without_nan(content)
        return plain


def score_forecasts(forecasts: ForecastTable, *, seed: int) -> ScoreTable:
    """Score every model on every target and horizon, and measure its skill against ``REFERENCE``.

    All cells use the same resamples, so that differences between models are not noise. ``InputError`` when
    there is no forecast, or none by the reference.
    """
    if not len(forecasts):
        raise InputError(
            "there is no complete window to score: every window ends after the data. "
            "Begin earlier, or give shorter horizons"
        )
    if REFERENCE not in forecasts.models:
        known = ", ".join(forecasts.models)
        raise InputError(
            f"skill is measured against '{REFERENCE}', which made no forecast. Add it; there are: {known}"
        )
    cells = []
    for target in forecasts.targets:
        for horizon in forecasts.horizons:
            window = forecasts.select(target=target, horizon_days=horizon)
            by_model = {model: window.select(model=model) for model in window.models}
            n_origins = len(np.unique(window.origin))
            for rows in by_model.values():
                cells.append(_score_cell(rows, by_model.get(REFERENCE), n_origins, seed))
    calibration = tuple(pool_calibration(forecasts, model, seed) for model in forecasts.models)
    return ScoreTable(tuple(cells), calibration)


def _score_cell(
    rows: ForecastTable,
    reference_rows: ForecastTable | None,
    n_origins: int,
    seed: int,
) -> ScoreCell:
    target, horizon, model = rows.targets[0], rows.horizons[0], rows.models[0]
    block = block_length(rows.origin, horizon)
    n_hits = int(rows.outcome.sum())
    few = min(n_hits, len(rows) - n_hits) < FEWEST_OUTCOMES
    warnings: list[Notice] = []
    if few:
        warnings.append(
            notice(
                "few_outcomes",
                target=target,
                horizon_days=horizon,
                hits=n_hits,
                misses=len(rows) - n_hits,
                needed=FEWEST_OUTCOMES,
            )
        )
    if len(rows) < n_origins:
        warnings.append(
            notice(
                "absent_forecasts",
                target=target,
                horizon_days=horizon,
                model=model,
                absent=n_origins - len(rows),
                origins=n_origins,
            )
        )
    line = calibration_line(rows.probability, rows.outcome)
    skill = None
    if reference_rows is not None and model != REFERENCE:
        skill = _skill(rows, reference_rows, few, seed)
    return ScoreCell(
        target,
        horizon,
        model,
        len(rows),
        n_hits / len(rows),
        mean_estimate(brier_score(rows.probability, rows.outcome), block, seed),
        decompose_brier(rows.probability, rows.outcome),
        mean_estimate(log_score(rows.probability, rows.outcome), block, seed),
        area_under_roc(rows.probability, rows.outcome),
        line.intercept,
        line.slope,
        skill,
        tuple(warnings),
        FailedFits.of(rows),
    )


def _skill(rows: ForecastTable, reference_rows: ForecastTable, few: bool, seed: int) -> SkillScore | None:
    _, ours, theirs = np.intersect1d(rows.origin, reference_rows.origin, return_indices=True)
    if not len(ours):
        return None
    model, other = rows.take(ours), reference_rows.take(theirs)
    block = block_length(model.origin, model.horizons[0])
    brier, log = (
        skill_estimate(
            score(model.probability, model.outcome), score(other.probability, other.outcome), block, seed
        )
        for score in (brier_score, log_score)
    )
    return SkillScore(REFERENCE, len(ours), brier, log, "none" if few else claim_of(brier))


def claim_of(skill: Estimate) -> Claim:
    """What the 90% interval of a skill allows to be said, given outcomes enough of either kind."""
    if skill.interval90[0] > 0:
        return "better"
    return "worse" if skill.interval90[1] < 0 else "none"


def _cell_dict(cell: ScoreCell) -> dict[str, Any]:
    return {
        "target": cell.target,
        "horizon_days": cell.horizon_days,
        "model": cell.model,
        "n": cell.n,
        "base_rate": cell.base_rate,
        "brier": cell.brier.value,
        "brier_se": cell.brier.se,
        "brier_decomposition": asdict(cell.parts),
        "log": cell.log.value,
        "log_se": cell.log.se,
        "auc": cell.auc,
        "calibration": {"intercept": cell.calibration_intercept, "slope": cell.calibration_slope},
        "skill": cell.skill and asdict(cell.skill),
        "failed_fits": cell.failed_fits and asdict(cell.failed_fits),
        "warnings": [warning.text for warning in cell.warnings],
    }


def without_nan(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return JSON values with ``None`` for numbers that are not finite, however deep they lie."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def compare_models(forecasts: ForecastTable, model: str, other: str, *, seed: int) -> Estimate:
    """Mean log score of a model minus that of another: below 0 the first is better.

    Every (target, horizon) has the same weight, as in a mean over the cells of the score table. Origins are
    resampled in blocks sized for the longest horizon; all their forecasts go with them. Windows that only one
    of them forecast are left out (``InputError`` when that leaves none).
    """
    columns = []
    for target in forecasts.targets:
        for horizon in forecasts.horizons:
            ours = forecasts.select(target=target, horizon_days=horizon, model=model)
            theirs = forecasts.select(target=target, horizon_days=horizon, model=other)
            origin, left, right = np.intersect1d(ours.origin, theirs.origin, return_indices=True)
            if len(origin):
                score, against = (log_score(rows.probability, rows.outcome) for rows in (ours, theirs))
                columns.append((origin, score[left] - against[right]))
    if not columns:
        raise InputError(f"'{model}' and '{other}' forecast no window in common: nothing to compare")
    origins = np.unique(np.concatenate([origin for origin, _ in columns]))
    difference = np.full((len(origins), len(columns)), np.nan)
    for place, (origin, values) in enumerate(columns):
        difference[np.searchsorted(origins, origin), place] = values
    block = block_length(origins, max(forecasts.horizons))
    drawn = draw_blocks(len(origins), block, seed)
    spread = float(np.std(_mean_of_cells(difference[drawn]), ddof=1))
    return with_interval(float(_mean_of_cells(difference)), spread, len(origins) / block)


def _mean_of_cells(difference: Floats) -> Floats:
    """Mean over cells of the mean over origins, shape (...), from (..., origin, cell) with NaN for none."""
    known = ~np.isnan(difference)
    number = known.sum(axis=-2)
    total = np.where(known, difference, 0.0).sum(axis=-2)
    # A resample may miss a cell with few windows altogether; the mean is then over the others.
    means = np.divide(total, number, out=np.zeros_like(total), where=number > 0)
    return np.asarray(means.sum(axis=-1) / (number > 0).sum(axis=-1))
