"""Reweighted draws give the forecasts of a fresh fit, within the error of both."""

from datetime import date

import numpy as np
import pytest

from forecast.evaluation.backtest import run_unit, units_of
from forecast.inference import SamplerOptions

MONTHS = tuple(date(2021, month, 1) for month in range(1, 7))


def largest_and_typical_gap(plan, events, exact_seeds):
    """Gap between bridged and exact forecasts, in standard errors, and the number of fits when bridged."""
    (unit,) = units_of(plan(exact=False, seed=1))
    bridged = run_unit(plan(exact=False, seed=1), events, unit).forecasts
    exact = [run_unit(plan(exact=True, seed=seed), events, unit).forecasts for seed in exact_seeds]
    assert all(one.refitted for run in exact for one in run)
    fits = np.array([[one.probability[0] for one in run] for run in exact])
    # The error of one fit, by horizon, from fits that differ in their seed alone.
    error = np.sqrt(fits.var(axis=0, ddof=1).mean(axis=0))
    lost = np.array([exact[0][0].effective_draws / one.effective_draws for one in bridged])
    scale = error * np.sqrt(lost[:, None] + 1 / len(exact_seeds))
    gap = (np.array([one.probability[0] for one in bridged]) - fits.mean(axis=0)) / scale
    return np.abs(gap).max(), np.sqrt(np.mean(gap**2)), sum(one.refitted for one in bridged)


@pytest.fixture(scope="module")
def plan_of(make_plan):
    def make(*, exact, seed, draws, months=MONTHS):
        sampler = SamplerOptions(seed=seed, draws=draws, tune=200, chains=2)
        return make_plan(origins=months, data_end=date(2021, 12, 31), sampler=sampler, exact=exact)

    return make


def test_bridged_forecasts_equal_refitted_ones(plan_of, us_china):
    def plan(**changes):
        return plan_of(**changes, draws=400)

    largest, typical, fits = largest_and_typical_gap(plan, us_china, exact_seeds=(11, 12, 13))
    assert fits <= 3
    print(largest, typical, fits)
    assert largest < 4
    assert typical < 2
