"""A watch as one page, as a PDF and as CSV: the ranked table, the list as a whole, a part for each dyad.

Made of the blocks of the report, set in its type; all numbers are those of the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
    Pairs,
    Prose,
    Section,
    Table,
    Track,
    one_group,
)
from forecast.events.table import csv_text
from forecast.records.explained import OtherForecast
from forecast.records.forecast import MilestoneForecast
from forecast.records.watch import DyadEntry, ListMilestone, TriggerRecord, Watch
from forecast.report import palette
from forecast.report.build import Content, frame_colours
from forecast.report.html_page import data_address, render_content
from forecast.report.sections.brief import other_sentence
from forecast.report.typesetting import (
    Attachment,
    compile_pdf,
    current_typeface,
    printable_content,
    shorten,
)
from forecast.watchlist.wording import (
    change_sentences,
    number_range,
    page_sentence,
    pair_sentences,
    parts_of_change,
    question_sentence,
    shock_sentence,
    state_sentence,
    trigger_sentence,
)

Paper = Literal["a4", "us-letter"]
HEADER = (
    *("rank", "dyad", "label", "state", "target", "milestone", "date", "probability", "lower90", "upper90"),
    *("words", "baseline", "trigger", "trigger_before", "change", "time_passing", "news", "change_error"),
    *("top5", "last_event", "failure", "others"),
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


def make_page_and_pdf(watch: Watch, *, paper: Paper = "a4") -> tuple[bytes, bytes]:
    """Return the page and the PDF of a watch; the same record gives the same bytes."""
    content, table = _content(watch, paper), csv_text(table_rows(watch), end="\r\n")
    address = data_address(table.encode(), "text/csv;charset=utf-8")
    page = render_content(content.as_json(), {}, extension=_PAGE, logo=None, table_address=address)
    attached = Attachment("watch.csv", table, "The table of this watch, with all its numbers")
    shown = printable_content(content.as_json(), current_typeface().glyphs)
    pdf = compile_pdf(shown, (), (attached,), watch.as_of)
    return page.encode(), pdf


def _content(watch: Watch, paper: Paper) -> Content:
    as_of, dyads = wording.long_day(watch.as_of), wording.count(len(watch.dyads), "dyad")
    name = shorten(watch.name.replace("-", " ").capitalize(), 80)
    return Content(
        meta={
            "kicker": "Watchlist",
            "title": f"Watchlist: {name}",
            "head": f"Watchlist: {name}",
            "running": f"{name} · watchlist",
            "as_of": as_of,
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
        sections=(*_sections(watch),),
    )


def watch_answer(watch: Watch, folder: Path) -> Iterator[Block]:
    """What the command prints: the ranked table without what takes room, and the list as a whole."""
    yield Heading(f"Watchlist {watch.name}, as of {wording.long_day(watch.as_of)}")
    yield from _overview(watch, brief=True)
    if watch.list:
        yield next(_outlook(watch))
    yield Pairs((("Files", str(folder)),))


def _sections(watch: Watch) -> Iterator[Section]:
    yield Section("overview", None, tuple(_overview(watch)))
    if watch.list:
        yield Section("list", "The list as a whole", tuple(_outlook(watch)))
    blocks = tuple(block for one in watch.dyads for block in _dyad(one, watch.model))
    yield Section("dyads", "Dyad by dyad", blocks)
    yield Section("reading", "How to read it", tuple(_reading(watch)))


def _overview(watch: Watch, *, brief: bool = False) -> Iterator[Block]:
    yield Prose(state_sentence(watch))
    if asked := question_sentence(watch):
        yield Prose(asked)
    trouble = [
        *(f"{one.label}: {one.failure.text}" for one in watch.dyads if one.failure),
        *(f"{one.label}: {fault.text}" for one in watch.dyads for fault in one.feed_faults),
        *(note.text for note in watch.notes if not note.on_delivery),
    ]
    if trouble:
        yield Alert(text="Before trusting the numbers", items=tuple(trouble), tone="caution")
    if delivery := [note.text for note in watch.notes if note.on_delivery]:
        yield Alert(text="Delivery of alerts", items=tuple(delivery), tone="caution")
    columns: tuple[Column, ...] = (
        Column("#", 6, "right"),
        Column("Dyad"),
        Column("Chance", 14, "right"),
        Column("0 to 100%", 18),
        Column("90%", 21, "right"),
        Column("Base", 12, "right"),
        Column("In words", 24),
        Column("Change", 23, "right"),
        Column("Trigger", 20),
        Column("State", 11),
    )
    rows = [_row(one, watch.shown_trigger(one)) for one in watch.dyads]
    left_out = {"0 to 100%", "In words"} if brief else set[str]()
    if not any(one.rates for one in watch.triggers):
        left_out.add("Trigger")
    shown = [place for place, column in enumerate(columns) if column.head not in left_out]
    columns = tuple(columns[place] for place in shown)
    rows = [tuple(replace(row[place], note="") if brief else row[place] for place in shown) for row in rows]
    yield Table(name="ranked", title="Dyads by their probability", columns=columns, groups=one_group(rows))
    if said := trigger_sentence(watch):
        yield Prose(said, tone="fine")
    others = [(one, each) for one in watch.dyads for each in one.others if _is_asked(one, each)]
    if others:
        yield Heading("What others say")
        yield Bullets(tuple(f"{one.label}: {other_sentence(each)}" for one, each in others))
    if watch.since:
        moved = change_sentences(watch)
        since = (
            f"Change since {wording.long_day(watch.since)}, in points; an arrow where it exceeds its error."
        )
        yield Prose(since, tone="fine")
        if moved:
            yield Bullets(moved)


def _is_asked(one: DyadEntry, other: OtherForecast) -> bool:
    # Where the site's question ends on a day of its own, its sentence says so.
    return other.target == one.question.target and other.milestone in (one.question.milestone, None)


def _row(one: DyadEntry, trigger: TriggerRecord | None) -> tuple[Cell, ...]:
    milestone = one.milestone
    state = Cell(one.state, colour=_STATE_COLOURS.get(one.state))
    if milestone is None:
        empty = tuple(Cell("–" if place == 0 else "") for place in range(6))
        return (Cell(""), Cell(one.label, weight="semibold"), *empty, _trigger_cell(trigger), state)
    top = "" if one.top5 is None else f"top 5: {wording.percent(one.top5)}"
    arrow = {"up": " ▲", "down": " ▼"}.get(one.change.arrow or "", "") if one.change else ""
    moved = wording.signed_points(one.change.change, 0) + arrow if one.change else ""
    return (
        Cell(str(one.rank), value=one.rank),
        Cell(one.label, note=top, weight="semibold"),
        *_chance_cells(milestone),
        Cell(
            moved,
            note=parts_of_change(one.change) if one.change else "",
            value=one.change.change if one.change else None,
        ),
        _trigger_cell(trigger),
        state,
    )


def _trigger_cell(trigger: TriggerRecord | None) -> Cell:
    if trigger is None:
        return Cell("–")
    return Cell(trigger.name, note=trigger.rates or "")


def _outlook(watch: Watch) -> Iterator[Block]:
    titles = {target.name: target.label for one in watch.dyads for target in one.targets}
    columns = (
        Column("Before"),
        Column("Any dyad", 22, "right"),
        Column("Two or more", 22, "right"),
        Column("Expected number", 28, "right"),
        Column("90% of it", 22, "right"),
        Column("Any, if independent", 32, "right"),
    )
    groups = tuple(
        Group(label=titles[name], rows=tuple(_outlook_row(one) for one in milestones))
        for name, milestones in watch.list.items()
    )
    yield Table(name="list", title="How many dyads may meet the target", columns=columns, groups=groups)
    if watch.shared_shock:
        yield Prose(shock_sentence(watch.shared_shock), tone="fine")
    if together := pair_sentences(watch):
        yield Heading("Dyads that move together")
        yield Bullets(together)


def _outlook_row(one: ListMilestone) -> tuple[Cell, ...]:
    shares = (one.any, one.at_least_two)
    return (
        Cell(wording.long_day(one.date)),
        *(Cell(wording.percent(share), value=share) for share in shares),
        Cell(wording.number(one.expected, 1), value=one.expected),
        Cell(number_range(one)),
        Cell(wording.percent(one.any_if_independent), value=one.any_if_independent),
    )


def _dyad(one: DyadEntry, model: str) -> Iterator[Block]:
    place = f"{one.rank}. " if one.rank else ""
    yield Heading(f"{place}{one.label}")
    last = f"Last act {wording.long_day(one.last_event)}; " if one.last_event else ""
    yield Prose(f"{last}{wording.count(one.events, 'act')} known. State: {one.state}.", tone="fine")
    said = [*([one.failure.text] if one.failure else []), *(fault.text for fault in one.feed_faults)]
    said += [caution.text for caution in one.cautions]
    if said:
        yield Bullets(tuple(said))
    if opened := page_sentence(one, model):
        yield Prose(opened, tone="fine")
    if not one.targets:
        return
    columns = (
        Column("Before"),
        Column("Chance", 16, "right"),
        Column("0 to 100%", 40),
        Column("90%", 26, "right"),
        Column("Base", 14, "right"),
        Column("In words", 50),
    )
    groups = tuple(
        Group(
            label=target.label,
            note=f"seen {wording.times(target.observed_before)}" if target.observed_before else "never seen",
            rows=tuple(
                (Cell(wording.long_day(each.date)), *_chance_cells(each)) for each in target.milestones
            ),
        )
        for target in one.targets
    )
    yield Table(
        name=f"dyad-{one.name}", title=f"Probabilities of {one.label}", columns=columns, groups=groups
    )
    if one.others:
        labels = {target.name: target.label for target in one.targets}
        yield Prose("What others say", tone="fine")
        yield Bullets(
            tuple(
                f"{labels[each.target]}, before {wording.long_day(each.ends)}. {other_sentence(each)}"
                for each in one.others
            )
        )


def _chance_cells(one: MilestoneForecast) -> tuple[Cell, ...]:
    lower, upper = one.interval90
    return (
        Cell(wording.percent(one.probability), weight="semibold", value=one.probability),
        Cell(mark=Track(lower=lower, value=one.probability, upper=upper, colour=palette.ACCENT)),
        Cell(wording.interval_percent(one.interval90)),
        Cell(wording.percent(one.baseline.probability), value=one.baseline.probability),
        Cell(one.words),
    )


_RATES = (
    "False alarms: of the windows with the trigger on, the share in which the target did not happen. Misses: "
    "of the windows in which the target happened, the share with the trigger off."
)
_TOP5 = "Top 5: the chance that the dyad is among the five likeliest, given what the data leave open."


def _reading(watch: Watch) -> Iterator[Block]:
    yield Bullets(
        (
            "Chance: the probability that the target happens after the as-of date and before the day. 90%: "
            "the range that the data leave open. Base: how often it happened in past periods of this length.",
            "An arrow marks a change of a point or more that is beyond twice its Monte Carlo error. Time: "
            "what today's model makes of the events known at the last watch, minus the number then. News: "
            "the rest.",
            *((_TOP5,) if any(one.top5 is not None for one in watch.dyads) else ()),
            *((_RATES,) if any(one.rates for one in watch.triggers) else ()),
            "Small: few events or target events. Stale: the feed is older than its own pace allows. "
            "Failed: no number.",
        )
    )


def table_rows(watch: Watch) -> list[Sequence[str]]:
    """Return a header, and a row for each dyad, target and milestone; one for a dyad without numbers."""
    rows = (row for one in watch.dyads for row in _table_rows(one))
    return [HEADER, *([_table_cell(row.get(name)) for name in HEADER] for row in rows)]


def _table_rows(one: DyadEntry) -> Iterator[dict[str, object]]:
    head: dict[str, object] = {"rank": one.rank, "dyad": one.name, "label": _plain(one.label)}
    head |= {"state": one.state, "last_event": one.last_event and one.last_event.isoformat()}
    if not one.targets:
        yield head | {"failure": _plain(one.failure.text if one.failure else "")}
    for target in one.targets:
        for milestone in target.milestones:
            row = head | {
                "target": target.name,
                "milestone": milestone.name,
                "date": milestone.date.isoformat(),
                "probability": milestone.probability,
                "lower90": milestone.interval90[0],
                "upper90": milestone.interval90[1],
                "words": milestone.words,
                "baseline": milestone.baseline.probability,
                "others": "; ".join(
                    f"{_plain(each.forecaster)} {each.probability:g} on {each.made_on}"
                    for each in one.others
                    if (each.target, each.milestone) == (target.name, milestone.name)
                ),
            }
            if (target.name, milestone.name) == (one.question.target, one.question.milestone):
                row |= {"trigger": one.trigger, "trigger_before": one.trigger_before, "top5": one.top5}
                if one.change:
                    parts = ("change", "time_passing", "news")
                    row |= {part: getattr(one.change, part) for part in parts}
                    row["change_error"] = one.change.error
            yield row


def _table_cell(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else repr(value)


def _plain(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
