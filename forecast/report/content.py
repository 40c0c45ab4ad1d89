"""Records of a run → the content of the report: sections of finished texts, every wording rule applied.

To add a section, write its module in ``sections`` and put its function into ``SECTIONS``: the PDF and the
HTML page, its figures, their files for slides and its tables as CSV follow from its blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from forecast import wording
from forecast.blocks import Chart, Section, Table, as_content, walk
from forecast.report import palette
from forecast.report.run_records import RunRecords
from forecast.report.sections.assumptions import assumptions_section
from forecast.report.sections.basis import basis_section
from forecast.report.sections.brief import brief_section
from forecast.report.sections.data import data_section, identity_section, recent_events_section
from forecast.report.sections.drivers import drivers_section
from forecast.report.sections.impact import impact_section
from forecast.report.sections.indicators import indicators_section
from forecast.report.sections.method import method_section, parameters_section
from forecast.report.sections.milestones import milestones_section
from forecast.report.sections.outlook import calendar_section, outlook_section
from forecast.report.sections.scenarios import scenarios_section
from forecast.report.sections.tension import tension_section
from forecast.report.sections.track_record import track_record_section
from forecast.report.typeface import current_typeface, shorten

Made = Callable[[RunRecords], Section | None]
SECTIONS: dict[str, tuple[Made, ...]] = {
    "brief": (brief_section, basis_section),
    "milestones": (milestones_section,),
    "outlook": (outlook_section,),
    "calendar": (calendar_section,),
    "tension": (tension_section,),
    "impact": (impact_section,),
    "drivers": (drivers_section,),
    "indicators": (indicators_section,),
    "scenarios": (scenarios_section,),
    "assumptions": (assumptions_section,),
    "track-record": (track_record_section,),
    "method": (method_section,),
    "parameters": (parameters_section,),
    "data": (data_section,),
    "recent-events": (recent_events_section,),
    "sources": (identity_section,),
}
"""Parts of the report by the name that ``report.sections`` chooses them by, in their order."""
UNCONVERGED = "DID NOT CONVERGE – do not use"


@dataclass(frozen=True, kw_only=True)
class Content:
    """All that a report shows; ``meta`` and ``colours`` are those of every page and of the metadata."""

    meta: dict[str, Any]
    colours: dict[str, Any]
    stamp: str | None
    sections: tuple[Section, ...]
    attaches_events: bool = True
    attachment: str = "Every coded event of this run"

    def charts(self) -> tuple[Chart, ...]:
        """Every chart, in its order."""
        return tuple(block for one in self.sections for block in walk(one.blocks) if isinstance(block, Chart))

    def tables(self) -> tuple[Table, ...]:
        """Every table, in its order."""
        return tuple(block for one in self.sections for block in walk(one.blocks) if isinstance(block, Table))

    def as_json(self) -> dict[str, Any]:
        """JSON values for the templates (``content.json``)."""
        return {
            "meta": self.meta,
            "colours": self.colours,
            "stamp": self.stamp,
            "attaches_events": self.attaches_events,
            "attachment": self.attachment,
            "families": list(current_typeface().families),
            "sections": as_content(self.sections),
        }


def make_brief(run: RunRecords) -> Content:
    """Return the two pages of the brief alone."""
    return replace(make_content(run, ("brief",)), attaches_events=False)


def frame_colours(accent: str | None = None) -> dict[str, Any]:
    """Colours of the frame of every page."""
    colours = {
        "ink": palette.INK,
        "muted": palette.MUTED,
        "rule": palette.RULE,
        "accent": accent or palette.ACCENT,
        "stamp": palette.STAMP,
    }
    return {name: {"colour": colour} for name, colour in colours.items()}


def make_content(run: RunRecords, only: tuple[str, ...] | None = None) -> Content:
    """Return what the report shows of a run: the parts that its options choose, or ``only`` these."""
    forecast, options = run.forecast, run.options
    chosen = only or options.sections
    names = [shorten(name, 60) for name in (options.organisation, options.author) if name]
    pair = shorten(forecast.dyad.label, 120)
    kicker = "Escalation risk report"
    as_of = wording.long_day(forecast.as_of)
    return Content(
        meta={
            "kicker": f"{kicker} · {shorten(pair, 60)}" if options.title else kicker,
            "title": shorten(options.title or f"Escalation risk: {forecast.dyad.label}", 200),
            "head": shorten(options.title, 120) if options.title else pair,
            "running": shorten(options.title or f"{shorten(pair, 60)} · escalation risk", 80),
            "as_of": as_of,
            "author": options.author or options.organisation,
            "byline": " · ".join(names),
            "footer": " · ".join([f"Run {shorten(forecast.run_id, 60)}", *names[:1]]),
            "description": f"Probabilities of escalation as of {as_of}",
            "paper": options.paper,
            "classification": shorten(options.classification, 80) if options.classification else None,
            "logo": options.logo
            and {
                "path": f"logo{options.logo.path.suffix.lower()}",
                "alt": f"Logo of {shorten(options.organisation, 60)}" if options.organisation else "Logo",
            },
        },
        colours=frame_colours(options.accent),
        stamp=None if forecast.converged else UNCONVERGED,
        sections=tuple(
            made
            for name, functions in SECTIONS.items()
            if chosen is None or name in chosen
            for section in functions
            if (made := section(run)) is not None
        ),
    )
