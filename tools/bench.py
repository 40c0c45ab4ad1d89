"""Score every model and baseline on a bed: many dyads with the same targets, origins and horizons.

    python tools/bench.py --bed us-china --json
    python tools/bench.py --bed panel --data FOLDER --models baselines --origins quarterly --keep KEPT

A bed is a YAML file: event files of many dyads, targets, span, each dyad's own end. Those in ``tools/beds``
are known by their name. Printed are, by target, the scores of each model on the dyads and the simplest of
the good models; ``docs/backtest.md`` has the keys of ``--json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
import scipy
from pydantic import Field

from forecast.baselines import DAY, SPACINGS, Spacing, as_day, horizon_lengths, origins_of
from forecast.blocks import Alert, Block, Column, Heading, Prose, Table, plain_table, right
from forecast.cli.options import days_ahead, parts_of, read_origins
from forecast.cli.terminal import listening, show
from forecast.config.field_types import EMPTY_LIST, Day, FolderName, KeyName, LongText, Text, Whole
from forecast.config.schema import DEFAULT_FAMILY, LONGEST_HORIZON, TargetConfig
from forecast.config.settings_file import Settings, SettingsFile, read_yaml
from forecast.crises import (
    CrisisRule,
    Days,
    crisis_origins,
    days_since,
)
from forecast.errors import EventError, ForecastError, InputError, UnfinishedError, did_you_mean, shown
from forecast.evaluation.metrics import area_under_roc
from forecast.evaluation.number_tests import NumberTests, number_tests
from forecast.evaluation.past_forecasts import (
    MODELS,
    BacktestPlan,
    UnitResult,
    collect,
    complete_horizons,
    complete_origins,
    count_fits,
    count_windows,
    known_models,
    refuse_unanswerable,
    run_backtests,
    silent_end,
    stage_seconds,
)
from forecast.evaluation.score_table import (
    ForecastTable,
    Score,
    Scores,
    join_forecasts,
    label_episodes,
    score_by,
    without_nan,
)
from forecast.evaluation.study import KeptRows, Workers
from forecast.events.cells import BUNDLED_PREFIX
from forecast.events.dyads import DyadRule, main_pairs
from forecast.events.reading import load_events, read_events
from forecast.events.table import EventTable
from forecast.inference.posterior import SamplerOptions
from forecast.phrases.notices import HEAD
from forecast.progress import Listener
from forecast.report.palette import name_model
from forecast.report.tables import number_test_blocks
from forecast.targets import TargetRule
from forecast.wording import HORIZONS, LISTED, count, listing, number, share

SAMPLER = SamplerOptions(seed=20230710)
"""Of each fit."""
BEDS = Path(__file__).parent / "beds"
BASELINES_ALONE = "baselines"
SIMPLEST_FIRST = ("model", "pooled_hazard", "combined")
"""By what a forecast takes: one fit; that, for its answers alone; both."""
TOLERANCE = 2.0
"""Standard errors of the difference in log score within which a model counts as good as the best."""
DENSE_DAYS, DENSE_EVENTS = 90, 6
Moment = Literal["crises", "first", "onsets"]
MOMENTS: tuple[Moment, ...] = get_args(Moment)
"""Origins found in the record of each dyad and target: after a grave act in quiet, those before which the
target never came, and after a first day of the target in a year."""
ONSET_QUIET_DAYS = 365
"""Days without the target before a day of it, or an origin, that make an onset of what follows."""
WHEN = f"{', '.join((*SPACINGS, *MOMENTS))}, or days with commas"
COUNT_FREE = ("gamma_poisson", "constant_rate", "pooled_line")
"""Baselines that read the target's own past acts alone: what others gain on them, counts of events add."""


# Beds


class PastRule(Settings):
    """Which files of a folder count, by what was known before a day alone."""

    least_acts: Annotated[Whole, Field(ge=1)] = Field(description="acts known before that day")
    before: Day = Field(description="the day, the first origin or earlier")


class BedCrises(Settings):
    """What makes a crisis: a grave act of conflict, not of the target, in quiet."""

    min_severity: Annotated[Whole, Field(ge=1, le=5)] = Field(default=3, description="of the act")
    quiet_days: Annotated[Whole, Field(ge=1)] = Field(
        default=180, description="days before without the target"
    )
    apart_days: Annotated[Whole, Field(ge=0)] = Field(default=30, description="days between crises")
    record_days: Annotated[Whole, Field(ge=1)] = Field(default=365, description="days of record before any")


class BedSource(Settings):
    """Some event files with one end of observation."""

    data: Text = Field(description="folder of event files, one dyad a file; one event file; or bundled:NAME")
    until: Day = Field(description="last day on which these dyads were observed; later days count as unknown")
    dyads: PastRule | Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(),
        description="names of the files without .csv, or a rule; every file of the folder when absent",
    )


class Bed(SettingsFile):
    """A bed as it was read; its paths start from ``--data``, its own folder, or the working folder."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of the format of this file")
    name: FolderName = Field(description="short name, as the output and the manual call it")
    about: LongText | None = Field(default=None, description="what the records are, and where they come from")
    sources: tuple[BedSource, ...] = Field(min_length=1, description="event files and until when they count")
    targets: Mapping[KeyName, TargetConfig] = Field(min_length=1, description="what is forecast")
    first: Day = Field(alias="from", description="first origin")
    origins: Spacing | Moment | tuple[Day, ...] = Field(
        default="monthly",
        description=f"{', '.join((*SPACINGS, *MOMENTS))} from the first origin on, or a list of days",
    )
    crises: BedCrises = Field(default=BedCrises(), description="when origins are crises or first times")
    horizons: tuple[Annotated[Whole, Field(ge=1, le=LONGEST_HORIZON.days)], ...] | None = Field(
        default=None, min_length=1, description="days ahead; the usual ones when absent"
    )

    @property
    def rules(self) -> tuple[TargetRule, ...]:
        """Which acts count as each target; one fit answers all of them."""
        return tuple(
            TargetRule(name, target.any_of, target.min_severity, target.acting)
            for name, target in self.targets.items()
        )

    @property
    def apart_days(self) -> int | None:
        """Days within which origins are one episode, where they are found in the record."""
        return self.crises.quiet_days if self.origins in MOMENTS else None

    def moments_of(self, events: EventTable, end: date) -> dict[str, Days]:
        """Origins of each target that are found in a record, each from days before it alone."""
        own, first = self.crises, as_day(self.first)
        first = max(first, events.date.min() + own.record_days * DAY)
        found = {}
        for target in self.rules:
            came = events.date[target.mask(events)]
            if self.origins == "onsets":
                origins = onset_origins(came)
            else:
                rule = CrisisRule(**own.model_dump(exclude={"record_days"}))
                origins = crisis_origins(events, target, rule)
            if self.origins == "first":
                origins = before_first(origins, came)
            found[target.name] = origins[(origins >= first) & (origins <= as_day(end))]
        return found

    def origins_until(self, end: date, latest: date) -> tuple[date, ...]:
        """Origins up to the end of a dyad's observation, ``latest`` that of all (``InputError``: none)."""
        if end < self.first:
            raise InputError(f"the data end on {end}, before the first origin, {self.first}")
        spacing = "monthly" if self.origins in MOMENTS else self.origins
        origins = tuple(origins_of(spacing, self.first, end).tolist())
        if isinstance(self.origins, str):
            return origins
        if not self.first <= origins[0] <= origins[-1] <= latest:
            span = f"{self.first} to {latest}, as the bed says"
            raise InputError(f"origins: got {origins[0]} to {origins[-1]}; allowed: {span}")
        return tuple(day for day in origins if day <= end) or origins[:1]


def named_beds() -> tuple[str, ...]:
    """Names of the beds in ``tools/beds``."""
    return tuple(sorted(path.stem for path in BEDS.glob("*.yaml")))


def find_bed(name: str) -> Bed:
    """Read a bed by its name, or a file, and check it; nothing else is opened.

    ``InputError`` when there is neither; ``ConfigError`` with every fault of the file, its line and key.
    """
    path = BEDS / f"{name}.yaml" if name in named_beds() else Path(name).expanduser()
    if path.suffix.lower() in (".yaml", ".yml") or path.exists():
        return Bed.checked(*read_yaml(path), path)
    hint = did_you_mean(name, named_beds())
    allowed = f"{', '.join(named_beds())}, or the path of a YAML file"
    raise InputError(f"--bed: no bed {shown(name)!r}.{hint} Allowed: {allowed}")


def read_dyads(folder: Path, names: Sequence[str] = ()) -> dict[str, EventTable]:
    """Read every event file of a folder, or those of some dyads; a file's name names the dyad.

    ``EventError`` without any, or where two files name one dyad.
    """
    paths = sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() == ".csv" and path.is_file())
    if not paths:
        fault = "holds no CSV file" if folder.is_dir() else "no such folder"
        raise EventError(f"{folder}: {fault}. Give a folder of event files, one dyad a file")
    by_name: dict[str, Path] = {}
    for path in paths:
        if by_name.setdefault(path.stem, path) != path:
            raise EventError(f"{path}: {by_name[path.stem].name} names the same dyad. Rename one of them")
    return {name: read_events(path) for name, path in by_name.items() if not names or name in names}


def read_bed_files(bed: Bed, data: Path | None) -> tuple[dict[str, EventTable], dict[str, date]]:
    """Read the events of every dyad of a bed, and until when each was observed.

    Paths start from ``data``, the folder of the bed, or the working folder. ``ConfigError``, with the line of
    the bed, when a folder or file is not there or two name one dyad; ``EventError`` for a file's faults.
    """
    if data is not None and not data.is_dir():
        raise InputError(f"--data: {data} is no folder. Give the folder that holds the data of the bed")
    events: dict[str, EventTable] = {}
    ends: dict[str, date] = {}
    for place, source in enumerate(bed.sources):
        if source.until < bed.first:
            message = f"{source.until} is before the first origin, {bed.first}"
            raise bed.error(("sources", place, "until"), message)
        for dyad, table in _read_source(bed, place, data):
            if dyad in events:
                message = f"{dyad} is in another source, too. List the dyads of each source"
                raise bed.error(("sources", place, "data"), message)
            events[dyad], ends[dyad] = table, source.until
    return events, ends


def _read_source(bed: Bed, place: int, data: Path | None) -> Iterator[tuple[str, EventTable]]:
    source = bed.sources[place]
    if source.data.startswith(BUNDLED_PREFIX):
        yield source.data.removeprefix(BUNDLED_PREFIX), load_events(source.data, Path())
        return
    looked = [root / Path(source.data).expanduser() for root in (data, bed.base_folder, Path.cwd()) if root]
    found = next((path for path in looked if path.exists()), None)
    if found is None:
        places = ", ".join(dict.fromkeys(map(str, looked)))
        message = f"no such folder or file; looked for {places}. Give the folder that holds '{source.data}'"
        raise bed.error(("sources", place, "data"), f"{message}: --data FOLDER")
    if isinstance(source.dyads, PastRule):
        if source.dyads.before > bed.first:
            message = (
                f"{source.dyads.before} is after the first origin, {bed.first}. Choose by the past alone"
            )
            raise bed.error(("sources", place, "dyads", "before"), message)
        least, day = source.dyads.least_acts, as_day(source.dyads.before)
        records = read_dyads(found)
        kept = {name: table for name, table in records.items() if (table.known_date < day).sum() >= least}
        if not kept:
            message = f"of {count(len(records), 'file')} none has {count(least, 'act')} known before {day}"
            raise bed.error(("sources", place, "dyads"), f"{message}. Ask for fewer, or a later day")
        yield from kept.items()
    elif found.is_dir():
        for row, name in enumerate(source.dyads):
            if not (found / f"{name}.csv").is_file():
                hint = did_you_mean(name, (path.stem for path in found.glob("*.csv")))
                raise bed.error(("sources", place, "dyads", row), f"{found} holds no {name}.csv.{hint}")
        yield from read_dyads(found, source.dyads).items()
    elif source.dyads:
        raise bed.error(("sources", place, "dyads"), "only a folder has dyads to choose from. Leave them out")
    else:
        yield found.stem, read_events(found)


def open_bed(name: str, data: Path | None) -> tuple[Bed, dict[str, EventTable], dict[str, date]]:
    """Find a bed; return it with the events of its dyads and the end of their observation.

    Raises, beside what ``find_bed`` and ``read_bed_files`` do, ``ConfigError`` where no target ever happened.
    """
    bed = find_bed(name)
    events, ends = read_bed_files(bed, data)
    if not any(
        (rule.mask(table) & (table.date <= np.datetime64(ends[dyad], "D"))).any()
        for rule in bed.rules
        for dyad, table in events.items()
    ):
        message = "no target ever happened in the data of this bed, so that there is nothing to forecast"
        raise bed.error(("targets",), f"{message}. Give other categories, or a lower min_severity")
    return bed, events, ends


# Plans


def plan_dyads(
    bed: Bed, dyads: Mapping[str, EventTable], ends: Mapping[str, date], models: tuple[str, ...] = MODELS
) -> tuple[dict[str, BacktestPlan], dict[str, str]]:
    """Plan the backtest of every dyad up to its end, with some of ``MODELS`` or none.

    Those without an event before the first origin are left out, by name. ``InputError`` when all are, or one
    of the others cannot be planned.
    """
    plans: dict[str, BacktestPlan] = {}
    left_out: dict[str, str] = {}
    for dyad, events in dyads.items():
        end = ends[dyad]
        origins, horizons = bed.origins_until(end, max(ends.values())), bed.horizons
        if bed.origins in MOMENTS:
            found = np.unique(np.concatenate([*bed.moments_of(events, end).values()]))
            ahead = (as_day(end) - found[:1]) // DAY + 1
            horizons = tuple(days for days in bed.horizons or HORIZONS if (days <= ahead).any())
            if not horizons:
                left_out[dyad] = f"it has no origin with a complete window from {bed.first} to {end}"
                continue
            origins = tuple(found.tolist())
        if (events.known_date < as_day(origins[0])).any():
            plans[dyad] = _plan_dyad(bed, dyad, events, origins, end, models, horizons)
        else:
            left_out[dyad] = f"no event is known before {origins[0]}, the first origin"
    if not plans:
        listed = "\n".join(f"{dyad}: {reason}" for dyad, reason in left_out.items())
        raise InputError(f"{listed}. Begin later, or add older events")
    return plans, left_out


def find_record_start(events: EventTable, before: date) -> date:
    """Day from which a record is dense enough for its silence to mean something.

    Counting years with a few stray rows as peace would lower every baseline. The record starts with the first
    event known before ``before`` that is followed by at least ``DENSE_EVENTS`` − 1 more within ``DENSE_DAYS``
    days, or with the first event when no stretch is dense (``InputError`` when there is none).
    """
    days = np.sort(events.date[events.known_date < as_day(before)])
    if not len(days):
        raise InputError(
            f"no event is known before {before}, the first origin. Begin later, or add older events"
        )
    spans = days[DENSE_EVENTS - 1 :] - days[: max(len(days) - DENSE_EVENTS + 1, 0)]
    dense = np.flatnonzero(spans < DENSE_DAYS * DAY)
    chosen: date = days[dense[0] if len(dense) else 0].item()
    return chosen


def sides_of(dyad: str, events: EventTable, origin: date) -> DyadRule:
    """Return the sides of a file's dyad: the two actors who most acts known before an origin are between.

    ``InputError`` where no act is.
    """
    for first, second in main_pairs(events.known_by(origin - timedelta(days=1))):
        return DyadRule((first,), (second,))
    raise InputError(f"{dyad}: no act between two actors is known before {origin}, the first origin")


def _plan_dyad(
    bed: Bed,
    dyad: str,
    events: EventTable,
    origins: Sequence[date],
    end: date,
    models: tuple[str, ...],
    horizons: tuple[int, ...] | None,
) -> BacktestPlan:
    """The data begin where the record is dense enough to mean something."""
    chosen = known_models(models) if models else ()
    sides = sides_of(dyad, events, origins[0])
    ahead = tuple(int(days) for days in horizon_lengths(horizons or complete_horizons(origins[0], end)))
    try:
        plan = BacktestPlan(
            dyad=dyad,
            sides=sides,
            targets=bed.rules,
            origins=complete_origins(origins, ahead[0], end),
            horizons=ahead,
            start=find_record_start(events, origins[0]),
            data_end=end,
            models=chosen,
            sampler=SAMPLER,
            too_long=tuple(sorted({*(bed.horizons or HORIZONS)} - {*ahead})),
        )
        refuse_unanswerable(plan, events)
    except InputError as error:
        raise InputError(f"{dyad}: {error}") from error
    return plan


def _coverage(plan: BacktestPlan, events: EventTable) -> dict[str, Any]:
    """Describe the record of a dyad up to the end of its observation; ``docs/backtest.md`` has the keys."""
    days = np.sort(events.date[events.date <= np.datetime64(plan.data_end, "D")])
    silent, last = silent_end(days, plan.data_end), days[-1].item()
    return {
        "dyad": plan.dyad,
        "until": plan.data_end.isoformat(),
        "events": len(days),
        "last_event": last.isoformat(),
        "silent_days": (plan.data_end - last).days,
        "silent": silent is not None,
        "chance": silent and silent.chance,
        "too_long": list(plan.too_long),
    }


# Scores


def choose_model(scores: Scores) -> dict[str, Any] | None:
    """Choose the simplest good model of ``SIMPLEST_FIRST``: within ``TOLERANCE`` errors of the best.

    ``scores`` are by model, every horizon of the same weight; ``best`` has the lowest mean log score;
    ``log_behind_best`` tells by how much each model is behind it, with the error; ``chosen`` is the simplest.
    ``None`` where there is no model.
    """
    models = [name for name in SIMPLEST_FIRST if (name,) in scores]
    if not models:
        return None

    def behind(name: str, other: str) -> dict[str, float]:
        gap = None if name == other else scores[name,].minus(scores[other,])
        return {"value": gap.value, "se": gap.se} if gap else {"value": 0.0, "se": 0.0}

    best = min(models, key=lambda name: behind(name, models[0])["value"])
    gaps = {name: behind(name, best) for name in models}
    chosen = next(name for name, gap in gaps.items() if gap["value"] <= TOLERANCE * gap["se"])
    return {"best": best, "chosen": chosen, "log_behind_best": gaps}


def list_misses(table: ForecastTable, most: int = 2) -> list[dict[str, Any]]:
    """Describe the largest misses of the default, or of the last model, by horizon and direction.

    The longest horizon first, worst first, one an episode: a small chance within a month is no miss to learn
    from, and windows that overlap miss the same thing again and again.
    """
    models = [name for name in SIMPLEST_FIRST if name in table.models]
    if not models:
        return []
    ours = table.select(who=DEFAULT_FAMILY if DEFAULT_FAMILY in models else models[-1])
    others = {name: table.select(who=name) for name in models if name != ours.who[0]}
    asked = list(zip(ours.what, ours.target, ours.outcome, strict=True))
    error, ahead = np.abs(ours.chance - ours.outcome), ours.horizon_days
    order = np.lexsort((ahead, ours.origin, -error, -ahead))
    rows: list[int] = []
    for row in order[error[order] > 0.5].tolist():
        kind = ahead[row], ours.outcome[row]
        alike = [other for other in rows if (ahead[other], ours.outcome[other]) == kind]
        if len(alike) < most and not any(
            asked[row] == asked[other]
            and abs(ours.origin[row] - ours.origin[other]) < max(ahead[row], ahead[other]) * DAY
            for other in rows
        ):
            rows.append(row)
    found = []
    for row in rows:
        window = {name: getattr(ours, name)[row] for name in ("what", "target", "origin", "day")}
        members = {
            name: float(own.chance[0]) for name, rows in others.items() if len(own := rows.select(**window))
        }
        outcome = int(ours.outcome[row])
        found.append(
            {
                "dyad": window["what"],
                "origin": window["origin"].item().isoformat(),
                "horizon_days": int(ahead[row]),
                "model": ours.who[row],
                "said": float(ours.chance[row]),
                "came": outcome,
                "members": members,
                "furthest": max(members, key=lambda name: abs(members[name] - outcome), default=None),
            }
        )
    return found


def before_first(origins: Days, target: Days) -> Days:
    """Origins before which the target never came."""
    return np.asarray(origins[np.isinf(days_since(target, origins))])


def onset_origins(target: Days, quiet_days: int = ONSET_QUIET_DAYS) -> Days:
    """Days after a first day of the target, which so many days without it precede.

    The first day of all counts: the caller knows since when the record was observed.
    """
    target = np.unique(target)
    return np.asarray(target[days_since(target, target) > quiet_days] + DAY)


def exact_interval90(hits: float, n: float) -> tuple[float, float]:
    """Exact 90% interval of a share of which ``hits`` of ``n`` cases are seen; Clopper & Pearson (1934).

    ``hits`` may be fractional, a mean outcome of each case: the interval is then too wide, if anything.
    """
    lower = scipy.special.betaincinv(hits, n - hits + 1, 0.05) if hits > 0 else 0.0
    upper = scipy.special.betaincinv(hits + 1, n - hits, 0.95) if hits < n else 1.0
    return float(lower), float(upper)


def said_and_came(score: Score) -> dict[str, Any]:
    """Mean chance and share that came, with its exact interval; with ``apart_days`` by episode too.

    Every forecast, and every episode, has the same weight.
    """
    said, came = score.rows.chance, score.rows.outcome
    found: dict[str, Any] = {"mean_said": said.mean(), "mean_came": came.mean()}
    found["came_interval90"] = exact_interval90(score.n_hits, score.n)
    if score.apart_days is not None:
        _, episode = np.unique(label_episodes(score.rows, score.apart_days), return_inverse=True)
        size = np.bincount(episode)
        means = (np.bincount(episode, values) / size for values in (said, came))
        own_said, own_came = (float(values.sum()) for values in means)
        found["episodes"] = {
            "n": len(size),
            **{"mean_said": own_said / len(size), "mean_came": own_came / len(size)},
            "came_interval90": exact_interval90(own_came, len(size)),
        }
    return found


def _plain(score: Score) -> dict[str, Any]:
    """Scores as JSON values, with what was said and came beside them."""
    return score.to_dict() | said_and_came(score)


@dataclass(frozen=True)
class DyadScores:
    """Scores of one target on many dyads; no ``choice`` without models.

    ``cells`` are by dyad, horizon and model; ``means`` and ``by_horizon`` over dyads (and horizons) of the
    same weight. In ``by_state``, of onset and continuation, at all horizons and at each, every window has it.
    """

    cells: Scores
    means: Scores
    by_horizon: Scores
    by_state: Scores
    choice: dict[str, Any] | None
    misses: list[dict[str, Any]]

    def log_minus(self, score: Score, beside: Scores) -> dict[str, Any]:
        """Log score of a state or horizon less that of each of ``COUNT_FREE`` there, but of itself."""
        *state, model = score.group.values()
        gaps = {
            name: score.minus(beside[*state, name])
            for name in COUNT_FREE
            if name != model and (*state, name) in beside
        }
        return {name: {"value": gap.value, "se": gap.se} for name, gap in gaps.items() if gap}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, ``None`` where a number is not defined."""
        lines = [
            {
                "horizon_days": days,
                "model": model,
                "auc": area_under_roc(score.rows.chance, score.rows.outcome),
            }
            | {"intercept": intercept.value, "slope": slope.value}
            | {"intercept_se": intercept.se, "slope_se": slope.se}
            for (days, model), score in self.by_horizon.items()
            for intercept, slope in [score.line]
        ]
        content: dict[str, Any] = {
            "cells": [_plain(cell) for cell in self.cells.values()],
            "mean": {
                model: {"brier": score.brier.value, "log": score.log.value}
                for (model,), score in self.means.items()
            },
            "default": DEFAULT_FAMILY,
            "choice": self.choice,
            "by_horizon": [
                _plain(score)
                | {"dyads": len(set(score.rows.what.tolist()))}
                | {"log_minus": self.log_minus(score, self.by_horizon)}
                for score in self.by_horizon.values()
            ],
            "calibration_by_horizon": lines,
            "onset": [
                {"horizon_days": None, **_plain(score), "log_minus": self.log_minus(score, self.by_state)}
                for score in self.by_state.values()
            ],
            "misses": self.misses,
        }
        return without_nan(content)

    def blocks(self) -> Iterator[Block]:
        """Yield means, log scores by days ahead, and the model chosen."""
        if not any(cell.n_hits for cell in self.cells.values()):
            yield Prose("It never happened in these windows.", tone="warning")
        rows = [
            (name_model(model), number(score.brier.value, 3), number(score.log.value, 3), f"{score.n}")
            for (model,), score in self.means.items()
        ]
        heads = map(right, ("Brier", "log", "windows"))
        yield plain_table(("", *heads), rows, "Mean over dyads and horizons")
        yield self._by_horizon()
        yield self._calibration()
        if self.choice is not None and len(gaps := self.choice["log_behind_best"]) > 1:
            behind = (
                (name_model(model), f"{number(gap['value'], 4)} ± {number(gap['se'], 4)}")
                for model, gap in gaps.items()
            )
            yield plain_table(("", right("log")), behind, "Log score behind the best model")
            yield Prose(f"Simplest within two errors of the best: {name_model(self.choice['chosen'])}.")

    def _calibration(self) -> Table:
        """What models said and what came, in every forecast of the same weight, by days ahead."""
        rows = []
        for (days, model), score in self.by_horizon.items():
            if model in SIMPLEST_FIRST or model in COUNT_FREE:
                found = said_and_came(score)
                found |= found.get("episodes", {})
                lower, upper = found["came_interval90"]
                shape = area_under_roc(score.rows.chance, score.rows.outcome), score.line[1].value
                rows.append(
                    (
                        f"{days} d",
                        name_model(model),
                        share(found["mean_said"]),
                        f"{share(found['mean_came'])} ({share(lower)} to {share(upper)})",
                        *(number(value, 2) if np.isfinite(value) else "–" for value in shape),
                    )
                )
        heads = map(right, ("said", "came", "AUC", "slope"))
        return plain_table(("", "", *heads), rows, "Said and came, with the exact 90% interval")

    def _by_horizon(self) -> Table:
        ahead = tuple(dict.fromkeys(days for days, _ in self.by_horizon))
        # Baselines come last, and forecast every window.
        held = {days: share(score.base_rate) for (days, _), score in self.by_horizon.items()}
        texts: dict[str, dict[int, str]] = {}
        for (days, model), score in self.by_horizon.items():
            texts.setdefault(name_model(model), {})[days] = number(score.log.value, 3)
        rows = [("windows with the target", *(held[days] for days in ahead))]
        rows += [(model, *(own.get(days, "–") for days in ahead)) for model, own in texts.items()]
        columns: tuple[Column | str, ...] = ("", *(right(f"{days} d") for days in ahead))
        return plain_table(columns, rows, "Log score by days ahead, mean over dyads")


def score_dyads(
    target: TargetRule,
    table: ForecastTable,
    events: Mapping[str, EventTable],
    *,
    seed: int,
    apart_days: int | None = None,
) -> DyadScores:
    """Score the forecasts of one target on many dyads, ``what``; ``events`` are their records.

    Errors over dyads come from blocks of origins in which all dyads are drawn together: neighbours share
    wars, so that dyads are no separate evidence; with ``apart_days`` from episodes.
    """
    state = np.full(len(table), "continuation", object)
    for dyad, record in events.items():
        own = np.flatnonzero(table.what == dyad)
        quiet = days_since(record.date[target.mask(record)], table.origin[own]) > ONSET_QUIET_DAYS
        state[own[quiet]] = "onset"
    score = partial(score_by, table, seed=seed, apart_days=apart_days)
    equal = () if apart_days else ("what",)
    by_state = score("state", "who", also={"state": state})
    by_state |= score("state", "horizon_days", "who", also={"state": state})
    return DyadScores(
        score("what", "horizon_days", "who"),
        score("who", equal=(*equal, "horizon_days")),
        score("horizon_days", "who", equal=equal),
        dict(sorted(by_state.items(), key=lambda item: item[0][0] != "onset")),
        choose_model(score("who", equal=(*equal, "target", "horizon_days"))),
        list_misses(table),
    )


@dataclass(frozen=True)
class Benchmark:
    """Scores of all dyads by target; how far the files reach, and what the work took.

    ``table`` has the forecasts. ``left_out`` are dyads with the reason; ``seconds_per_origin`` are of the
    clock, ``seconds`` of the processor, by stage. ``fits`` were made; ``failed`` of them did not pass the
    gates.
    """

    targets: Mapping[str, DyadScores]
    tests: NumberTests
    table: ForecastTable
    coverage: tuple[dict[str, Any], ...]
    left_out: Mapping[str, str]
    seconds_per_origin: float
    seconds: Mapping[str, float]
    fits: int
    failed: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, the scores by target under ``targets``."""
        return {
            "targets": {name: scores.to_dict() for name, scores in self.targets.items()},
            "tests": without_nan(self.tests.to_dict()),
            "coverage": list(self.coverage),
            "left_out": [{"dyad": dyad, "reason": reason} for dyad, reason in self.left_out.items()],
            "seconds_per_origin": self.seconds_per_origin,
            "seconds": dict(self.seconds),
            "fits": {"made": self.fits, "failed": self.failed},
        }

    def blocks(self, titles: Mapping[str, str]) -> Iterator[Block]:
        """Yield the tables of every target, and what must be known."""
        yield Prose("Brier and log score: lower is better; --json has errors, calibration and onsets.")
        yield from number_test_blocks(self.tests, titles)
        for name, scores in self.targets.items():
            yield Heading(titles[name])
            yield from scores.blocks()
        if notes := tuple(self._notes()):
            yield Alert(text=HEAD, items=notes, tone="caution")

    def _notes(self) -> Iterator[str]:
        """Name dyads left out, files that may end early, horizons that are too long, and failed fits."""
        for dyad, reason in self.left_out.items():
            yield f"Left out: {dyad}, since {reason}."
        for reach in self.coverage:
            dyad, too_long = reach["dyad"], listing(tuple(map(str, reach["too_long"])))
            if reach["silent"]:
                yield (
                    f"{dyad}: the last act is of {reach['last_event']}, {count(reach['silent_days'], 'day')} "
                    f"before {reach['until']}, too long for the pace of its record. If nobody looked, these "
                    "days are no peace: give its own end of observation in a bed."
                )
            if too_long:
                yield f"{dyad}: no window of {too_long} days is complete."
        if self.failed:
            yield f"{self.failed} of {count(self.fits, 'fit')} failed a gate: failed_fits in --json."


def run_benchmark(
    bed: Bed,
    dyads: Mapping[str, EventTable],
    ends: Mapping[str, date],
    *,
    models: tuple[str, ...] = MODELS,
    workers: Workers | None = None,
    keep: Path | None = None,
    listen: Listener | None = None,
) -> Benchmark:
    """Forecast and score every dyad; the scores do not depend on where the units run.

    ``keep`` is a folder of finished units, which are not run again. ``listen`` is told of stage ``backtest``,
    in origins of all dyads. ``InputError`` when a dyad cannot be forecast, or ``keep`` cannot be used;
    ``UnfinishedError`` when some part failed, or Ctrl-C was pressed.
    """
    plans, left_out = plan_dyads(bed, dyads, ends, models)
    began = time.perf_counter()
    rows = KeptRows(keep) if keep else None
    results, failures = run_backtests(plans, dyads, rows=rows, workers=workers, listen=listen)
    if failures:
        listed = "\n".join(f"  {failure}" for failure in failures)
        raise UnfinishedError(f"{len(failures)} parts failed, so there is no mean.\n{listed}")
    return score_benchmark(bed, plans, left_out, dyads, results, began)


def score_benchmark(
    bed: Bed,
    plans: Mapping[str, BacktestPlan],
    left_out: Mapping[str, str],
    dyads: Mapping[str, EventTable],
    results: Mapping[str, Sequence[UnitResult]],
    began: float,
) -> Benchmark:
    """Join the forecasts of all dyads to the outcomes and score them; ``began`` is by ``perf_counter``."""
    scoring = time.process_time()
    table = join_forecasts(collect(plan, dyads[dyad], results[dyad]) for dyad, plan in plans.items())
    windows = [
        window for dyad, plan in plans.items() for window in count_windows(plan, dyads[dyad], results[dyad])
    ]
    if bed.origins in MOMENTS:
        moments = {dyad: bed.moments_of(dyads[dyad], plan.data_end) for dyad, plan in plans.items()}
        asked = zip(table.what, table.target, table.origin, strict=True)
        table = table.take(
            np.flatnonzero([origin in moments[dyad][target] for dyad, target, origin in asked])
        )
        windows = [one for one in windows if np.datetime64(one.origin) in moments[one.what][one.target]]
    tests = number_tests(windows, table, seed=SAMPLER.seed, apart_days=bed.apart_days)
    seconds = time.perf_counter() - began
    scores = {
        name: score_dyads(
            target, table.select(target=name), dyads, seed=SAMPLER.seed, apart_days=bed.apart_days
        )
        for target in bed.rules
        if (name := target.name) in table.targets
    }
    every = [result for found in results.values() for result in found]
    spent = stage_seconds(every) | {"score": round(time.process_time() - scoring, 2)}
    n_origins = sum(len(plan.origins) for plan in plans.values())
    coverage = tuple(_coverage(plan, dyads[dyad]) for dyad, plan in plans.items())
    return Benchmark(
        scores, tests, table, coverage, left_out, round(seconds / n_origins, 3), spent, *count_fits(every)
    )


# The command


def _asked_models(text: str) -> tuple[str, ...]:
    models = parts_of(text)
    if not models:
        raise InputError(f"--models: the list is empty. Allowed: {', '.join(MODELS)}, or {BASELINES_ALONE}")
    if BASELINES_ALONE in models and len(models) > 1:
        raise InputError(f"--models: '{BASELINES_ALONE}' stands alone, since they are always shown")
    return () if models == (BASELINES_ALONE,) else models


def _bench(asked: argparse.Namespace) -> None:
    models = _asked_models(asked.models)
    bed, events, ends = open_bed(asked.bed, asked.data)
    changes: dict[str, Any] = {}
    if asked.origins is not None:
        moment = next((name for name in MOMENTS if name == asked.origins.strip()), None)
        changes["origins"] = moment or read_origins(asked.origins)
    if asked.begin is not None:
        try:
            changes["first"] = date.fromisoformat(asked.begin.strip())
        except ValueError:
            raise InputError(
                f"--from: got {shown(asked.begin)!r}; expected a day such as 1981-01-01"
            ) from None
    if asked.horizons is not None:
        changes["horizons"] = days_ahead(asked.horizons, "--horizons")
        if not changes["horizons"]:
            raise InputError(f"--horizons: the list is empty. Expected e.g. {LISTED}")
    with listening(shown=not asked.json) as listen:
        scores = run_benchmark(
            bed.model_copy(update=changes),
            events,
            ends,
            models=models,
            workers=Workers(asked.jobs, asked.cluster),
            keep=asked.keep,
            listen=listen,
        )
    if asked.csv:
        scores.table.write_csv(asked.csv)
    if asked.json:
        print(json.dumps({"bed": bed.name} | scores.to_dict()))
    else:
        titles = {name: target.label or name.replace("_", " ") for name, target in bed.targets.items()}
        show(scores.blocks(titles))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores; 1 where work failed, 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--bed", required=True, metavar="NAME|FILE", help=f"{', '.join(named_beds())}, or a file"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the data of the bed")
    parser.add_argument("--models", default=",".join(MODELS), metavar="LIST", help="some, or baselines alone")
    parser.add_argument("--origins", metavar="WHEN", help=WHEN)
    parser.add_argument("--from", dest="begin", metavar="DAY", help="first origin, in place of the bed's")
    parser.add_argument("--horizons", metavar="DAYS", help=f"days ahead; default: {LISTED}")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write every forecast with its outcome here")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep finished parts here, and go on")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to use")
    parser.add_argument("--cluster", metavar="WHERE", help="run on Dask: local, or a scheduler's address")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    try:
        _bench(parser.parse_args(arguments))
    except ForecastError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
