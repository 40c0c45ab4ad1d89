"""Which past events move the headline chance."""

from __future__ import annotations

from forecast.report.alt_text import describe_drivers
from forecast.report.blocks import Block, Cell, Chart, Column, Prose, Section, Table, one_group
from forecast.report.drivers_figure import draw_drivers
from forecast.report.explanation import driver_content
from forecast.report.run_records import RunRecords


def drivers_section(run: RunRecords) -> Section:
    """Leave-one-out changes as a chart and, numbered alike, as a table."""
    forecast = run.forecast
    content = driver_content(forecast)
    blocks: list[Block] = [Prose(text=content["intro"])]
    if forecast.drivers:
        blocks.append(
            Chart(
                name="drivers",
                alt=describe_drivers(forecast),
                caption="Change of the headline chance due to each event, in percentage points; "
                "whiskers show the Monte Carlo error.",
                draw=lambda: draw_drivers(forecast.drivers),
            )
        )
        blocks.append(
            Table(
                name="drivers",
                title="Change of the headline chance due to each event",
                columns=(
                    Column(head="No.", width=7, align="right"),
                    Column(head="Day", width=17),
                    Column(head="Kind, severity", width=29),
                    Column(head="What happened"),
                    Column(head="Source", width=28),
                    Column(head="Change", width=13, align="right"),
                    Column(head="Error", width=11, align="right"),
                ),
                groups=one_group(
                    tuple(
                        (
                            Cell(text=row["number"]),
                            Cell(text=row["day"]),
                            Cell(text=f"{row['category']}, {row['severity']}", swatch=row["colour"]),
                            Cell(text=row["summary"]),
                            Cell(text=row["source"], tone="fine"),
                            Cell(text=row["change"], weight="semibold"),
                            Cell(text=row["error"], tone="fine"),
                        )
                        for row in content["rows"]
                    )
                ),
            )
        )
    return Section(name="drivers", title="Which past events move the number", blocks=tuple(blocks))
