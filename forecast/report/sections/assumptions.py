"""How far the call rests on assumptions: labels, tornado chart, break-evens; and the figure of priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from forecast import wording
from forecast.blocks import Block, Bullets, Chart, Heading, Prose, Section
from forecast.events.codebook import CATEGORIES
from forecast.priors import NamedPrior
from forecast.records.analysis import AssumptionEffect, Robustness, ShiftEnd
from forecast.records.forecast import Forecast
from forecast.report.answers import PULLS, labels_table
from forecast.report.assumption_words import (
    Titles,
    assumed_text,
    assumption_label,
    bar_title,
    break_even_sentence,
    crossing_first,
    label_sentence,
    note_sentence,
    rest_sentence,
    titles_of,
)
from forecast.report.drawing import (
    blank_figure,
    fix_ticks,
    list_rows,
    note,
    one_line,
    points_axis,
    report_style,
    whiskers,
    wrap_label,
)
from forecast.report.judgement import headline_pair, named
from forecast.report.palette import ACCENT, INK, MUTED, RULE, category_colour, name_category, target_colour
from forecast.report.run_records import RunRecords

if TYPE_CHECKING:
    from forecast.runs.summaries import PriorPredictive

MOST_BARS = 12
_DOWN = "#8FB3D4"
"""Lighter than the accent, so that both ends differ without colour too."""
_MOST_CROSSINGS = 4
_MOST_MILESTONES = 6
_LABEL_SIGNS = 52
_COLUMNS = 2
_ROW_INCHES = 1.45
_TAIL = 0.005
"""Share of a prior beyond each end of the drawn range."""
_OF_THE_MODEL = (
    "Pulls, odds and bars are of the forecast. Priors and data move the model in it; the pooled hazard is "
    "held, and its own assumptions were not tested."
)


def assumptions_section(run: RunRecords) -> Section | None:
    """What each number rests on, what assumptions do to the headline, what would change its words."""
    found = run.analysis.robustness
    if found is None or not found.sensitivities:
        return None
    forecast = run.forecast
    asked = (forecast.headline.target, forecast.headline.milestone)
    probability = headline_pair(forecast)[1].probability
    blocks: list[Block] = [
        Prose(label_sentence(one, probability), lead="The headline.")
        for one in found.sensitivities
        if (one.target, one.milestone) == asked
    ]
    blocks += [labels_table(forecast, found.sensitivities, colour=target_colour), Prose(PULLS, tone="fine")]
    if len(forecast.members) > 1:
        blocks.append(Prose(_OF_THE_MODEL, tone="fine"))
    if shown_bars(found):
        chart = Chart(
            name="assumptions",
            headline=_headline(forecast, found),
            alt=_describe(forecast, found),
            caption="Change of the headline chance for one step down and one step up of each assumption. A "
            "step moves the middle of a prior to its 16% or 84% quantile; a scheduled event surely fails to "
            "happen, or surely happens. Whiskers show the Monte Carlo error.",
            draw=lambda: draw_tornado(forecast, found),
        )
        blocks.append(chart)
    if found.break_evens:
        blocks += [Heading("What would change the words"), *_break_evens(forecast, found)]
    return Section("assumptions", "How far the call rests on assumptions", tuple(blocks))


def _headline(forecast: Forecast, found: Robustness) -> str:
    """Name the assumption that moves the headline most."""
    first = shown_bars(found)[0]
    ends = [abs(end.change) for end in (first.lower, first.upper) if end.change is not None]
    label = assumption_label(first.name, first.act, titles_of(forecast))
    most = wording.points(max(ends), 0)
    return f"Of the assumptions tried, “{label}” moves the chance most: by up to {most} a step"


def _describe(forecast: Forecast, found: Robustness) -> str:
    def end(one: ShiftEnd) -> str:
        change = "needs a refit" if one.change is None else wording.signed_points(one.change)
        return f"{assumed_text(one.assumed)}: {change}"

    titles = titles_of(forecast)
    bars = "; ".join(
        f"{bar_title(bar, titles)}: {end(bar.lower)}, {end(bar.upper)}" for bar in shown_bars(found)
    )
    return f"Bar chart of the change of the headline chance, in percentage points, by assumption. {bars}."


def _break_evens(forecast: Forecast, found: Robustness) -> list[Block]:
    target = forecast.target(found.target)
    blocks: list[Block] = []
    for milestone in target.milestones[-_MOST_MILESTONES:]:
        here = [
            one for one in found.break_evens if (one.target, one.milestone) == (target.name, milestone.name)
        ]
        if not here:
            continue
        crossing = crossing_first(here, target.name, milestone.name)[:_MOST_CROSSINGS]
        lead = f"Before {wording.long_day(milestone.date)} ({wording.percent(milestone.probability)})."
        rest = rest_sentence(here, len(crossing))
        if not crossing:
            blocks.append(Prose(rest, lead=lead))
            continue
        blocks.append(Prose("Each of these alone would:", lead=lead))
        blocks.append(Bullets(tuple(break_even_sentence(one, titles_of(forecast)) for one in crossing)))
        blocks += [Prose(rest, tone="fine")] if rest else []
    blocks += [Prose(note_sentence(note, forecast), tone="fine") for note in found.notes]
    return blocks


def shown_bars(robustness: Robustness) -> tuple[AssumptionEffect, ...]:
    """Bars that have something to show, the widest first."""
    known = [bar for bar in robustness.tornado if (bar.lower.change, bar.upper.change) != (None, None)]
    return tuple(known[:MOST_BARS])


def _row_label(bar: AssumptionEffect, titles: Titles) -> str:
    """Assumption with what the run assumes, which stays whole where the name is cut."""
    now = f" ({assumed_text(bar.now)})"
    return one_line(assumption_label(bar.name, bar.act, titles), _LABEL_SIGNS - len(now)) + now


def draw_tornado(forecast: Forecast, robustness: Robustness) -> Figure:
    """Draw one bar an assumption: the change of the probability for a step down and a step up, in points.

    Whiskers show ± one Monte Carlo standard error; each end is labelled with what is assumed there.
    """
    bars = shown_bars(robustness)
    target = forecast.target(robustness.target)
    milestone = named(target.milestones, robustness.milestone)
    with report_style():
        figure = blank_figure(0.75 + 0.27 * max(len(bars), 1))
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
                note(axes, text, (origin, place), (4 * outward, 0), ha=ha, size=8, colour=MUTED)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        ends = [end for bar in bars for end in (bar.lower, bar.upper) if end.change]
        reach = max((100 * (abs(end.change or 0) + (end.mcse or 0)) for end in ends), default=1.0)
        axes.set_xlim(-1.45 * reach, 1.45 * reach)
        points_axis(
            axes,
            f"Change of {wording.percent(milestone.probability)} in percentage points "
            "(light: one step down, dark: one step up)",
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
    axes.set_xlabel(f"{prior.group.unit} (grey: default, line: as set)", fontsize=8)


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
    axes.set_title("Acts a month, by the priors alone", loc="left", fontsize=8, color=INK)
    axes.set_xlabel("Bar: 90% of simulated years; tick: median; dot: the data", fontsize=8)


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
    axes.set_title("Target within a year, by the priors alone", loc="left", fontsize=8, color=INK)
    axes.set_xlabel("Whiskers: Monte Carlo error", fontsize=8)
