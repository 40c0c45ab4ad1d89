"""``forecast ledger hindcast``: what would have been forecast on past days, on record as such."""

from __future__ import annotations

import json as json_text
from datetime import datetime
from typing import Annotated

import typer

from forecast.cli.ledger_place import LedgerFile, ledger_place
from forecast.cli.lists import days_ahead
from forecast.cli.options import ConfigFile, Json, Overrides, Quiet, Seed
from forecast.errors import InputError, StoppedError


def hindcast(
    config: ConfigFile,
    first: Annotated[
        datetime,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="First day.", show_default=False),
    ],
    last: Annotated[
        datetime,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Last day.", show_default=False),
    ],
    ahead: Annotated[
        str, typer.Option("--ahead", metavar="DAYS", help="Lengths of the windows, with commas.")
    ] = "90,180",
    ledger: LedgerFile = None,
    overrides: Overrides = None,
    seed: Seed = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Forecast as of the first day of past quarters, from what was known then; put it on record as hindcasts.

    A quarter that is on record already is not fitted again, so a stopped command goes on where it was.
    """
    from forecast.config import load_config

    loaded = load_config(config, overrides or (), seed=seed)
    lengths = days_ahead(ahead, "--ahead")
    if not lengths:
        raise InputError("--ahead: the list is empty. Expected e.g. 90,180")
    path = ledger_place(ledger)

    from forecast.cli.interruption import remembered_interrupt
    from forecast.cli.progress import show_progress

    with remembered_interrupt() as stop_if_pressed, show_progress(hidden=quiet or json) as draw:
        from forecast.workflows import hindcast as hindcasts
        from forecast.workflows.forecast import StageProgress

        def listen(progress: StageProgress) -> None:
            stop_if_pressed()
            draw(progress)

        days = hindcasts.quarter_days(first.date(), last.date())
        try:
            done = hindcasts.hindcast(loaded, days, lengths, path, listen)
        except KeyboardInterrupt:
            raise StoppedError(
                f"interrupted; finished quarters are on record in {path}. The same command goes on."
            ) from None
    if json:
        content = {
            "ledger": str(path),
            "added": done.added,
            "as_of": [one.isoformat() for one in days],
            "skipped": done.skipped,
            "unconverged": [one.isoformat() for one in done.unconverged],
        }
        typer.echo(json_text.dumps(content))
    elif not quiet:
        typer.echo(
            f"{path}: {done.added} forecasts added, as of {len(days)} days from {days[0]} to {days[-1]}; "
            f"{done.skipped} days were on record before."
        )
        if done.unconverged:
            shown = ", ".join(one.isoformat() for one in done.unconverged)
            typer.echo(f"Did not converge, recorded as such and not scored: {shown}.")
