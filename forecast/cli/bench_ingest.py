"""``forecast bench ingest``: rows a second from an event feed, beside pandas."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.options import Json, Quiet

if TYPE_CHECKING:
    from forecast.bench.ingest import IngestReport

Rows = Annotated[int, typer.Option("--rows", min=1_000, help="GDELT 2.0 rows to make and read.")]
Sample = Annotated[
    Path | None,
    typer.Option("--sample", metavar="FILE", help="Repeat these GDELT 2.0 rows instead of made-up ones."),
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Threads of the engine.")]
SeedOfRows = Annotated[int, typer.Option("--seed", help="Seed of the made-up rows.")]


def ingest(
    rows: Rows = 1_000_000,
    sample: Sample = None,
    threads: Threads = 2,
    seed: SeedOfRows = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a whole import from zipped text and from Parquet, beside pandas reading the same rows."""
    from forecast.bench.ingest import measure_ingest

    show = sys.stderr.isatty() and not (json or quiet)

    def tell(what: str) -> None:
        if show:
            typer.echo(f"forecast bench: {what}", err=True)

    report = measure_ingest(rows, tell, threads=threads, seed=seed, sample=sample)
    if json:
        runs = [vars(run) | {"rows_per_second": run.rows_per_second} for run in report.runs]
        typer.echo(json_text.dumps(vars(report) | {"runs": runs}))
    elif not quiet:
        for line in lines(report):
            typer.echo(line)


def lines(report: IngestReport) -> list[str]:
    """Return the table of a report as lines of at most 80 columns."""
    size = report.text_bytes / 1e6
    rows = [
        f"{report.rows:,} GDELT 2.0 rows of {report.files:,} days ({size:,.0f} MB as text), one dyad",
        f"  {'':<22}{'rows/s':>12}{'seconds':>9}{'processor s':>13}{'peak MiB':>10}{'of dyad':>10}",
    ]
    rows += [
        f"  {run.reader + ', ' + run.source:<22}{run.rows_per_second:>12,.0f}{run.seconds:>9.1f}"
        f"{run.processor_seconds:>13.1f}{run.peak_mebibytes:>10,.0f}{run.dyad_rows:>10,}"
        for run in report.runs
    ]
    rows.append(f"  {report.processors} processors; load {report.load:.1f} when it began.")
    if not any(run.reader == "pandas" for run in report.runs):
        rows.append("  pandas left out: not installed.")
    return rows
