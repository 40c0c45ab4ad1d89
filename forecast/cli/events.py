"""``forecast events``: coded events checked, described, merged; coding and importing are mounted here.

NumPy and the event modules are imported inside the commands, so that ``forecast --help`` costs nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from forecast.blocks import Pairs
from forecast.cli.events_import import codebook, crosswalk, import_events
from forecast.cli.options import DATES, Answer, DateOrder, Output, argument, day_option, option, takes_options
from forecast.errors import EventError

if TYPE_CHECKING:
    from forecast.events.table import EventTable
    from forecast.records.notices import FeedFault

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

    from forecast.events.answers import checked_file
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
    written = [Pairs((("Written", str(out)),))] if out else []
    answer.print(facts, (*checked_file(source, events, unlisted, cautions, report), *written))


@app.command()
@takes_options
def summary(
    source: str = SOURCE,
    dates: DateOrder = DATES,
    as_of: datetime | None = day_option(
        None, "--as-of", "Day by which the feed is judged; else that of the last row."
    ),
    *,
    answer: Answer,
) -> None:
    """Describe a file: counts by category, severity and year, verified share, gaps, breaks, feed faults."""
    events = _inspect(source, dates, answer)

    from forecast.events.answers import described_file
    from forecast.events.feed_faults import Feed, feed_faults
    from forecast.events.reading import PREFIX
    from forecast.events.summary import measure_coverage, summarise, volumes_beside

    described = summarise(events)
    volumes = None if source.startswith(PREFIX) else volumes_beside(Path(source).expanduser())
    coverage = measure_coverage(events, volumes)
    faults: tuple[FeedFault, ...] = ()
    if len(events):
        day = as_of.date() if as_of else events.known_date.max().item()
        faults = feed_faults((Feed.of_table(events, source),), day)
    facts = {
        **described.to_dict(),
        "coverage": asdict(coverage),
        "feed_faults": [fault.model_dump(mode="json") for fault in faults],
    }
    answer.print(facts, described_file(described, coverage, faults))


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
    from forecast.events.answers import merged_files
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
    counts = [
        {
            "coder": coder,
            "events": sum(place in unit for unit in units),
            "alone": sum([*unit] == [place] for unit in units),
        }
        for place, coder in enumerate(coders)
    ]
    facts = {
        "coders": counts,
        "events": len(units),
        "shared": sum(len(unit) > 1 for unit in units),
        "merged": len(merged.table),
        "agreement": [vars(agreed) for agreed in agreement],
        "disagreements": [item._asdict() for item in merged.disagreements],
        "out": None if out is None else str(out),
        "rule": rule,
        "rule_meaning": RULES[rule],
        "window_days": window,
    }
    written = [Pairs((("Written", f"{out}, {len(merged.table):,} events"),))] if out else []
    output.print(facts, (*merged_files(counts, units, agreement, merged, rule), *written))


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


def _coders(files: list[Path]) -> list[str]:
    if len(files) < 2:
        raise EventError("one file alone has nothing to be merged with. Give the files of two coders or more")
    places = [file.resolve() for file in files]
    twice = next((file for file, place in zip(files, places, strict=True) if places.count(place) > 1), None)
    if twice is not None:
        raise EventError(f"{twice}: given twice. Give each coder's file once")
    stems = [file.stem for file in files]
    return [stem if stems.count(stem) == 1 else str(file) for stem, file in zip(stems, files, strict=True)]


app.command("codebook")(codebook)
app.command("import")(import_events)
app.command("crosswalk")(crosswalk)
