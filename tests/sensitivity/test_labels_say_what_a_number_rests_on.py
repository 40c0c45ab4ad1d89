"""Labels on posteriors whose truth is known: rich data, no data, priors against data, noise."""

import numpy as np
import pytest

from forecast.sensitivity.labels import SENSITIVE, Pull, label_of, power_scaling, pull_of, sort_values


def label(prior: Pull, likelihood: Pull, observed: int = 9, strongest: float = 0.0) -> str:
    return label_of(prior, likelihood, strongest, observed)[0]


def pulls(case) -> tuple[Pull, Pull]:
    values = sort_values(case.draws)
    return tuple(pull_of(values, one, 4, case.draws) for one in (case.prior, case.likelihood))


def test_a_mean_with_much_data_is_data_driven(conjugate):
    # A hundred times more information in the data than in the prior.
    prior, likelihood = pulls(conjugate(0.0, 10.0, 1.5, 1.0))
    assert prior.sensitivity < SENSITIVE < likelihood.sensitivity
    assert label(prior, likelihood) == "data-driven"


def test_a_mean_without_data_is_prior_driven(conjugate):
    prior, likelihood = pulls(conjugate(0.0, 1.0, 0.0, 1e4))
    assert likelihood.sensitivity < SENSITIVE < prior.sensitivity
    assert label(prior, likelihood) == "prior-driven"


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_prior_far_from_the_data_is_a_conflict(conjugate, side):
    prior, likelihood = pulls(conjugate(0.0, 1.0, side * 5.0, 1.0))
    found, reason = label_of(prior, likelihood, 0.0, 9)
    assert found == "conflict"
    assert ("lower" if side > 0 else "raise") in reason


@pytest.mark.parametrize("data_sd", [0.3, 0.6, 0.9, 1.2, 2.0])
def test_a_prior_that_agrees_with_the_data_is_no_conflict(conjugate, data_sd):
    prior, likelihood = pulls(conjugate(0.0, 1.0, 0.0, data_sd))
    assert label(prior, likelihood) == ("data-driven" if data_sd < 1 else "prior-driven")


def test_a_target_never_observed_is_prior_driven(conjugate):
    prior, likelihood = pulls(conjugate(0.0, 10.0, 1.5, 1.0))
    found, reason = label_of(prior, likelihood, 0.0, 0)
    assert found == "prior-driven"
    assert reason == "never observed"


def test_one_strong_group_counts_although_all_priors_together_cancel():
    quiet, loud = Pull(0.01, 0.0, 0.0, 0.01), Pull(0.02, 0.0, 0.0, 0.01)
    assert label(quiet, loud) == "data-driven"
    assert label(quiet, loud, strongest=0.12) == "prior-driven"


def test_what_may_be_chance_is_called_unclear():
    noise = Pull(0.06, 0.06, 0.01, 0.02)
    assert label(noise, noise) == "unclear"
    few = Pull(0.2, 0.0, 0.5, 0.01, trusted=False)
    assert label(few, few) == "unclear"


def test_unrelated_components_do_not_make_a_label(conjugate):
    case = conjugate(0.0, 10.0, 1.5, 1.0)
    rng = np.random.default_rng(3)
    found = [
        pull_of(sort_values(case.draws), power_scaling(-0.5 * unrelated**2), 4, case.draws).has_effect
        for unrelated in rng.standard_normal((20, len(case.draws)))
    ]
    assert sum(found) <= 1


def mixed_pulls(case, share: float, others) -> tuple[Pull, Pull]:
    """Pulls on a forecast of which the draws are a share, and other values the rest."""
    values = sort_values(case.draws, others, share)
    return tuple(pull_of(values, one, 4, share * case.draws) for one in (case.prior, case.likelihood))


@pytest.mark.parametrize("data_sd", [0.6, 1.2])
def test_priors_pull_less_at_a_forecast_of_which_the_model_is_a_part(conjugate, data_sd):
    case = conjugate(0.0, 1.0, 1.5, data_sd)
    others = np.random.default_rng(4).normal(case.draws.mean(), case.draws.std(), 1000)
    alone, half, tenth = (mixed_pulls(case, share, others)[0] for share in (1.0, 0.5, 0.1))
    assert alone.sensitivity > half.sensitivity > tenth.sensitivity > 0
    assert half.shift == pytest.approx(alone.shift / 2)
    # The distance between mixtures that share a part goes no faster than with the root of the rest.
    assert half.sensitivity < np.sqrt(0.5) * alone.sensitivity * 1.01


def test_a_part_of_all_the_weight_is_the_model_alone(conjugate):
    case = conjugate(0.0, 1.0, 1.5, 0.8)
    whole = mixed_pulls(case, 1.0, np.zeros(7))
    for found, alone in zip(whole, pulls(case), strict=True):
        assert found.sensitivity == pytest.approx(alone.sensitivity, rel=1e-9)
        assert found.shift == alone.shift
