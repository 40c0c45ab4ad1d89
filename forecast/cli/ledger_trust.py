"""``forecast ledger verify`` and ``void``: what can be trusted, and what does not count."""

from __future__ import annotations

import json as json_text
from typing import Annotated

import typer

from forecast.cli.ledger_place import Id, LedgerFile, ledger_place
from forecast.cli.options import Json
from forecast.errors import InputError, LedgerError

_FEWEST_DIGITS = 8
"""Of a head: fewer could be met by chance."""


def verify(
    ledger: LedgerFile = None,
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="HASH",
            help="A head noted earlier; it must still be in the chain.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Prove that nothing was altered, removed or moved; name the first bad record. Exit code 2 if one is."""
    from forecast.ledger.book import check_chain
    from forecast.ledger.store import read_links
    from forecast.wording import count

    path = ledger_place(ledger)
    stated = None if head is None else head.strip().lower()
    if stated is not None and len(stated) < _FEWEST_DIGITS:
        raise InputError(
            f"--head: '{head}' is too short to prove anything. Give at least {_FEWEST_DIGITS} digits of it"
        )
    links = read_links(path)
    checked = check_chain(str(path), links)
    book, fault = checked.book, checked.fault
    place = next(
        (link.sequence for link in links if head and link.hash.startswith(head.strip().lower())), None
    )
    if head is not None and len(head.strip()) < 8:
        raise InputError(
            f"--head: '{head}' is too short to prove anything. Give at least 8 digits of the hash"
        )
    sound = fault is None and (head is None or place is not None)
    marked = [record.sequence for record in book.records if record.clock_behind_s]
    if json:
        content = {
            "ledger": str(path),
            "sound": sound,
            "records": len(links),
            "head": book.head,
            "fault": None if fault is None else {"record": fault.sequence, "reason": fault.reason},
            "stated_head_at": place,
            "clock_set_back_at": marked,
        }
        typer.echo(json_text.dumps(content))
    if fault:
        raise LedgerError(
            f"{path}: record {fault.sequence} {fault.reason}. {count(fault.sequence - 1, 'record')} before "
            "it can be trusted, it and what follows cannot"
        )
    if not sound:
        raise LedgerError(
            f"{path}: {head} is not in the chain, which holds {count(len(book), 'record')}: records were cut "
            "off at its end, or it is another ledger"
        )
    if json:
        return
    typer.echo(f"{path}: {count(len(book), 'record')}, chain unbroken.")
    if place:
        typer.echo(f"The stated head is record {place}; {count(len(book) - place, 'record')} since.")
    if marked:
        shown = ", ".join(map(str, marked[:10])) + (" …" if len(marked) > 10 else "")
        typer.echo(f"The clock stood behind an earlier record at: {shown}.")
    typer.echo(f"Head {book.head}")
    if head is None:
        typer.echo("Note the head elsewhere: 'verify --head' then shows records cut off at the end, too.")


def void(
    entry: Id,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why it does not count.", show_default=False)
    ],
    ledger: LedgerFile = None,
    json: Json = False,
) -> None:
    """Declare a forecast, or a question with all its forecasts, void. It stays on record with the reason."""
    from forecast.ledger.entries import VoidEntry, with_id
    from forecast.ledger.store import open_ledger, write_ledger

    path = ledger_place(ledger)
    if not reason.strip():
        raise InputError("--reason: is empty. Say why it does not count; the reason is shown for good")
    subject = open_ledger(path).find(entry)
    with write_ledger(path) as writer:
        book = writer.book
        if subject in book and book.record(subject).entry.kind in ("resolution", "void"):
            raise LedgerError(
                f"'{entry}' is a {book.record(subject).entry.kind}. Give a forecast or a question"
            )
        if subject in book.voids:
            raise LedgerError(f"'{entry}' is void already: {book.voids[subject].reason}")
        added = with_id(VoidEntry, subject=subject, reason=reason.strip())
        writer.append(added)
    if json:
        typer.echo(json_text.dumps({"id": added.id, "subject": subject, "reason": added.reason}))
    else:
        typer.echo(f"Void: {subject[:10]} ({added.reason}).")
