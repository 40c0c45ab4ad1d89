"""The same rows by every kind of file give one table; what is wrong is named by file, line and column."""

import codecs
import csv
import dataclasses
import io
import os
import re
import sys
import tracemalloc
import zipfile
from datetime import date, datetime

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from forecast.errors import EventError, InputError, clean_text
from forecast.events.cells import PARSERS, FaultyEventsError
from forecast.events.reading import load_events, read_events, read_sheet, write_events
from forecast.events.table import COLUMNS, FIELDS, REQUIRED, EventTable
from tests.conftest import an_act


def faults_of(path):
    with pytest.raises(FaultyEventsError) as caught:
        read_events(path)
    return caught.value.faults


HEADER = "date,initiator,target,category,severity"
VISIT = "2020-02-13,USA,CHN,visit,3"
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


def test_five_columns_are_enough_and_rows_coded_alike_are_events_of_their_own(event_file):
    table = read_events(event_file(f"{HEADER}\n{VISIT}\n"))
    (event,) = table.rows()
    assert (event.date, event.known_date, event.end_date) == (date(2020, 2, 13), date(2020, 2, 13), None)
    assert (event.summary, event.source_date, event.verified) == ("", None, False)
    assert not table.has_verified
    rows = [VISIT, "2020-02-13,USA,CHN,visit,4", VISIT, "2020-02-13,USA,CHN,dispute,3"]
    names = ["2020-02-13-dispute", *(f"2020-02-13-visit{number}" for number in ("", "-2", "-3"))]
    for order in (rows, rows[::-1]):
        table = read_events(event_file("\n".join([HEADER, *order])))
        assert table.id.tolist() == names
        assert table.severity.tolist() == [3, 3, 3, 4]
    taken = read_events(event_file(f"id,{HEADER}\n2020-02-13-visit,{VISIT}\n,{VISIT}\n"))
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
    with pytest.raises(EventError, match=r"events\.csv:3: byte 0xA3 is not UTF-8"):
        read_events(event_file(codecs.BOM_UTF8 + TEXT.replace("Zürich", "Łódź").encode("cp1250")))


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
    table = read_events(days(event_file, "3/4/2020", "13/02/2020", "14/02/2020", "15/02/2020"))
    assert str(table.date[-1]) == "2020-04-03"
    assert any("dmy (day/month/year), as only that fits all" in note for note in table.notes)
    assert table.dates == "dmy"
    for source in (event_file(TEXT), "bundled:us-china"):
        table = load_events(source, dates="dmy")
        assert table.notes == ("dates: dmy has no effect, since no day is written so",)

    with pytest.raises(InputError, match="`dates`: got 'us'; expected one of iso, dmy, mdy"):
        load_events(event_file(TEXT), dates="us")


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
        with pytest.raises(EventError, match="94 of 95 are days, not line 96") as caught:
            read(order, *many)
        assert re.search(remedy, str(caught.value))
    path = event_file(
        f"{HEADER},known_date\n3/4/2020,USA,CHN,visit,9,5/4/2020\n2020-02-30,USA,CHN,visit,3,\n"
    )
    faults = [(fault.line, fault.column) for fault in faults_of(path)]
    assert faults == [(2, "date"), (2, "severity"), (3, "date")], "others are listed beside them"


ROW = "2023-02-04,USA,CHN,visit,2"
BAD_ROWS = (
    *("2099-02-04,USA,CHN,visit,2", "2023-02-30,USA,CHN,visit,2", "4 Fev 2023,USA,CHN,visit,2"),
    *("04/02/23,USA,CHN,visit,2", "20230204,USA,CHN,visit,2", "2023-W05-6,USA,CHN,visit,2"),
    *(",USA,CHN,visit,2", "0203-02-04,USA,CHN,visit,2", "２０２３-02-04,USA,CHN,visit,2"),
    *("2023-02-04,usa,US,visit,2", f"2023-02-04,USA,{'x' * 101},visit,2"),
    *("2023-02-04,USA,,visit,2", "2023-02-04,USA,USA,visit,2", "2023-02-04,India,IND,visit,2"),
    *("2023-02-04,Korea,USA,visit,2", "2023-02-04,congo,USA,visit,2"),
    *("2023-02-04,USA,CHN,vizit,2", "2023-02-04,USA,CHN,,2"),
    *(
        "2023-02-04,USA,CHN,Military clash,2",
        "2023-02-04,USA,CHN,election,2",
        "2023-02-04,USA,CHN,visit,3 notable",
    ),
    *(f"2023-02-04,USA,CHN,visit{cell}" for cell in (",7", ",0", ",2.5", ",6.0", ",3.", ",²", ",", "")),
    "2023-02-04,USA,CHN,visit,2,talks, long",
)
BAD_CELLS = (
    *(("known_date", "2023-02-03"), ("known_date", "soon"), ("end_date", "2023-02-03")),
    *(("source_date", "2023-13-01"), ("cameo", "42"), ("cameo", "²"), ("verified", "maybe")),
    *(("confidence", "sure"), ("source_url", "javascript:alert(1)"), ("summary", "x" * 10_001)),
)
BAD_HEADERS = (
    *("date,initator,target,category,severity", "date;initator;target;category;severity"),
    *("date,initiator,target,category", f"{HEADER},date"),
    *(f"{HEADER},Date", "2023-02-04,USA,CHN,visit,2"),
)
BAD_FILES = {
    "an id twice": f"id,{HEADER}\na,{ROW}\nb,{ROW}\na,{ROW}\n",
    "verified in one row alone": f"{HEADER},verified\n{ROW},yes\n{ROW},\n",
    "breaks in quoted text": f'{HEADER},summary\r\n{ROW},"two\r\nlines"\r\n\r\n'
    '2023-02-30,us,CHN,vizit,7,"three\r\n\r\nlines"\r\n2023-02-31,USA,CHN,visit,2,ok\r\n',
    "a cell of a whole book": f"{HEADER},summary\n{ROW},{'x' * 200_000}\n",
    "a mark not closed": f'{HEADER},summary\n{ROW},"opened\n{ROW},fine\n2023-02-30,USA,CHN,visit,2,bad\n',
    "marks that do not pair": f'{HEADER},summary\n{ROW},"a "word" here"\n{ROW},"fine"\n'
    "2023-02-30,USA,CHN,visit,2,x\n",
    "many faults": f"{HEADER}\n" + "2023-02-04,USA,CHN,visit,9\n" * 61,
    "behind the separator's line": f"sep=;\n{HEADER}\n{ROW[:-1]}9".replace(",", ";"),
    "empty": "",
    "blank": b"\xef\xbb\xbf\n \n",
    "no events": f"{HEADER}\n",
    "binary": bytes(range(256)) * 4,
    "a NUL byte": f"{HEADER}\n{ROW}\x00\n",
    "UTF-16 without its mark": HEADER.encode("utf-16-le"),
    "half of a letter": b"\xff\xfea",
    "Serbian": f"{HEADER},summary\n{ROW},x\n{ROW},Vučić".encode("cp1250"),
    "Russian": f"{HEADER},summary\n{ROW},Москва".encode("cp1251"),
    "no Latin": f"{HEADER},summary\n{ROW},München\x81".encode("latin-1"),
    "a damaged ZIP": b"PK\x03\x04 rest",
    "gzip": b"\x1f\x8b\x08 rest",
}


def test_every_fault_of_a_file_is_named_with_its_place_and_what_is_allowed(event_file, snapshot):
    files = {row: f"{HEADER}\n{ROW}\n{row}\n" for row in BAD_ROWS}
    files |= {f"{column}: {cell}": f"{HEADER},{column}\n{ROW},{cell}\n" for column, cell in BAD_CELLS}
    for header in BAD_HEADERS:
        cells = (ROW.split(",") * 2)[: header.count(",") + 1] if "," in header else [ROW]
        files[header] = f"{header}\n{','.join(cells)}\n"
    messages = {}
    for name, content in (files | BAD_FILES).items():
        path = event_file(content)
        with pytest.raises(EventError) as caught:
            read_events(path)
        text = str(caught.value).replace(str(path), "events.csv").replace(f"{path.parent}/", "")
        messages[name[:60]] = re.sub(r"[-\d]+ or earlier", "TODAY or earlier", text).splitlines()
        assert len(messages[name[:60]]) == min(len(faults_of(path)), 51)
    assert {name: lines if len(lines) < 51 else lines[-1] for name, lines in messages.items()} == snapshot


def test_columns_that_nobody_asked_for_are_ignored_with_a_note(event_file):
    path = event_file(f"{HEADER},colour,summry,x_own,\n{ROW},a,b,c,d\n")
    said = "columns 'colour', 'summry' (did you mean 'summary'?) and 9, which has no name"
    assert read_events(path).notes == (f"{said}: not in the codebook, so ignored",)


DAMAGED = {
    "[Content_Types].xml": r"events\.xlsx: a ZIP file. Unpack it first",
    "content.xml": "a spreadsheet of another kind than .xlsx. Save it as .xlsx or CSV",
    "xl/workbook.bin": "a spreadsheet of another kind than .xlsx",
    "xl/workbook.xml": "the spreadsheet cannot be read: .* Save the sheet as CSV",
}
HEAD = HEADER.split(",")
ACT = ["2020-04-01", "IND", "PAK", "visit", 2]
SHEETS = {
    r"events\.xlsx:6: severity: '2.5' is not on the scale": [[[], HEAD, ACT, [], [None], [*ACT[:4], 2.5]]],
    "several sheets hold events: 'Sheet', 'Sheet1'. Keep one of them": [[HEAD, ACT], [HEAD, ACT]],
    r"the spreadsheet is empty\. Expected: a header and events": [[]],
    "no events: the file has a header and nothing below it": [[HEAD]],
}


def test_a_workbook_that_unpacks_to_hundreds_of_times_its_size_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "acts.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", "<row/>" * 2_000_000)
    with pytest.raises(EventError, match=r"unpacks to 12,000,011 bytes\. Save it as CSV"):
        read_events(path)


def test_a_workbook_or_parquet_file_that_is_none_is_one_message(tmp_path, us_china):
    path = tmp_path / "events.xlsx"

    def refusal(message, path=path):
        with pytest.raises(EventError, match=message) as caught:
            read_events(path)
        assert "\n" not in str(caught.value)

    for name, message in DAMAGED.items():
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, "nothing")
        refusal(message)
    for message, sheets in SHEETS.items():
        workbook(path, *sheets)
        refusal(message)
    content = path.read_bytes()
    for kept in (200, 3000, 4500):
        path.write_bytes(content[:kept])
        refusal(r"a damaged spreadsheet or ZIP file\. Save the sheet as CSV")
    path = tmp_path / "events.parquet"
    pl.DataFrame([ACT, [*ACT[:4], 6]], schema=HEAD, orient="row").write_parquet(path)
    refusal(r"events.parquet:2: severity: '6' is not on the scale", path)
    us_china.to_frame("polars").write_parquet(path)
    path.write_bytes(path.read_bytes()[:5000])
    refusal("the Parquet file cannot be read", path)


GOOD = {"date": ["2023-02-04"] * 2, "initiator": ["USA", "CHN"], "target": ["CHN", "USA"]}
GOOD |= {"category": ["visit", "dispute"], "severity": [4, 2]}
WRONG = GOOD | {"severity": [4, 9], "category": ["visits", "sanction"]}
TWO_FAULTS = r"^frame:1: category: unknown category 'visits'.*\nframe:2: severity: [^\n]*$"


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pd.DataFrame(WRONG), TWO_FAULTS),
        (pl.DataFrame(WRONG), TWO_FAULTS),
        (pd.DataFrame({name: [*cells, *cells] * 25 for name, cells in WRONG.items()}), "and 50 more faults$"),
        ([1, 2], "frame: got list; expected a data frame of pandas, polars, pyarrow"),
        (pl.LazyFrame(GOOD), "frame: got LazyFrame; expected a data frame"),
        (pd.DataFrame(GOOD).drop(columns="severity"), "severity: the required column is missing"),
        (pd.DataFrame({name: [] for name in REQUIRED}), "no events"),
        (pd.DataFrame(), "frame: no header"),
        (pd.DataFrame([[1, 2]], columns=["date", "date"]), "frame: the data frame cannot be read"),
    ],
)
def test_a_frame_that_is_no_table_of_events_is_refused_in_one_message(frame, says):
    with pytest.raises(EventError, match=says):
        EventTable.from_frame(frame)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_with_broken_quotes_ends_the_reading_with_its_line(event_file, end):
    lines = [f"{HEADER},summary", f'{ROW},"one{end}two"', "", f'{ROW},"thr"ee', f"{ROW},four"]
    sheet = read_sheet(event_file(end.join(lines)))
    assert [row.line for row in sheet.rows] == [1, 2]
    assert [fault.line for fault in sheet.faults] == [5]
    faults = faults_of(event_file(f"{HEADER},summary\n{ROW},{'x' * 50_000_000}\n"))
    assert [(fault.line, fault.column) for fault in faults] == [(2, "")]


def test_a_large_file_is_not_kept_as_rows(event_file):
    rows = (
        f"{2000 + row // 1000}-01-{1 + row % 28:02},USA,CHN,visit,{1 + row % 5},note,Report {row} of talks"
        for row in range(20_000)
    )
    path = event_file("\n".join([f"{HEADER},note,summary", *rows]))
    read_events(path)
    tracemalloc.start()
    table = read_events(path)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken / len(table) < 800  # bytes; with rows of cells it would be more than 1,000


def test_a_path_without_a_readable_file_says_why(tmp_path, us_china):
    (tmp_path / "events.csv").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        ("event.csv", r"event.csv: no such file. Did you mean 'events.csv'\?"),
        ("nowhere/events.csv", r"no such file. There is no folder"),
        (".", r"this is a folder. Give the CSV file inside it"),
        ("a\0b", r"not a usable path|no such file"),
        ("pipe", "not a regular file"),
    ):
        with pytest.raises(EventError, match=message):
            read_events(f"{tmp_path}/{path}" if "\0" in path else tmp_path / path)
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "nowhere/events.csv", "No such file")):
        with pytest.raises(EventError, match=rf"cannot be written \({reason}"):
            write_events(us_china, path)


FAST = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DAYS = st.lists(st.dates(date(1800, 1, 1), date(2026, 1, 1)), min_size=3, max_size=3)


def test_poisoned_rows_known_later_leave_no_trace(us_china):
    as_of = date(2022, 6, 30)
    poisoned = [
        row
        if row.known_date <= as_of
        else dataclasses.replace(row, severity=5, category="military_incident", summary="POISON")
        for row in us_china.rows()
    ]
    poisoned.append(an_act("x", "2022-06-30", known_date=date(2022, 7, 1), summary="POISON"))
    table = EventTable.from_events(poisoned, us_china.source)
    assert table.sha256 != us_china.sha256
    assert table.known_by(as_of).sha256 == us_china.known_by(as_of).sha256
    assert "POISON" not in table.known_by(as_of).canonical_csv()


def test_the_hash_sees_every_column(us_china):
    first = next(us_china.rows())
    changes: dict[str, object] = dict.fromkeys(FIELDS, "other")
    changes |= dict.fromkeys(("end_date", "known_date", "source_date"), date(2017, 2, 1))
    changes |= {"date": date(2016, 1, 1), "category": "dispute", "severity": 5, "verified": False}
    hashes = {
        EventTable.from_events([dataclasses.replace(first, **{name: value})], "made").sha256
        for name, value in changes.items()
    }
    assert len(hashes) == len(FIELDS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"category": "sanctions"}, "made: event 'e': unknown category 'sanctions'. Did you mean 'sanction'"),
        ({"severity": 0}, "severity 0 is not on the scale"),
        ({"known_date": date(2019, 1, 1)}, "known_date 2019-01-01 is before date 2020-01-01"),
        ({"end_date": date(2019, 1, 1)}, "end_date 2019-01-01 is before date 2020-01-01"),
        ({}, "event 'e': the id appears twice"),
    ],
)
def test_an_event_off_the_codebook_makes_no_table(changes: dict[str, object], message: str):
    with pytest.raises(EventError, match=message):
        EventTable.from_events([an_act("e", "2020-01-01", **changes)] * 2, "made")


@FAST
@given(summary=st.text(), title=st.text(), days=DAYS)
@example(summary="=1+1", title="'=1+1", days=[date(2020, 1, 1)] * 3)
@example(summary="-1", title="''@x", days=[date(2020, 1, 1)] * 3)
def test_any_text_and_any_day_survive_the_round_trip(tmp_path, summary, title, days):
    first, known, last = sorted(days)
    texts = {"summary": summary, "source_title": title}
    row = an_act("e", str(first), known_date=known, end_date=last, **texts)
    table = EventTable.from_events([row], "made", has_verified=False)
    write_events(table, tmp_path / "events.csv")
    again = read_events(tmp_path / "events.csv")
    assert (list(again.rows()), again.sha256) == (list(table.rows()), table.sha256)
    assert again.summary[0] == clean_text(summary) == clean_text(clean_text(summary))
