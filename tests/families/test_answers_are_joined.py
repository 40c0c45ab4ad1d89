"""Answers of several models, put together: equal weights, and nested targets in order."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import InputError
from forecast.families import FAMILIES, family_named
from forecast.families.ensemble import join_first_passages, ordered_days
from forecast.panel.streams import TargetRule
from forecast.simulation.paths import NEVER, FirstPassages

WIDE = TargetRule("wide", ("military_incident", "military_posture"), 4)
NARROW = TargetRule("narrow", ("military_incident",), 5)
APART = TargetRule("apart", ("sanction",), 4)
HORIZON = 40


def first_days(seed: int, rate: float, shape=(6, 5)) -> np.ndarray:
    days = np.random.default_rng(seed).geometric(rate, shape)
    return np.where(days < HORIZON, days, NEVER).astype(np.int32)


def curve(days: np.ndarray) -> np.ndarray:
    """Chance of a first day before each day."""
    return np.array([(days < day).mean() for day in range(HORIZON + 1)])


def test_nested_targets_that_are_in_order_stay_as_they_are():
    narrow = first_days(1, 0.05)
    wide = np.minimum(narrow, first_days(2, 0.05))[::-1]  # in order as curves, though not path by path
    apart = first_days(3, 0.5)
    given_days = {"narrow": narrow, "wide": wide, "apart": apart}
    result = ordered_days(given_days, (NARROW, WIDE, APART))
    assert list(result) == list(given_days)
    for name, days in given_days.items():
        np.testing.assert_array_equal(result[name], days)


def test_the_wider_target_is_lowered_to_the_narrower_rank_by_rank():
    days = {
        "narrow": np.array([[3, 20], [NEVER, NEVER]], dtype=np.int32),
        "wide": np.array([[NEVER, 5], [10, NEVER]], dtype=np.int32),
    }
    result = ordered_days(days, (WIDE, NARROW))
    np.testing.assert_array_equal(result["narrow"], days["narrow"])
    # Ranks: 5 and 10 against 3 and 20.
    np.testing.assert_array_equal(result["wide"], [[NEVER, 3], [10, NEVER]])
    assert days["wide"][0, 1] == 5


@given(st.integers(0, 10_000), st.floats(0.01, 0.4), st.floats(0.01, 0.4))
def test_the_wider_curve_becomes_the_larger_of_the_two_at_every_date(seed, of_narrow, of_wide):
    days = {"narrow": first_days(seed, of_narrow), "wide": first_days(seed + 1, of_wide)}
    days["apart"] = first_days(seed + 2, 0.3)
    result = ordered_days(days, (APART, WIDE, NARROW))
    np.testing.assert_array_equal(result["narrow"], days["narrow"])
    np.testing.assert_array_equal(result["apart"], days["apart"])
    expected = np.maximum(curve(days["narrow"]), curve(days["wide"]))
    np.testing.assert_array_equal(curve(result["wide"]), expected)


def answer(**days: np.ndarray) -> FirstPassages:
    day = np.stack(list(days.values()))[None]
    return FirstPassages(tuple(days), date(2023, 1, 1), day, np.zeros(0, np.int64), HORIZON, 0.25 * len(days))


def test_the_joined_chance_is_the_mean_of_the_members():
    members = [
        answer(wide=first_days(seed, rate), apart=first_days(seed + 9, 0.2))
        for seed, rate in ((1, 0.02), (2, 0.1), (3, 0.3))
    ]
    joined = join_first_passages(members, (WIDE, APART))
    assert (joined.targets, joined.members, joined.acts) == (("wide", "apart"), 3, None)
    for name in joined.targets:
        assert joined.of(name).shape == (18, 5)
        mean = np.mean([curve(member.of(name)) for member in members], axis=0)
        np.testing.assert_allclose(curve(joined.of(name)), mean, rtol=1e-12)
    assert joined.capped_share == 0.5


def test_one_model_a_target_stand_side_by_side_in_the_order_asked():
    wide, apart = first_days(1, 0.1), first_days(2, 0.1)
    joined = join_first_passages([answer(apart=apart), answer(wide=wide)], (WIDE, APART))
    assert (joined.targets, joined.members) == (("wide", "apart"), 1)
    np.testing.assert_array_equal(joined.of("wide"), wide)
    np.testing.assert_array_equal(joined.of("apart"), apart)


def test_a_lone_answer_is_handed_on_as_it_is():
    alone = answer(wide=first_days(1, 0.1))
    assert join_first_passages([alone], (WIDE,)) is alone


def test_targets_answered_by_different_numbers_of_models_are_refused():
    both = answer(wide=first_days(1, 0.1), apart=first_days(2, 0.1))
    with pytest.raises(ValueError, match="answered by different numbers of models"):
        join_first_passages([both, answer(wide=first_days(3, 0.1))], (WIDE, APART))


def test_every_family_is_found_by_name_and_answers_every_target_equally_often():
    for name, family in FAMILIES.items():
        assert family_named(name) is family
        models = family.models((WIDE, APART))
        assert len({model.name for model in models}) == len(models)
        for rule in (WIDE, APART):
            assert sum(rule in model.targets for model in models) == len(family.members)


def test_an_unknown_family_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match=r"got 'focussed'; allowed: joint, .*Did you mean 'focused'\?"):
        family_named("focussed")
