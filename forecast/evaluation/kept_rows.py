"""Finished rows of a study on disk, so that one that was stopped goes on: a JSON object a line.

A key is a hash of all that its row depends on, so that rows of other data, settings or code are not read.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from forecast import __version__
from forecast.errors import InputError, RunFolderError, StoppedError
from forecast.runs.files import PLAN
from forecast.storage import read_plain, remove_stale, write_file
from forecast.storage.reading import MAX_RECORD_BYTES

FILE = "rows.jsonl"
_BEGIN = b'{"key": "'
"""How ``keep`` begins a row."""
_DECISIVE = ("numpy", "nutpie", "numba")
_WITHOUT_NUMBERS = ("cli", "report")

Settings = Mapping[str, object]
"""Plain JSON values by name."""


class KeptRows:
    """The rows in a folder, which is made (``InputError`` if it cannot be, or holds a damaged line).

    ``again`` is how the command goes on that was stopped.
    """

    def __init__(self, folder: Path, again: str = "the same command") -> None:
        self.folder, self._again = folder, again
        self._path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_bytes().splitlines(keepends=True) if self._path.is_file() else []
            # The last line of a study that was killed while it wrote.
            torn = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
            self._rows = dict(self._read(number, line) for number, line in enumerate(lines, start=1))
            if torn:
                if torn[: len(_BEGIN)] != _BEGIN[: len(torn)]:
                    raise self._no_row(len(lines) + 1, "it does not begin as one")
                with self._path.open("r+b") as file:
                    file.truncate(sum(map(len, lines)))
            self._path.touch()
        except OSError as error:
            raise InputError(f"{folder}: cannot keep rows ({error.strerror or error})") from error

    def _read(self, number: int, line: bytes) -> tuple[str, dict[str, Any]]:
        try:
            content = json.loads(line)
            return content["key"], content["row"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._no_row(number, str(error)) from error

    def _no_row(self, number: int, fault: str) -> InputError:
        return InputError(
            f"{self._path}:{number}: is no row of a study ({fault}). Delete the line, then go on with "
            f"{self._again}"
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
            raise InputError(
                f"{self._path}: cannot be written ({error.strerror or error}). Free space, then go on with "
                f"{self._again}"
            ) from error

    def damaged(self, key: str, name: str, error: Exception) -> InputError:
        """Return (not raise) the refusal of a row whose content cannot be read."""
        number = list(self._rows).index(key) + 1
        return InputError(
            f"{self._path}:{number}: the row of {name} is damaged ({error}). Delete the line, then go on "
            f"with {self._again}"
        )

    def stopped(self, done: int, planned: int) -> StoppedError:
        """Return (not raise) what is said when a study is stopped."""
        return StoppedError(
            f"interrupted; {done} of {planned} parts are finished and kept in {self.folder}. Go on with "
            f"{self._again}."
        )


def is_begun(folder: Path) -> bool:
    """Whether a backtest was begun in this folder and not finished."""
    return (folder / PLAN).is_file()


def begin_rows(folder: Path, settings: Settings, *, resume: bool, force: bool = False) -> KeptRows:
    """Begin a folder of rows, or go on with the one that is there (``resume``), or replace it (``force``).

    ``plan.json`` in it holds the ``settings``. ``RunFolderError`` when there is one and neither is given,
    when it was begun with other settings, or when it cannot be written or read.
    """
    plan = folder / PLAN
    # One that died before it had its plan may have left a temporary file.
    remove_stale(folder)
    if folder.exists() and not plan.is_file() and any(folder.iterdir()):
        raise RunFolderError(f"{folder}: is in the way, and is no backtest (it has no {PLAN}). Move it away")
    if plan.is_file() and force and not resume:
        shutil.rmtree(folder)
    if plan.is_file():
        if not resume:
            raise RunFolderError(
                f"{folder}: holds a backtest that was stopped. --resume goes on with it, --force begins anew"
            )
        _refuse_changes(plan, settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not plan.is_file():
            write_file(plan, json.dumps(settings, indent=1) + "\n")
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return KeptRows(folder, "the same command and --resume")


def _refuse_changes(plan: Path, now: Settings) -> None:
    try:
        old = _flat(json.loads(read_plain(plan, MAX_RECORD_BYTES)))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{plan}: cannot be read ({error}). Begin anew with --force") from error
    new = _flat(json.loads(json.dumps(now)))
    changes = [
        f"  {name}: {_short(old.get(name))} then, {_short(new.get(name))} now"
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]
    if changes:
        listed = "\n".join(changes)
        raise RunFolderError(
            f"{plan.parent}: was begun with other settings, so --resume cannot go on with it.\n{listed}\n"
            "Set them back, or begin anew with --force in place of --resume."
        )


def _flat(settings: Settings, prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in settings.items():
        within = _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {}
        flat |= within or {prefix + name: value}
    return flat


def _short(value: object) -> str:
    if value is None:
        return "absent"
    if not isinstance(value, list):
        return str(value)
    if len(value) > 4:
        return f"{len(value)} values from {value[0]} to {value[-1]}"
    return ", ".join(map(str, value)) or "none"


def row_key(*parts: str) -> str:
    """Return the key of a row that depends on these texts, and on code and versions."""
    return hashlib.sha256("\n".join((decisive_versions(), *parts)).encode()).hexdigest()[:20]


@cache
def decisive_versions() -> str:
    """Versions that the numbers depend on, as one text; the package's with a hash of its code and data."""
    libraries = (f"{name} {version(name)}" for name in _DECISIVE)
    code = f"code {content_hash(Path(__file__).parents[1])}"
    return ", ".join((f"python {platform.python_version()}", f"forecast {__version__}", *libraries, code))


def content_hash(package: Path) -> str:
    """Hash of the code of a package and of the data in it, twelve hex digits; not of commands and reports."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        inside = path.relative_to(package).parts
        if path.is_file() and inside[0] not in _WITHOUT_NUMBERS and "__pycache__" not in inside:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
