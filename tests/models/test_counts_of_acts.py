"""The number of acts in a window: its law where it is known, that of played futures elsewhere."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from forecast.models.density import GROUPS
from forecast.models.survival import Chances
from forecast.targets import FutureAct
from tools.studies.simulator import Simulator

from .conftest import draws_of
from .test_chances_are_those_of_played_clusters import CALENDARS, ahead, without_past_or_swings

DAYS = (7, 30, 86, 180)
"""The curve is interpolated on days between those on which chances are computed."""


@pytest.fixture(scope="module")
def chances(everything):
    data, priors = everything
    return Chances(data, priors, draws_of(data, priors, 10), 180, seed=5)


def by_draw(chances, days, acts=(), counted=None):
    """Chance of n acts, (draw, q, day, n), of each draw alone; at the last n of so many or more."""
    counted = chances.of_targets if counted is None else counted
    found = [chances.counts(counted, days, acts, weights=row) for row in np.eye(len(chances.draws))]
    most = max(one.shape[-1] for one in found)
    return np.stack([np.pad(one, [(0, 0)] * 2 + [(0, most - one.shape[-1])]) for one in found])


@pytest.mark.parametrize("calendar", range(len(CALENDARS)))
def test_no_act_is_as_likely_as_the_survival_curve_says(chances, calendar):
    acts = CALENDARS[calendar]
    none = by_draw(chances, DAYS, acts)[..., 0]
    np.testing.assert_allclose(none, chances.survival(acts).values[..., DAYS], atol=1e-9)


def test_numbers_have_chances_that_sum_to_one(chances):
    found = chances.counts(chances.of_targets, DAYS, CALENDARS[1])
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-9)


@pytest.mark.parametrize("number", [10, 100, 1000])
def test_numbers_have_chances_where_an_act_has_hundreds_of_answers(everything, number):
    """The chance of few is then too small to be told by a difference from 1."""
    chances = without_past_or_swings(*everything, 60)
    at = chances.arrays.offset[GROUPS.index("reaction.number")]
    chances.draws.values[0, at : at + 3] = number
    found = chances.counts(chances.of_targets, (30, 60), order=12)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-9)


def unanswered(everything, n_days):
    """Chances of one draw in which acts lead to nothing."""
    chances = without_past_or_swings(*everything, n_days)
    draws, o = chances.draws.values, chances.arrays.offset
    for name in ("answers.number", "follow_on.number", "reaction.number"):
        at = GROUPS.index(name)
        draws[0, o[at] : o[at] + chances.draws.points.sizes[at]] = 0.0
    return chances


def test_five_hundred_acts_ahead_add_a_binomial_number_and_hold_little_memory(everything):
    chances = unanswered(everything, 520)
    chances = replace(chances, draws=chances.draws.rows(np.zeros(64, dtype=int)))
    acts = [ahead(day, "visit", 4, 0.7) for day in range(500)]
    days = np.arange(17, 520, 17)
    counted = chances.of_targets[3:]
    chances.counts(counted, days, acts[:1])
    tracemalloc.start()
    found = chances.counts(counted, days, acts)
    assert tracemalloc.get_traced_memory()[1] < 40e6
    tracemalloc.stop()
    for h, number, alone in zip(days, found[0], chances.counts(counted, days)[0], strict=True):
        told = np.convolve(alone, stats.binom.pmf(np.arange(501), min(h, 500), 0.7))[: len(number) - 1]
        np.testing.assert_allclose(number[: len(told)], told, atol=1e-10)


def test_acts_that_nothing_answers_follow_a_poisson_distribution(everything):
    """Whatever is counted: a target, a category, all grave acts."""
    chances = unanswered(everything, 90)
    layout = chances.data.layout
    sanctions = np.array([[kind.category == "sanction"] * 5 for kind in layout.kinds])
    grave = np.zeros_like(sanctions)
    grave[:, 3:] = True
    counted = np.stack([*chances.of_targets, sanctions, grave])
    simulator = Simulator(chances, 0)
    moved = chances.expected_course[0, :, :, 0].mean(axis=0)[
        [*map(layout.categories.index, [k.category for k in layout.kinds])]
    ]
    rate = simulator._rate * moved
    expected = np.einsum("qks,ks,k->q", counted, chances.record.mix, rate)
    found = chances.counts(counted, (1, 30, 90))
    for q, daily in enumerate(expected):
        for place, days in enumerate((1, 30, 90)):
            n = np.arange(found.shape[-1] - 1)
            np.testing.assert_allclose(
                found[q, place, :-1], stats.poisson.pmf(n, daily * days), rtol=1e-6, atol=1e-12
            )


def test_numbers_are_those_of_played_futures(chances):
    """Of three targets, over 7 to 180 days, in ten parameter sets; calendars take turns."""
    paths, z = 150, []
    for calendar, acts in enumerate(CALENDARS):
        exact = by_draw(chances, DAYS, acts)
        for d in range(calendar, len(chances.draws), len(CALENDARS)):
            simulator, rng = Simulator(chances, d), np.random.default_rng(d)
            played = np.zeros((paths, 3, len(DAYS)), dtype=int)
            for path in range(paths):
                day, stream, _ = simulator.play(rng, acts)
                for q in range(3):
                    met = day[chances.data.layout.meets[q, stream]]
                    played[path, q] = [(met < h).sum() for h in DAYS]
            for k in (1, 2, 3, 5, 10):
                p = exact[d, :3, :, k:].sum(axis=-1)
                share = (played >= k).mean(axis=0)
                z.append((share - p) / np.sqrt(np.maximum(p * (1 - p), 1 / paths) / paths))
    z = np.array(z)
    assert np.abs(z).max() < 4.5
    assert abs(z.mean()) < 0.2
    assert 0.5 < (z**2).mean() < 1.4


def test_an_act_ahead_counts_itself(chances):
    """An incident that is certain on the first day is one more than what it brings about."""
    act = FutureAct(chances.data.grid.origin, "military_incident", 4, 1.0, by="AAA")
    found = by_draw(chances, (1,), (act,))
    assert found[:, 1, 0, 0].max() == pytest.approx(0, abs=1e-12)
    without = by_draw(chances, (1,))
    np.testing.assert_allclose(found[:, 1, 0, 1:5], without[:, 1, 0, :4], atol=1e-12)
