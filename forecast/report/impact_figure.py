"""Figure: how likely each target is, against how grave it would be."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from forecast import wording
from forecast.records.forecast import Forecast
from forecast.report.drawing import align_tick_labels, blank_figure, report_style, spread_labels, wrap_label
from forecast.report.options import IMPACT_LEVELS, ReportOptions
from forecast.report.palette import MUTED, RULE, target_colour

WIDTH_MM = 96.0
_MM_AN_INCH = 25.4


def draw_impact(forecast: Forecast, options: ReportOptions, milestone: str) -> Figure:
    """Draw one dot a target with an impact, at its chance before the milestone, with its 90% interval.

    Dots carry ``impact:<target>`` as ``gid``. The lines are the bounds of the ICD-203 bands.
    """
    with report_style():
        figure = blank_figure(2.1, width_inches=WIDTH_MM / _MM_AN_INCH)
        axes = figure.add_subplot()
        axes.set_xlim(-0.5, len(IMPACT_LEVELS) - 0.5)
        axes.set_ylim(0, 1)
        bounds = sorted({bound / 100 for _, *band in wording.BANDS for bound in band} - {0.01, 0.99})
        axes.hlines(bounds, -0.5, len(IMPACT_LEVELS) - 0.5, color=RULE, linewidth=0.5, zorder=0.4)
        axes.vlines(
            [k + 0.5 for k in range(len(IMPACT_LEVELS) - 1)], 0, 1, color=RULE, linewidth=0.5, zorder=0.4
        )
        axes.yaxis.set_major_locator(FixedLocator([0.025, 0.125, 0.325, 0.5, 0.675, 0.875, 0.975]))
        axes.yaxis.set_major_formatter(FixedFormatter([name.capitalize() for name, _, _ in wording.BANDS]))
        axes.xaxis.set_major_locator(FixedLocator(list(range(len(IMPACT_LEVELS)))))
        axes.xaxis.set_major_formatter(FixedFormatter([level.capitalize() for level in IMPACT_LEVELS]))
        axes.tick_params(axis="both", length=0, labelsize=7)
        align_tick_labels(axes)
        axes.set_xlabel("Impact")
        axes.spines[["left", "bottom"]].set_color(RULE)
        for level, name in enumerate(IMPACT_LEVELS):
            _draw_level(figure, forecast, options, milestone, name, level)
    return figure


def _draw_level(
    figure: Figure, forecast: Forecast, options: ReportOptions, milestone: str, name: str, level: int
) -> None:
    axes = figure.axes[0]
    shown = [
        (index, target, next(one for one in target.milestones if one.name == milestone))
        for index, target in enumerate(forecast.targets)
        if target.name in options.impact and options.impact[target.name].level == name
    ]
    last = level == len(IMPACT_LEVELS) - 1
    width = 0.8 / max(len(shown), 1)
    heights = spread_labels([one.probability for *_, one in shown], 0.13, 0.06, 0.94)
    for place, ((index, target, one), height) in enumerate(zip(shown, heights, strict=True)):
        colour = target_colour(index)
        x = level + (place - (len(shown) - 1) / 2) * min(width, 0.18)
        axes.plot([x, x], list(one.interval90), color=colour, linewidth=3, alpha=0.3, solid_capstyle="butt")
        axes.plot(
            [x],
            [one.probability],
            "o",
            color=colour,
            markersize=5,
            gid=f"impact:{target.name}",
            clip_on=False,
        )
        axes.annotate(
            f"{wrap_label(target.label, 15)}\n{wording.percent(one.probability)}",
            (x, one.probability),
            xytext=(x + (-0.15 if last else 0.15), height),
            textcoords="data",
            ha="right" if last else "left",
            va="center",
            fontsize=7,
            linespacing=0.95,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 3}
            if abs(height - one.probability) > 0.02
            else None,
        )
