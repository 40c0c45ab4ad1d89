"""Figure: what one step each way of each assumption does to a probability."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from forecast import wording
from forecast.records.analysis import AssumptionEffect, Robustness
from forecast.records.forecast import Forecast
from forecast.report.drawing import align_tick_labels, blank_figure, one_line, report_style
from forecast.report.palette import ACCENT, INK, MUTED
from forecast.wording.sensitivity import assumed_text, bar_title

MOST_BARS = 12
_DOWN = "#8FB3D4"
"""Lighter than the accent, so that both ends differ without colour too."""


def shown_bars(robustness: Robustness) -> tuple[AssumptionEffect, ...]:
    """Bars that have something to show, the widest first."""
    known = (
        bar for bar in robustness.tornado if bar.lower.change is not None or bar.upper.change is not None
    )
    return tuple(known)[:MOST_BARS]


def draw_tornado(forecast: Forecast, robustness: Robustness) -> Figure:
    """Draw one bar an assumption: the change of the probability for a step down and a step up, in points.

    Whiskers show ± one Monte Carlo standard error; each end is labelled with what is assumed there.
    """
    bars = shown_bars(robustness)
    target = forecast.target(robustness.target)
    milestone = next(one for one in target.milestones if one.name == robustness.milestone)
    with report_style():
        figure = blank_figure(0.75 + 0.27 * max(len(bars), 1))
        axes = figure.add_subplot()
        places = np.arange(len(bars))[::-1]
        for place, bar in zip(places, bars, strict=True):
            for end, colour, other in ((bar.lower, _DOWN, bar.upper), (bar.upper, ACCENT, bar.lower)):
                if end.change is None:
                    continue
                change = 100 * end.change
                axes.barh(place, change, height=0.55, color=colour, gid=f"bar:{bar.name}")
                axes.errorbar(
                    change,
                    place,
                    xerr=100 * (end.mcse or 0.0),
                    fmt="none",
                    ecolor=INK,
                    elinewidth=0.8,
                    capsize=2,
                )
                same_side = other.change is not None and other.change * end.change > 0
                smaller = same_side and abs(other.change or 0.0) > abs(end.change)
                outward = (-1 if end.change < 0 else 1) * (-1 if smaller else 1)
                origin = 0.0 if smaller else change + outward * 100 * (end.mcse or 0.0)
                axes.annotate(
                    assumed_text(end.assumed),
                    (origin, place),
                    xytext=(4 * outward, 0),
                    textcoords="offset points",
                    ha="left" if outward > 0 else "right",
                    va="center",
                    fontsize=6.8,
                    color=MUTED,
                )
        axes.axvline(0, color=MUTED, linewidth=0.8)
        reach = max(
            [
                100 * (abs(end.change) + (end.mcse or 0))
                for bar in bars
                for end in (bar.lower, bar.upper)
                if end.change
            ],
            default=1.0,
        )
        axes.set_xlim(-1.45 * reach, 1.45 * reach)
        axes.set_ylim(-0.7, max(len(bars), 1) - 0.3)
        axes.yaxis.set_major_locator(FixedLocator(places.tolist()))
        axes.yaxis.set_major_formatter(FixedFormatter([one_line(bar_title(bar), 52) for bar in bars]))
        align_tick_labels(axes)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(
            lambda value, _: wording.signed_points(value / 100, 0 if value == round(value) else 1)
        )
        axes.set_xlabel(
            f"Change of {wording.percent(milestone.probability)} in percentage points "
            "(light: one step down, dark: one step up)"
        )
        axes.spines["left"].set_visible(False)
    return figure
