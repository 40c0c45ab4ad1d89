"""The ``forecast`` command: one module a command, exit codes, nothing heavy imported before it is needed."""

from __future__ import annotations

import sys

import typer

from forecast.cli import check, priors, report, run, schema
from forecast.errors import ForecastError
from forecast.events.commands import app as events_app

INTERRUPTED = 130

app = typer.Typer(
    name="forecast",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "Probability of escalation between two countries before a dated milestone, from coded events and a "
        "Bayesian time-series model.\n\nStart with: forecast check configs/us-china-2023.yaml, then forecast "
        "run configs/us-china-2023.yaml."
    ),
    epilog="Exit codes: 0 done; 1 ran, but did not converge; 2 bad input or usage.",
)
app.command("check")(check.check)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("priors")(priors.priors)
app.command("schema")(schema.schema)
app.add_typer(events_app, name="events", help="Coded events: check a file, describe it.")


def _version(show: bool) -> None:
    if show:
        from importlib.metadata import version

        typer.echo(f"forecast {version('forecast')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Hold the options of the command itself."""


def main() -> None:
    """Run the command line: expected errors become one message and an exit code, never a traceback."""
    try:
        app()
    except ForecastError as error:
        typer.echo(f"forecast: {error}", err=True)
        sys.exit(error.exit_code)
    except SystemExit as end:
        # Typer turns Ctrl-C into this code, without a word.
        if end.code == INTERRUPTED:
            typer.echo("forecast: interrupted; nothing was written.", err=True)
        raise
