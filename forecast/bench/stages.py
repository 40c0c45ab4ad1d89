"""Where the seconds of a whole run go: each run in a process of its own, with a cold or a warm cache.

``python -m forecast.bench.stages CONFIG FOLDER OVERRIDES`` is such a process; it prints one JSON object.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forecast.errors import ForecastError

MEBIBYTE = 2**20


@dataclass(frozen=True)
class StageTimes:
    """Seconds of a run by stage, in order, ``import`` first; the total holds the start of Python too."""

    seconds: dict[str, float]
    total_seconds: float
    peak_mebibytes: float


def measure_stages(config: Path, overrides: Sequence[str]) -> dict[str, StageTimes]:
    """Run a config twice with a new cache of compiled code: the first run is ``cold``, the second ``warm``.

    ``ForecastError`` with the message of a run that failed.
    """
    with tempfile.TemporaryDirectory(prefix="forecast-bench-") as folder:
        return {state: _in_a_process(config, overrides, Path(folder), state) for state in ("cold", "warm")}


def _in_a_process(config: Path, overrides: Sequence[str], folder: Path, state: str) -> StageTimes:
    environment = os.environ | {
        "PYTENSOR_FLAGS": f"base_compiledir={folder / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(folder / "numba"),
    }
    command = [sys.executable, "-m", __name__, str(config), str(folder / state), *overrides]
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    total = time.perf_counter() - began
    if done.returncode:
        raise ForecastError(f"the {state} run of {config} failed: {done.stderr.strip()}")
    found = json.loads(done.stdout)
    return StageTimes(found["seconds"], total, found["peak_mebibytes"])


class StageClock:
    """Seconds by stage, told apart by what the pipeline says it is doing."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage = ""
        self._since = 0.0

    def enter(self, stage: str) -> None:
        """Begin a stage, which ends the one before."""
        now = time.perf_counter()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now


def peak_mebibytes() -> float:
    """Most memory this process held at once."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kibibytes, macOS in bytes.
    return peak / MEBIBYTE if sys.platform == "darwin" else peak / 1024


def _main(config: str, out: str, *overrides: str) -> None:
    clock = StageClock()
    clock.enter("import")
    from forecast.config import load_config

    try:
        loaded = load_config(Path(config), overrides)
        from forecast.runs.cautions import without_warnings
        from forecast.workflows.forecast import run_forecast

        with without_warnings():
            run_forecast(
                loaded,
                out=Path(out),
                allow_unconverged=True,
                listen=lambda progress: clock.enter(progress.stage),
            )
    except ForecastError as error:
        sys.exit(str(error))
    clock.enter("")
    print(json.dumps({"seconds": clock.seconds, "peak_mebibytes": peak_mebibytes()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
