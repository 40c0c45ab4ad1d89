"""What is said of a forecast: the judgement in one sentence, how sure we are, where it comes from.

One rule for report, terminal and page. Likelihood is said in the words of ICD 203, of the probability alone.
Confidence is said apart from it, as ICD 203 asks: low, moderate or high, by the weakest of what the judgement
rests on, with the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Literal, NamedTuple

from forecast.records.analysis import LearnedFrom
from forecast.records.explained import OwnRecord, Step, WaterfallStep
from forecast.records.forecast import Forecast, Member, MilestoneForecast, TargetForecast
from forecast.records.history import TrackRecord
from forecast.wording import (
    LEAST_WORDED,
    bound_in_points,
    in_sentence,
    interval_percent,
    listing,
    long_day,
    month_name,
    percent,
    points,
    shown_percent,
    signed_points,
    small_number,
    times,
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
MOST_IN_CHART = 12
"""Milestones that a chart can name and number."""
NEVER_TESTED = "Never tested: no backtest of this event so far ahead."
STEP_NAMES: dict[Step, str] = {
    "base_rate": "base rate",
    "own_rates": "this pair's own rates",
    "recent_acts": "recent events",
    "tension": "tension",
    "drift": "level of conflict in recent years",
    "other_pairs": "what other pairs teach",
    "scheduled_events": "scheduled events",
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


def judgement_sentence(forecast: Forecast) -> str:
    """The answer to the headline question in one sentence: likelihood and plausible range first."""
    target, milestone = headline_pair(forecast)
    # Within the sentence, or whoever quotes it leaves the range out.
    return question_sentence(target, milestone, f", plausible range {interval_percent(milestone.interval90)}")


def question_sentence(target: TargetForecast, milestone: MilestoneForecast, range_said: str = "") -> str:
    """The answer to one question in one sentence, with the likelihood first."""
    subject, value = question_subject(target, milestone), milestone.probability
    if target.grave and value < LEAST_WORDED:
        return f"{subject[:1].upper()}{subject[1:]}: {milestone.words}."
    word = words(value)
    link = " of" if word.endswith("chance") else ":"
    return f"{word.capitalize()} ({percent(value)}{range_said}){link} {subject}."


def question_subject(target: TargetForecast, milestone: MilestoneForecast) -> str:
    """What is asked, as it stands within a sentence: the target, its past cases, and the milestone."""
    like = f", as in {months(target)}," if target.cases else ""
    return f"{in_sentence(target.label)}{like} before {long_day(milestone.date)} ({milestone.label})"


def months(target: TargetForecast) -> str:
    """Months of the last past cases, e.g. ``"August 2022, February and April 2023"``."""
    days = sorted({date(one.date.year, one.date.month, 1) for one in target.cases})[-_MOST_CASES_NAMED:]
    years = [
        f"{listing(tuple(month_name(one) for one in same))} {year}"
        for year, same in groupby(days, key=lambda one: one.year)
    ]
    # Several months of a year have an "and" of their own.
    return ", ".join(years) if len(days) > len(years) else listing(tuple(years))


def base_rate_sentence(forecast: Forecast) -> str:
    """Both base rates, named; of a target that was never seen the one that the waterfall starts from."""
    target, milestone = headline_pair(forecast)
    period, share = f"past {days_ahead(forecast)}-day periods", percent(milestone.baseline.probability)
    if not target.observed_before:
        return (
            "Base rate: it has never happened in the data. Smoothing, which allows for what was not yet "
            f"seen, gives {share} of {period}."
        )
    said = f"Base rates: it happened in {share} of {period} (smoothed)"
    if milestone.constant_rate is None:
        return f"{said}."
    cases = "one case" if target.observed_before == 1 else f"{small_number(target.observed_before)} cases"
    return f"{said}; a constant rate from {cases} gives {percent(milestone.constant_rate)}."


def confidence(forecast: Forecast, record: TrackRecord | None) -> Confidence:
    """How sure we are of the headline, by the weakest of what it rests on."""
    target, milestone = headline_pair(forecast)
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
    return [Reason(level, f"scheduled events apart, {listing(tuple(said))}")]


def _coverage(forecast: Forecast) -> list[Reason]:
    poor = tuple(dict.fromkeys(_POOR_DATA[one.code] for one in forecast.cautions if one.code in _POOR_DATA))
    return [Reason("moderate", listing(poor))] if poor else []


def _skill(forecast: Forecast, milestone: MilestoneForecast, record: TrackRecord | None) -> Reason:
    rows = [one for one in record.rows if one.target == forecast.headline.target] if record else []
    if not rows:
        return Reason("moderate", "no track record")
    longest = max(rows, key=lambda one: one.horizon_days)
    days = f"{shown_days(forecast, longest.horizon_days):,} days"
    if longest.claim == "worse":
        return Reason("low", f"worse than the base rate at {days} in the past")
    if longest.claim == "none":
        return Reason("moderate", f"not shown to beat the base rate at {days}")
    if (milestone.date - forecast.as_of).days - 1 > longest.horizon_days:
        return Reason("moderate", f"tested only up to {days} ahead")
    return Reason("high", f"better than the base rate at {days} in the past")


def days_ahead(forecast: Forecast) -> str:
    """Days from the as-of date to the headline's milestone, as every text states them: ``"484"``."""
    return f"{(headline_pair(forecast)[1].date - forecast.as_of).days:,}"


def shown_days(forecast: Forecast, window_days: int) -> int:
    """Return how a reader is told the length of a tested window.

    The window of a milestone begins on the day after the as-of date and ends before the milestone: it has a
    day less than the milestone is ahead. Where a window is that of one of the forecast's own milestones it
    goes by the days from as-of date to milestone, as everywhere else; others by their own length.
    """
    own = {(one.date - forecast.as_of).days for target in forecast.targets[:1] for one in target.milestones}
    return window_days + 1 if window_days + 1 in own else window_days


def step_name(forecast: Forecast, step: WaterfallStep) -> str:
    """Name a step; of the base rate, which of the two it is."""
    if step.step != "base_rate":
        name = STEP_NAMES[step.step]
        return f"{name[:1].upper()}{name[1:]}"
    _, milestone = headline_pair(forecast)
    return (
        "Base rate: share of past periods" if milestone.constant_rate is None else "Base rate: constant rate"
    )


def record_sentences(forecast: Forecast, record: OwnRecord) -> Iterator[str]:
    """How forecasts of the headline target did at such a distance."""
    if record.never_tested:
        yield NEVER_TESTED
        return
    assert record.horizon_days is not None
    assert record.highest_said is not None
    assert record.mean_said is not None
    came = "it happened" if record.highest_came else "it did not happen"
    days = shown_days(forecast, record.horizon_days)
    yield (
        f"Backtest {days:,} days ahead: it happened in {record.held:,} of {record.windows:,} periods. "
        f"We said {percent(record.mean_said)} on average and {percent(record.highest_said)} at most ({came})."
    )
    probability = headline_pair(forecast)[1].probability
    if shown_percent(probability) != shown_percent(record.highest_said) and probability > record.highest_said:
        yield f"Never tested as high as {percent(probability)}."
    yield from _skills(record)


def _skills(record: OwnRecord) -> Iterator[str]:
    pairs = (
        (record.skill_windows, record.skill_windows_se, "the share of past periods"),
        (record.skill_constant_rate, record.skill_constant_rate_se, "the constant rate"),
    )
    told = [f"{skill_words(skill, error)} than {base}" for skill, error, base in pairs if skill is not None]
    if not told:
        return
    yield f"Brier score: {listing(tuple(told))}."
    if all(error is None or abs(skill or 0.0) < 2 * error for skill, error, _ in pairs):
        yield "Too few cases to say whether we beat the base rate."


def skill_words(skill: float, error: float | None) -> str:
    """Skill as a comparison, the same wherever it stands: ``"8% ± 6 better"``, ``"11% worse"``."""
    within = "" if error is None else f" ± {100 * error:.0f}"
    return f"{abs(100 * skill):.0f}%{within} {'better' if skill >= 0 else 'worse'}"


def learned_paragraphs(learned: Sequence[LearnedFrom]) -> Iterator[str]:
    """The same in full: every pair, the source, and what was left out."""
    for one in learned:
        own = (
            f" Left out, as records of this pair: {', '.join(one.own_left_out)}." if one.own_left_out else ""
        )
        yield (
            f"{one.part[:1].upper()}{one.part[1:]}: {one.clause}. {'; '.join(one.pairs)}. "
            f"Source: {one.source}.{own}"
        )


def members_sentence(members: Sequence[Member]) -> str:
    """Name the members, and which of them answers for the headline."""
    names = [f"the {one.label}" for one in members]
    asked = [f"the {one.label}" for one in members if one.weight]
    if len(names) == 1:
        return f"The forecast is that of {names[0]}."
    if len(asked) == 1:
        (other,) = (name for name in names if name not in asked)
        return f"The headline is that of {asked[0]} alone; {other} answers for other targets."
    return f"The forecast is the mean of {listing(tuple(names))}, with equal weights."


def headline_pair(forecast: Forecast) -> tuple[TargetForecast, MilestoneForecast]:
    """Return the target and the milestone of the bottom line (``KeyError`` where there is none)."""
    target = forecast.target(forecast.headline.target)
    return target, named(target.milestones, forecast.headline.milestone)


def named[M: MilestoneForecast](milestones: tuple[M, ...], name: str) -> M:
    """Return the milestone of that name (``KeyError`` when there is none)."""
    return {one.name: one for one in milestones}[name]


def chosen_milestones(
    milestones: tuple[MilestoneForecast, ...], always: str, most: int
) -> tuple[MilestoneForecast, ...]:
    """Return at most ``most`` (≥ 3) milestones in order: first, last, the one ``always``, others evenly."""
    if len(milestones) <= most:
        return milestones
    places = {round(k * (len(milestones) - 1) / (most - 1)) for k in range(most)}
    named = next((k for k, one in enumerate(milestones) if one.name == always), None)
    if named is not None and named not in places:
        inner = places - {0, len(milestones) - 1}
        places.remove(min(inner, key=lambda place: abs(place - named)))
        places.add(named)
    return tuple(one for place, one in enumerate(milestones) if place in places)


def what_counts(target: TargetForecast) -> str:
    """What meets the target: the author's rule, or the anchors of the scale; and whose acts."""
    by = f" Only acts by {' or '.join(target.by)}." if target.by else ""
    return f"{target.counts.rstrip('.')}.{by}"


def what_does_not(target: TargetForecast) -> str:
    """What comes close to the target and does not count."""
    return f"Does not count: {in_sentence(target.does_not_count.rstrip('.'))}."


def seen_before(target: TargetForecast) -> str:
    """How often the target was seen in the data."""
    return f"seen {times(target.observed_before)} in the data" if target.observed_before else "never seen"


def cases_marked(target: TargetForecast, first: date) -> str:
    """Which past cases a chart from a day on marks: ``past cases``, or ``the last 10 of 18 past cases``."""
    shown = sum(one.date >= first for one in target.cases)
    if target.observed_before == len(target.cases) or shown < len(target.cases):
        return "past cases"
    return f"the last {shown} of {target.observed_before:,} past cases"


def chance(one: MilestoneForecast) -> str:
    """Chance with its interval, e.g. ``"49% (plausible range 21–77%)"``."""
    return f"{percent(one.probability)} (plausible range {interval_percent(one.interval90)})"


def shown_error(mcse: float) -> str:
    """Monte Carlo error in percentage points, e.g. ``"±0.4"``; ``"<0.1"`` where that would show nothing."""
    shown = points(mcse).split(" ")[0]
    return "<0.1" if shown == "0.0" else f"±{shown}"


def shown_change(change: float, mcse: float, at_most: float | None = None) -> str:
    """Change in percentage points with its error, e.g. ``"+1.2 ±0.4"``; alone where that is under 0.05.

    Where no path shows a change, the bound on its size stands in place of the error: ``"0.0 (<0.04)"``.
    """
    if at_most is not None:
        return f"{signed_points(change)} (<{bound_in_points(at_most)})"
    error = shown_error(mcse)
    return f"{signed_points(change)}{f' {error}' if error.startswith('±') else ''}"


def stands_out(change: float, mcse: float) -> bool:
    """Whether a change is more than twice its Monte Carlo error, and shows."""
    return abs(change) > 2 * mcse and signed_points(change) != "0.0"
