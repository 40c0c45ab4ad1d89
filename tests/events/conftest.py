import io
import sys
from pathlib import Path

import pytest

from forecast.events.reading import load_events
from forecast.events.table import EventTable

HEADER = "date,initiator,target,category,severity"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    return Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.fixture(scope="session")
def us_china() -> EventTable:
    return load_events("bundled:us-china", Path())


@pytest.fixture
def event_file(tmp_path: Path):
    """Write a file named events.csv from text or bytes, and return its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "events.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def command(monkeypatch, tmp_path, capsys):
    """Run ``forecast events`` in an empty folder: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        from forecast.cli import main

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["forecast", "events", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run
