import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from forecast.evaluation.metrics import (
    area_under_roc,
    bin_of,
    brier_score,
    calibration_line,
    log_score,
)


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
