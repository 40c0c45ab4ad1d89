"""How the chance grows with time, what earlier forecasts said, what counts as each target."""

from __future__ import annotations

from datetime import date

from forecast import wording
from forecast.blocks import (
    Cell,
    Chart,
    Column,
    Heading,
    Prose,
    Section,
    Table,
    one_group,
)
from forecast.records.forecast import Forecast, TargetForecast
from forecast.records.history import PastForecast
from forecast.report.curves import draw_course, draw_curves
from forecast.report.headline import members_table
from forecast.report.judgement import (
    MOST_IN_CHART,
    cases_marked,
    chance,
    chosen_milestones,
    headline_pair,
    seen_before,
    what_counts,
)
from forecast.report.palette import target_colour
from forecast.report.run_records import RunRecords
from forecast.report.typesetting import shorten
from forecast.wording import in_sentence

_MOST_DESCRIBED = 12


def outlook_section(run: RunRecords) -> Section:
    """Curve of every target, a reading of it, and the definitions behind it."""
    forecast = run.forecast
    chart = Chart(
        name="probability",
        headline=course_headline(forecast, ()),
        alt=describe_curves(forecast),
        caption="Chance that each event has happened by a day, with its plausible range; dots: milestones.",
        draw=lambda: draw_curves(forecast),
    )
    questions = Table(
        name="targets",
        title="What counts as each event, how often it was seen, and how soon it may come",
        columns=(
            Column("Event", 36),
            Column("What counts"),
            Column("In the data", 33),
            Column("Time to the first one", 46),
        ),
        groups=one_group(
            (
                Cell(shorten(target.label, 120), weight="semibold", colour=target_colour(index)),
                Cell(shorten(what_counts(target), 300)),
                Cell(seen_before(target).capitalize()),
                Cell(waiting_time(target, (target.curve.date[-1] - forecast.as_of).days)),
            )
            for index, target in enumerate(forecast.targets)
        ),
    )
    members = members_table(forecast, intervals=True, colour=target_colour)
    heading = (Heading("What each member says"),) if members else ()
    blocks = (chart, Prose(curve_reading(forecast)), *heading, *members, questions)
    return Section("outlook", "How the chance grows with time", blocks)


def waiting_time(target: TargetForecast, horizon_days: int) -> str:
    """Days to the first event: median, and the span that holds it with 80 of 100."""
    times = target.time_to_event_days
    beyond = f"beyond {horizon_days:,} days"
    if times.q10 is None:
        return f"In 9 of 10 futures {beyond}"
    middle = f"median {times.q50:,.0f} days" if times.q50 is not None else f"median {beyond}"
    first = f"1 in 10 within {times.q10:,.0f}"
    last = f", 1 in 10 after {times.q90:,.0f} days" if times.q90 is not None else " days"
    return f"{middle.capitalize()}; {first}{last}"


def curve_reading(forecast: Forecast) -> str:
    """Two sentences on the curve of the headline target."""
    target, milestone = headline_pair(forecast)
    curve = target.curve
    crossing = next((day for day, p in zip(curve.date, curve.probability, strict=True) if p >= 0.5), None)
    last = wording.long_day(curve.date[-1])
    half = f"It stays below an even chance to the end of the simulation, {last}."
    if crossing is not None:
        half = f"It passes an even chance on {wording.long_day(crossing)}."
    return (
        f"{shorten(target.label, 80)}: {chance(milestone)} before {wording.long_day(milestone.date)}. {half}"
    )


def describe_curves(forecast: Forecast) -> str:
    """Alt text of the probability figure: every target at its milestones."""
    parts = []
    for target in forecast.targets:
        shown = target.milestones[:_MOST_DESCRIBED]
        values = "; ".join(f"{chance(one)} before {wording.short_day(one.date)}" for one in shown)
        more = "; the rest is in the table on page 1" if len(target.milestones) > len(shown) else ""
        parts.append(f"{shorten(target.label, 80)}: {values}{more}.")
    last = forecast.targets[0].curve.date[-1]
    return (
        "Line chart of the chance that each target has happened by a day, from "
        f"{wording.long_day(forecast.as_of)} to {wording.long_day(last)}. {' '.join(parts)}"
    )


def course_chart(run: RunRecords) -> Chart:
    """Chart of history and outlook, with a headline that says what it shows."""
    forecast, past = run.forecast, headline_history(run)
    return Chart(
        name="course",
        headline=course_headline(forecast, past),
        alt=_describe(forecast, past),
        caption=_caption(forecast, past),
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
    verb = "has risen" if moved > 0 else "has fallen" if moved < 0 else "is as high as"
    if not moved:
        return f"The number {verb} in {_month(then.as_of)}: {now}"
    return f"The number {verb} from {wording.percent(then.probability)} in {_month(then.as_of)} to {now} now"


def _month(day: date) -> str:
    return f"{wording.month_name(day)} {day.year}"


def _caption(forecast: Forecast, past: tuple[PastForecast, ...]) -> str:
    target, milestone = headline_pair(forecast)
    right = (
        "chance that each event has happened by a day; dots are milestones, the band is the plausible range."
    )
    if not past:
        return f"{right[:1].upper()}{right[1:]} No earlier forecast of this question is on record."
    late = " (made later, from what was known then)" if all(one.hindcast for one in past) else ""
    return (
        f"Left: earlier forecasts{late} for {wording.short_day(milestone.date)}, with their plausible range; "
        f"triangles mark {cases_marked(target, past[0].as_of)}. Right: {right}"
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
