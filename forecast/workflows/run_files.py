"""The files of a run: written whole into its folder, and the report built again from them."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from forecast.config import Config, config_hash, load_config, resolved_yaml, scenario_yaml
from forecast.config.writing import SCENARIO_FOLDER, saved_logo, scenario_files
from forecast.errors import RunFolderError
from forecast.events.reading import read_events, write_events
from forecast.events.table import EventTable
from forecast.panel.streams import TargetRule
from forecast.records.analysis import Analysis, UnusedBacktest
from forecast.records.base import Record
from forecast.records.forecast import Forecast
from forecast.records.history import LedgerSummary, PreviousRun, TrackRecord
from forecast.report import ReportOptions, build_report, report_options
from forecast.report.build import LEDGER_RECORD, PREVIOUS_RUN, TRACK_RECORD, BuiltReport, compare_with
from forecast.runs.folder import new_run_folder
from forecast.runs.manifest import output_hashes, record_outputs, refuse_changed_files, write_json

if TYPE_CHECKING:
    # Not loaded, since a saved run is rebuilt without them: they bring PyMC.
    from forecast.evaluation.track_record import FoundBacktest
    from forecast.inference.posterior import Posterior
    from forecast.runs.inputs import Inputs
    from forecast.simulation import FirstHits

_LOGGER = logging.getLogger(__name__)
BACKTEST = "backtest"
"""Folder, beside the runs of a config, that holds its backtest."""


@dataclass(frozen=True)
class Run:
    """A finished run in memory."""

    inputs: Inputs
    posterior: Posterior
    hits: FirstHits
    forecast: Forecast
    analysis: Analysis


def run_id(config: Config, events: EventTable) -> str:
    """Name of a run: the same settings, data and version have the same id."""
    text = "\n".join([config_hash(config), events.sha256, version("forecast")])
    return f"{config.name}-{config.as_of:%Y%m%d}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


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
    found = _find_backtest(config, run.inputs.events, folder)
    if found and not found.record:
        unused = UnusedBacktest(refusal=found.refusal.rstrip("."))
        analysis = analysis.model_copy(update={"warnings": (*analysis.warnings, unused)})
    with new_run_folder(folder, force=force) as filling:
        write_events(run.inputs.events, filling / "events.csv")
        (filling / "config.resolved.yaml").write_text(resolved_yaml(config, folder), encoding="utf-8")
        _write_scenarios(run.inputs, filling)
        run.posterior.write(filling / "posterior.nc")
        _write_paths(run.hits, run.posterior.n_chains, filling / "paths.nc")
        _write_record(analysis, filling / "analysis.json")
        if found and found.record:
            _write_record(found.record, filling / TRACK_RECORD)
        if ledger_record:
            _write_record(ledger_record, filling / LEDGER_RECORD)
        _write_record(run.forecast, filling / "forecast.json")
        if config.logo_path is not None:
            shutil.copyfile(config.logo_path, filling / saved_logo(config.logo_path))
        previous = _compare_with_earlier(folder, filling, config)
        if previous:
            _write_record(previous, filling / PREVIOUS_RUN)
        manifest = _manifest(run)
        write_json(manifest, filling / "manifest.json")
        began = time.perf_counter()
        build_report(filling, report_options(config))
        timings = run.forecast.timings_s | {"report": round(time.perf_counter() - began, 3)}
        _write_record(run.forecast.model_copy(update={"timings_s": timings}), filling / "forecast.json")
        outputs = {"outputs_sha256": output_hashes(filling)}
        write_json(manifest | {"timings_s": timings} | outputs, filling / "manifest.json")
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
    config = load_config(folder / "config.resolved.yaml")
    chosen = options or report_options(config)
    chosen = replace(chosen, template=template or chosen.template, paper=paper or chosen.paper)
    adopted = []
    with _undone_on_failure(folder / PREVIOUS_RUN), _undone_on_failure(folder / TRACK_RECORD):
        if previous is not None:
            _require_run_folder(previous)
            _write_record_whole(compare_with(folder, previous), folder / PREVIOUS_RUN)
            adopted.append(PREVIOUS_RUN)
        if not (folder / TRACK_RECORD).exists() and _adopt_backtest(config, folder):
            adopted.append(TRACK_RECORD)
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
    if not (folder / "config.resolved.yaml").is_file():
        raise RunFolderError(
            f"{folder}: not a run folder (no config.resolved.yaml). Give the folder that 'forecast run' "
            "made, e.g. reports/us-china-2023/2023-07-10"
        )


def latest_earlier_run(folder: Path, config: Config) -> Path | None:
    """Return the run of the same name and the last earlier as-of day beside ``folder``, if there is one."""
    earlier = [
        place
        for place in folder.parent.glob("????-??-??")
        if place.name < config.as_of.isoformat() and (place / "forecast.json").is_file()
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
    if not (folder / "events.csv").is_file():
        return False  # the report says which file is missing
    found = _find_backtest(config, read_events(folder / "events.csv"), folder)
    if found is None:
        return False
    if found.record is None:
        _LOGGER.warning("%s: the backtest beside this run was not used: %s", folder, found.refusal)
        return False
    _write_record_whole(found.record, folder / TRACK_RECORD)
    return True


def _write_record_whole(record: TrackRecord | PreviousRun, path: Path) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_record(record, beside)
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RunFolderError(
            f"{path}: cannot be written ({error.strerror or error}). Check permissions and free space."
        ) from error


def _find_backtest(config: Config, events: EventTable, folder: Path) -> FoundBacktest | None:
    from forecast.evaluation.track_record import find_track_record

    rules = [TargetRule(name, tuple(one.any_of), one.min_severity) for name, one in config.targets.items()]
    return find_track_record(
        folder.parent / BACKTEST,
        events,
        rules,
        config.as_of,
        config.model.family,
        config.model_dump(mode="json")["model"]["priors"],
        seed=config.sampler.seed,
    )


def _write_scenarios(inputs: Inputs, filling: Path) -> None:
    if inputs.scenarios:
        (filling / SCENARIO_FOLDER).mkdir()
    for name, scenario in zip(scenario_files(inputs.config), inputs.scenarios, strict=True):
        (filling / SCENARIO_FOLDER / name).write_text(scenario_yaml(scenario), encoding="utf-8")


def _write_paths(hits: FirstHits, n_chains: int, path: Path) -> None:
    import xarray as xr

    from forecast.simulation.paths import RANDOM_STREAMS

    n_targets, n_draws, n_paths = hits.day.shape
    first = hits.day.reshape(n_targets, n_chains, n_draws // n_chains, n_paths)
    meaning = {"long_name": "days from the origin to the first target event; 2147483647: none in the horizon"}
    dataset = xr.Dataset(
        {"first_day": (("target", "chain", "draw", "path"), first, meaning)},
        coords={"target": list(hits.targets)},
        attrs={
            "origin": hits.origin.isoformat(),
            "horizon_days": hits.horizon_days,
            "random_streams": RANDOM_STREAMS,
        },
    )
    # In memory first: HDF5 ends the whole process when the disk is full while it writes a file itself.
    content = dataset.to_netcdf(engine="h5netcdf", encoding={"first_day": {"zlib": True, "complevel": 4}})
    path.write_bytes(bytes(content))


def _manifest(run: Run) -> dict[str, object]:
    config = run.inputs.config
    return {
        "run_id": run.forecast.run_id,
        "config_sha256": config_hash(config),
        "data_sha256": run.inputs.events.sha256,
        "code_version": version("forecast"),
        "seed": config.sampler.seed,
        "versions": run.forecast.versions,
        "made_on": datetime.now(UTC).date().isoformat(),
    }


def _write_record(record: Record, path: Path) -> None:
    path.write_text(record.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")
