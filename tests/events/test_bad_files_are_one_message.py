"""Whatever is wrong with a file of events is named by file, line and column, with what is allowed."""

import os
import re
import zipfile

import openpyxl
import pandas as pd
import polars as pl
import pytest

from forecast.errors import EventError
from forecast.events.reading import inspect_events, read_events, write_events
from forecast.events.rows import read_sheet
from forecast.events.table import REQUIRED, EventTable

HEADER = "date,initiator,target,category,severity"
ROW = "2023-02-04,USA,CHN,visit,2"
BAD_ROWS = (
    *("2099-02-04,USA,CHN,visit,2", "2023-02-30,USA,CHN,visit,2", "4 Fev 2023,USA,CHN,visit,2"),
    *("04/02/23,USA,CHN,visit,2", "20230204,USA,CHN,visit,2", "2023-W05-6,USA,CHN,visit,2"),
    *(",USA,CHN,visit,2", "0203-02-04,USA,CHN,visit,2", "２０２３-02-04,USA,CHN,visit,2"),
    *("2023-02-04,us,CHN,visit,2", "2023-02-04,USA,chn,visit,2", f"2023-02-04,USA,{'x' * 101},visit,2"),
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
    *("date,initiator,target,category", f"{HEADER},notes", f"{HEADER},summry", f"{HEADER},date"),
    *(f"{HEADER},Date", f"{HEADER},", "2023-02-04,USA,CHN,visit,2"),
)
BAD_FILES = {
    "an id twice": f"id,{HEADER}\na,{ROW}\nb,{ROW}\na,{ROW}\n",
    "verified in one row alone": f"{HEADER},verified\n{ROW},yes\n{ROW},\n",
    "breaks in quoted text": f'{HEADER},summary\r\n{ROW},"two\r\nlines"\r\n\r\n'
    '2023-02-30,us,CHN,vizit,7,"three\r\n\r\nlines"\r\n2023-02-31,USA,CHN,visit,2,ok\r\n',
    "a mark not closed": f'{HEADER},summary\n{ROW},"opened\n{ROW},fine\n2023-02-30,USA,CHN,visit,2,bad\n',
    "marks that do not pair": f'{HEADER},summary\n{ROW},"a "word" here"\n{ROW},"fine"\n'
    "2023-02-30,USA,CHN,visit,2,x\n",
    "many faults": f"{HEADER}\n" + "2023-02-04,USA,CHN,visit,9\n" * 31,
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
        faults = inspect_events(path)[1]
        assert len(messages[name[:60]]) == min(len(faults), 21)
    assert {name: lines if len(lines) < 21 else lines[-1] for name, lines in messages.items()} == snapshot


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
        book = openpyxl.Workbook()
        book.remove(book.active)
        for rows in sheets:
            sheet = book.create_sheet()
            for row in rows:
                sheet.append(row)
        book.save(path)
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
        (pd.DataFrame({name: [*cells, *cells] * 25 for name, cells in WRONG.items()}), "and 80 more faults$"),
        ([1, 2], "frame: got list; expected a data frame of pandas, polars, pyarrow"),
        (pl.LazyFrame(GOOD), "frame: got LazyFrame; expected a data frame"),
        (pd.DataFrame(GOOD).drop(columns="severity"), "severity: the required column is missing"),
        (pd.DataFrame(GOOD | {"colour": ["a", "b"]}), "unknown column 'colour'"),
        (pd.DataFrame({name: [] for name in REQUIRED}), "no events"),
        (pd.DataFrame(), "frame: no header"),
        (pd.DataFrame([[1, 2]], columns=["date", "date"]), "frame: the data frame cannot be read"),
    ],
)
def test_a_frame_that_is_no_table_of_events_is_refused_in_one_message(frame, says):
    with pytest.raises(EventError, match=says):
        EventTable.from_frame(frame)


def test_a_file_of_too_many_columns_is_refused(event_file):
    with pytest.raises(EventError, match=r"40,005 columns\. Allowed: at most 1,000"):
        read_events(event_file(HEADER + ",x" * 40_000 + "\n"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_with_broken_quotes_ends_the_reading_with_its_line(event_file, end):
    lines = [f"{HEADER},summary", f'{ROW},"one{end}two"', "", f'{ROW},"thr"ee', f"{ROW},four"]
    sheet = read_sheet(event_file(end.join(lines)))
    assert [row.line for row in sheet.rows] == [1, 2]
    assert [fault.line for fault in sheet.faults] == [5]
    faults = inspect_events(event_file(f"{HEADER},summary\n{ROW},{'x' * 50_000_000}\n"))[1]
    assert [(fault.line, fault.column) for fault in faults] == [(2, "")]


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
