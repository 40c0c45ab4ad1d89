"""Records of a run → the content of the report: sections of finished texts, every wording rule applied.

To add a section, write its module in ``sections`` and put its function into ``SECTIONS``: the PDF and the
HTML page, its figures, their files for slides and its tables as CSV follow from its blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from forecast import wording
from forecast.config.looks import Logo
from forecast.report import palette
from forecast.report.blocks import Chart, Section, Table, as_content, walk
from forecast.report.run_records import RunRecords
from forecast.report.sections.assumptions import assumptions_section
from forecast.report.sections.data import data_section, identity_section, recent_events_section
from forecast.report.sections.drivers import drivers_section
from forecast.report.sections.front import front_section
from forecast.report.sections.impact import impact_section
from forecast.report.sections.indicators import indicators_section
from forecast.report.sections.method import method_section
from forecast.report.sections.milestones import all_milestones_section, milestones_section
from forecast.report.sections.outlook import calendar_section, outlook_section
from forecast.report.sections.parameters import parameters_section
from forecast.report.sections.scenarios import scenarios_section
from forecast.report.sections.tension import tension_section
from forecast.report.sections.track_record import track_record_section
from forecast.report.typeface import current_typeface, shorten

SECTIONS: tuple[Callable[[RunRecords], Section | None], ...] = (
    front_section,
    milestones_section,
    impact_section,
    outlook_section,
    calendar_section,
    tension_section,
    drivers_section,
    scenarios_section,
    indicators_section,
    assumptions_section,
    track_record_section,
    method_section,
    parameters_section,
    data_section,
    all_milestones_section,
    recent_events_section,
    identity_section,
)
UNCONVERGED = "DID NOT CONVERGE – do not use"


@dataclass(frozen=True, kw_only=True)
class Content:
    """All that a report shows, before any layout.

    ``meta`` holds what stands on every page and in the metadata, ``colours`` those of the frame.
    """

    meta: dict[str, Any]
    colours: dict[str, Any]
    stamp: str | None
    sections: tuple[Section, ...]

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
            "families": list(current_typeface().families),
            "sections": as_content(self.sections),
        }


def make_content(run: RunRecords) -> Content:
    """Return all that the report shows of a run."""
    forecast, options = run.forecast, run.options
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
            "logo": None if options.logo is None else _logo(options.logo, options.organisation),
        },
        colours={
            "ink": {"colour": palette.INK},
            "muted": {"colour": palette.MUTED},
            "rule": {"colour": palette.RULE},
            "accent": {"colour": options.accent or palette.ACCENT},
            "stamp": {"colour": palette.STAMP},
        },
        stamp=None if forecast.converged else UNCONVERGED,
        sections=tuple(made for section in SECTIONS if (made := section(run)) is not None),
    )


def _logo(logo: Logo, organisation: str | None) -> dict[str, str]:
    alt = f"Logo of {shorten(organisation, 60)}" if organisation else "Logo"
    return {"path": f"logo{logo.path.suffix.lower()}", "alt": alt}
