"""Why the number is what it is: the questions, the curve, the tension and the drivers, in words."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from forecast import wording
from forecast.events.codebook import CATEGORIES, category_label
from forecast.records.analysis import Analysis, TensionSeries
from forecast.records.forecast import Driver, Forecast, TargetForecast
from forecast.report.front_page import headline_pair, seen_before
from forecast.report.palette import category_colour, target_colour
from forecast.report.printable import shorten

REGIME_WORDS = {"calm": "calm", "strained": "strained", "crisis": "in crisis"}


def name_category(category: str) -> str:
    """Category as readers see it; one outside the codebook is shown by its own name."""
    return category_label(category) if category in CATEGORIES else category.replace("_", " ").capitalize()


def question_rows(forecast: Forecast) -> list[dict[str, Any]]:
    """One row a target: what counts, how often it was seen, and when it may come first."""
    horizon = {target.name: (target.curve.date[-1] - forecast.as_of).days for target in forecast.targets}
    return [
        {
            "label": shorten(target.label, 120),
            "colour": target_colour(index),
            "definition": shorten(target.definition[:1].upper() + target.definition[1:], 300),
            "seen": seen_before(target).capitalize(),
            "wait": waiting_time(target, horizon[target.name]),
        }
        for index, target in enumerate(forecast.targets)
    ]


def waiting_time(target: TargetForecast, horizon_days: int) -> str:
    """Days to the first event: median, and the span that holds it with 80 of 100."""
    times = target.time_to_event_days
    beyond = f"beyond {horizon_days:,} days"
    if times.q10 is None:
        return f"In 9 of 10 futures {beyond}"
    middle = f"median {times.q50:,.0f} days" if times.q50 is not None else f"median {beyond}"
    first = f"1 in 10 within {times.q10:,.0f}"
    last = f", 1 in 10 after {times.q90:,.0f} days" if times.q90 is not None else " days"
    return f"{middle.capitalize()}; {first}{last}"


def curve_reading(forecast: Forecast) -> str:
    """Two sentences on the curve of the headline target."""
    target, milestone = headline_pair(forecast)
    curve = target.curve
    crossing = next((day for day, p in zip(curve.date, curve.probability, strict=True) if p >= 0.5), None)
    last = wording.long_day(curve.date[-1])
    half = (
        f"It passes an even chance on {wording.long_day(crossing)}."
        if crossing is not None
        else f"It stays below an even chance to the end of the simulation, {last}."
    )
    return (
        f"The line for {shorten(target.label, 80)} reaches {wording.percent(milestone.probability)} "
        f"(90% interval {wording.interval_percent(milestone.interval90)}) before "
        f"{wording.long_day(milestone.date)}. {half}"
    )


def tension_reading(tension: TensionSeries) -> str:
    """Where the relation stands, since when, and the last spell of crisis."""
    spells = [
        (regime, [index for index, _ in run])
        for regime, run in groupby(enumerate(tension.regime), key=lambda item: item[1])
    ]
    now, steps = spells[-1]
    since = wording.long_day(tension.date[steps[0]])
    last = (
        f"Tension at the end of the data is {wording.number(tension.mean[-1], 1)} standard deviations from "
        f"its long-run mean (90% interval {wording.number(tension.lower90[-1], 1)} to "
        f"{wording.number(tension.upper90[-1], 1)}); the relation has been {REGIME_WORDS[now]} since {since}."
    )
    crises = [steps for regime, steps in spells if regime == "crisis"]
    if now == "crisis":
        return last
    if not crises:
        return f"{last} No step reads as a crisis."
    first, final = tension.date[crises[-1][0]], tension.date[crises[-1][-1]]
    if first == final:
        return f"{last} The last step that reads as a crisis began on {wording.long_day(first)}."
    return (
        f"{last} The last spell that reads as a crisis ran from {wording.long_day(first)} "
        f"to the step of {wording.long_day(final)}."
    )


def ordered_drivers(drivers: tuple[Driver, ...], each_way: int = 10) -> tuple[Driver, ...]:
    """Return the drivers from the largest rise to the largest fall, at most ``each_way`` each way."""
    falling = sorted(drivers, key=lambda driver: (-driver.change, driver.date, driver.event_id))
    raised = [driver for driver in falling if driver.change > 0][:each_way]
    lowered = [driver for driver in falling if driver.change <= 0][-each_way:]
    return (*raised, *lowered)


def driver_content(forecast: Forecast) -> dict[str, Any]:
    """Introduction and one row a driver, numbered as in the figure."""
    shown = ordered_drivers(forecast.drivers)
    target, milestone = headline_pair(forecast)
    left_out = len(forecast.drivers) - len(shown)
    subject = f"{shorten(target.label, 60)} before {wording.long_day(milestone.date)}"
    intro = (
        f"Each event is left out in turn and the chance of {subject} worked out again. A positive "
        "change means that the event raised it. The changes do not add up: events act together."
        if shown
        else "No leave-one-out changes were worked out for this run."
    )
    if left_out:
        more = wording.count(left_out, "further event")
        intro += f" For {more} with smaller changes see forecast.json."
    return {
        "intro": intro,
        "rows": [
            {
                "number": str(index),
                "day": wording.short_day(driver.date),
                "category": name_category(driver.category),
                "colour": category_colour(driver.category),
                "severity": str(driver.severity),
                "summary": shorten(driver.summary, 320),
                "source": shorten(driver.source, 120),
                "change": wording.signed_points(driver.change),
                "error": f"±{wording.points(driver.mcse).split(' ')[0]}",
            }
            for index, driver in enumerate(shown, start=1)
        ],
    }


def calendar_rows(analysis: Analysis) -> list[dict[str, Any]]:
    """Acts ahead that the simulation inserts, with their probability."""
    return [
        {
            "day": wording.short_day(act.date),
            "label": shorten(act.label, 200),
            "category": name_category(act.category),
            "colour": category_colour(act.category),
            "severity": str(act.severity),
            "percent": wording.percent(act.probability) if act.probability < 1 else "certain",
        }
        for act in sorted(analysis.calendar, key=lambda act: (act.date, act.label))
    ]
