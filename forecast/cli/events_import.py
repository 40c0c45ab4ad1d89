"""``forecast events import`` and ``forecast events crosswalk``; the engine is loaded inside the commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forecast.errors import InputError

if TYPE_CHECKING:
    from forecast.feeds.report import ImportReport

Files = Annotated[list[Path], typer.Argument(metavar="FILES…", help="Files as published; .zip and .gz too.")]
Format = Annotated[
    str,
    typer.Option(
        "--format", help="gdelt1, gdelt2, icews, plover, polecat, acled, keds or csv.", show_default=False
    ),
]
Dyads = Annotated[
    list[str], typer.Option("--dyad", metavar="A,B", help="Two actors. Repeatable: many in one pass.")
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="Event file to write: .csv or .parquet.")
]
Mapping_ = Annotated[
    Path | None,
    typer.Option("--mapping", metavar="FILE", help="CSV of codes whose category or severity you change."),
]
Codes = Annotated[
    str | None, typer.Option("--codes", help="Codes of a keds or csv file: cameo, weis, plover or acled.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="NAME=HEADER", help="Column of a csv file. Repeatable."),
]
RootOnly = Annotated[bool, typer.Option("--root-only", help="Root events alone.")]
MinMentions = Annotated[int, typer.Option("--min-mentions", metavar="N", help="Least number of mentions.")]
MinSources = Annotated[int, typer.Option("--min-sources", metavar="N", help="Least number of sources.")]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GROUP", help="Leave out actors: media, tourists, … Repeatable."),
]
MaxDelay = Annotated[
    int | None, typer.Option("--max-delay", metavar="DAYS", help="Longest time from act to publication.")
]
RepeatDays = Annotated[
    int | None,
    typer.Option(
        "--repeat-days", metavar="DAYS", help="The same act within so many days counts once.  [default: 1]"
    ),
]
KeepRepeats = Annotated[bool, typer.Option("--keep-repeats", help="Count every report of an act.")]
KeepMirrored = Annotated[
    bool, typer.Option("--keep-mirrored", help="Count both sides of a visit or meeting.")
]
IgnorePlace = Annotated[bool, typer.Option("--ignore-place", help="Re-reports may name another place.")]
Cap = Annotated[
    int | None,
    typer.Option("--cap-per-day", metavar="N", help="Most acts of a direction and category a day."),
]
Normalise = Annotated[bool, typer.Option("--normalise", help="Take the growth of the archive's volume out.")]
KnownDateOption = Annotated[
    Literal["published", "act"],
    typer.Option("--known-date", help="Day an act counts as known: its publication, or its own day."),
]
Vintage = Annotated[
    datetime | None,
    typer.Option("--vintage", formats=["%Y-%m-%d"], metavar="DATE", help="Leave out what was known later."),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the normalisation.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail on any corrupt file or wrong row.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Read every file again.")]
Memory = Annotated[int, typer.Option("--memory", metavar="MB", help="Memory of the engine.")]
Threads = Annotated[int, typer.Option("--threads", help="Threads of the engine.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print no progress and no report.")]


def import_events(
    files: Files,
    output: Output,
    source_format: Format,
    dyad: Dyads,
    mapping: Mapping_ = None,
    codes: Codes = None,
    column: Columns = None,
    root_only: RootOnly = False,
    min_mentions: MinMentions = 0,
    min_sources: MinSources = 0,
    exclude: Exclude = None,
    max_delay: MaxDelay = None,
    repeat_days: RepeatDays = None,
    keep_repeats: KeepRepeats = False,
    keep_mirrored: KeepMirrored = False,
    ignore_place: IgnorePlace = False,
    cap_per_day: Cap = None,
    normalise: Normalise = False,
    known_date: KnownDateOption = "published",
    vintage: Vintage = None,
    seed: Seed = 0,
    strict: Strict = False,
    fresh: Fresh = False,
    memory: Memory = 600,
    threads: Threads = 2,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Turn files of an event feed into coded events, and say what was done with every row.

    The same command goes on where an interrupted one stopped, and reads only new files later.
    """
    from forecast.feeds.importing import import_feed
    from forecast.feeds.options import Switches, feed_options

    if seed and not normalise:
        raise InputError("--seed has no effect without --normalise. Leave it out")
    if keep_repeats and repeat_days is not None:
        raise InputError("--repeat-days has no effect with --keep-repeats. Leave one of them out")
    switches = Switches(
        root_only=root_only,
        min_mentions=min_mentions,
        min_sources=min_sources,
        exclude=tuple(dict.fromkeys(exclude or [])),
        max_delay_days=max_delay,
        repeat_days=None if keep_repeats else 1 if repeat_days is None else repeat_days,
        ignore_place=ignore_place,
        merge_mirrored=not keep_mirrored,
        cap_per_day=cap_per_day,
        normalise=normalise,
        known_date=known_date,
        vintage=vintage.date() if vintage else None,
        seed=seed,
    )
    options = feed_options(
        source_format,
        dyad,
        switches,
        mapping=mapping,
        codes=codes,
        columns=_columns(column or []),
        memory_mb=memory,
        threads=threads,
    )
    with _progress(hidden=quiet or as_json) as listen:
        report = import_feed(files, options, output, strict=strict, fresh=fresh, listen=listen)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), allow_nan=False))
    elif not quiet:
        _print(report)


def crosswalk(
    system: Annotated[str, typer.Argument(metavar="SCHEME", help="cameo, weis, plover or acled.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there instead.")
    ] = None,
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


def _print(report: ImportReport) -> None:
    from forecast.events.cells import clean_text

    for line in report.lines_of_text():
        # What comes from the files is printed without control characters.
        indent = line[: len(line) - len(line.lstrip())]
        typer.echo(indent + clean_text(line))


@contextmanager
def _progress(*, hidden: bool) -> Iterator[Callable[[int, int], None]]:
    if hidden or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bars:
        task = bars.add_task("Read files", total=None)

        def listen(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        yield listen
