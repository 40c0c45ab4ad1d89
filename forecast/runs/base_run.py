"""The run that scenarios start from: what it read, its posterior draws, its paths and its forecast.

A saved run is read straight from its HDF5 files: loading xarray, ArviZ or PyMC takes longer than a scenario
may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from forecast.config import load_config
from forecast.errors import RunFolderError
from forecast.events.reading import read_events
from forecast.models.draws import INNOVATIONS, Floats, StreamDraws, stream_draws
from forecast.records.forecast import Forecast
from forecast.runs.inputs import Inputs, inputs_of
from forecast.runs.stages import simulation_options
from forecast.simulation import FirstHits, SimulationOptions, simulate_first_hits
from forecast.simulation.paths import RANDOM_STREAMS


@dataclass(frozen=True)
class BaseRun:
    """A finished run as scenarios need it.

    Parameters
    ----------
    inputs : Inputs
        Config, events, counts, priors, target rules and calendar of the run.
    variables : mapping of str to ndarray
        Posterior draws by variable, chains one after the other, each of shape (draw, …).
    n_chains : int
    first_day : mapping of str to ndarray of int32
        Target → days from the origin to its first event, shape (draw, path), as ``FirstHits.day``.
    forecast : Forecast
        What the run forecast.
    folder : Path or None
        Where the run is kept; ``None`` for one in memory.
    """

    inputs: Inputs
    variables: Mapping[str, Floats]
    n_chains: int
    first_day: Mapping[str, NDArray[np.int32]]
    forecast: Forecast
    folder: Path | None = None

    @property
    def n_draws(self) -> int:
        """Posterior draws over all chains."""
        return len(self.variables[INNOVATIONS])

    @cached_property
    def draws(self) -> StreamDraws:
        """The draws as the simulator reads them."""
        return stream_draws(self.inputs.data.layout, self.variables)

    @property
    def simulation(self) -> SimulationOptions:
        """How the paths of the run were made; the same options give the same paths."""
        return simulation_options(self.inputs.config)


class FittedDraws(Protocol):
    """What is needed of a posterior."""

    @property
    def variables(self) -> Mapping[str, Floats]:
        """Draws by variable."""

    @property
    def n_chains(self) -> int:
        """Number of chains."""


class FinishedRun(Protocol):
    """What is needed of a run in memory (``forecast.workflows.run_files.Run``)."""

    @property
    def inputs(self) -> Inputs:
        """What the run read."""

    @property
    def posterior(self) -> FittedDraws:
        """Its draws."""

    @property
    def hits(self) -> FirstHits:
        """Its paths."""

    @property
    def forecast(self) -> Forecast:
        """Its forecast."""


def base_of(run: FinishedRun) -> BaseRun:
    """Return a run in memory as the base of scenarios."""
    return BaseRun(
        run.inputs,
        run.posterior.variables,
        run.posterior.n_chains,
        {name: run.hits.of(name) for name in run.hits.targets},
        run.forecast,
    )


def read_base_run(run_dir: str | Path) -> BaseRun:
    """Read a saved run as the base of scenarios.

    Raises
    ------
    RunFolderError
        The folder is no run folder, or one of its files is missing or does not belong to the rest.
    """
    folder = Path(run_dir)
    config_path = _existing(folder, "config.resolved.yaml")
    config = load_config(config_path)
    events = read_events(_existing(folder, "events.csv"))
    inputs = inputs_of(config, events)
    try:
        forecast = Forecast.model_validate_json(_existing(folder, "forecast.json").read_bytes())
    except ValidationError as error:
        raise RunFolderError(
            f"{folder / 'forecast.json'}: not a forecast this version can read; run 'forecast run' again"
        ) from error
    variables, n_chains = _read_draws(_existing(folder, "posterior.nc"))
    _refuse_other_model(inputs, variables, folder)
    first_day = _read_paths(_existing(folder, "paths.nc")) or _paths_again(inputs, variables)
    base = BaseRun(inputs, variables, n_chains, first_day, forecast, folder)
    _refuse_mixed(base, folder)
    return base


def _existing(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise RunFolderError(
            f"{folder}: not a whole run folder (no {name}). Give the folder that 'forecast run' made, e.g. "
            "reports/us-china-2023/2023-07-10"
        )
    return path


def _read_draws(path: Path) -> tuple[dict[str, Floats], int]:
    try:
        with h5py.File(path, "r") as file:
            group = file["posterior"]
            n_chains, n_draws = len(group["chain"]), len(group["draw"])
            # Coordinates lie beside the variables; only these have chains and draws for axes.
            # Runs of schema 1 have no axis of dyads.
            dyads = () if "dyad" in group else (1,)
            variables = {
                name: np.asarray(data[...], dtype=np.float64).reshape(
                    n_chains * n_draws, *dyads, *data.shape[2:]
                )
                for name, data in group.items()
                if data.shape[:2] == (n_chains, n_draws)
            }
    except (OSError, KeyError, ValueError) as error:
        raise RunFolderError(f"{path}: not a posterior this version can read ({error})") from error
    return variables, n_chains


def _read_paths(path: Path) -> dict[str, NDArray[np.int32]] | None:
    """First days by target; ``None`` where this version would simulate other paths from the same seed."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("random_streams") != RANDOM_STREAMS:
                return None
            names = [name.decode() if isinstance(name, bytes) else str(name) for name in file["target"][...]]
            days = np.asarray(file["first_day"][...], dtype=np.int32)
    except (OSError, KeyError, ValueError) as error:
        raise RunFolderError(f"{path}: not the paths of a run ({error})") from error
    return {name: days[position].reshape(-1, days.shape[-1]) for position, name in enumerate(names)}


def _paths_again(inputs: Inputs, variables: Mapping[str, Floats]) -> dict[str, NDArray[np.int32]]:
    draws = stream_draws(inputs.data.layout, variables)
    options = simulation_options(inputs.config)
    hits = simulate_first_hits(inputs.data, draws, inputs.rules, options, inputs.calendar)
    return {name: hits.of(name) for name in hits.targets}


def _refuse_other_model(inputs: Inputs, variables: Mapping[str, Floats], folder: Path) -> None:
    missing = [group.name for group in inputs.priors.groups if group.variable not in variables]
    if missing:
        raise RunFolderError(
            f"{folder / 'posterior.nc'}: has no draws of {', '.join(missing)}; the run was made by another "
            "version of the model. Run 'forecast run' again."
        )


def _refuse_mixed(base: BaseRun, folder: Path) -> None:
    config = base.inputs.config
    draws = base.n_draws, config.sampler.paths_per_draw
    same = dict.fromkeys(config.targets, draws) == {name: days.shape for name, days in base.first_day.items()}
    if not same or {target.name for target in base.forecast.targets} != set(config.targets):
        raise RunFolderError(
            f"{folder}: its files do not belong together (config, posterior.nc, paths.nc, forecast.json). "
            "Run 'forecast run' again."
        )
