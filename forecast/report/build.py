"""A run folder → ``report.pdf``, ``report.html`` and ``figures/*.svg`` in it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from forecast.errors import RunFolderError
from forecast.report.content import Content, make_content
from forecast.report.drawing import figure_bytes
from forecast.report.exports import export_figures, export_tables
from forecast.report.html_page import render_page
from forecast.report.pdf import compile_pdf
from forecast.report.run_records import ReportOptions, RunRecords, read_run_records
from forecast.report.typeface import current_typeface, printable_content, typeface, using_typeface
from forecast.runs.files import FIGURES, PAGE, PDF


@dataclass(frozen=True)
class BuiltReport:
    """Files of a report: in the run folder, and where charts and tables were asked for."""

    pdf: Path
    page: Path
    figures: tuple[Path, ...]
    exported_figures: tuple[Path, ...] = ()
    exported_tables: tuple[Path, ...] = ()

    @property
    def in_run_folder(self) -> tuple[Path, ...]:
        """PDF, page and figures."""
        return (self.pdf, self.page, *self.figures)


def build_report(
    run_dir: Path,
    options: ReportOptions | None = None,
    *,
    notes: tuple[str, ...] = (),
    export_figures_to: Path | None = None,
    export_tables_to: Path | None = None,
) -> BuiltReport:
    """Build the reports of a saved run; no posterior is needed and nothing is fitted.

    ``notes`` are printed as warnings on page 1. The report is replaced whole, and only after all of it is
    made. Charts (SVG, PNG) and tables (CSV) go to the folders ``export_figures_to`` and ``export_tables_to``.

    Raises
    ------
    RunFolderError
        A file is missing or not what a run leaves behind, or the folder cannot be written.
    EventError
        ``events.csv`` is not valid.
    ForecastError
        typst refused the report.
    """
    run = read_run_records(run_dir, options, notes=notes)
    with using_typeface(typeface(run.options.fonts)):
        return _build(run, run_dir, export_figures_to, export_tables_to)


def _build(
    run: RunRecords, run_dir: Path, export_figures_to: Path | None, export_tables_to: Path | None
) -> BuiltReport:
    content = make_content(run)
    try:
        with tempfile.TemporaryDirectory(prefix=".report-", dir=run_dir) as name:
            made = _write_report(run, content, Path(name))
            # Before the report is replaced, so that a folder that cannot be written changes nothing.
            charts = export_figures(content, export_figures_to) if export_figures_to else ()
            tables = export_tables(content, export_tables_to) if export_tables_to else ()
            (run_dir / FIGURES).mkdir(exist_ok=True)
            for path in made:
                os.replace(path, run_dir / path.relative_to(name))
    except OSError as error:
        raise RunFolderError(
            f"{run_dir}: the report could not be written ({error.strerror or error}). "
            "Check that the folder can be written and the disk has room; an older report is untouched."
        ) from error
    return BuiltReport(
        pdf=run_dir / PDF,
        page=run_dir / PAGE,
        figures=tuple(run_dir / FIGURES / path.name for path in made if path.suffix == ".svg"),
        exported_figures=charts,
        exported_tables=tables,
    )


def _write_report(run: RunRecords, content: Content, folder: Path) -> tuple[Path, ...]:
    (folder / FIGURES).mkdir()
    figures = write_figures(content, folder / FIGURES)
    pdf, page = folder / PDF, folder / PAGE
    pdf.write_bytes(set_pdf(run, content, figures))
    page.write_text(render_page(run, content, figures), encoding="utf-8")
    return (*figures, page, pdf)


def set_pdf(run: RunRecords, content: Content, figures: tuple[Path, ...]) -> bytes:
    """Return the PDF of a content whose figures are drawn; the same input gives the same bytes."""
    shown = printable_content(content.as_json(), current_typeface().glyphs)
    return compile_pdf(
        shown,
        figures,
        run.events.canonical_csv(),
        run.forecast.as_of,
        logo=run.options.logo,
        template=run.options.template,
    )


def write_figures(content: Content, folder: Path) -> tuple[Path, ...]:
    """Draw every chart of the content into an existing folder, as ``<name>.svg``, and return the files.

    Raises
    ------
    ValueError
        Two charts have the same name: one would overwrite the other.
    """
    paths: list[Path] = []
    for chart in content.charts():
        path = folder / f"{chart.name}.svg"
        if path in paths:
            raise ValueError(f"two charts are named {chart.name!r}")
        path.write_bytes(figure_bytes(chart.draw(), "svg", ground="none"))
        paths.append(path)
    return tuple(paths)
