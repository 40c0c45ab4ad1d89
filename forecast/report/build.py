"""A run folder → ``report.pdf`` and ``figures/*.svg`` in it."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from forecast.errors import RunFolderError
from forecast.events.reading import read_events
from forecast.record import Analysis, Forecast, LedgerSummary, Record, TrackRecord
from forecast.report.content import ReportOptions, make_content
from forecast.report.figures import write_figures
from forecast.report.pdf import compile_pdf
from forecast.report.printable import printable_content
from forecast.report.run_records import RunRecords
from forecast.report.typeface import glyphs

TRACK_RECORD = "track_record.json"
"""The file of a run folder that holds its track record."""
LEDGER_RECORD = "ledger_record.json"
"""The file of a run folder that holds what was on record in the ledger before."""


def build_report(run_dir: Path, options: ReportOptions) -> Path:
    """Build the report of a saved run; no posterior is needed and nothing is fitted.

    Parameters
    ----------
    run_dir : Path
        Folder with ``forecast.json``, ``analysis.json``, ``events.csv`` and ``manifest.json``, and with
        ``track_record.json`` when there was a backtest, ``ledger_record.json`` when there was a ledger.
    options : ReportOptions
        Paper and names.

    Returns
    -------
    Path
        ``run_dir/report.pdf``. It and ``figures/*.svg`` are replaced whole, and only after all of them
        are made.

    Raises
    ------
    RunFolderError
        A file is missing or not what a run leaves behind, or the folder cannot be written.
    EventError
        ``events.csv`` is not valid.
    ForecastError
        typst refused the report.
    """
    run = read_run_records(run_dir)
    target = run_dir / "report.pdf"
    try:
        with tempfile.TemporaryDirectory(prefix=".report-", dir=run_dir) as name:
            figures_dir = Path(name) / "figures"
            figures_dir.mkdir()
            pdf = Path(name) / "report.pdf"
            pdf.write_bytes(compile_report(run, options, figures_dir))
            (run_dir / "figures").mkdir(exist_ok=True)
            for figure in sorted(figures_dir.iterdir()):
                os.replace(figure, run_dir / "figures" / figure.name)
            os.replace(pdf, target)
    except OSError as error:
        raise RunFolderError(
            f"{run_dir}: the report could not be written ({error.strerror or error}). "
            "Check that the folder can be written and the disk has room; an older report is untouched."
        ) from error
    return target


def read_run_records(run_dir: Path) -> RunRecords:
    """Read and check all that a report is made from.

    Raises
    ------
    RunFolderError
        A file is missing or not what a run leaves behind.
    EventError
        ``events.csv`` is not valid.
    """
    forecast = _read_record(run_dir / "forecast.json", Forecast)
    analysis = _read_record(run_dir / "analysis.json", Analysis)
    manifest = _read_manifest(run_dir / "manifest.json")
    track_path, ledger_path = run_dir / TRACK_RECORD, run_dir / LEDGER_RECORD
    _require(run_dir / "events.csv")
    return RunRecords(
        forecast=forecast,
        analysis=analysis,
        events=read_events(run_dir / "events.csv"),
        manifest=manifest,
        track_record=_read_record(track_path, TrackRecord) if track_path.exists() else None,
        ledger_record=_read_record(ledger_path, LedgerSummary) if ledger_path.exists() else None,
    )


def compile_report(run: RunRecords, options: ReportOptions, figures_dir: Path) -> bytes:
    """Draw the figures into ``figures_dir`` and return the PDF; the same input gives the same bytes.

    Raises
    ------
    ForecastError
        typst refused the report.
    """
    content = make_content(run, options)
    figures = write_figures(content, figures_dir)
    shown = printable_content(content.as_json(), glyphs())
    return compile_pdf(shown, figures, run.events.canonical_csv(), run.forecast.as_of)


def _require(path: Path) -> None:
    if not path.is_file():
        raise RunFolderError(
            f"{path}: file missing. A report is built from a whole run folder "
            "(forecast.json, analysis.json, events.csv, manifest.json); run the forecast again."
        )


def _read_record[R: Record](path: Path, kind: type[R]) -> R:
    _require(path)
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RunFolderError(
            f"{path}: {place}: {first['msg']}. The file is not what a run writes; run the forecast again."
        ) from error


def _read_manifest(path: Path) -> dict[str, object]:
    _require(path)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunFolderError(f"{path}: not JSON ({error}). Run the forecast again.") from error
    if not isinstance(manifest, dict):
        raise RunFolderError(
            f"{path}: a mapping is expected, not {type(manifest).__name__}. Run the forecast again."
        )
    return manifest
