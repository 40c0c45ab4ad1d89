"""A run: what it read, its posterior draws, its paths and its forecast; in memory, and kept in a folder."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast import __version__
from forecast.config import Config, config_hash, load_config, resolved_yaml, scenario_yaml
from forecast.config.writing import (
    SAVED_AUDIT,
    SAVED_HAZARD,
    SAVED_POPULATION,
    SAVED_SCALE,
    SCENARIO_FOLDER,
    scenario_files,
)
from forecast.errors import MAKE_RUN, RunFolderError
from forecast.events.reading import read_events, write_events
from forecast.events.table import EventTable
from forecast.frames import Backend, ShownInNotebooks
from forecast.inference.posterior import (
    Posterior,
    SamplerOptions,
    open_stored,
    read_posterior,
    write_posterior,
)
from forecast.models.draws import StreamDraws, stream_draws
from forecast.records.analysis import Analysis
from forecast.records.forecast import Content, Forecast
from forecast.runs import files
from forecast.runs.files import command_again, read_record, refuse_changed_files, write_record
from forecast.runs.inputs import Inputs, inputs_of
from forecast.runs.mixture import Mixture, direct_answers, met_by_themselves
from forecast.simulation.paths import RANDOM_STREAMS, SimulationOptions, simulate_first_passages
from forecast.simulation.probabilities import FirstPassages
from forecast.storage import copy_file, write_file

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Run(ShownInNotebooks):
    """A finished run.

    Parameters
    ----------
    inputs : Inputs
        Config, events, counts, priors, target rules and calendar.
    fit : Posterior
        Draws of the model.
    mixture : Mixture
        The forecast by target and day, and the paths that it is read from.
    forecast : Forecast
    analysis : Analysis or None
        ``None`` while the run is being made.
    folder : Path or None
        Where the run is kept; ``None`` for one in memory.
    """

    inputs: Inputs
    fit: Posterior
    mixture: Mixture
    forecast: Forecast
    analysis: Analysis | None = None
    folder: Path | None = None

    def __repr__(self) -> str:
        kept = f", folder={str(self.folder)!r}" if self.folder else ""
        return f"Run({self.forecast!r}, {self.n_draws} draws{kept})"

    @property
    def hits(self) -> FirstPassages:
        """First days of every target on every path of the model, with the acts of the calendar."""
        return self.mixture.paths

    @property
    def events(self) -> EventTable:
        """The acts of the dyad known on the as-of date."""
        return self.inputs.events

    def to_frame(self, content: Content = "milestones", backend: Backend = "pandas") -> Any:  # noqa: ANN401
        """Return a table of the forecast as a data frame; see ``Forecast.to_frame``."""
        return self.forecast.to_frame(content, backend)

    @cached_property
    def posterior(self) -> xr.DataTree:
        """The model for ArviZ: see ``arviz``."""
        return self.arviz()

    def arviz(self) -> xr.DataTree:
        """Return the model as a tree that ArviZ reads, made anew: it takes seconds.

        Groups are ``posterior``, ``sample_stats``, ``prior``, ``posterior_predictive``, ``prior_predictive``,
        ``observed_data``, ``log_likelihood``, ``log_prior``; what is observed is ``acts`` by week and stream.
        """
        from forecast.runs.arviz_tree import arviz_tree

        inputs = self.inputs
        return arviz_tree(self.fit, self.draws, inputs.data, inputs.priors, inputs.config.sampler.seed)

    @property
    def variables(self) -> Mapping[str, Floats]:
        """Draws by variable, chains one after the other, each of shape (draw, …)."""
        return self.fit.variables

    @property
    def n_chains(self) -> int:
        """Chains of the fit."""
        return self.fit.n_chains

    @property
    def n_draws(self) -> int:
        """Draws over all chains."""
        return self.fit.n_draws

    @cached_property
    def draws(self) -> StreamDraws:
        """The draws as the simulator reads them."""
        return stream_draws(self.inputs.data.layout, self.variables, self.inputs.priors)

    @property
    def first_day(self) -> Mapping[str, NDArray[np.int32]]:
        """Target → days from the origin to its first event, shape (draw, path)."""
        return {name: self.hits.of(name) for name in self.hits.targets}

    @property
    def simulation(self) -> SimulationOptions:
        """How the paths of the run were made; the same options give the same paths."""
        return simulation_options(self.inputs.config)


def run_id(config: Config, events: EventTable) -> str:
    """Name of a run: the same settings, data and version have the same id."""
    text = "\n".join([config_hash(config), events.sha256, __version__])
    return f"{config.name}-{config.as_of:%Y%m%d}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def write_run(run: Run, filling: Path, folder: Path, *, draws: bool = True) -> None:
    """Write what was read, the draws and the paths into ``filling``, which will become ``folder``.

    Without ``draws``, those that are there already stay.
    """
    config = run.inputs.config
    write_events(run.inputs.events, filling / files.EVENTS)
    write_file(filling / files.CONFIG, resolved_yaml(config, folder))
    for path, name in (
        (config.population_path, SAVED_POPULATION),
        (config.hazard_path, SAVED_HAZARD),
        (config.audit_path, SAVED_AUDIT),
        (config.scale_path, SAVED_SCALE),
    ):
        if path is not None:
            copy_file(path, filling / name)
    if run.inputs.scenarios:
        (filling / SCENARIO_FOLDER).mkdir(exist_ok=True)
    for name, scenario in zip(scenario_files(config), run.inputs.scenarios, strict=True):
        write_file(filling / SCENARIO_FOLDER / name, scenario_yaml(scenario))
    if draws:
        write_posterior(run.fit, filling / files.POSTERIOR)
        write_paths(run.mixture, run.n_chains, filling / files.PATHS)
    if run.analysis:
        write_record(run.analysis, filling / files.ANALYSIS)
    write_record(run.forecast, filling / files.FORECAST)


def write_paths(mixture: Mixture, n_chains: int, path: Path) -> None:
    """Write first days as netCDF, shape (target, chain, draw, path), with and without the calendar."""
    import xarray as xr

    hits = mixture.paths
    n_targets, n_draws, n_paths = hits.day.shape
    shape = n_targets, n_chains, n_draws // n_chains, n_paths
    axes = ("target", "chain", "draw", "path")
    meaning = "days from the origin to the first target event; 2147483647: none in the horizon"
    variables: dict[str, tuple[tuple[str, ...], Any, dict[str, str]]] = {
        "first_day": (axes, hits.day.reshape(shape), {"long_name": meaning})
    }
    if mixture.plain is not None:
        plain = {"long_name": f"{meaning}; without the acts of the calendar"}
        variables["first_day_plain"] = (axes, mixture.plain.day.reshape(shape), plain)
    dataset = xr.Dataset(
        variables,
        coords={"target": list(hits.targets)},
        attrs={
            "origin": hits.origin.isoformat(),
            "horizon_days": hits.horizon_days,
            "random_streams": RANDOM_STREAMS,
        },
    )
    # In memory first: HDF5 ends the whole process when the disk is full while it writes a file itself.
    packed = {name: {"zlib": True, "complevel": 4} for name in variables}
    content = dataset.to_netcdf(engine="h5netcdf", encoding=packed)
    write_file(path, bytes(content))


def read_run(run_dir: str | Path) -> Run:
    """Read a saved run.

    Raises
    ------
    RunFolderError
        The folder is no run folder, or one of its files is missing, altered, or does not belong to the rest.
    """
    folder = Path(run_dir)
    _existing(folder, files.CONFIG)
    refuse_changed_files(folder, advice="")
    # Before the config, since it tells whether an earlier version made the folder.
    forecast = read_record(_existing(folder, files.FORECAST), Forecast)
    config = load_config(_existing(folder, files.CONFIG))
    inputs = inputs_of(config, read_events(_existing(folder, files.EVENTS)))
    analysis = read_record(folder / files.ANALYSIS, Analysis) if (folder / files.ANALYSIS).is_file() else None
    fit = read_posterior(_existing(folder, files.POSTERIOR))
    _refuse_other_model(inputs, fit, folder)
    mixture = _read_paths(_existing(folder, files.PATHS), inputs, fit)
    run = Run(inputs, fit, mixture, forecast, analysis, folder)
    _refuse_mixed(run, folder)
    return run


def simulate(inputs: Inputs, fit: Posterior) -> Mixture:
    """Play the relationship forward from every draw, and ask the other members."""
    options, data = simulation_options(inputs.config), inputs.data
    draws = stream_draws(data.layout, fit.variables, inputs.priors)
    hits = simulate_first_passages(data, draws, options, inputs.calendar)
    told = inputs.calendar and inputs.family.direct
    return mixture_of(inputs, hits, simulate_first_passages(data, draws, options) if told else None)


def mixture_of(inputs: Inputs, hits: FirstPassages, plain: FirstPassages | None) -> Mixture:
    """Return the forecast of a run from its paths, with and without the calendar."""
    options, n_draws = simulation_options(inputs.config), hits.day.shape[1]
    met = met_by_themselves(inputs, inputs.calendar, {}, n_draws, options) if plain is not None else None
    direct = direct_answers(inputs, inputs.events, hits.horizon_days)
    return Mixture(inputs, direct, hits, plain, met, inputs.calendar)


def _existing(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise RunFolderError(f"{folder}: not a whole run folder (no {name}). {MAKE_RUN}")
    return path


def _most_path_bytes(inputs: Inputs, fit: Posterior) -> int:
    """Bytes that the paths of these draws may take: 8 a path, for a first day with and without calendar."""
    paths = fit.n_draws * simulation_options(inputs.config).paths_per_draw
    return 2_000_000 + 8 * len(inputs.rules) * paths


def _read_paths(path: Path, inputs: Inputs, fit: Posterior) -> Mixture:
    """Read the paths, or simulate where this version would simulate other ones from the same seed."""
    most_bytes = _most_path_bytes(inputs, fit)
    horizon = simulation_options(inputs.config).horizon_days
    passages = []
    try:
        with open_stored(path, most_bytes) as file:
            names = [name.decode() if isinstance(name, bytes) else str(name) for name in file["target"][...]]
            if file.attrs.get("random_streams") != RANDOM_STREAMS:
                return simulate(inputs, fit)
            for name in ("first_day", "first_day_plain"):
                if name in file:
                    days = np.asarray(file[name][...], dtype=np.int32)
                    days = days.reshape(len(names), -1, days.shape[-1])
                    passages.append(
                        FirstPassages(tuple(names), inputs.data.grid.origin, days, None, horizon, 0.0)
                    )
    except (OSError, KeyError, ValueError, TypeError, IndexError) as error:
        raise RunFolderError(f"{path}: not the paths of a run ({error}). Run 'forecast run' again") from error
    if not passages:
        raise RunFolderError(f"{path}: not the paths of a run (no first_day). Run 'forecast run' again")
    plain = passages[1] if len(passages) > 1 else None
    if (plain is None) == bool(inputs.calendar and inputs.family.direct):
        return simulate(inputs, fit)
    return mixture_of(inputs, passages[0], plain)


def _refuse_other_model(inputs: Inputs, fit: Posterior, folder: Path) -> None:
    groups = (group for group in inputs.priors.groups if inputs.priors.of_group(group))
    missing = [group.name for group in groups if group.variable not in fit.variables]
    if missing:
        raise RunFolderError(
            f"{folder / files.POSTERIOR}: has no draws of {', '.join(missing)}; the run was made by another "
            f"version of the model. Make it again: {command_again(folder)}"
        )


def _refuse_mixed(run: Run, folder: Path) -> None:
    config = run.inputs.config
    draws = run.n_draws, config.sampler.paths_per_draw
    same = dict.fromkeys(config.targets, draws) == {name: days.shape for name, days in run.first_day.items()}
    if not same or {target.name for target in run.forecast.targets} != set(config.targets):
        raise RunFolderError(
            f"{folder}: its files do not belong together ({files.CONFIG}, {files.POSTERIOR}, {files.PATHS}, "
            f"{files.FORECAST}). Run 'forecast run' again."
        )


class StageSeeds(NamedTuple):
    """One seed a stage, so that a change of one stage leaves the random numbers of the others alone."""

    fit: int
    simulate: int


def stage_seeds(config: Config) -> StageSeeds:
    """Seeds of the stages of a run, made from the one seed of the config."""
    children = np.random.SeedSequence(config.sampler.seed).spawn(len(StageSeeds._fields))
    return StageSeeds(*(int(child.generate_state(1, np.uint32)[0]) for child in children))


def simulation_options(config: Config) -> SimulationOptions:
    """Paths up to the last milestone, as many a draw as the config asks."""
    last = max(milestone.date for milestone in config.milestones)
    origin = config.as_of + timedelta(days=1)
    return SimulationOptions(
        seed=stage_seeds(config).simulate,
        horizon_days=(last - origin).days,
        paths_per_draw=config.sampler.paths_per_draw,
    )


def sampler_options(config: Config) -> SamplerOptions:
    """Sampler options of a config."""
    sampler = config.sampler
    return SamplerOptions(
        seed=stage_seeds(config).fit,
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        target_accept=sampler.target_accept,
        max_minutes=sampler.max_minutes,
    )


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    names = ("numpy", "scipy", "pymc", "pytensor", "nutpie", "numba", "arviz", "typst", "matplotlib")
    ours = {"python": platform.python_version(), "forecast": __version__}
    return ours | {name: version(name) for name in names}
