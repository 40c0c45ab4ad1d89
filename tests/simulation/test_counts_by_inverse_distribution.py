import numpy as np
import pytest
from scipy import stats

from forecast.simulation.paths import RATE_CAP
from forecast.simulation.random_numbers import binomial, negative_binomial


@pytest.mark.parametrize("shape", [0.05, 0.7, 3.0, 80.0, 1e8])
@pytest.mark.parametrize("mean", [1e-4, 0.03, 1.0, 12.5, RATE_CAP])
def test_negative_binomial_quantiles_are_scipys(shape, mean):
    uniform = np.random.default_rng(1).random(500)
    ours = negative_binomial(uniform, np.full(500, mean), np.full(500, shape))
    np.testing.assert_array_equal(ours, stats.nbinom.ppf(uniform, shape, shape / (shape + mean)).astype(int))


def test_a_very_even_negative_binomial_is_poisson():
    uniform = np.random.default_rng(2).random(5000)
    ours = negative_binomial(uniform, np.full(5000, 2.3), np.full(5000, 1e9))
    np.testing.assert_array_equal(ours, stats.poisson.ppf(uniform, 2.3).astype(int))


def test_a_mean_of_zero_gives_no_acts():
    assert negative_binomial(np.array([0.0, 0.5, 1 - 1e-16]), np.zeros(3), np.ones(3)).tolist() == [0, 0, 0]


def test_the_shape_broadcasts_over_paths():
    rng = np.random.default_rng(3)
    uniform, mean = rng.random((4, 50, 3)), rng.random((4, 50, 3)) * 4
    shape = rng.random((4, 1, 3)) + 0.2
    expected = stats.nbinom.ppf(uniform, shape, shape / (shape + mean)).astype(int)
    np.testing.assert_array_equal(negative_binomial(uniform, mean, shape), expected)


def test_the_last_uniform_number_ends_the_search():
    top = np.nextafter(1.0, 0.0)
    count = negative_binomial(np.array([top]), np.array([1.0]), np.array([2.0]))[0]
    assert 30 < count < 60, count  # P(N ≥ n) falls below 2⁻⁵³ near n = 38


@pytest.mark.parametrize("trials", [0, 1, 2, 3, 17])
@pytest.mark.parametrize("probability", [0.0, 1e-5, 0.2, 0.5, 0.97, 1.0])
def test_binomial_quantiles_are_scipys(trials, probability):
    uniform = np.random.default_rng(4).random(400)
    ours = binomial(uniform, np.full(400, trials), np.full(400, probability))
    np.testing.assert_array_equal(ours, stats.binom.ppf(uniform, trials, probability).astype(int).clip(0))


def test_mixed_trials_and_probabilities_are_taken_elementwise():
    rng = np.random.default_rng(5)
    uniform, trials, probability = rng.random(3000), rng.integers(0, 9, 3000), rng.random(3000)
    expected = stats.binom.ppf(uniform, trials, probability).astype(int).clip(0)
    np.testing.assert_array_equal(binomial(uniform, trials, probability), expected)


def test_counts_rise_with_every_parameter_for_the_same_uniform():
    rng = np.random.default_rng(6)
    uniform, mean, shape = rng.random(4000), rng.random(4000) * 5, rng.random(4000) * 3 + 0.1
    more = mean + rng.random(4000)
    assert np.all(negative_binomial(uniform, more, shape) >= negative_binomial(uniform, mean, shape))
    trials, probability = rng.integers(0, 6, 4000), rng.random(4000)
    base = binomial(uniform, trials, probability)
    assert np.all(binomial(uniform, trials + 1, probability) >= base)
    assert np.all(binomial(uniform, trials, np.minimum(1.0, probability * 1.2)) >= base)
