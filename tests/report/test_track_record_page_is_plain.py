"""What page 1 and the track-record page say, against the record they were made from."""

import re

import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.records.analysis import UnusedBacktest
from forecast.records.history import (
    ErrorBound,
    LedgerSummary,
    ReliabilityBin,
    ReliabilityCurve,
    UntestedModel,
)
from forecast.report import ReportOptions, build_report
from forecast.report.blocks import Table
from forecast.report.sections.how_good import NO_RECORD, how_good_sentences, skill_sentences
from forecast.report.sections.track_record import beaten, ledger_sentence, track_record_section

HEADLINE = "military_confrontation"


def words_of(text):
    return re.sub(r"\s+", " ", text).replace("\u200b", "")


@pytest.fixture(scope="module")
def forecast(factory):
    return factory.forecast(factory.events)


@pytest.fixture(scope="module")
def page(factory):
    """Section of a track record: ``page(forecast, record)``."""
    return lambda forecast, record: track_record_section(factory.records(forecast, track_record=record))


@pytest.fixture(scope="module")
def record(backtest):
    """Every row: ours 0.2, every baseline 0.3, and plenty of outcomes."""
    rows = tuple(set_row(row, ours=0.2, best=0.3) for row in backtest.record.rows)
    return backtest.record.model_copy(update={"rows": rows})


def set_row(row, *, ours, best, n_hits=25, gap=(0.01, 0.2)):
    baselines = tuple(
        one.model_copy(update={"brier": best if one.name == "gamma_poisson" else best + 0.1})
        for one in row.baselines
    )
    change = {
        "n": 54,
        "n_hits": n_hits,
        "brier": ErrorBound(value=ours, se=0.01, interval90=(ours - 0.02, ours + 0.02)),
        "baselines": baselines,
        "gap": ErrorBound(value=ours - best, se=0.01, interval90=gap),
    }
    return row.model_copy(update=change)


def change_rows(record, change):
    """Set rows anew by (target, horizon) → keywords of ``set_row``."""
    rows = tuple(
        set_row(row, **change[row.target, row.horizon_days])
        if (row.target, row.horizon_days) in change
        else row
        for row in record.rows
    )
    return record.model_copy(update={"rows": rows})


def test_without_a_backtest_page_1_says_that_there_is_no_track_record(page, forecast):
    assert how_good_sentences(forecast, None) == [NO_RECORD]
    (sentence,) = page(forecast, None).blocks
    assert "Run “forecast backtest CONFIG”" in sentence.text


def with_skill(record, claims):
    """The record with a claim and a skill for each horizon of the headline."""
    rows = tuple(
        row.model_copy(
            update={
                "claim": claims[row.horizon_days][0],
                "skill": ErrorBound(value=claims[row.horizon_days][1], se=0.1, interval90=(-0.2, 0.3)),
            }
        )
        if row.target == HEADLINE
        else row
        for row in record.rows
    )
    return record.model_copy(update={"rows": rows})


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        (
            {30: ("none", -0.021), 90: ("better", 0.14)},
            "No better than the base rate at 30 days (Brier score +2% against it; 25 of 54 windows held "
            "one). "
            "Better than the base rate at 90 days (Brier score −14% against it; 25 of 54 windows held one).",
        ),
        (
            {30: ("none", 0.04), 90: ("none", 0.1)},
            "Better than the base rate, but not beyond chance, at 30 and 90 days (Brier score −4% and −10% "
            "against it; 25 of 54 and 25 of 54 windows held one).",
        ),
        (
            {30: ("worse", -0.3), 90: ("none", 0.0)},
            "Worse than the base rate at 30 days (Brier score +30% against it; 25 of 54 windows held one). "
            "No better than the base rate at 90 days (Brier score 0% against it; 25 of 54 windows held one).",
        ),
    ],
)
def test_page_1_says_where_the_base_rate_was_as_good_the_worst_news_first(forecast, record, claims, said):
    assert said in " ".join(how_good_sentences(forecast, with_skill(record, claims)))


def test_many_horizons_are_told_by_their_range(record):
    (row,) = (one for one in record.rows if one.target == HEADLINE and one.horizon_days == 30)
    rows = [
        row.model_copy(
            update={
                "horizon_days": days,
                "n_hits": hits,
                "n": 20,
                "claim": "none",
                "skill": ErrorBound(value=skill, se=0.1, interval90=(-0.2, 0.3)),
            }
        )
        for days, hits, skill in ((314, 4, 0.01), (30, 1, 0.18), (90, 3, 0.1))
    ]
    assert list(skill_sentences(rows)) == [
        "Better than the base rate, but not beyond chance, at 3 horizons from 30 to 314 days (Brier score "
        "−1% to −18% against it; 1 of 20 to 4 of 20 windows held one)."
    ]


def test_page_1_says_how_often_it_happened_when_we_said_about_as_much(forecast, record):
    now = forecast.target(HEADLINE).milestones[-1].probability
    bins = tuple(
        ReliabilityBin(forecast_mean=mean, observed_share=share, number=20, lower90=0.2, upper90=0.7)
        for mean, share in ((0.05, 0.1), (now + 0.03, 0.45), (0.9, 0.8))
    )
    curves = (ReliabilityCurve(model=record.model, bins=bins),)
    said = " ".join(how_good_sentences(forecast, record.model_copy(update={"reliability": curves})))
    assert f"When we said about {wording.percent(now + 0.03)}, it happened in 9 of 20" in said
    far = (ReliabilityCurve(model=record.model, bins=bins[:1]),)
    said = " ".join(how_good_sentences(forecast, record.model_copy(update={"reliability": far})))
    assert "No past forecast was near this number" in said


def test_a_target_that_the_backtest_did_not_cover_is_said_to_have_no_record(forecast, record):
    others = record.model_copy(update={"rows": tuple(row for row in record.rows if row.target != HEADLINE)})
    (said,) = how_good_sentences(forecast, others)
    assert "did not cover this event" in said


@pytest.mark.parametrize(
    ("slope", "said"),
    [
        (
            ErrorBound(value=0.93, se=0.1, interval90=(0.76, 1.1)),
            "0.93 (0.76 to 1.10); 1 is calibrated, and the forecasts cannot be told apart from that.",
        ),
        (ErrorBound(value=0.7, se=0.1, interval90=(0.5, 0.9)), "below it forecasts were too extreme."),
        (ErrorBound(value=1.7, se=0.1, interval90=(1.5, 1.9)), "above it forecasts were too timid."),
        (
            ErrorBound(value=0.7, se=None, interval90=None),
            "0.70; 1 is calibrated. Its error cannot be worked",
        ),
        (None, "No calibration line can be fitted"),
    ],
)
def test_the_calibration_slope_is_read_with_its_interval(factory, page, forecast, record, slope, said):
    assert said in factory.said(page(forecast, record.model_copy(update={"calibration_slope": slope})))


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        (("none",) * 6, "There are too few cases to say whether the forecasts beat climatology."),
        (("better", "better", *("none",) * 4), "skill can be claimed in 2 of 6, its opposite in none."),
        (("worse", *("none",) * 5), "skill can be claimed in none of 6, its opposite in 1."),
    ],
)
def test_claims_against_climatology_are_counted_both_ways(page, forecast, record, claims, said):
    rows = tuple(
        row.model_copy(update={"claim": claim}) for row, claim in zip(record.rows, claims, strict=True)
    )
    second = page(forecast, record.model_copy(update={"rows": rows})).blocks[1]
    assert second.text.endswith(said)


def test_a_bottom_line_beyond_the_longest_horizon_tested_is_said_to_be_so(factory, page, forecast, record):
    text = factory.said(page(forecast, record))
    assert "This forecast is about 484 days, beyond the longest horizon tested, 90 days" in text
    far = record.rows[0].model_copy(update={"horizon_days": 500})
    text = factory.said(page(forecast, record.model_copy(update={"rows": (far,)})))
    assert "horizons up to 500 days were tested" in text


def test_days_to_a_milestone_are_counted_from_the_as_of_date_everywhere(factory, page, forecast, record):
    # The window of the milestone that is 484 days ahead holds the 483 days between.
    own = record.rows[0].model_copy(update={"horizon_days": 483})
    section = page(forecast, record.model_copy(update={"rows": (own,)}))
    assert "This forecast is about 484 days; horizons up to 484 days were tested." in factory.said(section)
    (row,) = factory.table(section, "scores").groups[0].rows
    assert row[0].text == "484 days"


def test_a_backtest_of_other_models_is_named_and_not_said_to_be_missing(factory, forecast):
    refusal = UntestedModel(model="combined", tested=("model",))
    unused = UnusedBacktest(refusal=refusal)
    analysis = factory.analysis(factory.events).model_copy(update={"warnings": (unused,)})
    said = factory.said(track_record_section(factory.records(forecast, analysis)))
    assert "it is of other models (model) than this run's, which is combined" in said
    assert "No backtest" not in said


def test_a_record_without_misses_says_so(factory, page, forecast, record):
    section = page(forecast, record.model_copy(update={"largest_misses": ()}))
    assert "No forecast was on the wrong side of an even chance." in factory.said(section)
    assert [one.name for one in section.blocks if isinstance(one, Table)] == ["scores"]


@pytest.fixture(scope="module")
def printed(factory, backtest, forecast, tmp_path_factory):
    """Texts of the pages of a report with the record of the made-up backtest, and its folder."""
    folder = factory.write_run(tmp_path_factory.mktemp("run") / "tracked", forecast, events=factory.events)
    (folder / "track_record.json").write_text(
        backtest.record.model_dump_json(by_alias=True), encoding="utf-8"
    )
    build_report(folder, ReportOptions())
    return folder, [words_of(page.extract_text()) for page in PdfReader(folder / "report.pdf").pages]


def test_page_1_of_the_report_carries_the_sentence(printed, forecast, backtest):
    assert " ".join(how_good_sentences(forecast, backtest.record)) in printed[1][0]


def test_the_report_without_a_record_says_so_on_page_1_and_how_to_make_one(base_run):
    pages = [words_of(page.extract_text()) for page in PdfReader(base_run / "report.pdf").pages]
    assert NO_RECORD in pages[0]
    assert "Run “forecast backtest CONFIG”, then “forecast report RUN_DIR”" in " ".join(pages)
    assert "Where it was most wrong" not in " ".join(pages)


def test_the_page_has_misses_before_scores_and_every_number_of_the_record(printed, backtest, forecast):
    text = " ".join(printed[1])
    assert text.index("Where it was most wrong") < text.index("Does what is forecast happen as often?")
    assert text.index("Does what is forecast happen as often?") < text.index("Beside simple baselines")
    for miss in backtest.record.largest_misses:
        outcome = "happened" if miss.outcome else "did not happen"
        assert f"{miss.horizon_days} days {wording.percent(miss.probability)} {outcome}" in text
        assert wording.short_day(miss.origin) in text
    for row in backtest.record.rows:
        best = row.best_baseline
        assert f"{row.horizon_days} days {row.n} {row.n_hits} {row.brier.value:.3f} ±" in text
        assert f"{best.brier:.3f} {row.log.value:.3f} {best.log:.3f}" in text


def test_the_figure_is_in_the_run_and_told_in_words(factory, printed, backtest):
    folder, _ = printed
    assert (folder / "figures" / "track-record.svg").is_file()
    alternatives = factory.alternatives(PdfReader(folder / "report.pdf"))
    alt = next(text for text in alternatives if text.startswith("Dot chart of how often it happened"))
    for curve in backtest.record.reliability:
        for one in curve.bins:
            assert f"{wording.percent(one.forecast_mean)} forecast {wording.times(one.number)}" in alt


def test_a_row_is_bold_where_the_baseline_was_better_by_the_digits_shown(factory, page, record, forecast):
    changed = change_rows(record, {(HEADLINE, 30): {"ours": 0.26, "best": 0.24}})
    table = factory.table(page(forecast, changed), "scores")
    shown = [row[5].weight == "bold" for group in table.groups for row in group.rows]
    assert shown == [beaten(row) for row in changed.rows]
    assert sum(shown) == 1


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
    run = factory.records(factory.forecast(), ledger_record=summary())
    assert track_record_section(run).blocks[1].text == ledger_sentence(summary())
