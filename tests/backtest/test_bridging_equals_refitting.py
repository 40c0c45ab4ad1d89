"""Draws that were carried on give the forecasts of a fresh fit, within the error of both."""

from datetime import date

import numpy as np
import pytest

from forecast.evaluation import units
from forecast.inference import rolling
from forecast.inference.posterior import SamplerOptions

ORIGINS = (date(2020, 1, 1), date(2020, 11, 1), date(2021, 11, 1), date(2022, 6, 1))
EXACT_SEEDS = (11, 12, 13)


@pytest.fixture(scope="module")
def forecasts_of(make_plan, us_china):
    def make(*, exact, seed):
        sampler = SamplerOptions(seed=seed, draws=400, tune=200, chains=2)
        plan = make_plan(origins=ORIGINS, data_end=date(2022, 12, 31), sampler=sampler, exact=exact)
        (unit,) = units.units_of(plan)
        return units.run_unit(plan, us_china, unit).forecasts

    return make


@pytest.fixture(scope="module")
def exact(forecasts_of):
    runs = [forecasts_of(exact=True, seed=seed) for seed in EXACT_SEEDS]
    assert all(one.refitted for run in runs for one in run)
    return runs


def gaps(bridged, exact):
    """Bridged minus exact forecasts in standard errors, shape (origin, horizon)."""
    fits = np.array([[one.probability[0] for one in run] for run in exact])
    # The error of one fit, by horizon, from fits that differ in their seed alone.
    error = np.sqrt(fits.var(axis=0, ddof=1).mean(axis=0))
    # Particles are fewer than the draws of a fit, so the bridged forecast has the larger error.
    lost = np.array([exact[0][0].effective_draws / one.effective_draws for one in bridged])
    scale = error * np.sqrt(lost[:, None] + 1 / len(exact))
    return (np.array([one.probability[0] for one in bridged]) - fits.mean(axis=0)) / scale


def root_mean_square(values):
    return np.sqrt(np.mean(values**2))


def test_bridged_forecasts_equal_refitted_ones(forecasts_of, exact):
    bridged = forecasts_of(exact=False, seed=1)
    assert sum(one.refitted for one in bridged) <= 2
    found = gaps(bridged, exact)
    assert np.abs(found).max() < 4
    assert root_mean_square(found) < 2


def test_draws_that_are_left_as_they_were_fail_the_comparison(forecasts_of, exact, monkeypatch):
    monkeypatch.setattr(rolling, "carry_on", lambda particles, *rest: particles)
    stale = forecasts_of(exact=False, seed=1)
    assert sum(one.refitted for one in stale) == 1
    assert root_mean_square(gaps(stale, exact)) > 4
