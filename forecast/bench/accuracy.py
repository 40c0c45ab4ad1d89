"""Accuracy on many dyads: one event file each, the same targets, origins and horizons for all.

It names the simplest of the good models; ``docs/validation.md`` says which is shipped, and why.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from forecast.baselines import find_record_start, horizon_lengths
from forecast.bench.beds import Bed
from forecast.bench.dyad_scores import TargetScores, score_target
from forecast.blocks import Alert, Block, Heading, Prose
from forecast.errors import InputError, UnfinishedError
from forecast.evaluation.backtest import (
    MODELS,
    BacktestPlan,
    Spacing,
    choose_origins,
    complete_horizons,
    complete_origins,
    known_models,
    outcomes_of,
    refuse_unanswerable,
    silent_end,
)
from forecast.evaluation.study import KeptRows, Workers
from forecast.evaluation.units import collect, count_fits, run_backtests, stage_seconds
from forecast.events.table import EventTable
from forecast.inference.posterior import SamplerOptions
from forecast.panel import TargetRule, stream_layout
from forecast.priors import PriorStatement, default_priors
from forecast.progress import Listener
from forecast.records.base import HORIZONS
from forecast.records.notices import HEAD
from forecast.report.tables import model_legend
from forecast.wording import count, listing

SAMPLER = SamplerOptions(seed=20230710)
"""Of each fit in the benchmark."""
QUICK_STEP = 3
"""A quick benchmark takes every third origin."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """What is forecast of every dyad, from the origin ``first`` to the last day that the files cover.

    One fit answers all targets. ``ends`` are last days of single dyads, where they are not ``data_end``:
    windows that end later are left out. ``horizons`` when absent are those of ``HORIZONS`` that a dyad has a
    complete window of. ``models`` are some of ``MODELS``, or none; the baselines are always there. ``priors``
    (name → statement) change the model, to see what they do. ``quick`` takes every third origin only.
    """

    targets: tuple[TargetRule, ...]
    first: date
    data_end: date
    ends: Mapping[str, date] = field(default_factory=dict)
    horizons: tuple[int, ...] | None = None
    origins: Spacing | tuple[date, ...] = "monthly"
    models: tuple[str, ...] = MODELS
    sampler: SamplerOptions = SAMPLER
    priors: Mapping[str, PriorStatement] = field(default_factory=dict)
    quick: bool = False

    def end_of(self, dyad: str) -> date:
        """Last day on which a dyad was observed."""
        return self.ends.get(dyad, self.data_end)


def bed_options(bed: Bed, ends: Mapping[str, date]) -> BenchmarkOptions:
    """Return what a bed asks of its dyads."""
    return BenchmarkOptions(
        targets=tuple(
            TargetRule(name, target.any_of, target.min_severity) for name, target in bed.targets.items()
        ),
        first=bed.first,
        data_end=max(ends.values()),
        ends=ends,
        horizons=bed.horizons,
        origins=bed.origins,
    )


def refuse_without_target(bed: Bed, events: Mapping[str, EventTable], options: BenchmarkOptions) -> None:
    """Raise ``ConfigError`` for a bed in whose data no target ever happened."""
    if len(without_target(events, options)) == len(options.targets):
        message = "no target ever happened in the data of this bed, so that there is nothing to forecast"
        raise bed.error(("targets",), f"{message}. Give other categories, or a lower min_severity")


@dataclass(frozen=True)
class DyadCoverage:
    """Of one dyad: its record up to the end of its observation, ``until``.

    ``silent_days`` lie between the last act and the end. ``silent`` says whether that is longer than the
    record's own pace allows: chance below 1 in 1,000, and longer than any pause before (``silent_end``).
    ``too_long`` are usual horizons without a complete window.
    """

    dyad: str
    until: date
    events: int
    last_event: date
    silent_days: int
    silent: bool
    chance: float | None
    too_long: tuple[int, ...]


@dataclass(frozen=True)
class Benchmark:
    """Scores of all dyads by target; how far the files reach, and what the work took.

    ``left_out`` names dyads without an event before the first origin, with the reason.
    ``seconds_per_origin`` is the wall-clock time of all models and baselines together, divided by the origins
    of all dyads. ``seconds`` are of the processor, by stage. ``fits`` were made; ``failed`` of them did not
    pass the gates.
    """

    targets: Mapping[str, TargetScores]
    coverage: tuple[DyadCoverage, ...]
    left_out: Mapping[str, str]
    seconds_per_origin: float
    seconds: Mapping[str, float]
    fits: int
    failed: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, the scores by target under ``targets``."""
        scores = {name: scores.to_dict() for name, scores in self.targets.items()}
        coverage = [
            asdict(reach) | {"until": reach.until.isoformat(), "last_event": reach.last_event.isoformat()}
            for reach in self.coverage
        ]
        return {
            "targets": scores,
            "coverage": coverage,
            "left_out": [{"dyad": dyad, "reason": reason} for dyad, reason in self.left_out.items()],
            "seconds_per_origin": self.seconds_per_origin,
            "seconds": dict(self.seconds),
            "fits": {"made": self.fits, "failed": self.failed},
        }

    def blocks(self, titles: Mapping[str, str | None]) -> Iterator[Block]:
        """Yield the tables of every target (``titles``: none for a single one), and what must be known."""
        models = tuple(dict.fromkeys(name for scores in self.targets.values() for name in scores.means()))
        yield Prose("Brier and log score: lower is better, * marks the best; ± is the standard error.")
        for name, scores in self.targets.items():
            if title := titles[name]:
                yield Heading(title)
            yield from scores.blocks()
        yield model_legend(models)
        if notes := tuple(self._reach()):
            yield Alert(text=HEAD, items=notes, tone="caution")
        spent = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in self.seconds.items())
        yield Prose(
            f"Time: {self.seconds_per_origin:.2f} s an origin, all models together. Processor s: {spent}."
        )
        if self.fits:
            yield Prose(f"{self.failed} of {count(self.fits, 'fit')} failed a gate.")

    def _reach(self) -> Iterator[str]:
        """Name dyads left out, files that may end early, and horizons that a record is too short for."""
        for dyad, reason in self.left_out.items():
            yield f"Left out: {dyad}, since {reason}."
        for reach in self.coverage:
            if reach.silent:
                yield (
                    f"{reach.dyad}: the last act is of {reach.last_event}, {count(reach.silent_days, 'day')} "
                    f"before {reach.until}, too long for the pace of its record. If nobody looked, these "
                    "days are no peace: give its own end of observation in a bed."
                )
            if reach.too_long:
                days = listing(tuple(map(str, reach.too_long)))
                yield f"{reach.dyad}: no window of {days} days is complete."


def plan_dyads(
    dyads: Mapping[str, EventTable], options: BenchmarkOptions
) -> tuple[dict[str, BacktestPlan], dict[str, str]]:
    """Plan the backtest of every dyad; those without an event before the first origin are left out, by name.

    ``InputError`` when all are, or one of the others cannot be planned.
    """
    plans: dict[str, BacktestPlan] = {}
    left_out: dict[str, str] = {}
    for dyad, events in dyads.items():
        first = _origins(dyad, options)[0]
        if (events.known_date < np.datetime64(first, "D")).any():
            plans[dyad] = plan_dyad(dyad, events, options)
        else:
            left_out[dyad] = f"no event is known before {first}, the first origin"
    if not plans:
        listed = "\n".join(f"{dyad}: {reason}" for dyad, reason in left_out.items())
        raise InputError(f"{listed}. Begin later, or add older events")
    return plans, left_out


def plan_dyad(dyad: str, events: EventTable, options: BenchmarkOptions) -> BacktestPlan:
    """Plan the backtest of one dyad; the data begin where its record is dense enough to mean something.

    ``InputError`` when no event is known before the first origin or a horizon that was asked for has no
    complete window; ``PriorError`` when a changed prior is unknown or not valid.
    """
    end = options.end_of(dyad)
    models = known_models(options.models) if options.models else ()
    default_priors(stream_layout(options.targets)).changed(options.priors, "config")
    origins = _origins(dyad, options)
    asked = options.horizons or complete_horizons(origins[0], end)
    horizons = tuple(int(days) for days in horizon_lengths(asked))
    try:
        origins = complete_origins(origins, horizons[0], end)[:: QUICK_STEP if options.quick else 1]
        start = find_record_start(events, origins[0])
        plan = BacktestPlan(
            dyad=dyad,
            targets=options.targets,
            origins=origins,
            horizons=horizons,
            start=start,
            data_end=end,
            models=models,
            sampler=options.sampler,
            priors=options.priors,
            too_long=() if options.horizons else tuple(sorted({*HORIZONS} - {*horizons})),
        )
        outcomes_of(plan, events)
        refuse_unanswerable(plan, events)
    except InputError as error:
        raise InputError(f"{dyad}: {error}") from error
    return plan


def without_target(dyads: Mapping[str, EventTable], options: BenchmarkOptions) -> list[str]:
    """Names of the targets that happened in no dyad up to the end of its observation."""

    def happened(target: TargetRule, dyad: str, events: EventTable) -> bool:
        return bool((target.mask(events) & (events.date <= np.datetime64(options.end_of(dyad), "D"))).any())

    return [
        target.name
        for target in options.targets
        if not any(happened(target, *dyad) for dyad in dyads.items())
    ]


def _origins(dyad: str, options: BenchmarkOptions) -> tuple[date, ...]:
    """Origins of a dyad up to the end of its observation (``InputError`` where there is none)."""
    end = options.end_of(dyad)
    if end < options.first:
        raise InputError(f"the data end on {end}, before the first origin, {options.first}")
    if isinstance(options.origins, str):
        return choose_origins(options.origins, options.first, end)
    listed = choose_origins(options.origins, options.first, end)
    if not options.first <= listed[0] <= listed[-1] <= options.data_end:
        span = f"{options.first} to {options.data_end}, as --from and --until say"
        raise InputError(f"origins: got {listed[0]} to {listed[-1]}; allowed: {span}")
    return tuple(day for day in listed if day <= end) or listed[:1]


def _coverage(plan: BacktestPlan, events: EventTable) -> DyadCoverage:
    days = np.sort(events.date[events.date <= np.datetime64(plan.data_end, "D")])
    silent = silent_end(days, plan.data_end)
    last: date = days[-1].item()
    return DyadCoverage(
        plan.dyad,
        plan.data_end,
        len(days),
        last,
        (plan.data_end - last).days,
        silent is not None,
        silent and silent.chance,
        plan.too_long,
    )


def run_benchmark(
    dyads: Mapping[str, EventTable],
    options: BenchmarkOptions,
    *,
    processes: int = 1,
    cluster: str | None = None,
    keep: Path | None = None,
    listen: Listener | None = None,
) -> Benchmark:
    """Forecast and score every dyad; the scores do not depend on where the units run (``Workers``).

    ``keep`` is a folder of finished units: those of the same events, settings, code and versions are read,
    not run. ``listen`` is told of stage ``backtest``, in origins of all dyads. ``InputError`` when a dyad
    cannot be forecast with these options, or ``keep`` cannot be used; ``UnfinishedError`` when some part
    failed, since a mean over the others would compare different things, or Ctrl-C was pressed.
    """
    plans, left_out = plan_dyads(dyads, options)
    if len(without_target(dyads, options)) == len(options.targets):
        names = ", ".join(dict.fromkeys(name for target in options.targets for name in target.any_of))
        raise InputError(
            f"the target never happened: no dyad has an event of {names} that is severe enough. Give other "
            "categories, or a lower least severity"
        )
    began = time.perf_counter()
    results, study = run_backtests(
        plans,
        {dyad: dyads[dyad] for dyad in plans},
        rows=KeptRows(keep) if keep else None,
        workers=Workers(processes, cluster),
        listen=listen,
    )
    if study.failures:
        raise UnfinishedError(
            f"{len(study.failures)} of {study.n_tasks} parts failed, so there is no mean.\n"
            f"{study.listed_failures}"
        )
    scoring = time.process_time()
    forecasts = {dyad: collect(plan, dyads[dyad], results[dyad]) for dyad, plan in plans.items()}
    seconds = time.perf_counter() - began
    seed = options.sampler.seed
    scores = {target.name: score_target(target, forecasts, dyads, seed=seed) for target in options.targets}
    every = [result for found in results.values() for result in found]
    spent = stage_seconds(every) | {"score": round(time.process_time() - scoring, 2)}
    made, failed = count_fits(every)
    n_origins = sum(len(plan.origins) for plan in plans.values())
    coverage = tuple(_coverage(plan, dyads[dyad]) for dyad, plan in plans.items())
    return Benchmark(scores, coverage, left_out, round(seconds / n_origins, 3), spent, made, failed)
