"""How forecasts of this kind did in the past, worst misses first."""

from __future__ import annotations

from typing import Any

from forecast.records.history import TrackRecord
from forecast.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Group,
    Heading,
    Prose,
    Section,
    Table,
    Weight,
    one_group,
)
from forecast.report.reliability_figure import draw_reliability
from forecast.report.run_records import RunRecords
from forecast.report.track_page import track_content

_READING = (
    "Lower Brier and logarithmic scores are better; ± is the block-bootstrap standard error. A baseline in "
    "bold was more accurate than the model. Skill is 1 − Brier / Brier of climatology (the share of past "
    "windows with the target); in bold where it can be claimed."
)


def track_record_section(run: RunRecords) -> Section:
    """Misses, calibration and scores beside the baselines; without a backtest, how to make one."""
    content = track_content(run.forecast, run.track_record, run.ledger_record)
    blocks: list[Block] = [Prose(text=sentence) for sentence in content["sentences"]]
    if run.track_record is not None:
        blocks += _record_blocks(run.track_record, content["record"])
    return Section(name="track-record", title="Track record", blocks=tuple(blocks))


def _record_blocks(track_record: TrackRecord, record: dict[str, Any]) -> list[Block]:
    blocks: list[Block] = [Heading(text="Where it was most wrong"), Prose(text=record["misses_intro"])]
    if record["misses"]:
        blocks.append(_misses_table(record["misses"]))
    return [
        *blocks,
        Heading(text="Does what is forecast happen as often?"),
        Chart(
            name="track-record",
            alt=record["alt"],
            caption=record["caption"],
            draw=lambda: draw_reliability(track_record.reliability),
        ),
        Prose(text=record["reading"]),
        Heading(text="Beside simple baselines"),
        _scores_table(record["groups"]),
        Prose(text=_READING, tone="fine"),
        *(Prose(text=warning, tone="fine") for warning in record["warnings"]),
        Prose(text=record["identity"], tone="fine"),
    ]


def _misses_table(misses: list[dict[str, Any]]) -> Table:
    return Table(
        name="misses",
        title="Past forecasts furthest from what happened",
        columns=(
            Column(head="Target"),
            Column(head="Days of the window", width=44),
            Column(head="Horizon", width=20, align="right"),
            Column(head="Forecast", width=18, align="right"),
            Column(head="What happened", width=27),
        ),
        groups=one_group(
            tuple(
                (
                    Cell(text=row["label"], swatch=row["colour"]),
                    Cell(text=row["window"]),
                    Cell(text=row["horizon"]),
                    Cell(text=row["percent"], weight="semibold"),
                    Cell(text=row["outcome"]),
                )
                for row in misses
            )
        ),
    )


def _scores_table(groups: list[dict[str, Any]]) -> Table:
    return Table(
        name="scores",
        title="Scores of the model beside simple baselines",
        columns=(
            Column(head="Horizon", width=15),
            Column(head="Windows", width=13, align="right"),
            Column(head="With", width=10, align="right"),
            Column(head="Brier score", width=20, align="right"),
            Column(head="Climatology", width=17, align="right"),
            Column(head="Best baseline"),
            Column(head="Brier", width=11, align="right"),
            Column(head="Log score", width=15, align="right"),
            Column(head="Its log", width=12, align="right"),
            Column(head="Skill (90% interval)", width=28, align="right"),
        ),
        groups=tuple(
            Group(
                label=group["label"],
                colour=group["colour"],
                rows=tuple(_score_cells(row) for row in group["rows"]),
            )
            for group in groups
        ),
        lines=False,
    )


def _score_cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    weight: Weight = "bold" if row["beaten"] else "regular"
    claimed = row["claimed"]
    return (
        Cell(text=row["horizon"]),
        Cell(text=row["n"]),
        Cell(text=row["hits"]),
        Cell(text=f"{row['brier']} {row['error']}".rstrip(), weight="semibold"),
        Cell(text=row["climatology"]),
        Cell(text=row["best_name"], weight=weight),
        Cell(text=row["best"], weight=weight),
        Cell(text=row["log"]),
        Cell(text=row["best_log"]),
        Cell(text=row["skill"], weight="bold" if claimed else "regular", tone="plain" if claimed else "fine"),
    )
