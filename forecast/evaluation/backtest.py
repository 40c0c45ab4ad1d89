"""Rolling-origin backtest: a plan, cut into units of work that can run anywhere, and their collection.

A unit is one family on one block of successive origins. It starts with a fit of its own, so that units do
not depend on one another: serial, parallel, distributed and resumed runs give the same numbers.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.baselines import forecast_baselines
from forecast.evaluation.forecast_table import ForecastTable, join_forecasts, make_forecasts
from forecast.evaluation.model_forecasts import OriginForecast, family_forecasts
from forecast.evaluation.windows import BinaryOutcomes, observe_outcomes
from forecast.events.table import EventTable
from forecast.inference.sampling import SamplerOptions
from forecast.priors import PriorStatement
from forecast.series import Family, TargetRule

MEMBERS: tuple[Family, ...] = ("joint", "focused", "target")
ENSEMBLE = "ensemble"
MODELS = (*MEMBERS, ENSEMBLE)
"""Names of the models; the ensemble is the equal-weight linear pool of the three families."""

BLOCK_ORIGINS = 28
"""Successive origins of one unit. Part of the results: each block starts from a fit of its own."""


@dataclass(frozen=True, kw_only=True)
class BacktestPlan:
    """Everything that the numbers of a backtest depend on, apart from the events.

    Parameters
    ----------
    dyad : str
    targets : tuple of TargetRule
    origins : tuple of date
        Ascending; 00:00 of each day.
    horizons : tuple of int
        Window lengths in days.
    start, data_end : date
        First day of the grid; last day that the data cover.
    models : tuple of str
        Some of ``MODELS``.
    sampler : SamplerOptions
        Of each fit.
    priors : mapping
        Changed priors of the joint family (name → statement).
    exact : bool
        Refit at every origin.
    """

    dyad: str
    targets: tuple[TargetRule, ...]
    origins: tuple[date, ...]
    horizons: tuple[int, ...]
    start: date
    data_end: date
    models: tuple[str, ...] = MODELS
    sampler: SamplerOptions
    priors: Mapping[str, PriorStatement] = field(default_factory=dict)
    exact: bool = False

    @property
    def families(self) -> tuple[Family, ...]:
        """Families that have to be fitted: those asked for, all three for the ensemble."""
        return tuple(family for family in MEMBERS if ENSEMBLE in self.models or family in self.models)

    def settings(self) -> dict[str, str]:
        """Name → value as text: what a resumed run must have in common with the interrupted one."""
        return {name: json.dumps(value, default=str, sort_keys=True) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Unit:
    """One family on one block of origins; ``target`` is ``None`` for the joint family (all targets)."""

    dyad: str
    family: Family
    target: str | None
    first: int
    last: int

    @property
    def name(self) -> str:
        """Name of the unit, usable as a file name."""
        aim = f"-{self.target}" if self.target else ""
        return f"{self.dyad}-{self.family}{aim}-{self.first:04d}-{self.last:04d}"


@dataclass(frozen=True)
class UnitResult:
    """Forecasts of a unit, in the order of its origins."""

    unit: Unit
    forecasts: tuple[OriginForecast, ...]
    seconds: float


def units_of(plan: BacktestPlan) -> list[Unit]:
    """Cut a plan into units, longest work first."""
    units = []
    blocks = range(0, len(plan.origins), BLOCK_ORIGINS)
    for family in plan.families:
        aims = [None] if family == "joint" else [target.name for target in plan.targets]
        for aim in aims:
            for first in blocks:
                last = min(first + BLOCK_ORIGINS, len(plan.origins)) - 1
                units.append(Unit(plan.dyad, family, aim, first, last))
    return units


def run_unit(plan: BacktestPlan, events: EventTable, unit: Unit) -> UnitResult:
    """Forecast at the origins of a unit; nothing but its arguments enters the result."""
    began = time.perf_counter()
    targets = [target for target in plan.targets if unit.target in (None, target.name)]
    forecasts = family_forecasts(
        events,
        unit.family,
        targets,
        plan.origins[unit.first : unit.last + 1],
        plan.horizons,
        plan.start,
        SamplerOptions(**{**asdict(plan.sampler), "seed": _unit_seed(plan, unit)}),
        longest=plan.origins[-1],
        priors=plan.priors if unit.family == "joint" else None,
        exact=plan.exact,
    )
    return UnitResult(unit, tuple(forecasts), time.perf_counter() - began)


def _unit_seed(plan: BacktestPlan, unit: Unit) -> int:
    # Python's own hash changes from process to process.
    digest = hashlib.sha256(f"{plan.sampler.seed}/{unit.name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 2**31


def collect(plan: BacktestPlan, events: EventTable, results: Sequence[UnitResult]) -> ForecastTable:
    """Put the forecasts of all units, the ensemble and the baselines beside the outcomes."""
    origins = np.array(plan.origins, dtype="datetime64[D]")
    horizons = np.array(plan.horizons, dtype=np.int64)
    tables = []
    for position, target in enumerate(plan.targets):
        outcomes = observe_outcomes(events, target, origins, horizons, plan.data_end)
        probability = {
            family: _probabilities(plan, results, family, position, target) for family in plan.families
        }
        if ENSEMBLE in plan.models:
            probability[ENSEMBLE] = np.mean(list(probability.values()), axis=0)
        tables += [
            make_forecasts(outcomes, probability[model], model=model)
            for model in MODELS
            if model in plan.models
        ]
        tables.append(forecast_baselines(events, target, outcomes, plan.start))
    return join_forecasts(tables)


def _probabilities(
    plan: BacktestPlan, results: Sequence[UnitResult], family: str, position: int, target: TargetRule
) -> NDArray[np.float64]:
    probability = np.full((len(plan.origins), len(plan.horizons)), np.nan)
    for result in results:
        if result.unit.family == family and result.unit.target in (None, target.name):
            row = 0 if result.unit.target else position
            block = np.array([forecast.probability[row] for forecast in result.forecasts])
            probability[result.unit.first : result.unit.last + 1] = block
    return probability
