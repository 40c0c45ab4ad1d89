"""Bad files and bad rows: named, set aside and counted; nothing is dropped in silence or half-written."""

import gzip
import random
import tracemalloc
import zipfile
from pathlib import Path

import duckdb
import pytest

from forecast.errors import EventError, InputError
from forecast.events.reading import write_events
from forecast.feeds.clean_rows import Block, RowCleaner, Rows, WrongFormatError
from forecast.feeds.formats import LAYOUTS
from forecast.feeds.unpacking import CorruptFileError, read_blocks


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


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.csv.zip"])
def test_packed_files_are_read_as_plain_ones(imported, good, name):
    plain = imported([good], "gdelt2").events
    unpacked = imported([packed(good, name, good.read_bytes())], "gdelt2").events
    assert plain.sha256 == unpacked.sha256


def damage(path: Path) -> Path:
    """Cut a packed file in its middle."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda good: damage(packed(good, "bad.gz", good.read_bytes() * 500)), "cut short"),
        (lambda good: damage(packed(good, "bad.zip", good.read_bytes() * 500)), "damaged"),
        (lambda good: flipped(packed(good, "bad.zip", good.read_bytes() * 500)), "damaged"),
        (lambda good: written(good, "bad.csv", b""), "empty"),
        (lambda good: written(good, "bad.csv", b"%PDF-1.7"), "a PDF"),
        (lambda good: written(good, "bad.csv", good.read_bytes().decode().encode("utf-16")), "UTF-16"),
        (lambda good: packed(good, "bad.gz", packed(good, "in.gz", b"1").read_bytes()), "inside a packed"),
        (lambda good: empty_archive(good), "holds no file"),
        (lambda good: written(good, "bad.csv", b"a,b,c\n1,2,3\n"), "not gdelt2 rows"),
    ],
)
def test_a_corrupt_file_is_named_set_aside_and_counted(imported, good, make, reason):
    bad = make(good)
    got = imported([good, bad], "gdelt2")
    assert list(got.report.set_aside) == [str(bad)]
    assert reason in got.report.set_aside[str(bad)]
    assert got.report.files == 1
    assert got.report.rows == 2, "no row of the corrupt file counts, not even those before the damage"
    with pytest.raises(EventError, match=f"(?s){bad.name}.*{reason}"):
        imported([good, bad], "gdelt2", strict=True, output="strict.csv")
    assert not good.with_name("strict.csv").exists()


def flipped(path: Path) -> Path:
    """Change one bit of the packed content: only the checksum can tell."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def written(good: Path, name: str, content: bytes) -> Path:
    path = good.with_name(name)
    path.write_bytes(content)
    return path


def empty_archive(good: Path) -> Path:
    path = good.with_name("bad.zip")
    with zipfile.ZipFile(path, "w"):
        pass
    return path


def test_no_usable_file_at_all_is_an_error_that_names_each(imported, good):
    first = written(good, "a.csv", b"")
    second = damage(packed(good, "b.gz", good.read_bytes() * 500))
    with pytest.raises(
        EventError, match=r"(?s)none of 2 files could be read:.*a.csv: .*empty.*b.gz: .*cut short"
    ):
        imported([first, second], "gdelt2")


@pytest.mark.parametrize(
    ("announced", "sample", "looks_like"),
    [
        ("gdelt1", "gdelt2-20201113.export.CSV", "gdelt2"),
        ("gdelt2", "gdelt1-20160728.export.CSV", "gdelt1"),
        ("icews", "gdelt2-20201113.export.CSV", "gdelt2"),
        ("gdelt2", "icews-2018-06-sample.tab", "icews"),
        ("acled", "icews-2018-06-sample.tab", "icews"),
        ("keds", "icews-2018-06-sample.tab", "icews"),
        ("plover", "gdelt1-20160728.export.CSV", "gdelt1"),
        ("polecat", "icews-2018-06-sample.tab", "icews"),
    ],
)
def test_the_wrong_format_says_what_the_file_looks_like(imported, samples, announced, sample, looks_like):
    with pytest.raises(
        EventError, match=f"not {announced} rows .* looks like {looks_like}: --format {looks_like}"
    ):
        imported([samples / sample], announced)


def test_a_coded_file_of_ours_needs_no_import(imported, shared_data):
    with pytest.raises(EventError, match=r"coded already: name it as events\.source"):
        imported([shared_data / "us-china-2017-2023.csv"], "icews")


@pytest.mark.parametrize(
    ("row", "fate", "shown"),
    [
        ({"SQLDATE": "20200230"}, "day", "day 20200230"),
        ({"SQLDATE": "00000000"}, "day", "day 00000000"),
        ({"SQLDATE": ""}, "day", "code 173, day "),
        ({"SQLDATE": "15200101"}, "day", "day 15200101"),
        ({"DATEADDED": "2020"}, "added", "published 2020"),
        (
            {"SQLDATE": "20200110", "DATEADDED": "20200101000000"},
            "future",
            "day 20200110, published 20200101",
        ),
        ({"EventCode": "999", "EventRootCode": "99"}, "code", "code 999"),
        ({"EventCode": "---"}, "code", "code ---"),
    ],
)
def test_impossible_rows_are_counted_by_reason_and_shown(imported, gdelt_file, row, fate, shown):
    path = gdelt_file({}, *[row] * 5)
    got = imported([path], "gdelt2")
    assert got.report.fates == {fate: 5}
    assert len(got.report.examples[fate]) == 3
    assert all(shown in example for example in got.report.examples[fate])
    assert got.report.examples[fate][0].startswith("row 2:")
    with pytest.raises(
        EventError, match=r"(?s)--strict: rows are wrong, nothing is written:\n5 rows .*row 2"
    ):
        imported([path], "gdelt2", strict=True, output="strict.csv")


def test_rows_of_a_wrong_width_are_counted_with_their_line(imported, gdelt_file):
    path = gdelt_file({}, {}, {})
    lines = path.read_text().splitlines()
    lines[1] = lines[1].rsplit("\t", 3)[0]
    lines.insert(2, "\t".join(["x"] * 70))
    lines.insert(0, "")
    path.write_text("\n".join(lines) + "\n")
    got = imported([path], "gdelt2")
    assert got.report.fates == {"width": 2}
    assert got.report.examples["width"] == [f"{path}:3: 58 columns, not 61", f"{path}:4: 70 columns, not 61"]
    assert got.report.lines == got.report.rows == 4


def test_two_faults_of_width_that_make_good_each_other_are_found_all_the_same(imported, gdelt_file):
    # Their tabs add up to those of even rows.
    path = gdelt_file(*[{}] * 40)
    lines = path.read_text().splitlines()
    lines[10], lines[11] = lines[10] + "\tx", lines[11].rsplit("\t", 1)[0]
    path.write_text("\n".join(lines) + "\n")
    got = imported([path], "gdelt2")
    assert got.report.kept == 38
    assert sum(got.report.fates.values()) == 2


def test_a_cell_too_long_costs_its_row_and_not_the_rest(imported, tmp_path):
    path = tmp_path / "own.csv"
    header = "date,initiator,target,category,severity,summary\n"
    rows = [
        f"2020-01-0{day},USA,CHN,visit,2,{'x' * length}\n" for day, length in ((1, 5), (2, 200_000), (3, 5))
    ]
    path.write_text(header + "".join(rows))
    got = imported([path], "csv")
    assert [str(day) for day in got.events.date] == ["2020-01-01", "2020-01-03"]
    assert got.report.fates == {"width": 1}
    assert "own.csv:3: not readable as CSV: field larger" in got.report.examples["width"][0]


def test_formats_whose_rows_are_spread_are_not_read_as_parquet(imported, tmp_path):
    path = tmp_path / "polecat.parquet"
    path.write_bytes(b"PAR1 and more")
    with pytest.raises(EventError, match="polecat files are read as published text, not as Parquet"):
        imported([path], "polecat")


def test_a_parquet_file_without_the_columns_says_which_it_has(imported, tmp_path, us_china):
    path = tmp_path / "other.parquet"
    write_events(us_china, path)
    with pytest.raises(
        EventError, match=r"not gdelt2 rows: the Parquet file has no column 'SQLDATE'.* It has: id"
    ):
        imported([path], "gdelt2")
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(EventError, match=r"(?s)none of 1 files.*the Parquet file cannot be read"):
        imported([path], "gdelt2")
    with pytest.raises(EventError, match=r"other\.parquet: the Parquet file cannot be read"):
        imported([path], "gdelt2", strict=True)
    assert not (tmp_path / "events.csv.import").exists(), "an import that came to nothing leaves nothing"


def test_mixed_encodings_are_mended_and_counted(imported, gdelt_file):
    path = gdelt_file({"ActionGeo_FullName": "Malmö"}, {"ActionGeo_FullName": "Besançon"})
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].decode().encode("cp1252"))
    got = imported([path], "gdelt2")
    assert got.report.mended == 1
    assert ["Malmö" in got.events.summary[0], "Besançon" in got.events.summary[1]] == [True, True]


def test_control_characters_and_foreign_line_ends_do_no_harm(imported, gdelt_file):
    path = gdelt_file({"ActionGeo_FullName": "Pa\x00ris \x1b[31m\u202egnijieB"}, {})
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    got = imported([path], "gdelt2")
    assert len(got.events) == 2
    assert all(text.isprintable() for text in got.events.summary)


def test_what_is_shown_of_a_file_cannot_steer_the_terminal(imported, gdelt_file, tmp_path):
    path = gdelt_file({}, {"EventCode": "9\x1b[2J\u202e9"})
    report = imported([path], "gdelt2").report
    assert all(example.isprintable() for shown in report.examples.values() for example in shown)
    other = tmp_path / "other.csv"
    other.write_text("\x1b[2Jnothing\nof the kind\n")
    with pytest.raises(EventError) as refused:
        imported([other], "gdelt2", output="o.csv")
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("dyad", "switches", "message"),
    [
        ("USA,CHX", {}, r"no actor CHX occurs in these 2,824 rows. Did you mean 'CH"),
        ("AFG,FJI", {}, r"no actor FJI occurs"),
        ("ZAF,AFR", {"min_mentions": 9999}, r"of the rows between ZAF–AFR, .*\d+ have too few mentions"),
        ("GBR,SWE", {}, r"no row is between GBR–SWE|of the rows between"),
    ],
)
def test_an_empty_result_says_why(imported, samples, tmp_path, dyad, switches, message):
    with pytest.raises(EventError, match=message):
        imported([samples / "gdelt2-20201113.export.CSV"], "gdelt2", dyad, min_sources=50, **switches)
    assert not (tmp_path / "events.csv").exists()


@pytest.mark.parametrize(
    ("name", "switches", "message"),
    [
        ("icews", {"root_only": True}, "--root-only: icews files do not say which events are root events"),
        ("icews", {"min_sources": 2}, "--min-sources: icews files do not say"),
        ("keds", {"max_delay_days": 3}, "--max-delay: keds files do not say when"),
        ("icews", {"known_date": "act"}, "--known-date act: icews files do not say when"),
        ("gdelt2", {"min_mentions": -1}, "--min-mentions -1: expected 0 or more"),
        ("gdelt2", {"cap_per_day": 0}, "--cap-per-day 0: expected 1 or more"),
        ("gdelt2", {"exclude": ("medea",)}, "--exclude medea: no such group. Did you mean 'media'"),
        ("keds", {"exclude": ("health",)}, "--exclude health: keds files do not say"),
        ("gdelt2", {"repeat_days": None, "ignore_place": True}, "--ignore-place has no effect"),
    ],
)
def test_a_switch_that_would_do_nothing_is_refused(imported, samples, name, switches, message):
    with pytest.raises(InputError, match=message):
        imported([samples / "icews-2018-06-sample.tab"], name, **switches)


@pytest.mark.parametrize(
    ("output", "message"),
    [("events.xlsx", "ends in .csv or .parquet"), ("nowhere/events.csv", "there is no folder")],
)
def test_an_output_that_cannot_be_is_refused_before_any_work(imported, good, output, message):
    with pytest.raises(EventError, match=message):
        imported([good], "gdelt2", output=output)


def test_a_missing_file_and_a_folder_are_refused(imported, tmp_path):
    with pytest.raises(EventError, match=r"none.csv: no such file"):
        imported([tmp_path / "none.csv"], "gdelt2")
    with pytest.raises(EventError, match=r"not a file. Name the files inside it"):
        imported([tmp_path], "gdelt2")


def test_lines_without_end_are_no_text_of_rows(tmp_path):
    path = tmp_path / "long.csv"
    path.write_bytes(b"x" * 9_000_000)
    with pytest.raises(CorruptFileError, match="a line of more than"):
        list(read_blocks(path, block_bytes=1_000_000))


def test_a_packed_file_that_unpacks_to_far_more_than_a_feed_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.feeds.unpacking.FREE_BYTES", 1_000_000)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"200401\tUSA\tCHN\t190\t(FORCE)\n" * 200_000))
    with pytest.raises(CorruptFileError, match="unpacks to more than"):
        list(read_blocks(path, 100_000))


@pytest.mark.parametrize("name", ["bomb.gz", "bomb.zip"])
def test_a_packed_file_is_refused_for_its_beginning_whatever_follows(tmp_path, monkeypatch, name):
    monkeypatch.setattr("forecast.feeds.unpacking.FREE_BYTES", 1_000_000)
    rows = b"200401\tUSA\tCHN\t190\t(FORCE)\n" * 400_000
    noise = random.Random(1).randbytes(300_000).hex(",", 40).replace(",", "\n").encode()
    path = packed(tmp_path / "rows.csv", name, rows + noise)
    assert len(rows + noise) < 50 * path.stat().st_size, "as a whole it is packed like a feed"
    with pytest.raises(CorruptFileError, match=r"from its first .* If its rows are sound, unpack it first"):
        list(read_blocks(path, 100_000))


def cleaned(layout: str, content: bytes) -> Rows:
    return RowCleaner(LAYOUTS[layout], "feed").clean(Block("", 1, content), last=True)


@pytest.mark.parametrize(
    ("layout", "content"),
    [
        ("plover", b"{}\n" * 30),
        ("plover", b'{"a": 1}\n' * 30),
        ("polecat", b"Event ID,Event Date,Event Type,Actor Country,Recipient Country\n" + b"a\n" * 30),
    ],
    ids=["empty objects", "other objects", "narrow rows"],
)
def test_a_file_of_which_no_row_can_be_read_is_not_read_on(monkeypatch, layout, content):
    monkeypatch.setattr("forecast.feeds.clean_rows._TELLING_LINES", 10)
    with pytest.raises(WrongFormatError, match=f"not {layout} rows .the first 11 "):
        cleaned(layout, content)


def test_rows_are_read_in_memory_of_a_few_times_their_size():
    content = b"200401\tUSA\tCHN\t190\n" * 20_000
    tracemalloc.start()
    try:
        rows = cleaned("keds", content)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows.count == 20_000
    assert most < 10 * len(content), f"{most / len(content):.0f} times"


def test_a_parquet_file_of_more_rows_than_its_size_can_hold_is_refused(imported, good, monkeypatch):
    monkeypatch.setattr("forecast.feeds.unpacking.FREE_BYTES", 1_000_000)
    path = good.with_name("bomb.parquet")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT '2020-01-01' AS date, 'USA' AS initiator FROM range(100000)) TO '{path}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    got = imported([good, path], "gdelt2")
    assert "it holds 100,000 rows, more than 1,000,000 bytes" in got.report.set_aside[str(path)]
