"""A first fit has chances compiled in another process, which is never left behind."""

import os
import subprocess
import sys

import pytest

from forecast.models.survival import left_of_past
from forecast.runs import compiling
from forecast.runs.compiling import compiled_beside

ASKED = """
from forecast import load_config, read_inputs
from forecast.models import survival
from forecast.models.draws import log_likelihood, prior_draws, stream_draws
import numpy as np

inputs = read_inputs(load_config("configs/us-china-2023.yaml"))
acts, priors = inputs.data, inputs.priors
draws = stream_draws(acts.layout, prior_draws(priors, 4, acts.grid.n_knots, np.random.default_rng(1)), priors)
log_likelihood(acts, draws, priors)
chances = survival.Chances(acts, priors, draws, 60, seed=1)
chances.survival(inputs.calendar)
chances.counts(chances.of_targets, (30, 60), inputs.calendar)
kept = {name: one.stats for name, one in vars(survival).items() if hasattr(one, "stats")}
print(*(name for name, stats in kept.items() if stats.cache_misses))
"""


@pytest.fixture
def process(monkeypatch):
    """Nothing is compiled; the process beside waits for ever. Those that were started."""
    started, begin = [], subprocess.Popen

    def sleep(command, **options):
        started.append(begin([sys.executable, "-c", "import time; time.sleep(100)"], **options))
        return started[-1]

    monkeypatch.setattr(compiling.Path, "glob", lambda place, pattern: iter(()))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(subprocess, "Popen", sleep)
    return started


def test_a_stop_ends_the_process_beside(process):
    with pytest.raises(KeyboardInterrupt), compiled_beside():
        raise KeyboardInterrupt
    assert process[0].returncode < 0


def test_a_fit_waits_for_the_process_beside(process):
    with compiled_beside():
        assert process[0].poll() is None
        process[0].terminate()
    assert process[0].returncode < 0


def test_no_process_is_started_on_one_core_or_where_code_is_kept(process, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with compiled_beside():
        pass
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(compiling.Path, "glob", lambda place, pattern: iter([place / "survival.x.nbi"]))
    with compiled_beside():
        pass
    assert process == []


@pytest.mark.slow
def test_what_is_compiled_beside_is_what_a_run_asks_for(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "code")}
    for arguments in (["-m", compiling.__name__], ["-c", ASKED]):
        ended = subprocess.run(
            [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True
        )
    assert ended.stdout.split() == []
    assert any((tmp_path / "code").rglob(f"survival.{left_of_past.__name__}-*.nbi"))
