"""Records of a run → the content of the report: texts and numbers, every wording rule applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forecast import wording
from forecast.events.table import EventTable
from forecast.record import Analysis, Forecast, LedgerSummary, TrackRecord
from forecast.report import alt_text, evidence, explanation, front_page, palette
from forecast.report.method import method_sections
from forecast.report.parameters import parameter_groups
from forecast.report.printable import shorten
from forecast.report.track_page import track_content
from forecast.report.track_sentence import track_sentence


def make_content(
    forecast: Forecast,
    analysis: Analysis,
    events: EventTable,
    manifest: Mapping[str, object],
    *,
    track_record: TrackRecord | None = None,
    ledger_record: LedgerSummary | None = None,
    paper: str,
    author: str | None,
    organisation: str | None,
) -> dict[str, Any]:
    """Return all that the template prints, as JSON values.

    Parameters
    ----------
    forecast, analysis : Forecast, Analysis
        Records of the run.
    events : EventTable
        The events of the run; those of the last six months are printed.
    manifest : mapping
        ``manifest.json``: hashes, code version and seed are shown where given.
    track_record : TrackRecord or None
        How such forecasts did in a backtest; without one the report says that there is none.
    ledger_record : LedgerSummary or None
        What was on record about the pair before the run; nothing is said without one.
    paper : {"a4", "us-letter"}
        Paper, as typst names it.
    author, organisation : str or None
        Shown on page 1 and kept in the metadata.
    """
    dyad = shorten(forecast.dyad.label, 120)
    names = [shorten(name, 60) for name in (organisation, author) if name]
    failures = list(forecast.diagnostics.failures)
    return {
        "meta": {
            "kicker": "Escalation risk report",
            "title": f"Escalation risk: {shorten(forecast.dyad.label, 200)}",
            "dyad": dyad,
            "running": shorten(forecast.dyad.label, 60),
            "as_of": wording.long_day(forecast.as_of),
            "author": author or organisation,
            "byline": " · ".join(names),
            "footer": " · ".join([f"Run {shorten(forecast.run_id, 60)}", *names[:1]]),
            "description": f"Probabilities of escalation as of {wording.long_day(forecast.as_of)}",
            "paper": paper,
        },
        "colours": {
            name: {"colour": value}
            for name, value in (
                ("ink", palette.INK),
                ("muted", palette.MUTED),
                ("rule", palette.RULE),
                ("accent", palette.ACCENT),
                ("stamp", palette.STAMP),
            )
        },
        "stamp": None if forecast.converged else front_page.STAMP,
        "failures": [] if forecast.converged else failures or ["The run is recorded as not converged."],
        "warnings": list(analysis.warnings),
        "headline": front_page.headline_content(forecast),
        "foundations": [
            *front_page.foundations(forecast, analysis),
            track_sentence(forecast, track_record),
        ],
        "milestones": front_page.milestone_groups(forecast),
        "questions": explanation.question_rows(forecast),
        "curve": {
            "path": "figures/probability.svg",
            "alt": alt_text.describe_curves(forecast),
            "caption": "Chance that each target has happened by a day, with its 90% band; "
            "dots are milestones.",
            "reading": explanation.curve_reading(forecast),
        },
        "tension": None
        if analysis.tension is None
        else {
            "path": "figures/tension.svg",
            "alt": alt_text.describe_tension(analysis.tension, events, forecast),
            "caption": "Inferred tension with its 90% band, and the coded events behind it by kind; "
            "taller marks are more severe.",
            "reading": explanation.tension_reading(analysis.tension),
        },
        "drivers": explanation.driver_content(forecast)
        | {
            "path": "figures/drivers.svg" if forecast.drivers else None,
            "alt": alt_text.describe_drivers(forecast),
            "caption": "Change of the headline chance due to each event, in percentage points; "
            "whiskers show the Monte Carlo error.",
        },
        "track": track_content(forecast, track_record, ledger_record),
        "calendar": explanation.calendar_rows(analysis),
        "parameters": parameter_groups(analysis),
        "method": method_sections(forecast.model, has_tension=analysis.tension is not None),
        "health": evidence.health_sentences(forecast, analysis),
        "data": evidence.data_content(forecast, analysis),
        "recent": evidence.recent_events(events, forecast.as_of),
        "sources": evidence.cited_sources(forecast, events),
        "identity": evidence.identity_rows(forecast, manifest),
    }
