"""What a reader must know of a run: one code each, with the values that its sentence is made from.

A notice is no fault: the forecast is made. Cautions stand in ``forecast.json`` (their rules in
``forecast.runs.cautions``); warnings of a run and of scores, and why a backtest was not used, in the files
beside it. ``forecast.phrases.notices`` says them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic_core import to_jsonable_python

from forecast.records.base import Record

NoticeCode = Literal[
    # Cautions on the events.
    "too_little_record",
    "few_events",
    "few_target_events",
    "kind_never_seen",
    "stale_events",
    "feed_fault",
    "one_episode",
    "target_saturated",
    "saturated_scale",
    "late_start",
    "events_after_as_of",
    # Cautions on what the model knows beside them.
    "kind_not_learned",
    "beyond_pooled_hazard",
    "longer_than_learned",
    "learned_later",
    "prior_far_from_data",
    "prior_of_one_part",
    "far_from_baseline",
    "not_converged",
    # Warnings of a run.
    "late_reports",
    "influential_events",
    "unused_backtest",
    # Why the backtest beside a run cannot speak for it.
    "settings_unknown",
    "other_definitions",
    "other_priors",
    "other_targets",
    "later_windows",
    "other_outcomes",
    "untested_model",
    "unreadable",
    # Warnings of scores.
    "few_outcomes",
    "absent_forecasts",
    "no_complete_window",
    "silent_end",
    "failed_fits",
    # Notes of a watch.
    "repeated_rows",
    "third_parties_alone",
    "other_list_tested",
    "unreadable_backtest",
    # Warnings of the scores of a ledger.
    "hindcasts",
    "few_scored",
    "unconverged_left_out",
    "later_left_out",
]


class Notice(Record):
    """A code; its values stand beside it as JSON has them."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})
    code: NoticeCode = Field(description="which notice it is; its values by name stand beside it")

    @property
    def values(self) -> dict[str, Any]:
        """What its sentence is made from, by name."""
        return self.__pydantic_extra__ or {}

    def __getitem__(self, value: str) -> Any:  # noqa: ANN401 - a JSON value
        return self.values[value]

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def notice(code: NoticeCode, **values: object) -> Notice:
    """Raise a code with its values."""
    return Notice(code=code, **to_jsonable_python(values))


FEWEST_EVENTS, FEWEST_DAYS = 5, 365
"""Events and days of record below which there is no forecast: its report is stamped, and nothing recorded."""
STAMPED = frozenset({"not_converged", "too_little_record"})
"""Cautions that the stamp of a report says."""


def thin_record(events: int, days: int) -> Iterator[Notice]:
    """Yield that a record is too short or too thin for any forecast; nothing where it is not."""
    if events < FEWEST_EVENTS or days < FEWEST_DAYS:
        yield notice("too_little_record", events=events, days=days)


FaultCode = Literal["stale_feed", "stale_store", "lost_month"]


class FeedFault(Record):
    """Something wrong with the feed of a dyad."""

    code: FaultCode = Field(description="stale_store: a store whose newest act is old, whatever its pace")
    feed: str = Field(description="the file or store")
    first: date = Field(description="first day that is concerned")
    last: date
    value: float = Field(description="what was found: days or rows, by the code")
    limit: float = Field(description="what it is compared with: see docs/watchlist.md")

    @property
    def stale(self) -> bool:
        """Whether it ended too long ago; else a part of it is lost."""
        return self.code != "lost_month"
