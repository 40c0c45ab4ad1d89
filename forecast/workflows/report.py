"""A run saved with its report, and the report of a saved run built again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from forecast import __version__
from forecast.config import Config, config_hash
from forecast.config.writing import saved_logo
from forecast.errors import InputError, LedgerError, RunFolderError
from forecast.events.cells import Use
from forecast.events.reading import refuse_barred, terms_of
from forecast.events.table import EventTable
from forecast.ledger.recording import LEDGER_FILE, said_of
from forecast.ledger.store import open_ledger
from forecast.phrases.notices import notice_text
from forecast.records.analysis import LedgerSummary, PreviousRun, TrackRecord, own_record
from forecast.records.notices import Notice, notice
from forecast.report.build import BuiltReport, build_report
from forecast.report.run_records import report_options
from forecast.runs import files
from forecast.runs.files import (
    SavedRun,
    changed_run_folder,
    claimed,
    new_run_folder,
    open_run,
    output_hashes,
    read_record,
    record_outputs,
    run_hash,
    write_json,
    write_record,
)
from forecast.storage import copy_file, day_made

if TYPE_CHECKING:
    # Not loaded, since a saved run is rebuilt without them: they bring the model.
    from forecast.runs.run import Run

_LOGGER = logging.getLogger(__name__)


def save_run(
    run: Run,
    folder: Path,
    *,
    force: bool = False,
    ledger_record: LedgerSummary | None = None,
    kept: bool = False,
    report: bool = True,
    since: Path | None = None,
    record: Callable[[str], object] = lambda manifest: None,
) -> Path:
    """Write the run folder, whole or not at all; then its report. A report that fails leaves the run.

    The record of a backtest beside the folder goes into the run, unless it is about other questions.
    ``ledger_record`` is what was on record before; ``kept``: draws and paths stand in the folder already;
    ``since`` is the earlier run to compare with, the last beside the folder when absent. ``record`` puts the
    run on record by the hash of its manifest before the folder is there.

    Raises ``RunFolderError``: the folder is there already (and not ``force``), or cannot be written;
    ``ForecastError``: the report could not be made; the run is saved.
    """
    from forecast.runs.run import write_run

    config, analysis = run.inputs.config, run.analysis
    if analysis is None:
        raise ValueError("a run is saved with its analysis")
    found = _find_backtest(config, run.inputs.events, folder)
    if isinstance(found, Notice):
        unused = notice("unused_backtest", refusal=found)
        analysis = analysis.model_copy(update={"warnings": (*analysis.warnings, unused)})
    tested = None if isinstance(found, Notice) else found
    forecast = run.forecast.model_copy(update={"record": own_record(run.forecast, tested)})
    saved = replace(run, analysis=analysis, forecast=forecast)
    with claimed(folder):
        place = changed_run_folder(folder) if kept else new_run_folder(folder, force=force)
        with place as filling:
            write_run(saved, filling, folder, draws=not kept)
            if tested:
                write_record(tested, filling / files.TRACK_RECORD)
            if ledger_record:
                write_record(ledger_record, filling / files.LEDGER_RECORD)
            else:
                (filling / files.LEDGER_RECORD).unlink(missing_ok=True)
            if config.logo_path is not None:
                copy_file(config.logo_path, filling / saved_logo(config.logo_path))
            if report and (previous := _news(saved, folder, since)):
                write_record(previous, filling / files.PREVIOUS_RUN)
            _write_manifest(run, filling, run.seconds)
            record(run_hash(filling))
        if report:
            with changed_run_folder(folder) as filling:
                began = time.perf_counter()
                build_report(filling, report_options(config))
                took = round(time.perf_counter() - began, 3)
                _write_manifest(run, filling, {**run.seconds, "report": took})
    return folder


def _renew_others(saved: SavedRun, filling: Path) -> bool:
    """Take in what others said since, by the ledger above a run folder; whether the file changed."""
    known, place = saved.folder / files.LEDGER_RECORD, saved.folder.absolute().parent.parent / LEDGER_FILE
    if not known.is_file() or not place.is_file():
        return False
    record = read_record(known, LedgerSummary)
    try:
        others = said_of(open_ledger(place), saved.config, saved.events, saved.forecast.targets)
    except LedgerError as error:
        _LOGGER.warning("what others said is as of the run: %s", error)
        return False
    if others != record.others:
        write_record(record.model_copy(update={"others": others}), filling / files.LEDGER_RECORD)
    return others != record.others


def _write_manifest(run: Run, filling: Path, timings: Mapping[str, float]) -> None:
    config = run.inputs.config
    manifest = {
        "kind": "run",
        "run_id": run.forecast.run_id,
        "config_sha256": config_hash(config),
        "data_sha256": run.inputs.events.sha256,
        "code_version": __version__,
        "seed": config.sampler.seed,
        "sources": [terms.model_dump(mode="json") for terms in terms_of(run.inputs.events)],
        "use": config.events.use,
        "versions": run.forecast.versions,
        "made_on": (run.forecast.made_on or day_made()).isoformat(),
        "timings_s": dict(timings),
        "outputs_sha256": output_hashes(filling),
    }
    write_json(manifest, filling / files.MANIFEST)


def rebuild_report(
    folder: Path,
    *,
    since: Path | None = None,
    paper: Literal["a4", "us-letter"] | None = None,
    figures: Path | None = None,
    brief_only: bool = False,
    xlsx: bool = False,
    force: bool = False,
) -> BuiltReport:
    """Build the report of a saved run again, from the run folder alone; nothing is fitted.

    A run without a track record takes that of a backtest made since, once, and so the earlier run ``since``.
    ``figures`` is a folder for the charts; ``brief_only`` builds page 1 alone; ``xlsx`` writes
    ``numbers.xlsx`` too; ``force`` builds even from altered files, which the report says on page 1.

    Raises ``RunFolderError``: it is no run folder, or a file of it is missing or altered; ``InputError``: the
    logo cannot be used, or a folder cannot be written.
    """
    open_run(folder, force=force, advice=files.BY_FORCE)
    with claimed(folder):
        saved = open_run(folder, force=force, advice=files.BY_FORCE)
        config = saved.config
        options = report_options(config)
        options = replace(options, paper=paper or options.paper)
        adopted = []
        with changed_run_folder(folder) as filling:
            if since is not None:
                from forecast.runs.run import read_run
                from forecast.sensitivity.news import news_since

                earlier = open_run(since)
                write_record(news_since(read_run(folder), earlier), filling / files.PREVIOUS_RUN)
                adopted.append(files.PREVIOUS_RUN)
            if not (folder / files.TRACK_RECORD).exists() and (record := _backtest_since(saved)):
                write_record(record, filling / files.TRACK_RECORD)
                adopted.append(files.TRACK_RECORD)
            if _renew_others(saved, filling):
                adopted.append(files.LEDGER_RECORD)
            built = build_report(
                filling,
                options,
                notes=saved.notes,
                brief_only=brief_only,
                xlsx=xlsx,
                export_figures_to=figures,
            )
            record_outputs(filling, [*adopted, *built.names])
        return replace(built, folder=folder)


def latest_earlier_run(folder: Path, config: Config) -> Path | None:
    """Return the run of the same name and the last earlier as-of day beside ``folder``, if there is one."""
    earlier = [
        place
        for place in folder.parent.glob("????-??-??")
        if place.name < config.as_of.isoformat() and (place / files.FORECAST).is_file()
    ]
    return max(earlier, key=lambda place: place.name, default=None)


def refuse_use(folder: Path, use: Use, *, force: bool = False) -> None:
    """Refuse a use of a saved run that the terms of its events bar; ``force`` as for its report.

    Raises ``RunFolderError``: it is no run folder, or was altered; ``InputError``: names the acts, and their
    terms; or the events cannot be read.
    """
    saved = open_run(folder, force=force, advice=files.BY_FORCE)
    try:
        refuse_barred(saved.events, use, saved.config.events.licensed)
    except InputError as error:
        raise InputError(f"{folder / files.EVENTS}: {error}") from error


def _news(run: Run, folder: Path, since: Path | None) -> PreviousRun | None:
    """Return what is new since an earlier run, else the last beside this one, if it can be compared."""
    from forecast.sensitivity.news import news_since

    earlier = since or latest_earlier_run(folder, run.inputs.config)
    if earlier is None:
        return None
    try:
        return news_since(run, open_run(earlier))
    except RunFolderError as error:
        if since:
            raise
        _LOGGER.warning("no change is shown since the run before: %s", error)
        return None


def _backtest_since(saved: SavedRun) -> TrackRecord | None:
    """Return the track record of a backtest made since, if there is one."""
    found = _find_backtest(saved.config, saved.events, saved.folder)
    if isinstance(found, Notice):
        words = notice_text(found)
        _LOGGER.warning("%s: the backtest beside this run was not used: %s", saved.folder, words)
        return None
    return found


def _find_backtest(config: Config, events: EventTable, folder: Path) -> TrackRecord | Notice | None:
    from forecast.evaluation.track_record import find_track_record
    from forecast.runs.inputs import target_rules

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
