"""Figure: what leaving out each event does to the headline probability."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from forecast import wording
from forecast.records.forecast import Driver
from forecast.report.drawing import align_tick_labels, blank_figure, report_style
from forecast.report.explanation import name_category, ordered_drivers
from forecast.report.palette import INK, MUTED, category_colour


def draw_drivers(drivers: tuple[Driver, ...]) -> Figure:
    """Draw one bar a driver, in percentage points, with ± one Monte Carlo standard error."""
    shown = ordered_drivers(drivers)
    with report_style():
        figure = blank_figure(0.5 + 0.18 * len(shown))
        axes = figure.add_subplot()
        places = np.arange(len(shown))[::-1]
        changes = np.array([100 * driver.change for driver in shown])
        errors = np.array([100 * driver.mcse for driver in shown])
        colours = [category_colour(driver.category) for driver in shown]
        axes.barh(places, changes, height=0.62, color=colours)
        axes.errorbar(changes, places, xerr=errors, fmt="none", ecolor=INK, elinewidth=0.8, capsize=2)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        reach = float(np.max(np.abs(changes) + errors)) or 1.0
        low = float(np.min(changes - errors))
        # Room for the number beside each bar, so that it touches neither the names nor the edge.
        axes.set_xlim(min(low, 0) - 0.2 * reach, 1.2 * reach)
        for place, driver, change, error in zip(places, shown, changes, errors, strict=True):
            outward = 1 if change >= 0 else -1
            axes.annotate(
                wording.signed_points(driver.change),
                (change + outward * error, place),
                xytext=(4 * outward, 0),
                textcoords="offset points",
                ha="left" if outward > 0 else "right",
                va="center",
                fontsize=7.5,
            )
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.yaxis.set_major_locator(FixedLocator(places.tolist()))
        axes.yaxis.set_major_formatter(
            FixedFormatter(
                [
                    f"{number}   {name_category(driver.category)}, {wording.short_day(driver.date)}"
                    for number, driver in enumerate(shown, start=1)
                ]
            )
        )
        align_tick_labels(axes)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(
            lambda value, _: wording.signed_points(value / 100, 0 if value == round(value) else 1)
        )
        axes.set_xlabel("Change of the headline chance, percentage points")
        axes.spines["left"].set_visible(False)
    return figure
