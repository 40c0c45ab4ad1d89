"""``forecast events audit``: a sample of coded events, a person's verdicts, and the error rates they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast.blocks import Block, Column, Prose, plain_table, right
from forecast.cli.events_import import SCALE
from forecast.cli.options import DATES, Answer, DateOrder, argument, option, takes_options
from forecast.errors import EventError
from forecast.wording import count, interval_percent, share

if TYPE_CHECKING:
    from forecast.events.audit import Audit


@takes_options
def audit(
    file: str = argument("FILE", "A coded CSV, Parquet or .xlsx file, or bundled:us-china."),
    sample: int = option(100, "--sample", "Rows to draw, by category and severity.", min=1, max=10_000),
    seed: int = option(1, "--seed", "Random state of the sample and of the intervals.", min=0),
    sheet: Path = option(
        Path("audit.csv"), "--sheet", "Sheet of the sample: drawn when absent, else read.", "FILE"
    ),
    out: Path = option(Path("audit.json"), "--out -o", "Error rates, for events.audit of a config.", "FILE"),
    scale: str = SCALE,
    dates: DateOrder = DATES,
    *,
    answer: Answer,
) -> None:
    """Judge a random sample of rows against their sources, and learn how far the coding can be trusted.

    The sheet has one row of the sample a line. Fill in its column verdict (true, wrong category, wrong
    severity, not this pair, repeat), and right_category and right_severity where they are wrong; then give
    the same command again. When all rows have a verdict, the error rates are written; events.audit in a
    config makes them a caution of its forecast. Exit code 1 while rows wait.
    """
    from forecast.config.writing import load_scale
    from forecast.events.audit import draw_sample, make_audit, read_verdicts, write_audit_sheet
    from forecast.events.reading import load_events, write_whole

    table, anchors = load_events(file, Path.cwd(), dates=dates), load_scale(scale, Path())
    if not len(table):
        raise EventError(f"{file}: holds no event to judge")
    if not sheet.exists():
        write_audit_sheet(sheet, draw_sample(table, sample, seed), anchors)
    verdicts = read_verdicts(sheet, table, anchors)
    judged = [row for row in verdicts.values() if row is not None]
    waiting = len(verdicts) - len(judged)
    made = None if waiting else make_audit(table, judged, seed)
    if made is not None:
        write_whole(out, made.model_dump_json(by_alias=True, indent=1).encode())
    facts = {
        "sheet": str(sheet),
        "sampled": len(verdicts),
        "waiting": waiting,
        "verdicts": dict(sorted(Counter(row.verdict for row in judged).items())),
        "out": None if made is None else str(out),
        "overall": None if made is None else made.overall.model_dump(),
        "categories": [] if made is None else [rate.model_dump() for rate in made.categories],
        "cells": [] if made is None else [rate.model_dump() for rate in made.cells],
    }
    answer.print(facts, _rates(made, out) if made else _waiting(sheet, waiting, len(verdicts)))
    if waiting:
        raise typer.Exit(1)


def _waiting(sheet: Path, waiting: int, sampled: int) -> Iterator[Block]:
    from forecast.events.audit import VERDICTS

    yield Prose(
        f"{sheet}: {waiting:,} of {count(sampled, 'row')} to be judged. Fill in verdict "
        f"({', '.join(VERDICTS)}), and the right category and severity; then give the same command again."
    )


def _rates(audit: Audit, out: Path) -> Iterator[Block]:
    from forecast.events.codebook import category_label

    overall = audit.overall
    wrong = f"{overall.wrong:,} of {count(overall.audited, 'row')} are wrong"
    rate = f"{share(overall.rate)} of all {overall.rows:,} ({interval_percent(overall.interval90)})"
    yield Prose(f"{wrong}: {rate}.")
    kinds = ", ".join(f"{verdict} {number:,}" for verdict, number in audit.verdicts.items())
    yield Prose(f"Verdicts: {kinds}.")
    rows = [
        (
            category_label(group.category or ""),
            "all" if group.severity is None else str(group.severity),
            f"{group.rows:,}",
            f"{group.audited:,}",
            f"{group.wrong:,}",
            share(group.rate),
            interval_percent(group.interval90),
        )
        for category in audit.categories
        for group in (category, *(cell for cell in audit.cells if cell.category == category.category))
    ]
    heads = right("Severity"), right("Rows"), right("Judged"), right("Wrong"), right("Rate"), Column("90%")
    yield plain_table((Column("Category"), *heads), rows)
    yield Prose("Rates of small groups are drawn towards those of the others.")
    yield Prose(f"Written: {out}. 'events: {{audit: {out}}}' in a config makes them a caution.")
    yield Prose("An audit of rows tells nothing of acts that the file misses.")
