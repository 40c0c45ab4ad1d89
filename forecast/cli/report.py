"""``forecast report``: PDF and page of a saved run built again, its charts and tables as files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.options import Json, Quiet


class Paper(StrEnum):
    """Paper sizes."""

    A4 = "a4"
    US_LETTER = "us-letter"


def report(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder of a saved run.", show_default=False)
    ],
    previous: Annotated[
        Path | None,
        typer.Option("--previous", metavar="RUN_DIR", help="Earlier run, to show the change since then."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option("--figures", metavar="DIR", help="Write every chart there too, as SVG and PNG."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="DIR", help="Write every table there too, as CSV.")
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", metavar="FILE", help="Typst template of your own for the PDF."),
    ] = None,
    paper: Annotated[
        Paper | None, typer.Option("--paper", help="Paper of the PDF, in place of report.paper.")
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Build from files that were altered after the run; the report says so."),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build the report of a saved run again (report.pdf, report.html); nothing is fitted."""
    from forecast.workflows.report import rebuild_report

    built = rebuild_report(
        run_dir,
        previous=previous,
        template=template,
        paper=None if paper is None else paper.value,
        figures=figures,
        tables=csv,
        force=force,
    )
    if json:
        import json as json_text

        content = {
            "report": str(built.pdf),
            "page": str(built.page),
            "figures": [str(path) for path in built.exported_figures],
            "tables": [str(path) for path in built.exported_tables],
        }
        typer.echo(json_text.dumps(content))
    elif not quiet:
        typer.echo(f"Report: {built.pdf}")
        typer.echo(f"Page:   {built.page}")
        for name, paths in (("Charts", built.exported_figures), ("Tables", built.exported_tables)):
            if paths:
                typer.echo(f"{name}: {len(paths)} files in {paths[0].parent}")
