"""Weights that turn draws of one density into draws of another."""

import numpy as np
import pytest
from arviz_stats.base import array_stats

from forecast.inference.importance import PARETO_K_MAX, importance_weights


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
