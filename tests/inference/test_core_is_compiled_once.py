"""The density is compiled once, by the first process, into a folder that can be written."""

import ctypes
import os
import re
import subprocess
import sys
from datetime import date

import numpy as np
import pytest

from forecast import models
from forecast.errors import InputError
from forecast.events.dyads import DyadRule
from forecast.grid import TimeGrid
from forecast.inference.sampling import PosteriorDensity
from forecast.models import choose_code_folder
from forecast.models import density as core
from forecast.priors import default_priors
from forecast.streams import acts_of, stream_layout
from forecast.targets import TargetRule

CLASHES = TargetRule("clashes", ("military_incident",), 3)
DRILLS = TargetRule("drills", ("military_posture",), 2)
IN_A_PROCESS = """
from datetime import date
from pathlib import Path
from forecast.events.reading import load_events
from forecast.inference.sampling import PosteriorDensity
from forecast.models.density import densities
from forecast.events.dyads import DyadRule
from forecast.grid import TimeGrid
from forecast.priors import default_priors
from forecast.streams import acts_of, stream_layout

layout = stream_layout((), DyadRule(("USA",), ("CHN",)))
events = load_events("bundled:us-china", Path())
acts = acts_of(events, TimeGrid(date(2022, 1, 1), date(2023, 1, 1)), layout)
posterior = PosteriorDensity.of(acts, default_priors(layout))
print(posterior(posterior.starting_point(1)[None])[0][0].hex())
print(sum(densities.stats.cache_hits.values()), sum(densities.stats.cache_misses.values()))
"""


def as_pointer(values: np.ndarray):
    return values.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def test_other_lengths_targets_and_priors_are_data_of_the_same_function(us_china):
    for rules, origin, stated in (
        ((CLASHES,), date(2023, 7, 11), {}),
        ((CLASHES, DRILLS), date(2020, 1, 1), {}),
        ((), date(2023, 7, 11), {"tension.scale": "HalfNormal(0.5)"}),
    ):
        layout = stream_layout(rules, DyadRule(("USA",), ("CHN",)))
        acts = acts_of(us_china, TimeGrid(date(2017, 1, 20), origin), layout)
        posterior = PosteriorDensity.of(acts, default_priors(layout).changed(stated, "config"))
        point, scale = posterior.starting_point(3), posterior.sheared
        place = np.linalg.solve(scale.spread, point - scale.center)
        words, (log_density, at) = posterior.words(scale), core.functions_of_c()
        n, value, gradient, back = len(place), np.empty(1), np.empty(len(place)), np.empty(len(place))
        given = [as_pointer(one) for one in (place, gradient, value, back)]
        assert log_density.ctypes(n, *given[:3], words.ctypes.data) == 0
        assert at.ctypes(n, n, given[0], given[3], words.ctypes.data) == 0
        values, gradients = posterior(point[None])
        np.testing.assert_allclose(back, point, rtol=1e-9, atol=1e-9)
        assert value[0] == pytest.approx(values[0], rel=1e-12)
        np.testing.assert_allclose(gradient, scale.spread.T @ gradients[0], rtol=1e-9, atol=1e-9)
        assert np.linalg.det(scale.spread) == pytest.approx(1.0)
        place[0] = np.nan
        assert log_density.ctypes(n, *given[:3], words.ctypes.data) == 1
    # What is read from the cache comes with the function that calls it.
    assert len(core.log_density.signatures) <= len(core.densities.signatures) == 1


@pytest.mark.slow
def test_a_second_process_loads_what_the_first_compiled(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    values, lookups = [], []
    for _ in range(2):
        command = [sys.executable, "-c", IN_A_PROCESS]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        value, counts = done.stdout.splitlines()
        values.append(value)
        lookups.append(counts)
    assert lookups == ["0 1", "1 0"]
    assert values[0] == values[1]


def test_a_temporary_folder_is_used_and_told_of_where_none_can_be_written(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("no folder can be made in a file")
    monkeypatch.setattr(models, "__file__", str(tmp_path / "file/models/__init__.py"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert choose_code_folder(environment := {}) is None
    assert (environment, caplog.messages) == ({}, [])

    def temporary(environment, place):
        folder = choose_code_folder(environment)
        assert folder.stat().st_mode & 0o077 == 0
        assert environment["NUMBA_CACHE_DIR"] == str(folder)
        assert re.fullmatch(
            rf"Note: {place}: cannot be written, .* Set NUMBA_CACHE_DIR=.*", caplog.messages.pop()
        )

    # A volume of another user, a cache of the administrator in one's own home, no such home, none at all.
    temporary({"NUMBA_CACHE_DIR": str(tmp_path / "file/numba")}, f"NUMBA_CACHE_DIR={tmp_path}/file/numba")
    temporary({"XDG_CACHE_HOME": str(tmp_path / "file")}, f"{tmp_path}/file/numba")
    (tmp_path / ".cache").write_text("")
    temporary({}, "~/.cache/numba")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    temporary({}, "~/.cache/numba")
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "expanduser", lambda path: path)
        temporary({}, "~/.cache/numba")
    # Beside the sources no home is needed.
    monkeypatch.setattr(models, "__file__", str(tmp_path / "models/__init__.py"))
    assert choose_code_folder({}) is None


@pytest.mark.parametrize(
    ("mode", "said"), [(0o770, "written by others"), (0o707, "written by others"), (0o700, "another user")]
)
def test_a_named_folder_that_others_can_write_is_refused(tmp_path, monkeypatch, mode, said):
    folder = tmp_path / "code"
    folder.mkdir()
    folder.chmod(mode)
    environment = {"NUMBA_CACHE_DIR": str(folder)}
    with monkeypatch.context() as patch:
        if mode == 0o700:
            patch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
        with pytest.raises(InputError, match=rf"NUMBA_CACHE_DIR=.*code: the folder .*{said}.*0700"):
            choose_code_folder(environment)
    folder.chmod(0o700)
    assert choose_code_folder(environment) is None
    assert environment == {"NUMBA_CACHE_DIR": str(folder)}
