"""A sheet is read whole or refused with its line and column, what came and what was expected."""

import pytest

from forecast.errors import InputError
from forecast.storage import check_rows, read_chance, read_rows

HELP = "Give one row a thing"


def read(path, text, optional=("note",)):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rows(path, ("name", "chance"), optional, help=HELP)


def test_rows_know_their_lines_whatever_the_order_of_columns(tmp_path):
    rows = read(tmp_path / "a.csv", '\ufeffchance, name\n0.4, anna \n\n,\n"50\n%",bo\n')
    assert [(row.line, row["name"], row["chance"], row["note"]) for row in rows] == [
        (2, "anna", "0.4", ""),
        (6, "bo", "50\n%", ""),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,chance_\n", ":1: unknown column 'chance_'. Did you mean 'chance'? Expected: name,chance"),
        ("name\n", ":1: the column 'chance' is missing. Expected: name,chance, and if you like note. Give"),
        ("name,chance,name\n", ":1: the column 'name' appears twice. Keep one"),
        ("name,chance\na\n", ":2: does not have the 2 cells of the header"),
        ("name,chance\n", f": holds no row. {HELP}"),
        (b"name,chance\n\xff,1\n", ": is not UTF-8 text"),
        ("name,chance\n" + "x" * 200_000, ": is damaged, or not what it should be"),
    ],
)
def test_what_is_no_sheet_is_refused_with_its_line(tmp_path, text, said):
    path = tmp_path / "a.csv"
    with pytest.raises(InputError) as refusal:
        read(path, text)
    assert str(refusal.value).startswith(f"{path}{said}")


def test_a_sheet_that_is_not_there_is_one_error(tmp_path):
    with pytest.raises(InputError, match=r"a\.csv: cannot be read \(No such file"):
        read_rows(tmp_path / "a.csv", ("name",), help=HELP)


def test_all_faults_are_told_at_once_by_line_and_column(tmp_path):
    path = tmp_path / "a.csv"
    rows = read(path, "name,chance\n" + "a,0.4\n" + "b,2\n" * 25)
    with pytest.raises(InputError) as refusal:
        check_rows(rows, lambda row: read_chance(row["chance"], "--my-chance"))
    first, *_, last = str(refusal.value).splitlines()
    assert first == (
        f"{path}:3: my_chance: got '2'; expected a probability such as 40% or 0.4. Write 2 percent as 2%"
    )
    assert last == "… and 5 more"
    assert str(rows[0].fault("name", "a day")) == f"{path}:2: name: got 'a'; expected a day"


def test_what_may_be_certain_is_read_and_what_may_not_is_refused():
    assert [read_chance(text, "p", certain=True) for text in ("0", "100%", "1", "63%")] == [0, 1, 1, 0.63]
    for text in ("0", "100%", "1"):
        with pytest.raises(InputError, match="Nothing is certain"):
            read_chance(text, "p")
