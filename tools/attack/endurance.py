"""Many forecasts in one process: neither memory nor open files may grow.

Run by ``make endurance``. The tests run a short form of it. Each forecast reads config and events anew, as of
another day. Most are those of the pooled hazard, which a watch makes by default; some have a short fit,
are saved with their report and read back. Every few forecasts a row of the table says what the
process holds after a collection of garbage: resident memory, open files, objects of Python, Matplotlib's
figures and threads. The first rows are the warm-up: what is loaded and compiled once comes in there.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs/us-china-2023.yaml"
FIRST_DAY = date(2022, 1, 1)
SEEN_TARGET = "major_escalation"
"""Had happened by the first day, which the headline's had not."""
SHORT_FIT = (
    "model.family=model",
    "model.population=none",
    "scenarios=[]",
    "calendar=[]",
    "sampler.draws=20",
    "sampler.tune=20",
    "sampler.chains=2",
)
MOST_MEBIBYTES = 20.0
"""How much more memory the last row may hold than that after the warm-up, without what fits hold."""
MOST_MEBIBYTES_A_FIT = 120.0
"""What a fit of a model of another size may add. Numba unloads no machine code, and PyTensor enters the
functions of each graph into a registry of Numba that nothing leaves: this ends with the process."""
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Held:
    """What the process holds after so many forecasts."""

    forecasts: int
    fits: int
    seconds: float
    mebibytes: float
    open_files: int
    objects: int
    figures: int
    threads: int


def held(forecasts: int, fits: int, began: float) -> Held:
    """Count what is held after a collection of garbage; needs Linux's ``/proc``."""
    gc.collect()
    with suppress(OSError, AttributeError):
        # Freed memory that the C library keeps for later is none that grows.
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    figures = sys.modules["matplotlib.pyplot"].get_fignums() if "matplotlib.pyplot" in sys.modules else []
    return Held(
        forecasts=forecasts,
        fits=fits,
        seconds=time.monotonic() - began,
        mebibytes=pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE,
        # Listing the folder opens it.
        open_files=len(os.listdir("/proc/self/fd")) - 1,
        objects=len(gc.get_objects()),
        figures=len(figures),
        threads=threading.active_count(),
    )


def direct_forecast(day: date) -> float:
    """Make a forecast of the pooled hazard as of a day, as a watch does; return its headline."""
    from forecast import load_config, read_inputs
    from forecast.watchlist.watch import direct_forecasts

    given = (f"as_of={day}", "model.family=pooled_hazard", "calendar=[]")
    config = load_config(CONFIG, overrides=[*given, *_milestones(day)])
    inputs = read_inputs(config)
    # The hazard may be silent on a target that had not happened by that day.
    inputs = replace(inputs, rules=[one for one in inputs.rules if one.name == SEEN_TARGET])
    found = {target.name: target for target in direct_forecasts(inputs) or ()}
    return found[SEEN_TARGET].milestones[-1].probability


def fitted_forecast(day: date, folder: Path) -> float:
    """Make a forecast with a short fit, save it with its report, and read it back; return its headline."""
    from forecast import fit, load_config, read_run

    config = load_config(CONFIG, overrides=[f"as_of={day}", *SHORT_FIT, *_milestones(day)])
    run = fit(None, config, drivers=False)
    run.save(folder)
    return read_run(folder).forecast.target(config.headline.target).milestones[-1].probability


def _milestones(day: date) -> Iterator[str]:
    names = ("apec-2023", "taiwan-election-2024", "taiwan-inauguration-2024", "us-election-2024")
    for place, name in enumerate(names, start=1):
        yield f"milestones.{name}.date={day + timedelta(days=60 * place)}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Short fits do not converge: they are not sampled again, and nothing is said of it."""
    from forecast.inference import sampling

    before = sampling.RERUNS
    sampling.RERUNS = ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sampling.RERUNS = before


def rows(forecasts: int, every: int, fits: int) -> Iterator[Held]:
    """Make forecasts, a fit among each so many of them (0: none), and yield what is held at every row."""
    began, fitted = time.monotonic(), 0
    with _quiet(), tempfile.TemporaryDirectory(prefix="forecast-endurance-") as place:
        for number in range(1, forecasts + 1):
            # Days apart, so that nothing is the same as before; within two years of the record.
            day = FIRST_DAY + timedelta(days=number * 7 % 540)
            if fits and number % fits == 1 % fits:
                chance = fitted_forecast(day, Path(place) / f"run-{number}")
                fitted += 1
            else:
                chance = direct_forecast(day)
            if not 0 <= chance <= 1:
                raise ArithmeticError(f"forecast {number}: probability {chance}")
            if number % every == 0:
                yield held(number, fitted, began)


def growth(found: list[Held], warm_up: int) -> list[str]:
    """Say what grew beyond what is allowed since the row after the warm-up."""
    first = next(one for one in found if one.forecasts >= warm_up)
    last = found[-1]
    faults = []
    grown = last.mebibytes - first.mebibytes
    most = MOST_MEBIBYTES + MOST_MEBIBYTES_A_FIT * (last.fits - first.fits)
    if grown > most:
        faults.append(f"memory grew by {grown:.0f} MiB (at most {most:g})")
    for name in ("open_files", "figures", "threads"):
        more = getattr(last, name) - getattr(first, name)
        if more > 0:
            faults.append(f"{name.replace('_', ' ')} grew by {more} (at most 0)")
    return faults


def main() -> None:
    """Run the forecasts and print the table; exit code 1 where something grew."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--forecasts", type=int, default=500)
    parser.add_argument("--every", type=int, default=50, help="forecasts a row of the table")
    parser.add_argument("--fits", type=int, default=50, help="one of so many has a fit and a report; 0: none")
    parser.add_argument("--warm-up", type=int, default=100, help="forecasts before growth is counted")
    given = parser.parse_args()
    found = []
    names = [one.name for one in fields(Held)]
    print("  ".join(f"{name.replace('_', ' '):>10}" for name in names))
    for row in rows(given.forecasts, given.every, given.fits):
        found.append(row)
        print("  ".join(f"{getattr(row, name):>10,.0f}" for name in names), flush=True)
    faults = growth(found, given.warm_up)
    print("\n".join(faults) if faults else "nothing grew beyond what is allowed")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
