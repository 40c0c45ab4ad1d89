"""A run saved with its report, and the report of a saved run built again."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from forecast.config import Config, config_hash, load_config
from forecast.config.writing import saved_logo
from forecast.errors import RunFolderError
from forecast.events.reading import read_events
from forecast.events.table import EventTable
from forecast.records.analysis import UnusedBacktest
from forecast.records.history import LedgerSummary, PreviousRun
from forecast.report import ReportOptions, build_report, report_options
from forecast.report.build import BuiltReport
from forecast.report.run_records import compare_with
from forecast.runs import files
from forecast.runs.folder import (
    new_run_folder,
    output_hashes,
    record_outputs,
    refuse_changed_files,
    write_json,
    write_record,
    write_record_whole,
)
from forecast.runs.inputs import target_rules
from forecast.runs.run import Run, write_run
from forecast.wording.warnings import refusal_clause

if TYPE_CHECKING:
    # Not loaded, since a saved run is rebuilt without them: they bring PyMC.
    from forecast.evaluation.track_record import FoundBacktest

_LOGGER = logging.getLogger(__name__)


def save_run(
    run: Run, folder: Path, *, force: bool = False, ledger_record: LedgerSummary | None = None
) -> Path:
    """Write the run folder with its report: whole, or not at all.

    When the backtest of the config lies beside the folder, its record goes into the run. One that is about
    other questions is not used, and the report says so. ``ledger_record`` is what was on record before.

    Raises
    ------
    RunFolderError
        The folder is there already (and not ``force``), or cannot be written.
    """
    config, analysis = run.inputs.config, run.analysis
    if analysis is None:
        raise ValueError("a run is saved with its analysis")
    found = _find_backtest(config, run.inputs.events, folder)
    if found and found.refusal:
        unused = UnusedBacktest(refusal=found.refusal)
        analysis = analysis.model_copy(update={"warnings": (*analysis.warnings, unused)})
    with new_run_folder(folder, force=force) as filling:
        write_run(replace(run, analysis=analysis), filling, folder)
        if found and found.record:
            write_record(found.record, filling / files.TRACK_RECORD)
        if ledger_record:
            write_record(ledger_record, filling / files.LEDGER_RECORD)
        if config.logo_path is not None:
            shutil.copyfile(config.logo_path, filling / saved_logo(config.logo_path))
        previous = _compare_with_earlier(folder, filling, config)
        if previous:
            write_record(previous, filling / files.PREVIOUS_RUN)
        manifest = _manifest(run)
        write_json(manifest, filling / files.MANIFEST)
        began = time.perf_counter()
        build_report(filling, report_options(config))
        timings = run.forecast.timings_s | {"report": round(time.perf_counter() - began, 3)}
        write_record(run.forecast.model_copy(update={"timings_s": timings}), filling / files.FORECAST)
        outputs = {"outputs_sha256": output_hashes(filling)}
        write_json(manifest | {"timings_s": timings} | outputs, filling / files.MANIFEST)
    return folder


def rebuild_report(
    folder: Path,
    options: ReportOptions | None = None,
    *,
    previous: Path | None = None,
    template: Path | None = None,
    paper: Literal["a4", "us-letter"] | None = None,
    figures: Path | None = None,
    tables: Path | None = None,
    force: bool = False,
) -> BuiltReport:
    """Build the report of a saved run again, from the run folder alone; nothing is fitted.

    A run without a track record takes that of a backtest made since, once; from then on the folder holds it.
    So it is with the earlier run of ``previous``.

    Parameters
    ----------
    folder : Path
        The run.
    options : ReportOptions, optional
        In place of those of the run's config.
    previous : Path, optional
        Folder of an earlier run, for the change since then.
    template : Path, optional
        Typst file in place of the package's frame of the PDF.
    paper : {"a4", "us-letter"}, optional
        In place of the paper of the options.
    figures, tables : Path, optional
        Folders for the charts as SVG and PNG, and for the tables as CSV.
    force : bool
        Build even from files that are not as the run left them; the report says so on page 1.

    Raises
    ------
    RunFolderError
        The folder is no run folder, or a file of it is missing or altered.
    InputError
        The template or the logo cannot be used, or a folder cannot be written.
    """
    _require_run_folder(folder)
    notes = refuse_changed_files(folder, force=force)
    config = load_config(folder / files.CONFIG)
    chosen = options or report_options(config)
    chosen = replace(chosen, template=template or chosen.template, paper=paper or chosen.paper)
    adopted = []
    with _undone_on_failure(folder / files.PREVIOUS_RUN), _undone_on_failure(folder / files.TRACK_RECORD):
        if previous is not None:
            _require_run_folder(previous)
            write_record_whole(compare_with(folder, previous), folder / files.PREVIOUS_RUN)
            adopted.append(files.PREVIOUS_RUN)
        if not (folder / files.TRACK_RECORD).exists() and _adopt_backtest(config, folder):
            adopted.append(files.TRACK_RECORD)
        built = build_report(folder, chosen, notes=notes, export_figures_to=figures, export_tables_to=tables)
    record_outputs(folder, [*adopted, *(path.relative_to(folder).as_posix() for path in built.in_run_folder)])
    return built


@contextmanager
def _undone_on_failure(path: Path) -> Iterator[None]:
    """Leave a file as it was before, when the work with the new one fails."""
    before = path.read_bytes() if path.is_file() else None
    try:
        yield
    except BaseException:
        if before is not None:
            path.write_bytes(before)
        else:
            path.unlink(missing_ok=True)
        raise


def _require_run_folder(folder: Path) -> None:
    if not (folder / files.CONFIG).is_file():
        raise RunFolderError(
            f"{folder}: not a run folder (no {files.CONFIG}). Give the folder that 'forecast run' made, "
            "e.g. reports/us-china-2023/2023-07-10"
        )


def latest_earlier_run(folder: Path, config: Config) -> Path | None:
    """Return the run of the same name and the last earlier as-of day beside ``folder``, if there is one."""
    earlier = [
        place
        for place in folder.parent.glob("????-??-??")
        if place.name < config.as_of.isoformat() and (place / files.FORECAST).is_file()
    ]
    return max(earlier, key=lambda place: place.name, default=None)


def _compare_with_earlier(folder: Path, filling: Path, config: Config) -> PreviousRun | None:
    """Return what the last earlier run beside this one said; a folder that cannot be compared is passed."""
    earlier = latest_earlier_run(folder, config)
    if earlier is None:
        return None
    try:
        return compare_with(filling, earlier)
    except RunFolderError as error:
        _LOGGER.warning("no change is shown since the run before: %s", error)
        return None


def _adopt_backtest(config: Config, folder: Path) -> bool:
    """Write the track record of a backtest made since into the run; say whether there is one."""
    if not (folder / files.EVENTS).is_file():
        return False  # the report says which file is missing
    found = _find_backtest(config, read_events(folder / files.EVENTS), folder)
    if found is None:
        return False
    if found.record is None:
        why = refusal_clause(found.refusal) if found.refusal else ""
        _LOGGER.warning("%s: the backtest beside this run was not used: %s", folder, why)
        return False
    write_record_whole(found.record, folder / files.TRACK_RECORD)
    return True


def _find_backtest(config: Config, events: EventTable, folder: Path) -> FoundBacktest | None:
    from forecast.evaluation.track_record import find_track_record

    places = [folder.parent / files.BACKTEST]
    if config.track_record_path is not None:
        places.append(config.track_record_path)
    for place in places:
        found = find_track_record(
            place,
            events,
            target_rules(config),
            config.as_of,
            config.model.family,
            config.model_dump(mode="json")["model"]["priors"],
            seed=config.sampler.seed,
        )
        if found is not None:
            return found
    return None


def _manifest(run: Run) -> dict[str, object]:
    config = run.inputs.config
    return {
        "kind": "run",
        "run_id": run.forecast.run_id,
        "config_sha256": config_hash(config),
        "data_sha256": run.inputs.events.sha256,
        "code_version": version("forecast"),
        "seed": config.sampler.seed,
        "versions": run.forecast.versions,
        "made_on": datetime.now(UTC).date().isoformat(),
    }
