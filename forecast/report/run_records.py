"""What a report is made from: the records of a run, read from its folder, and of the run before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from forecast.config import Config
from forecast.config.schema import ImpactConfig
from forecast.config.writing import Logo, read_logo
from forecast.errors import RunFolderError
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.records.analysis import Analysis, LedgerSummary, PreviousRun, TrackRecord
from forecast.records.base import Record
from forecast.records.forecast import Forecast
from forecast.runs import files
from forecast.runs.files import read_manifest, read_record


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How the report is set, its parts (``None``: all), whose name it carries, and fonts beside ours."""

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
    """Read and check all that a report is made from; ``RunFolderError``, ``EventError`` name a bad file."""
    forecast = read_record(run_dir / files.FORECAST, Forecast)
    analysis = read_record(run_dir / files.ANALYSIS, Analysis)
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
