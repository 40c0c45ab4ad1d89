"""Page 1: the bottom line, what it rests on, and the table of every target × milestone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from forecast import wording
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.report.blocks import Alert, Block, BottomLine, Cell, Column, Group, Prose, Section, Table, Track
from forecast.report.palette import target_colour
from forecast.report.previous_run import change_line, change_mark, change_sentences
from forecast.report.questions import chosen_milestones, headline_pair, seen_before, shown_error, stands_out
from forecast.report.run_records import RunRecords
from forecast.report.sections.data import first_used
from forecast.report.sections.track_record import track_sentence
from forecast.report.typeface import shorten
from forecast.wording.cautions import HEAD, caution_lines
from forecast.wording.sensitivity import LABEL_WORDS
from forecast.wording.warnings import failure_sentence, warning_sentence

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


def front_section(run: RunRecords) -> Section:
    """Bottom line, cautions, foundations, warnings; a box above them when the fit did not converge."""
    forecast = run.forecast
    blocks: list[Block] = [bottom_line(run)]
    if not forecast.converged:
        failures = tuple(map(failure_sentence, forecast.diagnostics.failures))
        alert = "This run did not converge: its numbers must not be used."
        blocks.insert(0, Alert(text=alert, items=failures or ("The run is recorded as not converged.",)))
    # The box above says that the fit failed, and why.
    cautions = caution_lines([one for one in forecast.cautions if one.code != "not_converged"])
    if cautions:
        blocks.append(Alert(text=HEAD, items=tuple(cautions), tone="caution"))
    rests_on = [
        *change_sentences(forecast, run.previous),
        *foundations(forecast, run.analysis),
        track_sentence(forecast, run.track_record),
    ]
    warnings = (*run.notes, *map(warning_sentence, run.analysis.warnings))
    blocks += [Prose(sentence) for sentence in rests_on]
    blocks += [Prose(warning, lead="Note:", tone="warning") for warning in warnings]
    return Section("front", None, tuple(blocks))


def bottom_line(run: RunRecords) -> BottomLine:
    """Sentence, big number, interval, change, natural frequency and simple baseline of the headline."""
    target, milestone = headline_pair(run.forecast)
    probability, interval, baseline = milestone.probability, milestone.interval90, milestone.baseline
    gap = wording.shown_difference(probability, baseline.probability)
    place = "the same as" if wording.signed_points(gap, 0) == "0" else "above" if gap > 0 else "below"
    distance = "" if place == "the same as" else f"{wording.points(gap, 0)} "
    futures = wording.frequency(probability).replace("<", "fewer than ").replace(">", "more than ")
    return BottomLine(
        percent=wording.percent(probability),
        interval=f"90% interval {wording.interval_percent(interval)}",
        sentence=f"{target.label} {wording.predicate(probability, interval)} before "
        f"{wording.long_day(milestone.date)} ({shorten(milestone.label, 90)}).",
        change=change_line(run.forecast, run.previous),
        details=(
            f"In {futures} simulated futures it happens by then. The forecast is {distance}{place} the "
            f"{wording.percent(baseline.probability)} of the simple baseline ({baseline.name}).",
        ),
    )


def foundations(forecast: Forecast, analysis: Analysis) -> list[str]:
    """What the bottom line rests on: the data, what was and was not seen, the event that moved it most."""
    data = analysis.data
    checked = ""
    if data.verified_share is not None:
        checked = f"; {wording.share(data.verified_share)} of them were checked against their source"
    sentences = [
        f"It rests on {wording.count(data.rows_fitted, 'coded event')} from "
        f"{wording.long_day(first_used(data))} to {wording.long_day(data.last_date)}{checked}.",
        _seen_sentence(forecast),
    ]
    label = headline_pair(forecast)[1].rests_on
    if label:
        sentences.append(f"{LABEL_WORDS[label]} (see “How far the call rests on assumptions”).")
    if forecast.drivers:
        largest = max(forecast.drivers, key=lambda driver: abs(driver.change))
        direction = "lower" if largest.change > 0 else "higher"
        sentences.append(
            f"The past event that moves it most is of {wording.long_day(largest.date)} "
            f"(“{shorten(largest.summary.rstrip('.'), 130)}”). Without it the number would be "
            f"{wording.points(largest.change)} {direction}."
            if stands_out(largest.change, largest.mcse)
            else "No single past event moves the bottom line by more than its Monte Carlo error."
        )
    return sentences


def _seen_sentence(forecast: Forecast) -> str:
    seen = [
        f"{shorten(target.label, 80)}, {wording.times(target.observed_before)}"
        for target in forecast.targets
        if target.observed_before
    ]
    unseen = tuple(shorten(target.label, 80) for target in forecast.targets if not target.observed_before)
    parts = [f"Seen in the data: {'; '.join(seen)}."] if seen else []
    assumed = f"Not seen in the data, so the figure reflects our assumptions: {wording.listing(unseen)}."
    return " ".join([*parts, assumed] if unseen else parts)


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
