"""What was read already, kept beside the output: an import can be stopped, resumed and extended by new files.

The folder is a cache. It holds the candidate rows of each file and what happened to the others; a change of
the files, of the dyads or of a switch that concerns single rows makes it void.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from forecast.errors import EventError
from forecast.feeds.crosswalk import crosswalk_csv
from forecast.feeds.engine import Tally
from forecast.feeds.options import ImportOptions

VERSION = 3
SETTINGS, JOURNAL, REPORT, VOLUMES = "settings.json", "journal.jsonl", "report.json", "volumes.csv"
MADE = "made-by-import"
"""Marks that the output beside the folder is an import's, and may be replaced by the next."""


@dataclass(frozen=True)
class FileRecord:
    """What became of one file.

    Parameters
    ----------
    key, path : str
        Identity (see ``file_key``), and the file as given.
    lines : int
        Lines with content, without the header.
    tally : Tally
        Fate of every row.
    parts : tuple of str
        Names of the files in the folder that hold its candidates.
    mended : int
        Lines that were not UTF-8.
    """

    key: str
    path: str
    lines: int
    tally: Tally
    parts: tuple[str, ...]
    mended: int = 0


@dataclass
class Journal:
    """The folder beside the output, and the files read so far under the same settings."""

    folder: Path
    records: dict[str, FileRecord] = field(default_factory=dict)
    renewed: bool = False
    """Whether an older folder was void because the settings changed."""

    def add(self, records: Sequence[FileRecord]) -> None:
        """Enter files whose candidates are on disk; from then on they are not read again."""
        with (self.folder / JOURNAL).open("a", encoding="utf-8") as stream:
            for record in records:
                content = asdict(record)
                content["tally"]["actors"] = sorted(record.tally.actors)
                stream.write(json.dumps(content) + "\n")
                self.records[record.key] = record
            stream.flush()
            os.fsync(stream.fileno())

    def discard_if_empty(self) -> None:
        """Remove the folder of an import that came to nothing before it read a file."""
        if not self.records and not (self.folder / MADE).exists():
            shutil.rmtree(self.folder, ignore_errors=True)

    def next_part(self) -> Path:
        """Return the path of a part that does not exist yet."""
        used = [int(path.stem.removeprefix("part-")) for path in self.folder.glob("part-*.parquet")]
        return self.folder / f"part-{max(used, default=0) + 1:06d}.parquet"


def journal_folder(output: Path) -> Path:
    """Return the folder that belongs to an output file."""
    return output.with_name(output.name + ".import")


def file_key(path: Path) -> str:
    """Return the identity of a file: path, size and time of its last change."""
    status = path.stat()
    text = f"{path.resolve()}\x1f{status.st_size}\x1f{status.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_owner(output: Path) -> None:
    """Refuse to replace an event file that no import made.

    Raises
    ------
    EventError
        The output is there and is not an import's.
    """
    if output.exists() and not (journal_folder(output) / MADE).is_file():
        raise EventError(f"-o {output}: is there already, and not made by an import. Choose another name")


def open_journal(output: Path, options: ImportOptions, *, fresh: bool) -> Journal:
    """Return the journal of an output, with what was read before under the same settings.

    Raises
    ------
    EventError
        The folder cannot be made, or is not one of ours.
    """
    folder = journal_folder(output)
    settings = _settings(options)
    try:
        held = _read_settings(folder)
        renewed = held is not None and held != settings
        made = (folder / MADE).is_file()
        if held is not None and (fresh or renewed):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if made:
            (folder / MADE).touch()
        if not (folder / SETTINGS).exists():
            (folder / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
    except OSError as error:
        raise EventError(f"{folder}: cannot be used: {error.strerror or error}") from error
    return Journal(folder, _read_records(folder), renewed=renewed and not fresh)


def _read_settings(folder: Path) -> dict[str, Any] | None:
    if not folder.exists():
        return None
    path = folder / SETTINGS
    if not path.is_file():
        if any(folder.iterdir()):
            raise EventError(f"{folder}: not made by an import, and in the way of one. Move it away")
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return content


def _read_records(folder: Path) -> dict[str, FileRecord]:
    path = folder / JOURNAL
    records: dict[str, FileRecord] = {}
    if not path.is_file():
        return records
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            content = json.loads(line)
            held = content.pop("tally")
            tally = Tally(**{**held, "actors": set(held["actors"])})
            record = FileRecord(tally=tally, **{**content, "parts": tuple(content["parts"])})
        except (ValueError, KeyError, TypeError):
            continue  # the line that a crash cut short: its file is read again
        if all((folder / name).is_file() for name in record.parts):
            records[record.key] = record
    return records


def _settings(options: ImportOptions) -> dict[str, Any]:
    """Return what a row's fate depends on; switches of the last stage can change without reading again."""
    layout, switches = options.layout, options.switches.to_dict()
    for name in ("repeat_days", "ignore_place", "cap_per_day", "normalise", "seed"):
        switches.pop(name)
    content = json.dumps([layout.name, layout.system, layout.columns, dict(layout.fields)])
    return {
        "version": VERSION,
        "layout": hashlib.sha256(content.encode()).hexdigest(),
        "crosswalk": hashlib.sha256(crosswalk_csv(options.crosswalk).encode()).hexdigest(),
        "dyads": sorted(sorted(dyad) for dyad in options.dyads),
        "switches": switches,
    }
