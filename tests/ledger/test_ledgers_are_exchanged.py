"""Exports that others can check and score, and imports that keep provenance and overrule nothing of ours."""

import csv
import hashlib
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from forecast.errors import InputError, LedgerError
from forecast.events.codebook import standard_scale
from forecast.events.dyads import DyadRule
from forecast.ledger.entries import ChainLine, JudgementEntry, VoidEntry, ledger_schema, with_id
from forecast.ledger.exchange import (
    chain_lines,
    hubverse_forecasts,
    hubverse_outcomes,
    import_chain,
    question_sheet,
    read_answers,
    read_chain_file,
)
from forecast.ledger.recording import asked_questions, others_of
from forecast.ledger.scoring import summarise_ledger
from forecast.ledger.store import open_ledger, write_ledger
from forecast.panel import TargetRule
from forecast.storage import open_plain

NOW = datetime(2023, 1, 1, tzinfo=UTC)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def colleague(case, tmp_path):
    """A second ledger in the same folder."""
    return type(case)(tmp_path / "colleague.sqlite")


@pytest.fixture
def take_over(case, tmp_path):
    """Import the export of a ledger into the first one."""

    def take(other):
        path = tmp_path / "export.jsonl"
        path.write_text(chain_lines(other.ledger), encoding="utf-8")
        with write_ledger(case.path) as writer:
            return import_chain(writer, read_chain_file(path))

    return take


def test_every_line_of_the_export_is_checked_without_our_code(case, coded):
    case.record("2022-01-01", {"crisis": {30: 0.25}, "clash": {30: 0.00001}})
    case.resolve(coded(("2022-12-31", "visit", 1)))
    previous = "0" * 64
    for line in chain_lines(case.ledger).splitlines():
        ChainLine.model_validate_json(line)
        content = json.loads(line)
        payload = line.split('"payload":', 1)[1].rsplit(',"previous":', 1)[0]
        assert content["previous"] == previous
        assert content["hash"] == hashlib.sha256((previous + payload).encode()).hexdigest()
        previous = content["hash"]
    assert previous == case.ledger.head


def test_the_schema_names_every_key_that_an_export_holds(case, coded):
    case.record("2022-01-01", {"crisis": {30: 0.25}}, counts="A listing that cuts trade.")
    case.resolve(coded(("2022-12-31", "visit", 1)))
    schema = ledger_schema()
    kinds = {"forecast": "ForecastEntry", "resolution": "ResolutionEntry"}
    for line in map(json.loads, chain_lines(case.ledger).splitlines()):
        entry = line["payload"]["entry"]
        assert set(line) == set(schema["properties"])
        assert set(line["payload"]) == set(schema["$defs"]["Payload"]["properties"])
        assert set(entry) == set(schema["$defs"][kinds[entry["kind"]]]["properties"])
        if entry["kind"] == "forecast":
            assert set(entry["rule"]) == set(schema["$defs"]["AskedRule"]["properties"])


def test_an_export_read_back_is_the_same_chain(case, tmp_path):
    case.record("2022-01-01", {"crisis": {30: 0.25, 90: 0.5}})
    path = tmp_path / "export.jsonl"
    path.write_text(chain_lines(case.ledger), encoding="utf-8")
    assert read_chain_file(path).head == case.ledger.head
    assert read_chain_file(case.path).head == case.ledger.head


def test_what_is_imported_keeps_where_it_came_from_and_is_not_taken_twice(case, colleague, take_over):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    colleague.record("2022-01-01", {"crisis": {30: 0.25}})
    colleague.record("2022-02-01", {"crisis": {30: 0.5}})
    done = take_over(colleague)
    assert (done.added, done.known, done.different, done.refused) == (1, 1, 0, 0)
    ours, theirs = case.ledger.forecasts
    assert ours.provenance == ()
    (origin,) = theirs.provenance
    assert origin.chain_head == colleague.ledger.head
    assert origin.hash == list(colleague.ledger.records)[1].hash
    assert take_over(colleague).known == 2
    assert len(case.ledger) == 2


def test_provenance_grows_with_every_step(case, colleague, take_over, tmp_path):
    third = type(case)(tmp_path / "third.sqlite")
    third.record("2022-01-01", {"crisis": {30: 0.25}})
    with write_ledger(colleague.path) as writer:
        import_chain(writer, third.ledger)
    take_over(colleague)
    (entry,) = case.ledger.forecasts
    assert [one.chain_head for one in entry.provenance] == [third.ledger.head, colleague.ledger.head]


def test_the_same_forecast_with_another_probability_stays_as_it_was_here(case, colleague, take_over):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    colleague.record("2022-01-01", {"crisis": {30: 0.250001}})
    done = take_over(colleague)
    assert (done.known, done.different) == (1, 1)
    assert [entry.probability for entry in case.ledger.forecasts] == [0.25]


def test_outcomes_come_along_but_never_overrule_ours(case, colleague, take_over, coded):
    yes, no = (
        coded(("2022-01-15", "sanction", 4), ("2022-12-31", "visit", 1)),
        coded(("2022-12-31", "visit", 1)),
    )
    for one in (case, colleague):
        one.record("2022-01-01", {"crisis": {30: 0.25}})
    colleague.resolve(no)
    colleague.resolve(yes)
    assert take_over(colleague).added == 2
    (found,) = case.ledger.resolutions.values()
    assert [one.outcome for one in found] == [0, 1]
    case.resolve(no)
    done = take_over(colleague)
    assert (done.added, done.refused, done.known) == (0, 0, 3)


def test_an_outcome_that_contradicts_ours_is_refused_and_counted(case, colleague, take_over, coded):
    for one, events in (
        (case, coded(("2022-12-31", "visit", 1))),
        (colleague, coded(("2022-01-15", "sanction", 4), ("2022-12-31", "visit", 1))),
    ):
        one.record("2022-01-01", {"crisis": {30: 0.25}})
        one.resolve(events)
    done = take_over(colleague)
    assert (done.added, done.refused) == (0, 1)
    (found,) = case.ledger.resolutions.values()
    assert [one.outcome for one in found] == [0]


def test_others_cannot_declare_void_what_is_ours(case, colleague, take_over):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    colleague.record("2022-01-01", {"crisis": {30: 0.25}})
    colleague.record("2022-02-01", {"crisis": {30: 0.5}})
    with write_ledger(colleague.path) as writer:
        for entry in list(colleague.ledger.forecasts):
            writer.append(with_id(VoidEntry, subject=entry.id, reason="a mistake"))
    done = take_over(colleague)
    assert (done.added, done.refused) == (2, 1)
    assert [case.ledger.standing(entry) for entry in case.ledger.forecasts] == ["open", "void"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"probability":0.5', '"probability":0.6', r"export\.jsonl:2: the record was altered"),
        ('{"hash"', '"hash"', r"export\.jsonl:1: the record is no JSON \(.*\); the line may have been cut"),
        (
            '"sequence":2',
            '"sequence":3',
            r"export\.jsonl:2: the record is missing: the next one has number 3",
        ),
        ('"schema":6', '"schema":7', r"export\.jsonl:1: the record is none that this version knows: payload"),
    ],
)
def test_an_altered_export_is_refused_with_its_line_and_nothing_is_taken(
    case, colleague, tmp_path, old, new, message
):
    colleague.record("2022-01-01", {"crisis": {30: 0.25, 90: 0.5}})
    path = tmp_path / "export.jsonl"
    text = chain_lines(colleague.ledger)
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LedgerError, match=message):
        read_chain_file(path)
    assert not case.path.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b" " * 20_000, r"export\.jsonl:1: a line of more than 10,000 bytes, so it is no export"),
        (b"\n" * 20_000, r"export\.jsonl: has more than 1,000 blank lines, so it is no export"),
    ],
)
def test_an_export_is_read_line_by_line_and_no_further_than_a_line_that_cannot_be_one(
    colleague, tmp_path, monkeypatch, content, message
):
    monkeypatch.setattr("forecast.ledger.exchange._MOST_LINE_BYTES", 10_000)
    path = tmp_path / "export.jsonl"
    colleague.record("2022-01-01", {"crisis": {30: 0.25}})
    whole = chain_lines(colleague.ledger)
    path.write_text(f"{whole}\n\n", encoding="utf-8-sig")
    assert read_chain_file(path).head == colleague.ledger.head
    # What follows is no text, and would be told were it read.
    path.write_bytes(content + b"\n\xff")
    with pytest.raises(LedgerError, match=message):
        read_chain_file(path)


def test_a_ledger_to_import_is_not_read_into_memory_first(case, monkeypatch):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    read = []

    def opened(path, limit):
        file = open_plain(path, limit)
        whole = file.read
        monkeypatch.setattr(file, "read", lambda size: read.append(size) or whole(size), raising=False)
        return file

    monkeypatch.setattr("forecast.ledger.exchange.open_plain", opened)
    assert read_chain_file(case.path).head == case.ledger.head
    assert 0 < sum(read) < 100


def test_hubverse_tables_hold_forecasts_baselines_and_outcomes_of_the_same_tasks(case, coded):
    case.record("2022-01-01", {"crisis": {30: 0.25}, "clash": {90: 0.5}}, name="us-china 2022", baseline=0.3)
    case.resolve(coded(("2022-01-15", "sanction", 4), ("2022-12-31", "visit", 1)))
    forecasts, outcomes = rows_of(hubverse_forecasts(case.ledger)), rows_of(hubverse_outcomes(case.ledger))
    assert forecasts[0] == {
        "model_id": "us_china_2022-joint",
        "origin_date": "2022-01-01",
        "target": "crisis",
        "horizon": "30",
        "target_end_date": "2022-01-31",
        "location": "CHN-USA",
        "output_type": "pmf",
        "output_type_id": "yes",
        "value": "0.25",
    }
    tasks = {}
    for row in forecasts:
        key = tuple(row[name] for name in ("model_id", "origin_date", "target", "horizon", "location"))
        tasks.setdefault(key, []).append(float(row["value"]))
    assert {key[0] for key in tasks} == {"us_china_2022-joint", "us_china_2022-climatology"}
    assert all(len(values) == 2 and sum(values) == pytest.approx(1) for values in tasks.values())
    seen = {(row["target"], row["output_type_id"]): row["oracle_value"] for row in outcomes}
    assert seen == {
        ("crisis", "yes"): "1",
        ("crisis", "no"): "0",
        ("clash", "yes"): "0",
        ("clash", "no"): "1",
    }


def test_a_brier_score_worked_out_from_the_tables_is_that_of_the_ledger(case, coded):
    from forecast.ledger.scoring import score_ledger

    case.record("2022-01-01", {"crisis": {30: 0.75, 90: 0.6}, "clash": {90: 0.5}})
    case.resolve(coded(("2022-02-15", "sanction", 4), ("2022-12-31", "visit", 1)))
    columns = ("origin_date", "target", "horizon", "location", "output_type_id")
    happened = {
        tuple(row[c] for c in columns): int(row["oracle_value"])
        for row in rows_of(hubverse_outcomes(case.ledger))
    }
    errors = [
        (float(row["value"]) - happened[tuple(row[c] for c in columns)]) ** 2
        for row in rows_of(hubverse_forecasts(case.ledger))
        if row["model_id"] == "small-joint" and row["output_type_id"] == "yes"
    ]
    assert sum(errors) / 3 == pytest.approx(score_ledger(case.ledger).groups[0].brier.value)


def test_the_sheet_of_questions_filled_in_is_read_back(case, tmp_path):
    case.record("2022-01-01", {"crisis": {30: 0.25, 90: 0.5}})
    sheet = tmp_path / "sheet.csv"
    first, second, *_ = question_sheet(case.ledger).splitlines()[1:]
    header = question_sheet(case.ledger).splitlines()[0]
    sheet.write_text(
        "\n".join([header, first.removesuffix(",,,,") + f"crowd,0.4,2022-01-02,{LINK},Counts visits", second])
        + "\n"
    )
    (judgement,), empty = read_answers(sheet, case.ledger, now=NOW)
    assert (judgement.forecaster, judgement.probability, empty) == ("crowd", 0.4, 1)
    assert (judgement.link, judgement.differs) == (LINK, "Counts visits")
    assert judgement.made_on == datetime(2022, 1, 2, tzinfo=UTC)
    assert judgement.question == next(case.ledger.forecasts).question
    assert not judgement.hindcast


def answers(case, tmp_path, *rows):
    sheet = tmp_path / "answers.csv"
    sheet.write_text("\n".join([f"{HEADER},made_on,link,differs", *rows]) + "\n", encoding="utf-8")
    with write_ledger(case.path) as writer:
        for judgement in read_answers(sheet, writer.ledger, now=NOW)[0]:
            writer.append(judgement)


def test_what_others_said_is_told_with_how_their_question_differs(case, tmp_path):
    case.record("2022-01-01", {"crisis": {30: 0.25, 60: 0.4}, "clash": {30: 0.01}})
    case.record("2022-01-15", {"crisis": {17: 0.2}})  # the same last day, asked later
    answers(
        case,
        tmp_path,
        f"USA-CHN,crisis,2022-01-01,2022-02-01,market,0.3,2022-01-02,{LINK},Counts visits",
        "USA-CHN,crisis,2022-01-01,2022-02-01,market,0.35,2022-01-20,,",
        "USA-CHN,crisis,2022-01-15,2022-02-02,analyst,0.1,2022-01-15,,",
        "USA-CHN,crisis,2022-01-01,2022-03-03,crowd,0.5,2022-01-03,,",
        "USA-CHN,clash,2022-01-01,2022-02-01,market,0.02,2022-01-03,,",
    )
    dyad, as_of = DyadRule(("USA",), ("CHN",)), date(2022, 1, 1)
    rules = [TargetRule("crisis", ("dispute", "sanction"), 4)]
    asked = asked_questions(dyad, rules, as_of, {"soon": date(2022, 2, 1)}, standard_scale())
    found = others_of(case.ledger, asked, as_of)
    assert [(one.forecaster, one.probability, one.milestone, one.after_as_of) for one in found] == [
        ("market", 0.35, "soon", True),  # the last word of each
        ("analyst", 0.1, None, True),
        ("crowd", 0.5, None, True),
    ]
    assert [one.differs for one in found] == [
        (),
        ("ends on 2022-02-02, not on 2022-02-01", "counts events after 2022-01-15, not after 2022-01-01"),
        ("ends on 2022-03-03, not on 2022-02-01",),
    ]
    early = others_of(case.ledger, asked, date(2022, 1, 5))
    assert [one.after_as_of for one in early] == [True, True, False]
    assert summarise_ledger(case.ledger, ("USA", "CHN"), asked).others == found


def test_an_answer_declared_void_is_not_told(case, tmp_path):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    answers(case, tmp_path, "USA-CHN,crisis,2022-01-01,2022-02-01,market,0.3,2022-01-02,,")
    asked = asked_questions(
        DyadRule(("USA",), ("CHN",)),
        [TargetRule("crisis", ("sanction", "dispute"), 4)],
        date(2022, 1, 1),
        {"soon": date(2022, 2, 1)},
        standard_scale(),
    )
    (told,) = others_of(case.ledger, asked, date(2022, 1, 1))
    assert told.link is None
    with write_ledger(case.path) as writer:
        subject = next(iter(writer.ledger.judgements)).id
        writer.append(with_id(VoidEntry, subject=subject, reason="a slip"))
    assert others_of(case.ledger, asked, date(2022, 1, 1)) == ()


LINK = "https://example.org/q/1"
HEADER = "dyad,target,as_of,milestone,forecaster,probability"
ROW = "USA-CHN,crisis,2022-01-01,2022-02-01,crowd,0.4"


FAULTY_SHEETS = {
    **{
        f"{old} → {new}": f"{HEADER}\n{ROW.replace(old, new)}"
        for old, new in (
            *(("0.4", "63"), ("0.4", "nan"), ("crisis", "crises"), ("02-01,", "02-02,"), ("crowd", "")),
            *(("2022-01-01", "now"), ("0.4", "0.4,x"), ("0.4", "")),
        )
    },
    **{
        f"header: {header}": f"{header}\n{ROW}"
        for header in (
            HEADER.replace("dyad", "diad"),
            HEADER.removesuffix(",probability"),
            f"{HEADER},target",
        )
    },
    **{
        f"{column}: {cell}": f"{HEADER},{column}\n{ROW},{cell}"
        for column, cell in (
            *(("made_on", "2099-01-01"), ("made_on", "soon"), ("made_on", "0001-01-01T00:00:00+14:00")),
            *(("made_on", "9999-12-31T23:59:59-14:00"), ("made_on", "0001-01-01"), ("question", "abcd")),
        )
    },
    "25 faulty rows": "\n".join([HEADER, *[ROW.replace("0.4", "2")] * 25]),
    "a cell without end": f"{HEADER}\n{'x' * 200_000},a,b,c,d,e",
}


def test_a_faulty_sheet_is_refused_with_its_lines(case, tmp_path, monkeypatch, snapshot):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    question = next(iter(case.ledger.questions))
    monkeypatch.chdir(tmp_path)
    said = {}
    for name, text in FAULTY_SHEETS.items():
        Path("sheet.csv").write_text(text + "\n")
        with pytest.raises(InputError, match=r"^sheet\.csv:") as refusal:
            read_answers(Path("sheet.csv"), case.ledger, now=NOW)
        said[name] = str(refusal.value).replace(question, "QUESTION")
    assert said == snapshot


def test_outcomes_through_the_last_day_of_the_calendar_are_refused_and_do_not_overflow(case):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    question = next(iter(case.ledger.questions.values()))
    assert question.is_over(date(9999, 12, 31))
    with pytest.raises(ValidationError, match="the year is not between 1000 and 9000"):
        question.model_validate(question.model_dump() | {"as_of": date(9999, 12, 31)})


def test_a_judgement_alone_is_exported_like_any_other(case, tmp_path):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    question = next(iter(case.ledger.questions.values()))
    made = with_id(
        JudgementEntry,
        question=question.model_dump(),
        forecaster="crowd",
        probability=0.4,
        made_on=datetime(2022, 1, 2, tzinfo=UTC),
    )
    alone = tmp_path / "alone.sqlite"
    with write_ledger(alone) as writer:
        writer.append(made)
    book = open_ledger(alone)
    assert f"others-crowd,2022-01-01,question_{question.id[:8]},30," in hubverse_forecasts(book)
    assert hubverse_outcomes(book).count("\n") == 1
    assert question.id in question_sheet(book)
