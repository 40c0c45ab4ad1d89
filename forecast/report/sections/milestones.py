"""Every target × milestone in one table."""

from __future__ import annotations

from forecast import wording
from forecast.record import MilestoneForecast, TargetForecast
from forecast.report.blocks import Cell, Column, Group, Prose, Section, Table, Track
from forecast.report.change import change_mark
from forecast.report.front_page import seen_before, shown_error
from forecast.report.palette import target_colour
from forecast.report.printable import shorten
from forecast.report.run_records import RunRecords

_DENSE_FROM = 16
"""Rows from which the table is set smaller."""
_READING = (
    "Words follow ICD 203 and name every band that the interval reaches. Baseline: the simple forecast of "
    "the same question. Error: Monte Carlo standard error in percentage points."
)


def milestones_section(run: RunRecords) -> Section:
    """Chance, interval, words, baseline, Monte Carlo error and change of every question."""
    forecast = run.forecast
    dense = sum(len(target.milestones) for target in forecast.targets) >= _DENSE_FROM
    columns = [
        Column(head="Before the day of"),
        Column(head="From 0 to 100%", width=19 if dense or run.previous else 27),
        Column(head="Chance", width=11.5, align="right"),
        Column(head="90% interval", width=17.5, align="right"),
        Column(head="In words", width=42),
        Column(head="Baseline", width=13, align="right"),
        Column(head="Error", width=9, align="right"),
    ]
    reading = _READING
    if run.previous:
        columns.append(Column(head="Change", width=12, align="right"))
        reading += (
            f" Change: in percentage points since {wording.long_day(run.previous.as_of)}; ≈ is less than "
            "one, or within twice its Monte Carlo error."
        )
    table = Table(
        name="milestones",
        title="Chance of every target before every milestone",
        columns=tuple(columns),
        groups=tuple(
            Group(
                label=shorten(target.label, 200),
                note=seen_before(target),
                colour=target_colour(index),
                rows=tuple(
                    _cells(run, target, milestone, target_colour(index), dense=dense)
                    for milestone in target.milestones
                ),
                marked=tuple(
                    place
                    for place, milestone in enumerate(target.milestones)
                    if (target.name, milestone.name)
                    == (forecast.headline.target, forecast.headline.milestone)
                ),
            )
            for index, target in enumerate(forecast.targets)
        ),
        size="small" if dense else "medium",
        lines=False,
    )
    return Section(
        name="milestones",
        title="Every target and milestone",
        blocks=(table, Prose(text=reading, tone="fine")),
    )


def _cells(
    run: RunRecords, target: TargetForecast, milestone: MilestoneForecast, colour: str, *, dense: bool
) -> tuple[Cell, ...]:
    label, day = shorten(milestone.label, 120), wording.short_day(milestone.date)
    probability, (lower, upper) = milestone.probability, milestone.interval90
    cells = [
        Cell(text=f"{label} · {day}") if dense else Cell(text=label, note=day),
        Cell(mark=Track(lower=lower, value=probability, upper=upper, colour=colour)),
        Cell(text=wording.percent(probability), weight="semibold", value=probability),
        Cell(text=wording.interval_percent(milestone.interval90)),
        Cell(text=wording.words(probability, milestone.interval90)),
        Cell(text=wording.percent(milestone.baseline.probability), value=milestone.baseline.probability),
        Cell(text=shown_error(milestone.mcse), tone="fine", value=milestone.mcse),
    ]
    if run.previous:
        before = run.previous.change(target.name, milestone.name)
        moved = None if before is None else probability - before.probability
        cells.append(Cell(text=change_mark(milestone, before), weight="semibold", value=moved))
    return tuple(cells)
