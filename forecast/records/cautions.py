"""What a reader must know before trusting a forecast: a code, the numbers it rests on, and the sentence.

They are in ``forecast.json``; which of them a run carries is decided in ``forecast.runs.cautions``.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from forecast.records.base import Probability, Record
from forecast.records.feeds import FeedFault


class CautionRecord(Record):
    """Base of all cautions."""

    code: str
    text: str = Field(default="", description="the caution as a sentence")


class FewEvents(CautionRecord):
    """Fewer events than a forecast of any precision needs."""

    code: Literal["few_events"] = "few_events"
    events: int = Field(description="events used")
    needed: int


class FewTargetEvents(CautionRecord):
    """A target that the data have hardly seen; acts of one day count as one episode."""

    code: Literal["few_target_events"] = "few_target_events"
    target: str
    label: str
    events: int = Field(description="target events used")
    days: int = Field(description="days with at least one of them")
    needed: int = Field(description="days needed")


class KindNotLearned(CautionRecord):
    """The pooled hazard, a member of the model, was learned on no target of these categories."""

    code: Literal["kind_not_learned"] = "kind_not_learned"
    target: str
    label: str


class LongerThanLearned(CautionRecord):
    """The record is far longer than any that the pooled hazard, a member of the model, was learned from."""

    code: Literal["longer_than_learned"] = "longer_than_learned"
    years: float = Field(description="of this record")
    longest: float = Field(description="years of the longest record learned from")


class LearnedLater(CautionRecord):
    """What other pairs taught rests on events after the as-of date: no forecaster of that day had it."""

    code: Literal["learned_later"] = "learned_later"
    parts: tuple[Literal["priors", "pooled hazard"], ...]
    last: date = Field(description="day of the last event learned from")


class OneEpisode(CautionRecord):
    """Most events lie within one short span: the record tells of one episode."""

    code: Literal["one_episode"] = "one_episode"
    events: int = Field(description="events in the busiest span")
    of: int = Field(description="events used")
    first: date
    last: date


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


class DamagedFeed(CautionRecord):
    """The file of the events as a whole is not what it was: see docs/watchlist.md#feeds."""

    code: Literal["feed_fault"] = "feed_fault"
    fault: FeedFault


class EventsAfterAsOf(CautionRecord):
    """Rows of the file that became known after the as-of date, and were left out."""

    code: Literal["events_after_as_of"] = "events_after_as_of"
    rows: int
    first: date = Field(description="day on which the first of them became known")
    last: date


class DensityBreak(Record):
    """A month from which on another number of acts is coded, up to the next such month."""

    month: str = Field(description="YYYY-MM")
    before: float = Field(description="acts a month before, back to the break before")
    after: float


class DensityChanges(CautionRecord):
    """Acts a month change their level within the record."""

    code: Literal["density_changes"] = "density_changes"
    breaks: tuple[DensityBreak, ...]


class LateStart(CautionRecord):
    """The config starts later than the file: earlier rows are not used."""

    code: Literal["late_start"] = "late_start"
    start: date
    first_date: date
    rows: int = Field(description="rows before the start")


class TargetSaturated(CautionRecord):
    """A target that is met in nearly every week or month."""

    code: Literal["target_saturated"] = "target_saturated"
    target: str
    label: str
    unit: Literal["week", "month"]
    met: int = Field(description="weeks or months with a target event")
    of: int


class SaturatedScale(CautionRecord):
    """Military incidents nearly all of one severity, or many of the highest: it hardly tells them apart."""

    code: Literal["saturated_scale"] = "saturated_scale"
    scale: str = Field(description="name of the scale in use")
    severity: int
    events: int = Field(description="military incidents of that severity")
    of: int = Field(description="military incidents in all")


class PriorFarFromData(CautionRecord):
    """Acts a month that the base rates imply, far from those in the data."""

    code: Literal["prior_far_from_data"] = "prior_far_from_data"
    stream: str | None = Field(description="stream whose prior the config states; None for all together")
    prior_acts_a_month: float
    data_acts_a_month: float
    factor: float = Field(description="factor from which on they count as far apart")


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


class NotConverged(CautionRecord):
    """The fit failed its gates."""

    code: Literal["not_converged"] = "not_converged"
    failures: int


Caution = Annotated[
    FewEvents
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
