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


PLAIN = "parameters must be plain numbers"
WRITE = r"write a distribution such as 'Normal\(0, 0.1\)'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", WRITE),
        ("calm", WRITE),
        ("Normal(0, 1", WRITE),
        ("numpy.Normal(0, 1)", WRITE),
        ("(" * 500, WRITE),
        ("Normal(0, \0)", WRITE),
        ("Normal(0, 1) + 1", WRITE),
        ("Norml(0, 1)", r"unknown distribution 'Norml'.*Did you mean 'Normal'\?"),
        ("Normal(0)", "Normal lacks sigma in .*; it takes mu, sigma"),
        ("Normal()", "Normal lacks mu, sigma"),
        ("Normal(0, 1, 2)", r"Normal takes 2 parameter\(s\) \(mu, sigma\), got 3"),
        ("Normal(0, sgima=1)", "Normal has no free parameter 'sgima' .*; it takes mu, sigma"),
        ("Normal(0, mu=1)", "Normal has no free parameter 'mu'"),
        ("Normal(0, sigma=1, sigma=2)", "Normal has no free parameter 'sigma'"),
        ("Normal(**{'mu': 0})", "Normal has no free parameter"),
        ("Normal(*[0, 1])", PLAIN),
        ("Normal(1 + 2, 1)", PLAIN),
        ("Normal(True, 1)", f"{PLAIN}, got True"),
        ("Normal(1j, 1)", f"{PLAIN}, got 1j"),
        ("Normal('0', 1)", f"{PLAIN}, got '0'"),
        ("Normal({[]}, 1)", PLAIN),
        ("Normal(__import__('os'), 1)", PLAIN),
        ("Normal(1e999, 1)", "Normal: mu must be a finite number, got inf"),
        (f"Normal({'9' * 400}, 1)", "Normal: mu must be a finite number, got inf"),
        ("Normal(0, -1)", "Normal: sigma must be a finite number above 0, got -1"),
    ],
)
def test_text_that_is_no_distribution_gets_one_message(text, message):
    with pytest.raises(PriorError, match=message):
        parse_distribution(text)


@given(st.text(alphabet="Normalbetg(),=*[]{}.-+0123456789'\"\\ \n\t#:_é", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        assert isinstance(parse_distribution(text), Distribution)
    except PriorError as error:
        assert str(error)  # noqa: PT017 - any other exception fails
