"""``answer``: one question of a run, from Python, as files, options and page ask it."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

import forecast
from forecast.config import load_config
from forecast.config.scenario import scenario_from_options
from forecast.errors import ConfigError
from forecast.phrases.notices import notice_text
from forecast.report.tables import scenario_tables
from forecast.runs.cautions import cautions_of
from forecast.runs.inputs import read_inputs
from forecast.scenarios import answer, compare_scenarios
from forecast.scenarios.basis import no_effect
from forecast.scenarios.plan import plan_change

from .conftest import assumed, milestones

DAY = "2022-07-20"
SANCTION = {"date": DAY, "category": "sanction", "severity": 3, "by": "USA"}
WINDOW = ["2022-08-01", "2022-08-30"]


@pytest.mark.parametrize("change", [None, {}, forecast.Change()])
def test_no_change_is_the_forecast_of_the_run_exactly(mixed, change):
    found = mixed.answer(change)
    for target in mixed.forecast.targets:
        assert tuple(found.curves[target.name].mean) == target.chances.mean
        assert tuple(found.curves[target.name].low) == target.chances.low
    frame = found.chances()
    assert [*frame.columns] == ["source", "target", "day", "mean", "low", "high", "error"]
    told = [(one.probability, *one.interval90, one.mcse) for one in milestones(mixed.forecast).values()]
    assert [*zip(frame["mean"], frame.low, frame.high, frame.error, strict=True)] == told
    assert {*frame.source} == {"forecast"}
    changed = mixed.answer({"events": [SANCTION]}).chances()
    assert [*changed.source] == ["forecast", "change"] * len(told)
    assert np.all(changed["mean"][1::2].to_numpy() > changed["mean"][::2].to_numpy())


def test_survival_and_weights_give_the_chance_of_the_model(base):
    priors = {"tension.scale": "LogNormal(mu=0.1, sigma=0.5)"}
    for change, of in (
        ({"events": [SANCTION]}, base.thinned),
        ({"priors": priors}, base.mixture),  # weights alone, so of all draws
        ({"events": [{**SANCTION, "seen": True}]}, base.mixture),
    ):
        found = answer(base, change, allow_unconverged=True)
        survival, weights = found.survival, found.draw_weights
        assert survival.values.shape == of.survival.values.shape
        assert weights.sum() == pytest.approx(1.0)
        quiet = np.tensordot(weights, survival.of("lethal"), axes=1)
        before = of.survival.of("lethal").mean(axis=0)
        run = 1 - base.curves["lethal"].mean
        np.testing.assert_allclose(1 - found.curves["lethal"].mean, run * quiet / before, atol=1e-9)


def test_files_options_and_python_ask_the_same(base):
    belief = {"target": "lethal", "window": WINDOW, "ratio": 2.0}
    options = scenario_from_options(
        ["rate.escalation=2 a year"],
        [f"{DAY}:sanction:3:1:USA"],
        ["e1"],
        beliefs=[f"lethal:{WINDOW[0]}..{WINDOW[1]}:2"],
    )
    change = {"priors": {"rate.escalation": "2 a year"}, "events": [SANCTION], "without": ["e1"]}
    change = forecast.Change.of({**change, "beliefs": [belief]})
    for key in forecast.Change.model_fields:
        assert getattr(options, key) == getattr(change, key)
    acts = {"events": [SANCTION], "beliefs": [belief]}
    (scenario,) = compare_scenarios(base, [assumed(SANCTION, beliefs=[belief])])
    curves = answer(base, acts).curves
    for (target, name), one in milestones(scenario).items():
        day = (one.date - base.inputs.data.grid.origin).days
        assert one.probability == curves[target].mean[day], name


def test_two_hundred_acts_are_one_change_and_many_scenarios_are_answered_at_once(base):
    first = base.inputs.data.grid.origin + timedelta(days=3)
    acts = [
        {**SANCTION, "date": str(first + timedelta(days=at % 150)), "label": f"{at}", "probability": 0.1}
        for at in range(200)
    ]
    (many,) = compare_scenarios(base, [assumed(*acts)])
    one = compare_scenarios(base, [assumed(act, name=f"n{at}") for at, act in enumerate(acts[::5])])
    assert len(one) == 40
    largest = max(each.targets[0].milestones[-1].probability for each in one)
    assert many.targets[0].milestones[-1].probability > largest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"events": [{**SANCTION, "category": "sanctions"}]},
            r"events\[0\].category: .*Did you mean 'sanction'",
        ),
        ({"events": [{**SANCTION, "date": "2022-06-01"}]}, r"events\[0\].date: 2022-06-01 is not after"),
        ({"events": [{**SANCTION, "date": "2022-06-01", "seen": True}]}, "is not after the as-of date"),
        ({"events": [{**SANCTION, "by": "FRA"}]}, r"events\[0\].by: "),
        ({"event": [SANCTION]}, "event: unknown key"),
        ({"beliefs": [{"target": "letal", "window": WINDOW, "ratio": 2}]}, "no target 'letal'.*'lethal'"),
        ({"beliefs": [{"target": "lethal", "window": WINDOW, "ratio": -1.0}]}, r"beliefs\[0\].ratio"),
        (
            {
                "beliefs": [{"target": "lethal", "window": WINDOW, "ratio": 0.0}],
                "events": [{"date": WINDOW[0], "category": "military_incident", "severity": 5}],
            },
            r"beliefs\[0\].ratio: nothing can happen there",
        ),
        (
            {
                "beliefs": [
                    {"target": "escalation", "window": WINDOW, "ratio": 0.0},
                    {"target": "lethal", "window": WINDOW, "ratio": 3.0},
                ]
            },
            r"beliefs\[1\].ratio: contradicts beliefs\[0\]",
        ),
        (
            {"beliefs": [{"target": "lethal", "window": WINDOW, "ratio": one} for one in (2.0, 3.0)]},
            "overlaps the window of beliefs",
        ),
        ({"priors": {"rate.lethal": "400 a week"}}, "priors.rate.lethal: got '400 a week'; a rate is"),
        ({"priors": {"rate.letal": "0.1 a year"}}, "there is no target 'letal'"),
        ({"without": ["e9"]}, "no event has the id 'e9'"),
        ([{"id": "e9"}], "got a list; expected a mapping"),
    ],
)
def test_what_cannot_be_asked_is_one_clear_line(base, change, message):
    with pytest.raises(ConfigError, match=message) as refused:
        answer(base, change)
    assert str(refused.value).startswith("change: ")


def test_a_target_of_acts_never_seen_keeps_no_past_event_in_the_record(folder):
    never = "{any_of: [military_incident], min_severity: 3, by: [USA]}"
    made = read_inputs(load_config(folder / "config.yaml", [f"targets.never={never}"]))
    kinds = [rule.mask_kind(made.events).any() for rule in made.rules]
    assert kinds == [True, True, False]
    assert plan_change(made, forecast.Change.of({"without": [{"id": "e1"}]})).taken_out == 1


def test_the_rate_of_a_target_is_that_of_all_its_cells(inputs):
    layout = inputs.data.layout
    for target in layout.targets:
        met = {layout.rates[rate] for rate in layout.rate_of[layout.meets[layout.targets.index(target)]]}
        changed = inputs.priors.changed({f"rate.{target.name}": "0.52 a year"}, "scenario")
        moved = {name.removeprefix("baseline.weekly_rate.") for name, one in changed.priors.items()
                 if one.origin == "scenario"}  # fmt: skip
        assert moved == met
        total = sum(float(changed.priors[f"baseline.weekly_rate.{name}"].distribution.quantile(0.5))
                    for name in met)  # fmt: skip
        assert total * 365.25 / 7 == pytest.approx(0.52)
    own = {"rate.escalation": "1 a year", "baseline.weekly_rate.lethal": "LogNormal(-6, 0.2)"}
    whole_of = inputs.priors.whole_rate
    whole = {name: whole_of(f"baseline.weekly_rate.{name}") for name in ("escalation", "lethal")}
    assert whole == {"escalation": "rate.escalation", "lethal": None}
    told = {one.code: notice_text(one) for one in cautions_of(inputs)}["prior_of_one_part"]
    assert told.endswith("state rate.escalation to move all of it.")
    assert str(inputs.priors.changed(own, "scenario").priors["baseline.weekly_rate.lethal"].distribution) == (
        "LogNormal(mu=-6, sigma=0.2)"
    )


def test_a_scenario_says_what_it_rests_on_and_why_it_does_nothing(base, command, run_folder):
    """Of the record of six acts, by hand."""
    said = {}
    for name, change in {
        "act": {"events": [SANCTION]},
        "target": {"events": [{"date": DAY, "category": "military_incident", "severity": 5}]},
        "belief": {"beliefs": [{"target": "lethal", "window": WINDOW, "ratio": 0.0}]},
        "prior": {"priors": {"ballast.visit": "none"}},
        "late": {"events": [{**SANCTION, "date": "2022-12-31", "severity": 1}]},
    }.items():
        (found,) = compare_scenarios(base, [assumed(*change.pop("events", ()), **change)])
        said[name] = rests_on(found), found.no_effect
    assert said["act"][0] == [("kind", 1, 0, 1, False, None)]
    assert said["target"][0] == [("event", ("escalation", "lethal"))]
    assert said["belief"][0] == []
    assert said["prior"][0] == [("prior", ("ballast.visit",))]
    assert said["act"][1] is None
    assert said["late"][1] is not None
    told = json.loads(command("scenario", run_folder, "--do", f"{DAY}:sanction:3:1:USA", "--json").out)
    assert [one["code"] for one in told["scenarios"][0]["basis"]] == ["kind"]


def test_a_prior_of_all_rates_and_an_answer_to_acts_never_seen_are_one_scenario(base):
    """A class that no act of the record falls into has no rate that a prior of all could move."""
    when = {"category": "dispute", "subcategory": ["crossing"], "by": "USA"}
    line = {"when": when, "then": {"category": "military_posture", "by": "CHN"}, "chance": 0.6, "days": 14}
    often = {"baseline.weekly_rate": "LogNormal(mu=-2, sigma=0.4)"}
    answered = assumed(priors=often, reactions={"line": line}, new_subcategories=["crossing"])
    both, alone = compare_scenarios(base, [answered, assumed(priors=often)])
    for question, one in milestones(both).items():
        assert one.probability == pytest.approx(milestones(alone)[question].probability, abs=0.05)


LINE = {"when": {"category": "sanction"}, "then": {"category": "dispute", "by": "CHN"}, "chance": 0.6}
GRAVE = {**LINE, "when": {"category": "sanction", "severity": 4}}
RESTS = {
    "the class of a reaction, and those as grave": (
        {"events": [SANCTION], "reactions": {"line": LINE}},
        [("reaction", 2, 0, 3, 1, 0), ("kind", 0, 0, 0, True, None)],
    ),
    "an act outside it is compared with those outside": (
        {"events": [{**SANCTION, "severity": 2}], "reactions": {"line": GRAVE}},
        [("reaction", 1, 0, None, 0, 0), ("kind", 1, 0, 1, True, None)],
    ),
    "a case whose days are not over": (
        {"events": [{**SANCTION, "category": "military_posture", "by": "CHN"}]},
        [("kind", 0, 0, 1, False, None)],
    ),
    "another chance of a scheduled event": (
        {"calendar": {"probability": {"A minister visits": 0.9}}},
        [("kind", 0, 0, 0, False, "prior")],
    ),
    "a prior of acts that are assumed too": (
        {"events": [{**SANCTION, "category": "visit", "severity": 1}], "priors": {"ballast.visit": "none"}},
        [("kind", 1, 0, 1, False, None), ("prior", ("ballast.visit",))],
    ),
}


def rests_on(found):
    """What a scenario rests on: the counts of cases, the targets met, or the priors left alone."""
    counted = {
        "reaction": ("cases", "followed", "severity", "grave_cases", "grave_followed"),
        "kind": ("cases", "followed", "seen", "beside_named", "calming"),
        "event": ("targets",),
        "prior": ("at_prior",),
    }
    return [(one.code, *(getattr(one, name) for name in counted[one.code])) for one in found.basis]


@pytest.mark.parametrize(("change", "said"), RESTS.values(), ids=RESTS)
def test_what_an_answer_rests_on_compares_like_with_like(base, change, said):
    change = dict(change)
    (found,) = compare_scenarios(base, [assumed(*change.pop("events", ()), **change)])
    assert rests_on(found) == said
    stated = [one.chance90 for one in found.basis if one.code == "reaction"]
    assert stated == [pytest.approx((0.4, 0.6, 0.77), abs=0.005)] * len(stated)


@pytest.mark.parametrize(
    ("target", "ratio", "others", "left"),
    [
        ("escalation", 2.0, {}, {"lethal"}),
        ("escalation", 0.5, {}, set()),
        ("lethal", 2.0, {}, set()),
        ("escalation", 2.0, {"priors": {"ballast.visit": "none"}}, set()),
    ],
)
def test_a_belief_says_which_events_it_leaves_alone(base, target, ratio, others, left):
    (found,) = compare_scenarios(base, [assumed(beliefs=[belief_of(target, ratio)], **others)])
    assert {name for (name, _), one in milestones(found).items() if not one.carried} == left
    shown = str([*scenario_tables(base.forecast, [found])])
    assert ("= not affected" in shown) is bool(left)
    headline = base.forecast.headline.model_copy(update={"target": "lethal"})
    asked = replace(base, forecast=base.forecast.model_copy(update={"headline": headline}))
    plan = plan_change(base.inputs, assumed(beliefs=[belief_of(target, ratio)], **others))
    assert (no_effect(asked, plan, found.targets) == "not_carried") is bool(left)


def belief_of(target, ratio):
    return {"target": target, "window": WINDOW, "ratio": ratio}


def test_what_a_belief_names_is_not_split_into_assumed_and_added(base):
    belief = {"target": "lethal", "window": WINDOW, "ratio": 2.0}
    for changes in ({"beliefs": [belief]}, {"priors": {"ballast.visit": "none"}}):
        (found,) = compare_scenarios(base, [assumed(SANCTION, **changes)])
        assert {one.by_assumption for one in milestones(found).values()} == {None}
        assert found.kinds == ("done", "belief")
