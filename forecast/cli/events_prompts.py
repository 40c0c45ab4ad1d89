"""Questions of ``forecast events code`` on a terminal, with the codebook at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import typer

from forecast.events.codebook import (
    CATEGORIES,
    SEVERITIES,
    cameo_codes,
    category_kind,
    category_label,
    category_meaning,
    severity_anchor,
    severity_word,
)

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

Check = Callable[[Mapping[str, str]], list[tuple[str, str]]]


def ask_for_event(given: Mapping[str, str], check: Check, *, asks_verified: bool) -> dict[str, str]:
    """Ask for every column that is not given; an answer that cannot be is told and asked for again.

    Parameters
    ----------
    given : mapping of str to str
        What the options of the command hold.
    check : callable
        Returns column and message of all that is wrong so far.
    asks_verified : bool
        Whether the file says of each row if it was verified.
    """
    answers = dict(given)
    order = [*FIRST, *(name for name in QUESTIONS if name not in FIRST)]
    for name in order:
        if name in given or (name == "verified" and not asks_verified):
            continue
        while True:
            answer = _ask(QUESTIONS[name])
            if answer == "?":
                for line in codebook_help(name, answers.get("category")):
                    typer.echo(line, err=True)
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


def ask_to_add(*, default: bool) -> bool:
    """Ask whether the event is to be added."""
    try:
        return bool(typer.confirm("Add it?", default=default, err=True))
    except typer.Abort as stop:
        raise KeyboardInterrupt from stop


def _ask(question: str) -> str:
    try:
        return str(typer.prompt(question, default="", show_default=False, err=True)).strip()
    except typer.Abort as stop:  # Typer's word for Ctrl-C and for the end of input
        raise KeyboardInterrupt from stop


def codebook_help(name: str, category: str | None) -> list[str]:
    """Return what the codebook says of a column, for one category where that matters."""
    if name == "category":
        return list(_categories())
    if name == "severity":
        kind = category if category in CATEGORIES else "any"
        return [
            f"  {severity} {severity_word(severity):<8} {severity_anchor(kind, severity)}"
            for severity in SEVERITIES
        ]
    if name == "cameo":
        codes = [one for one in cameo_codes().values() if category is None or one.category == category]
        return [f"  {one.code:<5} {one.label}" for one in codes]
    return [f"  {QUESTIONS[name]}. 'forecast events codebook' prints the codebook."]


def _categories() -> Iterator[str]:
    for name in CATEGORIES:
        yield f"  {name:<18} {category_label(name)} ({category_kind(name)}). {category_meaning(name)}"
