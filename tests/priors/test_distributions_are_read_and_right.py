"""Distributions agree with SciPy, and are read from text or refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecast.errors import PriorError
from forecast.priors import Distribution, parse_distribution
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


@st.composite
def distributions(draw):
    family = draw(st.sampled_from(sorted(FAMILIES)))
    size = st.floats(1e-6, 1e6)
    values = [
        draw(st.floats(-1e6, 1e6, allow_subnormal=False) if name == "mu" else size)
        for name in FAMILIES[family].parameters
    ]
    return Distribution(family, tuple(values))


@given(distributions())
def test_printed_text_reads_back_to_four_digits(distribution):
    back = parse_distribution(str(distribution))
    assert back.family == distribution.family
    np.testing.assert_allclose(back.values, distribution.values, rtol=5.1e-4)
    assert str(back) == str(distribution)


@pytest.mark.parametrize(
    "text",
    [
        "LogNormal(3.0, 0.5)",
        "LogNormal(mu=3.0, sigma=0.5)",
        "LogNormal(sigma=0.5, mu=3)",
        "  LogNormal( 3 , sigma = 5e-1 ) ",
    ],
)
def test_positions_and_names_may_be_mixed(text):
    assert parse_distribution(text) == Distribution("LogNormal", (3.0, 0.5))


NO_DISTRIBUTION = (
    *("", "calm", "Normal(0, 1", "numpy.Normal(0, 1)", "(" * 500, "Normal(0, \0)", "Normal(0, 1) + 1"),
    *("Norml(0, 1)", "Normal(0)", "Normal()", "Normal(0, 1, 2)", "Normal(0, sgima=1)", "Normal(0, mu=1)"),
    *("Normal(0, sigma=1, sigma=2)", "Normal(**{'mu': 0})", "Normal(*[0, 1])", "Normal(1 + 2, 1)"),
    *("Normal(True, 1)", "Normal(1j, 1)", "Normal('0', 1)", "Normal({[]}, 1)", "Normal(1e999, 1)"),
    *("Normal(__import__('os'), 1)", f"Normal({'9' * 400}, 1)", "Normal(0, -1)"),
)


def test_text_that_is_no_distribution_gets_one_message(refused, snapshot):
    assert refused(parse_distribution, *((text,) for text in NO_DISTRIBUTION)) == snapshot


@given(st.text(alphabet="Normalbetg(),=*[]{}.-+0123456789'\"\\ \n\t#:_é", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        assert isinstance(parse_distribution(text), Distribution)
    except PriorError as error:
        assert str(error)  # noqa: PT017 - any other exception fails
