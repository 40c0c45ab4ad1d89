"""``forecast ledger export``, ``import`` and ``hindcast``: what leaves the ledger, and what enters it.

Chains of colleagues, tables for other tools, answers of others, and our own forecasts as of past days.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import typer

from forecast.cli.options import (
    LEDGER,
    SEED,
    ConfigOptions,
    Output,
    argument,
    day_option,
    days_ahead,
    ledger_place,
    option,
    takes_options,
)
from forecast.cli.terminal import listening, text
from forecast.errors import InputError
from forecast.evaluation import LISTED


def export(
    ledger: Path | None = LEDGER,
    form: Literal["jsonl", "hubverse", "hubverse-outcomes", "questions"] = option(
        "jsonl",
        "--format",
        "jsonl: the chain; hubverse: forecasts, hubverse-outcomes: what happened, as CSV; "
        "questions: the open ones, a sheet for others to answer.",
    ),
    out: Path | None = option(None, "--out", "Where to write; standard output when absent.", "FILE"),
) -> None:
    """Write the ledger for others: JSON Lines, hubverse tables, or a sheet of questions."""
    from forecast.ledger import exporting
    from forecast.ledger.store import open_ledger

    book = open_ledger(ledger_place(ledger))
    make = {
        "jsonl": exporting.chain_lines,
        "hubverse": exporting.hubverse_forecasts,
        "hubverse-outcomes": exporting.hubverse_outcomes,
        "questions": exporting.question_sheet,
    }
    written = make[form](book)
    if out is None:
        typer.echo(written, nl=False)
    else:
        exporting.write_text(written, out)


@takes_options
def import_(
    file: Path = argument("FILE", "What to read, e.g. a colleague's export."),
    ledger: Path | None = LEDGER,
    form: Literal["jsonl", "csv"] = option(
        "jsonl", "--format", "jsonl: a colleague's export (or ledger); csv: probabilities of others."
    ),
    *,
    output: Output,
) -> None:
    """Take over a colleague's chain, or the probabilities of a crowd, a market or an expert."""
    from forecast.ledger.store import open_ledger, write_ledger

    path = ledger_place(ledger)
    if form == "jsonl":
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


OWN_MILESTONES = "milestones"


@takes_options
def hindcast(
    case: ConfigOptions,
    first: datetime = day_option(..., "--from", "First day."),
    last: datetime = day_option(..., "--to", "Last day."),
    ahead: str = option(
        LISTED,
        "--ahead",
        "Lengths of the windows, with commas; or: milestones, those of the config.",
        "DAYS",
    ),
    ledger: Path | None = LEDGER,
    seed: int | None = SEED,
    *,
    output: Output,
) -> None:
    """Forecast as of the first day of past quarters, from what was known then; put it on record as hindcasts.

    A quarter that is on record already is not fitted again, so a stopped command goes on where it was.
    """
    from forecast.config import load_config

    loaded = load_config(case.config, case.changes, seed=seed)
    lengths = None if ahead.strip() == OWN_MILESTONES else days_ahead(ahead, "--ahead")
    if lengths is not None and not lengths:
        raise InputError(f"--ahead: the list is empty. Expected e.g. {LISTED}, or {OWN_MILESTONES}")
    path = ledger_place(ledger)

    with listening(shown=output.for_people) as listen:
        from forecast.workflows import hindcast as hindcasts

        days = hindcasts.quarter_days(first.date(), last.date())
        done = hindcasts.hindcast(loaded, days, lengths, path, listen)
    unconverged = [str(one) for one in done.unconverged]
    facts = {"ledger": str(path), "added": done.added, "as_of": [*map(str, days)], "skipped": done.skipped}
    said = [
        f"{path}: {done.added} forecasts added, as of {len(days)} days from {days[0]} to {days[-1]}; "
        f"{done.skipped} days were on record before."
    ]
    if unconverged:
        said.append(f"Did not converge, recorded as such and not scored: {', '.join(unconverged)}.")
    output.print(facts | {"unconverged": unconverged}, map(text, said))
