"""The mean of the members with acts ahead: laws that hold for any members and acts."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from forecast.simulation.probabilities import HitMoments

from forecast.inference.importance import monte_carlo_error
from forecast.panel import TargetRule, raised_to_included
from forecast.runs.mixture import (
    ActsAhead,
    DrawShares,
    Mixing,
    mean_of_members,
    mixture,
)

N_DRAWS, N_PATHS, CHAINS = 400, 4, 4


class World(SimpleNamespace):
    """Paths of a model, and an act ahead of any probability on them."""

    @classmethod
    def made(cls, seed: int, *, meets: bool, adds: float = 0.3) -> "World":
        rng = np.random.default_rng(seed)
        chance = rng.beta(2, 5, N_DRAWS)
        plain = rng.random((N_DRAWS, N_PATHS)) < chance[:, None]
        luck, extra = rng.random(plain.shape), rng.random(plain.shape) < adds
        return cls(plain=plain, luck=luck, extra=extra, meets=meets)

    def shares(self, probability: float) -> DrawShares:
        """Shares by draw where the act has this probability."""
        happens = self.luck < probability
        met = happens & self.meets
        ahead = self.plain | (happens & self.extra) | met
        return DrawShares(*(one.mean(axis=1) for one in (ahead, self.plain & ~met, met)))

    def mixing(self, probability: float, share: float = 0.5, direct: float = 0.2) -> Mixing:
        """The mean with another member, which says ``direct``."""
        quiet = 1 - probability if self.meets else 1.0
        return Mixing(*map(np.asarray, (share, direct, quiet)), 0.5 / self.plain.size)

    def value(self, probability: float, **members: float) -> float:
        return float(self.mixing(probability, **members).value(self.shares(probability).mean()))


PROBABILITIES = (0.0, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.99, 0.999, 1.0)


@pytest.mark.parametrize("meets", [False, True])
@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_a_model_of_all_the_weight_is_the_forecast_exactly(meets, probability):
    world = World.made(1, meets=meets)
    shares = world.shares(probability)
    for direct in (0.0, 0.2, 1.0):
        mixing = world.mixing(probability, share=1.0, direct=direct)
        assert mixing.value(shares.mean()) == shares.ahead.mean()
        np.testing.assert_array_equal(mixing.by_draw(shares), shares.ahead)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.75])
def test_without_acts_the_forecast_is_the_plain_mean_exactly(share):
    world = World.made(2, meets=False)
    plain = DrawShares(world.plain.mean(axis=1))
    mixing = world.mixing(0.0, share=share, direct=0.2)
    expected = share * plain.ahead.mean() + (1 - share) * 0.2
    assert mixing.value(plain.mean()) == expected
    # An act that never happens leaves no more than rounding.
    assert world.value(0.0, share=share, direct=0.2) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_an_act_that_meets_the_target_gives_no_less_than_its_own_chance(probability):
    for seed in range(5):
        world = World.made(seed, meets=True)
        assert world.value(probability, share=0.0, direct=0.0) >= probability - 1e-15
        assert world.value(probability, share=0.0, direct=0.001) > probability * 0.999999
        for share, direct in product((0.0, 0.5, 1.0), (0.0, 1e-9, 0.3, 1.0)):
            assert world.value(1.0, share=share, direct=direct) == 1.0
            by_draw = world.mixing(1.0, share=share, direct=direct).by_draw(world.shares(1.0))
            np.testing.assert_allclose(by_draw, 1.0, atol=1e-12)


@pytest.mark.parametrize("meets", [False, True])
@pytest.mark.parametrize("direct", [0.0, 0.003, 0.2, 0.9, 1.0])
def test_a_likelier_act_that_adds_risk_never_lowers_the_forecast(meets, direct):
    for seed in range(20):
        world = World.made(seed, meets=meets, adds=0.1)
        found = [world.value(probability, share=0.5, direct=direct) for probability in PROBABILITIES]
        assert np.all(np.diff(found) >= -1e-15), (seed, found)


@pytest.mark.parametrize("meets", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_what_each_draw_says_has_the_forecast_as_its_mean(meets, share):
    world = World.made(5, meets=meets)
    shares, mixing = world.shares(0.4), world.mixing(0.4, share=share)
    assert mixing.by_draw(shares).mean() == pytest.approx(float(mixing.value(shares.mean())), abs=1e-14)
    weights = np.random.default_rng(1).random(N_DRAWS)
    weights /= weights.sum()
    by_draw = mixing.by_draw(shares.weighted(weights))
    assert by_draw.mean() == pytest.approx(float(mixing.value(shares.mean(weights))), abs=1e-14)


@pytest.mark.parametrize("probability", [0.1, 0.5])
@pytest.mark.parametrize("meets", [False, True])
def test_the_error_is_the_scatter_of_forecasts_made_again_and_again(meets, probability):
    values, errors = [], []
    for seed in range(300):
        world = World.made(seed, meets=meets)
        by_draw = world.mixing(probability).by_draw(world.shares(probability))
        values.append(by_draw.mean())
        errors.append(monte_carlo_error(by_draw, CHAINS))
    scatter = np.std(values, ddof=1)
    assert np.mean(errors) == pytest.approx(scatter, rel=0.1)
    # What the members say together where every path is known: the odds move as those of the truth do.
    chance = np.random.default_rng(0).beta(2, 5, 400_000)
    p, adds = chance.mean(), 0.3
    after = p + (1 - p) * adds * probability
    rest = p if meets else after
    direct = 0.2 * (rest / (1 - rest)) / (p / (1 - p))
    moved = direct / (1 - 0.2 + direct)
    truth = [1 - (1 - probability) * (1 - one) if meets else one for one in (rest, moved)]
    assert abs(np.mean(values) - np.mean(truth)) < 4.5 * scatter / np.sqrt(300) + 1e-4


@pytest.mark.parametrize("meets", [False, True])
def test_slopes_are_those_of_finite_differences(meets):
    world = World.made(6, meets=meets)
    acts = world.mixing(0.4).acts(world.shares(0.4).mean())
    direct, step = np.asarray(0.2), 1e-6
    names = ("plain", "ahead", "met") if meets else ("plain", "ahead")
    for name, slope in zip(names, acts.slopes(direct), strict=False):
        up, down = (
            replace(acts, **{name: getattr(acts, name) + side * step}).moved(direct) for side in (1, -1)
        )
        assert slope == pytest.approx((up - down) / (2 * step), rel=1e-4), name


def test_no_path_and_every_path_give_numbers():
    for ahead, plain, met in ((0.0, 0.0, 0.0), (1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (1.0, 0.0, 0.0)):
        for quiet in (1.0, 0.5, 0.0):
            for direct in (0.0, 0.5, 1.0):
                acts = ActsAhead(*map(np.asarray, (plain, ahead, met, quiet)), 1e-4)
                found = acts.moved(np.asarray(direct))
                assert 0 <= found <= 1
                assert 1 - found <= quiet
                assert np.all(np.isfinite(acts.slopes(np.asarray(direct))))


def test_members_that_are_silent_do_not_count():
    nothing = np.array([np.nan, np.nan])
    said = mean_of_members([np.array([0.2, np.nan]), np.array([0.4, 0.6]), nothing])
    np.testing.assert_allclose(said, [0.3, 0.6])
    assert np.all(np.isnan(mean_of_members([nothing, nothing])))


def test_moments_of_a_mixture_are_those_of_a_draw_from_one_of_its_parts():
    means, variances, weights = np.array([0.2, 0.75]), np.array([0.015, 0.005]), np.array([0.25, 0.75])
    parts = [HitMoments(*map(np.atleast_1d, each)) for each in zip(means, variances, strict=True)]
    found, mean = mixture(parts, list(weights)), weights @ means
    assert found.mean[0] == pytest.approx(mean)
    assert found.variance[0] == pytest.approx(weights @ (variances + (means - mean) ** 2))


def test_a_target_is_as_likely_as_every_target_that_it_includes():
    rules = [
        TargetRule("any", ("dispute", "military_incident"), 3),
        TargetRule("clash", ("military_incident",), 4),
        TargetRule("war", ("military_incident",), 5),
        TargetRule("visit", ("visit",), 1),
    ]
    values = {
        "any": np.array([0.5, 0.1, np.nan]),
        "clash": np.array([0.2, 0.2, 0.2]),
        "war": np.array([0.1, 0.3, np.nan]),
        "visit": np.array([0.0, 0.9, 0.9]),
    }
    expected = values | {"any": np.array([0.5, 0.3, np.nan]), "clash": np.array([0.2, 0.3, 0.2])}
    np.testing.assert_equal(raised_to_included(values, rules), expected)
