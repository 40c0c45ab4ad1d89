"""Killed writers, several writers at once, full disks, files that are no ledgers."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from forecast.errors import LedgerError
from forecast.ledger.store import VERSION, check_chain, open_ledger, read_links, refuse_unusable, write_ledger

ROOT = Path(__file__).resolve().parents[2]
WRITER = textwrap.dedent(
    """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from forecast.records.ledger import JudgementEntry, with_id
    from forecast.ledger.store import write_ledger

    name, path, most = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    question = {"dyad": ("CHN", "USA"), "sides": (("CHN",), ("USA",)), "theatre": (),
                "any_of": ("sanction",), "min_severity": 4, "as_of": "2022-01-01", "milestone": "2022-07-01"}
    for number in range(most):
        entry = with_id(JudgementEntry, question=question, forecaster=f"{name} {number}", probability=0.5,
                        made_on=datetime.now(UTC).replace(microsecond=0))
        with write_ledger(path) as ledger:
            ledger.append(entry)
        print(entry.id, flush=True)
    """
)


def start_writer(name: str, path: Path, most: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, name, str(path), str(most)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_writer_killed_at_any_moment_leaves_a_valid_chain_and_loses_nothing_it_reported(case):
    reported: set[str] = set()
    for number in range(1, 5):
        writer = start_writer(f"writer {number}", case.path, 10_000)
        assert writer.stdout is not None
        reported.update(writer.stdout.readline().strip() for _ in range(number))
        writer.send_signal(signal.SIGKILL)
        out, err = writer.communicate()
        assert err == ""
        # The last line may have been cut by the kill.
        reported.update(line for line in out.split("\n")[:-1] if line)
        ledger, fault = check_chain(str(case.path), read_links(case.path))
        assert fault == ""
        assert {one for one in reported if one not in ledger} == set()
    assert len(reported) > 4


@pytest.mark.parametrize("bytes_made", [0, 1])
def test_a_writer_killed_while_it_makes_the_ledger_leaves_one_that_can_be_used(case, entries, bytes_made):
    writer = start_writer("first", case.path, 10_000)
    while not case.path.exists() or case.path.stat().st_size < bytes_made:
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    before = len(case.ledger)
    with write_ledger(case.path) as ledger:
        ledger.append(entries("2022-01-01", {"crisis": {30: 0.1}})[0])
    assert len(case.ledger) == before + 1


def test_writers_at_once_lose_nothing_even_when_they_make_the_ledger(case):
    writers = [start_writer(f"writer {number}", case.path, 15) for number in range(3)]
    ended = [writer.communicate() for writer in writers]
    assert [err for _, err in ended] == ["", "", ""]
    reported = {line for out, _ in ended for line in out.split()}
    assert len(reported) == 45
    assert {record.entry.id for record in case.ledger.records} == reported


def test_a_failure_in_the_middle_leaves_nothing_of_the_transaction(case, entries):
    first, second = entries("2022-01-01", {"crisis": {30: 0.1, 60: 0.2}})

    def stopped_halfway() -> None:
        with write_ledger(case.path) as writer:
            writer.append(first)
            writer.append(second)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        stopped_halfway()
    assert len(case.ledger) == 0


def test_a_full_disk_is_one_message_and_the_ledger_stays_as_it_was(case):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    before = case.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(LedgerError, match=r"ledger\.sqlite: cannot be written .* or give another place"):
            case.record("2022-02-01", {"crisis": {30: 0.25, 60: 0.3}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert case.path.read_bytes() == before
    assert len(case.ledger) == 1


@pytest.fixture
def locked_folder():
    """A ledger in a folder where nothing may be written, and no rights of an administrator."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_file_that_may_only_be_read_is_read_but_not_written(case, entries, locked_folder):
    (entry,) = entries("2022-02-01", {"crisis": {30: 0.25}})
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    path = locked_folder / "ledger.sqlite"
    shutil.copy(case.path, path)
    path.chmod(0o444)
    locked_folder.chmod(0o555)
    ordinary, administrator = (65534, 65534, 0), (0, 0, 0)
    if os.getuid() == 0:
        os.setresuid(*ordinary)
    try:
        assert len(open_ledger(path)) == 1
        with pytest.raises(LedgerError, match=r"cannot be written \(Permission denied\)"):
            refuse_unusable(path)
        readonly = r"cannot be written \(attempt to write a readonly database\)"
        with pytest.raises(LedgerError, match=readonly), write_ledger(path) as writer:
            writer.append(entry)
        with pytest.raises(LedgerError, match=r"cannot be written \(Permission denied\)"):
            refuse_unusable(locked_folder / "new.sqlite")
    finally:
        if os.geteuid() != 0 and os.getresuid()[2] == 0:
            os.setresuid(*administrator)


def test_a_value_larger_than_any_record_is_refused_before_it_is_read(case, monkeypatch):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    with closing(sqlite3.connect(case.path)) as connection, connection:
        connection.execute("DROP TRIGGER records_never_change")
        connection.execute("UPDATE records SET payload = CAST(zeroblob(20000) AS TEXT) WHERE sequence = 1")
    before = case.path.read_bytes()
    with pytest.raises(LedgerError, match="was altered"):
        open_ledger(case.path)
    monkeypatch.setattr("forecast.ledger.store.MAX_VALUE_BYTES", 10_000)
    for use in (open_ledger, lambda path: write_ledger(path).__enter__()):
        with pytest.raises(LedgerError, match=r"more than 10,000 bytes, .* restore it from a backup"):
            use(case.path)
    assert case.path.read_bytes() == before


def sql(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda path: sql(path, f"PRAGMA user_version = {VERSION + 1}"),
            r"newer version \(format 2, this one knows 1\)\. It was left",
        ),
        (
            lambda path: (path.unlink(), sql(path, "CREATE TABLE letters (text)")),
            "is a SQLite file, but no ledger",
        ),
        (
            lambda path: path.write_text("years of work\n" * 100),
            r"is no ledger, or a damaged one \(file is not a database\)",
        ),
    ],
)
def test_what_is_no_ledger_of_this_version_is_refused_and_kept(case, spoil, message):
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    spoil(case.path)
    before = case.path.read_bytes()
    for use in (open_ledger, refuse_unusable, lambda path: write_ledger(path).__enter__()):
        with pytest.raises(LedgerError, match=message):
            use(case.path)
    assert case.path.read_bytes() == before


def test_a_place_is_checked_without_a_trace_and_a_ledger_is_one_file(case):
    folder = case.path.parent
    assert len(refuse_unusable(folder / "new" / "ledger.sqlite")) == 0
    with pytest.raises(LedgerError, match=r"there is no ledger\. 'forecast run' makes one"):
        open_ledger(case.path)
    with pytest.raises(LedgerError, match=r"is a folder\. Give the file of the ledger"):
        refuse_unusable(folder)
    assert list(folder.iterdir()) == []
    case.record("2022-01-01", {"crisis": {30: 0.25}})
    with pytest.raises(LedgerError, match=r"cannot be written \(Not a directory\)"):
        refuse_unusable(case.path / "below.sqlite")
    assert len(case.ledger) == 1
    assert [path.name for path in folder.iterdir()] == ["ledger.sqlite"]
