"""Every target before every milestone, how the number has moved, and what counts as each event."""

from __future__ import annotations

from collections.abc import Iterator

from forecast import wording
from forecast.blocks import Cell, Chart, Column, Prose, Section, Table, one_group
from forecast.records.forecast import Forecast, TargetForecast
from forecast.records.history import PastForecast
from forecast.report.curves import draw_course
from forecast.report.headline import MilestoneColumn, members_table, milestone_table
from forecast.report.judgement import (
    MOST_IN_CHART,
    cases_marked,
    chance,
    chosen_milestones,
    headline_pair,
    what_counts,
    what_does_not,
)
from forecast.report.palette import target_colour
from forecast.report.previous_run import change_sentences
from forecast.report.run_records import RunRecords
from forecast.report.sections.track_record import ledger_gap
from forecast.report.typesetting import first_clauses, shorten
from forecast.wording import in_sentence

_READING = (
    "Words are those of ICD 203 for the chance itself. Past periods: the share of past periods of the same "
    "length in which it happened, smoothed. Constant rate: one rate on every day. Error: Monte Carlo, in "
    "points."
)
_WIDTHS: dict[MilestoneColumn, float | None] = {
    "milestone": None,
    "chance": 12,
    "range": 18,
    "words": 30,
    "windows": 14,
    "rate": 15,
    "error": 10,
}
_MOST_CASES, _LONGEST_CASE = 3, 70


def questions_section(run: RunRecords) -> Section:
    """Chance, range, words, base rates and error of every question; its history; what counts."""
    forecast, widths = run.forecast, _WIDTHS
    reading = _READING
    if run.previous:
        widths = _WIDTHS | {"change": 13}
        reading += (
            f" Change: in points since {wording.long_day(run.previous.as_of)}; ≈ is less than one, or within "
            "twice its error."
        )
    table = milestone_table(
        enumerate(forecast.targets),
        widths,
        asked=forecast.headline,
        colour=target_colour,
        previous=run.previous,
    )
    changes = (Prose(one) for one in change_sentences(forecast, run.previous))
    blocks = (*changes, table, Prose(reading, tone="fine"), course_chart(run), what_counts_table(run))
    return Section("milestones", "Every event and milestone", blocks)


def members_section(run: RunRecords) -> Section | None:
    """For the page alone: what each member of the forecast says of every question."""
    blocks = members_table(run.forecast, intervals=True, colour=target_colour)
    return (
        Section("members", "What each member of the forecast says", blocks, printed=False) if blocks else None
    )


def what_counts_table(run: RunRecords) -> Table:
    """What meets each target, its past cases, and how grave it would be."""
    summaries = {event.id: event.summary for event in run.events.rows()}
    return Table(
        name="targets",
        title="What counts as each event, its past cases, and its impact as the author judges it",
        columns=(Column("Event", 38), Column("What counts"), Column("Past cases", 58)),
        groups=one_group(_what_counts(run, place, summaries) for place in range(len(run.forecast.targets))),
    )


def _what_counts(run: RunRecords, place: int, summaries: dict[str, str]) -> tuple[Cell, ...]:
    target = run.forecast.targets[place]
    impact = run.options.impact.get(target.name)
    grave = f"Impact {impact.level}: {in_sentence(impact.rationale)}" if impact else ""
    return (
        Cell(shorten(target.label, 120), weight="semibold", colour=target_colour(place)),
        Cell(shorten(what_counts(target), 300), note=f"{what_does_not(target)} {grave}".strip()),
        Cell(_cases(target, summaries)),
    )


def _cases(target: TargetForecast, summaries: dict[str, str]) -> str:
    if not target.observed_before:
        return "Never seen in the data."
    shown = [
        f"{wording.short_day(one.date)}: {first_clauses(said.rstrip('.'), _LONGEST_CASE)}"
        for one in target.cases[-_MOST_CASES:][::-1]
        if (said := summaries.get(one.event_id)) is not None
    ]
    earlier = max(target.observed_before - len(shown), 0)
    if not shown:
        return f"{wording.count(target.observed_before, 'case')} in the data."
    return "; ".join(shown) + (f"; and {earlier:,} before." if earlier else ".")


def course_chart(run: RunRecords) -> Chart:
    """Chart of history and outlook, with a headline that says what it shows."""
    forecast, past = run.forecast, headline_history(run)
    return Chart(
        name="course",
        headline=course_headline(forecast, past),
        alt=_describe(forecast, past),
        caption=" ".join(_caption(run, past)),
        draw=lambda: draw_course(forecast, past),
    )


def headline_history(run: RunRecords) -> tuple[PastForecast, ...]:
    """Earlier forecasts of the headline question: of the ledger, and of the run before; oldest first."""
    asked = run.forecast.headline
    known = run.ledger_record.history if run.ledger_record else ()
    found = {
        one.as_of: one for one in known if (one.target, one.milestone) == (asked.target, asked.milestone)
    }
    before = run.previous.change(asked.target, asked.milestone) if run.previous else None
    if run.previous and before and run.previous.as_of < run.forecast.as_of:
        found.setdefault(
            run.previous.as_of,
            PastForecast(
                target=asked.target,
                milestone=asked.milestone,
                as_of=run.previous.as_of,
                probability=before.probability,
                interval90=before.interval90,
                hindcast=False,
            ),
        )
    return tuple(found[day] for day in sorted(found))


def course_headline(forecast: Forecast, past: tuple[PastForecast, ...]) -> str:
    """What the chart shows: where the number came from and where it goes."""
    target, milestone = headline_pair(forecast)
    now = wording.percent(milestone.probability)
    if not past:
        first = min(target.milestones, key=lambda one: one.date)
        if first.name == milestone.name:
            return f"The chance grows to {now} before {wording.long_day(milestone.date)}"
        return (
            f"The chance grows from {wording.percent(first.probability)} before "
            f"{wording.short_day(first.date)} to {now} before {wording.short_day(milestone.date)}"
        )
    then = past[0]
    moved = wording.shown_difference(milestone.probability, then.probability)
    month = f"{wording.month_name(then.as_of)} {then.as_of.year}"
    if not moved:
        return f"The number is the same as in {month}: {now}"
    verb = "risen" if moved > 0 else "fallen"
    return f"The number has {verb} from {wording.percent(then.probability)} in {month} to {now} now"


def _caption(run: RunRecords, past: tuple[PastForecast, ...]) -> Iterator[str]:
    target, milestone = headline_pair(run.forecast)
    right = "chance that each event has happened by a day; dots: milestones; band: plausible range."
    if not past:
        yield f"{right[:1].upper()}{right[1:]} No earlier forecast of this question is on record."
        yield from ledger_gap(run)
        return
    late = " (made later, from what was known then)" if all(one.hindcast for one in past) else ""
    yield (
        f"Left: earlier forecasts{late} for {wording.short_day(milestone.date)}; triangles: "
        f"{cases_marked(target, past[0].as_of)}. Right: {right}"
    )


def _describe(forecast: Forecast, past: tuple[PastForecast, ...]) -> str:
    target, milestone = headline_pair(forecast)
    history = "; ".join(
        f"{wording.percent(one.probability)} as of {wording.long_day(one.as_of)}" for one in past
    )
    parts = [
        f"{shorten(one.label, 80)}: "
        + "; ".join(
            f"{chance(each)} before {wording.short_day(each.date)}"
            for each in chosen_milestones(one.milestones, milestone.name, MOST_IN_CHART)
        )
        for one in forecast.targets
    ]
    before = f"Earlier forecasts of {in_sentence(shorten(target.label, 80))}: {history}. " if past else ""
    return f"Line chart on one time axis. {before}Chance by day from now on. {'. '.join(parts)}."
