"""Gates fail on known defects; weights and Monte Carlo errors of draws are the known ones."""

import numpy as np
import pytest
from arviz_stats.base import array_stats

from forecast.inference.importance import (
    PARETO_K_MAX,
    chance_of_rhat,
    importance_weights,
    mixing,
    monte_carlo_error,
)
from forecast.inference.sampling import PosteriorDensity, _visited, check_gates, in_modes_that_count
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


def leave_for_another_mode(good):
    good["scale"][1, DRAWS // 2 :] += 3.0


def shift_a_little(good):
    good["rate"][3, :, 2] += 0.5  # of a standard deviation of 1.4


@pytest.mark.parametrize(
    ("defect", "quantity"),
    [
        (shift_one_chain, "rate"),
        (widen_one_chain, "scale"),
        (stick_each_chain, "scale"),
        (leave_for_another_mode, "scale"),
        (shift_a_little, "rate"),
    ],
)
def test_chains_that_differ_fail_r_hat_and_are_named(good, made_posterior, defect, quantity):
    defect(good)
    report = check_gates(made_posterior(good))
    assert not report.converged
    failure = next(one for one in report.failures if one.code == "rhat")
    assert (failure.quantity, failure.limit) == (quantity, 1.01)
    assert not failure.value <= 1.01


def autocorrelated(shape, rho, rng):
    """Chains of standard normal draws, shape (chain, draw, …), of this autocorrelation."""
    x = rng.standard_normal(shape)
    for t in range(1, shape[1]):
        x[:, t] = rho * x[:, t - 1] + np.sqrt(1 - rho**2) * x[:, t]
    return x


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_chains_of_one_distribution_have_their_r_hat_about_as_often_as_its_chance_says(rho):
    x = autocorrelated((CHAINS, 800, 400), rho, np.random.default_rng(8))
    chances = np.array([chance_of_rhat(x[..., k]) for k in range(400)])
    for level in (0.2, 0.01):  # twice: effective sample sizes have errors; four binomial ones besides
        assert (chances < level).mean() < 2 * level + 4 * np.sqrt(level / 400)
    assert (chances < 0.4).mean() > 0.2


def test_an_r_hat_of_noise_passes_and_a_disagreement_among_many_quantities_does_not(made_posterior):
    # Worth a sixth of independent draws: above 1.01 in some of 300 quantities, as in a sound fit.
    x = autocorrelated((CHAINS, 800, 300), 0.65, np.random.default_rng(9))
    report = check_gates(made_posterior({"level": x}))
    assert report.converged
    assert report.rhat_max > 1.01
    x[0, :, 7] += 1.0
    failure = check_gates(made_posterior({"level": x})).failures[0]
    assert (failure.code, failure.quantity) == ("rhat", "level")


class TwoModes(PosteriorDensity):
    """Two normal modes in four dimensions, far apart; the second ``lower`` and ``wider`` than the first."""

    n_coordinates = 4

    def __init__(self, lower: float, wider: float) -> None:
        vars(self).update(lower=lower, wider=wider)

    def __call__(self, points):
        second = points.mean(axis=1) > 10
        scaled = np.where(second[:, None], (points - 20) / self.wider, points)
        value = -(scaled**2).sum(axis=1) / 2 - self.lower * second
        return value, -scaled / np.where(second, self.wider, 1.0)[:, None]


@pytest.mark.parametrize(("lower", "wider"), [(5.0, 1.0), (5.0, 4.0), (14.0, 1.75), (-1.0, 0.05)])
def test_chains_begin_and_go_on_in_the_modes_that_hold_the_posterior(lower, wider):
    """The mass of a normal mode is known: density times scale to the fourth power. Twenty draws tell it."""
    density = TwoModes(lower, wider)
    points = np.random.default_rng(10).standard_normal((4, 20, 4))
    points[2] = 20 + wider * points[2]
    log_density = np.array([density(chain)[0] for chain in points])
    counts = np.exp(-lower) * wider**4 > 1e-4
    kept = points[in_modes_that_count(log_density, density.curvatures(points[:, ::5]))]
    assert np.array_equal(kept, points if counts else points[[0, 1, 3]])
    # Four chains that all lie in one of two modes agree, and have left the other by luck.
    assert _visited(kept, points)
    assert _visited(kept, points[[0, 1, 3]]) != counts


def test_few_draws_fail_ess_and_ask_for_more(made_posterior):
    draws = {"scale": np.random.default_rng(2).standard_normal((CHAINS, 60))}
    report = check_gates(made_posterior(draws))
    of_scale = {"quantity": "scale", "limit": 400.0}
    assert report.failures[-2:] == (
        GateFailure(code="ess_bulk", value=report.ess_bulk_min, **of_scale),
        GateFailure(code="ess_tail", value=report.ess_tail_min, **of_scale),
    )


def test_sticky_chains_have_the_ess_of_their_autocorrelation(made_posterior):
    rho = 0.95
    x = autocorrelated((CHAINS, 4000), rho, np.random.default_rng(3))
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


def test_weights_move_a_normal_by_the_known_amount():
    # For draws of N(0, 1), log ratio ax gives N(a, 1); the wrong sign would give −a.
    x = np.random.default_rng(1).standard_normal(20_000)
    found = importance_weights(0.5 * x)
    error = np.sqrt(np.sum(found.weights**2 * (x - 0.5) ** 2))
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    assert found.pareto_k < PARETO_K_MAX
    assert abs(found.weights @ x - 0.5) < 4 * error
    # E[w]²/E[w²] = exp(−a²) in the limit.
    assert found.effective_draws == pytest.approx(20_000 * np.exp(-0.25), rel=0.05)


@pytest.mark.parametrize(
    "ratio",
    [np.zeros(1000), np.full(400, -3.5), np.r_[np.full(999, 2.0), -1.0]],
    ids=["nothing changes", "a constant", "one draw apart"],
)
def test_a_flat_tail_needs_no_smoothing(ratio):
    found = importance_weights(ratio)
    expected = np.exp(ratio - ratio.max())
    np.testing.assert_allclose(found.weights, expected / expected.sum(), rtol=1e-12)
    assert found.pareto_k == -np.inf


def test_too_few_draws_are_never_trusted():
    found = importance_weights(np.random.default_rng(2).standard_normal(20))
    assert found.pareto_k > PARETO_K_MAX
    assert found.weights.sum() == pytest.approx(1)


def test_a_ratio_without_mean_is_seen():
    # Cauchy tails drawn from a normal: the weights have no variance.
    x = np.random.default_rng(3).standard_normal(4000)
    assert importance_weights(x**2 / 2 - 2 * np.log1p(np.abs(x) / 10)).pareto_k > PARETO_K_MAX


@pytest.mark.parametrize("n_draws", [100, 300, 1000, 4000])
@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 2.0, 4.0])
def test_weights_and_shape_are_those_of_arviz(n_draws, scale):
    ratio = scale * np.random.default_rng(n_draws).standard_normal(n_draws)
    log_weights, pareto_k = array_stats.psislw(-ratio)  # it takes log likelihoods, not log ratios
    found = importance_weights(ratio)
    expected = np.exp(log_weights - np.logaddexp.reduce(log_weights))
    np.testing.assert_allclose(found.weights, expected, rtol=1e-9)
    assert found.pareto_k == pytest.approx(float(pareto_k), abs=1e-12)


def test_draws_that_are_ruled_out_get_no_weight():
    ratio = np.r_[np.full(30, -np.inf), np.random.default_rng(4).standard_normal(970)]
    found = importance_weights(ratio)
    assert np.all(found.weights[:30] == 0)
    assert found.weights.sum() == pytest.approx(1)


def test_weights_that_rule_out_every_draw_are_not_trusted():
    found = importance_weights(np.full(1000, -np.inf))
    assert not found.trusted
    assert np.all(np.isfinite(found.weights))


def test_a_bounded_ratio_that_leaves_few_draws_is_not_trusted():
    # One draw in thirteen keeps all the weight, all the same: the tail looks harmless.
    found = importance_weights(np.r_[np.zeros(300), np.full(3700, -50.0)])
    assert found.pareto_k < PARETO_K_MAX
    assert found.effective_draws == pytest.approx(300, rel=1e-6)
    assert not found.trusted


def test_the_error_of_an_autoregression_is_its_closed_form():
    rho, n_chains, n = 0.8, 4, 20_000
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((n_chains, n)) * np.sqrt(1 - rho**2)
    x = np.empty((n_chains, n))
    x[:, 0] = rng.standard_normal(n_chains)
    for t in range(1, n):
        x[:, t] = rho * x[:, t - 1] + noise[:, t]
    expected = np.sqrt((1 + rho) / (1 - rho) / (n_chains * n))
    assert monte_carlo_error(x.ravel(), n_chains) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_means_of_repeated_short_chains_spread_as_their_error_says(rho, skewed):
    """As many draws as steps and signs are measured on; 600 repeats tell their spread to 3%."""
    n_chains, n, repeats = 4, 200, 600
    noise = np.random.default_rng(4).standard_normal((repeats * n_chains, n))
    x = noise.copy()
    for t in range(1, n):
        x[:, t] = rho * x[:, t - 1] + np.sqrt(1 - rho**2) * noise[:, t]
    values = (np.exp(x) if skewed else x).reshape(repeats, -1)
    errors = [monte_carlo_error(one, n_chains) for one in values]
    spread = values.mean(axis=1).std(ddof=1)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize("n_draws", [50, 51, 250, 1000])
@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.5, 0.9])
def test_error_and_mixing_are_those_of_arviz(rho, n_draws):
    x = np.random.default_rng(3).standard_normal((4, n_draws))
    for t in range(1, n_draws):
        x[:, t] += rho * x[:, t - 1]
    axes = {"chain_axis": 0, "draw_axis": 1}
    expected = array_stats.mcse(x, method="mean", **axes)
    assert monte_carlo_error(x.ravel(), 4) == pytest.approx(float(expected), rel=1e-9)
    for values in (x, x + np.arange(4)[:, None], np.exp(3 * x), np.round(x)):
        if n_draws % 2:
            continue  # ArviZ ranks without the middle draw
        rhat, bulk, tail = mixing(values)
        assert rhat == pytest.approx(float(array_stats.rhat(values, **axes)), rel=1e-9)
        assert bulk == pytest.approx(float(array_stats.ess(values, method="bulk", **axes)), rel=0.01)
        ends = array_stats.ess(values, method="tail", prob=(0.05, 0.95), **axes)
        assert tail == pytest.approx(float(ends), rel=0.01)


def test_draws_that_never_vary_have_no_error():
    assert monte_carlo_error(np.full(400, 0.25), 4) == 0.0
