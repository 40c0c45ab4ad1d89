"""Whether the run folders that a ledger knows are as they were when their forecasts went on record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from forecast.errors import RunFolderError
from forecast.ledger.book import Book
from forecast.ledger.entries import RunEntry
from forecast.runs import files
from forecast.runs.folder import read_manifest, refuse_changed_files, run_hash

State = Literal["as recorded", "altered", "not here", "replaced"]


@dataclass(frozen=True)
class RunOnRecord:
    """A run folder: what the ledger says of it, and what was found. ``why`` says how it was altered."""

    run_id: str
    folder: str
    state: State
    why: str = ""


def check_runs(book: Book, ledger: Path) -> Iterator[RunOnRecord]:
    """Compare the folder of every run on record with the hash of its manifest.

    A folder that holds another run by now counts as replaced; one that was moved away as not here. A folder
    is looked for where it was, and beside the ledger as ``forecast run`` lays both out.
    """
    hashes: dict[str, set[str]] = {}
    places: dict[str, str] = {}
    for record in book.records:
        if isinstance(record.entry, RunEntry) and not record.entry.provenance:
            hashes.setdefault(record.entry.run_id, set()).add(record.entry.manifest_sha256)
            places[record.entry.run_id] = record.entry.run_folder
    for run_id, recorded in hashes.items():
        place = _place(Path(places[run_id]), ledger)
        if place is None:
            yield RunOnRecord(run_id, places[run_id], "not here")
            continue
        yield _compared(run_id, place, recorded)


def _place(folder: Path, ledger: Path) -> Path | None:
    beside = ledger.absolute().parent.joinpath(*folder.parts[-2:])
    return next((place for place in (beside, folder) if (place / files.MANIFEST).is_file()), None)


def _compared(run_id: str, place: Path, recorded: set[str]) -> RunOnRecord:
    try:
        found = read_manifest(place).get("run_id")
        if found != run_id:
            return RunOnRecord(run_id, str(place), "replaced")
        refuse_changed_files(place, advice="")
        if run_hash(place) not in recorded:
            return RunOnRecord(run_id, str(place), "altered", "its manifest is not the one on record")
    except RunFolderError as error:
        return RunOnRecord(run_id, str(place), "altered", str(error))
    return RunOnRecord(run_id, str(place), "as recorded")
