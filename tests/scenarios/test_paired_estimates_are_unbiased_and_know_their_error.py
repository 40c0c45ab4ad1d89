"""A few paths played again, corrected by what all paths say: right on average, with the right error."""

import numpy as np
import pytest

from forecast.runs.mixture import Futures
from forecast.scenarios.evaluate import ScenarioDraws, changed_probability
from forecast.simulation import NEVER
from forecast.simulation.probabilities import beta_interval, curve_from_moments

N_DRAWS, N_PATHS, FEW, DAY = 400, 16, 2, 10
HIT, ADDED = (
    (2.0, 3.0),
    0.2,
)  # the run's probability is Beta(2, 3) over draws; a scenario adds hits to the rest
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


def estimate(draws: ScenarioDraws):
    old = (draws.base.first < DAY).mean(axis=1)
    return changed_probability(draws.shares(DAY).ahead, old, 4)


def curve_of(draws: ScenarioDraws):
    moments = draws.answer(np.ones(DAY + 1)).moments
    return curve_from_moments(moments, np.empty((0, DAY + 1)))


@pytest.fixture(scope="module")
def replicates():
    return [replicate(seed) for seed in range(300)]


def test_estimates_scatter_around_the_truth_by_the_error_they_state(replicates):
    found = [estimate(draws) for draws in replicates]
    for values, errors, truth in (
        ([one.probability for one in found], [one.mcse for one in found], TRUTH),
        ([one.difference for one in found], [one.difference_mcse for one in found], TRUTH - BASE),
    ):
        scatter = np.std(values, ddof=1)
        assert abs(np.mean(values) - truth) < 4.5 * scatter / np.sqrt(len(values))
        assert np.mean(errors) == pytest.approx(scatter, rel=0.15)


def test_what_all_paths_say_lowers_the_error_of_the_few(replicates):
    corrected = np.std([estimate(draws).difference for draws in replicates])
    alone = np.std([(draws.new.first < DAY).mean() - (draws.base.first < DAY).mean() for draws in replicates])
    assert corrected < 0.75 * alone


def test_the_interval_is_that_of_the_probability_over_draws(replicates):
    curves = [curve_of(draws) for draws in replicates]
    ends = np.array([[curve.lower90[-1], curve.upper90[-1]] for curve in curves])
    expected = beta_interval(np.array([TRUTH]), np.array([SPREAD]))
    np.testing.assert_allclose(ends.mean(axis=0), np.ravel(expected), atol=0.02)
    assert np.mean([curve.probability[-1] for curve in curves]) == pytest.approx(TRUTH, abs=0.005)


def test_the_runs_luck_is_kept_as_far_as_the_futures_are_its_own(replicates):
    draws = replicates[0]
    assert 0.6 < np.mean([one.kept_share[DAY] for one in replicates]) < 0.95
    base = draws.base
    same = ScenarioDraws(draws.weights, DAY, base, Futures(base.first[:, :FEW].copy()))
    assert np.all(same.kept_share == 1.0)
    now = Futures(np.zeros((N_DRAWS, FEW), dtype=np.int32))
    certain = ScenarioDraws(draws.weights, DAY, base, now)
    assert np.all(certain.kept_share[DAY] == pytest.approx(0.0, abs=1e-9))
    found = estimate(certain)
    assert found.probability == pytest.approx(1.0)
    assert found.mcse == pytest.approx(0.0, abs=1e-9)


def test_weights_and_new_futures_together_are_unbiased():
    def tilted(chance):
        weights = np.exp(chance)
        return weights / weights.sum()

    values, errors = [], []
    for seed in range(300):
        found = estimate(replicate(1000 + seed, tilted))
        values.append(found.probability)
        errors.append(found.mcse)
    chance = np.random.default_rng(0).beta(*HIT, 400_000)
    truth = np.average(chance + ADDED * (1 - chance), weights=np.exp(chance))
    scatter = np.std(values, ddof=1)
    # Weights that are normed are biased by one over the number of draws.
    assert abs(np.mean(values) - truth) < 4.5 * scatter / np.sqrt(300) + 1 / N_DRAWS
    assert np.mean(errors) == pytest.approx(scatter, rel=0.15)
