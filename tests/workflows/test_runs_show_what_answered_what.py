"""``forecast reactions`` of a saved run counts the record of the run, and so does the run itself."""

import json
from datetime import timedelta

import numpy as np
import pytest

from forecast.reactions import find_reactions
from forecast.runs.run import read_run
from forecast.sensitivity.reactions import measure_reactions


def test_reactions_of_a_run_are_those_of_its_record(command, run_folder):
    found = command("reactions", run_folder, "--json").facts
    inputs = read_run(run_folder).inputs
    rules = sorted(inputs.rules, key=lambda rule: rule.name != inputs.config.headline.target)
    start, as_of = inputs.data.grid.start, inputs.config.as_of
    missing = "The run did not converge, so its draws tell nothing"
    same = find_reactions(inputs.events, inputs.dyad, rules, start, as_of, set_off=missing).to_dict()
    assert found == json.loads(json.dumps(same))
    assert {case["target"] for case in found["past"]} <= {rule.name for rule in rules}


@pytest.fixture(scope="module")
def run(run_folder):
    return read_run(run_folder)


def test_cases_of_a_declared_reaction_are_counted_as_by_hand(run):
    (found,) = run.analysis.reactions
    events, epoch = run.inputs.events, np.datetime64("1970-01-01", "D")
    last, first = (
        (np.datetime64(day, "D") - epoch).astype(int)
        for day in (run.inputs.config.as_of, run.inputs.data.grid.start)
    )
    trigger = (events.category == "dispute") & (events.initiator == "USA")
    trigger &= np.char.startswith(events.subcategory.astype(str), "taiwan_")
    answer = (events.category == "military_posture") & (events.initiator == "CHN")
    day = (events.date - epoch).astype(int)
    used = day >= first
    cases, answers = {*day[trigger & used].tolist()}, {*day[answer & used].tolist()}

    def is_followed(one: int) -> bool:
        return any(one < later <= one + 14 for later in answers)

    over = [one for one in cases if one + 14 <= last]
    assert (found.cases, found.answered) == (len(over), sum(map(is_followed, over)))
    assert {(np.datetime64(one.date, "D") - epoch).astype(int) for one in found.shown} == cases
    severities = [one.severity for one in found.shown]
    assert severities == sorted(severities, reverse=True)
    for one in found.shown:
        if one.answered_on:
            assert one.date < one.answered_on <= one.date + timedelta(days=14)
    assert sum(one.answered_on is not None and one.over for one in found.shown) == found.answered
    others = [one for one in range(first, last - 13) if one not in cases]
    came = sum(map(is_followed, others))
    assert found.by_chance == pytest.approx((came + 0.5) / (len(others) + 1))


def test_one_trigger_does_what_the_scenario_of_it_does(run, run_folder, command):
    (found,) = measure_reactions(run)
    assert (found,) == run.analysis.reactions
    assert 0 < found.chance90[0] < found.chance < found.chance90[1] < 1
    assert all(one.probability >= one.base for one in found.effects)
    act = f"{run.inputs.config.as_of + timedelta(days=1)}:dispute/taiwan_:4:1:USA"
    told = command("scenario", run_folder, "--event", act, "--json").facts["scenarios"][0]
    (target,) = (one for one in told["targets"] if one["name"] == found.target)
    after = {one["days"]: (one["probability"], one["base"]) for one in target["after"]}
    ours = {one.days: (one.probability, one.base) for one in found.effects if one.days}
    assert ours.keys() == after.keys()
    for days, both in ours.items():
        assert both == pytest.approx(after[days], abs=1e-9)
    (asked,) = (one for one in target["milestones"] if one["name"] == "party-congress")
    assert found.effects[-1].probability == pytest.approx(asked["probability"], abs=1e-9)


def test_a_conditional_question_goes_on_record_with_the_chance_that_the_trigger_leaves(
    run, run_folder, command, tmp_path
):
    (found,) = run.analysis.reactions
    (effect,) = (one for one in found.effects if one.days == 30)
    asked = ("judge", run_folder, "--ledger", tmp_path / "a.sqlite", "--json")
    asked += ("--target", found.target, "--before", "new-year", "--within", 30)
    told = command(*asked, "--if", "dispute/taiwan_*:4:USA").facts["conditional"]
    # The day of the trigger, and the base rate with it, are left out.
    assert effect.base < told["probability"] < effect.probability
    assert told["probability"] == pytest.approx(effect.probability, abs=0.02)
    assert told["interval90"][0] < told["probability"] < told["interval90"][1]
    named = command(*asked, "--if", "contact", "--by", "anna", "--probability", "40%").facts
    assert (named["added"], named["probability"], named["model"]) == (
        *(2, 0.4),
        pytest.approx(named["conditional"]["probability"], abs=1e-6),
    )
    # The same days, of which more are slight; and the cases of the reaction, by another count of answers.
    assert named["model"] < told["probability"]
    assert named["conditional"]["cases"] >= found.cases > told["cases"]
    for trigger, says in (
        ("contacts", "unknown category 'contacts'. "),
        ("dispute:6", "expected CATEGORY[/SUBCATEGORY][:SEVERITY][:BY]"),
        ("dispute:4:IND", "'IND' is no actor of the dyad"),
        ("military_posture:4", f"meets '{found.target}' by itself"),
    ):
        assert says in command(*asked, "--if", trigger).err
