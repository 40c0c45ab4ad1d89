"""The records of a run that a report is made from, together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forecast.events.table import EventTable
from forecast.record import Analysis, Forecast, LedgerSummary, TrackRecord


@dataclass(frozen=True, kw_only=True)
class RunRecords:
    """What a run folder holds, read and checked.

    ``manifest`` is ``manifest.json``: hashes, code version and seed are shown where given. ``track_record``
    says how such forecasts did in a backtest, ``ledger_record`` what was on record about the pair before the
    run; without one of them the report says so, or says nothing of it.
    """

    forecast: Forecast
    analysis: Analysis
    events: EventTable
    manifest: Mapping[str, object]
    track_record: TrackRecord | None = None
    ledger_record: LedgerSummary | None = None
