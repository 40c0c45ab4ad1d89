"""How good the forecasts are on a bed: many dyads with the same targets, origins and horizons.

A bed is a YAML file: event files of many dyads, targets, span, each dyad's own end. Every model and baseline
is scored on it, and the simplest of the good models named; ``docs/validation.md`` says which is shipped, and
why.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, PlainValidator, TypeAdapter, ValidationError, WithJsonSchema

from forecast.baselines import SPACINGS, Spacing, find_record_start, horizon_lengths, origins_of
from forecast.blocks import Alert, Block, Column, Group, Heading, Prose, Table, cells, plain_table, right
from forecast.config.field_types import EMPTY_LIST, Day, FolderName, KeyName, LongText, Text, Whole
from forecast.config.schema import LONGEST_HORIZON, TargetConfig
from forecast.config.settings_file import Section, SettingsFile, read_yaml, refusal, shown_value
from forecast.errors import EventError, InputError, UnfinishedError, did_you_mean, shown
from forecast.evaluation.metrics import Estimate
from forecast.evaluation.past_forecasts import (
    MODELS,
    BacktestPlan,
    UnitResult,
    collect,
    complete_horizons,
    complete_origins,
    count_fits,
    known_models,
    refuse_unanswerable,
    run_backtests,
    silent_end,
    stage_seconds,
)
from forecast.evaluation.score_table import DyadScores, join_forecasts, score_dyads
from forecast.evaluation.study import KeptRows, Workers
from forecast.events.dyads import DyadRule, main_pairs
from forecast.events.reading import PREFIX, load_events, read_events
from forecast.events.table import EventTable
from forecast.inference.posterior import SamplerOptions
from forecast.progress import Listener
from forecast.records.notices import HEAD
from forecast.report.palette import name_model
from forecast.report.tables import gap_text, model_legend, score_table, value_text
from forecast.targets import TargetRule
from forecast.wording import HORIZONS, count, listing, share

SAMPLER = SamplerOptions(seed=20230710)
"""Of each fit in the benchmark."""
_SHIPPED = files("forecast.workflows") / "beds"
_COLUMNS = 5
"""Horizons that stand beside one another."""


_ORIGINS: TypeAdapter[Spacing | tuple[date, ...]] = TypeAdapter(
    Spacing | Annotated[tuple[Day, ...], Field(min_length=1)]
)


def read_origins(value: object) -> Spacing | tuple[date, ...]:
    """Read how origins are spaced, or the days of them; anything else is a fault of validation."""
    try:
        return _ORIGINS.validate_python(value)
    except ValidationError as error:
        wrong = max(error.errors(), key=lambda fault: len(fault["loc"]))["input"]
        hint = did_you_mean(wrong, SPACINGS) if isinstance(wrong, str) else ""
        allowed = f"{', '.join(SPACINGS)}, or days such as 2021-01-01"
        raise refusal(f"got {shown_value(wrong)}; expected {allowed}{hint and f'.{hint}'}") from error


Origins = Annotated[
    Spacing | tuple[date, ...],
    PlainValidator(read_origins),
    WithJsonSchema({"anyOf": [{"enum": [*SPACINGS]}, {"type": "array", "items": {"format": "date"}}]}),
]


class BedSource(Section):
    """Some event files with one end of observation."""

    data: Text = Field(description="folder of event files, one dyad a file; one event file; or bundled:NAME")
    until: Day = Field(description="last day on which these dyads were observed; later days count as unknown")
    dyads: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(), description="names of the files without .csv; every file of the folder when absent"
    )


class Bed(SettingsFile):
    """A bed as it was read; its paths start from ``--data``, its own folder, or the working folder."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="version of the format of this file")
    name: FolderName = Field(description="short name, as the output and the manual call it")
    about: LongText | None = Field(default=None, description="what the records are, and where they come from")
    sources: tuple[BedSource, ...] = Field(min_length=1, description="event files and until when they count")
    targets: Mapping[KeyName, TargetConfig] = Field(min_length=1, description="what is forecast")
    first: Day = Field(alias="from", description="first origin")
    origins: Origins = Field(
        default="monthly",
        description="quarterly, monthly or weekly from the first origin on, or a list of days",
    )
    horizons: tuple[Annotated[Whole, Field(ge=1, le=LONGEST_HORIZON.days)], ...] | None = Field(
        default=None, min_length=1, description="days ahead; the usual ones when absent"
    )

    @property
    def rules(self) -> tuple[TargetRule, ...]:
        """Which acts count as each target; one fit answers all of them."""
        return tuple(
            TargetRule(name, target.any_of, target.min_severity, tuple(target.by))
            for name, target in self.targets.items()
        )

    def origins_until(self, end: date, latest: date) -> tuple[date, ...]:
        """Origins up to the end of a dyad's observation, ``latest`` that of all (``InputError``: none)."""
        if end < self.first:
            raise InputError(f"the data end on {end}, before the first origin, {self.first}")
        origins = tuple(origins_of(self.origins, self.first, end).tolist())
        if isinstance(self.origins, str):
            return origins
        if not self.first <= origins[0] <= origins[-1] <= latest:
            span = f"{self.first} to {latest}, as the bed says"
            raise InputError(f"origins: got {origins[0]} to {origins[-1]}; allowed: {span}")
        return tuple(day for day in origins if day <= end) or origins[:1]


def shipped_beds() -> tuple[str, ...]:
    """Names of the beds that come with the package."""
    return tuple(sorted(path.name[:-5] for path in _SHIPPED.iterdir() if path.name.endswith(".yaml")))


def find_bed(name: str) -> Bed:
    """Read a shipped bed by its name, or a file, and check it; nothing else is opened.

    ``InputError`` when there is neither; ``ConfigError`` with every fault of the file, its line and key.
    """
    if name in shipped_beds():
        with as_file(_SHIPPED / f"{name}.yaml") as path:
            return Bed.checked(*read_yaml(path), path)
    path = Path(name).expanduser()
    if path.suffix.lower() in (".yaml", ".yml") or path.exists():
        return Bed.checked(*read_yaml(path), path)
    hint = did_you_mean(name, shipped_beds())
    allowed = f"{', '.join(shipped_beds())}, or the path of a YAML file"
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
    if source.data.startswith(PREFIX):
        try:
            yield source.data.removeprefix(PREFIX), load_events(source.data, Path())
        except EventError as error:
            raise bed.error(("sources", place, "data"), str(error)) from error
        return
    looked = [root / Path(source.data).expanduser() for root in (data, bed.base_folder, Path.cwd()) if root]
    found = next((path for path in looked if path.exists()), None)
    if found is None:
        places = ", ".join(dict.fromkeys(map(str, looked)))
        message = f"no such folder or file; looked for {places}. Give the folder that holds '{source.data}'"
        raise bed.error(("sources", place, "data"), f"{message}: --data FOLDER")
    if found.is_dir():
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
        origins = bed.origins_until(ends[dyad], max(ends.values()))
        if (events.known_date < np.datetime64(origins[0], "D")).any():
            plans[dyad] = _plan_dyad(bed, dyad, events, origins, ends[dyad], models)
        else:
            left_out[dyad] = f"no event is known before {origins[0]}, the first origin"
    if not plans:
        listed = "\n".join(f"{dyad}: {reason}" for dyad, reason in left_out.items())
        raise InputError(f"{listed}. Begin later, or add older events")
    return plans, left_out


def sides_of(dyad: str, events: EventTable, origin: date) -> DyadRule:
    """Return the sides of a file's dyad: the two actors who most acts known before an origin are between.

    ``InputError`` where no act is.
    """
    for first, second in main_pairs(events.known_by(origin - timedelta(days=1))):
        return DyadRule((first,), (second,))
    raise InputError(f"{dyad}: no act between two actors is known before {origin}, the first origin")


def _plan_dyad(
    bed: Bed, dyad: str, events: EventTable, origins: Sequence[date], end: date, models: tuple[str, ...]
) -> BacktestPlan:
    """The data begin where the record is dense enough to mean something."""
    chosen = known_models(models) if models else ()
    sides = sides_of(dyad, events, origins[0])
    asked = bed.horizons or complete_horizons(origins[0], end)
    horizons = tuple(int(days) for days in horizon_lengths(asked))
    try:
        plan = BacktestPlan(
            dyad=dyad,
            sides=sides,
            targets=bed.rules,
            origins=complete_origins(origins, horizons[0], end),
            horizons=horizons,
            start=find_record_start(events, origins[0]),
            data_end=end,
            models=chosen,
            sampler=SAMPLER,
            too_long=() if bed.horizons else tuple(sorted({*HORIZONS} - {*horizons})),
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


@dataclass(frozen=True)
class Benchmark:
    """Scores of all dyads by target; how far the files reach, and what the work took.

    ``left_out`` are dyads with the reason; ``seconds_per_origin`` are of the clock, ``seconds`` of the
    processor, by stage. ``fits`` were made; ``failed`` of them did not pass the gates.
    """

    targets: Mapping[str, DyadScores]
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
            "coverage": list(self.coverage),
            "left_out": [{"dyad": dyad, "reason": reason} for dyad, reason in self.left_out.items()],
            "seconds_per_origin": self.seconds_per_origin,
            "seconds": dict(self.seconds),
            "fits": {"made": self.fits, "failed": self.failed},
        }

    def blocks(self, titles: Mapping[str, str]) -> Iterator[Block]:
        """Yield the tables of every target, and what must be known."""
        models = tuple(dict.fromkeys(name for scores in self.targets.values() for (name,) in scores.means))
        yield Prose("Brier and log score: lower is better, * marks the best; ± is the standard error.")
        for name, scores in self.targets.items():
            yield Heading(titles[name])
            yield from _target_blocks(scores)
        yield model_legend(models)
        if notes := tuple(self._notes()):
            yield Alert(text=HEAD, items=notes, tone="caution")
        spent = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in self.seconds.items())
        yield Prose(
            f"Time: {self.seconds_per_origin:.2f} s an origin, all models together. Processor s: {spent}."
        )

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


def _target_blocks(scores: DyadScores) -> Iterator[Block]:
    """Yield means, what is missing, scores and calibration by days ahead, and the model chosen."""
    if not any(cell.n_hits for cell in scores.cells.values()):
        yield Prose("It never happened in these windows.", tone="warning")
    means = {model: score for (model,), score in scores.means.items()}
    rows = tuple(
        ((label,), {model: getattr(score, label.lower()).value for model, score in means.items()})
        for label in ("Brier", "log")
    )
    yield score_table(tuple(means), rows, ("Score",), "Mean over dyads and horizons")
    for model, score in means.items():
        if score.n < score.asked:
            said = f"The {name_model(model)} forecasts {score.n} of {count(score.asked, 'window')}"
            yield Prose(f"{said}; its scores are of those.", tone="warning")
    yield from _by_horizon(scores)
    if scores.choice is not None and len(gaps := scores.choice["log_behind_best"]) > 1:
        behind = ((name_model(model), gap_text(**gap)) for model, gap in gaps.items())
        yield plain_table(("", ""), behind, "Log score behind the best model, with its block-bootstrap error")
        yield Prose(f"Simplest within two errors of the best: {name_model(scores.choice['chosen'])}.")


def _by_horizon(scores: DyadScores) -> Iterator[Table]:
    """Log and Brier score, and calibration, of each model by days ahead; as many columns as fit."""
    # Baselines come last, and forecast every window.
    windows = {days: f"{one.n} ({share(one.base_rate)})" for (days, _), one in scores.by_horizon.items()}
    texts: dict[str, dict[str, dict[int, str]]] = {"log": {}, "Brier": {}, "Calibration slope": {}}
    for (days, model), score in scores.by_horizon.items():
        slope = score.line[1]
        told = value_text(slope.value, slope.se).replace("± ", "±")
        for label, text in zip(texts, (_with_error(score.log), _with_error(score.brier), told), strict=True):
            texts[label].setdefault(model, {})[days] = text
    for first in range(0, len(windows), _COLUMNS):
        shown = tuple(windows)[first : first + _COLUMNS]
        groups = [Group(rows=(cells("windows (held)", *(windows[ahead] for ahead in shown)),))]
        for label, by_model in texts.items():
            rows = (
                cells(name_model(model), *(own.get(ahead, "–") for ahead in shown))
                for model, own in by_model.items()
            )
            groups.append(Group(label=label, rows=tuple(rows)))
        columns = (Column(""), *(right(f"{ahead} d") for ahead in shown))
        yield Table(title="Mean over dyads by days ahead", columns=columns, groups=tuple(groups))


def _with_error(score: Estimate) -> str:
    """Return a score as ``0.123 ±.045``."""
    return value_text(score.value, score.se, 3).replace("± 0", "±").replace("± ", "±")


def run_benchmark(
    bed: Bed,
    dyads: Mapping[str, EventTable],
    ends: Mapping[str, date],
    *,
    models: tuple[str, ...] = MODELS,
    processes: int = 1,
    cluster: str | None = None,
    keep: Path | None = None,
    listen: Listener | None = None,
) -> Benchmark:
    """Forecast and score every dyad; the scores do not depend on where the units run (``Workers``).

    ``keep`` is a folder of finished units, which are not run again. ``listen`` is told of stage ``backtest``,
    in origins of all dyads. ``InputError`` when a dyad cannot be forecast, or ``keep`` cannot be used;
    ``UnfinishedError`` when some part failed, or Ctrl-C was pressed.
    """
    plans, left_out = plan_dyads(bed, dyads, ends, models)
    began = time.perf_counter()
    rows, workers = KeptRows(keep) if keep else None, Workers(processes, cluster)
    results, study = run_backtests(plans, dyads, rows=rows, workers=workers, listen=listen)
    if study.failures:
        raise UnfinishedError(
            f"{len(study.failures)} parts failed, so there is no mean.\n{study.listed_failures}"
        )
    return score_benchmark(plans, left_out, dyads, results, began)


def score_benchmark(
    plans: Mapping[str, BacktestPlan],
    left_out: Mapping[str, str],
    dyads: Mapping[str, EventTable],
    results: Mapping[str, Sequence[UnitResult]],
    began: float,
) -> Benchmark:
    """Join the forecasts of all dyads to the outcomes and score them; ``began`` is by ``perf_counter``."""
    scoring = time.process_time()
    table = join_forecasts(collect(plan, dyads[dyad], results[dyad]) for dyad, plan in plans.items())
    seconds = time.perf_counter() - began
    scores = {
        target.name: score_dyads(target, table.select(target=target.name), dyads, seed=SAMPLER.seed)
        for target in next(iter(plans.values())).targets
    }
    every = [result for found in results.values() for result in found]
    spent = stage_seconds(every) | {"score": round(time.process_time() - scoring, 2)}
    n_origins = sum(len(plan.origins) for plan in plans.values())
    coverage = tuple(_coverage(plan, dyads[dyad]) for dyad, plan in plans.items())
    return Benchmark(scores, coverage, left_out, round(seconds / n_origins, 3), spent, *count_fits(every))
