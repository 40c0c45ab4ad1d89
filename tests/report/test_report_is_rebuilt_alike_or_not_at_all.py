"""Same run, same bytes; a damaged run or template gives one clear error and no half report."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from datetime import date

import pytest

from forecast.blocks import Bar, Cell, Column, Group, Table
from forecast.errors import ForecastError, RunFolderError
from forecast.report import build as build_module
from forecast.report.build import build_report, export_figures, make_content, table_csv
from forecast.report.run_records import ReportOptions
from forecast.report.typesetting import compile_pdf
from tests.report.conftest import make_records, write_run

OPTIONS = ReportOptions(author="A. Analyst", organisation="Strait Risk Desk")


def fingerprints(folder):
    files = (
        *(folder / name for name in ("brief.pdf", "report.pdf", "report.html")),
        *folder.glob("figures/*"),
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_another_process_with_another_hash_seed_gives_the_same_bytes(base_run):
    before = fingerprints(base_run)
    code = (
        "import sys, pathlib; from forecast.report.build import ReportOptions, build_report; "
        "build_report(pathlib.Path(sys.argv[1]), "
        "ReportOptions(author='A. Analyst', organisation='Strait Risk Desk'))"
    )
    environment = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PATH": "/usr/bin:/bin"}
    environment["HOME"] = str(base_run.parent)
    subprocess.run([sys.executable, "-c", code, str(base_run)], check=True, env=environment, timeout=120)
    assert fingerprints(base_run) == before
    charts = {"course.svg", "months.svg", "tension.svg"}
    assert set(before) == {"brief.pdf", "report.pdf", "report.html", *charts}


@pytest.mark.parametrize("name", ["forecast.json", "analysis.json", "events.csv", "manifest.json"])
def test_a_missing_file_is_named(tmp_path, name):
    run = write_run(tmp_path / "run")
    (run / name).unlink()
    with pytest.raises(RunFolderError, match=rf"{name}: file missing\. A whole run folder is needed"):
        build_report(run, OPTIONS)
    assert not (run / "report.pdf").exists()


def test_an_altered_record_names_file_and_key(tmp_path):
    run = write_run(tmp_path / "run")
    path = run / "forecast.json"
    text = path.read_text(encoding="utf-8").replace('"converged":true', '"converged":"perhaps"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"forecast\.json: converged: .*run the forecast again"):
        build_report(run, OPTIONS)


def test_a_failed_build_leaves_the_older_report_untouched(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run")
    (run / "report.pdf").write_bytes(b"older")

    def refuse(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build_module, "compile_pdf", refuse)
    with pytest.raises(RunFolderError, match=r"could not be written \(No space left on device\)"):
        build_report(run, OPTIONS)
    assert (run / "report.pdf").read_bytes() == b"older"
    assert not (run / "figures").exists()
    assert not list(run.glob(".report-*"))


def write_template(folder, source):
    path = folder / "house-style.typ"
    path.write_text(source, encoding="utf-8")
    return path


def test_a_figure_that_is_not_there_is_an_error_and_not_a_gap(tmp_path):
    source = '#set document(title: "t")\n#image("figures/tension.svg", alt: "a")'
    template = write_template(tmp_path, source)
    with pytest.raises(ForecastError, match=r"file not found"):
        compile_pdf({}, (), (), date(2023, 7, 10), template=template)


def test_the_template_cannot_read_outside_its_folder_nor_fetch_packages(tmp_path):
    for source in ('#read("../../../etc/passwd")', '#import "@preview/cetz:0.3.0"'):
        with pytest.raises(ForecastError, match="typst could not set the report"):
            compile_pdf({}, (), (), date(2023, 7, 10), template=write_template(tmp_path, source))


def test_every_chart_is_written_as_svg_and_png_with_the_same_bytes_each_time(forecast, tmp_path):
    content = make_content(make_records(forecast))
    small = replace(content, sections=tuple(one for one in content.sections if one.name == "tension"))
    first, second = (export_figures(small, tmp_path / name) for name in "ab")
    assert [path.name for path in first] == ["tension.png", "tension.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in first[1].read_bytes()


def test_what_a_spreadsheet_would_run_is_written_as_text():
    share = Cell(mark=Bar(value=0.5, colour="#000000"))
    row = (Cell(text="=HYPERLINK(1)", note="second"), share, Cell(text="−0.5", value=-0.5))
    columns = tuple(map(Column, ("What", "Share", "Number")))
    table = Table(name="t", title="t", columns=columns, groups=(Group(label="=1+1", rows=(row,)),))
    assert table_csv(table) == "Group,What,Number\r\n'=1+1,'=HYPERLINK(1) · second,-0.5\r\n"
