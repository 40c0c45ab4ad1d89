"""Forecasts at past origins: what is asked, checked and settled before any work; the work; and the outcomes.

A plan has units of work, one fit on a block of origins each, which a study runs; ``collect`` puts what they
say beside members without a fit, baselines and outcomes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.baselines import (
    BASELINES,
    BinaryOutcomes,
    Spacing,
    horizon_lengths,
    observe_outcomes,
    origins_of,
)
from forecast.errors import InputError
from forecast.evaluation.number_tests import CountedWindow, mean_number, poisson_number, without_tail
from forecast.evaluation.score_table import ForecastTable, forecast_baselines, join_forecasts, make_forecasts
from forecast.evaluation.study import KeptRows, Task, Workers, decisive_versions, row_key, run_study
from forecast.events.dyads import DyadRule
from forecast.events.summary import StaleGap, stale_gap
from forecast.events.table import TEXTS, EventTable
from forecast.families import FAMILIES, Family, family_named
from forecast.grid import TimeGrid, knots_for
from forecast.inference.particles import RollingPosterior
from forecast.inference.posterior import SamplerOptions
from forecast.models.survival import Chances
from forecast.pooled_hazard import PooledHazard, shipped_hazard
from forecast.priors import PriorSet, PriorStatement
from forecast.priors.population import Population, record_priors, shipped_population
from forecast.progress import Listener, StageProgress
from forecast.records.notices import Notice, notice
from forecast.runs.inputs import Inputs
from forecast.runs.mixture import mean_of_members
from forecast.streams import Acts, StreamLayout, acts_of, stream_layout
from forecast.targets import Reaction, TargetRule, raised_to_included
from forecast.wording import HORIZONS

MODELS = tuple(FAMILIES)
"""Names of the models that a backtest compares unless told otherwise: the mean and its members."""
YEARS_BEFORE = 2
"""Years of data before the first origin, unless told otherwise."""
END_CHANCE = 0.001
"""Chance, at a record's own pace, of so long a silence before the end of the data that it is named."""
BLOCK_ORIGINS = 300
"""Successive origins of one unit. Part of the results: each block starts from a fit of its own."""
EXACT_BLOCK_ORIGINS = 20
"""The same where every origin has a fit of its own, so that an interrupted run loses few of them."""

COUNTED_DRAWS = 100
"""Draws by which numbers of acts are told at each origin."""
STAGES = ("refit", "bridge", "chances")
READ_TEXTS = frozenset({"id", "category", "subcategory", "initiator", "recipient"})
"""Fields of text that a forecast reads."""

ByTarget = Mapping[str, NDArray[np.float64]]

OriginListener = Callable[["Unit", int], None]
"""Told after each origin of a unit: the unit, and how many of its origins are done."""


@dataclass(frozen=True, kw_only=True)
class BacktestOptions:
    """What to forecast in a backtest, and when.

    ``first`` and ``last`` are two years after the start of the data and their end when absent, ``horizons``
    those of ``HORIZONS`` that have a complete window. ``exact`` refits at every origin.
    """

    origins: Spacing | tuple[date, ...] = "monthly"
    first: date | None = None
    last: date | None = None
    horizons: tuple[int, ...] | None = None
    models: tuple[str, ...] = MODELS
    exact: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.origins, str) and (self.first or self.last):
            raise InputError(
                "`first` and `last` bound quarterly, monthly or weekly origins. Leave them out when days are "
                "listed"
            )


@dataclass(frozen=True)
class Unit:
    """The model of a dyad, fitted on one block of origins, ``first`` to ``last`` by position in the plan."""

    dyad: str
    first: int
    last: int

    @property
    def name(self) -> str:
        """Name of the unit."""
        return f"{self.dyad}-{self.first:04d}-{self.last:04d}"

    @property
    def n_origins(self) -> int:
        """Its number of origins."""
        return self.last - self.first + 1


@dataclass(frozen=True, kw_only=True)
class BacktestPlan:
    """Everything that the numbers of a backtest depend on, apart from the events.

    The name of the dyad is part of the seeds. Origins are 00:00 of their day; they and the horizons, in days,
    ascend. ``data_end`` is the last day that the data cover. ``priors`` (name → statement) change those of
    ``population`` (``None``: the documented ones). ``hazard`` has the coefficients of the pooled hazard.
    ``too_long`` are usual horizons without a complete window, which are left out.
    """

    dyad: str
    sides: DyadRule
    targets: tuple[TargetRule, ...]
    origins: tuple[date, ...]
    horizons: tuple[int, ...]
    start: date
    data_end: date
    models: tuple[str, ...] = MODELS
    sampler: SamplerOptions
    population: Population | None = field(default_factory=shipped_population)
    hazard: PooledHazard = field(default_factory=shipped_hazard)
    priors: Mapping[str, PriorStatement] = field(default_factory=dict)
    reactions: tuple[Reaction, ...] = ()
    exact: bool = False
    too_long: tuple[int, ...] = ()

    @property
    def origins_a_unit(self) -> int:
        """Most successive origins of one unit."""
        return EXACT_BLOCK_ORIGINS if self.exact else BLOCK_ORIGINS

    @property
    def units(self) -> list[Unit]:
        """Its units of work; none where the model is no member of what is asked for."""
        fitted = any(FAMILIES[name].fitted for name in self.models)
        n_origins, block = len(self.origins) if fitted else 0, self.origins_a_unit
        firsts = range(0, n_origins, block)
        return [Unit(self.dyad, first, min(first + block, n_origins) - 1) for first in firsts]

    def settings(self, data_sha256: str) -> dict[str, Any]:
        """Return as plain JSON values all that its numbers depend on, by which a stopped one goes on."""
        return {
            "name": self.dyad,
            "data_sha256": data_sha256,
            "data_start": self.start.isoformat(),
            "data_end": self.data_end.isoformat(),
            "targets": {target.name: target.to_dict() for target in self.targets},
            "origins": [origin.isoformat() for origin in self.origins],
            "horizons_days": list(self.horizons),
            "models": list(self.models),
            "sampler": asdict(self.sampler),
            "population": self.population and self.population.sha256,
            "hazard": self.hazard.sha256 if any(FAMILIES[name].pooled for name in self.models) else None,
            "sides": self.sides.to_dict(),
            "priors": self.priors,
            "reactions": [
                json.loads(json.dumps(asdict(reaction), default=str)) for reaction in self.reactions
            ],
            "exact": self.exact,
            "origins_a_unit": self.origins_a_unit,
            "versions": decisive_versions(),
        }


def plan_backtest(inputs: Inputs, options: BacktestOptions) -> BacktestPlan:
    """Settle everything that the numbers depend on (``InputError``: some of it cannot be forecast)."""
    config, start = inputs.config, inputs.data.grid.start
    # 29 February has no day two years later; the first origin is the next month's first in any case.
    later = date(start.year + YEARS_BEFORE, start.month, min(start.day, 28))
    first, last = options.first or later, options.last or config.as_of
    origins: Sequence[date] = origins_of(options.origins, first, last).tolist()
    asked = complete_horizons(origins[0], config.as_of) if options.horizons is None else options.horizons
    horizons = tuple(int(days) for days in horizon_lengths(asked))
    origins = complete_origins(origins, horizons[0], config.as_of)
    sampled = config.sampler.model_dump(include={"seed", "draws", "tune", "chains", "target_accept"})
    plan = BacktestPlan(
        dyad=config.name,
        sides=inputs.dyad,
        targets=inputs.rules,
        origins=origins,
        horizons=horizons,
        start=start,
        data_end=config.as_of,
        models=known_models(options.models),
        sampler=SamplerOptions(**sampled),
        population=inputs.population,
        hazard=inputs.hazard,
        priors=config.model.priors,
        # Of occasions ahead of the as-of date nobody knew at an origin.
        reactions=tuple(replace(reaction, ahead=None) for reaction in inputs.reactions),
        exact=options.exact,
        too_long=() if options.horizons is not None else tuple(sorted({*HORIZONS} - {*horizons})),
    )
    if plan.origins[0] <= start:
        raise InputError(
            f"origins: the first is {plan.origins[0]}, but the data begin on {start}, so nothing is known "
            f"before it. Allowed: from {start + timedelta(days=1)} on; a forecast needs years, not days"
        )
    refuse_unanswerable(plan, inputs.events)
    return plan


def refuse_unanswerable(plan: BacktestPlan, events: EventTable) -> None:
    """Refuse (``InputError``) horizons or coefficients that would be refused only after the fits."""
    outcomes_of(plan, events)
    for model in plan.models:
        family = FAMILIES[model]
        if family.furthest_days is not None and plan.horizons[-1] > family.furthest_days:
            raise InputError(
                f"horizons: {plan.horizons[-1]} days is too long for model '{model}'. Allowed: up to "
                f"{family.furthest_days} days, or other models"
            )
        if family.pooled:
            plan.hazard.mean_for(events, plan.origins[0])


def complete_horizons(first: date, data_end: date) -> tuple[int, ...]:
    """Those of ``HORIZONS`` whose window from the origin ``first`` is complete; the shortest in any case."""
    observed = (data_end - first).days + 1
    return tuple(days for days in HORIZONS if days <= max(observed, HORIZONS[0]))


def silent_end(days: NDArray[np.datetime64], data_end: date) -> StaleGap | None:
    """Return the silence at the end of the data where it is too long: perhaps nobody looked."""
    return stale_gap(days, np.datetime64(data_end, "D"), chance=END_CHANCE)


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
    if not names:
        raise InputError(f"models: the list is empty. Allowed: {', '.join(MODELS)}")
    for name in names:
        if name in BASELINES:
            raise InputError(f"models: '{name}' is a baseline, and those are always shown. Leave it out")
        try:
            family_named(name)
        except InputError as error:
            raise InputError(f"models: {error}") from error
    return tuple(name for name in MODELS if name in names)


def plan_notes(plan: BacktestPlan, inputs: Inputs) -> Iterator[Notice]:
    """Yield what a reader must know of the plan, beside the scores."""
    if plan.too_long:
        yield notice("no_complete_window", horizons_days=plan.too_long)
    days = np.sort(inputs.events.date)
    if silent := silent_end(days[days <= np.datetime64(plan.data_end, "D")], plan.data_end):
        yield notice("silent_end", days=silent.days, data_end=plan.data_end)


def outcomes_of(plan: BacktestPlan, events: EventTable) -> tuple[BinaryOutcomes, ...]:
    """What happened in the windows of each target, in the order of the plan; see ``observe_outcomes``."""
    origins = np.array(plan.origins, dtype="datetime64[D]")
    horizons = np.array(plan.horizons, dtype=np.int64)
    return tuple(
        observe_outcomes(events, target, origins, horizons, plan.data_end) for target in plan.targets
    )


@dataclass(frozen=True)
class UnitResult:
    """Forecasts of a unit, in the order of its origins, and the seconds they took, by stage of processors.

    ``probability`` is P(target in [origin, origin + H)), shape (origin, target, horizon), ``reacted`` what
    reactions to past acts multiply the chance of nothing by. A model was fitted at the origins that are
    ``refitted``; the fit behind those that ``converged`` passed the gates.

    Of the shortest window of each origin and target: ``numbers``, the chance of 0, 1, … acts, and how many
    were ``observed``, shape (origin, target); -1 where the window ends after the data.
    """

    unit: Unit
    probability: NDArray[np.float64]
    reacted: NDArray[np.float64]
    refitted: NDArray[np.bool_]
    converged: NDArray[np.bool_]
    seconds: float
    numbers: tuple[tuple[NDArray[np.float64], ...], ...] = ()
    observed: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    stages: Mapping[str, float] = field(default_factory=dict)


def run_backtests(
    plans: Mapping[str, BacktestPlan],
    events: Mapping[str, EventTable],
    *,
    rows: KeptRows | None = None,
    workers: Workers | None = None,
    listen: Listener | None = None,
) -> tuple[dict[str, list[UnitResult]], tuple[str, ...]]:
    """Run the units of one or more backtests, by dyad; return their results, and a line for each that failed.

    ``rows`` keeps finished units. ``listen`` is told of stage ``backtest``, in origins.
    """
    units = [(name, unit) for name, plan in plans.items() for unit in plan.units]
    by_name = {unit.name: unit for _, unit in units}
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
    light = {name: model_columns(events[name]) for name in plans}
    # A listener of this process is of no use elsewhere.
    heard = () if workers and workers.elsewhere else (note,)
    tasks = [
        Task(row_key(settings[name], unit.name), unit.name, (plans[name], light[name], unit, *heard))
        for name, unit in units
    ]
    made, failures = run_study(
        unit_row,
        tasks,
        lambda task, row: read_unit(by_name[task.name], row),
        rows=rows,
        workers=workers,
        listen=lambda task: note(by_name[task.name], by_name[task.name].n_origins),
    )
    results: dict[str, list[UnitResult]] = {name: [] for name in plans}
    for (name, _), task in zip(units, tasks, strict=True):
        if task.key in made:
            results[name].append(made[task.key])
    return results, failures


_BY_ORIGIN: Mapping[str, Any] = {
    "probability": np.float64,
    "reacted": np.float64,
    "refitted": np.bool_,
    "converged": np.bool_,
    "observed": np.int64,
}
"""Arrays of a result, kept as lists."""


def unit_row(*arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - those of ``run_unit``
    """Run a unit, and return its forecasts as plain JSON values, exactly."""
    result, plan = run_unit(*arguments), arguments[0]
    origins = [day.isoformat() for day in plan.origins[result.unit.first : result.unit.last + 1]]
    by_origin = {"origins": origins} | {name: getattr(result, name).tolist() for name in _BY_ORIGIN}
    by_origin["numbers"] = [[chances.tolist() for chances in number] for number in result.numbers]
    return {"unit": result.unit.name, **by_origin, "seconds": result.seconds, "stages": dict(result.stages)}


def read_unit(unit: Unit, row: Mapping[str, Any]) -> UnitResult:
    """Read what ``unit_row`` made; anything else is a ``ValueError``, ``KeyError`` or ``TypeError``."""
    made: dict[str, Any] = {name: np.array(row[name], kind) for name, kind in _BY_ORIGIN.items()}
    numbers = tuple(tuple(np.array(chances, float) for chances in number) for number in row["numbers"])
    if {unit.n_origins} != {*map(len, (*made.values(), numbers))}:
        raise ValueError(f"{len(made['probability'])} origins, not {unit.n_origins}")
    if not all(((made[name] >= 0) & (made[name] <= 1)).all() for name in ("probability", "reacted")):
        raise ValueError("a probability is missing, or not between 0 and 1")
    return UnitResult(unit, **made, numbers=numbers, seconds=float(row["seconds"]), stages=row["stages"])


def run_unit(
    plan: BacktestPlan, events: EventTable, unit: Unit, listen: OriginListener | None = None
) -> UnitResult:
    """Forecast at the origins of a unit; nothing but plan, events and the unit's name enters the result.

    ``events`` are the whole file: what is used at an origin is what was known before it.
    """
    began = time.perf_counter()

    def priors(data: Acts) -> PriorSet:
        return record_priors(data, plan.population).changed(plan.priors, "config")

    # Python's own hash changes from process to process.
    digest = hashlib.sha256(f"{plan.sampler.seed}/{unit.name}".encode()).digest()
    seed = int.from_bytes(digest[:4], "big") % 2**31
    # The longest past of the whole backtest sets the number of latent knots.
    knots = knots_for(TimeGrid(plan.start, plan.origins[-1]).n_steps)
    rolling = RollingPosterior(knots, priors, replace(plan.sampler, seed=seed), exact=plan.exact)
    done: list[tuple[NDArray[np.float64], NDArray[np.float64], bool, bool]] = []
    numbers, observed = list[tuple[NDArray[np.float64], ...]](), list[list[int]]()
    chances = 0.0
    for origin in plan.origins[unit.first : unit.last + 1]:
        known = events.known_by(origin - timedelta(days=1))
        layout = stream_layout(plan.targets, plan.sides, plan.reactions, known)
        data = acts_of(known, TimeGrid(plan.start, origin), layout)
        draws = rolling.at(data)
        before = time.process_time()
        ahead = Chances(data, draws.priors, draws.draws, max(plan.horizons), seed + origin.toordinal())
        quiet, unreacted = (
            np.tensordot(draws.weights, ahead.survival(occasions=False, to_past=to_past).values, axes=1)
            for to_past in (True, not layout.reactions)
        )
        # Rounding may pass either end.
        probability, reacted = (
            np.clip(values[:, list(plan.horizons)], 0.0, 1.0)
            for values in (1.0 - quiet, quiet / np.maximum(unreacted, 1e-12))
        )
        numbers.append(_numbers_ahead(ahead, draws.weights, plan.horizons[0]))
        observed.append(_observed(plan, layout, events, origin))
        chances += time.process_time() - before
        done.append((probability, reacted, draws.refitted, draws.converged))
        if listen:
            listen(unit, len(done))
    stages = {"refit": rolling.refit_seconds, "bridge": rolling.bridge_seconds, "chances": chances}
    probability, reacted, refitted, converged = map(np.array, zip(*done, strict=True))
    return UnitResult(
        unit,
        *(probability, reacted, refitted, converged, time.perf_counter() - began),
        numbers=tuple(numbers),
        observed=np.array(observed),
        stages=stages,
    )


def _numbers_ahead(
    ahead: Chances, weights: NDArray[np.float64], days: int
) -> tuple[NDArray[np.float64], ...]:
    """Chance of 0, 1, … acts of each target in so many days, by some of the draws; tails are cut."""
    rows = np.arange(0, len(weights), max(1, len(weights) // COUNTED_DRAWS))
    some = replace(ahead, draws=ahead.draws.rows(rows))
    found = some.counts(some.of_targets, (days,), weights=weights[rows])
    return tuple(without_tail(number[0]) for number in found)


def _observed(plan: BacktestPlan, layout: StreamLayout, events: EventTable, origin: date) -> list[int]:
    """Acts of each target in the shortest window as the model counts them, one a day and stream."""
    last = origin + timedelta(days=plan.horizons[0] - 1)
    if last > plan.data_end:
        return [-1] * len(plan.targets)
    inside = events.between(origin, last)
    stream = layout.assign(inside)
    day = (inside.date - np.datetime64(origin, "D")).astype(np.int64)
    return [
        len({*zip(day[met].tolist(), stream[met].tolist(), strict=True)}) for met in layout.meets[:, stream]
    ]


def stage_seconds(results: Sequence[UnitResult]) -> dict[str, float]:
    """Seconds of processor time of all units by stage: ``refit``, ``bridge`` and ``chances``."""
    return {stage: round(sum(result.stages.get(stage, 0.0) for result in results), 2) for stage in STAGES}


def count_fits(results: Sequence[UnitResult]) -> tuple[int, int]:
    """Return the numbers of fits made, and of those that failed a gate."""
    made = sum(int(result.refitted.sum()) for result in results)
    return made, sum(int((result.refitted & ~result.converged).sum()) for result in results)


def model_columns(events: EventTable) -> EventTable:
    """Return the events without the texts that no forecast reads: small to send to other processes."""
    empty = np.full(len(events), "", dtype=np.object_)
    unread: dict[str, Any] = {name: empty for name in TEXTS if name not in READ_TEXTS}
    return replace(events, **unread)


def collect(plan: BacktestPlan, events: EventTable, results: Sequence[UnitResult]) -> ForecastTable:
    """Join the forecasts of all units, of models that average them and of the baselines to the outcomes.

    Direct members, like baselines, are computed here, for all origins at once. Where a unit is missing, no
    model that the fit is a member of has a forecast.
    """
    failed = np.zeros(len(plan.origins), np.bool_)
    for result in results:
        failed[result.unit.first : result.unit.last + 1] = ~result.converged
    families, _, by_model = _answers(plan, events, results)
    tables = []
    for target, outcomes in zip(plan.targets, outcomes_of(plan, events), strict=True):
        for name, chances in by_model.items():
            not_converged = failed & families[name].fitted
            forecasts = chances[target.name]
            tables.append(make_forecasts(outcomes, forecasts, who=name, what=plan.dyad, failed=not_converged))
        tables.append(forecast_baselines(events, target, outcomes, plan.start, what=plan.dyad))
    return join_forecasts(tables)


def _answers(
    plan: BacktestPlan, events: EventTable, results: Sequence[UnitResult]
) -> tuple[dict[str, Family], Mapping[str, ByTarget], dict[str, ByTarget]]:
    """Families by name, what direct members say beside a fit, and what models say, shape (origin, horizon).

    Direct members do not know of reactions; beside a fit their chance of nothing falls as the model's does.
    """
    model = np.full((len(plan.targets), len(plan.origins), len(plan.horizons)), np.nan)
    reacted = np.ones_like(model)
    for result in results:
        for found, made in ((model, result.probability), (reacted, result.reacted)):
            found[:, result.unit.first : result.unit.last + 1] = np.moveaxis(made, 0, 1)
    origins, horizons = np.array(plan.origins, "datetime64[D]"), np.array(plan.horizons, np.int64)
    families = {name: FAMILIES[name].with_hazard(plan.hazard) for name in plan.models}
    members = {member.name: member for family in families.values() for member in family.direct}
    direct: dict[str, ByTarget] = {
        name: member.at_origins(events, plan.targets, origins, plan.start, horizons)
        for name, member in members.items()
    }
    places = {target.name: q for q, target in enumerate(plan.targets)}
    moved: dict[str, ByTarget] = {
        name: {target: 1 - (1 - chance) * reacted[places[target]] for target, chance in said.items()}
        for name, said in direct.items()
    }
    by_model = {
        name: _mixed(plan, moved if family.fitted else direct, model, family)
        for name, family in families.items()
    }
    return families, moved, by_model


def count_windows(
    plan: BacktestPlan, events: EventTable, results: Sequence[UnitResult]
) -> Iterator[CountedWindow]:
    """Yield the shortest complete windows of each fitted model and target, with what came.

    A member that tells of none and any alone counts as Poisson; the chance of none is that of the forecast.
    """
    families, direct, by_model = _answers(plan, events, results)
    fitted = {name: family for name, family in families.items() if family.fitted}
    asked = (
        (result.unit.first + place, q, number[q], int(result.observed[place, q]))
        for result in results
        for place, number in enumerate(result.numbers)
        for q in range(len(plan.targets))
    )
    for row, q, number, came in asked:
        for name, family in fitted.items() if came >= 0 else ():
            target = plan.targets[q].name
            others = [direct[member.name][target][row, 0] for member in family.direct]
            chance = float(by_model[name][target][row, 0])
            mean = mean_number([number, *map(poisson_number, filter(np.isfinite, others))], chance)
            yield CountedWindow(plan.dyad, target, name, plan.origins[row], plan.horizons[0], mean, came)


def _mixed(
    plan: BacktestPlan, direct: Mapping[str, ByTarget], model: NDArray[np.float64], family: Family
) -> ByTarget:
    """Mean of a family's members, shape (origin, horizon); NaN where none answers or no unit made one."""
    mixed = {}
    for target, fitted in zip(plan.targets, model, strict=True):
        answers = [direct[member.name][target.name] for member in family.direct]
        mean = mean_of_members([fitted, *answers] if family.fitted else answers)
        mixed[target.name] = np.where(np.isnan(fitted), np.nan, mean) if family.fitted else mean
    return raised_to_included(mixed, plan.targets)
