import os
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from forecast.simulation import NEVER, SimulationOptions, simulate_first_passages
from forecast.simulation.paths import OtherFutures, acts_on_paths, futures_differ_since

from forecast.models.draws import DRIFT_INNOVATIONS, INNOVATIONS, stream_draws
from forecast.panel import FutureAct, TimeGrid, count_events, drift_knots_for
from forecast.priors.population import record_priors

OPTIONS = SimulationOptions(seed=3, horizon_days=200, paths_per_draw=8)
CALENDAR = (
    FutureAct(date(2023, 8, 1), "military_posture", 4, 0.5),
    FutureAct(date(2023, 9, 1), "visit", 4, 0.7, date(2023, 11, 3), "a summit"),
    FutureAct(date(2023, 11, 1), "military_incident", 5, 0.2),
)


@pytest.fixture(scope="module")
def panel(past, nested):
    return past(nested)


@pytest.fixture(scope="module")
def draws(panel, from_prior):
    return from_prior(panel, 150)


@pytest.fixture(scope="module")
def hits(panel, draws):
    return simulate_first_passages(panel, draws, OPTIONS)


@pytest.fixture(scope="module")
def with_calendar(panel, draws):
    return simulate_first_passages(panel, draws, OPTIONS, CALENDAR)


def changed(draws, **rise):
    """Draws in which some variables are others; a change takes an array and returns one."""
    variables = {name: rise.get(name, np.copy)(values) for name, values in draws.variables.items()}
    return replace(draws, values=draws.points.joined(variables))


def test_nested_targets_are_ordered_on_every_path(nested, hits, with_calendar):
    for found in (hits, with_calendar):
        for wide, narrow in pairwise(found.of(rule.name) for rule in nested):
            assert np.all(wide <= narrow)
            assert np.any(wide < narrow)
    assert np.any(hits.of("lethal") < NEVER)


def test_a_shorter_horizon_tells_the_same_days(panel, draws, with_calendar):
    short = simulate_first_passages(panel, draws, replace(OPTIONS, horizon_days=60), CALENDAR)
    np.testing.assert_array_equal(short.day, np.where(with_calendar.day < 60, with_calendar.day, NEVER))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(panel, draws, hits):
    again = simulate_first_passages(panel, draws, OPTIONS)
    assert again.day.tobytes() == hits.day.tobytes()
    assert again.acts.tobytes() == hits.acts.tobytes()
    other = simulate_first_passages(panel, draws, replace(OPTIONS, seed=4))
    assert np.mean(other.acts != hits.acts) > 0.1


@pytest.mark.parametrize("cores", [1, 5, None])
def test_the_number_of_threads_does_not_matter(panel, draws, with_calendar, cores, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    found = simulate_first_passages(panel, draws, OPTIONS, CALENDAR)
    assert found.day.tobytes() == with_calendar.day.tobytes()


@pytest.mark.parametrize(("first_paths", "every"), [(3, 1), (None, 4), (2, 7)])
def test_some_paths_are_the_same_as_when_all_are_played(panel, draws, with_calendar, first_paths, every):
    some = replace(OPTIONS, first_paths=first_paths, every=every)
    found = simulate_first_passages(panel, draws, some, CALENDAR)
    np.testing.assert_array_equal(found.day, with_calendar.day[:, ::every, :first_paths])
    np.testing.assert_array_equal(found.acts, with_calendar.acts[::every, :first_paths])
    np.testing.assert_array_equal(
        acts_on_paths(len(draws), some, CALENDAR),
        acts_on_paths(len(draws), OPTIONS, CALENDAR)[:, ::every, :first_paths],
    )


@pytest.mark.parametrize("asked", [None, "conflict", "major", "lethal"])
def test_no_more_is_played_than_what_other_acts_change(panel, draws, with_calendar, asked):
    """From the first act that differs on, until the target is met: all that is told is the same."""
    likelier = (*CALENDAR[:1], replace(CALENDAR[1], probability=0.9), *CALENDAR[2:])
    graver = (*CALENDAR[::-1], replace(CALENDAR[0], severity=5))
    late = FutureAct(panel.grid.origin + timedelta(days=195), "sanction", 5, 0.5)
    for acts in (CALENDAR[1:], graver, likelier, (*CALENDAR, late), CALENDAR):
        since = futures_differ_since(panel, len(draws), OPTIONS, CALENDAR, acts)
        some = replace(OPTIONS, other=OtherFutures(since, asked))
        found = simulate_first_passages(panel, draws, some, acts)
        whole = simulate_first_passages(panel, draws, OPTIONS, acts)
        assert found.targets == ((asked,) if asked else whole.targets)
        for name in found.targets:
            told = since <= with_calendar.of(name)
            np.testing.assert_array_equal(found.of(name)[told], whole.of(name)[told])
            np.testing.assert_array_equal(with_calendar.of(name)[~told], whole.of(name)[~told])
        assert acts is CALENDAR or 0.01 < (since < NEVER).mean() < 0.99


def test_spare_knots_of_the_draws_are_not_used(panel, from_prior):
    longer = from_prior(panel, 50, panel.grid.n_knots + 4)
    kept = {INNOVATIONS: panel.grid.n_knots, DRIFT_INNOVATIONS: drift_knots_for(panel.grid.n_knots)}
    variables = {name: values[..., : kept.get(name)] for name, values in longer.variables.items()}
    shorter = stream_draws(panel.layout, variables, record_priors(panel, None))
    spare, without = (simulate_first_passages(panel, some, OPTIONS) for some in (longer, shorter))
    assert spare.day.tobytes() == without.day.tobytes()


@pytest.fixture
def first_days(nested_layout, quiet_past, draws_with):
    """First days of the targets where only acts ahead happen, given as day, severity, chance and last day."""
    data = quiet_past(nested_layout, 72)
    silent = draws_with(nested_layout, 100, data.grid.n_knots)
    options = SimulationOptions(seed=1, horizon_days=30, paths_per_draw=100)

    def play(*rows):
        day = lambda n: data.grid.origin + timedelta(days=n)  # noqa: E731
        acts = [
            FutureAct(day(n), "military_incident", grade, chance, *map(day, until))
            for n, grade, chance, *until in rows
        ]
        return simulate_first_passages(data, silent, options, acts), acts_on_paths(100, options, acts)

    return play


@pytest.mark.parametrize("chance", [0.6, 1.0])
def test_an_act_ahead_hits_its_target_with_its_probability_and_on_its_day(
    nested, first_days, assert_shares, chance
):
    for day in (0, 4, 5, 23):  # the step under way ends with day 4
        hits, happens = first_days((day, 4, chance))
        for rule in nested[:3]:
            assert_shares((hits.of(rule.name) == day).mean(), chance, 10_000)
            assert set(np.unique(hits.of(rule.name))) <= {day, NEVER}
        assert np.all(hits.of("lethal") == NEVER)
        np.testing.assert_array_equal(hits.of("major") == day, happens[0])


def test_an_act_within_a_window_falls_on_each_of_its_days_alike(first_days, assert_shares):
    first = first_days((3, 4, 0.8, 12))[0].of("major")
    assert_shares([(first == day).mean() for day in (*range(3, 13), NEVER)], [0.08] * 10 + [0.2], 10_000)


def test_two_acts_ahead_happen_independently(first_days, assert_shares):
    first = first_days((9, 4, 0.3), (2, 4, 0.5))[0].of("major")
    assert_shares([(first == day).mean() for day in (2, 9, NEVER)], [0.5, 0.15, 0.35], 10_000)


@pytest.mark.parametrize("offset", [-1, 30, 31])
def test_an_act_outside_the_horizon_changes_nothing(first_days, offset):
    assert np.all(first_days((offset, 5, 1.0))[0].day == NEVER)


def test_an_act_that_cannot_happen_changes_nothing_bit_for_bit(panel, draws, hits):
    acts = [
        FutureAct(panel.grid.origin + timedelta(days=day), "military_incident", 5, 0.0)
        for day in (0, 10, 100)
    ]
    with_acts = simulate_first_passages(panel, draws, OPTIONS, acts)
    assert with_acts.day.tobytes() == hits.day.tobytes()
    assert with_acts.acts.tobytes() == hits.acts.tobytes()


def test_a_likelier_act_of_conflict_never_comes_later_on_any_path(panel, draws, hits):
    before, day = hits, panel.grid.origin + timedelta(days=9)
    for probability in (0.2, 0.5, 0.9, 1.0):
        act = FutureAct(day, "military_posture", 3, probability)
        after = simulate_first_passages(panel, draws, OPTIONS, [act])
        assert np.all(after.day <= before.day)
        assert np.any(after.day < before.day)
        before = after


def test_a_sure_act_is_like_one_that_was_counted(any_dispute, draws_with, coded):
    # On the last observed day or the first future day: from the next step on the worlds are the same. The
    # mean of conflict over the record is, too, by an act of three years ago that nothing feels any more.
    grid = TimeGrid(date(2019, 1, 1), date(2022, 1, 30))
    act = FutureAct(grid.origin, "dispute", 4, 1.0)
    found = []
    for day, calendar in (("2022-01-29", []), ("2019-01-02", [act])):
        panel = count_events(coded((day, "dispute", 4)), grid, any_dispute)
        draws = draws_with(
            any_dispute,
            200,
            grid.n_knots,
            baseline_weekly_rate=0.1,
            excitation_cross=0.3,
            excitation_branching=0.4,
            excitation_severity=0.4,
            overdispersion_shape=1.0,
        )
        found.append(simulate_first_passages(panel, draws, OPTIONS, calendar))
    seen, ahead = found
    assert seen.acts.tobytes() == ahead.acts.tobytes()
    assert np.all(ahead.of("quarrel") == 0)
    without = simulate_first_passages(panel, draws, OPTIONS)
    assert np.all(seen.day <= without.day)
    assert np.any(seen.day < without.day)


@pytest.mark.parametrize(
    "change",
    [{"baseline_weekly_rate": lambda a: a * 1.3}, {"excitation_branching": lambda a: 0.5 + 0.5 * a}],
    ids=["rate", "own"],
)
def test_more_excitation_never_comes_later_on_any_path(panel, draws, change):
    # Without ballast, that is: counts rise with their rates for the same random numbers, and all later rates
    # with the counts.
    still = changed(draws, ballast=np.zeros_like)
    before = simulate_first_passages(panel, still, OPTIONS)
    after = simulate_first_passages(panel, changed(still, **change), OPTIONS)
    assert np.all(after.day <= before.day)
    assert np.any(after.day < before.day)
    assert np.all(after.acts >= before.acts)
