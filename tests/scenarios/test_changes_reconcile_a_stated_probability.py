"""The changes that ``forecast reconcile`` names give the probability asked for when they are run."""

import json
from dataclasses import replace
from datetime import date

import pytest
import yaml

from forecast.blocks import Table
from forecast.report.tables import reconciled, reconciled_sentence
from forecast.sensitivity.reconcile import TOLERANCE, reconcile
from forecast.targets import FutureAct
from forecast.wording import percent
from tests.conftest import answers_of


def asked(base):
    headline = base.forecast.headline
    target = base.forecast.target(headline.target)
    now = next(one for one in target.milestones if one.name == headline.milestone)
    return headline.target, headline.milestone, now.probability


@pytest.fixture(scope="module")
def found(base):
    target, milestone, now = asked(base)
    return {step: reconcile(base, target, milestone, now + step) for step in (-0.06, 0.03, 0.06)}


def test_each_change_run_as_a_scenario_gives_what_was_asked(found, base, written, command, run_folder):
    checked = 0
    for step in (-0.06, 0.03):
        for change in found[step].changes:
            assert abs(change.probability - found[step].asked) <= TOLERANCE
            path = written(yaml.safe_dump(change.setting), file=f"{checked}.yaml")
            ended = command("scenario", run_folder, path, "--json")
            assert ended.code == 0, ended.err
            (scenario,) = json.loads(ended.out)["scenarios"]
            (target,) = (one for one in scenario["targets"] if one["name"] == found[step].target)
            row = answers_of(target)[found[step].milestone]
            assert scenario["method"] == ("reweight" if "priors" in change.setting else "exact"), change
            assert row["probability"] == pytest.approx(change.probability, abs=1e-5), change
            checked += 1
    assert checked >= 2


def test_a_further_probability_takes_a_larger_step(found):
    steps = {
        step: next(change.to for change in answer.changes if change.kind == "several_priors")
        for step, answer in found.items()
    }
    assert steps[-0.06] < 0 < steps[0.03] < steps[0.06]


def test_several_priors_together_need_less_of_each_than_one_alone(found):
    changes = found[0.03].changes
    together = next(change for change in changes if change.kind == "several_priors")
    for alone in (change for change in changes if change.kind == "prior"):
        for part in together.parts:
            if part.what == alone.what:
                assert abs(part.to - part.from_) < abs(alone.to - alone.from_)


def test_the_most_plausible_change_stands_first(found):
    for one in found.values():
        plausible = [change.plausibility for change in one.changes]
        assert plausible == sorted(plausible, reverse=True)
        assert len(plausible) <= 5
        assert all(0 <= each <= 1 for each in plausible)


def test_conflict_is_expected_only_for_more_and_cooperation_only_for_less(found):
    for step, one in found.items():
        kinds = {act["category"] for c in one.changes for act in c.setting.get("events", ())}
        calming = {"visit", "channel_opening", "cooperation"}
        assert not kinds & calming if step > 0 else kinds <= calming


def test_nothing_has_to_change_where_the_run_agrees(base):
    target, milestone, now = asked(base)
    agreed = reconcile(base, target, milestone, now + TOLERANCE / 2)
    assert (agreed.changes, agreed.tried, agreed.nearest) == ((), 0, None)


def test_the_command_answers_in_json_and_in_words(command, run_folder, base):
    target, milestone, now = asked(base)
    options = ("reconcile", run_folder, "--target", target, "--before", milestone)
    answer = json.loads(command(*options, "--probability", f"{now + 0.03:.3f}", "--json").out)
    for change in answer["changes"]:
        assert {"kind", "what", "from", "to", "plausibility", "probability"} <= set(change)
    said = command(*options, "--probability", f"{100 * (now + 0.03):.1f}%")
    assert said.code == 0
    assert "It would say about" in said.out
    for wrong in ("likely", "0", "120%"):
        ended = command(*options, "--probability", wrong)
        assert (ended.code, ended.out) == (2, "")
        assert f"--probability: got '{wrong}'" in ended.err


def test_the_nearest_change_is_named_even_when_none_suffices(mixed):
    """A tenth of the probability is beyond what any belief about the model can do to the mean."""
    target, milestone, now = asked(mixed)
    found = reconcile(mixed, target, milestone, now / 10)
    assert found.changes == ()
    assert now / 10 < found.nearest.probability < now
    assert found.nearest.what
    assert found.nearest.setting
    said = reconciled_sentence(mixed.forecast, found)
    assert "the nearest, below, gives" in said
    other = f"fixed chance ({percent(mixed.mixture.member_forecasts(target, 184)[1].with_acts)})"
    assert f"Half of the number comes from {other}, which no prior here changes." in said
    assert ("where the draws can no longer tell" in said) == found.nearest.cut
    table = next(block for block in reconciled(mixed.forecast, found) if isinstance(block, Table))
    assert len(table.groups[0].rows) == 1 + len(found.nearest.parts)


def test_the_headline_is_what_is_asked_when_nothing_else_is(command, run_folder, base):
    target, milestone, now = asked(base)
    answer = command("reconcile", run_folder, "--probability", f"{now + 0.03:.3f}", "--json").facts
    assert (answer["target"], answer["milestone"]) == (target, milestone)
    assert {"what", "to", "probability", "setting"} <= set(answer["nearest"])


def test_scheduled_events_together_give_what_no_single_one_can(inputs, run_from, monkeypatch):
    """A run whose calendar holds the chances that are named says the probability that is named."""
    calendar = tuple(
        FutureAct(date(2022, month, 1), "sanction", 3, chance, label=f"Sanctions {month}", by="USA")
        for month, chance in ((8, 0.6), (10, 0.4))
    )
    planned = run_from(replace(inputs, calendar=calendar))
    target, milestone, now = asked(planned)
    away = asked(run_from(replace(inputs, calendar=())))[2]
    monkeypatch.setattr("forecast.sensitivity.reconcile.MOST_CHANGES", 99)
    for goal in ((now + away) / 2, away):
        found = {one.kind: one for one in reconcile(planned, target, milestone, goal).changes}
        together = found["several_scheduled_acts"]
        assert together.probability == pytest.approx(goal, abs=0.002)
        left = {part.what: part.to for part in together.parts}
        assert left == pytest.approx({act.label: together.to * act.probability for act in calendar}, abs=1e-4)
        moved = tuple(replace(act, probability=left[act.label]) for act in calendar)
        assert asked(run_from(replace(inputs, calendar=moved)))[2] == pytest.approx(
            together.probability, abs=0.002
        )
