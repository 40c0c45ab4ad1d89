"""Records of a run → the parts of the report, in their order.

To add a part, write its module here and put its function into ``SECTIONS``: the PDF and the HTML page, its
figures, their files for slides and its tables as CSV follow from its blocks.
"""

from __future__ import annotations

from collections.abc import Callable

from forecast.blocks import Section
from forecast.report.run_records import RunRecords
from forecast.report.sections.assumptions import assumptions_section, labels_section
from forecast.report.sections.brief import brief_section
from forecast.report.sections.costs import costs_section
from forecast.report.sections.data import data_section, identity_section, recent_events_section
from forecast.report.sections.method import method_section, methods_section, parameters_section
from forecast.report.sections.questions import members_section, questions_section
from forecast.report.sections.scenarios import rationales_section, scenarios_section
from forecast.report.sections.sources import explained_section, sources_section
from forecast.report.sections.tension import tension_section
from forecast.report.sections.track_record import others_section, scores_section, track_record_section

Made = Callable[[RunRecords], Section | None]
SECTIONS: dict[str, tuple[Made, ...]] = {
    "brief": (brief_section,),
    "milestones": (questions_section, members_section),
    "sources": (sources_section, explained_section, tension_section),
    "assumptions": (assumptions_section, labels_section),
    "scenarios": (scenarios_section, rationales_section),
    "costs": (costs_section,),
    "track-record": (track_record_section, others_section, scores_section),
    "data": (data_section, recent_events_section),
    "method": (method_section, methods_section, parameters_section, identity_section),
}
"""Parts of the report by the name that ``report.sections`` chooses them by, in their order."""
