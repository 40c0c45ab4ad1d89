"""Scenario files: what is wrong is named with its place, and what is right reads back as the same."""

import re
from datetime import date
from pathlib import Path

import pytest

from forecast.config import load_config, load_scenario, load_scenarios, scenario_yaml
from forecast.config.scenario import scenario_from_options
from forecast.errors import ConfigError
from forecast.inference.importance import PARETO_K_MAX
from forecast.runs.inputs import read_inputs
from forecast.scenarios import plan_change

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "configs/scenarios").glob("*.yaml"))
ACT = "  - {date: 2022-08-15, category: sanction, severity: 3}"


WRONG = [
    [],
    ["event:", ACT],
    ["events:", "  - {category: sanction, severity: 3}"],
    [
        "events:",
        "  - {date: 2022-08-15, window: [2022-08-15, 2022-08-20], category: visit, severity: 1}",
    ],
    ["events:", "  - {window: [2022-08-20, 2022-08-15], category: visit, severity: 1}"],
    ["events:", "  - {date: 2022-08-15, category: sanction, severity: 3, probability: 1.2}"],
    ["events:", "  - {date: 2022-08-15, category: sanctions, severity: 3}"],
    ["events:", "  - {date: 2022-08-15, category: blockade, severity: 5}"],
    ["events:", ACT, ACT],
    ["reaction: {line: {within_days: 3}}", "events:", ACT],
    ["reactions:", "  line: {when: {category: dispute}, then: {category: dispute, by: CHN}}"],
    ["reactions:", "  line: {when: {category: dispute}, then: {target: lethal}, chance: 1}"],
    ["without: [{id: e1, category: visit}]"],
    ["without: [{}]"],
    ["without: [{from: 2022-02-01, to: 2022-01-01}]"],
    ["calendar: {replace: [], probability: {A minister visits: 0.9}}"],
    ["priors: {tension.scale: {median: 2, q05: 3}}"],
    ["events:", "  - {date: 2022-08-15, category: sanction, severity: 3, probability: 0.5, seen: true}"],
    ["beliefs: [{target: lethal, window: [2022-08-15, 2022-08-20], ratio: -1}]"],
    ["beliefs: [{target: lethal, window: [2022-08-20, 2022-08-15], ratio: 2}]"],
    [
        "beliefs:",
        "  - {target: lethal, window: [2022-08-01, 2022-08-20], ratio: 2}",
        "  - {target: lethal, window: [2022-08-20, 2022-08-30], ratio: 3}",
    ],
]


def refusals(written, cases, read) -> str:
    """What is said of each case, below its lines."""
    messages = []
    for lines in cases:
        path = written(*lines)
        with pytest.raises(ConfigError, match=f"^{path}:") as refused:
            read(path)
        messages.append("\n".join([*lines, f"    {refused.value}"]).replace(f"{path}:", ""))
    return "\n".join(messages)


UNFIT = [
    ["priors: {balast.visit: calms}"],
    ["priors:", "  answers.half_life_days: Normal(-5, 1)"],
    ["priors: {ballast.visit: calmy}"],
    ["events:", "  - {date: 2022-06-30, category: sanction, severity: 3}"],
    ["events:", "  - {window: [2022-06-01, 2022-08-01], category: sanction, severity: 3}"],
    ["events:", "  - {date: 2023-01-02, category: sanction, severity: 3}"],
    ["beliefs: [{target: letal, window: [2022-08-15, 2022-08-20], ratio: 2}]"],
    ["beliefs: [{target: lethal, window: [2022-06-30, 2022-08-20], ratio: 2}]"],
    ["beliefs: [{target: lethal, window: [2022-08-20, 2023-01-01], ratio: 2}]"],
    ["events:", "  - {date: 2022-09-01, category: visit, severity: 2, label: A minister visits}"],
    ["without: [e7]"],
    ["without: [{category: visit, from: 2022-01-01}]"],
    ["without: [{category: military_incident}]"],
    ["calendar: {probability: {A minister visit: 0.9}}"],
    ["reactions:", "  line: {when: {category: dispute}, then: {target: escalation}}"],
    ["reactions:", "  line: {when: {category: visit, by: FRA}, then: {target: letal}}"],
    ["reactions:", "  line: {when: {category: visit, by: CHN}, then: {target: lethal}}"],
    ["reactions:", "  line: {when: {category: visit}, then: {target: lethal}, chance: 'Gamma(1, 1)'}"],
    ["reactions:", "  line: {when: {calendar: A visit}, then: {target: lethal}, chance: likely}"],
    ["reactions:", "  line: {when: {milestone: new-year}, then: {target: lethal}, chance: likely}"],
    [
        "reactions:",
        "  line: {when: {milestone: autumn}, then: {target: lethal}, chance: likely, past: [2020-10-01]}",
    ],
]


def test_what_is_wrong_in_itself_is_named_with_its_place(written, snapshot):
    assert refusals(written, WRONG, load_scenario) == snapshot


def test_what_does_not_fit_the_run_is_named_with_its_place(written, inputs, snapshot):
    assert refusals(written, UNFIT, lambda path: plan_change(inputs, load_scenario(path))) == snapshot


def test_all_faults_come_in_one_message(written, inputs):
    path = written(
        "priors: {balast.visit: calms, tension.scale: 'Normal(0, 1)'}",
        "without: [e7, e8]",
        "events:",
        "  - {date: 2022-06-01, category: sanction, severity: 3}",
    )
    with pytest.raises(ConfigError) as caught:
        plan_change(inputs, load_scenario(path))
    assert len(str(caught.value).splitlines()) == 5


def test_a_config_lists_scenarios_from_its_own_folder_and_no_name_twice(tmp_path, folder, written):
    (tmp_path / "events.csv").write_bytes((folder / "events.csv").read_bytes())
    written("events:", ACT, file="one.yaml")
    written("events:", ACT, file="two.yaml")

    def listed(*names):
        text = (folder / "config.yaml").read_text()
        (tmp_path / "config.yaml").write_text(f"{text}scenarios: [{', '.join(names)}]\n")
        return [one.name for one in read_inputs(load_config(tmp_path / "config.yaml")).scenarios]

    assert listed("one.yaml") == ["tried"]
    with pytest.raises(ConfigError, match=r"two scenarios are named 'tried': .*one.yaml and .*two.yaml"):
        listed("one.yaml", "two.yaml")
    with pytest.raises(ConfigError, match=r"three.yaml"):
        listed("three.yaml")


@pytest.fixture(scope="module")
def worked():
    return read_inputs(load_config(ROOT / "configs/us-china-2023.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_fit_the_worked_case_and_read_back_as_the_same(path, tmp_path, worked, us_china):
    scenario = load_scenario(path)
    assert scenario.name == path.stem
    plan_change(worked, scenario)
    copy = tmp_path / "copy.yaml"
    copy.write_text(scenario_yaml(scenario), encoding="utf-8")
    assert load_scenario(copy) == scenario
    text = path.read_text(encoding="utf-8")
    reference = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / reference).resolve() == ROOT / "docs/scenario.schema.json"
    # Events that it names are in the data and were known.
    known = us_china.known_by(worked.config.as_of)
    assert set(re.findall(r"usa-chn-\d{8}-\d\d", text)) <= set(known.id)


def test_the_worked_case_lists_scenarios_of_which_none_needs_a_new_fit(worked):
    assert len(SHIPPED) >= 9
    assert len(worked.scenarios) == len(worked.config.scenarios) >= 6
    assert not any(plan_change(worked, one).taken_out for one in worked.scenarios)
    assert load_scenarios(worked.config) == worked.scenarios


def test_examples_of_the_page_are_valid_and_its_names_and_numbers_hold(tmp_path, worked):
    page = (ROOT / "docs/scenarios.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        path = tmp_path / "example.yaml"
        path.write_text(example, encoding="utf-8")
        plan_change(worked, load_scenario(path))
    for name in re.findall(r"configs/scenarios/([a-z-]+)\.yaml", page):
        assert name in {path.stem for path in SHIPPED}
    assert f"{['Eight', 'Nine', 'Ten'][len(SHIPPED) - 8]} worked examples" in page
    assert f"Pareto k at most {PARETO_K_MAX}" in page


TAIWAN = (
    "  {name}: {{when: {{category: dispute, subcategory: {kind}}}, then: {{by: CHN, {then}}}, chance: 60%}}"
)


def test_reactions_stand_beside_those_of_the_config_or_take_their_place(written, worked):
    def rules(*lines):
        return plan_change(worked, load_scenario(written(*lines))).inputs.reactions

    (own,) = worked.reactions
    posture = "category: military_posture"
    line = TAIWAN.format(name="taiwan_contact", kind="taiwan_visit", then=posture)
    (changed,) = rules("reactions:", line)
    assert (changed.chance, changed.when.subcategory) == (0.6, ("taiwan_visit",))
    other = TAIWAN.format(name="other", kind="blockade", then=posture)
    allowed = rules("new_subcategories: [blockade]", "reactions:", other)
    assert [one.name for one in allowed] == ["taiwan_contact", "other"]
    assert rules("events:", ACT.replace("2022", "2023")) == (own,)
    same = TAIWAN.format(name="x", kind="[taiwan_transit, taiwan_visit, taiwan_contact]", then=posture)
    with pytest.raises(ConfigError, match=r"reactions\.x: 'taiwan_contact' has the same class and answer"):
        rules("reactions:", same)
    near = TAIWAN.format(name="x", kind="taiwan_vist", then=posture)
    with pytest.raises(ConfigError, match=r"'taiwan_vist'\. Did you mean 'taiwan_visit'\?"):
        rules("reactions:", near)


def test_an_occasion_is_an_act_that_the_scenario_assumes(written, worked):
    path = written(
        "events: [{date: 2024-05-20, category: visit, severity: 2, probability: 0.3, label: Envoy}]",
        "reactions: {envoy: {when: {calendar: Envoy}, then: {by: CHN}, chance: likely}}",
    )
    *_, rule = plan_change(worked, load_scenario(path)).inputs.reactions
    assert (str(rule.ahead), rule.ahead_probability) == ("2024-05-20", 0.3)


def test_a_subcategory_reaches_the_act_and_one_that_looks_like_a_slip_is_refused(worked):
    def acts(*options, **more):
        stated = scenario_from_options([], options, [], **more)
        return plan_change(worked, stated).inputs.calendar[len(worked.calendar) :]

    (act,) = acts("2024-05-22:dispute/taiwan_visit:4:1:USA")
    assert (act.category, act.subcategory, act.by, act.probability) == ("dispute", "taiwan_visit", "USA", 1.0)
    for unseen, says in (("taiwan_visits", "Did you mean 'taiwan_visit'"), ("oil", "They have: taiwan_v")):
        with pytest.raises(ConfigError, match=rf"events\[0\]\.subcategory: .*{says}"):
            acts(f"2024-05-22:dispute/{unseen}:4:USA")
    (act,) = acts("2024-05-22:dispute/oil:4:USA", new=["oil"])
    assert act.subcategory == "oil"
    (act,) = acts("22/05/2024:dispute/taiwan_visit:4:USA", dates="dmy")
    assert act.date == date(2024, 5, 22)
    with pytest.raises(ConfigError, match="write 2024-05-06 for 6 May 2024 or 2024-06-05"):
        acts("06/05/2024:dispute/taiwan_visit:4:USA")


def test_options_read_as_the_file_that_says_the_same(written):
    stated = scenario_from_options(
        ["ballast.visit={q05: -0.1, median: 0.1, q95: 0.4}", "tension.persistence = slow"],
        [
            "2022-08-15:sanction:3:0.7",
            "2022-08-01..2022-08-20:visit:4",
            "2022-08-16:dispute/taiwan_visit:4:1:USA",
            "2022-08-17:dispute/taiwan_visit:4:USA:0.5",
        ],
        ["e1"],
    )
    path = written(
        "priors: {ballast.visit: {q05: -0.1, median: 0.1, q95: 0.4}, tension.persistence: slow}",
        "events:",
        "  - {date: 2022-08-15, category: sanction, severity: 3, probability: 0.7}",
        "  - {window: [2022-08-01, 2022-08-20], category: visit, severity: 4}",
        "  - {date: 2022-08-16, category: dispute, subcategory: taiwan_visit, severity: 4, by: USA}",
        "  - {date: 2022-08-17, category: dispute, subcategory: taiwan_visit, severity: 4, by: USA,",
        "     probability: 0.5}",
        "without: [e1]",
    )
    said = load_scenario(path)
    for part in ("priors", "events", "without"):
        assert getattr(stated, part) == getattr(said, part)
    assert scenario_from_options([], [], []) is None


def test_options_that_cannot_be_read_are_named(snapshot):
    messages = []
    for options in (
        (["ballast.visit"], [], []),
        (["a=b", "a=c"], [], []),
        ([], ["2022-08-15:sanction"], []),
        ([], ["2022-08-15:sanction:x"], []),
        ([], ["2022-08-15:sanction:3:1.2"], []),
        ([], ["soon:sanction:3"], []),
        ([], ["2022-08-15:sanction/:3"], []),
        ([], ["2022-08-15:sanction/a*:3"], []),
    ):
        with pytest.raises(ConfigError, match=r"^--") as refused:
            scenario_from_options(*options)
        messages.append(str(refused.value))
    assert "\n".join(messages) == snapshot
