"""The files of a run: written whole into its folder, and the report built again from them."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import xarray as xr

from forecast.config import Config, config_hash, load_config, resolved_yaml, scenario_yaml
from forecast.config.writing import SCENARIO_FOLDER, scenario_files
from forecast.errors import RunFolderError
from forecast.evaluation.found_backtest import FoundBacktest, find_track_record
from forecast.events.reading import read_events, write_events
from forecast.events.table import EventTable
from forecast.inference import Posterior
from forecast.inputs import Inputs
from forecast.record import Analysis, Forecast, LedgerSummary, TrackRecord
from forecast.report import ReportOptions, build_report
from forecast.report.build import LEDGER_RECORD, TRACK_RECORD
from forecast.run_folder import file_hashes, new_run_folder
from forecast.series import TargetRule
from forecast.simulation import FirstHits
from forecast.simulation.paths import RANDOM_STREAMS

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
        note = f"The backtest beside this run was not used: {found.refusal.rstrip('.')}."
        analysis = analysis.model_copy(update={"warnings": (*analysis.warnings, note)})
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
        manifest = _manifest(run)
        _write_json(manifest, filling / "manifest.json")
        began = time.perf_counter()
        build_report(filling, report_options(config))
        timings = run.forecast.timings_s | {"report": round(time.perf_counter() - began, 3)}
        _write_record(run.forecast.model_copy(update={"timings_s": timings}), filling / "forecast.json")
        outputs = {"outputs_sha256": _output_hashes(filling)}
        _write_json(manifest | {"timings_s": timings} | outputs, filling / "manifest.json")
    return folder


def rebuild_report(folder: Path, options: ReportOptions | None = None) -> Path:
    """Build the report of a saved run again, from the run folder alone; nothing is fitted.

    A run without a track record takes that of a backtest made since, once; from then on the folder holds it.

    Raises
    ------
    RunFolderError
        The folder is no run folder, or a file of it is missing.
    """
    config_path = folder / "config.resolved.yaml"
    if not config_path.is_file():
        raise RunFolderError(
            f"{folder}: not a run folder (no config.resolved.yaml). Give the folder that 'forecast run' "
            "made, e.g. reports/us-china-2023/2023-07-10"
        )
    config = load_config(config_path)
    adopted = not (folder / TRACK_RECORD).exists() and _adopt_backtest(config, folder)
    report = build_report(folder, options or report_options(config))
    if adopted:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        _write_json(manifest | {"outputs_sha256": _output_hashes(folder)}, folder / "manifest.json")
    return report


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
    path = folder / TRACK_RECORD
    try:
        _write_record(found.record, path)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise RunFolderError(
            f"{path}: cannot be written ({error.strerror or error}). Check permissions and free space."
        ) from error
    return True


def _output_hashes(folder: Path) -> dict[str, str]:
    return {name: value for name, value in file_hashes(folder).items() if name != "manifest.json"}


def _find_backtest(config: Config, events: EventTable, folder: Path) -> FoundBacktest | None:
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


def report_options(config: Config) -> ReportOptions:
    """Report settings of a config."""
    return ReportOptions(
        paper=config.report.paper, author=config.report.author, organisation=config.report.organisation
    )


def _write_scenarios(inputs: Inputs, filling: Path) -> None:
    if inputs.scenarios:
        (filling / SCENARIO_FOLDER).mkdir()
    for name, scenario in zip(scenario_files(inputs.config), inputs.scenarios, strict=True):
        (filling / SCENARIO_FOLDER / name).write_text(scenario_yaml(scenario), encoding="utf-8")


def _write_paths(hits: FirstHits, n_chains: int, path: Path) -> None:
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


def _write_record(record: Forecast | Analysis | LedgerSummary | TrackRecord, path: Path) -> None:
    path.write_text(record.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")


def _write_json(content: dict[str, object], path: Path) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
