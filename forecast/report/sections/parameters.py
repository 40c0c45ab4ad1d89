"""Prior and posterior of every parameter, side by side."""

from __future__ import annotations

from typing import Any

from forecast.report.blocks import Cell, Column, Group, Prose, Section, Spans, Table
from forecast.report.parameters import parameter_groups
from forecast.report.run_records import RunRecords

_READING = (
    "Each parameter with its mean and 90% interval before (prior) and after (posterior) the data. In the "
    "bars the wide grey span is the prior, the thin blue one the posterior with its mean. A prior set by the "
    "config is marked with a star."
)


def parameters_section(run: RunRecords) -> Section | None:
    """Table of what was assumed and what the data say; nothing for a run without named parameters."""
    groups = parameter_groups(run.analysis)
    if not groups:
        return None
    table = Table(
        name="parameters",
        title="Prior and posterior of every parameter",
        columns=(
            Column(head="Parameter", width=26),
            Column(head="Prior"),
            Column(head="Mean", width=12, align="right"),
            Column(head="90% interval", width=23),
            Column(head="After data", width=15, align="right"),
            Column(head="90% interval", width=23),
            Column(head="Before and after", width=21),
            Column(head="R-hat", width=10, align="right"),
        ),
        groups=tuple(
            Group(
                label=group["meaning"],
                note=f"({group['unit']}) · {group['name']}",
                rows=tuple(_cells(row) for row in group["rows"]),
            )
            for group in groups
        ),
        size="tiny",
        lines=False,
    )
    return Section(
        name="parameters",
        title="What was assumed and what the data say",
        blocks=(Prose(text=_READING), table),
    )


def _cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    before, after = row["prior_span"], row["posterior_span"]
    return (
        Cell(text=row["label"]),
        Cell(text=row["prior"] + ("*" if row["changed"] else ""), tone="fine"),
        Cell(text=row["prior_mean"]),
        Cell(text=row["prior_interval"]),
        Cell(text=row["posterior_mean"], weight="semibold"),
        Cell(text=row["posterior_interval"]),
        Cell(mark=Spans(before=tuple(before), after=tuple(after))),
        Cell(text=row["rhat"], tone="fine"),
    )
