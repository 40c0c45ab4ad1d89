"""A fit: how long to sample, and the posterior draws, as the sampler leaves them and on disk as netCDF.

Nothing slow is imported here. Saved draws are read straight from HDF5: loading xarray takes longer than a
scenario may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecast.errors import RunFolderError, shown
from forecast.storage import write_file

if TYPE_CHECKING:
    import h5py
    import xarray as xr

Floats = NDArray[np.float64]
MAX_PARTS = 10_000
"""Arrays and groups of a file; a fit has some 40."""
_KEPT = ("target_accept", "tune", "reruns")
_OF_THE_CLOCK = {"created_at", "sampling_time"}
POINTS = "points"
"""Group, and variable, of draws on the sampler's scale, where no parameter has a bound."""


@dataclass(frozen=True, kw_only=True)
class SamplerOptions:
    """How long to sample, and from which seed."""

    seed: int
    draws: int = 800
    tune: int = 150
    chains: int = 4
    target_accept: float = 0.9
    max_minutes: float | None = None
    """Limit of one sampling; ``None``: none."""


@dataclass(frozen=True)
class Posterior:
    """Posterior draws, with their sampler statistics.

    ``source`` holds the draws, or is the netCDF file that does: groups ``posterior`` and ``sample_stats``,
    dimensions (chain, draw, …) and named coordinates. ``target_accept`` and ``tune`` are those in force;
    ``reruns`` counts the times that the sampler was run again because a gate failed.
    """

    source: xr.DataTree | Path
    target_accept: float
    tune: int
    reruns: int = 0

    @cached_property
    def tree(self) -> xr.DataTree:
        """The draws with their names, for ArviZ."""
        if not isinstance(self.source, Path):
            return self.source
        import xarray as xr

        with xr.open_datatree(self.source, engine="h5netcdf") as opened:
            return opened.load()

    @cached_property
    def _chains(self) -> dict[str, Floats]:
        """Draws by variable, shape (chain, draw, …)."""
        if isinstance(self.source, Path):
            import h5py

            with h5py.File(self.source, "r") as file:
                return _stored_chains(file["/posterior"])
        values = self.source["posterior"].to_dataset().data_vars.items()
        return {str(name): np.asarray(part.values, dtype=np.float64) for name, part in values}

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return len(next(iter(self._chains.values())))

    @property
    def n_draws(self) -> int:
        """Draws over all chains."""
        return self.n_chains * int(next(iter(self._chains.values())).shape[1])

    @cached_property
    def variables(self) -> Mapping[str, Floats]:
        """Draws by variable, chains one after the other, each of shape (draw, …)."""
        return {name: values.reshape(-1, *values.shape[2:]) for name, values in self._chains.items()}

    @property
    def points(self) -> Floats:
        """Draws on the sampler's scale, shape (draw, coordinate); only where they were asked for."""
        points = np.asarray(self.tree[POINTS][POINTS].values, dtype=np.float64)
        return points.reshape(-1, points.shape[-1])

    @property
    def divergences(self) -> int:
        """Number of divergent transitions among the kept draws."""
        return int(self.tree["sample_stats"]["diverging"].sum())


def open_stored(path: Path, most_bytes: int) -> h5py.File:
    """Open a netCDF file of a run for reading, if its arrays are of at most so many bytes and lie in it.

    A few bytes can announce arrays of any size, and name other files that hold their values.

    Raises ``OSError`` or ``ValueError``: it cannot be read; or it holds links, values kept elsewhere, more
    than ``MAX_PARTS`` arrays and groups, or larger arrays.
    """
    import h5py

    file = h5py.File(path, "r")
    try:
        parts, total, waiting = 0, 0, [file["/"]]
        while waiting:
            group = waiting.pop()
            for name in group:
                parts += 1
                if parts > MAX_PARTS:
                    raise ValueError(f"more than {MAX_PARTS:,} arrays and groups")
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"{shown(name)} is a link")
                part = group[name]
                if isinstance(part, h5py.Group):
                    waiting.append(part)
                    continue
                if not isinstance(part, h5py.Dataset) or part.is_virtual or part.external:
                    raise ValueError(f"{shown(name)} is kept elsewhere")
                total += part.nbytes
                if total > most_bytes:
                    raise ValueError(f"{shown(name)} makes more than the {most_bytes:,} bytes expected")
    except BaseException:
        file.close()
        raise
    return file


def _stored_chains(group: h5py.Group) -> dict[str, Floats]:
    import h5py

    shape = len(group["chain"]), len(group["draw"])
    # Coordinates lie beside the variables; only these have chains and draws for axes.
    return {
        name: np.asarray(data[...], dtype=np.float64)
        for name, data in group.items()
        if isinstance(data, h5py.Dataset) and data.shape[:2] == shape
    }


def write_posterior(fit: Posterior, path: Path) -> None:
    """Write draws as netCDF-4, in double precision."""
    # The time of sampling is no result: the same draws are the same bytes.
    tree = fit.tree.map_over_datasets(_without_time)
    tree.attrs = {key: getattr(fit, key) for key in _KEPT}
    # In memory first: HDF5 ends the whole process when the disk is full while it writes a file itself.
    write_file(path, bytes(tree.to_netcdf(engine="h5netcdf")))


def _without_time(part: xr.Dataset) -> xr.Dataset:
    kept = part.copy()
    kept.attrs = {name: value for name, value in part.attrs.items() if name not in _OF_THE_CLOCK}
    return kept


def read_posterior(path: Path) -> Posterior:
    """Read what ``write_posterior`` wrote.

    Raises ``RunFolderError``: the file is missing, or is no posterior.
    """
    try:
        # Draws do not shrink when packed, so that a file holds little more than it has bytes.
        with open_stored(path, 2 * path.stat().st_size) as file:
            # netCDF keeps a number as an array of one.
            accept, tune, reruns = (np.ravel(file.attrs[key])[0] for key in _KEPT)
            fit = Posterior(path, float(accept), int(tune), int(reruns))
        _ = fit.variables
    except FileNotFoundError as error:
        raise RunFolderError(f"{path}: no posterior is kept there; run 'forecast run' again") from error
    except (OSError, ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
        raise RunFolderError(
            f"{path}: not a posterior this version can read ({error}). Run 'forecast run' again"
        ) from error
    return fit
