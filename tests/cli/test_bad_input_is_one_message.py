"""Bad or hostile input through the real command: exit code 2, one message that helps; or taken and inert."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.cli.options import print_answer
from forecast.config import load_config, load_scenario
from forecast.config.writing import read_logo, refuse_no_font
from forecast.errors import ForecastError, on_command_line, safe_lines, shown
from forecast.events import reading
from forecast.events.reading import read_events
from forecast.ledger.store import open_ledger, refuse_unusable, write_ledger
from forecast.storage import csv_text, inert, plain, read_rows

ROOT = Path(__file__).resolve().parents[2]
FAULTS = {
    "an unknown key": {"config": ("seed: 7", "seed: 7, drawz: 9")},
    "an event file of another pair": {"config": ("{a: USA, b: CHN}", "{a: IND, b: [PAK, BGD]}")},
    "acts towards the theatre only": {"config": ("{a: USA, b: CHN}", "{a: USA, b: TWN, theatre: [CHN]}")},
    "an as-of date before the first event": {"config": ("2023-07-10", "2021-12-31")},
    "an event file that is not there": {"config": ("events.csv", "evnts.csv")},
    "a bundled set that is not there": {"config": ("events.csv", '"bundled:us-chna"')},
    "a prior outside the parameter's range": {
        "config": ("sampler:", 'model: {priors: {tension.scale: "Normal(0, 1)"}}\nsampler:')
    },
}
TWICE, PRIOR = "e9,2022-01-05,,{},sanction,2,A listing\ne2,", "model: {priors: {tension.persistance: slow}}\n"
TEN = {
    "a column": ("events", "severity", "severty", ":1: unknown column 'severty'. Did you mean 'severity'?"),
    "a code": ("events", "05,,USA", "05,,USX", "did you mean USA (United States) by 'USX' (line"),
    "a day": ("events", "2022-01-05", "05/01/2022", ":2: date: '05/01/2022' is not YYYY-MM-DD. As dmy"),
    "a category": ("events", "dispute", "protest", ":3: category: unknown category 'protest'. "),
    "a severity": ("events", "sanction,2", "sanction,7", ":2: severity: '7' is not on the scale. Allowed"),
    "a prior": (
        "config",
        "sampler:",
        f"{PRIOR}sampler:",
        "unknown prior. Did you mean 'tension.persistence'?",
    ),
    "a duplicate": ("events", "e2,", TWICE.format("USA,CHN"), "lines 2 and 3 are likely one event (same day"),
    "sides swapped": ("events", "e2,", TWICE.format("CHN,USA"), "actors the other way round); each counts"),
    "a huge file": ("events", "", "", "events.csv: more than 3 rows. Split the file by year"),
    "an early milestone": (
        "config",
        "2024-11-05",
        "2023-07-10",
        "is not after as_of (2023-07-10); give a",
    ),
}
OPTIONS = {
    ("check", "--set", "sampler.drawz=5"): "--set sampler.drawz: unknown key. Did you mean 'draws'?",
    ("check", "--set", "[]sampler.drawz=5"): "--set []sampler.drawz: unknown key. Did you mean 'sampler'?",
    ("check", "--as-of", "2021-01-01"): "--as-of: nothing was known on 2021-01-01: the first event",
    ("priors", "--explain", "tension.persistance"): "unknown prior. Did you mean 'tension.persistence'?",
}


def refusal(ended) -> str:
    """Return the one line of an answer that refuses its input."""
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("forecast: ")
    assert ended.err.count("\n") == 1, ended.err
    assert "Traceback" not in ended.err
    return ended.err.rstrip()


def test_every_fault_is_named_with_its_place_and_what_is_allowed(case, command, tmp_path, snapshot):
    refusals = {name: refusal(command("check", case(**change))) for name, change in FAULTS.items()}
    path = case()
    (path.parent / "events.csv").write_bytes(b"PK\x03\x04" + bytes(200))
    refusals["a spreadsheet for events"] = refusal(command("check", path))
    assert {name: line.replace(str(tmp_path), "DIR") for name, line in refusals.items()} == snapshot
    for (verb, *options), says in OPTIONS.items():
        assert says in refusal(command(verb, case(), *options))


@pytest.mark.parametrize("mistake", TEN)
def test_ten_common_mistakes_are_one_line_each_that_says_how_to_mend_it(case, command, monkeypatch, mistake):
    where, *change, says = TEN[mistake]
    if mistake == "a huge file":
        monkeypatch.setattr(reading, "MAX_ROWS", 3)
    path = case(**{where: tuple(change)})
    events = path.with_name("events.csv")
    text = events.read_text(encoding="utf-8").replace("A listing", "USA: a listing of firms")
    events.write_text(text, encoding="utf-8")
    ended = command("check", path)
    assert ended.code == (0 if mistake in ("a code", "a duplicate", "sides swapped") else 2)
    told = [line for line in (ended.err or " ".join(ended.out.split())).splitlines() if says in line]
    assert len(told) == 1, ended


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["chek"], "no such command 'chek'. Did you mean 'check', 'schema'? Try 'forecast --help'."),
        (["--sed"], "no such option: --sed. Try 'forecast --help'."),
        (["run"], "missing argument 'CONFIG'. Try 'forecast run --help'."),
        (["check", "a.yaml", "--sett", "4"], "Possible options: --set"),
        (["ledger", "lst"], "no such command 'lst'. Did you mean 'list'? Try 'forecast ledger --help'."),
        (["report", "run", "--paper", "letter"], "not one of 'a4', 'us-letter'. Did you mean 'us-letter'?"),
    ],
)
def test_wrong_usage_is_told_with_what_is_allowed_and_how_to_get_help(command, arguments, says):
    assert says in refusal(command(*arguments))


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("01/02/2023", "write 2023-02-01 for 1 February 2023 or 2023-01-02 for 2 January 2023"),
        ("13.2.2023", "write 2023-02-13 for 13 February 2023"),
        ("31/02/2023", "write YYYY-MM-DD, e.g. 2023-07-10"),
        ("soon", "write YYYY-MM-DD, e.g. 2023-07-10"),
    ],
)
def test_a_day_that_is_written_otherwise_is_told_as_it_must_be_typed(command, written, says):
    assert says in refusal(command("check", "a.yaml", "--as-of", written))


def test_python_hears_of_arguments_and_the_command_of_options(command, case):
    with pytest.raises(ForecastError, match=r"^`overrides` sampler\.drawz: unknown key") as refused:
        load_config(case(), ["sampler.drawz=5"])
    assert "--" not in str(refused.value)
    assert on_command_line(str(refused.value)).startswith("--set sampler.drawz: unknown key")
    assert on_command_line("use `allow_unconverged`") == "use --allow-unconverged"


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "folder"])
def test_only_plain_files_are_read(tmp_path, kind):
    path = Path("/dev/zero")
    if kind == "pipe":
        path = tmp_path / "pipe.svg"
        os.mkfifo(path)
    elif kind == "folder":
        path = tmp_path
    for read in (read_logo, refuse_no_font, load_scenario, load_config, read_events):
        with pytest.raises(ForecastError, match=r"plain file|regular file|directory|folder"):
            read(path)
    for use in (open_ledger, refuse_unusable, lambda place: write_ledger(place).__enter__()):
        with pytest.raises(ForecastError, match=r"no ledger|plain file|directory|folder"):
            use(path)


def test_foreign_text_on_a_terminal_is_cut_and_escaped():
    assert shown("\x1b[31mred\x07\u202e\ud800\n") == "\\x1b[31mred\\x07\\u202e\\ud800\\n"
    assert shown("x" * 100) == "x" * 60 + "…"
    message = safe_lines("first\nsec\x1b[2Jond\n" + "y" * 5_000_000)
    assert message.split("\n")[:2] == ["first", "sec\\x1b[2Jond"]
    assert len(message) < 3_000
    many = safe_lines("\n".join(f"fault {number}" for number in range(52)))
    assert (many.count("\n"), many.splitlines()[-1]) == (50, "and 2 more lines")


def test_cells_that_a_spreadsheet_would_calculate_are_text_and_read_back_unchanged(tmp_path):
    given = ['=HYPERLINK("x")', "+1", "-1", "@x", "\tx", "plain", "'tis", "'=x", "''=x", "'"]
    written = ["'" + cell for cell in given[:5]] + ["plain", "'tis", "''=x", "'''=x", "'"]
    text = csv_text([["summary"], *([cell] for cell in given), [-1.5]])
    assert [row[0] for row in csv.reader(text.splitlines())] == ["summary", *written, "-1.5"]
    assert [plain(inert(cell)) for cell in given] == given
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    read = [row["summary"] for row in read_rows(tmp_path / "rows.csv", ["summary"], help="")]
    assert read == [*map(str.strip, given), "-1.5"]


def forecast(*arguments: object, **how) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "forecast", *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, timeout=120, cwd=ROOT, **how)


def test_an_output_that_cannot_be_written_is_one_message_and_a_closed_one_none(tmp_path):
    with Path("/dev/full").open("w") as full:
        ended = forecast("schema", "config", stdout=full)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1)
    assert b"the answer cannot be written (No space left on device)" in ended.stderr
    reader, writer = os.pipe()
    os.close(reader)
    ended = forecast("schema", "config", stdout=writer)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_what_a_system_will_not_open_or_encode_is_bad_input(case, command, tmp_path, monkeypatch):
    line = refusal(command("run", case(), "--out", "x" * 300))
    assert "File name too long" in line
    line = refusal(command("priors", case(), "--explain", os.fsdecode(b"tension\xff")))
    assert "unknown prior" in line
    monkeypatch.setattr(
        "forecast.cli.app.app", lambda **_: (_ for _ in ()).throw(PermissionError(13, "no", "f"))
    )
    line = refusal(command("check", case()))
    assert line == "forecast: f: cannot be used (no). Check path and permissions"


def test_a_workbook_is_read_whatever_it_is_called(case, command):
    openpyxl = pytest.importorskip("openpyxl")
    path = case(config=("events.csv", "events.txt"))
    book = openpyxl.Workbook()
    for row in csv.reader((path.parent / "events.csv").read_text().splitlines()):
        book.active.append(row)
    book.save(path.parent / "events.xlsx")
    (path.parent / "events.xlsx").rename(path.parent / "events.txt")
    ended = command("check", path)
    assert (ended.code, "4 events" in ended.out) == (0, True)


def test_json_has_no_infinity(capsys):
    print_answer(True, '{"a": Infinity, "b": NaN, "c": 1.5}', ())
    assert json.loads(capsys.readouterr().out) == {"a": "Infinity", "b": "NaN", "c": 1.5}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("NUMBA_CACHE_DIR", "OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))"),
        ("TMPDIR", "FileNotFoundError(errno.ENOENT, 'No usable temporary directory found')"),
    ],
)
def test_a_full_disk_is_named(tmp_path, name, error):
    code = f"""
import errno, os, shutil, sys, tempfile, types
import forecast.cli.app
def fail(**_):
    raise {error}
forecast.cli.app.app = tempfile.gettempdir = fail
shutil.disk_usage = lambda folder: types.SimpleNamespace(free=10 if folder == {str(tmp_path)!r} else 10**9)
forecast.cli.main()
"""
    environment = {**os.environ, name: str(tmp_path)}
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    advice = "no space left. Free some, or name another folder, and run it again"
    assert (ended.returncode, ended.stderr) == (2, f"forecast: {name}={tmp_path}: {advice}\n")


def test_a_terminal_that_lacks_signs_gets_their_numbers(tmp_path):
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    ended = forecast("schema", "config", stdout=subprocess.PIPE, env=environment)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert json.loads(ended.stdout.decode("latin-1"))
    ended = forecast("check", os.fsencode(tmp_path) + b"/\xff.yaml")
    assert ended.returncode == 2
    assert b"\\udcff.yaml: no such file" in ended.stderr
