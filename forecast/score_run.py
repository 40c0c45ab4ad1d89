"""A forecast from weekly scores, in the order of its stages: read, fit, simulate, judge, write."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.config import ScoreConfig, config_hash, resolved_yaml
from forecast.evaluation.weekly_baselines import climatology_samples
from forecast.inference import Posterior, SamplerOptions, SamplingProgress, check_gates, fit_compiled
from forecast.inference.sampling import compile_model
from forecast.models.weekly_scores import build_score_model
from forecast.monte_carlo import monte_carlo_error
from forecast.pipeline import require_converged, versions
from forecast.progress import Listener, StageProgress
from forecast.record import Baseline, Diagnostics, DyadRecord, Forecast, Headline, Record
from forecast.run_folder import FolderKind, file_hashes, new_run_folder, refuse_existing
from forecast.simulation.paths import FirstHits
from forecast.simulation.score_hits import score_hits, weeks_needed
from forecast.simulation.weekly_scores import ScorePaths, simulate_scores
from forecast.target_forecasts import Question, target_forecast
from forecast.weekly_scores.checking import ScoreInputs, read_score_inputs, score_definition
from forecast.weekly_scores.parameters import parameters_of
from forecast.weekly_scores.reading import scores_csv
from forecast.weekly_scores.record import DirectionAhead, ScoreAnalysis, ScoreParameterSummary, WeekAhead
from forecast.weekly_scores.series import ScoreRule, ScoreSeries, Way, direction_weights

SCORE_RUN = FolderKind("run from weekly scores", "scores.json")
MODEL = "weekly-scores"
BASELINE_SAMPLES = 20_000
SIMULATED_DRAWS = 1000
"""Draws that are carried forward, evenly spread over the chains; memory grows with them."""
STALE_WEEKS = 4
"""Weeks without scores before the as-of date from which a reader is told."""


@dataclass(frozen=True)
class ScoreForecast:
    """A finished run."""

    inputs: ScoreInputs
    posterior: Posterior
    paths: ScorePaths
    hits: FirstHits
    forecast: Forecast
    analysis: ScoreAnalysis


def make_score_forecast(config: ScoreConfig, listen: Listener | None = None) -> ScoreForecast:
    """Run all stages in memory.

    Raises
    ------
    InputError
        As ``read_score_inputs``.
    NotConvergedError
        The sampler could not run at all; a posterior that fails a gate is returned.
    """
    tell = listen or (lambda progress: None)
    began = time.perf_counter()
    tell(StageProgress("read"))
    inputs = read_score_inputs(config)
    series = inputs.series
    seeds = [
        int(child.generate_state(1, np.uint32)[0])
        for child in np.random.SeedSequence(config.sampler.seed).spawn(3)
    ]
    timings = {"read": round(time.perf_counter() - began, 3)}
    tell(StageProgress("compile"))
    began = time.perf_counter()
    compiled = compile_model(build_score_model(series, inputs.priors))

    def sampling(progress: SamplingProgress) -> None:
        tell(StageProgress("sample", progress.finished, progress.planned))

    posterior = fit_compiled(compiled, sampler_options(config, seeds[0]), sampling)
    timings["fit"] = round(time.perf_counter() - began, 3)
    tell(StageProgress("simulate"))
    began = time.perf_counter()
    origin = config.as_of + timedelta(days=1)
    horizon = (max(milestone.date for milestone in config.milestones) - origin).days
    paths = simulate_scores(
        series,
        thinned(posterior),
        weeks_needed(series, origin, horizon),
        config.sampler.paths_per_draw,
        seeds[1],
    )
    hits = score_hits(series, paths, inputs.rules, origin, horizon)
    targets = []
    monitored: dict[str, NDArray[np.float64]] = {}
    rng = np.random.default_rng(seeds[2])
    for rule in inputs.rules:
        question = Question(
            rule.name,
            config.target_title(rule.name),
            score_definition(config, config.targets[rule.name]),
            tuple((one.name, one.title, one.date) for one in config.milestones),
        )
        baselines = {
            one.name: Baseline(
                name="climatology",
                probability=climatology_of(series, rule, origin, (one.date - origin).days, rng),
            )
            for one in config.milestones
        }
        seen = int((series.total(rule.direction) < rule.score_below).sum())
        target, shares = target_forecast(question, hits, posterior.n_chains, seen, baselines)
        targets.append(target)
        monitored |= {f"P({rule.name} before {name})": share for name, share in shares.items()}
    # The shares are of the draws carried forward, which are fewer; their own gate is their Monte Carlo error.
    gates = check_gates(posterior)
    timings["simulate"] = round(time.perf_counter() - began, 3)
    forecast = Forecast(
        schema=1,
        run_id=_run_id(config, series),
        name=config.name,
        dyad=DyadRecord(a=config.dyad.a, b=config.dyad.b, label=config.dyad.title),
        as_of=config.as_of,
        model=MODEL,
        converged=gates.converged,
        diagnostics=Diagnostics(**vars(gates)),
        targets=tuple(targets),
        headline=Headline(target=config.headline.target, milestone=config.headline.milestone),
        drivers=(),
        timings_s=timings,
        versions=versions(),
    )
    return ScoreForecast(inputs, posterior, paths, hits, forecast, _analysis(inputs, posterior, paths))


def run_score_forecast(
    config: ScoreConfig,
    *,
    out: Path = Path("reports"),
    force: bool = False,
    allow_unconverged: bool = False,
    listen: Listener | None = None,
) -> tuple[ScoreForecast, Path]:
    """Make a forecast and write its run folder, whole or not at all.

    Raises
    ------
    InputError
        The config, the scores or the place of the run folder cannot be used.
    NotConvergedError
        A gate failed and ``allow_unconverged`` is not set; the run folder is written all the same.
    """
    folder = score_run_place(config, out)
    refuse_existing(folder, force=force, kind=SCORE_RUN)
    run = make_score_forecast(config, listen)
    with new_run_folder(folder, force=force, kind=SCORE_RUN) as filling:
        _write(run.forecast, filling / "forecast.json")
        _write(run.analysis, filling / "scores.json")
        text = scores_csv(run.inputs.series, config.dyad.a, config.dyad.b)
        (filling / "scores.csv").write_text(text, encoding="utf-8")
        (filling / "config.resolved.yaml").write_text(resolved_yaml(config, folder), encoding="utf-8")
        run.posterior.write(filling / "posterior.nc")
        manifest = {
            "run_id": run.forecast.run_id,
            "config_sha256": config_hash(config),
            "scores_sha256": run.analysis.source_sha256,
            "seed": config.sampler.seed,
            "versions": run.forecast.versions,
            "timings_s": run.forecast.timings_s,
            "outputs_sha256": file_hashes(filling),
        }
        (filling / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    if not allow_unconverged:
        require_converged(run.forecast, folder)
    return run, folder


def score_run_place(config: ScoreConfig, out: Path) -> Path:
    """Where a run is kept below ``out``: ``<out>/<name>/<as_of>``."""
    return out / config.name / config.as_of.isoformat()


def sampler_options(config: ScoreConfig, seed: int) -> SamplerOptions:
    """Sampler settings of a config."""
    sampler = config.sampler
    return SamplerOptions(
        seed=seed,
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        target_accept=sampler.target_accept,
    )


def thinned(posterior: Posterior, most: int = SIMULATED_DRAWS) -> dict[str, NDArray[np.float64]]:
    """Return draws by variable, evenly thinned to at most ``most``, as many of each chain."""
    n_chains = posterior.n_chains
    per_chain = posterior.n_draws // n_chains
    kept = np.linspace(0, per_chain - 1, min(per_chain, max(most // n_chains, 1))).astype(np.int64)
    rows = (np.arange(n_chains)[:, None] * per_chain + kept).ravel()
    return {name: values[rows] for name, values in posterior.variables.items()}


def climatology_of(
    series: ScoreSeries, rule: ScoreRule, origin: date, horizon_days: int, rng: np.random.Generator
) -> float:
    """Share of runs of past weeks as long as the horizon in which the target was met.

    With half a run of each kind added, runs counted without overlap (Beta(½, ½) prior), so that what was
    never seen is not impossible.
    """
    weeks = max((horizon_days - (series.end - origin).days) // 7, 0)
    if weeks == 0:
        return 0.0
    past = series.total(rule.direction)
    runs = climatology_samples(past, weeks, BASELINE_SAMPLES, rng)
    share = float((runs < rule.score_below).any(axis=1).mean())
    distinct = len(past) / weeks
    return (share * distinct + 0.5) / (distinct + 1.0)


def _run_id(config: ScoreConfig, series: ScoreSeries) -> str:
    text = "\n".join([config_hash(config), _series_hash(series, config), version("forecast")])
    return f"{config.name}-{config.as_of:%Y%m%d}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def _series_hash(series: ScoreSeries, config: ScoreConfig) -> str:
    return hashlib.sha256(scores_csv(series, config.dyad.a, config.dyad.b).encode()).hexdigest()


def _analysis(inputs: ScoreInputs, posterior: Posterior, paths: ScorePaths) -> ScoreAnalysis:
    series, config = inputs.series, inputs.config
    ways: tuple[Way, ...] = (*series.directions, "both") if len(series.directions) > 1 else series.directions
    ahead = []
    for way in ways:
        total = paths.score @ direction_weights(series.directions, way)
        levels = np.quantile(total, [0.05, 0.25, 0.5, 0.75, 0.95], axis=(0, 1)).T
        weeks = tuple(
            WeekAhead(
                week=series.first_week(len(series) + place),
                **dict(zip(("q05", "q25", "q50", "q75", "q95"), map(float, row), strict=True)),
            )
            for place, row in enumerate(levels)
        )
        ahead.append(DirectionAhead(direction=way, weeks=weeks))
    warnings = []
    silent = (config.as_of - series.end).days // 7
    if silent >= STALE_WEEKS:
        warnings.append(
            f"The last known week ends {silent} weeks before the as-of date: the weeks between are simulated."
        )
    if paths.capped:
        warnings.append(f"{paths.capped:.1e} of the simulated rates of acts were cut at the upper bound.")
    return ScoreAnalysis(
        schema=1,
        source=config.scores.source,
        source_sha256=_series_hash(series, config),
        first_week=series.start,
        last_week=series.first_week(len(series) - 1),
        weeks=len(series),
        directions=series.directions,
        acts_known=series.acts is not None,
        unit=series.unit,
        ahead=tuple(ahead),
        parameters=tuple(_parameters(inputs, posterior)),
        warnings=tuple(warnings),
    )


def _parameters(inputs: ScoreInputs, posterior: Posterior) -> list[ScoreParameterSummary]:
    series = inputs.series
    summaries = []
    known = parameters_of(n_directions=len(series.directions), acts_known=series.acts is not None)
    for one in known:
        values = posterior.variables[one.variable]
        columns = (
            [(one.name, values)]
            if values.ndim == 1
            else [(f"{one.name}.{way}", values[:, place]) for place, way in enumerate(series.directions)]
        )
        for name, draws in columns:
            low, high = np.quantile(draws, [0.05, 0.95])
            summaries.append(
                ScoreParameterSummary(
                    name=name,
                    meaning=one.meaning,
                    unit=one.unit,
                    prior=str(inputs.priors.distributions[one.name]),
                    prior_origin="config" if one.name in inputs.priors.stated else "default",
                    posterior_mean=float(draws.mean()),
                    posterior_interval90=(float(low), float(high)),
                    mcse=monte_carlo_error(draws, posterior.n_chains),
                )
            )
    return summaries


def _write(record: Record, path: Path) -> None:
    path.write_text(record.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")
