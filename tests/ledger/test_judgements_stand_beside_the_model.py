"""What people say of a run is checked, kept, pooled with the model and scored by the question's own rule."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from scipy.special import expit, logit

from forecast.errors import InputError, LedgerError
from forecast.ledger.chain import JudgementEntry, ResolutionEntry, with_id
from forecast.ledger.judgements import read_range
from forecast.ledger.scoring import BASE_RATE, EQUAL, MODEL, first_answers, pooled, score_persons
from forecast.ledger.store import open_ledger, write_ledger
from forecast.storage import read_chance

SAMPLE = Path(__file__).parents[2] / "reports/sample"
ASKED = ("--target", "taiwan_drills", "--before", "2024-11-05")


@pytest.fixture
def sample(tmp_path):
    folder = tmp_path / "us-china-2023" / "2023-07-10"
    shutil.copytree(SAMPLE, folder)
    return folder


def test_the_pool_is_the_mean_of_log_odds_of_which_nobody_decides_alone():
    assert pooled([0.3, 0.3, 0.3]) == pytest.approx(0.3)
    assert pooled([0.2, 0.6]) == pytest.approx(expit((logit(0.2) + logit(0.6)) / 2))
    assert pooled([1e-9, 0.5]) == pytest.approx(expit(logit(0.005) / 2))


def test_percents_and_shares_are_read_alike():
    assert read_chance("40%", "p") == read_chance(" 0.4 ", "p") == pytest.approx(0.4)
    assert read_range("25-60", 0.4, "r") == read_range("0.25–0.6", 0.4, "r") == pytest.approx((0.25, 0.6))
    for text in ("likely", "0", "100%", "0%", "1.2", "40", "-3%", "", "nan", "1e-3"):
        with pytest.raises(InputError, match="--probability: got"):
            read_chance(text, "--probability")
    with pytest.raises(InputError, match=r"around 40%.*25-60"):
        read_range("45-60", 0.4, "r")


def test_a_judgement_stands_beside_the_model_and_the_pool(command, sample):
    ended = command(
        "judge", sample, "--by", "anna", *ASKED, "--probability", "40%", "--range", "25-60", "--json"
    )
    assert ended.code == 0, ended.err
    answer = json.loads(ended.out)
    model = next(
        milestone["probability"]
        for target in json.loads((sample / "forecast.json").read_text())["targets"]
        if target["name"] == "taiwan_drills"
        for milestone in target["milestones"]
        if milestone["date"] == "2024-11-05"
    )
    stated = answer["by"], answer["probability"], answer["interval"], answer["model"]
    assert stated == ("anna", 0.4, [0.25, 0.6], model)
    assert answer["pooled"] == {"probability": pytest.approx(pooled([0.4, model])), "persons": 1}
    ledger = open_ledger(Path(answer["ledger"]))
    assert [entry.forecaster for entry in ledger.judgements] == ["anna"]
    assert ledger.path == str(sample.parents[1] / "ledger.sqlite")


def test_of_two_on_one_day_the_later_counts_and_the_latest_is_pooled(command, sample):
    for made_on, chance in (("2023-07-12", "0.2"), ("2023-07-20", "0.3")):
        command("judge", sample, "--by", "bo", *ASKED, "--probability", chance, "--made-on", made_on)
    ledger = open_ledger(sample.parents[1] / "ledger.sqlite")
    (bo,) = first_answers(ledger, of_persons=True)["bo"].values()
    assert bo.probability == 0.2  # the first day's
    ended = command("judge", sample, "--by", "anna", *ASKED, "--probability", "0.5", "--json")
    answer = json.loads(ended.out)
    assert answer["pooled"]["probability"] == pytest.approx(pooled([0.3, 0.5, answer["model"]]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--made-on": "2024-11-05"}, "--before: the window was over"),
        ({"--made-on": "2023-07-01"}, "--made-on: 2023-07-01 is before"),
        ({"--made-on": "2999-01-01"}, "lies ahead"),
        ({"--made-on": "soon"}, "--made-on: got 'soon'; expected a day, YYYY-MM-DD"),
        ({"--by": "model"}, "--by: got 'model'"),
        ({"--probability": None}, "--probability: is missing"),
        ({"--target": "war"}, "It has: taiwan_drills"),
        ({"--before": "2024-11-06"}, "2024-11-05 (us-election-2024)"),
        ({"--sheet": "s.csv"}, "--by: not with --sheet"),
    ],
)
def test_bad_statements_end_with_one_message_and_leave_no_trace(command, sample, options, message):
    sound = {"--by": "anna", "--probability": "40%", **dict([ASKED[:2], ASKED[2:]])}
    given = [word for name, text in (sound | options).items() if text for word in (name, text)]
    ended = command("judge", sample, *given)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.count("forecast:") == 1
    ledger = sample.parents[1] / "ledger.sqlite"
    assert not ledger.exists() or not len(open_ledger(ledger))


def test_a_sheet_is_taken_whole_or_not_at_all(command, sample, tmp_path):
    sheet = tmp_path / "sheet.csv"
    rows = ["anna,taiwan_drills,2024-11-05,40%", "bo,collision,us-election-2024,0.1"]
    sheet.write_text("by,target,before,probability\n" + "\n".join([*rows, "cy,collision,2024-11-05,likely"]))
    ended = command("judge", sample, "--sheet", sheet)
    assert ended.code == 2
    assert f"{sheet}:4: probability: got 'likely'" in ended.err
    sheet.write_text("by,target,before,probability\n" + "\n".join(rows))
    assert json.loads(command("judge", sample, "--sheet", sheet, "--json").out)["added"] == 2
    sheet.write_text("by,target,before,chance\n")
    assert f"{sheet}:1: unknown column 'chance'" in command("judge", sample, "--sheet", sheet).err


def test_a_resolved_question_takes_no_judgement(command, sample):
    command("judge", sample, "--by", "anna", *ASKED, "--probability", "40%")
    place = sample.parents[1] / "ledger.sqlite"
    (question,) = open_ledger(place).questions.values()
    resolution = with_id(
        ResolutionEntry,
        question_id=question.id,
        outcome=0,
        decided_on=None,
        acts=(),
        through=date(2024, 11, 4),
        events_source="events.csv",
        events_sha256="0" * 64,
    )
    with write_ledger(place) as writer:
        writer.append(resolution)
    ended = command("judge", sample, "--by", "bo", *ASKED, "--probability", "40%")
    assert ended.code == 2
    assert "this question is resolved (no" in ended.err


@pytest.fixture
def said(case):
    """Put somebody's answers to questions of the case on record, made on their as-of dates."""

    def say(forecaster, by_day, **kind):
        with write_ledger(case.path) as writer:
            for question in list(writer.ledger.questions.values()):
                if (day := question.as_of.isoformat()) in by_day:
                    made_on = datetime(*question.as_of.timetuple()[:3], tzinfo=UTC)
                    fields = {"question": question, "forecaster": forecaster, "made_on": made_on}
                    writer.append(with_id(JudgementEntry, **fields, probability=by_day[day], **kind))

    return say


def test_people_markets_model_base_rate_and_pool_are_scored_on_the_same_questions(case, coded, command, said):
    for day in ("2022-01-01", "2022-03-01", "2022-05-01"):
        case.record(day, {"crisis": {30: 0.75}})
    said("anna", {"2022-01-01": 0.9, "2022-03-01": 0.1}, person=True)
    said("market", {"2022-03-01": 0.2}, price=True)
    with pytest.raises(LedgerError, match="no question that a person or a market answered is resolved"):
        score_persons(case.ledger)
    case.resolve(coded(("2022-01-25", "sanction", 4), ("2022-12-31", "visit", 1)))
    scores = {score.by: score for score in score_persons(case.ledger)}
    assert {name: score.n for name, score in scores.items()} == {
        **{"anna": 2, "market": 1, MODEL: 2, BASE_RATE: 2, EQUAL: 2},
    }
    assert scores["anna"].brier == pytest.approx(0.01)
    assert scores[MODEL].brier == pytest.approx((0.25**2 + 0.75**2) / 2)
    assert scores[BASE_RATE].brier == pytest.approx((0.7**2 + 0.3**2) / 2)
    assert scores[BASE_RATE].skill == pytest.approx(0.0)
    assert scores["anna"].skill == pytest.approx(1 - 0.01 / scores[BASE_RATE].brier)
    assert scores["market"].model_brier == pytest.approx(0.75**2)
    assert scores["market"].lead == pytest.approx(0.75**2 - 0.2**2)
    # The pool is of people and the model: markets are beside it.
    due = [(pooled([0.9, 0.75]) - 1) ** 2, pooled([0.1, 0.75]) ** 2]
    assert scores[EQUAL].brier == pytest.approx(sum(due) / 2)
    ended = command("ledger", "score", "--by", "person", "--ledger", case.path)
    assert " * " not in ended.out
    ended = command("ledger", "score", "--by", "person", "--ledger", case.path, "--json")
    assert [score["by"] for score in json.loads(ended.out)["scores"]] == list(scores)


def test_a_lead_has_an_asterisk_once_it_is_sure(case, coded, command, said):
    days = [f"{year}-{month:02d}-01" for year in range(2017, 2022) for month in range(1, 13)]
    hits = [day for place, day in enumerate(days) if place % 2]
    case.record_all((day, {"crisis": {20: 0.5}}, {}) for day in days)
    said("anna", {day: 0.8 if day in hits else 0.2 for day in days}, person=True)
    said("crowd", {day: 0.2 if day in hits else 0.8 for day in days})
    case.resolve(coded(*((f"{day[:8]}05", "sanction", 4) for day in hits), ("2022-12-31", "visit", 1)))
    scores = {score.by: (score.sure, score.lead > 0) for score in score_persons(case.ledger)}
    assert (scores["anna"], scores["crowd"]) == ((True, True), (True, False))
    assert command("ledger", "score", "--by", "person", "--ledger", case.path).out.count(" * ") >= 2
