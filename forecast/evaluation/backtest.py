"""Rolling-origin backtest: a plan, cut into units of work that can run anywhere, and their collection.

A unit is one family on one block of successive origins. It starts with a fit of its own, so that units do
not depend on one another: serial, parallel, distributed and resumed runs give the same numbers.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecast.errors import InputError, did_you_mean
from forecast.evaluation.baselines import BASELINES, forecast_baselines
from forecast.evaluation.forecast_table import ForecastTable, join_forecasts, make_forecasts
from forecast.evaluation.model_forecasts import OriginForecast, family_forecasts
from forecast.evaluation.windows import (
    BinaryOutcomes,
    horizon_lengths,
    listed_origins,
    monthly_origins,
    observe_outcomes,
    weekly_origins,
)
from forecast.events.table import TEXTS, EventTable
from forecast.families import FAMILIES
from forecast.inference.posterior import SamplerOptions
from forecast.panel.streams import TargetRule
from forecast.priors import PriorStatement
from forecast.runs.inputs import Inputs
from forecast.wording import count, long_day

MODELS = tuple(FAMILIES)
"""Names of the models that a backtest compares, unless told otherwise."""
DEFAULT_MODEL = "joint"
"""The model that is shipped as the default."""

BLOCK_ORIGINS = 28
"""Successive origins of one unit. Part of the results: each block starts from a fit of its own."""

HORIZONS = (30, 90, 180)
"""Days ahead, unless told otherwise."""
YEARS_BEFORE = 2
"""Years of data before the first origin, unless told otherwise."""
MOST_DRAWS, MOST_TUNE = 500, 300
"""Draws and warm-up of each chain of a fit at most: scores of some fifty windows need no more."""
QUIET_DAYS = 90
"""Days between the last event and the end of the data above which a note is made."""

Spacing = Literal["monthly", "weekly"]


@dataclass(frozen=True, kw_only=True)
class BacktestOptions:
    """What to forecast in a backtest, and when.

    Parameters
    ----------
    origins : {"monthly", "weekly"} or tuple of date
    first, last : date, optional
        Span of monthly or weekly origins; two years after the start of the data, and their end.
    horizons : tuple of int
        Days ahead.
    milestones : bool
        Also the distances of the config's milestones from its as-of date.
    models : tuple of str
        Some of ``MODELS``; the baselines are always there.
    exact : bool
        Refit at every origin.
    """

    origins: Spacing | tuple[date, ...] = "monthly"
    first: date | None = None
    last: date | None = None
    horizons: tuple[int, ...] = HORIZONS
    milestones: bool = False
    models: tuple[str, ...] = MODELS
    exact: bool = False


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
    changed_family : str
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
    changed_family: str = DEFAULT_MODEL
    exact: bool = False

    @property
    def changed_families(self) -> tuple[str, ...]:
        """Families that the changed priors are for: those that make up ``changed_family``."""
        return tuple(member.name for member in FAMILIES[self.changed_family].members)

    @property
    def families(self) -> tuple[str, ...]:
        """Families that have to be fitted: those asked for, and the members of those that average others."""
        fitted = {member.name for name in self.models for member in FAMILIES[name].members}
        return tuple(name for name in FAMILIES if name in fitted)


def plan_backtest(inputs: Inputs, options: BacktestOptions) -> BacktestPlan:
    """Settle everything that the numbers depend on, checked before any work.

    The data begin where the config's do and end on its as-of date.

    Raises
    ------
    InputError
        An unknown model, no origin with a complete window, an origin before there are data, or a horizon
        without a complete window.
    """
    config, start = inputs.config, inputs.data.grid.start
    horizons = {int(days) for days in horizon_lengths(options.horizons)}
    if options.milestones:
        origin = inputs.data.grid.origin
        horizons |= {(milestone.date - origin).days for milestone in config.milestones} - {0}
    origins = choose_origins(
        options.origins, options.first or _years_after(start), options.last or config.as_of
    )
    sampler = config.sampler
    plan = BacktestPlan(
        dyad=config.name,
        targets=inputs.rules,
        origins=complete_origins(origins, min(horizons), config.as_of),
        horizons=tuple(sorted(horizons)),
        start=start,
        data_end=config.as_of,
        models=known_models(options.models),
        sampler=SamplerOptions(
            seed=sampler.seed,
            draws=min(sampler.draws, MOST_DRAWS),
            tune=min(sampler.tune, MOST_TUNE),
            chains=sampler.chains,
            target_accept=sampler.target_accept,
        ),
        priors=_plain(config.model.priors),
        changed_family=config.model.family,
        exact=options.exact,
    )
    if plan.origins[0] <= start:
        raise InputError(
            f"origins: the first is {plan.origins[0]}, but the data begin on {start}, so nothing is known "
            f"before it. Allowed: from {start + timedelta(days=1)} on; a forecast needs years, not days"
        )
    outcomes_of(plan, inputs.events)
    return plan


def choose_origins(origins: Spacing | Sequence[date], first: date, last: date) -> tuple[date, ...]:
    """Return origins as days: monthly or weekly in a span, or those listed; see ``windows`` for errors."""
    if origins == "monthly":
        days = monthly_origins(first, last)
    elif origins == "weekly":
        days = weekly_origins(first, last)
    else:
        days = listed_origins([day for day in origins if isinstance(day, date)])
    return tuple(days.tolist())


def complete_origins(origins: Sequence[date], shortest: int, data_end: date) -> tuple[date, ...]:
    """Return the origins with at least one complete window (``InputError`` when there is none)."""
    kept = tuple(origin for origin in origins if origin + timedelta(days=shortest - 1) <= data_end)
    if not kept:
        latest = data_end - timedelta(days=shortest - 1)
        raise InputError(
            f"origins: no window is complete: the first origin is {origins[0]}, the shortest horizon "
            f"{shortest} days and the data end on {data_end}. Allowed: an origin up to {latest}"
        )
    return kept


def known_models(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of models in the order of ``MODELS``, each once (``InputError`` for an unknown one)."""
    for name in names:
        if name in BASELINES:
            raise InputError(f"models: '{name}' is a baseline, and those are always shown. Leave it out")
        if name not in MODELS:
            hint = did_you_mean(name, MODELS)
            raise InputError(f"models: '{name}' is unknown.{hint} Allowed: {', '.join(MODELS)}")
    if not names:
        raise InputError(f"models: the list is empty. Allowed: {', '.join(MODELS)}")
    return tuple(name for name in MODELS if name in names)


def plan_notes(plan: BacktestPlan, inputs: Inputs) -> tuple[str, ...]:
    """Sentences on what a reader must know of the plan, beside the scores."""
    notes = []
    quiet = (plan.data_end - np.max(inputs.events.date).item()).days
    if quiet > QUIET_DAYS:
        notes.append(
            f"The last event is {count(quiet, 'day')} before the end of the data, {long_day(plan.data_end)}: "
            "windows in between count as quiet. If the file stops earlier, set as_of to its last day."
        )
    others = [family for family in plan.families if family not in plan.changed_families]
    if plan.priors and others:
        kept = " and ".join(others)
        notes.append(f"The priors of the config change the {plan.changed_family} family; {kept} keep theirs.")
    return tuple(notes)


def _years_after(start: date) -> date:
    # 29 February has no day two years later; the first origin is the next month's first in any case.
    return date(start.year + YEARS_BEFORE, start.month, min(start.day, 28))


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON-like values of a config
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, Mapping) else value


@dataclass(frozen=True)
class Unit:
    """One family on one block of origins; ``target`` is ``None`` for the joint family (all targets).

    ``first`` and ``last`` are positions in the plan's origins, both included.
    """

    dyad: str
    family: str
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
        """Its number of origins."""
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
        aims = [None] if FAMILIES[family].shared else [target.name for target in plan.targets]
        for aim in aims:
            for first in blocks:
                last = min(first + BLOCK_ORIGINS, len(plan.origins)) - 1
                units.append(Unit(plan.dyad, family, aim, first, last))
    return units


def run_unit(
    plan: BacktestPlan, events: EventTable, unit: Unit, listen: OriginListener | None = None
) -> UnitResult:
    """Forecast at the origins of a unit; nothing but plan, events and the unit's name enters the result."""
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
        priors=plan.priors if unit.family in plan.changed_families else None,
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
    """What happened in the windows of each target, in the order of the plan; see ``observe_outcomes``."""
    origins = np.array(plan.origins, dtype="datetime64[D]")
    horizons = np.array(plan.horizons, dtype=np.int64)
    return tuple(
        observe_outcomes(events, target, origins, horizons, plan.data_end) for target in plan.targets
    )


def collect(plan: BacktestPlan, events: EventTable, results: Sequence[UnitResult]) -> ForecastTable:
    """Put the forecasts of all units, the ensemble and the baselines beside the outcomes.

    Where a unit is missing, its family has no forecast and neither has the ensemble.
    """
    tables = []
    for position, outcomes in enumerate(outcomes_of(plan, events)):
        target = plan.targets[position]
        probability: dict[str, NDArray[np.float64]] = {
            family: _probabilities(plan, results, family, position, target) for family in plan.families
        }
        for name in plan.models:
            members = [member.name for member in FAMILIES[name].members]
            probability[name] = np.mean([probability[member] for member in members], axis=0)
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
