"""Simple forecasts of weekly scores and what forecasts are scored by, against known answers."""

from datetime import date, timedelta

import numpy as np
import pytest
import scoringrules
from scipy import stats

from forecast.evaluation.weekly_baselines import (
    BASELINES,
    autoregression_samples,
    climatology_samples,
    crps,
    last_year_samples,
    random_walk_samples,
)
from forecast.evaluation.weekly_table import (
    TargetScored,
    score_week,
    target_summaries,
    week_summaries,
)
from forecast.score_run import climatology_of
from forecast.weekly_scores.series import ScoreRule


def test_crps_is_that_of_scoringrules():
    rng = np.random.default_rng(1)
    for _ in range(5):
        samples, outcome = rng.standard_t(3, 200), float(rng.normal())
        expected = scoringrules.crps_ensemble(outcome, samples, estimator="fair")
        assert crps(samples, outcome) == pytest.approx(float(expected))


def test_crps_of_a_normal_sample_is_the_closed_form():
    rng = np.random.default_rng(2)
    y = 0.7
    expected = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
    # The standard deviation of |X − y| over the root of the sample.
    assert crps(rng.normal(size=40_000), y) == pytest.approx(expected, abs=4 / np.sqrt(40_000))


def test_climatology_draws_runs_of_the_past_in_their_order():
    past = np.arange(100.0)
    runs = climatology_samples(past, 3, 5000, np.random.default_rng(3))
    assert set(np.unique(np.diff(runs, axis=1))) <= {1.0, -99.0}
    assert runs[:, 0].mean() == pytest.approx(49.5, abs=4 * 29 / np.sqrt(5000))
    assert last_year_samples(past, 3, 500, np.random.default_rng(3)).min() == 48.0


def test_a_random_walk_starts_where_the_past_ends_and_spreads_with_the_root_of_time():
    rng = np.random.default_rng(4)
    past = np.cumsum(rng.normal(size=4000))
    ahead = random_walk_samples(past, 16, 20_000, rng)
    mean_step = np.diff(past).mean()
    assert ahead[:, 15].mean() == pytest.approx(past[-1] + 16 * mean_step, abs=4 * 4 / np.sqrt(20_000))
    assert ahead[:, 15].std() / ahead[:, 0].std() == pytest.approx(4.0, rel=0.05)


def test_an_autoregression_returns_to_its_mean_at_its_rate():
    rng = np.random.default_rng(5)
    past = np.zeros(20_000)
    for week in range(1, len(past)):
        past[week] = 3.0 + 0.8 * (past[week - 1] - 3.0) + rng.normal()
    past = np.append(past, 13.0)
    ahead = autoregression_samples(past, 5, 20_000, rng)
    assert ahead[:, 4].mean() == pytest.approx(3.0 + 10 * 0.8**5, abs=0.2)
    # Of the next week the spread is that of the errors.
    assert ahead[:, 0].std() == pytest.approx(1.0, rel=0.03)


def test_every_baseline_sees_only_the_past_it_is_given():
    past = np.random.default_rng(6).normal(size=200)
    for baseline in BASELINES.values():
        one, two = (baseline(past.copy(), 4, 50, np.random.default_rng(7)) for _ in range(2))
        assert one.shape == (50, 4)
        assert np.array_equal(one, two)


def test_climatology_of_a_target_is_the_share_of_runs_with_half_a_run_each_added(series_of):
    # One week in ten below the bound, evenly spread: every run of ten weeks holds one, of one week a tenth.
    score = np.where(np.arange(200) % 10 == 0, -9.0, 1.0)[:, None]
    series = series_of(score)
    rule = ScoreRule("cold", "a_to_b", -5.0)
    rng = np.random.default_rng(8)
    assert climatology_of(series, rule, series.end, 70, rng) == pytest.approx((20 + 0.5) / (20 + 1))
    expected = (0.1 * 200 + 0.5) / (200 + 1)
    assert climatology_of(series, rule, series.end, 7, rng) == pytest.approx(expected, abs=0.01)
    assert climatology_of(series, rule, series.end, 6, rng) == 0.0, "no week ends by then"


def test_summaries_hold_means_gaps_and_coverage():
    days = [date(2020, 1, 6) + timedelta(weeks=13 * k) for k in range(12)]
    rng = np.random.default_rng(9)
    rows = []
    for day in days:
        rows.append(score_week(rng.normal(size=500), 0.0, day, "both", 4, "model"))
        rows.append(score_week(rng.normal(5.0, 1.0, 500), 0.0, day, "both", 4, "climatology"))
    ours, theirs = week_summaries(rows, seed=1)
    assert (ours["model"], ours["n"], ours["coverage90"]["value"], ours["crps_gap"]) == (
        "model",
        12,
        1.0,
        None,
    )
    assert theirs["coverage90"]["value"] == 0.0
    assert theirs["crps_gap"]["value"] == pytest.approx(theirs["crps"]["value"] - ours["crps"]["value"])
    assert theirs["crps_gap"]["interval90"][0] > 0


def test_target_summaries_are_mean_brier_scores():
    days = [date(2020, 1, 6) + timedelta(weeks=13 * k) for k in range(4)]
    rows = [
        TargetScored(day, "cold", 13, model, p, k % 2)
        for k, day in enumerate(days)
        for model, p in (("model", 0.5), ("climatology", 1.0))
    ]
    ours, theirs = target_summaries(rows, seed=1)
    assert (ours["brier"]["value"], theirs["brier"]["value"]) == (0.25, 0.5)
    assert (ours["n_hits"], theirs["brier_gap"]["value"]) == (2, 0.25)
