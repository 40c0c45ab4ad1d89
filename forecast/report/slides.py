"""``brief.pptx``: the answer in six slides, with native tables and charts that can be edited."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from forecast import wording
from forecast.blocks import Alert
from forecast.errors import InputError, install_command
from forecast.records.forecast import Forecast, TargetForecast
from forecast.records.history import TrackRecord, own_record
from forecast.report.headline import cautions, judgement
from forecast.report.judgement import headline_pair, record_sentences, step_name
from forecast.report.sections.costs import act_sentence
from forecast.report.typesetting import shorten

_DAYS_APART = 7
_MARGIN_CM, _TOP_CM = 1.5, 4.0
_MOST_SCENARIOS = 10


def slide_brief(forecast: Forecast, record: TrackRecord | None, template: Path | None = None) -> bytes:
    """Return the slides; ``template`` is a .pptx whose master and layouts are taken, its slides are not.

    Raises ``InputError`` where python-pptx is not installed, or the template cannot be read or has no layout
    with a title.
    """
    try:
        from pptx import Presentation
        from pptx.exc import PackageNotFoundError
    except ImportError as error:
        raise InputError(f"--pptx needs python-pptx. Install it: {install_command('office')}") from error
    try:
        deck = Presentation(None if template is None else str(template))
    except (OSError, ValueError, KeyError, PackageNotFoundError) as error:
        raise InputError(f"{template}: is no PowerPoint file that can be read ({error})") from error
    writer = _Deck(deck, template)
    target, _ = headline_pair(forecast)
    answer = judgement(forecast, record)
    stamp = () if forecast.converged else ("DID NOT CONVERGE – do not use",)
    writer.text(
        f"{answer.percent}: {target.label}", (*stamp, answer.sentence, answer.interval, *answer.details)
    )
    writer.table("Every event before each milestone", _milestone_rows(forecast))
    writer.curve(f"When: {target.label}", target)
    if forecast.waterfall:
        names = [step_name(forecast, step) for step in forecast.waterfall]
        levels = [0.0, *(step.probability for step in forecast.waterfall)]
        writer.waterfall("Where the number comes from", names, levels)
    if scenarios := _scenarios(forecast):
        writer.bars("What scenarios change, in points", [*dict(scenarios)], [*dict(scenarios).values()])
    act = [block.text for block in act_sentence(forecast)]
    bear = [item for block in cautions(forecast) if isinstance(block, Alert) for item in block.items]
    writer.text(
        "How good such forecasts were, and what to bear in mind",
        (*record_sentences(forecast, own_record(forecast, record)), *act, *bear),
    )
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


def _milestone_rows(forecast: Forecast) -> list[list[str]]:
    milestones = forecast.targets[0].milestones
    rows = [["Event", *(f"{wording.short_day(one.date)}, {one.label}" for one in milestones)]]
    for target in forecast.targets:
        said = (
            f"{wording.percent(one.probability)} ({wording.interval_percent(one.interval90)})"
            for one in target.milestones
        )
        rows.append([target.label, *said])
    return rows


def _scenarios(forecast: Forecast) -> list[tuple[str, float]]:
    """Scenarios by the size of what they change in the headline, in points."""
    asked = forecast.headline
    found = [
        (scenario.label, 100 * one.difference.value)
        for scenario in forecast.scenarios
        if not scenario.withheld
        for one in scenario.target(asked.target).milestones
        if one.name == asked.milestone
    ]
    return sorted(found, key=lambda change: -abs(change[1]))[:_MOST_SCENARIOS]


class _Deck:
    """Adds slides of one kind of content each."""

    def __init__(self, deck: Any, template: Path | None) -> None:  # noqa: ANN401 - python-pptx carries no types
        from pptx.enum.shapes import PP_PLACEHOLDER
        from pptx.util import Cm

        self.deck, self.cm, self.own = deck, Cm, template is None
        if template is None:
            deck.slide_width, deck.slide_height = Cm(33.867), Cm(19.05)
        titled = [
            layout
            for layout in deck.slide_layouts
            if any(
                one.placeholder_format.type in (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE)
                for one in layout.placeholders
            )
        ]
        if not titled:
            raise InputError(f"{template}: has no layout with a title. Add one, or leave the template away")
        self.layout = min(titled, key=lambda layout: len(layout.placeholders))
        slides = deck.slides._sldIdLst
        for old in list(slides):
            deck.part.drop_rel(old.rId)
            slides.remove(old)

    def _slide(self, title: str) -> tuple[Any, tuple[Any, Any, Any, Any]]:
        slide = self.deck.slides.add_slide(self.layout)
        slide.shapes.title.text = shorten(title, 120)
        margin, top = self.cm(_MARGIN_CM), self.cm(_TOP_CM)
        width = self.deck.slide_width - 2 * margin
        if self.own:  # the library's layout is made for a narrower slide
            slide.shapes.title.left, slide.shapes.title.width = margin, width
        return slide, (margin, top, width, self.deck.slide_height - top - margin)

    def text(self, title: str, lines: Sequence[str]) -> None:
        """A slide of paragraphs."""
        from pptx.util import Pt

        slide, place = self._slide(title)
        frame = slide.shapes.add_textbox(*place).text_frame
        frame.word_wrap = True
        for number, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            paragraph.text = line
            paragraph.font.size = Pt(16 if len(lines) < 7 else 12)
            paragraph.space_after = Pt(8)

    def table(self, title: str, rows: Sequence[Sequence[str]]) -> None:
        """A slide with a native table; the first row is its head."""
        from pptx.util import Pt

        slide, (left, top, width, _) = self._slide(title)
        shape = slide.shapes.add_table(len(rows), len(rows[0]), left, top, width, self.cm(1.2 * len(rows)))
        for line, row in enumerate(rows):
            for column, text in enumerate(row):
                cell = shape.table.cell(line, column)
                cell.text = text
                cell.text_frame.paragraphs[0].font.size = Pt(12)

    def curve(self, title: str, target: TargetForecast) -> None:
        """A slide with the probability by day and its 90% interval, a point a week."""
        from pptx.chart.data import CategoryChartData
        from pptx.enum.chart import XL_CHART_TYPE

        curve = target.curve
        chosen = sorted({*range(0, len(curve.date), _DAYS_APART), len(curve.date) - 1})
        data = CategoryChartData(number_format="0%")
        data.categories = [curve.date[day] for day in chosen]
        for name, values in (
            ("Probability", curve.probability),
            ("Lower end, 90%", curve.lower90),
            ("Upper end, 90%", curve.upper90),
        ):
            data.add_series(name, [values[day] for day in chosen])
        slide, place = self._slide(title)
        chart = slide.shapes.add_chart(XL_CHART_TYPE.LINE, *place, data).chart
        chart.has_legend = True
        chart.value_axis.minimum_scale, chart.value_axis.maximum_scale = 0.0, 1.0

    def waterfall(self, title: str, names: Sequence[str], levels: Sequence[float]) -> None:
        """A slide with a native chart of steps from one level to the next; ``levels`` begins with 0."""
        from pptx.chart.data import CategoryChartData
        from pptx.enum.chart import XL_CHART_TYPE

        steps = [*pairwise(levels), (0.0, levels[-1])]
        data = CategoryChartData(number_format="0%")
        data.categories = [*names, "Headline"]
        data.add_series("", [min(ends) for ends in steps])
        data.add_series("Raises", [max(after - before, 0.0) for before, after in steps])
        data.add_series("Lowers", [max(before - after, 0.0) for before, after in steps])
        slide, place = self._slide(title)
        chart = slide.shapes.add_chart(XL_CHART_TYPE.BAR_STACKED, *place, data).chart
        chart.has_legend = False
        chart.category_axis.reverse_order = True
        chart.plots[0].gap_width, chart.plots[0].overlap = 40, 100
        chart.plots[0].series[0].format.fill.background()

    def bars(self, title: str, names: Sequence[str], values: Sequence[float]) -> None:
        """A slide with a native bar chart, the first bar on top."""
        from pptx.chart.data import CategoryChartData
        from pptx.enum.chart import XL_CHART_TYPE

        data = CategoryChartData(number_format="0.0")
        data.categories = list(names)
        data.add_series(title, list(values))
        slide, place = self._slide(title)
        chart = slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *place, data).chart
        chart.has_legend = False
        chart.category_axis.reverse_order = True
        chart.plots[0].has_data_labels = True
