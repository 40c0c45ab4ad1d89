"""Input made to hurt: refused at once with one message, or taken and inert."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.config import load_config, load_scenario
from forecast.config.writing import read_logo, refuse_no_font
from forecast.errors import ConfigError, ForecastError, InputError, safe_lines, shown
from forecast.events.reading import read_events
from forecast.feeds.clean_rows import Block, RowCleaner, WrongFormatError
from forecast.feeds.formats import LAYOUTS
from forecast.report.build import inert_csv

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs/us-china-2023.yaml"


def forecast(*arguments: object, **how) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "forecast", *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, timeout=120, cwd=ROOT, **how)


@pytest.mark.parametrize(
    "setting",
    [
        "milestones=[{name: [a], date: 2024-01-01}]",
        "milestones=[{name: {a: b}, date: 2024-01-01}]",
        'model.priors.severity.tension="\\ud800"',
        "name=\udcff",
        "headline.milestone=[]",
    ],
)
def test_values_of_no_use_are_refused_and_not_hashed_or_encoded(setting):
    with pytest.raises(ConfigError):
        load_config(CONFIG, [setting])


def test_half_of_a_sign_in_a_file_is_named_with_its_place(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text('name: small\ndyad: {a: "\\ud800", b: CHN}\n')
    with pytest.raises(ConfigError, match=r"c\.yaml:2:\d+: .*half of a sign"):
        load_config(path)


@pytest.mark.parametrize(
    "read",
    [read_logo, refuse_no_font, load_scenario, load_config, read_events],
    ids=lambda read: read.__name__,
)
@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "folder"])
def test_only_plain_files_are_read(tmp_path, read, kind):
    path = Path("/dev/zero")
    if kind == "pipe":
        path = tmp_path / "pipe.svg"
        os.mkfifo(path)
    elif kind == "folder":
        path = tmp_path
    with pytest.raises(ForecastError, match=r"plain file|regular file|directory|folder"):
        read(path)


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero"])
def test_a_device_is_no_ledger(tmp_path, kind):
    path = Path("/dev/zero")
    if kind == "pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    from forecast.ledger.store import open_ledger, refuse_unusable, write_ledger

    for use in (open_ledger, refuse_unusable, lambda place: write_ledger(place).__enter__()):
        with pytest.raises(ForecastError, match=r"no ledger|plain file"):
            use(path)


def cleaned(name: str, content: bytes) -> RowCleaner:
    cleaner = RowCleaner(LAYOUTS[name], "f")
    cleaner.clean(Block("", 1, content), last=True)
    return cleaner


def test_a_record_of_many_actors_is_not_spread_without_end():
    actors = [{"code": f"A{number}"} for number in range(1_500)]
    record = {"date": "2020-01-01", "event": ["ACCUSE"], "source": actors, "recipient": actors}
    sound = {**record, "source": actors[:2], "recipient": actors[:2]}
    lines = [json.dumps(sound), json.dumps(sound), json.dumps(record)]
    found = cleaned("plover", ("\n".join(lines) + "\n").encode())
    assert found.faults.counts == {"width": 1}
    assert "2,250,000 pairs and events, more than 5,000" in found.faults.examples["width"][0]


def test_a_record_nested_without_end_is_a_row_that_cannot_be_read():
    sound = json.dumps({"date": "2020-01-01", "event": "ACCUSE", "source": ["USA"], "recipient": ["CHN"]})
    lines = [sound, sound, "[" * 200_000]
    assert cleaned("plover", ("\n".join(lines) + "\n").encode()).faults.counts == {"width": 1}


@pytest.mark.parametrize("name", ["icews", "acled", "polecat"])
def test_a_header_of_many_columns_is_refused_at_once(name):
    sign = b"," if name == "acled" else b"\t"
    header = sign.join(b"c%d" % number for number in range(400_000)) + b"\n"
    with pytest.raises(WrongFormatError, match="400,000 columns"):
        cleaned(name, header)


def test_a_file_of_single_letters_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "letters.csv"
    path.write_text("date,initiator,target,category,severity\n" + "a\n" * 2_000_000)
    with pytest.raises(InputError, match="reading stopped after 10,001 rows that cannot be events"):
        read_events(path)


def test_an_event_header_of_many_columns_is_refused(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("date,initiator,target,category,severity" + ",x" * 40_000 + "\n")
    with pytest.raises(InputError, match=r"40,005 columns\. Allowed: at most 1,000"):
        read_events(path)


def test_foreign_text_on_a_terminal_is_cut_and_escaped():
    assert shown("\x1b[31mred\x07\u202e\ud800\n") == "\\x1b[31mred\\x07\\u202e\\ud800\\n"
    assert shown("x" * 100) == "x" * 60 + "…"
    message = safe_lines("first\nsec\x1b[2Jond\n" + "y" * 5_000_000)
    assert message.split("\n")[:2] == ["first", "sec\\x1b[2Jond"]
    assert len(message) < 3_000


def test_cells_that_a_spreadsheet_would_calculate_are_text():
    given = 'id,summary\n1,"=HYPERLINK(""x"")"\n2,+1\n3,-1\n4,@x\n5,plain\n'
    rows = [line.split(",", 1)[1] for line in inert_csv(given).splitlines()[1:]]
    assert rows == ['"\'=HYPERLINK(""x"")"', "'+1", "'-1", "'@x", "plain"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_standard_output_is_one_message():
    with Path("/dev/full").open("w") as full:
        ended = forecast("schema", "config", stdout=full)
    assert ended.returncode == 2
    assert ended.stderr.count(b"\n") == 1
    assert b"the answer cannot be written (No space left on device)" in ended.stderr


def test_a_reader_that_goes_away_ends_the_command_without_a_word():
    reader, writer = os.pipe()
    os.close(reader)
    ended = forecast("schema", "config", stdout=writer)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_terminal_that_lacks_signs_gets_their_numbers():
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    ended = forecast("schema", "config", stdout=subprocess.PIPE, env=environment)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert json.loads(ended.stdout.decode("latin-1"))


def test_a_name_that_is_no_text_is_shown_escaped(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    command = [os.fsencode(sys.executable), b"-m", b"forecast", b"check", path]
    ended = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=120)
    assert ended.returncode == 2
    assert b"\\udcff.yaml: no such file" in ended.stderr
