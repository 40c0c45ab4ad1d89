"""``forecast judge`` and ``reconcile``: what people hold, and what would make the model agree."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from forecast.cli.options import LEDGER, RUN_DIR, Answer, ledger_place, option, takes_options
from forecast.errors import InputError


@takes_options
def judge(
    run_dir: Path = RUN_DIR,
    by: str | None = option(None, "--by", "Whose judgement it is.", "NAME"),
    target: str | None = option(None, "--target", "Target of the run.", "NAME"),
    before: str | None = option(None, "--before", "Milestone of the run, by name or day.", "DAY"),
    probability: str | None = option(None, "--probability", "E.g. 40% or 0.4.", "P"),
    range_: str | None = option(None, "--range", "Range around it in percent, e.g. 25-60.", "LOW-HIGH"),
    because: str | None = option(None, "--because", "The reason, kept with it.", "TEXT"),
    made_on: str | None = option(None, "--made-on", "Day it was made; today when absent.", "DATE"),
    sheet: Path | None = option(
        None, "--sheet", "CSV with by,target,before,probability (and range,because,made_on).", "FILE"
    ),
    ledger: Path | None = LEDGER,
    *,
    answer: Answer,
) -> None:
    """Put a person's probability on record; it is resolved and scored like the model's.

    Shown are the model's number and the pool of people and model; neither is changed. Of two statements by
    one person on one day the later counts, and both stay on record.
    """
    from forecast.ledger.judging import (
        MORE_COLUMNS,
        SHEET_COLUMNS,
        Judged,
        Statement,
        judgement_of,
        judgements_of,
    )
    from forecast.ledger.pooling import pool_of
    from forecast.ledger.store import write_ledger
    from forecast.storage.reading import read_rows

    stated = {"by": by, "target": target, "before": before, "probability": probability}
    if sheet is not None:
        given = [name for name, text in stated.items() if text is not None]
        if given:
            raise InputError(f"--{given[0]}: not with --sheet, which holds one judgement a row")
        rows = read_rows(sheet, SHEET_COLUMNS, MORE_COLUMNS, help="Give one judgement a row")
    else:
        for name, text in stated.items():
            if text is None:
                raise InputError(f"--{name}: is missing. Give --by, --target, --before and --probability")
        more = {"range": range_ or "", "because": because or "", "made_on": made_on or ""}
        statement = Statement(**{name: text or "" for name, text in stated.items()}, **more)
    place = ledger_place(ledger, run_dir.absolute().parent.parent)
    now = datetime.now(UTC)
    with write_ledger(place) as writer:
        if sheet is None:
            checked = [judgement_of(run_dir, statement, writer.ledger, now)]
        else:
            checked = judgements_of(run_dir, rows, writer.ledger, now)
        added = sum([writer.append(entry) for entry, _ in checked])
    done = [
        Judged(entry, asked, pool_of(writer.ledger, asked.question, asked.milestone.probability, now))
        for entry, asked in checked
    ]
    facts: dict[str, object] = {"ledger": str(place), "head": writer.ledger.head, "added": added}
    facts |= done[0].facts if sheet is None else {"judgements": [one.facts for one in done]}
    answer.print(json.dumps(facts), (block for one in done for block in one.blocks()))


@takes_options
def reconcile(
    run_dir: Path = RUN_DIR,
    target: str = option(..., "--target", "Target of the run.", "NAME"),
    before: str = option(..., "--before", "Milestone of the run, by name or day.", "DAY"),
    probability: str = option(..., "--probability", "What you hold, e.g. 40% or 0.4.", "P"),
    *,
    answer: Answer,
) -> None:
    """Say the least change of assumptions under which the model would agree with a probability.

    One change at a time: a prior, the chance of a scheduled or an expected act, a past act left out. Each
    change shown was computed anew and comes within a point. At most five, the most plausible first.
    """
    from forecast.ledger.judging import question_of_run
    from forecast.report.tables import reconciled
    from forecast.runs.run import read_run
    from forecast.sensitivity.reconcile import reconcile as search
    from forecast.storage.reading import read_chance

    goal = read_chance(probability, "--probability")
    milestone = question_of_run(run_dir, target, before).milestone.name
    base = read_run(run_dir)
    if not base.forecast.converged:
        raise InputError(f"{run_dir}: did not converge, so nothing can be built upon it. Use more draws")
    found = search(base, target, milestone, goal)
    answer.print(found.model_dump_json(by_alias=True), reconciled(base.forecast, found))
