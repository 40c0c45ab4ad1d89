"""One question has one number: in the records, on the terminal, in both PDFs, the page, CSV and workbook."""

import csv
import io
import json
import re
import shutil
from datetime import date

import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.cli.terminal import lines_of
from forecast.report.build import build_report
from forecast.report.page_1 import bottom_line
from forecast.report.run_records import read_run_records
from forecast.report.words import headline_pair

openpyxl = pytest.importorskip("openpyxl")


@pytest.fixture(scope="module")
def folder(base_run, tmp_path_factory):
    """The run with everything that a report can be asked for."""
    place = tmp_path_factory.mktemp("everything") / "run"
    shutil.copytree(base_run, place)
    build_report(place, xlsx=True, export_tables_to=place / "tables")
    return place


@pytest.fixture(scope="module")
def questions(folder):
    """Every target and milestone, as any program reads them from ``forecast.json``."""
    forecast = json.loads((folder / "forecast.json").read_text(encoding="utf-8"))
    return [(target, milestone) for target in forecast["targets"] for milestone in target["milestones"]]


def text_of(path):
    text = " ".join(page.extract_text() for page in PdfReader(path).pages)
    return re.sub(r"\s+", " ", text).replace("\u200b", "")


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
        curve = dict(zip(target["curve"]["date"], target["curve"]["probability"], strict=True))
        assert milestone["probability"] == curve[milestone["date"]]
        assert milestone["words"] == wording.words(milestone["probability"])
        for name, text in texts.items():
            assert chance in text, (name, target["name"])
            assert interval in text, (name, target["name"])
    _, asked = headline_pair(run.forecast)
    asked = asked.model_dump()
    chance, interval = shown(asked)
    sentence = f"{asked['words'].capitalize()} ({chance}, plausible range {interval})"
    assert all(sentence in text for text in texts.values())


def test_spreadsheets_get_every_digit(folder, questions):
    rows = csv.DictReader(io.StringIO((folder / "tables/milestones.csv").read_text("utf-8"), newline=""))
    for row, (target, one) in zip(rows, questions, strict=True):
        assert (row["Group"], row["In words"]) == (target["label"], one["words"])
        numbers = [float(row[name]) for name in ("Chance", "Lower 90%", "Upper 90%", "Past periods", "Error")]
        base = one["baseline"]["probability"]
        assert numbers == [one["probability"], *one["interval90"], base, one["mcse"]]
    book = openpyxl.load_workbook(folder / "numbers.xlsx")
    head, *rows = book["table"].iter_rows(values_only=True)
    kept = read_run_records(folder).forecast
    for row, one in zip(rows, kept.table, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert (cells["what"], cells["target"], cells["who"]) == (one.what, one.target, one.who)
        assert [cells[name] or 0.0 for name in ("chance", "low", "high", "error")] == pytest.approx(
            [getattr(one, name) or 0.0 for name in ("chance", "low", "high", "error")], rel=1e-15
        )
    frame = kept.to_frame()
    assert frame.chance.tolist() == [one.chance for one in kept.table]
    analysis = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
    assert book["parameters"].max_row == 1 + len(analysis["parameters"])
    assert book["tension"].max_row == 1 + len(analysis["tension"]["date"])
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_the_table_holds_every_chance_of_the_records(folder, questions):
    run = read_run_records(folder)
    rows = {(one.what, one.target, one.day, one.who): one for one in run.forecast.table}
    assert len(rows) == len(run.forecast.table)
    for target, one in questions:
        row = rows["forecast", target["name"], date.fromisoformat(one["date"]), "forecast"]
        known = [one["probability"], *one["interval90"], one["mcse"]]
        assert [row.chance, row.low, row.high, row.error] == known
    asked = run.forecast.headline
    _, headline = headline_pair(run.forecast)

    def chance(what, who="forecast", day=headline.date):
        return rows[what, asked.target, day, who].chance

    assert chance("step:scheduled_events") == pytest.approx(headline.probability)
    for driver in run.forecast.drivers:
        assert headline.probability - chance(f"without:{driver.event_id}") == pytest.approx(driver.change)
    for scenario in run.forecast.scenarios:
        for target in scenario.targets:
            for one in target.milestones:
                told = rows[f"scenario:{scenario.name}", target.name, one.date, "forecast"]
                base = rows["forecast", target.name, one.date, "forecast"]
                assert told.chance - base.chance == pytest.approx(one.difference.value, abs=1e-12)
    for quiet in run.analysis.quiet_until:
        assert chance("quiet", quiet.date.isoformat()) == quiet.probability
    for bar in run.analysis.robustness.tornado if run.analysis.robustness else ():
        if bar.upper.probability is not None:
            assert chance(f"prior:{bar.name}:upper") == bar.upper.probability


def test_no_percentage_on_page_1_is_unknown_to_the_records(folder):
    run = read_run_records(folder)
    milestones = [one for target in run.forecast.targets for one in target.milestones]
    known = {
        wording.percent(value)
        for one in milestones
        for value in (one.probability, *one.interval90, one.baseline.probability, one.constant_rate)
        if value is not None
    }
    known |= {wording.percent(step.probability) for step in run.forecast.waterfall}
    known |= {wording.percent(other.probability) for other in run.analysis.others}
    known |= {
        wording.percent(value)
        for sign in run.analysis.signs
        for value in (sign.chance, sign.if_seen, sign.if_not_seen)
    }
    front = text_of(folder / "brief.pdf")
    known |= {re.search(r"0 to (\d+%)", front)[1], *(f"{tick}%" for tick in range(7))}
    pairs = re.findall(r"(?:([\d.]+)–)?([\d.]+)%", front)
    assert {f"{number}%" for pair in pairs for number in pair if number} <= known
