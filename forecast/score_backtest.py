"""Forecasts from weekly scores at past origins, each fitted to what was known then, beside the baselines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import ScoreConfig, config_hash
from forecast.errors import EventError, InputError
from forecast.evaluation.weekly_baselines import BASELINES
from forecast.evaluation.weekly_table import (
    MODEL_NAME,
    TargetScored,
    WeekScored,
    score_week,
    target_summaries,
    week_summaries,
)
from forecast.inference import Posterior, check_gates
from forecast.inference.rolling import RHAT_TOLERATED
from forecast.inference.sampling import compile_model, sample
from forecast.models.weekly_scores import build_score_model, score_arrays
from forecast.pipeline import versions
from forecast.progress import Listener, StageProgress
from forecast.run_folder import FolderKind, new_run_folder, refuse_existing
from forecast.score_run import climatology_of, sampler_options, thinned
from forecast.simulation.weekly_scores import simulate_scores
from forecast.weekly_scores.checking import ScoreInputs, read_score_inputs, series_known_by
from forecast.weekly_scores.series import WEEK, ScoreRule, ScoreSeries, Way, direction_weights

SCORE_BACKTEST = FolderKind("backtest of weekly scores", "score-backtest.json")
WARM_UP = timedelta(days=730)
PATHS_PER_DRAW = 4
N_SAMPLES = 4000
"""Samples of each baseline."""


@dataclass(frozen=True, kw_only=True)
class ScoreBacktestOptions:
    """Where to forecast from, and how far.

    Parameters
    ----------
    every_weeks : int
        Weeks between origins.
    weeks_ahead : tuple of int
        Horizons, rising.
    first, last : date or None
        Span of the origins; two years after the start of the scores, and as late as outcomes are known.
    """

    every_weeks: int = 13
    weeks_ahead: tuple[int, ...] = (1, 4, 13, 26)
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class ScoreBacktest:
    """All forecasts, scored, and what they amount to."""

    weeks: tuple[WeekScored, ...]
    targets: tuple[TargetScored, ...]
    origins: tuple[date, ...]
    not_converged: tuple[date, ...]
    summary: dict[str, Any]


def run_score_backtest(
    config: ScoreConfig, options: ScoreBacktestOptions, listen: Listener | None = None
) -> ScoreBacktest:
    """Forecast at every origin and score what came.

    The model is compiled once and fitted at every origin to the scores as known on the day before; outcomes
    are the scores as known on the as-of date of the config.

    Raises
    ------
    InputError
        As ``read_score_inputs``; or no origin lies between the first and the last.
    """
    tell = listen or (lambda progress: None)
    inputs = read_score_inputs(config)
    truth = inputs.series
    origins = _origins(truth, options)
    tell(StageProgress("compile"))
    compiled = compile_model(build_score_model(truth, inputs.priors))
    seeds = [
        int(child.generate_state(1, np.uint32)[0])
        for child in np.random.SeedSequence(config.sampler.seed).spawn(3 * len(origins))
    ]
    weeks: list[WeekScored] = []
    targets: list[TargetScored] = []
    failed: list[date] = []
    forecast_from: list[date] = []
    for place, origin in enumerate(origins):
        tell(StageProgress("backtest", place, len(origins)))
        try:
            known = series_known_by(config, inputs.rows, origin - timedelta(days=1))
        except EventError:
            continue  # too few weeks were known then
        if known.directions != truth.directions or (known.acts is None) != (truth.acts is None):
            continue
        forecast_from.append(origin)
        fit_seed, path_seed, baseline_seed = seeds[3 * place : 3 * place + 3]
        sampler = sampler_options(config, fit_seed)
        tree = sample(compiled.with_data(**score_arrays(known, len(truth))), sampler)
        posterior = Posterior(tree, sampler.target_accept, sampler.tune)
        if check_gates(posterior).rhat_max > RHAT_TOLERATED:
            failed.append(origin)
        ahead = max(options.weeks_ahead)
        paths = simulate_scores(known, thinned(posterior), ahead, PATHS_PER_DRAW, path_seed)
        flat = paths.score.reshape(-1, ahead, len(known.directions))
        rng = np.random.default_rng(baseline_seed)
        weeks += _weeks(known, truth, flat, origin, options.weeks_ahead, rng)
        targets += _targets(known, truth, flat, origin, inputs.rules, options.weeks_ahead, rng)
    if not forecast_from:
        raise InputError("no origin has enough known weeks before it; choose later ones with --from")
    summary = _summary(config, inputs, options, forecast_from, failed, weeks, targets)
    return ScoreBacktest(tuple(weeks), tuple(targets), tuple(forecast_from), tuple(failed), summary)


def save_score_backtest(found: ScoreBacktest, folder: Path, *, force: bool = False) -> Path:
    """Write summary and forecasts into a folder, whole or not at all.

    Raises
    ------
    RunFolderError
        The folder is there already (and not ``force``), or cannot be written.
    """
    with new_run_folder(folder, force=force, kind=SCORE_BACKTEST) as filling:
        text = json.dumps(found.summary, indent=2, allow_nan=False) + "\n"
        (filling / SCORE_BACKTEST.mark).write_text(text, encoding="utf-8")
        (filling / "weeks.csv").write_text(_csv(found.weeks), encoding="utf-8")
        (filling / "targets.csv").write_text(_csv(found.targets), encoding="utf-8")
    return folder


def refuse_backtest_place(folder: Path, *, force: bool) -> None:
    """Refuse a place that is taken before any work is done; errors as ``refuse_existing``."""
    refuse_existing(folder, force=force, kind=SCORE_BACKTEST)


def _origins(truth: ScoreSeries, options: ScoreBacktestOptions) -> list[date]:
    """First days of weeks, from the first to the last whose shortest horizon is known."""
    first = options.first or truth.start + WARM_UP
    last = min(options.last or truth.end, truth.end - min(options.weeks_ahead) * WEEK)
    week = max(-(-(first - truth.start).days // WEEK.days), 0)
    origins = []
    while truth.first_week(week) <= last:
        origins.append(truth.first_week(week))
        week += options.every_weeks
    if not origins:
        raise InputError(
            f"no origin lies between {first} and {last}: the scores end on {truth.end}. Choose an earlier "
            "--from, a later --to or fewer weeks ahead"
        )
    return origins


def _ways(series: ScoreSeries) -> tuple[Way, ...]:
    return (*series.directions, "both") if len(series.directions) > 1 else series.directions


def _outcomes(known: ScoreSeries, truth: ScoreSeries, way: Way) -> NDArray[np.float64]:
    """Scores of the weeks that follow the known ones, shape (week,)."""
    offset = (known.end - truth.start).days // WEEK.days
    return truth.total(way)[offset:]


def _weeks(
    known: ScoreSeries,
    truth: ScoreSeries,
    flat: NDArray[np.float64],
    origin: date,
    weeks_ahead: Sequence[int],
    rng: np.random.Generator,
) -> Iterable[WeekScored]:
    for way in _ways(known):
        outcome = _outcomes(known, truth, way)
        samples = {MODEL_NAME: flat @ direction_weights(known.directions, way)}
        for name, baseline in BASELINES.items():
            samples[name] = baseline(known.total(way), max(weeks_ahead), N_SAMPLES, rng)
        for weeks in weeks_ahead:
            if weeks <= len(outcome):
                for name, values in samples.items():
                    yield score_week(
                        values[:, weeks - 1], float(outcome[weeks - 1]), origin, way, weeks, name
                    )


def _targets(
    known: ScoreSeries,
    truth: ScoreSeries,
    flat: NDArray[np.float64],
    origin: date,
    rules: Sequence[ScoreRule],
    weeks_ahead: Sequence[int],
    rng: np.random.Generator,
) -> Iterable[TargetScored]:
    for rule in rules:
        way = rule.direction
        outcome = _outcomes(known, truth, way)
        total = flat @ direction_weights(known.directions, way)
        walk = BASELINES["autoregression"](known.total(way), max(weeks_ahead), N_SAMPLES, rng)
        for weeks in weeks_ahead:
            if weeks > len(outcome):
                continue
            met = int((outcome[:weeks] < rule.score_below).any())
            probabilities = {
                MODEL_NAME: float((total[:, :weeks] < rule.score_below).any(axis=1).mean()),
                "climatology": climatology_of(known, rule, known.end, 7 * weeks, rng),
                "autoregression": float((walk[:, :weeks] < rule.score_below).any(axis=1).mean()),
            }
            for name, probability in probabilities.items():
                yield TargetScored(origin, rule.name, weeks, name, probability, met)


def _summary(
    config: ScoreConfig,
    inputs: ScoreInputs,
    options: ScoreBacktestOptions,
    origins: Sequence[date],
    failed: Sequence[date],
    weeks: Sequence[WeekScored],
    targets: Sequence[TargetScored],
) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": config.name,
        "config_sha256": config_hash(config),
        "dyad": {"a": config.dyad.a, "b": config.dyad.b, "label": config.dyad.title},
        "scores_until": (inputs.series.end - timedelta(days=1)).isoformat(),
        "every_weeks": options.every_weeks,
        "n_origins": len(origins),
        "first_origin": origins[0].isoformat(),
        "last_origin": origins[-1].isoformat(),
        "origins_not_converged": [day.isoformat() for day in failed],
        "weeks": week_summaries(weeks, config.sampler.seed),
        "targets": target_summaries(targets, config.sampler.seed),
        "versions": versions(),
    }


def _csv(rows: Sequence[WeekScored] | Sequence[TargetScored]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    if rows:
        names = [item.name for item in fields(rows[0])]
        writer.writerow(names)
        writer.writerows([getattr(row, name) for name in names] for row in rows)
    return buffer.getvalue()
