"""What an earlier run said of the same question, and where the difference comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator

from forecast.phrases.chances import chance
from forecast.records.analysis import MilestoneChange, PreviousRun
from forecast.records.forecast import Forecast, MilestoneForecast
from forecast.wording import (
    count,
    long_day,
    percent,
    points,
    short_day,
    shorten,
    shown_difference,
    signed_points,
    times,
)

LEVEL = "≈"


def change_mark(now: MilestoneForecast, before: MilestoneChange | None) -> str:
    """Arrow and whole points, e.g. ``"↑ +6"``; ``"≈"`` within twice the Monte Carlo error, ``"new"`` else."""
    if before is None:
        return "new"
    shown = signed_points(shown_difference(now.probability, before.probability), 0)
    if not _has_changed(now, before) or shown == "0":
        return LEVEL
    return f"{'↑' if now.probability > before.probability else '↓'} {shown}"


def _has_changed(now: MilestoneForecast, before: MilestoneChange) -> bool:
    """Whether the change is more than twice its Monte Carlo error."""
    return abs(now.probability - before.probability) > 2 * math.hypot(now.mcse, before.mcse)


def change_line(forecast: Forecast, previous: PreviousRun | None) -> str:
    """Short line below the big number; empty without an earlier answer."""
    target, now = forecast.headline_target, forecast.headline_milestone
    before = previous.change(target.name, now.name) if previous else None
    if previous is None or before is None:
        return ""
    mark, moved = change_mark(now, before), shown_difference(now.probability, before.probability)
    change = f"{LEVEL} unchanged" if mark == LEVEL else f"{mark[0]} {points(moved, 0)}"
    return f"{change} since {short_day(previous.as_of)}"


def change_sentences(forecast: Forecast, previous: PreviousRun | None) -> Iterator[str]:
    """What the earlier run said of the headline, and what the difference comes from."""
    if previous is None:
        return
    target, now = forecast.headline_target, forecast.headline_milestone
    before, day = previous.change(target.name, now.name), long_day(previous.as_of)
    if before is None:
        yield f"The run of {day} did not ask the headline question, so that its change is not known."
        return
    gave = f"The run of {day} gave {chance(before)}"
    if _has_changed(now, before):
        moved = points(shown_difference(now.probability, before.probability), 0)
        direction = "up" if now.probability > before.probability else "down"
        yield " ".join((f"{gave}: {direction} {moved} since.", *_reasons(forecast, previous, now, before)))
    else:
        yield f"{gave}: no change beyond the Monte Carlo error."
    if previous.changed_priors or previous.other_model:
        names = count(len(previous.changed_priors), "prior") if previous.changed_priors else "the model"
        yield f"Part of any change is due to other assumptions: {names} changed since that run."


def _reasons(
    forecast: Forecast, previous: PreviousRun, now: MilestoneForecast, before: MilestoneChange
) -> Iterator[str]:
    if before.happened_since:
        yield f"The target happened {times(before.happened_since)} in between."
    elif previous.as_of < forecast.as_of:
        news = signed_points(shown_difference(now.probability, before.quiet), 0)
        events = count(sum(previous.new_events.values()), "event")
        yield (
            f"The days that passed without it would alone have left {percent(before.quiet)}; what was learnt "
            f"from {events} since then accounts for {news}."
        )
    new = [one for one in forecast.drivers if one.date > previous.as_of and one.clear]
    if new:
        largest = max(new, key=lambda driver: abs(driver.change))
        yield (
            f"Of these the one of {long_day(largest.date)} moves it most, by {signed_points(largest.change)} "
            f"points (“{shorten(largest.summary.rstrip('.'), 110)}”)."
        )
