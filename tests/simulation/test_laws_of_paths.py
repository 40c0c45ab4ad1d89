import os
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from forecast.models.draws import prior_draws, stream_draws
from forecast.panel.panel import TimeGrid, count_events, count_panel, drift_knots_for
from forecast.panel.streams import FutureAct, TargetRule
from forecast.priors import default_priors
from forecast.simulation import NEVER, SimulationOptions, probability_curve, simulate_first_passages

OPTIONS = SimulationOptions(seed=3, horizon_days=200, paths_per_draw=8)
NESTED = (
    TargetRule("conflict", ("military_incident", "military_posture", "sanction", "dispute"), 3),
    TargetRule("military", ("military_incident", "military_posture"), 3),
    TargetRule("major", ("military_incident", "military_posture"), 4),
    TargetRule("lethal", ("military_incident",), 5),
)


@pytest.fixture(scope="module")
def past(us_china, layouts):
    def count(family: str):
        return count_events(us_china, TimeGrid(date(2022, 1, 1), date(2023, 7, 11)), layouts[family])

    return count


@pytest.fixture(scope="module")
def from_prior(layouts):
    """Draws from the default priors, with calm tails so that few paths meet the cap."""

    def draw(family: str, n_draws: int, n_knots: int):
        priors = default_priors(layouts[family]).changed({"baseline.weekly_rate": "occasional"}, "config")
        variables = prior_draws(priors, n_draws, n_knots, np.random.default_rng(4))
        return stream_draws(layouts[family], variables)

    return draw


@pytest.fixture(scope="module")
def joint(past, from_prior):
    data = past("joint")
    return data, from_prior("joint", 300, data.grid.n_knots)


@pytest.fixture(scope="module")
def nested_hits(joint):
    return simulate_first_passages(*joint, NESTED, OPTIONS)


def test_nested_targets_are_ordered_on_every_path(nested_hits):
    days = [nested_hits.of(rule.name) for rule in NESTED]
    for wide, narrow in pairwise(days):
        assert np.all(wide <= narrow)
        assert np.any(wide < narrow)
    assert np.any(days[-1] < NEVER)


def test_first_days_lie_within_the_horizon_or_never(nested_hits):
    inside = nested_hits.day < OPTIONS.horizon_days
    assert np.all(inside | (nested_hits.day == NEVER))
    assert nested_hits.day.min() == 0
    assert nested_hits.day[inside].max() > OPTIONS.horizon_days - 10


def test_nested_targets_stay_ordered_with_acts_ahead(joint):
    data, draws = joint
    origin = data.grid.origin
    acts = [
        FutureAct(origin + timedelta(days=3 * n), category, severity, 0.5)
        for n, (category, severity) in enumerate(
            [("military_incident", 5), ("sanction", 3), ("military_posture", 4)]
        )
    ]
    hits = simulate_first_passages(data, draws, NESTED, OPTIONS, acts)
    for wide, narrow in pairwise(NESTED):
        assert np.all(hits.of(wide.name) <= hits.of(narrow.name))


def test_the_curve_never_falls_and_lies_inside_its_interval(nested_hits):
    for rule in NESTED:
        curve = probability_curve(nested_hits.of(rule.name), OPTIONS.horizon_days)
        for line in (curve.probability, curve.lower90, curve.upper90):
            assert np.all(np.diff(line) >= 0)
        assert np.all((curve.lower90 <= curve.probability) & (curve.probability <= curve.upper90))
        assert curve.probability[0] == 0.0


def test_a_shorter_horizon_tells_the_same_days(joint, nested_hits):
    short = simulate_first_passages(*joint, NESTED, replace(OPTIONS, horizon_days=60))
    np.testing.assert_array_equal(short.day, np.where(nested_hits.day < 60, nested_hits.day, NEVER))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(joint, nested_hits):
    again = simulate_first_passages(*joint, NESTED, OPTIONS)
    assert again.day.tobytes() == nested_hits.day.tobytes()
    assert again.acts.tobytes() == nested_hits.acts.tobytes()
    other = simulate_first_passages(*joint, NESTED, replace(OPTIONS, seed=4))
    assert np.mean(other.acts != nested_hits.acts) > 0.1


@pytest.mark.parametrize("cores", [1, 5, None])
def test_the_number_of_threads_does_not_matter(joint, cores, monkeypatch):
    data, draws = joint
    options = replace(OPTIONS, horizon_days=40, paths_per_draw=100)  # four chunks
    expected = simulate_first_passages(data, draws, NESTED, options)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert simulate_first_passages(data, draws, NESTED, options).day.tobytes() == expected.day.tobytes()


def test_spare_knots_of_the_draws_are_not_used(past, from_prior):
    data = past("focused")
    rule = data.layout.target
    draws = from_prior("focused", 50, data.grid.n_knots + 4)
    needed = drift_knots_for(data.grid.n_knots)
    exact = replace(
        draws,
        knots=draws.knots[..., :-4],
        innovations=draws.innovations[..., :-4],
        drift=draws.drift[..., :needed],
    )
    spare, without = (simulate_first_passages(data, some, [rule], OPTIONS) for some in (draws, exact))
    assert spare.day.tobytes() == without.day.tobytes()


def test_an_act_ahead_hits_its_target_with_its_probability_and_on_its_day(
    layouts, quiet_past, draws_with, assert_shares
):
    data = quiet_past(layouts["joint"], 72)
    draws = draws_with(layouts["joint"], 100, data.grid.n_knots, log_rate=-60.0)
    options = SimulationOptions(seed=1, horizon_days=30, paths_per_draw=100)
    for day in (0, 4, 5, 23):  # the step under way ends with day 4
        act = FutureAct(data.grid.origin + timedelta(days=day), "military_incident", 4, 0.6)
        hits = simulate_first_passages(data, draws, NESTED, options, [act])
        for rule in NESTED[:3]:
            assert_shares((hits.of(rule.name) == day).mean(), 0.6, 10_000)
            assert set(np.unique(hits.of(rule.name))) == {day, NEVER}
        assert np.all(hits.of("lethal") == NEVER)


def test_two_acts_ahead_happen_independently(layouts, quiet_past, draws_with, assert_shares):
    data = quiet_past(layouts["joint"])
    draws = draws_with(layouts["joint"], 100, data.grid.n_knots, log_rate=-60.0)
    options = SimulationOptions(seed=1, horizon_days=30, paths_per_draw=100)
    acts = [
        FutureAct(data.grid.origin + timedelta(days=day), "military_incident", 4, share)
        for day, share in ((9, 0.3), (2, 0.5))
    ]
    first = simulate_first_passages(data, draws, NESTED, options, acts).of("major")
    assert_shares(
        [(first == 2).mean(), (first == 9).mean(), (first == NEVER).mean()], [0.5, 0.15, 0.35], 10_000
    )


@pytest.mark.parametrize("offset", [-1, 30, 31])
def test_an_act_outside_the_horizon_changes_nothing(layouts, quiet_past, draws_with, offset):
    data = quiet_past(layouts["joint"], 72)
    draws = draws_with(layouts["joint"], 5, data.grid.n_knots, log_rate=-60.0)
    act = FutureAct(data.grid.origin + timedelta(days=offset), "military_incident", 5, 1.0)
    options = SimulationOptions(seed=1, horizon_days=30, paths_per_draw=4)
    assert np.all(simulate_first_passages(data, draws, NESTED, options, [act]).day == NEVER)


def test_an_act_that_cannot_happen_changes_nothing_bit_for_bit(joint, nested_hits):
    data, draws = joint
    acts = [
        FutureAct(data.grid.origin + timedelta(days=day), "military_incident", 5, 0.0) for day in (0, 10, 100)
    ]
    with_acts = simulate_first_passages(data, draws, NESTED, OPTIONS, acts)
    assert with_acts.day.tobytes() == nested_hits.day.tobytes()
    assert with_acts.acts.tobytes() == nested_hits.acts.tobytes()


def test_a_sure_act_is_like_one_that_was_counted(layouts, quiet_past, draws_with, coded, target):
    # On the last observed day or the first future day: from the next step on the worlds are the same.
    layout = layouts["focused"]
    grid = TimeGrid(date(2022, 1, 1), date(2022, 1, 30))  # four steps and a day
    counted = count_events(coded(("2022-01-29", "dispute", 2)), grid, layout)
    quiet = count_events(coded(), grid, layout)
    draws = draws_with(
        layout, 200, grid.n_knots, log_rate=-2.0, own=0.4, cross=[0.0, 0.2, 0.2, 0.2], shape=1.0
    )
    act = FutureAct(grid.origin, "dispute", 2, 1.0)
    seen = simulate_first_passages(counted, draws, [target], OPTIONS)
    ahead = simulate_first_passages(quiet, draws, [target], OPTIONS, [act])
    assert seen.day.tobytes() == ahead.day.tobytes()
    assert seen.acts.tobytes() == ahead.acts.tobytes()


def test_a_severe_act_of_the_step_under_way_makes_later_acts_graver(layouts, draws_with, coded):
    layout = layouts["joint"]
    grid = TimeGrid(date(2022, 1, 1), date(2022, 1, 30))
    counted = count_events(coded(("2022-01-29", "visit", 5)), grid, layout)
    quiet = count_events(coded(), grid, layout)
    effects = {"mark_recent": 0.8, "ballast": -0.5 * np.array(layout.calming), "own": 0.3}
    draws = draws_with(layout, 200, grid.n_knots, log_rate=-2.0, level=-0.5, **effects)
    act = FutureAct(grid.origin, "visit", 5, 1.0)
    seen = simulate_first_passages(counted, draws, NESTED, OPTIONS)
    ahead = simulate_first_passages(quiet, draws, NESTED, OPTIONS, [act])
    assert seen.day.tobytes() == ahead.day.tobytes()
    # With visits that provoke, and severe acts that make others graver, nothing comes later for it.
    unseen = simulate_first_passages(quiet, draws, NESTED, OPTIONS)
    assert np.all(seen.day <= unseen.day)
    assert np.any(seen.of("lethal") < unseen.of("lethal"))


@pytest.mark.parametrize(
    "change",
    [
        {"log_rate": lambda a: a + 0.3},
        {"own": lambda a: 0.5 + 0.5 * a},
        {"cross": lambda a: a * 1.5},
        {"log_rate": lambda a: a + 0.1, "own": lambda a: a + 0.01, "cross": lambda a: a + 0.01},
    ],
    ids=["rate", "own", "cross", "all"],
)
@pytest.mark.parametrize("family", ["target", "focused"])
def test_more_excitation_never_comes_later_on_any_path(past, from_prior, target, family, change):
    # Holds with the shapes and tension unchanged in layouts without ballast: counts rise with their rates
    # for the same random numbers, and all later rates with the counts.
    data = past(family)
    draws = from_prior(family, 200, data.grid.n_knots)
    conflict = np.array(data.layout.conflictual)
    more = {name: rise(getattr(draws, name)) for name, rise in change.items()}
    if "cross" in more:
        more["cross"] = more["cross"] * conflict
    before = simulate_first_passages(data, draws, [target], OPTIONS)
    after = simulate_first_passages(data, replace(draws, **more), [target], OPTIONS)
    assert np.all(after.day <= before.day)
    assert np.any(after.day < before.day)
    assert np.all(after.acts >= before.acts)


def test_graver_marks_never_come_later_on_any_path(joint, nested_hits):
    # Marked layout: holds without ballast and with a recent-severe effect that is not negative.
    data, draws = joint
    plain = replace(draws, ballast=np.zeros_like(draws.ballast), mark_recent=np.abs(draws.mark_recent))
    graver = replace(plain, level=plain.level + 0.5, log_rate=plain.log_rate + 0.1)
    before, after = (simulate_first_passages(data, some, NESTED, OPTIONS) for some in (plain, graver))
    assert np.all(after.day <= before.day)
    for n in range(len(NESTED)):
        assert np.any(after.day[0, n] < before.day[0, n])


def test_ballast_of_visits_delays_conflict(joint):
    data, draws = joint
    calm = np.zeros_like(draws.ballast)
    calm[..., : len(data.layout.calming_index)] = 1.0
    # Where recent severe acts made others milder, fewer of them would make more.
    recent = np.abs(draws.mark_recent)
    base = replace(draws, ballast=np.zeros_like(draws.ballast), mark_recent=recent)
    acts = [FutureAct(data.grid.origin + timedelta(days=n), "visit", 3, 1.0) for n in range(0, 200, 3)]
    loud, quiet = (
        simulate_first_passages(data, some, NESTED, OPTIONS, acts)
        for some in (base, replace(base, ballast=calm))
    )
    assert np.all(quiet.of("conflict") >= loud.of("conflict"))
    assert np.any(quiet.of("conflict") > loud.of("conflict"))


def test_a_target_the_layout_does_not_count_is_refused(past, from_prior):
    data = past("focused")
    draws = from_prior("focused", 2, data.grid.n_knots)
    with pytest.raises(ValueError, match="the layout counts no stream for target 'lethal'"):
        simulate_first_passages(data, draws, [NESTED[-1]], OPTIONS)


def test_the_first_dyad_of_a_panel_is_bit_for_bit_what_it_is_alone(us_china, layouts):
    priors = default_priors(layouts["joint"]).changed({"baseline.weekly_rate": "occasional"}, "config")
    grid = TimeGrid(date(2022, 1, 1), date(2023, 7, 11))
    tables = {"first": us_china, "second": us_china}
    panel = count_panel(tables, grid, layouts["joint"], starts={"second": date(2022, 9, 1)})
    variables = prior_draws(priors, 60, grid.n_knots, np.random.default_rng(4), 2)
    draws = stream_draws(layouts["joint"], variables)
    only = stream_draws(layouts["joint"], {name: values[:, :1] for name, values in variables.items()})
    both = simulate_first_passages(panel, draws, NESTED, OPTIONS)
    alone = simulate_first_passages(panel.select(slice(0, 1)), only, NESTED, OPTIONS)
    assert both.day.shape == (2, len(NESTED), 60, OPTIONS.paths_per_draw)
    assert both.day[0].tobytes() == alone.day[0].tobytes()
    assert both.acts[0].tobytes() == alone.acts[0].tobytes()
    for rule in NESTED:
        np.testing.assert_array_equal(both.of(rule.name), alone.of(rule.name))
    assert np.mean(both.of("conflict", 1) != both.of("conflict")) > 0.1


def test_each_dyad_of_a_panel_is_hit_at_its_own_poisson_rate(
    layouts, draws_with, coded, target, assert_shares
):
    layout, grid = layouts["target"], TimeGrid(date(2022, 1, 1), date(2022, 3, 15))
    panel = count_panel({"calm": coded(), "tense": coded()}, grid, layout)
    rates = (0.05, 0.4)
    parts = [draws_with(layout, 100, grid.n_knots, log_rate=np.log(rate)) for rate in rates]
    fields = type(parts[0]).__dataclass_fields__
    draws = type(parts[0])(
        *(np.concatenate([getattr(one, name) for one in parts], axis=1) for name in fields)
    )
    options = SimulationOptions(seed=1, horizon_days=40, paths_per_draw=100)
    hits = simulate_first_passages(panel, draws, [target], options)
    for dyad, rate in enumerate(rates):
        for days in (3, 10, 40):
            share = (hits.of("military", dyad) < days).mean()
            assert_shares(share, 1 - np.exp(-rate * days / 7), 10_000)
    # The dyads have random numbers of their own: their futures are independent.
    happened = hits.day[:, 0] < NEVER
    assert_shares((happened[0] & happened[1]).mean(), happened[0].mean() * happened[1].mean(), 10_000)
    act = FutureAct(grid.origin + timedelta(days=3), "military_incident", 4, 0.5)
    with pytest.raises(ValueError, match="future acts are of one dyad; the panel holds 2"):
        simulate_first_passages(panel, draws, [target], options, [act])
