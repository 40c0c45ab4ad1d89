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
from forecast.report.front_page import headline_pair
from forecast.report.printable import shorten

MOST_SHOWN = 10


@dataclass(frozen=True)
class Indicator:
    """A scenario to watch for, with its effect on the headline target.

    ``next`` is the effect at the next milestone, ``asked`` at the headline's.
    """

    scenario: ScenarioForecast
    next: ScenarioMilestone
    asked: ScenarioMilestone


def next_milestone(forecast: Forecast) -> MilestoneForecast:
    """Return the first milestone of the headline target that lies ahead."""
    target, _ = headline_pair(forecast)
    return min(target.milestones, key=lambda one: (one.date, one.name))


def stands_out(difference: Difference) -> bool:
    """Whether a difference is more than twice its Monte Carlo error, and shows."""
    return abs(difference.value) > 2 * difference.mcse and wording.signed_points(difference.value) != "0.0"


def indicators(forecast: Forecast) -> tuple[Indicator, ...]:
    """Scenarios with an effect at the next or the headline milestone, the strongest at the latter first."""
    soon, asked = next_milestone(forecast).name, forecast.headline.milestone
    found = []
    for scenario in forecast.scenarios:
        if scenario.withheld or scenario.failures:
            continue
        by_name = {one.name: one for one in scenario.target(forecast.headline.target).milestones}
        one = Indicator(scenario, by_name[soon], by_name[asked])
        if stands_out(one.next.difference) or stands_out(one.asked.difference):
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
        if ways and stands_out(ways[0].asked.difference):
            strongest = ways[0].asked
            parts.append(
                f"“{shorten(ways[0].scenario.label, 90)}” would {verb} it most, by "
                f"{wording.points(strongest.difference.value)} to {wording.percent(strongest.probability)} "
                f"(90% interval {wording.interval_percent(strongest.interval90)})."
            )
    first = (
        f"The chance of the headline, {shorten(target.label, 80)} before "
        f"{wording.long_day(milestone.date)}, is "
        f"{wording.percent(milestone.probability)} "
        f"(90% interval {wording.interval_percent(milestone.interval90)})."
    )
    return " ".join([first, *parts])
