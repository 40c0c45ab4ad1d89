"""``forecast events code`` and ``import``: events coded by hand, or from a feed; ``codebook``, ``crosswalk``.

The engine of feeds is loaded inside the commands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from forecast.blocks import Block, Pairs, Prose, Verbatim
from forecast.cli.options import Answer, Output, argument, day, day_option, option, takes_options
from forecast.cli.terminal import lines_of, show_progress
from forecast.errors import EventError, InputError
from forecast.progress import StageProgress
from forecast.wording import count

if TYPE_CHECKING:
    from forecast.feeds.options import Switches
    from forecast.records.scale import Scale

QUESTIONS: Mapping[str, str] = {
    "date": "Day of the act (YYYY-MM-DD)",
    "end_date": "Last day, for an act of several days",
    "known_date": "Day it became public, if later",
    "initiator": "Who acts (three letters)",
    "target": "Towards whom (three letters)",
    "category": "Category (? for the codebook)",
    "severity": "Severity 1 to 5 (? for what each means)",
    "subcategory": "Which kind, in a word or two",
    "cameo": "CAMEO code (? for the category's codes)",
    "summary": "What happened, in one neutral sentence",
    "source_outlet": "Source: outlet",
    "source_title": "Source: title",
    "source_url": "Source: address of the page",
    "source_date": "Source: day of publication",
    "verified": "Page read, and it reports the act (yes, no)",
    "confidence": "Confidence (high, medium, low)",
}
"""What is asked, after the columns that are required; the others may be left empty."""

SCALE: Any = option(
    "standard", "--scale", "Severities by: standard, armed (routine fire), or a file of anchors.", "SCALE"
)
Check = Callable[[Mapping[str, str]], list[tuple[str, str]]]


def _cell(name: str, help_text: str, metavar: str = "TEXT") -> Any:  # noqa: ANN401 - as typer's own
    return option(None, f"--{name}", help_text, metavar)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The columns of an event file, as text."""

    date: str | None = _cell("date", "Day of the act.", "DAY")
    initiator: str | None = _cell("initiator", "Who acts, e.g. USA.", "CODE")
    target: str | None = _cell("target", "Towards whom, e.g. CHN.", "CODE")
    category: str | None = _cell("category", "Category of the codebook.", "NAME")
    severity: str | None = _cell("severity", "1 (routine) to 5 (extreme).", "1-5")
    subcategory: str | None = _cell("subcategory", "Which kind.")
    cameo: str | None = _cell("cameo", "CAMEO code, e.g. 042.", "CODE")
    summary: str | None = _cell("summary", "What happened, one neutral sentence.")
    end_date: str | None = _cell("end-date", "Last day of an act of several.", "DAY")
    known_date: str | None = _cell("known-date", "Day it became public, if later.", "DAY")
    source_outlet: str | None = _cell("source-outlet", "Who reported it.")
    source_title: str | None = _cell("source-title", "Title of the report.")
    source_url: str | None = _cell("source-url", "Address of the page.", "URL")
    source_date: str | None = _cell("source-date", "Day of publication.", "DAY")
    verified: str | None = _cell(
        "verified", "yes when the page was read and reports the act, else no.", "yes|no"
    )
    confidence: str | None = _cell("confidence", "That date and fact are right.", "high|medium|low")
    id: str | None = _cell("id", "Name of the event; made when absent.")


@takes_options
def code(
    file: Path = argument("FILE", "Event file (CSV); made when absent."),
    *,
    cells: Cells,
    scale: str = SCALE,
    dry_run: bool = option(False, "--dry-run", "Check the event and print it; the file is not touched."),
    answer: Answer,
) -> None:
    """Add one event to a file, checked by the rules of the codebook.

    On a terminal what the options leave open is asked for; '?' shows what the codebook says. Nothing is
    written before all is right, and an interrupted command leaves the file as it was.
    """
    from forecast.config.named_files import load_scale
    from forecast.events.coding import add_event, code_event, coding_faults, open_event_file

    given = {name: text for name, text in vars(cells).items() if text is not None}
    opened, of = open_event_file(file), load_scale(scale, Path())
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not answer.json
    if asking:
        given = _ask_for_event(
            given,
            lambda so_far: coding_faults(so_far, opened, of),
            asks_verified=opened.asks_verified,
            scale=of,
        )
    coded = code_event(given, opened, of)
    for group in coded.duplicates:
        others = [name for name in group.ids if name != coded.event.id]
        typer.echo(f"Warning: this may be the same event as {', '.join(others)} ({group.reason}).", err=True)
    if asking:
        typer.echo("\n".join(("", *lines_of([Pairs(tuple(coded.cells.items()))]))), err=True)
        if not _ask_to_add(default=not coded.duplicates):
            typer.echo("Nothing was added.")
            raise typer.Exit
    if not dry_run:
        add_event(opened, coded)
    groups = [{"ids": list(group.ids), "reason": group.reason} for group in coded.duplicates]
    facts = {"file": str(file), "added": not dry_run, "event": dict(coded.cells), "duplicates": groups}
    anchor = of.anchor(coded.event.category, coded.event.severity)
    facts |= {"scale": of.name, "anchor": anchor}
    rows = (0 if opened.table is None else len(opened.table)) + (not dry_run)
    done = "not written (--dry-run)" if dry_run else f"added to {file}"
    held = count(rows, "event")
    answer.print(
        facts,
        [
            Verbatim((f"{coded.event.id}: {done}, which holds {held}.",)),
            Prose(f"Severity {coded.event.severity} ({of.name}): {anchor}", tone="fine"),
        ],
    )


@takes_options
def codebook(
    category: str | None = argument("CATEGORY", "One category; all when absent.", default=None),
    scale: str = SCALE,
    yaml: bool = option(False, "--yaml", "Print the scale as a file of anchors, to begin one of your own."),
    *,
    answer: Answer,
) -> None:
    """Print the codebook: categories, what each severity means, and the CAMEO codes of a category."""
    from forecast.config.named_files import load_scale, scale_yaml
    from forecast.events.answers import codebook_blocks
    from forecast.events.codebook import CATEGORIES, category_fault, codebook_facts, own_categories

    if category is not None and category not in CATEGORIES:
        raise EventError(category_fault(category))
    if yaml and answer.json:
        raise InputError("--yaml and --json are two ways to print the scale: give one of them")
    of = load_scale(scale, Path())
    if yaml:
        typer.echo(scale_yaml(of, (category,) if category else own_categories(of) or CATEGORIES), nl=False)
        return
    answer.print(codebook_facts(category, of), codebook_blocks(category, of))


def _ask_for_event(
    given: Mapping[str, str], check: Check, *, asks_verified: bool, scale: Scale
) -> dict[str, str]:
    """Ask for every column that is not given; an answer that cannot be is told and asked for again."""
    from forecast.events.table import REQUIRED

    answers = dict(given)
    order = [*REQUIRED, *(name for name in QUESTIONS if name not in REQUIRED)]
    for name in order:
        if name in given or (name == "verified" and not asks_verified):
            continue
        while True:
            answer = ask(QUESTIONS[name])
            if answer == "?":
                typer.echo("\n".join(lines_of(help_of(name, answers.get("category"), scale))), err=True)
                continue
            wrong = [message for column, message in check(answers | {name: answer}) if column == name]
            if name in REQUIRED and not answer:
                wrong = wrong or ["empty. It is required"]
            if not wrong or (not answer and name not in REQUIRED):
                break
            typer.echo(f"  {wrong[0]}", err=True)
        if answer:
            answers[name] = answer
    return answers


def _ask_to_add(*, default: bool) -> bool:
    try:
        return bool(typer.confirm("Add it?", default=default, err=True))
    except typer.Abort as stop:
        raise KeyboardInterrupt from stop


def ask(question: str) -> str:
    """Ask on standard error; the answer may be empty."""
    try:
        return str(typer.prompt(question, default="", show_default=False, err=True)).strip()
    except typer.Abort as stop:  # Typer's word for Ctrl-C and for the end of input
        raise KeyboardInterrupt from stop


def help_of(name: str, category: str | None, scale: Scale | None = None) -> tuple[Block, ...]:
    """What the codebook says of a column, for one category where that matters."""
    from forecast.events.answers import categories_table, codes_table, severities_table
    from forecast.events.codebook import CATEGORIES, standard_scale

    if name == "category":
        return (categories_table(),)
    if name == "severity":
        return (severities_table(scale or standard_scale(), category if category in CATEGORIES else None),)
    if name == "cameo":
        return (codes_table(category),)
    return (Prose(f"{QUESTIONS[name]}. 'forecast events codebook' prints the codebook."),)


# Feeds


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
    fresh: bool = option(False, "--fresh", "Read every file again."),
    memory: int = option(600, "--memory", "Memory of the engine.", "MB"),
    threads: int = option(2, "--threads", "Threads of the engine."),
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
    from forecast.feeds.crosswalk import crosswalk_csv, shipped_crosswalk
    from forecast.feeds.options import SYSTEMS

    scheme = next((name for name in SYSTEMS if name == system.lower()), None)
    if scheme is None:
        raise InputError(f"{system}: no such coding scheme. Allowed: {', '.join(SYSTEMS)}")
    codings = shipped_crosswalk(scheme)
    if answer.json:
        answer.print({"scheme": scheme, "codes": [coding.row() for coding in codings.values()]}, ())
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
