"""Pulls are those of conjugate algebra; labels hold on posteriors whose truth is known."""

import arviz_base
import arviz_stats
import numpy as np
import pytest

from forecast.records.analysis import SENSITIVE, WeightPull
from forecast.sensitivity.labels import has_effect, label_of, pull_of

N_DRAWS = 4000


@pytest.fixture
def case(conjugate):
    return conjugate(0.0, 1.0, 1.5, 0.8)


@pytest.mark.parametrize("part", ["prior", "likelihood"])
def test_a_pull_is_the_derivative_of_the_conjugate_mean(case, part):
    def mean_at(alpha: float) -> float:
        a = (alpha if part == "prior" else 1.0) / 1.0**2
        b = (alpha if part == "likelihood" else 1.0) / 0.8**2
        return b * 1.5 / (a + b)

    exact = np.log(2) * (mean_at(1 + 1e-5) - mean_at(1 - 1e-5)) / 2e-5
    found = pull_of(case.draws, getattr(case, part), 4, case.draws.std())
    assert abs(found.change - exact) < 4 * found.mcse < 0.4 * abs(exact)
    assert found.strength == pytest.approx(abs(found.change) / case.draws.std())


def test_a_pull_counts_where_the_distance_of_arviz_does():
    """For a shift of a normal, the threshold is that of ``arviz.psense`` to a tenth."""
    draws = np.random.default_rng(0).standard_normal(N_DRAWS)
    for shift in (0.5 * SENSITIVE, SENSITIVE, 2 * SENSITIVE):
        density = shift / np.log(2) * draws
        tree = arviz_base.from_dict(
            {"posterior": {"x": draws.reshape(4, -1)}, "log_prior": {"x": density.reshape(4, -1)}}
        )
        distance = float(arviz_stats.psense(tree, group="prior")["x"])
        assert distance / 0.044 == pytest.approx(
            pull_of(draws, density, 4, 1.0).strength / SENSITIVE, rel=0.1
        )


def test_what_says_nothing_moves_nothing(case):
    for values, density in ((case.draws, np.full(N_DRAWS, -3.7)), (np.full(N_DRAWS, 0.3), case.prior)):
        found = pull_of(values, density, 4, 1.0)
        assert (found.change, found.mcse, found.strength) == (0.0, 0.0, 0.0)


def test_a_pull_is_weaker_on_a_forecast_of_which_the_model_is_a_part(case):
    alone = pull_of(case.draws, case.prior, 4, case.draws.std())
    half = pull_of(0.5 * case.draws, case.prior, 4, case.draws.std())
    assert (half.change, half.strength) == pytest.approx((alone.change / 2, alone.strength / 2))


# -- labels


def pulls(case) -> tuple[WeightPull, WeightPull, WeightPull]:
    prior, data = (pull_of(case.draws, one, 4, case.draws.std()) for one in (case.prior, case.likelihood))
    return prior, data, prior


def test_rich_data_and_no_data_are_told_apart(conjugate):
    # A hundred times more information in the data than in the prior; then none at all.
    rich, none = pulls(conjugate(0.0, 10.0, 1.5, 1.0)), pulls(conjugate(0.0, 1.0, 5e3, 1e4))
    assert label_of(*rich, 9)[0] == "data-driven"
    assert label_of(*rich, 0) == ("prior-driven", "never observed")
    assert label_of(*rich, 2) == ("prior-driven", "too few cases")
    assert none[1].strength < SENSITIVE


@pytest.mark.parametrize(
    ("data", "expected"), [((-5.0, 1.0), "conflict"), ((5.0, 1.0), "conflict"), ((0.0, 0.3), "data-driven")]
)
def test_a_prior_far_from_the_data_is_a_conflict(conjugate, data, expected):
    found, reason = label_of(*pulls(conjugate(0.0, 1.0, *data)), 9)
    assert found == expected
    assert expected != "conflict" or ("lower" if data[0] > 0 else "raise") in reason


@pytest.mark.parametrize(
    ("priors", "data", "group", "expected"),
    [
        ((0.1, 0.01), (0.1, 0.01), (0.1, 0.01), ("data-driven", "nothing moves it")),
        ((0.1, 0.01), (0.5, 0.01), (0.1, 0.01), ("data-driven", "priors move it little")),
        ((0.1, 0.01), (0.1, 0.01), (0.6, 0.01), ("prior-driven", "data do not move it")),
        ((0.3, 0.01), (0.5, 0.01), (0.1, 0.01), ("data-driven", "data move it more")),
        ((0.3, 0.01), (0.5, 0.01), (0.6, 0.01), ("prior-driven", "priors move it more")),
        ((-0.3, 0.01), (0.5, 0.01), (0.1, 0.01), ("conflict", "priors lower it against the data")),
        ((0.3, 0.01), (-0.5, 0.01), (0.1, 0.01), ("conflict", "priors raise it against the data")),
        ((0.3, 0.2), (0.1, 0.2), (0.3, 0.2), ("unclear", "within the noise")),
    ],
)
def test_each_rule_of_the_labels(priors, data, group, expected):
    """Pulls as (change, Monte Carlo error) of a quantity with standard deviation one."""
    made = (WeightPull(name="", change=c, mcse=e, strength=abs(c)) for c, e in (priors, data, group))
    assert label_of(*made, 9) == expected


def test_unrelated_components_do_not_make_a_label(conjugate):
    case = conjugate(0.0, 10.0, 1.5, 1.0)
    unrelated = np.random.default_rng(3).standard_normal((20, N_DRAWS))
    found = [has_effect(pull_of(case.draws, -0.5 * one**2, 4, case.draws.std())) for one in unrelated]
    assert not any(found)
