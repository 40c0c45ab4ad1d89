"""Scores against oracles, calibration bands and lines, and the coverage of the block bootstrap."""

from datetime import date

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binom, mannwhitneyu

from forecast.baselines import origins_of
from forecast.evaluation.metrics import (
    OriginBlocks,
    area_under_roc,
    bin_of,
    block_length,
    brier_score,
    calibration_line,
    draw_blocks,
    log_score,
    reliability_bins,
)
from forecast.evaluation.score_table import join_forecasts, score_by, window_labels


@pytest.fixture(scope="module")
def forecasts():
    random = np.random.default_rng(3)
    probability = np.round(random.beta(1.0, 1.5, 400), 2).clip(0.01, 0.99)
    return probability, (random.random(400) < probability).astype(np.int8)


def test_brier_and_log_scores_are_those_of_scoringrules(forecasts):
    import scoringrules  # takes seconds, in every worker that collects this module

    probability, outcome = forecasts
    np.testing.assert_allclose(
        brier_score(probability, outcome), scoringrules.brier_score(outcome, probability)
    )
    np.testing.assert_allclose(log_score(probability, outcome), scoringrules.log_score(outcome, probability))


def test_a_probability_on_an_edge_is_in_the_bin_above_and_one_is_in_the_last():
    assert bin_of(np.array([0.0, 0.1, 0.3, 0.7, 0.99, 1.0])).tolist() == [0, 1, 3, 7, 9, 9]


def test_auc_is_the_mann_whitney_statistic_with_ties_at_half(forecasts):
    probability, outcome = forecasts
    hits, misses = probability[outcome == 1], probability[outcome == 0]
    oracle = mannwhitneyu(hits, misses).statistic / (len(hits) * len(misses))
    assert len(np.unique(probability)) < len(probability)
    assert area_under_roc(probability, outcome) == pytest.approx(oracle, abs=1e-12)
    assert np.isnan(area_under_roc(np.array([0.2, 0.4]), [1, 1]))


@pytest.mark.parametrize(
    ("probability", "outcome"),
    [([0.2, 0.4, 0.6], [1, 1, 1]), ([0.3, 0.3, 0.3], [0, 1, 1]), ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])],
    ids=["one kind of outcome", "one probability", "separated"],
)
def test_a_calibration_line_that_data_cannot_fix_is_nan(probability, outcome):
    assert np.isnan(calibration_line(np.array(probability), outcome)).all()


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


MONTHS = origins_of("monthly", date(1993, 1, 1), date(2003, 7, 1))
N_RESAMPLES = 4000
DAYS = np.datetime64("2000-01-01") + np.arange(4000)
# Relative standard deviation of a bootstrap standard error from so many resamples.
MC_ERROR = 1 / np.sqrt(2 * N_RESAMPLES)


def in_blocks(n, block, seed=1, n_resamples=2000):
    """The bootstrap of one forecast a day, in blocks of this length."""
    return OriginBlocks(DAYS[:n], 1, seed, block=block, n_resamples=n_resamples)


def test_blocks_span_twice_the_origins_that_share_days_and_no_more_than_half():
    assert [block_length(MONTHS, horizon) for horizon in (28, 30, 90, 180)] == [6, 6, 6, 12]
    weeks = origins_of("weekly", date(2000, 1, 1), date(2010, 1, 1))
    assert [block_length(weeks[:n], 180) for n in (None, 20, 1)] == [52, 10, 1]


def test_blocks_are_runs_of_neighbours_and_every_origin_is_drawn_equally_often():
    drawn = draw_blocks(12, 4, seed=1, n_resamples=6000)
    assert drawn.shape == (6000, 12)
    runs = drawn.reshape(6000, 3, 4)
    assert np.all(np.diff(runs, axis=2) % 12 == 1)
    share = np.bincount(drawn.ravel(), minlength=12) / drawn.size
    # Each origin is drawn with a block, 18,000 of them: three standard errors.
    np.testing.assert_allclose(share, 1 / 12, atol=3 * np.sqrt(1 / 3 * 2 / 3 / 18_000))


def test_means_of_resamples_are_those_of_the_drawn_origins_and_groups_have_the_same_weight():
    rng = np.random.default_rng(9)
    origin = np.repeat(MONTHS[:40], 3)
    # The third pair is there half of the time, in fewer rows.
    kept = np.tile([True, True, False], 40) | (np.arange(120) % 6 == 2)
    values, pair = rng.standard_normal(120)[kept], np.tile([0, 1, 2], 40)[kept]
    row = np.repeat(np.arange(40), 3)[kept]
    drawn = draw_blocks(40, block_length(MONTHS[:40], 90), seed=8)
    for group, count in ((None, 1), (pair, 3)):
        found = OriginBlocks(origin[kept], 90, 8, group).mean(values)
        label = pair if group is not None else pair * 0
        means = [[values[label == k].mean() for k in range(count)]]
        for places in drawn[:1500]:
            rows = np.concatenate([np.flatnonzero(row == place) for place in places])
            means.append([values[rows][label[rows] == k].mean() for k in range(count)])
        assert found.value == pytest.approx(np.mean(means[0]))
        n_blocks = 40 / block_length(MONTHS[:40], 90)
        oracle = np.std(np.mean(means[1:], axis=1), ddof=1) * np.sqrt(n_blocks / (n_blocks - 1))
        assert found.se == pytest.approx(oracle, rel=0.08)


def test_single_blocks_give_the_classical_standard_error_and_overlapping_windows_a_larger_one():
    values = np.random.default_rng(2).standard_normal(150)
    found = in_blocks(150, 1, 3, N_RESAMPLES).mean(values)
    classical = values.std(ddof=1) / np.sqrt(150)
    assert found.value == pytest.approx(values.mean())
    assert found.se == pytest.approx(classical, rel=4 * MC_ERROR)
    noise = np.random.default_rng(5).standard_normal(305)
    windows = np.convolve(noise, np.ones(6) / 6, "valid")
    classical = windows.std(ddof=1) / np.sqrt(len(windows))
    # The mean of windows of six has the error of 300 independent values: √6 times the classical one.
    assert 1.8 < in_blocks(300, 12).mean(windows).se / classical < 3.0


def test_fewer_blocks_make_a_wider_interval_in_standard_errors():
    values = np.random.default_rng(7).standard_normal(48)
    widths = []
    for block in (1, 12, 24):
        found = in_blocks(48, block).mean(values)
        widths.append((found.interval90[1] - found.interval90[0]) / found.se)
    assert widths[0] < widths[1] < widths[2]
    alone = in_blocks(1, 1).mean([0.25])
    assert alone.value == 0.25
    assert np.isnan([alone.se, *alone.interval90]).all()
    # Student's 95% quantile with 47 and with 1 degrees of freedom.
    assert widths[0] / 2 == pytest.approx(1.678, abs=0.001)
    assert widths[2] / 2 == pytest.approx(6.314, abs=0.001)


def test_a_forecast_has_no_skill_against_itself_and_all_when_perfect():
    scores = np.random.default_rng(8).random(60)
    itself = in_blocks(60, 4).skill(scores, scores)
    assert (itself.value, itself.se) == (0, pytest.approx(0, abs=1e-12))
    perfect = in_blocks(60, 4).skill(np.zeros(60), scores)
    assert (perfect.value, perfect.interval90) == (1, (1, 1))
    assert np.isnan(in_blocks(10, 1).skill(np.ones(10), np.zeros(10)).value)


def test_the_error_of_skill_is_that_of_a_ratio_of_means():
    random = np.random.default_rng(9)
    reference = random.random(4000)
    scores = 0.8 * reference + 0.1 * random.random(4000)
    found = in_blocks(4000, 1, n_resamples=2000).skill(scores, reference)
    draws = draw_blocks(4000, 1, seed=2, n_resamples=1000)
    oracle = np.std(1 - scores[draws].mean(axis=1) / reference[draws].mean(axis=1))
    assert found.se == pytest.approx(oracle, rel=4 * np.hypot(MC_ERROR, 1 / np.sqrt(2000)))


@pytest.mark.slow
@pytest.mark.parametrize(("n_origins", "overlap"), [(127, 1), (125, 3), (122, 6), (49, 6)])
def test_nine_of_ten_intervals_hold_the_truth(n_origins, overlap):
    random = np.random.default_rng(10 + n_origins)
    n_series = 1500
    block = block_length(MONTHS[:n_origins], 30 * overlap)
    held = 0
    for series in range(n_series):
        noise = random.standard_normal(n_origins + overlap - 1)
        found = in_blocks(n_origins, block, series, 500).mean(np.convolve(noise, np.ones(overlap), "valid"))
        low, high = found.interval90
        held += low <= 0 <= high
    # Block bootstraps of short series fall a little short of nine in ten; 0.023 is three standard errors.
    assert 0.84 - 0.023 < held / n_series < 0.92 + 0.023
