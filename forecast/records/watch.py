"""``watch.json``: what a watch over many dyads found; table, page and PDF are made from it.

All probabilities are in [0, 1], all dates are ISO days.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from forecast.records.analysis import Moved, OtherForecast, RowsMoved
from forecast.records.base import Probability, Record
from forecast.records.bulletin import Bulletin
from forecast.records.forecast import GateFailure, Headline, MilestoneForecast, TargetForecast
from forecast.records.notices import FeedFault, Notice

State = Literal["fine", "small", "stale", "failed"]
"""Of the data. ``small``: few events or target events; ``stale``: feed old for its own pace; ``failed``: no
numbers; ``fine``: none of these."""
NoChange = Literal["new", "other question", "other model"]
FailureCode = Literal[
    "no_events", "bad_input", "too_little_record", "not_converged", "worker_died", "numerical"
]
Work = Literal["direct", "fitted", "unchanged"]
"""How the numbers were got: read off the record without a fit; by a fit; kept from before."""


class Failure(Record):
    """Why a dyad has no numbers."""

    code: FailureCode
    near: dict[str, str] = Field(
        default_factory=dict, description="of no_events: actors that no file holds, and who may be meant"
    )
    record: Notice | None = Field(default=None, description="of too_little_record")
    gates: tuple[GateFailure, ...] = Field(default=(), description="of not_converged")
    error: str = Field(default="", description="of bad_input and numerical: the error as it was raised")


class DyadNumbers(Record):
    """The numbers of a dyad and how they were got, or why there are none."""

    work: Work | None = None
    cautions: tuple[Notice, ...] = ()
    failure: Failure | None = None
    targets: tuple[TargetForecast, ...] = ()
    bulletin: Bulletin | None = Field(
        default=None, description="what the rows that are new change of the fitted run of the watch before"
    )


class DyadRow(DyadNumbers):
    """The numbers of one dyad, or why it has none: the content of ``dyad.json``."""

    news: RowsMoved = Field(default=RowsMoved(), description="since the watch before")
    key: str = Field(default="", description="hash of all that the numbers depend on")


class DyadEntry(DyadNumbers):
    """One dyad of the list."""

    name: str
    label: str
    a: str
    b: str
    theatre: tuple[str, ...] = Field(default=(), description="acts between one of them and a side count too")
    state: State = Field(description="of its data, not of the relationship")
    rank: int | None = Field(default=None, description="by the headline probability; None where it failed")
    trigger: str | None = Field(default=None, description="the highest trigger that holds; None for none")
    trigger_before: str | None = None
    question: Headline = Field(description="target and milestone that rank, trigger and change are about")
    change: Moved | None = None
    no_change: NoChange | None = Field(
        default=None,
        description="why the watch before has no number to compare with; None where it has, or without one",
    )
    model: str | None = Field(default=None, description="family that made the numbers")
    settings_sha256: str = Field(
        default="", description="hash of the settings but for days, as ``lasting_hash``"
    )
    last_event: date | None = None
    events: int = 0
    feed_faults: tuple[FeedFault, ...] = ()
    others: tuple[OtherForecast, ...] = Field(
        default=(), description="what markets, platforms and people said of the same questions"
    )

    @property
    def milestone(self) -> MilestoneForecast | None:
        """The answer to the question; ``None`` where it failed."""
        return answer_to(self.question, self.targets)


def answer_to(question: Headline, targets: Sequence[TargetForecast]) -> MilestoneForecast | None:
    """Return the milestone that a question is about; ``None`` where the targets hold none."""
    milestones = (
        milestone
        for target in targets
        for milestone in target.milestones
        if (target.name, milestone.name) == (question.target, question.milestone)
    )
    return next(milestones, None)


class TriggerRecord(Record):
    """A trigger, and how it did in the backtest of this list; rates are ``None`` without one."""

    name: str
    threshold: Probability
    false_alarm_rate: Probability | None = Field(
        default=None, description="share of windows with the trigger on that stayed quiet"
    )
    miss_rate: Probability | None = Field(
        default=None, description="share of windows with the target in which the trigger was off"
    )
    windows: int | None = None

    @property
    def tested(self) -> bool:
        """Whether it is known how often the trigger misleads; else people do not see it."""
        return self.false_alarm_rate is not None and self.miss_rate is not None


class HorizonSkill(Record):
    """How the model of the list did in its backtest at one horizon, over all dyads, beside climatology.

    Log scores in nats: lower is better. ``ranked_right`` is the share of pairs of dyads, one with the target
    and one without, of which the first had the higher probability at the same origin.
    """

    horizon_days: int
    n: int = Field(description="windows")
    hits: int | None = Field(default=None, description="windows that held the target; None: not recorded")
    log: float
    climatology_log: float
    difference: float = Field(description="log score minus that of climatology; below 0 it is better")
    interval90: tuple[float, float] | None = Field(
        description="of the difference; None where fewer than 20 windows held the target, or did not"
    )
    calibration_slope: float | None = Field(description="1 is calibrated, below 1 too extreme")
    ranked_right: Probability | None
    climatology_ranked_right: Probability | None

    @property
    def claim(self) -> Literal["better", "worse", "none"]:
        """What may be said beside climatology: whether the interval of the difference leaves out 0."""
        low, high = self.interval90 or (-1.0, 1.0)
        return "better" if high < 0 else "worse" if low > 0 else "none"


class Watch(Record):
    """The content of ``watch.json``."""

    schema_: Annotated[Literal[5], Field(alias="schema")] = 5
    name: str
    as_of: date
    since: date | None = Field(description="as-of date of the watch before; None without one")
    headline: Headline
    model: str
    dyads: tuple[DyadEntry, ...] = Field(description="by rank; failed ones last")
    triggers: tuple[TriggerRecord, ...] = ()
    hysteresis: float = 0.0
    backtest: tuple[HorizonSkill, ...] = Field(
        default=(), description="of the headline's target, by horizon; none before a backtest of this list"
    )
    headline_days: int = Field(description="days before the headline's milestone, after the as-of date")
    notes: tuple[Notice, ...] = Field(
        default=(), description="what to know of the acts of a dyad, of the watch before and of a backtest"
    )
    versions: dict[str, str] = Field(default_factory=dict)

    def shown_trigger(self, entry: DyadEntry) -> TriggerRecord | None:
        """Return the highest trigger that a dyad has reached and of which the error rates are known."""
        names = [trigger.name for trigger in self.triggers]
        reached = self.triggers[: names.index(entry.trigger) + 1] if entry.trigger in names else ()
        return next((trigger for trigger in reversed(reached) if trigger.tested), None)


class Notified(Record):
    """``notified.json`` in the folder of a list: each dyad as its command knows it."""

    as_of: date
    dyads: dict[str, DyadEntry]
