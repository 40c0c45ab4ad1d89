"""Whether a ledger and its runs are as they were made, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from forecast.blocks import Block, Prose, Verbatim
from forecast.errors import InputError, RunFolderError
from forecast.ledger.chain import Ledger, check_chain
from forecast.ledger.entries import RunEntry
from forecast.ledger.store import integrity_faults, read_links
from forecast.runs import files
from forecast.runs.folder import read_manifest, refuse_changed_files, run_hash
from forecast.wording import count

FEWEST_HEAD_DIGITS = 8
"""Fewer could be met by chance."""


_RUN_STATES = {
    "as recorded": "as recorded",
    "not here": "not found, so not checked",
    "replaced": "replaced by another run, so not checked",
}


@dataclass(frozen=True)
class RunOnRecord:
    """A run folder: what the ledger says of it, and what became of it. ``why`` says how it was altered."""

    run_id: str
    folder: str
    state: Literal["as recorded", "altered", "not here", "replaced"]
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was checked: ``ledger`` goes up to the first bad record, ``fault`` says why it is bad.

    ``n_records`` counts what is in the file, ``stated_at`` is the record with the head that was asked about.
    Runs are not looked at where the chain is broken.
    """

    ledger: Ledger
    n_records: int
    fault: str
    damage: list[str]
    stated_head: str | None
    stated_at: int | None
    runs: list[RunOnRecord]

    @property
    def clock_set_back_at(self) -> list[int]:
        """Records made when the clock stood behind an earlier one."""
        return [record.sequence for record in self.ledger.records if record.clock_behind_s]

    @property
    def error(self) -> str:
        """The gravest that is wrong, in a message; empty where nothing is."""
        path, records = self.ledger.path, count(len(self.ledger), "record")
        unbroken = f"{path}: the chain is unbroken, but"
        if self.fault:
            return (
                f"{path}: record {len(self.ledger) + 1} {self.fault}. {records} before it can be trusted, it "
                "and what follows cannot"
            )
        if self.damage:
            return f"{unbroken} the file is not as it was made: {'; '.join(self.damage)}. Put back a copy"
        if self.stated_head is not None and self.stated_at is None:
            return (
                f"{path}: {self.stated_head} is not in the chain, which holds {records}: records were cut "
                "off at its end, or it is another ledger"
            )
        if altered := [f"  {run.folder}: {run.why}" for run in self.runs if run.state == "altered"]:
            listed = "\n".join(altered)
            return (
                f"{unbroken} {count(len(altered), 'run')} on record was altered since:\n{listed}\nDo not use "
                "these folders; run the forecasts again, or put back copies"
            )
        return ""

    @property
    def facts(self) -> dict[str, object]:
        """Return plain values."""
        fault = {"record": len(self.ledger) + 1, "reason": self.fault}
        return {
            "ledger": self.ledger.path,
            "sound": not self.error,
            "records": self.n_records,
            "head": self.ledger.head,
            "fault": fault if self.fault else None,
            "damage": self.damage,
            "stated_head_at": self.stated_at,
            "clock_set_back_at": self.clock_set_back_at,
            "runs": [vars(run) for run in self.runs],
        }


def verify_ledger(path: Path, head: str | None = None) -> Verified:
    """Check the file and its tables, the chain, and the run folders on record.

    ``head``, noted earlier, must still be in the chain. ``LedgerError`` when there is no ledger to check,
    ``InputError`` when the head is too short.
    """
    stated = "" if head is None else head.strip().lower()
    if head is not None and len(stated) < FEWEST_HEAD_DIGITS:
        raise InputError(
            f"--head: '{head}' is too short to prove anything. Give at least {FEWEST_HEAD_DIGITS} digits of "
            "it"
        )
    links = read_links(path)
    damage = integrity_faults(path)
    ledger, fault = check_chain(str(path), links)
    return Verified(
        ledger=ledger,
        n_records=len(links),
        fault=fault,
        damage=damage,
        stated_head=head,
        stated_at=next((link.sequence for link in links if stated and link.hash.startswith(stated)), None),
        runs=[] if fault else list(check_runs(ledger, path)),
    )


def check_runs(ledger: Ledger, path: Path) -> Iterator[RunOnRecord]:
    """Compare the folder of every run on record with the hash of its manifest.

    A folder that holds another run by now counts as replaced; one that was moved away as not here. A folder
    is looked for where it was, and beside the ledger as ``forecast run`` lays both out.
    """
    hashes: dict[str, set[str]] = {}
    folders: dict[str, str] = {}
    for record in ledger.records:
        if isinstance(record.entry, RunEntry) and not record.entry.provenance:
            hashes.setdefault(record.entry.run_id, set()).add(record.entry.manifest_sha256)
            folders[record.entry.run_id] = record.entry.run_folder
    for run_id, recorded in hashes.items():
        folder = Path(folders[run_id])
        beside = path.absolute().parent.joinpath(*folder.parts[-2:])
        place = next((place for place in (beside, folder) if (place / files.MANIFEST).is_file()), None)
        if place is None:
            yield RunOnRecord(run_id, folders[run_id], "not here")
        else:
            yield _compared(run_id, place, recorded)


def _compared(run_id: str, place: Path, recorded: set[str]) -> RunOnRecord:
    try:
        if read_manifest(place).get("run_id") != run_id:
            return RunOnRecord(run_id, str(place), "replaced")
        refuse_changed_files(place, advice="")
        if run_hash(place) not in recorded:
            return RunOnRecord(run_id, str(place), "altered", "its manifest is not the one on record")
    except RunFolderError as error:
        return RunOnRecord(run_id, str(place), "altered", str(error))
    return RunOnRecord(run_id, str(place), "as recorded")


def verified(checked: Verified) -> Iterator[Block]:
    """What was found of a sound ledger and of the runs on record."""
    ledger, stated, marked = checked.ledger, checked.stated_at, checked.clock_set_back_at
    yield Prose(f"{ledger.path}: {count(len(ledger), 'record')}, chain unbroken.")
    if stated:
        yield Prose(f"The stated head is record {stated}; {count(len(ledger) - stated, 'record')} since.")
    if marked:
        places = ", ".join(map(str, marked[:10])) + (" …" if len(marked) > 10 else "")
        yield Prose(f"The clock stood behind an earlier record at: {places}.")
    for state, meaning in _RUN_STATES.items():
        if runs := sum(run.state == state for run in checked.runs):
            yield Prose(f"{count(runs, 'run folder')}: {meaning}.")
    yield Verbatim((f"Head {ledger.head}",))
    yield Prose(
        "Whoever holds the file can rewrite all of it. The head proves something where you cannot change it: "
        "note it elsewhere ('verify --head' compares)."
    )
