from datetime import date

import numpy as np
import pytest

from forecast.baselines import origins_of
from forecast.evaluation.metrics import OriginBlocks, block_length, draw_blocks

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
