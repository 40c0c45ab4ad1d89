import io
import sys
from pathlib import Path

import pytest


@pytest.fixture
def event_file(tmp_path: Path):
    """Write a file named events.csv from text or bytes, and return its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "events.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def command(command, monkeypatch, tmp_path):
    """Run ``forecast events`` in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return lambda *arguments: command("events", *arguments)
