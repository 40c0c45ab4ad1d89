"""``forecast bulletin``: what acts that came after a run change."""

from __future__ import annotations

from pathlib import Path

import typer

from forecast.cli.options import JSON, NEW_SUBCATEGORY, QUIET, RUN_DIR, option, print_answer
from forecast.cli.terminal import listening
from forecast.errors import InputError
from forecast.progress import StageProgress


def bulletin(
    run_dir: Path = RUN_DIR,
    acts: list[str] | None = option(
        None,
        "--act",
        "An act that happened after the run.",
        "DAY:CATEGORY[/SUBCATEGORY]:SEVERITY:BY[:TOWARDS]",
    ),
    events: Path | None = option(
        None, "--events", "A file of events, of which the rows newer than the run are taken.", "FILE"
    ),
    new: list[str] | None = NEW_SUBCATEGORY,
    summary: str = option("", "--summary", "What happened, in a sentence.", "TEXT"),
    source: str = option("", "--source", "Address of a report of it.", "URL"),
    out: Path | None = option(
        None, "--out", "Where the page goes; bulletin.pdf when absent, with --json none.", "FILE"
    ),
    allow_unconverged: bool = option(
        False, "--allow-unconverged", "Show numbers that rest on too few draws, stamped, and end with code 0."
    ),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Tell what acts that came after a run change: one page.

    Chances before and after, numbers of acts by severity, three courses that add to 100, likely next acts.
    """
    from forecast.config.scenario import acts_from_options

    if (acts is None) == (events is None):
        raise InputError("state what happened, by --act or by --events FILE; give one of them")
    if events is not None and (summary or source):
        raise InputError("--summary and --source tell of --act; a file of events has columns for them")
    from forecast.report.bulletin import bulletin_blocks, bulletin_pdf
    from forecast.runs.run import read_run
    from forecast.scenarios.bulletin import bulletin as made_of
    from forecast.storage import write_file

    run = read_run(run_dir)
    given = events or acts_from_options(acts or (), new or (), run.inputs.config.events.dates)
    with listening(shown=not (as_json or quiet)) as follow:
        made = made_of(
            run,
            given,
            allow_unconverged=allow_unconverged,
            summary=summary,
            source=source,
            tell=lambda note: follow(StageProgress("scenarios", 0, 1, note)),
        )
    print_answer(as_json, made.model_dump_json(by_alias=True), bulletin_blocks(made))
    place = out or (None if as_json else Path("bulletin.pdf"))
    if place is not None and not made.withheld:
        report = run.inputs.config.report
        write_file(place, bulletin_pdf(made, paper=report.paper, classification=report.classification))
        if not as_json:
            typer.echo(f"\n{place}")
    if made.withheld or (made.failures and not allow_unconverged):
        raise typer.Exit(1)
