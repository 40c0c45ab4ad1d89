"""Where the headline comes from, step by step and event by event, and how sure we are of it.

Confidence is apart from likelihood, as ICD 203 asks; its level is that of the weakest of what it rests on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal, NamedTuple

from forecast.phrases.chances import cases_in_words, members_say, plural
from forecast.records.analysis import TensionSeries, TrackRecord, TrackRow, windows_like
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast, least_change
from forecast.records.notices import Notice
from forecast.wording import (
    interval_percent,
    listing,
    long_day,
    month_name,
    number,
    percent,
    points,
    shown_percent,
    small_number,
)


def drivers_paragraph(forecast: Forecast, clear: int, shown: int) -> str:
    """Say how past events were left out, how many clearly move the headline, and that this is no cause."""
    tried, least = forecast.drivers_tried, least_change(forecast.headline_milestone.probability)
    how = f"The {tried} events most likely to matter" if tried else "Events"
    found = (
        f"{small_number(clear).capitalize()} {plural(clear, 'moves', 'move')}" if clear else "No event moves"
    )
    size = "a point" if least == 0.01 else points(least)
    largest = f" Shown are the {small_number(shown)} largest." if clear > shown else ""
    return (
        f"{how} were left out one at a time. {found} it by {size} or more, and by "
        "more than the error of computing. Effects do not add up. They are evidence, not cause: an event "
        "on record also tells how often such acts come; the same act ahead, in a scenario, has its own "
        f"effect alone, and the two may differ.{largest}"
    )


def mean_of(milestone: MilestoneForecast) -> str:
    """Say of what the forecast is the mean; nothing of one model alone."""
    said = members_say(milestone, 0.0)
    return f"The forecast is the mean of two: {said}. The second learned from other pairs." if said else ""


def tension_sentences(tension: TensionSeries, cases: Sequence[date]) -> Iterator[str]:
    """How tense it is now beside the weeks of the record, and how tense it was when past cases came."""
    mean, now, first = tension.mean, tension.mean[-1], tension.date[0].year
    if len(mean) < _FEW_WEEKS:
        yield "The record is too short to say what is usual."
        return
    higher = [day for day, value in zip(tension.date[:-1], mean, strict=False) if value >= now]
    below = sum(value < now for value in mean[:-1]) / (len(mean) - 1)
    if below >= 0.5:
        last = higher[-1] if higher else None
        if last is None or (tension.date[-1] - last).days >= _LONG_AGO:
            since = f"{month_name(last)} {last.year}" if last else f"{first}"
            yield f"The highest since {since}."
        else:
            yield f"Tenser than in {percent(below)} of weeks since {first}."
    else:
        yield f"Calmer than in {percent(1 - below)} of weeks since {first}."
    states = [_state(tension, day) for day in cases if day >= tension.date[0]]
    if states and len(set(states)) == 1:
        came = {1: "The one past case came", 2: "Both past cases came"}.get(
            len(states), "Past cases all came"
        )
        weeks = f"in {plural(len(states), f'a {states[0]} week', f'{states[0]} weeks')}"
        yield f"{came} {'below “strained”' if states[0] == 'calm' else weeks}."


_FEW_WEEKS, _LONG_AGO = 26, 365
"""Weeks below which nothing is usual, and days since a higher week from which that one is named."""


def _state(tension: TensionSeries, day: date) -> str:
    level = tension.mean[bisect_right(tension.date, day) - 1]
    return (
        "calm" if level < tension.strained_from else "strained" if level < tension.crisis_from else "crisis"
    )


def tension_alt(tension: TensionSeries, as_of: date) -> str:
    """Say in words what the chart of tension draws."""
    mean, lower, upper = (number(one[-1], 1) for one in (tension.mean, tension.lower90, tension.upper90))
    places = tension.mean.index(max(tension.mean)), tension.mean.index(min(tension.mean))
    (high, top), (low, bottom) = (
        (number(tension.mean[place], 1), long_day(tension.date[place])) for place in places
    )
    return (
        f"Line chart of tension from {long_day(tension.date[0])} to {long_day(as_of)}, in standard "
        f"deviations. Highest {high} on {top}, lowest {low} on {bottom}, now {mean} (90% interval {lower} to "
        f"{upper})."
    )


Level = Literal["low", "moderate", "high"]
LEVELS: tuple[Level, ...] = ("low", "moderate", "high")
FEW_CASES, MANY_CASES = 5, 20
"""Past cases below which confidence is low, and from which they allow it to be high."""
WIDE_POINTS, NARROW_POINTS = 40, 20
"""Width of the plausible range above which confidence is low, and up to which it may be high."""
FAR_APART_POINTS, CLOSE_POINTS = 20, 10
"""Distance of the members of a combination, likewise."""
_POOR_DATA = {
    "few_events": "few events",
    "stale_events": "no recent events",
    "one_episode": "one episode holds {} of the events",
    "late_start": "part of the record is not used",
    "prior_far_from_data": "assumed rates are far from the data",
}


class Reason(NamedTuple):
    """What the judgement rests on, how far that carries, and how it is said."""

    level: Level
    text: str


class Confidence(NamedTuple):
    """The level, by the weakest reason, and all reasons, the weakest first."""

    level: Level
    reasons: tuple[Reason, ...]

    @property
    def sentence(self) -> str:
        """Level and the reasons that hold it there, e.g. ``"Low confidence: only three past cases."``."""
        holding = [reason.text for reason in self.reasons if reason.level == self.level]
        return f"{self.level.capitalize()} confidence: {'; '.join(holding)}."


def confidence(
    forecast: Forecast, record: TrackRecord | None, target: TargetForecast | None = None
) -> Confidence:
    """How sure we are of a target before the headline's milestone, by the weakest of what it rests on."""
    target = target or forecast.headline_target
    milestone = target.milestone(forecast.headline.milestone)
    found = _reasons(forecast, target, milestone, record)
    reasons = sorted(found, key=lambda reason: LEVELS.index(reason.level))
    return Confidence(reasons[0].level, tuple(reasons))


def _reasons(
    forecast: Forecast, target: TargetForecast, milestone: MilestoneForecast, record: TrackRecord | None
) -> Iterator[Reason]:
    if seen := target.observed_before:
        level = _graded(seen, FEW_CASES, MANY_CASES)
        cases = cases_in_words(target)
        yield Reason(level, f"only {cases}" if level == "low" else cases)
    else:
        yield Reason("low", "no past case, so the number reflects our assumptions")
    lower, upper = (float(shown_percent(end)) for end in milestone.interval90)
    level = _graded(lower - upper, -WIDE_POINTS, -NARROW_POINTS)
    yield Reason(level, f"a plausible range of {interval_percent(milestone.interval90)}")
    match milestone.rests_on:
        case "prior-driven" if seen >= FEW_CASES:
            yield Reason("low", "the number rests on assumptions more than on data")
        case "conflict":
            yield Reason("moderate", "assumptions and data pull apart")
        case "data-driven":
            yield Reason("high", "the number rests on the data")
    members = [member for member in milestone.members or () if member.weight > 0]
    if len(members) > 1:
        shown = [float(shown_percent(member.with_acts)) for member in members]
        level = _graded(min(shown) - max(shown), -FAR_APART_POINTS, -CLOSE_POINTS)
        yield Reason(level, f"the mean of two: {members_say(milestone, 0.0)}")
    poor = dict.fromkeys(
        with_share(_POOR_DATA[one.code], one) for one in forecast.cautions if one.code in _POOR_DATA
    )
    if poor:
        yield Reason("moderate", listing(tuple(poor)))
    if record is None:
        yield Reason("moderate", "no backtest")
    else:
        yield _skill(windows_like(forecast, record, target.name, milestone.date))


def with_share(text: str, caution: Notice) -> str:
    """Put the share of the events that one episode holds into its words; other words have no place for it."""
    if caution.code != "one_episode":
        return text
    events, of = caution["events"], caution["of"]
    return text.format("all" if events == of else "most" if 2 * events > of else "half")


def _graded(value: float, low: float, high: float) -> Level:
    """Level of a value that is better when larger."""
    return "low" if value < low else "high" if value >= high else "moderate"


def _skill(row: TrackRow | None) -> Reason:
    if row is None:
        return Reason("moderate", "not tested so far ahead")
    days = f"{row.horizon_days:,} days ahead"
    if row.claim == "worse":
        return Reason("low", f"worse than the share of past periods {days}")
    if row.claim == "none":
        return Reason("moderate", f"not shown to beat the share of past periods {days}")
    return Reason("high", f"better than the share of past periods {days}")
