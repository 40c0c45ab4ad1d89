"""``forecast ledger``: every forecast made, what happened, how good we are."""

from __future__ import annotations

import json as json_text
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.cli import ledger_exchange, ledger_hindcast, ledger_results, ledger_trust
from forecast.cli.ledger_place import Id, LedgerFile, ledger_place
from forecast.cli.options import Json
from forecast.errors import LedgerError

if TYPE_CHECKING:
    from forecast.ledger.book import Book
    from forecast.ledger.entries import ProbabilityEntry

app = typer.Typer(
    name="ledger",
    no_args_is_help=True,
    help="Every forecast on record, what happened, and how good we are.",
)


class StandingChoice(StrEnum):
    """What a forecast can be."""

    OPEN = "open"
    RESOLVED = "resolved"
    VOID = "void"


@app.command("list")
def list_(
    ledger: LedgerFile = None,
    status: Annotated[
        StandingChoice | None, typer.Option("--status", help="Only these.", show_default=False)
    ] = None,
    dyad: Annotated[
        str | None, typer.Option("--dyad", metavar="A-B", help="Only this pair, e.g. USA-CHN.")
    ] = None,
    json: Json = False,
) -> None:
    """List the forecasts on record, with what became of them."""
    from forecast.ledger.store import open_ledger

    book = open_ledger(ledger_place(ledger))
    if dyad and not any(question.is_about(dyad) for question in book.questions.values()):
        known = sorted({question.pair for question in book.questions.values()})
        raise LedgerError(
            f"--dyad: nothing on record is about '{dyad}'. On record: {', '.join(known) or 'none'}"
        )
    chosen = [
        entry
        for entry in book.answers
        if (status is None or book.standing(entry) == status) and (not dyad or entry.question.is_about(dyad))
    ]
    if json:
        forecasts = [_summary(book, entry) for entry in chosen]
        typer.echo(json_text.dumps({"ledger": book.path, "head": book.head, "forecasts": forecasts}))
        return
    from forecast.cli.ledger_lines import list_lines
    from forecast.cli.score_lines import print_lines

    print_lines(list_lines(book, chosen))


@app.command()
def show(entry: Id, ledger: LedgerFile = None, json: Json = False) -> None:
    """Show one forecast with everything that was recorded about it."""
    from forecast.ledger.store import open_ledger

    book = open_ledger(ledger_place(ledger))
    found = book.find(entry)
    if json:
        typer.echo(json_text.dumps(_everything(book, found)))
        return
    from forecast.cli.ledger_lines import show_lines
    from forecast.cli.score_lines import print_lines

    print_lines(show_lines(book, found))


def _summary(book: Book, entry: ProbabilityEntry) -> dict[str, Any]:
    resolution = book.resolution_of(entry.question.id)
    content = entry.model_dump(mode="json", exclude={"provenance"})
    outcome = resolution.outcome if resolution else None
    return content | {
        "question_id": entry.question.id,
        "standing": book.standing(entry),
        "outcome": outcome,
        "imported": bool(entry.provenance),
    }


def _everything(book: Book, subject: str) -> dict[str, Any]:
    """A record with its place in the chain, or a question with everything on record about it."""
    if subject not in book:
        question = book.questions[subject]
        answers = (one for one in book.answers if one.question.id == subject)
        return {
            "question_id": subject,
            "question": question.model_dump(mode="json"),
            "forecasts": [_summary(book, one) for one in answers],
            "resolutions": [one.model_dump(mode="json") for one in book.resolutions.get(subject, [])],
        }
    record = book.record(subject)
    content: dict[str, Any] = {
        "sequence": record.sequence,
        "hash": record.hash,
        "recorded_on": record.recorded_on.isoformat(),
        "clock_behind_s": record.clock_behind_s,
        "entry": record.entry.model_dump(mode="json"),
    }
    if record.entry.kind in ("forecast", "judgement"):
        content["question_id"] = record.entry.question.id
        content["standing"] = book.standing(record.entry)
        content["resolutions"] = [
            one.model_dump(mode="json") for one in book.resolutions.get(record.entry.question.id, [])
        ]
    return content


app.command("verify")(ledger_trust.verify)
app.command("resolve")(ledger_results.resolve)
app.command("void")(ledger_trust.void)
app.command("score")(ledger_results.score)
app.command("export")(ledger_exchange.export)
app.command("import")(ledger_exchange.import_)
app.command("hindcast")(ledger_hindcast.hindcast)
