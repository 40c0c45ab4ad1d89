import csv
import io
import os
from datetime import date

import pytest

from forecast.errors import EventError
from forecast.events.cells import PARSERS, clean_text
from forecast.events.reading import inspect_events, read_events, write_events
from forecast.events.rows import MAX_LINE_CHARS, MAX_USELESS_ROWS, decode, read_sheet
from forecast.events.table import COLUMNS

HEADER = "date,initiator,target,category,severity"
ROW = "2023-02-04,USA,CHN,visit,2"


def faults_of(path):
    return [(fault.line, fault.column) for fault in inspect_events(path)[1]]


def test_five_columns_are_enough(event_file):
    table = read_events(event_file(f"{HEADER}\n{ROW}\n"))
    (event,) = table.rows()
    assert (event.date, event.known_date, event.end_date) == (date(2023, 2, 4), date(2023, 2, 4), None)
    assert (event.summary, event.source_date, event.verified) == ("", None, False)
    assert not table.has_verified
    assert event.id.startswith("row-")


def test_columns_may_stand_in_any_order_and_own_columns_are_ignored(event_file):
    mixed = "x_note,severity,category,target,initiator,date\nmine,2,visit,CHN,USA,2023-02-04\n"
    assert read_events(event_file(mixed)).sha256 == read_events(event_file(f"{HEADER}\n{ROW}\n")).sha256


def test_encoding_mark_and_line_ends_do_not_change_the_rows(event_file, us_china):
    text = us_china.canonical_csv().replace("Kerry", "Kérry 中", 1)
    expected = read_events(event_file(text)).sha256
    assert expected != us_china.sha256
    crlf = text.replace("\n", "\r\n")
    for raw in (
        text.encode("utf-8-sig"),
        crlf.encode("utf-8-sig"),
        text.encode("utf-16"),
        crlf.encode("utf-16"),
        b"\xfe\xff" + text.encode("utf-16-be"),
        text.replace("\n", "\r").encode(),
        text.rstrip("\n").encode(),
        text.replace("\n", "\n\n").encode(),
    ):
        assert read_events(event_file(raw)).sha256 == expected


def test_rows_in_another_order_or_all_quoted_are_the_same_rows(event_file, us_china):
    rows = list(csv.reader(io.StringIO(us_china.canonical_csv())))
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([rows[0], *reversed(rows[1:])])
    assert read_events(event_file(buffer.getvalue())).sha256 == us_china.sha256


def test_an_id_by_default_depends_on_the_row_alone(event_file):
    other = "2023-02-05,CHN,USA,dispute,3"
    forth = read_events(event_file(f"{HEADER}\n{ROW}\n{other}\n"))
    back = read_events(event_file(f"{HEADER}\n{other}\n{ROW}\n"))
    assert forth.id.tolist() == back.id.tolist()
    assert forth.sha256 == back.sha256


def test_two_rows_coded_alike_are_two_events(event_file):
    table = read_events(event_file(f"{HEADER}\n{ROW}\n{ROW}\n{ROW}\n"))
    assert len(set(table.id.tolist())) == 3
    again = event_file(table.canonical_csv())
    assert read_events(again).sha256 == table.sha256


def test_invisible_and_control_characters_are_dropped_from_text(event_file):
    raw = f'{HEADER},summary\n{ROW},"a\u202eb\u2066c\x1b[31m\x07 line\r\nnext\ttab\u200b"\n'
    assert read_events(event_file(raw)).summary.tolist() == ["abc[31m line next tab"]


def test_joiners_accents_and_emoji_stay_in_text():
    text = "नमस्\u200dते café 👩\u200d🚀 \u00a0x"
    assert clean_text(text) == text
    assert clean_text("\x00\u202e\ufeff") == ""


def test_twenty_thousand_rows_are_read_and_written(event_file, tmp_path):
    lines = [
        f"e{n},20{n % 20:02d}-{n % 12 + 1:02d}-{n % 28 + 1:02d},USA,CHN,sanction,{n % 5 + 1},text {n}"
        for n in range(20_000)
    ]
    table = read_events(event_file(f"id,{HEADER},summary\n" + "\n".join(lines)))
    assert len(table) == 20_000
    write_events(table, tmp_path / "again.csv")
    assert read_events(tmp_path / "again.csv").sha256 == table.sha256


BAD_CELLS = [
    ("2099-02-04,USA,CHN,visit,2", "date: 2099-02-04 lies in the future. Allowed: 20"),
    ("2023-02-30,USA,CHN,visit,2", "date: 2023-02-30 is not in the calendar"),
    ("4 Feb 2023,USA,CHN,visit,2", "date: '4 Feb 2023' is not a day. Allowed: YYYY-MM-DD"),
    ("04/02/23,USA,CHN,visit,2", "date: '04/02/23' is not a day. .* Write the year with four digits"),
    ("20230204,USA,CHN,visit,2", "date: .* Did you mean '2023-02-04'"),
    ("2023-W05-6,USA,CHN,visit,2", "date: '2023-W05-6' is not a day"),
    (",USA,CHN,visit,2", "date: empty. Allowed: a day as YYYY-MM-DD"),
    ("0203-02-04,USA,CHN,visit,2", "date: year 203 is out of range. Allowed: 1800 to 2100"),
    ("２０２３-02-04,USA,CHN,visit,2", "date: .* is not a day"),
    ("2023-02-04,us,CHN,visit,2", "initiator: 'us' is not an actor code. Did you mean 'USA'"),
    (
        "2023-02-04,USA,chn,visit,2",
        "target: 'chn' is not an actor code. Did you mean 'CHN'",
    ),
    (f"2023-02-04,USA,{'x' * 101},visit,2", "target: 101 characters. Allowed: an actor of at most 100"),
    ("2023-02-04,USA,,visit,2", "target: empty. Allowed: a country code"),
    ("2023-02-04,USA,USA,visit,2", "target: initiator and target are both 'USA'"),
    ("2023-02-04,USA,CHN,vizit,2", "category: unknown category 'vizit'. Did you mean 'visit'"),
    ("2023-02-04,USA,CHN,,2", "category: empty. Allowed: visit, channel_opening"),
    ("2023-02-04,USA,CHN,visit,7", "severity: '7' is not on the scale. Allowed: a whole number from 1"),
    ("2023-02-04,USA,CHN,visit,0", "severity: '0' is not on the scale"),
    ("2023-02-04,USA,CHN,visit,2.5", "severity: '2.5' is not on the scale. Allowed: a whole number"),
    ("2023-02-04,USA,CHN,visit,6.0", "severity: '6.0' is not on the scale"),
    ("2023-02-04,USA,CHN,visit,3.", "severity: '3.' is not on the scale"),
    ("2023-02-04,USA,CHN,visit,²", "severity: '²' is not on the scale"),
    ("2023-02-04,USA,CHN,visit,", "severity: empty. Allowed: a whole number"),
    ("2023-02-04,USA,CHN,visit", "4 cells, but the header has 5 columns. Add a comma"),
    ("2023-02-04,USA,CHN,visit,2,talks, long", "7 cells, but the header has 5 columns. Put text"),
]


@pytest.mark.parametrize(("row", "message"), BAD_CELLS)
def test_a_bad_row_is_named_by_file_line_and_column(event_file, row: str, message: str):
    path = event_file(f"{HEADER}\n{ROW}\n{row}\n")
    with pytest.raises(EventError, match=rf"events\.csv:3: {message}"):
        read_events(path)
    assert [fault.line for fault in inspect_events(path)[1]] == [3]


BAD_OPTIONAL = [
    (
        "known_date",
        "2023-02-03",
        "known_date: 2023-02-03 is before date 2023-02-04: an act is not public before",
    ),
    ("known_date", "soon", "known_date: 'soon' is not a day"),
    ("end_date", "2023-02-03", "end_date: 2023-02-03 is before date 2023-02-04"),
    ("source_date", "2023-13-01", "source_date: 2023-13-01 is not in the calendar"),
    ("cameo", "42", "cameo: unknown CAMEO code '42'. Its leading zero seems lost"),
    ("cameo", "²", "cameo: unknown CAMEO code"),
    ("verified", "maybe", "verified: 'maybe' is not an answer. Allowed: yes, no"),
    ("confidence", "sure", "confidence: 'sure' is not a confidence. Allowed: high, medium, low"),
    ("source_url", "javascript:alert(1)", "source_url: .* is not a web address. Allowed: http"),
    ("summary", "x" * 10_001, "summary: 10,001 characters. Allowed: at most 10,000"),
]


@pytest.mark.parametrize(("column", "text", "message"), BAD_OPTIONAL)
def test_a_bad_optional_cell_is_named(event_file, column: str, text: str, message: str):
    with pytest.raises(EventError, match=rf"events\.csv:2: {message}"):
        read_events(event_file(f"{HEADER},{column}\n{ROW},{text}\n"))


def test_every_column_has_a_reader():
    assert PARSERS.keys() == set(COLUMNS)


def test_an_id_used_twice_names_the_line_of_its_first_use(event_file):
    path = event_file(f"id,{HEADER}\na,{ROW}\nb,{ROW}\na,{ROW}\n")
    with pytest.raises(EventError, match=r"events\.csv:4: id: 'a' is already used in line 2. Ids are unique"):
        read_events(path)


def test_verified_is_answered_in_every_row_or_in_none(event_file):
    with pytest.raises(EventError, match=r"events\.csv:3: verified: empty, while other rows answer"):
        read_events(event_file(f"{HEADER},verified\n{ROW},yes\n{ROW},\n"))
    assert not read_events(event_file(f"{HEADER},verified\n{ROW},\n{ROW},\n")).has_verified


BAD_HEADERS = [
    ("date,initator,target,category,severity", ["unknown column 'initator'. Did you mean 'initiator'?"]),
    (f"{HEADER},Date", ["date: the column appears 2 times. Keep one"]),
    ("date;initator;target;category;severity", ["unknown column 'initator'. Did you mean 'initiator'?"]),
    ("date,initiator,target,category", ["severity: the required column is missing"]),
    (f"{HEADER},notes", ["unknown column 'notes'. Allowed: id, date, .* rename it 'x_notes'"]),
    (f"{HEADER},summry", ["unknown column 'summry'. Did you mean 'summary'?"]),
    (f"{HEADER},date", ["date: the column appears 2 times. Keep one"]),
    (f"{HEADER},", ["column 6 has no name. Name it, or delete it"]),
    ("2023-02-04,USA,CHN,visit,2", ["no header: the first line is '2023-02-04, USA"]),
]


@pytest.mark.parametrize(("header", "messages"), BAD_HEADERS)
def test_a_bad_header_is_one_fault_for_each_slip(event_file, header: str, messages: list[str]):
    cells = ROW.split(",")
    row = ",".join((cells * 2)[: header.count(",") + 1]) if "," in header else ROW
    path = event_file(f"{header}\n{row}\n")
    found = [fault for fault in inspect_events(path)[1] if fault.line == 1]
    assert len(found) == len(messages)
    for message in messages:
        with pytest.raises(EventError, match=rf"events\.csv:1: {message}"):
            read_events(path)


def test_all_faults_are_listed_with_true_lines_despite_breaks_in_quoted_text(event_file):
    path = event_file(
        f"{HEADER},summary\r\n"
        f'{ROW},"two\r\nlines"\r\n'
        "\r\n"
        '2023-02-30,us,CHN,vizit,7,"three\r\n\r\nlines"\r\n'
        "2023-02-31,USA,CHN,visit,2,ok\r\n"
    )
    assert faults_of(path) == [(5, "date"), (5, "initiator"), (5, "category"), (5, "severity"), (8, "date")]


def test_a_lone_quotation_mark_does_not_hide_the_rest_of_the_file(event_file):
    path = event_file(f'{HEADER},summary\n{ROW},"opened\n{ROW},fine\n2023-02-30,USA,CHN,visit,2,bad\n')
    assert faults_of(path) == [(2, ""), (4, "date")]
    with pytest.raises(EventError, match=r"events\.csv:2: a quotation mark is opened here and never closed"):
        read_events(path)


def test_quotation_marks_that_do_not_pair_up_are_a_fault_of_their_row(event_file):
    path = event_file(
        f'{HEADER},summary\n{ROW},"a "word" here"\n{ROW},"fine"\n2023-02-30,USA,CHN,visit,2,x\n'
    )
    assert faults_of(path) == [(2, ""), (4, "date")]
    with pytest.raises(EventError, match=r"events\.csv:2: quotation marks do not pair up in this row"):
        read_events(path)


def test_reading_stops_when_every_row_has_broken_quotes(event_file):
    path = event_file(f"{HEADER},summary\n" + f'{ROW},"a "b" c"\n' * 1_100)
    assert [fault.message for fault in inspect_events(path)[1] if fault.line is None] == [
        "reading stopped after 1,000 rows with broken quotes"
    ]


@pytest.mark.parametrize(
    "useless",
    ["a", f"{ROW},more", "yesterday,USA,CHN,visit,2"],
    ids=["too few cells", "too many cells", "no day"],
)
def test_reading_stops_after_ten_thousand_rows_that_cannot_be_events(event_file, useless):
    path = event_file(f"{HEADER}\n{ROW}\n" + f"{useless}\n" * 50_000)
    sheet = read_sheet(path)
    assert len(sheet.rows) == MAX_USELESS_ROWS + 3
    assert [fault.message.split(":")[0] for fault in sheet.faults] == [
        f"reading stopped after {MAX_USELESS_ROWS + 1:,} rows that cannot be events"
    ]
    assert read_sheet(event_file(f"{HEADER}\n{ROW}\n" + ",,,,\n" * 12_000)).faults == []


def test_a_lone_quotation_mark_costs_its_row_alone_in_a_file_of_any_line_ends(event_file):
    for end in ("\n", "\r\n", "\r"):
        text = end.join(
            [f"{HEADER},summary", f"{ROW},one", f'{ROW},"two', "", f'{ROW},"thr"ee', f"{ROW},four"]
        )
        sheet = read_sheet(event_file(text))
        assert [row.line for row in sheet.rows] == [1, 2, 6]
        assert [fault.line for fault in sheet.faults] == [3, 5]


def test_the_first_twenty_faults_are_shown_and_the_rest_counted(event_file):
    path = event_file(f"{HEADER}\n" + "2023-02-04,USA,CHN,visit,9\n" * 31)
    with pytest.raises(
        EventError, match=r"and 11 more faults. All of them: forecast events validate"
    ) as caught:
        read_events(path)
    assert len(str(caught.value).splitlines()) == 21
    assert len(inspect_events(path)[1]) == 31


def test_a_line_of_fifty_megabytes_is_a_fault_of_that_line(event_file):
    path = event_file(
        f"{HEADER},summary\n{ROW},{'x' * 50_000_000}\n{ROW},fine\n2023-02-30,USA,CHN,visit,2,x\n"
    )
    assert faults_of(path) == [(2, ""), (4, "date")]
    with pytest.raises(
        EventError, match=rf"events\.csv:2: the line has 50,000,027 .* at most {MAX_LINE_CHARS:,}"
    ):
        read_events(path)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "events.csv: the file is empty"),
        (b"\xef\xbb\xbf\n \n", "the file is empty"),
        (f"{HEADER}\n".encode(), "events.csv: no events: the file has a header and nothing below it"),
        (bytes(range(256)) * 4, "a binary file, not CSV text"),
        (
            f"{HEADER}\n{ROW}\x00\n".encode(),
            "events.csv:2: a NUL byte: a binary file, or UTF-16 without its mark",
        ),
        (HEADER.encode("utf-16-le"), "a NUL byte: a binary file, or UTF-16 without its mark"),
        (b"\xff\xfea", "not readable as UTF-16 at byte"),
        (
            f"{HEADER},summary\n{ROW},x\n{ROW},Vučić".encode("cp1250"),
            "events.csv:3: byte 0xE8 is not UTF-8. Save the file as UTF-8",
        ),
        (f"{HEADER},summary\n{ROW},Москва".encode("cp1251"), "events.csv:2: byte 0xCC is not UTF-8"),
        (f"{HEADER},summary\n{ROW},München\x81".encode("latin-1"), "events.csv:2: byte 0xFC is not UTF-8"),
        (b"PK\x03\x04 rest", "a damaged spreadsheet or ZIP file. Save the sheet as CSV"),
        (b"\x1f\x8b\x08 rest", "a gzip file. Unpack it first"),
    ],
)
def test_a_file_that_is_no_csv_text_is_one_clear_fault(event_file, raw: bytes, message: str):
    path = event_file(raw)
    with pytest.raises(EventError, match=message) as caught:
        read_events(path)
    assert "\n" not in str(caught.value)
    assert len(inspect_events(path)[1]) == 1


def test_a_path_without_a_readable_file_says_why(tmp_path):
    (tmp_path / "events.csv").write_text("x")
    with pytest.raises(EventError, match=r"event.csv: no such file. Did you mean 'events.csv'\?"):
        read_events(tmp_path / "event.csv")
    with pytest.raises(EventError, match=r"no such file. There is no folder"):
        read_events(tmp_path / "nowhere" / "events.csv")
    with pytest.raises(EventError, match=r"this is a folder. Give the CSV file inside it"):
        read_events(tmp_path)
    with pytest.raises(EventError, match=r"not a usable path|no such file"):
        read_events(str(tmp_path / "a\0b"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EventError, match="not a regular file"):
        read_events(tmp_path / "pipe")


def test_a_table_that_cannot_be_written_says_why(tmp_path, us_china):
    with pytest.raises(EventError, match=r"cannot be written \(Is a directory\)"):
        write_events(us_china, tmp_path)
    with pytest.raises(EventError, match=r"cannot be written \(No such file"):
        write_events(us_china, tmp_path / "nowhere" / "events.csv")


def test_the_mark_of_utf8_is_not_part_of_the_first_column():
    assert decode(b"\xef\xbb\xbfdate") == "date"
