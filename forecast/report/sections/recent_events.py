"""Events of the last six months."""

from __future__ import annotations

from forecast.report.blocks import Cell, Column, Prose, Section, Table, one_group
from forecast.report.evidence import recent_events
from forecast.report.run_records import RunRecords


def recent_events_section(run: RunRecords) -> Section:
    """Newest first, with their sources; all events are attached to the report."""
    content = recent_events(run.events, run.forecast.as_of)
    table = Table(
        name="recent-events",
        title="Events of the last six months",
        columns=(
            Column(head="Day", width=17),
            Column(head="Kind", width=26),
            Column(head="Sev.", width=8, align="center"),
            Column(head="What happened"),
            Column(head="Source", width=31),
        ),
        groups=one_group(
            tuple(
                (
                    Cell(text=row["day"]),
                    Cell(text=row["category"], swatch=row["colour"]),
                    Cell(text=row["severity"]),
                    Cell(text=row["summary"]),
                    Cell(text=row["source"] + (" •" if row["verified"] else ""), url=row["url"]),
                )
                for row in content["rows"]
            )
        ),
        size="tiny",
    )
    return Section(
        name="recent-events",
        title="Events of the last six months",
        blocks=(Prose(text=content["intro"]), table),
    )
