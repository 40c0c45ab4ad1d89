"""A report is built from a run folder as the run left it, or it says what was altered."""

import json
import shutil
from types import SimpleNamespace

import pytest

from forecast.blocks import Alert
from forecast.errors import RunFolderError
from forecast.report.page_1 import brief_section
from forecast.report.run_records import read_run_records
from forecast.runs.files import output_hashes, record_outputs, refuse_changed_files
from forecast.workflows.report import latest_earlier_run
from tests.report.conftest import AS_OF, make_analysis, write_run


@pytest.fixture
def run(tmp_path):
    """A run folder whose manifest knows the hash of every file."""
    folder = write_run(tmp_path / "run")
    (folder / "track_record.json").write_text("{}", encoding="utf-8")
    (folder / "posterior.nc").write_bytes(b"large")
    (folder / "report.pdf").write_bytes(b"%PDF-")
    record_outputs(folder, [])
    return folder


@pytest.mark.parametrize("name", ["forecast.json", "analysis.json", "events.csv", "track_record.json"])
def test_an_altered_file_is_named_and_refused_and_noted_with_force(run, name):
    with (run / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(RunFolderError, match=rf"not as the run left it: {name} is altered\. .*`force`"):
        refuse_changed_files(run, force=False)
    (note,) = refuse_changed_files(run, force=True)
    assert note.startswith(f"{name} was altered after the run was made")


def test_a_missing_file_is_named_and_refused_even_with_force(run):
    (run / "track_record.json").unlink()
    for force in (False, True):
        with pytest.raises(RunFolderError, match=r"track_record\.json is missing") as caught:
            refuse_changed_files(run, force=force)
        assert "`force`" not in str(caught.value)


def test_an_untouched_folder_passes_also_without_files_that_no_report_reads_or_with_them_made_again(run):
    assert refuse_changed_files(run, force=False) == ()
    (run / "posterior.nc").unlink()
    (run / "report.pdf").write_bytes(b"older")
    assert refuse_changed_files(run, force=False) == ()


def test_building_by_force_does_not_make_an_altered_file_pass_later(run):
    with (run / "events.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    record_outputs(run, ["report.pdf"])
    with pytest.raises(RunFolderError, match=r"events\.csv is altered"):
        refuse_changed_files(run, force=False)


def test_only_files_just_written_get_a_new_hash(run):
    before = json.loads((run / "manifest.json").read_text())["outputs_sha256"]
    (run / "report.pdf").write_bytes(b"newer")
    record_outputs(run, ["report.pdf"])
    after = json.loads((run / "manifest.json").read_text())["outputs_sha256"]
    assert {name for name in after if after[name] != before[name]} == {"report.pdf"}
    assert after == output_hashes(run)


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
