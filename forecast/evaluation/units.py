"""The work of backtests: their units as a study; what these say beside members, baselines and outcomes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.backtest import BacktestPlan, Unit, outcomes_of
from forecast.evaluation.forecast_table import (
    ForecastTable,
    forecast_baselines,
    join_forecasts,
    make_forecasts,
)
from forecast.evaluation.study import KeptRows, Study, Task, Workers, row_key, run_study
from forecast.events.table import TEXTS, EventTable
from forecast.families import FAMILIES
from forecast.inference.particles import OriginDraws, RollingPosterior
from forecast.panel import EventCounts, TimeGrid, count_events, knots_for, raised_to_included, stream_layout
from forecast.priors import PriorSet
from forecast.priors.population import record_priors
from forecast.progress import Listener, StageProgress
from forecast.runs.mixture import mean_of_members
from forecast.simulation.paths import SimulationOptions, simulate_first_passages
from forecast.simulation.probabilities import hit_shares

PATHS_PER_DRAW = 2
"""Futures of each draw: 800, of the draws that are carried on, cost a score .0006 nats on average."""
STAGES = ("refit", "bridge", "simulate")


@dataclass(frozen=True)
class OriginForecast:
    """P(target in [origin, origin + H)), shape (target, horizon), and how its posterior was got.

    ``refitted`` says whether it was fitted at this origin and ``converged`` whether the fit behind it passed
    the gates; ``pareto_k`` and ``effective_draws`` are as in ``rolling``.
    """

    origin: date
    probability: NDArray[np.float64]
    refitted: bool
    converged: bool
    pareto_k: float
    effective_draws: float


@dataclass(frozen=True)
class UnitResult:
    """Forecasts of a unit, in the order of its origins, and the seconds they took.

    ``stages`` are seconds of processor time by stage: ``refit``, ``bridge`` and ``simulate``.
    """

    unit: Unit
    forecasts: tuple[OriginForecast, ...]
    seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)


ByTarget = Mapping[str, NDArray[np.float64]]

OriginListener = Callable[[Unit, int], None]
"""Told after each origin of a unit: the unit, and how many of its origins are done."""


def run_backtests(
    plans: Mapping[str, BacktestPlan],
    events: Mapping[str, EventTable],
    *,
    rows: KeptRows | None = None,
    workers: Workers | None = None,
    listen: Listener | None = None,
) -> tuple[dict[str, list[UnitResult]], Study[UnitResult]]:
    """Run the units of one or more backtests, by dyad; return their results by dyad, and the study.

    ``rows`` keeps finished units. ``listen`` is told of stage ``backtest``, in origins.
    """
    units = [(name, unit) for name, plan in plans.items() for unit in plan.units]
    planned, done = sum(unit.n_origins for _, unit in units), dict[str, int]()

    def note(unit: Unit, origins: int) -> None:
        done[unit.name] = origins
        if listen:
            listen(StageProgress("backtest", sum(done.values()), planned, unit.name))

    if listen:
        listen(StageProgress("backtest", 0, planned))
    # Which other models are compared changes nothing in a unit.
    settings = {
        name: json.dumps(replace(plan, models=()).settings(events[name].sha256), sort_keys=True)
        for name, plan in plans.items()
    }
    light = {name: model_columns(table) for name, table in events.items()}
    # A listener of this process is of no use elsewhere.
    heard = () if workers and workers.elsewhere else (note,)
    by_name = {unit.name: unit for _, unit in units}
    tasks = [
        Task(row_key(settings[name], unit.name), unit.name, (plans[name], light[name], unit, *heard))
        for name, unit in units
    ]
    study = run_study(
        unit_row,
        tasks,
        lambda task, row: read_unit(by_name[task.name], row),
        rows=rows,
        workers=workers,
        listen=lambda task: note(by_name[task.name], by_name[task.name].n_origins),
    )
    results: dict[str, list[UnitResult]] = {name: [] for name in plans}
    for (name, _), task in zip(units, tasks, strict=True):
        if task.key in study.results:
            results[name].append(study.results[task.key])
    return results, study


def unit_row(*arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - those of ``run_unit``
    """Run a unit, and return its forecasts as plain JSON values, exactly."""
    result = run_unit(*arguments)
    forecasts = [
        asdict(forecast)
        | {"origin": forecast.origin.isoformat(), "probability": forecast.probability.tolist()}
        for forecast in result.forecasts
    ]
    stages = dict(result.stages)
    return {"unit": result.unit.name, "seconds": result.seconds, "forecasts": forecasts, "stages": stages}


def read_unit(unit: Unit, row: Mapping[str, Any]) -> UnitResult:
    """Read what ``unit_row`` made; anything else is a ``ValueError``, ``KeyError`` or ``TypeError``."""
    forecasts = tuple(
        replace(
            OriginForecast(**forecast),
            origin=date.fromisoformat(forecast["origin"]),
            probability=np.array(forecast["probability"], dtype=np.float64),
        )
        for forecast in row["forecasts"]
    )
    if len(forecasts) != unit.n_origins:
        raise ValueError(f"{len(forecasts)} origins, not {unit.n_origins}")
    shapes = {forecast.probability.shape for forecast in forecasts}
    if len(shapes) != 1 or not all(
        ((forecast.probability >= 0) & (forecast.probability <= 1)).all() for forecast in forecasts
    ):
        raise ValueError("a probability is missing, or not between 0 and 1")
    return UnitResult(unit, forecasts, float(row["seconds"]), row["stages"])


def run_unit(
    plan: BacktestPlan, events: EventTable, unit: Unit, listen: OriginListener | None = None
) -> UnitResult:
    """Forecast at the origins of a unit; nothing but plan, events and the unit's name enters the result.

    ``events`` are the whole file: what is used at an origin is what was known before it.
    """
    began = time.perf_counter()
    layout = stream_layout(plan.targets)

    def priors(data: EventCounts) -> PriorSet:
        return record_priors(data, plan.population).changed(plan.priors, "config")

    # Python's own hash changes from process to process.
    digest = hashlib.sha256(f"{plan.sampler.seed}/{unit.name}".encode()).digest()
    seed = int.from_bytes(digest[:4], "big") % 2**31
    # The longest past of the whole backtest sets the number of latent knots.
    knots = knots_for(TimeGrid(plan.start, plan.origins[-1]).n_steps)
    rolling = RollingPosterior(knots, priors, replace(plan.sampler, seed=seed), exact=plan.exact)
    done: list[OriginForecast] = []
    simulated = 0.0
    for origin in plan.origins[unit.first : unit.last + 1]:
        known = events.known_by(origin - timedelta(days=1))
        data = count_events(known, TimeGrid(plan.start, origin), layout)
        draws = rolling.at(data)
        before = time.process_time()
        probability = _probabilities(data, draws, plan.horizons, seed=seed + origin.toordinal())
        simulated += time.process_time() - before
        fit = draws.refitted, draws.converged, draws.pareto_k, draws.effective_draws
        done.append(OriginForecast(origin, probability, *fit))
        if listen:
            listen(unit, len(done))
    stages = {"refit": rolling.spent.refit, "bridge": rolling.spent.bridge, "simulate": simulated}
    return UnitResult(unit, tuple(done), time.perf_counter() - began, stages)


def _probabilities(
    data: EventCounts, found: OriginDraws, horizons: Sequence[int], *, seed: int
) -> NDArray[np.float64]:
    options = SimulationOptions(
        seed=seed,
        horizon_days=max(horizons),
        paths_per_draw=PATHS_PER_DRAW,
    )
    hits = simulate_first_passages(data, found.draws, options)
    shares = (hit_shares(hits.of(name), max(horizons))[:, list(horizons)] for name in hits.targets)
    # Rounding may pass one.
    return np.minimum([share.mean(axis=0) for share in shares], 1.0)


def stage_seconds(results: Sequence[UnitResult]) -> dict[str, float]:
    """Seconds of processor time of all units by stage: ``refit``, ``bridge`` and ``simulate``."""
    return {stage: round(sum(result.stages.get(stage, 0.0) for result in results), 2) for stage in STAGES}


def count_fits(results: Sequence[UnitResult]) -> tuple[int, int]:
    """Return the numbers of fits made, and of those that failed a gate."""
    fits = [forecast for result in results for forecast in result.forecasts if forecast.refitted]
    return len(fits), sum(not fit.converged for fit in fits)


def model_columns(events: EventTable) -> EventTable:
    """Return the events without the texts that no forecast reads: small to send to other processes."""
    empty = np.full(len(events), "", dtype=np.object_)
    unread: dict[str, Any] = {name: empty for name in TEXTS if name not in ("id", "category")}
    return replace(events, **unread)


def collect(plan: BacktestPlan, events: EventTable, results: Sequence[UnitResult]) -> ForecastTable:
    """Put the forecasts of all units, of models that average them and of the baselines beside the outcomes.

    Direct members, like baselines, are computed here, for all origins at once. Where a unit is missing, no
    model that the fit is a member of has a forecast.
    """
    tables = []
    failed = np.zeros(len(plan.origins), np.bool_)
    for result in results:
        found = [not made.converged for made in result.forecasts]
        failed[result.unit.first : result.unit.last + 1] = found
    direct = _direct_forecasts(plan, events)
    by_model = {name: _mixed(plan, direct, results, name) for name in plan.models}
    for target, outcomes in zip(plan.targets, outcomes_of(plan, events), strict=True):
        for name, probabilities in by_model.items():
            probability = probabilities[target.name]
            made = np.where(np.isnan(probability), np.nan, outcomes.outcome)
            kept = replace(outcomes, outcome=made)
            not_converged = failed & FAMILIES[name].fitted
            tables.append(make_forecasts(kept, probability, model=name, failed=not_converged))
        tables.append(forecast_baselines(events, target, outcomes, plan.start))
    return join_forecasts(tables)


def _mixed(
    plan: BacktestPlan, direct: Mapping[str, ByTarget], results: Sequence[UnitResult], name: str
) -> ByTarget:
    """Forecasts of all targets by the mean of a family's members, as a run makes them without calendar.

    Of shape (origin, horizon); NaN where no member answers, or where the model is one and no unit made it.
    """
    family = FAMILIES[name]
    mixed = {}
    for position, target in enumerate(plan.targets):
        answers = [direct[member.name][target.name] for member in family.direct]
        if not family.fitted:
            mixed[target.name] = mean_of_members(answers)
            continue
        model = _of_model(plan, results, position)
        mixed[target.name] = np.where(np.isnan(model), np.nan, mean_of_members([model, *answers]))
    return raised_to_included(mixed, plan.targets)


def _direct_forecasts(plan: BacktestPlan, events: EventTable) -> dict[str, ByTarget]:
    """Forecasts of the direct members of all models, by member and target, shape (origin, horizon)."""
    origins, horizons = np.array(plan.origins, "datetime64[D]"), np.array(plan.horizons, np.int64)
    families = [FAMILIES[name].with_hazard(plan.hazard) for name in plan.models]
    members = {member.name: member for family in families for member in family.direct}
    return {
        name: member.at_origins(events, plan.targets, origins, plan.start, horizons)
        for name, member in members.items()
    }


def _of_model(plan: BacktestPlan, results: Sequence[UnitResult], position: int) -> NDArray[np.float64]:
    """Forecasts of one target by the model, shape (origin, horizon); NaN where no unit made one."""
    probability = np.full((len(plan.origins), len(plan.horizons)), np.nan)
    for result in results:
        block = [forecast.probability[position] for forecast in result.forecasts]
        probability[result.unit.first : result.unit.last + 1] = block
    return probability
