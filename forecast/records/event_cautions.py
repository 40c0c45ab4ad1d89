"""Cautions on the events of a run: each with its numbers, its rule and its sentence; faults of their feed.

The limits are here, but for those of feeds (``forecast.events.feed_faults``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from forecast.records.base import Probability, Record
from forecast.records.scale import STANDARD
from forecast.wording import count, day_span, long_day, percent, plain_number, time_between

FEWEST_EVENTS = 30
EPISODE_DAYS, EPISODE_PART = 31, 0.02
"""An episode lasts so many days, or this part of the record, whichever is longer."""
EPISODE_SHARE = 0.5
"""Share of the events within one episode from which on the record tells of little else."""
LEAST_DENSITY_FACTOR = 2.0
FEWEST_INCIDENTS = 5
"""Military incidents below which nothing is said of how they spread over the scale."""
TOP_SHARE, ANY_SHARE = 1 / 3, 0.9
"""Share of incidents of the highest severity, and of any one, above which it hardly tells them apart."""


FaultCode = Literal["stale_feed", "lost_month", "doubled_day"]


class FeedFault(Record):
    """Something wrong with the feed of a dyad; ``text`` says it as a sentence."""

    code: FaultCode
    feed: str = Field(description="the file")
    first: date = Field(description="first day that is concerned")
    last: date
    value: float = Field(description="what was found: days or rows, by the code")
    limit: float = Field(description="what it is compared with: see docs/watchlist.md")
    text: str


class CautionRecord(Record):
    """Base of all cautions."""

    code: str
    text: str = Field(default="", description="the caution as a sentence")

    @model_validator(mode="after")
    def _say(self) -> Self:
        if not self.text:
            object.__setattr__(self, "text", self._sentence())
        return self

    def _sentence(self) -> str:
        # The number first, then what it means or what to do.
        raise NotImplementedError


class FewEvents(CautionRecord):
    """Fewer events than a forecast of any precision needs."""

    code: Literal["few_events"] = "few_events"
    events: int = Field(description="events used")
    needed: int

    @classmethod
    def due(cls, events: int) -> Self | None:
        """Fewer than ``FEWEST_EVENTS``."""
        return cls(events=events, needed=FEWEST_EVENTS) if events < FEWEST_EVENTS else None

    def _sentence(self) -> str:
        return (
            f"Only {count(self.events, 'event')} in the data, fewer than {self.needed}: every figure rests "
            "mostly on assumptions."
        )


class OneEpisode(CautionRecord):
    """Most events lie within one short span: the record tells of one episode."""

    code: Literal["one_episode"] = "one_episode"
    events: int = Field(description="events in the busiest span")
    of: int = Field(description="events used")
    first: date
    last: date

    @classmethod
    def due(cls, days: Sequence[date], record_days: int) -> Self | None:
        """Half of two or more events within one episode; ``days`` of the events, in order, at least one."""
        span = timedelta(days=max(EPISODE_DAYS, int(EPISODE_PART * record_days)))
        # Events from each one on that lie within the span that begins with it.
        within = [bisect_left(days, day + span) - place for place, day in enumerate(days)]
        most = max(within)
        if most < max(2, EPISODE_SHARE * len(days)):
            return None
        busiest = within.index(most)
        return cls(events=most, of=len(days), first=days[busiest], last=days[busiest + most - 1])

    def _sentence(self) -> str:
        days = day_span(self.first, self.last)
        return f"{self.events:,} of {self.of:,} events lie {days}: the data tell of one episode."


class StaleEvents(CautionRecord):
    """The last event lies longer back than this record's own pace allows."""

    code: Literal["stale_events"] = "stale_events"
    last_date: date
    as_of: date
    gap_days: int
    longest_gap_days: int | None = Field(description="longest gap before; None where no two days have events")
    probability: Probability | None = Field(
        description="chance of so long a gap at the record's pace; None where no two days have events"
    )

    def _sentence(self) -> str:
        ago = time_between(self.last_date, self.as_of)
        said = f"Last event {long_day(self.last_date)}, {ago} before the as-of date"
        if self.probability is not None and self.longest_gap_days is not None:
            said += (
                f": at this record's pace so long a gap has a chance of {percent(self.probability)}, and the "
                f"longest before was {count(self.longest_gap_days, 'day')}"
            )
        return f"{said}. Was nothing coded since, or did nothing happen?"


class DamagedFeed(CautionRecord):
    """The file of the events as a whole is not what it was: see docs/watchlist.md#feeds."""

    code: Literal["feed_fault"] = "feed_fault"
    fault: FeedFault

    def _sentence(self) -> str:
        return self.fault.text


class EventsAfterAsOf(CautionRecord):
    """Rows of the file that became known after the as-of date, and were left out."""

    code: Literal["events_after_as_of"] = "events_after_as_of"
    rows: int
    first: date = Field(description="day on which the first of them became known")
    last: date

    def _sentence(self) -> str:
        return (
            f"{count(self.rows, 'row')} of the file became known after the as-of date, "
            f"{day_span(self.first, self.last)}, and {_was(self.rows)} left out."
        )


class DensityBreak(Record):
    """A month from which on another number of acts is coded, up to the next such month."""

    month: str = Field(description="YYYY-MM")
    before: float = Field(description="acts a month before, back to the break before")
    after: float


class DensityChanges(CautionRecord):
    """Acts a month change their level within the record."""

    code: Literal["density_changes"] = "density_changes"
    breaks: tuple[DensityBreak, ...]

    @classmethod
    def due(cls, breaks: Iterable[DensityBreak]) -> Self | None:
        """Breaks by ``LEAST_DENSITY_FACTOR`` at least."""
        large = tuple(
            one
            for one in breaks
            if max(one.before, one.after) >= LEAST_DENSITY_FACTOR * min(one.before, one.after)
        )
        return cls(breaks=large) if large else None

    def _sentence(self) -> str:
        changes = "; ".join(
            f"{plain_number(one.before)} to {plain_number(one.after)} from {one.month} on"
            for one in self.breaks
        )
        return (
            f"Acts a month change their level: {changes}. Did the coding change, or the relationship? If the "
            "coding did, start the record after it (events.start). If not, leave it: the model reads a slow "
            "change as drift."
        )


class LateStart(CautionRecord):
    """The config starts later than the file: earlier rows are not used."""

    code: Literal["late_start"] = "late_start"
    start: date
    first_date: date
    rows: int = Field(description="rows before the start")

    def _sentence(self) -> str:
        return (
            f"The config starts on {long_day(self.start)}: {count(self.rows, 'earlier row')} of the file, "
            f"from {long_day(self.first_date)} on, {_was(self.rows)} not used."
        )


class SaturatedScale(CautionRecord):
    """Military incidents nearly all of one severity, or many of the highest: it hardly tells them apart."""

    code: Literal["saturated_scale"] = "saturated_scale"
    scale: str = Field(description="name of the scale in use")
    severity: int
    events: int = Field(description="military incidents of that severity")
    of: int = Field(description="military incidents in all")

    @classmethod
    def due(cls, severities: Sequence[int], scale: str, top: int) -> Self | None:
        """``TOP_SHARE`` of the military incidents of the ``top`` severity, or ``ANY_SHARE`` of any one."""
        if len(severities) < FEWEST_INCIDENTS:
            return None
        counts = [severities.count(one) for one in range(max(top, *severities) + 1)]
        severity = top if counts[top] > TOP_SHARE * len(severities) else counts.index(max(counts))
        if severity != top and counts[severity] < ANY_SHARE * len(severities):
            return None
        return cls(scale=scale, severity=severity, events=counts[severity], of=len(severities))

    def _sentence(self) -> str:
        finer = (
            "Code them by a file of anchors that tells them apart (docs/codebook.md), and name it as the "
            "scale."
        )
        if self.scale == STANDARD:
            finer = (
                "If fire is routine here, code them by the scale 'armed' (by the number killed; 'forecast "
                "events codebook --scale armed') and set scale: armed."
            )
        return (
            f"{self.events:,} of {self.of:,} military incidents have severity {self.severity}, so severity "
            f"hardly tells them apart. {finer}"
        )


def _was(rows: int) -> str:
    return "was" if rows == 1 else "were"
