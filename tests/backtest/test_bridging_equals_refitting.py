"""Reweighted draws give the forecasts of a fresh fit, within the error of both."""

from datetime import date

import numpy as np
import pytest

from forecast.evaluation import units
from forecast.families.stream_families import StreamModel
from forecast.inference.posterior import SamplerOptions

ORIGINS = (date(2021, 1, 1), date(2021, 6, 1), date(2021, 11, 1), date(2022, 4, 1))
EXACT_SEEDS = (11, 12, 13)


@pytest.fixture(scope="module")
def forecasts_of(make_plan, us_china):
    def make(*, exact, seed):
        sampler = SamplerOptions(seed=seed, draws=400, tune=200, chains=2)
        plan = make_plan(origins=ORIGINS, data_end=date(2022, 12, 31), sampler=sampler, exact=exact)
        (unit,) = units.units_of(plan)
        with pytest.MonkeyPatch.context() as patch:
            # All draws, as in an exact forecast: the comparison is about the draws, not about their futures.
            patch.setattr(units, "SIMULATED_DRAWS", 800)
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
    # Weights leave fewer effective draws, so the bridged forecast has the larger error.
    lost = np.array([exact[0][0].effective_draws / one.effective_draws for one in bridged])
    scale = error * np.sqrt(lost[:, None] + 1 / len(exact))
    return (np.array([one.probability[0] for one in bridged]) - fits.mean(axis=0)) / scale


def root_mean_square(values):
    return np.sqrt(np.mean(values**2))


def test_bridged_forecasts_equal_refitted_ones(forecasts_of, exact):
    bridged = forecasts_of(exact=False, seed=1)
    assert sum(one.refitted for one in bridged) <= 3
    found = gaps(bridged, exact)
    assert np.abs(found).max() < 4
    assert root_mean_square(found) < 2.5


def test_draws_that_are_not_reweighted_fail_the_comparison(forecasts_of, exact, monkeypatch):
    # All but equal weights: Pareto smoothing refuses weights without any spread.
    flat = np.random.default_rng(0)
    monkeypatch.setattr(
        StreamModel, "log_likelihood", lambda model, panel, draws: flat.normal(0, 1e-3, len(draws))
    )
    stale = forecasts_of(exact=False, seed=1)
    assert sum(one.refitted for one in stale) == 1
    assert root_mean_square(gaps(stale, exact)) > 2.5
