"""``forecast ledger`` as the terminal runs it."""

import json
import re
from pathlib import Path

import pytest

WORKED_CASE = Path(__file__).resolve().parents[2] / "configs/us-china-2023.yaml"
HINDCAST = ("hindcast", str(WORKED_CASE), "--from")
EVENTS = """\
id,date,initiator,target,category,severity
e1,2022-01-15,USA,CHN,sanction,4
e2,2022-12-31,USA,CHN,visit,1
"""


@pytest.fixture
def resolved(case, command, tmp_path, monkeypatch):
    """A ledger named by the environment, with two resolved forecasts and an open one."""
    case.record("2022-01-01", {"crisis": {30: 0.75}, "clash": {90: 0.5, 900: 0.5}})
    (tmp_path / "events.csv").write_text(EVENTS)
    monkeypatch.setenv("FORECAST_LEDGER", str(case.path))

    monkeypatch.chdir(tmp_path)
    ended = command("ledger", "resolve", "--events", "events.csv")
    assert (ended.code, ended.err) == (0, "")
    assert "Resolved: 2 questions: 1 yes, 1 no." in ended.out
    return command


def id_of(case, target: str) -> str:
    return next(entry.id for entry in case.ledger.forecasts if entry.target == target)


@pytest.mark.parametrize(
    "arguments",
    [
        *[("list",), ("list", "--status", "open"), ("list", "--dyad", "usa-chn"), ("score",), ("verify",)],
        *[("show", "crisis"), ("show", "question"), ("resolve", "--events", "events.csv")],
    ],
    ids=" ".join,
)
def test_what_a_person_reads(resolved, case, arguments, monkeypatch, snapshot):
    monkeypatch.setenv("FORECAST_LEDGER", case.path.name)
    crisis = next(entry for entry in case.ledger.forecasts if entry.target == "crisis")
    ids = {"crisis": crisis.id, "question": crisis.question.id}
    ended = resolved("ledger", *(ids.get(one, one) for one in arguments))
    assert (ended.code, ended.err) == (0, "")
    # Hashes and paths are as long as they are.
    assert [line for line in ended.out.splitlines() if len(line) > 80] == []
    masked = re.sub(r"[0-9a-f]{64}", "HASH", ended.out)
    assert re.sub(r"Recorded: .* UTC", "Recorded: NOW", masked) == snapshot
    ended = resolved("ledger", *(ids.get(one, one) for one in arguments), "--json")
    assert (ended.code, ended.err) == (0, "")
    assert isinstance(json.loads(ended.out), dict)


def test_forecasts_of_runs_that_failed_are_listed_and_scored_only_when_asked(case, command, coded):
    case.record("2022-01-01", {"crisis": {30: 0.75}})
    case.record("2022-02-01", {"crisis": {30: 0.25}, "clash": {30: 0.01}}, converged=False, config="b")
    case.resolve(coded(("2022-12-31", "visit", 1)))
    where = "--ledger", case.path

    listed = json.loads(command("ledger", "list", *where, "--json").out)
    assert [(one["probability"], one["failed"]) for one in listed["forecasts"]] == [(0.75, False)]
    assert listed["failed_left_out"] == 2
    said = "2 forecasts of runs that did not converge left out: --failed lists them."
    assert said in command("ledger", "list", *where).out

    listed = json.loads(command("ledger", "list", "--failed", *where, "--json").out)
    assert [one["failed"] for one in listed["forecasts"]] == [False, True, True]
    assert listed["failed_left_out"] == 0
    out = command("ledger", "list", "--failed", *where).out
    assert [row.split()[-1] for row in out.splitlines()[1:4]] == ["no", "failed", "failed"]
    assert "2 forecasts of runs that did not converge: not scored." in out

    scores = json.loads(command("ledger", "score", *where, "--json").out)
    assert (scores["counts"]["scored"], scores["counts"]["unconverged"]) == (1, 2)
    assert "2 forecasts of runs that did not converge left out." in command("ledger", "score", *where).out


def test_void_needs_a_reason_and_happens_once(resolved, case):
    found = id_of(case, "crisis")
    assert json.loads(resolved("ledger", "show", found[:6], "--json").out)["entry"]["id"] == found
    assert resolved("ledger", "void", found).code == 2
    ended = resolved("ledger", "void", found, "--reason", " ")
    assert (ended.code, "the reason is shown for good" in ended.err) == (2, True)
    assert resolved("ledger", "void", found, "--reason", "coded twice").code == 0
    ended = resolved("ledger", "void", found, "--reason", "again")
    assert (ended.code, "is void already: coded twice" in ended.err) == (2, True)
    assert "Void: coded twice" in resolved("ledger", "show", found).out


BAD_INPUT = (
    ("list", "--dyad", "USA-SRB"),
    ("show", "abc"),
    ("show", "zzzz"),
    ("verify", "--head", "12345"),
    ("resolve", "--events", "none.csv"),
    ("import", "none.csv"),
    ("export", "--out", "nowhere/x"),
    (*HINDCAST, "2020-02-01", "--to", "2020-03-01"),
    (*HINDCAST, "2020-01-01", "--to", "2020-03-01", "--ahead", "0"),
    (*HINDCAST, "2016-01-01", "--to", "2016-03-01"),
)


def test_bad_input_is_one_message_and_exit_code_2(resolved, tmp_path, snapshot):
    before = sorted(tmp_path.iterdir())
    said = {}
    for arguments in BAD_INPUT:
        ended = resolved("ledger", *arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        shown = " ".join(arguments).replace(str(WORKED_CASE), "CONFIG")
        said[shown] = ended.err.strip().replace(str(WORKED_CASE), "CONFIG").replace(f"{tmp_path}/", "")
    assert said == snapshot
    assert sorted(tmp_path.iterdir()) == before


def test_what_could_steer_a_terminal_is_taken_out_of_what_others_send(resolved, case, tmp_path):
    (question, *_) = case.ledger.questions
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(f"question,forecaster,probability\n{question},\x1b[31mcrowd,0.9\n")
    ended = resolved("ledger", "import", sheet)
    assert ended.out == "Probabilities: 1 added, 0 known before.\n"
    for words in (("list",), ("score", "--by", "person")):
        out = resolved("ledger", *words).out
        assert "\x1b" not in out
        assert "crowd" in out
    assert "crowd: of 1 question, 1 answered more than a week after the as-of date" in out


def test_a_run_refuses_a_ledger_it_cannot_use_before_any_work(command, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "forecast.workflows.forecast.make_forecast", None
    )  # would fail if any work were begun
    ended = command("run", WORKED_CASE, "--ledger", tmp_path / "x", "--no-ledger")
    assert ended.code == 2
    assert ended.err == "forecast: --ledger names a ledger and --no-ledger uses none: give one of them\n"
    (tmp_path / "x").write_text("years of work\n" * 100)
    ended = command("run", WORKED_CASE, "--out", tmp_path / "runs", "--ledger", tmp_path / "x")
    assert (ended.code, "is no ledger, or a damaged one" in ended.err) == (2, True)
    assert not (tmp_path / "runs").exists()
