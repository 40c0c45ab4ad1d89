"""The commands as typed: one JSON object or plain English, exit codes, and a config on the result."""

import contextlib
import json
import shutil

import pytest

from forecast.errors import InputError
from forecast.events.reading import read_events
from forecast.feeds.reading import feed_options

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
    assert "2,824 rows." in ended.out
    report = json.loads(command(*IMPORT, sample, "-o", output, "--json").out)
    assert report["kept"] + sum(fate["rows"] for fate in report["dropped"].values()) == report["rows"] == 2824
    assert len(read_events(command.folder / output)) == report["kept"]


def test_a_dyad_goes_by_names_as_by_codes():
    assert feed_options("gdelt2", ["United States,china"]).dyads == (("USA", "CHN"),)
    with pytest.raises(InputError, match="'Korea' may be KOR"):
        feed_options("gdelt2", ["USA,Korea"])


def test_wrong_usage_exits_2_with_one_message_and_no_traceback(command, sample, snapshot):
    base = ("events", "import", sample, "-o", "x.csv", "--format", "gdelt2")
    asked = (
        (*base, "--dyad", "USA"),
        (*base, "--dyad", "USA,chn"),
        (*base, "--dyad", "USA,USA"),
        (*base, "--dyad", "USA,CHN", "--dyad", "CHN,USA"),
        (*base[:-1], "gdelt3", "--dyad", "USA,CHN"),
    )
    answers = [command(*arguments) for arguments in asked]
    assert {(ended.code, ended.out) for ended in answers} == {(2, "")}
    assert [ended.err for ended in answers] == snapshot
    assert not (command.folder / "x.csv").exists()
