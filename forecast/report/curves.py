"""Figures of the chance by day: the curve of every target, and the course of the headline's number.

The course has history and outlook on one time axis, parted by the as-of day, so that successive forecasts and
successive milestones are read in one look.
"""

from __future__ import annotations

from datetime import date

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast import wording
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
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
from forecast.report.judgement import MOST_IN_CHART, chosen_milestones, headline_pair
from forecast.report.palette import INK, MUTED, RULE, target_colour
from forecast.report.typesetting import MISSING

CURVE_HEIGHT = 3.05
"""Inches."""
_ROWS_OF_NAMES = 2
_WIDEST_NAME = 22
_ROOM_FOR_NAMES = 0.27
"""Share of the time axis kept free on the right for the names of the targets; on page 1 less."""
_ROOM_ON_PAGE_1 = 0.2
_LABEL_REACH = 0.16
"""Of the panel's height: how far a number above its dot reaches."""
_NAME_WIDTH = 0.075
"""Share of the time axis that the day of a milestone takes."""


def draw_curves(forecast: Forecast, figure: Figure | None = None) -> Figure:
    """Draw the curve arrays of every target as they are in ``forecast.json``, into a figure if one is given.

    Each line carries its target's name as ``gid`` (``curve:<name>``), each band ``band:<name>``.
    """
    with report_style():
        figure = figure or blank_figure(CURVE_HEIGHT)
        axes = figure.add_subplot()
        start, end = _time_axis(axes, forecast, forecast.as_of, _ROOM_FOR_NAMES)
        _mark_milestones(axes, forecast, start, end)
        taken: list[tuple[float, float]] = []
        for index, target in enumerate(forecast.targets):
            chief = target.name == forecast.headline.target
            _draw_curve(axes, target, index, alpha=0.18 if chief else 0.09, wide=chief, style="steps-post")
            marked = chosen_milestones(target.milestones, forecast.headline.milestone, MOST_IN_CHART)
            _mark_values(axes, marked, target_colour(index), taken, span=end - start, is_headline=chief)
        _name_targets(axes, forecast, end, end - start, gap=0.115)
        axes.set_ylabel("Chance that it has happened")
    return figure


def draw_course(forecast: Forecast, past: tuple[PastForecast, ...], height: float = 1.8) -> Figure:
    """Draw earlier forecasts of the headline before the as-of day, and the curve of every target after it.

    Lines carry ``gid``: ``history``, and ``curve:<target>``.
    """
    with report_style():
        figure = blank_figure(height)
        axes = figure.add_subplot()
        start, end = _time_axis(axes, forecast, past[0].as_of if past else forecast.as_of, _ROOM_ON_PAGE_1)
        (now,) = day_numbers((forecast.as_of,))
        axes.axvline(now, color=INK, linewidth=0.9)
        if past:
            _draw_history(axes, forecast, past, now)
        for index, target in enumerate(forecast.targets):
            chief = target.name == forecast.headline.target
            _draw_curve(axes, target, index, alpha=0.16 if chief else None, wide=chief)
            if chief:
                _mark_headline(axes, forecast, target, target_colour(index), end - start)
        _name_targets(axes, forecast, end, end - start, gap=0.26, leaders=False)
    return figure


def _time_axis(axes: Axes, forecast: Forecast, first: date, room: float) -> tuple[float, float]:
    """Lay out chances by day, with room on the right for names; return first and last day."""
    last = max(target.curve.date[-1] for target in forecast.targets)
    start, end = day_numbers((first, last))
    axes.set_xlim(start, end + room * (end - start))
    percent_axis(axes, start, end)
    mark_months(axes.xaxis, first, last)
    axes.spines["bottom"].set_bounds(start, end)
    return start, end


def _draw_curve(
    axes: Axes, target: TargetForecast, place: int, *, alpha: float | None, wide: bool, style: str = "default"
) -> None:
    """Chance of a target by day, with its band where that has an opacity."""
    days, colour, curve = day_numbers(target.curve.date), target_colour(place), target.curve
    if alpha is not None:
        axes.fill_between(
            days,
            curve.lower90,
            curve.upper90,
            step="post" if style == "steps-post" else None,
            color=colour,
            alpha=alpha,
            linewidth=0,
            gid=f"band:{target.name}",
        )
    width = 1.8 if wide else 1.1
    name = f"curve:{target.name}"
    axes.plot(days, curve.probability, drawstyle=style, color=colour, linewidth=width, gid=name)


def _name_targets(
    axes: Axes, forecast: Forecast, end: float, span: float, *, gap: float, leaders: bool = True
) -> None:
    """Name every target at the end of its curve, with a leader to where there is room for it."""
    ends = [target.curve.probability[-1] for target in forecast.targets]
    places = spread_labels(ends, gap, 0.05, 0.95) if leaders else spread_labels(ends, gap, 0.06, 0.94)
    for index, (target, place) in enumerate(zip(forecast.targets, places, strict=True)):
        if leaders:
            leader = [end + 0.004 * span, end + 0.018 * span]
            axes.plot(leader, [ends[index], place], color=MUTED, linewidth=0.5, clip_on=False)
        name = wrap_label(target.label, 24 if leaders else 22)
        axes.text(
            end + (0.024 if leaders else 0.012) * span,
            place,
            name,
            color=target_colour(index),
            fontsize=8.5 if leaders else 8,
            va="center_baseline" if leaders and "\n" not in name else "center",
            linespacing=0.95,
            weight=600 if target.name == forecast.headline.target else 400,
        )


def _mark_headline(axes: Axes, forecast: Forecast, target: TargetForecast, colour: str, span: float) -> None:
    """Mark the milestones of the headline's target with their chance, and their days where there is room."""
    asked = forecast.headline.milestone
    last = next(one.probability for one in target.milestones if one.name == asked)
    shown = chosen_milestones(target.milestones, asked, MOST_IN_CHART)
    days_named: list[float] = []
    # The headline's day first, so that it is there whatever has to give way.
    for one in sorted(shown, key=lambda one: one.name != asked):
        (day,) = day_numbers((one.date,))
        axes.axvline(day, color=RULE, linewidth=0.8, zorder=0.5)
        axes.plot([day], [one.probability], "o", color=colour, markersize=4, clip_on=False)
        # Above the dot, or below the curve where the line of the headline's number runs.
        below = 0.02 < last - one.probability < _LABEL_REACH
        note(
            axes,
            wording.percent(one.probability),
            (day, one.probability),
            (4, -4) if below else (-3, 4),
            ha="left" if below else "right",
            va="top" if below else "bottom",
            size=8,
            colour=colour,
            weight=600 if one.name == asked else 400,
        )
        if all(abs(day - other) > _NAME_WIDTH * span for other in days_named):
            days_named.append(day)
            name = " ".join(wording.short_day(one.date).split()[:2])
            note(axes, name, (day, 1.0), (0, 5), ha="center", va="bottom", size=8)


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


def _mark_milestones(axes: Axes, forecast: Forecast, start: float, end: float) -> None:
    headline = forecast.headline.milestone
    by_day = {
        one.date: one
        for target in forecast.targets
        for one in chosen_milestones(target.milestones, headline, MOST_IN_CHART)
    }
    # The headline's name is placed first, so that it is there whatever has to give way.
    order = sorted(by_day.values(), key=lambda one: (one.name != headline, one.date))
    rows: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS_OF_NAMES)]
    unit = (end - start) * (1 + _ROOM_FOR_NAMES) / 150
    for one in order:
        (day,) = day_numbers((one.date,))
        axes.axvline(day, color=RULE, linewidth=0.8, zorder=0.5)
        name = wrap_label(one.label, _WIDEST_NAME)
        half = 0.5 * unit * (max(_width(line) for line in name.split("\n")) + 2)
        for row, spans in enumerate(rows):
            if all(day + half < left or day - half > right for left, right in spans):
                spans.append((day - half, day + half))
                at, up, weight = (day, 1.0), (0, 4 + 18 * row), 600 if one.name == headline else 400
                note(axes, name, at, up, ha="center", va="bottom", size=8, weight=weight, spacing=0.95)
                break


def _width(line: str) -> float:
    """Length of a line in ordinary letters; capitals and boxes are wider."""
    return sum(1.5 if sign.isupper() or sign == MISSING else 1.0 for sign in line)


def _mark_values(
    axes: Axes,
    milestones: tuple[MilestoneForecast, ...],
    colour: str,
    taken: list[tuple[float, float]],
    *,
    span: float,
    is_headline: bool,
) -> None:
    for one in milestones:
        (x,), y = day_numbers((one.date,)), one.probability
        axes.plot([x], [y], "o", color=colour, markersize=4.2 if is_headline else 3.2, clip_on=False)
        if any(abs(x - other) < 0.05 * span and abs(y - height) < 0.075 for other, height in taken):
            continue
        taken.append((x, y))
        down, va = (-5, "top") if y > 0.9 else (4, "bottom")
        text, weight = wording.percent(y), 600 if is_headline else 400
        note(axes, text, (x, y), (-3, down), ha="right", va=va, size=8, colour=colour, weight=weight)
