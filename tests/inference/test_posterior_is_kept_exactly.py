import h5py
import numpy as np
import pytest
import xarray as xr

from forecast.errors import RunFolderError
from forecast.evaluation.study import Workers, do_all
from forecast.inference.posterior import Posterior, read_posterior, write_posterior


@pytest.fixture(scope="module")
def kept(short_fit, tmp_path_factory):
    path = tmp_path_factory.mktemp("posterior") / "posterior.nc"
    write_posterior(Posterior(short_fit.tree, 0.97, 1000, reruns=1), path)
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


def test_variables_put_the_chains_one_after_the_other(short_fit):
    values = short_fit.tree["posterior"]["answers.number"].values
    np.testing.assert_array_equal(short_fit.variables["answers.number"], np.concatenate(list(values)))


@pytest.mark.parametrize("damage", ["missing", "text", "empty", "cut", "foreign"])
def test_a_file_that_is_no_posterior_is_refused(kept, tmp_path, damage):
    path = tmp_path / "posterior.nc"
    said = "no posterior is kept there" if damage == "missing" else "not a posterior this version can read"
    if damage == "foreign":
        xr.Dataset({"x": ("time", np.arange(3.0))}).to_netcdf(path, engine="h5netcdf")
    elif damage != "missing":
        whole = kept.read_bytes()
        path.write_bytes({"text": b"rate: 1\n" * 100, "empty": b"", "cut": whole[: len(whole) // 2]}[damage])
    with pytest.raises(RunFolderError, match=rf"posterior\.nc: {said}.*[Rr]un 'forecast run' again"):
        read_posterior(path)


def test_results_are_written_while_dask_workers_go_on_with_the_same_bytes(short_fit, tmp_path):
    """xarray takes its lock from Dask's default client, if there is one: the workers' must not be it."""
    write_posterior(short_fit, tmp_path / "alone.nc")
    for job, found in do_all(abs, [(-1,), (-2,)], lambda job: 0, Workers(1, "local")):
        assert found == -job[0]
        write_posterior(short_fit, tmp_path / f"beside-{found}.nc")
        assert (tmp_path / f"beside-{found}.nc").read_bytes() == (tmp_path / "alone.nc").read_bytes()
    assert len(list(tmp_path.iterdir())) == 3


def announced(**options):
    return lambda group: group.create_dataset("bomb", (2, 2, 10**9), "f8", **options)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (announced(chunks=(1, 1, 1000), compression="gzip"), r"bomb makes more than the .* bytes expected"),
        (announced(fillvalue=0), r"bomb makes more than the .* bytes expected"),
        (announced(external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)]), "bomb is kept elsewhere"),
        (lambda group: group.__setitem__("bomb", h5py.ExternalLink("/dev/zero", "/")), "bomb is a link"),
        (lambda group: group.__setitem__("bomb", h5py.SoftLink("/nothing")), "bomb is a link"),
        (lambda group: group.attrs.__setitem__("target_accept", []), "not a posterior"),
    ],
    ids=["packed", "unwritten", "device", "other file", "dangling", "no number"],
)
def test_draws_that_the_file_cannot_hold_are_refused_before_they_are_read(kept, tmp_path, add, message):
    path = tmp_path / "posterior.nc"
    path.write_bytes(kept.read_bytes())
    with h5py.File(path, "a") as file:
        add(file if message == "not a posterior" else file["posterior"])
    with pytest.raises(RunFolderError, match=rf"posterior\.nc: .*{message}.*Run 'forecast run' again"):
        read_posterior(path)


def test_a_posterior_of_more_parts_than_any_fit_has_is_refused(kept, monkeypatch):
    monkeypatch.setattr("forecast.inference.posterior.MAX_PARTS", 5)
    with pytest.raises(RunFolderError, match="more than 5 arrays and groups"):
        read_posterior(kept)
