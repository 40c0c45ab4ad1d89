"""Records of a run → the parts of the report, in their order.

To add a part, write its module here and put its function into ``SECTIONS``: the PDF and the HTML page, its
figures, their files for slides and its tables as CSV follow from its blocks.
"""

from __future__ import annotations

from collections.abc import Callable

from forecast.blocks import Section
from forecast.report.run_records import RunRecords
from forecast.report.sections.assumptions import assumptions_section
from forecast.report.sections.brief import basis_section, brief_section, calendar_section
from forecast.report.sections.data import data_section, identity_section, recent_events_section
from forecast.report.sections.drivers import drivers_section, indicators_section
from forecast.report.sections.method import method_section, parameters_section
from forecast.report.sections.milestones import impact_section, milestones_section
from forecast.report.sections.outlook import outlook_section
from forecast.report.sections.scenarios import scenarios_section
from forecast.report.sections.tension import tension_section
from forecast.report.sections.track_record import track_record_section

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
