"""Figure: the chance that each target has happened by a day, with milestones."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast import wording
from forecast.records.forecast import Forecast, MilestoneForecast
from forecast.report.drawing import (
    blank_figure,
    day_numbers,
    mark_months,
    percent_axis,
    report_style,
    spread_labels,
    wrap_label,
)
from forecast.report.palette import MUTED, RULE, target_colour
from forecast.report.printable import MISSING
from forecast.report.selection import MOST_IN_CHART, chosen_milestones

_ROWS_OF_NAMES = 2
_WIDEST_NAME = 22


def draw_curves(forecast: Forecast) -> Figure:
    """Draw the curve arrays of every target as they are in ``forecast.json``.

    Each line carries its target's name as ``gid`` (``curve:<name>``), each band ``band:<name>``.
    """
    with report_style():
        figure = blank_figure(3.05)
        axes = figure.add_subplot()
        first, last = forecast.as_of, max(target.curve.date[-1] for target in forecast.targets)
        start, end = day_numbers((first, last))
        axes.set_xlim(start, end + 0.27 * (end - start))
        percent_axis(axes, start, end)
        mark_months(axes.xaxis, first, last)
        axes.spines["bottom"].set_bounds(start, end)
        headline = forecast.headline.milestone
        _mark_milestones(axes, forecast, start, end)
        taken: list[tuple[float, float]] = []
        for index, target in enumerate(forecast.targets):
            days, colour = day_numbers(target.curve.date), target_colour(index)
            is_headline = target.name == forecast.headline.target
            axes.fill_between(
                days,
                target.curve.lower90,
                target.curve.upper90,
                step="post",
                color=colour,
                alpha=0.18 if is_headline else 0.09,
                linewidth=0,
                gid=f"band:{target.name}",
            )
            axes.plot(
                days,
                target.curve.probability,
                drawstyle="steps-post",
                color=colour,
                linewidth=1.8 if is_headline else 1.1,
                gid=f"curve:{target.name}",
            )
            marked = chosen_milestones(target.milestones, headline, MOST_IN_CHART)
            _mark_values(axes, marked, colour, taken, span=end - start, is_headline=is_headline)
        _name_targets(axes, forecast, end, end - start)
        axes.set_ylabel("Chance that it has happened")
    return figure


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
    unit = (end - start) * 1.27 / 150
    for one in order:
        (day,) = day_numbers((one.date,))
        axes.axvline(day, color=RULE, linewidth=0.8, zorder=0.5)
        name = wrap_label(one.label, _WIDEST_NAME)
        half = 0.5 * unit * (max(_width(line) for line in name.split("\n")) + 2)
        for row, spans in enumerate(rows):
            if all(day + half < left or day - half > right for left, right in spans):
                spans.append((day - half, day + half))
                axes.annotate(
                    name,
                    (day, 1.0),
                    xytext=(0, 4 + 18 * row),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=7,
                    linespacing=0.95,
                    weight=600 if one.name == headline else 400,
                    annotation_clip=False,
                )
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
        (day,) = day_numbers((one.date,))
        axes.plot(
            [day], [one.probability], "o", color=colour, markersize=4.2 if is_headline else 3.2, clip_on=False
        )
        near = any(abs(day - x) < 0.05 * span and abs(one.probability - y) < 0.075 for x, y in taken)
        if near:
            continue
        taken.append((day, one.probability))
        below = one.probability > 0.9
        axes.annotate(
            wording.percent(one.probability),
            (day, one.probability),
            xytext=(-3, -5 if below else 4),
            textcoords="offset points",
            ha="right",
            va="top" if below else "bottom",
            fontsize=7,
            color=colour,
            weight=600 if is_headline else 400,
        )


def _name_targets(axes: Axes, forecast: Forecast, end: float, span: float) -> None:
    ends = [target.curve.probability[-1] for target in forecast.targets]
    places = spread_labels(ends, 0.115, 0.05, 0.95)
    for index, (target, place) in enumerate(zip(forecast.targets, places, strict=True)):
        colour = target_colour(index)
        axes.plot(
            [end + 0.004 * span, end + 0.018 * span],
            [ends[index], place],
            color=MUTED,
            linewidth=0.5,
            clip_on=False,
        )
        name = wrap_label(target.label, 24)
        axes.text(
            end + 0.024 * span,
            place,
            name,
            color=colour,
            fontsize=7.5,
            va="center_baseline" if "\n" not in name else "center",
            linespacing=0.95,
            weight=600 if target.name == forecast.headline.target else 400,
        )
