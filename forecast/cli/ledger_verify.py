"""``forecast ledger verify``: whether a ledger, and the runs that it knows, are as they were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.cli.options import LEDGER, Answer, ledger_place, option, takes_options
from forecast.cli.terminal import line
from forecast.errors import InputError, LedgerError
from forecast.wording import count

if TYPE_CHECKING:
    from forecast.ledger.runs_on_record import RunOnRecord

_FEWEST_DIGITS = 8
"""Of a head: fewer could be met by chance."""


@takes_options
def verify(
    ledger: Path | None = LEDGER,
    head: str | None = option(None, "--head", "A head noted earlier; it must still be in the chain.", "HASH"),
    *,
    answer: Answer,
) -> None:
    """Prove that nothing was altered, removed or moved, in the ledger and in the runs that it knows.

    Checks the file and its tables, the chain of records, and each run folder against the hash of its manifest
    on record; names the first bad record and every altered run. Exit code 2 if there is one.
    """
    from forecast.ledger.book import check_chain
    from forecast.ledger.runs_on_record import check_runs
    from forecast.ledger.store import integrity_faults, read_links

    path = ledger_place(ledger)
    stated = None if head is None else head.strip().lower()
    if stated is not None and len(stated) < _FEWEST_DIGITS:
        raise InputError(
            f"--head: '{head}' is too short to prove anything. Give at least {_FEWEST_DIGITS} digits of it"
        )
    links = read_links(path)
    damage = integrity_faults(path)
    checked = check_chain(str(path), links)
    book, fault = checked.book, checked.fault
    place = next((link.sequence for link in links if stated and link.hash.startswith(stated)), None)
    runs = list(check_runs(book, path)) if fault is None else []
    altered = [one for one in runs if one.state == "altered"]
    sound = not damage and fault is None and (head is None or place is not None) and not altered
    marked = [record.sequence for record in book.records if record.clock_behind_s]
    content = {
        "ledger": str(path),
        "sound": sound,
        "records": len(links),
        "head": book.head,
        "fault": None if fault is None else {"record": fault.sequence, "reason": fault.reason},
        "damage": damage,
        "stated_head_at": place,
        "clock_set_back_at": marked,
        "runs": [vars(one) for one in runs],
    }
    said = [f"{path}: {count(len(book), 'record')}, chain unbroken."]
    if place:
        said.append(f"The stated head is record {place}; {count(len(book) - place, 'record')} since.")
    if marked:
        shown = ", ".join(map(str, marked[:10])) + (" …" if len(marked) > 10 else "")
        said.append(f"The clock stood behind an earlier record at: {shown}.")
    said += _run_lines(runs)
    said.append(f"Head {book.head}")
    if head is None:
        said.append("Note the head elsewhere: 'verify --head' then shows records cut off at the end, too.")
    answer.print(content, map(line, said if sound else ()))
    if fault:
        raise LedgerError(
            f"{path}: record {fault.sequence} {fault.reason}. {count(fault.sequence - 1, 'record')} before "
            "it can be trusted, it and what follows cannot"
        )
    if damage:
        raise LedgerError(
            f"{path}: the chain is unbroken, but the file is not as it was made: {'; '.join(damage)}. Put "
            "back a copy"
        )
    if head is not None and place is None:
        raise LedgerError(
            f"{path}: {head} is not in the chain, which holds {count(len(book), 'record')}: records were cut "
            "off at its end, or it is another ledger"
        )
    if altered:
        listed = "\n".join(f"  {one.folder}: {one.why}" for one in altered)
        raise LedgerError(
            f"{path}: the chain is unbroken, but {count(len(altered), 'run')} on record was altered since:\n"
            f"{listed}\nDo not use these folders; run the forecasts again, or put back copies"
        )


def _run_lines(runs: Sequence[RunOnRecord]) -> Iterator[str]:
    """What was found of the runs on record, in lines; nothing where none is known."""
    meanings = {
        "as recorded": "as recorded",
        "not here": "not found, so not checked",
        "replaced": "replaced by another run, so not checked",
    }
    for state, meaning in meanings.items():
        number = sum(one.state == state for one in runs)
        if number:
            yield f"{count(number, 'run folder')}: {meaning}."
