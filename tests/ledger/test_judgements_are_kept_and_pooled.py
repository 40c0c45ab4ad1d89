"""What people say is checked, kept, pooled with the model and scored by the question's own rule."""

import json
import math
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

from forecast.errors import InputError, LedgerError
from forecast.ledger.entries import JudgementEntry, Question, ResolutionEntry, with_id
from forecast.ledger.judging import read_range
from forecast.ledger.pooling import (
    BASE_RATE,
    MODEL,
    POOLED,
    Answered,
    Pool,
    learn_pool,
    person_answers,
    pool_of,
    score_persons,
)
from forecast.ledger.store import open_ledger, write_ledger
from forecast.storage.reading import read_chance

SAMPLE = Path(__file__).parents[2] / "reports/sample"
ASKED = ("--target", "taiwan_drills", "--before", "2024-11-05")


@pytest.fixture
def sample(tmp_path):
    folder = tmp_path / "us-china-2023" / "2023-07-10"
    shutil.copytree(SAMPLE, folder)
    return folder


def question(day: int, *, days: int = 30) -> Question:
    as_of = date(2020, 1, 1) + timedelta(days=day)
    milestone = as_of + timedelta(days=days + 1)
    return Question(
        dyad=("CHN", "USA"), any_of=("dispute",), min_severity=4, as_of=as_of, milestone=milestone
    )


def answered(truth, rng, spreads, *, every=31):
    """Resolved questions on which each forecaster sees the true log odds with noise of a known spread."""
    return [
        Answered(
            question(every * place),
            int(rng.random() < expit(true)),
            {name: float(expit(true + spread * rng.normal())) for name, spread in spreads.items()},
            0.5,
        )
        for place, true in enumerate(truth)
    ]


def test_a_pool_of_equal_answers_is_that_answer_and_lies_within_the_answers():
    assert Pool({}, 1.0, 0).probability({"a": 0.3, "b": 0.3}, {}) == pytest.approx(0.3)
    pool = Pool({"a": 2.0, "b": 0.5}, 1.0, 9)
    assert pool.probability({"a": 0.2, "b": 0.6}, {}) == pytest.approx(
        expit((2.0 * logit(0.2) + 0.5 * logit(0.6)) / 2.5)
    )


def test_without_resolved_questions_weights_are_equal_and_nothing_is_sharpened():
    assert learn_pool([]) == Pool({}, 1.0, 0)


def test_forecasters_of_known_skill_regain_their_order_of_weights():
    rng = np.random.default_rng(5)
    pool = learn_pool(answered(rng.normal(0, 1.5, 300), rng, {"sharp": 0.3, "fair": 1.0, "noisy": 2.5}))
    assert pool.weights["sharp"] > 1.2 * pool.weights["fair"] > 1.2 * pool.weights["noisy"]
    assert np.mean(list(pool.weights.values())) == pytest.approx(1.0)


def test_few_questions_move_the_weights_little():
    rng = np.random.default_rng(6)
    pool = learn_pool(answered(rng.normal(0, 1.5, 4), rng, {"sharp": 0.3, "noisy": 2.5}))
    assert max(pool.weights.values()) < 1.35 * min(pool.weights.values())


def test_timid_answers_are_sharpened_and_calibrated_ones_are_not():
    rng = np.random.default_rng(7)
    truth = rng.normal(0, 2.0, 400)
    exact = answered(truth, rng, {"a": 0.01, "b": 0.01})
    timid = [
        Answered(
            one.question, one.outcome, {n: float(expit(logit(p) / 2)) for n, p in one.answers.items()}, 0.5
        )
        for one in exact
    ]
    assert learn_pool(timid).sharpening == pytest.approx(2.0, abs=0.3)
    assert learn_pool(exact).sharpening < 1.15


def test_questions_that_share_an_outcome_count_as_one():
    rng = np.random.default_rng(8)
    once = answered(rng.normal(0, 1.5, 30), rng, {"sharp": 0.3, "noisy": 2.5})
    asked_again = [
        Answered(
            one.question.model_copy(update={"as_of": one.question.as_of + timedelta(days=day)}),
            one.outcome,
            one.answers,
            one.base_rate,
        )
        for one in once
        for day in range(5)
    ]
    assert learn_pool(asked_again).weights == pytest.approx(learn_pool(once).weights, rel=1e-3)


@pytest.mark.parametrize("text", ["likely", "0", "100%", "0%", "1.2", "40", "-3%", "", "nan", "1e-3"])
def test_what_is_no_probability_is_refused_with_its_name(text):
    with pytest.raises(InputError, match="--probability: got"):
        read_chance(text, "--probability")


def test_percents_and_shares_are_read_alike():
    assert read_chance("40%", "p") == read_chance(" 0.4 ", "p") == pytest.approx(0.4)
    assert read_range("25-60", 0.4, "r") == read_range("0.25–0.6", 0.4, "r") == pytest.approx((0.25, 0.6))
    with pytest.raises(InputError, match=r"around 40%.*25-60"):
        read_range("45-60", 0.4, "r")


def test_a_judgement_stands_beside_the_model_and_the_pool(command, sample):
    ended = command(
        "judge", sample, "--by", "anna", *ASKED, "--probability", "40%", "--range", "25-60", "--json"
    )
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    model = next(
        one["probability"]
        for target in json.loads((sample / "forecast.json").read_text())["targets"]
        if target["name"] == "taiwan_drills"
        for one in target["milestones"]
        if one["date"] == "2024-11-05"
    )
    assert (said["by"], said["probability"], said["interval"], said["model"]) == (
        "anna",
        0.4,
        [0.25, 0.6],
        model,
    )
    assert said["pooled"]["probability"] == pytest.approx(expit((logit(0.4) + logit(model)) / 2))
    ledger = open_ledger(Path(said["ledger"]))
    assert [entry.forecaster for entry in ledger.judgements] == ["anna"]
    assert ledger.path == str(sample.parents[1] / "ledger.sqlite")


def test_of_two_on_one_day_the_later_counts_and_both_stay(command, sample):
    for chance in ("40%", "50%", "40%"):
        ended = command("judge", sample, "--by", "anna", *ASKED, "--probability", chance)
        assert ended.code == 0, ended.err
    for made_on, chance in (("2023-07-12", "0.2"), ("2023-07-20", "0.3")):
        command("judge", sample, "--by", "bo", *ASKED, "--probability", chance, "--made-on", made_on)
    ledger = open_ledger(sample.parents[1] / "ledger.sqlite")
    # Three within one second would be the same statement; two that differ are always two.
    assert len([entry for entry in ledger.judgements if entry.forecaster == "anna"]) >= 2
    (bo,) = person_answers(ledger)["bo"].values()
    assert bo.probability == 0.2  # the first day's


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"--made-on": "2024-11-05"}, "--before: the window was over"),
        ({"--made-on": "2023-07-01"}, "--made-on: 2023-07-01 is before"),
        ({"--made-on": "2999-01-01"}, "lies ahead"),
        ({"--by": "model"}, "--by: got 'model'"),
        ({"--probability": None}, "--probability: is missing"),
        ({"--target": "war"}, "It has: taiwan_drills"),
        ({"--before": "2024-11-06"}, "2024-11-05 (us-election-2024)"),
    ],
)
def test_bad_statements_end_with_one_message_and_leave_no_trace(command, sample, options, said):
    sound = {"--by": "anna", "--probability": "40%", **dict([ASKED[:2], ASKED[2:]])}
    given = [word for name, text in (sound | options).items() if text for word in (name, text)]
    ended = command("judge", sample, *given)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
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


def made(case, day, forecaster, probability):
    """A person's judgement on a question of the case, made on the as-of date."""
    asked = next(one for one in case.ledger.questions.values() if one.as_of.isoformat() == day)
    return with_id(
        JudgementEntry,
        question=asked.model_dump(),
        forecaster=forecaster,
        person=True,
        probability=probability,
        made_on=datetime(*asked.as_of.timetuple()[:3], tzinfo=UTC),
    )


def test_people_model_and_base_rate_are_scored_on_the_same_questions(case, coded, command):
    for day in ("2022-01-01", "2022-03-01", "2022-05-01"):
        case.record(day, {"crisis": {30: 0.75}})
    with write_ledger(case.path) as writer:
        for entry in (made(case, "2022-01-01", "anna", 0.9), made(case, "2022-03-01", "anna", 0.1)):
            assert writer.append(entry)
    with pytest.raises(LedgerError, match="no question that a person or a market answered is resolved"):
        score_persons(case.ledger)
    case.resolve(coded(("2022-01-25", "sanction", 4), ("2022-12-31", "visit", 1)))
    scores = {one.by: one for one in score_persons(case.ledger)}
    assert list(scores) == ["anna", MODEL, BASE_RATE, "equal pool", POOLED]
    assert {one.n for one in scores.values()} == {2}
    assert scores["anna"].brier == pytest.approx(0.01)
    assert scores[MODEL].brier == pytest.approx((0.25**2 + 0.75**2) / 2)
    assert scores[BASE_RATE].brier == pytest.approx((0.7**2 + 0.3**2) / 2)
    assert scores[BASE_RATE].skill == pytest.approx(0.0)
    assert 0 < scores["anna"].skill_shrunk < scores["anna"].skill
    assert scores["anna"].weight > scores[MODEL].weight
    assert scores[BASE_RATE].weight is None
    ended = command("ledger", "score", "--by", "person", "--ledger", case.path, "--json")
    (first, *_) = json.loads(ended.out)["scores"]
    assert {"by", "n", "brier", "log", "skill", "weight"} <= set(first)
    # A question that is resolved takes no further judgement: its entry would contradict nothing, but score.
    assert "anna" in command("ledger", "score", "--by", "person", "--ledger", case.path).out


def test_a_judgement_fades_as_its_question_ends(case):
    case.record("2022-01-01", {"crisis": {30: 0.75}})
    with write_ledger(case.path) as writer:
        writer.append(made(case, "2022-01-01", "anna", 0.1))
    (asked,) = case.ledger.questions.values()

    def pooled(days):
        now = datetime(2022, 1, 1, tzinfo=UTC) + timedelta(days=days)
        return pool_of(case.ledger, asked, 0.75, now).probability

    assert pooled(0) == pytest.approx(expit((logit(0.1) + logit(0.75)) / 2))
    assert pooled(0) < pooled(10) < pooled(20) < pooled(30) < 0.75
    half = (asked.milestone - asked.as_of).days / 2
    if half == math.floor(half):
        assert pooled(half) == pytest.approx(expit((0.5 * logit(0.1) + logit(0.75)) / 1.5))


def test_a_resolved_question_takes_no_judgement(command, sample):
    command("judge", sample, "--by", "anna", *ASKED, "--probability", "40%")
    place = sample.parents[1] / "ledger.sqlite"
    (asked,) = open_ledger(place).questions.values()
    resolution = with_id(
        ResolutionEntry,
        question_id=asked.id,
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
