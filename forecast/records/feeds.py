"""What may be wrong with a feed of events; part of ``watch.json``, ``forecast.json`` and summaries."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from forecast.records.base import Record

FaultCode = Literal[
    "stale_feed", "lost_month", "changed_rows", "doubled_day", "changed_coding", "renamed_actor"
]


class FeedFault(Record):
    """Something wrong with the feed of a dyad; ``text`` says it as a sentence."""

    code: FaultCode
    feed: str = Field(description="the file")
    first: date = Field(description="first day that is concerned")
    last: date
    value: float = Field(description="what was found: days, rows, a share, a distance, a chance, by the code")
    limit: float = Field(description="what it is compared with: see docs/watchlist.md")
    text: str
