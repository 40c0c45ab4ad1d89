import numpy as np
import pytest
from forecast.simulation import NEVER, probability_curve, time_to_event
from forecast.simulation.probabilities import beta_interval, hit_moments, hit_shares
from scipy import stats

LINES = ("probability", "lower90", "upper90")


def random_days(n_draws: int, n_paths: int) -> np.ndarray:
    """First days of which each draw has its own rate, shape (draw, path)."""
    rng = np.random.default_rng(n_draws)
    days = rng.exponential(1 / rng.gamma(2.0, 0.01, (n_draws, 1)), (n_draws, n_paths))
    return np.where(days < 60, days, NEVER).astype(np.int32)


def test_shares_are_those_counted_by_hand():
    first = np.array([[0, 2, NEVER, 2], [NEVER, NEVER, NEVER, 1]], dtype=np.int32)
    np.testing.assert_array_equal(hit_shares(first, 3), [[0, 0.25, 0.25, 0.75], [0, 0, 0.25, 0.25]])
    np.testing.assert_array_equal(hit_shares(first, 1), [[0, 0.25], [0, 0]])
    np.testing.assert_array_equal(probability_curve(first, 3).probability, [0, 0.125, 0.25, 0.5])


def test_moments_are_those_counted_path_by_path():
    first = random_days(40, 5)
    weights = np.random.default_rng(6).dirichlet(np.ones(40))
    moments = hit_moments(first, 60, weights)
    np.testing.assert_allclose(moments.mean, weights @ hit_shares(first, 60), rtol=1e-12, atol=1e-15)
    pairs = [(i, j) for i in range(5) for j in range(5) if i != j]
    for day in (1, 20, 60):
        both = np.mean([(first[:, i] < day) & (first[:, j] < day) for i, j in pairs], axis=0)
        assert moments.variance[day] == pytest.approx(weights @ both - moments.mean[day] ** 2, abs=1e-12)


def test_a_beta_interval_has_its_quantiles_and_none_without_variance():
    mean, variance = np.array([0.3, 0.3, 0.0, 1.0]), np.array([0.02, 0.0, 0.0, 0.0])
    total = 0.3 * 0.7 / 0.02 - 1
    known = stats.beta(0.3 * total, 0.7 * total)
    assert known.var() == pytest.approx(0.02)
    for bound, quantile in zip(beta_interval(mean, variance), (0.05, 0.95), strict=True):
        np.testing.assert_allclose(bound, [known.ppf(quantile), 0.3, 0, 1], rtol=1e-9)


def test_the_interval_of_beta_distributed_probabilities_is_exact():
    a, b = 3.0, 5.0
    p = np.random.default_rng(3).beta(a, b, 40_000)
    hit = np.random.default_rng(4).random((40_000, 5)) < p[:, None]
    curve = probability_curve(np.where(hit, 0, NEVER).astype(np.int32), 1)
    # The standard error of a variance of 40,000 shares moves these bounds by about 0.002.
    assert curve.lower90[1] == pytest.approx(stats.beta.ppf(0.05, a, b), abs=0.008)
    assert curve.upper90[1] == pytest.approx(stats.beta.ppf(0.95, a, b), abs=0.008)


def test_no_hits_and_only_hits_have_no_interval():
    never, always = (probability_curve(np.full((30, 4), day, dtype=np.int32), 5) for day in (NEVER, 0))
    for line in LINES:
        np.testing.assert_array_equal(getattr(never, line), 0.0)
        np.testing.assert_allclose(getattr(always, line), [0, 1, 1, 1, 1, 1], rtol=1e-12)


@pytest.mark.parametrize("n_draws", [3, 7, 49, 331, 4000])
def test_a_curve_never_falls_passes_one_or_leaves_its_interval(n_draws):
    curve = probability_curve(random_days(n_draws, 3) % 40, 60)
    for line in (getattr(curve, name) for name in LINES):
        assert np.all(np.diff(line) >= 0)
        assert 0 <= line.min() <= line.max() <= 1
    assert np.all((curve.lower90 <= curve.probability) & (curve.probability <= curve.upper90))


def test_weights_are_repeated_draws():
    first = random_days(3, 50)
    weighted = probability_curve(first, 60, np.array([0.5, 0.25, 0.25]))
    repeated = probability_curve(first[[0, 0, 1, 2]], 60)
    for name in LINES:
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), atol=1e-12)


def test_one_path_a_draw_cannot_tell_noise_from_spread():
    with pytest.raises(ValueError, match="at least two paths a draw"):
        probability_curve(np.zeros((10, 1), dtype=np.int32), 5)


def test_time_to_event_counts_days_from_the_as_of_date():
    first = np.array([[0, 4, 9, NEVER], [9, 9, NEVER, NEVER]], dtype=np.int32)
    probability = probability_curve(first, 12).probability
    # The origin is the day after the as-of date, so that its day 0 is one day away.
    times = [time_to_event(probability, q) for q in (0.1, 0.25, 0.5, 0.625, 0.626)]
    assert times == [1.0, 5.0, 10.0, 10.0, None]
