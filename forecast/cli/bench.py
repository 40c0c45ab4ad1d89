"""``forecast bench``: what this machine and these models reach."""

from __future__ import annotations

import typer

from forecast.cli import bench_accuracy

app = typer.Typer(name="bench", no_args_is_help=True, help="Measure: accuracy on a folder of dyads.")
app.command("accuracy")(bench_accuracy.accuracy)


@app.callback()
def _group() -> None:
    """Keep the name of the sub-command, also where there is only one."""
