"""``forecast events``: coded events checked, described, merged; coding and importing are mounted here.

NumPy and the event modules are imported inside the commands, so that ``forecast --help`` costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from forecast.cli.events_code import code, codebook, crosswalk, import_events
from forecast.cli.events_draft import agreement_parts
from forecast.cli.options import DATES, Answer, DateOrder, Output, argument, day_option, option, takes_options
from forecast.cli.terminal import BLANK, Part, Table, left, line, right, text
from forecast.errors import EventError
from forecast.wording import count

if TYPE_CHECKING:
    from forecast.events.duplicates import DuplicateReport
    from forecast.events.merging import Agreement, Merged, Unit
    from forecast.events.summary import Coverage, EventSummary
    from forecast.events.table import EventTable
    from forecast.records.event_cautions import FeedFault

SHOWN_GROUPS = 20
SHOWN_GAPS = 10
SHOWN_DISAGREEMENTS = 20
YEARS_A_TABLE = 8
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
    caution = saturated(events, standard_scale())
    cautions = [caution.text] if caution else []
    unlisted = sorted({*events.initiator.tolist(), *events.recipient.tolist()} - set(countries()))
    facts = {
        "source": source,
        "valid": True,
        "rows": len(events),
        "faults": [],
        "duplicates": [
            {name: getattr(group, name) for name in ("ids", "lines", "likeness", "reason")}
            for group in report.groups
        ],
        "pairs_not_compared": report.not_compared,
        "unlisted_actors": unlisted,
        "notes": [*events.notes, *cautions],
        "written": str(out) if out else None,
    }
    answer.print(facts, _verdict(source, events, unlisted, cautions, report))
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


@app.command()
@takes_options
def merge(
    files: list[Path] = argument("FILES", "Two or more coders' files; the first one leads."),
    out: Path | None = option(
        None, "--out -o", "Where to write the merged events; only the table when absent.", "FILE"
    ),
    rule: Literal["first", "majority"] = option(
        "first", "--rule", "Who is right: the first file that has the event, or what most coders gave."
    ),
    window: int = option(1, "--window", "Days by which coders may date an event apart.", min=0, max=60),
    min_coders: int = option(1, "--min-coders", "Leave out events that fewer coders have.", min=1),
    dates: DateOrder = DATES,
    seed: int = option(0, "--seed", "Seed of the bootstrap of the intervals.", min=0),
    force: bool = option(False, "--force", "Replace the output if it is there."),
    *,
    output: Output,
) -> None:
    """Match the events of several coders, show how far they agree, and write one file.

    Rows of two files are one event when actors, day and content speak for it (docs/codebook.md). The
    merged file says in its columns x_coders, x_rows and x_resolved where each row comes from.
    """
    from forecast.events.merging import RULES, match_events, measure_agreement, merge_units
    from forecast.events.reading import read_events, write_whole

    coders = _coders(files)
    if min_coders > len(files):
        raise EventError(
            f"--min-coders {min_coders}: there are {len(files)} files. Allowed: 1 to {len(files)}"
        )
    if out is not None:
        if out.resolve() in {file.resolve() for file in files}:
            raise EventError(f"{out}: is one of the files to merge. Give another place with --out")
        if out.exists() and not force:
            raise EventError(f"{out}: exists. Use --force to replace it, or give another place")
    tables = [read_events(file, dates=dates) for file in files]
    for table in tables if output.for_people else ():
        for note in table.notes:
            typer.echo(f"Note: {table.source}: {note}.", err=True)
    units = match_events(tables, window_days=window)
    agreement = measure_agreement(units, seed)
    merged = merge_units(
        units,
        coders,
        rule=rule,
        least_coders=min_coders,
        has_verified=any(table.has_verified for table in tables),
    )
    if out is not None:
        if not len(merged.table):
            raise EventError(f"no event was found by {min_coders} coders, so {out} was not written")
        write_whole(out, merged.csv_text().encode())
    facts = {
        "coders": _counts(coders, units),
        "events": len(units),
        "shared": sum(len(unit.rows) > 1 for unit in units),
        "merged": len(merged.table),
        "agreement": [vars(one) for one in agreement],
        "disagreements": [vars(one) for one in merged.disagreements],
        "out": None if out is None else str(out),
        "rule": rule,
        "rule_meaning": RULES[rule],
        "window_days": window,
    }
    said = line(f"Disagreements were resolved by: {RULES[rule]}.")
    written = [line(f"Written: {out}, {len(merged.table):,} events.")] if out else []
    output.print(facts, (*_findings(coders, units, agreement, merged), said, *written))


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
    answer.print({"source": source, "valid": False, "faults": [asdict(fault) for fault in faults]}, ())
    for fault in faults if answer.for_people else ():
        typer.echo(fault.located(source), err=True)
    raise typer.Exit(2)


def _verdict(
    source: str, events: EventTable, unlisted: list[str], cautions: list[str], report: DuplicateReport
) -> Iterator[Part]:
    yield text(f"{source}: {count(len(events), 'event')}, {events.date[0]} to {events.date[-1]}. No faults.")
    for note in events.notes:
        yield text(f"Note: {note}.", hang=6)
    if unlisted:
        yield text(f"Actors that are not ISO 3166-1 countries (accepted): {', '.join(unlisted)}.")
    for caution in cautions:
        yield text(f"Note: {caution}", hang=6)
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
    span = f"Acts from {described.first_date} to {described.last_date}"
    yield text(f"{span}; the latest became public on {described.last_known_date}.")
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
    from forecast.events.summary import SHORTEST

    yield text(f"Rows that may repeat another: {coverage.duplicate_share:.0%}.")
    if coverage.world is not None and any(coverage.world):
        years: dict[str, list[int]] = {}
        for month, events, volume in zip(coverage.months, coverage.events, coverage.world, strict=True):
            before = years.get(month[:4], [0, 0])
            years[month[:4]] = [before[0] + events, before[1] + volume]
        shares = (
            f"{year} {100_000 * events / volume:.1f}" if volume else f"{year} –"
            for year, (events, volume) in years.items()
        )
        yield text("Events for every 100,000 rows of the whole archive, by year (whole months):")
        yield text(", ".join(shares), indent=2)
    for level in coverage.breaks:
        change = f"went from {level.before:,.1f} to {level.after:,.1f}"
        if level.series == "share":
            change = f"changed by a factor of {level.after / level.before:.2g}" if level.before else "began"
        yield text(f"Break: {_BREAK_WORDS[level.series]} {change} in {level.month} (p {level.p_value:.1g})")
    if coverage.breaks:
        yield text("A break may be in the reporting, not in the relation: see docs/import.md.")
    elif len(coverage.months) >= 2 * SHORTEST:
        yield text("No break in the level of the monthly counts (a slow drift is none).")


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


def _count(rows: int) -> str:
    return f"{rows:,}" if rows else "–"


def _coders(files: list[Path]) -> list[str]:
    if len(files) < 2:
        raise EventError("one file alone has nothing to be merged with. Give the files of two coders or more")
    places = [file.resolve() for file in files]
    twice = next((file for file, place in zip(files, places, strict=True) if places.count(place) > 1), None)
    if twice is not None:
        raise EventError(f"{twice}: given twice. Give each coder's file once")
    stems = [file.stem for file in files]
    return [stem if stems.count(stem) == 1 else str(file) for stem, file in zip(stems, files, strict=True)]


def _counts(coders: Sequence[str], units: Sequence[Unit]) -> list[dict[str, Any]]:
    return [
        {
            "coder": coder,
            "events": sum(place in unit.rows for unit in units),
            "alone": sum(set(unit.rows) == {place} for unit in units),
        }
        for place, coder in enumerate(coders)
    ]


def _findings(
    coders: Sequence[str], units: Sequence[Unit], agreement: Sequence[Agreement], merged: Merged
) -> Iterator[Part]:
    shared = sum(len(unit.rows) > 1 for unit in units)
    yield text(f"{len(units):,} events in {len(coders)} files, {shared:,} of them in two files or more.")
    for row in _counts(coders, units):
        alone = f"{row['alone']:,} that no other file has"
        yield text(f"{row['coder']}: {row['events']:,} events, {alone}", indent=2)
    yield BLANK
    yield from agreement_parts(agreement)
    yield BLANK
    yield text(f"Disagreements: {len(merged.disagreements):,}")
    for item in merged.disagreements[:SHOWN_DISAGREEMENTS]:
        given = ", ".join(f"{coder} {value}" for coder, value in item.values.items())
        yield text(f"{item.event}: {item.property}: {given}; taken: {item.taken}", indent=2, hang=4)
    hidden = len(merged.disagreements) - SHOWN_DISAGREEMENTS
    if hidden > 0:
        yield text(f"and {hidden:,} more. All of them: --json, or x_resolved", indent=2)


app.command("code")(code)
app.command("codebook")(codebook)
app.command("import")(import_events)
app.command("crosswalk")(crosswalk)
