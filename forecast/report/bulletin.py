"""A bulletin for people: one page, on the terminal and as PDF, made of the blocks of the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from forecast.blocks import (
    Alert,
    Answer,
    Beside,
    Block,
    Bullets,
    Cell,
    Column,
    Heading,
    Move,
    Prose,
    Section,
    Table,
    plain_table,
    right,
)
from forecast.events.codebook import category_label
from forecast.phrases import bulletin as phrases
from forecast.phrases.notices import UNUSABLE, gate_texts
from forecast.records.bulletin import AfterActs, Bulletin, TargetAfter
from forecast.report.build import Content, frame_colours
from forecast.report.typesetting import compile_pdf
from forecast.wording import long_day, percent, shorten

_MOST_ACTS, _MOST_NEXT, _MOST_TARGETS = 3, 6, 6
_SHOWN = (7, 30, 90)


def bulletin_blocks(bulletin: Bulletin) -> Iterator[Block]:
    """Yield what page and terminal show."""
    if bulletin.withheld:
        yield Alert(text=phrases.withheld_text(bulletin), items=gate_texts(bulletin.failures))
        return
    headline = next(one for one in bulletin.targets if one.name == bulletin.headline.target)
    if bulletin.failures:
        yield Alert(text=f"{UNUSABLE}.", items=gate_texts(bulletin.failures))
    yield Answer(
        sentence=phrases.headline_sentence(bulletin, headline),
        detail=phrases.basis_sentence(bulletin, headline),
    )
    yield Heading("What happened")
    shown = bulletin.acts[:_MOST_ACTS]
    more = len(bulletin.acts) - len(shown)
    rows = [f"{phrases.act_sentence(act)} {phrases.rarity_sentence(act)}" for act in shown]
    if not any(act.source for act in bulletin.acts):
        rows[-1] += f" {phrases.UNSOURCED}"
    yield Bullets((*rows, *((f"{more} more.",) if more else ())))
    yield _chances(headline)
    if others := [one for one in bulletin.targets if one is not headline]:
        yield _others(others[:_MOST_TARGETS])
    yield Beside(
        left=(_counts(bulletin), Prose(phrases.COUNTS_NOTE, tone="fine")),
        right=(_courses(bulletin), Prose(phrases.courses_note(bulletin.gravest), tone="fine")),
        right_width=80.0,
    )
    yield _next_acts(bulletin)
    yield Prose(phrases.NEXT_NOTE, tone="fine")
    ordered = sorted(bulletin.targets, key=lambda one: one is not headline)
    yield from (Prose(said, lead=f"{label}:") for label, said in phrases.outside_sentences(ordered))
    yield Prose(phrases.draws_sentence(bulletin), tone="fine")


def _move(before: float, after: float, span: tuple[float, float] | None = None) -> Cell:
    said = (percent(before), percent(after))
    same = said[0] == said[1]
    mark = Move(before=before, after=after, span=span, said=("" if same else said[0], said[1]))
    return Cell(f"{said[0]} → {said[1]}", mark=mark, value=after)


def _chances(target: TargetAfter) -> Table:
    rows = [
        (
            Cell(phrases.window_and_range(one)),
            _move(one.base, one.probability, (one.low, one.high)),
        )
        for one in target.after
    ]
    columns = (Column("Within (range)"), Column("Before → after", scale=True))
    return plain_table(columns, rows, phrases.BEFORE_AFTER, "bulletin", lines=False, whole=True)


def _others(targets: list[TargetAfter]) -> Table:
    def shown(target: TargetAfter) -> list[AfterActs]:
        last = [one for one in target.after if one.milestone][-1:]
        return [one for one in target.after if one.days in _SHOWN and not one.milestone] + last

    columns = (Column("Event"), *(right(phrases.window_words(one), 26) for one in shown(targets[0])))
    rows = []
    for target in targets:
        note = phrases.ANOTHER if target.met else ""
        values = [Cell(phrases.moved(one), value=one.probability) for one in shown(target)]
        rows.append((Cell(shorten(target.label, 58), note=note), *values))
    return plain_table(columns, rows, phrases.OTHERS, "bulletin-others", whole=True)


def _counts(bulletin: Bulletin) -> Table:
    heads = (("Usual", 12), ("Now", 12), ("In half", 14), ("In 9 of 10", 18))
    columns = (Column("Severity"), *(right(name, width) for name, width in heads))
    rows = [
        (
            Cell(phrases.severity_name(one), note=phrases.mean_words(one)),
            *phrases.any_words(one),
            phrases.number_words(one.half),
            phrases.number_words(one.nine_of_ten),
        )
        for one in bulletin.counts
    ]
    return plain_table(columns, rows, phrases.COUNTS, "bulletin-counts", whole=True)


def _courses(bulletin: Bulletin) -> Table:
    shown = whole_parts([one.chance for one in bulletin.courses])
    rows = [
        (
            Cell(phrases.course_name(one, bulletin.gravest), note=phrases.course_note(one, bulletin)),
            Cell(f"{part}%", weight="semibold", value=one.chance),
        )
        for one, part in zip(bulletin.courses, shown, strict=True)
    ]
    return plain_table((Column("Course"), right("Chance", 13)), rows, phrases.COURSES, "courses", whole=True)


def whole_parts(chances: list[float]) -> list[int]:
    """Chances that sum to one in whole percents that sum to 100: the largest rests are rounded up."""
    shown = [int(100 * chance) for chance in chances]
    rest = sorted(range(len(chances)), key=lambda at: shown[at] - 100 * chances[at])
    for at in rest[: 100 - sum(shown)]:
        shown[at] += 1
    return shown


def _next_acts(bulletin: Bulletin) -> Table:
    names = {"a": phrases.side_name(bulletin.dyad.a), "b": phrases.side_name(bulletin.dyad.b)}
    rows = [
        (f"{names[one.side]}: {category_label(one.category).lower()}", _move(one.base, one.probability))
        for one in bulletin.next_acts[:_MOST_NEXT]
    ]
    columns = (Column("Act"), Column("Before → after", scale=True))
    return plain_table(columns, rows, phrases.NEXT_ACTS, "next-acts", lines=False, whole=True)


def bulletin_pdf(
    bulletin: Bulletin, *, paper: Literal["a4", "us-letter"] = "a4", classification: str | None = None
) -> bytes:
    """Return the bulletin as a PDF of one page; the same record gives the same bytes."""
    pair, day = shorten(bulletin.dyad.label, 120), long_day(bulletin.as_of)
    content = Content(
        meta={
            "kicker": phrases.TITLE,
            "title": f"{pair}: bulletin of {day}",
            "head": pair,
            "pair": phrases.TITLE.lower(),
            "running": f"{pair} · {phrases.TITLE.lower()}",
            "as_of": day,
            "made": phrases.made_on(bulletin) or None,
            "author": None,
            "byline": "",
            "footer": f"{bulletin.run_id} · run as of {long_day(bulletin.run_as_of)}",
            "description": f"What happened between {pair} and what it changes, {day}",
            "paper": paper,
            "classification": classification,
            "logo": None,
        },
        colours=frame_colours(),
        stamp="NOT CONVERGED – do not use" if bulletin.failures else None,
        sections=(Section("bulletin", None, tuple(bulletin_blocks(bulletin)), page=True),),
    )
    return compile_pdf(content.as_json(), (), (), bulletin.as_of)
