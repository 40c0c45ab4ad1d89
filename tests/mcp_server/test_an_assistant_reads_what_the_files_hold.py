"""The server asked by the client of its own SDK: its answers are the files, and it changes nothing."""

import asyncio
import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from forecast.cli.app import mcp
from forecast.config import load_config
from forecast.errors import InputError, RunFolderError
from forecast.events.reading import load_events
from forecast.ledger.recording import RunOrigin, record_forecast, resolve_ledger
from forecast.ledger.scoring import score_ledger
from forecast.ledger.store import open_ledger
from forecast.mcp_server import Answers, make_server
from forecast.records.forecast import Forecast, ScenarioForecast
from forecast.runs.inputs import dyad_rule, target_rules

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "reports/sample"
TOOLS = {"list_questions", "get_forecast", "get_scenario", "get_track_record"}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """A folder of runs with one in it: the sample that the repository carries."""
    folder = tmp_path_factory.mktemp("reports")
    shutil.copytree(SAMPLE, folder / "us-china-2023/2023-07-10")
    return folder


@pytest.fixture(scope="module")
def written():
    return json.loads((SAMPLE / "forecast.json").read_text(encoding="utf-8"))


def run(conversation):
    """Hold a conversation in a thread of its own: browser tests leave a loop running in theirs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, conversation).result()


@pytest.fixture
def ask(reports):
    """Ask a tool of the server in this process; return what it says, or raise its refusal."""
    server = make_server(Answers(reports, reports / "ledger.sqlite"))

    async def asked(name, arguments):
        async with Client(server) as client:
            return await client.call_tool(name, arguments)

    def call(name, **arguments):
        answer = run(asked(name, arguments))
        if answer.is_error:
            raise InputError(answer.content[0].text)
        assert json.loads(answer.content[0].text) == answer.structured_content
        return answer.structured_content

    return call


def without_curves(content):
    return {
        **content,
        "targets": [{k: v for k, v in one.items() if k != "curve"} for one in content["targets"]],
    }


def test_every_question_is_listed_with_the_numbers_of_the_file(ask, written):
    listed = ask("list_questions")
    expected = [
        (target["name"], one["name"], one["date"], one["probability"], one["interval90"], one["words"])
        for target in written["targets"]
        for one in target["milestones"]
    ]
    names = ("target", "milestone", "date", "probability", "interval90", "words")
    assert [tuple(row[name] for name in names) for row in listed["questions"]] == expected
    assert {row["run_id"] for row in listed["questions"]} == {written["run_id"]}
    assert listed["scenarios"] == {written["run_id"]: [one["name"] for one in written["scenarios"]]}
    assert listed["unreadable"] == []


def test_a_forecast_a_scenario_and_a_track_record_are_the_files(ask, written):
    run_id, names = written["run_id"], [one["name"] for one in written["scenarios"]]
    whole = ask("get_forecast", run_id=run_id, curves=True)
    assert whole == {**written, "scenarios": names}
    assert ask("get_forecast", run_id=run_id) == without_curves(whole)
    one = ask("get_forecast", run_id=run_id, target="lethal_clash")
    assert [target["name"] for target in one["targets"]] == ["lethal_clash"]
    # The sample is older than some fields, which are null where they are absent.
    scenario = ScenarioForecast.model_validate(written["scenarios"][0]).model_dump(mode="json")
    assert ask("get_scenario", run_id=run_id, scenario=names[0], curves=True) == scenario
    assert ask("get_scenario", run_id=run_id, scenario=names[0]) == without_curves(scenario)
    record = json.loads((SAMPLE / "track_record.json").read_text(encoding="utf-8"))
    assert ask("get_track_record", run_id=run_id) == record


def test_the_track_record_of_the_ledger_is_its_scores(reports, ask, tmp_path):
    with pytest.raises(InputError, match=r"ledger\.sqlite"):
        ask("get_track_record")
    config = load_config(ROOT / "configs/us-china-2023.yaml")
    forecast = Forecast.model_validate_json((SAMPLE / "forecast.json").read_bytes())
    # As if of a day a year before, so that the bundled events answer some of its questions.
    moved = json.loads(forecast.model_dump_json(by_alias=True))
    moved["as_of"] = "2022-01-01"
    for target in moved["targets"]:
        for place, one in enumerate(target["milestones"]):
            one["date"] = f"2022-{2 + place:02d}-01"
    past = Forecast.model_validate(moved)
    path = tmp_path / "ledger.sqlite"
    origin = RunOrigin(
        dyad=dyad_rule(config),
        config_sha256="0" * 64,
        data_sha256="0" * 64,
        code_version="0",
        made_on=datetime(2022, 1, 1, tzinfo=UTC),
        run_folder=None,
    )
    record_forecast(path, past, target_rules(config), origin)
    resolve_ledger(path, load_events("bundled:us-china", Path()), today=date(2023, 7, 11))
    answer = Answers(reports, path).get_track_record()
    scores = score_ledger(open_ledger(path))
    assert answer == json.loads(scores.model_dump_json(by_alias=True))
    assert answer["groups"][0]["n"] > 0


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        (
            "get_forecast",
            {"run_id": "../../etc/passwd"},
            "run_id: got '../../etc/passwd'; expected one of us-",
        ),
        ("get_forecast", {"run_id": "RUN", "target": "lethal_clsh"}, "Did you mean 'lethal_clash'?"),
        ("get_scenario", {"run_id": "RUN", "scenario": "war"}, "scenario: got 'war'; expected one of "),
        ("get_track_record", {"run_id": "\x1b[2Jx"}, "run_id: got '\\x1b[2Jx'"),
    ],
)
def test_what_is_not_there_is_refused_in_one_sentence(ask, written, tool, arguments, says):
    given = {name: written["run_id"] if value == "RUN" else value for name, value in arguments.items()}
    with pytest.raises(InputError) as caught:
        ask(tool, **given)
    assert says in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_an_altered_run_is_named_and_not_answered(reports, written, tmp_path):
    shutil.copytree(reports, folder := tmp_path / "reports")
    path = folder / "us-china-2023/2023-07-10/forecast.json"
    path.write_text(path.read_text(encoding="utf-8").replace("0.6", "0.7", 1), encoding="utf-8")
    answers = Answers(folder, folder / "ledger.sqlite")
    listed = answers.list_questions()
    assert listed["questions"] == []
    assert "forecast.json" in listed["unreadable"][0]
    with pytest.raises(InputError, match=r"can be read\. .*forecast\.json"):
        answers.get_forecast(written["run_id"])


def test_a_folder_without_runs_and_a_missing_extra_are_refused(tmp_path, monkeypatch):
    with pytest.raises(RunFolderError, match="holds no run"):
        Answers(tmp_path, tmp_path / "ledger.sqlite")
    monkeypatch.setattr("forecast.cli.app.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'-m pip install "dyad-forecast\[mcp\]"$'):
        mcp(tmp_path, None)


def test_the_command_speaks_the_protocol_says_that_it_only_reads_and_does(reports, written):
    before = {path: path.read_bytes() for path in reports.rglob("*") if path.is_file()}
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "forecast", "mcp", str(reports)], cwd=str(ROOT)
    )

    async def session():
        async with Client(command) as client:
            tools = (await client.list_tools()).tools
            answer = await client.call_tool("get_forecast", {"run_id": written["run_id"]})
            return tools, answer

    tools, answer = run(session())
    assert {tool.name for tool in tools} == TOOLS
    assert all(tool.annotations.read_only_hint and not tool.annotations.destructive_hint for tool in tools)
    assert all(tool.description for tool in tools)
    assert answer.structured_content["targets"] == without_curves(written)["targets"]
    assert {path: path.read_bytes() for path in reports.rglob("*") if path.is_file()} == before
