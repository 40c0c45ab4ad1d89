"""Every quarterly as-of date of the bundled events, by the defaults of a run without its calendar."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast.config import load_config
from forecast.inference.density import PosteriorDensity
from forecast.inference.sampling import check_gates, fit
from forecast.models.draws import stream_draws, tension_at_steps
from forecast.runs.inputs import read_data
from forecast.runs.run import sampler_options

CONFIG = Path(__file__).resolve().parents[2] / "configs/us-china-2023.yaml"
DAYS = [
    day
    for year in range(2019, 2024)
    for month in (1, 4, 7, 10)
    if (day := date(year, month, 1)) <= date(2023, 7, 1)
]
LATEST_STEPS = 17
"""Weeks before an as-of date whose tension the next quarter's acts may still move."""


@pytest.mark.slow
def test_each_converges_and_past_tension_does_not_jump_between_neighbours():
    config = load_config(CONFIG)
    # The model alone: the pooled hazard does not answer milestones so far ahead.
    alone = config.model.model_copy(update={"family": "model"})
    config = config.model_copy(update={"calendar": (), "model": alone})
    failed, before, jumps = [], None, []
    for day in DAYS:
        dated = config.model_copy(update={"as_of": day})
        inputs = read_data(dated)
        posterior = fit(PosteriorDensity.of(inputs.data, inputs.priors), sampler_options(dated))
        if check_gates(posterior).failures:
            failed.append(day)
        draws = stream_draws(inputs.data.layout, posterior.variables, inputs.priors)
        path = tension_at_steps(draws.knots, inputs.data.grid.n_steps)
        now = path.mean(axis=0), path.std(axis=0)
        if before is not None:
            n = len(before[0]) - LATEST_STEPS
            jumps.append(float(np.max(np.abs(now[0][:n] - before[0][:n]) / before[1][:n])))
        before = now
    assert not failed
    assert max(jumps) < 1.0, "by less than the posterior standard deviation"
