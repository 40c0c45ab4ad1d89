"""What would change our mind: scenarios whose effect stands out of its error, strongest first."""

from __future__ import annotations

from dataclasses import dataclass

from forecast import wording
from forecast.records.forecast import (
    Difference,
    Forecast,
    MilestoneForecast,
    ScenarioForecast,
    ScenarioMilestone,
)
from forecast.report.blocks import Cell, Column, Prose, Section, Table, one_group
from forecast.report.questions import chance, headline_pair, named, shown_change, stands_out
from forecast.report.run_records import RunRecords
from forecast.report.typeface import shorten

MOST_SHOWN = 10
_READING = (
    "Change of the chance in percentage points if the scenario came true, ± Monte Carlo error, with the "
    "chance that it would then have. Effects of scenarios that come together do not add up."
)


@dataclass(frozen=True)
class Indicator:
    """A scenario to watch for, with its effect on the headline target.

    ``next`` is the effect at the next milestone, ``asked`` at the headline's.
    """

    scenario: ScenarioForecast
    next: ScenarioMilestone
    asked: ScenarioMilestone


def indicators_section(run: RunRecords) -> Section | None:
    """Table of the scenarios that move the headline; nothing for a run without scenarios."""
    forecast = run.forecast
    if not forecast.scenarios:
        return None
    found = indicators(forecast)
    sentence = Prose(indicator_sentence(forecast, found))
    title = "What would change our mind"
    if not found:
        return Section("indicators", title, (sentence,))
    soon, (_, asked) = next_milestone(forecast), headline_pair(forecast)
    both = soon.name != asked.name
    days = (soon.date, asked.date) if both else (asked.date,)
    table = Table(
        name="indicators",
        title="Scenarios to watch for and their effect on the headline",
        columns=(
            Column("Watch for"),
            Column("Because", 62),
            *(Column(f"By {wording.short_day(day)}", 24, "right") for day in days),
            Column("Chance then", 19, "right"),
        ),
        groups=one_group(_cells(one, both=both) for one in found),
    )
    return Section("indicators", title, (sentence, table, Prose(_READING, tone="fine")))


def _cells(one: Indicator, *, both: bool) -> tuple[Cell, ...]:
    return (
        Cell(shorten(one.scenario.label, 90), weight="semibold"),
        Cell(shorten(one.scenario.rationale, 190)),
        *((_change(one.next.difference),) if both else ()),
        _change(one.asked.difference),
        Cell(
            wording.percent(one.asked.probability),
            note=wording.interval_percent(one.asked.interval90),
            value=one.asked.probability,
        ),
    )


def _change(difference: Difference) -> Cell:
    return Cell(shown_change(difference.value, difference.mcse), value=difference.value)


def next_milestone(forecast: Forecast) -> MilestoneForecast:
    """Return the first milestone of the headline target that lies ahead."""
    target, _ = headline_pair(forecast)
    return min(target.milestones, key=lambda one: (one.date, one.name))


def indicators(forecast: Forecast) -> tuple[Indicator, ...]:
    """Scenarios with an effect at the next or the headline milestone, the strongest at the latter first."""
    soon, asked = next_milestone(forecast).name, forecast.headline.milestone
    found = []
    for scenario in forecast.scenarios:
        if scenario.withheld or scenario.failures:
            continue
        milestones = scenario.target(forecast.headline.target).milestones
        one = Indicator(scenario, named(milestones, soon), named(milestones, asked))
        if _stands_out(one.next.difference) or _stands_out(one.asked.difference):
            found.append(one)
    found.sort(key=lambda one: (-abs(one.asked.difference.value), one.scenario.name))
    return tuple(found[:MOST_SHOWN])


def indicator_sentence(forecast: Forecast, found: tuple[Indicator, ...]) -> str:
    """The strongest indicator each way, in one sentence each; that there is none, when there is none."""
    target, milestone = headline_pair(forecast)
    if not found:
        if len(forecast.scenarios) == 1:
            return "The scenario of this run does not move the headline by more than its Monte Carlo error."
        return (
            f"None of the {len(forecast.scenarios)} scenarios of this run moves the headline by more than "
            "its Monte Carlo error."
        )
    parts = []
    for rises, verb in ((True, "raise"), (False, "lower")):
        ways = [one for one in found if (one.asked.difference.value > 0) == rises]
        if ways and _stands_out(ways[0].asked.difference):
            strongest = ways[0].asked
            parts.append(
                f"“{shorten(ways[0].scenario.label, 90)}” would {verb} it most, by "
                f"{wording.points(strongest.difference.value)} to {chance(strongest)}."
            )
    first = (
        f"The chance of the headline, {shorten(target.label, 80)} before "
        f"{wording.long_day(milestone.date)}, is {chance(milestone)}."
    )
    return " ".join([first, *parts])


def _stands_out(difference: Difference) -> bool:
    return stands_out(difference.value, difference.mcse)
