"""How the chance grows with time, and what counts as each target."""

from __future__ import annotations

from forecast.report.alt_text import describe_curves
from forecast.report.blocks import Cell, Chart, Column, Heading, Prose, Section, Table, one_group
from forecast.report.curve_figure import draw_curves
from forecast.report.explanation import curve_reading, question_rows
from forecast.report.run_records import RunRecords


def outlook_section(run: RunRecords) -> Section:
    """Curve of every target, a reading of it, and the definitions behind it."""
    forecast = run.forecast
    chart = Chart(
        name="probability",
        alt=describe_curves(forecast),
        caption="Chance that each target has happened by a day, with its 90% band; dots are milestones.",
        draw=lambda: draw_curves(forecast),
    )
    questions = Table(
        name="targets",
        title="What counts as each target, and how often it was seen",
        columns=(
            Column(head="Target", width=36),
            Column(head="What counts"),
            Column(head="In the data", width=33),
            Column(head="Time to the first one", width=46),
        ),
        groups=one_group(
            tuple(
                (
                    Cell(text=row["label"], weight="semibold", colour=row["colour"]),
                    Cell(text=row["definition"]),
                    Cell(text=row["seen"]),
                    Cell(text=row["wait"]),
                )
                for row in question_rows(forecast)
            )
        ),
    )
    return Section(
        name="outlook",
        title="How the chance grows with time",
        blocks=(
            chart,
            Prose(text=curve_reading(forecast)),
            Heading(text="What counts, and how often it was seen"),
            questions,
        ),
    )
