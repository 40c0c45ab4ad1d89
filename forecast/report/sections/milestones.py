"""Every target × milestone in one table."""

from __future__ import annotations

from typing import Any

from forecast.report.blocks import Cell, Column, Group, Prose, Section, Table, Track
from forecast.report.front_page import milestone_groups
from forecast.report.run_records import RunRecords

_DENSE_FROM = 16
"""Rows from which the table is set smaller."""
_READING = (
    "Words follow ICD 203 and name every band that the interval reaches. Baseline: the simple forecast of "
    "the same question. Error: Monte Carlo standard error in percentage points."
)


def milestones_section(run: RunRecords) -> Section:
    """Chance, interval, words, baseline and Monte Carlo error of every question."""
    groups = milestone_groups(run.forecast)
    dense = sum(len(group["rows"]) for group in groups) >= _DENSE_FROM
    columns = (
        Column(head="Before the day of"),
        Column(head="From 0 to 100%", width=19 if dense else 28),
        Column(head="Chance", width=12, align="right"),
        Column(head="90% interval", width=18, align="right"),
        Column(head="In words", width=42 if dense else 36),
        Column(head="Baseline", width=14, align="right"),
        Column(head="Error", width=10, align="right"),
    )
    table = Table(
        name="milestones",
        title="Chance of every target before every milestone",
        columns=columns,
        groups=tuple(
            Group(
                label=group["label"],
                note=group["seen"],
                colour=group["colour"],
                rows=tuple(_cells(row, group["colour"], dense=dense) for row in group["rows"]),
                marked=tuple(place for place, row in enumerate(group["rows"]) if row["headline"]),
            )
            for group in groups
        ),
        size="small" if dense else "medium",
        lines=False,
    )
    return Section(
        name="milestones",
        title="Every target and milestone",
        blocks=(table, Prose(text=_READING, tone="fine")),
    )


def _cells(row: dict[str, Any], colour: str, *, dense: bool) -> tuple[Cell, ...]:
    name = Cell(text=f"{row['label']} · {row['day']}") if dense else Cell(text=row["label"], note=row["day"])
    return (
        name,
        Cell(mark=Track(lower=row["lower"], value=row["probability"], upper=row["upper"], colour=colour)),
        Cell(text=row["percent"], weight="semibold"),
        Cell(text=row["interval"]),
        Cell(text=row["words"]),
        Cell(text=row["baseline"]),
        Cell(text=row["error"], tone="fine"),
    )
