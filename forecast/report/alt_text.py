"""What each figure shows, in words and numbers, for readers who do not see it."""

from __future__ import annotations

from collections import Counter

import numpy as np

from forecast import wording
from forecast.events.table import EventTable
from forecast.records.analysis import TensionSeries
from forecast.records.forecast import Forecast
from forecast.records.history import ReliabilityCurve
from forecast.report.explanation import name_category, ordered_drivers
from forecast.report.model_names import name_model
from forecast.report.printable import shorten

_MOST_MILESTONES = 12


def describe_curves(forecast: Forecast) -> str:
    """Alt text of the probability figure: every target at its milestones."""
    parts = []
    for target in forecast.targets:
        shown = target.milestones[:_MOST_MILESTONES]
        values = "; ".join(
            f"{wording.percent(one.probability)} (90% interval {wording.interval_percent(one.interval90)}) "
            f"before {wording.short_day(one.date)}"
            for one in shown
        )
        more = "; the rest is in the table on page 1" if len(target.milestones) > len(shown) else ""
        parts.append(f"{shorten(target.label, 80)}: {values}{more}.")
    last = forecast.targets[0].curve.date[-1]
    return (
        f"Line chart of the chance that each target has happened by a day, from "
        f"{wording.long_day(forecast.as_of)} to {wording.long_day(last)}. {' '.join(parts)}"
    )


def describe_tension(tension: TensionSeries, events: EventTable, forecast: Forecast) -> str:
    """Alt text of the tension figure: range, present value, regimes, events by kind."""
    mean = np.asarray(tension.mean)
    top, bottom = int(mean.argmax()), int(mean.argmin())
    regimes = Counter(tension.regime)
    counts = Counter(events.between(tension.date[0], forecast.as_of).category.tolist())
    kinds = wording.listing(
        tuple(f"{count:,} of {name_category(name).lower()}" for name, count in counts.most_common())
    )
    return (
        f"Line chart of tension from {wording.long_day(tension.date[0])} to "
        f"{wording.long_day(forecast.as_of)}, in standard deviations. "
        f"Highest {wording.number(mean[top], 1)} on {wording.long_day(tension.date[top])}, "
        f"lowest {wording.number(mean[bottom], 1)} on {wording.long_day(tension.date[bottom])}, now "
        f"{wording.number(mean[-1], 1)} (90% interval {wording.number(tension.lower90[-1], 1)} to "
        f"{wording.number(tension.upper90[-1], 1)}). Of {len(mean)} steps {regimes['calm']} read as calm, "
        f"{regimes['strained']} as strained and {regimes['crisis']} as crisis. Below, "
        f"marks for {wording.count(sum(counts.values()), 'event')}: {kinds or 'none'}."
    )


def describe_drivers(forecast: Forecast) -> str:
    """Alt text of the drivers figure: every bar with its event and error."""
    bars = "; ".join(
        f"{number}. {wording.short_day(driver.date)} {name_category(driver.category).lower()} "
        f"{wording.signed_points(driver.change)} (±{wording.points(driver.mcse).split(' ')[0]})"
        for number, driver in enumerate(ordered_drivers(forecast.drivers), start=1)
    )
    return f"Bar chart of the change of the headline chance due to each event, in percentage points: {bars}."


def describe_reliability(curves: tuple[ReliabilityCurve, ...]) -> str:
    """Alt text of the reliability figure: every dot with its band."""
    parts = []
    for curve in curves:
        dots = "; ".join(
            f"{wording.percent(one.forecast_mean)} forecast {wording.times(one.number)}, "
            f"happened in {wording.share(one.observed_share)} "
            f"(band {wording.interval_percent((one.lower90, one.upper90))})"
            for one in curve.bins
        )
        parts.append(f"{name_model(curve.model)}: {dots}.")
    return f"Dot chart of how often it happened by what was forecast. {' '.join(parts)}"
