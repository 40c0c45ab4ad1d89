"""Scenarios that change only what is ahead: same draws, same random numbers, exact laws."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from forecast.simulation import NEVER, simulate_first_passages
from forecast.simulation.paths import act_keys, chance_before, futures_differ_since, quiet_chance

from forecast.config import load_config, load_scenarios
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, SEVERITIES
from forecast.inference.importance import monte_carlo_error, ratio_by_draw
from forecast.panel import FutureAct, TargetRule
from forecast.runs.inputs import target_rules
from forecast.scenarios import compare_scenarios, plan_scenario
from forecast.scenarios.evaluate import (
    Effort,
    by_effect,
    evaluate_plan,
    milestone_day,
    scenario_draws,
    simulate_plan,
)

from .conftest import CLASH, assumed

ROOT = Path(__file__).resolve().parents[2]
CONTROLS = {"date": "2022-08-15", "category": "sanction", "severity": 4, "probability": 0.6}


@pytest.fixture(scope="module")
def plan(base):
    return plan_scenario(base.inputs, assumed(CONTROLS))


def days_under(base, scenario):
    return simulate_plan(base, plan_scenario(base.inputs, scenario), Effort(paths=6))


# -- futures


def test_the_state_before_the_as_of_date_is_bit_identical(base, monkeypatch):
    seen = []

    def watch(data, draws, *arguments):
        seen.append((data, draws))
        return simulate_first_passages(data, draws, *arguments)

    monkeypatch.setattr("forecast.scenarios.evaluate.simulate_first_passages", watch)
    after = days_under(base, assumed(CLASH))
    assert [(data is base.inputs.data, draws is base.draws) for data, draws in seen] == [(True, True)]
    # And so are all futures up to the step of the assumed act.
    act = (date(2022, 8, 15) - base.inputs.data.grid.origin).days
    for name, days in after.items():
        early = (base.first_day[name] < act - 7) | (days < act - 7)
        np.testing.assert_array_equal(days[early], base.first_day[name][early])
        assert early.any()


@pytest.mark.parametrize("probability", [0.05, 0.6, 1.0])
def test_a_future_act_happens_on_its_share_of_the_paths(still, probability):
    half = {**CLASH, "probability": probability}
    days = days_under(still, assumed(half))["lethal"]
    apart = abs((days < NEVER).mean() - probability)
    assert apart <= 4.5 * np.sqrt(probability * (1 - probability) / days.size)
    # Whatever stands before it in the list.
    other = {"date": "2022-08-14", "category": "visit", "severity": 1}
    np.testing.assert_array_equal(days, days_under(still, assumed(other, half))["lethal"])


def test_more_likely_and_more_severe_conflict_never_comes_later_on_any_path(base):
    # The law of positive excitation, within a cell: the pull of a graver act on other kinds is stronger.
    act = {"date": "2022-07-20", "category": "military_posture", "severity": 1}
    ladder = [{"probability": 0.3}, {"probability": 0.8}, *({"severity": severity} for severity in (1, 2, 3))]
    before = base.first_day
    for change in ladder:
        after = days_under(base, assumed(act | change))
        assert all(np.all(days <= before[name]) for name, days in after.items()), change
        before = after
    assert np.any(before["lethal"] < base.first_day["lethal"])


def test_the_contract_of_the_command_holds_on_every_kind_of_act(base):
    """Conflict lowers no chance by more than .4 points, 5 is no weaker than 1, and no treaty raises one."""
    for category in CATEGORIES:
        acts = [{"date": "2022-07-20", "category": category, "severity": severity} for severity in SEVERITIES]
        found = compare_scenarios(base, [assumed(act, name=f"s{act['severity']}") for act in acts])
        change = np.array(
            [[one.difference.value for t in scenario.targets for one in t.milestones] for scenario in found]
        )
        if category in CONFLICTUAL:
            assert np.all(change > -0.004), (category, change)
            assert np.all(change[-1] >= change[0] - 1e-5), (category, change)
        else:
            assert np.all(change[-1] < 0.01), (category, change)


def test_paths_of_some_draws_are_those_of_all_and_unchanged_ones_the_runs(base, plan):
    """Whatever is left out: every path is what playing all of them gives."""
    options = replace(base.simulation, first_paths=3)
    whole = simulate_first_passages(base.inputs.data, base.draws, options, plan.acts)
    for every in (1, 2, 7):
        for name, days in simulate_plan(base, plan, Effort(paths=3, every=every)).items():
            np.testing.assert_array_equal(days, whole.of(name)[::every])

    def differing(calendar, acts):
        since = futures_differ_since(base.inputs.data, base.n_draws, options, calendar, acts)
        return (since < NEVER).mean()

    calendar = base.inputs.calendar
    assert differing(calendar, plan.acts) == pytest.approx(CONTROLS["probability"], abs=0.05)
    less = tuple(replace(act, probability=0.4) for act in calendar)
    assert differing(calendar, less) == pytest.approx(0.1, abs=0.03)
    assert differing(plan.acts, plan.acts) == 0.0


def test_acts_alike_but_for_one_thing_have_chances_of_their_own():
    act = FutureAct(date(2022, 8, 15), "sanction", 3, 0.5, label="a")
    others = [
        act,
        replace(act, severity=4),
        replace(act, label="b"),
        replace(act, category="dispute"),
        replace(act, date=date(2022, 8, 16)),
        replace(act, until=date(2022, 8, 20)),
        act,  # listed twice: two acts
    ]
    assert len(set(act_keys(others))) == len(others)
    assert act_keys([replace(act, probability=0.9)]) == act_keys([act])


def test_the_calendar_can_be_changed_extended_and_replaced_which_is_recorded(base):
    def acts(**calendar):
        return plan_scenario(base.inputs, assumed(calendar=calendar)).acts

    (known,) = base.inputs.calendar
    assert acts(probability={"A minister visits": 0.9}) == (replace(known, probability=0.9),)
    clash = FutureAct(date(2022, 8, 15), "military_incident", 5, 1.0)
    assert acts(extend=[CLASH]) == (known, clash)
    assert acts(replace=[CLASH]) == (clash,)
    assert acts(replace=[]) == ()
    less = {
        "calendar": {"probability": {"A minister visits": 0.1}},
        "priors": {"ballast.visit": "Normal(0, 0.05)"},
    }
    early = {**CLASH, "date": "2022-07-15", "label": "early"}
    (found,) = compare_scenarios(base, [assumed(CLASH, early, **less)], refit=False)
    assert [(one.label, one.before, one.after) for one in found.expectations] == [
        ("A minister visits", 0.5, 0.1)
    ]
    assert found.priors == ("ballast.visit",)
    assert [one.label for one in found.acts] == ["early", ""]
    (gone,) = compare_scenarios(base, [assumed(calendar={"replace": []})])
    assert [(one.before, one.after) for one in gone.expectations] == [(0.5, 0.0)]


# -- differences and their errors


def test_probability_plus_difference_is_the_whole_story(base):
    (found,) = compare_scenarios(base, [assumed(CLASH)])
    for target in found.targets:
        known = {one.name: one.probability for one in base.forecast.target(target.name).milestones}
        days = [point.toordinal() for point in target.curve.date]
        assert np.all(np.diff(target.curve.probability) >= 0)
        for one in target.milestones:
            assert one.probability == pytest.approx(known[one.name] + one.difference.value, abs=1e-9)
            assert target.curve.probability[days.index(one.date.toordinal())] == one.probability
            assert one.interval90[0] <= one.probability <= one.interval90[1]


def test_paired_differences_have_far_less_error_than_unpaired_ones_and_the_right_one(base):
    scenario = assumed({"date": "2022-07-20", "category": "sanction", "severity": 3, "probability": 0.5})
    (found,) = compare_scenarios(base, [scenario])
    change = found.target("escalation").milestones[-1].difference
    day = milestone_day(base, "new-year")
    shares = base.hits.shares_before("escalation", day)
    assert 0 < change.mcse < np.sqrt(2) * monte_carlo_error(shares, base.n_chains) / 4
    # Over other seeds of the simulation the difference scatters by about so much.
    spread = []
    for seed in range(12):
        options = replace(base.simulation, seed=100 + seed, first_paths=2)
        plan = plan_scenario(base.inputs, scenario)
        old, new = (
            simulate_first_passages(base.inputs.data, base.draws, options, acts)
            for acts in (base.inputs.calendar, plan.acts)
        )
        spread.append((new.of("escalation") < day).mean() - (old.of("escalation") < day).mean())
    assert 0.4 < np.std(spread, ddof=1) / change.mcse < 1.6
    assert abs(np.mean(spread) - change.value) < 4 * change.mcse


def test_some_draws_give_the_change_of_all_within_their_own_larger_error(base, plan):
    differences = {}
    for every in (1, 4):
        (target,) = evaluate_plan(base, plan, effort=Effort(every=every, target="escalation")).targets
        differences[every] = target.milestones[-1].difference
    all_, some = differences[1], differences[4]
    assert abs(some.value - all_.value) < 4 * float(np.hypot(all_.mcse, some.mcse))
    assert 1.3 < some.mcse / all_.mcse < 3.0  # about the root of four
    # Every fourth draw, begun at each of four places: four answers scatter as much as each says.
    day, days = milestone_day(base, "new-year"), simulate_plan(base, plan, Effort())["escalation"]
    change = (days < day).mean(axis=1) - (base.hits.of("escalation")[:, :2] < day).mean(axis=1)
    assert np.std([change[start::4].mean() for start in range(4)], ddof=1) < 4 * some.mcse
    assert some.mcse < 4 * change.std() / np.sqrt(len(change) / 4)


def test_other_targets_are_left_out_where_one_is_asked(base, plan):
    one = evaluate_plan(base, plan, effort=Effort(target="lethal"))
    assert [target.name for target in one.targets] == ["lethal"]
    assert one.targets[0] == evaluate_plan(base, plan).target("lethal")


@pytest.mark.parametrize("every", [1, 3])
def test_before_the_first_future_that_differs_the_change_is_exactly_nothing(base, plan, every):
    draws = scenario_draws(base, plan, None, Effort(every=every))["escalation"]

    def same(day: int) -> bool:
        return np.array_equal(draws.shares(day).ahead, base.hits.shares_before("escalation", day))

    told, days = [same(day) for day in range(base.hits.horizon_days)], draws.unchanged_days
    assert 20 < days < 80
    assert all(told[:days])
    assert not told[days]


def bounds(run, **changed):
    act = {"date": "2022-08-15", "category": "visit", "severity": 1} | changed
    (target, _) = evaluate_plan(run, plan_scenario(run.inputs, assumed(act))).targets
    return [(one.difference.value, one.difference.mcse, one.difference.at_most) for one in target.milestones]


def test_a_change_that_no_path_shows_is_bounded_by_the_rule_of_three(still, base):
    """In these futures acts bring about nothing, which 2,000 paths cannot know for sure."""
    bound = pytest.approx(3 / 2000)
    assert bounds(still) == [(0.0, 0.0, bound)] * 2
    assert bounds(still, date="2022-11-01") == [(0.0, 0.0, None), (0.0, 0.0, bound)]
    rare = [(0.0, 0.0, pytest.approx(1e-4))] * 2
    assert bounds(still, probability=1e-4) == rare
    # One that is the target happens on none of the paths either: the bound holds what it surely adds.
    assert bounds(still, category="sanction", severity=4, probability=1e-4)[0] == rare[0]
    for value, error, none in bounds(base, category="sanction", severity=4):
        assert (value > 0, error > 0, none) == (True, True, None)


# -- what is assumed


def test_an_act_that_is_the_target_meets_it_by_assumption(still, base):
    (found,) = compare_scenarios(still, [assumed({**CLASH, "probability": 0.6})])
    for one in found.target("lethal").milestones:
        # In a world where nothing else happens the whole change is assumed.
        assert one.by_assumption == pytest.approx(0.6)
        assert abs(one.difference.value - one.by_assumption) <= 4.5 * one.difference.mcse
    (found,) = compare_scenarios(base, [assumed({**CLASH, "probability": 0.4})])
    assert [act.meets for act in found.acts] == [("escalation", "lethal")]
    for target in found.targets:
        for one in target.milestones:
            before = one.probability - one.difference.value
            assert one.by_assumption == pytest.approx(0.4 * (1 - before))
    (mild,) = compare_scenarios(base, [assumed({**CLASH, "severity": 3})])
    assert {one.by_assumption for target in mild.targets for one in target.milestones} == {0.0}
    assert [act.meets for act in mild.acts] == [()]


def test_scenarios_stand_in_the_order_of_what_the_model_adds(base):
    (found,) = compare_scenarios(base, [assumed(CLASH)])

    def told(name, change, assumed_part, **known):
        def altered(one):
            moved = one.difference.model_copy(update={"value": change})
            return one.model_copy(update={"difference": moved, "by_assumption": assumed_part})

        targets = tuple(
            target.model_copy(update={"milestones": tuple(map(altered, target.milestones))})
            for target in found.targets
        )
        return found.model_copy(update={"name": name, "targets": targets} | known)

    given = [
        told("assumed", 0.40, 0.39),
        told("withheld", 0.9, 0.0, targets=(), withheld="no_refit"),
        told("falls", -0.05, 0.0),
        told("rises", 0.02, None),
    ]
    ordered = [one.name for one in by_effect(given, base.forecast.headline)]
    assert ordered == ["falls", "rises", "assumed", "withheld"]


def test_scenarios_of_the_worked_case_assume_no_act_that_meets_its_headline():
    config = load_config(ROOT / "configs/us-china-2023.yaml")
    (rule,) = [one for one in target_rules(config) if one.name == config.headline.target]
    scenarios = load_scenarios(config)
    assert len(scenarios) > 4
    for scenario in scenarios:
        for act in scenario.events:
            assert not rule.meets(act.category, act.severity, act.by or rule.by[0]), scenario.name


def test_an_act_within_a_window_counts_with_the_share_of_its_days():
    act = FutureAct(date(2022, 9, 1), "military_incident", 5, 0.5, date(2022, 9, 10))
    lethal = TargetRule("lethal", ("military_incident",), 5)
    origin, days = date(2022, 9, 1), np.array([0.0, 1.0, 5.0, 10.0, 19.0])
    np.testing.assert_allclose(chance_before(act, origin, days), 0.5 * np.array([0.0, 0.1, 0.5, 1.0, 1.0]))
    assert quiet_chance([act, act], lethal, origin, days, {})[2] == pytest.approx((1 - 0.25) ** 2)
    assert (quiet_chance([replace(act, severity=4)], lethal, origin, days, {}) == 1.0).all()


def test_the_error_of_a_ratio_covers_its_scatter():
    rng, off = np.random.default_rng(7), []
    for _ in range(200):
        condition = rng.random((400, 4)) < 0.6
        hit = rng.random((400, 4)) < np.where(condition, 0.3, 0.8)
        found = ratio_by_draw((hit & condition).mean(axis=1), condition.mean(axis=1))
        off.append((found.mean() - 0.3) / monte_carlo_error(found, 4))
    assert abs(np.mean(off)) < 0.25
    assert 0.85 < np.std(off) < 1.2
