"""One file or a thousand, at once or in several goes, packed or not: the same events."""

import csv
import io
import os
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from forecast import storage
from forecast.errors import BusyError, EventError, StoppedError
from forecast.feeds import importing, output
from forecast.feeds.clean_rows import Block, RowCleaner
from forecast.feeds.engine import Engine
from forecast.feeds.formats import GDELT2, LAYOUTS
from forecast.feeds.options import layout_of
from forecast.feeds.output import JOURNAL, journal_folder
from forecast.feeds.unpacking import read_blocks


@pytest.fixture
def pieces(samples, tmp_path):
    """The GDELT sample in forty files."""
    lines = (samples / "gdelt2-20201113.export.CSV").read_bytes().splitlines(keepends=True)
    paths = []
    for number in range(40):
        path = tmp_path / f"piece-{number:02d}.csv"
        path.write_bytes(b"".join(lines[number::40]))
        paths.append(path)
    return paths


@pytest.fixture
def whole(imported, samples):
    return imported([samples / "gdelt2-20201113.export.CSV"], "gdelt2", output="whole.csv")


def test_many_small_files_give_what_one_file_gives(imported, pieces, whole):
    got = imported(pieces, "gdelt2")
    assert got.events.sha256 == whole.events.sha256
    assert got.report.fates == whole.report.fates
    assert (got.report.files, got.report.rows) == (40, 2824)


def test_a_file_over_several_batches_gives_what_one_batch_gives(imported, samples, whole, monkeypatch):
    monkeypatch.setattr(importing, "BATCH_BYTES", 100_000)
    real = importing.read_blocks
    monkeypatch.setattr(importing, "read_blocks", lambda path: real(path, block_bytes=30_000))
    got = imported([samples / "gdelt2-20201113.export.CSV"], "gdelt2")
    assert got.events.sha256 == whole.events.sha256
    assert got.report.fates == whole.report.fates
    assert len(list(journal_folder(got.output).glob("part-*.parquet"))) > 3


def test_an_archive_of_many_members_gives_what_one_file_gives(imported, pieces, whole, tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for piece in pieces:
            archive.write(piece, piece.name)
    assert imported([path], "gdelt2").events.sha256 == whole.events.sha256


def test_the_same_file_twice_counts_once_and_a_copy_is_found_by_its_ids(imported, samples, whole, tmp_path):
    path = samples / "gdelt2-20201113.export.CSV"
    twice = imported([path, path], "gdelt2")
    assert twice.report.rows == 2824
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    copied = imported([path, copy], "gdelt2")
    assert copied.report.fates["same_id"] == 78
    assert copied.events.sha256 == whole.events.sha256


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interrupted_import_goes_on_where_it_stopped(imported, pieces, whole, monkeypatch, stop):
    monkeypatch.setattr(importing, "BATCH_FILES", 10)
    judged = Engine.judge
    calls = []

    def stop_at_third(engine, parts, candidates):
        calls.append(sum(len(part.files) for part in parts))
        if len(calls) == 3:
            raise stop
        return judged(engine, parts, candidates)

    monkeypatch.setattr(Engine, "judge", stop_at_third)
    with pytest.raises(StoppedError, match=r"20 of 40 files are read\. The same command goes on"):
        imported(pieces, "gdelt2")
    calls.append(0)
    got = imported(pieces, "gdelt2")
    assert got.report.files_reused == 20
    assert sum(calls[4:]) == 20, "only what was missing is read"
    assert got.events.sha256 == whole.events.sha256
    assert got.report.fates == whole.report.fates


def test_new_files_extend_an_import_and_old_ones_are_not_read_again(imported, pieces, whole):
    first = imported(pieces[:30], "gdelt2")
    again = imported(pieces, "gdelt2")
    assert (first.report.files, again.report.files, again.report.files_reused) == (30, 40, 30)
    assert again.events.sha256 == whole.events.sha256
    fewer = imported(pieces[:30], "gdelt2")
    assert fewer.events.sha256 == first.events.sha256


def test_a_changed_file_is_read_again(imported, pieces):
    imported(pieces, "gdelt2")
    lines = pieces[0].read_bytes().splitlines(keepends=True)
    pieces[0].write_bytes(b"".join(lines[:-1]))
    got = imported(pieces, "gdelt2")
    assert (got.report.rows, got.report.files_reused) == (2823, 39)


def test_a_changed_dyad_makes_what_was_read_void_and_a_changed_window_does_not(imported, pieces):
    imported(pieces, "gdelt2")
    window = imported(pieces, "gdelt2", repeat_days=None)
    assert window.report.files_reused == 40
    other = imported(pieces, "gdelt2", "USA,RUS")
    assert other.report.files_reused == 0
    assert any("every file was read again" in note for note in other.report.warnings)


def test_a_journal_line_cut_short_by_a_crash_costs_one_file(imported, pieces, whole):
    first = imported(pieces, "gdelt2")
    path = journal_folder(first.output) / JOURNAL
    path.write_text(path.read_text()[:-40])
    got = imported(pieces, "gdelt2")
    assert got.report.files_reused == 39
    assert got.events.sha256 == whole.events.sha256


def test_a_folder_in_the_way_is_not_touched(imported, pieces, tmp_path):
    folder = tmp_path / "events.csv.import"
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(EventError, match="not made by an import, and in the way"):
        imported(pieces, "gdelt2")
    assert (folder / "letter.txt").read_text() == "mine"


def test_events_that_no_import_made_are_not_replaced(imported, pieces, tmp_path):
    mine = tmp_path / "events.csv"
    mine.write_text("coded by hand")
    with pytest.raises(EventError, match=r"events\.csv: is there already, and not made by an import"):
        imported(pieces, "gdelt2")
    assert mine.read_text() == "coded by hand"
    mine.unlink()
    imported(pieces, "gdelt2")
    imported(pieces, "gdelt2", fresh=True)
    imported(pieces, "gdelt2", "USA,RUS")
    with pytest.raises(EventError, match=r"piece-00\.csv: is there already"):
        imported(pieces, "gdelt2", output="piece-00.csv")


def test_an_import_that_fails_leaves_the_former_events_as_they_were(imported, pieces, monkeypatch):
    before = imported(pieces, "gdelt2")
    content = before.output.read_bytes()

    def fail(*_):
        raise EventError("no room")

    monkeypatch.setattr(output, "write_rows", fail)
    with pytest.raises(EventError, match="no room"):
        imported(pieces, "gdelt2", repeat_days=None)
    assert before.output.read_bytes() == content
    assert not list(before.output.parent.glob(".*half"))


def test_many_dyads_in_one_pass_are_the_sum_of_single_passes(imported, samples):
    dyads = ("USA,CHN", "RUS,USA", "ARM,AZE")
    path = samples / "gdelt2-20201113.export.CSV"
    together = imported([path], "gdelt2", *dyads)
    ids = set()
    for dyad in dyads:
        single = imported([path], "gdelt2", dyad, output=f"{dyad}.csv")
        assert together.report.by_dyad[dyad] == single.report.kept
        ids |= set(single.events.id)
    assert set(together.events.id) == ids


@pytest.mark.parametrize("size", [40, 97, 1000])
def test_quoted_cells_survive_the_border_of_blocks(tmp_path, size):
    rows = [[f"id{n}", "2020-01-01", f'a "quoted"\nnote, {n}\twith all', "Battles"] for n in range(50)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([["event_id_cnty", "event_date", "notes", "event_type"], *rows])
    path = tmp_path / "acled.csv"
    path.write_text(buffer.getvalue(), newline="")
    layout = layout_of(
        "csv",
        codes="acled",
        columns={"date": "event_date", "initiator": "notes", "target": "event_type", "code": "event_id_cnty"},
    )
    cleaner = RowCleaner(layout, "acled.csv")
    blocks = list(read_blocks(path, block_bytes=size))
    got = b"".join(cleaner.clean(block, last=block is blocks[-1]).content for block in blocks).decode()
    notes = [line.split("\t")[layout.columns.index("notes")] for line in got.splitlines()]
    assert notes == [f'a "quoted" note, {n} with all' for n in range(50)]
    assert not cleaner.faults.counts


def test_blocks_hold_whole_lines_and_their_numbers(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(b"%d\n" % number for number in range(1, 1000)) + b"last")
    blocks = list(read_blocks(path, block_bytes=64))
    assert b"".join(block.content for block in blocks).decode().split() == [*map(str, range(1, 1000)), "last"]
    for block in blocks[:-1]:
        assert int(block.content.split(b"\n")[0]) == block.first_line


def test_even_blocks_pass_without_a_copy():
    content = b"\t".join([b"1"] * 61) + b"\n"
    rows = RowCleaner(GDELT2, "x").clean(Block("", 1, content * 3), last=True)
    assert rows.content == content * 3
    short = b"\t".join([b"1"] * 57) + b"\n"
    rows = RowCleaner(LAYOUTS["gdelt1"], "x").clean(Block("", 1, short * 3), last=True)
    assert rows.content == (short[:-1] + b"\t\n") * 3


def test_a_folder_that_is_named_like_a_column_changes_no_value(imported, samples, whole, tmp_path):
    sample = samples / "gdelt2-20201113.export.CSV"
    folder = tmp_path / "EventCode=190" / "Actor1CountryCode=XXX"
    folder.mkdir(parents=True)
    shutil.copyfile(sample, folder / sample.name)
    assert imported([folder / sample.name], "gdelt2", output="other.csv").events.sha256 == whole.events.sha256
    # The same rows as Parquet, which is where folders became columns.
    names = ", ".join(f"'{name}': 'VARCHAR'" for name in GDELT2.columns)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{folder / sample.name}', columns={{{names}}}, delim='\t', "
            f"quote='', escape='', header=false, auto_detect=false, hive_partitioning=false)) "
            f"TO '{folder}/rows.parquet' (FORMAT parquet)"
        )
    again = imported([folder / "rows.parquet"], "gdelt2", output="third.csv")
    assert again.events.sha256 == whole.events.sha256


def test_a_second_import_into_one_output_is_refused_and_the_first_loses_nothing(
    imported, pieces, whole, tmp_path
):
    with storage.locked(tmp_path / "events.csv"), ThreadPoolExecutor(1) as pool:
        second = pool.submit(imported, pieces, "gdelt2")
        with pytest.raises(BusyError, match="another forecast command is writing it"):
            second.result()
    assert imported(pieces, "gdelt2").events.sha256 == whole.events.sha256


def test_an_import_leaves_its_output_and_one_folder(imported, pieces, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    done = imported(pieces, "gdelt2")
    assert list(scratch.iterdir()) == []
    folder = done.output.with_name("events.csv.import")
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".parquet") == [
        "journal.jsonl",
        "made-by-import",
        "report.json",
        "settings.json",
        "volumes.csv",
    ]
    assert not list(tmp_path.glob(".*"))


def test_parts_that_no_file_owns_and_cut_lines_are_removed_at_the_next_import(
    imported, pieces, whole, tmp_path
):
    imported(pieces[:20], "gdelt2")
    folder = tmp_path / "events.csv.import"
    before = (folder / "journal.jsonl").read_text()
    (folder / "part-000900.parquet").write_bytes(b"cut short")
    (folder / "journal.jsonl").write_text(before + '{"key": "cut')
    assert imported(pieces, "gdelt2").events.sha256 == whole.events.sha256
    assert not (folder / "part-000900.parquet").exists()
    lines = (folder / "journal.jsonl").read_text().splitlines()
    assert len(lines) == len(pieces)


def test_a_part_is_on_disk_before_the_journal_tells_of_it(imported, pieces, monkeypatch):
    synced = set()
    fsync = os.fsync

    def remember(number):
        synced.add(os.fstat(number).st_ino)
        fsync(number)

    monkeypatch.setattr(os, "fsync", remember)
    done = imported(pieces, "gdelt2")
    folder = done.output.with_name("events.csv.import")
    files = [done.output, *(path for path in folder.iterdir() if path.suffix != ".half")]
    assert {path.name for path in files if path.stat().st_ino not in synced} == set()


def test_what_an_import_left_that_died_before_it_had_its_settings_is_not_in_the_way(
    imported, pieces, whole, tmp_path
):
    folder = journal_folder(tmp_path / "events.csv")
    folder.mkdir()
    (folder / f".settings.json{storage.files.NEW}0123abcd").write_text("{")
    assert imported(pieces, "gdelt2").events.sha256 == whole.events.sha256
    assert not list(folder.glob(".*"))
