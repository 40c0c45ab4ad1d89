"""What severities mean, and what a question is: both are written by people and checked as a whole."""

import json
from datetime import date
from pathlib import Path

import pytest

from forecast.config import load_config
from forecast.config.describe import questions
from forecast.config.draft import draft_config, draft_yaml
from forecast.config.scenario import scenario_from_options
from forecast.errors import ConfigError
from forecast.events.codebook import standard_scale
from forecast.events.reading import read_events
from forecast.runs.inputs import read_inputs
from forecast.scenarios.plan import plan_change

ROWS = """date,initiator,target,category,severity,summary
2020-01-05,RUS,UKR,military_incident,2,A raid
2020-03-05,UKR,RUS,military_incident,3,A raid
2020-05-05,RUS,UKR,military_posture,4,Drills
2020-07-05,RUS,BLR,sanction,2,A listing
"""
CONFIG = """dyad: {a: RUS, b: UKR, theatre: [BLR]}
as_of: 2021-12-31
scale: standard
events: {source: events.csv}
targets:
  raid:
    any_of: [military_incident]
    min_severity: 3
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "events.csv").write_text(ROWS, encoding="utf-8")
    return tmp_path


def inputs(place: Path, config: str = CONFIG):
    (place / "config.yaml").write_text(config, encoding="utf-8")
    return read_inputs(load_config(place / "config.yaml"))


def test_a_rule_that_no_act_could_meet_is_refused_with_its_line(place, refused, snapshot):
    config = CONFIG.replace(", theatre: [BLR]", "").replace("y: 3", "y: 3\n    by: [UKR, RUS]")
    with pytest.raises(ConfigError, match="names both sides, so it leaves out nobody"):
        inputs(place, config)
    changes = (
        *(("y: 3", f"y: 3\n    by: [{one}]") for one in ("BLR", "FRA")),
        ("standard", "armd"),
    )
    assert refused(lambda *change: inputs(place, CONFIG.replace(*change)), *changes) == snapshot


def test_an_act_ahead_says_who_acts_where_a_target_asks(place):
    directed = CONFIG.replace("y: 3", "y: 3\n    by: [UKR]")
    what = "date: 2022-01-05, category: military_incident, severity: 3, probability: 0.1, label: x"
    act = f"calendar:\n  - {{{what}%s}}\n"
    with pytest.raises(ConfigError, match=r"calendar.0: the target 'raid' counts such acts by UKR alone"):
        inputs(place, directed + act % "")
    with pytest.raises(ConfigError, match=r"calendar.0.by: 'FRA' is no actor of the dyad"):
        inputs(place, directed + act % ", by: FRA")
    read = inputs(place, directed + act % ", by: RUS")
    (one,) = read.calendar
    assert (one.by, read.data.layout.targets_met(one.category, one.severity, one.by)) == ("RUS", ())
    for written, by, meets in (("3:UKR", "UKR", (0,)), ("3:0.5:RUS", "RUS", ()), ("2", "", ())):
        scenario = scenario_from_options([], [f"2022-01-09:military_incident:{written}"], [])
        added = plan_change(read, scenario).inputs.calendar[-1]
        assert added.by == by
        assert read.data.layout.targets_met(added.category, added.severity, added.by) == meets
    with pytest.raises(ConfigError, match=r"^--do .*:3: the target 'Raid' counts such acts by UKR alone"):
        plan_change(read, scenario_from_options([], ["2022-01-09:military_incident:3"], []))


def test_a_question_is_the_authors_own_or_quotes_the_scale(place):
    plain, scale = inputs(place), standard_scale()
    (question,) = questions(plain.config, plain.scale)
    assert question["question"] == (
        "Will “Raid” (Russia – Ukraine) happen after 31 December 2021 and before 29 June 2022, as reported "
        "by the sources that events.csv names?"
    )
    assert (question["counts"], question["does_not_count"]) == (
        f"{scale.anchor('military_incident', 3).rstrip('.')}; or worse.",
        scale.anchor("military_incident", 2),
    )
    assert [one["milestone"] for one in question["by_milestone"]] == ["days_30", "days_90", "days_180"]
    json.dumps(question)
    words = {"label": "A raid by Ukraine", "counts": "Troops cross.", "does_not_count": "Shells."}
    rule = "y: 3\n    by: [UKR]\n    edge_cases: [Drones do not count.]" + "".join(
        f"\n    {key}: {text}" for key, text in words.items()
    )
    own = inputs(
        place, CONFIG.replace("y: 3", rule).replace("events.csv", "events.csv, reported_by: Reuters")
    )
    (question,) = questions(own.config, own.scale)
    assert question["question"].startswith("Will a raid by Ukraine (Russia – Ukraine) happen")
    assert question["question"].endswith("as reported by Reuters?")
    assert words.items() <= question.items()
    assert (question["by"], question["edge_cases"]) == (("UKR",), ("Drones do not count.",))


def test_high_impact_is_what_the_author_says_or_the_gravest_target(place):
    cases = ((5, None, True), (4, None, True), (3, None, False), (3, "severe", True), (5, "minor", False))
    for severity, impact, grave in cases:
        config = CONFIG.replace("y: 3", f"y: {severity}")
        if impact:
            config += f"report: {{impact: {{raid: {{level: {impact}, rationale: so}}}}}}\n"
        (place / "config.yaml").write_text(config, encoding="utf-8")
        assert load_config(place / "config.yaml").is_grave("raid") == grave


def drafted(place: Path, rows: list[str]):
    (place / "new.csv").write_text("\n".join([ROWS.splitlines()[0], *rows]), encoding="utf-8")
    return draft_config(read_events(place / "new.csv"), None, date(2021, 12, 31))


def test_a_draft_takes_the_scale_that_its_events_were_coded_by(place):
    shots = [f"2020-{month:02d}-05,RUS,UKR,military_incident,{1 + month % 4},%s" for month in range(1, 13)]
    draft = drafted(place, [one % "Shelling; 3 soldiers killed." for one in shots])
    assert (draft.scale, draft.saturated) == ("armed", None)
    assert draft.scale_reason == "12 military incidents below severity 5 tell of people killed"
    last = draft.targets[-1]
    assert (last.name, len(last.ids), last.rule.min_severity) == ("war", 0, 5)
    assert drafted(place, [one % "Shelling; nobody was killed." for one in shots]).scale == "standard"
    written = draft_yaml(draft, place / "new.yaml")
    assert "scale: armed" in written
    load_config(place / "new.yaml", text=written)


def test_a_draft_of_incidents_of_one_severity_warns_and_proposes_what_discriminates(place):
    rows = [f"2020-{month:02d}-05,RUS,UKR,military_incident,5,A clash." for month in range(1, 7)]
    rows += [f"2020-{month:02d}-09,RUS,UKR,military_posture,{month},Drills." for month in range(1, 6)]
    draft = drafted(place, sorted(rows))
    assert draft.saturated is not None
    assert draft.saturated.code == "saturated_scale"
    assert draft.saturated.text.startswith("6 of 6 military incidents have severity 5")
    assert [target.rule.any_of for target in draft.targets[:1]] == [("military_posture",)]
    assert any(target.rule.min_severity == 5 for target in draft.targets)
    assert "CHANGE? 6 of 6 military incidents" in draft_yaml(draft, place / "new.yaml").replace("\n# ", " ")
