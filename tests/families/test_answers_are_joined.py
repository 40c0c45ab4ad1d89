"""Answers of several models, put together: equal weights, and nested targets in order."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecast.baselines.methods import climatology
from forecast.errors import InputError
from forecast.families import FAMILIES, family_named
from forecast.families.combination import Combination, join_first_passages, ordered_days
from forecast.families.direct_members import CLIMATOLOGY
from forecast.families.stream_families import FOCUSED, JOINT
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


def test_one_model_a_target_stand_side_by_side_in_the_order_asked():
    wide, apart = first_days(1, 0.1), first_days(2, 0.1)
    joined = join_first_passages([answer(apart=apart), answer(wide=wide)], (WIDE, APART))
    assert (joined.targets, joined.acts, joined.capped_share) == (("wide", "apart"), None, 0.25)
    np.testing.assert_array_equal(joined.of("wide"), wide)
    np.testing.assert_array_equal(joined.of("apart"), apart)


def test_a_lone_answer_is_handed_on_as_it_is():
    alone = answer(wide=first_days(1, 0.1))
    assert join_first_passages([alone], (WIDE,)) is alone


def test_a_target_that_several_models_answer_is_refused():
    both = answer(wide=first_days(1, 0.1), apart=first_days(2, 0.1))
    with pytest.raises(ValueError, match="target 'wide' is answered by 2 models"):
        join_first_passages([both, answer(wide=first_days(3, 0.1))], (WIDE, APART))


def test_every_family_is_found_by_name_and_every_fitted_member_answers_every_target_once():
    for name, family in FAMILIES.items():
        assert family_named(name) is family
        models = family.models((WIDE, APART))
        assert len({model.name for model in models}) == len(models)
        fitted = family.fitted if isinstance(family, Combination) else (family,)
        for rule in (WIDE, APART):
            assert sum(rule in model.targets for model in models) == len(fitted)


def test_a_combination_always_fits_the_joint_model_first():
    for members in ((FOCUSED,), (FOCUSED, JOINT), ()):
        models = Combination("x", "x", "#000000", (), members, (CLIMATOLOGY,)).models((WIDE, APART))
        assert models[0].name == "joint"
        assert models[0].targets == (WIDE, APART)
        assert sum(model.name == "joint" for model in models) == 1
        assert len(models) == (3 if members else 1)


def test_climatology_by_day_is_the_baseline_made_to_rise(coded):
    days = [f"2020-{month:02d}-10" for month in (1, 2, 5, 9)]
    events = coded(*((day, "military_incident", 4) for day in days))
    start, origin = date(2020, 1, 1), date(2021, 1, 1)
    found = CLIMATOLOGY.by_day(events, [WIDE, APART], origin, start, 120)
    wide = found["wide"]
    assert wide.mean.shape == wide.variance.shape == (121,)
    assert wide.mean[0] == wide.variance[0] == 0.0
    assert np.all(np.diff(wide.mean) >= 0)
    expected = climatology(events, WIDE, origin, start, [10, 90])
    np.testing.assert_allclose(wide.mean[[10, 90]], expected, rtol=1e-12)
    windows = 366 - 90 + 1  # 277 windows begin within the year, worth 277 / 90 distinct ones
    total = windows / 90 + 1
    assert wide.variance[90] == pytest.approx(
        stats.beta(total * wide.mean[90], total * (1 - wide.mean[90])).var()
    )
    assert np.all(found["apart"].mean <= wide.mean)


def test_an_unknown_family_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match=r"got 'focussed'; allowed: joint, .*Did you mean 'focused'\?"):
        family_named("focussed")
