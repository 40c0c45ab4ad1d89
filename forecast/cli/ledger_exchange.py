"""``forecast ledger export`` and ``import``: chains of colleagues, tables for other tools, answers."""

from __future__ import annotations

import json as json_text
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.ledger_place import LedgerFile, ledger_place
from forecast.cli.options import Json, Quiet


class ExportFormat(StrEnum):
    """What can be written."""

    JSONL = "jsonl"
    HUBVERSE = "hubverse"
    HUBVERSE_OUTCOMES = "hubverse-outcomes"
    QUESTIONS = "questions"


class ImportFormat(StrEnum):
    """What can be read."""

    JSONL = "jsonl"
    CSV = "csv"


def export(
    ledger: LedgerFile = None,
    form: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="jsonl: the chain; hubverse: forecasts, hubverse-outcomes: what happened, as CSV; "
            "questions: the open ones, a sheet for others to answer.",
        ),
    ] = ExportFormat.JSONL,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Where to write; standard output when absent.", show_default=False
        ),
    ] = None,
) -> None:
    """Write the ledger for others: JSON Lines, hubverse tables, or a sheet of questions."""
    from forecast.ledger import exporting
    from forecast.ledger.store import open_ledger

    book = open_ledger(ledger_place(ledger))
    make = {
        ExportFormat.JSONL: exporting.chain_lines,
        ExportFormat.HUBVERSE: exporting.hubverse_forecasts,
        ExportFormat.HUBVERSE_OUTCOMES: exporting.hubverse_outcomes,
        ExportFormat.QUESTIONS: exporting.question_sheet,
    }
    text = make[form](book)
    if out is None:
        typer.echo(text, nl=False)
    else:
        exporting.write_text(text, out)


def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="What to read, e.g. a colleague's export.", show_default=False),
    ],
    ledger: LedgerFile = None,
    form: Annotated[
        ImportFormat,
        typer.Option(
            "--format", help="jsonl: a colleague's export (or ledger); csv: probabilities of others."
        ),
    ] = ImportFormat.JSONL,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Take over a colleague's chain, or the probabilities of a crowd, a market or an expert."""
    from forecast.ledger.store import open_ledger, write_ledger

    path = ledger_place(ledger)
    if form is ImportFormat.JSONL:
        from forecast.ledger.importing import import_chain, read_chain_file

        chain = read_chain_file(file)
        with write_ledger(path) as writer:
            done = import_chain(writer, chain)
        content: dict[str, object] = dict(vars(done))
        lines = _import_lines(content, file)
    else:
        from forecast.ledger.importing import read_answers

        answers = read_answers(file, open_ledger(path), now=datetime.now(UTC))
        with write_ledger(path) as writer:
            added = sum([writer.append(judgement) for judgement in answers.judgements])
        content = {"added": added, "known": len(answers.judgements) - added, "empty": answers.empty}
        lines = _answer_lines(content)
    if json:
        typer.echo(json_text.dumps(content | {"ledger": str(path), "ledger_head": writer.book.head}))
    elif not quiet:
        for line in lines:
            typer.echo(line)


def _import_lines(content: dict[str, object], file: Path) -> list[str]:
    lines = [
        f"Records: {content['added']} added, {content['known']} known before; "
        f"head of {file.name}: {str(content['head'])[:16]}…"
    ]
    if content["different"]:
        lines.append(
            f"Of the known, with another probability there: {content['different']}. What was on record stays."
        )
    if content["refused"]:
        lines.append(f"Not taken, since they contradict what is on record here: {content['refused']}.")
    return lines


def _answer_lines(content: dict[str, object]) -> list[str]:
    lines = [f"Probabilities: {content['added']} added, {content['known']} known before."]
    if content["empty"]:
        lines.append(f"Rows left out, without a probability: {content['empty']}.")
    return lines
