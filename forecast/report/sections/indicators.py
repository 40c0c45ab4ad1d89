"""What would change our mind: what to watch for, and how far it would move the number."""

from __future__ import annotations

from forecast import wording
from forecast.records.forecast import Difference
from forecast.report.blocks import Cell, Column, Prose, Section, Table, one_group
from forecast.report.front_page import headline_pair, shown_error
from forecast.report.indicators import Indicator, indicator_sentence, indicators, next_milestone
from forecast.report.printable import shorten
from forecast.report.run_records import RunRecords

_READING = (
    "Change of the chance in percentage points if the scenario came true, ± Monte Carlo error, with the "
    "chance that it would then have. Effects of scenarios that come together do not add up."
)


def indicators_section(run: RunRecords) -> Section | None:
    """Table of the scenarios that move the headline; nothing for a run without scenarios."""
    forecast = run.forecast
    if not forecast.scenarios:
        return None
    found = indicators(forecast)
    sentence = Prose(text=indicator_sentence(forecast, found))
    title = "What would change our mind"
    if not found:
        return Section(name="indicators", title=title, blocks=(sentence,))
    soon, (_, asked) = next_milestone(forecast), headline_pair(forecast)
    columns = [
        Column(head="Watch for"),
        Column(head="Because", width=62),
        Column(head=f"By {wording.short_day(asked.date)}", width=24, align="right"),
        Column(head="Chance then", width=19, align="right"),
    ]
    if soon.name != asked.name:
        columns.insert(2, Column(head=f"By {wording.short_day(soon.date)}", width=24, align="right"))
    table = Table(
        name="indicators",
        title="Scenarios to watch for and their effect on the headline",
        columns=tuple(columns),
        groups=one_group(tuple(_cells(one, both=soon.name != asked.name) for one in found)),
    )
    return Section(
        name="indicators", title=title, blocks=(sentence, table, Prose(text=_READING, tone="fine"))
    )


def _cells(one: Indicator, *, both: bool) -> tuple[Cell, ...]:
    cells = [
        Cell(text=shorten(one.scenario.label, 90), weight="semibold"),
        Cell(text=shorten(one.scenario.rationale, 190)),
        _change(one.asked.difference),
        Cell(
            text=wording.percent(one.asked.probability),
            note=wording.interval_percent(one.asked.interval90),
            value=one.asked.probability,
        ),
    ]
    if both:
        cells.insert(2, _change(one.next.difference))
    return tuple(cells)


def _change(difference: Difference) -> Cell:
    shown = f"{wording.signed_points(difference.value)} {shown_error(difference.mcse)}"
    return Cell(text=shown.replace(" <", " ±<"), value=difference.value)
