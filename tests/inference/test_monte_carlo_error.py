import numpy as np
import pytest
from arviz_stats.base import array_stats

from forecast.inference.importance import mixing, monte_carlo_error


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
