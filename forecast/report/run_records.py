"""What a report is made from: the records of a run, read from its folder, and of the run before it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from forecast import wording
from forecast.config import Config
from forecast.config.schema import ImpactConfig
from forecast.config.writing import Logo, read_logo
from forecast.errors import RunFolderError
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.records.analysis import (
    Analysis,
    DataSummary,
    LedgerSummary,
    MilestoneChange,
    PreviousRun,
    TrackRecord,
)
from forecast.records.base import Record
from forecast.records.forecast import Curve, Forecast, MilestoneForecast, TargetForecast
from forecast.report.typesetting import shorten
from forecast.report.words import headline_pair, stands_out
from forecast.runs import files
from forecast.runs.files import read_manifest, read_record


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How the report is set, which parts it has (``None``: all), and whose name it carries.

    ``accent`` is ``#RRGGBB``, ``impact`` by name of the target, ``fonts`` are files for signs that the
    typeface lacks, and ``template`` is a typst file in place of the package's frame.
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
    template: Path | None = None

    def shows(self, part: str) -> bool:
        """Whether the report has this part."""
        return self.sections is None or part in self.sections


def report_options(config: Config) -> ReportOptions:
    """Report settings of a config, its logo read (``InputError`` where it is no image)."""
    chosen = config.report
    return ReportOptions(
        paper=chosen.paper,
        title=chosen.title,
        author=chosen.author,
        organisation=chosen.organisation,
        logo=read_logo(config.logo_path) if config.logo_path else None,
        classification=chosen.classification,
        accent=chosen.accent,
        fonts=config.font_paths,
        impact=chosen.impact,
        sections=chosen.sections,
    )


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

    Raises
    ------
    RunFolderError
        A file is missing or not what a run leaves behind.
    EventError
        ``events.csv`` is not valid.
    """
    forecast, analysis = _read_both(run_dir)
    manifest, events_path = read_manifest(run_dir), run_dir / files.EVENTS
    if not events_path.is_file():
        raise RunFolderError(
            f"{events_path}: file missing. A whole run folder is needed (forecast.json, analysis.json, "
            "events.csv, manifest.json …), as 'forecast run' makes it."
        )
    return RunRecords(
        forecast=forecast,
        analysis=analysis,
        events=read_events(events_path),
        manifest=manifest,
        track_record=_read_if_there(run_dir / files.TRACK_RECORD, TrackRecord),
        ledger_record=_read_if_there(run_dir / files.LEDGER_RECORD, LedgerSummary),
        previous=_read_if_there(run_dir / files.PREVIOUS_RUN, PreviousRun),
        notes=notes,
        options=options or ReportOptions(),
    )


def compare_with(run_dir: Path, earlier_dir: Path) -> PreviousRun:
    """Return what the run in ``earlier_dir`` said about the questions of the one in ``run_dir``.

    Raises
    ------
    RunFolderError
        A record is missing or damaged, or the earlier run is no earlier answer to the same questions.
    """
    try:
        events = read_events(run_dir / files.EVENTS)
        return compare_runs(*_read_both(earlier_dir), *_read_both(run_dir), events)
    except ComparisonError as error:
        raise RunFolderError(f"{earlier_dir}: {error}") from error


def _read_both(folder: Path) -> tuple[Forecast, Analysis]:
    return read_record(folder / files.FORECAST, Forecast), read_record(folder / files.ANALYSIS, Analysis)


def _read_if_there[R: Record](path: Path, kind: type[R]) -> R | None:
    return read_record(path, kind) if path.exists() else None


LEVEL = "≈"
_NAMED_PRIORS = 3


class ComparisonError(ValueError):
    """The earlier run is no earlier answer to the same questions; the message says why."""


def compare_runs(
    earlier: Forecast,
    earlier_analysis: Analysis,
    later: Forecast,
    later_analysis: Analysis,
    events: EventTable,
) -> PreviousRun:
    """Return what the earlier run said about the questions of the later one.

    Raises
    ------
    ComparisonError
        The earlier run is about another pair, is not earlier, did not converge, or has no question in common.
    """
    if (earlier.dyad.a, earlier.dyad.b) != (later.dyad.a, later.dyad.b):
        raise ComparisonError(
            f"the run {earlier.run_id} is about {earlier.dyad.a} and {earlier.dyad.b}, this one about "
            f"{later.dyad.a} and {later.dyad.b}. Give a run of the same pair."
        )
    if earlier.as_of > later.as_of or earlier.run_id == later.run_id:
        raise ComparisonError(
            f"the run {earlier.run_id} is as of {earlier.as_of}, which is not before {later.as_of}. "
            "Give an earlier run."
        )
    if not earlier.converged:
        raise ComparisonError(
            f"the run {earlier.run_id} did not converge, so its numbers must not be used. Give another run."
        )
    same_acts = _count_same_acts(earlier_analysis.data, later_analysis.data)
    known = {target.name: target for target in earlier.targets}
    changes = [
        change
        for target in later.targets
        if target.name in known and known[target.name].definition == target.definition
        for change in _changes(known[target.name], target, later, same_acts=same_acts)
    ]
    if not changes:
        raise ComparisonError(
            f"the run {earlier.run_id} asks none of this run's questions (same target, same definition, same "
            "milestone and day). Give another run."
        )
    since = events.between(earlier.as_of + timedelta(days=1), later.as_of)
    return PreviousRun(
        schema=1,
        run_id=earlier.run_id,
        as_of=earlier.as_of,
        code_version=earlier.versions.get("forecast", ""),
        new_events=dict(sorted(Counter(since.category.tolist()).items())),
        changed_priors=_changed_priors(earlier_analysis, later_analysis),
        other_model=earlier.model != later.model
        or earlier.versions.get("forecast") != later.versions.get("forecast"),
        changes=tuple(changes),
    )


def _count_same_acts(before: DataSummary, now: DataSummary) -> bool:
    """Whether the counts of two runs can be compared: same first day, acts of the same actors."""
    rules = [(one.a, one.b, one.theatre) for one in (before.dyad, now.dyad)]
    return before.first_date == now.first_date and rules[0] == rules[1]


def _changes(
    before: TargetForecast, now: TargetForecast, later: Forecast, *, same_acts: bool
) -> list[MilestoneChange]:
    said = {(one.name, one.date): one for one in before.milestones}
    happened = now.observed_before - before.observed_before
    # Where the earlier data held more, the counts cannot be compared.
    known = happened if same_acts and happened >= 0 else None
    return [
        MilestoneChange(
            target=now.name,
            milestone=one.name,
            date=one.date,
            probability=one.probability,
            mcse=one.mcse,
            interval90=one.interval90,
            quiet=_quiet_chance(before.curve, one.probability, later),
            happened_since=known,
        )
        for milestone in now.milestones
        if (one := said.get((milestone.name, milestone.date))) is not None
    ]


def _quiet_chance(curve: Curve, probability: float, later: Forecast) -> float:
    """P(by the milestone | not by the later as-of day) on the earlier paths."""
    place = bisect_left(curve.date, later.as_of + timedelta(days=1))
    if place >= len(curve.date) or curve.date[0] > later.as_of:
        return probability
    gone = curve.probability[place]
    return probability if gone >= 1 else max(0.0, (probability - gone) / (1 - gone))


def _changed_priors(earlier: Analysis, later: Analysis) -> tuple[str, ...]:
    before = {one.name: one.prior for one in earlier.parameters}
    now = {one.name: one.prior for one in later.parameters}
    return tuple(sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)))


def change_mark(now: MilestoneForecast, before: MilestoneChange | None) -> str:
    """Arrow and whole points, e.g. ``"↑ +6"``; ``"≈"`` within twice the Monte Carlo error, ``"new"`` else."""
    if before is None:
        return "new"
    shown = wording.signed_points(wording.shown_difference(now.probability, before.probability), 0)
    if not has_changed(now, before) or shown == "0":
        return LEVEL
    return f"{'↑' if now.probability > before.probability else '↓'} {shown}"


def has_changed(now: MilestoneForecast, before: MilestoneChange) -> bool:
    """Whether the change is more than twice its Monte Carlo error."""
    return abs(now.probability - before.probability) > 2 * math.hypot(now.mcse, before.mcse)


def change_line(forecast: Forecast, previous: PreviousRun | None) -> str:
    """Short line below the big number; empty without an earlier answer."""
    _, now = headline_pair(forecast)
    before = None if previous is None else previous.change(forecast.headline.target, now.name)
    if previous is None or before is None:
        return ""
    mark, moved = change_mark(now, before), wording.shown_difference(now.probability, before.probability)
    said = f"{LEVEL} unchanged" if mark == LEVEL else f"{mark[0]} {wording.points(moved, 0)}"
    return f"{said} since {wording.short_day(previous.as_of)}"


def change_sentences(forecast: Forecast, previous: PreviousRun | None) -> list[str]:
    """What the earlier run said of the headline, and what the difference comes from."""
    if previous is None:
        return []
    _, now = headline_pair(forecast)
    before = previous.change(forecast.headline.target, now.name)
    day = wording.long_day(previous.as_of)
    if before is None:
        return [f"The run of {day} did not ask the headline question, so that its change is not known."]
    said = (
        f"The run of {day} gave {wording.percent(before.probability)} "
        f"(plausible range {wording.interval_percent(before.interval90)})"
    )
    parts = [f"{said}: no change beyond the Monte Carlo error."]
    if has_changed(now, before):
        moved = wording.shown_difference(now.probability, before.probability)
        direction = "up" if now.probability > before.probability else "down"
        parts = [f"{said}: {direction} {wording.points(moved, 0)} since."]
        parts += _reasons(forecast, previous, now, before)
    return [" ".join(parts), *_other_assumptions(previous)]


def _reasons(
    forecast: Forecast, previous: PreviousRun, now: MilestoneForecast, before: MilestoneChange
) -> list[str]:
    reasons = []
    events = wording.count(sum(previous.new_events.values()), "event")
    if before.happened_since:
        reasons.append(f"The target happened {wording.times(before.happened_since)} in between.")
    elif previous.as_of < forecast.as_of:
        news = wording.shown_difference(now.probability, before.quiet)
        reasons.append(
            f"The days that passed without it would alone have left {wording.percent(before.quiet)}; what "
            f"was learnt from {events} since then accounts for {wording.signed_points(news, 0)}."
        )
    new = [one for one in forecast.drivers if one.date > previous.as_of and stands_out(one.change, one.mcse)]
    if new:
        largest = max(new, key=lambda one: abs(one.change))
        reasons.append(
            f"Of these the one of {wording.long_day(largest.date)} moves it most, by "
            f"{wording.signed_points(largest.change)} points (“{shorten(largest.summary.rstrip('.'), 110)}”)."
        )
    return reasons


def _other_assumptions(previous: PreviousRun) -> list[str]:
    parts = []
    if previous.changed_priors:
        names = previous.changed_priors
        more = len(names) - _NAMED_PRIORS
        named = wording.listing((*names[:_NAMED_PRIORS], *([f"{more} more"] if more > 0 else [])))
        parts.append(f"{wording.count(len(names), 'prior')} ({named})")
    if previous.other_model:
        parts.append("the model or its version")
    if not parts:
        return []
    verb = "differ" if len(parts) > 1 or len(previous.changed_priors) > 1 else "differs"
    said = f"{wording.listing(tuple(parts))} {verb} from that run"
    return [f"{said[:1].upper()}{said[1:]}, so that part of any change is due to other assumptions."]
