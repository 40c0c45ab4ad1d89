import numpy as np
import pytest
import xarray as xr

from forecast.errors import RunFolderError
from forecast.inference.posterior import Posterior, read_posterior


@pytest.fixture(scope="module")
def kept(short_fit, tmp_path_factory):
    path = tmp_path_factory.mktemp("posterior") / "posterior.nc"
    Posterior(short_fit.tree, 0.97, 1000, reruns=1).write(path)
    return path


def test_netcdf_gives_back_every_bit(kept, short_fit):
    back = read_posterior(kept)
    assert (back.target_accept, back.tune, back.reruns) == (0.97, 1000, 1)
    assert back.n_draws == short_fit.n_draws
    assert set(back.variables) == set(short_fit.variables)
    for group in ("posterior", "sample_stats"):
        for name, values in short_fit.tree[group].data_vars.items():
            read = back.tree[group][name]
            assert read.dims == values.dims
            assert read.values.dtype == values.values.dtype
            assert read.values.tobytes() == values.values.tobytes(), name
            for dim in values.dims:
                assert list(read.coords[dim].values) == list(values.coords[dim].values)
    assert back.divergences == short_fit.divergences


def test_writing_leaves_the_posterior_alone(short_fit, tmp_path):
    short_fit.write(tmp_path / "a.nc")
    assert "tune" not in short_fit.tree.attrs


def test_variables_put_the_chains_one_after_the_other(short_fit):
    values = short_fit.tree["posterior"]["excitation_branching"].values
    np.testing.assert_array_equal(short_fit.variables["excitation_branching"], np.concatenate(list(values)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        RunFolderError, match=r"none\.nc: no posterior is kept there; run 'forecast run' again"
    ):
        read_posterior(tmp_path / "none.nc")


@pytest.mark.parametrize("damage", ["text", "empty", "cut", "foreign"])
def test_a_file_that_is_no_posterior_is_refused(kept, tmp_path, damage):
    path = tmp_path / "posterior.nc"
    if damage == "foreign":
        xr.Dataset({"x": ("time", np.arange(3.0))}).to_netcdf(path, engine="h5netcdf")
    else:
        whole = kept.read_bytes()
        path.write_bytes({"text": b"rate: 1\n" * 100, "empty": b"", "cut": whole[: len(whole) // 2]}[damage])
    with pytest.raises(RunFolderError, match=r"posterior\.nc: not a posterior this version can read"):
        read_posterior(path)
