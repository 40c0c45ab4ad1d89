"""``report.docx``: the report as Word sets it, with native tables and charts and the styles of a template."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from forecast.blocks import (
    Alert,
    Beside,
    Block,
    BottomLine,
    Bullets,
    Cell,
    Chart,
    Entry,
    Heading,
    Pairs,
    Plot,
    Prose,
    Table,
    Track,
    Verbatim,
)
from forecast.errors import InputError, install_command
from forecast.report.build import Content
from forecast.report.drawing import figure_bytes
from forecast.wording import interval_percent

_STYLES = ("Title", "Heading 1", "Heading 2", "List Bullet", "Table Grid", "Normal")
_PICTURE_CM, _CHART_CM = 15.5, 8.0
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_WORKBOOK_ID = "rId1"
_WORKBOOK = (
    f'<c:externalData xmlns:c="{_DRAWING}/chart" xmlns:r="{_R}" r:id="{_WORKBOOK_ID}">'
    '<c:autoUpdate val="0"/></c:externalData>'
)
_INLINE = (
    f'<wp:inline xmlns:wp="{_DRAWING}/wordprocessingDrawing" xmlns:a="{_DRAWING}/main">'
    '<wp:extent cx="0" cy="0"/><wp:docPr id="0" name=""/><wp:cNvGraphicFramePr/>'
    f'<a:graphic><a:graphicData uri="{_DRAWING}/chart"><c:chart xmlns:c="{_DRAWING}/chart"/>'
    "</a:graphicData></a:graphic></wp:inline>"
)


def word_report(content: Content, template: Path | None = None) -> bytes:
    """Return the document; ``template`` is a .docx whose styles and page are taken, its text is not.

    Raises ``InputError`` where python-docx is not installed, or the template cannot be read or lacks a style.
    """
    try:
        import docx
        from docx.opc.exceptions import PackageNotFoundError
    except ImportError as error:
        raise InputError(f"--docx needs python-docx. Install it: {install_command('office')}") from error
    try:
        document = docx.Document(None if template is None else str(template))
    except (OSError, ValueError, KeyError, PackageNotFoundError) as error:
        raise InputError(f"{template}: is no Word document that can be read ({error})") from error
    if template is not None:
        body = document.element.body
        for part in [part for part in body if not part.tag.endswith("}sectPr")]:
            body.remove(part)
    known = {style.name for style in document.styles}
    if missing := [name for name in _STYLES if name not in known]:
        raise InputError(
            f"{template}: lacks the style{'s' if len(missing) > 1 else ''} {', '.join(missing)}. Add them in "
            "Word, or leave the template away"
        )
    writer = _Writer(document)
    document.core_properties.title = content.meta["title"]
    document.core_properties.author = content.meta["author"] or ""
    document.add_paragraph(content.meta["head"], style="Title")
    for line in filter(
        None, (content.stamp, content.meta["classification"], f"As of {content.meta['as_of']}")
    ):
        document.add_paragraph(line)
    for section in content.sections:
        if section.title:
            document.add_paragraph(section.title, style="Heading 1")
        writer.blocks(section.blocks)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


class _Writer:
    """Appends blocks to a document."""

    def __init__(self, document: Any) -> None:  # noqa: ANN401 - python-docx carries no types
        self.document, self.charts = document, 0

    def blocks(self, blocks: Iterable[Block]) -> None:
        """Append each in a way of its own."""
        for block in blocks:
            self._block(block)

    def _block(self, block: Block) -> None:
        match block:
            case Heading(text):
                self._text(text, "Heading 2")
            case Prose(text, lead):
                self._text(text, lead=lead)
            case Bullets(items):
                self._list(items)
            case Verbatim(lines):
                self._text("\n".join(lines))
            case Pairs(items):
                self._list(f"{name}: {value}" for name, value in items)
            case Entry(text, inner):
                self._text("", lead=text)
                self.blocks(inner)
            case Alert():
                self._text("", lead=block.text)
                self._list(block.items)
            case BottomLine():
                self._text(block.sentence, lead=f"{block.percent}, {block.interval}.")
                for detail in filter(None, (block.change, *block.details)):
                    self._text(detail)
            case Beside():
                self.blocks((*block.left, *block.right))
            case Chart():
                self._chart(block)
            case Table():
                self._table(block)
            case _:
                raise TypeError(f"no way to set a {block.kind} in Word")

    def _text(self, text: str, style: str = "Normal", lead: str = "") -> None:
        paragraph = self.document.add_paragraph(style=style)
        if lead:
            paragraph.add_run(f"{lead} ").bold = True
        paragraph.add_run(text)

    def _list(self, items: Iterable[str]) -> None:
        for item in items:
            self._text(item, "List Bullet")

    def _chart(self, chart: Chart) -> None:
        from docx.shared import Cm

        self._text(chart.headline, "Heading 2")
        if chart.plot:
            self._native_chart(chart.plot, chart)
        else:
            picture = self.document.add_picture(
                io.BytesIO(figure_bytes(chart.draw(), "png")), width=Cm(_PICTURE_CM)
            )
            picture._inline.docPr.set("descr", chart.alt)
        self._text(chart.caption)

    def _native_chart(self, plot: Plot, chart: Chart) -> None:
        """Put a chart with the workbook of its numbers into the document: python-docx itself has none."""
        from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part
        from docx.oxml import parse_xml
        from docx.shared import Cm

        self.charts += 1
        part = self.document.part
        drawn, book = chart_parts(plot)
        workbook = Part(
            PackURI(f"/word/embeddings/chart{self.charts}.xlsx"), CONTENT_TYPE.SML_SHEET, book, part.package
        )
        native = Part(
            PackURI(f"/word/charts/chart{self.charts}.xml"), CONTENT_TYPE.DML_CHART, drawn, part.package
        )
        native.rels.add_relationship(RELATIONSHIP_TYPE.PACKAGE, workbook, _WORKBOOK_ID)
        inline = parse_xml(_INLINE)
        inline.extent.cx, inline.extent.cy = Cm(_PICTURE_CM), Cm(_CHART_CM)
        inline.docPr.id = part.next_id
        inline.docPr.name = chart.name
        inline.docPr.set("descr", chart.alt)
        shown = inline.graphic.graphicData[0]
        shown.set(f"{{{_R}}}id", part.relate_to(native, RELATIONSHIP_TYPE.CHART))
        self.document.add_paragraph().add_run()._r.add_drawing(inline)

    def _table(self, table: Table) -> None:
        if table.title:
            self._text("", lead=table.title)
        # What is only drawn has its numbers in the columns beside it.
        rows = [row for group in table.groups for row in group.rows]
        told = [k for k in range(len(table.columns)) if not rows or any(cell_text(row[k]) for row in rows)]
        grid = self.document.add_table(rows=1, cols=len(told), style="Table Grid")
        for cell, column in zip(grid.rows[0].cells, (table.columns[k] for k in told), strict=True):
            cell.paragraphs[0].add_run(" ".join(filter(None, (column.head, column.note)))).bold = True
        for group in table.groups:
            if group.label:
                merged = grid.add_row().cells
                head = merged[0].merge(merged[-1]) if len(merged) > 1 else merged[0]
                label = " · ".join(filter(None, (group.label, group.note, group.detail)))
                head.paragraphs[0].add_run(label).bold = True
            for row in group.rows:
                for place, k in zip(grid.add_row().cells, told, strict=True):
                    place.text = cell_text(row[k])
        self.document.add_paragraph()


def chart_parts(plot: Plot) -> tuple[bytes, bytes]:
    """Return a plot as the chart of an office program, and as the workbook that it is edited in.

    Raises ``InputError`` where python-pptx is not installed, which writes both.
    """
    try:
        from pptx.chart.chart import Chart as OfficeChart
        from pptx.chart.data import CategoryChartData, XyChartData
        from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
        from pptx.opc.oxml import serialize_part_xml
        from pptx.oxml import parse_xml
        from pptx.util import Pt
    except ImportError as error:
        raise InputError(f"--docx needs python-pptx. Install it: {install_command('office')}") from error
    kinds = {
        "lines": XL_CHART_TYPE.LINE,
        "columns": XL_CHART_TYPE.COLUMN_CLUSTERED,
        "bars": XL_CHART_TYPE.BAR_CLUSTERED,
        "points": XL_CHART_TYPE.XY_SCATTER,
    }
    data = (XyChartData if plot.kind == "points" else CategoryChartData)(number_format="0%")
    if plot.kind != "points":
        data.categories = list(plot.places)
    for name, values in plot.series.items():
        series = data.add_series(name, values) if plot.kind != "points" else data.add_series(name)
        for x, y in zip(plot.places, values, strict=True) if plot.kind == "points" else ():
            if y is not None:
                series.add_data_point(x, y)
    root = parse_xml(data.xml_bytes(kinds[plot.kind]))
    chart = OfficeChart(root, None)
    chart.has_title, chart.has_legend, chart.font.size = False, True, Pt(9)
    chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    if plot.kind == "bars":
        chart.category_axis.reverse_order = True
    root.append(parse_xml(_WORKBOOK))
    return serialize_part_xml(root), data.xlsx_blob


def cell_text(cell: Cell) -> str:
    """Return the text of a cell; of an interval drawn on a scale its numbers."""
    if not cell.text and isinstance(cell.mark, Track):
        return interval_percent((cell.mark.lower, cell.mark.upper))
    return f"{cell.text} ({cell.note})" if cell.note else cell.text
