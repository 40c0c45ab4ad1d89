"""``forecast bench``: what this machine and these models reach."""

from __future__ import annotations

import typer

from forecast.cli import bench_accuracy, bench_calibration, bench_ingest, bench_speed
from forecast.cli.bench_speed import WORKED_CASE, Case, Quick, Rounds, speed
from forecast.cli.options import Json, Quiet

app = typer.Typer(
    name="bench",
    help="Measure speed, accuracy on a folder of dyads, calibration of inference, reading of feeds.",
)
app.command("speed")(bench_speed.speed)
app.command("accuracy")(bench_accuracy.accuracy)
app.command("calibration")(bench_calibration.calibration)
app.command("ingest")(bench_ingest.ingest)


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    config: Case = WORKED_CASE,
    quick: Quick = False,
    rounds: Rounds = 2,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure: speed (the default); accuracy on dyads; calibration of inference; reading of feeds."""
    if context.invoked_subcommand is None:
        speed(config, quick, rounds, json, quiet)
    elif any(_was_typed(context, name) for name in context.params):
        raise typer.BadParameter(f"options go after the name: forecast bench {context.invoked_subcommand} …")


def _was_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
