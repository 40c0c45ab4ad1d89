"""``forecast report``: PDF and page of a saved run built again, its charts and tables as files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from forecast.cli.options import Output, RunFolder, option, takes_options
from forecast.cli.terminal import text


class Paper(StrEnum):
    """Paper sizes."""

    A4 = "a4"
    US_LETTER = "us-letter"


@takes_options
def report(
    run_dir: RunFolder,
    previous: Annotated[
        Path | None, option("--previous", "Earlier run, to show the change since then.", "RUN_DIR")
    ] = None,
    figures: Annotated[
        Path | None, option("--figures", "Write every chart there too, as SVG and PNG.", "DIR")
    ] = None,
    csv: Annotated[Path | None, option("--csv", "Write every table there too, as CSV.", "DIR")] = None,
    template: Annotated[
        Path | None, option("--template", "Typst template of your own for the PDF.", "FILE")
    ] = None,
    paper: Annotated[Paper | None, option("--paper", "Paper of the PDF, in place of report.paper.")] = None,
    force: Annotated[
        bool, option("--force", "Build from files that were altered after the run; the report says so.")
    ] = False,
    *,
    output: Output,
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
    written = (("Charts", built.exported_figures), ("Tables", built.exported_tables))
    said = [f"Report: {built.pdf}", f"Page: {built.page}"]
    said += [f"{name}: {len(paths)} files in {paths[0].parent}" for name, paths in written if paths]
    facts = {
        "report": str(built.pdf),
        "page": str(built.page),
        "figures": [str(path) for path in built.exported_figures],
        "tables": [str(path) for path in built.exported_tables],
    }
    output.print(facts, map(text, said))
