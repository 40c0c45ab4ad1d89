import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import PriorError
from forecast.priors import Distribution, parse_distribution
from forecast.priors.distributions import FAMILIES


@st.composite
def distributions(draw):
    family = draw(st.sampled_from(sorted(FAMILIES)))
    size = st.floats(1e-6, 1e6)
    values = [
        draw(size if positive else st.floats(-1e6, 1e6, allow_subnormal=False))
        for positive in FAMILIES[family].positive
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
