"""What a report is made from: the records of a run, read from its folder, and how the report is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from forecast.config import Config
from forecast.config.named_files import Logo, read_logo
from forecast.config.schema import ImpactConfig
from forecast.errors import RunFolderError
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.records.analysis import Analysis
from forecast.records.base import Record
from forecast.records.forecast import Forecast
from forecast.records.history import LedgerSummary, PreviousRun, TrackRecord
from forecast.report.previous_run import ComparisonError, compare_runs
from forecast.runs import files
from forecast.runs.folder import read_manifest, read_record


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
