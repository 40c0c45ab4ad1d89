from datetime import date

import numpy as np
import pytest

from forecast.families import FAMILIES
from forecast.families.family import HasDrift
from forecast.models import kernel
from forecast.models.draws import (
    DRIFT_INNOVATIONS,
    INNOVATIONS,
    StreamDraws,
    ornstein_uhlenbeck,
    prior_draws,
    stream_draws,
    tension_at_steps,
)
from forecast.panel.panel import (
    DRIFT_KNOT_STEPS,
    SEVERE,
    SEVERE_HALF_LIFE_DAYS,
    TimeGrid,
    count_events,
    drift_knots_for,
)
from forecast.priors import default_priors
from forecast.runs.summaries import drift_now
from forecast.simulation.acts import state_before_last_step

GRID = TimeGrid(date(2022, 1, 1), date(2022, 7, 6))


@pytest.mark.parametrize("family", ["joint", "focused", "target"])
def test_the_state_is_the_direct_sum_over_the_past(us_china, layouts, draws_with, family):
    layout = layouts[family]
    data = count_events(us_china, GRID, layout)
    own, cross, calm = np.array([0.3, 0.9]), np.array([0.5, 0.8]), np.array([0.7, 0.95])
    draws = draws_with(layout, 2, GRID.n_knots, own_decay=own, cross_decay=cross, ballast_decay=calm)
    state = state_before_last_step(data, 0, draws.of_dyad(0))
    before = data.counts[0, :-1]
    lag = np.arange(len(before), 0, -1)  # 1 for the last step before
    conflict = before[:, layout.conflict_index].sum(axis=1)
    severe = data.reach[0, :-1, :, SEVERE - 1].sum(axis=1)
    for d in range(2):
        np.testing.assert_allclose(state.own[d], (1 - own[d]) * own[d] ** (lag - 1) @ before)
        np.testing.assert_allclose(state.cross[d], (1 - cross[d]) * cross[d] ** (lag - 1) @ conflict)
        if any(layout.calming):
            np.testing.assert_allclose(state.calming[d], calm[d] ** lag @ before)
        np.testing.assert_allclose(state.severe[d], 2 ** (-7 * lag / SEVERE_HALF_LIFE_DAYS) @ severe)
    if layout.marked:
        assert state.severe[0] == pytest.approx(data.severe_recent[0, -1])


def test_drift_now_is_where_it_ends_beside_the_mean_of_the_record(us_china, draws_with):
    (model,) = FAMILIES["joint"].models([])
    assert isinstance(model, HasDrift)
    data = count_events(us_china, GRID, model.layout)
    slopes = np.array([0.0, 0.24, -0.48])  # a knot
    knots = drift_knots_for(GRID.n_knots)
    draws = draws_with(model.layout, 3, GRID.n_knots, drift=7 + slopes[:, None] * np.arange(knots))
    # A straight line ends half of its rise above its mean.
    expected = slopes / DRIFT_KNOT_STEPS * (GRID.n_steps - 1) / 2
    np.testing.assert_allclose(model.drift(data, draws), expected, atol=1e-12)
    now = drift_now(np.log([0.5, 1.0, 3.0]))
    assert now.mean == pytest.approx(1.5)
    assert now.interval90 == pytest.approx((0.55, 2.8))


def test_variables_take_their_roles(layouts):
    layout = layouts["joint"]
    variables = prior_draws(default_priors(layout), 20, 6, np.random.default_rng(1))
    draws = stream_draws(layout, variables)
    np.testing.assert_array_equal(
        np.exp(draws.log_rate).round(12), variables["baseline_weekly_rate"].round(12)
    )
    np.testing.assert_array_equal(
        draws.loading, variables["tension_loading"] * variables["tension_scale"][..., None]
    )
    np.testing.assert_allclose(draws.own_decay, 2 ** (-7 / variables["excitation_half_life_days"]))
    np.testing.assert_allclose(draws.cross_decay, 2 ** (-7 / variables["excitation_cross_half_life_days"]))
    np.testing.assert_allclose(draws.ballast_decay, 2 ** (-7 / variables["ballast_half_life_days"]))
    np.testing.assert_allclose(draws.knot_decay, np.exp(-28 / variables["tension_persistence"]))
    np.testing.assert_array_equal(draws.cross[..., layout.conflict_index], variables["excitation_cross"])
    assert np.all(draws.cross[..., layout.calming_index] == 0)
    np.testing.assert_array_equal(draws.ballast[..., layout.calming_index], variables["ballast"])
    assert np.all(draws.ballast[..., layout.conflict_index] == 0)
    np.testing.assert_array_equal(draws.stage_2, variables["severity_notable"])
    np.testing.assert_array_equal(draws.level[..., 0], 0)
    np.testing.assert_array_equal(draws.level[..., 1:], variables["severity_level"])
    for name, role in (("category", "stage_3"), ("grave", "stage_4")):
        shift, drawn = getattr(draws, role), variables[f"severity_{name}"]
        np.testing.assert_allclose(shift.mean(axis=-1), 0, atol=1e-12)
        np.testing.assert_allclose(shift - shift[..., :1], drawn - drawn[..., :1])


def test_layouts_without_marks_and_ballast_have_zeros_for_them(layouts):
    layout = layouts["focused"]
    draws = stream_draws(layout, prior_draws(default_priors(layout), 5, 4, np.random.default_rng(2)))
    severity = ("stage_2", "stage_3", "stage_4", "level", "mark_tension", "mark_recent", "mark_drift")
    for name in ("ballast", "ballast_decay", *severity):
        assert np.all(getattr(draws, name) == 0), name


def test_rows_are_taken_from_every_field(layouts):
    layout = layouts["joint"]
    draws = stream_draws(layout, prior_draws(default_priors(layout), 9, 4, np.random.default_rng(3)))
    taken = draws.rows(np.array([7, 2]))
    assert len(taken) == 2
    for name in StreamDraws.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(taken, name), getattr(draws, name)[[7, 2]])


def test_tension_is_the_kernels_recursion():
    rng = np.random.default_rng(4)
    innovations, decay = rng.standard_normal((5, 12)), rng.uniform(0.1, 0.99, 5)
    knots = ornstein_uhlenbeck(innovations, decay)
    for d in range(5):
        np.testing.assert_allclose(knots[d], kernel.ornstein_uhlenbeck(innovations[d], decay[d]), rtol=1e-13)


def test_tension_from_the_prior_has_unit_variance_and_the_correlation_of_its_persistence():
    n, decay = 40_000, 0.8
    innovations = np.random.default_rng(5).standard_normal((n, 10))
    knots = ornstein_uhlenbeck(innovations, np.full(n, decay))
    covariance = knots.T @ knots / n
    lag = np.abs(np.subtract.outer(np.arange(10), np.arange(10)))
    # Standard error of a covariance of unit normals with correlation r: √((1+r²)/n).
    z = (covariance - decay**lag) / np.sqrt((1 + decay ** (2.0 * lag)) / n)
    assert np.abs(z).max() < 4.5, f"largest z {np.abs(z).max():.1f}"


def test_tension_between_knots_is_linear():
    knots = np.array([[0.0, 4.0, -4.0], [1.0, 1.0, 5.0]])
    np.testing.assert_allclose(
        tension_at_steps(knots, 8), [[0, 1, 2, 3, 4, 2, 0, -2], [1, 1, 1, 1, 1, 2, 3, 4]]
    )


def test_prior_draws_hold_what_the_posterior_would(layouts):
    priors = default_priors(layouts["focused"])
    variables = prior_draws(priors, 7, 5, np.random.default_rng(6))
    assert set(variables) == {group.variable for group in priors.groups} | {INNOVATIONS, DRIFT_INNOVATIONS}
    assert variables["excitation_cross"].shape == (7, 1, 3)
    assert variables["tension_scale"].shape == (7, 1)
    assert variables[INNOVATIONS].shape == (7, 1, 5)
