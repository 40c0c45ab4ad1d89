from datetime import date

import numpy as np
import pytest

from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    prior_draws,
    stream_draws,
    with_longer_future,
)
from forecast.panel import DRIFT_KNOT_STEPS, TimeGrid, count_events, drift_knots_for
from forecast.priors.population import record_priors
from forecast.runs.summaries import drift_now

GRID = TimeGrid(date(2022, 1, 1), date(2022, 7, 6))


@pytest.fixture(scope="module")
def panel(us_china, nested_layout):
    return count_events(us_china, GRID, nested_layout)


@pytest.fixture(scope="module")
def drawn(panel):
    priors = record_priors(panel, None)
    variables = prior_draws(priors, 20, 6, np.random.default_rng(1))
    return variables, stream_draws(panel.layout, variables, priors)


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
    assert (now.mean, now.interval90) == (pytest.approx(1.5), pytest.approx((0.55, 2.8)))


def test_variables_come_back_as_they_were_whole_and_by_rows(drawn):
    variables, draws = drawn
    taken = draws.rows(np.array([7, 2]))
    assert (set(draws.variables), len(taken)) == (set(variables), 2)
    for name, values in variables.items():
        np.testing.assert_array_equal(draws.variables[name], values, err_msg=name)
        np.testing.assert_array_equal(taken.variables[name], values[[7, 2]], err_msg=name)


def test_variables_take_their_streams(drawn, nested_layout):
    variables, draws = drawn
    sides = nested_layout.conflict_index, nested_layout.calming_index
    for name, own, others in (("excitation_cross", *sides), ("ballast", *sides[::-1])):
        by_stream = draws.by_stream(name, own)
        np.testing.assert_array_equal(by_stream[..., own], variables[name])
        assert np.all(by_stream[..., others] == 0)
    for side, streams in enumerate(sides):
        for k in streams:
            np.testing.assert_array_equal(draws.own[..., k], variables["excitation_branching"][..., side])


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
