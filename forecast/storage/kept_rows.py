"""Finished rows of a study on disk: one JSON object a line, each with the hash of all that it depends on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecast.errors import InputError

FILE = "rows.jsonl"
_BEGIN = b'{"key": "'
"""How ``keep`` begins a row."""


class KeptRows:
    """The rows in a folder. Rows of other data, settings or code stay in the file and are not read."""

    def __init__(self, folder: Path) -> None:
        """Open or make the folder (``InputError`` when it cannot be written or holds a damaged line)."""
        self._path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_bytes().splitlines(keepends=True) if self._path.is_file() else []
            # The last line of a study that was killed while it wrote.
            torn = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
            self._rows = dict(self._read(number, line) for number, line in enumerate(lines, start=1))
            if torn:
                if torn[: len(_BEGIN)] != _BEGIN[: len(torn)]:
                    raise self._damaged(len(lines) + 1, "it does not begin as one")
                with self._path.open("r+b") as file:
                    file.truncate(sum(map(len, lines)))
            self._path.touch()
        except OSError as error:
            raise InputError(f"--keep {folder}: cannot be used ({error.strerror or error})") from error

    def _read(self, number: int, line: bytes) -> tuple[str, dict[str, Any]]:
        try:
            content = json.loads(line)
            return content["key"], content["row"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(number, str(error)) from error

    def _damaged(self, number: int, fault: str) -> InputError:
        return InputError(
            f"{self._path}:{number}: is no row of a study ({fault}). Delete the line, or name another folder"
        )

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, key: str) -> dict[str, Any] | None:
        """Return the row of that key, if it is there."""
        return self._rows.get(key)

    def keep(self, key: str, row: Mapping[str, Any]) -> None:
        """Append a finished row (``InputError`` when the disk is full or not writable)."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "row": row}) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written ({error.strerror or error})") from error
