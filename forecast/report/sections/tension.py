"""How tense the relationship is: inferred tension, regimes shaded, and the coded events in lanes below it."""

from __future__ import annotations

from collections import Counter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

from forecast import wording
from forecast.blocks import Chart, Prose, Section
from forecast.events.codebook import CATEGORIES
from forecast.events.table import EventTable
from forecast.records.analysis import DriftNow, TensionSeries
from forecast.records.forecast import Forecast
from forecast.report.drawing import (
    align_tick_labels,
    blank_figure,
    day_numbers,
    fix_ticks,
    mark_months,
    name_rows,
    note,
    report_style,
    spread_labels,
)
from forecast.report.judgement import cases_marked, headline_pair
from forecast.report.palette import ACCENT, CRISIS, INK, MUTED, RULE, STRAINED, category_colour, name_category
from forecast.report.run_records import RunRecords

_HEIGHT_INCHES = 4.2
_MOST_MARKS = 4000
_MARKS_A_LANE = 500
_LEVELS = ("strained", "crisis")
_LABEL_GAP = 0.1
"""Of the panel's height, between the middles of two labels."""


def tension_section(run: RunRecords) -> Section:
    """For the page alone: inferred tension with the chance of each regime by week."""
    tension = run.analysis.tension
    chart = Chart(
        name="tension",
        headline=tension_headline(tension),
        alt=describe_tension(tension, run.events, run.forecast),
        caption="Top: inferred tension with its 90% interval; triangles mark "
        f"{cases_marked(headline_pair(run.forecast)[0], tension.date[0])} of the headline event. "
        "Middle: chance of each state by week. Bottom: the coded events by kind; taller marks are more "
        "severe.",
        draw=lambda: draw_tension(tension, run.events, run.forecast),
    )
    return Section(
        "tension",
        "How tense the relationship is",
        (
            chart,
            *(Prose(sentence) for sentence in tension_sentences(tension, run.analysis.drift, run.forecast)),
        ),
        printed=False,
    )


def chances_of(tension: TensionSeries) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chance that each step is calm, strained, a crisis."""
    strained, crisis = np.asarray(tension.chance_strained), np.asarray(tension.chance_crisis)
    return 1 - strained - crisis, strained, crisis


def tension_headline(tension: TensionSeries) -> str:
    """Chance of each state in the last step."""
    calm, strained, crisis = (float(one[-1]) for one in chances_of(tension))
    return (
        f"Now {wording.percent(calm)} calm, {wording.percent(strained)} strained and "
        f"{wording.percent(crisis)} in crisis"
    )


def tension_sentences(tension: TensionSeries, drift: DriftNow, forecast: Forecast) -> list[str]:
    """What the states mean, where the relationship stands, and how that goes with the forecast."""
    low, high = (wording.number(one, 1) for one in (tension.strained_from, tension.crisis_from))
    mean, lower, upper = (
        wording.number(one[-1], 1) for one in (tension.mean, tension.lower90, tension.upper90)
    )
    level, least, most = (wording.number(one, 1) for one in (drift.mean, *drift.interval90))
    said = [
        "Tension is inferred from all coded acts, not observed; 0 is its long-run mean and the unit its "
        f"standard deviation. A week is called strained from {low} and a crisis from {high}. It ends at "
        f"{mean} (90% interval {lower} to {upper}).",
        "Tension swings around a level of conflict that drifts over years. Tension apart, conflictual acts "
        f"now come {level} times as often as on average over the record (90% interval {least} to {most}). "
        "Denser coding of conflict would look the same.",
    ]
    calm, _, _ = chances_of(tension)
    target, milestone = headline_pair(forecast)
    days = np.array(tension.date, dtype="datetime64[D]")
    places = [int(np.searchsorted(days, np.datetime64(one.date), "right")) - 2 for one in target.cases]
    before = [float(calm[place]) for place in places if place >= 0]
    if not before:
        return said
    quiet = sum(one > 0.5 for one in before)
    cases = f"{wording.small_number(len(before))} past {'case' if len(before) == 1 else 'cases'}"
    now, ahead = wording.percent(float(calm[-1])), wording.percent(milestone.probability)
    day = wording.long_day(milestone.date)
    # The past weeks are inferred with what came after them; the present week is not.
    if quiet:
        said.append(
            f"Calm does not mean safe: {wording.small_number(quiet)} of {cases} followed a week that, with "
            "hindsight, was more likely calm than not, and tension can change within months. That is why "
            f"{now} calm now and {ahead} before {day} do not contradict each other."
        )
    else:
        said.append(
            f"With hindsight, none of {cases} followed a week that was more likely calm than not. The "
            f"{ahead} before {day} is the chance that tension rises in time, from {now} calm now."
        )
    return said


def describe_tension(tension: TensionSeries, events: EventTable, forecast: Forecast) -> str:
    """Alt text of the tension figure: range, present value, regimes, events by kind."""
    mean = np.asarray(tension.mean)
    top, bottom = int(mean.argmax()), int(mean.argmin())
    calm, strained, crisis = (float(one[-1]) for one in chances_of(tension))
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
        f"{wording.number(tension.upper90[-1], 1)}). The last of {len(mean)} steps is calm with "
        f"{wording.percent(calm)}, strained with {wording.percent(strained)} and a crisis with "
        f"{wording.percent(crisis)}. Below, "
        f"marks for {wording.count(sum(counts.values()), 'event')}: {kinds or 'none'}."
    )


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
