"""Scores of one target on many dyads: by dyad, by horizon, of onset; and the simplest of the good models.

Errors over dyads come from a block bootstrap over origins in which all dyads of an origin are drawn together:
neighbours share wars, so that dyads are no separate evidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, cast

from forecast.baselines import BASELINES
from forecast.bench.pooled_windows import (
    COUNT_FREE,
    HorizonCalibration,
    MeanScores,
    PooledWindows,
    ScoreGap,
    State,
    StateScores,
    WindowScores,
    mean_scores,
    scores_by_horizon,
    scores_by_state,
)
from forecast.blocks import Block, Column, Group, Prose, Table, cells, plain_table, right
from forecast.evaluation.backtest import DEFAULT_MODEL
from forecast.evaluation.forecast_table import ForecastTable
from forecast.evaluation.metrics import PooledCalibration, pool_dyads
from forecast.evaluation.score_table import FailedFits, compare_models, score_forecasts, without_nan
from forecast.events.table import EventTable
from forecast.panel import TargetRule
from forecast.report.palette import name_model
from forecast.report.tables import gap_text, plain_name, score_rows, score_table, value_text
from forecast.wording import count, number, share

SIMPLEST_FIRST = ("model", "panel", "combined")
"""By what a forecast takes: one fit; that, for its paths alone; both."""
TOLERANCE = 2.0
"""Standard errors of the difference in log score."""
_MOST_DYADS = 5
"""Dyads up to which the scores of each are printed."""
_COLUMNS = 5
"""Horizons that stand beside one another."""
_STATES: Mapping[State, str] = {
    "onset": "Onset: windows after a year without the target",
    "continuation": "Continuation: all other windows",
}


@dataclass(frozen=True)
class ModelChoice:
    """The simplest good model, ``chosen``: of ``SIMPLEST_FIRST``, within ``TOLERANCE`` errors of the best.

    ``best`` has the lowest mean log score; ``gaps`` are of every model, the best included (0, error 0).
    """

    best: str
    gaps: dict[str, ScoreGap]
    chosen: str


@dataclass(frozen=True, kw_only=True)
class BenchmarkCell(MeanScores):
    """Scores of one model on one dyad and horizon."""

    detail: ClassVar[str] = "failed_fits"
    dyad: str
    horizon_days: int
    model: str
    failed_fits: FailedFits | None = None


@dataclass(frozen=True)
class TargetScores:
    """Scores of one target: cells by dyad, horizon and model; of each dyad one calibration line a model.

    ``choice`` is ``None`` without models. ``against_baselines`` is the mean log score of each model minus
    that of each baseline over the dyads that both forecast. ``pooled_calibration`` has one line a model.
    """

    cells: tuple[BenchmarkCell, ...]
    calibration: Mapping[str, tuple[PooledCalibration, ...]]
    pooled_calibration: tuple[PooledCalibration, ...]
    choice: ModelChoice | None
    against_baselines: Mapping[str, Mapping[str, ScoreGap]]
    by_horizon: tuple[WindowScores, ...]
    calibration_by_horizon: tuple[HorizonCalibration, ...]
    by_state: tuple[StateScores, ...]

    def means(self) -> dict[str, dict[str, float]]:
        """Mean Brier and log score of each model over dyads and horizons, all of the same weight."""
        by_model: dict[str, list[BenchmarkCell]] = {}
        for cell in self.cells:
            by_model.setdefault(cell.model, []).append(cell)
        return {
            model: {name: sum(getattr(cell, name) for cell in own) / len(own) for name in ("brier", "log")}
            for model, own in by_model.items()
        }

    def failed_fits(self) -> dict[str, FailedFits]:
        """Mean scores of the windows from failed fits, of each model that has any."""
        by_model: dict[str, list[FailedFits]] = {}
        for cell in self.cells:
            if cell.failed_fits:
                by_model.setdefault(cell.model, []).append(cell.failed_fits)
        pooled = {}
        for model, own in by_model.items():
            n = sum(fits.n for fits in own)
            means = (sum(fits.n * getattr(fits, score) for fits in own) / n for score in ("brier", "log"))
            pooled[model] = FailedFits(n, *means)
        return pooled

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, ``None`` where a number is not defined."""
        choice = self.choice
        behind = {name: asdict(gap) for name, gap in choice.gaps.items()} if choice else {}
        lines = [{"dyad": dyad} | asdict(line) for dyad, lines in self.calibration.items() for line in lines]
        content: dict[str, Any] = {
            "cells": [cell.to_dict() for cell in self.cells],
            "mean": self.means(),
            "default": DEFAULT_MODEL,
            "choice": choice and {"best": choice.best, "chosen": choice.chosen, "log_behind_best": behind},
            "against_baselines": {
                model: {name: asdict(gap) for name, gap in gaps.items()}
                for model, gaps in self.against_baselines.items()
            },
            "by_horizon": [scores.to_dict() for scores in self.by_horizon],
            "calibration": lines,
            "pooled_calibration": [asdict(line) for line in self.pooled_calibration],
            "calibration_by_horizon": [asdict(line) for line in self.calibration_by_horizon],
            "onset": [scores.to_dict() for scores in self.by_state],
        }
        return cast("dict[str, Any]", without_nan(content))

    def blocks(self) -> Iterator[Block]:
        """Yield scores by dyad where they are few, means, calibration, comparisons and failed fits."""
        models = tuple(self.means())
        if not any(cell.base_rate for cell in self.cells):
            yield Prose("It never happened in these windows.", tone="warning")
        if len(self.calibration) > _MOST_DYADS:
            said = f"{len(self.calibration)} dyads; the scores of each are in the answer to --json."
            yield Prose(said, tone="fine")
        else:
            yield from (self._of_dyad(dyad, models) for dyad in self.calibration)
        means = self.means()
        rows = [
            ((label,), {model: means[model][score] for model in models})
            for label, score in (("Brier", "brier"), ("log", "log"))
        ]
        yield score_table(models, rows, ("Score",), "Mean over dyads and horizons")
        yield from self._missing()
        yield from self._by_horizon()
        yield from self._comparisons()
        yield from self._by_state()
        for model, apart in self.failed_fits().items():
            windows = count(apart.n, "window")
            yield Prose(
                f"{windows} of {model} from failed fits: Brier {apart.brier:.3f}, log {apart.log:.3f}."
            )

    def _of_dyad(self, dyad: str, models: Sequence[str]) -> Table:
        brier: dict[int, dict[str, float]] = {}
        log: dict[int, dict[str, float]] = {}
        windows: dict[int, int] = {}
        for cell in self.cells:
            if cell.dyad == dyad:
                brier.setdefault(cell.horizon_days, {})[cell.model] = cell.brier
                log.setdefault(cell.horizon_days, {})[cell.model] = cell.log
                windows[cell.horizon_days] = cell.n
        return score_table(models, score_rows(brier, log, windows), title=dyad)

    def _missing(self) -> Iterator[Prose]:
        """Say which models have no forecast of some windows, so that their means are over fewer."""
        windows = {(cell.dyad, cell.horizon_days): cell.n for cell in self.cells}
        total = sum(windows.values())
        for model in self.means():
            n = sum(cell.n for cell in self.cells if cell.model == model)
            if n < total:
                said = f"The {plain_name(model)} forecasts {n} of {count(total, 'window')}"
                yield Prose(f"{said}; its scores are of those.", tone="warning")

    def _by_horizon(self) -> Iterator[Table]:
        """Log and Brier score, and calibration, of each model by days ahead; as many columns as fit."""
        every = list(dict.fromkeys(scores.horizon_days for scores in self.by_horizon))
        for first in range(0, len(every), _COLUMNS):
            days = every[first : first + _COLUMNS]
            # Baselines come last, and forecast every window.
            windows = {
                scores.horizon_days: f"{scores.n} ({share(scores.base_rate)})" for scores in self.by_horizon
            }
            log, brier = (
                {
                    (scores.model, scores.horizon_days): _with_error(
                        getattr(scores, name), getattr(scores, f"{name}_se")
                    )
                    for scores in self.by_horizon
                }
                for name in ("log", "brier")
            )
            slope = {
                (line.model, line.horizon_days): value_text(line.slope, line.slope_se).replace("± ", "±")
                for line in self.calibration_by_horizon
            }
            held = cells("windows (held)", *(windows[ahead] for ahead in days))
            groups = [Group(rows=(held,))]
            for label, texts in (("log", log), ("Brier", brier), ("Calibration slope", slope)):
                named = dict.fromkeys(model for model, _ in texts)
                rows = (
                    cells(plain_name(model), *(texts.get((model, ahead), "–") for ahead in days))
                    for model in named
                )
                groups.append(Group(label=label, rows=tuple(rows)))
            columns = (Column(""), *(right(f"{ahead} d") for ahead in days))
            yield Table(title="Mean over dyads by days ahead", columns=columns, groups=tuple(groups))

    def _by_state(self) -> Iterator[Table]:
        """Onset and continuation over all horizons: log score, and that less that of count-free rates."""
        for state, title in _STATES.items():
            own = [scores for scores in self.by_state if (scores.state, scores.horizon_days) == (state, None)]
            if not own:
                continue
            rows = []
            for scores in own:
                gaps = (scores.log_minus.get(name) for name in COUNT_FREE)
                shown = ("" if gap is None else gap_text(gap.value, gap.se) for gap in gaps)
                rows.append((plain_name(scores.model), _with_error(scores.log, scores.log_se), *shown))
            less = (right(f"less {plain_name(name)}") for name in COUNT_FREE)
            yield plain_table(
                ("Model", right("log"), *less),
                rows,
                f"{title} ({own[-1].n}, {share(own[-1].base_rate)} held one)",
            )

    def _comparisons(self) -> Iterator[Block]:
        """Each model behind the best, against each baseline, and its calibration over all dyads."""
        choice = self.choice
        if choice is not None and len(choice.gaps) > 1:
            behind = (
                (name_model(model), "best" if model == choice.best else gap_text(gap.value, gap.se))
                for model, gap in choice.gaps.items()
            )
            yield plain_table(
                ("", ""), behind, "Log score behind the best model, with its block-bootstrap error"
            )
            yield Prose(f"Simplest within two errors of the best: {name_model(choice.chosen)}.")
        if self.against_baselines:
            against = (
                (name_model(model), name_model(baseline), gap_text(gap.value, gap.se))
                for model, gaps in self.against_baselines.items()
                for baseline, gap in gaps.items()
            )
            title = "Log score less that of a baseline (below 0: better), with its block-bootstrap error"
            yield plain_table(("", "", ""), against, title)
        lines = [line for line in self.pooled_calibration if math.isfinite(line.slope.se)]
        if lines:
            estimates = (
                (
                    name_model(line.model),
                    *(gap_text(part.value, part.se, 2) for part in (line.intercept, line.slope)),
                )
                for line in lines
            )
            title = "Calibration over all dyads (calibrated: intercept 0, slope 1), whole dyads resampled"
            yield plain_table(("", right("intercept"), right("slope")), estimates, title)


def _with_error(value: float, se: float) -> str:
    """Return a score as ``0.123 ±.045``."""
    if not math.isfinite(value):
        return "–"
    error = number(se, 3).removeprefix("0") if math.isfinite(se) else "–"
    return f"{number(value, 3)} ±{error[:4]}"


def score_target(
    target: TargetRule,
    forecasts: Mapping[str, ForecastTable],
    events: Mapping[str, EventTable],
    *,
    seed: int,
) -> TargetScores:
    """Score the forecasts of one target, by dyad; baselines are among them, and ``events`` the records."""
    own = {dyad: table.select(target=target.name) for dyad, table in forecasts.items()}
    tables = list(own.values())
    models = list(dict.fromkeys(name for table in tables for name in table.models))
    scores = {dyad: score_forecasts(table, seed=seed) for dyad, table in own.items()}
    against: dict[str, dict[str, ScoreGap]] = {}
    for model in models:
        # A model that has no answer for a dyad is compared on the others.
        having = [table for table in tables if model in table.models]
        if model not in BASELINES:
            against[model] = {name: _gap(having, model, name, seed) for name in BASELINES}
    cells = [
        BenchmarkCell(
            dyad=dyad,
            horizon_days=cell.horizon_days,
            model=cell.model,
            failed_fits=cell.failed_fits,
            **mean_scores(cell.n, cell.base_rate, cell.brier, cell.log),
        )
        for dyad, table in scores.items()
        for cell in table.cells
    ]
    windows = PooledWindows.of(own, events, target)
    return TargetScores(
        tuple(cells),
        {dyad: table.calibration for dyad, table in scores.items()},
        tuple(pool_dyads(tables, model, seed) for model in models),
        choose_model(tables, seed=seed),
        against,
        *scores_by_horizon(windows, seed),
        scores_by_state(windows, seed),
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
