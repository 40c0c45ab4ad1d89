"""``forecast events code`` and ``codebook``: code an event by hand, by options or by questions."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.options import Json

if TYPE_CHECKING:
    from forecast.events.coding import CodedEvent


def _option(name: str, help_text: str, metavar: str = "TEXT") -> object:
    return typer.Option(f"--{name}", metavar=metavar, help=help_text, show_default=False)


def code(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Event file (CSV); made when absent.", show_default=False),
    ],
    date: Annotated[str | None, _option("date", "Day of the act.", "DAY")] = None,
    initiator: Annotated[str | None, _option("initiator", "Who acts, e.g. USA.", "CODE")] = None,
    target: Annotated[str | None, _option("target", "Towards whom, e.g. CHN.", "CODE")] = None,
    category: Annotated[str | None, _option("category", "Category of the codebook.", "NAME")] = None,
    severity: Annotated[str | None, _option("severity", "1 (routine) to 5 (extreme).", "1-5")] = None,
    subcategory: Annotated[str | None, _option("subcategory", "Which kind.")] = None,
    cameo: Annotated[str | None, _option("cameo", "CAMEO code, e.g. 042.", "CODE")] = None,
    summary: Annotated[str | None, _option("summary", "What happened, one neutral sentence.")] = None,
    end_date: Annotated[str | None, _option("end-date", "Last day of an act of several.", "DAY")] = None,
    known_date: Annotated[str | None, _option("known-date", "Day it became public, if later.", "DAY")] = None,
    source_outlet: Annotated[str | None, _option("source-outlet", "Who reported it.")] = None,
    source_title: Annotated[str | None, _option("source-title", "Title of the report.")] = None,
    source_url: Annotated[str | None, _option("source-url", "Address of the page.", "URL")] = None,
    source_date: Annotated[str | None, _option("source-date", "Day of publication.", "DAY")] = None,
    verified: Annotated[
        str | None, _option("verified", "yes when the page was read and reports the act, else no.", "yes|no")
    ] = None,
    confidence: Annotated[
        str | None, _option("confidence", "That date and fact are right.", "high|medium|low")
    ] = None,
    event_id: Annotated[str | None, _option("id", "Name of the event; made when absent.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the event and print it; the file is not touched.")
    ] = False,
    json: Json = False,
) -> None:
    """Add one event to a file, checked by the rules of the codebook.

    On a terminal what the options leave open is asked for; '?' shows what the codebook says. Nothing is
    written before all is right, and an interrupted command leaves the file as it was.
    """
    from forecast.events.coding import add_event, code_event, coding_faults, open_event_file

    cells = {
        "id": event_id,
        "date": date,
        "end_date": end_date,
        "known_date": known_date,
        "initiator": initiator,
        "target": target,
        "category": category,
        "subcategory": subcategory,
        "cameo": cameo,
        "severity": severity,
        "summary": summary,
        "source_outlet": source_outlet,
        "source_title": source_title,
        "source_url": source_url,
        "source_date": source_date,
        "verified": verified,
        "confidence": confidence,
    }
    given = {name: text for name, text in cells.items() if text is not None}
    opened = open_event_file(file)
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not json
    if asking:
        from forecast.cli.events_prompts import ask_for_event, ask_to_add

        given = ask_for_event(
            given, lambda so_far: coding_faults(so_far, opened), asks_verified=opened.asks_verified
        )
    coded = code_event(given, opened)
    _warn_of_duplicates(coded)
    if asking:
        _show(coded)
        if not ask_to_add(default=not coded.duplicates):
            typer.echo("Nothing was added.")
            raise typer.Exit
    if not dry_run:
        add_event(opened, coded)
    if json:
        groups = [{"ids": list(one.ids), "reason": one.reason} for one in coded.duplicates]
        content = {"file": str(file), "added": not dry_run, "event": dict(coded.cells), "duplicates": groups}
        typer.echo(json_text.dumps(content, ensure_ascii=False))
    else:
        rows = (0 if opened.table is None else len(opened.table)) + (not dry_run)
        done = "not written (--dry-run)" if dry_run else f"added to {file}"
        typer.echo(f"{coded.event.id}: {done}, which holds {rows:,} event{'' if rows == 1 else 's'}.")


def codebook(
    category: Annotated[
        str | None, typer.Argument(metavar="CATEGORY", help="One category; all when absent.")
    ] = None,
) -> None:
    """Print the codebook: categories, what each severity means, and the CAMEO codes of a category."""
    from forecast.cli.events_prompts import codebook_help
    from forecast.errors import EventError
    from forecast.events.codebook import CATEGORIES, category_fault, category_label, category_meaning

    if category is None:
        lines = ["Categories", *codebook_help("category", None), "", "Severity"]
        lines += codebook_help("severity", None)
    else:
        if category not in CATEGORIES:
            raise EventError(category_fault(category))
        lines = [f"{category_label(category)}: {category_meaning(category)}", "", "Severity"]
        lines += codebook_help("severity", category)
        lines += ["", "CAMEO codes", *codebook_help("cameo", category)]
    for line in lines:
        typer.echo(line)


def _warn_of_duplicates(coded: CodedEvent) -> None:
    for group in coded.duplicates:
        others = [name for name in group.ids if name != coded.event.id]
        typer.echo(f"Warning: this may be the same event as {', '.join(others)} ({group.reason}).", err=True)


def _show(coded: CodedEvent) -> None:
    typer.echo(err=True)
    for name, text in coded.cells.items():
        typer.echo(f"  {name:<14} {text}", err=True)
