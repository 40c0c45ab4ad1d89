"""What a spreadsheet writes is read, what was guessed is said, what is ambiguous is asked for."""

import pytest

from forecast.errors import EventError
from forecast.events.reading import inspect_events, read_events

HEADER = "date,initiator,target,category,severity"
ROW = "2020-02-13,USA,CHN,visit,3"
STANDARD = f"{HEADER},summary\n{ROW},Talks in Zürich\n"


@pytest.fixture
def expected(event_file):
    """Hash of the same rows as the codebook writes them."""
    return read_events(event_file(STANDARD)).sha256


def test_a_file_by_the_codebook_gets_no_note(event_file, us_china):
    assert read_events(event_file(STANDARD)).notes == ()
    assert us_china.notes == ()


def test_the_csv_of_a_german_excel_is_the_same_rows(event_file, expected):
    text = (
        "Date;Initiator;Target;Category;Severity;Summary\r\n13.02.2020;USA;CHN;visit;3,0;Talks in Zürich\r\n"
    )
    table = read_events(event_file(text.encode("utf-8-sig")), dates="dmy")
    assert table.sha256 == expected
    assert table.notes == (
        "columns are separated by semicolons",
        "column names are read in the codebook's spelling: 'Date', 'Initiator', 'Target', 'Category', "
        "'Severity', 'Summary'",
        "days are read as dmy (day, month, year), as asked: '13.02.2020' is read as 2020-02-13",
        "severity: '3,0' is read as 3",
    )


@pytest.mark.parametrize(("sign", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_other_separators_are_recognised_by_the_header(event_file, expected, sign, word):
    table = read_events(event_file(STANDARD.replace(",", sign)))
    assert table.sha256 == expected
    assert table.notes == (f"columns are separated by {word}",)


def test_commas_inside_a_file_of_semicolons_are_text(event_file):
    text = STANDARD.replace(",", ";").replace("Talks in", "Talks, long, in")
    assert read_events(event_file(text)).summary.tolist() == ["Talks, long, in Zürich"]


def test_the_line_that_excel_puts_first_names_the_separator(event_file, expected):
    table = read_events(event_file("sep=;\n" + STANDARD.replace(",", ";")))
    assert table.sha256 == expected
    assert table.line.tolist() == [3]
    faults = inspect_events(event_file("sep=;\n" + STANDARD.replace(",", ";").replace(";3;", ";9;")))[1]
    assert [fault.line for fault in faults] == [3]


def test_letters_that_all_latin_code_pages_share_are_read(event_file, expected):
    table = read_events(event_file(STANDARD.encode("cp1252")))
    assert table.sha256 == expected
    (note,) = table.notes
    assert "read as Windows-1252" in note
    dashes = STANDARD.replace("Talks", "‘Talks’ – façade, 5 €…".replace(",", ""))
    assert read_events(event_file(dashes.encode("cp1252"))).summary[0] == "‘Talks’ – façade 5 €… in Zürich"


@pytest.mark.parametrize("page", ["cp1250", "cp1251", "cp1253", "cp1254", "mac_roman"])
def test_letters_that_code_pages_read_differently_are_asked_for(event_file, page):
    words = {
        "cp1250": "Łódź",
        "cp1251": "Москва",
        "cp1253": "Αθήνα",
        "cp1254": "Erdoğan",
        "mac_roman": "Zürich",
    }
    path = event_file(STANDARD.replace("Zürich", words[page]).encode(page))
    with pytest.raises(EventError, match=r"events\.csv:2: byte 0x.. is not UTF-8.* 'CSV UTF-8'"):
        read_events(path)


def test_an_empty_row_and_an_empty_column_are_skipped_and_counted(event_file, expected):
    text = f"{HEADER},summary,,\n,,,,,,,\n{ROW},Talks in Zürich,,\n,,,,,,,\n"
    table = read_events(event_file(text))
    assert table.sha256 == expected
    assert table.notes == ("2 empty columns without a name skipped", "2 empty rows skipped")


def test_a_whole_number_with_a_decimal_point_is_a_severity(event_file):
    rows = "".join(f"2020-01-0{n},USA,CHN,visit,{text}\n" for n, text in enumerate(["3.0", "4.00", "5"], 1))
    table = read_events(event_file(f"{HEADER}\n{rows}"))
    assert table.severity.tolist() == [3, 4, 5]
    assert table.notes == ("severity: '3.0' is read as 3 (2 such cells)",)


def test_words_of_the_codebook_may_have_capitals_and_blanks(event_file):
    text = f"{HEADER},verified,confidence\n2020-02-13,USA,CHN,Military Incident,3,TRUE,High\n{ROW},No,low\n"
    first, second = read_events(event_file(text)).rows()
    by_day = sorted((first, second), key=lambda event: event.category)
    assert [(one.category, one.verified, one.confidence) for one in by_day] == [
        ("military_incident", True, "high"),
        ("visit", False, "low"),
    ]
    assert read_events(event_file(text)).notes == (
        "category: 'Military Incident' is read as military_incident",
        "verified: 'TRUE' is read as yes (2 such cells)",
        "confidence: 'High' is read as high",
    )


def days(event_file, *texts: str):
    return event_file(f"{HEADER}\n" + "".join(f"{text},USA,CHN,visit,3\n" for text in texts))


@pytest.mark.parametrize(
    ("order", "texts"),
    [
        ("dmy", ["13/02/2020", "3/4/2020", "03.04.2020", "2020-04-03"]),
        ("mdy", ["02/13/2020", "4/3/2020", "04.03.2020", "2020-04-03"]),
        ("iso", ["2020/02/13", "2020/4/3", "2020-04-03 00:00:00", "2020-04-03"]),
        ("dmy", ["13/02/2020 00:00", "3-4-2020", "3/4/2020 00:00:00", "2020.04.03"]),
    ],
)
def test_days_are_read_in_the_order_that_is_stated(event_file, order, texts):
    table = read_events(days(event_file, *texts), dates=order)
    assert [str(day) for day in table.date] == ["2020-02-13", *["2020-04-03"] * 3]
    assert any("'" + texts[0] + "' is read as 2020-02-13" in note for note in table.notes)


def test_days_of_unstated_order_are_one_fault_that_says_what_fits(event_file, refused, snapshot):
    unstated = (
        ("2020-01-01", "3/4/2020", "5/6/2020", "5/6/2020"),
        ("3/4/2020", "13/02/2020"),
        ("02/13/2020",),
        ("13/02/2020", "02/13/2020"),
    )
    assert refused(lambda *texts: read_events(days(event_file, *texts)), *unstated) == snapshot


def test_other_faults_are_still_listed_beside_unstated_days(event_file):
    path = event_file(
        f"{HEADER},known_date\n3/4/2020,USA,CHN,visit,9,5/4/2020\n2020-02-30,USA,CHN,visit,3,\n"
    )
    assert [(fault.line, fault.column) for fault in inspect_events(path)[1]] == [
        (2, "date"),
        (2, "severity"),
        (3, "date"),
    ]


def test_a_day_that_does_not_fit_the_stated_order_is_named(event_file):
    path = days(event_file, "13/02/2020", "02/13/2020", "3/4/2020")
    with pytest.raises(EventError, match=r"events\.csv:3: date: '02/13/2020' is not a day when read as dmy"):
        read_events(path, dates="dmy")


def test_the_other_order_is_named_where_it_fits_all(event_file):
    path = days(event_file, "3/4/2020", "13/02/2020", "14/02/2020")
    message = (
        r"events\.csv:3: date: '13/02/2020' is not a day when read as mdy .*, nor is 1 other cell. As dmy all"
    )
    with pytest.raises(EventError, match=message) as caught:
        read_events(path, dates="mdy")
    assert "\n" not in str(caught.value)


def test_an_order_without_effect_is_said(event_file):
    table = read_events(event_file(STANDARD), dates="dmy")
    assert table.notes == ("dates: dmy has no effect, since no day is written so",)


def test_rows_remember_their_line_through_sorting_and_selecting(event_file):
    table = read_events(days(event_file, "2020-03-01", "2020-01-01", "2020-02-01"))
    assert table.line.tolist() == [3, 4, 2]
    assert table.select(table.date > table.date[0]).line.tolist() == [4, 2]
