"""Blocks fit 80 columns; foreign words come without control characters; styles where wanted."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.blocks import (
    Alert,
    Bar,
    Beside,
    BottomLine,
    Bullets,
    Cell,
    Column,
    Entry,
    Group,
    Heading,
    Pairs,
    Prose,
    Table,
    Verbatim,
    cells,
    plain_table,
    right,
)
from forecast.cli.terminal import WIDTH, lines_of, show

HOSTILE = "\x1b[31mred\x07 [bold]x[/bold] :smile: \u202eevil\r\nnext"


@given(st.text(max_size=300), st.integers(0, 4))
def test_a_text_of_words_that_fit_has_lines_that_fit_and_keeps_every_word(words, depth):
    short = " ".join(word[:20] for word in words.split())
    block = Bullets((short,)) if depth % 2 else Prose(short)
    for _ in range(depth):
        block = Entry("Head", (block,))
    lines = lines_of([block])
    assert all(len(line) <= WIDTH for line in lines)
    said = re.sub(r"\s", "", "".join(lines)).removeprefix("Head" * depth).removeprefix("-" * (depth % 2))
    assert said == re.sub(r"\s", "", "".join(lines_of([Prose(short)])))


@given(st.lists(st.tuples(st.text(max_size=120), st.text(max_size=12), st.text(max_size=40)), max_size=4))
def test_a_table_of_any_words_fits(rows):
    table = plain_table(
        ("Name of what is shown", right("A long head of a number"), "In words"), rows, "Title"
    )
    assert all(len(line) <= WIDTH for line in lines_of([table]))


def test_a_path_that_is_longer_than_a_line_stays_whole():
    path = "/some" * 40
    for block in (Prose(f"Written {path}"), Verbatim((path,)), Pairs((("Written", path),))):
        assert path in "\n".join(lines_of([block])).replace("Written  ", "")


def test_foreign_words_are_printed_as_they_are_but_for_control_characters(capsys):
    show([Prose(HOSTILE), plain_table(("Name", right("Number")), [(HOSTILE, "1")]), Verbatim((HOSTILE,))])
    out = capsys.readouterr().out
    assert "[bold]x[/bold] :smile: evil next" in out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)


def test_heads_break_before_words_get_narrow_and_groups_stand_in_line(snapshot):
    bar = Cell(mark=Bar(value=0.1, colour="#000000"))
    row = cells("13 Aug 2024", bar, "50%", "46–99.5%", "roughly even chance, as far as it goes")
    last = cells("9 Aug", bar, "9%", Cell("–", note="0"), "")
    numbers = right("Chance"), right("Plausible range")
    columns = (right("Before"), Column("0 to 100%"), *numbers, Column("In words"))
    wide = (*(right("Share of past windows"),) * 2, Column("Why"))
    groups = (
        Group(label="Crisis", note="seen twice", detail="sanction or " * 9, rows=(row,), marked=(0,)),
        Group(label="War", detail="dispute", rows=(row, last)),
    )
    shown = (
        Alert(text="Careful", items=("one", "two")),
        BottomLine(percent="9%", interval="plausible 2 to 31%", sentence="Unlikely.", details=("One", "Two")),
        Prose("Lead"),
        Table(columns=columns, groups=groups),
        Table(title="Wide", columns=wide, groups=(Group(rows=(cells("1%", "2%", "word " * 20),)),)),
        Heading("Files"),
        Pairs((("Brief", "brief.pdf"), ("Report", "report.pdf"))),
        Beside(left=(Prose("left"),), right=(Bullets(("right",)),), right_width=80.0),
    )
    assert "\n".join(lines_of(shown)) == snapshot


@pytest.mark.parametrize(("variable", "coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_colours_are_for_terminals_that_want_them(monkeypatch, capsys, variable, coloured):
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(variable, "1")
    show([Prose("careful", tone="warning")])
    assert ("\x1b[33m" in capsys.readouterr().out) == coloured
