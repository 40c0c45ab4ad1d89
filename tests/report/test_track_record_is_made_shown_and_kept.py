"""A backtest → the record of a model → what the report says of it; taken once, refused where wrong."""

import json
import re
import shutil
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from pypdf import PdfReader

from forecast import wording
from forecast.baselines import BASELINES
from forecast.blocks import Chart
from forecast.config import load_config
from forecast.errors import InputError
from forecast.evaluation.score_table import score_forecasts
from forecast.evaluation.track_record import count_episodes, find_track_record
from forecast.models.survival import Survival
from forecast.phrases.record import NEVER_TESTED, NO_BACKTEST, ledger_sentence, record_sentences, said_came
from forecast.records.analysis import ErrorBound, LedgerSummary, TrackRecord, own_record
from forecast.records.notices import notice
from forecast.report.build import build_report
from forecast.report.evidence_sections import scores_section, track_record_section
from forecast.report.run_records import ReportOptions
from forecast.runs.files import file_hashes, record_outputs
from forecast.runs.mixture import DirectAnswers, Mixture
from forecast.runs.run import Run
from forecast.workflows.report import rebuild_report, save_run
from tests.report.conftest import (
    AS_OF,
    CONFIG,
    EVENTS,
    altered,
    make_records,
    record_of,
    said_in,
    table_in,
    write_run,
)


def test_the_record_holds_the_numbers_of_the_score_table(backtest):
    assert len(backtest.record.rows) == 6
    for row in backtest.record.rows:
        cell = backtest.table.cells[row.target, row.horizon_days, "model"]
        skill = backtest.table.skill(cell)
        claim = skill.claim if row.episodes >= 3 else "none"
        assert (row.n, row.base_rate, row.claim) == (cell.n, cell.base_rate, claim)
        assert row.n_hits == round(cell.n * cell.base_rate)
        for shown, estimate in ((row.brier, cell.brier), (row.log, cell.log), (row.skill, skill.brier)):
            if shown is None:
                assert row.n_hits == 0
            elif np.isfinite(estimate.value):
                assert (shown.value, shown.se) == (estimate.value, estimate.se)
        assert tuple(scores.name for scores in row.baselines) == BASELINES
        for scores in row.baselines:
            theirs = backtest.table.cells[row.target, row.horizon_days, scores.name]
            assert scores.brier == pytest.approx(theirs.brier.value, abs=1e-15)
            assert scores.log == pytest.approx(theirs.log.value, abs=1e-15)


@pytest.mark.parametrize(
    ("horizon", "cases", "episodes"),
    [
        (30, [], 0),
        # Four windows of 100 days meet the drills of day 90 first, whatever follows.
        (100, [90], 1),
        (100, [90, 95], 1),
        (20, [25, 35], 1),
        (20, [25, 65], 2),
        (20, [19, 39, 71], 2),
        # No window reaches it.
        (10, [15], 0),
    ],
)
def test_an_episode_is_a_case_that_windows_met_first_however_many_they_are(horizon, cases, episodes):
    day = date(2020, 1, 1)
    origins = [day + timedelta(days=days) for days in (0, 20, 40, 60)]
    assert count_episodes(origins, horizon, [day + timedelta(days=one) for one in cases]) == episodes


def test_the_gap_is_measured_against_the_baseline_of_lowest_brier_score(backtest):
    for row in backtest.record.rows:
        assert row.best_baseline.brier == min(scores.brier for scores in row.baselines)
        assert row.gap.value == pytest.approx(row.brier.value - row.best_baseline.brier, abs=1e-12)
        assert row.gap.interval90[0] < row.gap.value < row.gap.interval90[1]


def test_reliability_bins_hold_every_forecast_of_ours_and_of_climatology(backtest):
    ours, climatology = backtest.record.reliability
    assert (ours.model, climatology.model) == ("model", "climatology")
    for curve in (ours, climatology):
        rows = backtest.forecasts.select(who=curve.model)
        assert sum(one.number for one in curve.bins) == len(rows)
        hits = sum(one.number * one.observed_share for one in curve.bins)
        assert hits == pytest.approx(rows.outcome.sum())


def test_the_record_survives_json_also_where_errors_are_not_defined(backtest):
    few = backtest.forecasts.select(target="lethal_clash")
    few = few.take(np.flatnonzero(few.origin < np.datetime64("2019-02-01")))
    record = record_of(few, score_forecasts(few, seed=1), "model", backtest.cases)
    assert record.rows[0].brier.se is None
    assert record.calibration_slope is None
    for one in (record, backtest.record):
        assert TrackRecord.model_validate_json(one.model_dump_json(by_alias=True)) == one


def test_a_model_that_was_not_tested_is_refused_and_the_tested_are_named(backtest):
    with pytest.raises(InputError, match=r"no forecast of 'pooled_hazard' \(it holds model, combined,"):
        record_of(backtest.forecasts, backtest.table, "pooled_hazard", backtest.cases)


HEADLINE = "military_confrontation"


def words_of(text):
    return re.sub(r"\s+", " ", text)


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
    return altered(row, n=54, n_hits=25, episodes=3, brier=brier, baselines=baselines, gap=gap)


def at_the_headline(record, **changes):
    """The record with one row of the headline target, at its very distance, changed."""
    row = next(row for row in record.rows if row.target == HEADLINE)
    known = {"horizon_days": 483, "n": 18, "n_hits": 4, "episodes": 3} | changes
    return altered(record, rows=(altered(row, **known),))


def said_of(forecast, record):
    return " ".join(record_sentences(forecast, record))


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
    assert "This forecast looks 16 months ahead, further than the tests, which reach 3 months." in text
    far = altered(record.rows[0], horizon_days=500)
    text = said_in(page(forecast, altered(record, rows=(far,))))
    assert "This forecast looks 16 months ahead, and tests reach 16 months." in text


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
    assert NO_BACKTEST in pages[0]
    assert NEVER_TESTED not in pages[0]
    assert "The command “forecast backtest” tests it" in " ".join(pages)
    assert "Where it was most wrong" not in " ".join(pages)


def test_the_report_has_the_scores_of_the_headline_and_the_page_those_of_every_event(
    printed, backtest, forecast
):
    folder, pages = printed
    text = " ".join(pages)
    assert text.index("Scores beside simple baselines") < text.index("Where it was most wrong")
    assert text.index("Where it was most wrong") < text.index("How often what was forecast happened")
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


@pytest.mark.parametrize(
    ("ours", "best", "episodes", "who"),
    [
        (0.26, 0.24, 3, "baseline"),
        (0.24, 0.26, 3, "model"),
        # Equal as printed is equal, and what two episodes decided says nothing.
        (0.2404, 0.2396, 3, None),
        (0.26, 0.24, 2, None),
    ],
)
def test_a_baseline_was_more_accurate_by_the_digits_shown_and_from_three_episodes_on(
    record, forecast, ours, best, episodes, who
):
    rows = tuple(
        altered(set_row(row, ours=ours, best=best), episodes=episodes)
        if (row.target, row.horizon_days) == (HEADLINE, 30)
        else row
        for row in record.rows
    )
    assert [row.more_accurate for row in rows].count("baseline") == (who == "baseline")
    section = page(forecast, altered(record, rows=rows))
    shown = [row[6].weight == "bold" for group in table_in(section, "scores").groups for row in group.rows]
    assert sum(shown) == (who == "baseline")
    said = said_in(section)
    beaten = "1" if who == "baseline" else "none"
    assert ("A bold baseline was more accurate." in said) is (who == "baseline")
    for n in (6, len(shown)):
        decided = n - (episodes < 3)
        have = f"{decided} {'has' if decided == 1 else 'have'} three episodes or more"
        assert f"{have}; a simple baseline was more accurate in {beaten}." in said


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
        {"origins": (date(2020, 1, 1), date(2022, 1, 1))},
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
        *(
            {"n_forecasts": 0},
            {"brier": None},
            {"brier": None, "n_hindcasts": 96},
            {},
            {"claim": "better"},
            {"claim": "worse"},
        ),
        *({"n_hindcasts": 96}, {"n_hindcasts": 7}, {"brier": bound(0.11)}),
    )
    sections = [page(forecast, altered(record, calibration_slope=one)) for one in slopes]
    charts = [next(block for block in one.blocks if isinstance(block, Chart)) for one in sections]
    assert [
        *(one.caption.split(" would give. ")[1] for one in charts),
        *(page(forecast, altered(record, rows=rows)).blocks[1].text for rows in claimed),
        *(ledger_sentence(summary(**one)) for one in ledgers),
    ] == snapshot


def write_backtest(folder, backtest, *, forecasts=None, **settings):
    folder.mkdir(parents=True, exist_ok=True)
    (forecasts or backtest.forecasts).write_csv(folder / "forecasts.csv")
    targets = {
        rule.name: {"any_of": list(rule.any_of), "min_severity": rule.min_severity} for rule in backtest.rules
    }
    content = {"schema": 3, "targets": targets, "priors": {}} | settings
    (folder / "scores.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def find(backtest):
    def find_in(folder, *, events=EVENTS, model="model", as_of=AS_OF, priors=()):
        return find_track_record(
            folder, events, backtest.rules, as_of, model, dict(priors), seed=backtest.seed
        )

    return find_in


def test_a_backtest_of_the_same_questions_gives_the_record_that_its_table_gives(find, backtest, tmp_path):
    found = find(write_backtest(tmp_path / "backtest", backtest))
    for part in ("rows", "largest_misses", "reliability"):
        assert getattr(found, part) == getattr(backtest.record, part)


def test_an_unfinished_backtest_is_no_backtest(find, backtest, tmp_path):
    folder = write_backtest(tmp_path / "backtest", backtest)
    (folder / "scores.json").unlink()
    assert find(folder) is None
    assert find(tmp_path / "absent") is None


def test_a_backtest_that_is_not_of_the_runs_questions_is_refused_with_the_reason(find, backtest, tmp_path):
    folder, forecasts = write_backtest(tmp_path / "backtest", backtest), backtest.forecasts
    other = EVENTS.known_by(date(2022, 7, 31))  # without the drills of August 2022
    found = find(folder, events=other)
    assert found == notice("other_outcomes", target="major_escalation")
    early = AS_OF.replace(year=2022)
    late = notice("later_windows", last_day=date(2023, 6, 30), as_of=early)
    assert find(folder, as_of=early) == late
    untested = notice("untested_model", model="pooled_hazard", tested=forecasts.models)
    assert find(folder, model="pooled_hazard") == untested
    defined = {"major_escalation": {"any_of": ["visit"], "min_severity": 1}}
    write_backtest(folder, backtest, targets=defined)
    assert find(folder) == notice("other_definitions")
    write_backtest(folder, backtest, priors={"tension.scale": "slow"})
    assert find(folder) == notice("other_priors")
    assert find(folder, priors={"tension.scale": "slow"}).rows
    (folder / "scores.json").write_text("[]", encoding="utf-8")
    assert find(folder) == notice("settings_unknown")
    kept = np.flatnonzero(forecasts.target != "lethal_clash")
    write_backtest(folder, backtest, forecasts=forecasts.take(kept))
    tested = tuple(name for name in forecasts.targets if name != "lethal_clash")
    asked = tuple(sorted(rule.name for rule in backtest.rules))
    assert find(folder) == notice("other_targets", tested=tested, asked=asked)


def test_a_damaged_file_is_refused_by_line_and_without_its_path(find, backtest, tmp_path):
    folder = write_backtest(tmp_path / "backtest", backtest)
    with (folder / "forecasts.csv").open("a", encoding="utf-8") as file:
        file.write("pair,lethal_clash,2020-01-01,2020-01-31,model,1.7,0,0\n")
    refusal = find(folder)
    assert (refusal.code, refusal.fault[:14]) == ("unreadable", "forecasts.csv:")
    assert "model,1.7,0,0; expected a day after the origin, a chance from 0 to 1" in refusal.fault
    backtest.forecasts.take(np.arange(0)).write_csv(folder / "forecasts.csv")
    assert find(folder).fault.startswith("forecasts.csv: holds no row")


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "us-china-2023" / "2023-07-10")


def test_a_saved_run_takes_the_record_once_and_then_gives_the_same_bytes_without_the_backtest(run, backtest):
    write_backtest(run.parent / "backtest", backtest)
    rebuild_report(run)
    record = TrackRecord.model_validate_json((run / "track_record.json").read_bytes())
    assert record.rows == backtest.record.rows
    first = (run / "report.pdf").read_bytes()
    hashes = {name: value for name, value in file_hashes(run).items() if name != "manifest.json"}
    assert json.loads((run / "manifest.json").read_text())["outputs_sha256"] == hashes
    shutil.rmtree(run.parent / "backtest")
    rebuild_report(run)
    assert (run / "report.pdf").read_bytes() == first


def test_a_run_that_has_a_record_keeps_it_when_a_newer_backtest_comes(run, backtest):
    kept = altered(backtest.record, n_origins=7).model_dump_json(by_alias=True)
    (run / "track_record.json").write_text(kept, encoding="utf-8")
    record_outputs(run, ["track_record.json"])
    write_backtest(run.parent / "backtest", backtest)
    rebuild_report(run)
    assert (run / "track_record.json").read_text(encoding="utf-8") == kept


@pytest.fixture
def finished(tmp_path, forecast, analysis):
    """A run in memory, with stand-ins for the posterior and its chances."""
    (tmp_path / "events.csv").write_text(EVENTS.canonical_csv(), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    posterior = SimpleNamespace(tree=xr.DataTree(), n_chains=2, target_accept=0.9, tune=400, reruns=0)
    ahead = Survival(("lethal_clash",), date(2023, 7, 11), np.ones((2, 1, 11)))
    inputs = SimpleNamespace(config=load_config(tmp_path / "config.yaml"), events=EVENTS, scenarios=())
    made = Mixture(inputs, DirectAnswers({}), ahead)
    return Run(inputs=inputs, samples=posterior, made=made, forecast=forecast, analysis=analysis)


def test_a_new_run_takes_the_backtest_beside_it(finished, backtest, tmp_path):
    write_backtest(tmp_path / "name" / "backtest", backtest)
    folder = save_run(finished, tmp_path / "name" / "2023-07-10")
    record = TrackRecord.model_validate_json((folder / "track_record.json").read_bytes())
    assert record.rows == backtest.record.rows
    assert "track_record.json" in json.loads((folder / "manifest.json").read_text())["outputs_sha256"]


def test_a_new_run_notes_on_page_1_why_the_backtest_beside_it_was_not_used(finished, backtest, tmp_path):
    write_backtest(tmp_path / "name" / "backtest", backtest, priors={"tension.scale": "slow"})
    folder = save_run(finished, tmp_path / "name" / "2023-07-10")
    front = " ".join(PdfReader(folder / "report.pdf").pages[0].extract_text().split())
    assert "The backtest beside this run was not used: its priors are not this run's." in front
    assert NO_BACKTEST in front
    assert not (folder / "track_record.json").exists()
