"""How tense the relation is, and the events behind it."""

from __future__ import annotations

from forecast.report.alt_text import describe_tension
from forecast.report.blocks import Chart, Prose, Section
from forecast.report.explanation import tension_reading
from forecast.report.run_records import RunRecords
from forecast.report.tension_figure import draw_tension


def tension_section(run: RunRecords) -> Section | None:
    """Inferred tension with its regimes; nothing for a model family without it."""
    tension = run.analysis.tension
    if tension is None:
        return None
    chart = Chart(
        name="tension",
        alt=describe_tension(tension, run.events, run.forecast),
        caption="Inferred tension with its 90% band, and the coded events behind it by kind; "
        "taller marks are more severe.",
        draw=lambda: draw_tension(tension, run.events, run.forecast.as_of),
    )
    return Section(
        name="tension",
        title="How tense the relation is",
        blocks=(chart, Prose(text=tension_reading(tension))),
    )
