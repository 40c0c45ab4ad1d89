"""Scores of a ledger: known answers, the same numbers as a backtest, and what is not claimed."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from forecast.baselines import DAY
from forecast.errors import LedgerError
from forecast.evaluation.score_table import ForecastTable, score_forecasts, table_of
from forecast.ledger.chain import VoidEntry, with_id
from forecast.ledger.recording import RunQuestion
from forecast.ledger.scoring import SEED, horizon_band, score_ledger, summarise_ledger
from forecast.ledger.store import write_ledger
from forecast.panel import TargetRule

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
    assert "1 later forecast of a question that was answered before left out" in scores.warnings[-1]
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
    with pytest.raises(LedgerError, match="of 1 forecast 1 of runs that did not converge"):
        score_ledger(case.ledger)
    case.resolve(coded(("2022-12-31", "visit", 1)))
    with pytest.raises(LedgerError, match=r"of 1 forecast 1 of runs that did not converge"):
        score_ledger(case.ledger)
    case.record("2024-01-01", {"crisis": {30: 0.75}})
    with pytest.raises(LedgerError, match="1 open"):
        score_ledger(case.ledger)


def test_hindcasts_are_told_from_forecasts_made_ahead(case, coded):
    case.record("2022-01-01", {"crisis": {30: 0.75}}, made_on=datetime(2022, 1, 8, 23, tzinfo=UTC))
    case.record("2022-02-01", {"crisis": {30: 0.75}}, made_on=datetime(2022, 2, 9, tzinfo=UTC))
    case.resolve(coded(("2022-12-31", "visit", 1)))
    scores = score_ledger(case.ledger)
    assert group(scores, "made", "made ahead").n == group(scores, "made", "hindcast").n == 1
    assert scores.counts.hindcasts == 1
    assert scores.warnings[0].startswith("1 of 2 scored forecasts are hindcasts: made more than 7 days after")


def test_few_outcomes_of_one_kind_claim_nothing_however_good(case, coded):
    days = [date(2019, 1, 1) + timedelta(days=30 * number) for number in range(40)]
    hits = [((day + timedelta(days=5)).isoformat(), "sanction", 4) for day in days[::4]]
    case.record_all(
        (day.isoformat(), {"crisis": {20: 0.01 if place % 4 else 0.99}}, {"baseline": 0.5})
        for place, day in enumerate(days)
    )
    case.resolve(coded(*hits, ("2023-12-31", "visit", 1)))
    scores = score_ledger(case.ledger)
    assert scores.groups[0].skill.interval90[0] > 0.9
    assert scores.groups[0].claim == "none"
    assert "10 questions ended in a yes and 30 in a no. With fewer than 20 of either" in scores.warnings[-1]


def test_the_largest_miss_comes_first_and_an_episode_once(case, coded):
    case.record("2022-01-01", {"crisis": {30: 0.1, 90: 0.05}})
    case.record("2022-06-01", {"crisis": {30: 0.8}})
    case.record("2022-09-01", {"crisis": {30: 0.3}})
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
