"""Charts for slides and tables for spreadsheets hold what the report holds."""

import pytest

from forecast.blocks import Bar, Cell, Column, Group, Table
from forecast.errors import InputError
from forecast.report.build import export_figures, export_tables, make_content, table_csv
from tests.report.conftest import make_records


@pytest.fixture(scope="module")
def content(forecast):
    return make_content(make_records(forecast))


def test_every_chart_is_written_as_svg_and_png_with_the_same_bytes_each_time(content, tmp_path):
    small = content.__class__(
        meta=content.meta,
        colours=content.colours,
        stamp=None,
        sections=tuple(one for one in content.sections if one.name == "tension"),
    )
    first = export_figures(small, tmp_path / "a")
    second = export_figures(small, tmp_path / "b")
    assert [path.name for path in first] == ["tension.png", "tension.svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in first[1].read_bytes()


def test_what_a_spreadsheet_would_run_is_written_as_text():
    table = Table(
        name="t",
        title="t",
        columns=(Column(head="What"), Column(head="Share"), Column(head="Number")),
        groups=(
            Group(
                label="=1+1",
                rows=(
                    (
                        Cell(text="=HYPERLINK(1)", note="second"),
                        Cell(mark=Bar(value=0.5, colour="#000000")),
                        Cell(text="−0.5", value=-0.5),
                    ),
                ),
            ),
        ),
    )
    assert table_csv(table) == "Group,What,Number\r\n'=1+1,'=HYPERLINK(1) · second,-0.5\r\n"


def test_a_folder_that_cannot_be_made_is_named(content, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(InputError, match=r"file: cannot be written"):
        export_tables(content, tmp_path / "file")
