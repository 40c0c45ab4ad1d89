"""Acts ahead that the forecast assumes."""

from __future__ import annotations

from forecast.report.blocks import Cell, Column, Section, Table, one_group
from forecast.report.explanation import calendar_rows
from forecast.report.run_records import RunRecords


def calendar_section(run: RunRecords) -> Section | None:
    """Acts of the config's calendar with their probability; nothing when there is none."""
    rows = calendar_rows(run.analysis)
    if not rows:
        return None
    table = Table(
        name="calendar",
        title="Acts ahead that enter the simulation",
        columns=(
            Column(head="Day", width=19),
            Column(head="Act"),
            Column(head="Kind", width=38),
            Column(head="Severity", width=16, align="right"),
            Column(head="Probability", width=19, align="right"),
        ),
        groups=one_group(
            tuple(
                (
                    Cell(text=row["day"]),
                    Cell(text=row["label"]),
                    Cell(text=row["category"], swatch=row["colour"]),
                    Cell(text=row["severity"]),
                    Cell(text=row["percent"]),
                )
                for row in rows
            )
        ),
    )
    return Section(name="calendar", title="Acts ahead that the forecast assumes", blocks=(table,))
