"""Rolling-origin backtest: a plan, cut into units of work that can run anywhere, and their collection.

A unit is one family on one block of successive origins. It starts with a fit of its own, so that units do
not depend on one another: serial, parallel, distributed and resumed runs give the same numbers.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.baselines import forecast_baselines
from forecast.evaluation.forecast_table import ForecastTable, join_forecasts, make_forecasts
from forecast.evaluation.model_forecasts import OriginForecast, family_forecasts
from forecast.evaluation.windows import BinaryOutcomes, observe_outcomes
from forecast.events.columns import TEXTS
from forecast.events.table import EventTable
from forecast.inference.sampling import SamplerOptions
from forecast.panel.streams import Family, TargetRule
from forecast.priors import PriorStatement

MEMBERS: tuple[Family, ...] = ("joint", "focused", "target")
ENSEMBLE = "ensemble"
MODELS = (*MEMBERS, ENSEMBLE)
"""Names of the models; the ensemble is the equal-weight linear pool of the three families."""
DEFAULT_MODEL = "joint"
"""The model that is shipped as the default."""

BLOCK_ORIGINS = 28
"""Successive origins of one unit. Part of the results: each block starts from a fit of its own."""


@dataclass(frozen=True, kw_only=True)
class BacktestPlan:
    """Everything that the numbers of a backtest depend on, apart from the events.

    Parameters
    ----------
    dyad : str
        Name, part of the seeds.
    targets : tuple of TargetRule
    origins : tuple of date
        Ascending; 00:00 of each day.
    horizons : tuple of int
        Window lengths in days, ascending.
    start, data_end : date
        First day of the grid; last day that the data cover.
    models : tuple of str
        Some of ``MODELS``.
    sampler : SamplerOptions
        Of each fit.
    priors : dict
        Changed priors of one family (name → statement); the other families keep their defaults.
    changed_family : {"joint", "focused", "target"}
        The family whose priors are changed.
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
    changed_family: Family = "joint"
    exact: bool = False

    @property
    def families(self) -> tuple[Family, ...]:
        """Families that have to be fitted: those asked for, all three for the ensemble."""
        return tuple(family for family in MEMBERS if ENSEMBLE in self.models or family in self.models)


@dataclass(frozen=True)
class Unit:
    """One family on one block of origins; ``target`` is ``None`` for the joint family (all targets).

    ``first`` and ``last`` are positions in the plan's origins, both included.
    """

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

    @property
    def n_origins(self) -> int:
        """Number of origins."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class UnitResult:
    """Forecasts of a unit, in the order of its origins, and the seconds they took."""

    unit: Unit
    forecasts: tuple[OriginForecast, ...]
    seconds: float


OriginListener = Callable[[Unit, int], None]
"""Told after each origin of a unit: the unit, and how many of its origins are done."""


def units_of(plan: BacktestPlan) -> list[Unit]:
    """Cut a plan into units, the slowest family first."""
    units = []
    blocks = range(0, len(plan.origins), BLOCK_ORIGINS)
    for family in plan.families:
        aims = [None] if family == "joint" else [target.name for target in plan.targets]
        for aim in aims:
            for first in blocks:
                last = min(first + BLOCK_ORIGINS, len(plan.origins)) - 1
                units.append(Unit(plan.dyad, family, aim, first, last))
    return units


def run_unit(
    plan: BacktestPlan, events: EventTable, unit: Unit, listen: OriginListener | None = None
) -> UnitResult:
    """Forecast at the origins of a unit; nothing but plan, events and the unit's name enters the result.

    Raises
    ------
    NotConvergedError
        The sampler could not run at all.
    """
    began = time.perf_counter()
    done: list[OriginForecast] = []

    def note(forecast: OriginForecast) -> None:
        done.append(forecast)
        if listen:
            listen(unit, len(done))

    family_forecasts(
        events,
        unit.family,
        [target for target in plan.targets if unit.target in (None, target.name)],
        plan.origins[unit.first : unit.last + 1],
        plan.horizons,
        plan.start,
        replace(plan.sampler, seed=_unit_seed(plan, unit)),
        longest=plan.origins[-1],
        priors=plan.priors if unit.family == plan.changed_family else None,
        exact=plan.exact,
        listen=note,
    )
    return UnitResult(unit, tuple(done), time.perf_counter() - began)


def _unit_seed(plan: BacktestPlan, unit: Unit) -> int:
    # Python's own hash changes from process to process.
    digest = hashlib.sha256(f"{plan.sampler.seed}/{unit.name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 2**31


def model_columns(events: EventTable) -> EventTable:
    """Return the events without the texts that no forecast reads: small to send to other processes."""
    empty = np.full(len(events), "", dtype=np.object_)
    unread: dict[str, Any] = {name: empty for name in TEXTS if name not in ("id", "category")}
    return replace(events, **unread)


def outcomes_of(plan: BacktestPlan, events: EventTable) -> tuple[BinaryOutcomes, ...]:
    """What happened in the windows of each target, in the order of the plan.

    Raises
    ------
    InputError
        A horizon has no complete window.
    """
    origins = np.array(plan.origins, dtype="datetime64[D]")
    horizons = np.array(plan.horizons, dtype=np.int64)
    return tuple(
        observe_outcomes(events, target, origins, horizons, plan.data_end) for target in plan.targets
    )


def collect(plan: BacktestPlan, events: EventTable, results: Sequence[UnitResult]) -> ForecastTable:
    """Put the forecasts of all units, the ensemble and the baselines beside the outcomes.

    Where a unit is missing, its family has no forecast and neither has the ensemble.

    Raises
    ------
    InputError
        A horizon has no complete window, or an origin is not after the start.
    """
    tables = []
    for position, outcomes in enumerate(outcomes_of(plan, events)):
        target = plan.targets[position]
        probability: dict[str, NDArray[np.float64]] = {
            family: _probabilities(plan, results, family, position, target) for family in plan.families
        }
        if ENSEMBLE in plan.models:
            probability[ENSEMBLE] = np.mean(list(probability.values()), axis=0)
        for model in MODELS:
            if model in plan.models:
                made = np.where(np.isnan(probability[model]), np.nan, outcomes.outcome)
                tables.append(
                    make_forecasts(replace(outcomes, outcome=made), probability[model], model=model)
                )
        tables.append(forecast_baselines(events, target, outcomes, plan.start))
    return join_forecasts(tables)


def _probabilities(
    plan: BacktestPlan, results: Sequence[UnitResult], family: str, position: int, target: TargetRule
) -> NDArray[np.float64]:
    """Forecasts of one family and target, shape (origin, horizon); NaN where no unit made one."""
    probability = np.full((len(plan.origins), len(plan.horizons)), np.nan)
    for result in results:
        unit = result.unit
        if unit.family == family and unit.target in (None, target.name):
            row = 0 if unit.target else position
            block = [forecast.probability[row] for forecast in result.forecasts]
            probability[unit.first : unit.last + 1] = block
    return probability
