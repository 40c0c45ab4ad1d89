"""Joint paths against closed forms and brute force, and the shock that is learned from a panel."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats

from forecast.events.dyads import DyadRule
from forecast.watchlist.joint_paths import (
    NO_SHOCK,
    SharedShock,
    actor_loadings,
    list_outcomes,
)
from forecast.watchlist.shared_shock import (
    GRID,
    Correlation,
    PooledShock,
    both_below,
    learn_shock,
    pool_horizons,
    shipped_shock,
)

RULES = [DyadRule(("A",), (one,)) for one in "BCD"] + [DyadRule(("E",), ("F",)), DyadRule(("G", "H"), ("B",))]
CHANCE = np.array([[0.1, 0.3], [0.25, 0.4], [0.05, 0.06], [0.5, 0.9], [0.2, 0.2]])


def draw_hits(chance, loadings, shock, seed, n_paths):
    """Play joint paths: which dyads meet the target by each day, shape (path, dyad, day)."""
    random = np.random.default_rng(seed)
    everyone = random.standard_normal((n_paths, 1))
    actors = random.standard_normal((n_paths, loadings.shape[1])) @ loadings.T
    noise = np.sqrt(1 - shock.shared) * random.standard_normal((n_paths, len(loadings)))
    score = np.sqrt(shock.everyone) * everyone + np.sqrt(shock.actors) * actors + noise
    return special.ndtr(score)[:, :, None] < chance


def test_loadings_give_dyads_with_one_common_side_half_the_shock_and_others_none():
    loadings = actor_loadings(RULES)
    overlap = loadings @ loadings.T
    np.testing.assert_allclose(np.diag(overlap), 1.0)
    assert overlap[0, 1] == pytest.approx(0.5)
    assert overlap[0, 3] == 0
    # Both have B on one side; the other sides have nothing in common.
    assert overlap[0, 4] == pytest.approx(0.5)


def test_without_a_shock_the_number_of_hits_is_poisson_binomial_exactly():
    first, second = list_outcomes(CHANCE, actor_loadings(RULES), NO_SHOCK, seed=1)
    for outcome, chance in ((first, CHANCE[:, 0]), (second, CHANCE[:, 1])):
        law = np.array([1.0])
        for one in chance:
            law = np.convolve(law, [1 - one, one])
        tail = np.cumsum(law[::-1])[::-1][1:]
        np.testing.assert_allclose(outcome.at_least, tail, atol=1e-12)
        assert outcome.expected == pytest.approx(chance.sum())
        assert outcome.mcse == 0
        assert outcome.both[0, 1] == pytest.approx(chance[0] * chance[1])


def test_with_everybodys_shock_alone_it_is_the_one_factor_integral():
    shock, chance = SharedShock(everyone=0.3), CHANCE[:, :1]
    (found,) = list_outcomes(chance, actor_loadings(RULES), shock, seed=2, n_shocks=20_000)

    def none(factor):
        given = special.ndtr((special.ndtri(chance[:, 0]) - np.sqrt(0.3) * factor) / np.sqrt(0.7))
        return np.prod(1 - given) * stats.norm.pdf(factor)

    truth = 1 - integrate.quad(none, -9, 9)[0]
    assert found.mcse < 0.004
    assert abs(found.at_least[0] - truth) < 4 * found.mcse + 1e-9, (found.at_least[0], truth)


def test_a_list_of_one_dyad_has_the_probability_of_that_dyad():
    one = CHANCE[:1]
    for outcome, chance in zip(
        list_outcomes(one, actor_loadings(RULES[:1]), SharedShock(0.2, 0.3), seed=9), one[0], strict=True
    ):
        assert outcome.at_least == pytest.approx([chance])
        assert outcome.mcse < 1e-12


def test_two_dyads_with_a_common_side_go_together_as_the_bivariate_normal_says():
    (found,) = list_outcomes(CHANCE[:, :1], actor_loadings(RULES), SharedShock(actors=0.6), 3, 40_000)
    bounds = special.ndtri(CHANCE[:2, 0])
    truth = stats.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]]).cdf(bounds)
    assert found.both[0, 1] == pytest.approx(truth, abs=0.002)
    assert found.both[0, 3] == pytest.approx(CHANCE[0, 0] * CHANCE[3, 0], abs=0.003)


def test_summed_laws_equal_counted_paths_within_their_error():
    shock, loadings = SharedShock(everyone=0.15, actors=0.4), actor_loadings(RULES)
    found = list_outcomes(CHANCE, loadings, shock, seed=4, n_shocks=8000)
    hits = draw_hits(CHANCE, loadings, shock, seed=5, n_paths=60_000)
    for day, outcome in enumerate(found):
        number = hits[:, :, day].sum(axis=1)
        for k, chance in enumerate(outcome.at_least, start=1):
            share = np.mean(number >= k)
            error = np.sqrt(max(share * (1 - share), 1e-4) / len(number))
            assert abs(chance - share) < 4 * np.hypot(error, max(outcome.mcse, 0.002)), (day, k)
    # Each dyad keeps its own probability, and what is met stays met.
    np.testing.assert_allclose(hits.mean(axis=0), CHANCE, atol=0.012)
    assert not np.any(hits[:, :, 0] & ~hits[:, :, 1])


def test_bivariate_probabilities_equal_scipys():
    h, k = np.array([-1.2, 0.3, 1.5]), np.array([-0.5, 0.3, -1.0])
    found = both_below(h, k)
    for rho in (-0.2, 0.0, 0.15, 0.5, 0.9):
        place = int(np.argmin(np.abs(GRID - rho)))
        truth = [
            stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(pair)
            for pair in zip(h, k, strict=True)
        ]
        np.testing.assert_allclose(found[:, place], truth, atol=3e-5)


def simulated_panel(shock, seed, n_origins=240):
    actors = "ABCDEFGHIJ"
    rules = [DyadRule((a,), (b,)) for a, b in pairwise(actors)] + [DyadRule(("A",), (b,)) for b in "CDEFGH"]
    random = np.random.default_rng(seed)
    loadings = actor_loadings(rules)
    chance = random.uniform(0.05, 0.6, size=(n_origins, len(rules)))
    hit = [
        draw_hits(one[:, None], loadings, shock, int(random.integers(2**31)), 1)[0, :, 0] for one in chance
    ]
    sharing = loadings @ loadings.T > 0
    return chance, np.array(hit, dtype=float), sharing


@pytest.mark.parametrize("shock", [NO_SHOCK, SharedShock(0.15, 0.3)], ids=["none", "shared"])
def test_a_simulated_shock_is_learned_within_its_error(shock):
    chance, hit, sharing = simulated_panel(shock, seed=6)
    found = learn_shock(chance, hit, sharing, 30, block=6, seed=1)
    truth = {"apart": shock.everyone, "sharing": shock.everyone + shock.actors / 2}
    for name, value in truth.items():
        one = getattr(found, name)
        assert one.se < 0.06
        assert abs(one.value - value) < 3 * one.se + 0.01, (name, one, value)
    pooled = pool_horizons([found])
    assert (pooled.shock == NO_SHOCK) == (shock == NO_SHOCK)
    if shock == NO_SHOCK:
        assert abs(found.residual_sharing.value) < 3 * found.residual_sharing.se


def test_a_shock_that_is_not_clear_of_its_error_counts_as_none():
    unclear = PooledShock(Correlation(0.03, 0.02, 100), Correlation(0.05, 0.03, 50))
    assert unclear.shock == NO_SHOCK
    clear = PooledShock(Correlation(0.1, 0.02, 100), Correlation(0.3, 0.03, 50))
    assert clear.shock == SharedShock(0.1, pytest.approx(0.4))


def test_the_shipped_shock_says_where_it_comes_from():
    shipped = shipped_shock()
    assert "30 dyads" in shipped.source
    assert 0 <= shipped.pooled.everyone + shipped.pooled.actors < 1
