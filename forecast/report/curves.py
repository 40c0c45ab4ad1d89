"""Figures of chances: the course of the headline's number, the risk by month, and how often it came true.

The course has history and outlook on one time axis, parted by the as-of day, so that successive forecasts and
successive milestones are read in one look.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast import wording
from forecast.records.explained import MonthlyRisk
from forecast.records.forecast import Forecast, TargetForecast
from forecast.records.history import PastForecast, ReliabilityCurve
from forecast.report.drawing import (
    align_tick_labels,
    blank_figure,
    day_numbers,
    fix_ticks,
    mark_months,
    note,
    one_line,
    panels,
    percent_axis,
    report_style,
    spread_labels,
    wrap_label,
)
from forecast.report.judgement import MOST_IN_CHART, chosen_milestones, headline_pair
from forecast.report.palette import ACCENT, INK, MUTED, RULE, model_line, name_model, target_colour

_COURSE_INCHES = 1.95
_ROOM_FOR_NAMES = 0.22
"""Share of the time axis kept free on the right for the names of the targets."""
_LABEL_REACH = 0.16
"""Of the panel's height: how far a number above its dot reaches."""
_NAME_WIDTH = 0.075
"""Share of the time axis that the day of a milestone takes."""
_MONTHS_INCHES = 1.62
_MM_AN_INCH = 25.4
_CALIBRATION_PANELS_A_ROW = 4
_QUARTERS = [0.0, 0.25, 0.5, 0.75, 1.0]


def draw_course(forecast: Forecast, past: tuple[PastForecast, ...]) -> Figure:
    """Draw earlier forecasts of the headline before the as-of day, and the curve of every target after it.

    Curves are the arrays of ``forecast.json``. Lines carry ``gid``: ``history``, and ``curve:<target>``.
    """
    with report_style():
        figure = blank_figure(_COURSE_INCHES)
        axes = figure.add_subplot()
        start, end = _time_axis(axes, forecast, past[0].as_of if past else forecast.as_of, _ROOM_FOR_NAMES)
        (now,) = day_numbers((forecast.as_of,))
        axes.axvline(now, color=INK, linewidth=0.9)
        if past:
            _draw_history(axes, forecast, past, now)
        for index, target in enumerate(forecast.targets):
            chief = target.name == forecast.headline.target
            _draw_curve(axes, target, index, alpha=0.16 if chief else None, wide=chief)
            if chief:
                _mark_headline(axes, forecast, target, target_colour(index), end - start)
        _name_targets(axes, forecast, end, end - start)
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


def _draw_curve(axes: Axes, target: TargetForecast, place: int, *, alpha: float | None, wide: bool) -> None:
    """Chance of a target by day, with its band where that has an opacity."""
    days, colour, curve = day_numbers(target.curve.date), target_colour(place), target.curve
    if alpha is not None:
        axes.fill_between(
            days,
            curve.lower90,
            curve.upper90,
            color=colour,
            alpha=alpha,
            linewidth=0,
            gid=f"band:{target.name}",
        )
    axes.plot(
        days, curve.probability, color=colour, linewidth=1.8 if wide else 1.1, gid=f"curve:{target.name}"
    )


def _name_targets(axes: Axes, forecast: Forecast, end: float, span: float) -> None:
    """Name every target at the end of its curve."""
    ends = [target.curve.probability[-1] for target in forecast.targets]
    places = spread_labels(ends, 0.27, 0.07, 0.93)
    for index, (target, place) in enumerate(zip(forecast.targets, places, strict=True)):
        axes.text(
            end + 0.012 * span,
            place,
            wrap_label(target.label, 22) if len(ends) <= 4 else one_line(target.label, 24),
            color=target_colour(index),
            va="center",
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
            colour=colour,
            weight=600 if one.name == asked else 400,
        )
        if all(abs(day - other) > _NAME_WIDTH * span for other in days_named):
            days_named.append(day)
            name = " ".join(wording.short_day(one.date).split()[:2])
            note(axes, name, (day, 1.0), (0, 5), ha="center", va="bottom")


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
    note(axes, wording.short_day(forecast.as_of), (now, 1.0), (-3, 5), ha="right", va="bottom")
    text = f"forecasts for {wording.short_day(milestone.date)}"
    note(axes, text, (days[0], 1.0), (0, 5), va="bottom", colour=MUTED)
    label = wording.percent(values[0])
    note(axes, label, (days[0], values[0]), (2, 7), colour=colour)
    cases = [one.date for one in target.cases if past[0].as_of <= one.date <= forecast.as_of]
    axes.plot(
        day_numbers(cases), [0.03] * len(cases), "^", color=INK, markersize=4.5, linestyle="none", gid="cases"
    )


def draw_months(monthly: MonthlyRisk, *, width_mm: float) -> Figure:
    """Draw the hazard of each month with its error, the base rate under it, and the dated milestones.

    A bar is as wide as its month, so that a month cut short is seen to be so. Bars carry
    ``month:<first day>`` as ``gid``, the base rate ``base``.
    """
    months = monthly.months
    starts = day_numbers([one.first_day for one in months])
    widths = [float(one.days) for one in months]
    middles = [start + width / 2 for start, width in zip(starts, widths, strict=True)]
    hazards = [one.hazard for one in months]
    base = [one.past_windows if one.constant_rate is None else one.constant_rate for one in months]
    with report_style():
        figure = blank_figure(_MONTHS_INCHES, width_inches=width_mm / _MM_AN_INCH)
        axes = figure.add_subplot()
        bars = axes.bar(starts, hazards, widths, align="edge", color=ACCENT, alpha=0.55, edgecolor="white")
        for one, bar in zip(months, bars, strict=True):
            bar.set_gid(f"month:{one.first_day}")
        errors = [2 * one.hazard_mcse for one in months]
        axes.errorbar(middles, hazards, yerr=errors, fmt="none", ecolor=INK, elinewidth=0.8, gid="errors")
        edges = [*starts, starts[-1] + widths[-1]]
        axes.stairs(base, edges, color=INK, linewidth=1.3, baseline=None, gid="base")
        top = 1.08 * max(*(value + error for value, error in zip(hazards, errors, strict=True)), *base, 0.004)
        axes.set_ylim(0, top)
        axes.set_xlim(edges[0], edges[-1] + 0.01 * (edges[-1] - edges[0]))
        marked = {one.date for month in months for one in month.dated if one.kind == "milestone"}
        _mark_days(axes, sorted(marked), top)
        mark_months(axes.xaxis, months[0].first_day, months[-1].last_day, most=6)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(lambda value, _: f"{round(100 * value, 6):g}%")
        align_tick_labels(axes)
    return figure


def _mark_days(axes: Axes, days: list[date], top: float) -> None:
    """Mark days by dashed lines, and name those for which there is room, the last first."""
    start, end = axes.get_xlim()
    named: list[float] = []
    for day, place in reversed([*zip(days, day_numbers(days), strict=True)]):
        axes.axvline(place, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
        if all(abs(place - other) > 0.19 * (end - start) for other in named):
            at_end = place > end - 0.08 * (end - start)
            name = " ".join(wording.short_day(day).split()[:2])
            note(
                axes,
                name,
                (place, top),
                (4 if at_end else 0, 2),
                ha="right" if at_end else "center",
                va="bottom",
            )
            named.append(place)


def describe_months(monthly: MonthlyRisk) -> str:
    """Alt text of the risk by month: every month with its error and base rate."""
    parts = "; ".join(
        f"{_month(one.first_day)} {wording.percent(one.hazard)} ± {wording.points(one.hazard_mcse)} (base "
        f"rate {wording.percent(one.past_windows if one.constant_rate is None else one.constant_rate)})"
        for one in monthly.months
    )
    dated = "; ".join(
        f"{one.label} on {wording.long_day(one.date)}"
        for month in monthly.months
        for one in month.dated
        if one.kind == "milestone"
    )
    return (
        f"Bar chart of the chance in each month if it has not happened before: {parts}. Milestones: {dated}."
    )


def _month(day: date) -> str:
    return f"{wording.month_name(day)} {day.year}"


def draw_reliability(curves: Sequence[ReliabilityCurve]) -> Figure:
    """Draw the bins of each model as they are in the record, with their consistency bands.

    A reliability diagram asks whether what is forecast with p% happens p% of the time; also for a ledger.
    Dots carry ``reliability:<model>`` as ``gid``, bands ``band:<model>``.
    """
    with report_style():
        columns = min(max(len(curves), 2), _CALIBRATION_PANELS_A_ROW)
        rows = -(-len(curves) // columns)
        figure = blank_figure(rows * (2.25 if columns == 2 else 2.1))
        for place, (axes, curve) in enumerate(zip(panels(figure, len(curves), columns), curves, strict=True)):
            _draw_panel(axes, curve, wide=columns == 2)
            if place % columns == 0:
                axes.set_ylabel("It happened")
            if place + columns >= len(curves):
                axes.set_xlabel("Forecast")
    return figure


def _draw_panel(axes: Axes, curve: ReliabilityCurve, *, wide: bool) -> None:
    colour, _ = model_line(curve.model)
    name = name_model(curve.model)
    axes.set_title(name[:1].upper() + name[1:], fontsize=9, loc="left", weight=600, pad=16 if wide else 6)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, zorder=0.6)
    most = max((one.number for one in curve.bins), default=1)
    said = [one.forecast_mean for one in curve.bins]
    shares = [one.observed_share for one in curve.bins]
    bands = [one.lower90 for one in curve.bins], [one.upper90 for one in curve.bins]
    sizes = [8.0 + 34.0 * one.number / most for one in curve.bins]
    thick, band, dots = 7 if wide else 4.5, f"band:{curve.model}", f"reliability:{curve.model}"
    axes.vlines(said, *bands, color=RULE, linewidth=thick, zorder=0.5, gid=band)
    axes.scatter(said, shares, s=sizes, color=colour, linewidth=0, clip_on=False, zorder=2, gid=dots)
    # Above the panel, where neither dots nor bands nor the diagonal are.
    for one in curve.bins if wide else ():
        note(axes, f"{one.number:,}", (one.forecast_mean, 1.02), (0, 3), ha="center", va="bottom")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    labels = ["0%", "25%", "50%", "75%", "100%"] if wide else ["0", "", "50", "", "100%"]
    for axis in (axes.xaxis, axes.yaxis):
        fix_ticks(axis, _QUARTERS, labels)
    axes.hlines(_QUARTERS[1:], 0, 1, color=RULE, linewidth=0.4, zorder=0.3)
    align_tick_labels(axes)
