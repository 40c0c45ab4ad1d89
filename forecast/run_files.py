"""The files of a run: written whole into its folder, and the report built again from them."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import xarray as xr

from forecast.config import Config, config_hash, load_config, resolved_yaml
from forecast.errors import RunFolderError
from forecast.events.reading import write_events
from forecast.events.table import EventTable
from forecast.inference import Posterior
from forecast.inputs import Inputs
from forecast.record import Analysis, Forecast
from forecast.report import ReportOptions, build_report
from forecast.run_folder import file_hashes, new_run_folder
from forecast.simulation import FirstHits


@dataclass(frozen=True)
class Run:
    """A finished run in memory."""

    inputs: Inputs
    posterior: Posterior
    hits: FirstHits
    forecast: Forecast
    analysis: Analysis


def run_place(config: Config, out: Path) -> Path:
    """Where a run of this config is kept below ``out``: ``<out>/<name>/<as_of>``."""
    return out / config.name / config.as_of.isoformat()


def run_id(config: Config, events: EventTable) -> str:
    """Name of a run: the same settings, data and version have the same id."""
    text = "\n".join([config_hash(config), events.sha256, version("forecast")])
    return f"{config.name}-{config.as_of:%Y%m%d}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def save_run(run: Run, folder: Path, *, force: bool = False) -> Path:
    """Write the run folder with its report: whole, or not at all.

    Raises
    ------
    RunFolderError
        The folder is there already (and not ``force``), or cannot be written.
    """
    config = run.inputs.config
    with new_run_folder(folder, force=force) as filling:
        write_events(run.inputs.events, filling / "events.csv")
        (filling / "config.resolved.yaml").write_text(resolved_yaml(config, folder), encoding="utf-8")
        run.posterior.write(filling / "posterior.nc")
        _write_paths(run.hits, run.posterior.n_chains, filling / "paths.nc")
        _write_record(run.analysis, filling / "analysis.json")
        _write_record(run.forecast, filling / "forecast.json")
        manifest = _manifest(run)
        _write_json(manifest, filling / "manifest.json")
        began = time.perf_counter()
        build_report(filling, report_options(config))
        timings = run.forecast.timings_s | {"report": round(time.perf_counter() - began, 3)}
        _write_record(run.forecast.model_copy(update={"timings_s": timings}), filling / "forecast.json")
        hashes = {name: value for name, value in file_hashes(filling).items() if name != "manifest.json"}
        _write_json(manifest | {"timings_s": timings, "outputs_sha256": hashes}, filling / "manifest.json")
    return folder


def rebuild_report(folder: Path, options: ReportOptions | None = None) -> Path:
    """Build the report of a saved run again, from the run folder alone; nothing is fitted.

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
    return build_report(folder, options or report_options(load_config(config_path)))


def report_options(config: Config) -> ReportOptions:
    """Report settings of a config."""
    return ReportOptions(
        paper=config.report.paper, author=config.report.author, organisation=config.report.organisation
    )


def _write_paths(hits: FirstHits, n_chains: int, path: Path) -> None:
    n_targets, n_draws, n_paths = hits.day.shape
    first = hits.day.reshape(n_targets, n_chains, n_draws // n_chains, n_paths)
    meaning = {"long_name": "days from the origin to the first target event; 2147483647: none in the horizon"}
    dataset = xr.Dataset(
        {"first_day": (("target", "chain", "draw", "path"), first, meaning)},
        coords={"target": list(hits.targets)},
        attrs={"origin": hits.origin.isoformat(), "horizon_days": hits.horizon_days},
    )
    dataset.to_netcdf(path, engine="h5netcdf", encoding={"first_day": {"zlib": True, "complevel": 4}})


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


def _write_record(record: Forecast | Analysis, path: Path) -> None:
    path.write_text(record.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")


def _write_json(content: dict[str, object], path: Path) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
