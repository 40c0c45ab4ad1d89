import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binom

from forecast.evaluation.metrics import reliability_bins
from forecast.evaluation.score_table import join_forecasts, score_by, window_labels


def test_bins_hold_the_mean_forecast_and_the_share_of_hits():
    probability, outcome = np.array([0.02, 0.04, 0.55, 0.55, 0.59]), np.array([0, 1, 1, 1, 0], np.int8)
    bins = reliability_bins(probability, outcome, seed=1)
    assert [one.number for one in bins] == [2, 3]
    assert [one.forecast_mean for one in bins] == pytest.approx([0.03, 0.5633333])
    assert [one.observed_share for one in bins] == pytest.approx([0.5, 2 / 3])


def test_the_band_of_one_probability_is_binomial():
    (found,) = reliability_bins(np.full(100, 0.35), np.zeros(100, np.int8), seed=2, n_resamples=4000)
    assert found.lower90 == pytest.approx(binom.ppf(0.05, 100, 0.35) / 100, abs=0.0101)
    assert found.upper90 == pytest.approx(binom.ppf(0.95, 100, 0.35) / 100, abs=0.0101)


def test_calibrated_forecasts_fall_in_nine_bands_of_ten_and_distorted_ones_do_not():
    random = np.random.default_rng(3)
    inside, inside_wrong = [], []
    for seed in range(40):
        probability = random.random(300)
        cases = [(probability, inside), (expit(2.5 * logit(probability)), inside_wrong)]
        for truth, found in cases if seed < 8 else cases[:1]:
            outcome = (random.random(300) < truth).astype(np.int8)
            bins = reliability_bins(probability, outcome, seed, n_resamples=300)
            found.append(np.mean([one.lower90 <= one.observed_share <= one.upper90 for one in bins]))
    # 400 bands, and 80 that are distorted; a share of 0.9 of 400 has standard error 0.015, and the steps of
    # 1/30 round the bands outwards.
    assert 0.86 < np.mean(inside) < 0.98
    assert np.mean(inside_wrong) < 0.6


def test_windows_that_share_their_luck_have_a_wider_band():
    probability, outcome = np.full(120, 0.45), np.zeros(120, np.int8)
    (alone,) = reliability_bins(probability, outcome, seed=1)
    (together,) = reliability_bins(probability, outcome, seed=1, window=np.arange(120) // 6)
    width_alone = alone.upper90 - alone.lower90
    # Twenty stretches instead of 120 forecasts: √6 times as wide, in steps of 1/20.
    assert (together.upper90 - together.lower90) / width_alone == pytest.approx(np.sqrt(6), rel=0.2)


def test_labels_part_targets_and_stretches_as_long_as_the_longest_horizon(make_table):
    parts = ({"horizon": 30}, {"horizon": 180}, {"horizon": 180, "target": "other"})
    labels = window_labels(join_forecasts([make_table(0.5, [0] * 12, **part) for part in parts]))
    np.testing.assert_array_equal(labels[:12], labels[12:24])
    assert len(set(labels[:12])) == 2
    assert not set(labels[:12]) & set(labels[24:])


def test_slope_and_intercept_of_overconfident_forecasts(make_table):
    random = np.random.default_rng(12)
    logits = random.normal(0, 1.5, 4000)
    outcome = random.random(4000) < expit(-0.3 + 0.5 * logits)
    (score,) = score_by(make_table(expit(logits), outcome), seed=1).values()
    intercept, slope = score.line
    assert slope.value == pytest.approx(0.5, abs=4 * slope.se)
    assert intercept.value == pytest.approx(-0.3, abs=4 * intercept.se)
    # Information of a logistic regression: p(1 − p) is about 0.22 and the variance of the logits 2.25.
    assert slope.se == pytest.approx(1 / np.sqrt(4000 * 0.19 * 2.25), rel=0.4)


def test_errors_of_a_line_are_larger_when_windows_repeat_and_undefined_without_a_line(make_table):
    random = np.random.default_rng(13)
    chance = np.repeat(random.uniform(0.1, 0.9, 100), 6)
    outcome = np.repeat(random.random(100) < chance[::6], 6)
    short, long = (
        score_by(make_table(chance, outcome, horizon=days), seed=1)[()].line[1] for days in (30, 180)
    )
    assert short.value == long.value
    assert long.se > short.se
    never = score_by(make_table(chance, 0 * outcome), seed=1)[()]
    assert np.isnan([end for one in never.line for end in (one.value, one.se)]).all()
