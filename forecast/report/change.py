"""Change since the earlier run: how far, which way, and why, in words."""

from __future__ import annotations

import math

from forecast import wording
from forecast.records.forecast import Forecast, MilestoneForecast
from forecast.records.history import MilestoneChange, PreviousRun
from forecast.report.front_page import headline_pair
from forecast.report.printable import shorten

UP, DOWN, LEVEL = "↑", "↓", "≈"
_NAMED_PRIORS = 3


def change_mark(now: MilestoneForecast, before: MilestoneChange | None) -> str:
    """Arrow and whole points, e.g. ``"↑ +6"``; ``"≈"`` within twice the Monte Carlo error, ``"new"`` else."""
    if before is None:
        return "new"
    shown = wording.signed_points(wording.shown_difference(now.probability, before.probability), 0)
    if not stands_out(now, before) or shown == "0":
        return LEVEL
    return f"{UP if now.probability > before.probability else DOWN} {shown}"


def stands_out(now: MilestoneForecast, before: MilestoneChange) -> bool:
    """Whether the change is more than twice its Monte Carlo error."""
    return abs(now.probability - before.probability) > 2 * math.hypot(now.mcse, before.mcse)


def change_line(forecast: Forecast, previous: PreviousRun | None) -> str:
    """Short line below the big number; empty without an earlier answer."""
    if previous is None:
        return ""
    _, now = headline_pair(forecast)
    before = previous.change(forecast.headline.target, now.name)
    if before is None:
        return ""
    since = f"since {wording.short_day(previous.as_of)}"
    mark = change_mark(now, before)
    if mark == LEVEL:
        return f"{LEVEL} unchanged {since}"
    moved = wording.shown_difference(now.probability, before.probability)
    return f"{mark[0]} {wording.points(moved, 0)} {since}"


def change_sentences(forecast: Forecast, previous: PreviousRun | None) -> list[str]:
    """What the earlier run said of the headline, and what the difference comes from."""
    if previous is None:
        return []
    _, now = headline_pair(forecast)
    before = previous.change(forecast.headline.target, now.name)
    day = wording.long_day(previous.as_of)
    if before is None:
        return [f"The run of {day} did not ask the headline question, so that its change is not known."]
    said = (
        f"The run of {day} gave {wording.percent(before.probability)} "
        f"(90% interval {wording.interval_percent(before.interval90)})"
    )
    if not stands_out(now, before):
        return [f"{said}: no change beyond the Monte Carlo error.", *_other_assumptions(previous)]
    moved = wording.shown_difference(now.probability, before.probability)
    direction = "up" if now.probability > before.probability else "down"
    first = f"{said}: {direction} {wording.points(moved, 0)} since."
    return [" ".join([first, *_reasons(forecast, previous, now, before)]), *_other_assumptions(previous)]


def _reasons(
    forecast: Forecast, previous: PreviousRun, now: MilestoneForecast, before: MilestoneChange
) -> list[str]:
    reasons = []
    number = sum(previous.new_events.values())
    events = wording.count(number, "event") + " since then"
    if before.happened_since:
        reasons.append(f"The target happened {wording.times(before.happened_since)} in between.")
    elif previous.as_of < forecast.as_of:
        news = wording.shown_difference(now.probability, before.quiet)
        reasons.append(
            f"The days that passed without it would alone have left {wording.percent(before.quiet)}; what "
            f"was learnt from {events} accounts for {wording.signed_points(news, 0)}."
        )
    reasons += _strongest_new_driver(forecast, previous)
    return reasons


def _strongest_new_driver(forecast: Forecast, previous: PreviousRun) -> list[str]:
    new = [
        driver
        for driver in forecast.drivers
        if driver.date > previous.as_of
        and abs(driver.change) > 2 * driver.mcse
        and wording.signed_points(driver.change) != "0.0"
    ]
    if not new:
        return []
    largest = max(new, key=lambda driver: abs(driver.change))
    return [
        f"Of these the one of {wording.long_day(largest.date)} moves it most, by "
        f"{wording.signed_points(largest.change)} points (“{shorten(largest.summary.rstrip('.'), 110)}”)."
    ]


def _other_assumptions(previous: PreviousRun) -> list[str]:
    parts = []
    if previous.changed_priors:
        names = previous.changed_priors
        more = len(names) - _NAMED_PRIORS
        named = wording.listing((*names[:_NAMED_PRIORS], *([f"{more} more"] if more > 0 else [])))
        parts.append(f"{wording.count(len(names), 'prior')} ({named})")
    if previous.other_model:
        parts.append("the model or its version")
    if not parts:
        return []
    verb = "differ" if len(parts) > 1 or len(previous.changed_priors) > 1 else "differs"
    return [
        f"{wording.listing(tuple(parts))[:1].upper()}{wording.listing(tuple(parts))[1:]} {verb} from that "
        "run, so that part of any change is due to other assumptions."
    ]
