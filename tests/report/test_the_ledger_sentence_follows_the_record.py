"""The track-record page on the ledger: how many forecasts, how they did, and no more than can be claimed."""

import pytest

from forecast.records.history import ErrorBound, LedgerSummary
from forecast.report.track_page import track_content
from forecast.report.track_sentence import ledger_sentence


def summary(**changed) -> LedgerSummary:
    brier = ErrorBound(value=0.11, se=0.024, interval90=(0.05, 0.17))
    values = {
        "n_forecasts": 96,
        "n_scored": 48,
        "n_yes": 24,
        "n_hindcasts": 0,
        "brier": brier,
        "baseline_brier": 0.123,
        "claim": "none",
    }
    return LedgerSummary(schema=1, head="0" * 64, **(values | changed))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"n_forecasts": 0}, "The ledger held no forecast on this pair before this run."),
        ({"brier": None}, "96 forecasts on this pair, none of which can be scored yet."),
        (
            {},
            "48 can be scored, and 24 came true. Their Brier score is 0.110 (standard error 0.024), that",
        ),
        ({}, "recorded with them 0.123: no skill can be claimed."),
        ({"claim": "better"}, "0.123: they beat the baselines."),
        ({"claim": "worse"}, "0.123: the baselines beat them."),
        ({"n_hindcasts": 48}, "48 can be scored (all made after the fact), and"),
        ({"n_hindcasts": 7}, "48 can be scored (7 of them made after the fact), and"),
        ({"brier": ErrorBound(value=0.11, se=None, interval90=None)}, "is 0.110, that of"),
    ],
)
def test_the_sentence_says_what_is_on_record(changed, expected):
    assert expected in ledger_sentence(summary(**changed))


def test_the_page_has_the_sentence_with_a_ledger_only(factory):
    forecast = factory.forecast()
    assert len(track_content(forecast, None)["sentences"]) == 1
    assert track_content(forecast, None, summary())["sentences"][1] == ledger_sentence(summary())
