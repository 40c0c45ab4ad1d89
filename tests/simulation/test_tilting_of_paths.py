"""Entropic tilting: closed forms, an oracle that minimises relative entropy itself, laws that it keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import entropy

from forecast.simulation import NEVER, FirstPassages
from forecast.simulation.tilting import Wanted, tilt_paths

HORIZON = 60
DRAWS, PATHS = 300, 8


def exponential_days(seed: int, rate: float) -> np.ndarray:
    days = np.random.default_rng(seed).exponential(1 / rate, (DRAWS, PATHS))
    return np.where(days < HORIZON, np.floor(days), NEVER).astype(np.int32)


@pytest.fixture(scope="module")
def first_day():
    """A narrow target within a wide one, on the same paths, and one apart from both."""
    narrow, other = exponential_days(1, 0.01), exponential_days(2, 0.02)
    return {"narrow": narrow, "wide": np.minimum(narrow, other), "apart": exponential_days(3, 0.03)}


def before(days, day, weights=None):
    hit = days < day
    return hit.mean() if weights is None else float((weights * hit).sum())


def wanted_at(first_day, asked):
    return [Wanted(target, day, probability) for (target, day), probability in asked.items()]


ASKED = {
    ("narrow", 20): 0.1,
    ("narrow", 60): 0.4,
    ("wide", 20): 0.5,
    ("wide", 60): 0.7,
    ("apart", 60): 0.6,
}


def test_the_same_probabilities_leave_all_paths_alike(first_day):
    asked = {key: before(first_day[key[0]], key[1]) for key in ASKED}
    found = tilt_paths(first_day, wanted_at(first_day, asked))
    assert np.all(found.weights == 1 / (DRAWS * PATHS))
    assert found.dropped == ()
    assert found.effective_paths == pytest.approx(DRAWS * PATHS)
    assert found.effective_draws == pytest.approx(DRAWS)


def test_other_probabilities_are_reproduced(first_day):
    found = tilt_paths(first_day, wanted_at(first_day, ASKED))
    assert found.dropped == ()
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-12)
    for (target, day), probability in ASKED.items():
        assert before(first_day[target], day, found.weights) == pytest.approx(probability, abs=1e-6)
    assert found.effective_paths < DRAWS * PATHS


@pytest.mark.parametrize("asked", [0.001, 0.2, 0.97])
def test_one_probability_has_weights_of_two_sizes(first_day, asked):
    days = first_day["narrow"]
    found = tilt_paths(first_day, [Wanted("narrow", 30, asked)])
    share = before(days, 30)
    expected = np.where(days < 30, asked / share, (1 - asked) / (1 - share)) / days.size
    np.testing.assert_allclose(found.weights, expected, rtol=1e-6)


def test_the_weights_differ_least_from_equal_ones(first_day):
    """An oracle that knows no duals: relative entropy over patterns of hits, minimised under constraints."""
    keys = list(ASKED)
    hits = np.column_stack([(first_day[target] < day).ravel() for target, day in keys])
    patterns, place, counts = np.unique(hits, axis=0, return_inverse=True, return_counts=True)
    share, asked = counts / len(hits), np.array(list(ASKED.values()))
    result = minimize(
        lambda q: float(q @ np.log(np.maximum(q, 1e-300) / share)),
        share,
        jac=lambda q: np.log(np.maximum(q, 1e-300) / share) + 1,
        bounds=[(1e-12, 1.0)] * len(share),
        constraints=[
            {"type": "eq", "fun": lambda q: patterns.T @ q - asked, "jac": lambda q: patterns.T * 1.0},
            {"type": "eq", "fun": lambda q: q.sum() - 1, "jac": lambda q: np.ones(len(q))},
        ],
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    assert result.success, result.message
    found = tilt_paths(first_day, wanted_at(first_day, ASKED)).weights.ravel()
    ours = np.bincount(place.ravel(), found)
    np.testing.assert_allclose(ours, result.x, atol=2e-5)
    # And independent of that: the least relative entropy is of weights whose logarithm is linear in the hits.
    design = np.column_stack([np.ones(len(hits)), hits])
    log_weights = np.log(found)
    fitted = design @ np.linalg.lstsq(design, log_weights, rcond=None)[0]
    np.testing.assert_allclose(fitted, log_weights, atol=1e-6)


def test_nested_targets_and_the_curve_stay_in_order(first_day):
    found = tilt_paths(first_day, wanted_at(first_day, ASKED))
    day = np.stack(list(first_day.values()))[None]
    dispersion = {name: np.full(HORIZON + 1, 0.05) for name in first_day}
    hits = FirstPassages(tuple(first_day), None, day, None, HORIZON, 0.0, found.weights, dispersion)
    curves = {name: hits.curve(name) for name in first_day}
    for curve in curves.values():
        for values in (curve.probability, curve.lower90, curve.upper90):
            assert np.all(np.diff(values) >= 0)
        assert np.all(curve.lower90 <= curve.probability)
        assert np.all(curve.probability <= curve.upper90)
    assert np.all(curves["narrow"].probability <= curves["wide"].probability + 1e-12)
    for (target, at), probability in ASKED.items():
        assert curves[target].probability[at] == pytest.approx(probability, abs=1e-6)
        assert hits.probability(target, at) == pytest.approx(probability, abs=1e-6)
        weighted = hits.draw_weights @ hits.shares_before(target, at)
        assert weighted == pytest.approx(probability, abs=1e-6)


def test_without_weights_a_curve_is_the_plain_share_and_what_is_certain_is_one(first_day):
    days = first_day["wide"].copy()
    days[days == NEVER] = HORIZON - 1
    weights = tilt_paths({"wide": days}, [Wanted("wide", 20, 0.123)]).weights
    dispersion = {"wide": np.zeros(HORIZON + 1)}
    hits = FirstPassages(("wide",), None, days[None, None], None, HORIZON, 0.0)
    assert hits.curve("wide").probability[20] == pytest.approx((days < 20).mean(), abs=1e-12)
    np.testing.assert_array_equal(hits.by_draw("wide", 20), (days < 20).mean(axis=1))
    tilted = FirstPassages(("wide",), None, days[None, None], None, HORIZON, 0.0, weights, dispersion)
    assert tilted.curve("wide").probability[20] == pytest.approx(0.123, abs=1e-6)
    assert tilted.curve("wide").probability[HORIZON] == 1.0


def test_what_the_paths_cannot_carry_is_dropped_and_named(first_day):
    days = first_day | {"never": np.full((DRAWS, PATHS), NEVER, dtype=np.int32)}
    days["sure"] = np.zeros((DRAWS, PATHS), dtype=np.int32)
    asked = [
        Wanted("never", 60, 0.01),
        Wanted("sure", 60, 0.9),
        Wanted("never", 20, 0.0),  # as the paths have it: nothing to carry
        Wanted("sure", 20, 1.0),
        Wanted("narrow", 60, 0.3),
    ]
    found = tilt_paths(days, asked)
    assert [(one.wanted, one.reason) for one in found.dropped] == [
        (asked[0], "no_path"),
        (asked[1], "every_path"),
    ]
    assert before(days["narrow"], 60, found.weights) == pytest.approx(0.3, abs=1e-6)


def test_probabilities_out_of_order_are_dropped_until_the_rest_can_be_carried(first_day):
    asked = [Wanted("narrow", 60, 0.5), Wanted("wide", 60, 0.2), Wanted("apart", 60, 0.6)]
    found = tilt_paths(first_day, asked)
    (lost,) = found.dropped
    assert lost.reason == "contradiction"
    assert lost.wanted in asked[:2]
    for one in asked:
        if one != lost.wanted:
            assert before(first_day[one.target], one.day, found.weights) == pytest.approx(
                one.probability, abs=1e-6
            )


def test_a_curve_that_stands_still_takes_the_weight_of_the_paths_between(first_day):
    # Feasible only at the edge: no weight is left on paths hit between the days.
    found = tilt_paths(first_day, [Wanted("narrow", 20, 0.2), Wanted("narrow", 60, 0.2)])
    assert found.dropped == ()
    for day in (20, 60):
        assert before(first_day["narrow"], day, found.weights) == pytest.approx(0.2, abs=1e-6)


def test_the_error_of_a_weighted_probability_is_that_of_its_scatter():
    """Weights held fixed in kind: the linearised draws have the spread of the estimate over replicates."""
    found, errors = [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        chance = rng.beta(2, 3, DRAWS)[:, None]
        hit = rng.random((DRAWS, PATHS)) < chance
        other = rng.random((DRAWS, PATHS)) < chance
        weights = np.where(other, 2.0, 0.5)
        days = np.where(hit, 3, NEVER).astype(np.int32)[None, None]
        one = FirstPassages(("x",), None, days, None, 10, 0.0, weights / weights.sum(), {"x": np.zeros(11)})
        by_draw = one.by_draw("x", 5)
        found.append(by_draw.mean())
        errors.append(by_draw.std(ddof=1) / np.sqrt(DRAWS))
    assert np.mean(errors) == pytest.approx(np.std(found, ddof=1), rel=0.12)


@given(st.integers(0, 10_000), st.floats(0.1, 3.0))
def test_whatever_some_weights_give_is_carried(seed, spread):
    """Ten targets at six days: probabilities that come from weights of any kind can be had again."""
    rng = np.random.default_rng(seed)
    common = rng.exponential(80.0, (200, 8))
    first_day = {
        f"t{k}": np.minimum(common, rng.exponential(30.0 * (k + 1), (200, 8))).astype(np.int32)
        for k in range(10)
    }
    weights = np.exp(spread * rng.standard_normal((200, 8)))
    weights /= weights.sum()
    asked = [
        Wanted(name, day, before(days, day, weights))
        for name, days in first_day.items()
        for day in (5, 10, 20, 40, 80, 160)
    ]
    found = tilt_paths(first_day, asked)
    assert found.dropped == ()
    assert found.weights.min() > 0
    for one in asked:
        share = before(first_day[one.target], one.day, found.weights)
        assert share == pytest.approx(one.probability, abs=1e-6)
    # Of all weights that give these probabilities they differ least from equal ones.
    assert entropy(found.weights.ravel()) >= entropy(weights.ravel()) - 1e-9
