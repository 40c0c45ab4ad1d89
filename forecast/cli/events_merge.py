"""``forecast events merge``: several coders' files into one, with a table of their agreement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from forecast.cli.options import DATES, DateOrder, Output, argument, option, takes_options
from forecast.cli.terminal import BLANK, Part, Table, left, line, right, text
from forecast.errors import EventError

if TYPE_CHECKING:
    from forecast.events.merging import Agreement, Merged, Unit

SHOWN = 20


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
    if output.for_people:
        for table in tables:
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
    done = [line(f"Disagreements were resolved by: {RULES[rule]}.")]
    if out is not None:
        done.append(line(f"Written: {out}, {len(merged.table):,} events."))
    output.print(facts, (*_findings(coders, units, agreement, merged), *done))


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
    from forecast.events.merging import RELIABLE, TENTATIVE
    from forecast.wording import number

    shared = sum(len(unit.rows) > 1 for unit in units)
    yield text(f"{len(units):,} events in {len(coders)} files, {shared:,} of them in two files or more.")
    for row in _counts(coders, units):
        alone = f"{row['alone']:,} that no other file has"
        yield text(f"{row['coder']}: {row['events']:,} events, {alone}", indent=2)
    yield BLANK
    yield text("Agreement on the shared events (Krippendorff's alpha: 1 full, 0 as by chance)")
    rows = (
        (
            one.name,
            "–" if one.equal is None else f"{one.equal:.0%}",
            "–" if one.alpha is None else number(one.alpha),
            "" if one.interval90 is None else " to ".join(number(bound) for bound in one.interval90),
        )
        for one in agreement
    )
    yield Table((left(width=30), right("equal", 6), right("alpha", 6), left("90% interval")), rows)
    safe = f"From {RELIABLE:g} conclusions from the coding are safe, from {TENTATIVE:g} tentative"
    yield text(f"{safe}; below, the codebook or the training needs work.", indent=2)
    yield BLANK
    yield text(f"Disagreements: {len(merged.disagreements):,}")
    for item in merged.disagreements[:SHOWN]:
        given = ", ".join(f"{coder} {value}" for coder, value in item.values.items())
        yield text(f"{item.event}: {item.property}: {given}; taken: {item.taken}", indent=2, hang=4)
    hidden = len(merged.disagreements) - SHOWN
    if hidden > 0:
        yield text(f"and {hidden:,} more. All of them: --json, or x_resolved", indent=2)
