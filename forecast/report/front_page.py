"""Page 1: the bottom line, what it rests on, and every target × milestone, in words and numbers."""

from __future__ import annotations

from typing import Any

from forecast import wording
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.report.printable import shorten
from forecast.wording.sensitivity import LABEL_WORDS

STAMP = "DID NOT CONVERGE – do not use"


def headline_pair(forecast: Forecast) -> tuple[TargetForecast, MilestoneForecast]:
    """Return the target and the milestone of the bottom line.

    Raises
    ------
    KeyError
        The headline names a target or milestone that the forecast does not have.
    """
    target = forecast.target(forecast.headline.target)
    return target, {milestone.name: milestone for milestone in target.milestones}[forecast.headline.milestone]


def headline_content(forecast: Forecast) -> dict[str, Any]:
    """Bottom line: sentence, big number, interval, natural frequency, base rate."""
    target, milestone = headline_pair(forecast)
    probability, interval = milestone.probability, milestone.interval90
    gap = wording.shown_difference(probability, milestone.baseline.probability)
    place = "the same as" if wording.signed_points(gap, 0) == "0" else "above" if gap > 0 else "below"
    distance = "" if place == "the same as" else f"{wording.points(gap, 0)} "
    return {
        "sentence": (
            f"{target.label} {wording.predicate(probability, interval)} "
            f"before {wording.long_day(milestone.date)} ({shorten(milestone.label, 90)})."
        ),
        "percent": wording.percent(probability),
        "interval": wording.interval_percent(interval),
        "frequency": (
            f"In {_spelled_out(wording.frequency(probability))} simulated futures it happens by then."
        ),
        "words": wording.words(probability, interval),
        "baseline": (
            f"The forecast is {distance}{place} the {wording.percent(milestone.baseline.probability)} "
            f"of the simple baseline ({milestone.baseline.name})."
        ),
        "error": f"Monte Carlo error {wording.points(milestone.mcse)}.",
    }


def _spelled_out(frequency: str) -> str:
    return frequency.replace("<", "fewer than ").replace(">", "more than ")


def shown_error(mcse: float) -> str:
    """Monte Carlo error in percentage points, e.g. ``"±0.4"``; ``"<0.1"`` where that would show nothing."""
    shown = wording.points(mcse).split(" ")[0]
    return "<0.1" if shown == "0.0" else f"±{shown}"


def seen_before(target: TargetForecast) -> str:
    """How often the target was seen in the data; says so when the prior speaks alone."""
    if target.observed_before == 0:
        return "never observed: the prior speaks"
    return f"seen {wording.times(target.observed_before)} in the data"


def foundations(forecast: Forecast, analysis: Analysis) -> list[str]:
    """What the bottom line rests on: the data, what was and was not seen, the event that moved it most."""
    data = analysis.data
    checked = (
        ""
        if data.verified_share is None
        else f"; {wording.share(data.verified_share)} of them were checked against their source"
    )
    sentences = [
        f"It rests on {wording.count(data.rows_fitted, 'coded event')} from "
        f"{wording.long_day(data.first_date)} to {wording.long_day(data.last_date)}{checked}.",
        _seen_sentence(forecast),
    ]
    label = headline_pair(forecast)[1].rests_on
    if label:
        sentences.append(f"{LABEL_WORDS[label]} (see “How far the call rests on assumptions”).")
    if forecast.drivers:
        sentences.append(_largest_driver(forecast))
    return sentences


def _seen_sentence(forecast: Forecast) -> str:
    seen = [
        f"{shorten(target.label, 80)}, {wording.times(target.observed_before)}"
        for target in forecast.targets
        if target.observed_before
    ]
    unseen = tuple(shorten(target.label, 80) for target in forecast.targets if not target.observed_before)
    parts = []
    if seen:
        parts.append(f"Seen in the data: {'; '.join(seen)}.")
    if unseen:
        parts.append(
            f"Never observed, so that the prior speaks and not the record: {wording.listing(unseen)}."
        )
    return " ".join(parts)


def _largest_driver(forecast: Forecast) -> str:
    largest = max(forecast.drivers, key=lambda driver: abs(driver.change))
    if abs(largest.change) < 2 * largest.mcse or wording.signed_points(largest.change) == "0.0":
        return "No single past event moves the bottom line by more than its Monte Carlo error."
    direction = "lower" if largest.change > 0 else "higher"
    summary = shorten(largest.summary.rstrip("."), 130)
    return (
        f"The past event that moves it most is of {wording.long_day(largest.date)} (“{summary}”). "
        f"Without it the number would be {wording.points(largest.change)} {direction}."
    )
