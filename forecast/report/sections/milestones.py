"""Every target × milestone: on page 1, and in full near the end where page 1 has no room for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from forecast import wording
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.report.blocks import Cell, Column, Group, Prose, Section, Table, Track
from forecast.report.palette import target_colour
from forecast.report.previous_run import change_mark
from forecast.report.questions import chosen_milestones, seen_before, shown_error
from forecast.report.run_records import RunRecords
from forecast.report.typeface import shorten

MOST_ROWS_IN_FRONT = 60
"""Rows up to which the table of page 1 holds every question."""
_A_TARGET_IN_FRONT = 8
_DENSE_FROM = 16
"""Rows from which the table is set smaller, with the day beside the name."""
_READING = (
    "Words follow ICD 203 and name every band that the interval reaches. Baseline: the simple forecast of "
    "the same question. Error: Monte Carlo standard error in percentage points."
)
Shown = Mapping[str, tuple[MilestoneForecast, ...]]
Size = Literal["tiny", "small", "medium"]


def milestones_section(run: RunRecords) -> Section:
    """Chance, interval, words, baseline, Monte Carlo error and change of every question."""
    shown = front_milestones(run.forecast)
    rows = sum(map(len, shown.values()))
    reading = _READING
    if run.previous:
        reading += (
            f" Change: in percentage points since {wording.long_day(run.previous.as_of)}; ≈ is less than "
            "one, or within twice its Monte Carlo error."
        )
    if _all_shown(run, shown):
        title = "Every target and milestone"
    else:
        title = "Targets and milestones"
        most = max(len(target.milestones) for target in run.forecast.targets)
        reading = f"A selection of {most:,} milestones; all of them are in the table near the end. {reading}"
    table = _table(run, shown, "milestones", "small" if rows >= _DENSE_FROM else "medium")
    return Section("milestones", title, (table, Prose(reading, tone="fine")))


def all_milestones_section(run: RunRecords) -> Section | None:
    """The full table, when page 1 shows a selection of it."""
    if _all_shown(run, front_milestones(run.forecast)):
        return None
    everything = {target.name: target.milestones for target in run.forecast.targets}
    table = _table(run, everything, "all-milestones", "tiny")
    return Section("all-milestones", "All milestones", (table,))


def front_milestones(forecast: Forecast) -> dict[str, tuple[MilestoneForecast, ...]]:
    """Milestones of each target in the table of page 1, by name of the target."""
    rows = sum(len(target.milestones) for target in forecast.targets)
    most = rows if rows <= MOST_ROWS_IN_FRONT else _A_TARGET_IN_FRONT
    return {
        target.name: chosen_milestones(target.milestones, forecast.headline.milestone, most)
        for target in forecast.targets
    }


def _all_shown(run: RunRecords, shown: Shown) -> bool:
    return all(len(shown[target.name]) == len(target.milestones) for target in run.forecast.targets)


def _table(run: RunRecords, shown: Shown, name: str, size: Size) -> Table:
    forecast, asked = run.forecast, run.forecast.headline
    columns = [
        Column("Before the day of"),
        Column("0 to 100%", 19 if size != "medium" or run.previous else 27),
        Column("Chance", 11.5, "right"),
        Column("90% interval", 17.5, "right"),
        Column("In words", 42),
        Column("Baseline", 13, "right"),
        Column("Error", 9, "right"),
    ]
    if run.previous:
        columns.append(Column("Change", 12, "right"))
    return Table(
        name=name,
        title="Chance of each target before each milestone",
        columns=tuple(columns),
        groups=tuple(
            Group(
                label=shorten(target.label, 90),
                note=seen_before(target),
                colour=target_colour(index),
                rows=tuple(
                    _cells(run, target, milestone, target_colour(index), size)
                    for milestone in shown[target.name]
                ),
                marked=tuple(
                    place
                    for place, milestone in enumerate(shown[target.name])
                    if (target.name, milestone.name) == (asked.target, asked.milestone)
                ),
            )
            for index, target in enumerate(forecast.targets)
        ),
        size=size,
        lines=False,
    )


def _cells(
    run: RunRecords, target: TargetForecast, milestone: MilestoneForecast, colour: str, size: Size
) -> tuple[Cell, ...]:
    day = wording.short_day(milestone.date)
    probability, (lower, upper) = milestone.probability, milestone.interval90
    cells = [
        Cell(shorten(milestone.label, 120), note=day)
        if size == "medium"
        else Cell(f"{day} · {shorten(milestone.label, 70 if size == 'small' else 50)}"),
        Cell(mark=Track(lower=lower, value=probability, upper=upper, colour=colour)),
        Cell(wording.percent(probability), weight="semibold", value=probability),
        Cell(wording.interval_percent(milestone.interval90)),
        Cell(wording.words(probability, milestone.interval90)),
        Cell(wording.percent(milestone.baseline.probability), value=milestone.baseline.probability),
        Cell(shown_error(milestone.mcse), tone="fine", value=milestone.mcse),
    ]
    if run.previous:
        before = run.previous.change(target.name, milestone.name)
        moved = None if before is None else probability - before.probability
        cells.append(Cell(change_mark(milestone, before), weight="semibold", value=moved))
    return tuple(cells)
