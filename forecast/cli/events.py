"""``forecast events``: coded events checked and described; coding, merging and importing are mounted here.

NumPy and the event modules are imported inside the commands, so that ``forecast --help`` costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from forecast.cli.events_code import code, codebook
from forecast.cli.events_import import crosswalk, import_events
from forecast.cli.events_merge import merge
from forecast.cli.options import DATES, Answer, DateOrder, argument, day_option, option, takes_options
from forecast.cli.terminal import BLANK, Part, Table, left, right, text
from forecast.errors import EventError
from forecast.wording import count

if TYPE_CHECKING:
    from forecast.events.duplicates import DuplicateReport
    from forecast.events.summary import Coverage, EventSummary, MonthBreak
    from forecast.events.table import EventTable
    from forecast.records.event_cautions import FeedFault

SHOWN_GROUPS = 20
SHOWN_GAPS = 10
YEARS_A_TABLE = 8
SHORTEST_MONTHS = 8
"""Months on either side that a break needs."""
_BREAK_WORDS = {
    "events": "events a month",
    "world": "rows of the whole archive a month",
    "share": "the dyad's share of the archive",
}

app = typer.Typer(
    name="events",
    help="Coded events: check, describe, code by hand, merge, import a feed.",
    no_args_is_help=True,
)

SOURCE = argument("FILE", "A coded CSV, Parquet or .xlsx file, or bundled:us-china.")


@app.command()
@takes_options
def validate(
    source: str = SOURCE,
    dates: DateOrder = DATES,
    out: Path | None = option(
        None, "--out -o", "Write the events as read, by the codebook: CSV, or .parquet.", "FILE"
    ),
    *,
    answer: Answer,
) -> None:
    """Check a file: list every fault with its line, or the rows that may be one event twice.

    Exit code 2 when the file has faults.
    """
    events = _inspect(source, dates, answer)

    from forecast.events.codebook import countries, standard_scale
    from forecast.events.duplicates import find_duplicates
    from forecast.events.reading import write_events
    from forecast.events.summary import saturated

    if out:
        if out.exists():
            raise EventError(f"{out}: exists. Give the name of a new file, or remove it first")
        write_events(events, out)
    report = find_duplicates(events)
    unlisted = sorted({*events.initiator.tolist(), *events.recipient.tolist()} - set(countries()))
    facts = {
        "source": source,
        "valid": True,
        "rows": len(events),
        "faults": [],
        "duplicates": [
            {
                "ids": list(group.ids),
                "lines": list(group.lines),
                "likeness": group.likeness,
                "reason": group.reason,
            }
            for group in report.groups
        ],
        "pairs_not_compared": report.not_compared,
        "unlisted_actors": unlisted,
        "notes": [*events.notes, *((found.text,) if (found := saturated(events, standard_scale())) else ())],
        "written": str(out) if out else None,
    }
    answer.print(facts, _verdict(source, events, unlisted, report))
    if out and answer.for_people:
        typer.echo(f"Written  {out}")


@app.command()
@takes_options
def summary(
    source: str = SOURCE,
    dates: DateOrder = DATES,
    as_of: datetime | None = day_option(
        None, "--as-of", "Day by which the feed is judged; else that of the last row."
    ),
    earlier: str | None = option(
        None, "--earlier", "An earlier copy of the file: tell which of its rows are gone.", "FILE"
    ),
    *,
    answer: Answer,
) -> None:
    """Describe a file: counts by category, severity and year, verified share, gaps, breaks, feed faults."""
    events = _inspect(source, dates, answer)
    before = _inspect(earlier, dates, answer) if earlier else None

    from forecast.events.feed_faults import Feed, changed_rows, feed_faults
    from forecast.events.reading import PREFIX
    from forecast.events.summary import measure_coverage, summarise, volumes_beside

    described = summarise(events)
    volumes = None if source.startswith(PREFIX) else volumes_beside(Path(source).expanduser())
    coverage = measure_coverage(events, volumes)
    faults: tuple[FeedFault, ...] = ()
    if len(events):
        day = as_of.date() if as_of else events.known_date.max().item()
        faults = feed_faults((Feed.of_table(events, source),), day)
        if before is not None and len(before):
            faults += tuple(changed_rows(source, before, events, before.known_date.max().item()))
    facts = {
        **described.to_dict(),
        "coverage": asdict(coverage),
        "feed_faults": [one.model_dump(mode="json") for one in faults],
    }
    answer.print(facts, _summary(described, coverage, faults))


def _inspect(source: str, dates: DateOrder, answer: Answer) -> EventTable:
    """Read the events, or tell every fault and end with code 2."""
    from forecast.events.cells import Fault
    from forecast.events.reading import inspect_source

    try:
        events, faults = inspect_source(source, Path.cwd(), dates=dates)
    except EventError as error:
        events, faults = None, [Fault(None, "", str(error).removeprefix(f"{source}: "))]
    if events is not None:
        return events
    listed = [{"line": fault.line, "column": fault.column, "message": fault.message} for fault in faults]
    answer.print({"source": source, "valid": False, "faults": listed}, ())
    if answer.for_people:
        for fault in faults:
            typer.echo(fault.located(source), err=True)
    raise typer.Exit(2)


def _verdict(source: str, events: EventTable, unlisted: list[str], report: DuplicateReport) -> Iterator[Part]:
    from forecast.events.codebook import standard_scale
    from forecast.events.summary import saturated

    yield text(f"{source}: {count(len(events), 'event')}, {events.date[0]} to {events.date[-1]}. No faults.")
    for note in events.notes:
        yield text(f"Note: {note}.", hang=6)
    if unlisted:
        yield text(f"Actors that are not ISO 3166-1 countries (accepted): {', '.join(unlisted)}.")
    if found := saturated(events, standard_scale()):
        yield text(f"Note: {found.text}", hang=6)
    if report.groups:
        groups = count(len(report.groups), "group")
        yield text(f"{groups} of rows may be one event each (nothing was dropped):")
    else:
        yield text("No rows look like one event coded twice.")
    for group in report.groups[:SHOWN_GROUPS]:
        lines = f"lines {', '.join(map(str, group.lines))} ({', '.join(group.ids)})"
        yield text(f"{lines}: {group.reason}", indent=2, hang=4)
    if len(report.groups) > SHOWN_GROUPS:
        yield text(f"and {len(report.groups) - SHOWN_GROUPS:,} more groups. All of them: --json", indent=2)
    if report.not_compared:
        yield text(f"{report.not_compared:,} pairs of rows were too many to compare.")


def _summary(described: EventSummary, coverage: Coverage, faults: Sequence[FeedFault]) -> Iterator[Part]:
    yield text(f"{described.source}: {described.rows:,} events")
    yield text(
        f"Acts from {described.first_date} to {described.last_date}; "
        f"the latest became public on {described.last_known_date}."
    )
    if described.verified_share is None:
        yield text("The file does not say which rows were verified.")
    else:
        unnamed = described.verified_without_page
        more = f" {unnamed:,} of them do not name the page." if unnamed else ""
        yield text(f"Verified against the source page: {described.verified_share:.0%} of the rows.{more}")
    if described.late_known_share:
        yield text(f"Became public later than it happened: {described.late_known_share:.0%}.")
    yield from _severities(described)
    yield from _years(described)
    yield BLANK
    yield text(f"Actors: {', '.join(f'{name} {rows:,}' for name, rows in described.actors.items())}")
    if described.unlisted_actors:
        yield text(f"Not ISO 3166-1 countries: {', '.join(described.unlisted_actors)}")
    if described.gaps:
        yield text("Longest spans without an act (30 days or more):")
        for gap in described.gaps[:SHOWN_GAPS]:
            yield text(f"{gap.first} to {gap.last}  {gap.days} days", indent=2)
        if len(described.gaps) > SHOWN_GAPS:
            yield text(f"and {len(described.gaps) - SHOWN_GAPS} more. All of them: --json", indent=2)
    else:
        yield text("No span of 30 days or more without an act.")
    yield from _coverage(coverage)
    for fault in faults:
        yield text(f"Feed: {fault.text}", "yellow", hang=6)
    if described.limits:
        yield text("Known limits:")
    for limit in described.limits:
        yield text(f"- {limit}", indent=2, hang=4)
    yield text(f"sha256 {described.sha256}")


def _coverage(coverage: Coverage) -> Iterator[Part]:
    yield text(f"Rows that may repeat another: {coverage.duplicate_share:.0%}.")
    if coverage.world is not None and any(coverage.world):
        years = dict.fromkeys(month[:4] for month in coverage.months)
        shares = ", ".join(f"{year} {_share_of_year(coverage, year)}" for year in years)
        yield text("Events for every 100,000 rows of the whole archive, by year (whole months):")
        yield text(shares, indent=2)
    for found in coverage.breaks:
        yield text(f"Break: {_BREAK_WORDS[found.series]} {_change(found)}")
    if coverage.breaks:
        yield text("A break may be in the reporting, not in the relation: see docs/import.md.")
    elif len(coverage.months) >= 2 * SHORTEST_MONTHS:
        yield text("No break in the level of the monthly counts (a slow drift is none).")


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


def _severities(described: EventSummary) -> Iterator[Part]:
    from forecast.events.codebook import SEVERITIES, category_label, severity_word

    yield BLANK
    yield text("Events by category and severity", "bold")
    heads = *(f"{severity} {severity_word(severity)}" for severity in SEVERITIES), "All"
    rows = []
    for name, counts in described.by_category_severity.items():
        cells = [counts[severity] for severity in SEVERITIES]
        rows.append((category_label(name), *map(_count, (*cells, sum(cells)))))
    yield Table((left("Category"), *map(right, heads)), rows)


def _years(described: EventSummary) -> Iterator[Part]:
    """One table for every ``YEARS_A_TABLE`` years, so that none is wider than a terminal."""
    from forecast.events.codebook import CATEGORIES, category_label

    every = list(described.by_year_category)
    for years in (every[at : at + YEARS_A_TABLE] for at in range(0, len(every), YEARS_A_TABLE)):
        counts = [described.by_year_category[year] for year in years]
        rows = [(category_label(name), *(_count(one[name]) for one in counts)) for name in CATEGORIES]
        rows.append(("All", *(_count(sum(one.values())) for one in counts)))
        rows.append(("A month", *(f"{described.per_month_by_year[year]:.1f}" for year in years)))
        yield BLANK
        yield text(f"Events by year, {years[0]} to {years[-1]}", "bold")
        yield Table((left("Category"), *(right(str(year)) for year in years)), rows)


def _count(number: int) -> str:
    return f"{number:,}" if number else "–"


app.command("code")(code)
app.command("codebook")(codebook)
app.command("merge")(merge)
app.command("import")(import_events)
app.command("crosswalk")(crosswalk)
