"""Events in an .xlsx workbook: the same table as CSV, the same checks, rows named as the spreadsheet does."""

import sys
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from openpyxl.worksheet.datavalidation import DataValidation

from forecast.errors import EventError
from forecast.events.reading import inspect_events, read_events

HEADER = ["Date", "Initiator", "Target", "Category", "Severity", "Cameo", "Verified", "Summary"]
ROWS = [
    [date(2020, 2, 13), "India", "PAK", "dispute", 3, "112", True, "Delhi accuses Islamabad"],
    [datetime(2020, 3, 1), "PAK", "India", "visit", 2.0, "042", False, "Talks in Zürich"],
]
CSV = (
    "date,initiator,target,category,severity,cameo,verified,summary\n"
    "2020-02-13,IND,PAK,dispute,3,112,yes,Delhi accuses Islamabad\n"
    "2020-03-01,PAK,IND,visit,2,042,no,Talks in Zürich\n"
)


@pytest.fixture
def workbook(tmp_path):
    """Write sheets, given as lists of rows by title, and return the path."""

    def write(**sheets: list[list[object]]):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "events.xlsx")
        return tmp_path / "events.xlsx"

    return write


def test_a_workbook_is_the_same_rows_as_the_csv(workbook, event_file):
    table = read_events(workbook(Events=[HEADER, *ROWS]))
    assert table.sha256 == read_events(event_file(CSV)).sha256
    assert table.line.tolist() == [2, 3]
    assert table.notes == (
        "column names are read in the codebook's spelling: 'Date', 'Initiator', 'Target', 'Category', "
        "'Severity', 'Cameo', 'Verified', 'Summary'",
        "names of countries are read as codes: 'India' as IND",
    )


def test_a_fault_names_the_row_of_the_spreadsheet(workbook):
    wrong = [date(2020, 4, 1), "IND", "PAK", "visit", 2.5, None, True, "x"]
    path = workbook(Events=[[], HEADER, ROWS[0], [], [None], wrong])
    with pytest.raises(EventError, match=r"events\.xlsx:6: severity: '2.5' is not on the scale"):
        read_events(path)
    assert [fault.line for fault in inspect_events(path)[1]] == [6]


def test_the_sheet_with_events_is_chosen_and_said(workbook):
    table = read_events(workbook(Readme=[["How we coded"]], Empty=[], Events=[HEADER, *ROWS]))
    assert len(table) == 2
    assert table.notes[0] == "events are read from the sheet 'Events', one of 2"


def test_two_sheets_with_events_are_asked_about(workbook):
    with pytest.raises(EventError, match=r"several sheets hold events: 'A', 'B'. Keep one of them"):
        read_events(workbook(A=[HEADER, *ROWS], B=[HEADER, *ROWS]))


def test_what_openpyxl_leaves_out_is_no_warning(workbook):
    path = workbook(Events=[HEADER, *ROWS])
    book = openpyxl.load_workbook(path)
    checked = DataValidation(type="list", formula1='"visit,dispute"')
    checked.add("D2")
    book["Events"].add_data_validation(checked)
    book.save(path)
    assert len(read_events(path)) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("[Content_Types].xml", r"events\.xlsx: a ZIP file. Unpack it first"),
        ("content.xml", "a spreadsheet of another kind than .xlsx. Save it as .xlsx or CSV"),
        ("xl/workbook.bin", "a spreadsheet of another kind than .xlsx"),
        ("xl/workbook.xml", "the spreadsheet cannot be read: .* Save the sheet as CSV"),
    ],
)
def test_an_archive_that_is_no_workbook_is_one_clear_error(tmp_path, name, message):
    with zipfile.ZipFile(tmp_path / "events.xlsx", "w") as archive:
        archive.writestr(name, "nothing")
    with pytest.raises(EventError, match=message) as caught:
        read_events(tmp_path / "events.xlsx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [200, 3000, 4500])
def test_a_workbook_cut_short_is_one_clear_error(workbook, kept):
    path = workbook(Events=[HEADER, *ROWS])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(EventError, match=r"a damaged spreadsheet or ZIP file\. Save the sheet as CSV"):
        read_events(path)


def test_an_empty_workbook_says_so(workbook):
    with pytest.raises(EventError, match=r"the spreadsheet is empty\. Expected: a header and events"):
        read_events(workbook(Events=[]))
    with pytest.raises(EventError, match="no events: the file has a header and nothing below it"):
        read_events(workbook(Events=[HEADER]))


def test_without_openpyxl_the_command_that_installs_it_is_named(workbook, monkeypatch):
    path = workbook(Events=[HEADER, *ROWS])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(EventError, match=r'\S+ -m pip install "dyad-forecast\[excel\]" \(or') as caught:
        read_events(path)
    assert "\n" not in str(caught.value)


def test_title_rows_above_the_header_are_skipped_and_said(workbook, event_file):
    table = read_events(
        workbook(Events=[["Delhi and Islamabad, coded 2021"], [], ["Draft", 3], HEADER, *ROWS])
    )
    assert table.sha256 == read_events(event_file(CSV)).sha256
    assert table.line.tolist() == [5, 6]
    assert table.notes[0] == "2 title rows above the header (row 4) skipped"
