"""Units of a backtest: one block of successive origins, forecast by the model from the past only.

A unit starts with a fit of its own, so that units do not depend on one another: serial, parallel, distributed
and resumed runs give the same numbers.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.backtest import BacktestPlan, outcomes_of
from forecast.evaluation.forecast_table import (
    ForecastTable,
    forecast_baselines,
    join_forecasts,
    make_forecasts,
)
from forecast.events.table import TEXTS, EventTable
from forecast.families import FAMILIES
from forecast.families.direct_members import DirectMember, PanelMember
from forecast.families.mixing import mean_of_members, raised_to_included
from forecast.inference.rolling import OriginDraws, RollingPosterior
from forecast.panel.panel import Panel, TimeGrid, count_events, knots_for
from forecast.panel.streams import stream_layout
from forecast.priors import PriorSet
from forecast.priors.population import record_priors
from forecast.simulation.options import SimulationOptions
from forecast.simulation.paths import simulate_first_passages
from forecast.simulation.probabilities import hit_shares

BLOCK_ORIGINS = 300
"""Successive origins of one unit. Part of the results: each block starts from a fit of its own."""
EXACT_BLOCK_ORIGINS = 20
"""The same where every origin has a fit of its own, so that an interrupted run loses few of them."""
PATHS_PER_DRAW = 2
"""Futures of each draw: 800, of the draws that are carried on, cost a score .0006 nats on average."""
STAGES = ("refit", "bridge", "simulate")


@dataclass(frozen=True)
class Unit:
    """The model of a dyad on one block of origins; it answers all targets of the plan.

    ``first`` and ``last`` are positions in the plan's origins, both included.
    """

    dyad: str
    first: int
    last: int

    @property
    def name(self) -> str:
        """Name of the unit, usable as a file name."""
        return f"{self.dyad}-{self.first:04d}-{self.last:04d}"

    @property
    def n_origins(self) -> int:
        """Its number of origins."""
        return self.last - self.first + 1


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


def units_of(plan: BacktestPlan) -> list[Unit]:
    """Cut a plan into units; none where no fit is needed."""
    n_origins, block = len(plan.origins) if plan.fitted else 0, origins_a_unit(plan)
    return [Unit(plan.dyad, first, min(first + block, n_origins) - 1) for first in range(0, n_origins, block)]


def origins_a_unit(plan: BacktestPlan) -> int:
    """Most successive origins of one unit of a plan."""
    return EXACT_BLOCK_ORIGINS if plan.exact else BLOCK_ORIGINS


def run_unit(
    plan: BacktestPlan, events: EventTable, unit: Unit, listen: OriginListener | None = None
) -> UnitResult:
    """Forecast at the origins of a unit; nothing but plan, events and the unit's name enters the result.

    ``events`` are the whole file: what is used at an origin is what was known before it.
    """
    began = time.perf_counter()
    layout = stream_layout(plan.targets)

    def priors(data: Panel) -> PriorSet:
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
    data: Panel, found: OriginDraws, horizons: Sequence[int], *, seed: int
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
    return {stage: round(sum(one.stages.get(stage, 0.0) for one in results), 2) for stage in STAGES}


def count_fits(results: Sequence[UnitResult]) -> tuple[int, int]:
    """Return the numbers of fits made, and of those that failed a gate."""
    fits = [one for result in results for one in result.forecasts if one.refitted]
    return len(fits), sum(not one.converged for one in fits)


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
        found = [not one.converged for one in result.forecasts]
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
    plan: BacktestPlan, direct: Mapping[DirectMember, ByTarget], results: Sequence[UnitResult], name: str
) -> ByTarget:
    """Forecasts of all targets by the mean of a family's members, as a run makes them without calendar.

    Of shape (origin, horizon); NaN where no member answers, or where the model is one and no unit made it.
    """
    family = FAMILIES[name]
    mixed = {}
    for position, target in enumerate(plan.targets):
        answers = [direct[one][target.name] for one in family.direct]
        if not family.fitted:
            mixed[target.name] = mean_of_members(answers)
            continue
        model = _of_model(plan, results, position)
        mixed[target.name] = np.where(np.isnan(model), np.nan, mean_of_members([model, *answers]))
    return raised_to_included(mixed, plan.targets)


def _direct_forecasts(plan: BacktestPlan, events: EventTable) -> dict[DirectMember, ByTarget]:
    """Forecasts of the direct members of all models, by member and target, shape (origin, horizon)."""
    origins, horizons = np.array(plan.origins, "datetime64[D]"), np.array(plan.horizons, np.int64)
    found: dict[DirectMember, ByTarget] = {}
    for one in {member for name in plan.models for member in FAMILIES[name].direct}:
        asked = replace(one, hazard=plan.hazard) if isinstance(one, PanelMember) else one
        found[one] = asked.at_origins(events, plan.targets, origins, plan.start, horizons)
    return found


def _of_model(plan: BacktestPlan, results: Sequence[UnitResult], position: int) -> NDArray[np.float64]:
    """Forecasts of one target by the model, shape (origin, horizon); NaN where no unit made one."""
    probability = np.full((len(plan.origins), len(plan.horizons)), np.nan)
    for result in results:
        block = [forecast.probability[position] for forecast in result.forecasts]
        probability[result.unit.first : result.unit.last + 1] = block
    return probability
