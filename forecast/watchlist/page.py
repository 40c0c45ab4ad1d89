"""A watch for people: ranked table and a part for each dyad, on the terminal, as page, PDF and CSV.

Made of the blocks of the report, set in its type; all numbers are those of the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from forecast import wording
from forecast.blocks import (
    Alert,
    Block,
    Bullets,
    Cell,
    Column,
    Group,
    Heading,
    Prose,
    Section,
    Table,
    Track,
    paired,
    plain_table,
    right,
)
from forecast.families import family_named
from forecast.phrases import watch as phrases
from forecast.phrases.chances import likelihood, target_rule_text
from forecast.phrases.data import other_text
from forecast.phrases.notices import feed_fault_text, notice_text
from forecast.records.forecast import MilestoneForecast
from forecast.records.ledger import GRACE_DAYS
from forecast.records.watch import DyadEntry, Watch, answer_to
from forecast.report import palette
from forecast.report.build import Content, frame_colours
from forecast.report.typesetting import Attachment, compile_pdf, data_address, render_content
from forecast.runs import files
from forecast.storage import csv_text, day_made
from forecast.wording import shorten

HEADER = (
    *("rank", "dyad", "label", "state", "target", "milestone", "date", "probability", "lower90", "upper90"),
    *("words", "baseline", "trigger", "trigger_before", "change", "news", "rest", "change_error"),
    *("last_event", "failure", "others"),
)
_PAGE = """\
{% extends "page.html" %}
{% block skip %}table{% endblock %}
{% block whole %}page{% endblock %}
{% block first %}The ranked table{% endblock %}
{% block attached %}
<p><a href="{{ table_address }}" download="watch.csv">The table of this watch as CSV</a></p>
{% endblock %}
"""
_STATE_COLOURS = {"failed": palette.STAMP, "stale": "#8A4B12"}


def make_page_and_pdf(
    watch: Watch, *, made_on: date | None = None, paper: Literal["a4", "us-letter"] = "a4"
) -> tuple[bytes, bytes]:
    """Return the page and the PDF of a watch made on a day; the same record and day give the same bytes."""
    as_of, dyads = wording.long_day(watch.as_of), wording.count(len(watch.dyads), "dyad")
    name = shorten(watch.name.replace("-", " ").capitalize(), 80)
    content = Content(
        meta={
            "kicker": "Watchlist",
            "title": f"Watchlist: {name}",
            "head": f"Watchlist: {name}",
            "running": f"{name} · watchlist",
            "as_of": as_of,
            "made": made_on and _made(watch, made_on),
            "author": None,
            "byline": "",
            "footer": f"{watch.name} · {palette.name_model(watch.model)} · {dyads}",
            "description": f"Probabilities of escalation of {dyads}, {as_of}",
            "paper": paper,
            "classification": None,
            "logo": None,
        },
        colours=frame_colours(),
        stamp=None,
        sections=(
            Section("overview", None, tuple(_overview(watch))),
            Section(
                "dyads",
                "Dyad by dyad",
                tuple(block for entry in watch.dyads for block in _dyad(entry, watch.as_of)),
            ),
            Section("reading", "How to read it", (Bullets(tuple(_reading(watch))),)),
        ),
    ).as_json()
    table = csv_text(table_rows(watch), end="\r\n")
    address = data_address(table.encode(), "text/csv;charset=utf-8")
    page = render_content(content, {}, extension=_PAGE, logo=None, table_address=address)
    attached = Attachment("watch.csv", table, "The table of this watch, with all its numbers")
    return page.encode(), compile_pdf(content, (), (attached,), made_on or watch.as_of)


def watch_answer(watch: Watch, folder: Path) -> Iterator[Block]:
    """What the command prints."""
    yield Heading(f"Watchlist {watch.name}, as of {wording.long_day(watch.as_of)}")
    yield Prose(f"{_made(watch, day_made())}.", tone="fine")
    yield from _overview(watch)
    yield paired((("Files", str(folder)),))


def _made(watch: Watch, day: date) -> str:
    late = ", in hindsight" if day > watch.as_of + timedelta(days=GRACE_DAYS) else ""
    return f"Made {wording.long_day(day)}{late}"


def _overview(watch: Watch) -> Iterator[Block]:
    yield Heading("What is new" + (f" since {wording.long_day(watch.since)}" if watch.since else ""))
    yield Bullets(tuple(phrases.news_lines(watch)))
    yield Heading("All dyads")
    yield Prose(phrases.counted_text(watch))
    for target in [target for entry in watch.dyads for target in entry.targets]:
        if answer := answer_to(watch.headline, (target,)):
            day = wording.long_day(answer.date)
            yield Prose(f"Ranked by: {target.label} ({target_rule_text(target)}) before {day}.")
            break
    yield Prose(phrases.backtest_text(watch))
    trouble = [
        *(
            f"{entry.label}: {phrases.failure_text(entry, watch.as_of)}"
            for entry in watch.dyads
            if entry.failure
        ),
        *(f"{entry.label}: {feed_fault_text(fault)}" for entry in watch.dyads for fault in entry.feed_faults),
        *map(notice_text, watch.notes),
    ]
    if trouble:
        yield Alert(text="Before trusting the numbers", items=tuple(trouble), tone="caution")
    yield _ranked_table(watch)
    yield from (Prose(sentence, tone="fine") for sentence in phrases.trigger_texts(watch))
    others = []
    for entry in watch.dyads:
        labels = {target.name: target.label for target in entry.targets}
        asked = (
            (f"{labels[other.target]}, before {wording.long_day(other.ends)}", other)
            for other in entry.others
        )
        others += [
            f"{entry.label}: {question}. {other_text(other, watch.as_of)}" for question, other in asked
        ]
    if others:
        yield Heading("What others say")
        yield Bullets(tuple(others))


def _ranked_table(watch: Watch) -> Table:
    *chance, _ = _chance_columns(14, 24, 21, 12, 24)
    change = (right("Change", 15), right("News", 10), right("Rest", 10))
    columns = (Column("Dyad"), *chance, *change, Column("Trigger", 14), Column("Data", 20))
    left_out = set[str]()
    if not watch.since:
        left_out |= {"Change", "News", "Rest"}
    if not any(trigger.tested for trigger in watch.triggers):
        left_out.add("Trigger")
    if all(entry.state == "fine" for entry in watch.dyads):
        left_out.add("Data")  # the first line says it of all
    shown = [place for place, column in enumerate(columns) if column.head not in left_out]
    rows = [[row[place] for place in shown] for row in (_row(entry, watch) for entry in watch.dyads)]
    return plain_table([columns[place] for place in shown], rows, "Dyads by their probability", "ranked")


def _row(entry: DyadEntry, watch: Watch) -> tuple[Cell, ...]:
    answer, change, trigger = entry.milestone, entry.change, watch.shown_trigger(entry)
    # A dyad without the target of the list is asked about one of its own.
    asked = entry.question.target
    own = [target.label for target in entry.targets if target.name == asked != watch.headline.target]
    label = f"{entry.rank}. {entry.label}" if answer else entry.label
    name = Cell(label, weight="semibold", note=f"on: {own[0]}" if own else "")
    last = (
        Cell(trigger.name if trigger else "–"),
        Cell(phrases.DATA[entry.state], colour=_STATE_COLOURS.get(entry.state)),
    )
    if answer is None:
        return (name, Cell("–"), *[Cell("")] * 6, *last)
    moved = (Cell(entry.no_change or ""), Cell(""), Cell(""))
    if change:
        arrow = {"up": " ▲", "down": " ▼", None: ""}[change.arrow]
        moved_by = wording.shown_difference(change.now, change.before)
        parts = (moved_by, change.change - change.rest, change.rest)
        points = [wording.signed_points(part, 0) for part in parts]
        moved = (Cell(points[0] + arrow, value=change.change), Cell(points[1]), Cell(points[2]))
    return (name, *_chance_cells(answer), *moved, *last)


def _chance_columns(*widths: float) -> tuple[Column, ...]:
    chance, bar, interval, base, words = widths
    return (
        right("Chance", chance),
        Column("0 to 100%", bar),
        right("90%", interval),
        right("Base", base),
        Column("In words", words),
    )


def _chance_cells(answer: MilestoneForecast) -> tuple[Cell, ...]:
    (lower, upper), base = answer.interval90, answer.baseline.counted
    return (
        Cell(wording.percent(answer.probability), weight="semibold", value=answer.probability),
        Cell(mark=Track(lower=lower, value=answer.probability, upper=upper, colour=palette.ACCENT)),
        Cell(wording.interval_percent(answer.interval90)),
        Cell("–" if base is None else wording.percent(base) if base else "none", value=base),
    )


def _dyad(entry: DyadEntry, as_of: date) -> Iterator[Block]:
    yield Heading(f"{entry.rank}. {entry.label}" if entry.rank else entry.label)
    yield Prose(phrases.acts_text(entry), tone="fine")
    notes = (
        *([phrases.failure_text(entry, as_of)] if entry.failure else []),
        *map(notice_text, entry.cautions),
    )
    if notes:
        yield Bullets(notes)
    if not entry.targets:
        return
    groups = tuple(
        Group(
            label=target.label,
            note=f"seen {wording.times(target.observed_before)}" if target.observed_before else "never seen",
            rows=tuple(
                (Cell(wording.long_day(one.date)), *_chance_cells(one), Cell(likelihood(target, one)))
                for one in target.milestones
            ),
        )
        for target in entry.targets
    )
    columns = (Column("Before"), *_chance_columns(16, 40, 26, 14, 50))
    title = f"Probabilities of {entry.label}"
    yield Table(name=f"dyad-{entry.name}", title=title, columns=columns, groups=groups)


def _reading(watch: Watch) -> Iterator[str]:
    yield from phrases.reading_texts(watch)
    if first := next((entry for entry in watch.dyads if entry.targets), None):
        fitted = family_named(watch.model).fitted
        yield phrases.scenarios_text(first.name, watch.as_of, files.CONFIG, fitted=fitted)


def table_rows(watch: Watch) -> Iterator[Sequence[object]]:
    """Yield a header, and a row for each dyad, target and milestone; one for a dyad without numbers."""
    yield HEADER
    for entry in watch.dyads:
        failed: dict[str, object] = {"failure": entry.failure and phrases.failure_text(entry, watch.as_of)}
        for row in _rows_of(entry) if entry.targets else (failed,):
            row |= {"rank": entry.rank, "dyad": entry.name, "label": entry.label, "state": entry.state}
            row |= {"last_event": entry.last_event and entry.last_event.isoformat()}
            yield [*map(row.get, HEADER)]


def _rows_of(entry: DyadEntry) -> Iterator[dict[str, object]]:
    question, change = entry.question, entry.change
    for target in entry.targets:
        for answer in target.milestones:
            row: dict[str, object] = {"target": target.name, "milestone": answer.name}
            row |= {"date": answer.date.isoformat(), "probability": answer.probability}
            row["words"] = likelihood(target, answer)
            row["lower90"], row["upper90"] = answer.interval90
            row["baseline"] = answer.baseline.counted
            row["others"] = "; ".join(
                f"{other.forecaster} {other.probability:g} on {other.made_on}"
                for other in entry.others
                if (other.target, other.milestone) == (target.name, answer.name)
            )
            if (target.name, answer.name) == (question.target, question.milestone):
                row |= entry.model_dump(include={"trigger", "trigger_before"})
                if change:
                    row |= {"change": change.change, "rest": change.rest, "change_error": change.error}
                    row["news"] = change.change - change.rest
            yield row
