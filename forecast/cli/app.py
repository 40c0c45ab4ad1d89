"""The ``forecast`` command line: all commands under one app, one module each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from forecast.blocks import Block, Entry, Prose, Verbatim
from forecast.cli import (
    backtest,
    events,
    events_audit,
    events_draft,
    events_store,
    judge,
    ledger,
    new,
    panel,
    priors,
    programs,
    run,
    scenario,
    watch,
)
from forecast.cli.terminal import show

app = typer.Typer(
    name="forecast",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    help=(
        "Probability of escalation between two countries before a dated milestone, from coded events and a "
        "Bayesian time-series model.\n\nStart with: forecast new EVENTS.csv, from events of your own, or "
        "forecast new --example us-china; then forecast check and forecast run."
    ),
    epilog=(
        "Exit codes: 0 done; 1 ran, but did not converge or part of the work failed; 2 bad input or usage; "
        "3 a fault of the program; 130 interrupted; 129 or 143 ended by a signal; 141 output closed."
    ),
)
app.command("new")(new.new)
app.command("check")(run.check)
app.command("run")(run.run)
app.command("report")(run.report)
app.command("scenario")(scenario.scenario)
app.command("app")(programs.app)
app.command("mcp")(programs.mcp)
app.command("sensitivity")(scenario.sensitivity)
app.command("judge")(judge.judge)
app.command("reconcile")(judge.reconcile)
app.command("backtest")(backtest.backtest)
app.command("watch")(watch.watch)
app.add_typer(priors.app, name="priors")
app.add_typer(panel.app, name="panel")
app.command("schema")(programs.schema)
events.app.command("update")(events_store.update)
events.app.command("status")(events_store.status)
app.add_typer(ledger.app, name="ledger")
app.add_typer(backtest.bench, name="bench")
events.app.command("draft")(events_draft.draft)
events.app.command("audit")(events_audit.audit)
events.app.command("review")(events_draft.review)
app.add_typer(events.app, name="events")

_THREE_THINGS = {
    "Run a forecast": (
        "forecast new --example us-china            the worked case, into configs/",
        "forecast check configs/us-china-2023.yaml  explains it; fits nothing",
        "forecast run configs/us-china-2023.yaml    writes the report; takes minutes",
        "forecast new EVENTS.csv                    a config from your own events",
    ),
    "Make a report again": (
        "forecast report RUN_DIR                    PDF and HTML of a saved run",
        "forecast report RUN_DIR --figures DIR      and its charts, for slides",
    ),
    "Try a scenario": (
        "forecast scenario RUN_DIR --event 2023-10-01:visit:4",
        "forecast scenario RUN_DIR configs/scenarios/*.yaml --compare",
    ),
}


def _version(asked: bool) -> None:
    if asked:
        from forecast import __version__

        typer.echo(f"forecast {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Hold the options of the command itself; without a command, show where to start."""
    if context.invoked_subcommand is None:
        show(_where_to_start())


def _where_to_start() -> Iterator[Block]:
    yield Prose("forecast: how likely is an escalation between two countries before a given day?")
    yield from (Entry(title, (Verbatim(lines),)) for title, lines in _THREE_THINGS.items())
    yield Prose("All commands: forecast --help. One of them: forecast COMMAND --help.")
    yield Prose("Complete them with Tab: forecast --install-completion.")


def is_known(line: str) -> bool:
    """Whether the command line still has what is in the tables of what ended."""
    command: Any = typer.main.get_command(app)
    for word in line.split("`")[1].split():
        below = {
            **getattr(command, "commands", {}),
            **{name: one for one in getattr(command, "params", ()) for name in one.opts},
        }
        if word in below:
            command = below[word]
        elif word not in (getattr(command, "help", "") or ""):
            return False
    return True
