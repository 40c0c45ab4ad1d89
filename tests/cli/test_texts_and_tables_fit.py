"""Texts and tables fit 80 columns; foreign words come without control characters; styles where wanted."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.cli.terminal import BLANK, WIDTH, Table, left, lines_of, right, show, text

HOSTILE = "\x1b[31mred\x07 [bold]x[/bold] :smile: \u202eevil\r\nnext"
COLUMNS = (left("Name", 12), right("Number", 6), left("In words"))


@given(st.text(max_size=300), st.integers(0, 12), st.integers(0, 12))
def test_a_text_of_words_that_fit_has_lines_that_fit_and_keeps_every_word(words, indent, hang):
    short = " ".join(word[:20] for word in words.split())
    lines = lines_of([text(short, indent=indent, hang=hang)])
    assert all(len(line) <= WIDTH for line in lines)
    printable = [re.sub(r"\s", "", line) for line in lines]
    assert "".join(printable) == re.sub(r"\s", "", "".join(lines_of([text(short)])))


def test_a_path_that_is_longer_than_a_line_stays_whole():
    path = "/some" * 40
    assert path in lines_of([text(f"Written {path}")])


def test_foreign_words_are_printed_as_they_are_but_for_control_characters(capsys):
    show([text(HOSTILE), Table(COLUMNS, [(HOSTILE, "1", HOSTILE)]), BLANK])
    out = capsys.readouterr().out
    assert "[bold]x[/bold] :smile: evil next" in out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)


def test_a_column_of_a_given_width_is_cut_and_the_last_one_wrapped():
    (head, first, second) = lines_of([Table(COLUMNS, [("a long name indeed", "1", "word " * 15)])])
    assert head == "  Name          Number  In words"
    assert re.fullmatch(r"  a long name…       1  (word ?)+", first)
    assert re.fullmatch(r" {24}(word ?)+", second)
    assert max(map(len, (head, first, second))) <= WIDTH


def test_tables_of_the_same_columns_stand_in_line():
    (head,) = lines_of([Table(COLUMNS, ())])
    (row,) = lines_of([Table(COLUMNS, [("a", "1", "b")], heads=False)])
    assert head.index("In words") == row.index("b")
    assert head.index("Number") + len("Number") == row.index("1") + 1


@pytest.mark.parametrize(("variable", "coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_colours_are_for_terminals_that_want_them(monkeypatch, capsys, variable, coloured):
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(variable, "1")
    show([text("careful", "yellow")])
    assert ("\x1b[33m" in capsys.readouterr().out) == coloured
