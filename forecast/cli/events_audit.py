"""``forecast events audit``: a sample of coded events, a person's verdicts, and the error rates they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast.blocks import Block, Bullets, Column, Entry, Prose, plain_table, right
from forecast.cli.events_code import SCALE, ask
from forecast.cli.events_draft import one_key
from forecast.cli.options import DATES, Answer, DateOrder, argument, option, takes_options
from forecast.cli.terminal import show
from forecast.errors import EventError
from forecast.wording import count, interval_percent, share

if TYPE_CHECKING:
    from forecast.events.audit import Audit
    from forecast.events.audit_sheet import AuditSheet
    from forecast.records.scale import Scale

KEYS = "t true, c wrong category, s wrong severity, n not this pair, r repeat, ? codebook, q stop"
VERDICT_OF = {"t": "true", "n": "not this pair", "r": "repeat"}


@takes_options
def audit(
    file: str = argument("FILE", "A coded CSV, Parquet or .xlsx file, or bundled:us-china."),
    sample: int = option(100, "--sample", "Rows to draw, by category and severity.", min=1, max=10_000),
    seed: int = option(1, "--seed", "Random state of the sample and of the intervals.", min=0),
    sheet: Path = option(
        Path("audit.csv"), "--sheet", "Sheet of the sample; drawn when absent, else gone on with.", "FILE"
    ),
    out: Path = option(Path("audit.json"), "--out -o", "Error rates, for events.audit of a config.", "FILE"),
    scale: str = SCALE,
    dates: DateOrder = DATES,
    *,
    answer: Answer,
) -> None:
    """Judge a random sample of rows against their sources, and learn how far the coding can be trusted.

    Each row gets one key: true, wrong category, wrong severity, not this pair, or repeat. Every verdict goes
    to the sheet at once: stop and go on as you like, or fill the columns verdict, right_category and
    right_severity in a spreadsheet. When all rows have one, the error rates are written; with events.audit
    in a config they enter its forecast. With --json nothing is asked. Exit code 1 while rows wait.
    """
    from forecast.config.named_files import load_scale
    from forecast.events.audit import draw_sample, make_audit
    from forecast.events.audit_sheet import new_sheet, read_audit_sheet
    from forecast.events.reading import load_events, write_whole
    from forecast.storage import locked

    table, of = load_events(file, Path.cwd(), dates=dates), load_scale(scale, Path())
    if not len(table):
        raise EventError(f"{file}: holds no event to judge")
    with locked(sheet):
        if sheet.exists():
            drawn = read_audit_sheet(sheet, {one.id: one for one in table.rows()}, of)
        else:
            drawn = new_sheet(sheet, draw_sample(table, sample, seed), of)
            drawn.write()
        judged = drawn.judged(of)
        if answer.for_people and len(judged) < len(drawn.rows):
            judged = _judge(drawn, of).judged(of)
    waiting = len(drawn.rows) - len(judged)
    made = None if waiting else make_audit(table, [judged[name] for name in drawn.rows], seed)
    if made is not None:
        write_whole(out, made.model_dump_json(by_alias=True, indent=1).encode())
    found = Counter(one.verdict for one in judged.values())
    facts = {
        "sheet": str(sheet),
        "sampled": len(drawn.rows),
        "waiting": waiting,
        "verdicts": dict(sorted(found.items())),
        "out": None if made is None else str(out),
        "overall": None if made is None else made.overall.model_dump(),
        "categories": [] if made is None else [one.model_dump() for one in made.categories],
        "cells": [] if made is None else [one.model_dump() for one in made.cells],
    }
    answer.print(facts, _rates(made, out) if made else _waiting(sheet, waiting, len(drawn.rows)))
    if waiting:
        raise typer.Exit(1)


def _waiting(sheet: Path, waiting: int, sampled: int) -> Iterator[Block]:
    yield Prose(f"{sheet}: {waiting:,} of {count(sampled, 'row')} to be judged. The same command goes on.")


def _rates(audit: Audit, out: Path) -> Iterator[Block]:
    from forecast.events.codebook import category_label

    overall = audit.overall
    wrong = f"{overall.wrong:,} of {count(overall.audited, 'row')} are wrong"
    rate = f"{share(overall.rate)} of all {overall.rows:,} ({interval_percent(overall.interval90)})"
    yield Prose(f"{wrong}: {rate}.")
    kinds = ", ".join(f"{name} {number:,}" for name, number in audit.verdicts.items())
    yield Prose(f"Verdicts: {kinds}.")
    rows = [
        (
            category_label(one.category or ""),
            "all" if one.severity is None else str(one.severity),
            f"{one.rows:,}",
            f"{one.audited:,}",
            f"{one.wrong:,}",
            share(one.rate),
            interval_percent(one.interval90),
        )
        for category in audit.categories
        for one in (category, *(cell for cell in audit.cells if cell.category == category.category))
    ]
    heads = right("Severity"), right("Rows"), right("Judged"), right("Wrong"), right("Rate"), Column("90%")
    yield plain_table((Column("Category"), *heads), rows)
    yield Prose("Rates of small groups are drawn towards those of the others.")
    yield Prose(
        f"Written: {out}. 'events: {{audit: {out}}}' in a config puts these errors into its forecast."
    )
    yield Prose("An audit of rows tells nothing of acts that the file misses.")


def _judge(sheet: AuditSheet, scale: Scale) -> AuditSheet:
    from forecast.events.audit_sheet import judged_row

    waiting = [name for name, cells in sheet.rows.items() if not cells["verdict"]]
    for place, name in enumerate(waiting, start=1):
        cells = sheet.rows[name]
        show([_row(cells, f"{place} of {len(waiting)}", scale)])
        while True:
            key = one_key(KEYS)
            if key == "q":
                return sheet
            if key == "?":
                show([Bullets(tuple(scale.anchors[cells["category"]].values()))])
                continue
            if key in VERDICT_OF:
                given = {"verdict": VERDICT_OF[key]}
            elif key == "s":
                given = {"verdict": "wrong severity", "right_severity": ask("Right severity, 1 to 5")}
            elif key == "c":
                category = ask("Right category (empty: no act of the codebook)")
                severity = ask("Its severity, 1 to 5") if category else ""
                given = {"verdict": "wrong category", "right_category": category, "right_severity": severity}
            else:
                typer.echo(f"  Expected: {KEYS}", err=True)
                continue
            try:
                judged_row({**cells, **given}, scale)
            except EventError as error:
                typer.echo(f"  {error}", err=True)
                continue
            sheet = sheet.with_verdict(name, given)
            break
    return sheet


def _row(cells: Mapping[str, str], place: str, scale: Scale) -> Entry:
    what = f"{cells['initiator']} to {cells['target']} {cells['category']} {cells['severity']}"
    source = ", ".join(cells[name] for name in ("source_outlet", "source_title", "source_url") if cells[name])
    said = (
        cells["summary"],
        f"Severity {cells['severity']} ({scale.name}): {cells['anchor']}",
        f"Source: {source or 'the file names none'}",
    )
    title = f"{cells['id']} ({place})  {cells['date']} {what}"
    return Entry(title, tuple(Prose(words) for words in said if words))
