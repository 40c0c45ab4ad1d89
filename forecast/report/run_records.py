"""The records of a run that a report is made from, together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forecast.events.table import EventTable
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.records.history import LedgerSummary, PreviousRun, TrackRecord
from forecast.report.options import ReportOptions


@dataclass(frozen=True, kw_only=True)
class RunRecords:
    """What a run folder holds, read and checked.

    ``manifest`` is ``manifest.json``: hashes, code version and seed are shown where given. ``track_record``
    says how such forecasts did in a backtest, ``ledger_record`` what was on record about the pair before the
    run, ``previous`` what an earlier run said; without one of them the report says so, or says nothing of it.
    ``notes`` are printed as warnings on page 1, ``options`` say how the report is set.
    """

    forecast: Forecast
    analysis: Analysis
    events: EventTable
    manifest: Mapping[str, object]
    track_record: TrackRecord | None = None
    ledger_record: LedgerSummary | None = None
    previous: PreviousRun | None = None
    notes: tuple[str, ...] = ()
    options: ReportOptions = field(default_factory=ReportOptions)
