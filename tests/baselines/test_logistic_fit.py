import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from forecast.baselines import LogisticFitError, fit_logistic


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(20230710)
    design = np.column_stack([np.ones(200), random.standard_normal((200, 3))])
    outcome = (random.random(200) < expit(design @ [0.3, 1.0, -0.5, 0.0])).astype(float)
    return design, outcome, random.uniform(0.2, 2.0, 200)


def test_newton_finds_the_maximum_that_a_general_optimiser_finds(data):
    design, outcome, weight = data
    penalty = np.array([0.0, 2.0, 5.0, 1.0])

    def loss(beta):
        linear = design @ beta
        return -weight @ (outcome * linear - np.logaddexp(0, linear)) + 0.5 * penalty @ beta**2

    oracle = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8}).x
    fitted = fit_logistic(design, outcome, weight=weight, penalty=penalty)
    np.testing.assert_allclose(fitted, oracle, atol=1e-6)


def test_separated_outcomes_without_a_penalty_have_no_fit():
    x = np.linspace(-1, 1, 20)
    design = np.column_stack([np.ones(20), x])
    outcome = (x > 0).astype(float)
    with pytest.raises(LogisticFitError, match="separated"):
        fit_logistic(design, outcome, weight=np.ones(20), penalty=np.zeros(2))
    assert np.isfinite(fit_logistic(design, outcome, weight=np.ones(20), penalty=np.array([0, 1.0]))).all()
