"""A saved run → its files for an office: Word, PowerPoint and Excel."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from forecast.config import load_config
from forecast.errors import InputError
from forecast.report.build import make_content
from forecast.report.run_records import read_run_records, report_options
from forecast.report.slides import slide_brief
from forecast.report.typesetting import typeface, using_typeface
from forecast.report.word import word_report
from forecast.report.workbook import workbook
from forecast.runs import files
from forecast.runs.folder import changed_run_folder, claimed, record_outputs, refuse_changed_files
from forecast.storage import write_file
from forecast.workflows.report import require_run_folder


def write_office_files(folder: Path, kinds: Iterable[str], templates: Iterable[Path] = ()) -> dict[str, Path]:
    """Write a saved run as ``docx`` (report), ``pptx`` (brief) and ``xlsx`` (every number) into its folder.

    ``templates`` are files of an organisation, taken by how their names end. All files are made before one is
    written.

    Raises
    ------
    RunFolderError
        The folder is no run folder, or a file of it is missing or altered.
    InputError
        A template cannot be used, belongs to no file that is written, or a library is not installed.
    """
    chosen = list(dict.fromkeys(kinds))
    by_kind: dict[str, Path] = {}
    for template in templates:
        kind = template.suffix.lower().removeprefix(".")
        if kind not in ("docx", "pptx") or kind not in chosen or kind in by_kind:
            raise InputError(
                f"--office-template {template}: expected one .docx with --docx or one .pptx with --pptx"
            )
        if not template.is_file():
            raise InputError(f"--office-template {template}: no such file. Check the path")
        by_kind[kind] = template
    require_run_folder(folder)
    with claimed(folder):
        refuse_changed_files(folder, advice="")
        options = report_options(load_config(folder / files.CONFIG))
        run = read_run_records(folder, options)
        made: dict[str, bytes] = {}
        for kind in chosen:
            match kind:
                case "docx":
                    with using_typeface(typeface(options.fonts)):
                        made[files.WORD] = word_report(make_content(run).printed(), by_kind.get(kind))
                case "pptx":
                    made[files.SLIDES] = slide_brief(run.forecast, run.track_record, by_kind.get(kind))
                case _:
                    made[files.WORKBOOK] = workbook(run.forecast, run.analysis)
        with changed_run_folder(folder) as filling:
            for name, content in made.items():
                write_file(filling / name, content)
            record_outputs(filling, made)
    return dict(zip(chosen, (folder / name for name in made), strict=True))
