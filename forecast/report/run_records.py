"""What a report is made from: the records of a run, read from its folder, and of the run before it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from forecast.config import Config
from forecast.config.schema import ImpactConfig
from forecast.config.writing import Logo, read_logo
from forecast.errors import RunFolderError
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.phrases.notices import notice_text
from forecast.records.analysis import Analysis, LedgerSummary, MilestoneChange, PreviousRun, TrackRecord
from forecast.records.base import Record
from forecast.records.forecast import ChanceTable, Forecast, TargetForecast
from forecast.runs import files
from forecast.runs.files import read_manifest, read_record


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How the report is set, which parts it has (``None``: all), and whose name it carries.

    ``accent`` is ``#RRGGBB``, ``impact`` by name of the target, and ``fonts`` are files for signs that the
    typeface lacks.
    """

    paper: Literal["a4", "us-letter"] = "a4"
    title: str | None = None
    author: str | None = None
    organisation: str | None = None
    logo: Logo | None = None
    classification: str | None = None
    accent: str | None = None
    impact: Mapping[str, ImpactConfig] = field(default_factory=dict)
    sections: tuple[str, ...] | None = None
    fonts: tuple[Path, ...] = ()


def report_options(config: Config) -> ReportOptions:
    """Report settings of a config, its logo read (``InputError`` where it is no image)."""
    chosen = config.report
    same = ("paper", "title", "author", "organisation", "classification", "accent", "impact", "sections")
    logo = read_logo(config.logo_path) if config.logo_path else None
    return ReportOptions(logo=logo, fonts=config.font_paths, **{name: getattr(chosen, name) for name in same})


@dataclass(frozen=True, kw_only=True)
class RunRecords:
    """What a run folder holds, read and checked.

    Hashes, code version and seed are shown where ``manifest`` has them. ``track_record`` says how such
    forecasts did in a backtest, ``ledger_record`` what was on record about the pair before the run,
    ``previous`` what an earlier run said. ``notes`` are printed as warnings on page 1.
    """

    forecast: Forecast
    analysis: Analysis
    events: EventTable
    manifest: Mapping[str, object]
    track_record: TrackRecord | None = None
    ledger_record: LedgerSummary | None = None
    previous: PreviousRun | None = None
    notes: tuple[str, ...] = ()
    options: ReportOptions = field(default_factory=ReportOptions)


def read_run_records(
    run_dir: Path, options: ReportOptions | None = None, *, notes: tuple[str, ...] = ()
) -> RunRecords:
    """Read and check all that a report is made from.

    Raises ``RunFolderError``: a file is missing or not what a run leaves behind; ``EventError``:
    ``events.csv`` is not valid.
    """
    forecast, analysis = _read_both(run_dir)
    manifest, events_path = read_manifest(run_dir), run_dir / files.EVENTS
    if not events_path.is_file():
        raise RunFolderError(
            f"{events_path}: file missing. A whole run folder is needed (forecast.json, analysis.json, "
            "events.csv, manifest.json …), as 'forecast run' makes it."
        )

    def read_if_there[R: Record](name: str, kind: type[R]) -> R | None:
        return read_record(run_dir / name, kind) if (run_dir / name).exists() else None

    return RunRecords(
        forecast=forecast,
        analysis=analysis,
        events=read_events(events_path),
        manifest=manifest,
        track_record=read_if_there(files.TRACK_RECORD, TrackRecord),
        ledger_record=read_if_there(files.LEDGER_RECORD, LedgerSummary),
        previous=read_if_there(files.PREVIOUS_RUN, PreviousRun),
        notes=notes,
        options=options or ReportOptions(),
    )


def _read_both(folder: Path) -> tuple[Forecast, Analysis]:
    return read_record(folder / files.FORECAST, Forecast), read_record(folder / files.ANALYSIS, Analysis)


# The run before


class ComparisonError(ValueError):
    """The earlier run is no earlier answer to the same questions; the message says why."""


def compare_with(run_dir: Path, earlier_dir: Path) -> PreviousRun:
    """Return what the run in ``earlier_dir`` said about the questions of the one in ``run_dir``.

    ``RunFolderError``: a record is missing or damaged, or the earlier run is no earlier answer to them.
    """
    try:
        events = read_events(run_dir / files.EVENTS)
        return compare_runs(*_read_both(earlier_dir), *_read_both(run_dir), events)
    except ComparisonError as error:
        raise RunFolderError(f"{earlier_dir}: {error}") from error


def compare_runs(
    earlier: Forecast,
    earlier_analysis: Analysis,
    later: Forecast,
    later_analysis: Analysis,
    events: EventTable,
) -> PreviousRun:
    """Return what the earlier run said about the questions of the later one.

    ``ComparisonError``: it is about another pair, is not earlier, did not converge, had too little record,
    or has no question in common.
    """
    the_run = f"the run {earlier.run_id}"
    if (earlier.dyad.a, earlier.dyad.b) != (later.dyad.a, later.dyad.b):
        raise ComparisonError(
            f"{the_run} is about {earlier.dyad.a} and {earlier.dyad.b}, this one about {later.dyad.a} and "
            f"{later.dyad.b}. Give a run of the same pair."
        )
    if earlier.as_of > later.as_of or earlier.run_id == later.run_id:
        raise ComparisonError(
            f"{the_run} is as of {earlier.as_of}, which is not before {later.as_of}. Give an earlier run."
        )
    if not earlier.converged:
        raise ComparisonError(
            f"{the_run} did not converge, so its numbers must not be used. Give another run."
        )
    if earlier.too_little:
        raise ComparisonError(
            f"{the_run} is no forecast. {notice_text(earlier.too_little)} Give another run."
        )
    # The counts of two runs compare where the first day and the actors are the same.
    first, second = earlier_analysis.data, later_analysis.data
    dyads = [(one.dyad.a, one.dyad.b, one.dyad.theatre) for one in (first, second)]
    same_acts = first.first_date == second.first_date and dyads[0] == dyads[1]
    known = {_rule(target): target for target in earlier.targets}
    changes = tuple(
        change
        for target in later.targets
        if (before := known.get(_rule(target))) is not None
        for change in _changes(before, target, later, same_acts=same_acts)
    )
    if not changes:
        raise ComparisonError(
            f"{the_run} asks none of this run's questions (same target, same definition, same milestone and "
            "day). Give another run."
        )
    since = events.between(earlier.as_of + timedelta(days=1), later.as_of)
    priors, now = (
        {one.name: one.prior for one in analysis.parameters}
        for analysis in (earlier_analysis, later_analysis)
    )
    version = earlier.versions.get("forecast")
    return PreviousRun(
        schema=1,
        run_id=earlier.run_id,
        as_of=earlier.as_of,
        code_version=version or "",
        new_events=dict(sorted(Counter(since.category.tolist()).items())),
        changed_priors=tuple(
            sorted(name for name in priors.keys() | now.keys() if priors.get(name) != now.get(name))
        ),
        other_model=earlier.model != later.model or version != later.versions.get("forecast"),
        changes=changes,
    )


def _rule(target: TargetForecast) -> tuple[object, ...]:
    """What makes a target the same in two runs."""
    return target.name, target.any_of, target.min_severity, target.by


def _changes(
    before: TargetForecast, now: TargetForecast, later: Forecast, *, same_acts: bool
) -> Iterator[MilestoneChange]:
    answers = {(milestone.name, milestone.date): milestone for milestone in before.milestones}
    happened = now.observed_before - before.observed_before
    for milestone in now.milestones:
        answer = answers.get((milestone.name, milestone.date))
        if answer is not None:
            yield MilestoneChange(
                target=now.name,
                milestone=answer.name,
                date=answer.date,
                probability=answer.probability,
                mcse=answer.mcse,
                interval90=answer.interval90,
                quiet=_quiet_chance(before.chances, answer.probability, later),
                # Where the earlier data held more, the counts cannot be compared.
                happened_since=happened if same_acts and happened >= 0 else None,
            )


def _quiet_chance(curve: ChanceTable, probability: float, later: Forecast) -> float:
    """P(by the milestone | not by the later as-of day) on the earlier paths."""
    place = bisect_left(curve.day, later.as_of + timedelta(days=1))
    if place >= len(curve.day) or curve.day[0] > later.as_of:
        return probability
    gone = curve.mean[place]
    return probability if gone >= 1 else max(0.0, (probability - gone) / (1 - gone))
