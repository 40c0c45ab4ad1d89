"""The engine of the page in one file is held to the package: same draws, same paths, same numbers."""

import contextlib
import html
import json
import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import forecast.app
from forecast.app import carried as carrying
from forecast.app.engine import Engine
from forecast.app.static_page import static_page, write_static_page
from forecast.config import Scenario, scenario_of
from forecast.config.faults import SourceMap
from forecast.config.scenario import load_scenario
from forecast.errors import ForecastError
from forecast.inference.importance import importance_weights, monte_carlo_error
from forecast.runs.summaries import curve_record
from forecast.scenarios import plan_scenario
from forecast.scenarios.compare import evaluate_plan
from forecast.scenarios.evaluate import weights_for
from forecast.scenarios.futures import Effort, new_futures
from forecast.simulation.random_numbers import RandomStreams

PAGE = Path(forecast.app.__file__).parent / "page"
ASK = Path(__file__).parent / "ask_static_engine.mjs"
ACT = {"date": "2022-08-15", "category": "military_incident", "severity": 4, "probability": 0.5}
SOFT = {"date": "2022-08-01", "category": "sanction", "severity": 2, "probability": 0.8, "label": "a listing"}
VISIT = "A minister visits"
CHANGES = {
    "an act that meets the target": {"events": [ACT]},
    "an act of lower severity, labelled": {"events": [SOFT]},
    "an act within a window": {"events": [{**ACT, "date": None, "window": ["2022-08-01", "2022-10-20"]}]},
    "a likelier act of the calendar": {"calendar": {VISIT: 0.9}},
    "no act of the calendar": {"calendar": {VISIT: 0.0}},
    "a prior in a word": {"priors": {"severity.level.5": "sometimes"}},
    "a prior as a distribution": {"priors": {"baseline.weekly_rate.sanction": "LogNormal(-2.4, 0.4)"}},
    "a prior by quantiles on its scale": {
        "priors": {"excitation.half_life_days": {"weeks": {"q05": 0.55, "median": 1.45, "q95": 4.1}}}
    },
    "a group of priors": {"priors": {"severity.category": "Normal(0.02, 0.3)"}},
    "all together": {
        "events": [ACT, SOFT],
        "calendar": {VISIT: 0.2},
        "priors": {"severity.level.4": "Normal(-1.45, 0.5)"},
    },
}


@pytest.fixture(scope="session")
def ask(node):
    """Put questions to the engine of a page; Node.js runs it."""

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


@contextlib.contextmanager
def rounded_numbers():
    """Let the simulator round its normals as a page carries them, and a page play a quarter of the draws."""
    drawn = RandomStreams.normal

    def rounded(streams, step, purpose, n_paths):
        unit = carrying.NORMAL_UNIT
        return np.round(drawn(streams, step, purpose, n_paths) / unit) * unit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RandomStreams, "normal", rounded)
        patch.setattr(carrying, "PLAYED_DRAWS", 250)
        yield


@pytest.fixture(scope="module")
def exact(inputs, run_from):
    """A run whose draws are as a page carries them, so that nothing but the sums can differ."""
    with rounded_numbers():
        first = run_from(inputs)
        variables = carrying.run_as_carried(first, carrying.kept_draws(first))
        return run_from(inputs, edit=lambda draws: draws.update(variables))


@pytest.fixture(scope="module")
def page(exact, tmp_path_factory):
    """The page of that run."""
    return page_of(exact, tmp_path_factory)


def page_of(run, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "page.html"
    with rounded_numbers():
        file.write_text(static_page(run), encoding="utf-8")
    return file


def weighted(run):
    """Return the run with weights of its paths, as a combination has."""
    rng = np.random.default_rng(3)
    raw = rng.choice([0.5, 0.9, 1.4], size=run.hits.day[0, 0].shape)
    days = np.arange(run.hits.horizon_days + 1)
    dispersion = dict.fromkeys(run.hits.targets, 0.05 + 0.1 * days / days[-1])
    hits = replace(run.hits, weights=raw / raw.sum(), dispersion=dispersion)
    return replace(run, hits=hits, forecast=run.forecast.model_copy(update={"targets": _targets(run, hits)}))


def _targets(run, hits):
    """Targets of the forecast with the curves of other weights."""
    targets = []
    for one in run.forecast.targets:
        curve = hits.curve(one.name)
        milestones = []
        for each in one.milestones:
            day = (each.date - hits.origin).days
            bounds = (float(curve.lower90[day]), float(curve.upper90[day]))
            said = {"probability": float(curve.probability[day]), "interval90": bounds}
            milestones.append(each.model_copy(update=said))
        record = curve_record(curve, hits.origin)
        targets.append(one.model_copy(update={"curve": record, "milestones": tuple(milestones)}))
    return tuple(targets)


@pytest.fixture(scope="module", params=["all paths alike", "weighted paths"])
def made(request, exact, page, tmp_path_factory):
    if request.param == "all paths alike":
        return exact, page
    run = weighted(exact)
    return run, page_of(run, tmp_path_factory)


@pytest.fixture
def both(made):
    """A run, its page, and how a scenario is played as the page does."""
    with rounded_numbers():
        yield *made, Effort(every=4)


def state_for(change):
    """Return a state as the page writes it."""
    kept = dict(change)
    if "events" in kept:
        kept["events"] = [{k: v for k, v in one.items() if v is not None} for one in kept["events"]]
    return kept


def planned(run, change):
    settings = {k: v for k, v in state_for(change).items() if k != "calendar"}
    if "calendar" in change:
        settings["calendar"] = {"probability": change["calendar"]}
    named = {"name": "made", "rationale": "made", **settings}
    return plan_scenario(run.inputs, scenario_of(named, SourceMap("made")))


def test_futures_are_those_of_the_package_path_by_path(both, ask):
    run, page, effort = both
    changes = [change for change in CHANGES.values() if set(change) & {"events", "calendar"}]
    answers = ask(page, *({"ask": "days", "state": state_for(one)} for one in changes))
    for change, found in zip(changes, answers, strict=True):
        wanted = new_futures(run, planned(run, change), effort)
        for name, days in zip((rule.name for rule in run.inputs.rules), found, strict=True):
            expected = np.minimum(wanted[name], 65_535)
            assert np.array_equal(np.reshape(days, expected.shape), expected), (change, name)


def test_weights_and_k_are_those_of_the_package(both, ask):
    run, page, _ = both
    changes = [change for change in CHANGES.values() if "priors" in change]
    answers = ask(page, *({"ask": "weights", "state": state_for(one)} for one in changes))
    for change, found in zip(changes, answers, strict=True):
        wanted = weights_for(run, planned(run, change).priors)
        # Quantiles are fitted by another search; both stop at about eight digits.
        near = 1e-6 if "half_life" in str(change) else 1e-9
        assert np.abs(np.array(found["weights"]) * run.n_draws - wanted.weights * run.n_draws).max() < near
        assert float(found["k"]) == pytest.approx(wanted.pareto_k, abs=near)
        assert found["effective"] == pytest.approx(wanted.effective_draws, rel=near)


@pytest.fixture(scope="module")
def answered(made, ask):
    """Answer and curve of every change, by its name."""
    run, page = made
    target = run.inputs.config.headline.target
    questions = []
    for change in CHANGES.values():
        state = state_for(change)
        questions += [
            {"ask": "answer", "state": state},
            {"ask": "curve", "state": state, "target": target},
        ]
    answers = ask(page, *questions)
    return dict(zip(CHANGES, zip(answers[::2], answers[1::2], strict=True), strict=True))


@pytest.mark.parametrize("name", CHANGES)
def test_answers_are_those_of_the_package(both, answered, name):
    run, _, effort = both
    wanted = evaluate_plan(run, planned(run, CHANGES[name]), refit=False, effort=effort)
    headline = run.inputs.config.headline
    found, curve = answered[name]
    assert found["status"] == "ready", found["reason"]
    assert found["method"] == wanted.method
    target = wanted.target(headline.target)
    # Curves are rounded to five decimals, and a half may fall to either side.
    for key, theirs in (("probability", "probability"), ("low", "lower90"), ("high", "upper90")):
        assert np.abs(np.array(curve[key]) - getattr(target.curve, theirs)).max() < 1.1e-5, key
    for mine, theirs in zip(found["milestones"], target.milestones, strict=True):
        assert mine["difference"] == pytest.approx(theirs.difference.value, abs=1.1e-5)
        assert mine["difference_mcse"] == pytest.approx(theirs.difference.mcse, rel=1e-6)
        assert mine["difference_at_most"] == pytest.approx(theirs.difference.at_most)
    asked = next(one for one in target.milestones if one.name == headline.milestone)
    assert found["assumed"] == pytest.approx(asked.by_assumption, abs=1e-12)
    assert found["assumed"] + found["model_adds"] == pytest.approx(found["difference"], abs=1e-12)


def test_a_change_that_no_path_shows_has_the_bound_of_the_package(both, ask):
    run, page, effort = both
    day = run.inputs.data.grid.origin + timedelta(days=10)
    rare = {"date": day.isoformat(), "category": "visit", "severity": 1, "probability": 1e-5}
    wanted = evaluate_plan(run, planned(run, {"events": [rare]}), refit=False, effort=effort)
    target = wanted.target(run.inputs.config.headline.target)
    (found,) = ask(page, {"ask": "answer", "state": {"events": [rare]}})
    bounds = [one.difference.at_most for one in target.milestones]
    assert bounds[-1] == pytest.approx(1e-5)
    assert [one["difference_at_most"] for one in found["milestones"]] == pytest.approx(bounds)
    assert found["difference_at_most"] in bounds


def test_every_target_is_answered(both, ask):
    run, page, effort = both
    change = CHANGES["all together"]
    wanted = evaluate_plan(run, planned(run, change), refit=False, effort=effort)
    for name in run.hits.targets:
        (found,) = ask(page, {"ask": "answer", "state": {**state_for(change), "target": name}})
        for mine, theirs in zip(found["milestones"], wanted.target(name).milestones, strict=True):
            assert mine["difference"] == pytest.approx(theirs.difference.value, abs=1.1e-5)
            assert mine["difference_mcse"] == pytest.approx(theirs.difference.mcse, rel=1e-6)


def test_a_run_that_cannot_be_carried_withholds_every_change(exact, ask, tmp_path):
    failed = replace(exact, forecast=exact.forecast.model_copy(update={"converged": False}))
    page = tmp_path / "page.html"
    page.write_text(static_page(failed), encoding="utf-8")
    same, changed = ask(page, {"ask": "answer", "state": {}}, {"ask": "answer", "state": {"events": [ACT]}})
    assert same["status"] == "ready"
    assert changed["status"] == "withheld"
    assert "did not converge" in changed["reason"]
    assert "--event 2022-08-15:military_incident:4:0.5" in changed["command"]


def test_words_are_those_of_the_served_page(both, ask):
    run, page, _ = both
    engine = Engine(run)
    for change in ({"events": [SOFT]}, CHANGES["all together"], {"events": [ACT], "without": ["e4"]}):
        state = {**state_for(change), "run": run.forecast.run_id}
        served = json.loads(engine.answer(engine.read(state)).model_dump_json())
        (found,) = ask(page, {"ask": "answer", "state": state})
        for key in ("status", "changes", "method", "target", "milestone", "command", "reason"):
            assert found[key] == served[key], key
        if served["status"] == "ready":
            tail = served["sentence"].partition(")")[2].partition(" ")[2].removeprefix("of ")
            assert found["sentence"].endswith(tail)


def test_nothing_changed_is_exactly_the_run(both, ask):
    run, page, _ = both
    (found,) = ask(page, {"ask": "answer", "state": {}})
    headline = run.inputs.config.headline
    for one in run.forecast.target(headline.target).milestones:
        mine = next(each for each in found["milestones"] if each["name"] == one.name)
        assert (mine["probability"], mine["low"], mine["high"]) == (one.probability, *one.interval90)
    assert (found["difference"], found["difference_mcse"], found["method"]) == (0.0, 0.0, "run")


def test_a_certain_act_that_meets_the_target_is_certain_from_the_day_after(both, ask):
    run, page, _ = both
    state = {"events": [{**ACT, "probability": 1.0}]}
    (curve,) = ask(page, {"ask": "curve", "state": state, "target": "escalation"})
    day = (np.datetime64(ACT["date"]) - np.datetime64(run.inputs.data.grid.origin)).astype(int)
    assert curve["probability"][day + 1 :] == [1.0] * (run.hits.horizon_days - day)
    before = np.array(run.forecast.target("escalation").curve.probability)[: day + 1]
    assert curve["probability"][: day + 1] == pytest.approx(before, abs=1e-9)


def test_what_the_draws_cannot_tell_is_withheld_with_its_command(both, ask):
    run, page, _ = both
    far = {"priors": {"baseline.weekly_rate.sanction": "LogNormal(1, 0.1)"}}
    past, few = {"without": ["e4"]}, {"priors": {"severity.level": "Normal(-1.5, 0.12)"}}
    found = ask(page, *({"ask": "answer", "state": one} for one in (far, past, few)))
    for change, answer in zip((far, past, few), found, strict=True):
        wanted = evaluate_plan(run, planned(run, change), refit=False)
        assert wanted.withheld
        assert answer["status"] == "withheld"
        assert answer["probability"] is None
        assert not answer["curve"]
        assert not answer["milestones"]
        assert answer["command"].startswith("forecast scenario ")
        assert answer["reason"].endswith("A new fit takes about as long as the run.")
    assert "--without e4" in found[1]["command"]


@pytest.mark.parametrize(
    ("state", "key"),
    [
        ({"run": "another"}, "run"),
        ({"events": [{**ACT, "date": "2022-06-30"}]}, "events[0].date"),
        ({"events": [{**ACT, "date": "2023-01-02"}]}, "events[0].date"),
        ({"events": [{**ACT, "date": "2022-02-30"}]}, "events[0].date"),
        ({"events": [{**ACT, "category": "picnic"}]}, "events[0].category"),
        ({"events": [{**ACT, "severity": 6}]}, "events[0].severity"),
        ({"events": [{**ACT, "probability": 1.5}]}, "events[0].probability"),
        ({"events": [ACT, ACT]}, "events[1]"),
        ({"events": [ACT] * 51}, "events"),
        ({"calendar": {"Nobody comes": 0.5}}, "calendar.Nobody comes"),
        ({"priors": {"no.prior": "weak"}}, "priors.no.prior"),
        ({"priors": {"severity.level.4": "Normal(0)"}}, "priors.severity.level.4"),
        ({"priors": {"severity.level.4": "Normal(0, -1)"}}, "priors.severity.level.4"),
        ({"priors": {"severity.level.4": "__proto__"}}, "priors.severity.level.4"),
        ({"priors": {"excitation.half_life_days": "Normal(3, 1)"}}, "priors.excitation.half_life_days"),
        ({"without": ["e99"]}, "without[0]"),
        ({"color": 1}, "color"),
    ],
)
def test_a_state_that_cannot_be_is_refused_by_engine_and_package(exact, page, ask, state, key):
    (found,) = ask(page, {"ask": "answer", "state": {"events": [SOFT], **state}})
    assert found["key"] == key
    engine = Engine(exact)
    with pytest.raises(ForecastError):
        engine.answer(engine.read({"events": [SOFT], **state}))


def test_statements_of_priors_are_read_as_the_package_reads_them(exact, page, ask):
    statements = [
        *((name, word) for name, prior in exact.inputs.priors.priors.items() for word in prior.group.words),
        *((name, "default") for name in exact.inputs.priors.priors),
        ("severity.level.4", "Normal(mu=-1, sigma=.5)"),
        ("excitation.branching.visit", "Beta(alpha=2, beta=1e1)"),
        ("ballast.visit", {"effect": {"median": "-50%", "q95": "0%"}}),
        ("ballast.visit", {"effect": {"q05": -0.6, "median": -0.5, "q95": 0.1}}),
        ("baseline.weekly_rate.visit", {"a_year": {"q05": 2, "q25": 4, "q95": 20}}),
        ("excitation.branching.visit", {"interval90": [0.1, 0.5]}),
        ("excitation.branching.visit", {"per_hundred": {"q05": 5, "q50": 15, "q975": 60}}),
        ("severity.level.5", {"chance": {"q05": "2%", "q95": "20%"}}),
        ("tension.loading.visit", {"share": {"median": "20%", "q95": "60%"}}),
        ("overdispersion.shape.visit", {"spread": {"median": 2, "q95": 4}}),
        ("severity.tension", {"odds": {"median": 2, "q95": 4}}),
        ("tension.scale", {"times": {"median": 2, "q95": 4}}),
    ]
    answers = ask(page, *({"ask": "prior", "name": name, "statement": one} for name, one in statements))
    for (name, statement), found in zip(statements, answers, strict=True):
        wanted = exact.inputs.priors.changed({name: statement}, "scenario").priors[name].distribution
        assert found.get("family") == wanted.family, (name, statement, found)
        assert found["values"] == pytest.approx(wanted.values, rel=2e-6, abs=2e-6), (name, statement)


def test_the_scenario_file_of_a_state_is_read_by_the_package(exact, page, ask, tmp_path):
    odd = {**SOFT, "label": 'quotes " and: # marks — \\ é', "probability": 1e-7}
    states = [state_for(one) for one in CHANGES.values()]
    states += [{"events": [odd], "without": ["e1", "e4"], "calendar": {VISIT: 1}}]
    texts = ask(page, *({"ask": "yaml", "state": one} for one in states))
    for state, text in zip(states, texts, strict=True):
        file = tmp_path / "scenario.yaml"
        file.write_text(text, encoding="utf-8")
        mine = load_scenario(file)
        theirs = Engine(exact).read(state).scenario
        assert isinstance(mine, Scenario)
        assert theirs is not None
        assert mine.model_dump() == theirs.model_dump()
    (nothing,) = ask(page, {"ask": "yaml", "state": {}})
    assert "nothing is changed" in nothing["error"]


def test_a_single_change_that_reaches_a_goal_does_reach_it(both, ask):
    _, page, _ = both
    (now,) = ask(page, {"ask": "answer", "state": {"events": [SOFT]}})
    goal = now["probability"] + 0.03
    (found,) = ask(page, {"ask": "goal", "state": {"events": [SOFT]}, "goal": goal})
    reaching = [one for one in found["changes"] if one["reaches"]]
    assert {"prior", "act"} <= {one["kind"] for one in reaching}
    states = [{"events": [SOFT], **one["setting"]} for one in reaching]
    answers = ask(page, *({"ask": "answer", "state": one} for one in states))
    for one, there in zip(reaching, answers, strict=True):
        assert there["status"] == "ready"
        # Priors are stated to four figures, and found to a thousandth of their spread. An act happens on as
        # many of the paths as chance lets it.
        near = 2e-3 if one["kind"] == "prior" else 4 * there["milestones"][-1]["difference_mcse"]
        assert there["probability"] == pytest.approx(goal, abs=near), one


def test_special_functions_are_those_of_scipy(page, ask):
    rng = np.random.default_rng(1)
    beta = [[float(rng.choice([0.05, 0.95])), *np.exp(rng.normal(0, 3, 2)).tolist()] for _ in range(1000)]
    normal = [0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.975, 0.999]
    series = np.cumsum(rng.normal(size=(4, 300)), axis=1)
    series -= 0.9 * np.concatenate([np.zeros((4, 1)), series[:, :-1]], axis=1)
    ratios = [rng.normal(0, size, 1000).tolist() for size in (0.1, 1.0, 3.0)]
    ratios += [rng.integers(0, 3, 1000).astype(float).tolist(), [0.0] * 500, rng.normal(size=20).tolist()]
    answers = ask(
        page,
        {"ask": "quantiles", "beta": beta, "normal": normal},
        {"ask": "error", "series": series.ravel().tolist(), "chains": 4},
        {"ask": "error", "series": rng.permutation(series.ravel()).tolist(), "chains": 4},
        *({"ask": "pareto", "ratio": one} for one in ratios),
    )
    assert answers[0][0] == pytest.approx([special.betaincinv(a, b, p) for p, a, b in beta], abs=1e-11)
    assert answers[0][1] == pytest.approx(special.ndtri(normal), abs=1e-13)
    assert answers[1] == pytest.approx(monte_carlo_error(series.ravel(), 4), rel=1e-9)
    for ratio, found in zip(ratios, answers[3:], strict=True):
        wanted = importance_weights(np.array(ratio))
        assert found["weights"] == pytest.approx(wanted.weights, rel=1e-9, abs=1e-15)
        assert float(found["k"]) == pytest.approx(wanted.pareto_k, abs=1e-9)


def test_draws_that_were_rounded_and_thinned_answer_within_monte_carlo_error(base, ask, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(static_page(base), encoding="utf-8")
    answers = ask(page, *({"ask": "answer", "state": state_for(one)} for one in CHANGES.values()))
    for change, found in zip(CHANGES.values(), answers, strict=True):
        wanted = evaluate_plan(base, planned(base, change), refit=False, effort=Effort(paths=6))
        headline = base.inputs.config.headline
        one = next(
            each for each in wanted.target(headline.target).milestones if each.name == headline.milestone
        )
        error = np.hypot(found["difference_mcse"], one.difference.mcse)
        assert abs(found["difference"] - one.difference.value) < 4 * error + 2e-4, change
        if wanted.pareto_k is not None:
            assert found["pareto_k"] == pytest.approx(wanted.pareto_k, abs=0.01)


def test_a_large_run_is_thinned_and_its_changes_put_upon_the_whole(base, ask, tmp_path, monkeypatch):
    monkeypatch.setattr(carrying, "MOST_DRAWS", 400)
    monkeypatch.setattr(carrying, "MOST_FIRST_DAYS", 3 * 400 * 2)
    monkeypatch.setattr(carrying, "EFFECTIVE_DRAWS_MIN", 40.0)
    kept = carrying.kept_draws(base)
    assert (len(kept.draws), kept.paths) == (332, 3)
    page = tmp_path / "page.html"
    page.write_text(static_page(base), encoding="utf-8")
    certain = {"events": [{**ACT, "probability": 1.0}]}
    states = [state_for(one) for one in CHANGES.values()]
    *answers, sure = ask(page, *({"ask": "answer", "state": one} for one in (*states, certain)))
    assert [one["probability"] for one in sure["milestones"]] == [1.0, 1.0]
    known = base.forecast.target(base.inputs.config.headline.target).milestones[-1].probability
    for change, found in zip(CHANGES.values(), answers, strict=True):
        wanted = evaluate_plan(base, planned(base, change), refit=False).target("escalation").milestones[-1]
        assert found["base"]["probability"] == known
        assert found["probability"] - known == pytest.approx(found["difference"], abs=1e-12)
        error = np.hypot(found["difference_mcse"], wanted.difference.mcse)
        assert abs(found["difference"] - wanted.difference.value) < 4 * error + 2e-4, change


def test_the_page_is_one_file_that_may_load_nothing(run_folder, tmp_path):
    file = tmp_path / "page.html"
    size = write_static_page(run_folder, file)
    text = file.read_text(encoding="utf-8")
    assert size == file.stat().st_size < 2_000_000
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert html.unescape(policy[1]).startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert not [one for one in ('src="', 'href="page', "url(http", "@import url", "import(") if one in text]
    assert str(run_folder.parent) not in text
