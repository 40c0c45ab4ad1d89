"""Compile chances in a process beside a first fit, where no machine code is kept: it takes as long.

``python -m forecast.runs.compiling`` is that process: it computes chances of a record without acts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np

from forecast.events.dyads import DyadRule
from forecast.events.table import EventTable
from forecast.grid import TimeGrid
from forecast.models.draws import log_likelihood, prior_draws, stream_draws
from forecast.models.survival import Chances, left_of_past
from forecast.priors import default_priors
from forecast.streams import acts_of, stream_layout
from forecast.targets import FutureAct, TargetRule


@contextmanager
def compiled_beside() -> Iterator[None]:
    """Have chances compiled while the body runs, and wait for it; nothing where they are, or on one core."""
    kept = Path(left_of_past.stats.cache_path).glob("survival.*.nbi")
    if any(kept) or os.cpu_count() == 1:
        yield
        return
    # A process that fails is no fault: what is not there is compiled when it is needed.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        process.wait()
    finally:
        process.kill()
        process.wait()


def _compile() -> None:
    origin = date(2021, 1, 1)
    target, dyad = TargetRule("target", ("military_incident",), 4), DyadRule(("AAA",), ("BBB",))
    layout, grid = stream_layout((target,), dyad), TimeGrid(date(2020, 1, 1), origin)
    acts, priors = acts_of(EventTable.from_events((), ""), grid, layout), default_priors(layout)
    draws = stream_draws(layout, prior_draws(priors, 4, grid.n_knots, np.random.default_rng(1)), priors)
    ahead = (FutureAct(date(2021, 1, 9), "military_incident", 4, 1.0),)
    chances = Chances(acts, priors, draws, 30, seed=1)
    chances.survival(ahead)
    log_likelihood(acts, draws, priors)
    chances.counts(chances.of_targets, (30,), ahead)


if __name__ == "__main__":
    _compile()
