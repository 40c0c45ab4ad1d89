"""Labels on posteriors whose truth is known: rich data, no data, priors against data, noise."""

import numpy as np
import pytest

from forecast.sensitivity.labels import SENSITIVE, Pull, label_of, pull_of
from forecast.sensitivity.power_scaling import power_scaling


def label(prior: Pull, likelihood: Pull, observed: int = 9, strongest: float = 0.0) -> str:
    return label_of(prior, likelihood, strongest, observed)[0]


def pulls(case) -> tuple[Pull, Pull]:
    return pull_of(case.draws, case.prior, 4), pull_of(case.draws, case.likelihood, 4)


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
        pull_of(case.draws, power_scaling(-0.5 * rng.standard_normal(len(case.draws)) ** 2), 4).has_effect
        for _ in range(20)
    ]
    assert sum(found) <= 1
