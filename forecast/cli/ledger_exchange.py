"""``forecast ledger export``, ``import`` and ``hindcast``: what leaves the ledger, and what enters it.

Chains of colleagues, tables for other tools, answers of others, and our own forecasts as of past days.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.options import (
    ConfigOptions,
    LedgerFile,
    Output,
    Seed,
    argument,
    day_option,
    days_ahead,
    ledger_place,
    option,
    takes_options,
)
from forecast.cli.progress import listening
from forecast.cli.terminal import text
from forecast.errors import InputError, StoppedError


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
        option(
            "--format",
            "jsonl: the chain; hubverse: forecasts, hubverse-outcomes: what happened, as CSV; "
            "questions: the open ones, a sheet for others to answer.",
        ),
    ] = ExportFormat.JSONL,
    out: Annotated[
        Path | None, option("--out", "Where to write; standard output when absent.", "FILE")
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


@takes_options
def import_(
    file: Annotated[Path, argument("FILE", "What to read, e.g. a colleague's export.")],
    ledger: LedgerFile = None,
    form: Annotated[
        ImportFormat,
        option("--format", "jsonl: a colleague's export (or ledger); csv: probabilities of others."),
    ] = ImportFormat.JSONL,
    *,
    output: Output,
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
        said = [
            f"Records: {done.added} added, {done.known} known before; head of {file.name}: {done.head[:16]}…"
        ]
        if done.different:
            said.append(
                f"Of the known, with another probability there: {done.different}. What was on record stays."
            )
        if done.refused:
            said.append(f"Not taken, since they contradict what is on record here: {done.refused}.")
    else:
        from forecast.ledger.importing import read_answers

        answers = read_answers(file, open_ledger(path), now=datetime.now(UTC))
        with write_ledger(path) as writer:
            added = sum([writer.append(judgement) for judgement in answers.judgements])
        content = {"added": added, "known": len(answers.judgements) - added, "empty": answers.empty}
        said = [f"Probabilities: {content['added']} added, {content['known']} known before."]
        if answers.empty:
            said.append(f"Rows left out, without a probability: {answers.empty}.")
    output.print(content | {"ledger": str(path), "ledger_head": writer.book.head}, map(text, said))


@takes_options
def hindcast(
    case: ConfigOptions,
    first: Annotated[datetime, day_option("--from", "First day.")],
    last: Annotated[datetime, day_option("--to", "Last day.")],
    ahead: Annotated[str, option("--ahead", "Lengths of the windows, with commas.", "DAYS")] = "90,180",
    ledger: LedgerFile = None,
    seed: Seed = None,
    *,
    output: Output,
) -> None:
    """Forecast as of the first day of past quarters, from what was known then; put it on record as hindcasts.

    A quarter that is on record already is not fitted again, so a stopped command goes on where it was.
    """
    from forecast.config import load_config

    loaded = load_config(case.config, case.overrides or (), seed=seed)
    lengths = days_ahead(ahead, "--ahead")
    if not lengths:
        raise InputError("--ahead: the list is empty. Expected e.g. 90,180")
    path = ledger_place(ledger)

    with listening(shown=output.for_people) as listen:
        from forecast.workflows import hindcast as hindcasts

        days = hindcasts.quarter_days(first.date(), last.date())
        try:
            done = hindcasts.hindcast(loaded, days, lengths, path, listen)
        except KeyboardInterrupt:
            raise StoppedError(
                f"interrupted; finished quarters are on record in {path}. The same command goes on."
            ) from None
    unconverged = [one.isoformat() for one in done.unconverged]
    facts = {
        "ledger": str(path),
        "added": done.added,
        "as_of": [one.isoformat() for one in days],
        "skipped": done.skipped,
        "unconverged": unconverged,
    }
    said = [
        f"{path}: {done.added} forecasts added, as of {len(days)} days from {days[0]} to {days[-1]}; "
        f"{done.skipped} days were on record before."
    ]
    if unconverged:
        said.append(f"Did not converge, recorded as such and not scored: {', '.join(unconverged)}.")
    output.print(facts, map(text, said))
