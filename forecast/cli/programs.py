"""``forecast schema`` and ``mcp``: the contracts of files, and saved runs, for other programs to read."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import typer

from forecast.cli.options import LEDGER, argument, ledger_place
from forecast.errors import InputError, install_command


def schema(
    contract: Literal[
        "config", "scenario", "forecast", "analysis", "ledger", "watchlist", "watch"
    ] = typer.Argument(help="Which schema.", show_default=False),
) -> None:
    """Print a JSON Schema for other programs.

    Of a config, a scenario, forecast.json, analysis.json, a ledger's export, a watchlist, or watch.json.
    """
    from forecast.config import writing
    from forecast.ledger.entries import ledger_schema

    made = ledger_schema() if contract == "ledger" else writing.schema_of(contract)
    typer.echo(writing.schema_text(made), nl=False)


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
