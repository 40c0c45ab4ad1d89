"""Answers of the scenario page are those of ``forecast scenario``; what cannot be told is withheld."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from forecast.app.engine import STOPS, Engine, StateError, page_model
from forecast.config import load_scenario, scenario_yaml
from forecast.errors import RunFolderError
from forecast.models.survival import Chances
from forecast.phrases.chances import fits_sentence, question_sentence
from forecast.priors.distributions import shifted
from forecast.records.base import one_named
from forecast.runs.run import read_run
from forecast.scenarios import compare_scenarios
from forecast.scenarios.answer import parameter_draws

CLASH = {"date": "2022-08-15", "category": "sanction", "severity": 4, "probability": 0.6}
FASTER = {"tension.persistence": "LogNormal(mu=4.7, sigma=0.5)"}
STATES = {
    "a belief": {"priors": FASTER},
    "an act": {"events": [CLASH]},
    "both": {"priors": FASTER, "events": [CLASH]},
    "a scheduled act": {"calendar": {"A minister visits": 1.0}},
    "a visit": {"events": [{"date": "2022-08-15", "category": "visit", "severity": 2}]},
    "a kind of act in a window": {
        "events": [
            {
                "window": ["2022-08-01", "2022-08-20"],
                "category": "dispute",
                "subcategory": "protest",
                "severity": 3,
                "by": "CHN",
            }
        ]
    },
    "a sign": {"events": [{**CLASH, "probability": 1, "seen": True, "severity": 3}]},
    "a ratio": {"beliefs": [{"target": "lethal", "window": ["2022-08-01", "2022-08-20"], "ratio": 3}]},
    "another question": {"events": [CLASH], "target": "lethal", "milestone": "autumn"},
}


@pytest.fixture(scope="module")
def engine(base):
    return Engine(base)


@pytest.fixture(scope="module")
def model(base):
    return page_model(base)


def ask(engine, **state):
    return engine.answer(engine.read(state))


def asked_of(answer):
    return one_named(answer.milestones, "milestone", answer.milestone)


def test_a_kind_of_act_that_the_record_lacks_is_refused_with_its_neighbours_unless_it_is_new(base):
    events = base.inputs.events
    kinds = np.where(events.category == "dispute", "protest", "").astype(object)
    named = Engine(replace(base, inputs=replace(base.inputs, events=replace(events, subcategory=kinds))))
    (act,) = STATES["a kind of act in a window"]["events"]
    misspelt = {"events": [act | {"subcategory": "protst"}]}
    for state in ({"events": [act]}, misspelt | {"new_subcategories": ["protst"]}):
        assert ask(named, **state).method != "run"
    with pytest.raises(
        StateError, match=r"no dispute .* 'protst'. Did you mean 'protest'\? They have: protest"
    ) as error:
        ask(named, **misspelt)
    assert error.value.key == "events[0].subcategory"
    with pytest.raises(StateError, match="asked of the run as it is; leave out what is changed"):
        named.reconcile({"events": [act], "new_subcategories": ["protst"], "probability": 0.4})
    # By itself a new name changes nothing.
    assert named.read({"new_subcategories": ["protst"]}).scenario is None


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_an_answer_has_the_numbers_of_the_scenario_command(engine, base, state, tmp_path):
    read = engine.read(state)
    answer = engine.answer(read)
    # A sign that is seen is followed by the same act done.
    found, *_ = compare_scenarios(base, [read.scenario], refit=False)
    target = found.target(read.target)
    assert (answer.status, answer.method) == ("ready", found.method)
    shown = zip(answer.chances.day, answer.chances.mean, answer.chances.low, answer.chances.high, strict=True)
    kept = zip(target.chances.day, target.chances.mean, target.chances.low, target.chances.high, strict=True)
    assert set(kept) <= set(shown)
    told = {row.days: (row.probability, row.base) for row in target.after}
    assert {row.days: (row.probability, row.base) for row in answer.effect if row.days in told} == told
    for milestone, row in zip(target.milestones, answer.milestones, strict=True):
        assert (row.probability, row.interval90) == (milestone.probability, milestone.interval90)
        assert (row.difference, row.mcse) == (milestone.difference.value, milestone.difference.mcse)
        assert row.assumed == milestone.by_assumption
    # Its file is the scenario.
    (tmp_path / "saved.yaml").write_text(scenario_yaml(read.scenario), encoding="utf-8")
    assert load_scenario(tmp_path / "saved.yaml") == read.scenario


def test_few_draws_leave_the_run_as_it_is_to_the_last_digit(base):
    few, known = Engine(base), base.forecast.target("escalation")
    assert len(base.thinned_rows) < base.n_draws / 3
    nothing = few.answer(few.read({"calendar": {"A minister visits": 0.5}}))
    for milestone, row in zip(known.milestones, nothing.milestones, strict=True):
        assert (row.probability, row.difference) == (milestone.probability, 0.0)
    assert nothing.chances == known.chances
    act = few.answer(few.read({"events": [CLASH]}))
    for milestone, row in zip(known.milestones, act.milestones, strict=True):
        assert row.probability == pytest.approx(milestone.probability + row.difference, abs=1e-15)
    assert np.diff(act.chances.mean).min() >= 0.0


def test_an_act_asked_again_is_answered_at_once(base):
    engine = Engine(base)
    engine.warm_up()
    computed = []
    first = engine.answer(engine.read({"events": [CLASH]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chances, "_roots", lambda *given, **more: computed.append(given))
        for day in ("2022-08-15", "2022-10-03"):
            for category, severity in (("sanction", 4), ("visit", 3), ("dispute", 5)):
                act = {"date": day, "category": category, "severity": severity, "probability": 0.6}
                answer = engine.answer(engine.read({"events": [act]}))
                if act == CLASH:
                    assert asked_of(answer) == asked_of(first)
    assert computed == []


def test_without_a_change_the_page_says_what_the_brief_says(engine, base):
    answer = ask(engine)
    asked = base.forecast.headline_milestone
    assert question_sentence(base.forecast.headline_target, asked) == answer.sentence
    assert fits_sentence(asked).startswith("Anything from ")
    assert (asked_of(answer).difference, answer.status, answer.method) == (0.0, "ready", "run")
    assert ask(engine, priors={}, events=[], calendar={}, without=[]) == answer


def test_what_the_draws_cannot_tell_is_withheld_with_its_reason(engine):
    far = ask(engine, priors={"tension.persistence": "LogNormal(mu=9, sigma=0.01)"})
    assert (far.status, far.milestones, far.chances) == ("withheld", (), None)
    past = ask(engine, without=["e4"])
    assert (past.status, past.method) == ("withheld", "refit")
    assert "Past events are taken out" in past.sentence
    rare = [
        {"date": day, "category": "military_incident", "severity": 5, "by": by, "seen": True}
        for by, day in (("USA", "2022-07-20"), ("CHN", "2022-09-01"))
    ]
    few = ask(engine, events=rare)
    assert (few.status, few.method, few.chances) == ("withheld", "reweight", None)
    assert few.sentence.startswith("What is seen fits too few draws of the run (worth ")


FAULTS = {
    "unknown key": ({"evens": []}, "evens", "Did you mean 'events'?"),
    "unknown prior": ({"priors": {"balast.visit": "calms"}}, "priors.balast.visit", "Did you mean"),
    "past day": ({"events": [{**CLASH, "date": "2022-01-01"}]}, "events[0].date", "not after the as-of date"),
    "chance": ({"events": [{**CLASH, "probability": 1.5}]}, "events[0].probability", "from 0 to 1"),
    "label": ({"calendar": {"Nobody comes": 0.5}}, "calendar.Nobody comes", "no act of this label"),
    "event": ({"without": ["e9"]}, "without[0]", "no event has the id"),
    "target": ({"target": "peace"}, "target", "It has: escalation, lethal"),
    "milestone": ({"milestone": ["autumn"]}, "milestone", "It has: autumn, new-year"),
    "many acts": ({"events": [CLASH] * 51}, "events", "at most 50"),
    "nested": ({"priors": json.loads("[" * 40 + "]" * 40)}, None, "nested"),
    "surrogate": ({"events": [{**CLASH, "label": "\ud800"}]}, None, "Unicode"),
    "no mapping": ([], None, "a mapping"),
    "another run": ({"run": "another-run"}, "run", "another-run"),
}


@pytest.mark.parametrize(("state", "key", "said"), FAULTS.values(), ids=FAULTS)
def test_a_state_that_cannot_be_names_its_key(engine, state, key, said):
    with pytest.raises(StateError) as caught:
        engine.answer(engine.read(state))
    assert caught.value.key == key
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_that_did_not_converge_is_withheld_and_takes_no_changes(base):
    stamped = replace(base, forecast=base.forecast.model_copy(update={"converged": False}))
    model = page_model(stamped)
    assert model.stamp.startswith("DID NOT CONVERGE")
    assert model.priors == ()
    answer = ask(Engine(stamped))
    assert (answer.status, answer.milestones, answer.chance) == ("withheld", (), "Withheld")
    with pytest.raises(StateError, match="did not converge"):
        ask(Engine(stamped), **STATES["an act"])


def test_the_effect_of_an_act_is_told_day_by_day_and_to_the_milestone(engine, base):
    answer = ask(engine, **STATES["a visit"], milestone="new-year")
    *days, end = answer.effect
    assert [(row.days, row.milestone) for row in days] == [(day, False) for day in range(31)]
    assert (str(days[0].date), str(days[30].date)) == ("2022-08-15", "2022-09-14")
    assert (end.days, end.milestone, str(end.date)) == (138, True, "2022-12-31")
    for key in ("probability", "base"):
        curve = [getattr(row, key) for row in answer.effect]
        assert min(np.diff(curve)) >= -1e-12
    # Given none before the act: with the chance before it this is that of the milestone.
    known = base.forecast.target("escalation").chances
    before = known.mean[known.day.index(days[0].date)]
    assert 1 - (1 - before) * (1 - end.base) == pytest.approx(
        base.forecast.target("escalation").milestones[-1].probability, abs=1e-9
    )
    assert ask(engine, **STATES["a belief"]).effect == ()
    late = ask(engine, events=[{**CLASH, "date": "2022-12-20"}], milestone="autumn").effect
    assert [row.days for row in late] == [*range(12)], (
        "as far as days are forecast, and no milestone before it"
    )


def test_each_stop_of_a_slider_is_a_belief_that_can_be_stated_with_what_the_record_makes_of_it(
    engine, model, base
):
    for prior in model.priors:
        assert [stop.steps for stop in prior.stops] in (list(STOPS), list(STOPS[::-1]))
        for stop in (prior.stops[0], prior.stops[-1]):
            plan = engine.plan(engine.read({"priors": {prior.name: stop.statement}}))
            scale = plan.inputs.priors.priors[prior.name].group.scale
            middle = scale.of(float(plan.inputs.priors.priors[prior.name].distribution.quantile(0.5)))
            assert stop.short == scale.short(middle)
    # What the draws say under a belief: the middle of draws chosen anew in proportion to their weights.
    name = "tension.persistence"
    prior = next(one for one in model.priors if one.name == name)
    stop = next(one for one in prior.stops if one.steps == 1)
    named, values = base.inputs.priors.priors[name], parameter_draws(base, name)
    weight = np.exp(
        shifted(named.distribution, 1).log_density(values) - named.distribution.log_density(values)
    )
    middle = np.median(np.random.default_rng(1).choice(values, 40_000, p=weight / weight.sum()))
    assert float(stop.with_record.removesuffix(" weeks")) == pytest.approx(middle / 7, rel=0.06)


def test_a_saved_run_answers_as_the_one_in_memory_and_one_without_draws_says_what_helps(
    run_folder, base, tmp_path
):
    both = STATES["both"]
    assert asked_of(ask(Engine(read_run(run_folder)), **both)) == asked_of(ask(Engine(base), **both))
    copy = shutil.copytree(run_folder, tmp_path / "run")
    (copy / "posterior.nc").unlink()
    with pytest.raises(RunFolderError, match=r"without its draws.*forecast run .*config.resolved.yaml"):
        read_run(copy)
