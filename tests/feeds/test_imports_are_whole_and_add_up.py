"""One file or a thousand, in any batches, with any switch: the same events, written whole or not at all."""

import contextlib
import csv
import json
import re
import shlex
import shutil
import zipfile
from datetime import date, timedelta
from glob import glob
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from forecast.cli.app import app
from forecast.errors import EventError, InputError
from forecast.events.reading import read_events
from forecast.feeds import importing
from forecast.feeds.importing import LAYOUTS, FeedReader, ImportOptions, import_feed


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
    monkeypatch.setattr(importing, "BATCH_FILES", at_once)
    got = imported(pieces, "gdelt2")
    assert got.events.sha256 == whole.events.sha256
    assert got.report.fates == whole.report.fates
    assert (got.report.files, got.report.rows) == (40, 118)


def test_the_same_file_twice_counts_once_and_a_copy_is_found_by_its_ids(imported, samples, whole, tmp_path):
    path = samples / "gdelt2-20201113.export.CSV"
    assert imported([path, path], "gdelt2").report.rows == 118
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    copied = imported([path, copy], "gdelt2")
    assert copied.report.fates["same_id"] == 78
    assert copied.events.sha256 == whole.events.sha256


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interrupted_import_leaves_nothing_and_the_next_is_whole(
    imported, pieces, whole, monkeypatch, stop
):
    monkeypatch.setattr(importing, "BATCH_FILES", 10)
    with monkeypatch.context() as patched:
        patched.setattr(FeedReader, "_judge", lambda *_, **__: (_ for _ in ()).throw(stop))
        with pytest.raises(KeyboardInterrupt):
            imported(pieces, "gdelt2")
    assert sorted(path.name for path in pieces[0].parent.iterdir() if "events" in path.name) == []
    assert imported(pieces, "gdelt2").events.sha256 == whole.events.sha256


def test_a_file_that_is_there_is_not_replaced(tmp_path, pieces):
    mine = tmp_path / "events.csv"
    mine.write_text("coded by hand")
    with pytest.raises(EventError, match=r"events\.csv: exists\. Give the name of a new file"):
        import_feed(pieces, ImportOptions("gdelt2", ["USA,CHN"]), mine)
    assert mine.read_text() == "coded by hand"


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


@pytest.mark.parametrize(
    ("switch", "rows", "kept", "fate"),
    [
        ({"root_only": True}, ({"IsRootEvent": 0}, {}), [2], "not_root"),
        ({"min_sources": 2}, ({"NumSources": 1}, {"NumSources": 2}), [2], "sources"),
        ({"repeat_days": 0}, ({"ActionGeo_FullName": "A"}, {"ActionGeo_FullName": "A"}), [1], "repeated"),
    ],
)
def test_a_switch_drops_what_it_says(imported, gdelt_file, switch, rows, kept, fate):
    got = imported([gdelt_file(*rows)], "gdelt2", **switch)
    assert list(got.events.id) == [f"gdelt2-{number}" for number in kept]
    assert got.report.fates == {fate: len(rows) - len(kept)}
    (shown,) = got.report.examples[fate]
    (dropped,) = {1, 2} - set(kept)
    assert shown.startswith(f"row {dropped}: ")


def test_re_reports_within_the_window_count_once_and_later_ones_again(imported, gdelt_file):
    place = {"ActionGeo_FullName": "Beijing"}
    days = [{**place, "SQLDATE": f"202001{day:02d}"} for day in (1, 2, 3, 5)]
    got = imported([gdelt_file(*days)], "gdelt2", repeat_days=1)
    # The third is two days from the first, which was kept; the second was not, and hides nothing.
    assert list(got.events.id) == ["gdelt2-1", "gdelt2-3", "gdelt2-4"]
    elsewhere = [{**days[0]}, {**days[0], "ActionGeo_FullName": "Shanghai"}]
    got = imported([gdelt_file(*elsewhere)], "gdelt2")
    assert len(got.events) == 2


def random_rows(seed: int, count: int) -> list[dict]:
    chance = Random(seed)
    rows = []
    for _ in range(count):
        day = date(2020, 1, 1) + timedelta(days=chance.randrange(120))
        added = day + timedelta(days=chance.choice([0, 0, 0, 1, 3, 30]))
        code = chance.choice(["042", "043", "040", "173", "112"])
        actors = chance.sample(["USA", "CHN"], 2)
        rows.append(
            {
                "SQLDATE": f"{day:%Y%m%d}",
                "DATEADDED": f"{added:%Y%m%d}000000",
                "EventCode": code,
                "EventRootCode": code[:2],
                "Actor1CountryCode": actors[0],
                "Actor2CountryCode": actors[1],
                "ActionGeo_FullName": chance.choice(["Beijing", "Washington"]),
                "NumMentions": chance.randrange(1, 9),
            }
        )
    return rows


def test_what_is_kept_up_to_a_day_does_not_depend_on_what_came_later(imported, gdelt_file):
    rows = random_rows(1, 600)
    whole = imported([gdelt_file(*rows)], "gdelt2").events
    for day in (date(2020, 1, 20), date(2020, 3, 1), date(2020, 4, 15)):
        # Rows of days to come keep their numbers, and are of other actors.
        others = {"DATEADDED": "20991231000000"}
        early = [row if row["DATEADDED"] <= f"{day:%Y%m%d}000000" else row | others for row in rows]
        cut = imported([gdelt_file(*early)], "gdelt2").events
        assert whole.known_by(day).sha256 == cut.sha256
        assert len(cut) > 10


def test_known_date_act_sets_the_day_of_loading_aside(imported, gdelt_file):
    rows = [
        {"SQLDATE": f"20100{month}0{day}", "DATEADDED": "20130203000000"}
        for month in range(1, 9)
        for day in range(1, 6)
    ]
    path = gdelt_file(*rows)
    published = imported([path], "gdelt2")
    assert set(published.events.known_date.astype(str)) == {"2013-02-03"}
    assert any("back-file" in note for note in published.report.warnings)
    act = imported([path], "gdelt2", known_date="act")
    assert (act.events.known_date == act.events.date).all()
    assert not any("back-file" in note for note in act.report.warnings)


def test_a_clock_a_day_ahead_is_no_fault_and_two_days_are(imported, gdelt_file):
    rows = [
        {"SQLDATE": "20200102", "DATEADDED": "20200101230000"},
        {"SQLDATE": "20200103", "DATEADDED": "20200101230000"},
    ]
    got = imported([gdelt_file(*rows)], "gdelt2")
    assert got.report.fates == {"future": 1}
    assert str(got.events.known_date[0]) == "2020-01-02"


IMPORT = ("events", "import", "--format", "gdelt2", "--dyad", "USA,CHN")


@pytest.fixture(scope="module")
def command(command, samples, tmp_path_factory):
    """Run a command in a folder of its own."""
    folder = tmp_path_factory.mktemp("commands")

    def run(*arguments: str):
        with contextlib.chdir(folder):
            return command(*arguments)

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def sample(command, samples) -> str:
    """The GDELT sample, in the folder of the commands."""
    shutil.copy(samples / "gdelt2-20201113.export.CSV", command.folder / "sample.csv")
    return "sample.csv"


def test_an_import_tells_what_it_did_and_its_events_are_read(command, sample):
    output = "events.csv"
    ended = command(*IMPORT, sample, "-o", output)
    assert ended.code == 0, ended.err
    assert "118 rows." in ended.out
    report = json.loads(command(*IMPORT, sample, "-o", "again.csv", "--json").out)
    assert report["kept"] + sum(fate["rows"] for fate in report["dropped"].values()) == report["rows"] == 118
    assert len(read_events(command.folder / output)) == report["kept"]


def test_a_dyad_goes_by_names_as_by_codes():
    assert ImportOptions("gdelt2", ["United States,china"]).pairs == (("USA", "CHN"),)
    with pytest.raises(InputError, match="'Korea' may be KOR"):
        ImportOptions("gdelt2", ["USA,Korea"])


def test_wrong_usage_exits_2_with_one_message_and_no_traceback(command, sample, snapshot):
    base = ("events", "import", sample, "-o", "x.csv", "--format", "gdelt2")
    asked = (
        (*base, "--dyad", "USA"),
        (*base, "--dyad", "USA,Korea"),
        (*base, "--dyad", "USA,USA"),
        (*base, "--dyad", "USA,CHN", "--dyad", "CHN,USA"),
        (*base[:-1], "gdelt3", "--dyad", "USA,CHN"),
    )
    answers = [command(*arguments) for arguments in asked]
    assert {(ended.code, ended.out) for ended in answers} == {(2, "")}
    assert [ended.err for ended in answers] == snapshot
    assert not (command.folder / "x.csv").exists()


ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/import.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_formats_of_the_table_are_those_there_are():
    table = re.findall(r"^\| `(\w+)` \| (.*)$", PAGE, flags=re.MULTILINE)
    assert sorted(name for name, _ in table) == sorted(LAYOUTS)
    for name, row in table:
        layout = LAYOUTS[name]
        assert ("published definitions" in row) == ("published definitions" in layout.origin)
        assert (f"`{layout.known_date}`" in row) if layout.known_date else ("| none" in row)


def test_the_examples_of_readme_and_page_run_where_there_are_such_files(tmp_path, samples, monkeypatch):
    with zipfile.ZipFile(tmp_path / "20201113.export.CSV.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(samples / "gdelt2-20201113.export.CSV", "20201113.export.CSV")
    monkeypatch.chdir(tmp_path)
    examples = [
        line
        for text in (PAGE, README)
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
        for line in block.splitlines()
        if line.startswith("forecast events import")
    ]
    assert examples
    for line in examples:
        words = shlex.split(line, comments=True)[1:]
        files = [name for word in words for name in (sorted(glob(word)) if "*" in word else [word])]
        assert CliRunner().invoke(app, files).exit_code == 0, line
