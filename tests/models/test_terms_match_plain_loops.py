import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.models import terms
from forecast.panel.panel import HALF_SATURATION

N_STEPS = 11


def value(tensor) -> np.ndarray:
    return np.asarray(pt.as_tensor(tensor).eval(mode="FAST_COMPILE"))


@pytest.fixture
def rng():
    return np.random.default_rng(20230710)


def test_tension_is_the_stationary_recursion(rng):
    innovations, decay = rng.standard_normal(6), 0.83
    x = [innovations[0]]
    for e in innovations[1:]:
        x.append(decay * x[-1] + np.sqrt(1 - decay**2) * e)
    np.testing.assert_allclose(value(terms.ornstein_uhlenbeck(innovations, decay, 6)), x, rtol=1e-12)


def test_tension_has_unit_variance_and_decaying_correlation_exactly():
    # x = W·ε, so that W·Wᵀ is its covariance.
    decay = 0.7
    weights = np.column_stack([value(terms.ornstein_uhlenbeck(unit, decay, 5)) for unit in np.eye(5)])
    lag = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    np.testing.assert_allclose(weights @ weights.T, decay**lag, rtol=1e-12)


def test_tension_is_linear_between_knots():
    knots = np.array([0.0, 4.0, -4.0, 0.0])
    steps = value(terms.tension_at_steps(knots, N_STEPS))
    np.testing.assert_allclose(steps, [0, 1, 2, 3, 4, 2, 0, -2, -4, -3, -2])


def test_the_past_is_summed_with_geometric_weights(rng):
    counts, decay = rng.poisson(1.5, (N_STEPS, 3)).astype(float), 0.6
    expected = np.zeros_like(counts)
    for t in range(N_STEPS):
        for lag in range(1, t + 1):
            expected[t] += decay ** (lag - 1) * counts[t - lag]
    np.testing.assert_allclose(value(terms.decayed_past(counts, decay, N_STEPS)), expected, rtol=1e-12)


def test_the_excitation_kernel_sums_to_one():
    pulse = np.zeros(400)
    pulse[0] = 1.0
    decay = 0.9
    assert (1 - decay) * value(terms.decayed_past(pulse, decay, 400)).sum() == pytest.approx(1.0, abs=1e-12)


def test_ballast_is_half_of_its_strength_at_half_saturation():
    past = np.array([[0.0, 0.0], [HALF_SATURATION, 0.0], [1e9, HALF_SATURATION]])
    exponent = value(terms.ballast_exponent(past, np.array([0.8, -0.4])))
    np.testing.assert_allclose(exponent, [0.0, -0.4, -0.8 + 0.2], rtol=1e-7)


def test_intensity_is_baseline_and_excitation_calmed_for_conflict_only(rng):
    n_streams, conflict = 3, np.array([False, True, True])
    log_rate, load, own, cross = (rng.uniform(0.1, 0.6, n_streams) for _ in range(4))
    tension, cross_past, log_calm = (rng.standard_normal(N_STEPS) for _ in range(3))
    own_past = rng.uniform(0, 3, (N_STEPS, n_streams))
    expected = np.empty((N_STEPS, n_streams))
    for t in range(N_STEPS):
        for k in range(n_streams):
            rate = np.exp(log_rate[k] + load[k] * tension[t])
            rate += own[k] * own_past[t, k] + cross[k] * cross_past[t]
            expected[t, k] = rate * (np.exp(log_calm[t]) if conflict[k] else 1.0)
    rate = terms.intensity(
        log_rate, load, tension, own_past, own, cross_past, cross, pt.as_tensor(log_calm), conflict
    )
    np.testing.assert_allclose(value(rate), expected, rtol=1e-12)


def test_mark_odds_add_level_kind_tension_and_recent(rng):
    level, notable, category, grave, tension, recent = (rng.standard_normal(n) for n in (4, 5, 5, 5, 5, 5))
    kinds = (pt.as_tensor(notable), pt.as_tensor(category), pt.as_tensor(grave))
    log_odds = value(terms.mark_log_odds(pt.as_tensor(level), kinds, tension, recent, (0.3, -0.2)))
    for cell in range(5):
        for j in range(4):
            kind = (notable, category, category + grave, category + grave)[j]
            expected = level[j] + kind[cell] + 0.3 * tension[cell] - 0.2 * recent[cell]
            assert log_odds[cell, j] == pytest.approx(expected, rel=1e-12)


@given(st.integers(1, 6), st.integers(0, 10_000), st.floats(0.01, 1.5))
def test_chain_strength_is_below_one_exactly_when_the_spectral_radius_is(n, seed, scale):
    rng = np.random.default_rng(seed)
    own, cross = rng.uniform(0, 0.95, n), rng.exponential(scale / n, n)
    # Column j: what an act of kind j brings about, by kind.
    branching = np.diag(own) + np.outer(cross, np.ones(n))
    radius = np.abs(np.linalg.eigvals(branching)).max()
    strength = terms.chain_strength(own, cross)
    assert (strength < 1) == (radius < 1), f"strength {strength:.6f}, spectral radius {radius:.6f}"


def test_chain_strength_adds_the_kinds(rng):
    own, cross = rng.uniform(0, 0.9, 4), rng.uniform(0, 0.2, 4)
    expected = sum(c / (1 - a) for a, c in zip(own, cross, strict=True))
    strength = value(terms.chain_strength(pt.as_tensor(own), pt.as_tensor(cross)))
    assert strength == pytest.approx(expected, rel=1e-12)
