"""How sure we are, apart from how likely it is, as ICD 203 asks: low, moderate or high, with the reasons.

The level is that of the weakest of what the judgement rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from forecast.phrases.chances import cases_in_words, members_say
from forecast.records.analysis import TrackRecord, TrackRow, windows_like
from forecast.records.forecast import Forecast, MilestoneForecast, TargetForecast
from forecast.records.notices import Notice
from forecast.wording import listing, shown_percent

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
        yield Reason("low", "no past case, so the figure reflects our assumptions")
    lower, upper = (float(shown_percent(end)) for end in milestone.interval90)
    level = _graded(lower - upper, -WIDE_POINTS, -NARROW_POINTS)
    yield Reason(level, f"a plausible range {upper - lower:.0f} points wide")
    match milestone.rests_on:
        case "prior-driven" if seen >= FEW_CASES:
            yield Reason("low", "the figure rests on assumptions more than on data")
        case "conflict":
            yield Reason("moderate", "assumptions and data pull apart")
        case "data-driven":
            yield Reason("high", "the figure rests on the data")
    members = [member for member in milestone.members or () if member.weight > 0]
    if len(members) > 1:
        shown = [float(shown_percent(member.in_all)) for member in members]
        level = _graded(min(shown) - max(shown), -FAR_APART_POINTS, -CLOSE_POINTS)
        yield Reason(level, f"the mean of two: {members_say(target, milestone, 0.0)}")
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
