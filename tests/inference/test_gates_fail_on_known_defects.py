import numpy as np
import pytest

from forecast.inference.sampling import check_gates
from forecast.records.forecast import Diagnostics, GateFailure

CHAINS, DRAWS = 4, 1000


@pytest.fixture
def good():
    rng = np.random.default_rng(1)
    return {"scale": rng.standard_normal((CHAINS, DRAWS)), "rate": rng.gamma(2, 1, (CHAINS, DRAWS, 3))}


def test_independent_draws_pass_every_gate(good, made_posterior):
    report = check_gates(made_posterior(good))
    assert report.converged
    assert report.failures == ()
    assert 1.0 <= report.rhat_max <= 1.01
    # ESS of independent draws is their number, give or take its own error.
    assert 3000 < report.ess_bulk_min < 5000
    assert 3000 < report.ess_tail_min < 5000
    assert (report.divergences, report.bfmi_min > 1.5) == (0, True)  # BFMI of independent energies is 2


def shift_one_chain(good):
    good["rate"][2, :, 1] += 2.0


def widen_one_chain(good):
    good["scale"][0] *= 4.0  # same mean: seen by the folded R-hat only


def stick_each_chain(good):
    good["scale"][:] = np.arange(CHAINS)[:, None]


@pytest.mark.parametrize(
    ("defect", "quantity"),
    [(shift_one_chain, "rate"), (widen_one_chain, "scale"), (stick_each_chain, "scale")],
)
def test_chains_that_differ_fail_r_hat_and_are_named(good, made_posterior, defect, quantity):
    defect(good)
    report = check_gates(made_posterior(good))
    assert not report.converged
    failure = next(one for one in report.failures if one.code == "rhat")
    assert (failure.quantity, failure.limit) == (quantity, 1.01)
    assert not failure.value <= 1.01


def test_few_draws_fail_ess_and_ask_for_more(made_posterior):
    draws = {"scale": np.random.default_rng(2).standard_normal((CHAINS, 60))}
    report = check_gates(made_posterior(draws))
    of_scale = {"quantity": "scale", "limit": 400.0}
    assert report.failures[-2:] == (
        GateFailure(code="ess_bulk", value=report.ess_bulk_min, **of_scale),
        GateFailure(code="ess_tail", value=report.ess_tail_min, **of_scale),
    )


def test_sticky_chains_have_the_ess_of_their_autocorrelation(made_posterior):
    rho, rng = 0.95, np.random.default_rng(3)
    x = np.empty((CHAINS, 4000))
    x[:, 0] = rng.standard_normal(CHAINS)
    for t in range(1, x.shape[1]):
        x[:, t] = rho * x[:, t - 1] + np.sqrt(1 - rho**2) * rng.standard_normal(CHAINS)
    report = check_gates(made_posterior({"scale": x}))
    assert report.ess_bulk_min == pytest.approx(x.size * (1 - rho) / (1 + rho), rel=0.25)


@pytest.mark.parametrize(("divergences", "passes"), [(0, True), (4, True), (5, False)])
def test_one_divergence_in_a_thousand_is_let_pass(good, made_posterior, divergences, passes):
    report = check_gates(made_posterior(good, divergences=divergences))
    assert (report.converged, report.divergences) == (passes, divergences)
    if not passes:
        assert report.failures == (GateFailure(code="divergences", value=5, limit=4),)


def test_an_energy_that_wanders_fails_bfmi(good, made_posterior):
    energy = np.cumsum(np.random.default_rng(4).standard_normal((CHAINS, DRAWS)), axis=1)
    report = check_gates(made_posterior(good, energy=energy))
    assert report.failures == (GateFailure(code="bfmi", value=report.bfmi_min, limit=0.3),)
    assert report.bfmi_min < 0.3


def test_a_milestone_probability_is_monitored_like_a_parameter(good, made_posterior):
    probability = np.random.default_rng(5).beta(2, 5, (CHAINS, DRAWS))
    assert check_gates(made_posterior(good), {"P(x)": probability.ravel()}).converged
    probability[1] += 0.3  # chains come one after the other
    report = check_gates(made_posterior(good), {"P(x)": probability.ravel()})
    assert (report.failures[0].code, report.failures[0].quantity) == ("rhat", "P(x)")


def test_shares_of_few_paths_need_no_tail_ess_and_what_never_varies_none(good, made_posterior):
    share = np.random.default_rng(6).binomial(4, 0.02, CHAINS * DRAWS) / 4
    assert check_gates(made_posterior(good), {"P(rare)": share}).converged
    never = check_gates(made_posterior(good), {"P(never)": np.zeros(CHAINS * DRAWS)})
    assert never == check_gates(made_posterior(good))


@pytest.mark.parametrize("name", ["aaa", "zzz"])
def test_a_part_that_stands_still_is_never_passed_by(good, made_posterior, name):
    stuck = np.random.default_rng(7).standard_normal((CHAINS, DRAWS, 2))
    stuck[..., 0] = 1.5
    for variables in ({name: stuck} | good, good | {name: stuck}):
        report = check_gates(made_posterior(variables))
        found = [one for one in report.failures if one.quantity == name]
        assert "rhat" in {one.code for one in found}, report
        assert np.isnan(found[0].value)
        assert Diagnostics.model_validate_json(report.model_dump_json()).failures[0].quantity == name
