"""``report.docx``: the report as Word sets it, with native tables and the styles of a template."""

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
_PICTURE_CM = 15.5


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
        self.document = document

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
        picture = self.document.add_picture(
            io.BytesIO(figure_bytes(chart.draw(), "png")), width=Cm(_PICTURE_CM)
        )
        picture._inline.docPr.set("descr", chart.alt)
        self._text(chart.caption)

    def _table(self, table: Table) -> None:
        if table.title:
            self._text("", lead=table.title)
        grid = self.document.add_table(rows=1, cols=len(table.columns), style="Table Grid")
        for cell, column in zip(grid.rows[0].cells, table.columns, strict=True):
            cell.paragraphs[0].add_run(" ".join(filter(None, (column.head, column.note)))).bold = True
        for group in table.groups:
            if group.label:
                merged = grid.add_row().cells
                head = merged[0].merge(merged[-1]) if len(merged) > 1 else merged[0]
                label = " · ".join(filter(None, (group.label, group.note, group.detail)))
                head.paragraphs[0].add_run(label).bold = True
            for row in group.rows:
                for place, cell in zip(grid.add_row().cells, row, strict=True):
                    place.text = cell_text(cell)
        self.document.add_paragraph()


def cell_text(cell: Cell) -> str:
    """Return the text of a cell; of an interval drawn on a scale its numbers."""
    if not cell.text and isinstance(cell.mark, Track):
        return interval_percent((cell.mark.lower, cell.mark.upper))
    return f"{cell.text} ({cell.note})" if cell.note else cell.text
