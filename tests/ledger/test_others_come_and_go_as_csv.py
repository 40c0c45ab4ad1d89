"""The ledger as CSV: out and in again, answers of others, prices of markets matched by hand."""

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from forecast.errors import InputError
from forecast.ledger.chain import VoidEntry, with_id
from forecast.ledger.judgements import forecasts_csv, question_sheet, read_forecasts, read_prices
from forecast.ledger.recording import RunQuestion, others_of
from forecast.ledger.scoring import summarise_ledger
from forecast.ledger.store import write_ledger

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
            *(
                ("0.4", "63"),
                ("0.4", "nan"),
                ("0.4", "0.4,x"),
                ("0.4", ""),
                ("crowd", ""),
                ("crowd", "Model"),
            ),
            *(("QUESTION", ""), ("QUESTION", "zz")),
        )
    },
    **{
        f"header: {header}": f"{header}\n{ROW}"
        for header in (
            "qestion,forecaster,probability",
            "question,forecaster",
            "question,question,probability",
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
    "25 faulty rows": "\n".join(["question,forecaster,probability", *[ROW.replace("0.4", "2")] * 25]),
    "a cell without end": f"question,forecaster,probability\n{'x' * 200_000},a,b",
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
    assert [other.differs for other in others] == [
        (),
        ("ends on 2022-02-02, not on 2022-02-01", "counts events after 2022-01-15, not after 2022-01-01"),
        ("ends on 2022-03-03, not on 2022-02-01",),
    ]
    early = others_of(case.ledger, run, date(2022, 1, 5))
    assert [other.after_as_of for other in early] == [True, True, False]
    assert summarise_ledger(case.ledger, ("USA", "CHN"), run).others == others
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
    assert left_out == {
        "on or after the milestone": 1,
        "before the last one known on the as-of date": 1,
    }
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
    sheet, out = tmp_path / "prices.csv", tmp_path / "out.csv"
    sheet.write_text(PRICES.format(asked))
    where = "--ledger", case.path
    ended = command("ledger", "import", sheet, "--format", "prices", *where)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Probabilities: 3 added, 0 known before.\nLeft out: 1 on or after the")
    ended = command("ledger", "import", sheet, "--format", "prices", *where, "--json")
    answer = json.loads(ended.out)
    assert (answer["added"], answer["known"]) == (0, 3)
    assert sum(answer["left_out"].values()) == 2
    assert command("ledger", "export", *where, "--out", out).out == ""
    assert command("ledger", "export", *where).out == out.read_text() == forecasts_csv(case.ledger)
    assert command("ledger", "export", *where, "--format", "questions").out == question_sheet(case.ledger)
    ended = command("ledger", "import", out, *where)
    assert ended.out.startswith("Probabilities: 0 added, 4 known before.")
