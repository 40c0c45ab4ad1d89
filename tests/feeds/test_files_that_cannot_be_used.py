"""Bad files and bad rows: named, set aside and counted; nothing is dropped in silence or half-written."""

import gzip
import random
import zipfile
from pathlib import Path

import pytest

from forecast.errors import EventError
from forecast.events.reading import write_events
from forecast.feeds.importing import LAYOUTS, UnusableFileError, read_blocks, shape_of


def packed(path: Path, name: str, content: bytes) -> Path:
    target = path.with_name(name)
    if name.endswith(".gz"):
        target.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.name, content)
    return target


@pytest.fixture
def good(gdelt_file):
    return gdelt_file({}, {}, name="good.csv")


def test_packed_files_are_read_as_plain_ones(imported, good):
    files = [good, *(packed(good, f"rows.csv.{kind}", good.read_bytes()) for kind in ("gz", "zip"))]
    assert len({imported([file], "gdelt2").events.sha256 for file in files}) == 1


def cut(path: Path) -> Path:
    """Cut a packed file in its middle."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def flipped(path: Path) -> Path:
    """Change one bit of the packed content: only the checksum can tell."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def written(good: Path, content: bytes) -> Path:
    path = good.with_name("bad.csv")
    path.write_bytes(content)
    return path


def empty_archive(good: Path) -> Path:
    path = good.with_name("bad.zip")
    with zipfile.ZipFile(path, "w"):
        pass
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda good: cut(packed(good, "bad.gz", good.read_bytes() * 500)), "cut short"),
        (lambda good: flipped(packed(good, "bad.zip", good.read_bytes() * 500)), "damaged"),
        (lambda good: written(good, b""), "empty"),
        (lambda good: written(good, b"%PDF-1.7"), "a PDF"),
        (lambda good: written(good, good.read_bytes().decode().encode("utf-16")), "UTF-16"),
        (lambda good: packed(good, "bad.gz", packed(good, "in.gz", b"1").read_bytes()), "inside a packed"),
        (empty_archive, "holds no file"),
        (lambda good: written(good, b"a,b,c\n1,2,3\n"), "not gdelt2 rows"),
        (lambda good: written(good, b"PAR1 and no more"), "a Parquet file"),
        (lambda good: written(good, b"x" * 9_000_000), "a line of more than"),
    ],
)
def test_a_corrupt_file_is_named_set_aside_and_counted(imported, good, make, reason):
    bad = make(good)
    got = imported([good, bad], "gdelt2")
    assert list(got.report.set_aside) == [str(bad)]
    assert reason in got.report.set_aside[str(bad)]
    assert got.report.files == 1
    assert got.report.rows == 2, "no row of the corrupt file counts, not even those before the damage"


def test_files_that_hold_nothing_are_refused(imported, good):
    for bad in (written(good, b"\xef\xbb\xbf"), packed(good, "bad.gz", b"")):
        with pytest.raises(EventError, match="no row of events"):
            imported([bad], "gdelt2")


GDELT1, GDELT2 = "gdelt1-20160728.export.CSV", "gdelt2-20201113.export.CSV"
ICEWS, CODED = "icews-made-up.tab", "coded.csv"
REFUSED = (
    *((GDELT2, "gdelt1"), (GDELT1, "gdelt2"), (GDELT2, "icews"), (ICEWS, "gdelt2"), (ICEWS, "acled")),
    *((ICEWS, "polecat"), (CODED, "icews")),
    *((GDELT2, "gdelt2", dyad) for dyad in ("USA,CHX", "AFG,FJI")),
    *((GDELT2, "gdelt2", dyad, {"min_sources": 9999}) for dyad in ("ZAF,AFR", "GBR,SWE")),
    *((ICEWS, "icews", "USA,CHN", {name: 2}) for name in ("root_only", "min_sources")),
    (ICEWS, "icews", "USA,CHN", {"known_date": "act"}),
    (GDELT2, "gdelt2", "USA,CHN", {"known_date": "acts"}),
    *((GDELT2, "gdelt2", "USA,CHN", {name: -1}) for name in ("min_sources", "repeat_days")),
    (GDELT2, "gdelt2", "USA,CHN", {"output": "events.xlsx"}),
    (GDELT2, "gdelt2", "USA,CHN", {"output": "nowhere/events.csv"}),
    ("none.csv", "gdelt2"),
    ("folder", "gdelt2"),
    ("other.parquet", "gdelt2"),
)


def test_what_cannot_be_imported_is_refused_with_the_reason_and_what_to_do(
    imported, samples, tmp_path, us_china, refused, snapshot
):
    us_china.to_frame("polars").write_parquet(tmp_path / "other.parquet")
    write_events(us_china, tmp_path / "coded.csv")
    (tmp_path / "folder").mkdir()

    def read(name, layout, dyad="USA,CHN", switches=None):
        path = samples / name if (samples / name).is_file() else tmp_path / name
        imported([path], layout, dyad, **switches or {})

    answers = refused(read, *REFUSED)
    assert {case: text.replace(f"{samples}/", "") for case, text in answers.items()} == snapshot
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "other.parquet", "coded.csv"}


@pytest.mark.parametrize(
    ("layout", "lines", "reason"),
    [
        (
            "polecat",
            ["Event ID,Event Date,Event Type,Actor Country,Recipient Country", *["a"] * 30],
            "30 of the first 30 rows",
        ),
        ("icews", ["\t".join(f"c{place}" for place in range(400_000))], "400,000 columns"),
        ("acled", [",".join(f"c{place}" for place in range(400_000))], "400,000 columns"),
        ("ucdp", ["id,side_a"], "the header has no column 'type_of_violence', 'side_b'"),
    ],
)
def test_a_file_of_another_form_is_refused_by_its_first_lines(layout, lines, reason):
    with pytest.raises(UnusableFileError, match=f"not {layout} rows .*{reason}"):
        shape_of(LAYOUTS[layout], lines)


@pytest.mark.parametrize(
    ("row", "fate", "shown"),
    [
        ({"SQLDATE": "20200230"}, "day", "day 20200230"),
        ({"SQLDATE": ""}, "day", "code 173, day "),
        ({"SQLDATE": "15200101"}, "day", "day 15200101"),
        ({"DATEADDED": "2020"}, "added", "published 2020"),
        (
            {"SQLDATE": "20200110", "DATEADDED": "20200101000000"},
            "future",
            "day 20200110, published 20200101",
        ),
        ({"EventCode": "999", "EventRootCode": "99"}, "code", "code 999"),
    ],
)
def test_impossible_rows_are_counted_by_reason_and_shown(imported, gdelt_file, row, fate, shown):
    path = gdelt_file({}, *[row] * 5)
    got = imported([path], "gdelt2")
    assert got.report.fates == {fate: 5}
    assert len(got.report.examples[fate]) == 3
    assert all(shown in example for example in got.report.examples[fate])
    assert got.report.examples[fate][0].startswith("row 2:")


def test_rows_of_a_wrong_width_are_counted_with_their_line_and_empty_cells_do_no_harm(imported, gdelt_file):
    path = gdelt_file({}, {}, {}, {})
    lines = path.read_text().splitlines()
    lines[1] = lines[1].rsplit("\t", 3)[0]
    lines[3] += "\t \t"
    lines.insert(2, "\t".join(["x"] * 70))
    lines[0:0] = ["", "  "]
    path.write_text("\n".join(lines) + "\n")
    got = imported([path], "gdelt2")
    assert got.report.fates == {"width": 2}
    assert got.report.examples["width"] == [
        f"{path}:5: 70 columns, not 61",
        f"{path}: row 2: fewer than 61 columns",
    ]
    assert got.report.lines == got.report.rows == 5
    assert sorted(got.events.id) == ["gdelt2-1", "gdelt2-3", "gdelt2-4"]


def test_rows_of_a_large_file_add_up_wherever_its_faults_lie(imported, gdelt_row, tmp_path):
    """More than one buffer of the reader, with faults of every kind at odd places."""
    path, rows, wrong = tmp_path / "large.csv", 120_000, 0
    line = gdelt_row(0, ActionGeo_FullName="Beijing " * 30).partition("\t")[2]
    with path.open("w") as stream:
        for number in range(rows):
            text = f"{number}\t{line}"
            if number % 997 == 0:
                wrong += 1
                text = [text[:-90] + "\n", text.replace("\n", "\tx\n"), "\t" * 3 + "x\n"][number % 3]
            stream.write(text + "\n" * (number % 1009 == 0))
    assert path.stat().st_size > 40_000_000
    report = imported([path], "gdelt2").report
    assert report.lines == report.rows == rows
    assert report.fates["width"] == wrong


def own_table(path: Path, rows: list[str]) -> Path:
    path.write_text(
        "event_id_cnty,event_date,event_type,sub_event_type,actor1,actor2,notes\n" + "".join(rows)
    )
    return path


def own_row(number: int, summary: str) -> str:
    actors = "Military Forces of the United States (2021-),Military Forces of China (2012-)"
    return f"{number},{2001 + number // 9}-0{1 + number % 9}-01,Battles,Armed clash,{actors},{summary}\n"


@pytest.mark.parametrize(
    ("summary", "lost", "shown"),
    [
        (f'"{"é" * 600_000}"', {1}, "own.csv:3: longer than 1,000,000 bytes"),
        # Up to the next quotation mark it is one cell.
        ('"stray', {1, 2}, "own.csv:3: a quotation mark inside a cell, or a quoted cell that does not end"),
        ("a,b,c", {1}, "own.csv:3: 9 columns, not 6 or 7"),
    ],
)
def test_a_row_that_cannot_be_read_is_counted_and_does_not_cost_the_rest(
    imported, tmp_path, summary, lost, shown
):
    rows = [own_row(number, summary if number == 1 else f'"a ""q"", {number}"') for number in range(50)]
    got = imported([own_table(tmp_path / "own.csv", rows)], "acled")
    assert {int(name.removeprefix("acled-")) for name in got.events.id} == {*range(50)} - lost
    assert got.report.fates == {"width": len(lost)}
    assert got.report.examples["width"] == [f"{tmp_path}/{shown}"]


def test_what_is_shown_of_a_file_cannot_steer_the_terminal(imported, gdelt_file, tmp_path):
    path = gdelt_file({}, {"EventCode": "9\x1b[2J\u202e9"})
    report = imported([path], "gdelt2").report
    assert all(example.isprintable() for shown in report.examples.values() for example in shown)
    other = tmp_path / "other.csv"
    other.write_text("\x1b[2Jnothing\nof the kind\n")
    with pytest.raises(EventError) as refused:
        imported([other], "gdelt2", output="o.csv")
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("name", ["bomb.gz", "bomb.zip"])
@pytest.mark.parametrize("followed", [False, True])
def test_a_packed_file_is_refused_for_its_beginning_whatever_follows(tmp_path, monkeypatch, name, followed):
    monkeypatch.setattr("forecast.feeds.importing.FREE_BYTES", 1_000_000)
    content = b"200401\tUSA\tCHN\t190\t(FORCE)\n" * 2_000_000
    if followed:
        content += random.Random(1).randbytes(300_000).hex(",", 40).replace(",", "\n").encode()
    path = packed(tmp_path / "rows.csv", name, content)
    assert not followed or len(content) < 190 * path.stat().st_size, "as a whole it is packed like a feed"
    with pytest.raises(UnusableFileError, match=r"from its first .* If its rows are sound, unpack it first"):
        list(read_blocks(path, 100_000))
