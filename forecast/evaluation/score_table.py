"""Tables of scores by group: of one dyad by target, horizon and model; of many dyads, and of onset.

``score_forecasts`` makes the content of ``scores.json`` with what may be claimed from it, ``score_dyads``
that of ``forecast bench accuracy``; ``compare_models`` gives the difference between two models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from forecast.baselines import REFERENCE, Days
from forecast.config.schema import DEFAULT_FAMILY
from forecast.errors import InputError
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.metrics import (
    LOG_FLOOR,
    BrierParts,
    CalibrationLine,
    Estimate,
    PooledCalibration,
    area_under_roc,
    block_length,
    brier_score,
    calibration_line,
    decompose_brier,
    log_score,
    mean_estimate,
    origin_counts,
    pool_calibration,
    skill_estimate,
    with_interval,
)
from forecast.events.table import EventTable
from forecast.panel import TargetRule
from forecast.records.notices import Notice, notice

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SCHEMA = 2
"""Version of ``scores.json``."""
FEWEST_OUTCOMES = 20
"""Hits and misses that each are needed before skill is claimed."""

SIMPLEST_FIRST = ("model", "panel", "combined")
"""By what a forecast takes: one fit; that, for its paths alone; both."""
TOLERANCE = 2.0
"""Standard errors of the difference in log score."""
QUIET_DAYS = 365
"""Days without a target act before an origin that make what follows an onset."""
COUNT_FREE = ("gamma_poisson", "constant_rate")
"""Baselines that read the target's own past acts alone: what others gain on them, counts of events add."""

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


class OriginBlocks:
    """Resamples of origins in blocks, for means over groups of windows; all windows of an origin go together.

    Only origins with a window are drawn, those of which ``known``, shape (origin,), is true; blocks are sized
    for the longest horizon.
    """

    def __init__(self, origin: Days, known: Flags, horizon_days: int, seed: int) -> None:
        self._used = np.flatnonzero(known)
        block = block_length(origin[self._used], horizon_days)
        self._times = origin_counts(len(self._used), block, seed)
        self._n_blocks = len(self._used) / block

    def mean(self, total: Floats, number: NDArray[Any]) -> Estimate:
        """Mean over groups, of the same weight, of the mean over their windows.

        ``total`` is the sum of values and ``number`` the count of windows by (origin, group).
        """
        once = np.ones((1, len(self._used)))
        value, drawn = (self._means(times, total, number) for times in (once, self._times))
        return with_interval(float(value[0]), float(np.std(drawn, ddof=1)), self._n_blocks)

    def _means(self, times: Floats, total: Floats, number: NDArray[Any]) -> Floats:
        drawn = times @ number[self._used]
        means = np.divide(times @ total[self._used], drawn, where=drawn > 0, out=np.zeros_like(drawn))
        # A resample may miss a group with few windows altogether; the mean is then over the others.
        groups = (drawn > 0).sum(axis=1)
        return np.asarray(means.sum(axis=1)[groups > 0] / groups[groups > 0])

    def errors_of_line(
        self, probability: Floats, outcome: Floats, row: NDArray[np.int64], line: CalibrationLine
    ) -> tuple[float, float]:
        """Errors of intercept and slope, from windows of shape (window,) at origins ``row``.

        To first order: a resample whose outcomes the forecasts all but separate would otherwise send the line
        anywhere. A window moves it by its influence, the inverse information times its part of the score.
        """
        x = logit(np.clip(probability, LOG_FLOOR, 1 - LOG_FLOOR))
        design = np.column_stack([np.ones_like(x), x])
        fitted = expit(design @ (line.intercept, line.slope))
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        influence = np.linalg.solve(information, (design * (outcome - fitted)[:, None]).T)
        place = np.searchsorted(self._used, row)
        by_origin = np.stack([np.bincount(place, moves, len(self._used)) for moves in influence], axis=1)
        spread = np.std(self._times @ by_origin, axis=0, ddof=1)
        intercept, slope = (with_interval(0.0, float(se), self._n_blocks).se for se in spread)
        return intercept, slope


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
    difference, known = np.zeros((2, len(origins), len(columns)))
    for place, (origin, values) in enumerate(columns):
        row = np.searchsorted(origins, origin)
        difference[row, place], known[row, place] = values, 1.0
    every = np.ones(len(origins), np.bool_)
    return OriginBlocks(origins, every, max(forecasts.horizons), seed).mean(difference, known)


class ScoreGap(NamedTuple):
    """Mean log score of a model minus that of another on the same windows, and its error; below 0: better."""

    value: float
    se: float


@dataclass(frozen=True)
class PooledScore:
    """Mean scores of the ``n`` windows of one group, of which the share ``base_rate`` held the target.

    ``group`` says which windows, by name (``dyad``, ``horizon_days``, ``model``, ``state``), ``detail`` what
    is told beside the scores.
    """

    group: Mapping[str, Any]
    n: int
    base_rate: float
    brier: Estimate
    log: Estimate
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: the group, then the scores, then the detail."""
        means = {"n": self.n, "base_rate": self.base_rate, "brier": self.brier.value, "log": self.log.value}
        return {**self.group, **means, "brier_se": self.brier.se, "log_se": self.log.se, **self.detail}


@dataclass(frozen=True, eq=False)
class DyadWindows:
    """Windows of one target of several dyads side by side, NaN where a dyad has none.

    ``outcome`` and, by model, ``probability`` are of shape (origin, dyad, horizon). ``quiet``, shape
    (origin, dyad), says whether no target act fell in the ``QUIET_DAYS`` days before the origin.
    """

    origin: Days
    horizons: tuple[int, ...]
    outcome: Floats
    probability: Mapping[str, Floats]
    quiet: Flags

    @classmethod
    def of(
        cls, tables: Mapping[str, ForecastTable], events: Mapping[str, EventTable], target: TargetRule
    ) -> DyadWindows:
        """Put the tables of all dyads (of one target each) side by side; ``events`` are their records."""
        origin = np.unique(np.concatenate([table.origin for table in tables.values()]))
        horizons = sorted({days for table in tables.values() for days in table.horizons})
        models = dict.fromkeys(model for table in tables.values() for model in table.models)
        shape = len(origin), len(tables), len(horizons)
        outcome, quiet = np.full(shape, np.nan), np.ones(shape[:2], np.bool_)
        probability = {model: np.full(shape, np.nan) for model in models}
        for place, (dyad, table) in enumerate(tables.items()):
            row, column = np.searchsorted(origin, table.origin), np.searchsorted(horizons, table.horizon_days)
            outcome[row, place, column] = table.outcome
            for model in models:
                own = table.model == model
                probability[model][row[own], place, column[own]] = table.probability[own]
            quiet[:, place] = quiet_year(events[dyad], target, origin)
        return cls(origin, tuple(horizons), outcome, probability, quiet)

    def by_horizon(self, seed: int) -> tuple[tuple[PooledScore, ...], tuple[dict[str, Any], ...]]:
        """Score every model at every horizon over the windows it forecast, and fit its calibration line.

        Dyads have the same weight in the scores, windows in the line.
        """
        scores, lines = [], []
        for column, days in enumerate(self.horizons):
            outcome = self.outcome[:, :, column]
            for model, every in self.probability.items():
                probability = every[:, :, column]
                known = ~np.isnan(probability)
                if not known.any():
                    continue
                blocks = OriginBlocks(self.origin, known.any(axis=1), days, seed)
                brier, log = (
                    blocks.mean(np.where(known, score(probability, outcome), 0.0), known)
                    for score in (brier_score, log_score)
                )
                rate = float(np.mean([outcome[own, k].mean() for k, own in enumerate(known.T) if own.any()]))
                group = {"horizon_days": days, "model": model, "dyads": int(known.any(axis=0).sum())}
                scores.append(PooledScore(group, int(known.sum()), rate, brier, log))
                p, y = probability[known], outcome[known]
                line, errors = calibration_line(p, y), (np.nan, np.nan)
                if np.isfinite(line.slope):
                    errors = blocks.errors_of_line(p, y, np.nonzero(known)[0], line)
                named = dict(zip(("intercept_se", "slope_se"), errors, strict=True))
                lines.append({"horizon_days": days, "model": model} | asdict(line) | named)
        return tuple(scores), tuple(lines)

    def by_state(self, seed: int) -> tuple[PooledScore, ...]:
        """Score onset and continuation of every model, over all horizons (``None``) and by each.

        Every window has the same weight. ``log_minus`` is the gap to each of ``COUNT_FREE``, but to itself. A
        state without a window is left out.
        """
        spans: list[tuple[int | None, slice]] = [(None, slice(None))]
        spans += [(days, slice(column, column + 1)) for column, days in enumerate(self.horizons)]
        return tuple(
            score
            for state, within in (("onset", self.quiet), ("continuation", ~self.quiet))
            for days, columns in spans
            for score in self._of_state(state, within, days, columns, seed)
        )

    def _of_state(
        self, state: str, within: Flags, days: int | None, columns: slice, seed: int
    ) -> Iterator[PooledScore]:
        every = {model: values[:, :, columns] for model, values in self.probability.items()}
        outcome, longest = self.outcome[:, :, columns], max(self.horizons[columns])
        logs = {model: log_score(probability, outcome) for model, probability in every.items()}
        for model, probability in every.items():
            known = ~np.isnan(probability) & within[:, :, None]
            if not known.any():
                continue
            blocks = OriginBlocks(self.origin, known.any(axis=(1, 2)), longest, seed)

            def mean(values: Floats, used: Flags, blocks: OriginBlocks = blocks) -> Estimate:
                total = np.where(used, values, 0.0).sum(axis=(1, 2))
                return blocks.mean(total[:, None], used.sum(axis=(1, 2))[:, None])

            gaps = {}
            for name in COUNT_FREE:
                both = known & ~np.isnan(every[name]) if name in every else np.zeros_like(known)
                if name != model and both.any():
                    gap = mean(logs[model] - logs[name], both)
                    gaps[name] = ScoreGap(gap.value, gap.se)._asdict()
            yield PooledScore(
                {"state": state, "horizon_days": days, "model": model},
                int(known.sum()),
                float(outcome[known].mean()),
                mean(brier_score(probability, outcome), known),
                mean(logs[model], known),
                {"log_minus": gaps},
            )


def quiet_year(events: EventTable, target: TargetRule, origin: Days) -> Flags:
    """Whether no target act, by its own day, fell in the ``QUIET_DAYS`` days before each origin."""
    days = np.sort(events.date[target.mask(events)])
    begin = np.searchsorted(days, origin - np.timedelta64(QUIET_DAYS, "D"), side="left")
    return np.asarray(np.searchsorted(days, origin, side="left") == begin)


@dataclass(frozen=True)
class ModelChoice:
    """The simplest good model, ``chosen``: of ``SIMPLEST_FIRST``, within ``TOLERANCE`` errors of the best.

    ``best`` has the lowest mean log score; ``gaps`` are of every model, the best included (0, error 0).
    """

    best: str
    gaps: dict[str, ScoreGap]
    chosen: str


@dataclass(frozen=True)
class DyadScores:
    """Scores of one target on many dyads: cells by dyad, horizon and model; no ``choice`` without models."""

    cells: tuple[PooledScore, ...]
    choice: ModelChoice | None
    by_horizon: tuple[PooledScore, ...]
    calibration_by_horizon: tuple[dict[str, Any], ...]
    by_state: tuple[PooledScore, ...]

    def means(self) -> dict[str, dict[str, float]]:
        """Mean Brier and log score of each model over dyads and horizons, all of the same weight."""
        by_model: dict[str, list[PooledScore]] = {}
        for cell in self.cells:
            by_model.setdefault(cell.group["model"], []).append(cell)
        return {
            model: {
                "brier": sum(cell.brier.value for cell in own) / len(own),
                "log": sum(cell.log.value for cell in own) / len(own),
            }
            for model, own in by_model.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, ``None`` where a number is not defined."""
        choice = self.choice
        behind = {name: gap._asdict() for name, gap in choice.gaps.items()} if choice else {}
        content: dict[str, Any] = {
            "cells": [cell.to_dict() for cell in self.cells],
            "mean": self.means(),
            "default": DEFAULT_FAMILY,
            "choice": choice and {"best": choice.best, "chosen": choice.chosen, "log_behind_best": behind},
            "by_horizon": [score.to_dict() for score in self.by_horizon],
            "calibration_by_horizon": list(self.calibration_by_horizon),
            "onset": [score.to_dict() for score in self.by_state],
        }
        plain: dict[str, Any] = without_nan(content)
        return plain


def score_dyads(
    target: TargetRule,
    forecasts: Mapping[str, ForecastTable],
    events: Mapping[str, EventTable],
    *,
    seed: int,
) -> DyadScores:
    """Score the forecasts of one target, by dyad; baselines are among them, and ``events`` the records.

    Errors over dyads come from blocks of origins in which all dyads are drawn together: neighbours share
    wars, so that dyads are no separate evidence.
    """
    own = {dyad: table.select(target=target.name) for dyad, table in forecasts.items()}
    tables = list(own.values())
    scores = {dyad: score_forecasts(table, seed=seed) for dyad, table in own.items()}
    cells = tuple(
        PooledScore(
            {"dyad": dyad, "horizon_days": cell.horizon_days, "model": cell.model},
            cell.n,
            cell.base_rate,
            cell.brier,
            cell.log,
            {"failed_fits": cell.failed_fits and asdict(cell.failed_fits)},
        )
        for dyad, table in scores.items()
        for cell in table.cells
    )
    windows = DyadWindows.of(own, events, target)
    return DyadScores(
        cells,
        choose_model(tables, seed=seed),
        *windows.by_horizon(seed),
        windows.by_state(seed),
    )


def choose_model(tables: Sequence[ForecastTable], *, seed: int) -> ModelChoice | None:
    """Choose the simplest model within two standard errors of the best, by one or more dyads of equal weight.

    Targets and horizons have the same weight within a dyad; dyads count as independent, which makes errors
    too small where neighbours share wars. ``None`` when the tables hold none of the models.
    """
    models = [name for name in SIMPLEST_FIRST if all(name in table.models for table in tables)]
    if not models:
        return None
    gaps = {name: _gap(tables, name, models[0], seed) for name in models}
    best = min(models, key=lambda name: gaps[name].value)
    gaps = {name: _gap(tables, name, best, seed) for name in models}
    chosen = next(name for name in models if gaps[name].value <= TOLERANCE * gaps[name].se)
    return ModelChoice(best, gaps, chosen)


def _gap(tables: Sequence[ForecastTable], model: str, other: str, seed: int) -> ScoreGap:
    if model == other:
        return ScoreGap(0.0, 0.0)
    gaps = [compare_models(table, model, other, seed=seed) for table in tables]
    value = sum(gap.value for gap in gaps) / len(gaps)
    return ScoreGap(value, math.sqrt(sum(gap.se**2 for gap in gaps)) / len(gaps))
