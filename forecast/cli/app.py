"""The ``forecast`` command line: all commands under one app; what serves saved runs and schemas to others."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import typer
from typer._click.exceptions import NoArgsIsHelpError, UsageError
from typer.core import TyperGroup

from forecast.cli import bulletin, events, ledger, new, reactions, run, scenario
from forecast.cli.options import argument, option
from forecast.errors import InputError, did_you_mean, install_command


class _Commands(TyperGroup):
    """All commands; wrong usage is one line, as any other wrong input."""

    def make_context(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - as typer's own
        with _usage_in_one_line():
            return super().make_context(*args, **more)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as typer's own
        with _usage_in_one_line():
            return super().invoke(ctx)


@contextmanager
def _usage_in_one_line() -> Iterator[None]:
    """Tell what is wrong without the validator's prefix, with what is near, and where help is."""
    try:
        yield
    except NoArgsIsHelpError:  # holds the help of a group that was called alone
        raise
    except UsageError as error:
        said = error.format_message().replace("Value error, ", "", 1)
        near = ""
        if " is not one of " in error.message:
            given, *allowed = re.findall("'([^']*)'", error.message)
            near = did_you_mean(given, allowed)
        asked = error.ctx.command_path if error.ctx else "forecast"
        end = "" if said.endswith((".", "?")) else "."
        raise InputError(f"{said[0].lower()}{said[1:]}{end}{near} Try '{asked} --help'.") from error


app = typer.Typer(
    name="forecast",
    cls=_Commands,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    help=(
        "Probability of escalation between two countries before a dated milestone, from coded events and a "
        "Bayesian time-series model.\n\nStart with: forecast new EVENTS.csv, from events of your own, or "
        "forecast new --example us-china; then forecast check and forecast run. Complete commands with Tab: "
        "forecast --install-completion."
    ),
    epilog=(
        "Exit codes: 0 done; 1 ran, but did not converge or part of the work failed; 2 bad input or usage; "
        "3 a fault of the program; 130 interrupted; 129 or 143 ended by a signal; 141 output closed."
    ),
)


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
    """Hold the options of the command itself; without a command, print its help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def serve_page(
    run_dir: Path = argument("RUN_DIR", "Folder of a saved run."),
    no_browser: bool = option(False, "--no-browser", "Only print the address."),
    port: int = option(0, "--port", "Port on 127.0.0.1; 0 for any that is free.", "PORT", min=0, max=65535),
) -> None:
    """Serve the scenario page: move a belief, add an act, watch the probability. Ctrl-C ends it.

    Only this machine can ask, and only with the token in the printed address.
    """
    _require("app", "starlette", "uvicorn")
    from forecast.app.server import serve

    serve(run_dir, port, browser=not no_browser)


def serve_assistant(reports: Path = argument("REPORTS", "Folder that holds saved runs.")) -> None:
    """Serve saved runs to an assistant over standard input and output (MCP); nothing is written.

    It lists runs, reads a forecast, asks a change, a bulletin, reactions, and the ledger of the folder.
    """
    _require("mcp", "mcp")
    if not reports.is_dir():
        raise InputError(f"{reports}: there is no such folder. Give the one that holds the folders of runs")
    from forecast.cli.assistant import server_of

    server_of(reports).run("stdio")


def _require(extra: str, *packages: str) -> None:
    if missing := [name for name in packages if find_spec(name) is None]:
        needed = f"this needs {' and '.join(missing)}, which the extra '{extra}' brings"
        raise InputError(f"{needed}: {install_command(extra)}")


def schema(
    contract: Literal[
        "config", "scenario", "forecast", "bulletin", "analysis", "watchlist", "watch"
    ] = typer.Argument(help="Which schema.", show_default=False),
) -> None:
    """Print a JSON Schema for other programs.

    Of a config, a scenario, forecast.json, a bulletin, analysis.json, a watchlist, or watch.json.
    """
    from forecast.config import writing

    typer.echo(writing.schema_text(writing.schema_of(contract)), nl=False)


# In the order in which --help lists them.
app.command("new")(new.new)
app.command("check")(run.check)
app.command("run")(run.run)
app.command("report")(run.report)
app.command("scenario")(scenario.scenario)
app.command("bulletin")(bulletin.bulletin)
app.command("app")(serve_page)
app.command("mcp")(serve_assistant)
app.command("sensitivity")(scenario.sensitivity)
app.command("reactions")(reactions.reactions)
app.command("judge")(ledger.judge)
app.command("reconcile")(scenario.reconcile)
app.command("backtest")(run.backtest)
app.command("watch")(run.watch)
app.command("priors")(run.priors)
app.command("schema")(schema)
app.add_typer(ledger.app, name="ledger")
app.add_typer(events.app, name="events")

_EXAMPLES = Path(__file__).with_name("examples.txt").read_text(encoding="utf-8").splitlines()
"""A call of each command, which its help shows."""
_GROUPS = (("", app), ("ledger ", ledger.app), ("events ", events.app))
for _group, _command in ((name, command) for name, of in _GROUPS for command in of.registered_commands):
    _name = f"{_group}{_command.name or getattr(_command.callback, '__name__', '')}"
    _call = next((line for line in _EXAMPLES if f"{line} ".startswith(f"{_name} ")), _name)
    # As paragraphs, which the help breaks into lines by the width of the terminal.
    _paragraphs = inspect.cleandoc(getattr(_command.callback, "__doc__", None) or "").split("\n\n")
    _paragraphs.append(f"Example: forecast {_call}")
    _command.help = "\n\n".join(" ".join(text.split()) for text in _paragraphs)
