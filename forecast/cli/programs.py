"""``forecast app``, ``mcp`` and ``schema``: saved runs and the contracts of files, for others to read."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import typer

from forecast.cli.options import LEDGER, argument, ledger_place, option
from forecast.errors import InputError, install_command


def schema(
    contract: Literal["config", "scenario", "forecast", "analysis", "watchlist", "watch"] = typer.Argument(
        help="Which schema.", show_default=False
    ),
) -> None:
    """Print a JSON Schema for other programs.

    Of a config, a scenario, forecast.json, analysis.json, a watchlist, or watch.json.
    """
    from forecast.config import writing

    typer.echo(writing.schema_text(writing.schema_of(contract)), nl=False)


def mcp(
    reports_dir: Path = argument("REPORTS_DIR", "Folder with runs below it, or of one run."),
    ledger: Path | None = LEDGER,
) -> None:
    """Answer an assistant's questions about saved runs (Model Context Protocol, standard input and output).

    It reads and never writes. An assistant starts it by itself: see docs/mcp.md.
    """
    if find_spec("mcp") is None:
        raise InputError(f"this needs mcp, which the extra 'mcp' brings: {install_command('mcp')}")
    from forecast.mcp_server import Answers, make_server

    make_server(Answers(reports_dir, ledger_place(ledger, reports_dir))).run("stdio")


def app(
    run_dir: Path = argument("RUN_DIR", "Folder of a saved run, or one with runs below it."),
    no_browser: bool = option(False, "--no-browser", "Only print the address."),
    port: int = option(0, "--port", "Port on 127.0.0.1; 0 for any that is free.", "PORT", min=0, max=65535),
) -> None:
    """Serve the scenario page: move a belief, add an act, watch the probability. Ctrl-C ends it.

    Only this machine can ask, and only with the token in the printed address.
    """
    refuse_without_app()
    from forecast.app.server import serve

    serve(run_dir, port, _tell, browser=not no_browser)


def refuse_without_app() -> None:
    """Raise ``InputError`` where what serves the page is not installed."""
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise InputError(
            f"the page needs {' and '.join(missing)}, which the extra 'app' brings: {install_command('app')}"
        )


def _tell(address: str) -> None:
    # At once: whoever started the command waits for this line.
    typer.echo(address)
    sys.stdout.flush()
