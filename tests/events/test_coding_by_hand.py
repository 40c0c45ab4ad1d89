"""``forecast events code``: one event, checked as reading checks, and a file that loses nothing."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.errors import EventError
from forecast.events.coding import add_event, code_event, new_id, open_event_file
from forecast.events.reading import read_events, write_events

ROOT = Path(__file__).resolve().parents[2]
CELLS = {
    "date": "2023-02-04",
    "initiator": "USA",
    "target": "CHN",
    "category": "military_incident",
    "severity": "4",
    "summary": "Balloon shot down, off the coast",
}
OPTIONS = [part for name, text in CELLS.items() for part in (f"--{name}", text)]


def test_what_was_coded_is_what_is_read(tmp_path):
    path = tmp_path / "new.csv"
    file = open_event_file(path)
    coded = code_event(CELLS, file)
    add_event(file, coded)
    assert list(read_events(path).rows()) == [coded.event]
    assert coded.event.id == "usa-chn-20230204-01"
    assert coded.event.known_date == coded.event.date
    assert not coded.event.verified


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_byte_of_the_rows_there_are_stays(tmp_path, end, encoding):
    path = tmp_path / "mine.csv"
    head = "x_note,severity,category,target,initiator,date,id,summary,cameo,verified"
    row = '"my own, note",2,visit,CHN,USA,2023-01-01,first,"He said ""yes""",042,yes'
    before = end.join([head, row]).encode(encoding)
    path.write_bytes(before)
    file = open_event_file(path)
    add_event(file, code_event(CELLS, file))
    after = path.read_bytes()
    assert after.startswith(before)
    table = read_events(path)
    assert table.id.tolist() == ["first", "usa-chn-20230204-01"]
    assert after.decode(encoding).endswith(f"no{end}")


def test_a_column_that_is_needed_is_added_and_the_others_keep_their_cells(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("date,initiator,target,category,severity,x_note\n2023-01-01,USA,CHN,visit,2,kept\n")
    old = read_events(path)
    file = open_event_file(path)
    add_event(file, code_event(CELLS | {"known_date": "2023-02-06"}, file))
    lines = path.read_text().splitlines()
    assert lines[0] == "date,initiator,target,category,severity,x_note,id,known_date,summary"
    assert lines[1] == "2023-01-01,USA,CHN,visit,2,kept,,,"
    new = read_events(path)
    assert new.id[0] == old.id[0], "the id that the reader makes of a row does not change"
    assert str(new.known_date[1]) == "2023-02-06"


def test_ids_count_up_and_keep_the_order_the_file_names_a_pair_in():
    from datetime import date

    day = date(2023, 2, 4)
    assert new_id("USA", "CHN", day, ["usa-chn-20230204-01"]) == "usa-chn-20230204-02"
    assert new_id("CHN", "USA", day, ["usa-chn-20230204-01"]) == "usa-chn-20230204-02"
    assert new_id("CHN", "USA", day, []) == "chn-usa-20230204-01"


def test_all_that_is_missing_or_wrong_is_told_at_once_and_nothing_is_made(command, tmp_path):
    code, out, err = command(
        "code", "new.csv", "--date", "2023-02-30", "--initiator", "CHN", "--category", "sanctoin"
    )
    assert (code, out) == (2, "")
    assert "new.csv: date: 2023-02-30 is not in the calendar" in err
    assert "new.csv: target: missing. It is required" in err
    assert "new.csv: severity: missing" in err
    assert "Did you mean 'sanction'?" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"known_date": "2023-02-03"}, "known_date: 2023-02-03 is before date 2023-02-04"),
        ({"target": "USA"}, "initiator and target are both 'USA'"),
        ({"source_url": "javascript:1"}, "is not a web address"),
        ({"cameo": "42"}, "did you mean '042'"),
        ({"id": "taken"}, "'taken' is used in the file already"),
        ({"verified": "maybe"}, "Allowed: yes, no"),
    ],
)
def test_an_event_is_refused_by_the_rules_of_reading(tmp_path, change, message):
    path = tmp_path / "mine.csv"
    path.write_text(
        "id,date,initiator,target,category,severity,verified\ntaken,2023-01-01,USA,CHN,visit,2,no\n"
    )
    with pytest.raises(EventError, match=re.escape(message)):
        code_event(CELLS | change, open_event_file(path))


def test_a_file_with_faults_is_not_added_to(command, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("date,initiator,target,category,severity\n2023-01-01,USA,CHN,vist,2\n")
    before = path.read_bytes()
    code, _, err = command("code", "mine.csv", *OPTIONS)
    assert code == 2
    assert "mine.csv:2: category: unknown category 'vist'" in err
    assert "Mend the file first" in err
    assert path.read_bytes() == before


def test_a_file_that_says_nothing_of_verification_goes_on_saying_nothing(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("date,initiator,target,category,severity\n2023-01-01,USA,CHN,visit,2\n")
    file = open_event_file(path)
    with pytest.raises(EventError, match="verified: no row of this file says"):
        code_event(CELLS | {"verified": "yes"}, file)
    add_event(file, code_event(CELLS, file))
    assert not read_events(path).has_verified


def test_a_likely_repetition_is_warned_of_and_added(command):
    command("code", "new.csv", *OPTIONS)
    code, out, err = command("code", "new.csv", *OPTIONS, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["event"]["id"] == "usa-chn-20230204-02"
    assert found["duplicates"][0]["ids"] == ["usa-chn-20230204-01", "usa-chn-20230204-02"]
    assert "may be the same event as usa-chn-20230204-01" in err


def test_a_dry_run_touches_nothing(command, tmp_path):
    code, out, _ = command("code", "new.csv", *OPTIONS, "--dry-run")
    assert code == 0
    assert "not written" in out
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "mine.csv"
    path.write_text("date,initiator,target,category,severity\n2023-01-01,USA,CHN,visit,2\n")
    before = path.read_bytes()
    file = open_event_file(path)
    coded = code_event(CELLS, file)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EventError, match="No space left on device"):
        add_event(file, coded)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.csv"]


def test_what_another_wrote_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "mine.csv"
    first, second = open_event_file(path), open_event_file(path)
    add_event(first, code_event(CELLS, first))
    with pytest.raises(EventError, match="was changed while the event was coded"):
        add_event(second, code_event(CELLS, second))
    assert len(read_events(path)) == 1


def test_a_header_without_rows_is_a_file_to_begin_with(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("date,initiator,target,category,severity,x_note\n")
    file = open_event_file(path)
    add_event(file, code_event(CELLS, file))
    assert len(read_events(path)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "date;initiator;target;category;severity\n2020-01-01;USA;CHN;visit;2\n",
        "Date,initiator,target,category,severity\n2020-01-01,USA,CHN,visit,2\n",
    ],
)
def test_nothing_is_added_to_a_file_that_is_not_written_by_the_codebook(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(EventError, match=r"mine.csv: not written by the codebook .* --out NEW.csv"):
        open_event_file(path)
    assert path.read_text() == text


def test_a_country_coded_by_its_name_is_written_as_its_code(tmp_path):
    file = open_event_file(tmp_path / "mine.csv")
    coded = code_event(CELLS | {"initiator": "India", "target": "Pakistan"}, file)
    add_event(file, coded)
    assert coded.cells["initiator"] == "IND"
    assert ",IND,PAK," in (tmp_path / "mine.csv").read_text()


def on_a_terminal(folder: Path, *answers: str, interrupt: bool = False) -> str:
    """Run ``forecast events code new.csv`` with a person at the keyboard; return what was shown."""
    keyboard, terminal = pty.openpty()
    command = [sys.executable, "-m", "forecast", "events", "code", "new.csv"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    running = subprocess.Popen(
        command,
        cwd=folder,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
        # Ignored where the tests themselves run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    os.close(terminal)
    os.write(keyboard, "".join(answers).encode())
    shown, silent_seconds, due = b"", 0, interrupt
    try:
        while silent_seconds < 30:
            if due and b"Towards whom" in shown:
                due = False
                running.send_signal(signal.SIGINT)
            if not select.select([keyboard], [], [], 1.0)[0]:
                silent_seconds += 1
                # One that falls between a question and the reading of its answer is seen at the next.
                due = interrupt
                continue
            try:
                shown += os.read(keyboard, 4096)
            except OSError:  # the terminal is closed when the command ends
                break
        running.wait(timeout=10)
    finally:
        running.kill()
        running.wait()
        os.close(keyboard)
    return shown.decode()


def test_on_a_terminal_it_asks_and_a_wrong_answer_is_asked_again(tmp_path):
    wrong = ("2023-02-30\n",)
    required = ("2023-02-04\n", "USA\n", "CHN\n", "?\n", "visit\n", "?\n", "2\n")
    shown = " ".join(on_a_terminal(tmp_path, *wrong, *required, "\n" * 11, "y\n").split())
    assert "2023-02-30 is not in the calendar" in shown
    assert "In-person visit or meeting of cabinet-level officials" in shown
    assert "A cabinet member travels to the other capital for talks." in shown
    (event,) = read_events(tmp_path / "new.csv").rows()
    assert (str(event.date), event.category, event.severity) == ("2023-02-04", "visit", 2)


def test_a_parquet_file_takes_no_coded_event_and_stays_as_it_was(tmp_path):
    path = tmp_path / "new.csv"
    add_event(open_event_file(path), code_event(CELLS, open_event_file(path)))
    for name in ("events.parquet", "events.csv"):
        write_events(read_events(path), tmp_path / "events.parquet")
        os.replace(tmp_path / "events.parquet", tmp_path / name)
        before = (tmp_path / name).read_bytes()
        with pytest.raises(EventError, match=f"{name}: a Parquet file. Events are coded into CSV files"):
            open_event_file(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before


def test_interrupting_the_questions_writes_nothing(tmp_path):
    shown = on_a_terminal(tmp_path, "2023-02-04\n", "USA\n", interrupt=True)
    assert "interrupted; nothing was written" in shown
    assert list(tmp_path.iterdir()) == []


def test_the_questions_cover_every_column_but_the_id():
    from forecast.cli.events_code import QUESTIONS
    from forecast.events.table import COLUMNS

    assert set(QUESTIONS) == set(COLUMNS) - {"id"}
