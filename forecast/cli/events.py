"""``forecast events validate`` and ``forecast events summary``.

NumPy, rich and the event modules are imported inside the commands, so that mounting the sub-app costs
nothing at ``forecast --help``.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.errors import EventError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from forecast.events.coverage import Coverage, MonthBreak
    from forecast.events.duplicates import DuplicateReport
    from forecast.events.rows import Fault
    from forecast.events.summary import EventSummary
    from forecast.events.table import EventTable

SHOWN_GROUPS = 20
YEARS_A_TABLE = 8

app = typer.Typer(name="events", help="Coded events: check a file, describe it.", no_args_is_help=True)

Source = Annotated[
    str, typer.Argument(metavar="FILE", help="A coded CSV or Parquet file, or bundled:us-china.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@app.command()
def validate(source: Source, as_json: Json = False) -> None:
    """Check a file: list every fault with its line, or the rows that may be one event twice.

    Exit code 2 when the file has faults.
    """
    table, faults = _inspect(source)
    if table is None:
        _refuse(source, faults, as_json=as_json)
        raise typer.Exit(2)
    from forecast.events.codebook import countries
    from forecast.events.duplicates import find_duplicates

    report = find_duplicates(table)
    unlisted = sorted({*table.initiator.tolist(), *table.recipient.tolist()} - set(countries()))
    if as_json:
        groups = [
            {"ids": list(group.ids), "likeness": group.likeness, "reason": group.reason}
            for group in report.groups
        ]
        _print_json(
            {
                "source": source,
                "valid": True,
                "rows": len(table),
                "faults": [],
                "duplicates": groups,
                "pairs_not_compared": report.not_compared,
                "unlisted_actors": unlisted,
            }
        )
        return
    events = "1 event" if len(table) == 1 else f"{len(table):,} events"
    typer.echo(f"{source}: {events}, {table.date[0]} to {table.date[-1]}. No faults.")
    if unlisted:
        typer.echo(f"Actors that are not ISO 3166-1 countries (accepted): {', '.join(unlisted)}.")
    _echo_duplicates(report)


@app.command()
def summary(source: Source, as_json: Json = False) -> None:
    """Describe a file: counts by category, severity and year, verified share, gaps, coverage, breaks."""
    table, faults = _inspect(source)
    if table is None:
        _refuse(source, faults, as_json=as_json)
        raise typer.Exit(2)
    from forecast.events.coverage import measure_coverage
    from forecast.events.summary import summarise

    described = summarise(table)
    coverage = measure_coverage(table, _volumes(source))
    if as_json:
        _print_json({**described.to_dict(), "coverage": coverage.to_dict()})
    else:
        _print_summary(described, coverage)


def _inspect(source: str) -> tuple[EventTable | None, list[Fault]]:
    from forecast.events.bundled import inspect_source
    from forecast.events.rows import Fault

    try:
        return inspect_source(source, Path.cwd())
    except EventError as error:
        return None, [Fault(None, "", str(error).removeprefix(f"{source}: "))]


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(json.dumps(content, allow_nan=False))


def _refuse(source: str, faults: list[Fault], *, as_json: bool) -> None:
    if as_json:
        listed = [{"line": fault.line, "column": fault.column, "message": fault.message} for fault in faults]
        _print_json({"source": source, "valid": False, "faults": listed})
        return
    for fault in faults:
        typer.echo(fault.located(source), err=True)


def _echo_duplicates(report: DuplicateReport) -> None:
    if report.groups:
        typer.echo(f"{len(report.groups):,} groups of rows may be one event each (nothing was dropped):")
    for group in report.groups[:SHOWN_GROUPS]:
        typer.echo(f"  {', '.join(group.ids)}: {group.reason}")
    if len(report.groups) > SHOWN_GROUPS:
        typer.echo(f"  and {len(report.groups) - SHOWN_GROUPS:,} more groups. All of them: --json")
    if not report.groups:
        typer.echo("No rows look like one event coded twice.")
    if report.not_compared:
        typer.echo(f"{report.not_compared:,} pairs of rows were too many to compare.")


def _volumes(source: str) -> dict[date, int] | None:
    from forecast.events.bundled import PREFIX
    from forecast.events.coverage import volumes_beside

    return None if source.startswith(PREFIX) else volumes_beside(Path(source).expanduser())


def _print_summary(described: EventSummary, coverage: Coverage) -> None:
    from rich.console import Console

    # Text from data is printed as it is: no markup, no emoji codes, no highlighting.
    console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
    console.print(f"{described.source}: {described.rows:,} events")
    console.print(
        f"Acts from {described.first_date} to {described.last_date}; "
        f"the latest became public on {described.last_known_date}."
    )
    console.print(_verified_line(described))
    if described.late_known_share:
        console.print(f"Became public later than it happened: {described.late_known_share:.0%}.")
    _print_table(console, _severity_table(described))
    for table in _year_tables(described):
        _print_table(console, table)
    console.print()
    console.print(f"Actors: {', '.join(f'{name} {rows:,}' for name, rows in described.actors.items())}")
    if described.unlisted_actors:
        console.print(f"Not ISO 3166-1 countries: {', '.join(described.unlisted_actors)}")
    if described.gaps:
        console.print("Longest spans without an act (30 days or more):")
        for gap in described.gaps[:10]:
            console.print(f"  {gap.first} to {gap.last}  {gap.days} days")
        if len(described.gaps) > 10:
            console.print(f"  and {len(described.gaps) - 10} more. All of them: --json")
    else:
        console.print("No span of 30 days or more without an act.")
    _print_coverage(console, coverage)
    if described.limits:
        console.print("Known limits:")
    for limit in described.limits:
        console.print(f"  - {limit}")
    console.print(f"sha256 {described.sha256}")


def _print_coverage(console: Console, coverage: Coverage) -> None:
    console.print(f"Rows that may repeat another: {coverage.duplicate_share:.0%}.")
    if coverage.world is not None and any(coverage.world):
        shares = {
            year: _share_of_year(coverage, year)
            for year in dict.fromkeys(month[:4] for month in coverage.months)
        }
        console.print("Events for every 100,000 rows of the whole archive, by year (whole months):")
        console.print("  " + ", ".join(f"{year} {share}" for year, share in shares.items()))
    for found in coverage.breaks:
        console.print(f"Break: {_BREAK_WORDS[found.series]} {_change(found)}")
    if coverage.breaks:
        console.print("A break may be in the reporting, not in the relation: see docs/import.md.")
    elif len(coverage.months) >= 2 * SHORTEST_MONTHS:
        console.print("No break in the level of the monthly counts (a slow drift is none).")


_BREAK_WORDS = {
    "events": "events a month",
    "world": "rows of the whole archive a month",
    "share": "the dyad's share of the archive",
}
SHORTEST_MONTHS = 8
"""Months on either side that a break needs."""


def _share_of_year(coverage: Coverage, year: str) -> str:
    world = coverage.world or ()
    rows = zip(coverage.months, coverage.events, world, strict=True)
    picked = [(events, volume) for month, events, volume in rows if month.startswith(year)]
    events, volume = (sum(column) for column in zip(*picked, strict=True))
    return f"{100_000 * events / volume:.1f}" if volume else "–"


def _change(found: MonthBreak) -> str:
    if found.series == "share":
        change = f"changed by a factor of {found.after / found.before:.2g}" if found.before else "began"
    else:
        change = f"went from {found.before:,.1f} to {found.after:,.1f}"
    return f"{change} in {found.month} (p {found.p_value:.1g})"


def _verified_line(described: EventSummary) -> str:
    if described.verified_share is None:
        return "The file does not say which rows were verified."
    line = f"Verified against the source page: {described.verified_share:.0%} of the rows."
    if described.verified_without_page:
        line += f" {described.verified_without_page:,} of them do not name the page."
    return line


def _print_table(console: Console, table: Table) -> None:
    console.print()
    console.print(table, soft_wrap=False)


def _new_table(title: str, first: str, columns: list[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column(first, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _severity_table(described: EventSummary) -> Table:
    from forecast.events.codebook import SEVERITIES, category_label, severity_word

    heads = [f"{severity} {severity_word(severity)}" for severity in SEVERITIES]
    table = _new_table("Events by category and severity", "Category", [*heads, "All"])
    for name, counts in described.by_category_severity.items():
        cells = [counts[severity] for severity in SEVERITIES]
        table.add_row(category_label(name), *(_count(cell) for cell in cells), _count(sum(cells)))
    return table


def _year_tables(described: EventSummary) -> list[Table]:
    """One table for every ``YEARS_A_TABLE`` years, so that none is wider than a terminal."""
    from forecast.events.codebook import CATEGORIES, category_label

    tables = []
    every = list(described.by_year_category)
    for years in (every[at : at + YEARS_A_TABLE] for at in range(0, len(every), YEARS_A_TABLE)):
        title = f"Events by year, {years[0]} to {years[-1]}"
        table = _new_table(title, "Category", [str(year) for year in years])
        for name in CATEGORIES:
            counts = (described.by_year_category[year][name] for year in years)
            table.add_row(category_label(name), *map(_count, counts))
        table.add_section()
        table.add_row("All", *(_count(sum(described.by_year_category[year].values())) for year in years))
        table.add_row("A month", *(f"{described.per_month_by_year[year]:.1f}" for year in years))
        tables.append(table)
    return tables


def _count(number: int) -> str:
    return f"{number:,}" if number else "–"
