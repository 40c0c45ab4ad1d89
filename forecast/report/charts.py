"""Figures: canvas, typeface and axes that all share, and what each draws."""

from __future__ import annotations

import io
import logging
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
from numpy.typing import ArrayLike

from forecast import wording
from forecast.errors import InputError
from forecast.events.codebook import CATEGORIES
from forecast.events.table import EventTable
from forecast.records.analysis import (
    AssumptionEffect,
    MonthlyRisk,
    PastForecast,
    ReliabilityCurve,
    Robustness,
    TensionSeries,
)
from forecast.records.forecast import (
    Forecast,
    ScenarioForecast,
    TargetForecast,
)
from forecast.report.palette import (
    ACCENT,
    CRISIS,
    INK,
    MUTED,
    RULE,
    STRAINED,
    category_colour,
    model_line,
    name_category,
    name_model,
    target_colour,
)
from forecast.report.typesetting import current_typeface, printable, shorten
from forecast.report.words import (
    MOST_IN_CHART,
    Titles,
    assumed_text,
    assumption_label,
    chosen_milestones,
    headline_pair,
    named,
    scenario_answer,
    titles_of,
)
from forecast.storage import write_file

if TYPE_CHECKING:
    from forecast.priors import NamedPrior
    from forecast.runs.summaries import PriorPredictive

FileKind = Literal["svg", "png", "pdf"]
WIDTH_INCHES = 6.69
"""Width of the text block on A4: figures are printed at their own size, so that type sizes hold."""
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "forecast",
    "text.parse_math": False,
    "font.size": 9,
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_TICKS = 10
_DOTS_PER_INCH = 300
_NO_ORIGIN: dict[FileKind, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_PATH = re.compile(rb' d="[^"]*"')
_FINER = re.compile(rb"(\.\d\d)\d+")


@cache
def _register(path: Path) -> None:
    font_manager.fontManager.addfont(str(path))


@contextmanager
def report_style() -> Iterator[None]:
    """Draw in the style of the report; Matplotlib's settings are as before afterwards."""
    chosen = current_typeface()
    for path in chosen.files:
        _register(path)
    # A family without the weight asked for gives its nearest, which needs no word on the terminal.
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with mpl.rc_context(_SETTINGS | {"font.family": list(chosen.families)}):
            yield
    finally:
        logger.setLevel(level)


def blank_figure(height_inches: float, width_inches: float = WIDTH_INCHES) -> Figure:
    """Figure as wide as the text block or part of it, with the axes laid out to fill it."""
    # No background, so that a stamp behind the page shows through.
    return Figure(figsize=(width_inches, height_inches), layout="constrained", facecolor="none")


def figure_bytes(figure: Figure, kind: FileKind, *, ground: str = "white") -> bytes:
    """Return the figure as a file, without date or random ids: the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with report_style():
        figure.savefig(buffer, format=kind, dpi=_DOTS_PER_INCH, facecolor=ground, metadata=_NO_ORIGIN[kind])
    content = buffer.getvalue()
    # Hundredths of a point are finer than any print; six decimals would make the files twice as large.
    return content if kind != "svg" else _PATH.sub(lambda path: _FINER.sub(rb"\1", path.group()), content)


def figure_kind(path: Path) -> FileKind:
    """Return the format that the ending of a file names; ``InputError`` where it names none."""
    match path.suffix.lower()[1:]:
        case "svg" | "png" | "pdf" as kind:
            return kind
    raise InputError(f"{path}: '{path.suffix}' is no format of a figure here. Allowed: .svg, .png, .pdf")


def write_figure(figure: Figure, path: Path, *, ground: str = "white") -> Path:
    """Write the figure in the format that the ending names, whole or not at all.

    Raises
    ------
    InputError
        The ending is none of ``.svg``, ``.png`` and ``.pdf``, or the place cannot be written.
    """
    content = figure_bytes(figure, figure_kind(path), ground=ground)
    try:
        write_file(path, content)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}). Check the folder and permissions."
        ) from error
    return path


def wrap_label(text: str, width: int) -> str:
    """Return the text as the typeface can show it, on at most two lines of about ``width`` signs."""
    shown = printable(text, current_typeface().glyphs)
    lines = textwrap.wrap(shown, width, break_on_hyphens=False)
    if len(lines) > 2:
        lines = [lines[0], shorten(" ".join(lines[1:]), width)]
    return "\n".join(lines)


def one_line(text: str, length: int) -> str:
    """Return the text as the typeface can show it, cut to a length."""
    return shorten(printable(text, current_typeface().glyphs), length)


def mark_months(axis: Axis, first: date, last: date, most: int = _MOST_TICKS) -> None:
    """Put about ``most`` ticks on firsts of months (or of years), in English; the year once a year."""
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next((size for size in (1, 2, 3, 6, 12, 24, 60) if months / size <= most), 120)
    number = first.year * 12 + first.month - 1
    start = number if first.day == 1 else number + 1
    firsts = [
        date(index // 12, index % 12 + 1, 1)
        for index in range(start, last.year * 12 + last.month)
        if index % step == 0
    ]
    texts = [str(day.year) if step >= 12 else _MONTHS[day.month - 1] for day in firsts]
    for place, day in enumerate(firsts):
        if step < 12 and (place == 0 or day.year != firsts[place - 1].year):
            texts[place] += f"\n{day.year}"
    fix_ticks(axis, day_numbers(firsts), texts)


def day_numbers(days: Sequence[date]) -> list[float]:
    """Days as Matplotlib counts them: from 1970-01-01."""
    return [float((day - date(1970, 1, 1)).days) for day in days]


def spread_labels(places: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart by ``gap`` in their order within [low, high]; evenly where they do not all fit."""
    if not places:
        return []
    order = sorted(range(len(places)), key=lambda index: places[index])
    gap = min(gap, (high - low) / max(len(places) - 1, 1))
    moved = [places[index] for index in order]
    moved[0] = max(moved[0], low)
    for k in range(1, len(moved)):
        moved[k] = max(moved[k], moved[k - 1] + gap)
    moved[-1] = min(moved[-1], high)
    for k in range(len(moved) - 2, -1, -1):
        moved[k] = min(moved[k], moved[k + 1] - gap)
    return [place for _, place in sorted(zip(order, moved, strict=True))]


def note(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float],
    *,
    ha: str = "left",
    va: str = "center",
    size: float = 9,
    colour: str = INK,
    weight: int = 400,
    spacing: float | None = None,
) -> None:
    """Write a text beside a place of the data, ``offset`` points away."""
    axes.annotate(
        text,
        at,
        xytext=offset,
        textcoords="offset points",
        ha=ha,
        va=va,
        fontsize=size,
        linespacing=spacing,
        color=colour,
        weight=weight,
        annotation_clip=False,
    )


def panels(figure: Figure, count: int, columns: int) -> list[Axes]:
    """Panels in rows of ``columns``; those of the last row that are not needed are hidden."""
    made = figure.subplots(-(-count // columns), columns, squeeze=False).ravel().tolist()
    for axes in made[count:]:
        axes.set_visible(False)
    return list(made[:count])


def fix_ticks(axis: Axis, places: Sequence[float], labels: Sequence[str]) -> None:
    """Put ticks with these labels at these places."""
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_major_formatter(FixedFormatter(list(labels)))


def percent_axis(axes: Axes, start: float, end: float) -> None:
    """Vertical axis from 0 to 100%, with light lines at the quarters from ``start`` to ``end``."""
    quarters = [0.25, 0.5, 0.75, 1.0]
    axes.set_ylim(0, 1)
    fix_ticks(axes.yaxis, [0.0, *quarters], ["0%", "25%", "50%", "75%", "100%"])
    axes.hlines(quarters, start, end, color=RULE, linewidth=0.5, zorder=0.4)
    align_tick_labels(axes)


def points_axis(axes: Axes, label: str) -> None:
    """Horizontal axis of signed percentage points."""
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(
        lambda value, _: wording.signed_points(value / 100, 0 if value == round(value) else 1)
    )
    axes.set_xlabel(label)


def name_rows(axes: Axes, places: Sequence[float], names: Sequence[str]) -> None:
    """Names of rows in place of a vertical axis."""
    fix_ticks(axes.yaxis, places, names)
    align_tick_labels(axes)
    axes.spines["left"].set_visible(False)


def list_rows(axes: Axes, names: Sequence[str], *, least: int = 1) -> list[int]:
    """Rows from the top with their names, room for ``least`` of them; return their places."""
    places = list(range(len(names)))[::-1]
    axes.set_ylim(-0.7, max(len(names), least) - 0.3)
    name_rows(axes, places, names)
    return places


def whiskers(axes: Axes, values: ArrayLike, places: ArrayLike, errors: ArrayLike) -> None:
    """Horizontal ± one Monte Carlo standard error at each value."""
    axes.errorbar(values, places, xerr=errors, fmt="none", ecolor=INK, elinewidth=0.8, capsize=2)


def align_tick_labels(axes: Axes) -> None:
    """Centre the labels of the vertical axis on their ticks by the height of figures, not of the font."""
    for text in axes.get_yticklabels():
        text.set_verticalalignment("center_baseline")


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


_HEIGHT_INCHES = 4.2
_MOST_MARKS = 4000
_MARKS_A_LANE = 500
_LEVELS = ("strained", "crisis")
_LABEL_GAP = 0.1
"""Of the panel's height, between the middles of two labels."""


def chances_of(tension: TensionSeries) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chance that each step is calm, strained, a crisis."""
    strained, crisis = np.asarray(tension.chance_strained), np.asarray(tension.chance_crisis)
    return 1 - strained - crisis, strained, crisis


def draw_tension(tension: TensionSeries, events: EventTable, forecast: Forecast) -> Figure:
    """Draw tension, the chance of each state, and one mark an event; of very many, the most severe alone."""
    as_of = forecast.as_of
    with report_style():
        figure = blank_figure(_HEIGHT_INCHES)
        upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(1.25, 0.6, 1))
        start, end = day_numbers((tension.date[0], as_of))
        # A record of one day is shown at the end of a week.
        upper.set_xlim(min(start, end - 7), end)
        _draw_band(upper, tension, end)
        _draw_cases(upper, forecast, tension)
        _draw_states(middle, tension, end)
        _draw_lanes(lower, events.between(tension.date[0], as_of))
        mark_months(lower.xaxis, tension.date[0], as_of)
        for axes in (upper, middle):
            axes.tick_params(axis="x", length=0)
    return figure


def _draw_band(axes: Axes, tension: TensionSeries, end: float) -> None:
    days = day_numbers(tension.date)
    axes.axhline(0, color=MUTED, linewidth=0.6, zorder=0.6)
    now, levels = tension.mean[-1], (tension.strained_from, tension.crisis_from)
    for level in levels:
        axes.axhline(level, color=MUTED, linewidth=0.6, linestyle=(0, (3, 2)), zorder=0.6)
    axes.fill_between(
        days, tension.lower90, tension.upper90, color=ACCENT, alpha=0.2, linewidth=0, gid="band:tension"
    )
    axes.plot(days, tension.mean, color=ACCENT, linewidth=1.4, gid="curve:tension")
    axes.set_ylabel("Tension (std. dev.)")
    axes.yaxis.set_major_formatter(lambda value, _: wording.number(value, 0))
    axes.yaxis.set_major_locator(FixedLocator(list(range(-6, 7))))
    align_tick_labels(axes)
    axes.spines["bottom"].set_visible(False)
    words = [f"{word} from {wording.number(one, 1)}" for word, one in zip(_LEVELS, levels, strict=True)]
    low, high = axes.get_ylim()
    places = spread_labels([*levels, now], _LABEL_GAP * (high - low), low, high)
    for word, place in zip(words, places, strict=False):
        note(axes, word, (end, place), (3, 0), colour=MUTED)
    text = f"now {wording.number(now, 1)}"
    note(axes, text, (end, places[-1]), (3, 0), colour=ACCENT, weight=600)


def _draw_cases(axes: Axes, forecast: Forecast, tension: TensionSeries) -> None:
    target, _ = headline_pair(forecast)
    cases = [one.date for one in target.cases if one.date >= tension.date[0]]
    top = max(tension.upper90)
    axes.plot(
        day_numbers(cases), [top] * len(cases), "v", color=INK, markersize=5, linestyle="none", gid="cases"
    )


def _draw_states(axes: Axes, tension: TensionSeries, end: float) -> None:
    _, strained, crisis = chances_of(tension)
    days = [*day_numbers(tension.date), end]
    crisis, strained = (np.append(one, one[-1]) for one in (crisis, strained))
    axes.fill_between(days, crisis, color=CRISIS, gid="state:crisis", step="post", linewidth=0)
    axes.fill_between(
        days, crisis, crisis + strained, color=STRAINED, gid="state:strained", step="post", linewidth=0
    )
    axes.set_ylim(0, 1)
    fix_ticks(axes.yaxis, [0, 0.5, 1], ["0%", "50%", "100%"])
    align_tick_labels(axes)
    for height, word, shade in ((0.85, "calm", None), (0.5, "strained", STRAINED), (0.15, "crisis", CRISIS)):
        box = Rectangle(
            (1.008, height - 0.07), 0.012, 0.14, facecolor=shade or "none", edgecolor=RULE, linewidth=0.5
        )
        box.set(transform=axes.transAxes, clip_on=False)
        axes.add_patch(box)
        axes.text(1.026, height, word, transform=axes.transAxes, va="center")


def _draw_lanes(axes: Axes, events: EventTable) -> None:
    lanes = [name for name in CATEGORIES if np.any(events.category == name)]
    spread = int((events.date.max() - events.date.min()).astype(np.int64)) + 1 if len(events) else 1
    span = -(-spread // _MARKS_A_LANE)
    for lane, name in enumerate(reversed(lanes)):
        rows = events.category == name
        days = events.date[rows].astype("datetime64[D]").astype(np.int64)
        severity = events.severity[rows].astype(np.int64)
        if len(events) > _MOST_MARKS:
            days, severity = _most_severe_by_span(days, severity, span)
        half = 0.10 + 0.07 * severity
        colour = category_colour(name)
        axes.vlines(
            days, lane - half, lane + half, color=colour, linewidth=0.35 + 0.22 * severity, gid=f"lane:{name}"
        )
    axes.set_ylim(-0.6, max(len(lanes), 1) - 0.4)
    name_rows(axes, range(len(lanes)), [name_category(name) for name in reversed(lanes)])


def _most_severe_by_span(days: np.ndarray, severity: np.ndarray, span: int) -> tuple[np.ndarray, np.ndarray]:
    """One mark for each span of days with an event: its first possible day, its highest severity."""
    unique, inverse = np.unique(days // span * span, return_inverse=True)
    most = np.zeros(len(unique), dtype=np.int64)
    np.maximum.at(most, inverse, severity)
    return unique, most


MOST_BARS = 12
_DOWN = "#8FB3D4"
"""Lighter than the accent, so that both ends differ without colour too."""
_LABEL_SIGNS = 44
_COLUMNS = 2
_ROW_INCHES = 1.45
_TAIL = 0.005
"""Share of a prior beyond each end of the drawn range."""


def shown_bars(robustness: Robustness) -> tuple[AssumptionEffect, ...]:
    """Bars that have something to show, the widest first."""
    known = [bar for bar in robustness.tornado if (bar.lower.change, bar.upper.change) != (None, None)]
    return tuple(known[:MOST_BARS])


def _row_label(bar: AssumptionEffect, titles: Titles) -> str:
    """Assumption with what the run assumes, which stays whole where the name is cut."""
    now = f" ({assumed_text(bar.now)})"
    name = one_line(assumption_label(bar.name, bar.act, titles), 2 * _LABEL_SIGNS - len(now))
    return wrap_label(f"{name}{now}", _LABEL_SIGNS)


def draw_tornado(forecast: Forecast, robustness: Robustness, most: int = MOST_BARS) -> Figure:
    """Draw one bar an assumption: the change of the probability for a step down and a step up, in points.

    Whiskers show ± one Monte Carlo standard error; each end is labelled with what is assumed there.
    """
    bars = shown_bars(robustness)[:most]
    target = forecast.target(robustness.target)
    milestone = named(target.milestones, robustness.milestone)
    with report_style():
        figure = blank_figure(0.6 + 0.31 * max(len(bars), 1))
        axes = figure.add_subplot()
        places = list_rows(axes, [_row_label(bar, titles_of(forecast)) for bar in bars])
        for place, bar in zip(places, bars, strict=True):
            for end, colour, other in ((bar.lower, _DOWN, bar.upper), (bar.upper, ACCENT, bar.lower)):
                if end.change is None:
                    continue
                change = 100 * end.change
                axes.barh(place, change, height=0.55, color=colour, gid=f"bar:{bar.name}")
                error = 100 * (end.mcse or 0.0)
                whiskers(axes, change, place, error)
                same_side = other.change is not None and other.change * end.change > 0
                smaller = same_side and abs(other.change or 0.0) > abs(end.change)
                outward = (-1 if end.change < 0 else 1) * (-1 if smaller else 1)
                origin = 0.0 if smaller else change + outward * error
                text, ha = assumed_text(end.assumed), "left" if outward > 0 else "right"
                note(axes, text, (origin, place), (4 * outward, 0), ha=ha, colour=MUTED)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        ends = [end for bar in bars for end in (bar.lower, bar.upper) if end.change]
        reach = max((100 * (abs(end.change or 0) + (end.mcse or 0)) for end in ends), default=1.0)
        axes.set_xlim(-1.45 * reach, 1.45 * reach)
        points_axis(
            axes,
            f"Change of {wording.percent(milestone.probability)} in points (light: step down, dark: step up)",
        )
    return figure


def draw_priors(changed: Sequence[NamedPrior], implied: PriorPredictive, titles: Mapping[str, str]) -> Figure:
    """Draw one density a changed prior (default grey, set coloured), and simulated years below.

    ``changed`` are the priors that differ from their default; none leaves the simulated years alone.
    ``titles`` gives kinds of act and targets their names for readers.
    """
    n_rows = -(-len(changed) // _COLUMNS)
    kinds = len(implied.acts_a_month)
    below = 0.75 + 0.19 * max(kinds, len(implied.target_within_year) + 1)
    with report_style():
        figure = blank_figure(_ROW_INCHES * n_rows + below)
        grid = figure.add_gridspec(n_rows + 1, _COLUMNS, height_ratios=[*([_ROW_INCHES] * n_rows), below])
        for place, prior in enumerate(changed):
            _draw_density(figure.add_subplot(grid[place // _COLUMNS, place % _COLUMNS]), prior)
        _draw_acts(figure.add_subplot(grid[n_rows, 0]), implied, titles)
        _draw_targets(figure.add_subplot(grid[n_rows, 1]), implied, titles)
    return figure


def _draw_density(axes: Axes, prior: NamedPrior) -> None:
    ends = np.array([one.quantile([_TAIL, 1 - _TAIL]) for one in (prior.default, prior.distribution)])
    points = np.linspace(ends[:, 0].min(), ends[:, 1].max(), 400)
    before, after = (np.exp(one.log_density(points)) for one in (prior.default, prior.distribution))
    axes.fill_between(points, before, color=RULE, linewidth=0, gid=f"default:{prior.name}")
    axes.plot(points, after, color=ACCENT, linewidth=1.6, gid=f"set:{prior.name}")
    axes.set_title(
        f"{prior.name}\n{wrap_label(prior.reading, 46)}", loc="left", fontsize=8.5, color=INK, linespacing=1.3
    )
    # A density without bound at an end of the range would flatten the other curve.
    finite = np.concatenate([before, after])
    axes.set_ylim(0, 1.08 * min(finite.max(), 6 * np.quantile(finite, 0.9) + 1e-300))
    axes.set_xlim(points[0], points[-1])
    axes.yaxis.set_major_locator(FixedLocator([]))
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(f"{prior.group.unit} (grey: default, line: as set)")


def _draw_acts(axes: Axes, implied: PriorPredictive, titles: Mapping[str, str]) -> None:
    names = list(implied.acts_a_month)
    kinds = [
        name_category(name) if name in CATEGORIES else wrap_label(titles.get(name, "All kinds"), 24)
        for name in names
    ]
    places = list_rows(axes, kinds)
    for place, name in zip(places, names, strict=True):
        low, middle, high = (max(value, 0.01) for value in implied.acts_a_month[name])
        colour = category_colour(name) if name in CATEGORIES else MUTED
        axes.plot([low, high], [place, place], color=colour, linewidth=3.4, alpha=0.45, gid=f"span:{name}")
        axes.plot([middle], [place], "|", color=colour, markersize=8, markeredgewidth=1.6)
        axes.plot([max(implied.observed_a_month[name], 0.01)], [place], "o", color=INK, markersize=3)
    axes.set_xscale("log")
    fix_ticks(axes.xaxis, [0.01, 0.1, 1, 10, 100, 1000], ["≤0.01", "0.1", "1", "10", "100", "1,000"])
    axes.minorticks_off()
    axes.set_title("Acts a month, by the priors alone", loc="left", color=INK)
    axes.set_xlabel("Bar: 90% of simulated years; tick: median; dot: the data")


def _draw_targets(axes: Axes, implied: PriorPredictive, titles: Mapping[str, str]) -> None:
    names = list(implied.target_within_year)
    places = list_rows(axes, [wrap_label(titles[name], 24) for name in names], least=3)
    values = [implied.target_within_year[name] for name in names]
    errors = [implied.mcse[name] for name in names]
    axes.barh(places, values, height=0.55, color=ACCENT, alpha=0.75)
    whiskers(axes, values, places, errors)
    for place, value, error in zip(places, values, errors, strict=True):
        note(axes, wording.percent(value), (value + error, place), (4, 0))
    axes.set_xlim(0, 1.14)
    fix_ticks(axes.xaxis, [0, 0.5, 1], ["0%", "50%", "100%"])
    axes.set_title("Target within a year, by the priors alone", loc="left", color=INK)
    axes.set_xlabel("Whiskers: Monte Carlo error")


_SCENARIO_SIGNS = 34


def draw_scenarios(forecast: Forecast, scenarios: Sequence[ScenarioForecast]) -> Figure:
    """Draw 90% interval, chance and change of each scenario with numbers, the highest chance on top."""
    target, milestone = forecast.headline.target, forecast.headline.milestone
    base = named(forecast.target(target).milestones, milestone)
    found = [(one, scenario_answer(one, target, milestone)) for one in scenarios if not one.withheld]
    found.sort(key=lambda pair: pair[1].probability)
    with report_style():
        figure = blank_figure(0.7 + 0.3 * (len(found) + 1))
        axes = figure.add_subplot()
        places = [float(place) for place in range(len(found) + 1)]
        every = [*(one for _, one in found), base]
        chances = [100 * one.probability for one in every]
        lows, highs = ([100 * one.interval90[end] for one in every] for end in (0, 1))
        low, edge = min(lows), max(highs)
        axes.axvline(chances[-1], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.hlines(places, lows, highs, color=RULE, linewidth=3, gid="intervals")
        axes.plot(chances[:-1], places[:-1], "o", color=ACCENT, markersize=5, linestyle="none", gid="chances")
        axes.plot(chances[-1:], places[-1:], "D", color=INK, markersize=5, gid="run")
        changes = [f"  ({wording.signed_points(one.difference.value)})" for _, one in found]
        for place, one, change in zip(places, every, [*changes, ""], strict=True):
            note(axes, f"{wording.percent(one.probability)}{change}", (edge, place), (6, 0))
        axes.set_ylim(-0.6, places[-1] + 0.6)
        names = [wrap_label(one.label, _SCENARIO_SIGNS) for one, _ in found]
        name_rows(axes, places, [*names, "This forecast"])
        axes.set_xlim(max(0.0, low - 2), edge + 0.28 * (edge - low))
        ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, edge)
        axes.set_xticks([tick for tick in ticks if 0 <= tick <= 100])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}%")
        label, day = forecast.target(target).label, wording.long_day(base.date)
        axes.set_xlabel(f"{one_line(label, 60)} before {day}: chance with its plausible range")
    return figure
