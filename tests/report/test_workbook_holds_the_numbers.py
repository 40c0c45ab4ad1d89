"""``numbers.xlsx`` of a run: read back, it holds what the JSON files say."""

import json
import shutil
from datetime import datetime

import numpy as np
import pytest

from forecast.report.build import build_report

openpyxl = pytest.importorskip("openpyxl")

DIGITS = 1e-15


@pytest.fixture(scope="module")
def folder(base_run, tmp_path_factory):
    place = tmp_path_factory.mktemp("workbook") / "run"
    shutil.copytree(base_run, place)
    built = build_report(place, brief_only=True, xlsx=True)
    assert built.workbook == place / "numbers.xlsx"
    return place


def test_the_workbook_holds_every_probability_to_the_last_digit(folder):
    forecast = json.loads((folder / "forecast.json").read_text())
    book = openpyxl.load_workbook(folder / "numbers.xlsx")
    head, *rows = book["milestones"].iter_rows(values_only=True)
    said = [dict(zip(head, row, strict=True)) for row in rows]
    known = [
        (target["name"], one["name"], one["probability"], *one["interval90"], one["mcse"])
        for target in forecast["targets"]
        for one in target["milestones"]
    ]
    columns = ("target", "milestone", "probability", "lower90", "upper90", "mcse")
    shown = [tuple(row[name] for name in columns) for row in said]
    assert [row[:2] for row in shown] == [row[:2] for row in known]
    assert np.array([row[2:] for row in shown]) == pytest.approx(
        np.array([row[2:] for row in known]), rel=DIGITS
    )
    assert isinstance(said[0]["date"], datetime)
    steps = [row[1] for row in book["waterfall"].iter_rows(min_row=2, values_only=True)]
    assert steps == pytest.approx([step["probability"] for step in forecast["waterfall"]], rel=DIGITS)


def test_the_workbook_has_a_sheet_for_each_list_of_analysis_and_no_formula(folder):
    analysis = json.loads((folder / "analysis.json").read_text())
    book = openpyxl.load_workbook(folder / "numbers.xlsx")
    assert book["parameters"].max_row == 1 + len(analysis["parameters"])
    assert book["tension"].max_row == 1 + len(analysis["tension"]["date"])
    for sheet in book:
        for row in sheet.iter_rows():
            assert not any(cell.data_type == "f" for cell in row)
