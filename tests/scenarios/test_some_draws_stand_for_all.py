"""Futures played from some draws: the same paths, an honest error."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.config import Scenario
from forecast.config.settings_file import SourceMap
from forecast.scenarios import plan_scenario
from forecast.scenarios.compare import evaluate_plan
from forecast.scenarios.evaluate import Effort, milestone_day, scenario_draws, simulate_plan
from forecast.sensitivity.shifts import scenario_shares
from forecast.simulation import NEVER, simulate_first_passages
from forecast.simulation.paths import futures_differ_since

CLASH = {"date": "2022-08-15", "category": "sanction", "severity": 4, "probability": 0.6}


@pytest.fixture(scope="module")
def plan(base):
    scenario = Scenario.checked({"name": "s", "rationale": "r", "events": [CLASH]}, SourceMap("test"))
    return plan_scenario(base.inputs, scenario)


def played(base, plan, effort):
    return simulate_plan(base, plan, effort)


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_paths_of_some_draws_are_those_of_all(base, plan, every):
    whole = played(base, plan, Effort(paths=2))
    for name, days in played(base, plan, Effort(paths=2, every=every)).items():
        np.testing.assert_array_equal(days, whole[name][::every])


def test_a_path_on_which_no_changed_act_happens_is_the_runs(base, plan):
    """Whatever is left out: every path is what playing all of them gives."""
    options = replace(base.simulation, first_paths=3)
    whole = simulate_first_passages(base.inputs.data, base.draws, options, plan.acts)
    for name, days in played(base, plan, Effort(paths=3)).items():
        np.testing.assert_array_equal(days, whole.of(name))
    since = futures_differ_since(base.inputs.data, base.n_draws, options, base.inputs.calendar, plan.acts)
    assert (since < NEVER).mean() == pytest.approx(CLASH["probability"], abs=0.05)
    less = tuple(replace(act, probability=0.4) for act in base.inputs.calendar)
    moved = futures_differ_since(base.inputs.data, base.n_draws, options, base.inputs.calendar, less)
    assert (moved < NEVER).mean() == pytest.approx(0.1, abs=0.03)
    same = futures_differ_since(base.inputs.data, base.n_draws, options, plan.acts, plan.acts)
    assert (same == NEVER).all()


def test_some_draws_give_the_change_of_all_within_its_error_which_is_larger(base, plan):
    found = {}
    for every in (1, 4):
        scenario = evaluate_plan(base, plan, effort=Effort(every=every, target="escalation"))
        (target,) = scenario.targets
        found[every] = target.milestones[-1].difference
    apart = abs(found[4].value - found[1].value)
    assert apart < 4 * float(np.hypot(found[1].mcse, found[4].mcse))
    assert 1.3 < found[4].mcse / found[1].mcse < 3.0, found  # about the root of four


def test_the_error_of_some_draws_is_that_of_their_scatter(base, plan):
    """Every fourth draw, begun at each of four places: four answers scatter as much as each says."""
    day = milestone_day(base, "new-year")
    days = played(base, plan, Effort(paths=2))["escalation"]
    old = base.hits.of("escalation")[:, :2]
    change = (days < day).mean(axis=1) - (old < day).mean(axis=1)
    parts = [change[start::4].mean() for start in range(4)]
    said = evaluate_plan(base, plan, effort=Effort(every=4, target="escalation"))
    error = said.targets[0].milestones[-1].difference.mcse
    assert np.std(parts, ddof=1) < 4 * error
    assert error < 4 * change.std() / np.sqrt(len(change) / 4)


def test_other_targets_are_left_out_where_one_is_asked(base, plan):
    one = evaluate_plan(base, plan, effort=Effort(target="lethal"))
    both = evaluate_plan(base, plan)
    assert [target.name for target in one.targets] == ["lethal"]
    assert one.targets[0] == both.target("lethal")


def test_shares_of_a_scenario_have_its_probability_as_their_mean(base, plan):
    day = milestone_day(base, "new-year")
    shares = scenario_shares(base, plan, "escalation", "new-year")
    said = evaluate_plan(base, plan).target("escalation").milestones[-1].probability
    assert shares.probability()[0] == pytest.approx(said, abs=2e-3)
    assert shares.by_draw(0).mean() == pytest.approx(said, abs=2e-3)
    np.testing.assert_allclose(
        scenario_shares(base, None, "escalation", "new-year").by_draw(0),
        base.hits.shares_before("escalation", day),
        atol=1e-12,
    )


def bounds(run, **changed):
    act = {"date": "2022-08-15", "category": "visit", "severity": 1} | changed
    scenario = Scenario.checked({"name": "s", "rationale": "r", "events": [act]}, SourceMap("test"))
    (target, _) = evaluate_plan(run, plan_scenario(run.inputs, scenario)).targets
    return [(one.difference.value, one.difference.mcse, one.difference.at_most) for one in target.milestones]


def test_a_change_that_no_path_shows_is_bounded_by_the_rule_of_three(still):
    """In these futures acts bring about nothing, which 2,000 paths cannot know for sure."""
    bound = pytest.approx(3 / 2000)
    assert bounds(still) == [(0.0, 0.0, bound)] * 2
    assert bounds(still, date="2022-11-01") == [(0.0, 0.0, None), (0.0, 0.0, bound)]
    rare = bounds(still, probability=1e-4)
    assert [bound for _, _, bound in rare] == pytest.approx([1e-4, 1e-4])


def test_the_bound_holds_what_a_rare_act_surely_adds(still):
    (value, error, bound), _ = bounds(still, category="sanction", severity=4, probability=1e-4)
    assert (value, error) == (0.0, 0.0)  # the act happens on none of the paths
    assert bound == pytest.approx(1e-4)


def test_a_change_that_shows_has_an_error_and_no_bound(base):
    for value, error, bound in bounds(base, category="sanction", severity=4):
        assert value > 0
        assert error > 0
        assert bound is None


@pytest.mark.parametrize("every", [1, 3])
def test_before_the_first_future_that_differs_the_change_is_exactly_nothing(base, plan, every):
    draws = scenario_draws(base, plan, None, Effort(every=every))["escalation"]

    def same(day: int) -> bool:
        return np.array_equal(draws.shares(day).ahead, base.hits.shares_before("escalation", day))

    told = [same(day) for day in range(base.hits.horizon_days)]
    days = draws.unchanged_days
    assert 20 < days < 80
    assert all(told[:days])
    assert not told[days]
