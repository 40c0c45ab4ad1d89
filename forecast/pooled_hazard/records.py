"""Records to learn from: folders of event files, a coder each, and the day up to which each was observed."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from forecast.errors import InputError, did_you_mean, shown
from forecast.events.table import EventTable
from forecast.pooled_hazard.learning import Records

COLUMNS = ("file", "observed_until")


def records_of(
    folders: Sequence[tuple[Path, Mapping[str, EventTable]]],
    *,
    coders: Sequence[str] = (),
    ends: Path | None = None,
) -> list[Records]:
    """Put the events of folders, by dyad, together with their coders and ends.

    ``coders`` are names of the folders' coders in their order, the folders' own names where there is none;
    ``ends`` is a file with the columns ``file`` (folder and name) and ``observed_until``.

    Raises ``InputError``: names that are not one for each folder, or not distinct; a file of ends that
    cannot be read, has a bad row, lacks a dyad or ends a record before its last act.
    """
    names = coder_names([folder for folder, _ in folders], coders)
    known = read_ends(ends) if ends else {}
    return [
        Records(name, dyads, _ends_of(folder, dyads, known, ends) if ends else {})
        for (folder, dyads), name in zip(folders, names, strict=True)
    ]


def coder_names(folders: Sequence[Path], coders: Sequence[str]) -> list[str]:
    """Return the name of each folder's coder (``InputError`` unless one each, all distinct)."""
    if coders and len(coders) != len(folders):
        raise InputError(
            f"--coder: got {len(coders)} for {len(folders)} folders. Give one for each, in their order"
        )
    names = list(coders) or [folder.resolve().name for folder in folders]
    for place, name in enumerate(names):
        if not name.strip():
            raise InputError("--coder: got an empty name. Give a name such as KEDS")
        if name in names[:place]:
            raise InputError(
                f"--coder: two folders have the coder {shown(name)!r}. Give each its own name with --coder"
            )
    return names


def read_ends(path: Path) -> dict[str, date]:
    """Read the last observed day of every file (``InputError`` with the line of a bad row)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.DictReader(stream)
            if lines.fieldnames is None or not set(COLUMNS) <= set(lines.fieldnames):
                got = ", ".join(shown(head) for head in lines.fieldnames or ()) or "none"
                raise InputError(f"{path}: got columns {got}; expected {', '.join(COLUMNS)}")
            ends: dict[str, date] = {}
            for row in lines:
                name, day = row["file"] or "", row["observed_until"] or ""
                if name in ends:
                    raise InputError(f"{path}:{lines.line_num}: {shown(name)} appears twice. Keep one row")
                try:
                    ends[name] = date.fromisoformat(day)
                except ValueError as error:
                    raise InputError(
                        f"{path}:{lines.line_num}: observed_until: got {shown(day)!r}; expected a day, "
                        "e.g. 1999-03-31"
                    ) from error
            return ends
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Give a CSV file of ends") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no CSV file in UTF-8 ({error})") from error


def _ends_of(
    folder: Path, dyads: Mapping[str, EventTable], known: dict[str, date], path: Path
) -> dict[str, date]:
    ends = {}
    for name, events in dyads.items():
        file = f"{folder.resolve().name}/{name}.csv"
        if file not in known:
            raise InputError(f"{path}: has no row for {file}.{did_you_mean(file, known)} Add one")
        last: date = events.date.max().item()
        if known[file] < last:
            raise InputError(
                f"{path}: {file} was observed until {known[file]}, but has an act on {last}. Correct the day"
            )
        ends[name] = known[file]
    return ends
