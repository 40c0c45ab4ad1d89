"""The data: coverage, counts by kind, and known limits."""

from __future__ import annotations

from forecast.report.blocks import (
    Bar,
    Beside,
    Block,
    Bullets,
    Cell,
    Column,
    Heading,
    Prose,
    Section,
    Table,
    one_group,
)
from forecast.report.evidence import data_content
from forecast.report.run_records import RunRecords


def data_section(run: RunRecords) -> Section:
    """What the forecast was made from, and what it leaves out."""
    content = data_content(run.forecast, run.analysis)
    counts = Table(
        name="event-counts",
        title="Events by kind",
        columns=(
            Column(head="Kind", width=29),
            Column(head="Events"),
            Column(head="Count", width=11, align="right"),
        ),
        groups=one_group(
            tuple(
                (
                    Cell(text=row["label"]),
                    Cell(mark=Bar(value=row["share"], colour=row["colour"])),
                    Cell(text=row["count"]),
                )
                for row in content["counts"]
            )
        ),
        lines=False,
    )
    blocks: list[Block] = [
        Beside(
            left=tuple(Prose(text=sentence) for sentence in content["sentences"]),
            right=(counts,),
            right_width=78,
        )
    ]
    if content["limits"]:
        blocks += [Heading(text="Known limits"), Bullets(items=tuple(content["limits"]))]
    return Section(name="data", title="The data", blocks=tuple(blocks))
