"""Scenarios that change only what is ahead: same draws, same random numbers, exact laws."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from forecast.config import Scenario
from forecast.config.settings_file import SourceMap
from forecast.events.codebook import CATEGORIES, CONFLICTUAL, SEVERITIES
from forecast.inference.importance import monte_carlo_error
from forecast.panel import FutureAct
from forecast.scenarios import compare_scenarios, plan_scenario
from forecast.scenarios.evaluate import Effort, milestone_day, simulate_plan
from forecast.simulation import simulate_first_passages
from forecast.simulation.paths import act_keys
from forecast.simulation.probabilities import hit_shares_before

CLASH = {"date": "2022-08-15", "category": "military_incident", "severity": 5}


def assumed(*acts, **changes):
    settings = {"name": "assumed", "rationale": "A reason", "events": list(acts), **changes}
    return Scenario.checked(settings, SourceMap("test"))


def whole(base) -> Effort:
    return Effort(paths=base.simulation.paths_per_draw)


def days_under(base, scenario):
    return simulate_plan(base, plan_scenario(base.inputs, scenario), whole(base))


def test_the_state_before_the_as_of_date_is_bit_identical(base, monkeypatch):
    seen = []

    def watch(data, draws, *arguments):
        seen.append((data, draws))
        return simulate_first_passages(data, draws, *arguments)

    monkeypatch.setattr("forecast.scenarios.evaluate.simulate_first_passages", watch)
    compare_scenarios(base, [assumed(CLASH), assumed({**CLASH, "severity": 3, "probability": 0.2})])
    assert len(seen) == 2
    for data, draws in seen:
        assert data is base.inputs.data
        assert draws is base.draws
    # And so are all futures up to the assumed act.
    act = (date(2022, 8, 15) - base.inputs.data.grid.origin).days
    step_begins = act - 7
    for name, days in days_under(base, assumed(CLASH)).items():
        before = base.first_day[name]
        early = (before < step_begins) | (days < step_begins)
        np.testing.assert_array_equal(days[early], before[early])
        assert early.any()


@pytest.mark.parametrize("probability", [0.05, 0.6, 1.0])
def test_a_future_act_happens_on_its_share_of_the_paths(still, probability):
    days = days_under(still, assumed({**CLASH, "probability": probability}))["lethal"]
    share, n = (days < 2**30).mean(), days.size
    assert abs(share - probability) <= 4.5 * np.sqrt(probability * (1 - probability) / n)
    (found,) = compare_scenarios(still, [assumed({**CLASH, "probability": probability})])
    assert found.target("lethal").milestones[0].probability == pytest.approx(probability, abs=0.03)
    assert still.forecast.target("lethal").milestones[0].probability == 0.0


def test_more_likely_and_more_severe_conflict_never_comes_later_on_any_path(base):
    # The law of positive excitation, within a cell: the pull of a graver act on other kinds is stronger.
    act = {"date": "2022-07-20", "category": "military_posture", "severity": 1}
    ladder = [
        assumed({**act, "probability": 0.3}),
        assumed({**act, "probability": 0.8}),
        *(assumed({**act, "severity": severity}) for severity in (1, 2, 3)),
    ]
    before = base.first_day
    for scenario in ladder:
        after = days_under(base, scenario)
        for name, days in after.items():
            assert np.all(days <= before[name]), (scenario.events, name)
        before = after
    results = compare_scenarios(
        base, [one.model_copy(update={"name": f"s{k}"}) for k, one in enumerate(ladder)]
    )
    for target in base.inputs.rules:
        chances = [one.target(target.name).milestones[-1].probability for one in results]
        assert chances == sorted(chances)
    assert np.any(before["lethal"] < base.first_day["lethal"])


def test_the_contract_of_the_command_holds_on_every_kind_of_act(base):
    """Conflict lowers no chance by more than .4 points, 5 is no weaker than 1, and no treaty raises one."""
    for category in CATEGORIES:
        acts = [{"date": "2022-07-20", "category": category, "severity": severity} for severity in SEVERITIES]
        found = compare_scenarios(
            base, [assumed(act).model_copy(update={"name": f"s{act['severity']}"}) for act in acts]
        )
        change = np.array(
            [[one.difference.value for t in scenario.targets for one in t.milestones] for scenario in found]
        )
        if category in CONFLICTUAL:
            assert np.all(change > -0.004), (category, change)
            assert np.all(change[-1] >= change[0] - 1e-5), (category, change)
        else:
            assert np.all(change[-1] < 0.01), (category, change)


def test_paired_differences_have_far_less_error_than_unpaired_ones(base):
    scenario = assumed({"date": "2022-07-20", "category": "sanction", "severity": 3, "probability": 0.5})
    (found,) = compare_scenarios(base, [scenario])
    milestone = found.target("escalation").milestones[-1]
    day = milestone_day(base, "new-year")
    shares = hit_shares_before(base.first_day["escalation"], day)
    apart = np.sqrt(2) * monte_carlo_error(shares, base.n_chains)
    assert milestone.difference.mcse > 0
    assert milestone.difference.mcse < apart / 4
    # The error is right: over other seeds of the simulation the difference scatters by about so much.
    spread = []
    for seed in range(12):
        options = replace(base.simulation, seed=100 + seed, first_paths=2)
        plan = plan_scenario(base.inputs, scenario)
        old, new = (
            simulate_first_passages(base.inputs.data, base.draws, options, acts)
            for acts in (base.inputs.calendar, plan.acts)
        )
        change = (new.of("escalation") < day).mean() - (old.of("escalation") < day).mean()
        spread.append(change)
    assert 0.4 < np.std(spread, ddof=1) / milestone.difference.mcse < 1.6
    assert abs(np.mean(spread) - milestone.difference.value) < 4 * milestone.difference.mcse


def test_acts_keep_their_chance_whatever_stands_before_them_in_the_list(still):
    half = {**CLASH, "probability": 0.5}
    other = {"date": "2022-08-14", "category": "visit", "severity": 1}
    alone, behind = (days_under(still, assumed(*acts))["lethal"] for acts in ((half,), (other, half)))
    np.testing.assert_array_equal(alone, behind)


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


def test_the_calendar_can_be_changed_extended_and_replaced(base):
    def acts(**calendar):
        return plan_scenario(base.inputs, assumed(calendar=calendar)).acts

    (known,) = base.inputs.calendar
    assert acts(probability={"A minister visits": 0.9}) == (replace(known, probability=0.9),)
    clash = FutureAct(date(2022, 8, 15), "military_incident", 5, 1.0)
    assert acts(extend=[CLASH]) == (known, clash)
    assert acts(replace=[CLASH]) == (clash,)
    assert acts(replace=[]) == ()


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
