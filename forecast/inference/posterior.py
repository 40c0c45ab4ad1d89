"""The posterior as an ArviZ DataTree: draws by variable, kept in netCDF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.errors import RunFolderError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """Posterior draws with their sampler statistics.

    Parameters
    ----------
    tree : xarray.DataTree
        Groups ``posterior`` and ``sample_stats``; dimensions (chain, draw, …) and named coordinates.
    target_accept : float
        Acceptance rate in force.
    tune : int
        Warm-up steps a chain in force.
    reruns : int
        Times the sampler was run again because a gate failed.
    """

    tree: xr.DataTree
    target_accept: float
    tune: int
    reruns: int = 0

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return int(self.tree["posterior"].sizes["chain"])

    @property
    def n_draws(self) -> int:
        """Draws over all chains."""
        return self.n_chains * int(self.tree["posterior"].sizes["draw"])

    @cached_property
    def variables(self) -> Mapping[str, Floats]:
        """Draws by variable, chains one after the other, each of shape (draw, …)."""
        posterior = self.tree["posterior"].to_dataset()
        return {
            str(name): np.asarray(values.values, dtype=np.float64).reshape(self.n_draws, *values.shape[2:])
            for name, values in posterior.data_vars.items()
        }

    @property
    def divergences(self) -> int:
        """Number of divergent transitions among the kept draws."""
        return int(self.tree["sample_stats"]["diverging"].sum())

    def write(self, path: Path) -> None:
        """Write as netCDF-4, compressed; numbers are kept in double precision."""
        tree = self.tree.copy()
        tree.attrs = {"target_accept": self.target_accept, "tune": self.tune, "reruns": self.reruns}
        # In memory first: HDF5 ends the whole process when the disk is full while it writes a file itself.
        path.write_bytes(bytes(tree.to_netcdf(engine="h5netcdf")))


def read_posterior(path: Path) -> Posterior:
    """Read what ``Posterior.write`` wrote.

    Raises
    ------
    RunFolderError
        The file is missing or is no posterior.
    """
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            tree = opened.load()
            attrs = dict(tree.attrs)
            return Posterior(tree, float(attrs["target_accept"]), int(attrs["tune"]), int(attrs["reruns"]))
    except FileNotFoundError as error:
        raise RunFolderError(f"{path}: no posterior is kept there; run 'forecast run' again") from error
    except (OSError, ValueError, KeyError) as error:
        raise RunFolderError(f"{path}: not a posterior this version can read ({error})") from error
