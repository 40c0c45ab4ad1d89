"""Sources of the events cited, and what is needed to make the same report again."""

from __future__ import annotations

from forecast.report.blocks import Block, Cell, Column, Heading, Section, Table, one_group
from forecast.report.evidence import cited_sources, identity_rows
from forecast.report.run_records import RunRecords


def identity_section(run: RunRecords) -> Section:
    """Numbered sources, then run id, hashes and versions."""
    blocks: list[Block] = []
    sources = cited_sources(run.forecast, run.events)
    if sources:
        cited = Table(
            name="sources",
            title="Sources of the events cited",
            columns=(
                Column(head="No.", width=7, align="right"),
                Column(head="Event of", width=19),
                Column(head="Outlet", width=40),
                Column(head="Title"),
            ),
            groups=one_group(
                tuple(
                    (
                        Cell(text=row["number"]),
                        Cell(text=row["day"]),
                        Cell(text=row["outlet"]),
                        Cell(text=row["title"] or "–", url=row["url"] if row["title"] else None),
                    )
                    for row in sources
                )
            ),
            lines=False,
        )
        blocks += [Heading(text="Sources of the events cited"), cited]
    blocks += [
        Heading(text="This run"),
        Table(
            name="run",
            title="Identity of the run",
            columns=(Column(head="What", width=30), Column(head="Value")),
            groups=one_group(
                tuple(
                    (Cell(text=name), Cell(text=value))
                    for name, value in identity_rows(run.forecast, run.manifest)
                )
            ),
            lines=False,
            whole=True,
        ),
    ]
    return Section(name="sources", title="Sources and identity", blocks=tuple(blocks))
