"""A watch for people: ranked table and a part for each dyad, on the terminal, as page, PDF and CSV.

Made of the blocks of the report, set in its type; all numbers are those of the record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, get_args

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
from forecast.events.table import csv_text
from forecast.families import family_named
from forecast.ledger.chain import GRACE_DAYS
from forecast.records.forecast import MilestoneForecast
from forecast.records.watch import Change, DyadEntry, State, TriggerRecord, Watch, answer_to
from forecast.report import palette
from forecast.report.build import Content, frame_colours
from forecast.report.page_1 import other_sentence
from forecast.report.typesetting import Attachment, compile_pdf, data_address, render_content
from forecast.runs import files
from forecast.wording import shorten

HEADER = (
    *("rank", "dyad", "label", "state", "target", "milestone", "date", "probability", "lower90", "upper90"),
    *("words", "baseline", "trigger", "trigger_before", "change", "time_passing", "news", "change_error"),
    *("last_event", "failure", "others"),
)
SHOWN_CHANGES, SHOWN_CHANGE = 10, 0.03
"""Dyads whose change is told in a sentence, and the least change."""
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
    late = ", in hindsight" if made_on and made_on > watch.as_of + timedelta(days=GRACE_DAYS) else ""
    name = shorten(watch.name.replace("-", " ").capitalize(), 80)
    content = Content(
        meta={
            "kicker": "Watchlist",
            "title": f"Watchlist: {name}",
            "head": f"Watchlist: {name}",
            "running": f"{name} · watchlist",
            "as_of": as_of,
            "made": made_on and f"Made {wording.long_day(made_on)}{late}",
            "author": None,
            "byline": "",
            "footer": f"{watch.name} · {watch.model} · {dyads}",
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
                tuple(block for entry in watch.dyads for block in _dyad(entry, watch.model)),
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
    """What the command prints: the ranked table without what takes room."""
    yield Heading(f"Watchlist {watch.name}, as of {wording.long_day(watch.as_of)}")
    yield from _overview(watch, brief=True)
    yield paired((("Files", str(folder)),))


def _overview(watch: Watch, *, brief: bool = False) -> Iterator[Block]:
    states = Counter(entry.state for entry in watch.dyads)
    counted = ", ".join(f"{states[state]} {state}" for state in get_args(State) if states[state])
    yield Prose(f"{wording.count(len(watch.dyads), 'dyad').capitalize()}: {counted}.")
    for target in [target for entry in watch.dyads for target in entry.targets]:
        if answer := answer_to(watch.headline, (target,)):
            day = wording.long_day(answer.date)
            yield Prose(f"Ranked by: {target.label} ({target.definition}) before {day}.")
            break
    yield Prose(" ".join(skill_sentences(watch)))
    trouble = [
        *(f"{entry.label}: {entry.failure.text}" for entry in watch.dyads if entry.failure),
        *(f"{entry.label}: {fault.text}" for entry in watch.dyads for fault in entry.feed_faults),
        *watch.notes,
    ]
    if trouble:
        yield Alert(text="Before trusting the numbers", items=tuple(trouble), tone="caution")
    yield _ranked_table(watch, brief=brief)
    yield from (Prose(sentence, tone="fine") for sentence in trigger_sentences(watch))
    # Where the question of others ends on a day of its own, its sentence says so.
    others = tuple(
        f"{entry.label}: {other_sentence(other)}"
        for entry in watch.dyads
        for other in entry.others
        if other.target == entry.question.target and other.milestone in (entry.question.milestone, None)
    )
    if others:
        yield Heading("What others say")
        yield Bullets(others)
    if watch.since:
        day = wording.long_day(watch.since)
        yield Prose(f"Change since {day}, in points; an arrow where it exceeds its error.", tone="fine")
        if moved := change_sentences(watch):
            yield Bullets(moved)


def _ranked_table(watch: Watch, *, brief: bool) -> Table:
    columns = (
        Column("#", 6, "right"),
        Column("Dyad"),
        *_chance_columns(14, 18, 21, 12, 24),
        right("Change", 23),
        Column("Trigger", 20),
        Column("State", 11),
    )
    left_out = {"0 to 100%", "In words"} if brief else set[str]()
    if not any(trigger.rates for trigger in watch.triggers):
        left_out.add("Trigger")
    shown = [place for place, column in enumerate(columns) if column.head not in left_out]
    rows = []
    for entry in watch.dyads:
        row = _row(entry, watch.shown_trigger(entry))
        rows.append([replace(row[place], note="") if brief else row[place] for place in shown])
    shown_columns = tuple(columns[place] for place in shown)
    title = "Dyads by their probability"
    return plain_table(shown_columns, rows, title, "ranked")


def _row(entry: DyadEntry, trigger: TriggerRecord | None) -> tuple[Cell, ...]:
    answer, change, moved = entry.milestone, entry.change, Cell("")
    last = (
        Cell(trigger.name, note=trigger.rates or "") if trigger else Cell("–"),
        Cell(entry.state, colour=_STATE_COLOURS.get(entry.state)),
    )
    if answer is None:
        return (Cell(""), Cell(entry.label, weight="semibold"), Cell("–"), *[moved] * 5, *last)
    name = Cell(entry.label, weight="semibold")
    if change:
        arrow = {"up": " ▲", "down": " ▼", None: ""}[change.arrow]
        points = wording.signed_points(change.change, 0) + arrow
        moved = Cell(points, note=parts_of_change(change), value=change.change)
    return (Cell(str(entry.rank), value=entry.rank), name, *_chance_cells(answer), moved, *last)


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
    lower, upper = answer.interval90
    return (
        Cell(wording.percent(answer.probability), weight="semibold", value=answer.probability),
        Cell(mark=Track(lower=lower, value=answer.probability, upper=upper, colour=palette.ACCENT)),
        Cell(wording.interval_percent(answer.interval90)),
        Cell(wording.percent(answer.baseline.probability), value=answer.baseline.probability),
        Cell(answer.words),
    )


def skill_sentences(watch: Watch) -> Iterator[str]:
    """Say how far the backtest of the list bears out its ranking and its probabilities."""
    skills = {one.horizon_days: one for one in watch.backtest}
    asked = skills.get(watch.headline_days)
    if asked is None:
        yield "How well this ranking holds is not known before 'forecast backtest LIST'."
        return
    said = {
        "better": "better than climatology, the past rate of each dyad",
        "worse": "worse than climatology, the past rate of each dyad",
        "none": "not shown to be better than climatology, the past rate of each dyad",
    }
    scores = f"log score {asked.log:.3f} against {asked.climatology_log:.3f}, lower is better"
    if asked.interval90:
        low, high = (wording.number(end, 3) for end in asked.interval90)
        scores += f"; difference {wording.number(asked.difference, 3)}, 90% {low} to {high}"
    yield (
        f"In the backtest of this list the probabilities {asked.horizon_days} days ahead are "
        f"{said[asked.claim]} ({scores})."
    )
    if asked.ranked_right is not None and asked.climatology_ranked_right is not None:
        ours, theirs = map(wording.share, (asked.ranked_right, asked.climatology_ranked_right))
        yield f"Of two dyads, one with the event and one without, it ranked the first higher in {ours} of"
        yield f"cases; climatology in {theirs}."
    better = [f"{days} days" for days, one in skills.items() if one.claim == "better" and one != asked]
    if better:
        yield f"It is better than climatology at {wording.listing(better)}."


def trigger_sentences(watch: Watch) -> Iterator[str]:
    """How often each trigger misleads, and which are not shown because that is not known."""
    rates = "; ".join(f"{trigger.name} {trigger.rates}" for trigger in watch.triggers if trigger.rates)
    if rates:
        yield f"Triggers in the backtest of this list: {rates}."
    unknown = tuple(trigger.name for trigger in watch.triggers if not trigger.rates)
    if unknown:
        why = (
            "the backtest of this list cannot tell how often they mislead"
            if any(trigger.windows is not None for trigger in watch.triggers)
            else "nobody knows how often they mislead before 'forecast backtest LIST'"
        )
        yield f"Not shown: {wording.listing(unknown)}, as {why}."


def change_sentences(watch: Watch) -> tuple[str, ...]:
    """Of the dyads that moved most, beyond their error, how much is time passing, and how much news."""
    moved = [(entry.label, entry.change) for entry in watch.dyads if entry.change and entry.change.arrow]
    moved.sort(key=lambda labelled: -abs(labelled[1].change))
    return tuple(
        f"{label} {wording.signed_points(change.change, 0)}: {parts_of_change(change)}"
        for label, change in moved[:SHOWN_CHANGES]
        if abs(change.change) >= SHOWN_CHANGE
    )


def parts_of_change(change: Change) -> str:
    """Both parts of a change, e.g. ``time −2, news +8``."""
    passing, news = (wording.signed_points(value, 0) for value in (change.time_passing, change.news))
    return f"time {passing}, news {news}"


def _dyad(entry: DyadEntry, model: str) -> Iterator[Block]:
    yield Heading(f"{entry.rank}. {entry.label}" if entry.rank else entry.label)
    last = f"Last act {wording.long_day(entry.last_event)}; " if entry.last_event else ""
    yield Prose(f"{last}{wording.count(entry.events, 'act')} known. State: {entry.state}.", tone="fine")
    notes = (
        *([entry.failure.text] if entry.failure else []),
        *(fault.text for fault in entry.feed_faults),
        *(caution.text for caution in entry.cautions),
    )
    if notes:
        yield Bullets(notes)
    if not entry.targets:
        return
    yield Prose(page_sentence(entry, model), tone="fine")
    groups = tuple(
        Group(
            label=target.label,
            note=f"seen {wording.times(target.observed_before)}" if target.observed_before else "never seen",
            rows=tuple((Cell(wording.long_day(one.date)), *_chance_cells(one)) for one in target.milestones),
        )
        for target in entry.targets
    )
    columns = (Column("Before"), *_chance_columns(16, 40, 26, 14, 50))
    title = f"Probabilities of {entry.label}"
    yield Table(name=f"dyad-{entry.name}", title=title, columns=columns, groups=groups)
    if entry.others:
        labels = {target.name: target.label for target in entry.targets}
        sentences = (
            f"{labels[other.target]}, before {wording.long_day(other.ends)}. {other_sentence(other)}"
            for other in entry.others
        )
        yield Prose("What others say", tone="fine")
        yield Bullets(tuple(sentences))


def page_sentence(entry: DyadEntry, model: str) -> str:
    """Say which command opens the scenario page of a dyad; ``model`` is the family of the list."""
    if family_named(entry.model or model).fitted:
        return f"Scenario page, from the folder of this watch: forecast app {entry.name}"
    return (
        f"A scenario page needs a fit, from the folder of this watch: forecast run "
        f"{entry.name}/{files.CONFIG} --set model.family=combined"
    )


def _reading(watch: Watch) -> Iterator[str]:
    yield (
        "Chance: the probability that the target happens after the as-of date and before the day. 90%: the "
        "range that the data leave open. Base: how often it happened in past periods of this length."
    )
    yield (
        "An arrow marks a change of a point or more that is beyond twice its Monte Carlo error. Time: what "
        "today's model makes of the events known at the last watch, minus the number then. News: the rest."
    )
    if any(trigger.rates for trigger in watch.triggers):
        yield (
            "False alarms: of the windows with the trigger on, the share in which the target did not happen. "
            "Misses: of the windows in which the target happened, the share with the trigger off."
        )
    small = "Small: few events or target events. Stale: the feed is older than its own pace allows."
    yield f"{small} Failed: no number."


def table_rows(watch: Watch) -> Iterator[Sequence[str]]:
    """Yield a header, and a row for each dyad, target and milestone; one for a dyad without numbers."""
    yield HEADER
    for entry in watch.dyads:
        failed: dict[str, object] = {"failure": entry.failure and entry.failure.text}
        for row in _rows_of(entry) if entry.targets else (failed,):
            row |= {"rank": entry.rank, "dyad": entry.name, "label": entry.label, "state": entry.state}
            row |= {"last_event": entry.last_event and entry.last_event.isoformat()}
            yield [_plain(row.get(name)) for name in HEADER]


def _rows_of(entry: DyadEntry) -> Iterator[dict[str, object]]:
    question, change = entry.question, entry.change
    for target in entry.targets:
        for answer in target.milestones:
            row: dict[str, object] = {"target": target.name, "milestone": answer.name}
            row |= answer.model_dump(mode="json", include={"date", "probability", "words"})
            row["lower90"], row["upper90"] = answer.interval90
            row["baseline"] = answer.baseline.probability
            row["others"] = "; ".join(
                f"{other.forecaster} {other.probability:g} on {other.made_on}"
                for other in entry.others
                if (other.target, other.milestone) == (target.name, answer.name)
            )
            if (target.name, answer.name) == (question.target, question.milestone):
                row |= entry.model_dump(include={"trigger", "trigger_before"})
                if change:
                    row |= change.model_dump(include={"change", "time_passing", "news"})
                    row["change_error"] = change.error
            yield row


def _plain(value: object) -> str:
    """Return a value as text, a text so that no spreadsheet takes it for a formula."""
    if not isinstance(value, str):
        return "" if value is None else repr(value)
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
