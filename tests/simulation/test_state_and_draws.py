from datetime import date

import numpy as np
import pytest

from forecast.models import density
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    linear_between,
    ornstein_uhlenbeck,
    prior_draws,
    record_of,
    stream_draws,
    tension_at_steps,
    with_longer_future,
)
from forecast.panel import DRIFT_KNOT_STEPS, TimeGrid, count_events, drift_knots_for
from forecast.priors.population import record_priors
from forecast.runs.summaries import drift_now
from forecast.simulation.play import _past

GRID = TimeGrid(date(2022, 1, 1), date(2022, 7, 6))


@pytest.fixture(scope="module")
def panel(us_china, nested_layout):
    return count_events(us_china, GRID, nested_layout)


@pytest.fixture(scope="module")
def drawn(panel):
    priors = record_priors(panel, None)
    variables = prior_draws(priors, 20, 6, np.random.default_rng(1))
    return variables, stream_draws(panel.layout, variables, priors)


def test_the_state_is_the_direct_sum_over_the_past(panel):
    record = record_of(panel)
    last = GRID.n_steps - 1
    lag = np.arange(last, 0, -1)  # 1 for the last step before
    weight = density.severity_weights.py_func(0.3)
    assert weight == pytest.approx(np.exp(0.3 * (np.arange(1, 6) - 2)))
    own, calmed = np.empty((2, len(panel.layout.streams)))
    for decays in ([0.3, 0.5, 0.7, 0.9], [0.9, 0.8, 0.95, 0.9]):
        pull = _past(record, last, weight, np.array(decays), own, calmed)
        a, b, c, _ = decays
        before = panel.counts[:last]
        np.testing.assert_allclose(own, (1 - a) * a ** (lag - 1) @ before)
        assert pull == pytest.approx((1 - b) * b ** (lag - 1) @ (panel.graded[:last] @ weight))
        calming = np.array(panel.layout.calming)
        np.testing.assert_allclose(calmed[calming], (c**lag @ before)[calming])


def test_drift_now_is_where_it_ends_beside_the_level_of_the_record(panel, draws_with):
    innovations = np.zeros((3, drift_knots_for(GRID.n_knots)))
    innovations[:, 1] = [0.0, 1.0, -2.0]
    draws = draws_with(panel.layout, 3, GRID.n_knots, drift_scale=0.7, **{DRIFT_INNOVATIONS: innovations})
    knots = draws.drift
    assert knots[:, 0].tolist() == [0, 0, 0]
    steps = np.arange(GRID.n_steps)
    values = np.array([np.interp(steps, DRIFT_KNOT_STEPS * np.arange(knots.shape[1]), row) for row in knots])
    mean = np.average(np.exp(values), weights=panel.exposure, axis=1)
    np.testing.assert_allclose(draws.level(panel), values[:, -1] - np.log(mean), atol=1e-12)
    assert draws.level(panel)[0] == pytest.approx(0, abs=1e-12)
    now = drift_now(np.log([0.5, 1.0, 3.0]))
    assert now.mean == pytest.approx(1.5)
    assert now.interval90 == pytest.approx((0.55, 2.8))


def test_variables_come_back_from_points_as_they_were(drawn):
    variables, draws = drawn
    assert set(draws.variables) == set(variables)
    for name, values in variables.items():
        np.testing.assert_array_equal(draws.variables[name], values, err_msg=name)


def test_variables_take_their_streams(drawn, nested_layout):
    variables, draws = drawn
    conflict, calming = nested_layout.conflict_index, nested_layout.calming_index
    share = draws.by_stream("excitation_cross", conflict)
    np.testing.assert_array_equal(share[..., conflict], variables["excitation_cross"])
    assert np.all(share[..., calming] == 0)
    ballast = draws.by_stream("ballast", calming)
    np.testing.assert_array_equal(ballast[..., calming], variables["ballast"])
    assert np.all(ballast[..., conflict] == 0)
    for side, streams in enumerate((conflict, calming)):
        for k in streams:
            np.testing.assert_array_equal(draws.own[..., k], variables["excitation_branching"][..., side])


def test_rows_are_taken_from_every_variable(drawn):
    variables, draws = drawn
    taken = draws.rows(np.array([7, 2]))
    assert len(taken) == 2
    for name, values in variables.items():
        np.testing.assert_array_equal(taken.variables[name], values[[7, 2]])


def test_a_longer_future_keeps_what_is_known_and_draws_the_rest(drawn):
    variables, _ = drawn
    longer = with_longer_future(variables, 400, np.random.default_rng(2))
    for name in (INNOVATIONS, DRIFT_INNOVATIONS):
        n = variables[name].shape[-1]
        np.testing.assert_array_equal(longer[name][..., :n], variables[name])
    assert longer[INNOVATIONS].shape[-1] == 101  # 400 steps, a knot every four and one beyond
    assert longer[DRIFT_INNOVATIONS].shape[-1] == drift_knots_for(101)
    fresh = longer[INNOVATIONS][..., 6:]
    assert abs(fresh.mean()) < 4.5 / np.sqrt(fresh.size)
    assert abs(fresh.var() - 1) < 4.5 * np.sqrt(2 / fresh.size)


def test_tension_is_the_recursion_of_the_density():
    rng = np.random.default_rng(4)
    innovations, decay = rng.standard_normal((5, 12)), rng.uniform(0.1, 0.99, 5)
    noise = np.sqrt(1 - decay**2)
    knots = ornstein_uhlenbeck(innovations, decay, noise)
    for d in range(5):
        expected = density.ornstein_uhlenbeck.py_func(innovations[d], decay[d], noise[d])
        np.testing.assert_allclose(knots[d], expected, rtol=1e-13)
        steps = density.between_knots.py_func(expected, 4, 40)
        np.testing.assert_allclose(tension_at_steps(knots[d : d + 1], 40)[0], steps, atol=1e-13)


def test_tension_from_the_prior_has_unit_variance_and_the_correlation_of_its_persistence():
    n, decay = 40_000, 0.8
    innovations = np.random.default_rng(5).standard_normal((n, 10))
    knots = ornstein_uhlenbeck(innovations, np.full(n, decay), np.full(n, np.sqrt(1 - decay**2)))
    covariance = knots.T @ knots / n
    lag = np.abs(np.subtract.outer(np.arange(10), np.arange(10)))
    # Standard error of a covariance of unit normals with correlation r: √((1+r²)/n).
    z = (covariance - decay**lag) / np.sqrt((1 + decay ** (2.0 * lag)) / n)
    assert np.abs(z).max() < 4.5, f"largest z {np.abs(z).max():.1f}"


def test_between_knots_values_are_linear():
    knots = np.array([[0.0, 4.0, -4.0], [1.0, 1.0, 5.0]])
    expected = [[0, 1, 2, 3, 4, 2, 0, -2], [1, 1, 1, 1, 1, 2, 3, 4]]
    np.testing.assert_allclose(tension_at_steps(knots, 8), expected)
    np.testing.assert_allclose(linear_between(knots, np.array([0, 8, 2]), 4), [[0, -4, 2], [1, 5, 1]])


def test_prior_draws_hold_what_the_posterior_would(panel, drawn):
    variables, _ = drawn
    priors = record_priors(panel, None)
    assert set(variables) == {group.variable for group in priors.groups} | {INNOVATIONS, DRIFT_INNOVATIONS}
    assert variables["excitation_cross"].shape == (20, len(panel.layout.conflict_index))
    assert variables["tension_scale"].shape == (20,)
    assert variables[INNOVATIONS].shape == (20, 6)
