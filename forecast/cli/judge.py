"""``forecast judge`` and ``reconcile``: what people hold, and what would make the model agree."""

from __future__ import annotations

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

    Shown are the model's number and the mean of people and model; neither is changed. Of two statements by
    one person on one day the later counts, and both stay on record.
    """
    from forecast.ledger.judgements import MORE_OF_STATEMENTS, STATEMENT_COLUMNS, JudgedRun
    from forecast.ledger.store import write_ledger
    from forecast.storage.reading import check_rows, read_rows

    required = dict(zip(STATEMENT_COLUMNS, (by, target, before, probability), strict=True))
    statement = {name: text or "" for name, text in required.items()}
    statement |= {"range": range_ or "", "because": because or "", "made_on": made_on or ""}
    if sheet is not None:
        if given := [name for name, text in statement.items() if text]:
            raise InputError(
                f"--{given[0].replace('_', '-')}: not with --sheet, which holds one judgement a row"
            )
        rows = read_rows(sheet, STATEMENT_COLUMNS, MORE_OF_STATEMENTS, help="Give one judgement a row")
    elif missing := [name for name, text in required.items() if text is None]:
        raise InputError(f"--{missing[0]}: is missing. Give --by, --target, --before and --probability")
    place, now = ledger_place(ledger, run_dir.absolute().parent.parent), datetime.now(UTC)
    run = JudgedRun(run_dir)
    with write_ledger(place) as writer:
        book = writer.ledger
        if sheet is None:
            judgements = [run.judgement(statement, book, now)]
        else:
            judgements = check_rows(rows, lambda row: run.judgement(row.cells, book, now))
        added = sum([writer.append(judgement.entry) for judgement in judgements])
    said = [judgement.facts(book) for judgement in judgements]
    facts: dict[str, object] = {"ledger": str(place), "head": book.head, "added": added}
    facts |= said[0] if sheet is None else {"judgements": said}
    answer.print(facts, (block for judgement in judgements for block in judgement.blocks(book)))


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
    from forecast.ledger.judgements import named_milestone
    from forecast.report.tables import reconciled
    from forecast.runs.run import read_run
    from forecast.sensitivity.reconcile import reconcile as search
    from forecast.storage.reading import read_chance

    goal = read_chance(probability, "--probability")
    base = read_run(run_dir)
    milestone = named_milestone(base.forecast, target, before).name
    if not base.forecast.converged:
        raise InputError(f"{run_dir}: did not converge, so nothing can be built upon it. Use more draws")
    found = search(base, target, milestone, goal)
    answer.print(found.model_dump_json(by_alias=True), reconciled(base.forecast, found))
