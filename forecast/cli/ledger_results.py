"""``forecast ledger resolve`` and ``score``: what happened, and how good the forecasts were."""

from __future__ import annotations

import json as json_text
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.ledger_place import LedgerFile, ledger_place
from forecast.cli.options import Json, Quiet, day


def resolve(
    events: Annotated[
        str,
        typer.Option(
            "--events", metavar="FILE", help="A coded CSV file, or bundled:us-china.", show_default=False
        ),
    ],
    ledger: LedgerFile = None,
    through: Annotated[
        datetime | None,
        typer.Option(
            "--through",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Last day that the events cover; the last known_date of the file when absent.",
        ),
    ] = None,
    dyad: Annotated[
        str | None,
        typer.Option(
            "--dyad", metavar="A-B", help="Whose acts these are; the most frequent pair when absent."
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look up what happened, by the rule that made the forecast, where the events cover the whole window."""
    from datetime import UTC

    from forecast.events.bundled import load_events
    from forecast.ledger.resolving import resolve_ledger

    path = ledger_place(ledger)
    table = load_events(events, Path())
    today = datetime.now(UTC).date()
    done = resolve_ledger(path, table, today=today, through=day(through), dyad=dyad)
    if json:
        typer.echo(json_text.dumps(done.to_dict() | {"ledger": str(path)}))
    elif not quiet:
        from forecast.cli.ledger_lines import resolved_lines
        from forecast.cli.score_lines import print_lines

        print_lines(resolved_lines(done, events))


def score(
    ledger: LedgerFile = None,
    unconverged: Annotated[
        bool, typer.Option("--unconverged", help="Score forecasts of fits that did not converge, too.")
    ] = False,
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure",
            metavar="FILE",
            help="Draw the calibration diagram: .svg, .png or .pdf.",
            show_default=False,
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write the score of every group.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the error estimates.")] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score what is resolved: overall and by group, calibration, largest misses first."""
    from forecast.ledger.store import open_ledger

    path = ledger_place(ledger)
    book = open_ledger(path)
    if figure:
        from forecast.report.exports import figure_kind

        figure_kind(figure)  # before anything is scored

    from forecast.ledger.scoring import score_ledger

    scores = score_ledger(book, seed=seed, unconverged=unconverged)
    if figure:
        from forecast.report.backtest_figures import draw_reliability
        from forecast.report.exports import write_figure

        write_figure(draw_reliability(scores.calibration), figure)
    if csv:
        from forecast.ledger.exporting import write_text
        from forecast.ledger.scoring import groups_csv

        write_text(groups_csv(scores), csv)
    if json:
        typer.echo(scores.model_dump_json(by_alias=True))
    elif not quiet:
        from forecast.cli.ledger_score_lines import score_lines
        from forecast.cli.score_lines import print_lines

        print_lines(score_lines(scores, str(path)))
        for place in (one for one in (figure, csv) if one):
            typer.echo(f"Written  {place}")
