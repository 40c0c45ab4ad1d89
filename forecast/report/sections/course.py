"""The course of the number: what earlier forecasts said of the headline, and how the chance grows from now.

Both stand on one time axis, parted by the as-of day, so that successive forecasts and successive milestones
are read in one look.
"""

from __future__ import annotations

from datetime import date

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast import wording
from forecast.blocks import Chart
from forecast.records.forecast import Forecast
from forecast.records.history import PastForecast
from forecast.report.drawing import (
    blank_figure,
    day_numbers,
    mark_months,
    note,
    percent_axis,
    report_style,
    spread_labels,
    wrap_label,
)
from forecast.report.palette import INK, MUTED, RULE, target_colour
from forecast.report.questions import MOST_IN_CHART, cases_marked, chance, chosen_milestones, headline_pair
from forecast.report.run_records import RunRecords
from forecast.report.typeface import shorten
from forecast.wording.judgement import in_sentence

_LABEL_REACH = 0.16
"""Of the panel's height: how far a number above its dot reaches."""
_NAME_WIDTH = 0.075
"""Share of the time axis that the day of a milestone takes."""
_ROOM_FOR_NAMES = 0.2
"""Share of the time axis kept free on the right for the names of the targets."""


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


def draw_course(forecast: Forecast, past: tuple[PastForecast, ...], height: float = 1.8) -> Figure:
    """Draw earlier forecasts of the headline before the as-of day, and the curve of every target after it.

    Lines carry ``gid``: ``history``, and ``course:<target>``.
    """
    with report_style():
        figure = blank_figure(height)
        axes = figure.add_subplot()
        last = max(target.curve.date[-1] for target in forecast.targets)
        first = past[0].as_of if past else forecast.as_of
        start, now, end = day_numbers((first, forecast.as_of, last))
        axes.set_xlim(start, end + _ROOM_FOR_NAMES * (end - start))
        percent_axis(axes, start, end)
        mark_months(axes.xaxis, first, last)
        axes.spines["bottom"].set_bounds(start, end)
        axes.axvline(now, color=INK, linewidth=0.9)
        if past:
            _draw_history(axes, forecast, past, now)
        _draw_outlook(axes, forecast, end, end - start)
    return figure


def _draw_history(axes: Axes, forecast: Forecast, past: tuple[PastForecast, ...], now: float) -> None:
    target, milestone = headline_pair(forecast)
    colour = target_colour(forecast.targets.index(target))
    days = [*day_numbers([one.as_of for one in past]), now]
    values = [*(one.probability for one in past), milestone.probability]
    ranges = [*(one.interval90 for one in past), milestone.interval90]
    axes.fill_between(
        days, [low for low, _ in ranges], [high for _, high in ranges], color=colour, alpha=0.12, linewidth=0
    )
    axes.plot(days, values, "o-", color=colour, linewidth=1.4, markersize=3.2, gid="history", clip_on=False)
    (day,) = day_numbers((milestone.date,))
    axes.plot([now, day], [values[-1]] * 2, color=colour, linewidth=0.7, linestyle=(0, (2, 2)))
    note(axes, wording.short_day(forecast.as_of), (now, 1.0), (-3, 5), ha="right", va="bottom", size=8)
    text = f"forecasts for {wording.short_day(milestone.date)}"
    note(axes, text, (days[0], 1.0), (0, 5), va="bottom", size=8, colour=MUTED)
    label = wording.percent(values[0])
    note(axes, label, (days[0], values[0]), (2, 7), size=8, colour=colour)
    cases = [one.date for one in target.cases if past[0].as_of <= one.date <= forecast.as_of]
    axes.plot(
        day_numbers(cases), [0.03] * len(cases), "^", color=INK, markersize=4.5, linestyle="none", gid="cases"
    )


def _draw_outlook(axes: Axes, forecast: Forecast, end: float, span: float) -> None:
    headline = forecast.headline
    for index, target in enumerate(forecast.targets):
        days, colour = day_numbers(target.curve.date), target_colour(index)
        chief = target.name == headline.target
        if chief:
            axes.fill_between(
                days, target.curve.lower90, target.curve.upper90, color=colour, alpha=0.16, linewidth=0
            )
        axes.plot(
            days,
            target.curve.probability,
            color=colour,
            linewidth=1.8 if chief else 1.1,
            gid=f"course:{target.name}",
        )
        if not chief:
            continue
        named: list[float] = []
        last = next(one.probability for one in target.milestones if one.name == headline.milestone)
        shown = chosen_milestones(target.milestones, headline.milestone, MOST_IN_CHART)
        # The headline's day first, so that it is there whatever has to give way.
        for one in sorted(shown, key=lambda one: one.name != headline.milestone):
            (day,) = day_numbers((one.date,))
            axes.axvline(day, color=RULE, linewidth=0.8, zorder=0.5)
            axes.plot([day], [one.probability], "o", color=colour, markersize=4, clip_on=False)
            # Above the dot, or below the curve where the line of the headline's number runs.
            room = last - one.probability
            below = 0.02 < room < _LABEL_REACH
            note(
                axes,
                wording.percent(one.probability),
                (day, one.probability),
                (4, -4) if below else (-3, 4),
                ha="left" if below else "right",
                va="top" if below else "bottom",
                size=8,
                colour=colour,
                weight=600 if one.name == headline.milestone else 400,
            )
            if all(abs(day - other) > _NAME_WIDTH * span for other in named):
                named.append(day)
                note(axes, _short(one.date), (day, 1.0), (0, 5), ha="center", va="bottom", size=8)
    ends = [target.curve.probability[-1] for target in forecast.targets]
    places = spread_labels(ends, 0.26, 0.06, 0.94)
    for index, (target, place) in enumerate(zip(forecast.targets, places, strict=True)):
        axes.text(
            end + 0.012 * span,
            place,
            wrap_label(target.label, 22),
            color=target_colour(index),
            fontsize=8,
            va="center",
            linespacing=0.95,
            weight=600 if target.name == headline.target else 400,
        )


def _short(day: date) -> str:
    return " ".join(wording.short_day(day).split()[:2])
