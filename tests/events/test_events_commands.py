import json
import re
import subprocess
import sys
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


def test_a_good_file_passes_and_odd_actors_are_named(run, event_file):
    event_file(GOOD)
    result = run("validate", "events.csv")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "events.csv: 1 event, 2023-02-04 to 2023-02-04. No faults.",
        "Actors that are not ISO 3166-1 countries (accepted): NAT.",
        "No rows look like one event coded twice.",
    ]


def test_the_error_example_of_the_codebook_page_is_what_the_command_prints(run, event_file):
    text = DOC.read_text(encoding="utf-8")
    example = re.search(r"```text\n(date,.*?)```", text, re.DOTALL)
    printed = re.search(r"```text\n(events\.csv:.*?)```", text, re.DOTALL)
    assert example is not None
    assert printed is not None
    event_file(example[1])
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


SHEET = "Date;Initiator;Target;Category;Severity\n" + "13/02/2020;India;PAK;visit;3,0\n" * 2


@pytest.mark.parametrize("command", ["validate", "summary"])
def test_the_order_of_days_is_asked_for_and_taken(run, event_file, command):
    event_file(SHEET)
    asked = run(command, "events.csv")
    assert asked.exit_code == 2
    assert len(asked.stderr.splitlines()) == 1
    assert "events.csv:2: date: '13/02/2020'" in asked.stderr
    assert "--dates dmy" in asked.stderr
    assert run(command, "events.csv", "--dates", "dmy").exit_code == 0


def test_what_was_put_right_is_said_a_line_each(run, event_file):
    event_file(SHEET)
    said = run("validate", "events.csv", "--dates", "dmy").stdout
    assert "Note: columns are separated by semicolons.\n" in said
    assert "Note: names of countries are read as codes: 'India' as IND.\n" in said
    assert "  lines 2, 3 (row-" in said
    facts = json.loads(run("validate", "events.csv", "--dates", "dmy", "--json").stdout)
    assert len(facts["notes"]) == 5
    assert facts["duplicates"][0]["lines"] == [2, 3]


def test_the_file_as_read_is_written_by_the_codebook(run, event_file, tmp_path):
    event_file(SHEET)
    assert (
        "Written  clean.csv" in run("validate", "events.csv", "--dates", "dmy", "--out", "clean.csv").stdout
    )
    clean = json.loads(run("validate", "clean.csv", "--json").stdout)
    assert (clean["rows"], clean["notes"]) == (2, [])
    with pytest.raises(EventError, match=r"clean\.csv: exists. Give the name of a new file"):
        run("validate", "events.csv", "--dates", "dmy", "--out", "clean.csv")


@pytest.mark.parametrize("command", ["validate", "summary"])
def test_json_is_one_object_and_nothing_else(run, event_file, command):
    event_file(GOOD)
    good = run(command, "events.csv", "--json")
    assert good.exit_code == 0
    assert json.loads(good.stdout)["rows"] == 1
    assert good.stderr == ""
    bad = run(command, "event.csv", "--json")
    assert bad.exit_code == 2
    assert json.loads(bad.stdout) == {
        "source": "event.csv",
        "valid": False,
        "faults": [{"line": None, "column": "", "message": "no such file. Did you mean 'events.csv'?"}],
    }
    assert bad.stderr == ""


def test_the_summary_shows_counts_years_share_and_limits(run):
    result = run("summary", "bundled:us-china")
    assert result.exit_code == 0
    text = re.sub(r" +", " ", result.stdout)
    assert "bundled:us-china: 849 events" in text
    assert "Verified against the source page: 71% of the rows." in text
    assert "\n Military posture 95 45 15 2 – 157" in text
    assert "\n All 76 117 127 172 112 147 98" in text
    assert "No span of 30 days or more without an act." in text
    assert "under-covered" in text


def test_the_summary_fits_eighty_columns_for_any_number_of_years(run, shared_data, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = run("summary", str(shared_data / "balkans/nat-ser.csv"))
    assert "Events by year, 1989 to 1996" in result.stdout
    assert "Events by year, 1997 to 2003" in result.stdout
    assert "…" not in result.stdout
    assert "The file does not say which rows were verified." in result.stdout
    assert "1989-08-13 to 1990-08-29 382 days" in re.sub(r" +", " ", result.stdout)


def test_mounting_the_commands_loads_nothing_heavy():
    code = (
        "import sys, forecast.cli.events\n"
        "sys.exit(', '.join({'numpy', 'rich.table', 'csv'} & (set(sys.modules) - before)) or 0)"
    )
    before = "import sys, typer\nbefore = set(sys.modules)\n"
    done = subprocess.run([sys.executable, "-c", before + code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
