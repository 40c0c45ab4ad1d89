"""Draws that were carried on give the forecasts of a fresh fit, within the error of both.

Many fits of the whole model; ``tests/inference/test_draws_are_carried_from_origin_to_origin.py`` makes the
same claim where posteriors are known in closed form.
"""

from datetime import date

import numpy as np
import pytest

from forecast.evaluation import past_forecasts as units
from forecast.inference import particles
from forecast.inference.posterior import SamplerOptions

pytestmark = pytest.mark.slow
ORIGINS = (date(2020, 1, 1), date(2020, 11, 1), date(2021, 11, 1), date(2022, 6, 1))
EXACT_SEEDS = (11, 12, 13)
SEEDS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def forecasts_of(make_plan, us_china):
    def make(*, exact, seed):
        sampler = SamplerOptions(seed=seed, draws=400, tune=200, chains=2)
        plan = make_plan(origins=ORIGINS, data_end=date(2022, 12, 31), sampler=sampler, exact=exact)
        (unit,) = plan.units
        return units.run_unit(plan, us_china, unit).forecasts

    return make


@pytest.fixture(scope="module")
def exact(forecasts_of):
    runs = [forecasts_of(exact=True, seed=seed) for seed in EXACT_SEEDS]
    assert all(one.refitted for run in runs for one in run)
    return runs


def bridged(forecasts_of):
    return [forecasts_of(exact=False, seed=seed) for seed in SEEDS]


def gaps(bridged, exact):
    """Mean of bridged less mean of exact forecasts in standard errors, shape (origin, horizon)."""
    means, errors = [], []
    for runs in (bridged, exact):
        found = np.array([[one.probability[0] for one in run] for run in runs])
        means.append(found.mean(axis=0))
        # Few seeds tell little of the error of one cell, so that cells share theirs.
        errors.append(np.sqrt(found.var(axis=0, ddof=1).mean() / len(runs)))
    return (means[0] - means[1]) / np.hypot(*errors)


def root_mean_square(values):
    return np.sqrt(np.mean(values**2))


def test_bridged_forecasts_equal_refitted_ones(forecasts_of, exact):
    runs = bridged(forecasts_of)
    assert sum(one.refitted for one in runs[0]) <= 2
    found = gaps(runs, exact)
    assert np.abs(found).max() < 4
    assert root_mean_square(found) < 2


def test_draws_that_are_left_as_they_were_fail_the_comparison(forecasts_of, exact, monkeypatch):
    monkeypatch.setattr(particles, "carry_on", lambda particles, *rest: particles)
    runs = bridged(forecasts_of)
    assert sum(one.refitted for one in runs[0]) == 1
    assert root_mean_square(gaps(runs, exact)) > 4
