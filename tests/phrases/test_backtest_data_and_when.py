"""What a backtest and other pairs taught, and whether to act: facts in, sentence out."""

from datetime import date

import pytest

from forecast.phrases import record
from forecast.phrases.chances import decision_text
from forecast.phrases.data import learned_clause, learned_paragraph
from forecast.records.analysis import (
    BaselineScores,
    ErrorBound,
    LearnedFrom,
    LearnedKind,
    LearnedPair,
    TrackRow,
)
from forecast.records.forecast import Decision

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
        "Too few cases to claim skill (under 20 windows with or without the target, or three episodes): "
        "Force at 30 and 90 days; Drills at 30 days.",
    ),
    (record.forecasts_absent("Force", 30, "model", 4, 9), "Force, 30 days: model has 4 of 9 forecasts."),
]


@pytest.mark.parametrize(("said", "expected"), SAID)
def test_a_backtest_is_said_in_these_words(said, expected):
    assert said == expected


def pair(name, first, until, coder=""):
    return LearnedPair(name=name, coder=coder, first=date(first, 1, 1), until=date(until, 12, 31))


KEDS = (pair("egy-pal", 1979, 2004, "KEDS"), pair("isr-leb", 1990, 1990, "KEDS"))
MID = pair("ind-pak", 1947, 1992, "MID")


@pytest.mark.parametrize(
    ("pairs", "clause"),
    [
        ((MID,), "1 pair: 1 coded by MID (1947–1992)"),
        ((*KEDS, MID), "3 pairs: 2 coded by KEDS (1979–2004) and 1 coded by MID (1947–1992)"),
        ((pair("a-b", 1950, 2004), pair("c-d", 1946, 1990)), "2 pairs, 1946–2004"),
    ],
)
def test_what_was_learned_from_is_told_by_coder_where_coders_are_known(pairs, clause):
    assert learned_clause(LearnedFrom(part="priors", pairs=pairs, source="made")) == clause


def test_every_pair_stands_in_the_paragraph_with_its_source_and_what_was_left_out():
    kind = LearnedKind(any_of=("sanction", "threat"), min_severity=3, coders=("KEDS", "MID"))
    learned = LearnedFrom(part="pooled hazard", pairs=(*KEDS, MID), kinds=(kind,), source="made")
    assert learned_paragraph(learned) == (
        "Pooled hazard: 3 pairs: 2 coded by KEDS (1979–2004) and 1 coded by MID (1947–1992). KEDS: egy-pal "
        "(1979–2004), isr-leb (1990); MID: ind-pak (1947–1992); sanction, threat, severity 3 or more: KEDS "
        "and MID. Source: made."
    )
    own = learned.model_copy(update={"own_left_out": ("ind-pak",)})
    assert learned_paragraph(own).endswith("Source: made. Left out, as records of this pair: ind-pak.")


@pytest.mark.parametrize(
    ("advice", "span", "sentence"),
    [
        ("act", (0.05, 0.125), "acting pays from 5–13% (middle 8%): 43% is above it, so act;"),
        ("wait", (0.079, 0.079), "acting pays from 8%: 43% is below it, so wait;"),
        ("depends", (0.05, 0.6), "acting pays from 5–60% (middle 8%): 43% lies within it, so it depends on"),
    ],
)
def test_whether_to_act_is_said_in_one_sentence(advice, span, sentence):
    costs = {"act": (1.0, 1.0), "surprised": (8.0, 20.0), "chance_above": 0.97}
    decision = Decision(threshold=0.079, threshold_range=span, advice=advice, **costs)
    stated = decision_text(decision, 0.43)
    assert stated.startswith(f"By the costs stated, {sentence}")
    assert stated.endswith("the chance that the true probability is that high is 97%.")
