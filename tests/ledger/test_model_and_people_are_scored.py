"""Scores of a ledger counted by hand; what people say is checked, kept, pooled and scored."""

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

from forecast.baselines import DAY
from forecast.cli import ledger_page as page
from forecast.cli.terminal import lines_of
from forecast.errors import InputError, LedgerError
from forecast.evaluation.score_table import ForecastTable, score_forecasts, table_of
from forecast.ledger.judgements import read_range
from forecast.ledger.recording import RunQuestion
from forecast.ledger.scoring import (
    BASE_RATE,
    EQUAL,
    MODEL,
    SEED,
    first_answers,
    horizon_band,
    pooled,
    score_ledger,
    score_persons,
    summarise_ledger,
)
from forecast.ledger.store import open_ledger, write_ledger
from forecast.records.forecast import Forecast
from forecast.records.ledger import JudgementEntry, ResolutionEntry, VoidEntry, with_id
from forecast.records.notices import notice
from forecast.storage import read_chance
from forecast.targets import TargetRule
from forecast.wording import long_day
from tests.conftest import answers_of

LATER = datetime(2023, 6, 1, tzinfo=UTC)


def group(scores, by: str, name: str):
    return next(one for one in scores.groups if (one.by, one.group) == (by, name))


def void(case, subject: str) -> None:
    with write_ledger(case.path) as writer:
        writer.append(with_id(VoidEntry, subject=subject, reason="a mistake"))


@pytest.fixture
def two(case, coded):
    """A forecast of 0.75 that came true and one of 0.5 that did not."""
    case.record("2022-01-01", {"crisis": {30: 0.75}, "clash": {90: 0.5}})
    case.resolve(coded(("2022-01-25", "sanction", 4), ("2022-12-31", "visit", 1)))
    return case


def test_scores_have_the_known_answer(two):
    score = score_ledger(two.ledger).groups[0]
    assert (score.n, score.n_yes) == (2, 1)
    assert score.brier.value == pytest.approx((0.25**2 + 0.5**2) / 2)
    assert score.log.value == pytest.approx(-(np.log(0.75) + np.log(0.5)) / 2)
    assert score.baseline_brier == pytest.approx((0.7**2 + 0.3**2) / 2)
    assert score.skill.value == pytest.approx(1 - score.brier.value / score.baseline_brier)
    # One origin has no error, and claims nothing.
    assert (score.brier.se, score.brier.interval90, score.claim) == (None, None, "none")
    sizes = {(one.by, one.group): one.n for one in score_ledger(two.ledger).groups}
    assert sizes == {
        ("all", "all"): 2,
        **{("horizon", "1–30 days"): 1, ("horizon", "31–90 days"): 1},
        **{("target", "clash"): 1, ("target", "crisis"): 1},
        **{("dyad", "CHN-USA"): 2, ("model", "joint"): 2, ("made", "made ahead"): 2},
    }
    bands = {1: "1–30 days", 30: "1–30 days", 31: "31–90 days", 365: "181–365 days", 366: "over 365 days"}
    assert {days: horizon_band(days) for days in bands} == bands


def monthly_case(case, coded, *, months: int = 60) -> ForecastTable:
    """Forecasts at successive months, beside the same as a table of the backtest."""
    random = np.random.default_rng(7)
    rows, hits, forecasts = [], [], []
    for number in range(months):
        as_of = date(2017 + number // 12, number % 12 + 1, 1) - timedelta(days=1)
        probability = round(float(random.uniform(0.05, 0.95)), 6)
        happened = int(random.random() < probability)
        rows.append((as_of, probability, happened))
        forecasts.append((as_of.isoformat(), {"crisis": {20: probability}}, {"baseline": 0.5}))
        if happened:
            hits.append(((as_of + timedelta(days=5)).isoformat(), "sanction", 4))
    case.record_all(forecasts)
    case.resolve(coded(*hits, ("2023-12-31", "visit", 1)))
    both = [(row, model, value) for model, value in (("joint", None), ("climatology", 0.5)) for row in rows]
    origin = np.array([row[0] for row, _, _ in both], dtype="datetime64[D]") + DAY
    return table_of(
        {
            **{"what": "pair", "target": "crisis", "origin": origin, "day": origin + 20 * DAY},
            "who": [model for _, model, _ in both],
            "chance": [row[1] if value is None else value for row, _, value in both],
            "outcome": [row[2] for row, _, _ in both],
        }
    )


def test_a_single_series_is_scored_as_the_backtest_scores_it(case, coded):
    table = monthly_case(case, coded)
    scores = score_ledger(case.ledger)
    ours = scores.groups[0]
    scored = score_forecasts(table, seed=SEED)
    cell = scored.cells["crisis", 20, "joint"]
    skill = scored.skill(cell)
    assert (ours.n, ours.n_yes / ours.n) == (cell.n, cell.base_rate)
    for mine, theirs in ((ours.brier, cell.brier), (ours.log, cell.log), (ours.skill, skill.brier)):
        assert mine.value == pytest.approx(theirs.value, abs=1e-12)
        assert mine.se == pytest.approx(theirs.se, abs=1e-12)
        assert mine.interval90 == pytest.approx(theirs.interval90, abs=1e-12)
    assert ours.claim == skill.claim == "better"
    own, baseline = scores.calibration
    assert (own.model, sum(bin.number for bin in own.bins)) == ("joint", 60)
    assert (baseline.model, [bin.forecast_mean for bin in baseline.bins]) == ("climatology", [0.5])


def test_forecasts_of_one_origin_are_not_independent(case, coded):
    """Three copies of every forecast leave the error as it was."""
    single = monthly_case(case, coded, months=24)
    once = score_ledger(case.ledger).groups[0]
    rows = zip(single.origin[:24], single.chance[:24], strict=True)
    case.record_all(
        (
            (origin - DAY).astype(object).isoformat(),
            {"crisis": {20: float(p)}},
            {"name": name, "baseline": 0.5},
        )
        for origin, p in rows
        for name in ("copy", "another copy")
    )
    copied = score_ledger(case.ledger).groups[0]
    assert copied.n == 3 * once.n
    assert copied.brier.value == pytest.approx(once.brier.value)
    assert copied.brier.se == pytest.approx(once.brier.se)


def test_the_first_forecast_of_a_question_stands_and_another_config_or_model_answers_for_itself(two):
    two.record("2022-01-01", {"crisis": {30: 0.99}}, made_on=LATER, config="b")
    scores = score_ledger(two.ledger)
    assert scores.groups[0].brier.value == pytest.approx((0.25**2 + 0.5**2) / 2)
    assert scores.counts.repeated == 1
    assert scores.warnings[-1] == notice("later_left_out", forecasts=1)
    two.record("2022-01-01", {"crisis": {30: 0.9}}, name="hawkish", config="b")
    two.record("2022-01-01", {"crisis": {30: 0.8}}, model="focused", config="c")
    scores = score_ledger(two.ledger)
    assert scores.groups[0].n == 4
    assert group(scores, "model", "focused").brier.value == pytest.approx(0.2**2)


def test_a_void_forecast_makes_room_for_the_next_and_a_void_question_takes_all_out(two):
    two.record("2022-01-01", {"crisis": {30: 1.0}}, made_on=LATER, config="b")
    first = next(entry for entry in two.ledger.forecasts if entry.target == "crisis")
    void(two, first.id)
    scores = score_ledger(two.ledger)
    assert (scores.counts.void, scores.void_share) == (1, pytest.approx(1 / 3))
    assert scores.groups[0].brier.value == pytest.approx((0 + 0.5**2) / 2)
    void(two, first.question.id)
    scores = score_ledger(two.ledger)
    assert (scores.counts.void, scores.groups[0].n) == (2, 1)


def test_what_is_open_or_unconverged_is_not_scored_and_said(case, coded):
    case.record("2022-01-01", {"crisis": {30: 0.75}}, converged=False)
    with pytest.raises(LedgerError, match="the only forecast is of runs that did not converge"):
        score_ledger(case.ledger)
    case.resolve(coded(("2022-12-31", "visit", 1)))
    with pytest.raises(LedgerError, match="the only forecast is of runs that did not converge"):
        score_ledger(case.ledger)
    case.record("2024-01-01", {"crisis": {30: 0.75}})
    with pytest.raises(LedgerError, match="of 2 forecasts 1 is open and 1 is of runs that did not conv"):
        score_ledger(case.ledger)


def test_hindcasts_are_told_from_forecasts_made_ahead(case, coded):
    case.record("2022-01-01", {"crisis": {30: 0.75}}, made_on=datetime(2022, 1, 8, 23, tzinfo=UTC))
    case.record("2022-02-01", {"crisis": {30: 0.75}}, made_on=datetime(2022, 2, 9, tzinfo=UTC))
    case.resolve(coded(("2022-12-31", "visit", 1)))
    scores = score_ledger(case.ledger)
    assert group(scores, "made", "made ahead").n == group(scores, "made", "hindcast").n == 1
    assert scores.counts.hindcasts == 1
    assert scores.warnings[0] == notice("hindcasts", hindcasts=1, scored=2, grace_days=7)
    case.record("2023-12-01", {"crisis": {30: 0.75}}, made_on=datetime(2024, 2, 9, tzinfo=UTC))
    summary = summarise_ledger(case.ledger, ("USA", "CHN"))
    assert (summary.n_forecasts, summary.n_scored, summary.n_hindcasts) == (3, 2, 2)


@pytest.mark.parametrize(
    ("days_apart", "acts", "yes", "episodes"),
    [(30, range(5, 1200, 120), 10, 10), (1, [20], 20, 1), (30, [], 0, 0)],
)
def test_few_outcomes_of_one_kind_or_few_events_claim_nothing_however_good(
    case, coded, days_apart, acts, yes, episodes
):
    start = date(2019, 1, 1)
    places = [days_apart * number for number in range(40)]
    met = {place: any(place < act <= place + 20 for act in acts) for place in places}
    case.record_all(
        (
            (start + timedelta(days=place)).isoformat(),
            {"crisis": {20: 0.99 if met[place] else 0.01}},
            {"baseline": 0.5},
        )
        for place in places
    )
    hits = [((start + timedelta(days=act)).isoformat(), "sanction", 4) for act in acts]
    case.resolve(coded(*hits, ("2023-12-31", "visit", 1)))
    scores = score_ledger(case.ledger)
    assert (scores.groups[0].episodes, scores.groups[0].claim) == (episodes, "none")
    needed = {"needed": 20, "needed_episodes": 3}
    assert scores.warnings[-1] == notice("few_scored", n=40, n_yes=yes, **needed)
    # What leaves out 0 would be a claim.
    lines = lines_of(page.scored(scores, case.path))
    rows = [line for line in lines if line.strip().startswith(("All", "crisis"))]
    assert [row.split()[-1] for row in rows] == ["–", "–"]


def test_the_largest_miss_comes_first_and_an_episode_once(case, coded):
    case.record("2022-01-01", {"crisis": {30: 0.1, 90: 0.05}})
    case.record("2022-06-01", {"crisis": {30: 0.8}})
    case.record("2022-09-01", {"crisis": {30: 0.3}})
    case.record("2022-01-05", {"crisis": {90: 0.06}}, name="other config")
    case.resolve(coded(("2022-01-20", "sanction", 4), ("2022-12-31", "visit", 1)))
    misses = score_ledger(case.ledger).largest_misses
    assert [(one.probability, one.outcome) for one in misses] == [(0.05, 1), (0.8, 0)]
    assert case.ledger.record(misses[0].id).entry.question.horizon_days == 90


def test_a_target_name_with_two_rules_is_two_groups(two, coded):
    visits = TargetRule("crisis", ("visit",), 1)
    two.record("2022-01-01", {"crisis": {60: 0.5}}, name="other", rules=[visits])
    two.resolve(coded(("2022-01-25", "sanction", 4), ("2022-12-31", "visit", 1)))
    names = {one.group for one in score_ledger(two.ledger).groups if one.by == "target"}
    assert names == {
        "clash",
        "crisis (dispute, sanction, severity 4 or more)",
        "crisis (visit, severity 1 or more)",
    }


def test_the_summary_for_a_report_is_of_one_pair(two, coded):
    two.record("2022-01-01", {"crisis": {30: 0.25}}, dyad=("USA", "SRB"), name="other")
    summary = summarise_ledger(two.ledger, ("USA", "CHN"))
    assert (summary.n_forecasts, summary.n_scored, summary.n_yes, summary.n_hindcasts) == (2, 2, 1, 0)
    assert summary.brier.value == pytest.approx((0.25**2 + 0.5**2) / 2)
    assert summarise_ledger(two.ledger, ("USA", "SRB")).brier is None


def test_the_summary_leaves_out_the_run_itself_and_counts_its_questions_by_others(case):
    case.record("2022-01-01", {"crisis": {30: 0.25}}, name="one")
    case.record("2022-01-01", {"crisis": {30: 0.35}}, name="two")
    case.record("2021-12-02", {"crisis": {60: 0.3}}, name="two")  # before the same milestone
    case.record("2022-01-01", {"crisis": {60: 0.3}, "clash": {30: 0.1}}, name="two", config="b")
    (question, *_) = case.ledger.questions.values()
    asked = [RunQuestion("crisis", "in-30", question)]
    summary = summarise_ledger(case.ledger, ("USA", "CHN"), asked, "one-20220101")
    assert (summary.n_forecasts, summary.n_same) == (4, 2)
    alone = summarise_ledger(case.ledger, ("USA", "CHN"), asked, "two-20220101")
    assert (alone.n_forecasts, alone.n_same) == (2, 2)


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
        for milestone in answers_of(target).values()
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
    ended = command(
        "judge", sample, "--by", "cleo", *ASKED, "--probability", "0.4", "--made-on", "2023-07-21"
    )
    today = datetime.now(UTC).date()
    said = " ".join(ended.out.split())
    assert said.startswith("On record: cleo on “")
    assert "” (CHN-USA), after 10 July 2023 and before 5 November 2024; made" in said
    assert f"made on 21 July 2023, recorded on {long_day(today)}." in said
    listed = command("ledger", "list", "--ledger", ledger.path).out
    assert re.search(rf"CHN-USA +cleo +2023-07-21 +40%.*\n +2024-11-05 +military posture.*{today}", listed)
    ended = command("judge", sample, "--by", "anna", *ASKED, "--probability", "0.5", "--json")
    answer = json.loads(ended.out)
    assert answer["pooled"]["probability"] == pytest.approx(pooled([0.3, 0.4, 0.5, answer["model"]]))


def test_a_judgement_is_of_the_headline_unless_it_says_of_what(command, sample):
    ended = command("judge", sample, "--by", "dora", "--probability", "20%")
    forecast = Forecast.model_validate_json((sample / "forecast.json").read_bytes())
    asked = long_day(forecast.headline_milestone.date)
    assert f"dora on “{forecast.headline_target.label}” (" in " ".join(ended.out.split())
    assert f"before {asked};" in " ".join(ended.out.split())


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
        **{"anna": 2, "market": 1, MODEL: 2, BASE_RATE: 2, EQUAL: 2}
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
