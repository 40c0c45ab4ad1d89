import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from forecast.config.field_types import level_of, read_quantiles, read_statement
from forecast.errors import PriorError
from forecast.priors import Distribution, fit_quantiles
from forecast.priors.named import SCALES, TOLERATED_MISS, elicit

STANDARD = {
    "real": Distribution("Normal", (0.8, 0.3)),
    "positive": Distribution("LogNormal", (2.0, 0.7)),
    "unit": Distribution("LogitNormal", (-1.0, 0.6)),
}


@pytest.mark.parametrize("support", sorted(STANDARD))
@pytest.mark.parametrize("names", [("q05", "q95"), ("median", "q90"), ("q025", "median", "q80", "q975")])
def test_quantiles_of_a_distribution_give_it_back(support, names):
    known = STANDARD[support]
    fitted = fit_quantiles({name: float(known.quantile(level_of(name))) for name in names}, support)
    assert fitted.family == known.family
    np.testing.assert_allclose(fitted.values, known.values, rtol=1e-6)


def test_three_quantiles_off_centre_are_met_as_well_as_any_normal_can():
    levels, values = [0.05, 0.5, 0.95], np.array([0.5, 0.85, 1.1])
    fitted = fit_quantiles(dict(zip(("q05", "median", "q95"), values.tolist(), strict=True)), "real")

    def loss(mu: float, sigma: float) -> float:
        return float(((Distribution("Normal", (mu, sigma)).quantile(levels) - values) ** 2).sum())

    best = minimize(lambda at: loss(*at), fitted.values, method="Nelder-Mead", options={"xatol": 1e-8})
    assert fitted.values == pytest.approx(best.x, abs=1e-5)
    assert np.abs(fitted.quantile(levels) - values).max() < TOLERATED_MISS * 0.6


SENSELESS = (
    ({"q05": 0.0, "q95": 1.0}, "positive"),
    ({"q05": 0.2, "q95": 1.0}, "unit"),
    *((one, "real") for one in ({"q95": 1.0}, {}, {"q05": 1.0, "median": 1.0}, {"q95": 1.0, "q05": 2.0})),
    *(({name: 1.0, "q95": 2.0}, "real") for name in ("q5", "q00")),
    ({"median": 1.0, "q50": 1.0}, "real"),
    *(({"median": one, "q95": 2.0}, "real") for one in ("1", True, float("nan"), 10**400)),
    ({"q05": 0.0, "median": 0.01, "q95": 10.0}, "real"),
)


def test_statements_that_make_no_sense_are_refused(refused, snapshot):
    assert refused(fit_quantiles, *SENSELESS) == snapshot


def test_an_interval_is_the_two_quantiles_that_bound_it():
    assert read_quantiles({"interval90": [1, 3]}) == {"q05": 1.0, "q95": 3.0}
    assert read_quantiles({"median": 2, "interval95": [1, "300%"]}) == {"median": 2, "q025": 1, "q975": 3}
    assert read_quantiles({"interval50": [0, 1]}) == {"q25": 0, "q75": 1}
    for bounds in (3, [1], [1, 2, 3], "1 to 3"):
        with pytest.raises(PriorError, match=r"interval90: got .*; expected two bounds"):
            read_quantiles({"interval90": bounds})


def test_visits_that_halve_the_rate_are_stated_as_percents():
    # β = −log(1 + effect): the effect's 5% quantile is the ballast's 95%.
    fitted = elicit({"effect": {"median": "-50%", "q05": "-70%", "q95": "0%"}}, "real", SCALES["effect"])
    assert fitted.family == "Normal"
    direct = fit_quantiles({"q05": 0.0, "median": np.log(2), "q95": -np.log(0.3)}, "real")
    np.testing.assert_allclose(fitted.values, direct.values, rtol=1e-9)


_ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("-50%"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["median", "q05", "q50", "q95", "q005", "interval90", "interval00", "effect", "chance"]
)


@settings(max_examples=40)
@given(st.dictionaries(_NAMES | st.text(max_size=4), _ANY_VALUE | st.dictionaries(_NAMES, _ANY_VALUE)))
def test_any_mapping_is_read_as_quantiles_or_refused(statement):
    try:
        read = read_statement(statement)
    except PriorError as fault:
        assert str(fault)  # noqa: PT017 - any other exception fails
        return
    inner = next(iter(read.values()))
    for value in (inner if isinstance(inner, dict) else read).values():
        assert np.isfinite(value)


@settings(max_examples=50)
@given(
    st.sampled_from(["real", "positive", "unit"]),
    st.floats(1e-12, 1e12),
    st.floats(1.0001, 1e9),
    st.floats(1.0001, 1e9),
)
def test_any_three_rising_quantiles_are_met_within_the_tolerance_or_refused(support, low, ratio, further):
    values = [low, low * ratio, low * ratio * further]
    try:
        fitted = fit_quantiles(dict(zip(("q05", "median", "q95"), values, strict=True)), support)
    except PriorError:
        return
    room = TOLERATED_MISS * (values[2] - values[0]) * (1 + 1e-9)
    assert np.abs(fitted.quantile([0.05, 0.5, 0.95]) - values).max() <= room
