"""``forecast events code`` and ``codebook``: code an event by hand, by options or by questions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from forecast.cli.options import Answer, argument, option, takes_options
from forecast.cli.terminal import line, text
from forecast.errors import EventError

if TYPE_CHECKING:
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
"""What is asked, in this order."""
FIRST = ("date", "initiator", "target", "category", "severity")
"""Asked first, and until an answer is given; the others may be left empty."""

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
    from forecast.config.scale_file import load_scale
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
        typer.echo(err=True)
        for name, cell in coded.cells.items():
            typer.echo(f"  {name:<14} {cell}", err=True)
        if not _ask_to_add(default=not coded.duplicates):
            typer.echo("Nothing was added.")
            raise typer.Exit
    if not dry_run:
        add_event(opened, coded)
    groups = [{"ids": list(one.ids), "reason": one.reason} for one in coded.duplicates]
    facts = {"file": str(file), "added": not dry_run, "event": dict(coded.cells), "duplicates": groups}
    anchor = of.anchor(coded.event.category, coded.event.severity)
    facts |= {"scale": of.name, "anchor": anchor}
    rows = (0 if opened.table is None else len(opened.table)) + (not dry_run)
    done = "not written (--dry-run)" if dry_run else f"added to {file}"
    held = f"{rows:,} event{'' if rows == 1 else 's'}"
    answer.print(
        facts,
        [
            line(f"{coded.event.id}: {done}, which holds {held}."),
            text(f"Severity {coded.event.severity} ({of.name}): {anchor}", "dim"),
        ],
    )


def codebook(
    category: str | None = argument("CATEGORY", "One category; all when absent.", default=None),
    scale: str = SCALE,
    yaml: bool = option(False, "--yaml", "Print the scale as a file of anchors, to begin one of your own."),
) -> None:
    """Print the codebook: categories, what each severity means, and the CAMEO codes of a category."""
    from forecast.config.scale_file import load_scale, scale_yaml
    from forecast.events.codebook import (
        CATEGORIES,
        category_fault,
        category_label,
        category_meaning,
        own_categories,
    )

    if category is not None and category not in CATEGORIES:
        raise EventError(category_fault(category))
    of = load_scale(scale, Path())
    own = own_categories(of)
    if yaml:
        typer.echo(scale_yaml(of, (category,) if category else own or CATEGORIES), nl=False)
        return
    lines = ["Categories", *_help("category", None)]
    if category:
        lines = [f"{category_label(category)}: {category_meaning(category)}"]
    for shown in own if own and not category else (category,):
        head = f"Severity of {category_label(shown).lower()}" if shown and not category else "Severity"
        lines += ["", head, *_help("severity", shown, of)]
    if own and not category:
        lines += ["", "Severity of all other categories", *_help("severity", None)]
    if category:
        lines += ["", "CAMEO codes", *_help("cameo", category)]
    typer.echo("\n".join(lines))


def _ask_for_event(
    given: Mapping[str, str], check: Check, *, asks_verified: bool, scale: Scale
) -> dict[str, str]:
    """Ask for every column that is not given; an answer that cannot be is told and asked for again."""
    answers = dict(given)
    order = [*FIRST, *(name for name in QUESTIONS if name not in FIRST)]
    for name in order:
        if name in given or (name == "verified" and not asks_verified):
            continue
        while True:
            answer = _ask(QUESTIONS[name])
            if answer == "?":
                typer.echo("\n".join(_help(name, answers.get("category"), scale)), err=True)
                continue
            wrong = [message for column, message in check(answers | {name: answer}) if column == name]
            if name in FIRST and not answer:
                wrong = wrong or ["empty. It is required"]
            if not wrong or (not answer and name not in FIRST):
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


def _ask(question: str) -> str:
    try:
        return str(typer.prompt(question, default="", show_default=False, err=True)).strip()
    except typer.Abort as stop:  # Typer's word for Ctrl-C and for the end of input
        raise KeyboardInterrupt from stop


def _help(name: str, category: str | None, scale: Scale | None = None) -> list[str]:
    """What the codebook says of a column, for one category where that matters."""
    from forecast.events import codebook as book
    from forecast.events.codebook import standard_scale
    from forecast.records.scale import ANY

    if name == "category":
        return [
            f"  {one:<18} {book.category_label(one)} ({book.category_kind(one)}). "
            f"{book.category_meaning(one)}"
            for one in book.CATEGORIES
        ]
    if name == "severity":
        of = scale or standard_scale()
        anchors = of.anchors[category if category in book.CATEGORIES else ANY]
        return [
            f"  {severity} {book.severity_word(severity):<8} {text}"
            for severity, text in sorted(anchors.items())
        ]
    if name == "cameo":
        codes = [one for one in book.cameo_codes().values() if category in (None, one.category)]
        return [f"  {one.code:<5} {one.label}" for one in codes]
    return [f"  {QUESTIONS[name]}. 'forecast events codebook' prints the codebook."]
