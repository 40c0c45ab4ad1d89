"""What is said of a backtest: facts in, sentence out."""

from datetime import date

import pytest

from forecast.phrases import record
from forecast.records.analysis import BaselineScores, ErrorBound, TrackRow

ORIGINS = (date(2020, 1, 1), date(2020, 2, 1))


def row(ours: float, baseline: float) -> TrackRow:
    gap = ErrorBound(
        value=ours - baseline, se=0.001, interval90=(ours - baseline - 0.002, ours - baseline + 0.002)
    )
    score = ErrorBound(value=ours, se=0.01, interval90=(ours - 0.02, ours + 0.02))
    return TrackRow(
        target="force",
        horizon_days=30,
        n=60,
        n_hits=20,
        episodes=8,
        base_rate=1 / 3,
        brier=score,
        log=score,
        baselines=(BaselineScores(name="gamma_poisson", brier=baseline, log=baseline),),
        gap=gap,
        skill=None,
        claim="none",
        mean_said=0.3,
        highest_said=0.5,
        highest_came=True,
        origins=ORIGINS * 30,
        happened=(True,) * 60,
    )


SAID = [
    (
        record.backtest_span(ORIGINS, date(2020, 12, 31)),
        "Backtest: 2 origins from 2020-01-01 to 2020-02-01, data to 2020-12-31. Brier and log score: lower "
        "is better, * marks the best.",
    ),
    (record.target_came({30: (0.25, 8)}), "It happened in 25% of 8 windows of 30 days."),
    (
        record.target_came({30: (0.0, 8), 90: (1.0, 1)}),
        "It happened in none of 8 windows of 30 days and all of 1 window of 90 days.",
    ),
    (
        record.accuracy_verdict(row(0.1, 0.2), "model", "rate that forgets", None),
        "30 days: the model beats every baseline (Brier 0.100, rate that forgets 0.200).",
    ),
    (
        record.accuracy_verdict(row(0.2, 0.1), "model", "rate that forgets", "Against the share: 9% worse"),
        "30 days: the model is behind the rate that forgets (Brier 0.200, rate that forgets 0.100). Against "
        "the share: 9% worse.",
    ),
    (
        record.log_score_gap("model", "constant rate", -0.02, 0.005, distinguishable=True),
        "The log score of the model is 0.020 better than that of the best baseline, constant rate (standard "
        "error 0.005).",
    ),
    (
        record.log_score_gap("model", "constant rate", 0.02, 0.03, distinguishable=False),
        "The log score of the model is 0.020 worse than that of the best baseline, constant rate (standard "
        "error 0.030: not distinguishable).",
    ),
    (
        record.no_skill_claimed({"Force": [30, 90], "Drills": [30]}, 20),
        "Fewer than 20 windows with, or without, the target, or fewer than three episodes, so that no skill "
        "is claimed: Force at 30 and 90 days; Drills at 30 days.",
    ),
    (record.forecasts_absent("Force", 30, "model", 4, 9), "Force, 30 days: model has 4 of 9 forecasts."),
]


@pytest.mark.parametrize(("said", "expected"), SAID)
def test_a_backtest_is_said_in_these_words(said, expected):
    assert said == expected
