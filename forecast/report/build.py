"""A run folder → its report: PDFs, ``report.html``, ``figures/*.svg``, and ``numbers.xlsx`` where asked for.

Their content is made of finished texts, every wording rule applied: ``SECTIONS`` has its parts.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.blocks import Answer, Cell, Chart, Column, Section, Table, as_content, walk
from forecast.errors import InputError, RunFolderError, install_command
from forecast.phrases.notices import TOO_LITTLE
from forecast.records.analysis import Analysis
from forecast.records.forecast import Forecast
from forecast.records.table import Chance, all_chances
from forecast.report.charts import figure_bytes
from forecast.report.evidence_sections import (
    data_section,
    identity_section,
    method_section,
    methods_section,
    parameters_section,
    scores_section,
    track_record_section,
)
from forecast.report.forecast_sections import (
    assumptions_section,
    changes_section,
    moves_section,
    questions_section,
    rationales_section,
    scenarios_section,
    sources_section,
)
from forecast.report.page_1 import bottom_line, brief_section
from forecast.report.palette import ACCENT, INK, MUTED, RULE, STAMP
from forecast.report.run_records import ReportOptions, RunRecords, read_run_records
from forecast.report.tables import alarm
from forecast.report.typesetting import (
    Attachment,
    compile_pdf,
    current_typeface,
    data_address,
    render_content,
    typeface,
    using_typeface,
)
from forecast.runs.files import BRIEF, FIGURES, PAGE, PDF, WORKBOOK
from forecast.storage import csv_text, inert, write_file
from forecast.wording import long_day, shorten

if TYPE_CHECKING:
    from forecast.runs.run import Run

SECTIONS: dict[str, tuple[Callable[[RunRecords], Section | None], ...]] = {
    "brief": (brief_section,),
    "milestones": (questions_section,),
    "sources": (sources_section, changes_section),
    "assumptions": (assumptions_section, moves_section),
    "scenarios": (scenarios_section, rationales_section),
    "track-record": (track_record_section, scores_section),
    "data": (data_section,),
    "method": (method_section, methods_section, parameters_section, identity_section),
}
"""Parts of the report by the name that ``report.sections`` chooses them by, in their order."""
_WITHOUT_CHANCES = ("brief", "data")
"""Parts that print no chance: all that a report has of a record that is too little for a forecast."""
LARGEST_ATTACHMENT = 2_000_000
"""Bytes of ``events.csv`` up to which the page carries it."""
_MOST_ROWS, _MOST_SIGNS = 1_048_575, 32_767
"""Rows below the header that a sheet holds, and signs that a cell holds."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """All that a report shows; ``meta`` and ``colours`` are those of every page and of the metadata."""

    meta: dict[str, Any]
    colours: dict[str, Any]
    stamp: str | None
    sections: tuple[Section, ...]

    def charts(self) -> tuple[Chart, ...]:
        """Every chart, in its order."""
        return tuple(
            block for part in self.sections for block in walk(part.blocks) if isinstance(block, Chart)
        )

    def tables(self) -> tuple[Table, ...]:
        """Every table, in its order."""
        return tuple(
            block for part in self.sections for block in walk(part.blocks) if isinstance(block, Table)
        )

    def printed(self) -> Content:
        """Return the same without what stands in ``report.html`` alone."""
        return replace(self, sections=tuple(section for section in self.sections if section.printed))

    def as_json(self) -> dict[str, Any]:
        """JSON values for the templates (``content.json``)."""
        return {
            "meta": self.meta,
            "colours": self.colours,
            "stamp": self.stamp,
            "families": list(current_typeface().families),
            "sections": as_content(self.sections),
        }


def frame_colours(accent: str | None = None) -> dict[str, Any]:
    """Colours of the frame of every page."""
    frame = {"ink": INK, "muted": MUTED, "rule": RULE, "accent": accent or ACCENT, "stamp": STAMP}
    return {name: {"colour": colour} for name, colour in frame.items()}


def make_content(run: RunRecords, only: tuple[str, ...] | None = None) -> Content:
    """Return what the report shows of a run: the parts that its options choose, or ``only`` these."""
    forecast, options = run.forecast, run.options
    chosen = only or options.sections
    names = [shorten(name, 60) for name in (options.organisation, options.author) if name]
    pair, as_of = shorten(forecast.dyad.label, 120), long_day(forecast.as_of)
    kicker = "Escalation risk report"
    logo = options.logo and {
        "path": f"logo{options.logo.path.suffix.lower()}",
        "alt": f"Logo of {shorten(options.organisation, 60)}" if options.organisation else "Logo",
    }
    parts = (
        section(run)
        for name, sections in SECTIONS.items()
        if (chosen is None or name in chosen) and (name in _WITHOUT_CHANCES or not forecast.too_little)
        for section in sections
    )
    late = ", in hindsight" if forecast.hindsight else ""
    made = f"Made {long_day(forecast.made_on)}{late}" if forecast.made_on else None
    thin = TOO_LITTLE if forecast.too_little else None
    return Content(
        meta={
            "kicker": f"{kicker} · {shorten(pair, 60)}" if options.title else kicker,
            "title": shorten(options.title or f"Escalation risk: {forecast.dyad.label}", 200),
            "head": shorten(options.title, 120) if options.title else pair,
            "pair": shorten(pair, 60) if options.title else "",
            "running": shorten(options.title or f"{shorten(pair, 60)} · escalation risk", 80),
            "as_of": as_of,
            "made": made,
            "author": options.author or options.organisation,
            "byline": " · ".join(names),
            "footer": " · ".join([f"Run {shorten(forecast.run_id, 60)}", *names[:1]]),
            "description": f"Probabilities of escalation as of {as_of}",
            "paper": options.paper,
            "classification": shorten(options.classification, 80) if options.classification else None,
            "logo": logo,
        },
        colours=frame_colours(options.accent),
        stamp="DID NOT CONVERGE – do not use" if not forecast.converged else thin,
        sections=tuple(section for section in parts if section is not None),
    )


@dataclass(frozen=True)
class BuiltReport:
    """Files of a report: in the ``folder`` of the run by name, and charts where they were asked for."""

    folder: Path
    names: tuple[str, ...]
    exported_figures: tuple[Path, ...] = ()

    @property
    def brief(self) -> Path:
        """Page 1."""
        return self.folder / BRIEF

    def other(self, name: str) -> Path | None:
        """Return the PDF, the page or the workbook, where it was built."""
        return self.folder / name if name in self.names else None


def build_report(
    run_dir: Path,
    options: ReportOptions | None = None,
    *,
    notes: tuple[str, ...] = (),
    brief_only: bool = False,
    xlsx: bool = False,
    export_figures_to: Path | None = None,
) -> BuiltReport:
    """Build the reports of a saved run; no posterior is needed and nothing is fitted.

    ``notes`` are printed as warnings on page 1, ``brief_only`` builds page 1 alone, ``xlsx`` writes every
    number into a workbook too, and ``export_figures_to`` is a folder for charts (SVG, PNG). The report is
    replaced whole, and only after all of it is made.

    Raises ``RunFolderError``: a file is missing or not what a run leaves behind, or the folder cannot be
    written. ``EventError``: ``events.csv`` is not valid. ``ForecastError``: typst refused the report.
    """
    run = read_run_records(run_dir, options, notes=notes)
    whole = not brief_only
    try:
        with (
            using_typeface(typeface(run.options.fonts)),
            tempfile.TemporaryDirectory(prefix=".report-", dir=run_dir) as name,
        ):
            folder = Path(name)
            brief = make_content(run, ("brief",))
            content = make_content(run) if whole else brief
            (folder / FIGURES).mkdir()
            figures = write_figures(content, folder / FIGURES)
            made = [*figures] if whole else []
            with ThreadPoolExecutor(1) as pool:  # typst needs no Python while it sets
                pdf = pool.submit(copy_context().run, set_pdf, run, content, figures) if whole else None
                if whole:
                    page = render_page(run, content.as_json(), figures)
                    made.append(_put(folder / PAGE, page.encode()))
                made.append(_put(folder / BRIEF, _set_brief(run, brief, folder, figures)))
                if pdf:
                    made.append(_put(folder / PDF, pdf.result()))
            if xlsx:
                made.append(_put(folder / WORKBOOK, workbook(run.forecast, run.analysis)))
            # Before the report is replaced, so that a folder that cannot be written changes nothing.
            charts = export_figures(content, export_figures_to) if export_figures_to else ()
            (run_dir / FIGURES).mkdir(exist_ok=True)
            for path in made:
                os.replace(path, run_dir / path.relative_to(folder))
    except OSError as error:
        raise RunFolderError(
            f"{run_dir}: the report could not be written ({error.strerror or error}). Check that the folder "
            "can be written and the disk has room; an older report is untouched."
        ) from error
    return BuiltReport(run_dir, tuple(path.relative_to(folder).as_posix() for path in made), charts)


def _put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _set_brief(run: RunRecords, brief: Content, folder: Path, drawn: tuple[Path, ...]) -> bytes:
    """Return the PDF of page 1, without attachments, with figures ``drawn`` for the report."""
    known = {path.name: path for path in drawn}
    names = [f"{chart.name}.svg" for chart in brief.charts()]
    with tempfile.TemporaryDirectory(prefix=".brief-", dir=folder) as name:
        if not known.keys() >= set(names):
            known = {path.name: path for path in write_figures(brief, Path(name))}
        return set_pdf(run, brief, tuple(known[chart] for chart in names), ())


def set_pdf(
    run: RunRecords,
    content: Content,
    figures: tuple[Path, ...],
    attached: tuple[Attachment, ...] | None = None,
) -> bytes:
    """Return the PDF of a content whose figures are drawn; the same input gives the same bytes.

    All events and every table that is not printed are attached to it as CSV, or what is ``attached``.
    """
    printed = content.printed()
    names = {f"{chart.name}.svg" for chart in printed.charts()}
    if attached is None:
        known = {table.name for table in printed.tables()}
        events = run.events.canonical_csv()
        attached = (
            Attachment("events.csv", events, "Every coded event of this run"),
            *(
                Attachment(f"{table.name}.csv", table_csv(table), table.title)
                for table in content.tables()
                if table.name not in known
            ),
        )
    return compile_pdf(
        printed.as_json(),
        tuple(path for path in figures if path.name in names),
        attached,
        run.forecast.made_on or run.forecast.as_of,
        logo=run.options.logo,
    )


def render_page(run: RunRecords, content: Mapping[str, Any], figures: tuple[Path, ...]) -> str:
    """Return the page of a run, the same for the same input."""
    logo, events = run.options.logo, run.events.canonical_csv().encode()
    address = data_address(events, "text/csv;charset=utf-8") if len(events) <= LARGEST_ATTACHMENT else None
    return render_content(
        content,
        {path.stem: path.read_text(encoding="utf-8") for path in figures},
        logo=logo and data_address(logo.content, logo.media_type),
        events={"count": f"{len(run.events):,}", "address": address},
    )


def scale_html(run: Run) -> str:
    """Return page 1's answer on its scale, and whether its draws failed, as a frame of a notebook."""
    assert run.analysis is not None  # as of every run that is handed out
    records = RunRecords(forecast=run.forecast, analysis=run.analysis, events=run.events, manifest={})
    shown = (*alarm(run.forecast), *(one for one in bottom_line(records) if isinstance(one, Answer)))
    content = {"page": as_content(shown), "colours": frame_colours()}
    page = render_content(content, {}, extension='{% include "frame.html" %}')
    return f'<iframe srcdoc="{escape(page)}" style="width:100%;height:26em;border:0"></iframe>'


def write_figures(content: Content, folder: Path) -> tuple[Path, ...]:
    """Draw every chart of the content into an existing folder as ``<name>.svg``; names must differ."""
    names = [chart.name for chart in content.charts()]
    if len(set(names)) < len(names):
        raise ValueError(f"two charts have one name: {', '.join(names)}")
    return tuple(
        _put(folder / f"{chart.name}.svg", figure_bytes(chart.draw(), "svg", ground="none"))
        for chart in content.charts()
    )


# Charts and tables on their own


def export_figures(content: Content, folder: Path) -> tuple[Path, ...]:
    """Write every chart as ``<name>.svg`` and ``<name>.png`` on a white ground."""
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for chart in content.charts():
            figure = chart.draw()
            for kind in ("svg", "png"):
                written.append(folder / f"{chart.name}.{kind}")
                write_file(written[-1], figure_bytes(figure, kind))
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}). Give a folder that can be written."
        ) from error
    return tuple(sorted(written))


def table_csv(table: Table) -> str:
    """Return a table as CSV (RFC 4180, UTF-8, lines end in CR LF).

    A group's label is the first column where there are groups, a cell's second line follows its first after
    ``·``. Marks are left out: their numbers stand beside them.
    """
    grouped = any(group.label for group in table.groups)
    first = next((row for group in table.groups for row in group.rows), (Cell(),) * len(table.columns))
    heads = [head for column, cell in zip(table.columns, first, strict=True) for head in _heads(column, cell)]
    rows: list[list[object]] = [[*(["Group"] if grouped else []), *heads]]
    for group in table.groups:
        label = [group.label] if grouped else []
        rows += ([*label, *(value for cell in row for value in _values(cell))] for row in group.rows)
    return csv_text(rows, end="\r\n")


def _heads(column: Column, cell: Cell) -> list[str]:
    if isinstance(cell.value, tuple):
        return ["Lower 90%", "Upper 90%"]
    return [] if cell.mark is not None else [column.head]


def _values(cell: Cell) -> Iterator[object]:
    if isinstance(cell.value, tuple):
        yield from cell.value
    elif cell.mark is None and cell.value is not None:
        yield cell.value
    elif cell.mark is None:
        yield f"{cell.text} · {cell.note}" if cell.note else cell.text


# Every number as a workbook


def workbook(forecast: Forecast, analysis: Analysis) -> bytes:
    """Return every number as it stands in the JSON files, to 16 digits, one sheet a table.

    Dates are dates, probabilities and changes are parts of one. ``InputError``: openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise InputError(f"`xlsx` needs openpyxl. Install it: {install_command('excel')}") from error
    book = Workbook(write_only=True)
    for name, rows in _sheets(forecast, analysis):
        sheet = book.create_sheet(name[:31])
        sheet.freeze_panes = "A2"
        for row in rows[: _MOST_ROWS + 1]:
            sheet.append([_plain(value) for value in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _sheets(forecast: Forecast, analysis: Analysis) -> Iterator[tuple[str, Sequence[Sequence[object]]]]:
    """Name and rows of each sheet, the header first: every chance, curves, parameters, tension."""
    single = [(name, value) for name, value in forecast if isinstance(value, str | bool | int | float | date)]
    yield "run", [("name", "value"), *single]
    yield "chances", [Chance._fields, *all_chances(forecast, analysis)]
    if analysis.parameters:
        parameters = [dict(_ends_apart(one)) for one in analysis.parameters]
        yield "parameters", [[*parameters[0]], *([*one.values()] for one in parameters)]
    series = {name: values for name, values in analysis.tension if isinstance(values, tuple)}
    yield "tension", [tuple(series), *zip(*series.values(), strict=True)]


def _ends_apart(values: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """Yield names and values, the two ends of an interval apart."""
    for name, value in values:
        if isinstance(value, tuple) and len(value) == 2:
            yield from zip((f"{name}_low", f"{name}_high"), value, strict=True)
        else:
            yield name, value


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | date):
        return value
    return inert(str(value)[:_MOST_SIGNS])
