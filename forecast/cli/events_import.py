"""``forecast events import`` and ``forecast events crosswalk``; the engine is loaded inside the commands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecast.cli.options import Json, Output, argument, day, day_option, option, takes_options
from forecast.cli.progress import show_progress
from forecast.cli.terminal import printable
from forecast.errors import InputError
from forecast.progress import StageProgress

if TYPE_CHECKING:
    from forecast.feeds.options import Switches


@dataclass(frozen=True, kw_only=True)
class FeedChoice:
    """What is read, and how its codes become ours."""

    source_format: Annotated[
        str, option("--format", "gdelt1, gdelt2, icews, plover, polecat, acled, keds or csv.")
    ]
    dyad: Annotated[list[str], option("--dyad", "Two actors. Repeatable: many in one pass.", "A,B")]
    mapping: Annotated[
        Path | None, option("--mapping", "CSV of codes whose category or severity you change.", "FILE")
    ] = None
    codes: Annotated[
        str | None, option("--codes", "Codes of a keds or csv file: cameo, weis, plover or acled.")
    ] = None
    column: Annotated[
        list[str] | None, option("--column", "Column of a csv file. Repeatable.", "NAME=HEADER")
    ] = None


@dataclass(frozen=True, kw_only=True)
class NoiseChoice:
    """How the noise of machine coding is handled."""

    root_only: Annotated[bool, option("--root-only", "Root events alone.")] = False
    min_mentions: Annotated[int, option("--min-mentions", "Least number of mentions.", "N")] = 0
    min_sources: Annotated[int, option("--min-sources", "Least number of sources.", "N")] = 0
    exclude: Annotated[
        list[str] | None, option("--exclude", "Leave out actors: media, tourists, … Repeatable.", "GROUP")
    ] = None
    max_delay: Annotated[
        int | None, option("--max-delay", "Longest time from act to publication.", "DAYS")
    ] = None
    repeat_days: Annotated[
        int | None,
        option("--repeat-days", "The same act within so many days counts once.  [default: 1]", "DAYS"),
    ] = None
    keep_repeats: Annotated[bool, option("--keep-repeats", "Count every report of an act.")] = False
    keep_mirrored: Annotated[bool, option("--keep-mirrored", "Count both sides of a visit or meeting.")] = (
        False
    )
    ignore_place: Annotated[bool, option("--ignore-place", "Re-reports may name another place.")] = False
    cap_per_day: Annotated[
        int | None, option("--cap-per-day", "Most acts of a direction and category a day.", "N")
    ] = None
    normalise: Annotated[bool, option("--normalise", "Take the growth of the archive's volume out.")] = False
    known_date: Annotated[
        Literal["published", "act"],
        option("--known-date", "Day an act counts as known: its publication, or its own day."),
    ] = "published"
    vintage: Annotated[datetime | None, day_option("--vintage", "Leave out what was known later.")] = None
    seed: Annotated[int, option("--seed", "Seed of the normalisation.")] = 0


@takes_options
def import_events(
    files: Annotated[list[Path], argument("FILES…", "Files as published; .zip and .gz too.")],
    out: Annotated[Path, option("--output -o", "Event file to write: .csv or .parquet.", "FILE")],
    feed: FeedChoice,
    noise: NoiseChoice,
    strict: Annotated[bool, option("--strict", "Fail on any corrupt file or wrong row.")] = False,
    fresh: Annotated[bool, option("--fresh", "Read every file again.")] = False,
    memory: Annotated[int, option("--memory", "Memory of the engine.", "MB")] = 600,
    threads: Annotated[int, option("--threads", "Threads of the engine.")] = 2,
    *,
    output: Output,
) -> None:
    """Turn files of an event feed into coded events, and say what was done with every row.

    The same command goes on where an interrupted one stopped, and reads only new files later.
    """
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
        threads=threads,
    )
    with show_progress(shown=output.for_people) as draw:
        report = import_feed(
            files,
            options,
            out,
            strict=strict,
            fresh=fresh,
            listen=lambda done, total: draw(StageProgress("import", done, total)),
        )
    if output.json:
        typer.echo(json.dumps(report.to_dict(), allow_nan=False))
    elif output.for_people:
        for line in report.lines_of_text():
            typer.echo(printable(line))


def _switches(noise: NoiseChoice) -> Switches:
    from forecast.feeds.options import Switches

    if noise.seed and not noise.normalise:
        raise InputError("--seed has no effect without --normalise. Leave it out")
    if noise.keep_repeats and noise.repeat_days is not None:
        raise InputError("--repeat-days has no effect with --keep-repeats. Leave one of them out")
    return Switches(
        root_only=noise.root_only,
        min_mentions=noise.min_mentions,
        min_sources=noise.min_sources,
        exclude=tuple(dict.fromkeys(noise.exclude or [])),
        max_delay_days=noise.max_delay,
        repeat_days=None if noise.keep_repeats else 1 if noise.repeat_days is None else noise.repeat_days,
        ignore_place=noise.ignore_place,
        merge_mirrored=not noise.keep_mirrored,
        cap_per_day=noise.cap_per_day,
        normalise=noise.normalise,
        known_date=noise.known_date,
        vintage=day(noise.vintage),
        seed=noise.seed,
    )


def _columns(texts: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for text in texts:
        name, equals, header = text.partition("=")
        if not equals or not name or not header:
            raise InputError(f"--column {text}: expected NAME=HEADER, such as date=Day")
        if name in columns:
            raise InputError(f"--column {name}: given twice")
        columns[name] = header
    return columns


def crosswalk(
    system: Annotated[str, argument("SCHEME", "cameo, weis, plover or acled.")],
    output: Annotated[Path | None, option("--output -o", "Write it there instead.", "FILE")] = None,
    as_json: Json = False,
) -> None:
    """Print how the codes of a scheme become our categories: the pattern of a --mapping file."""
    from forecast.feeds.crosswalk import crosswalk_csv, shipped_crosswalk
    from forecast.feeds.options import SYSTEMS

    scheme = next((name for name in SYSTEMS if name == system.lower()), None)
    if scheme is None:
        raise InputError(f"{system}: no such coding scheme. Allowed: {', '.join(SYSTEMS)}")
    codings = shipped_crosswalk(scheme)
    if as_json:
        typer.echo(json.dumps({"scheme": scheme, "codes": [coding.row() for coding in codings.values()]}))
    elif output is None:
        typer.echo(crosswalk_csv(codings), nl=False)
    else:
        try:
            with output.open("x", encoding="utf-8", newline="") as stream:
                stream.write(crosswalk_csv(codings))
        except FileExistsError as error:
            raise InputError(f"-o {output}: is there already. Choose another name") from error
        except OSError as error:
            raise InputError(f"-o {output}: cannot be written: {error.strerror or error}") from error
