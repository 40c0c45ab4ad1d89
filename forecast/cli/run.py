"""``forecast run``: fit, simulate, write the run folder, print the bottom line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.ledger_place import LedgerFile, ledger_of_run
from forecast.cli.options import AsOf, ConfigFile, Json, Overrides, Quiet, Seed, day


def run(
    config: ConfigFile,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Folder of the runs; this one goes to DIR/<name>/<as_of>."),
    ] = Path("reports"),
    overrides: Overrides = None,
    as_of: AsOf = None,
    seed: Seed = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a run that is there already.")] = False,
    allow_unconverged: Annotated[
        bool,
        typer.Option(
            "--allow-unconverged",
            help="End with code 0 even if the fit did not converge; the report stays stamped.",
        ),
    ] = False,
    ledger: LedgerFile = None,
    no_ledger: Annotated[
        bool, typer.Option("--no-ledger", help="Do not put the forecasts on record.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit the model, simulate the futures, write the run folder with its PDF report."""
    place = ledger_of_run(ledger, out, without=no_ledger)

    from forecast.config import load_config

    loaded = load_config(config, overrides or (), as_of=day(as_of), seed=seed)

    from forecast.events.dyads import selection_notes
    from forecast.runs.folder import refuse_existing, run_place
    from forecast.runs.inputs import read_inputs
    from forecast.scenarios import plan_scenarios

    # The run checks both again; here they answer before the seconds that loading the sampler takes.
    refuse_existing(run_place(loaded, out), force=force)
    inputs = read_inputs(loaded)
    plan_scenarios(inputs, inputs.scenarios)
    if not quiet:
        for note in selection_notes(inputs.dyad, inputs.events, inputs.left_out):
            typer.echo(f"Note: {note}", err=True)
    if place:
        from forecast.ledger.store import refuse_unusable

        refuse_unusable(place)

    from forecast.cli.interruption import remembered_interrupt
    from forecast.cli.progress import show_progress

    with remembered_interrupt() as stop_if_pressed, show_progress(hidden=quiet or json) as draw:
        from forecast.workflows.forecast import StageProgress, require_converged, run_forecast

        def listen(progress: StageProgress) -> None:
            stop_if_pressed()
            draw(progress)

        finished, folder = run_forecast(
            loaded,
            out=out,
            force=force,
            allow_unconverged=True,
            ledger=place,
            on_record=place is not None,
            listen=listen,
        )
    if json:
        typer.echo((folder / "forecast.json").read_text(encoding="utf-8"), nl=False)
    if not allow_unconverged:
        require_converged(finished.forecast, folder)
    if not json and not quiet:
        from forecast.cli.bottom_line import print_bottom_line

        print_bottom_line(finished.forecast, folder)
        if place:
            typer.echo(f"Ledger   {place}")
