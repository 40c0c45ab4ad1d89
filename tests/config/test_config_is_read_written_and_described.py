"""A config is read, resolved, hashed and told in English; its questions are those of its author."""

import json
import os
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from forecast.config import (
    Config,
    config_hash,
    load_config,
    resolved_yaml,
)
from forecast.config.scenario import scenario_from_options
from forecast.config.schema import TargetConfig
from forecast.errors import ConfigError, InputError
from forecast.events.codebook import standard_scale
from forecast.events.dyads import DyadRule
from forecast.events.reading import read_events
from forecast.phrases.chances import question_text, target_rule_text, what_counts
from forecast.phrases.check import describe_config, questions
from forecast.runs.inputs import read_inputs
from forecast.scenarios.plan import plan_change
from forecast.workflows.draft import draft_config, draft_yaml


def test_the_smallest_config_has_a_name_milestones_and_a_seed(tmp_path):
    path = tmp_path / "US China (2).yaml"
    small = "dyad: {a: USA, b: CHN}\nas_of: 2023-07-10\nevents: {source: e.csv}\n"
    path.write_text(small + "targets: {crisis: {any_of: [sanction], min_severity: 4}}\n", encoding="utf-8")
    config = load_config(path)
    assert config.name == "us-china-2"
    assert [(one.name, one.title, one.date) for one in config.milestones] == [
        ("days_30", "within 30 days", date(2023, 8, 10)),
        ("days_90", "within 90 days", date(2023, 10, 9)),
        ("days_180", "within 180 days", date(2024, 1, 7)),
    ]
    assert (config.headline.target, config.headline.milestone) == ("crisis", "days_180")
    sampler = config.sampler
    assert (sampler.seed, sampler.draws, sampler.tune, sampler.chains, sampler.target_accept) == (
        1,
        800,
        150,
        4,
        0.9,
    )
    assert (config.step, config.model.family, config.report.paper) == ("week", "combined", "a4")
    assert "7 January 2024: within 180 days (days_180)." in describe_config(config)
    # They move with the day of the forecast, and other settings are held against them.
    assert load_config(path, as_of=date(2023, 1, 1)).milestones[0].date == date(2023, 2, 1)
    with pytest.raises(ConfigError, match="no milestone is named 'days_60'"):
        load_config(path, ["headline.target=crisis", "headline.milestone=days_60"])
    # A question of such a day could not go on record.
    with pytest.raises(ConfigError, match=r"as_of: year 9999 is out of range; allowed: 1800 to 2100"):
        load_config(path, ["as_of=9999-12-31"])
    with pytest.raises(ConfigError, match=r"label: no letter or sign that shows; write something"):
        load_config(path, ["targets.crisis.label=\u200b"])


def test_a_section_with_all_its_entries_commented_out_is_empty(write):
    empty = re.sub(r"(?m)^(calendar|model):\n(  .*\n)+", r"\1:\n", write().read_text()) + "report:\n"
    config = load_config(write(text=empty))
    assert (config.calendar, config.model.priors, config.report.paper) == ((), {}, "a4")


def test_a_config_built_in_python_is_checked_as_a_whole(config):
    settings = config.model_dump(by_alias=True)
    assert Config(**settings) == config
    with pytest.raises(ValidationError, match=r"milestones\[0\]\.date: 2023-11-17 is not after as_of"):
        Config(**{**settings, "as_of": date(2024, 1, 1)})


def test_a_later_stage_can_raise_with_the_line_of_a_key(write):
    path = write()
    config = load_config(path, ["model.priors.excitation.half_life_days=LogNormal(mu=3.0, sigma=0.5)"])
    places = {
        ("events", "source"): f"{path}:6:3",
        ("milestones", 1, "date"): f"{path}:17:5",
        ("model", "priors", "tension.persistence"): f"{path}:23:5",
        ("model", "priors", "ballast.visit", "q95"): f"{path}:24:45",
        # Left at their defaults: the nearest key above.
        ("sampler", "draws"): f"{path}:25:1",
        ("report", "paper"): f"{path}:1:1",
    }
    for key, place in places.items():
        said = ".".join(map(str, key)).replace(".1.", "[1].")
        assert str(config.error(key, "no such file")) == f"{place}: {said}: no such file"
    option = "`overrides` model.priors.excitation.half_life_days"
    assert str(config.error(("model", "priors", "excitation.half_life_days"), "no")) == f"{option}: no"


def test_a_resolved_text_kept_elsewhere_still_finds_the_event_file(write, tmp_path):
    config = load_config(write())
    assert config.events_path == tmp_path / "events.csv"
    assert load_config(write(("events.csv", "/data/e.csv"))).events_path == Path("/data/e.csv")
    assert load_config(write(("events.csv", "bundled:us-china"))).events_path is None
    saved = tmp_path / "reports" / "run" / "config.resolved.yaml"
    saved.parent.mkdir(parents=True)
    (tmp_path / "events.csv").touch()
    saved.write_text(resolved_yaml(config, saved.parent), encoding="utf-8")
    again = load_config(saved)
    assert again.events.source == "../../events.csv"
    assert os.path.samefile(again.events_path.parent, tmp_path)


def test_the_hash_follows_the_settings_and_not_the_file(write):
    reference = config_hash(load_config(write()))
    assert len(reference) == 64
    assert config_hash(load_config(write(("name: small\n", "# a remark\nname:   'small'\n")))) == reference
    assert config_hash(load_config(write(("{seed: 7}", "{draws: 800, seed: 7}")))) == reference
    swapped = ("min_severity: 4\n", "min_severity: 4\n  later: {any_of: [visit], min_severity: 4}\n")
    first = load_config(write(swapped))
    second = load_config(write(("  crisis:", "  later: {any_of: [visit], min_severity: 4}\n  crisis:")))
    assert list(first.targets) != list(second.targets)
    assert config_hash(first) == config_hash(second)
    assert config_hash(load_config(write(("{seed: 7}", "{seed: 8}")))) != reference
    assert config_hash(load_config(write(("0.95", "0.94")))) != reference
    assert load_config(write(("{seed: 7}", "{seed: 8}"))) != load_config(write())


def test_the_description_says_what_was_asked(config):
    text = " ".join(describe_config(config).split())
    for phrase in (
        "risk of escalation, AAA – BBB (AAA and BBB), as of 10 July 2023",
        "start on 20 January 2017 (337 weeks of data)",
        "The headline: 'Clash' before 17 November 2023.",
        "Crisis (crisis): met by one act of sanction or dispute of severity 4 or 5.",
        "5 November 2024: General election (election), 16 months ahead.",
        "16 July 2023: Envoy (visit, severity 2), with probability 95%.",
        "Prior tension.persistence: slow.",
        "Prior ballast.visit: quantiles q05 = -0.1, median = 0.1, q95 = 0.4.",
    ):
        assert phrase in text
    assert "seed" not in text
    # A path is never cut, however long it is.
    lines = (line for line in describe_config(config).splitlines() if " " in line.strip())
    assert max(map(len, lines)) <= 80


def test_the_description_warns_of_what_may_not_be_meant(write, tmp_path):
    act = "category: dispute, severity: 4, probability: 0.5"
    folder = "elsewhere" * 9
    config = write(
        ("category: visit, severity: 2, probability: 0.95", act), ("events.csv", f"../{folder}/e.csv")
    )
    text = " ".join(describe_config(load_config(config)).split())
    assert "If it happens it meets the target 'Crisis'." in text
    assert f"{tmp_path.parent / folder / 'e.csv'} (outside the folder of the config)" in text


def test_a_target_is_defined_in_words(write):
    words = {1: "of any severity", 3: "of severity 3 or more", 4: "of severity 4 or 5", 5: "of severity 5"}
    for severity, said in words.items():
        config = load_config(write(("min_severity: 4", f"min_severity: {severity}")))
        assert target_rule_text(config.targets["crisis"]) == f"sanction or dispute {said}"


def test_a_file_by_itself_is_the_source_of_events(write):
    short = write(("events:\n  source: events.csv\n  start: 2017-01-20\n", "events: events.csv\n"))
    long = load_config(write(("  start: 2017-01-20\n", "")))
    assert load_config(short) == long
    assert (
        load_config(short, overrides=["events.dates=dmy"]).events.source == long.events.source == "events.csv"
    )


ROOT = Path(__file__).resolve().parents[2]
WORKED_CASE = ROOT / "configs/us-china-2023.yaml"
TEMPLATE = ROOT / "configs/own-data-template.yaml"


@pytest.mark.parametrize("path", [WORKED_CASE, TEMPLATE], ids=lambda path: path.stem)
def test_shipped_configs_are_valid_and_survive_resolving(path, tmp_path):
    config = load_config(path)
    again = tmp_path / "again.yaml"
    again.write_text(resolved_yaml(config), encoding="utf-8")
    assert load_config(again) == config
    assert describe_config(config).startswith(f"'{config.name}'")


def test_what_the_worked_case_says_of_the_data_is_true(us_china_rows):
    assert f"the {len(us_china_rows)} coded events" in WORKED_CASE.read_text(encoding="utf-8")
    config = load_config(WORKED_CASE)
    assert "If it happens it meets" not in describe_config(config)
    met = {
        name: [
            e["date"]
            for e in us_china_rows
            if e["category"] in target.any_of
            and int(e["severity"]) >= target.min_severity
            and e["initiator"] in (target.by or (e["initiator"],))
        ]
        for name, target in config.targets.items()
    }
    assert met["taiwan_drills"] == ["2022-08-04", "2023-04-08"]
    assert met["collision"] == ["2023-02-04"]
    assert met["lethal_clash"] == []


def test_commented_examples_of_priors_are_valid(tmp_path):
    text = WORKED_CASE.read_text(encoding="utf-8")
    examples = re.findall(r"(?m)^  #   ([a-z_.]+: .+)$", text)
    assert len(examples) == 4
    block = "  priors:\n" + "".join(f"    {example}\n" for example in examples)
    path = tmp_path / "tried.yaml"
    path.write_text(re.sub(r"(?m)^  priors: \{\}.*\n", block, text), encoding="utf-8")
    assert load_config(path).model.priors == {
        "tension.persistence": "slow",
        "answers.half_life_days": "LogNormal(mu=1.1, sigma=0.5)",
        "answers.number.other_side": "many",
        "ballast.visit": {"q05": -0.1, "median": 0.1, "q95": 0.4},
    }


def test_yaml_examples_of_the_reference_page_are_valid(tmp_path):
    page = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) >= 2
    base = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    whole = 0
    for block in map(yaml.safe_load, blocks):
        # A block that holds all that is required stands alone.
        alone = {"dyad", "as_of", "events", "targets"} <= block.keys()
        whole += alone
        path = tmp_path / "block.yaml"
        path.write_text(yaml.safe_dump(block if alone else {**base, **block}), encoding="utf-8")
        load_config(path)
    assert whole == 1


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
    with pytest.raises(ConfigError, match=r"calendar\[0\]: the target 'raid' counts such acts by UKR alone"):
        inputs(place, directed + act % "")
    with pytest.raises(ConfigError, match=r"calendar\[0\].by: 'FRA' is no actor of the dyad"):
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


def test_who_acts_towards_whom_is_stated_by_actors_or_groups_and_asked_of_acts_ahead(place):
    between = CONFIG.replace("y: 3", "y: 3\n    between: %s")
    config = inputs(place, between % "[[RUS, BLR], UKR]").config
    assert {*config.targets["raid"].acting} == {"RUS>UKR", "BLR>UKR", "UKR>RUS", "UKR>BLR"}
    (question,) = questions(config, inputs(place).reporter, standard_scale())
    assert question["definition"].endswith("between RUS or BLR and UKR")
    for bad, message in (
        ("[RUS, FRA]", "'FRA' is no actor of the dyad"),
        ("[RUS]", "expected two different actors"),
        ("[RUS, RUS]", "expected two different actors"),
        ("[RUS, UKR]\n    by: [RUS]", "remove it, or by and towards"),
        ("[[RUS, UKR], [RUS, UKR, BLR]]", "expected two different actors"),
    ):
        with pytest.raises(ConfigError, match=message):
            inputs(place, between % bad)
    with pytest.raises(ConfigError, match="towards: leaves out nobody"):
        inputs(place, CONFIG.replace("y: 3", "y: 3\n    towards: [RUS, UKR, BLR]"))
    read = inputs(place, between % "[RUS, UKR]")
    for written, by, meets in (
        ("3:UKR:RUS", "UKR>RUS", (0,)),
        ("3:0.5:UKR:BLR", "UKR>BLR", ()),
        ("3:BLR", "BLR", ()),
    ):
        scenario = scenario_from_options([], [f"2022-01-09:military_incident:{written}"], [])
        added = plan_change(read, scenario).inputs.calendar[-1]
        assert (added.by, read.data.layout.targets_met(added.category, added.severity, added.by)) == (
            by,
            meets,
        )
    with pytest.raises(
        ConfigError, match=r"between RUS and UKR alone; say who acts towards whom, e.g. by: RUS"
    ):
        plan_change(read, scenario_from_options([], ["2022-01-09:military_incident:3:UKR"], []))


@pytest.mark.parametrize(
    ("kinds", "least", "end"),
    [
        (("visit",), 3, "; or more."),
        (("visit", "cooperation"), 2, "; or more."),
        (("sanction",), 3, "; or worse."),
        (("visit",), 5, ""),
    ],
)
def test_graver_conflict_is_worse_and_cooperation_is_more(kinds, least, end):
    said = what_counts(TargetConfig(any_of=kinds, min_severity=least), standard_scale())
    assert said.endswith(end)
    assert ("; or " in said) is bool(end)


def test_a_question_is_the_authors_own_or_quotes_the_scale(place):
    plain, scale = inputs(place), standard_scale()
    (question,) = questions(plain.config, plain.reporter, plain.scale)
    assert question["question"] == (
        "Will “Raid” (Russia – Ukraine) happen after 31 December 2021 and before 30 June 2022, as reported "
        "by the coder of events.csv?"
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
    (question,) = questions(own.config, own.reporter, own.scale)
    assert question["question"].startswith("Will a raid by Ukraine (Russia – Ukraine) happen")
    assert question["question"].endswith("as reported by Reuters?")
    for label, named in (
        ("A consulate closed or talks broken off", "“A consulate closed or talks broken off”"),
        ("A soldier killed", "“A soldier killed”"),
        ("A limited war, or a blockade", "a limited war, or a blockade"),
    ):
        asked = question_text(label, "A – B", date(2022, 1, 1), date(2022, 2, 1), "the coder")
        assert asked.startswith(f"Will {named} (A – B) happen after")
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


PAIRS = ("ISR,IRN", "IRN,ISR", "USA,Militia", "ISR,TUR")


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
    assert [draft.saturated[fact] for fact in ("severity", "events", "of")] == [5, 6, 6]
    assert [target.rule.any_of for target in draft.targets[:1]] == [("military_posture",)]
    # Of equally grave ones the headline is the one with most cases, and not the rarest.
    grave = {target.name: target.days for target in draft.targets if target.rule.min_severity == 5}
    assert grave == {"lethal_clash": 6, "mobilisation": 1}
    assert draft.headline[0].name == "lethal_clash"
    text = draft_yaml(draft, place / "new.yaml")
    assert "CHANGE? 6 of 6 days with a military incident" in text.replace("\n# ", " ")


@pytest.mark.parametrize(
    "more", [[], [f"2020-{month:02d}-09,CHN,IND,military_incident,5,A clash." for month in (7, 8)]]
)
def test_a_draft_asks_for_the_gravest_clash_that_was_seen_however_rare(place, more):
    clash = [f"2020-06-15,{by},military_incident,5,A clash." for by in ("CHN,IND", "IND,CHN")]
    milder = [f"2020-05-{3 + day:02d},CHN,IND,military_incident,{day},A brawl." for day in (2, 3, 4)]
    draft = drafted(place, sorted([*milder, *clash, *more]))
    assert (draft.saturated is None) is not bool(more)
    headline, milestone, why = draft.headline
    assert (headline.name, headline.days, milestone) == ("lethal_clash", 1 + len(more), "days_180")
    assert why == "the gravest of these that is neither rare nor nearly certain by then"


def test_a_draft_asks_what_is_neither_rare_nor_nearly_certain_by_a_nearer_day_if_need_be(place):
    def every(days: int) -> list[str]:
        first = date(2020, 1, 2)
        return [f"{first + timedelta(k)},CHN,IND,dispute,3,A note." for k in range(0, 720, days)]

    # A constant rate makes twelve notes in two years 95% within 180 days, and one clash 31%.
    clash = drafted(place, ["2020-01-01,CHN,IND,military_incident,5,A clash.", *every(60)])
    assert clash.headline[:2] == (clash.targets[-1], "days_180")
    assert clash.targets[-1].name == "lethal_clash"
    notes = drafted(place, every(21))
    assert notes.headline[1] == "days_30"


def test_a_question_on_a_side_of_several_says_who_acts_on_whom_and_leaves_no_other_day(place):
    rows = [
        f"2021-{month:02d}-05,{pair},military_incident,5,A strike." for month in range(1, 9) for pair in PAIRS
    ]
    (place / "new.csv").write_text("\n".join([ROWS.splitlines()[0], *sorted(rows)]), encoding="utf-8")
    events, pair = read_events(place / "new.csv"), DyadRule(("USA", "ISR"), ("IRN", "Militia"))
    for text, said, met in (
        ("Will Israel kill Iranian troops before 2023?", ({"by": ["ISR"], "towards": ["IRN"]}), 8),
        ("Will Iran and Israel kill each other before 2023?", {"between": [["ISR"], ["IRN"]]}, 16),
        ("Will Iranian troops die before 2023?", {"towards": ["IRN"]}, 8),
    ):
        draft = draft_config(events, pair, date(2021, 12, 31), question=text)
        written = yaml.safe_load(draft_yaml(draft, place / "new.yaml"))
        target = written["targets"]["asked_lethal_clash"]
        assert {key: target[key] for key in ("by", "towards", "between") if key in target} == said
        assert len(draft.targets[0].ids) == met
        assert written["milestones"] == [
            {"name": "asked", "label": "the day asked about", "date": date(2023, 1, 1)}
        ]
        load_config(place / "new.yaml", text=yaml.safe_dump(written))
    with pytest.raises(InputError, match="TUR is not of the pair"):
        draft_config(events, pair, date(2021, 12, 31), question="Will Turkey attack Iran before 2023?")


def test_what_was_answered_far_more_often_than_by_chance_is_proposed_as_a_comment_with_its_counts(place):
    seen = [(date(2019, 1, 1) + timedelta(120 * k), k) for k in range(9)]
    rows = [f"{day},CHN,IND,sanction,3,A list." for day, _ in seen]
    rows += [f"{day + timedelta(2)},IND,CHN,military_incident,4,A ramming." for day, k in seen if k % 4]
    draft = drafted(place, sorted(rows))
    text = draft_yaml(draft, place / "new.yaml")
    assert "# reactions:" in text
    assert "6 of 9" in text
    assert "reactions" not in yaml.safe_load(text)
    plain = text.split("# reactions:")[0] + "reactions:\n"
    taken = "\n".join(line.removeprefix("# ") for line in text.split("# reactions:\n")[1].splitlines())
    load_config(place / "new.yaml", text=plain + taken)
