"""Weights that turn draws of one density into draws of another."""

import numpy as np
import pytest

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
