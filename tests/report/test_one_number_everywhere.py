"""One question has one number, one order and one name: in records, terminal, PDFs, page, CSV and workbook."""

import csv
import io
import json
import re
import shutil
from datetime import date, timedelta

import openpyxl
import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.blocks import Answer, Table, walk
from forecast.cli.terminal import lines_of
from forecast.phrases.chances import fits_sentence, members_say
from forecast.phrases.record import ledger_sentence
from forecast.records.analysis import ErrorBound, LedgerSummary, PastForecast
from forecast.records.forecast import Member, MemberForecast
from forecast.records.table import all_chances
from forecast.report.build import build_report, make_content, table_csv
from forecast.report.evidence_sections import scores_section, track_record_section
from forecast.report.forecast_sections import (
    course_chart,
    rationales_section,
    scenarios_section,
    sources_section,
)
from forecast.report.page_1 import bottom_line, brief_section
from forecast.report.run_records import read_run_records
from forecast.report.tables import milestone_table, scenario_comparison
from tests.conftest import answers_of
from tests.report.conftest import (
    altered,
    make_analysis,
    make_records,
    make_scenario,
    said_in,
    table_in,
    with_headline,
    with_waterfall,
)


@pytest.fixture(scope="module")
def folder(base_run, tmp_path_factory):
    """The run with everything that a report can be asked for."""
    place = tmp_path_factory.mktemp("everything") / "run"
    shutil.copytree(base_run, place)
    build_report(place, xlsx=True)
    return place


@pytest.fixture(scope="module")
def questions(folder):
    """Every target and milestone, as any program reads them from ``forecast.json``."""
    forecast = json.loads((folder / "forecast.json").read_text(encoding="utf-8"))
    return [(target, answer) for target in forecast["targets"] for answer in answers_of(target).values()]


def text_of(path):
    text = " ".join(page.extract_text() for page in PdfReader(path).pages)
    return re.sub(r"\s+", " ", text)


def shown(milestone):
    interval = wording.interval_percent(tuple(milestone["interval90"]))
    return wording.percent(milestone["probability"]), interval


def test_every_reader_gets_the_chance_and_range_of_every_question(folder, questions):
    run = read_run_records(folder)
    plain = " ".join(lines_of(bottom_line(run)))
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", (folder / "report.html").read_text(encoding="utf-8")))
    texts = {"terminal": plain, "page": page}
    texts |= {name: text_of(folder / name) for name in ("report.pdf", "brief.pdf")}
    for target, milestone in questions:
        chance, interval = shown(milestone)
        for name in ("page", "report.pdf"):
            assert chance in texts[name], (name, target["name"])
            assert interval in texts[name], (name, target["name"])
        # One rounding a table: that of page 1 has whole percents.
        for name in ("terminal", "brief.pdf"):
            assert wording.whole_percent(milestone["probability"]) in texts[name], (name, target["name"])
    asked = run.forecast.headline_milestone
    chance, _ = shown(dict(asked))
    sentence = f"{wording.words(asked.probability).capitalize()} ({chance})"
    assert all(sentence in text for text in texts.values())
    assert all(fits_sentence(asked) in text for text in texts.values())


def test_spreadsheets_get_every_digit(folder, questions):
    (table,) = [one for one in make_content(read_run_records(folder)).tables() if one.name == "milestones"]
    rows = csv.DictReader(io.StringIO(table_csv(table), newline=""))
    for row, (target, one) in zip(rows, questions, strict=True):
        assert (row["Group"], row["In words"]) == (target["label"], wording.words(one["probability"]))
        numbers = [float(row[name]) for name in ("Chance", "Lower 90%", "Upper 90%", "Past periods")]
        base = one["baseline"]["counted"]
        assert numbers == [one["probability"], *one["interval90"], base]
    book = openpyxl.load_workbook(folder / "numbers.xlsx")
    head, *rows = book["chances"].iter_rows(values_only=True)
    kept = read_run_records(folder)
    for row, known in zip(rows, all_chances(kept.forecast, kept.analysis), strict=True):
        cells = dict(zip(head, row, strict=True))
        assert (cells["source"], cells["target"]) == (known.source, known.target)
        assert [cells[name] or 0.0 for name in ("mean", "low", "high", "error")] == pytest.approx(
            [getattr(known, name) or 0.0 for name in ("mean", "low", "high", "error")], rel=1e-15
        )
    analysis = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
    head, *rows = book["parameters"].iter_rows(values_only=True)
    known = [(*one["prior_interval90"], *one["posterior_interval90"]) for one in analysis["parameters"]]
    ends = [name for name in head if name.endswith(("_low", "_high"))]
    for row, one in zip(rows, known, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert [cells[name] for name in ends] == pytest.approx(one, rel=1e-15)
    assert book["tension"].max_row == 1 + len(analysis["tension"]["date"])
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_the_table_holds_every_chance_of_the_records(folder, questions):
    run = read_run_records(folder)
    table = [*all_chances(run.forecast, run.analysis)]
    rows = {(one.source, one.target, one.day): one for one in table}
    assert len(rows) == len(table)
    for target, one in questions:
        row = rows["forecast", target["name"], date.fromisoformat(one["date"])]
        assert [*row[3:]] == [one["probability"], *one["interval90"], one["mcse"]]
    asked = run.forecast.headline
    headline = run.forecast.headline_milestone

    def chance(source):
        return rows[source, asked.target, headline.date].mean

    assert chance("step:scheduled_events") == pytest.approx(headline.probability)
    for driver in run.forecast.drivers:
        assert headline.probability - chance(f"without:{driver.event_id}") == pytest.approx(driver.change)
    for scenario in run.forecast.scenarios:
        for target in scenario.targets:
            for one in target.milestones:
                under = rows[f"scenario:{scenario.name}", target.name, one.date]
                base = rows["forecast", target.name, one.date]
                assert under.mean - base.mean == pytest.approx(one.difference.value, abs=1e-12)
    for bar in run.analysis.sensitivity.assumptions if run.analysis.sensitivity else ():
        if bar.upper.probability is not None:
            assert chance(f"prior:{bar.name}:upper") == bar.upper.probability


def test_no_percentage_on_page_1_is_unknown_to_the_records(folder):
    run = read_run_records(folder)
    milestones = [one for target in run.forecast.targets for one in target.milestones]
    (answer,) = (one for one in brief_section(run).blocks if isinstance(one, Answer))
    told = {one.interval90[end] for one in milestones for end in (0, 1)} | {
        one.probability for one in milestones
    }
    told |= {tick.value for tick in answer.ticks} | {other.probability for other in run.ledger_record.others}
    asked = run.forecast.headline_milestone
    gone = run.forecast.headline_target.milestones[1].probability
    told |= {(asked.probability - gone) / (1 - gone)}
    told |= {asked.probability - step.change for step in run.forecast.waterfall if step.step == "drift"}
    known = {say(value) for value in told for say in (wording.percent, wording.whole_percent)}
    known |= {"0%", "50%", "100%"}
    front = text_of(folder / "brief.pdf").split("How tense it is now")
    # How tense it is, and how forecasts did, are shares of weeks and of tests.
    front = f"{front[0]} {front[1].split('All events')[1]}"
    pairs = re.findall(r"(?:([<\d.]+)–)?([>\d.]+)%", front)
    assert {f"{number}%" for pair in pairs for number in pair if number} <= known


def test_a_question_that_was_not_asked_before_is_said_to_be_the_first_and_no_other(forecast):
    def ledger(*history, n_same=0, late=0):
        counts = {"n_scored": 0, "n_yes": 0, "n_hindcasts": late}
        known = {"brier": None, "baseline_brier": None, "claim": "none", "history": history} | counts
        return LedgerSummary(schema=1, head="0" * 64, n_forecasts=12, n_same=n_same, **known)

    first = "This is the first forecast of this question on record."
    run = make_records(forecast, ledger_record=ledger())
    assert course_chart(run).caption.endswith(first)
    own = PastForecast(
        target=forecast.headline.target,
        milestone=forecast.headline.milestone,
        as_of=forecast.as_of - timedelta(days=90),
        probability=0.4,
        interval90=(0.3, 0.5),
        hindcast=False,
    )
    assert "on record" not in course_chart(make_records(forecast)).caption
    known = ledger(own, n_same=1)
    assert first not in course_chart(make_records(forecast, ledger_record=known)).caption
    same = "3 earlier forecasts of these questions are on record"
    for late, said in ((0, f"{same}."), (12, f"{same}, made in hindsight.")):
        run = make_records(forecast, ledger_record=ledger(n_same=3, late=late))
        assert course_chart(run).caption.endswith(said)
    scored = altered(ledger(n_same=3), n_scored=2)
    said = course_chart(make_records(forecast, ledger_record=scored)).caption
    assert f"{same}; 2 on this pair scored, see Track record." in said
    said = "held 12 forecasts on this pair, 3 of them on these questions, all made in hindsight; none"
    assert said in ledger_sentence(ledger(n_same=3, late=12))


@pytest.fixture(scope="module")
def combined(forecast):
    """A run whose members say 79% and 76% without the scheduled events, and 77.3% and 74.3% with them."""
    members = tuple(
        MemberForecast(
            name=name,
            label=label,
            weight=0.5,
            probability=p,
            interval90=(p - 0.1, p + 0.1),
            with_acts=p - 0.017,
        )
        for name, label, p in (("model", "model", 0.79), ("pooled_hazard", "pooled hazard", 0.76))
    )
    forecast = with_headline(forecast, probability=0.758, members=members)
    named = tuple(Member(name=one.name, label=one.label, weight=0.5) for one in members)
    return altered(forecast, model="combined", members=named)


def test_the_members_as_printed_average_to_the_forecast(combined):
    said = said_in(sources_section(make_records(with_waterfall(combined))))
    assert "The forecast is the mean of two: first model 77%, second model 74%." in said


def test_the_window_has_as_many_days_in_the_report_as_in_the_json(forecast, backtest):
    # Between the as-of date and a milestone 484 days later lie 483 days.
    row = next(row for row in backtest.record.rows if row.target == forecast.headline.target)
    own = altered(backtest.record, rows=(altered(row, horizon_days=483),))
    run = make_records(with_waterfall(forecast), make_analysis(), track_record=own)
    texts = [*lines_of(bottom_line(run)), str(make_content(run).as_json()["sections"])]
    assert "483" in texts[-1]
    for text in texts:
        assert not re.search(r"\b484\b", text), text


def test_skill_has_one_measure_in_sentence_and_table_and_none_unclaimed_beside_0(forecast, backtest):
    row = next(row for row in backtest.record.rows if row.target == forecast.headline.target)
    few = "Not shown to beat counting past cases."
    for claim, interval, said, shown, weight in (
        ("worse", (-0.2, -0.02), "Counting past cases did better.", "−20 to −2%", "bold"),
        # An interval that leaves out 0 would be a claim.
        ("none", (-0.2, -0.02), few, "–", None),
        ("none", (-0.2, 0.3), few, "−20 to +30%", "regular"),
    ):
        skill = ErrorBound(value=-0.11, se=0.04, interval90=interval)
        changes = {"horizon_days": 483, "skill": skill, "claim": claim, "n_hits": 5}
        rows = (altered(row, **changes),)
        run = make_records(forecast, track_record=altered(backtest.record, rows=rows))
        front = said_in(brief_section(run))
        assert said in front
        assert ("Not shown to beat" in front) is (claim == "none")
        for section, name in ((track_record_section(run), "scores"), (scores_section(run), "all-scores")):
            cell = table_in(section, name).groups[0].rows[0][5]
            assert (cell.text, cell.weight) == (shown, weight or "regular")


def test_members_that_differ_by_a_factor_of_three_stand_beside_the_number(combined):
    target, milestone = combined.headline_target, combined.headline_milestone
    low, high = (altered(one, with_acts=p) for one, p in zip(milestone.members, (0.06, 0.21), strict=True))
    assert members_say(milestone) == ""
    apart = altered(milestone, members=(low, high))
    assert members_say(apart) == "first model 6%, second model 21%"
    told = altered(target, milestones=(apart,))
    run = make_records(altered(combined, targets=(told,)))
    row = milestone_table(run).groups[0].rows[0]
    assert "first model 6%, second model 21%" in [cell.note for cell in row]


def test_the_share_of_past_periods_is_the_counted_one_of_page_1_not_the_smoothed(forecast):
    target, milestone = forecast.headline_target, forecast.headline_milestone
    for counted, said in ((0.18, "18%"), (0.0, "none"), (None, "–")):
        baseline = altered(milestone.baseline, probability=0.24, counted=counted)
        told = altered(target, milestones=(altered(milestone, baseline=baseline),))
        table = milestone_table(make_records(altered(forecast, targets=(told,))))
        place = [column.head for column in table.columns].index("Past periods")
        assert table.groups[0].rows[0][place].text == said


def test_a_change_under_a_point_never_turns_a_printed_chance(forecast):
    # 76.4% and +0.2 points are 76.6%: beside "76%" a reader would read "77%" as a point.
    small = make_scenario(forecast, "small", 0.002)
    run = make_records(altered(forecast, scenarios=(small,)))
    (row,) = table_in(rationales_section(run), "all-scenarios").groups[1].rows
    assert [cell.text for cell in row[1:]] == ["≈", "–", "≈", "≈"]


def test_scenarios_stand_in_one_order_everywhere(forecast):
    changes = {"none": 0.0, "down": -0.3, "up": 0.1, "little": 0.02}
    scenarios = tuple(make_scenario(forecast, name, change) for name, change in changes.items())
    withheld = make_scenario(forecast, "withheld", 0.5, withheld="no_refit")
    run = make_records(altered(forecast, scenarios=(withheld, *scenarios)))
    order = [f"Label of {name}" for name in ("down", "up", "little", "none", "withheld")]
    table = table_in(scenarios_section(run), "scenarios")
    assert [row[0].text for row in table.groups[1].rows] == order
    blocks = scenario_comparison(forecast, run.forecast.scenarios)
    (first, *_) = [one for one in walk(tuple(blocks)) if isinstance(one, Table)]
    shown = [row[0].text for row in first.groups[0].rows]
    assert [one for one in shown if one != "The run"] == order
