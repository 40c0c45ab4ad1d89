"""``forecast new``: what it writes is checked as it stands, and nothing later than its day is read."""

import csv
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from forecast.config import load_config
from forecast.config.watchlist import load_watchlist
from forecast.runs.inputs import read_inputs
from forecast.workflows.draft import EXAMPLES, WATCHLIST

ROOT = Path(__file__).resolve().parents[2]
HEAD = "date,initiator,target,category,severity\n"
START = date(2000, 1, 3)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def act(day: date, category: str, severity: int, pair: tuple[str, str] = ("AAA", "BBB")) -> str:
    return f"{day},{pair[0]},{pair[1]},{category},{severity}\n"


def often(times: int, category: str, severity: int, every_days: int = 100, first: date = START) -> str:
    return "".join(act(first + timedelta(every_days * k), category, severity) for k in range(times))


def events(name: str, *rows: str) -> Path:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(HEAD + "".join(rows), encoding="utf-8")
    return Path(name)


MIXED = (
    often(12, "visit", 2),
    often(9, "military_incident", 2),
    often(4, "military_incident", 4),
    often(1, "military_incident", 5),
    often(5, "dispute", 3),
    often(3, "sanction", 2),
)


def written(command, *arguments) -> dict:
    """Run ``forecast new … --json``; what it wrote is let in as the input of a run."""
    ended = command("new", *arguments, "--json")
    assert ended.code == 0, ended.err
    record = json.loads(ended.out)
    inputs = read_inputs(load_config(record["path"]))
    assert {rule.name: int(rule.mask(inputs.events).sum()) for rule in inputs.rules} == {
        target["name"]: target["events"] for target in record["targets"]
    }
    return record


def test_a_file_of_one_pair_becomes_a_config_that_stands_as_it_is(command, folder, snapshot):
    events("data/mixed.csv", *MIXED)
    record = written(command, "data/mixed.csv", "--as-of", "2004-01-01", "--out", "mine/case.yaml")
    assert command("check", "mine/case.yaml").code == 0
    # Severity 5 was seen once only; from 4 on the acts of conflict are the same as the incidents.
    assert {
        one["name"]: (one["any_of"], one["min_severity"], one["events"]) for one in record["targets"]
    } == {
        "major_military_incident": (["military_incident"], 4, 5),
        "serious_conflict": (["sanction", "military_incident", "dispute"], 3, 10),
        "notable_sanction": (["sanction"], 2, 3),
        "lethal_clash": (["military_incident"], 5, 1),
    }
    assert (record["events"], record["start"], record["as_of_from_file"]) == (34, "2000-01-03", False)
    assert Path("mine/case.yaml").read_text(encoding="utf-8") == snapshot


def test_what_became_known_after_the_day_changes_nothing(command, folder):
    head = "date,known_date,initiator,target,category,severity\n"
    rows = [
        f"{START + timedelta(50 * k)},,AAA,BBB,{category},{severity}\n"
        for k, (category, severity) in enumerate([("sanction", 4), ("visit", 2), ("dispute", 3)] * 4)
    ]
    later = [
        "1999-01-01,2004-01-02,AAA,BBB,military_incident,5\n",  # happened early, was disclosed late
        *(f"2004-{month:02d}-02,,AAA,BBB,military_incident,5\n" for month in range(1, 13)),
        "2004-05-05,,CCC,DDD,sanction,1\n",
    ]
    for name, lines in (("known", rows), ("whole", rows + later)):
        Path(name).mkdir()
        Path(name, "events.csv").write_text(head + "".join(lines), encoding="utf-8")
        written(command, f"{name}/events.csv", "--as-of", "2004-01-01", "--out", f"{name}/case.yaml")
    assert Path("known/case.yaml").read_bytes() == Path("whole/case.yaml").read_bytes()


def test_without_a_day_the_last_that_is_known_in_the_file_is_taken_and_said(command, folder):
    events("few.csv", often(4, "sanction", 3))
    assert written(command, "few.csv", "--out", "case.yaml")["as_of_from_file"] is True
    assert load_config("case.yaml").as_of == START + timedelta(300)
    # What is there stays unless it is forced.
    ended = command("new", "few.csv", "--out", "case.yaml", "--pair", "BBB,AAA")
    assert ended.code == 2
    assert "case.yaml: already there, nothing was written" in ended.err
    assert load_config("case.yaml").dyad.a == "AAA"
    ended = command("new", "few.csv", "--out", "case.yaml", "--force", "--pair", "BBB,AAA")
    assert "29 October 2000 is the last day known in the file" in ended.out
    assert load_config("case.yaml").dyad.a == "BBB"


def test_a_file_of_a_spreadsheet_is_read_as_asked_and_so_by_the_config(command, folder):
    rows = "13/05/2003;AAA;BBB;sanction;3,0\n01/12/2003;BBB;AAA;dispute;2\n"
    Path("sheet.csv").write_text(f"Date;Initiator;Target;Category;Severity\n{rows}", encoding="utf-8")
    assert "--dates dmy" in command("new", "sheet.csv").err
    record = written(command, "sheet.csv", "--dates", "dmy", "--out", "case.yaml")
    assert (record["start"], record["as_of"]) == ("2003-05-13", "2003-12-01")
    assert "severity: '3,0' is read as 3" in record["notes"]
    assert load_config("case.yaml").events.dates == "dmy"


def test_of_several_pairs_one_has_to_be_named(command, folder):
    third = act(date(2001, 1, 1), "visit", 1, ("CCC", "AAA"))
    events("two.csv", often(5, "sanction", 3), third)
    ended = command("new", "two.csv", "--out", "case.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "holds 2 pairs: AAA–BBB (5 rows) and AAA–CCC (1). Say which, e.g. --pair AAA,BBB" in ended.err
    ended = command("new", "two.csv", "--pair", "BBB,AAB", "--out", "case.yaml")
    assert ended.code == 2
    assert "no act between BBB and AAB was known" in ended.err
    assert "Did you mean 'AAA' for 'AAB'?" in ended.err
    assert not Path("case.yaml").exists()

    record = written(command, "two.csv", "--pair", "BBB,AAA", "--out", "case.yaml")
    assert (record["pair"], record["events"]) == (["BBB", "AAA"], 5)
    assert "# Left out are the file's acts of others: CCC to AAA (1 row)." in Path("case.yaml").read_text()


def test_third_parties_with_many_acts_are_asked_about_and_taken_in_as_told(command, folder):
    others = often(4, "military_incident", 5, 30).replace("AAA", "CCC")
    events("three.csv", often(5, "sanction", 3), others, act(date(2001, 1, 1), "visit", 1, ("AAA", "DDD")))
    record = written(command, "three.csv", "--pair", "AAA,BBB", "--out", "plain.yaml")
    assert record["third_parties"] == [{"actor": "CCC", "rows": 4, "sides": ["BBB"]}]
    asked = "CCC: 4 acts with BBB left out. Does it act on the side of AAA? Then --pair AAA+CCC,BBB"
    assert asked in " ".join(Path("plain.yaml").read_text().replace("\n#", "").split())
    joined = written(command, "three.csv", "--pair", "AAA+CCC,BBB", "--theatre", "DDD", "--out", "all.yaml")
    assert (joined["pair"], joined["events"], joined["third_parties"]) == (["AAA+CCC", "BBB"], 10, [])
    # The gravest that was seen is asked first, even if others were seen more often.
    assert (record["headline"], joined["headline"]) == ("serious_sanction", "lethal_clash")
    assert load_config("all.yaml").headline.target == "lethal_clash"


def test_where_little_else_was_seen_a_poor_target_is_proposed_with_its_warning(command, folder):
    weekly = often(200, "military_incident", 5, 7)
    cases = {
        "busy": (weekly + often(4, "sanction", 4), "major_sanction", "4 times"),
        "weekly": (weekly, "lethal_clash", "near certain"),
        "once": (act(START, "sanction", 3), "serious_sanction", "fix the forecast poorly"),
    }
    for name, (rows, target, caution) in cases.items():
        events(f"{name}.csv", rows)
        record = written(command, f"{name}.csv", "--as-of", "2004-01-01", "--out", f"{name}.yaml")
        assert record["targets"][0]["name"] == target
        assert caution in " ".join(Path(f"{name}.yaml").read_text(encoding="utf-8").split())
        told = command("new", f"{name}.csv", "--as-of", "2004-01-01", "--force").out
        assert caution in " ".join(told.split())


REFUSED = {
    "no act of conflict": (often(5, "visit", 2), ()),
    "all on one day": (act(START, "sanction", 4), ()),
    "nothing known yet": (act(START, "sanction", 4), ("--as-of", "1999-01-01")),
    "no events": ("", ()),
    "a typo in a category": (act(START, "sanctoin", 4), ()),
    "one side": (often(2, "sanction", 4), ("--pair", "AAA")),
    "one side twice": (often(2, "sanction", 4), ("--pair", "AAA,AAA")),
    "one actor in two places": (often(2, "sanction", 4), ("--pair", "AAA+CCC,CCC")),
    "a theatre alone": (often(2, "sanction", 4), ("--theatre", "DDD")),
    "one country twice": (often(2, "sanction", 4), ("--pair", "India,IND")),
    "no actor code": (often(2, "sanction", 4), ("--pair", "usa,BBB")),
    "an act to come": (often(2, "sanction", 4) + act(date(2098, 1, 1), "visit", 1), ()),
    "mistyped countries": (
        act(START, "sanction", 4, ("RUS", "UKR")) + act(START, "sanction", 4, ("USA", "UKR")),
        ("--pair", "Rusia,Ukrane"),
    ),
    "onto the event file": (often(2, "sanction", 4), ("--out", "events.csv", "--force")),
    "into a file": (often(2, "sanction", 4), ("--out", "events.csv/a.yaml")),
    "onto a folder": (often(2, "sanction", 4), ("--out", ".")),
    "an example with events": (often(2, "sanction", 4), ("--example", "us-china")),
    "an example with a way to write days": ("", ("--example", "us-china", "--dates", "dmy")),
    "no day after": (often(2, "sanction", 4), ("--as-of", "9999-12-31")),
}


def test_what_makes_no_config_is_one_error_and_leaves_nothing(command, folder, snapshot):
    said = {}
    for name, (rows, options) in REFUSED.items():
        events("events.csv", rows)
        ended = command("new", "events.csv", *options)
        assert (ended.code, ended.out) == (2, ""), name
        assert "Traceback" not in ended.err
        assert [path.name for path in Path().iterdir()] == ["events.csv"]
        said[name] = re.sub(r"Allowed: [-\d]+ or", "Allowed: TODAY or", ended.err.rstrip())
    Path("events.csv").unlink()
    for arguments in (
        *((), ("--example", "uschina"), ("--pair", "Rusia,Ukrane"), ("--pair", "USA,CHN", "--dates", "dmy")),
        ("bundled:us-china", "--pair", "USA,CHN", "--dates", "dmy"),
    ):
        ended = command("new", *arguments)
        assert ended.code == 2
        said[" ".join(("new", *arguments))] = ended.err.rstrip()
        assert not list(Path().iterdir())
    assert said == snapshot


def test_names_that_yaml_would_read_otherwise_are_kept(command, folder):
    odd = ("NO, 'no': {x}", "#1 – Ω")
    rows = [[START + timedelta(9 * k), *odd, "dispute", 4] for k in range(5)]
    with Path("it's: #1, {a}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEAD.strip().split(","), *rows])
    assert command("new", "it's: #1, {a}.csv", "--out", "x y.yaml").code == 0
    config = load_config("x y.yaml")
    assert {config.dyad.a, config.dyad.b} == {*odd}
    assert config.name == "x-y"
    assert len(read_inputs(config).events) == 5


def test_a_pair_without_events_gets_a_template_that_is_valid_once_it_is_filled_in(command, folder):
    ended = command("new", "--pair", "India,PAK")
    assert "a template for India – Pakistan:" in ended.out
    assert "forecast events validate ind-pak.csv" in ended.out
    text = Path("ind-pak.yaml").read_text(encoding="utf-8")
    assert text.startswith("# India – Pakistan, written by")
    faults = command("check", "ind-pak.yaml").err
    assert faults.count("\n") == 1
    assert "as_of: got an empty value; expected a date" in faults
    Path("ind-pak.yaml").write_text(text.replace("\nas_of:\n", "\nas_of: 2004-01-01\n"), encoding="utf-8")
    events("ind-pak.csv", often(4, "military_incident", 4).replace("AAA", "IND").replace("BBB", "PAK"))
    assert len(read_inputs(load_config("ind-pak.yaml")).events) == 4


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_laid_out_whole_and_checks(command, folder, example):
    ended = command("new", "--example", example, "--out", "here", "--json")
    record = json.loads(ended.out)
    config = Path(record["path"])
    if example == WATCHLIST:
        assert len(load_watchlist(config).dyads) == 3
        assert record["next"] == f"forecast watch {config}"
    else:
        assert len(read_inputs(load_config(config)).events) > 100
        assert record["next"] == f"forecast check {config}"
    shipped = (ROOT / "configs" / config.relative_to("here")).read_text(encoding="utf-8")
    assert shipped.endswith(config.read_text(encoding="utf-8"))
    assert "yaml-language-server" not in config.read_text(encoding="utf-8")
    assert sorted(record["files"]) == sorted(str(path) for path in Path("here").rglob("*.*"))

    again = command("new", "--example", example, "--out", "here")
    assert again.code == 2
    assert "already there, nothing was written" in again.err


def test_what_was_written_is_told(command, folder, snapshot):
    events("mixed.csv", *MIXED, often(200, "military_posture", 5, 7))
    answers = [
        command("new", "mixed.csv", "--as-of", "2004-01-01", "--out", "case.yaml"),
        command("new", "mixed.csv", "--out", "last.yaml"),
        command("new", "--pair", "IND,PAK"),
        command("new", "--example", "own-data"),
        command("new", "--example", WATCHLIST),
    ]
    assert "\n".join(ended.out for ended in answers) == snapshot
