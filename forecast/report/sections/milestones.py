"""Every target before every milestone, with words, base rates and Monte Carlo error."""

from __future__ import annotations

from forecast import wording
from forecast.blocks import Cell, Column, Group, Prose, Section, Table, Track
from forecast.records.forecast import MilestoneForecast, TargetForecast
from forecast.report.palette import target_colour
from forecast.report.previous_run import change_mark, change_sentences
from forecast.report.questions import seen_before, shown_error
from forecast.report.run_records import RunRecords
from forecast.report.typeface import shorten

_READING = (
    "Words are those of ICD 203 for the chance itself. Past windows: the share of past windows of the same "
    "length that held the event, with half a window added on either side. Constant rate: one rate on every "
    "day, "
    "from the days with the event. Neither is given where the event was never seen. Error: Monte Carlo "
    "standard "
    "error, in percentage points."
)


def milestones_section(run: RunRecords) -> Section:
    """Chance, range, words, base rates, error, what it rests on, and change of every question."""
    columns = [
        Column("Before"),
        Column("0 to 100%", 15 if run.previous else 18),
        Column("Chance", 12, "right"),
        Column("Plausible range", 17, "right"),
        Column("In words", 29),
        Column("Past windows", 14, "right"),
        Column("Constant rate", 14, "right"),
        Column("Error", 10, "right"),
    ]
    reading = _READING
    if run.previous:
        columns.append(Column("Change", 12, "right"))
        reading += (
            f" Change: in percentage points since {wording.long_day(run.previous.as_of)}; ≈ is less than "
            "one, or within twice its Monte Carlo error."
        )
    asked = run.forecast.headline
    table = Table(
        name="milestones",
        title="Chance of each event before each milestone",
        columns=tuple(columns),
        groups=tuple(
            Group(
                label=shorten(target.label, 90),
                note=seen_before(target),
                colour=target_colour(index),
                rows=tuple(_cells(run, target, one, target_colour(index)) for one in target.milestones),
                marked=tuple(
                    place
                    for place, one in enumerate(target.milestones)
                    if (target.name, one.name) == (asked.target, asked.milestone)
                ),
            )
            for index, target in enumerate(run.forecast.targets)
        ),
        lines=False,
    )
    changes = tuple(Prose(one) for one in change_sentences(run.forecast, run.previous))
    return Section("milestones", "Every event and milestone", (*changes, table, Prose(reading, tone="fine")))


def _cells(
    run: RunRecords, target: TargetForecast, milestone: MilestoneForecast, colour: str
) -> tuple[Cell, ...]:
    probability, (lower, upper) = milestone.probability, milestone.interval90
    cells = [
        Cell(f"{wording.short_day(milestone.date)} · {shorten(milestone.label, 60)}"),
        Cell(mark=Track(lower=lower, value=probability, upper=upper, colour=colour)),
        Cell(wording.percent(probability), weight="semibold", value=probability),
        Cell(wording.interval_percent(milestone.interval90)),
        Cell(milestone.words),
        *base_rate_cells(target, milestone),
        Cell(shown_error(milestone.mcse), tone="fine", value=milestone.mcse),
    ]
    if run.previous:
        before = run.previous.change(target.name, milestone.name)
        moved = None if before is None else probability - before.probability
        cells.append(Cell(change_mark(milestone, before), weight="semibold", value=moved))
    return tuple(cells)


def base_rate_cells(target: TargetForecast, milestone: MilestoneForecast) -> tuple[Cell, Cell]:
    """Share of past windows and constant rate; ``none`` for both where the target was never seen."""
    if not target.observed_before:
        return Cell("none", tone="fine"), Cell("none", tone="fine")
    windows, rate = milestone.baseline.probability, milestone.constant_rate
    return (
        Cell(wording.percent(windows), value=windows),
        Cell("–", tone="fine") if rate is None else Cell(wording.percent(rate), value=rate),
    )
