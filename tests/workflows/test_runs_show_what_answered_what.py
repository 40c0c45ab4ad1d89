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
    same = find_reactions(inputs.events, inputs.dyad, rules, start, as_of).to_dict()
    assert found == json.loads(json.dumps(same))
    assert {case["target"] for case in found["past"]} <= {rule.name for rule in rules}


@pytest.fixture(scope="module")
def run(run_folder):
    return read_run(run_folder)


def test_cases_of_a_declared_reaction_are_counted_as_by_hand(run):
    (found,) = run.analysis.reactions
    events, as_of = run.inputs.events, np.datetime64(run.inputs.config.as_of, "D")
    trigger = (events.category == "dispute") & (events.initiator == "USA")
    trigger &= np.char.startswith(events.subcategory.astype(str), "taiwan_")
    answer = (events.category == "military_posture") & (events.initiator == "CHN")
    cases, answers = np.unique(events.date[trigger]), np.unique(events.date[answer])
    followed = [bool(np.any((answers > day) & (answers <= day + 14))) for day in cases]
    over = cases + 14 <= as_of
    assert (found.cases, found.answered) == (over.sum(), sum(np.array(followed)[over]))
    assert {one.date for one in found.shown} == {*cases.tolist()}
    assert [one.severity for one in found.shown] == sorted(
        (one.severity for one in found.shown), reverse=True
    )
    for one in found.shown:
        assert one.over == (np.datetime64(one.date) + 14 <= as_of)
        if one.answered_on:
            assert one.date < one.answered_on <= one.date + timedelta(days=14)
    assert sum(one.answered_on is not None and one.over for one in found.shown) == found.answered
    every = np.arange(np.datetime64(run.inputs.data.grid.start), as_of - 13)
    others = [day for day in every if day not in cases]
    came = sum(bool(np.any((answers > day) & (answers <= day + 14))) for day in others)
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
