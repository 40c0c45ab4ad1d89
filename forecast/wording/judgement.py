"""The judgement in one sentence, and how sure we are of it: one rule for page 1, terminal and page.

Likelihood is said in the words of ICD 203, of the probability alone. Confidence is said apart from it, as ICD
203 asks: low, moderate or high, by the weakest of what the judgement rests on, with the reasons.
"""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Literal, NamedTuple

from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.records.history import TrackRecord
from forecast.wording.numbers import (
    LEAST_WORDED,
    interval_percent,
    likelihood,
    listing,
    long_day,
    month_name,
    percent,
    shown_percent,
    small_number,
    words,
)

Level = Literal["low", "moderate", "high"]
LEVELS: tuple[Level, ...] = ("low", "moderate", "high")

FEW_CASES, MANY_CASES = 5, 20
"""Past cases below which confidence is low, and from which they allow it to be high."""
WIDE_POINTS, NARROW_POINTS = 40, 20
"""Width of the plausible range above which confidence is low, and up to which it may be high."""
FAR_APART_POINTS, CLOSE_POINTS = 20, 10
"""Distance of the members of a combination, likewise."""
_MOST_CASES_NAMED = 4
_POOR_DATA = {
    "few_events": "few events",
    "stale_events": "no recent events",
    "one_episode": "one episode holds half of the events",
    "density_changes": "coverage changes over the years",
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
        holding = [one.text for one in self.reasons if one.level == self.level]
        return f"{self.level.capitalize()} confidence: {'; '.join(holding)}."


def asked(forecast: Forecast) -> tuple[TargetForecast, MilestoneForecast]:
    """Return the target and the milestone of the headline."""
    target = forecast.target(forecast.headline.target)
    return target, {one.name: one for one in target.milestones}[forecast.headline.milestone]


def in_sentence(label: str) -> str:
    """Label as it stands within a sentence: a small first letter, but for a name in capitals."""
    if label.startswith("A "):
        return f"a{label[1:]}"
    return label if label[1:2].isupper() or not label[1:2].isalpha() else f"{label[:1].lower()}{label[1:]}"


def judgement_sentence(forecast: Forecast) -> str:
    """The answer to the headline question in one sentence, with the likelihood first."""
    return question_sentence(*asked(forecast))


def question_sentence(target: TargetForecast, milestone: MilestoneForecast) -> str:
    """The answer to one question in one sentence, as ``judgement_sentence`` says that to the headline."""
    subject, chance = question_subject(target, milestone), milestone.probability
    if target.grave and chance < LEAST_WORDED:
        return f"{subject[:1].upper()}{subject[1:]}: {milestone.words}."
    link = " of" if words(chance).endswith("chance") else ":"
    return f"{likelihood(chance)}{link} {subject}."


def question_subject(target: TargetForecast, milestone: MilestoneForecast) -> str:
    """What is asked, as it stands within a sentence: the target, its past cases, and the milestone."""
    like = f", as in {months(target)}," if target.cases else ""
    return f"{in_sentence(target.label)}{like} before {long_day(milestone.date)} ({milestone.label})"


def question_text(label: str, dyad: str, as_of: date, milestone: date, reported_by: str) -> str:
    """A target of a dyad and a milestone as a forecasting platform would ask it."""
    return (
        f"Will {in_sentence(label)} ({dyad}) happen after {long_day(as_of)} and before "
        f"{long_day(milestone)}, as reported by {reported_by}?"
    )


def months(target: TargetForecast) -> str:
    """Months of the last past cases, e.g. ``"August 2022, February and April 2023"``."""
    days = sorted({date(one.date.year, one.date.month, 1) for one in target.cases})[-_MOST_CASES_NAMED:]
    years = [
        f"{listing(tuple(month_name(one) for one in same))} {year}"
        for year, same in groupby(days, key=lambda one: one.year)
    ]
    # Several months of a year have an "and" of their own.
    return ", ".join(years) if len(days) > len(years) else listing(tuple(years))


def range_sentence(milestone: MilestoneForecast) -> str:
    """Say the plausible range in numbers: ``"Plausible range 21–77%"``."""
    return f"Plausible range {interval_percent(milestone.interval90)}"


def base_rate_sentence(forecast: Forecast) -> str:
    """Both base rates, named; that there is none where the target was never seen."""
    target, milestone = asked(forecast)
    if not target.observed_before:
        return "No base rate: this has not happened in the data."
    days = (milestone.date - forecast.as_of).days
    said = (
        f"Base rates: {percent(milestone.baseline.probability)} of past {days:,}-day windows held one"
        " (smoothed)"
    )
    if milestone.constant_rate is None:
        return f"{said}."
    same = "case" if target.observed_before == 1 else f"{small_number(target.observed_before)} cases"
    return f"{said}; a constant rate from the same {same} gives {percent(milestone.constant_rate)}."


def confidence(forecast: Forecast, record: TrackRecord | None) -> Confidence:
    """How sure we are of the headline, by the weakest of what it rests on."""
    target, milestone = asked(forecast)
    reasons = [
        _precedents(target),
        _width(milestone),
        *_support(milestone),
        *_members(milestone),
        *_coverage(forecast),
        _skill(forecast, milestone, record),
    ]
    reasons.sort(key=lambda one: LEVELS.index(one.level))
    return Confidence(reasons[0].level, tuple(reasons))


def _graded(value: float, low: float, high: float) -> Level:
    """Level of a value that is better when larger."""
    return "low" if value < low else "high" if value >= high else "moderate"


def _precedents(target: TargetForecast) -> Reason:
    seen = target.observed_before
    if not seen:
        return Reason("low", "no past case, so the figure reflects our assumptions")
    level = _graded(seen, FEW_CASES, MANY_CASES)
    number = f"{small_number(seen)} past {'case' if seen == 1 else 'cases'}"
    return Reason(level, f"only {number}" if level == "low" else number)


def _width(milestone: MilestoneForecast) -> Reason:
    lower, upper = (float(shown_percent(one)) for one in milestone.interval90)
    width = upper - lower
    return Reason(_graded(-width, -WIDE_POINTS, -NARROW_POINTS), f"a plausible range {width:.0f} points wide")


def _support(milestone: MilestoneForecast) -> list[Reason]:
    said: dict[str, Reason] = {
        "prior-driven": Reason("low", "the figure rests on assumptions more than on data"),
        "conflict": Reason("moderate", "assumptions and data pull apart"),
        "data-driven": Reason("high", "the figure rests on the data"),
    }
    return [said[milestone.rests_on]] if milestone.rests_on in said else []


def _members(milestone: MilestoneForecast) -> list[Reason]:
    members = [one for one in milestone.members or () if one.weight > 0]
    if len(members) < 2:
        return []
    shown = [float(shown_percent(one.probability)) for one in members]
    level = _graded(min(shown) - max(shown), -FAR_APART_POINTS, -CLOSE_POINTS)
    said = (f"the {one.label} says {percent(one.probability)}" for one in members)
    return [Reason(level, listing(tuple(said)))]


def _coverage(forecast: Forecast) -> list[Reason]:
    poor = tuple(dict.fromkeys(_POOR_DATA[one.code] for one in forecast.cautions if one.code in _POOR_DATA))
    return [Reason("moderate", listing(poor))] if poor else []


def _skill(forecast: Forecast, milestone: MilestoneForecast, record: TrackRecord | None) -> Reason:
    rows = [one for one in record.rows if one.target == forecast.headline.target] if record else []
    if not rows:
        return Reason("moderate", "no track record")
    longest = max(rows, key=lambda one: one.horizon_days)
    days = f"{days_ahead(forecast, longest.horizon_days):,} days"
    if longest.claim == "worse":
        return Reason("low", f"worse than the base rate at {days} in the past")
    if longest.claim == "none":
        return Reason("moderate", f"not shown to beat the base rate at {days}")
    if (milestone.date - forecast.as_of).days - 1 > longest.horizon_days:
        return Reason("moderate", f"tested only up to {days} ahead")
    return Reason("high", f"better than the base rate at {days} in the past")


def days_ahead(forecast: Forecast, window_days: int) -> int:
    """Return how a reader is told the length of a tested window.

    The window of a milestone begins on the day after the as-of date and ends before the milestone: it has a
    day less than the milestone is ahead. Where a window is that of one of the forecast's own milestones it
    goes by the days from as-of date to milestone, as everywhere else; others by their own length.
    """
    own = {(one.date - forecast.as_of).days for target in forecast.targets[:1] for one in target.milestones}
    return window_days + 1 if window_days + 1 in own else window_days
