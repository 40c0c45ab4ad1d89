"""What page 1 and the track-record page say, against the record they were made from."""

import re

import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.blocks import Chart
from forecast.records.analysis import ErrorBound, LedgerSummary, own_record
from forecast.records.notices import notice
from forecast.report.build import build_report
from forecast.report.evidence_sections import beaten, ledger_sentence, scores_section, track_record_section
from forecast.report.run_records import ReportOptions
from forecast.report.words import NEVER_TESTED, record_sentences, said_came
from tests.report.conftest import altered, make_records, said_in, table_in, write_run

HEADLINE = "military_confrontation"


def words_of(text):
    return re.sub(r"\s+", " ", text).replace("\u200b", "")


def page(forecast, record):
    return track_record_section(make_records(forecast, track_record=record))


@pytest.fixture(scope="module")
def record(backtest):
    """Every row: ours 0.2, every baseline 0.3, and plenty of outcomes."""
    rows = tuple(set_row(row, ours=0.2, best=0.3) for row in backtest.record.rows)
    return altered(backtest.record, rows=rows)


def set_row(row, *, ours, best):
    baselines = tuple(
        altered(one, brier=best if one.name == "gamma_poisson" else best + 0.1) for one in row.baselines
    )
    brier = ErrorBound(value=ours, se=0.01, interval90=(ours - 0.02, ours + 0.02))
    gap = ErrorBound(value=ours - best, se=0.01, interval90=(0.01, 0.2))
    return altered(row, n=54, n_hits=25, brier=brier, baselines=baselines, gap=gap)


def at_the_headline(record, **changes):
    """The record with one row of the headline target, at its very distance, changed."""
    row = next(row for row in record.rows if row.target == HEADLINE)
    known = {"horizon_days": 483, "n": 18, "n_hits": 4, "episodes": 3} | changes
    return altered(record, rows=(altered(row, **known),))


def said_of(forecast, record):
    return " ".join(record_sentences(forecast, own_record(forecast, record)))


def test_the_nearest_horizon_like_that_of_the_headline_speaks_for_it_and_no_other(forecast, record):
    # The headline lies 483 days ahead; a factor of 1.5 either way is alike.
    for horizon, tested in ((321, False), (322, True), (724, True), (725, False)):
        found = own_record(forecast, at_the_headline(record, horizon_days=horizon))
        assert found.never_tested is not tested, horizon
    far, near = (at_the_headline(record, horizon_days=days, n_hits=days // 100) for days in (365, 500))
    found = own_record(forecast, altered(record, rows=(*far.rows, *near.rows)))
    assert (found.horizon_days, found.windows, found.held) == (500, 18, 5)


def test_a_bottom_line_beyond_the_longest_horizon_tested_is_said_to_be_so(forecast, record):
    text = said_in(page(forecast, record))
    assert "This forecast is 483 days ahead, further than the 90 days that were tested." in text
    far = altered(record.rows[0], horizon_days=500)
    text = said_in(page(forecast, altered(record, rows=(far,))))
    assert "This forecast is 483 days ahead; up to 500 days were tested." in text


def test_a_backtest_of_other_models_is_named_and_not_said_to_be_missing(forecast, analysis):
    refusal = notice("untested_model", model="combined", tested=("model",))
    unused = notice("unused_backtest", refusal=refusal)
    analysis = altered(analysis, warnings=(unused,))
    said = said_in(track_record_section(make_records(forecast, analysis)))
    assert "it is of other models (model) than this run's, which is combined" in said
    assert "No backtest" not in said


@pytest.fixture(scope="module")
def printed(backtest, forecast, tmp_path_factory):
    """Texts of the pages of a report with the record of the made-up backtest, and its folder."""
    folder = write_run(tmp_path_factory.mktemp("run") / "tracked", forecast)
    (folder / "track_record.json").write_text(
        backtest.record.model_dump_json(by_alias=True), encoding="utf-8"
    )
    build_report(folder, ReportOptions())
    return folder, [words_of(page.extract_text()) for page in PdfReader(folder / "report.pdf").pages]


def test_the_report_without_a_record_says_so_on_page_1_and_how_to_make_one(base_run):
    pages = [words_of(page.extract_text()) for page in PdfReader(base_run / "report.pdf").pages]
    assert NEVER_TESTED in pages[0]
    assert "Run “forecast backtest CONFIG”, then “forecast report RUN_DIR”" in " ".join(pages)
    assert "Where it was most wrong" not in " ".join(pages)


def test_the_report_has_the_scores_of_the_headline_and_the_page_those_of_every_event(
    printed, backtest, forecast
):
    folder, pages = printed
    text = " ".join(pages)
    assert text.index("Scores beside simple baselines") < text.index("How often what was forecast happened")
    assert text.index("How often what was forecast happened") < text.index("Where it was most wrong")
    for miss in backtest.record.largest_misses[:4]:
        outcome = "happened" if miss.outcome else "did not happen"
        assert f"{miss.horizon_days} days {wording.percent(miss.probability)} {outcome}" in text
        assert wording.short_day(miss.origin) in text
    run = make_records(forecast, track_record=backtest.record)
    rows = [row for group in table_in(scores_section(run), "all-scores").groups for row in group.rows]
    for cells, row in zip(rows, backtest.record.rows, strict=True):
        shown = [cell.text for cell in cells]
        assert shown[:2] == [f"{row.horizon_days} days", f"{row.n_hits} of {row.n}"]
        assert shown[2:4] == [f"{row.episodes}", said_came(row)]
        assert shown[4].startswith(f"{row.brier.value:.3f} ±")
        assert shown[7:] == [f"{one:.3f}" for one in (row.best_baseline.brier, row.log.value)]
        of_headline = row.target == HEADLINE
        assert (" ".join(shown) in text) is of_headline
    assert PdfReader(folder / "report.pdf").attachments["all-scores.csv"]


def test_a_row_is_bold_where_the_baseline_was_better_by_the_digits_shown(record, forecast):
    rows = tuple(
        set_row(row, ours=0.26, best=0.24) if (row.target, row.horizon_days) == (HEADLINE, 30) else row
        for row in record.rows
    )
    changed = altered(record, rows=rows)
    table = table_in(page(forecast, changed), "scores")
    shown = [row[6].weight == "bold" for group in table.groups for row in group.rows]
    assert shown == [beaten(row) for row in changed.rows if row.target == HEADLINE]
    assert sum(shown) == 1


def summary(**changed) -> LedgerSummary:
    brier = ErrorBound(value=0.11, se=0.024, interval90=(0.05, 0.17))
    counts = {"n_forecasts": 96, "n_scored": 48, "n_yes": 24, "n_hindcasts": 0}
    values = counts | {"brier": brier, "baseline_brier": 0.123, "claim": "none"}
    return LedgerSummary(schema=1, head="0" * 64, **(values | changed))


def test_what_was_said_and_what_came_of_it(forecast, record, snapshot):
    now = forecast.target(HEADLINE).milestones[-1].probability
    worse = ErrorBound(value=-0.2, se=0.43, interval90=(-0.9, 0.5))
    changes = (
        {"mean_said": 0.3, "highest_said": 0.44, "highest_came": True},
        {"mean_said": 0.3, "highest_said": 0.44, "highest_came": False},
        {"highest_said": now - 0.1},
        {"highest_said": now + 0.1},
        {"skill": worse},
        {"skill": worse, "episodes": 1},
        {"n_hits": 0, "episodes": 0, "skill": None},
    )
    assert [said_of(forecast, at_the_headline(record, **one)) for one in changes] == snapshot


def test_calibration_claims_and_ledger(forecast, record, snapshot):
    def bound(value, *interval):
        return ErrorBound(value=value, se=0.1 if interval else None, interval90=interval or None)

    slopes = (bound(0.93, 0.76, 1.1), bound(0.7, 0.5, 0.9), bound(1.7, 1.5, 1.9), bound(0.7), None)
    slopes = (*slopes, bound(1.08, -2.47, 4.63))
    claims = (("none",) * 6, ("better", "better", *("none",) * 4), ("worse", *("none",) * 5))
    claimed = (
        tuple(altered(row, claim=one) for row, one in zip(record.rows, each, strict=True)) for each in claims
    )
    ledgers = (
        *({"n_forecasts": 0}, {"brier": None}, {}, {"claim": "better"}, {"claim": "worse"}),
        *({"n_hindcasts": 48}, {"n_hindcasts": 7}, {"brier": bound(0.11)}),
    )
    sections = [page(forecast, altered(record, calibration_slope=one)) for one in slopes]
    charts = [next(block for block in one.blocks if isinstance(block, Chart)) for one in sections]
    assert [
        *(one.caption.split(" would give. ")[1] for one in charts),
        *(page(forecast, altered(record, rows=rows)).blocks[1].text for rows in claimed),
        *(ledger_sentence(summary(**one)) for one in ledgers),
    ] == snapshot
