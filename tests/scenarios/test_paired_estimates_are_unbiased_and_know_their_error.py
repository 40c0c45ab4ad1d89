"""A few paths played again, corrected by what all paths say: right on average, with the right error."""

import numpy as np
import pytest
from forecast.simulation import NEVER
from forecast.simulation.probabilities import beta_interval, curve_from_moments

from forecast.runs.mixture import Futures
from forecast.scenarios.evaluate import ScenarioDraws, paired_errors

N_DRAWS, N_PATHS, FEW, DAY = 400, 16, 2, 10
HIT, ADDED = (2.0, 3.0), 0.2
"""The run's probability is Beta(2, 3) over draws; a scenario adds hits to the rest."""
BASE = HIT[0] / sum(HIT)
TRUTH = BASE + ADDED * (1 - BASE)
SPREAD = BASE * (1 - BASE) / (sum(HIT) + 1) * (1 - ADDED) ** 2


def replicate(seed: int, weights=None) -> ScenarioDraws:
    rng = np.random.default_rng(seed)
    chance = rng.beta(*HIT, N_DRAWS)
    hit = rng.random((N_DRAWS, N_PATHS)) < chance[:, None]
    more = hit[:, :FEW] | (rng.random((N_DRAWS, FEW)) < ADDED)
    base, new = (np.where(on, 3, NEVER).astype(np.int32) for on in (hit, more))
    weight = np.full(N_DRAWS, 1 / N_DRAWS) if weights is None else weights(chance)
    return ScenarioDraws(weight, DAY, Futures(base), Futures(new))


def estimate(draws: ScenarioDraws) -> tuple[float, float, float, float]:
    """Probability, difference, and the errors of both."""
    new, old = draws.shares(DAY).ahead, (draws.base.first < DAY).mean(axis=1)
    return (new.mean(), new.mean() - old.mean(), *paired_errors(new, old, 4))


def assert_scatter(values, errors, truth, slack=0.0) -> None:
    """Estimates scatter around the truth by the error they state."""
    scatter = np.std(values, ddof=1)
    assert abs(np.mean(values) - truth) < 4.5 * scatter / np.sqrt(len(values)) + slack
    assert np.mean(errors) == pytest.approx(scatter, rel=0.15)


@pytest.fixture(scope="module")
def replicates():
    return [replicate(seed) for seed in range(300)]


def test_estimates_scatter_around_the_truth_by_the_error_they_state(replicates):
    probability, difference, error, difference_error = np.transpose([estimate(one) for one in replicates])
    assert_scatter(probability, error, TRUTH)
    assert_scatter(difference, difference_error, TRUTH - BASE)
    # What all paths say lowers the error of the few.
    alone = np.std([(draws.new.first < DAY).mean() - (draws.base.first < DAY).mean() for draws in replicates])
    assert np.std(difference) < 0.75 * alone


def test_the_interval_is_that_of_the_probability_over_draws(replicates):
    curves = [
        curve_from_moments(draws.answer(np.ones(DAY + 1)).moments, np.empty((0, DAY + 1)))
        for draws in replicates
    ]
    ends = np.array([[curve.lower90[-1], curve.upper90[-1]] for curve in curves])
    expected = beta_interval(np.array([TRUTH]), np.array([SPREAD]))
    np.testing.assert_allclose(ends.mean(axis=0), np.ravel(expected), atol=0.02)
    assert np.mean([curve.probability[-1] for curve in curves]) == pytest.approx(TRUTH, abs=0.005)


def test_the_runs_luck_is_kept_as_far_as_the_futures_are_its_own(replicates):
    draws = replicates[0]
    assert 0.6 < np.mean([one.kept_share[DAY] for one in replicates]) < 0.95
    same = ScenarioDraws(draws.weights, DAY, draws.base, Futures(draws.base.first[:, :FEW].copy()))
    assert np.all(same.kept_share == 1.0)
    now = Futures(np.zeros((N_DRAWS, FEW), dtype=np.int32))
    certain = ScenarioDraws(draws.weights, DAY, draws.base, now)
    assert certain.kept_share[DAY] == pytest.approx(0.0, abs=1e-9)
    probability, _, error, _ = estimate(certain)
    assert (probability, error) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-9))


def test_weights_and_new_futures_together_are_unbiased():
    def tilted(chance):
        return np.exp(chance) / np.exp(chance).sum()

    values, _, errors, _ = np.transpose([estimate(replicate(1000 + seed, tilted)) for seed in range(300)])
    chance = np.random.default_rng(0).beta(*HIT, 400_000)
    truth = np.average(chance + ADDED * (1 - chance), weights=np.exp(chance))
    # Weights that are normed are biased by one over the number of draws.
    assert_scatter(values, errors, truth, slack=1 / N_DRAWS)
