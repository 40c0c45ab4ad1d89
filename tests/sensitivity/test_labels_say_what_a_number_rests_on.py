"""Power-scaling equals ArviZ and conjugate algebra; labels hold on posteriors whose truth is known."""

import arviz_base
import arviz_stats
import numpy as np
import pytest
from arviz_stats.base import array_stats

from forecast.records.analysis import WeightPull
from forecast.sensitivity.labels import (
    ALPHAS,
    SENSITIVE,
    cjs_distance,
    has_effect,
    label_of,
    noise_of,
    power_scaling,
    pull_of,
    sensitivity,
    slope_per_doubling,
    sort_values,
)

N_DRAWS = 4000


@pytest.fixture
def case(conjugate):
    return conjugate(0.0, 1.0, 1.5, 0.8)


# -- distances and slopes


def test_the_sensitivity_is_that_of_arviz(case):
    for values in (case.draws, np.exp(case.draws)):
        for scaling in (case.prior, case.likelihood):
            expected = array_stats.power_scale_sense(
                values[None], scaling.lower.weights[None], scaling.upper.weights[None], *ALPHAS
            )
            assert sensitivity(sort_values(values), scaling) == pytest.approx(float(expected), rel=1e-6)
    tree = arviz_base.from_dict(
        {
            "posterior": {"x": case.draws.reshape(4, -1)},
            "log_prior": {"x": case.prior.log_density.reshape(4, -1)},
            "log_likelihood": {"y": case.likelihood.log_density.reshape(4, -1)},
        }
    )
    for group in ("prior", "likelihood"):
        expected = float(arviz_stats.psense(tree, group=group)["x"])
        found = sensitivity(sort_values(case.draws), getattr(case, group))
        assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("part", ["prior", "likelihood"])
def test_the_slope_is_the_derivative_of_the_conjugate_mean(case, part):
    def mean_at(alpha: float) -> float:
        a = (alpha if part == "prior" else 1.0) / 1.0**2
        b = (alpha if part == "likelihood" else 1.0) / 0.8**2
        return b * 1.5 / (a + b)

    exact = np.log(2) * (mean_at(1 + 1e-5) - mean_at(1 - 1e-5)) / 2e-5
    slope, error = slope_per_doubling(case.draws, getattr(case, part).log_density, 4)
    assert abs(slope - exact) < 4 * error < 0.4 * abs(exact)


def test_what_says_nothing_moves_nothing_and_chance_is_found_as_noise(case):
    values = sort_values(case.draws)
    flat = power_scaling(np.full(N_DRAWS, -3.7))
    # Equal weights differ from the even steps of the plain distribution in rounding only.
    assert sensitivity(values, flat) == pytest.approx(0.0, abs=1e-5)
    assert slope_per_doubling(case.draws, flat.log_density, 4) == (0.0, 0.0)
    assert sensitivity(sort_values(np.full(N_DRAWS, 0.3)), case.prior) == 0.0
    unrelated = power_scaling(-0.5 * np.random.default_rng(5).standard_normal(N_DRAWS) ** 2)
    noise = noise_of(values, unrelated, 4)
    assert noise / 4 < sensitivity(values, unrelated) < 4 * noise
    assert noise < 0.2 * sensitivity(values, case.prior)


def test_the_distance_does_not_depend_on_unit_and_sign(case):
    weights = case.prior.upper.weights
    plain = cjs_distance(sort_values(case.draws), weights)
    assert cjs_distance(sort_values(-250 * case.draws + 7), weights) == pytest.approx(plain, rel=1e-6)
    assert 0 < plain < 1


# -- labels


def label(
    prior: WeightPull, likelihood: WeightPull, observed: int = 9, strongest: float = 0.0, *, trusted=True
) -> str:
    return label_of(prior, likelihood, strongest, 9, trusted=trusted)[0]


def pulls(case, share: float = 1.0, others=None) -> tuple[WeightPull, WeightPull]:
    """Pulls on a forecast of which the draws are a share, and other values the rest."""
    rest = None if others is None else np.full(len(others), (1 - share) / len(others))
    values = sort_values(case.draws, others, rest)
    return tuple(pull_of(values, one, 4, share * case.draws) for one in (case.prior, case.likelihood))


def test_rich_data_and_no_data_are_told_apart(conjugate):
    # A hundred times more information in the data than in the prior; then none at all.
    prior, likelihood = pulls(conjugate(0.0, 10.0, 1.5, 1.0))
    assert prior.sensitivity < SENSITIVE < likelihood.sensitivity
    assert label(prior, likelihood) == "data-driven"
    assert label_of(prior, likelihood, 0.0, 0) == ("prior-driven", "never observed")
    prior, likelihood = pulls(conjugate(0.0, 1.0, 0.0, 1e4))
    assert likelihood.sensitivity < SENSITIVE < prior.sensitivity
    assert label(prior, likelihood) == "prior-driven"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ((-5.0, 1.0), "conflict"),
        ((5.0, 1.0), "conflict"),
        # One that agrees with the data is none.
        ((0.0, 0.3), "data-driven"),
        ((0.0, 0.9), "data-driven"),
        ((0.0, 1.2), "prior-driven"),
        ((0.0, 2.0), "prior-driven"),
    ],
)
def test_a_prior_far_from_the_data_is_a_conflict(conjugate, data, expected):
    found, reason = label_of(*pulls(conjugate(0.0, 1.0, *data)), 0.0, 9)
    assert found == expected
    assert expected != "conflict" or ("lower" if data[0] > 0 else "raise") in reason


def test_a_strong_group_counts_and_what_may_be_chance_is_called_unclear():
    def pull(sensitivity: float, noise: float, change: float, mcse: float) -> WeightPull:
        return WeightPull(
            name="", sensitivity=sensitivity, noise=noise, change=change, mcse=mcse, pareto_k=0.0
        )

    quiet, loud = pull(0.01, 0.0, 0.0, 0.01), pull(0.02, 0.0, 0.0, 0.01)
    assert label(quiet, loud) == "data-driven"
    assert label(quiet, loud, strongest=0.12) == "prior-driven"  # though all priors together cancel
    noise, few = pull(0.06, 0.06, 0.01, 0.02), pull(0.2, 0.0, 0.5, 0.01)
    assert (label(noise, noise), label(few, few, trusted=False)) == ("unclear", "unclear")


def test_unrelated_components_do_not_make_a_label(conjugate):
    case = conjugate(0.0, 10.0, 1.5, 1.0)
    unrelated = np.random.default_rng(3).standard_normal((20, N_DRAWS))
    values = sort_values(case.draws)
    pulls = (pull_of(values, power_scaling(-0.5 * one**2), 4, case.draws) for one in unrelated)
    found = [has_effect(one) for one in pulls]
    assert sum(found) <= 1


@pytest.mark.parametrize("data_sd", [0.6, 1.2])
def test_priors_pull_less_at_a_forecast_of_which_the_model_is_a_part(conjugate, data_sd):
    case = conjugate(0.0, 1.0, 1.5, data_sd)
    others = np.random.default_rng(4).normal(case.draws.mean(), case.draws.std(), 1000)
    alone, half, tenth = (pulls(case, share, others)[0] for share in (1.0, 0.5, 0.1))
    assert alone.sensitivity == pytest.approx(pulls(case)[0].sensitivity, rel=1e-9)
    assert alone.sensitivity > half.sensitivity > tenth.sensitivity > 0
    assert half.change == pytest.approx(alone.change / 2)
    # The distance between mixtures that share a part goes no faster than with the root of the rest.
    assert half.sensitivity < np.sqrt(0.5) * alone.sensitivity * 1.01
