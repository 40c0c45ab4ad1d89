"""The simulator against closed forms, and the model's density against SciPy's."""

from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from forecast.series import knots_for
from forecast.simulation.paths import NEVER
from forecast.simulation.score_hits import score_hits, weeks_needed
from forecast.simulation.weekly_scores import ScorePaths, simulate_scores
from forecast.weekly_scores.series import ScoreRule

N_WEEKS = 60
KNOTS = knots_for(N_WEEKS)


@pytest.fixture(scope="module")
def past(series_of):
    """Sixty weeks of one act each way, scores ±2 so that the unit is 2."""
    score = np.tile([[2.0, -2.0]], (N_WEEKS, 1))
    return series_of(score, np.ones((N_WEEKS, 2), dtype=np.int64))


def test_a_sum_of_poisson_acts_has_the_mean_and_variance_of_a_compound_sum(past, quiet_draws):
    # n ~ Poisson(3), y | n ~ Normal(n·0.5, 1.5·√n): mean 3·0.5, variance 3·1.5² + 3·0.5², in units of 2.
    draws = quiet_draws(2000, KNOTS, 2, tone_mean=0.5, noise_scale=1.5)
    score = simulate_scores(past, draws, 4, 8, seed=1).score / past.unit
    n = score[..., 0].size
    mean, variance = 3 * 0.5, 3 * (1.5**2 + 0.5**2)
    for way in (0, 1):
        assert score[..., way].mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / n))
        assert score[..., way].var() == pytest.approx(variance, rel=0.05)


def test_the_directions_of_a_week_are_correlated_as_the_draws_say(past, quiet_draws):
    draws = quiet_draws(4000, KNOTS, 2, activity_weekly_acts=1e4, activity_shape=1e9, noise_together=0.8)
    score = simulate_scores(past, draws, 1, 8, seed=2).score.reshape(-1, 2)
    # Correlation 2·0.8 − 1; its standard error at n pairs is (1 − ρ²)/√n.
    assert np.corrcoef(score.T)[0, 1] == pytest.approx(0.6, abs=4 * (1 - 0.36) / np.sqrt(len(score)))


def test_latent_tone_reverts_at_the_rate_of_its_persistence(past, quiet_draws):
    """From x = 2 now (all later innovations drawn), E[x] = 2·exp(−days/τ) at the knots."""
    tau, start = 80.0, 2.0
    innovations = np.zeros((4000, KNOTS, 2))
    decay = np.exp(-28 / tau)
    innovations[:, :, 0] = start * np.sqrt((1 - decay) / (1 + decay))
    innovations[:, 0, 0] = start
    draws = quiet_draws(
        4000,
        KNOTS,
        2,
        tone_persistence=tau,
        tone_swing=1.0,
        noise_scale=1e-6,
        activity_weekly_acts=1e4,
        latent_innovations=innovations,
    )
    known_knot = 4 * (KNOTS - 1)
    paths = simulate_scores(past, draws, 40, 4, seed=3)
    for later in (1, 3, 5):
        week = known_knot + 4 * later - N_WEEKS
        x = paths.score[:, :, week, 0] / past.unit / 1e4
        expected = start * np.exp(-28 * later / tau)
        assert x.mean() == pytest.approx(expected, abs=4 / np.sqrt(x.size) + 0.02)


def test_echoes_raise_the_mean_by_one_over_one_minus_their_sum(past, quiet_draws):
    draws = quiet_draws(
        1000, KNOTS, 2, activity_weekly_acts=1.0, activity_echo=0.25, tone_mean=1.0, noise_scale=1e-6
    )
    late = simulate_scores(past, draws, 40, 8, seed=4).score[:, :, 20:] / past.unit
    # Each act is answered by 0.25 acts either way, 0.5 in all: mean acts a direction 1/(1 − 0.5).
    assert late.mean() == pytest.approx(2.0, rel=0.02)


def test_an_independent_week_below_a_bound_is_hit_with_one_minus_q_to_the_n(past, quiet_draws):
    draws = quiet_draws(4000, KNOTS, 2, activity_weekly_acts=100.0, activity_shape=1e9)
    origin = past.end
    rule = ScoreRule("turn", "a_to_b", -2.0 * 2.0 * 10.0)
    paths = simulate_scores(past, draws, 10, 8, seed=5)
    hits = score_hits(past, paths, [rule], origin, 70)
    # y ~ about Normal(0, 2·√100) in the unit of the file, so the bound is two deviations down.
    week = stats.norm.cdf(-2.0)
    expected = 1 - (1 - week) ** 10
    share = (hits.of("turn") < NEVER).mean()
    assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 32_000) + 0.003)


def test_a_week_counts_on_its_last_day_and_not_before_the_origin(past):
    score = np.zeros((1, 1, 4, 2))
    score[0, 0, :, 0] = [-9, 0, -9, 0]
    paths = ScorePaths(score, 0.0)
    rule = ScoreRule("turn", "a_to_b", -5.0)
    assert score_hits(past, paths, [rule], past.end, 28).of("turn").item() == 6
    later = past.end + timedelta(days=7)  # the first week has passed by then
    assert score_hits(past, paths, [rule], later, 28).of("turn").item() == 13
    assert score_hits(past, paths, [rule], later, 13).of("turn").item() == NEVER
    both = ScoreRule("turn", "b_to_a", -5.0)
    assert score_hits(past, paths, [both], past.end, 28).of("turn").item() == NEVER


def test_weeks_enough_are_simulated_to_reach_the_horizon(past):
    assert weeks_needed(past, past.end, 7) == 1
    assert weeks_needed(past, past.end, 8) == 2
    assert weeks_needed(past, past.end + timedelta(days=3), 7) == 2


def test_the_same_seed_gives_the_same_weeks(past, quiet_draws):
    draws = quiet_draws(50, KNOTS, 2, tone_swing=1.0)
    one, two, other = (simulate_scores(past, draws, 5, 4, seed=s).score for s in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
