"""Word, PowerPoint and Excel files of a run: read back, they hold what the JSON files say."""

import io
import json
import shutil
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from forecast.blocks import Track
from forecast.cli import main
from forecast.config import load_config
from forecast.errors import InputError
from forecast.report.build import make_content
from forecast.report.run_records import read_run_records, report_options
from forecast.workflows.office import write_office_files

docx = pytest.importorskip("docx")
pptx = pytest.importorskip("pptx")
openpyxl = pytest.importorskip("openpyxl")
etree = pytest.importorskip("lxml.etree")
R_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
DIGITS = 1e-15
"""Excel keeps 16 digits."""
SAMPLE = Path(__file__).parents[2] / "reports/sample"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("office") / "run"
    shutil.copytree(SAMPLE, place)
    write_office_files(place, ("docx", "pptx", "xlsx"))
    return place


@pytest.fixture(scope="module")
def forecast(folder):
    return json.loads((folder / "forecast.json").read_text())


def test_the_workbook_holds_every_probability_to_the_last_digit(folder, forecast):
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
    curves = [row[2] for row in book["curves"].iter_rows(min_row=2, values_only=True)]
    known_curves = [chance for target in forecast["targets"] for chance in target["curve"]["probability"]]
    assert curves == pytest.approx(known_curves, rel=DIGITS)
    steps = [row[1] for row in book["waterfall"].iter_rows(min_row=2, values_only=True)]
    assert steps == pytest.approx([step["probability"] for step in forecast["waterfall"]], rel=DIGITS)


def test_the_workbook_has_a_sheet_for_each_list_of_analysis_and_no_formula(folder):
    analysis = json.loads((folder / "analysis.json").read_text())
    book = openpyxl.load_workbook(folder / "numbers.xlsx")
    assert book["parameters"].max_row == 1 + len(analysis["parameters"])
    assert book["robustness.tornado"].max_row == 1 + len(analysis["robustness"]["tornado"])
    assert book["tension"].max_row == 1 + len(analysis["tension"]["date"])
    for sheet in book:
        for row in sheet.iter_rows():
            assert not any(cell.data_type == "f" for cell in row)


def test_word_has_every_table_as_a_table_and_every_chart_with_its_words(folder):
    options = report_options(load_config(folder / "config.resolved.yaml"))
    content = make_content(read_run_records(folder, options)).printed()
    document = docx.Document(str(folder / "report.docx"))
    assert len(document.tables) == len(content.tables())
    for set_table, table in zip(document.tables, content.tables(), strict=True):
        assert len(set_table.rows) == 1 + sum(bool(one.label) + len(one.rows) for one in table.groups)
        # A column of drawings alone is left out; every other stands with its head, and none is empty.
        cells = [[row[k] for group in table.groups for row in group.rows] for k in range(len(table.columns))]
        told = [
            " ".join(filter(None, (column.head, column.note)))
            for column, own in zip(table.columns, cells, strict=True)
            if any(cell.text or isinstance(cell.mark, Track) for cell in own)
        ]
        assert [cell.text for cell in set_table.rows[0].cells] == told
        assert "Chance by day" not in told
    shown = [shape._inline.docPr.get("descr") for shape in document.inline_shapes]
    assert shown == [chart.alt for chart in content.charts()]
    text = "\n".join(one.text for one in document.paragraphs)
    assert all(section.title in text for section in content.sections if section.title)


def charts_of(document):
    """Each chart of a document with its own part and the workbook that it is edited in, by name."""
    found = {}
    for shape in document.inline_shapes:
        (shown,) = shape._inline.graphic.graphicData
        part = document.part.related_parts[shown.get(R_ID)]
        root = etree.fromstring(part.blob)
        (data,) = root.findall(f"{{{root.nsmap['c']}}}externalData")
        book = part.related_parts[data.get(R_ID)]
        found[shape._inline.docPr.get("name")] = root, openpyxl.load_workbook(io.BytesIO(book.blob)).active
    return found


def test_charts_in_word_can_be_edited_and_hold_the_numbers_of_the_run(folder, forecast):
    charts = charts_of(docx.Document(str(folder / "report.docx")))
    analysis = json.loads((folder / "analysis.json").read_text())
    _, sheet = charts["course"]
    head, *rows = sheet.iter_rows(values_only=True)
    checked = 0
    for target in forecast["targets"]:
        curve = dict(zip(target["curve"]["date"], target["curve"]["probability"], strict=True))
        for row in rows:
            said = row[head.index(target["label"])]
            if said is not None:
                assert said == pytest.approx(curve[row[0].date().isoformat()], rel=DIGITS)
                checked += 1
    weeks = -(-len(curve) // 7)
    assert checked >= weeks * len(forecast["targets"])
    _, sheet = charts["months"]
    asked = forecast["headline"]["target"]
    months = next(one for one in analysis["monthly_risk"] if one["target"] == asked)["months"]
    hazards = [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert hazards == pytest.approx([one["hazard"] for one in months], rel=DIGITS)
    _, sheet = charts["assumptions"]
    bars = {bar["lower"]["change"] for bar in analysis["robustness"]["tornado"]}
    downs = [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert downs
    assert all(down is None or any(down == pytest.approx(one) for one in bars if one) for down in downs)


def test_what_a_chart_in_word_draws_is_what_its_workbook_holds(folder):
    charts = charts_of(docx.Document(str(folder / "report.docx")))
    assert {"course", "months", "assumptions", "track-record"} <= set(charts)
    for root, sheet in charts.values():
        space = {"c": root.nsmap["c"]}
        drawn = [
            float(one.text) for kind in ("val", "yVal") for one in root.findall(f".//c:{kind}//c:v", space)
        ]
        if root.find(".//c:scatterChart", space) is None:
            columns = [*sheet.iter_cols(min_col=2, min_row=2, values_only=True)]
            held = [value for column in columns for value in column if value is not None]
            assert drawn == pytest.approx(held, rel=1e-12)
        else:
            held = {value for (value,) in sheet.iter_rows(min_col=2, max_col=2, values_only=True)}
            assert all(
                any(one == pytest.approx(other) for other in held if isinstance(other, float | int))
                for one in drawn
            )
        assert drawn


def test_slides_have_native_charts_with_the_numbers_of_the_run(folder, forecast):
    deck = pptx.Presentation(str(folder / "brief.pptx"))
    charts = [shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart]
    asked = next(one for one in forecast["targets"] if one["name"] == forecast["headline"]["target"])
    probability, lower, _ = (series.values for series in charts[0].plots[0].series)
    assert probability[-1] == pytest.approx(asked["curve"]["probability"][-1], rel=1e-12)
    assert lower[7] == pytest.approx(asked["curve"]["lower90"][49], rel=1e-12)
    start, rise, fall = (series.values for series in charts[1].plots[0].series)
    for place, (before, after) in enumerate(
        zip(forecast["waterfall"], forecast["waterfall"][1:], strict=False)
    ):
        change = after["probability"] - before["probability"]
        assert rise[place + 1] - fall[place + 1] == pytest.approx(change, abs=1e-12)
        assert start[place + 1] == pytest.approx(min(before["probability"], after["probability"]))
    (table,) = (shape.table for slide in deck.slides for shape in slide.shapes if shape.has_table)
    assert len(table.rows) == 1 + len(forecast["targets"])
    for slide in deck.slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.left + shape.width <= deck.slide_width
            assert shape.top + shape.height <= deck.slide_height


def test_templates_lend_their_styles_and_not_their_text(folder, tmp_path):
    word, slides = tmp_path / "house.docx", tmp_path / "house.pptx"
    document = docx.Document()
    document.add_paragraph("Text of the house")
    document.styles["Heading 1"].font.name = "House Sans"
    document.save(str(word))
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "Slide of the house"
    deck.save(str(slides))
    write_office_files(folder, ("docx", "pptx"), (word, slides))
    made = docx.Document(str(folder / "report.docx"))
    assert made.styles["Heading 1"].font.name == "House Sans"
    assert all("Text of the house" not in one.text for one in made.paragraphs)
    shown = [slide.shapes.title.text for slide in pptx.Presentation(str(folder / "brief.pptx")).slides]
    assert shown
    assert "Slide of the house" not in shown


def bare_word(path):
    document = docx.Document()
    style = document.styles["List Bullet"].element
    style.getparent().remove(style)
    document.save(str(path))


def bare_slides(path):
    deck = pptx.Presentation()
    for layout in list(deck.slide_layouts)[1:]:
        deck.slide_layouts.remove(layout)
    for shape in list(deck.slide_layouts[0].placeholders):
        shape._element.getparent().remove(shape._element)
    deck.save(str(path))


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("bare.docx", bare_word, "lacks the style List Bullet"),
        ("bare.pptx", bare_slides, "has no layout with a title"),
        ("text.docx", lambda path: path.write_text("no zip"), "is no Word document"),
        ("text.pptx", lambda path: path.write_text("no zip"), "is no PowerPoint file"),
        ("gone.docx", lambda path: None, "no such file"),
        ("house.odt", lambda path: path.write_text(""), "expected one .docx with --docx"),
    ],
)
def test_templates_that_cannot_be_used_change_nothing(folder, tmp_path, name, make, said):
    path = tmp_path / name
    make(path)
    before = (folder / "report.docx").read_bytes(), (folder / "brief.pptx").read_bytes()
    with pytest.raises(InputError, match=said):
        write_office_files(folder, ("docx", "pptx"), (path,))
    assert ((folder / "report.docx").read_bytes(), (folder / "brief.pptx").read_bytes()) == before


def test_the_command_writes_what_is_asked_for(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["forecast", "report", str(folder), "--brief", "--xlsx", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    written = json.loads(capsys.readouterr().out)
    assert written["xlsx"] == str(folder / "numbers.xlsx")
    assert "docx" not in written
    manifest = json.loads((folder / "manifest.json").read_text())
    assert "numbers.xlsx" in manifest["outputs_sha256"]
    assert date.fromisoformat(manifest["made_on"])
    assert io.BytesIO((folder / "numbers.xlsx").read_bytes()).read(2) == b"PK"
