import numpy as np
import pytest
from scipy import stats

from forecast.simulation import NEVER, probability_curve, time_to_event
from forecast.simulation.probabilities import beta_interval, hit_moments, hit_shares


def exponential_days(rates: np.ndarray, n_paths: int, horizon_days: int, seed: int = 1) -> np.ndarray:
    """First days of Poisson processes with these daily rates, shape (draw, path)."""
    time = np.random.default_rng(seed).exponential(1 / rates[:, None], (len(rates), n_paths))
    return np.where(time < horizon_days, np.floor(np.minimum(time, 1e6)), NEVER).astype(np.int32)


def test_shares_are_those_counted_by_hand():
    first = np.array([[0, 2, NEVER, 2], [NEVER, NEVER, NEVER, 1]], dtype=np.int32)
    np.testing.assert_array_equal(hit_shares(first, 3), [[0, 0.25, 0.25, 0.75], [0, 0, 0.25, 0.25]])
    np.testing.assert_array_equal(hit_shares(first, 1), [[0, 0.25], [0, 0]])
    np.testing.assert_array_equal(probability_curve(first, 3).probability, [0, 0.125, 0.25, 0.5])


@pytest.mark.parametrize(("shape", "rate"), [(2.0, 400.0), (8.0, 1000.0), (0.7, 100.0)])
def test_the_interval_is_that_of_the_rates_without_path_noise(shape, rate):
    days = np.array([30, 90, 180])
    known = stats.gamma(shape, scale=1 / rate)
    draws = known.rvs(8000, random_state=np.random.default_rng(2))
    curve = probability_curve(exponential_days(draws, 6, 181), 180)
    for bound, quantile in ((curve.lower90, 0.05), (curve.upper90, 0.95)):
        exact = 1 - np.exp(-known.ppf(quantile) * days)
        # A beta distribution of the same mean and variance is not the law of 1−exp(−λt): 0.02 covers what
        # separates the two; the rest is Monte Carlo error of the variance.
        np.testing.assert_allclose(bound[days], exact, atol=0.025)
    noisy = np.quantile(curve.per_draw[:, days], [0.05, 0.95], axis=0)
    assert np.all(noisy[1] - noisy[0] > curve.upper90[days] - curve.lower90[days])


def test_the_interval_of_beta_distributed_probabilities_is_exact():
    a, b = 3.0, 5.0
    p = np.random.default_rng(3).beta(a, b, 40_000)
    hit = np.random.default_rng(4).random((40_000, 5)) < p[:, None]
    curve = probability_curve(np.where(hit, 0, NEVER).astype(np.int32), 1)
    # The standard error of a variance of 40,000 shares moves these bounds by about 0.002.
    assert curve.lower90[1] == pytest.approx(stats.beta.ppf(0.05, a, b), abs=0.008)
    assert curve.upper90[1] == pytest.approx(stats.beta.ppf(0.95, a, b), abs=0.008)


def test_draws_that_agree_leave_an_interval_of_no_width():
    n_draws, n_paths, day = 4000, 8, 50
    curve = probability_curve(exponential_days(np.full(n_draws, 0.01), n_paths, 51), day)
    p = curve.probability[day]
    # What is left is the error of the variance taken off: variance·√(2/draws), or nothing.
    residual = np.sqrt(p * (1 - p) / n_paths * np.sqrt(2 / n_draws) * 3)
    assert curve.upper90[day] - curve.lower90[day] < 2 * 1.645 * residual
    raw = np.quantile(curve.per_draw[:, day], [0.05, 0.95])
    assert curve.upper90[day] - curve.lower90[day] < 0.4 * (raw[1] - raw[0])


def test_no_hits_and_only_hits_have_no_interval():
    never, always = (probability_curve(np.full((30, 4), day, dtype=np.int32), 5) for day in (NEVER, 0))
    for line in (never.probability, never.lower90, never.upper90):
        np.testing.assert_array_equal(line, 0.0)
    for line in (always.probability, always.lower90, always.upper90):
        np.testing.assert_allclose(line, [0, 1, 1, 1, 1, 1], rtol=1e-12)


@pytest.mark.parametrize("n_draws", [3, 7, 49, 331, 4000])
def test_no_number_of_draws_lets_rounding_pass_one_or_let_the_curve_fall(n_draws):
    rng = np.random.default_rng(n_draws)
    first = rng.integers(0, 40, (n_draws, 3)).astype(np.int32)
    curve = probability_curve(first, 60)
    for line in (curve.probability, curve.lower90, curve.upper90):
        assert np.all(np.diff(line) >= 0)
        assert line.min() >= 0
        assert line.max() <= 1


def test_weights_are_repeated_draws():
    first = exponential_days(np.array([0.002, 0.01, 0.05]), 50, 61)
    weighted = probability_curve(first, 60, np.array([0.5, 0.25, 0.25]))
    repeated = probability_curve(first[[0, 0, 1, 2]], 60)
    for name in ("probability", "lower90", "upper90"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), atol=1e-12)
    one = probability_curve(first, 60, np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(one.probability, one.per_draw[1], rtol=1e-12)


def test_one_path_a_draw_cannot_tell_noise_from_spread():
    with pytest.raises(ValueError, match="at least two paths a draw"):
        probability_curve(np.zeros((10, 1), dtype=np.int32), 5)


def test_a_beta_interval_has_its_quantiles_and_none_without_variance():
    mean, variance = np.array([0.3, 0.3, 0.0, 1.0]), np.array([0.02, 0.0, 0.0, 0.0])
    lower, upper = beta_interval(mean, variance)
    total = 0.3 * 0.7 / 0.02 - 1
    known = stats.beta(0.3 * total, 0.7 * total)
    assert known.var() == pytest.approx(0.02)
    np.testing.assert_allclose(lower, [known.ppf(0.05), 0.3, 0, 1], rtol=1e-9)
    np.testing.assert_allclose(upper, [known.ppf(0.95), 0.3, 0, 1], rtol=1e-9)


def test_moments_are_those_counted_path_by_path():
    first = exponential_days(np.random.default_rng(5).gamma(2.0, 0.01, 40), 5, 60)
    weights = np.random.default_rng(6).dirichlet(np.ones(40))
    moments = hit_moments(first, 60, weights)
    np.testing.assert_allclose(moments.mean, weights @ hit_shares(first, 60), rtol=1e-12, atol=1e-15)
    pairs = [(i, j) for i in range(5) for j in range(5) if i != j]
    for day in (1, 20, 60):
        both = np.mean([(first[:, i] < day) & (first[:, j] < day) for i, j in pairs], axis=0)
        assert moments.variance[day] == pytest.approx(weights @ both - moments.mean[day] ** 2, abs=1e-12)


def test_time_to_event_counts_days_from_the_as_of_date():
    first = np.array([[0, 4, 9, NEVER], [9, 9, NEVER, NEVER]], dtype=np.int32)
    probability = probability_curve(first, 12).probability
    # The origin is the day after the as-of date, so that its day 0 is one day away.
    assert [time_to_event(probability, q) for q in (0.1, 0.25, 0.5, 0.625, 0.626)] == [
        1.0,
        5.0,
        10.0,
        10.0,
        None,
    ]


def test_the_median_time_of_a_poisson_process_is_log_two_over_its_rate():
    rate, n = 0.01, 40_000
    first = exponential_days(np.full(n // 10, rate), 10, 5000)
    error = 1 / (rate * np.sqrt(n))  # asymptotic: √(p(1−p)/n) over the density at the median
    probability = probability_curve(first, 5000).probability
    assert time_to_event(probability, 0.5) == pytest.approx(np.log(2) / rate, abs=4.5 * error + 1)
