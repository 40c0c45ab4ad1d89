"""The sections of the report, in their order.

A section is one module here: a function from the records of a run to a ``Section`` of blocks, or to ``None``
when the run has nothing to show in it. To add one, write its module and put its function into ``SECTIONS``:
the PDF and the HTML page, its figures, their files for slides and its tables as CSV follow from its blocks.
"""

from __future__ import annotations

from collections.abc import Callable

from forecast.report.blocks import Section
from forecast.report.run_records import RunRecords
from forecast.report.sections.assumptions import assumptions_section
from forecast.report.sections.calendar import calendar_section
from forecast.report.sections.data import data_section
from forecast.report.sections.drivers import drivers_section
from forecast.report.sections.front import front_section
from forecast.report.sections.identity import identity_section
from forecast.report.sections.impact import impact_section
from forecast.report.sections.indicators import indicators_section
from forecast.report.sections.method import method_section
from forecast.report.sections.milestones import all_milestones_section, milestones_section
from forecast.report.sections.outlook import outlook_section
from forecast.report.sections.parameters import parameters_section
from forecast.report.sections.recent_events import recent_events_section
from forecast.report.sections.scenarios import scenarios_section
from forecast.report.sections.tension import tension_section
from forecast.report.sections.track_record import track_record_section

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


def report_sections(run: RunRecords) -> tuple[Section, ...]:
    """Return every section that the run has something to show in."""
    made = (section(run) for section in SECTIONS)
    return tuple(section for section in made if section is not None)
