import math

import numpy as np
import pytest
from scipy import stats

from forecast.priors import Distribution
from forecast.priors.distributions import FAMILIES

CASES = [
    (Distribution("Normal", (0.7, 1.3)), stats.norm(0.7, 1.3)),
    (Distribution("LogNormal", (-0.4, 0.8)), stats.lognorm(0.8, scale=math.exp(-0.4))),
    (Distribution("HalfNormal", (1.7,)), stats.halfnorm(scale=1.7)),
    (Distribution("Exponential", (2.5,)), stats.expon(scale=1 / 2.5)),
    (Distribution("Gamma", (2.2, 3.1)), stats.gamma(2.2, scale=1 / 3.1)),
    (Distribution("Beta", (4.0, 8.0)), stats.beta(4, 8)),
]
PROBABILITIES = np.array([0.001, 0.05, 0.3, 0.5, 0.77, 0.95, 0.999])
each_case = pytest.mark.parametrize(("ours", "reference"), CASES, ids=[case[0].family for case in CASES])


@each_case
def test_density_quantile_and_mean_are_those_of_scipy(ours, reference):
    points = reference.ppf(PROBABILITIES)
    np.testing.assert_allclose(ours.quantile(PROBABILITIES), points, rtol=1e-10)
    np.testing.assert_allclose(ours.log_density(points), reference.logpdf(points), rtol=1e-10, atol=1e-12)
    assert ours.mean == pytest.approx(reference.mean(), rel=1e-12)


@each_case
def test_draws_follow_the_distribution(ours, reference):
    draws = ours.draw(np.random.default_rng(1), 20_000)
    test = stats.kstest(draws, reference.cdf)
    assert test.pvalue > 0.001, f"Kolmogorov-Smirnov p = {test.pvalue:.2g}, distance {test.statistic:.4f}"
    assert ours.draw(np.random.default_rng(1), (3, 2)).shape == (3, 2)


def test_a_logit_normal_is_a_normal_on_the_logit():
    ours, normal = Distribution("LogitNormal", (-1.5, 1.0)), stats.norm(-1.5, 1.0)
    x = 1 / (1 + np.exp(-normal.ppf(PROBABILITIES)))
    np.testing.assert_allclose(ours.quantile(PROBABILITIES), x, rtol=1e-10)
    jacobian = -np.log(x * (1 - x))
    np.testing.assert_allclose(ours.log_density(x), normal.logpdf(np.log(x / (1 - x))) + jacobian, rtol=1e-10)
    grid = (np.arange(100_000) + 0.5) / 100_000
    assert ours.mean == pytest.approx((grid * np.exp(ours.log_density(grid))).mean(), rel=1e-9)
    draws = ours.draw(np.random.default_rng(2), 20_000)
    assert stats.kstest(np.log(draws / (1 - draws)), normal.cdf).pvalue > 0.001


def test_every_family_is_compared_here():
    assert {case[0].family for case in CASES} | {"LogitNormal"} == set(FAMILIES)


@pytest.mark.parametrize(
    ("distribution", "outside"),
    [
        (Distribution("LogNormal", (0.0, 1.0)), [-1.0, 0.0, np.inf, np.nan]),
        (Distribution("Gamma", (2.0, 1.0)), [-1.0, 0.0, np.nan]),
        (Distribution("Beta", (2.0, 2.0)), [-0.1, 0.0, 1.0, 1.1, np.nan]),
        (Distribution("Normal", (0.0, 1.0)), [-np.inf, np.inf, np.nan]),
    ],
)
def test_the_density_is_zero_outside_the_support(distribution, outside):
    assert np.all(distribution.log_density(outside) == -np.inf)
