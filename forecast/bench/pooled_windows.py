"""Windows of many dyads side by side: scores by horizon and of onset, origins resampled in blocks.

All dyads of an origin are drawn together: neighbours share wars, so that dyads are no separate evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from forecast.baselines import Days
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.metrics import (
    LOG_FLOOR,
    N_RESAMPLES,
    CalibrationLine,
    Estimate,
    block_length,
    brier_score,
    calibration_line,
    draw_blocks,
    log_score,
    with_interval,
)
from forecast.events.table import EventTable
from forecast.panel import TargetRule

QUIET_DAYS = 365
"""Days without a target act before an origin that make what follows an onset."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


COUNT_FREE = ("gamma_poisson", "constant_rate")
"""Baselines that read the target's own past acts alone: what others gain on them, counts of events add."""

State = Literal["onset", "continuation"]


@dataclass(frozen=True)
class ScoreGap:
    """Mean log score of a model minus that of another on the same windows, and its error; below 0: better."""

    value: float
    se: float


@dataclass(frozen=True, kw_only=True)
class MeanScores:
    """Mean scores of ``n`` windows, of which the share ``base_rate`` held the target; ``log`` in nats.

    Errors come from a block bootstrap.
    """

    n: int
    base_rate: float
    brier: float
    log: float
    brier_se: float
    log_se: float
    detail: ClassVar[str] = ""
    """Field that follows the scores in JSON."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: what is scored, then the scores."""
        values = asdict(self)
        scores = [field.name for field in fields(MeanScores)]
        scored = [name for name in values if name not in (*scores, self.detail)]
        return {name: values[name] for name in (*scored, *scores, *filter(None, [self.detail]))}


@dataclass(frozen=True, kw_only=True)
class WindowScores(MeanScores):
    """Scores of one model at one horizon over ``dyads`` dyads of the same weight."""

    horizon_days: int
    model: str
    dyads: int


@dataclass(frozen=True)
class HorizonCalibration:
    """Calibration line of one model at one horizon over all windows; NaN where there is none."""

    horizon_days: int
    model: str
    intercept: float
    slope: float
    intercept_se: float
    slope_se: float


@dataclass(frozen=True, kw_only=True)
class StateScores(MeanScores):
    """Scores of the windows of one model that follow a quiet year (``onset``), or of all others.

    Every window has the same weight; ``horizon_days`` is ``None`` where it is over all horizons.
    ``log_minus`` is the gap to each of ``COUNT_FREE``, but to itself.
    """

    detail: ClassVar[str] = "log_minus"
    state: State
    horizon_days: int | None
    model: str
    log_minus: Mapping[str, ScoreGap]


@dataclass(frozen=True, eq=False)
class PooledWindows:
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
    ) -> PooledWindows:
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


def quiet_year(events: EventTable, target: TargetRule, origin: Days) -> Flags:
    """Whether no target act, by its own day, fell in the ``QUIET_DAYS`` days before each origin."""
    days = np.sort(events.date[target.mask(events)])
    begin = np.searchsorted(days, origin - np.timedelta64(QUIET_DAYS, "D"), side="left")
    return np.asarray(np.searchsorted(days, origin, side="left") == begin)


class OriginResamples:
    """Blocks of the origins that any dyad has a window at; all windows of an origin are drawn together."""

    def __init__(self, origin: Days, known: Flags, horizon_days: int, seed: int) -> None:
        self._used = np.flatnonzero(known.any(axis=1))
        n = len(self._used)
        block = block_length(origin[self._used], horizon_days)
        drawn = draw_blocks(n, block, seed)
        rows = np.repeat(np.arange(N_RESAMPLES), n) * n + drawn.ravel()
        self._times = np.bincount(rows, minlength=N_RESAMPLES * n).reshape(N_RESAMPLES, n).astype(np.float64)
        self._n_blocks = n / block

    def mean_of_dyads(self, values: Floats) -> Estimate:
        """Mean over dyads of the mean over their windows, from (origin, dyad) with NaN for none."""
        one_each = np.ones((1, len(self._used)))
        value, drawn = (_mean_of_dyads(values[self._used], times) for times in (one_each, self._times))
        return with_interval(float(value[0]), float(np.std(drawn, ddof=1)), self._n_blocks)

    def mean_of_windows(self, values: Floats, known: Flags) -> Estimate:
        """Mean over the windows that are known, shape (origin, dyad, horizon), all of the same weight."""
        total = np.where(known, values, 0.0).sum(axis=(1, 2))[self._used]
        number = known.sum(axis=(1, 2))[self._used]
        counted = self._times @ number
        drawn = (self._times @ total)[counted > 0] / counted[counted > 0]
        return with_interval(float(total.sum() / number.sum()), float(np.std(drawn, ddof=1)), self._n_blocks)

    def errors_of_line(
        self, probability: Floats, outcome: Floats, row: NDArray[np.int64], line: CalibrationLine
    ) -> tuple[float, float]:
        """Errors of intercept and slope, from windows of shape (window,) at origins ``row``.

        A window moves the line by its influence: the inverse information times its part of the score.
        """
        x = logit(np.clip(probability, LOG_FLOOR, 1 - LOG_FLOOR))
        design = np.column_stack([np.ones_like(x), x])
        fitted = expit(design @ (line.intercept, line.slope))
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        influence = np.linalg.solve(information, (design * (outcome - fitted)[:, None]).T)
        place = np.searchsorted(self._used, row)
        by_origin = np.stack([np.bincount(place, moves, len(self._used)) for moves in influence], axis=1)
        spread = np.std(self._times @ by_origin, axis=0, ddof=1)
        ends = [with_interval(0.0, float(se), self._n_blocks) for se in spread]
        return ends[0].se, ends[1].se


def _mean_of_dyads(values: Floats, times: Floats) -> Floats:
    """Mean of each resample, shape (resample,), from one value an origin and dyad."""
    known = ~np.isnan(values)
    number = times @ known
    means = np.divide(
        times @ np.where(known, values, 0.0), number, where=number > 0, out=np.zeros_like(number)
    )
    # A resample may miss a dyad with few windows altogether; the mean is then over the others.
    return np.asarray(means.sum(axis=1) / (number > 0).sum(axis=1))


def mean_scores(n: int, base_rate: float, brier: Estimate, log: Estimate) -> dict[str, Any]:
    """Return the fields of ``MeanScores``."""
    return {
        "n": n,
        "base_rate": base_rate,
        "brier": brier.value,
        "log": log.value,
        "brier_se": brier.se,
        "log_se": log.se,
    }


def scores_by_horizon(
    windows: PooledWindows, seed: int
) -> tuple[tuple[WindowScores, ...], tuple[HorizonCalibration, ...]]:
    """Score every model at every horizon over the windows it forecast, and fit its calibration line.

    Dyads have the same weight in the scores, windows in the line. Errors are those of the line to first
    order: a resample whose outcomes the forecasts all but separate would otherwise send it anywhere.
    """
    scores, lines = [], []
    for column, days in enumerate(windows.horizons):
        outcome = windows.outcome[:, :, column]
        for model, every in windows.probability.items():
            probability = every[:, :, column]
            known = ~np.isnan(probability)
            if not known.any():
                continue
            resample = OriginResamples(windows.origin, known, days, seed)
            brier, log = (
                resample.mean_of_dyads(score(probability, outcome)) for score in (brier_score, log_score)
            )
            rate = float(np.mean([outcome[own, k].mean() for k, own in enumerate(known.T) if own.any()]))
            n_dyads, means = int(known.any(axis=0).sum()), mean_scores(int(known.sum()), rate, brier, log)
            scores.append(WindowScores(horizon_days=days, model=model, dyads=n_dyads, **means))
            p, y = probability[known], outcome[known]
            line = calibration_line(p, y)
            errors: tuple[float, float] = (np.nan, np.nan)
            if np.isfinite(line.slope):
                errors = resample.errors_of_line(p, y, np.nonzero(known)[0], line)
            lines.append(HorizonCalibration(days, model, line.intercept, line.slope, *errors))
    return tuple(scores), tuple(lines)


def scores_by_state(windows: PooledWindows, seed: int) -> tuple[StateScores, ...]:
    """Score onset and continuation of every model, over all horizons and by each.

    Onset and continuation together are all windows of a model. A state without a window is left out.
    """
    states: tuple[tuple[State, Flags], ...] = (("onset", windows.quiet), ("continuation", ~windows.quiet))
    spans: list[tuple[int | None, slice]] = [(None, slice(None))]
    spans += [(days, slice(column, column + 1)) for column, days in enumerate(windows.horizons)]
    scores: list[StateScores] = []
    for state, within in states:
        for days, columns in spans:
            every = {model: values[:, :, columns] for model, values in windows.probability.items()}
            outcome, longest = windows.outcome[:, :, columns], max(windows.horizons[columns])
            logs = {model: log_score(probability, outcome) for model, probability in every.items()}
            for model, probability in every.items():
                known = ~np.isnan(probability) & within[:, :, None]
                if not known.any():
                    continue
                resample = OriginResamples(windows.origin, known.any(axis=2), longest, seed)
                brier = resample.mean_of_windows(brier_score(probability, outcome), known)
                log = resample.mean_of_windows(logs[model], known)
                gaps = {}
                for name in COUNT_FREE:
                    both = known & ~np.isnan(every[name]) if name in every else np.zeros_like(known)
                    if name != model and both.any():
                        gap = resample.mean_of_windows(logs[model] - logs[name], both)
                        gaps[name] = ScoreGap(gap.value, gap.se)
                means = mean_scores(int(known.sum()), float(outcome[known].mean()), brier, log)
                scores.append(
                    StateScores(state=state, horizon_days=days, model=model, log_minus=gaps, **means)
                )
    return tuple(scores)
