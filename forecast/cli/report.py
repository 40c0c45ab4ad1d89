"""``forecast report``: the PDF of a saved run, built again without a refit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.options import Json, Quiet


def report(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder of a saved run.", show_default=False)
    ],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build the report of a saved run again; nothing is fitted."""
    from forecast.run_files import rebuild_report

    path = rebuild_report(run_dir)
    if json:
        import json as json_text

        typer.echo(json_text.dumps({"report": str(path)}))
    elif not quiet:
        typer.echo(f"Report: {path}")
