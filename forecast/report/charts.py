"""Figures: canvas, typeface, axes and file format that all share, and what each of them draws.

All have one width, one type scale, and the same bytes for the same numbers; a ``gid`` says what a line is.
"""

from __future__ import annotations

import io
import logging
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from forecast.phrases.assumptions import Move
from forecast.phrases.chances import chosen_milestones
from forecast.records.analysis import PastForecast, ReactionCase, ReliabilityCurve, TensionSeries
from forecast.records.forecast import Forecast, MilestoneForecast
from forecast.report.palette import (
    ACCENT,
    CASE,
    INK,
    MUTED,
    RULE,
    model_colour,
    name_model,
)
from forecast.report.typesetting import TIP, current_typeface, printable
from forecast.wording import capitalised, number, percent, share, short_day, shorten

FileKind = Literal["svg", "png"]
_Look = dict[str, Any]
"""Keywords of a function of Matplotlib."""
WIDTH_INCHES = 6.69
"""Width of the text block on A4: figures are printed at their own size, so that type sizes hold."""
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "forecast",
    "text.parse_math": False,
    "font.size": 9,
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
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
_DOTS_PER_INCH = 300
_NO_ORIGIN: dict[FileKind, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
_PATH, _FINER = re.compile(rb' d="[^"]*"'), re.compile(rb"(\.\d\d)\d+")
_MOST_TICKS = 10
_QUARTERS = [0.0, 0.25, 0.5, 0.75, 1.0]
_DASHED = (0, (3, 2))
_COURSE_INCHES, _TENSION_INCHES = 1.65, (1.3, 3.5)
_MOST_NUMBERS = 5
"""Milestones that have their number in the chart by day."""
_MOST_COLUMNS = 150
_MOVE_SIGNS = 60
_CURVES_A_ROW = 4


# Canvas, files and text


_register = cache(font_manager.fontManager.addfont)


@contextmanager
def report_style() -> Iterator[None]:
    """Draw in the style of the report; Matplotlib's settings are as before afterwards."""
    chosen = current_typeface()
    for path in chosen.files:
        _register(str(path))
    # A family without the weight asked for gives its nearest, which needs no word on the terminal.
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with mpl.rc_context(_SETTINGS | {"font.family": list(chosen.families)}):
            yield
    finally:
        logger.setLevel(level)


def _blank(height_inches: float, width_inches: float = WIDTH_INCHES) -> Figure:
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


def wrap_label(text: str, width: int, most: int = 2) -> str:
    """Return the text as the typeface can show it, on at most ``most`` lines of about ``width`` signs."""
    lines = textwrap.wrap(printable(text, current_typeface().glyphs), width, break_on_hyphens=False)
    if len(lines) > most:
        lines = [*lines[: most - 1], shorten(" ".join(lines[most - 1 :]), width)]
    return "\n".join(lines)


def _note(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float],
    *,
    ha: str = "left",
    va: str = "center",
    colour: str = INK,
    weight: int = 400,
) -> None:
    """Write a text beside a place of the data, ``offset`` points away."""
    place: _Look = {
        "xytext": offset,
        "textcoords": "offset points",
        "ha": ha,
        "va": va,
        "annotation_clip": False,
    }
    # A pale rim keeps a line behind from crossing the text out.
    rim = [withStroke(linewidth=2.5, foreground="white", alpha=0.8)]
    axes.annotate(text, at, fontsize=9, color=colour, weight=weight, path_effects=rim, **place)


def _tell_columns(axes: Axes, places: Sequence[float], texts: Sequence[str]) -> None:
    """Let columns around places say a text under the pointer (``report.html``); nothing is drawn."""
    edges = [places[0], *((one + two) / 2 for one, two in pairwise(places)), places[-1]]
    for (left, right), text in zip(pairwise(edges), texts, strict=True):
        column = Rectangle((left, 0), right - left, 1, transform=axes.get_xaxis_transform())
        axes.add_artist(column).set(facecolor="none", edgecolor="none", gid=f"{TIP}{text}")


def _tell_dots(axes: Axes, dots: Iterable[tuple[float, float, str]]) -> None:
    """Let dots say a text under the pointer, as ``_tell_columns`` does."""
    for x, y, text in dots:
        axes.plot([x], [y], "o", markersize=9, mfc="none", mec="none", gid=f"{TIP}{text}", clip_on=False)


# Axes


def mark_months(axis: Axis, first: date, last: date, most: int = _MOST_TICKS) -> None:
    """Put about ``most`` ticks on firsts of months (or of years), in English; the year once a year."""
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next((size for size in (1, 2, 3, 6, 12, 24, 60) if months / size <= most), 120)
    start = first.year * 12 + first.month - (first.day == 1)
    firsts = [
        date(index // 12, index % 12 + 1, 1)
        for index in range(start, last.year * 12 + last.month)
        if index % step == 0
    ]
    texts = [str(day.year) if step >= 12 else short_day(day).split()[1] for day in firsts]
    for place, day in enumerate(firsts):
        if step < 12 and (place == 0 or day.year != firsts[place - 1].year):
            texts[place] += f"\n{day.year}"
    _fix_ticks(axis, day_numbers(firsts), texts)


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


def _fix_ticks(axis: Axis, places: Sequence[float], labels: Sequence[str]) -> None:
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_major_formatter(FixedFormatter(list(labels)))


def _centre_labels(axes: Axes) -> None:
    """Centre the labels of the vertical axis on their ticks by the height of figures, not of the font."""
    for text in axes.get_yticklabels():
        text.set_verticalalignment("center_baseline")


# The course of the headline's number


def draw_course(forecast: Forecast, past: tuple[PastForecast, ...]) -> Figure:
    """Draw earlier forecasts of the headline before the as-of day, and its chance by day after it.

    The lines carry ``history`` and ``curve:<target>`` as ``gid``, the range ``band:<target>``.
    """
    target, asked, curve = (
        forecast.headline_target,
        forecast.headline_milestone,
        forecast.headline_target.chances,
    )
    first, last = past[0].as_of if past else forecast.as_of, curve.day[-1]
    start, now, end = day_numbers((first, forecast.as_of, last))
    with report_style():
        figure = _blank(_COURSE_INCHES)
        axes = figure.add_subplot()
        axes.set_xlim(start, end + 0.06 * (end - start))
        axes.set_ylim(0, 1)
        _fix_ticks(axes.yaxis, _QUARTERS, ["0%", "25%", "50%", "75%", "100%"])
        axes.hlines(_QUARTERS[1:], start, end, color=RULE, linewidth=0.5, zorder=0.4)
        _centre_labels(axes)
        mark_months(axes.xaxis, first, last)
        axes.spines["bottom"].set_bounds(start, end)
        axes.axvline(now, color=INK, linewidth=0.9)
        if past:
            _draw_history(axes, forecast, past, now)
        days = day_numbers(curve.day)
        band: _Look = {"color": ACCENT, "alpha": 0.16, "linewidth": 0, "gid": f"band:{target.name}"}
        axes.fill_between(days, curve.low, curve.high, **band)
        axes.plot(days, curve.mean, color=ACCENT, linewidth=1.8, gid=f"curve:{target.name}")
        for milestone in target.milestones:
            (day,), chance = day_numbers((milestone.date,)), milestone.probability
            axes.plot([day], [chance], "o", color=ACCENT, markersize=4, clip_on=False)
        for milestone in chosen_milestones(target.milestones, asked.name, _MOST_NUMBERS):
            (day,), chance = day_numbers((milestone.date,)), milestone.probability
            look: _Look = {"colour": ACCENT, "weight": 600 if milestone is asked else 400}
            # The curve rises to the right: left above a dot nothing else is drawn.
            _note(axes, percent(chance), (day, chance), (-3, 5), ha="right", va="bottom", **look)
        # As many columns as a pointer can tell apart.
        apart = slice(None, None, len(days) // _MOST_COLUMNS + 1)
        told = zip(curve.day[apart], curve.mean[apart], strict=True)
        _tell_columns(axes, days[apart], [f"by {short_day(day)}: {percent(one)}" for day, one in told])
    return figure


def _draw_history(axes: Axes, forecast: Forecast, past: tuple[PastForecast, ...], now: float) -> None:
    target, milestone, colour = forecast.headline_target, forecast.headline_milestone, ACCENT
    days = [*day_numbers([one.as_of for one in past]), now]
    values = [*(one.probability for one in past), milestone.probability]
    lows, highs = zip(*(one.interval90 for one in past), milestone.interval90, strict=True)
    axes.fill_between(days, lows, highs, color=colour, alpha=0.12, linewidth=0)
    axes.plot(days, values, "o-", color=colour, linewidth=1.4, markersize=3.2, gid="history", clip_on=False)
    (day,) = day_numbers((milestone.date,))
    axes.plot([now, day], [values[-1]] * 2, color=colour, linewidth=0.7, linestyle=(0, (2, 2)))
    _tell_dots(
        axes,
        (
            (day, one.probability, f"as of {short_day(one.as_of)}: {percent(one.probability)}")
            for day, one in zip(days, past, strict=False)
        ),
    )
    _note(axes, short_day(forecast.as_of), (now, 1.0), (-3, 5), ha="right", va="bottom")
    _note(
        axes, f"forecasts for {short_day(milestone.date)}", (days[0], 1.0), (0, 5), va="bottom", colour=MUTED
    )
    cases = [case.date for case in target.cases if past[0].as_of <= case.date <= forecast.as_of]
    triangles: _Look = {"color": INK, "markersize": 4.5, "linestyle": "none", "gid": "cases"}
    axes.plot(day_numbers(cases), [0.03] * len(cases), "^", **triangles)


# Tension and the events


def draw_tension(tension: TensionSeries, forecast: Forecast) -> Figure:
    """Draw tension with its range, where it is strained or a crisis, and the cases of the headline event.

    The line carries ``curve:tension`` as ``gid``, the range ``band:tension``, the cases ``cases``.
    """
    with report_style():
        figure = _blank(*_TENSION_INCHES)
        axes = figure.add_subplot()
        days, now = day_numbers(tension.date), tension.mean[-1]
        (end,) = day_numbers((forecast.as_of,))
        # A record of one day is shown at the end of a week.
        start = min(days[0], end - 7)
        axes.set_xlim(start, end + 0.1 * (end - start))
        band: _Look = {"color": RULE, "alpha": 0.5, "linewidth": 0, "gid": "band:tension"}
        axes.fill_between(days, tension.lower90, tension.upper90, **band)
        levels = (tension.strained_from, tension.crisis_from)
        for level in levels:
            axes.hlines(level, start, end, color=MUTED, linewidth=0.5, linestyle=_DASHED, zorder=0.6)
        axes.plot(days, tension.mean, color=INK, linewidth=1.2, gid="curve:tension")
        axes.plot([end], [now], "o", color=INK, markersize=4, clip_on=False)
        _note(axes, "now", (end, now), (5, 0), weight=600)
        cases = [case.date for case in forecast.headline_target.cases if case.date >= tension.date[0]]
        at = [float(np.interp(day, days, tension.mean)) for day in day_numbers(cases)]
        dots: _Look = {"color": ACCENT, "markersize": 5, "linestyle": "none", "gid": "cases"}
        axes.plot(day_numbers(cases), at, "o", **dots)
        low, high = axes.get_ylim()
        places = [min(low, -1.0) / 2, sum(levels) / 2, levels[1] + 0.4]
        top = max(high, levels[1] + 0.8)
        _fix_ticks(
            axes.yaxis, spread_labels(places, 0.14 * (top - low), low, top), ["calm", "strained", "crisis"]
        )
        axes.set_ylim(low, top)
        _centre_labels(axes)
        told = [
            f"{short_day(day)}: {number(one, 1)}" for day, one in zip(tension.date, tension.mean, strict=True)
        ]
        _tell_columns(axes, days, told)
        mark_months(axes.xaxis, tension.date[0], forecast.as_of, 7)
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_bounds(start, end)
    return figure


# The cases of a reaction


def draw_cases(cases: Sequence[ReactionCase], followed: Collection[date], start: date, as_of: date) -> Figure:
    """Draw cases by day and severity: filled where the target followed, grey where another answer did.

    The three kinds carry ``cases:target``, ``cases:answer`` and ``cases:none`` as ``gid``.
    """
    grades = sorted({case.severity or 0 for case in cases})
    with report_style():
        figure = _blank(0.4 + 0.22 * len(grades))
        axes = figure.add_subplot()
        first, last = day_numbers((start, as_of))
        room = 0.015 * (last - first)
        axes.set_xlim(first - room, last + room)
        axes.set_ylim(-0.6, len(grades) - 0.4)
        axes.spines["left"].set_visible(False)
        names = [f"severity {grade}" if grade else "occasion" for grade in grades]
        _fix_ticks(axes.yaxis, range(len(grades)), names)
        _centre_labels(axes)
        axes.hlines(range(len(grades)), first, last, color=RULE, linewidth=0.5, zorder=0.4)
        kinds = {"target": (ACCENT, ACCENT), "answer": (RULE, MUTED), "none": ("none", MUTED)}
        for kind, (fill, edge) in kinds.items():
            some = [case for case in cases if _kind_of(case, followed) == kind]
            at = [grades.index(case.severity or 0) for case in some]
            look: _Look = {"markerfacecolor": fill, "markeredgecolor": edge, "linestyle": "none"}
            days = day_numbers([case.date for case in some])
            axes.plot(days, at, "o", **look, markersize=6, gid=f"cases:{kind}", clip_on=False)
            _tell_dots(axes, zip(days, at, (short_day(case.date) for case in some), strict=True))
        mark_months(axes.xaxis, start, as_of)
    return figure


def _kind_of(case: ReactionCase, followed: Collection[date]) -> str:
    if case.date in followed:
        return "target"
    return "answer" if case.answered_on else "none"


# What moves the number


def draw_moves(milestone: MilestoneForecast, moves: Sequence[Move]) -> Figure:
    """Draw a chance without each event and with each assumption moved: a dot an end, on one scale.

    The dots of a row carry ``move:<label>`` as ``gid``; the band is the plausible range of the chance.
    """
    now, (low, high) = milestone.probability, milestone.interval90
    with report_style():
        labels = [wrap_label(one.label, _MOVE_SIGNS) for one in moves]
        # Two labels of two lines do not overlap.
        height = 0.37 if any("\n" in one and "\n" in below for one, below in pairwise(labels)) else 0.25
        figure = _blank(0.5 + height * len(labels))
        axes = figure.add_subplot()
        axes.set_ylim(-0.7, len(moves) - 0.3)
        axes.spines["left"].set_visible(False)
        places = range(len(moves))[::-1]
        _fix_ticks(axes.yaxis, places, labels)
        _centre_labels(axes)
        axes.axvspan(low, high, color=ACCENT, alpha=0.1, linewidth=0, gid="band")
        axes.axvline(now, color=INK, linewidth=0.9)
        for place, one in zip(places, moves, strict=True):
            chances = [*one.chances]
            colour = CASE if one.of_event else ACCENT
            axes.plot([now, *chances], [place] * (1 + len(chances)), color=colour, linewidth=1.1)
            dots: _Look = {"color": colour, "markersize": 4.5, "gid": f"move:{one.label}"}
            axes.plot(chances, [place] * len(chances), "o", **dots)
            _tell_dots(axes, ((chance, place, percent(chance)) for chance in chances))
            sides = [-1 if chance < now else 1 for chance in chances]
            if len(set(sides)) < len(sides):
                # Of two on one side the inner one has its text on the other side of the line.
                inner = min(range(2), key=lambda at: abs(chances[at] - now))
                sides[inner] = -sides[inner]
                chances[inner] = now
            for end, chance, side in zip(one.chances, chances, sides, strict=True):
                ha = "left" if side > 0 else "right"
                _note(axes, percent(end), (chance, place), (5 * side, 0), ha=ha, colour=MUTED)
        ends = [low, high, *(chance for one in moves for chance in one.chances)]
        room = 0.16 * (max(ends) - min(ends))
        axes.set_xlim(max(min(ends) - room, -0.02), min(max(ends) + room, 1.02))
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(lambda x, _: f"{round(100 * x, 6):g}%")
    return figure


# Scores


def draw_reliability(curves: Sequence[ReliabilityCurve]) -> Figure:
    """Draw the bins of each model as they are in the record, with their consistency bands.

    A reliability diagram asks whether what is forecast with p% happens p% of the time; also for a ledger.
    Dots carry ``reliability:<model>`` as ``gid``, bands ``band:<model>``.
    """
    columns = min(max(len(curves), 2), _CURVES_A_ROW)
    wide = columns == 2
    with report_style():
        figure = _blank(-(-len(curves) // columns) * (1.8 if wide else 2.1))
        panels = figure.subplots(-(-len(curves) // columns), columns, squeeze=False).ravel().tolist()
        for axes in panels[len(curves) :]:
            axes.set_visible(False)
        for place, (axes, curve) in enumerate(zip(panels, curves, strict=False)):
            colour = model_colour(curve.model)
            title: _Look = {"fontsize": 9, "loc": "left", "weight": 600, "pad": 16 if wide else 6}
            axes.set_title(capitalised(name_model(curve.model)), **title)
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.6, zorder=0.6)
            most = max((one.number for one in curve.bins), default=1)
            said = [one.forecast_mean for one in curve.bins]
            bands = [one.lower90 for one in curve.bins], [one.upper90 for one in curve.bins]
            band: _Look = {"color": RULE, "linewidth": 7 if wide else 4.5, "zorder": 0.5}
            axes.vlines(said, *bands, **band, gid=f"band:{curve.model}")
            sizes = [8.0 + 34.0 * one.number / most for one in curve.bins]
            dots: _Look = {"s": sizes, "color": colour, "linewidth": 0, "clip_on": False, "zorder": 2}
            shares = [one.observed_share for one in curve.bins]
            axes.scatter(said, shares, **dots, gid=f"reliability:{curve.model}")
            _tell_dots(
                axes,
                (
                    (x, y, f"said {percent(x)}, came {share(y)} of {one.number:,}")
                    for x, y, one in zip(said, shares, curve.bins, strict=True)
                ),
            )
            # Above the panel, where neither dots nor bands nor the diagonal are.
            for one in curve.bins if wide else ():
                _note(axes, f"{one.number:,}", (one.forecast_mean, 1.02), (0, 3), ha="center", va="bottom")
            axes.set_xlim(-0.02, 1.02)
            axes.set_ylim(-0.02, 1.02)
            labels = ["0%", "25%", "50%", "75%", "100%"] if wide else ["0", "", "50", "", "100%"]
            for axis in (axes.xaxis, axes.yaxis):
                _fix_ticks(axis, _QUARTERS, labels)
            axes.hlines(_QUARTERS[1:], 0, 1, color=RULE, linewidth=0.4, zorder=0.3)
            _centre_labels(axes)
            if place % columns == 0:
                axes.set_ylabel("It happened")
            if place + columns >= len(curves):
                axes.set_xlabel("Forecast")
    return figure
