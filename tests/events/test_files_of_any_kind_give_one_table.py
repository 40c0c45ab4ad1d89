"""The same rows by every kind of file give the same table; what is read otherwise than written is said."""

import csv
import io
import re
import sys
from datetime import date, datetime

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pytest
from openpyxl.worksheet.datavalidation import DataValidation

from forecast.errors import EventError, InputError
from forecast.events.cells import PARSERS, clean_text
from forecast.events.reading import inspect_events, read_events, write_events
from forecast.events.table import COLUMNS, EventTable

HEADER = "date,initiator,target,category,severity"
ROW = "2020-02-13,USA,CHN,visit,3"
TEXT = (
    f"{HEADER},cameo,verified,summary\n"
    "2020-02-13,IND,PAK,dispute,3,112,yes,Delhi accuses Islamabad\n"
    "2020-03-01,PAK,IND,visit,2,042,no,Talks in Zürich\n"
)
NAMES = ["Date", "Initiator", "Target", "Category", "Severity", "Cameo", "Verified", "Summary"]
CELLS = [
    [date(2020, 2, 13), "India", "PAK", "dispute", 3, "112", True, "Delhi accuses Islamabad"],
    [datetime(2020, 3, 1), "PAK", "India", "visit", 2.0, "042", False, "Talks in Zürich"],
]
GERMAN = (
    "Date;Initiator;Target;Category;Severity;Cameo;Verified;Summary\r\n"
    "13.02.2020;India;PAK;Dispute;3,0;112;TRUE;Delhi accuses Islamabad\r\n"
    "01.03.2020;PAK;IND;visit;2;042;No;Talks in Zürich\r\n"
)


def quoted_backwards() -> str:
    head, *rows = csv.reader(io.StringIO(TEXT))
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([head[::-1], *(row[::-1] for row in rows[::-1])])
    return buffer.getvalue()


FORMS = {
    "as the codebook says": TEXT,
    "all quoted, backwards": quoted_backwards(),
    "a column of one's own": TEXT.replace("\n", ",x_a\n"),
    "UTF-8 with its mark": TEXT.encode("utf-8-sig"),
    "UTF-16": TEXT.replace("\n", "\r\n").encode("utf-16"),
    "UTF-16, high byte first": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "old line ends": TEXT.replace("\n", "\r"),
    "no line end": TEXT.rstrip("\n"),
    "blank lines": TEXT.replace("\n", "\n\n"),
    "semicolons": TEXT.replace(",", ";"),
    "tabs": TEXT.replace(",", "\t"),
    "bars": TEXT.replace(",", "|"),
    "the separator named first": "sep=;\n" + TEXT.replace(",", ";"),
    "Windows-1252": TEXT.encode("cp1252"),
    "empty rows and columns": f"{TEXT.replace('\n', ',,\n').replace(',,', ',,\n,,,,,,,,,', 1)},,,,,,,,,\n",
}


def workbook(path, *sheets: list[list[object]]):
    """Write sheets, given as lists of rows, and return the path."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def typed_parquet(path):
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t (date DATE, known_date TIMESTAMP, initiator VARCHAR, target VARCHAR, "
            "category VARCHAR, severity BIGINT, cameo VARCHAR, verified BOOLEAN, summary VARCHAR, x_a DOUBLE)"
        )
        for day, *cells in CELLS:
            connection.execute(f"INSERT INTO t VALUES (?, NULL{', ?' * 7}, 1.5)", [day, *cells])
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def test_the_same_rows_by_every_kind_of_file_are_the_same_table(event_file, tmp_path, snapshot):
    tables = {name: read_events(event_file(content)) for name, content in FORMS.items()}
    tables["of a German Excel"] = read_events(event_file(GERMAN.encode("utf-8-sig")), dates="dmy")
    sheets = {
        "a workbook": [[NAMES, *CELLS]],
        "a workbook of several sheets": [[["How we coded"]], [], [NAMES, *CELLS]],
        "a workbook with titles": [[["Delhi and Islamabad, coded 2021"], [], ["Draft", 3], NAMES, *CELLS]],
    }
    for name, rows in sheets.items():
        tables[name] = read_events(workbook(tmp_path / "events.xlsx", *rows))
    tables["typed Parquet"] = read_events(typed_parquet(tmp_path / "events.parquet"))
    for make in (pd.DataFrame, pl.DataFrame):
        columns = dict(zip((name.lower() for name in NAMES), zip(*CELLS, strict=True), strict=True))
        days = [datetime(2020, 2, 13), datetime(2020, 3, 1)]
        columns |= {"date": days, "severity": [3.0, 2.0], "source_date": [None, None]}
        frame = make({name: list(cells) for name, cells in columns.items()})
        tables[f"a frame of {make.__module__.split('.')[0]}"] = EventTable.from_frame(frame, source="mine")
    assert {name: table.sha256 for name, table in tables.items()} == dict.fromkeys(
        tables, tables["as the codebook says"].sha256
    )
    assert {name: (table.line.tolist(), table.notes) for name, table in tables.items()} == snapshot


@pytest.mark.parametrize(
    "name", ["events.csv", "events.parquet", "severity=5/initiator=XXX/odd [1]*? name.parquet"]
)
def test_a_table_written_and_read_is_the_same(us_china, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".csv"):
        write_events(us_china, path)
    else:
        us_china.to_frame("polars").write_parquet(path)
    again = read_events(path, source=us_china.source)
    assert (again.sha256, again.has_verified, again.notes) == (us_china.sha256, True, ())


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_to_a_frame_and_back_gives_the_same_rows(us_china, backend):
    frame = us_china.to_frame(backend)
    assert list(frame.columns) == list(COLUMNS)
    assert EventTable.from_frame(frame).sha256 == us_china.sha256
    typed = frame["date"].dtype.kind == "M" if backend == "pandas" else frame.schema["date"] == pl.Date
    assert typed
    bare = us_china.select(us_china.date < us_china.date[1])
    bare = EventTable.from_events(bare.rows(), "made", has_verified=False)
    assert "verified" not in bare.to_frame(backend).columns


def test_another_library_is_refused_and_an_absent_one_is_told_how_to_install(us_china, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="backend: got 'excel'; expected one of pandas, polars, pyarrow"):
        us_china.to_frame("excel")
    for library in ("pyarrow", "openpyxl"):
        path = workbook(tmp_path / "events.xlsx", [NAMES, *CELLS])
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=r"not installed\. Install it: python -m pip install pyarrow"):
        us_china.to_frame("pyarrow")
    with pytest.raises(EventError, match=r'\S+ -m pip install "dyad-forecast\[excel\]" \(or') as caught:
        read_events(path)
    assert "\n" not in str(caught.value)


def test_what_openpyxl_leaves_out_is_no_warning(tmp_path):
    path = workbook(tmp_path / "events.xlsx", [NAMES, *CELLS])
    book = openpyxl.load_workbook(path)
    checked = DataValidation(type="list", formula1='"visit,dispute"')
    checked.add("D2")
    book.worksheets[0].add_data_validation(checked)
    book.save(path)
    assert len(read_events(path)) == 2


def test_five_columns_are_enough_and_rows_coded_alike_are_events_of_their_own(event_file):
    table = read_events(event_file(f"{HEADER}\n{ROW}\n"))
    (event,) = table.rows()
    assert (event.date, event.known_date, event.end_date) == (date(2020, 2, 13), date(2020, 2, 13), None)
    assert (event.summary, event.source_date, event.verified) == ("", None, False)
    assert not table.has_verified
    rows = [ROW, "2020-02-13,USA,CHN,visit,4", ROW, "2020-02-13,USA,CHN,dispute,3"]
    names = ["2020-02-13-dispute", *(f"2020-02-13-visit{number}" for number in ("", "-2", "-3"))]
    for order in (rows, rows[::-1]):
        table = read_events(event_file("\n".join([HEADER, *order])))
        assert table.id.tolist() == names
        assert table.severity.tolist() == [3, 3, 3, 4]
    taken = read_events(event_file(f"id,{HEADER}\n2020-02-13-visit,{ROW}\n,{ROW}\n"))
    assert taken.id.tolist() == ["2020-02-13-visit", "2020-02-13-visit-2"]
    assert read_events(event_file(table.canonical_csv())).sha256 == table.sha256
    assert PARSERS.keys() == set(COLUMNS)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\u202eb\u2066c\x1b[31m\x07 line\r\nnext\ttab\u200b", "abc[31m line next tab"),
        *(2 * ("नमस्\u200dते café 👩\u200d🚀 \u00a0x",),),
        ("\x00\u202e\ufeff", ""),
    ],
)
def test_text_loses_invisible_and_control_characters_alone(given, kept):
    assert clean_text(given) == kept


def test_letters_of_latin_code_pages_are_read_where_all_agree_and_else_asked_for(event_file):
    dashes = TEXT.replace("Talks", "‘Talks’ – façade 5 €…").encode("cp1252")
    assert read_events(event_file(dashes)).summary[1] == "‘Talks’ – façade 5 €… in Zürich"
    words = {"cp1250": "Łódź", "cp1251": "Москва", "cp1253": "Αθήνα", "cp1254": "Erdoğan"}
    words["mac_roman"] = "Zürich"
    for page, word in words.items():
        with pytest.raises(EventError, match=r"events\.csv:3: byte 0x.. is not UTF-8.* 'CSV UTF-8'"):
            read_events(event_file(TEXT.replace("Zürich", word).encode(page)))


def test_cells_are_read_as_meant_and_said(event_file):
    rows = [
        "2020-02-13,USA,CHN,Military Incident,3.0,TRUE,High",
        "2020-02-14,USA,CHN,visit,4.00,No,low",
        "2020-02-15,USA,CHN,channel closure,Notable,No,low",
        "2020-02-16,USA,CHN,visit,2 (notable),No,low",
    ]
    header = "day,Actor1,Actor2Code,category,severity,verified,confidence"
    table = read_events(event_file("\n".join([header, *rows])))
    assert [(row.category, row.severity, row.verified, row.confidence) for row in table.rows()] == [
        ("military_incident", 3, True, "high"),
        ("visit", 4, False, "low"),
        ("channel_closure", 2, False, "low"),
        ("visit", 2, False, "low"),
    ]
    assert set(table.initiator) | set(table.recipient) == {"USA", "CHN"}
    assert table.notes == (
        "column names are read in the codebook's spelling: 'day' as date, 'Actor1' as initiator, "
        "'Actor2Code' as target",
        "category: 'Military Incident' is read as military_incident and 'channel closure' as channel_closure "
        "(2 such cells)",
        "severity: '3.0' is read as 3, '4.00' as 4, 'Notable' as 2 and '2 (notable)' as 2 (4 such cells)",
        "verified: 'TRUE' is read as yes and 'No' as no (4 such cells)",
        "confidence: 'High' is read as high",
    )
    text = TEXT.replace(",", ";").replace("Talks in", "Talks, long, in")
    assert read_events(event_file(text)).summary[1] == "Talks, long, in Zürich"


def days(event_file, *texts: str):
    return event_file(f"{HEADER}\n" + "".join(f"{text},USA,CHN,visit,3\n" for text in texts))


@pytest.mark.parametrize(
    ("order", "texts"),
    [
        ("dmy", ["13/02/2020", "3/4/2020", "03.04.2020", "2020-04-03"]),
        ("mdy", ["02/13/2020", "4/3/2020", "04.03.2020", "2020-04-03"]),
        ("iso", ["2020/02/13", "2020/4/3", "2020-04-03 00:00:00", "2020-04-03"]),
        ("dmy", ["13/02/2020 00:00", "3-4-2020", "3/4/2020 00:00:00", "2020.04.03"]),
        ("iso", ["Feb 13 2020", "3 April 2020", "Apr. 3rd 2020", "3-Apr-2020"]),
        ("iso", ["43874", "43924", "43924.25", "2020-04-03"]),
    ],
)
def test_days_are_read_in_the_order_that_is_stated(event_file, order, texts):
    table = read_events(days(event_file, *texts), dates=order)
    assert [str(day) for day in table.date] == ["2020-02-13", *["2020-04-03"] * 3]
    assert any("'" + texts[0] + "' is read as 2020-02-13" in note for note in table.notes)
    assert any("Excel's serial number" in note for note in table.notes) == (texts[0] == "43874")
    table = read_events(event_file(TEXT), dates="dmy")
    assert table.notes == ("dates: dmy has no effect, since no day is written so",)


def test_days_of_another_or_no_stated_order_are_one_fault_that_says_what_fits(event_file, refused, snapshot):
    cases = (
        ("iso", "2020-01-01", "3/4/2020", "5/6/2020", "5/6/2020"),
        ("iso", "3/4/2020", "13/02/2020"),
        ("iso", "02/13/2020"),
        ("iso", "13/02/2020", "02/13/2020"),
        ("dmy", "13/02/2020", "02/13/2020", "3/4/2020"),
        ("mdy", "3/4/2020", "13/02/2020", "14/02/2020"),
    )

    def read(order, *texts):
        read_events(days(event_file, *texts), **({} if order == "iso" else {"dates": order}))

    assert refused(read, *cases) == snapshot
    many = ["13/02/2020"] * 90 + ["3/4/2020"] * 4 + ["31/02/2020"]
    for order, remedy in (("iso", "`dates` dmy"), ("mdy", "`dates` dmy"), ("dmy", r"96: date: '31/02/2020'")):
        with pytest.raises(EventError, match=r"94 of 95 (fit day/month/year; line 96|cells are)") as caught:
            read(order, *many)
        assert re.search(remedy, str(caught.value))
    path = event_file(
        f"{HEADER},known_date\n3/4/2020,USA,CHN,visit,9,5/4/2020\n2020-02-30,USA,CHN,visit,3,\n"
    )
    faults = [(fault.line, fault.column) for fault in inspect_events(path)[1]]
    assert faults == [(2, "date"), (2, "severity"), (3, "date")], "others are listed beside them"


def test_rows_remember_their_line_through_sorting_and_selecting(event_file):
    table = read_events(days(event_file, "2020-03-01", "2020-01-01", "2020-02-01"))
    assert table.line.tolist() == [3, 4, 2]
    assert table.select(table.date > table.date[0]).line.tolist() == [4, 2]
