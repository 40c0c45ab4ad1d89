"""``forecast events import`` and ``crosswalk``: events from a feed, and what its codes become.

The engine of feeds is loaded inside the commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from forecast.cli.options import Answer, Output, argument, day, day_option, option, takes_options
from forecast.cli.terminal import show_progress
from forecast.errors import InputError
from forecast.progress import StageProgress

if TYPE_CHECKING:
    from forecast.feeds.options import Switches


@dataclass(frozen=True, kw_only=True)
class FeedChoice:
    """What is read, and how its codes become ours."""

    source_format: str = option(
        ..., "--format", "gdelt1, gdelt2, icews, plover, polecat, acled, ucdp, keds or csv."
    )
    dyad: list[str] = option(..., "--dyad", "Two actors. Repeatable: many in one pass.", "A,B")
    mapping: Path | None = option(
        None, "--mapping", "CSV of codes whose category or severity you change.", "FILE"
    )
    codes: str | None = option(
        None, "--codes", "Codes of a keds or csv file: cameo, weis, plover, acled or ucdp."
    )
    column: list[str] | None = option(None, "--column", "Column of a csv file. Repeatable.", "NAME=HEADER")


@dataclass(frozen=True, kw_only=True)
class NoiseChoice:
    """How the noise of machine coding is handled."""

    root_only: bool = option(False, "--root-only", "Root events alone.")
    min_mentions: int = option(0, "--min-mentions", "Least number of mentions.", "N")
    min_sources: int = option(0, "--min-sources", "Least number of sources.", "N")
    exclude: list[str] | None = option(
        None, "--exclude", "Leave out actors: media, tourists, … Repeatable.", "GROUP"
    )
    max_delay_days: int | None = option(None, "--max-delay", "Longest time from act to publication.", "DAYS")
    repeat_days: int | None = option(
        None, "--repeat-days", "The same act within so many days counts once (1 when absent).", "DAYS"
    )
    keep_repeats: bool = option(False, "--keep-repeats", "Count every report of an act.")
    keep_mirrored: bool = option(False, "--keep-mirrored", "Count both sides of a visit or meeting.")
    ignore_place: bool = option(False, "--ignore-place", "Re-reports may name another place.")
    cap_per_day: int | None = option(
        None, "--cap-per-day", "Most acts of a direction and category a day.", "N"
    )
    normalise: bool = option(False, "--normalise", "Take the growth of the archive's volume out.")
    known_date: Literal["published", "act"] = option(
        "published", "--known-date", "Day an act counts as known: its publication, or its own day."
    )
    vintage: datetime | None = day_option(None, "--vintage", "Leave out what was known later.")
    seed: int = option(0, "--seed", "Seed of the normalisation.")


@takes_options
def import_events(
    files: list[Path] = argument("FILES…", "Files as published; .zip and .gz too."),
    out: Path = option(..., "--output -o", "Event file to write: .csv or .parquet.", "FILE"),
    *,
    feed: FeedChoice,
    noise: NoiseChoice,
    strict: bool = option(False, "--strict", "Fail on any corrupt file or wrong row."),
    memory: int = option(600, "--memory", "Memory of the engine.", "MB"),
    output: Output,
) -> None:
    """Turn files of an event feed into coded events, and say what was done with every row."""
    from forecast.feeds.importing import import_feed
    from forecast.feeds.options import feed_options

    options = feed_options(
        feed.source_format,
        feed.dyad,
        _switches(noise),
        mapping=feed.mapping,
        codes=feed.codes,
        columns=_columns(feed.column or []),
        memory_mb=memory,
    )
    with show_progress(shown=output.for_people) as draw:
        report = import_feed(
            files,
            options,
            out,
            strict=strict,
            listen=lambda done, total: draw(StageProgress("import", done, total)),
        )
    output.print(report.to_dict(), report.blocks())


def _switches(noise: NoiseChoice) -> Switches:
    from forecast.feeds.options import Switches

    if noise.seed and not noise.normalise:
        raise InputError("--seed has no effect without --normalise. Leave it out")
    if noise.keep_repeats and noise.repeat_days is not None:
        raise InputError("--repeat-days has no effect with --keep-repeats. Leave one of them out")
    same = {name: value for name, value in vars(noise).items() if not name.startswith("keep_")}
    return Switches(
        **same
        | {
            "exclude": tuple(dict.fromkeys(noise.exclude or [])),
            "repeat_days": None
            if noise.keep_repeats
            else 1
            if noise.repeat_days is None
            else noise.repeat_days,
            "merge_mirrored": not noise.keep_mirrored,
            "vintage": day(noise.vintage),
        }
    )


def _columns(texts: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for given in texts:
        name, equals, header = given.partition("=")
        if not equals or not name or not header:
            raise InputError(f"--column {given}: expected NAME=HEADER, such as date=Day")
        if name in columns:
            raise InputError(f"--column {name}: given twice")
        columns[name] = header
    return columns


@takes_options
def crosswalk(
    system: str = argument("SCHEME", "cameo, weis, plover, acled or ucdp."),
    output: Path | None = option(None, "--output -o", "Write it there instead.", "FILE"),
    *,
    answer: Answer,
) -> None:
    """Print how the codes of a scheme become our categories: the pattern of a --mapping file."""
    from forecast.feeds.formats import SYSTEMS, crosswalk_csv, shipped_crosswalk

    scheme = next((name for name in SYSTEMS if name == system.lower()), None)
    if scheme is None:
        raise InputError(f"{system}: no such coding scheme. Allowed: {', '.join(SYSTEMS)}")
    codings = shipped_crosswalk(scheme)
    if answer.json:
        answer.print({"scheme": scheme, "codes": [vars(coding) for coding in codings.values()]}, ())
    elif output is None:
        typer.echo(crosswalk_csv(codings), nl=False)
    else:
        from forecast.storage import write_file

        if output.exists():
            raise InputError(f"-o {output}: is there already. Choose another name")
        try:
            write_file(output, crosswalk_csv(codings))
        except OSError as error:
            raise InputError(f"-o {output}: cannot be written: {error.strerror or error}") from error
