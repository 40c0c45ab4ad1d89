"""Figure: the priors a config sets beside their defaults, and what all priors imply before the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from forecast import wording
from forecast.events.codebook import CATEGORIES
from forecast.priors import NamedPrior
from forecast.report.drawing import (
    blank_figure,
    fix_ticks,
    list_rows,
    note,
    report_style,
    whiskers,
    wrap_label,
)
from forecast.report.palette import ACCENT, INK, MUTED, RULE, category_colour, name_category
from forecast.sensitivity.prior_predictive import PriorPredictive

_COLUMNS = 2
_ROW_INCHES = 1.45
_TAIL = 0.005
"""Share of a prior beyond each end of the drawn range."""


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
