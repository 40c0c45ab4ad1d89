"""The mixture of the members' draws, with acts ahead: laws that hold for any members, weights and acts."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.families import Family
from forecast.inference.importance import monte_carlo_error
from forecast.models.survival import Survival
from forecast.panel import FutureAct, TargetRule, raised_to_included
from forecast.runs.mixture import (
    DirectAnswers,
    Mixture,
    mean_of_members,
    quantiles,
    quiet_chance,
    weighted_by_draw,
)

ORIGIN, DAYS, DRAWS, CHAINS = date(2023, 1, 1), 60, 400, 4
ANY = TargetRule("any", ("dispute", "military_incident"), 3)
CLASH = TargetRule("clash", ("military_incident",), 4)


def chances(seed: int, n_draws: int = DRAWS, scale: float = 0.01) -> np.ndarray:
    """P by draw and day under a constant hazard that differs between draws."""
    hazard = np.random.default_rng(seed).gamma(2, scale / 2, n_draws)
    return -np.expm1(-hazard[:, None] * np.arange(DAYS + 1))


def survival_of(*by_target: np.ndarray) -> Survival:
    names = ("any", "clash")[: len(by_target)]
    return Survival(names, ORIGIN, np.stack([1 - one for one in by_target], axis=1))


def mixture(ahead=None, direct=(), *, plain=None, weights=None, targets=1, fitted=True) -> Mixture:
    """A mixture of a model that says P = ``ahead``, with members that say those of ``direct``."""
    names = [f"member {n}" for n in range(len(direct))]
    family = Family("made", "made", "#000000", (), fitted, tuple(SimpleNamespace(name=n) for n in names))
    inputs = SimpleNamespace(rules=(ANY, CLASH)[:targets], family=family)
    said = {name: {"any": one} for name, one in zip(names, direct, strict=True)}
    return Mixture(inputs, DirectAnswers(said), ahead, plain, weights)


def random_weights(seed: int = 1, n_draws: int = DRAWS) -> np.ndarray:
    weights = np.random.default_rng(seed).random(n_draws)
    return weights / weights.sum()


@pytest.mark.parametrize("weighted", [False, True])
def test_the_mean_is_that_of_the_members_and_the_interval_holds_the_quantiles_of_all_draws(weighted):
    model, two, three = chances(1), chances(2, 300, 0.002), chances(3, 50, 0.03)
    weights = random_weights() if weighted else None
    found = mixture(survival_of(model), [two, three], weights=weights)
    assert found.share("any") == pytest.approx(1 / 3)
    own = np.full(DRAWS, 1 / DRAWS) if weights is None else weights
    expected = (own @ model + two.mean(axis=0) + three.mean(axis=0)) / 3
    curve = found.curves["any"]
    np.testing.assert_allclose(curve.probability, expected, atol=1e-14)
    draws, all_weights = found.draws("any")
    assert all_weights.sum() == pytest.approx(1.0)
    # What lies at or below a bound has its level's weight, to within that of one draw.
    for level, bound in ((0.05, curve.lower90), (0.95, curve.upper90)):
        below = np.array([all_weights[draws[:, day] <= bound[day]].sum() for day in range(1, DAYS + 1)])
        assert np.abs(below - level).max() <= all_weights.max() + 1e-12


def test_a_member_alone_is_the_forecast():
    model, other = chances(1), chances(2)
    alone = mixture(survival_of(model))
    np.testing.assert_allclose(alone.curves["any"].probability, model.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(alone.by_draw_at("any", np.arange(DAYS + 1)), model, atol=1e-12)
    direct = mixture(None, [other], fitted=False)
    assert direct.share("any") == 0.0
    np.testing.assert_allclose(direct.curves["any"].probability, other.mean(axis=0), atol=1e-14)
    assert direct.error("any", DAYS, CHAINS) == pytest.approx(other[:, -1].std() / np.sqrt(DRAWS))


def test_acts_ahead_multiply_the_chance_that_nothing_happens_of_every_member():
    before, other = chances(1), chances(2, 300)
    # An act on day 20 that meets the target with probability 0.4.
    quiet = np.where(np.arange(DAYS + 1) > 20, 0.6, 1.0)
    found = mixture(survival_of(1 - (1 - before) * quiet), [other], plain=survival_of(before))
    np.testing.assert_allclose(found.factor("any"), quiet, atol=1e-12)
    silent = ((1 - before).mean(axis=0) + (1 - other).mean(axis=0)) / 2
    np.testing.assert_allclose(found.curves["any"].probability, 1 - silent * quiet, atol=1e-12)
    without = found.without_acts.curves["any"].probability
    np.testing.assert_allclose(without, 1 - silent, atol=1e-12)
    # An act that is certain to meet the target leaves nothing to any member.
    certain = mixture(survival_of(np.ones_like(before)), [other], plain=survival_of(before))
    np.testing.assert_allclose(certain.curves["any"].probability, 1.0, atol=1e-12)


def test_an_act_that_may_meet_the_target_leaves_what_its_window_leaves():
    meets = FutureAct(date(2023, 1, 11), "military_incident", 5, 0.4, until=date(2023, 1, 20))
    mild = FutureAct(date(2023, 1, 11), "military_incident", 2, 0.9)
    days = np.arange(DAYS + 1)
    expected = 1 - 0.4 * np.clip(days - 10, 0, 10) / 10
    np.testing.assert_allclose(quiet_chance([meets, mild], CLASH, ORIGIN, days), expected, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("with_acts", [False, True])
def test_what_each_draw_says_has_the_forecast_as_its_mean(weighted, with_acts):
    before, other = chances(1), chances(2)
    plain = survival_of(before) if with_acts else None
    ahead = survival_of(1 - (1 - before) ** 1.3 if with_acts else before)
    found = mixture(ahead, [other], plain=plain, weights=random_weights() if weighted else None)
    days = np.array([5, 30, DAYS])
    by_draw = found.by_draw_at("any", days)
    np.testing.assert_allclose(by_draw.mean(axis=0), found.curves["any"].probability[days], atol=1e-12)
    np.testing.assert_allclose(found.by_draw("any", 30), by_draw[:, 1], atol=1e-12)


@pytest.mark.parametrize("with_acts", [False, True])
def test_the_error_is_the_scatter_of_forecasts_made_again_and_again(with_acts):
    other, values, errors = chances(0, 500), [], []
    for seed in range(300):
        before = chances(seed + 1)
        plain = survival_of(before) if with_acts else None
        # Draws at greater risk answer the act more.
        ahead = survival_of(1 - (1 - before) * (1 - 0.5 * before) if with_acts else before)
        found = mixture(ahead, [other], plain=plain)
        values.append(found.probability("any", DAYS))
        errors.append(monte_carlo_error(found.by_draw("any", DAYS), CHAINS))
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.15)


def test_a_target_is_never_less_likely_than_one_that_it_includes_and_no_curve_falls():
    model = survival_of(chances(1, scale=0.002), chances(2, scale=0.01))
    found = mixture(model, [chances(3, scale=0.001)], targets=2).curves
    for part in ("probability", "lower90", "upper90"):
        assert np.all(getattr(found["any"], part) >= getattr(found["clash"], part))
    for curve in found.values():
        assert np.all(np.diff(curve.probability) >= 0)
        assert np.all(curve.lower90 <= curve.upper90)


def test_weighted_quantiles_are_those_of_draws_repeated():
    draws = np.random.default_rng(4).normal(size=(2000, 2))
    times = np.random.default_rng(5).integers(1, 6, size=2000)
    found = quantiles(draws, times / times.sum(), (0.05, 0.5, 0.95))
    expected = np.quantile(np.repeat(draws, times, axis=0), (0.05, 0.5, 0.95), axis=0)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_a_weighted_mean_is_told_by_draws_that_give_even_weights_back():
    values, weights = chances(6), random_weights()
    np.testing.assert_allclose(weighted_by_draw(values, weights).mean(axis=0), weights @ values, atol=1e-14)
    assert weighted_by_draw(values, None) is values
    np.testing.assert_array_equal(weighted_by_draw(values, np.full(DRAWS, 1 / DRAWS)), values)


def test_members_that_are_silent_do_not_count():
    nothing = np.array([np.nan, np.nan])
    said = mean_of_members([np.array([0.2, np.nan]), np.array([0.4, 0.6]), nothing])
    np.testing.assert_allclose(said, [0.3, 0.6])
    assert np.all(np.isnan(mean_of_members([nothing, nothing])))


def test_a_target_is_as_likely_as_every_target_that_it_includes():
    rules = [ANY, CLASH, TargetRule("war", ("military_incident",), 5), TargetRule("visit", ("visit",), 1)]
    values = {
        "any": np.array([0.5, 0.1, np.nan]),
        "clash": np.array([0.2, 0.2, 0.2]),
        "war": np.array([0.1, 0.3, np.nan]),
        "visit": np.array([0.0, 0.9, 0.9]),
    }
    expected = values | {"any": np.array([0.5, 0.3, np.nan]), "clash": np.array([0.2, 0.3, 0.2])}
    np.testing.assert_equal(raised_to_included(values, rules), expected)
