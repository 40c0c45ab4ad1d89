"""Power-scaling: equal to ArviZ, to conjugate algebra, and to nothing where there is nothing."""

import arviz_base
import arviz_stats
import numpy as np
import pytest
from arviz_stats.base import array_stats

from forecast.sensitivity.labels import (
    ALPHAS,
    cjs_distance,
    noise_of,
    power_scaling,
    sensitivity,
    slope_per_doubling,
    sort_values,
)


@pytest.mark.parametrize("skewed", [False, True])
def test_the_distance_is_that_of_arviz(conjugate, skewed):
    case = conjugate(0.0, 1.0, 1.5, 0.8)
    values = np.exp(case.draws) if skewed else case.draws
    for scaling in (case.prior, case.likelihood):
        expected = array_stats.power_scale_sense(
            values[None], scaling.lower.weights[None], scaling.upper.weights[None], *ALPHAS
        )
        assert sensitivity(sort_values(values), scaling) == pytest.approx(float(expected), rel=1e-6)


def test_the_sensitivity_is_that_of_arviz_from_the_log_densities_on(conjugate):
    case = conjugate(0.0, 1.0, 1.5, 0.8)
    tree = arviz_base.from_dict(
        {
            "posterior": {"x": case.draws.reshape(4, -1)},
            "log_prior": {"x": case.prior.log_density.reshape(4, -1)},
            "log_likelihood": {"y": case.likelihood.log_density.reshape(4, -1)},
        }
    )
    for group, scaling in (("prior", case.prior), ("likelihood", case.likelihood)):
        expected = float(arviz_stats.psense(tree, group=group)["x"])
        assert sensitivity(sort_values(case.draws), scaling) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("part", ["prior", "likelihood"])
def test_the_slope_is_the_derivative_of_the_conjugate_mean(conjugate, part):
    prior_mean, prior_sd, data_mean, data_sd = 0.0, 1.0, 1.5, 0.8
    case = conjugate(prior_mean, prior_sd, data_mean, data_sd)

    def mean_at(alpha: float) -> float:
        a = (alpha if part == "prior" else 1.0) / prior_sd**2
        b = (alpha if part == "likelihood" else 1.0) / data_sd**2
        return (a * prior_mean + b * data_mean) / (a + b)

    exact = np.log(2) * (mean_at(1 + 1e-5) - mean_at(1 - 1e-5)) / 2e-5
    slope, error = slope_per_doubling(case.draws, getattr(case, part).log_density, 4)
    assert abs(slope - exact) < 4 * error
    assert error < 0.1 * abs(exact)


def test_a_component_without_information_moves_nothing(conjugate):
    draws = conjugate(0.0, 1.0, 1.5, 0.8).draws
    flat = power_scaling(np.full(len(draws), -3.7))
    # Equal weights differ from the even steps of the plain distribution in rounding only.
    assert sensitivity(sort_values(draws), flat) == pytest.approx(0.0, abs=1e-5)
    assert slope_per_doubling(draws, flat.log_density, 4) == (0.0, 0.0)


def test_a_quantity_that_is_the_same_everywhere_is_moved_by_nothing(conjugate):
    case = conjugate(0.0, 1.0, 1.5, 0.8)
    assert sensitivity(sort_values(np.full(len(case.draws), 0.3)), case.prior) == 0.0


def test_the_distance_does_not_depend_on_unit_and_sign(conjugate):
    case = conjugate(0.0, 1.0, 1.5, 0.8)
    weights = case.prior.upper.weights
    plain = cjs_distance(sort_values(case.draws), weights)
    assert cjs_distance(sort_values(-250 * case.draws + 7), weights) == pytest.approx(plain, rel=1e-6)
    assert 0 < plain < 1


def test_what_chance_finds_is_found_as_noise(conjugate):
    case = conjugate(0.0, 1.0, 1.5, 0.8)
    unrelated = np.random.default_rng(5).standard_normal(len(case.draws))
    scaling = power_scaling(-0.5 * unrelated**2)
    found, noise = (
        sensitivity(sort_values(case.draws), scaling),
        noise_of(sort_values(case.draws), scaling, 4),
    )
    assert noise / 4 < found < 4 * noise
    assert noise < 0.2 * sensitivity(sort_values(case.draws), case.prior)
