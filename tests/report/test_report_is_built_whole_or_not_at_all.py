"""``forecast report``: same run, same bytes; one clear error and no half report where a file is wrong."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from forecast.blocks import Alert, Bar, Cell, Column, Group, Table
from forecast.errors import RunFolderError
from forecast.report import build as build_module
from forecast.report.build import build_report, export_figures, make_content, table_csv
from forecast.report.page_1 import brief_section
from forecast.report.run_records import ReportOptions, read_run_records
from forecast.runs.files import BY_FORCE, check_folder, output_hashes, record_outputs
from forecast.workflows.report import latest_earlier_run
from tests.report.conftest import AS_OF, make_analysis, make_records, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("runs") / "2023-07-10")
    record_outputs(folder, output_hashes(folder))
    return folder


@pytest.fixture(scope="module")
def answer(run, command, tmp_path_factory):
    """Everything asked for at once: the answer of the command, its folders, the PDF."""
    place = tmp_path_factory.mktemp("parts")
    code, out, err = command(
        *("report", run, "--paper", "us-letter"),
        *("--figures", place / "figures", "--json"),
    )
    assert (code, err) == (0, "")
    return json.loads(out)


def test_the_answer_names_every_file_and_each_is_there(answer, run):
    assert answer["report"] == str(run / "report.pdf")
    assert answer["page"] == str(run / "report.html")
    assert {Path(name).suffix for name in answer["figures"]} == {".svg", ".png"}
    for name in (answer["report"], answer["page"], *answer["figures"]):
        assert Path(name).stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--since", "no-such-run"), "no-such-run: there is no such folder"),
        (("--paper", "a5"), "a5"),
        (("--figures", __file__), "test_report_is_built_whole_or_not_at_all.py: cannot be written"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_clear_error_and_leaves_the_report(
    run, command, arguments, message
):
    before = output_hashes(run)
    code, out, err = command("report", run, *arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert output_hashes(run) == before


def test_a_use_that_the_terms_bar_is_refused_by_the_acts_of_the_run(run, command, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    text = (folder / "events.csv").read_text(encoding="utf-8")
    first = text.splitlines()[1].partition(",")[0]
    (folder / "events.csv").write_text(text.replace(f"{first},", "acled-1,"), encoding="utf-8")
    record_outputs(folder, ["events.csv"])
    before = output_hashes(folder)
    code, _, err = command("report", folder, "--use", "client")
    assert code == 2
    assert "events.csv: the terms bar use 'client' of 1 act of acled (acled-1): Commercial use" in err
    assert output_hashes(folder) == before


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
    charts = {"course.svg", "tension.svg"}
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


def test_every_chart_is_written_as_svg_and_png_with_the_same_bytes_each_time(forecast, tmp_path):
    content = make_content(make_records(forecast))
    small = replace(content, sections=tuple(one for one in content.sections if one.name == "brief"))
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


@pytest.fixture
def kept(tmp_path):
    """A run folder whose manifest knows the hash of every file."""
    folder = write_run(tmp_path / "kept")
    (folder / "track_record.json").write_text("{}", encoding="utf-8")
    (folder / "posterior.nc").write_bytes(b"large")
    (folder / "report.pdf").write_bytes(b"%PDF-")
    record_outputs(folder, output_hashes(folder))
    return folder


@pytest.mark.parametrize("name", ["forecast.json", "analysis.json", "events.csv", "track_record.json"])
def test_an_altered_file_is_named_and_refused_and_noted_with_force(kept, name):
    with (kept / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(RunFolderError, match=rf"not as the run left it: {name} is altered\. .*`force`"):
        check_folder(kept, advice=BY_FORCE)
    _, (note,) = check_folder(kept, force=True)
    assert note.startswith(f"{name} was altered after the run was made")


def test_a_missing_file_is_named_and_refused_even_with_force(kept):
    (kept / "track_record.json").unlink()
    for force in (False, True):
        with pytest.raises(RunFolderError, match=r"track_record\.json is missing") as caught:
            check_folder(kept, force=force, advice=BY_FORCE)
        assert "`force`" not in str(caught.value)


def test_an_untouched_folder_passes_also_without_files_that_no_report_reads_or_with_them_made_again(kept):
    assert check_folder(kept)[1] == ()
    (kept / "posterior.nc").unlink()
    (kept / "report.pdf").write_bytes(b"older")
    assert check_folder(kept)[1] == ()


def test_building_by_force_does_not_make_an_altered_file_pass_later(kept):
    with (kept / "events.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    record_outputs(kept, ["report.pdf"])
    with pytest.raises(RunFolderError, match=r"events\.csv is altered"):
        check_folder(kept)


def test_only_files_just_written_get_a_new_hash(kept):
    before = json.loads((kept / "manifest.json").read_text())["outputs_sha256"]
    (kept / "report.pdf").write_bytes(b"newer")
    record_outputs(kept, ["report.pdf"])
    after = json.loads((kept / "manifest.json").read_text())["outputs_sha256"]
    assert {name for name in after if after[name] != before[name]} == {"report.pdf"}
    assert after == output_hashes(kept)


def test_the_note_stands_on_page_1_before_the_warnings_of_the_run(tmp_path):
    folder = write_run(tmp_path / "run", analysis=make_analysis(warnings=("of the run",)))
    records = read_run_records(folder, notes=("of the folder",))
    (box,) = [block for block in brief_section(records).blocks if isinstance(block, Alert)]
    assert box.items == ("of the folder", "The backtest beside this run was not used: of the run.")


def test_the_run_before_is_the_last_earlier_one_beside_it(tmp_path):
    config = SimpleNamespace(as_of=AS_OF)
    for day in ("2023-01-02", "2023-04-10", "2023-07-10", "2023-08-01"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "forecast.json").write_text("{}", encoding="utf-8")
    (tmp_path / "2023-05-01").mkdir()  # not a run
    assert latest_earlier_run(tmp_path / "2023-07-10", config) == tmp_path / "2023-04-10"
    shutil.rmtree(tmp_path / "2023-01-02")
    shutil.rmtree(tmp_path / "2023-04-10")
    assert latest_earlier_run(tmp_path / "2023-07-10", config) is None
