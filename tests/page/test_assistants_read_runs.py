"""A real client of the Model Context Protocol asks ``forecast mcp``, over standard input and output."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from forecast.cli.assistant import SavedRuns
from forecast.wording import percent

ROOT = Path(__file__).resolve().parents[2]
SOUND, FAILED = "sound/2022-06-30", "failed/2022-06-30"
ACT = "2022-08-01:sanction:4"


@pytest.fixture(scope="module")
def told(runs_folder):
    """Answers to all questions of one session: text, facts and whether it is an error, by question."""
    questions = {
        "list": ("list_runs", {}),
        "read": ("read_forecast", {"run": SOUND}),
        "ask": ("ask", {"run": SOUND, "do": [ACT]}),
        "new fit": ("ask", {"run": SOUND, "without": ["e4"]}),
        "nothing": ("ask", {"run": SOUND}),
        "bulletin": ("bulletin", {"run": SOUND, "acts": ["2022-07-05:sanction:4:USA"]}),
        "reactions": ("reactions", {"run": SOUND, "days": 30}),
        "misspelt": ("read_forecast", {"run": "sond/2022-06-30"}),
        "outside": ("read_forecast", {"run": "../" + SOUND}),
        "failed": ("ask", {"run": FAILED, "do": [ACT]}),
        "no ledger": ("ledger", {}),
    }
    server = StdioServerParameters(command=sys.executable, args=["-m", "forecast", "mcp", str(runs_folder)])

    async def ask():
        async with Client(server) as client:
            tools = (await client.list_tools()).tools
            found = {name: await client.call_tool(*question) for name, question in questions.items()}
        return tools, found

    # In a thread of its own: another test's browser may run a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, ask()).result()


def facts(answer):
    assert not answer.is_error, answer.content[0].text
    return json.loads(answer.content[0].text)


def test_tools_are_marked_as_reading_alone_and_say_what_they_take(told):
    tools, _ = told
    assert {tool.name for tool in tools} == {
        *("list_runs", "read_forecast", "ask", "bulletin", "reactions", "ledger")
    }
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)


def test_runs_are_listed_and_one_that_failed_without_its_number(told):
    rows = {row["run"]: row for row in facts(told[1]["list"])["runs"]}
    assert set(rows) == {SOUND, FAILED}
    assert rows[FAILED]["converged"] is False
    assert "probability" not in rows[FAILED]


def test_a_forecast_is_told_in_words_and_in_the_numbers_of_its_file():
    runs = SavedRuns(ROOT / "reports")
    (row,) = (row for row in runs.list_runs()["runs"] if row["run"] == "sample")
    read = runs.read_forecast("sample")
    kept = json.loads((ROOT / "reports/sample/forecast.json").read_text(encoding="utf-8"))
    assert read["forecast"]["run_id"] == kept["run_id"]
    assert [one["name"] for one in read["forecast"]["targets"]] == [one["name"] for one in kept["targets"]]
    assert 0 < row["probability"] < 1
    assert percent(row["probability"]) in read["text"]


def test_a_change_is_that_of_the_command(told, runs_folder):
    asked = [sys.executable, "-m", "forecast", "scenario", runs_folder / SOUND, "--do", ACT, "--json"]
    (said,) = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)["scenarios"]
    answered = facts(told[1]["ask"])["scenario"]
    for target, same in zip(answered["targets"], said["targets"], strict=True):
        assert target["chances"]["mean"] == pytest.approx(same["chances"]["mean"], rel=1e-9)
    assert facts(told[1]["new fit"])["scenario"]["withheld"]
    assert facts(told[1]["bulletin"])["bulletin"]["targets"]
    assert facts(told[1]["reactions"])["days"] == 30


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("misspelt", f"Did you mean '{SOUND}'?"),
        ("outside", "no run '../"),
        ("nothing", "nothing is asked"),
        ("no ledger", "ledger.sqlite"),
    ],
)
def test_what_cannot_be_answered_is_one_line(told, question, says):
    answer = told[1][question]
    assert answer.is_error
    assert says in answer.content[0].text
    assert "Traceback" not in answer.content[0].text
