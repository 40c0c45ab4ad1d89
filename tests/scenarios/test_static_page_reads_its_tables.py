"""The page in one file answers single changes as the served page does, and calls several approximate."""

import html
import json
import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

import forecast.app
from forecast.app.engine import Engine
from forecast.app.page_model import page_model
from forecast.app.static_page import ALIKE, static_page, write_static_page
from forecast.config import Scenario
from forecast.config.scenario import load_scenario

PAGE = Path(forecast.app.__file__).parent / "page"
ASK = Path(__file__).parent / "ask_static_page.mjs"
VISIT = "A minister visits"
POINTS = 0.005
"""Half a percentage point: how near a single change has to be, beside the error of the served answer."""


@pytest.fixture(scope="session")
def ask(node):
    """Put questions to a page; Node.js runs its script."""

    def put(page: Path, *questions):
        done = subprocess.run(
            [node, str(ASK), str(PAGE), str(page)],
            input=json.dumps(questions),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return put


@pytest.fixture(scope="module")
def engine(base):
    return Engine(base)


@pytest.fixture(scope="module")
def page(run_folder, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "page.html"
    assert write_static_page(run_folder, file) == file.stat().st_size
    return file


@pytest.fixture
def answers(page, ask):
    """Answers of the page to states."""
    return lambda *states: ask(page, *({"ask": "answer", "state": state} for state in states))


def act(day, category, severity, probability=1.0, **more):
    return {"date": day, "category": category, "severity": severity, "probability": probability, **more}


ACTS = [
    act("2022-07-01", "visit", 4),
    act("2022-07-20", "visit", 2, 0.6),
    act("2022-08-15", "military_incident", 4),
    act("2022-08-15", "military_incident", 4, 0.5),
    act("2022-08-31", "military_posture", 3, 0.8),
    act("2022-09-30", "sanction", 4),
    act("2022-10-01", "dispute", 5, 0.3),
    act("2022-10-20", "channel_opening", 4),
    act("2022-12-31", "military_incident", 5, 0.9),
    {**act(None, "cooperation", 4, 0.7), "window": ["2022-08-01", "2022-10-20"]},
]


def state_of(one):
    return {"events": [{key: value for key, value in one.items() if value is not None}]}


def apart(served, found):
    """Largest distance of a milestone's probability beyond what the error of the served answer explains."""
    pairs = zip(served.milestones, found["milestones"], strict=True)
    return max(abs(a.probability - b["probability"]) - 3 * a.difference_mcse for a, b in pairs)


@pytest.mark.parametrize("target", ["escalation", "lethal"])
def test_an_act_changes_what_it_changes_on_the_served_page(engine, answers, target):
    states = [{**state_of(one), "target": target} for one in ACTS]
    for state, found in zip(states, answers(*states), strict=True):
        served = engine.answer(engine.read(state))
        assert (found["status"], found["method"]) == ("ready", "tabulated")
        assert apart(served, found) < POINTS, state
        assert found["assumed"] == pytest.approx(served.assumed, abs=1e-9), state
        assert found["assumed"] + found["model_adds"] == pytest.approx(found["difference"], abs=1e-12)
        # A page may be mailed: of where the run lies it names the last folder alone.
        assert found["command"] == served.command.replace(served.command.split()[2], "2022-06-30")


def test_an_act_on_a_day_of_the_table_has_the_numbers_of_the_served_page(engine, base, answers):
    origin = base.inputs.data.grid.origin
    states = [state_of(act((origin + timedelta(days=day)).isoformat(), "visit", 4)) for day in (0, 42, 126)]
    for state, found in zip(states, answers(*states), strict=True):
        served = engine.answer(engine.read(state))
        for one, row in zip(served.milestones, found["milestones"], strict=True):
            assert row["probability"] == pytest.approx(one.probability, abs=ALIKE + 5e-4)
            assert row["difference_mcse"] == pytest.approx(one.difference_mcse, abs=1e-3)


def test_a_likelier_target_has_the_range_of_the_served_page(engine, answers):
    # With 1,000 draws the served range itself moves by up to 0.14 from one day of the act to the next.
    states = [state_of(act("2022-07-02", "sanction", 4, chance)) for chance in (0.1, 0.2, 0.4, 0.7)]
    for state, found in zip(states, answers(*states), strict=True):
        for one, row in zip(engine.answer(engine.read(state)).milestones, found["milestones"], strict=True):
            assert (row["low"], row["high"]) == pytest.approx((one.low, one.high), abs=0.2)


@pytest.mark.parametrize("target", ["escalation", "lethal"])
def test_a_belief_changes_what_it_changes_on_the_served_page(engine, base, answers, target):
    beliefs = [
        (prior.name, statement)
        for prior in page_model(engine).priors[::9]
        for statement in (*(one.statement for one in prior.stops if one.steps),)
    ]
    states = [{"priors": {name: statement}, "target": target} for name, statement in beliefs]
    statuses = set()
    for state, found in zip(states, answers(*states), strict=True):
        served = engine.answer(engine.read(state))
        statuses.add(served.status)
        assert found["status"] == served.status, state
        if served.status == "withheld":
            assert found["reason"] == served.reason
            assert (found["probability"], found["curve"], found["milestones"]) == (None, [], [])
        else:
            assert apart(served, found) < POINTS, state
            assert found["trust"].startswith(served.trust) or served.method == "reweight"
            assert "comes from a table" in found["trust"]
    assert statuses == {"ready", "withheld"}


def test_a_scheduled_act_is_linear_between_ruled_out_and_certain(engine, answers):
    chances = (0.0, 0.25, 0.5, 0.75, 1.0)
    found = answers(*({"calendar": {VISIT: chance}} for chance in chances))
    for chance, one in zip(chances, found, strict=True):
        served = engine.answer(engine.read({"calendar": {VISIT: chance}}))
        assert apart(served, one) < POINTS
    steps = [b["probability"] - a["probability"] for a, b in pairwise(found)]
    assert steps == pytest.approx([steps[0]] * 4, abs=1e-9)
    assert found[2]["difference"] == 0.0


@pytest.mark.slow
def test_single_changes_of_a_mean_are_those_of_the_served_page(mixed, ask, tmp_path):
    engine, file = Engine(mixed), tmp_path / "page.html"
    file.write_text(static_page(mixed), encoding="utf-8")
    belief = page_model(engine).priors[0]
    states = [
        *({**state_of(one), "target": target} for one in ACTS for target in ("escalation", "lethal")),
        *({"calendar": {VISIT: chance}} for chance in (0.0, 0.25, 1.0)),
        *({"priors": {belief.name: stop.statement}} for stop in belief.stops if stop.steps),
    ]
    found = ask(file, *({"ask": "answer", "state": state} for state in states))
    for state, one in zip(states, found, strict=True):
        served = engine.answer(engine.read(state))
        assert one["status"] == served.status, state
        if served.status == "ready":
            assert apart(served, one) < POINTS, state


def test_a_past_event_is_withheld_as_on_the_served_page(engine, answers):
    states = {"without": ["e4"]}, {"without": ["e1", "e4"]}
    for state, found in zip(states, answers(*states), strict=True):
        served = engine.answer(engine.read(state))
        assert found["status"] == served.status == "withheld"
        assert found["reason"].startswith("Past events are taken out")
        assert "--without e4" in found["command"]


def test_an_act_of_no_chance_changes_nothing_and_the_probability_is_linear_in_its_chance(answers):
    chances = (0.0, 0.25, 0.5, 0.75, 1.0)
    for kind in (("visit", 4), ("military_incident", 3), ("sanction", 5)):
        found = answers(*(state_of(act("2022-08-03", *kind, chance)) for chance in chances))
        assert found[0]["difference"] == 0.0
        assert all(row["difference"] == 0.0 for row in found[0]["milestones"])
        steps = [b["probability"] - a["probability"] for a, b in pairwise(found)]
        assert steps == pytest.approx([steps[0]] * 4, abs=1e-9)


def test_an_act_that_meets_the_target_is_certain_from_the_day_after_and_changes_nothing_before(base, answers):
    on_a_milestone = "2022-10-01"
    (found,) = answers(state_of(act(on_a_milestone, "sanction", 4)))
    autumn, new_year = found["milestones"]
    assert (autumn["difference"], new_year["probability"]) == (0.0, 1.0)
    known = page_model(Engine(base)).base["escalation"].curve
    wanted = [one.probability if one.date.isoformat() <= on_a_milestone else 1.0 for one in known]
    assert [point["probability"] for point in found["curve"]] == pytest.approx(wanted, abs=1e-12)


def test_curves_never_fall_and_stay_within_their_ranges(answers):
    states = [state_of(one) for one in ACTS] + [{"events": [ACTS[0], *ACTS[3:9]]}]
    for found in answers(*states):
        for key in ("probability", "low", "high"):
            assert all(a[key] <= b[key] for a, b in pairwise(found["curve"]))
        assert all(0 <= one["low"] <= one["probability"] <= one["high"] <= 1 for one in found["curve"])


def test_nothing_changed_is_exactly_the_run(base, answers):
    (found,) = answers({})
    for one, row in zip(base.forecast.target("escalation").milestones, found["milestones"], strict=True):
        found_numbers = (row["probability"], row["low"], row["high"])
        assert found_numbers == pytest.approx((one.probability, *one.interval90), abs=1e-12)
        assert (row["difference"], row["difference_mcse"]) == (0.0, 0.0)


def test_several_changes_are_called_approximate_and_are_near(engine, answers):
    name = "baseline.weekly_rate.escalation"
    stops = next(one.stops for one in page_model(engine).priors if one.name == name)
    belief = next(one.statement for one in stops if one.steps == 0.5)
    combined = [
        {"events": [ACTS[0], ACTS[4]]},
        {"events": [ACTS[3], act("2022-09-10", "dispute", 4, 0.5)]},
        {"events": [ACTS[1]], "calendar": {VISIT: 1.0}},
        {"events": [ACTS[0]], "priors": {name: belief}},
    ]
    for state, found in zip(combined, answers(*combined), strict=True):
        assert (found["status"], found["method"]) == ("ready", "combined")
        assert found["trust"].startswith("Approximate:")
        assert "The command gives exact figures." in found["trust"]
        assert found["command"].startswith("forecast scenario 2022-06-30 ")
        assert apart(engine.answer(engine.read(state)), found) < 4 * POINTS, state


def test_beliefs_that_leave_too_few_draws_together_are_withheld(engine, answers):
    priors = page_model(engine).priors
    far = {one.name: one.stops[10].statement for one in priors}
    (found,) = answers({"priors": far})
    assert found["status"] == "withheld"


def test_a_belief_that_is_not_tabulated_is_withheld_with_its_command(answers):
    (found,) = answers({"priors": {"tension.scale": "LogNormal(0.123, 0.4)"}})
    assert found["status"] == "withheld"
    assert "knows beliefs at the stops of their sliders alone" in found["reason"]
    assert "tension.scale=LogNormal(0.123, 0.4)" in found["command"]


def test_a_change_that_no_future_shows_has_a_bound(answers):
    (found,) = answers(state_of(act("2022-07-11", "visit", 1, 1e-5)))
    assert found["difference_at_most"] == pytest.approx(1e-5)


def test_an_act_that_cannot_be_is_refused(answers):
    wrong = {
        "after 30 June 2022": [act("2022-06-30", "visit", 1)],
        "at the latest 1 January 2023": [act("2023-01-02", "visit", 1)],
        "picnic: no category": [act("2022-08-01", "picnic", 1)],
        "Severity 6": [act("2022-08-01", "visit", 6)],
        "The same act twice": [ACTS[0], ACTS[0]],
    }
    for said, found in zip(wrong, answers(*({"events": events} for events in wrong.values())), strict=True):
        assert said in found["error"]


def test_a_run_that_did_not_converge_withholds_every_change(base, ask, tmp_path):
    failed = replace(base, forecast=base.forecast.model_copy(update={"converged": False}))
    page = tmp_path / "page.html"
    page.write_text(static_page(failed), encoding="utf-8")
    (changed,) = ask(page, {"ask": "answer", "state": state_of(ACTS[3])})
    assert changed["status"] == "withheld"
    assert "did not converge" in changed["reason"]
    assert "--event 2022-08-15:military_incident:4:0.5" in changed["command"]


@pytest.mark.parametrize("up", [True, False])
def test_what_it_would_take_is_an_act_or_belief_that_does_take_it_there(engine, page, ask, answers, up):
    state = state_of(ACTS[1])
    (now,) = answers(state)
    goal = now["probability"] + (0.01 if up else -0.01)
    (found,) = ask(page, {"ask": "goal", "state": state, "goal": goal})
    reaching = [one for one in found if one["reaches"]]
    assert reaching
    assert found[: len(reaching)] == reaching
    assert {one["kind"] for one in found} >= {"prior", "act"}
    for one, there in zip(reaching, answers(*({**state, **one["setting"]} for one in reaching)), strict=True):
        assert there["probability"] == pytest.approx(one["probability"], abs=1e-9)
        assert there["probability"] >= goal - 1e-9 if up else there["probability"] <= goal + 1e-9
        if one["kind"] != "prior":
            assert there["probability"] == pytest.approx(goal, abs=2e-3), one
    # The served page finds the same: both ask for answers, and search alike.
    for one in reaching[:3]:
        served = engine.answer(engine.read({**state, **one["setting"]}))
        assert served.probability == pytest.approx(one["probability"], abs=0.02)


def test_what_is_itself_forecast_is_never_said_to_be_what_it_takes(page, ask, answers, engine):
    (found,) = ask(page, {"ask": "goal", "state": {}, "goal": 0.999})
    assert found
    assert not any(one["reaches"] for one in found)
    rule = next(one for one in page_model(engine).targets if one.name == "escalation")
    for category in rule.any_of:
        assert not any(
            f"{category.replace('_', ' ')} of severity {severity}" in one["text"]
            for one in found
            for severity in range(rule.min_severity, 6)
        )


def test_the_scenario_file_of_a_state_is_read_by_the_package(engine, page, ask, tmp_path):
    odd = act("2022-08-01", "sanction", 2, 1e-7, label='quotes " and: # marks — \\ é')
    states = [
        *map(state_of, ACTS),
        {"priors": {"severity.level.5": "sometimes", "severity.level.4": "Normal(-1.45, 0.5)"}},
        {"priors": {"excitation.half_life_days": {"weeks": {"q05": 0.55, "median": 1.45, "q95": 4.1}}}},
        {"events": [odd], "without": ["e1", "e4"], "calendar": {VISIT: 1}},
    ]
    texts = ask(page, *({"ask": "yaml", "state": one} for one in states))
    for state, text in zip(states, texts, strict=True):
        file = tmp_path / "scenario.yaml"
        file.write_text(text, encoding="utf-8")
        mine, theirs = load_scenario(file), engine.read(state).scenario
        assert isinstance(mine, Scenario)
        assert theirs is not None
        assert mine.model_dump() == theirs.model_dump()
    (nothing,) = ask(page, {"ask": "yaml", "state": {}})
    assert "nothing is changed" in nothing["error"]


def test_the_page_is_one_file_that_may_load_nothing(run_folder, page):
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_size < 2_000_000
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert html.unescape(policy[1]).startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert not [one for one in ('src="', 'href="page', "url(http", "@import url", "import(") if one in text]
    assert str(run_folder.parent) not in text
