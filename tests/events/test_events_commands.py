import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.cli.events import app
from forecast.errors import EventError

DOC = Path(__file__).resolve().parents[2] / "docs/codebook.md"
GOOD = "date,initiator,target,category,severity\n2023-02-04,USA,NAT,visit,2\n"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run ``forecast events`` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    return lambda *arguments: CliRunner().invoke(app, list(arguments), catch_exceptions=False)


SHEET = "Date;Initiator;Target;Category;Severity\n" + "13/02/2020;India;PAK;visit;3,0\n" * 2


def test_files_are_checked_and_described(run, event_file, snapshot):
    said = [run("validate", str(event_file(GOOD).name)).stdout]
    event_file(SHEET)
    said.append(run("validate", "events.csv", "--dates", "dmy").stdout)
    said.append(run("validate", "bundled:us-china").stdout)
    assert all(len(line) <= 100 for line in "".join(said).splitlines())
    assert said == snapshot


def test_the_error_example_of_the_codebook_page_is_what_the_command_prints(run, event_file):
    printed = re.search(r"```text\n(events\.csv:.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert printed is not None
    event_file(
        "date,initator,target,category,severity,summary,known_date\n"
        "2023-02-30,USA,CHN,military_incident,3,Balloon enters the air space,\n"
        "2023-02-04,USA,CHN,military_incident,4,Balloon shot down,2023-02-04\n"
        "2023-02-04,USA,CHN,dispute,7,Protest,2023-02-03\n"
        "2023-02-06,USA,CHN,visit\n"
    )
    result = run("validate", "events.csv")
    assert result.exit_code == 2
    assert result.stderr == printed[1]
    assert result.stdout == ""


def test_all_faults_are_listed_and_exit_with_two(run, event_file):
    event_file(GOOD + "2023-02-04,USA,NAT,visit,9\n" * 40)
    result = run("validate", "events.csv")
    assert result.exit_code == 2
    assert len(re.findall(r"^events\.csv:\d+: severity: '9'", result.stderr, re.MULTILINE)) == 40
    assert json.loads(run("validate", "events.csv", "--json").stdout)["faults"][39]["line"] == 42


def test_a_sheet_is_put_right_as_told_and_written_by_the_codebook(run, event_file):
    event_file(SHEET)
    asked = run("validate", "events.csv")
    assert (asked.exit_code, len(asked.stderr.splitlines())) == (2, 1)
    assert "--dates dmy" in asked.stderr
    facts = json.loads(run("validate", "events.csv", "--dates", "dmy", "--json").stdout)
    assert (len(facts["notes"]), facts["duplicates"][0]["lines"]) == (5, [2, 3])
    assert (
        "Written  clean.csv" in run("validate", "events.csv", "--dates", "dmy", "--out", "clean.csv").stdout
    )
    clean = json.loads(run("validate", "clean.csv", "--json").stdout)
    assert (clean["rows"], clean["notes"]) == (2, [])
    with pytest.raises(EventError, match=r"clean\.csv: exists. Give the name of a new file"):
        run("validate", "events.csv", "--dates", "dmy", "--out", "clean.csv")


def test_json_is_one_object_and_nothing_else(run, event_file):
    event_file(GOOD)
    bad = run("validate", "event.csv", "--json")
    assert bad.exit_code == 2
    assert json.loads(bad.stdout) == {
        "source": "event.csv",
        "valid": False,
        "faults": [{"line": None, "column": "", "message": "no such file. Did you mean 'events.csv'?"}],
    }
    assert bad.stderr == ""
