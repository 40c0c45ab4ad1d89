"""What a reader must know before trusting a forecast: each caution with its numbers, rule and sentence.

A caution is no fault: the forecast is made. Each says that the data are few, old, uneven or far from the
priors. They are in ``forecast.json``; ``forecast.runs.cautions`` asks each whether it is due. Those on the
events themselves are in ``event_cautions``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from forecast.records.base import Interval, Probability
from forecast.records.event_cautions import (
    CautionRecord,
    DamagedFeed,
    DensityChanges,
    EventsAfterAsOf,
    FewEvents,
    LateStart,
    OneEpisode,
    SaturatedScale,
    StaleEvents,
)
from forecast.wording import count, interval_percent, listing, long_day, percent, plain_number, times

HEAD = "Read with caution"
FEWEST_TARGET_DAYS = 3
SATURATED_SHARE = 0.9
FEWEST_UNITS = {"week": 26, "month": 12}
"""Weeks and months that a share of them needs to mean anything."""
FAR_FACTOR = 10.0
FAR_ODDS = 20.0
LEAST_CHANCE = 0.005
FAR_LONGER = 1.5
"""How many times as long as those learned from a record may be."""

Part = Literal["priors", "pooled hazard"]
Chances = tuple[str, date, float, float]
"""Of a milestone: its name, its day, the probability and that of the baseline."""


class FewTargetEvents(CautionRecord):
    """A target that the data have hardly seen; acts of one day count as one episode."""

    code: Literal["few_target_events"] = "few_target_events"
    target: str
    label: str
    events: int = Field(description="target events used")
    days: int = Field(description="days with at least one of them")
    needed: int = Field(description="days needed")

    @classmethod
    def due(cls, target: str, label: str, seen: Sequence[date]) -> Self | None:
        """Fewer than ``FEWEST_TARGET_DAYS`` days among those of its events."""
        days = len(set(seen))
        if days >= FEWEST_TARGET_DAYS:
            return None
        return cls(target=target, label=label, events=len(seen), days=days, needed=FEWEST_TARGET_DAYS)

    def _sentence(self) -> str:
        fewer = f", fewer than {self.needed} times" if self.events else ""
        return f"{self.label}: {self.seen}{fewer}. Its figures rest mostly on assumptions."

    @property
    def seen(self) -> str:
        """How often, as a clause."""
        if not self.events:
            return "never seen in the data"
        together = f" ({self.events:,} events of a day count once)" if self.days != self.events else ""
        return f"seen {times(self.days)}{together}"


class KindNotLearned(CautionRecord):
    """The pooled hazard, a member of the model, was learned on no target of these categories."""

    code: Literal["kind_not_learned"] = "kind_not_learned"
    target: str
    label: str

    def _sentence(self) -> str:
        return (
            f"{self.label}: the other pairs that the pooled hazard was learned from held no target of such "
            "acts, so its forecast of it is less certain."
        )


class LongerThanLearned(CautionRecord):
    """The record is far longer than any that the pooled hazard, a member of the model, was learned from."""

    code: Literal["longer_than_learned"] = "longer_than_learned"
    years: float = Field(description="of this record")
    longest: float = Field(description="years of the longest record learned from")

    @classmethod
    def due(cls, years: float, longest: float) -> Self | None:
        """More than ``FAR_LONGER`` times as long: decades."""
        return cls(years=round(years, 1), longest=round(longest, 1)) if years > FAR_LONGER * longest else None

    def _sentence(self) -> str:
        return (
            f"The data cover {self.years:.0f} years; the records that the pooled hazard was learned from "
            f"cover {self.longest:.0f} at most. Where acts are few, its chances may be too high."
        )


class LearnedLater(CautionRecord):
    """What other pairs taught rests on events after the as-of date: no forecaster of that day had it."""

    code: Literal["learned_later"] = "learned_later"
    parts: tuple[Part, ...]
    last: date = Field(description="day of the last event learned from")

    @classmethod
    def due(cls, last: dict[Part, date], as_of: date) -> Self | None:
        """A part whose ``last`` event is of a day after the as-of date."""
        later = {part: day for part, day in last.items() if day > as_of}
        return cls(parts=tuple(later), last=max(later.values())) if later else None

    def _sentence(self) -> str:
        what = listing(tuple(f"the {part}" for part in self.parts)).capitalize()
        was = "was" if self.parts == ("pooled hazard",) else "were"
        return (
            f"{what} of this model {was} learned from other pairs up to {long_day(self.last)}, after the "
            "as-of date: a forecast made on that day could not have used them."
        )


class TargetSaturated(CautionRecord):
    """A target that is met in nearly every week or month."""

    code: Literal["target_saturated"] = "target_saturated"
    target: str
    label: str
    unit: Literal["week", "month"]
    met: int = Field(description="weeks or months with a target event")
    of: int

    @classmethod
    def due(cls, target: str, label: str, unit: Literal["week", "month"], met: int, of: int) -> Self | None:
        """Met in ``SATURATED_SHARE`` of ``FEWEST_UNITS`` weeks or months, or more."""
        if of < FEWEST_UNITS[unit] or met < SATURATED_SHARE * of:
            return None
        return cls(target=target, label=label, unit=unit, met=met, of=of)

    def _sentence(self) -> str:
        return (
            f"{self.label}: met in {self.met:,} of {self.of:,} {self.unit}s, so its chance within a "
            f"{self.unit} is near 100% whatever happens. Ask for a rarer target: a higher min_severity, "
            "fewer categories."
        )


class PriorFarFromData(CautionRecord):
    """Acts a month that the base rates imply, far from those in the data."""

    code: Literal["prior_far_from_data"] = "prior_far_from_data"
    stream: str | None = Field(description="stream whose prior the config states; None for all together")
    prior_acts_a_month: float
    data_acts_a_month: float
    factor: float = Field(description="factor from which on they count as far apart")

    @classmethod
    def due(cls, stream: str | None, prior: float, data: float, least: float) -> Self | None:
        """More than ``FAR_FACTOR`` apart; data below ``least`` count as that, so a rare act may be so."""
        if 1 / FAR_FACTOR <= prior / max(data, least) <= FAR_FACTOR:
            return None
        return cls(stream=stream, prior_acts_a_month=prior, data_acts_a_month=data, factor=FAR_FACTOR)

    def _sentence(self) -> str:
        what = f"acts of {self.stream.replace('_', ' ')}" if self.stream else "acts"
        return (
            f"The priors imply {plain_number(self.prior_acts_a_month)} {what} a month, the data hold "
            f"{plain_number(self.data_acts_a_month)}: more than {self.factor:g} times apart. Check "
            "model.priors and events.start."
        )


class FarFromBaseline(CautionRecord):
    """A forecast whose odds are of another order than those of the simple baseline."""

    code: Literal["far_from_baseline"] = "far_from_baseline"
    target: str
    label: str
    milestone: str = Field(description="of the target's milestones the one that is farthest apart")
    date: date
    probability: Probability
    baseline: Probability
    factor: float = Field(description="factor of the odds from which on they count as far apart")

    @classmethod
    def due(cls, target: str, label: str, milestones: Sequence[Chances]) -> Self | None:
        """``FAR_ODDS`` times apart at one of the milestones.

        A calm or a crisis can move a forecast by much; odds of another order are rather due to a prior that
        rules out what was seen, of whatever parameter, so that no look at a single prior finds it.
        """
        apart = [abs(_log_odds(chance) - _log_odds(baseline)) for *_, chance, baseline in milestones]
        if max(apart) <= math.log(FAR_ODDS):
            return None
        name, day, chance, baseline = milestones[apart.index(max(apart))]
        return cls(
            target=target,
            label=label,
            milestone=name,
            date=day,
            probability=chance,
            baseline=baseline,
            factor=FAR_ODDS,
        )

    def _sentence(self) -> str:
        return (
            f"{self.label} before {long_day(self.date)}: {percent(self.probability)}, where the share of "
            f"past windows is {percent(self.baseline)}. Odds so far apart come from a prior or from a change "
            "in the data; find out which ('forecast sensitivity')."
        )


class NotConverged(CautionRecord):
    """The fit failed its gates."""

    code: Literal["not_converged"] = "not_converged"
    failures: int

    def _sentence(self) -> str:
        return f"The fit failed {count(self.failures, 'check')} of its sampler: do not use the numbers."


class CodingErrorsFound(CautionRecord):
    """An audit found errors in the coding of the events; the forecast takes every row as it was coded."""

    code: Literal["coding_errors"] = "coding_errors"
    audited: int = Field(description="rows that a person judged")
    wrong: int = Field(description="rows of them that were wrong")
    rate: Probability = Field(description="share of all rows that are wrong, by the model of the audit")
    interval90: Interval

    def _sentence(self) -> str:
        return (
            f"An audit found {self.wrong:,} of {count(self.audited, 'event')} wrongly coded: "
            f"{percent(self.rate)} of the whole file (plausible {interval_percent(self.interval90)}). The "
            "forecast takes every event as it was coded."
        )


Caution = Annotated[
    CodingErrorsFound
    | FewEvents
    | FewTargetEvents
    | KindNotLearned
    | LongerThanLearned
    | LearnedLater
    | OneEpisode
    | StaleEvents
    | DamagedFeed
    | EventsAfterAsOf
    | DensityChanges
    | LateStart
    | TargetSaturated
    | SaturatedScale
    | PriorFarFromData
    | FarFromBaseline
    | NotConverged,
    Field(discriminator="code"),
]


def caution_lines(cautions: Sequence[Caution]) -> list[str]:
    """Return the cautions of a run as lines, targets that were hardly seen together in one."""
    few = [one for one in cautions if isinstance(one, FewTargetEvents)]
    if len(few) < 2:
        return [one.text for one in cautions]
    seen = "; ".join(f"{one.label}, {one.seen}" for one in few)
    together = (
        f"Targets seen fewer than {few[0].needed} times: {seen}. Their figures rest mostly on assumptions."
    )
    return [
        together if one is few[0] else one.text
        for one in cautions
        if one is few[0] or not isinstance(one, FewTargetEvents)
    ]


def _log_odds(probability: float) -> float:
    # What rounds to 0% or 100% is not known to more than that.
    inside = min(max(probability, LEAST_CHANCE), 1 - LEAST_CHANCE)
    return math.log(inside / (1 - inside))
