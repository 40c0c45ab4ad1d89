"""``forecast ledger`` as the terminal runs it; others' answers and prices as CSV."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from forecast.errors import InputError
from forecast.ledger.judgements import (
    FORECAST_COLUMNS,
    PRICE_COLUMNS,
    forecasts_csv,
    question_sheet,
    read_forecasts,
    read_prices,
)
from forecast.ledger.recording import RunQuestion, others_of
from forecast.ledger.scoring import HORIZON_BANDS
from forecast.ledger.store import write_ledger
from forecast.records.analysis import FEWEST_OUTCOMES
from forecast.records.ledger import DIGITS, GRACE_DAYS, VoidEntry, with_id

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
    masked = re.sub(r"[0-9a-f]{64}", "HASH", ended.out).replace(f"{datetime.now(UTC):%Y-%m-%d}", "RECORDED  ")
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
    assert re.findall(r"%  (\w+)$", out, re.M) == ["no", "failed", "failed"]
    assert "2 forecasts of runs that did not converge: not scored." in out

    scores = json.loads(command("ledger", "score", *where, "--json").out)
    assert (scores["counts"]["scored"], scores["counts"]["unconverged"]) == (1, 2)
    assert "Left out: 2 forecasts of runs that did not converge." in command("ledger", "score", *where).out


def test_void_needs_a_reason_and_happens_once(resolved, case):
    found = id_of(case, "crisis")
    assert json.loads(resolved("ledger", "show", found[:6], "--json").out)["entry"]["id"] == found
    assert resolved("ledger", "void", found).code == 2
    for blank in (" ", "\u200b"):
        ended = resolved("ledger", "void", found, "--reason", blank)
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
    monkeypatch.setattr("forecast.workflows.forecast.fit", None)  # would fail if any work were begun
    ended = command("run", WORKED_CASE, "--ledger", tmp_path / "x", "--no-ledger")
    assert ended.code == 2
    assert ended.err == "forecast: --ledger names a ledger and --no-ledger uses none: give one of them\n"
    (tmp_path / "x").write_text("years of work\n" * 100)
    ended = command("run", WORKED_CASE, "--out", tmp_path / "runs", "--ledger", tmp_path / "x")
    assert (ended.code, "is no ledger, or a damaged one" in ended.err) == (2, True)
    assert not (tmp_path / "runs").exists()


NOW = datetime(2023, 1, 1, tzinfo=UTC)
LINK = "https://example.org/q/1"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def take(case, tmp_path):
    """Take in CSV as text; return what was read."""

    def read_in(text, reader=read_forecasts):
        path = tmp_path / "others.csv"
        path.write_text(text, encoding="utf-8")
        with write_ledger(case.path) as writer:
            entries, left_out = reader(path, writer.ledger, NOW)
            for entry in entries:
                writer.append(entry)
        return entries, left_out

    return read_in


@pytest.fixture
def asked(case):
    """The id of a question on record: acts after 1 January 2022 and before 1 February."""
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    (key,) = case.ledger.questions
    return key


def test_a_ledger_as_csv_is_taken_in_by_whoever_holds_its_questions(case, coded, tmp_path, take):
    case.record("2022-01-01", {"crisis": {30: 0.25, 90: 0.123456}, "clash": {30: 0.01}})
    case.record("2022-01-01", {"crisis": {30: 0.5}}, model="other")
    colleague = type(case)(tmp_path / "colleague.sqlite")
    colleague.record("2022-01-01", {"crisis": {30: 0.75, 90: 0.5}, "clash": {30: 0.01}}, name="theirs")
    with write_ledger(colleague.path) as writer:
        void = next(entry.id for entry in writer.ledger.forecasts if entry.target == "clash")
        writer.append(with_id(VoidEntry, subject=void, reason="a slip"))
    colleague.resolve(coded(("2022-02-15", "sanction", 4), ("2022-12-31", "visit", 1)))
    text = forecasts_csv(colleague.ledger)
    assert [(row["probability"], row["outcome"]) for row in rows_of(text)] == [("0.75", "no"), ("0.5", "yes")]
    take(text)
    take(text)  # nothing is taken twice
    there, here = list(colleague.ledger.forecasts)[:2], list(case.ledger.judgements)
    assert {entry.forecaster for entry in here} == {"theirs/joint"}
    for theirs, ours in zip(there, here, strict=True):
        assert (ours.question, ours.probability, ours.made_on) == (
            *(theirs.question, theirs.probability, theirs.made_on),
        )
    assert case.ledger.resolutions == {}  # outcomes are looked up by everybody
    again = rows_of(forecasts_csv(case.ledger))
    assert [row["forecaster"] for row in again].count("theirs/joint") == 2


def test_the_sheet_of_questions_filled_in_is_read_back(case, coded, take):
    case.record("2022-01-01", {"crisis": {30: 0.25, 90: 0.5, 900: 0.5}})
    case.resolve(coded(("2022-12-31", "visit", 1)), through="2022-02-01")
    header, first, second = question_sheet(case.ledger).splitlines()
    filled = first.removesuffix(",,,,") + f"crowd,0.4,2022-01-02,{LINK},Counts visits"
    (judgement,), left_out = take("\n".join([header, filled, second]) + "\n")
    assert (judgement.forecaster, judgement.probability) == ("crowd", 0.4)
    assert left_out == {"without a probability": 1}
    assert (judgement.link, judgement.differs) == (LINK, "Counts visits")
    assert judgement.made_on == datetime(2022, 1, 2, tzinfo=UTC)
    assert judgement.question.horizon_days == 90
    assert not judgement.hindcast


ROW = "QUESTION,crowd,0.4"
FAULTY_SHEETS = {
    **{
        f"{old} → {new}": f"question,forecaster,probability\n{ROW.replace(old, new)}"
        for old, new in (
            *(("0.4", "63"), ("0.4", "nan"), ("0.4", ""), ("crowd", ""), ("crowd", "Model")),
            *(("QUESTION", ""), ("QUESTION", "zz")),
        )
    },
    **{
        f"{column}: {cell}": f"question,forecaster,probability,{column}\n{ROW},{cell}"
        for column, cell in (
            *(("made_on", "2099-01-01"), ("made_on", "soon"), ("made_on", "0001-01-01T00:00:00+14:00")),
            *(("made_on", "9999-12-31T23:59:59-14:00"), ("made_on", "0001-01-01"), ("target", "crises")),
            *(("milestone", "2022-02-02"), ("dyad", "USA-SRB")),
        )
    },
}
PRICE = "2022-01-05,QUESTION,0.35,Market"
FAULTY_PRICES = {
    f"price: {old} → {new}": f"date,question,probability,source\n{PRICE.replace(old, new)}"
    for old, new in (
        *(("2022-01-05", "2099-01-01"), ("2022-01-05", "soon")),
        *(("QUESTION", "zz"), ("0.35", "1.2"), ("Market", ""), (PRICE, f"{PRICE}\n{PRICE}")),
    )
}


def test_a_faulty_sheet_is_refused_with_its_lines(asked, case, tmp_path, monkeypatch, snapshot):
    monkeypatch.chdir(tmp_path)
    messages = {}
    for name, text in (FAULTY_SHEETS | FAULTY_PRICES).items():
        Path("sheet.csv").write_text(text.replace("QUESTION", asked) + "\n")
        reader = read_prices if name.startswith("price") else read_forecasts
        with pytest.raises(InputError, match=r"^sheet\.csv:") as refusal:
            reader(Path("sheet.csv"), case.ledger, NOW)
        messages[name] = str(refusal.value).replace(asked, "QUESTION")
    assert messages == snapshot


def test_what_others_said_is_told_with_how_their_question_differs(case, take):
    case.record("2022-01-01", {"crisis": {30: 0.25, 60: 0.4}, "clash": {30: 0.01}})
    case.record("2022-01-15", {"crisis": {17: 0.2}})  # the same last day, asked later
    soon, later, clash, again = case.ledger.questions
    take(
        "question,forecaster,probability,made_on,link,differs\n"
        f"{soon},market,0.3,2022-01-02,{LINK},Counts visits\n"
        f"{soon},market,0.35,2022-01-20,,\n"
        f"{again},analyst,0.1,2022-01-15,,\n"
        f"{later},crowd,0.5,2022-01-03,,\n"
        f"{clash},market,0.02,2022-01-03,,\n"
    )
    as_of = date(2022, 1, 1)
    run = [RunQuestion("crisis", "soon", case.ledger.questions[soon])]
    others = others_of(case.ledger, run, as_of)
    assert [
        (other.forecaster, other.probability, other.milestone, other.after_as_of) for other in others
    ] == [
        ("market", 0.35, "soon", True),  # the last word of each
        ("analyst", 0.1, None, True),
        ("crowd", 0.5, None, True),
    ]
    ends = [(other.nearest, other.ends, other.asked_as_of) for other in others]
    soon_ends = date(2022, 2, 1)
    assert ends == [
        (None, soon_ends, as_of),
        (soon_ends, date(2022, 2, 2), date(2022, 1, 15)),
        (soon_ends, date(2022, 3, 3), as_of),
    ]
    early = others_of(case.ledger, run, date(2022, 1, 5))
    assert [other.after_as_of for other in early] == [True, True, False]
    with write_ledger(case.path) as writer:
        for entry in list(writer.ledger.judgements):
            writer.append(with_id(VoidEntry, subject=entry.id, reason="a slip"))
    assert others_of(case.ledger, run, as_of) == ()


PRICES = """\
date,question,probability,source,link,differs
2022-02-01,{0},1%,Market,,
2022-01-10,{0},30%,Market,https://example.org/q/1,counts visits
2021-12-20,{0},20%,Market,,
2021-12-01,{0},10%,Market,,
2022-01-10,{0},0,Other,,
"""


def test_of_prices_what_was_known_on_the_as_of_date_and_later_counts(asked, case, take):
    entries, left_out = take(PRICES.format(asked[:12]), read_prices)
    assert left_out == {"on or after the milestone": 1, "before the last one known on the as-of date": 1}
    take(PRICES.format(asked), read_prices)  # nothing is taken twice
    kept = [(entry.forecaster, entry.made_on.date(), entry.probability) for entry in case.ledger.judgements]
    assert kept == [
        ("Market", date(2021, 12, 20), 0.2),
        ("Market", date(2022, 1, 10), 0.3),
        ("Other", date(2022, 1, 10), 0.0),
    ]
    last = entries[1]
    assert (last.link, last.differs, last.price) == (LINK, "counts visits", True)
    question = case.ledger.questions[asked]
    others = others_of(case.ledger, [RunQuestion("crisis", "soon", question)], question.as_of)
    assert [(other.forecaster, other.made_on, other.after_as_of) for other in others] == [
        ("Other", date(2022, 1, 10), True),  # first seen after the as-of date
        ("Market", date(2021, 12, 20), False),
    ]


def test_csv_goes_out_and_comes_in_by_command(asked, case, command, tmp_path):
    sheet, ours = tmp_path / "prices.csv", tmp_path / "ours.csv"
    sheet.write_text(PRICES.format(asked))
    where = "--ledger", case.path
    ended = command("ledger", "import", sheet, "--format", "prices", *where)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Probabilities: 3 added, 0 known before.\nLeft out: 1 on or after the")
    ended = command("ledger", "import", sheet, "--format", "prices", *where, "--json")
    answer = json.loads(ended.out)
    assert (answer["added"], answer["known"]) == (0, 3)
    assert sum(answer["left_out"].values()) == 2
    ours.write_text(command("ledger", "export", *where).out)
    assert ours.read_text() == forecasts_csv(case.ledger)
    assert command("ledger", "export", *where, "--format", "questions").out == question_sheet(case.ledger)
    ended = command("ledger", "import", ours, *where)
    assert ended.out.startswith("Probabilities: 0 added, 4 known before.")


PAGE = (Path(__file__).resolve().parents[2] / "docs/ledger.md").read_text(encoding="utf-8")


def test_the_figures_of_the_page_are_those_in_use():
    text = " ".join(PAGE.split())
    bands = ", ".join(name.removesuffix(" days") for _, name in HORIZON_BANDS)
    phrases = [
        f"made more than {GRACE_DAYS} days after",
        f"fewer than {FEWEST_OUTCOMES} of either answer",
        f"({bands} and more days)",
        *(f"`{','.join(columns)}`" for columns in (FORECAST_COLUMNS, PRICE_COLUMNS)),
        "kept to six decimals",
    ]
    assert DIGITS == 6
    assert [phrase for phrase in phrases if phrase not in text] == []
