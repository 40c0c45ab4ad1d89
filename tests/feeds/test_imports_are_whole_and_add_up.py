"""One file or a thousand, packed or not, in any batches: the same events, written whole or not at all."""

import csv

import pytest

from forecast.errors import EventError
from forecast.feeds import importing, reading
from forecast.feeds.reading import Engine


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


@pytest.mark.parametrize("at_once", [3, 400])
def test_many_small_files_give_what_one_file_gives(imported, pieces, whole, monkeypatch, at_once):
    monkeypatch.setattr(reading, "BATCH_FILES", at_once)
    got = imported(pieces, "gdelt2")
    assert got.events.sha256 == whole.events.sha256
    assert got.report.fates == whole.report.fates
    assert (got.report.files, got.report.rows) == (40, 2824)


def test_the_same_file_twice_counts_once_and_a_copy_is_found_by_its_ids(imported, samples, whole, tmp_path):
    path = samples / "gdelt2-20201113.export.CSV"
    assert imported([path, path], "gdelt2").report.rows == 2824
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    copied = imported([path, copy], "gdelt2")
    assert copied.report.fates["same_id"] == 78
    assert copied.events.sha256 == whole.events.sha256


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interrupted_import_leaves_nothing_and_the_next_is_whole(
    imported, pieces, whole, monkeypatch, stop
):
    monkeypatch.setattr(reading, "BATCH_FILES", 10)
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "_judge", lambda *_, **__: (_ for _ in ()).throw(stop))
        with pytest.raises(KeyboardInterrupt):
            imported(pieces, "gdelt2")
    assert sorted(path.name for path in pieces[0].parent.iterdir() if "events" in path.name) == []
    assert imported(pieces, "gdelt2").events.sha256 == whole.events.sha256


def test_an_import_that_fails_leaves_the_former_events_as_they_were(imported, pieces, monkeypatch):
    before = imported(pieces, "gdelt2")
    content = before.output.read_bytes()

    def fail(*_):
        raise EventError("no room")

    monkeypatch.setattr(importing, "event_cells", fail)
    with pytest.raises(EventError, match="no room"):
        imported(pieces, "gdelt2", repeat_days=0)
    assert before.output.read_bytes() == content


def test_events_that_no_import_made_are_not_replaced(imported, pieces, tmp_path):
    mine = tmp_path / "events.csv"
    mine.write_text("coded by hand")
    with pytest.raises(EventError, match=r"events\.csv: is there already, and not made by an import"):
        imported(pieces, "gdelt2")
    assert mine.read_text() == "coded by hand"
    mine.unlink()
    imported(pieces, "gdelt2")
    imported(pieces, "gdelt2", "USA,RUS")
    with pytest.raises(EventError, match=r"piece-00\.csv: is there already"):
        imported(pieces, "gdelt2", output="piece-00.csv")


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


@pytest.mark.parametrize("separator", [",", ";", "|"])
def test_quoted_cells_with_breaks_separators_and_quotes_are_one_cell(imported, tmp_path, separator):
    notes = [f'a "quoted"\nnote, {number};|\twith all' for number in range(50)]
    path = tmp_path / "own.csv"
    with path.open("w", newline="") as stream:
        table = csv.writer(stream, delimiter=separator)
        table.writerow(
            ["event_id_cnty", "event_date", "event_type", "sub_event_type", "actor1", "actor2", "notes"]
        )
        kind = "Battles", "Armed clash", "Forces of China (2012-)", "Forces of India (2014-)"
        table.writerows([f"{n:02d}", f"{1971 + n}-01-01", *kind, note] for n, note in enumerate(notes))
    got = imported([path], "acled", "CHN,IND")
    assert list(got.events.summary) == [" ".join(note.split()) for note in notes]
    assert not got.report.fates
