"""Which past events move the headline chance: what leaving out each of them does to it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from forecast import wording
from forecast.records.forecast import Driver, Forecast
from forecast.report.blocks import Cell, Chart, Column, Prose, Section, Table, one_group
from forecast.report.drawing import blank_figure, name_rows, note, points_axis, report_style
from forecast.report.palette import INK, MUTED, category_colour, name_category
from forecast.report.questions import headline_pair
from forecast.report.run_records import RunRecords
from forecast.report.typeface import shorten


def drivers_section(run: RunRecords) -> Section:
    """Leave-one-out changes as a chart and, numbered alike, as a table."""
    forecast = run.forecast
    title, intro = "Which past events move the number", Prose(_intro(forecast))
    if not forecast.drivers:
        return Section("drivers", title, (intro,))
    chart = Chart(
        name="drivers",
        alt=describe_drivers(forecast),
        caption="Change of the headline chance due to each event, in percentage points; "
        "whiskers show the Monte Carlo error.",
        draw=lambda: draw_drivers(forecast.drivers),
    )
    table = Table(
        name="drivers",
        title="Change of the headline chance due to each event",
        columns=(
            Column("No.", 7, "right"),
            Column("Day", 17),
            Column("Kind, severity", 29),
            Column("What happened"),
            Column("Source", 28),
            Column("Change", 13, "right"),
            Column("Error", 11, "right"),
        ),
        groups=one_group(
            (
                Cell(str(number)),
                Cell(wording.short_day(driver.date)),
                Cell(
                    f"{name_category(driver.category)}, {driver.severity}",
                    swatch=category_colour(driver.category),
                ),
                Cell(shorten(driver.summary, 320)),
                Cell(shorten(driver.source, 120), tone="fine"),
                Cell(wording.signed_points(driver.change), weight="semibold"),
                Cell(_error(driver), tone="fine"),
            )
            for number, driver in enumerate(ordered_drivers(forecast.drivers), start=1)
        ),
    )
    return Section("drivers", title, (intro, chart, table))


def ordered_drivers(drivers: tuple[Driver, ...], each_way: int = 10) -> tuple[Driver, ...]:
    """Return the drivers from the largest rise to the largest fall, at most ``each_way`` each way."""
    falling = sorted(drivers, key=lambda driver: (-driver.change, driver.date, driver.event_id))
    raised = [driver for driver in falling if driver.change > 0][:each_way]
    lowered = [driver for driver in falling if driver.change <= 0][-each_way:]
    return (*raised, *lowered)


def _intro(forecast: Forecast) -> str:
    if not forecast.drivers:
        return "No leave-one-out changes were worked out for this run."
    target, milestone = headline_pair(forecast)
    subject = f"{shorten(target.label, 60)} before {wording.long_day(milestone.date)}"
    left_out = len(forecast.drivers) - len(ordered_drivers(forecast.drivers))
    further = wording.count(left_out, "further event")
    more = f" For {further} with smaller changes see forecast.json." if left_out else ""
    return (
        f"Each event is left out in turn and the chance of {subject} worked out again. A positive change "
        f"means that the event raised it. The changes do not add up: events act together.{more}"
    )


def _error(driver: Driver) -> str:
    return f"±{wording.points(driver.mcse).split(' ')[0]}"


def describe_drivers(forecast: Forecast) -> str:
    """Alt text of the drivers figure: every bar with its event and error."""
    bars = "; ".join(
        f"{number}. {wording.short_day(driver.date)} {name_category(driver.category).lower()} "
        f"{wording.signed_points(driver.change)} ({_error(driver)})"
        for number, driver in enumerate(ordered_drivers(forecast.drivers), start=1)
    )
    return f"Bar chart of the change of the headline chance due to each event, in percentage points: {bars}."


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
            text, at = wording.signed_points(driver.change), (change + outward * error, place)
            note(axes, text, at, (4 * outward, 0), ha="left" if outward > 0 else "right")
        axes.set_ylim(-0.7, len(shown) - 0.3)
        names = [
            f"{number}   {name_category(driver.category)}, {wording.short_day(driver.date)}"
            for number, driver in enumerate(shown, start=1)
        ]
        name_rows(axes, places.tolist(), names)
        points_axis(axes, "Change of the headline chance, percentage points")
    return figure
