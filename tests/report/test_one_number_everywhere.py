"""One question has one number: in the records, on the terminal, in both PDFs, the page, CSV and workbook."""

import csv
import io
import json
import re
import shutil

import pytest
from pypdf import PdfReader

from forecast import wording
from forecast.cli.terminal import lines_of
from forecast.report.build import build_report
from forecast.report.page_1 import bottom_line
from forecast.report.run_records import read_run_records

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
    headline = run.forecast.headline
    asked = next(
        one
        for target, one in questions
        if (target["name"], one["name"]) == (headline.target, headline.milestone)
    )
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
    head, *rows = book["milestones"].iter_rows(values_only=True)
    for row, (target, one) in zip(rows, questions, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert (cells["target"], cells["milestone"]) == (target["name"], one["name"])
        numbers = [cells[name] for name in ("probability", "lower90", "upper90", "mcse")]
        assert numbers == pytest.approx([one["probability"], *one["interval90"], one["mcse"]], rel=1e-15)
    analysis = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
    assert book["parameters"].max_row == 1 + len(analysis["parameters"])
    assert book["tension"].max_row == 1 + len(analysis["tension"]["date"])
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)


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
