"""The regression behind the labels: it finds the hazards that made the shares."""

import numpy as np
import pytest
from scipy import optimize

from forecast.sensitivity.labels import log_hazards

N_DRAWS, N_PATHS = 4000, 16


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(1).standard_normal((N_DRAWS, 30))


@pytest.mark.parametrize(("middle", "nearest"), [(-3.5, 0.9), (0.0, 0.98)])
def test_hazards_are_found_behind_the_noise_of_few_paths(features, middle, nearest):
    truth = middle + features[:, 0] - 0.5 * features[:, 1]
    chance = -np.expm1(-np.exp(truth))
    shares = np.random.default_rng(2).binomial(N_PATHS, chance) / N_PATHS
    found = log_hazards(shares, N_PATHS, features)
    assert np.corrcoef(found, truth)[0, 1] > nearest
    assert np.corrcoef(found, truth)[0, 1] > np.corrcoef(shares, chance)[0, 1]
    fitted = -np.expm1(-np.exp(found))
    assert fitted.mean() == pytest.approx(shares.mean(), abs=0.002)


def test_features_that_do_nothing_are_given_little(features):
    shares = np.random.default_rng(3).binomial(N_PATHS, 0.3, N_DRAWS) / N_PATHS
    assert log_hazards(shares, N_PATHS, features).std() < 0.1


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_paths_agree_no_draw_stands_out(features, share):
    assert np.ptp(log_hazards(np.full(N_DRAWS, share), N_PATHS, features)) == 0.0


def test_the_fit_is_the_maximum_of_its_penalised_likelihood(features):
    few = features[:800, :4]
    chance = -np.expm1(-np.exp(-1.0 + few[:, 0]))
    shares = np.random.default_rng(4).binomial(N_PATHS, chance) / N_PATHS
    design = np.column_stack([np.ones(len(few)), few])
    coefficients = np.linalg.lstsq(design, log_hazards(shares, N_PATHS, few), rcond=None)[0]

    def loss(at):
        p = -np.expm1(-np.exp(design @ at))
        fit = N_PATHS * (shares * np.log(p) + (1 - shares) * np.log1p(-p)).sum()
        return -fit + 2.5 * (at[1:] ** 2).sum()

    best = optimize.minimize(loss, coefficients, tol=1e-10).x
    np.testing.assert_allclose(coefficients, best, atol=2e-4)
