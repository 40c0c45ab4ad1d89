"""The ``forecast`` command line: all commands under one app, one module each."""

from __future__ import annotations

import typer

from forecast.cli import (
    backtest,
    bench,
    bench_accuracy,
    bench_convergence,
    check,
    events,
    ledger,
    new,
    panel,
    priors,
    run,
    scenario,
    scenario_page,
    sensitivity,
    watch,
)

app = typer.Typer(
    name="forecast",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "Probability of escalation between two countries before a dated milestone, from coded events and a "
        "Bayesian time-series model.\n\nStart with: forecast new EVENTS.csv, from events of your own, or "
        "forecast new --example us-china; then forecast check and forecast run."
    ),
    epilog=(
        "Exit codes: 0 done; 1 ran, but did not converge; 2 bad input or usage; 3 a fault of the program; "
        "130 interrupted; 143 ended by a signal."
    ),
)
app.command("new")(new.new)
app.command("check")(check.check)
app.command("run")(run.run)
app.command("report")(run.report)
app.command("scenario")(scenario.scenario)
app.command("app")(scenario_page.app)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("backtest")(backtest.backtest)
app.command("watch")(watch.watch)
app.add_typer(priors.app, name="priors")
app.add_typer(panel.app, name="panel")
app.command("schema")(check.schema)
bench.app.command("accuracy")(bench_accuracy.accuracy)
bench.app.command("convergence")(bench_convergence.convergence)
app.add_typer(ledger.app, name="ledger")
app.add_typer(bench.app, name="bench")
app.add_typer(events.app, name="events")


def _version(show: bool) -> None:
    if show:
        from forecast import __version__

        typer.echo(f"forecast {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Hold the options of the command itself."""
