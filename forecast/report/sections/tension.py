"""How tense the relationship is: inferred tension, regimes shaded, and the coded events in lanes below it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

from forecast import wording
from forecast.events.codebook import CATEGORIES
from forecast.events.table import EventTable
from forecast.records.analysis import TensionSeries
from forecast.records.forecast import Forecast
from forecast.report.blocks import Chart, Prose, Section
from forecast.report.drawing import (
    align_tick_labels,
    blank_figure,
    day_numbers,
    mark_months,
    name_rows,
    note,
    report_style,
)
from forecast.report.palette import ACCENT, CRISIS, INK, MUTED, RULE, STRAINED, category_colour, name_category
from forecast.report.run_records import RunRecords

REGIME_WORDS = {"calm": "calm", "strained": "strained", "crisis": "in crisis"}
_SHADES = {"strained": STRAINED, "crisis": CRISIS}
_MOST_MARKS = 4000
_MARKS_A_LANE = 500


def tension_section(run: RunRecords) -> Section | None:
    """Inferred tension with its regimes; nothing for a model family without it."""
    tension = run.analysis.tension
    if tension is None:
        return None
    chart = Chart(
        name="tension",
        alt=describe_tension(tension, run.events, run.forecast),
        caption="Inferred tension with its 90% band, and the coded events behind it by kind; "
        "taller marks are more severe.",
        draw=lambda: draw_tension(tension, run.events, run.forecast.as_of),
    )
    return Section("tension", "How tense the relationship is", (chart, Prose(tension_reading(tension))))


def tension_reading(tension: TensionSeries) -> str:
    """Where the relationship stands, since when, and the last spell of crisis."""
    spells = [
        (regime, [index for index, _ in run])
        for regime, run in groupby(enumerate(tension.regime), key=lambda item: item[1])
    ]
    now, steps = spells[-1]
    last = (
        f"Tension at the end of the data is {wording.number(tension.mean[-1], 1)} standard deviations from "
        f"its long-run mean (90% interval {wording.number(tension.lower90[-1], 1)} to "
        f"{wording.number(tension.upper90[-1], 1)}); the relationship has been {REGIME_WORDS[now]} since "
        f"{wording.long_day(tension.date[steps[0]])}."
    )
    crises = [steps for regime, steps in spells if regime == "crisis"]
    if now == "crisis":
        return last
    if not crises:
        return f"{last} No step reads as a crisis."
    first, final = tension.date[crises[-1][0]], tension.date[crises[-1][-1]]
    if first == final:
        return f"{last} The last step that reads as a crisis began on {wording.long_day(first)}."
    return (
        f"{last} The last spell that reads as a crisis ran from {wording.long_day(first)} "
        f"to the step of {wording.long_day(final)}."
    )


def describe_tension(tension: TensionSeries, events: EventTable, forecast: Forecast) -> str:
    """Alt text of the tension figure: range, present value, regimes, events by kind."""
    mean = np.asarray(tension.mean)
    top, bottom = int(mean.argmax()), int(mean.argmin())
    regimes = Counter(tension.regime)
    counts = Counter(events.between(tension.date[0], forecast.as_of).category.tolist())
    kinds = wording.listing(
        tuple(f"{count:,} of {name_category(name).lower()}" for name, count in counts.most_common())
    )
    return (
        f"Line chart of tension from {wording.long_day(tension.date[0])} to "
        f"{wording.long_day(forecast.as_of)}, in standard deviations. "
        f"Highest {wording.number(mean[top], 1)} on {wording.long_day(tension.date[top])}, "
        f"lowest {wording.number(mean[bottom], 1)} on {wording.long_day(tension.date[bottom])}, now "
        f"{wording.number(mean[-1], 1)} (90% interval {wording.number(tension.lower90[-1], 1)} to "
        f"{wording.number(tension.upper90[-1], 1)}). Of {len(mean)} steps {regimes['calm']} read as calm, "
        f"{regimes['strained']} as strained and {regimes['crisis']} as crisis. Below, "
        f"marks for {wording.count(sum(counts.values()), 'event')}: {kinds or 'none'}."
    )


def draw_tension(tension: TensionSeries, events: EventTable, as_of: date) -> Figure:
    """Draw tension (unit: its standard deviation) and one mark an event, taller when more severe.

    Above 4,000 events only the most severe of each kind and few days is drawn: the others would lie under it.
    """
    with report_style():
        figure = blank_figure(3.35)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.25, 1))
        start, end = day_numbers((tension.date[0], as_of))
        upper.set_xlim(start, end)
        _draw_band(upper, tension, end)
        _draw_lanes(lower, events.between(tension.date[0], as_of))
        mark_months(lower.xaxis, tension.date[0], as_of)
        upper.tick_params(axis="x", length=0)
    return figure


def _draw_band(axes: Axes, tension: TensionSeries, end: float) -> None:
    days = day_numbers(tension.date)
    edges = [*days, end]
    for regime, run in groupby(enumerate(tension.regime), key=lambda item: item[1]):
        steps = [index for index, _ in run]
        if regime in _SHADES:
            axes.axvspan(
                edges[steps[0]], edges[steps[-1] + 1], color=_SHADES[regime], linewidth=0, zorder=0.4
            )
    axes.axhline(0, color=MUTED, linewidth=0.6, zorder=0.6)
    axes.fill_between(
        days, tension.lower90, tension.upper90, color=ACCENT, alpha=0.2, linewidth=0, gid="band:tension"
    )
    axes.plot(days, tension.mean, color=ACCENT, linewidth=1.4, gid="curve:tension")
    axes.set_ylabel("Tension (standard deviations)")
    axes.yaxis.set_major_formatter(lambda value, _: wording.number(value, 0))
    axes.yaxis.set_major_locator(FixedLocator(list(range(-6, 7))))
    align_tick_labels(axes)
    axes.spines["bottom"].set_visible(False)
    axes.grid(axis="y", linewidth=0.4)
    axes.set_axisbelow(True)
    now = tension.mean[-1]
    note(axes, wording.number(now, 1), (days[-1], now), (3, 0), size=8, colour=ACCENT, weight=600)
    _draw_key(axes)


def _draw_key(axes: Axes) -> None:
    for place, (word, shade) in enumerate(_SHADES.items()):
        left = 0.105 * place
        box = Rectangle((left, 1.03), 0.016, 0.045, facecolor=shade, edgecolor=RULE, linewidth=0.4)
        box.set(transform=axes.transAxes, clip_on=False)
        axes.add_patch(box)
        axes.text(left + 0.022, 1.0525, word, transform=axes.transAxes, fontsize=7.5, va="center")
    axes.text(0.215, 1.0525, "unshaded: calm", transform=axes.transAxes, fontsize=7.5, va="center", color=INK)


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
