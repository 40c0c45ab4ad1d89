"""Compiled models: the draws of nutpie's own compilation, kept on disk, and never in the way."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytest

from forecast.inference import compile_cache
from forecast.inference.compile_cache import compile_model
from forecast.inference.posterior import SamplerOptions
from forecast.inference.sampling import sample

OPTIONS = SamplerOptions(seed=5, draws=25, tune=50, chains=2)
TINY = """
    import numpy as np
    import pymc as pm

    def tiny_model():
        with pm.Model(coords={"arm": ["a", "b", "c"]}) as model:
            table = pm.Data("table", np.arange(12.0).reshape(4, 3) / 10)
            weight = pm.Data("weight", np.array(2.0))
            level = pm.Normal("level", 0.0, 1.0, dims="arm")
            spread = pm.LogNormal("spread", 0.0, 0.5)
            misfit = 0.5 * weight * (((table - level) / spread) ** 2).sum()
            pm.Potential("fit", -misfit - table.size * pm.math.log(spread))
        return model
"""
_namespace: dict = {}
exec(textwrap.dedent(TINY), _namespace)
tiny_model = _namespace["tiny_model"]


def draws(compiled) -> dict[str, np.ndarray]:
    tree = sample(compiled, OPTIONS)
    return {
        f"{group}/{name}": values.values
        for group in ("posterior", "sample_stats")
        for name, values in tree[group].data_vars.items()
    }


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def by_nutpie(model: pm.Model):
    """Nutpie's own compilation, which knows nothing of ours, with reproducible arithmetic."""
    with pytensor.config.change_flags(numba__fastmath=False):
        return nutpie.compile_pymc_model(model)


@pytest.fixture(scope="module")
def kept():
    return compile_model(tiny_model())


@pytest.fixture(scope="module")
def stock():
    return by_nutpie(tiny_model())


@pytest.fixture(scope="module")
def expected(stock):
    return draws(stock)


def test_draws_are_those_of_nutpie_bit_for_bit(kept, expected):
    assert set(kept.shared_data) == {"shared0", "shared1"}, "compiled by nutpie itself"
    assert_same(draws(kept), expected)


def test_data_of_another_size_give_the_draws_of_nutpie(kept, stock, expected):
    other = {"table": np.linspace(0.0, 3.0, 21).reshape(7, 3), "weight": 0.5}
    found = draws(kept.with_data(**other))
    assert not np.array_equal(found["posterior/level"], expected["posterior/level"])
    assert_same(found, draws(stock.with_data(**other)))
    assert_same(draws(kept), expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("NUTPIE_VERSION", "0.0.1", id="another nutpie"),
        pytest.param("_callback", None, id="names that are gone", marks=pytest.mark.slow),
    ],
)
def test_what_is_unforeseen_is_left_to_nutpie_with_the_same_draws(monkeypatch, caplog, expected, name, value):
    monkeypatch.setattr(compile_cache, name, value)
    with caplog.at_level(logging.DEBUG, logger=compile_cache.__name__):
        compiled = compile_model(tiny_model())
    assert "compiled by nutpie itself" in caplog.text
    assert_same(draws(compiled), expected)


@pytest.mark.slow
def test_a_graph_that_pytensor_cannot_keep_is_left_to_nutpie(caplog, expected):
    with (
        pytensor.config.change_flags(numba__cache=False),
        caplog.at_level(logging.DEBUG, logger=compile_cache.__name__),
    ):
        compiled = compile_model(tiny_model())
    assert "has no key for the graph of log_density" in caplog.text
    assert_same(draws(compiled), expected)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), EOFError("Ran out of input")])
def test_a_folder_that_cannot_be_used_is_named_and_done_without(monkeypatch, caplog, error):
    def fail(model):
        raise error

    monkeypatch.setattr(compile_cache, "compile_cached", fail)
    monkeypatch.setattr(nutpie, "compile_pymc_model", lambda model: (model, pytensor.config.numba__cache))
    assert compile_model("the model") == ("the model", False)
    assert pytensor.config.numba__cache
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert str(pytensor.config.base_compiledir) in record.message
    assert "every run compiles anew. Delete that folder, or name another" in record.message


@pytest.mark.parametrize("value", [np.nan, 1e300])
def test_points_without_a_finite_density_get_an_error_code(kept, stock, value):
    codes = []
    for compiled in (kept, stock):
        point, gradient, density = np.full(compiled.n_dim, value), np.empty(compiled.n_dim), np.empty(1)
        pointers = [a.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for a in (point, gradient, density)]
        codes.append(
            compiled.compiled_logp_func.ctypes(compiled.n_dim, *pointers, compiled.user_data.ctypes.data)
        )
    assert codes[0] == codes[1] != 0


IN_A_PROCESS = (
    TINY
    + """
    import time
    from forecast.inference.posterior import SamplerOptions
    from forecast.inference.compile_cache import compile_model
    from forecast.inference.sampling import sample

    model = tiny_model()
    began = time.process_time()
    compiled = compile_model(model)
    spent = time.process_time() - began
    hits = [f.cache_hits for f in (compiled.compiled_logp_func, compiled.compiled_expand_func)]
    tree = sample(compiled, SamplerOptions(seed=5, draws=25, tune=50, chains=2))
    print(*hits, tree["posterior"]["level"].values.tobytes().hex(), len(compiled.shared_data), spent)
"""
)


def start(folder: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTENSOR_FLAGS": f"base_compiledir={folder}"}
    code = textwrap.dedent(IN_A_PROCESS)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: subprocess.Popen) -> tuple[list[int], bytes, str]:
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    first, second, level, _, _ = out.split()
    return [int(first), int(second)], bytes.fromhex(level), errors


@pytest.mark.slow
def test_a_second_process_loads_what_the_first_compiled_and_draws_the_same(tmp_path, expected):
    level = expected["posterior/level"].tobytes()
    assert outcome(start(tmp_path)) == ([0, 0], level, "")
    assert outcome(start(tmp_path)) == ([1, 1], level, "")


@pytest.mark.slow
def test_two_processes_at_once_and_killed_ones_leave_a_cache_that_works(tmp_path, expected):
    level = expected["posterior/level"].tobytes()
    killed = start(tmp_path)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("numba/*.nbi"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    pair = [start(tmp_path), start(tmp_path)]
    assert [outcome(process)[1:] for process in pair] == [(level, "")] * 2
    assert outcome(start(tmp_path)) == ([1, 1], level, "")


@pytest.mark.slow
def test_a_damaged_cache_is_named_and_done_without(tmp_path, expected):
    outcome(start(tmp_path))
    for file in tmp_path.glob("numba/*.nbc"):
        file.write_bytes(file.read_bytes()[:100])
    _, level, errors = outcome(start(tmp_path))
    assert level == expected["posterior/level"].tobytes()
    assert str(tmp_path) in errors
    assert "Delete that folder" in errors


@pytest.mark.slow
def test_the_forecast_model_has_the_draws_of_nutpie_bit_for_bit(compiled, model):
    assert set(compiled.shared_data) == {f"shared{i}" for i in range(6)}
    assert_same(draws(compiled), draws(by_nutpie(model)))
