"""``forecast ledger verify`` and ``stamp``: whether a ledger, and its runs, are as they were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.cli.options import LEDGER, Answer, ledger_place, option, takes_options
from forecast.cli.terminal import Part, line, text
from forecast.errors import InputError, LedgerError
from forecast.wording import count

if TYPE_CHECKING:
    from forecast.ledger.runs_on_record import RunOnRecord
    from forecast.ledger.stamping import Stamp

_FEWEST_DIGITS = 8
"""Of a head: fewer could be met by chance."""


@takes_options
def verify(
    ledger: Path | None = LEDGER,
    head: str | None = option(None, "--head", "A head noted earlier; it must still be in the chain.", "HASH"),
    *,
    answer: Answer,
) -> None:
    """Check that nothing was altered, removed or moved, in the ledger and in the runs that it knows.

    Checks the file and its tables, the chain of records, and each run folder against the hash of its manifest
    on record; names the first bad record and every altered run. Exit code 2 if there is one.
    """
    from forecast.ledger.book import check_chain
    from forecast.ledger.runs_on_record import check_runs
    from forecast.ledger.stamping import read_stamps
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
    stamps = list(read_stamps(book, path)) if fault is None else []
    lost = [one for one in stamps if one.record is None]
    sound = not damage and fault is None and (head is None or place is not None) and not altered and not lost
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
        "stamps": [_stamp_facts(one) for one in stamps],
    }
    said = [f"{path}: {count(len(book), 'record')}, chain unbroken."]
    if place:
        said.append(f"The stated head is record {place}; {count(len(book) - place, 'record')} since.")
    if marked:
        shown = ", ".join(map(str, marked[:10])) + (" …" if len(marked) > 10 else "")
        said.append(f"The clock stood behind an earlier record at: {shown}.")
    said += _run_lines(runs)
    said.append(f"Head {book.head}")
    said += _stamp_lines(stamps, len(book))
    answer.print(content, map(_shown, said if sound else ()))
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
    if lost:
        raise LedgerError(
            f"{path}: the chain is unbroken, but {lost[0].file.name} stamps a head that is not in it: the "
            "chain was rewritten or cut off since, or the stamps are of another ledger"
        )
    if altered:
        listed = "\n".join(f"  {one.folder}: {one.why}" for one in altered)
        raise LedgerError(
            f"{path}: the chain is unbroken, but {count(len(altered), 'run')} on record was altered since:\n"
            f"{listed}\nDo not use these folders; run the forecasts again, or put back copies"
        )


def _shown(words: str) -> Part:
    """A text that fits the terminal; what is copied or noted, a command or a head, stays on one line."""
    return line(words) if words.startswith(("Head ", "Check ", "Stamped", "Waits")) else text(words)


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


def _stamp_facts(stamp: Stamp) -> dict[str, object]:
    time = stamp.time.isoformat() if stamp.time else None
    return {"head": stamp.head, "record": stamp.record, "time": time, "file": str(stamp.file)}


def _stamp_lines(stamps: Sequence[Stamp], records: int) -> Iterator[str]:
    """What the stamps prove, and what is not proved without one."""
    answered = [one for one in stamps if one.time is not None and one.record is not None]
    if waits := len(stamps) - len(answered):
        yield f"{count(waits, 'stamp')} asked for and not answered: 'ledger stamp --service URL' sends them."
    if not answered:
        yield (
            "No stamp: whoever holds the file could have rewritten all of it. Note the head elsewhere "
            "('verify --head' compares), or have it stamped: forecast ledger stamp."
        )
        return
    last = max(answered, key=lambda one: one.record or 0)
    since = records - (last.record or 0)
    yield f"Record {last.record} was stamped on {last.time:%Y-%m-%d %H:%M:%S} UTC; {since} since."
    yield f"Check the signature: openssl ts -verify -digest {last.head} -in {last.file} -CAfile SERVICE.pem"


@takes_options
def stamp(
    ledger: Path | None = LEDGER,
    service: str | None = option(None, "--service", "Address of a time-stamp service (RFC 3161).", "URL"),
    response: Path | None = option(None, "--response", "Take an answer fetched by other means.", "FILE"),
    *,
    answer: Answer,
) -> None:
    """Have the head signed with the time by a service of your choice, so that nobody can rewrite the past.

    Only the head, a hash, is sent. Without --service, or offline, the request waits in FILE.stamps beside the
    ledger, and the next call sends it.
    """
    from forecast.ledger import stamping
    from forecast.ledger.store import open_ledger
    from forecast.storage import read_plain

    path = ledger_place(ledger)
    book = open_ledger(path)
    request = stamping.make_request(book, path)
    answers = []
    if response is not None:
        try:
            content = read_plain(response, stamping.MAX_ANSWER_BYTES)
        except OSError as error:
            raise InputError(f"--response {response}: cannot be read ({error.strerror or error})") from error
        answers = [stamping.take_answer(request, content, str(response))]
    elif service is not None:
        answers = stamping.send_waiting(path, service)
    stamps = list(stamping.read_stamps(book, path))
    facts = {"ledger": str(path), "head": book.head, "stamps": [_stamp_facts(one) for one in stamps]}
    said = [f"Head {book.head}"]
    said += [f"Stamped: {one}" for one in answers]
    said += [f"Waits to be sent: {one}" for one in stamping.waiting(path)]
    said += _stamp_lines(stamps, len(book)) if answers else []
    answer.print(facts, map(_shown, said))
