"""Exit codes, the stamp, and places where a run cannot be kept."""

import dataclasses
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from pypdf import PdfReader

import forecast.workflows.forecast as workflow
from forecast.errors import CautionWarning, NotConvergedWarning
from forecast.phrases.notices import caution_lines, notice_text
from forecast.records.forecast import Forecast

STAMP = "DID NOT CONVERGE"


def pages_of(folder: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(folder / "report.pdf").pages]


def test_a_run_that_did_not_converge_exits_1_names_the_gates_and_is_kept(unconverged):
    ended, folder = unconverged
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("forecast: the fit did not converge; do not use its numbers.\n")
    assert re.search(r"bulk ESS of \S.* is \d+, at least 400 needed: more sampler.draws", ended.err)
    assert str(folder) in ended.err
    assert json.loads((folder / "forecast.json").read_text())["converged"] is False


def test_from_python_it_is_returned_with_a_warning(kept, monkeypatch):
    config = kept.inputs.config.model_copy(update={"scenarios": ()})
    monkeypatch.setattr(workflow.sampling, "fit", lambda *of: kept.samples)
    said = r"(?s)^the fit did not converge; do not use its numbers\.\n  .*at least 400 needed"
    with pytest.warns(NotConvergedWarning, match=said) as found:
        run = workflow.fit(None, config, drivers=False)
    assert {one.filename for one in found} == {__file__}
    told = [str(one.message) for one in found if one.category is CautionWarning]
    assert told == caution_lines([one for one in run.forecast.cautions if one.code != "not_converged"])
    assert told
    assert not run.forecast.converged
    assert "not_converged" in {one.code for one in run.forecast.cautions}

    passed = run.forecast.diagnostics.model_copy(update={"failures": ()})
    monkeypatch.setattr(workflow, "check_gates", lambda *of: passed)
    with warnings.catch_warnings(action="error", category=NotConvergedWarning):
        run = workflow.fit(None, config, drivers=False)
    assert "not_converged" not in {one.code for one in run.forecast.cautions}


def test_its_cautions_stand_in_the_message_and_in_forecast_json(unconverged):
    ended, folder = unconverged
    cautions = Forecast.model_validate_json((folder / "forecast.json").read_text()).cautions
    first, *others = cautions
    assert first.code == "not_converged"
    assert "lethal_clash" in {caution["target"] for caution in others if caution.code == "few_target_events"}
    _, said = ended.err.split("Read with caution:\n")
    never = "never seen"
    assert f"  Seen fewer than 3 times: Military confrontation, {never}; Lethal clash, {never}." in said
    alone = [notice_text(caution) for caution in others if caution.code != "few_target_events"]
    assert alone
    assert [text for text in alone if f"  {text}\n" not in said] == []
    assert notice_text(first) not in said
    assert "on record as failed in" in said


def test_json_is_printed_for_it_too(fitted_already, no_report, config, command, tmp_path):
    ended = command("run", config, "--out", tmp_path, "--json")
    assert ended.code == 1
    said = json.loads(ended.out)
    assert said["converged"] is False
    folder = tmp_path / "small/2022-01-01"
    manifest, record = (
        json.loads((folder / f"{name}.json").read_bytes()) for name in ("manifest", "forecast")
    )
    assert said == record | {"timings_s": manifest["timings_s"]}
    assert said["timings_s"]["fit"] > 0
    assert "did not converge" in ended.err


def test_allowed_not_to_converge_it_exits_0_and_says_so_first(finished):
    ended, folder = finished
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"{STAMP} – do not use these numbers.\n")
    assert STAMP in pages_of(folder)[0]


def test_a_run_that_passes_its_gates_exits_0_without_a_stamp(kept, config, command, tmp_path, monkeypatch):
    diagnostics = kept.forecast.diagnostics.model_copy(update={"failures": ()})
    forecast = kept.forecast.model_copy(update={"converged": True, "fits": (diagnostics,)})
    passed = dataclasses.replace(kept, forecast=forecast)
    monkeypatch.setattr("forecast.workflows.forecast.fit", lambda events, config, listen=None, **_: passed)
    ended = command("run", config, "--out", tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert STAMP not in ended.out
    assert [text for text in pages_of(tmp_path / "small/2022-01-01") if STAMP in text] == []


def test_a_run_that_is_there_is_refused_before_any_work_and_replaced_with_force(
    unconverged, kept, no_report, config, command, tmp_path, monkeypatch
):
    place = tmp_path / "small" / "2022-01-01"
    shutil.copytree(unconverged[1], place)
    (place / "forecast.json").write_text("the old one")
    monkeypatch.setattr("forecast.workflows.forecast.fit", None)  # would fail if any work were begun
    ended = command("run", config, "--out", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"forecast: {place}: there is a run already. Use --force to replace it, or --out for another place.\n"
    )
    monkeypatch.setattr("forecast.workflows.forecast.fit", lambda events, config, listen=None, **_: kept)
    ended = command("run", config, "--out", tmp_path, "--force", "--allow-unconverged")
    assert ended.code == 0, ended.err
    assert json.loads((place / "forecast.json").read_text())["run_id"] == kept.forecast.run_id
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_place_that_cannot_be_a_folder_is_refused_before_any_work(config, command, tmp_path):
    (tmp_path / "taken").write_text("a file")
    ended = command("run", config, "--out", tmp_path / "taken")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert "taken/small/2022-01-01: cannot be written (Not a directory). Check permissions" in ended.err
    assert (tmp_path / "taken").read_text() == "a file"


@pytest.mark.parametrize(
    "place",
    [
        "forecast.runs.run.write_events",
        "forecast.runs.run.write_posterior",
        "forecast.report.build.os.replace",
        "forecast.storage.os.rename",
    ],
)
def test_a_full_disk_leaves_nothing_and_is_one_message(
    place, fitted_already, config, command, tmp_path, monkeypatch
):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(place, full)
    ended = command("run", config, "--out", tmp_path / "runs")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert "runs/small/2022-01-01: cannot be written (No space left on device)" in ended.err
    # The record comes before the last step, which moves the folder into place.
    left = ["ledger.sqlite"] if place == "forecast.storage.os.rename" else []
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == left


INTERRUPTED = """\
import os

import forecast.cli.app


class Garbage:
    def __del__(self):
        os.write(2, b"searched for garbage")


kept = Garbage()
kept.itself = kept


def app(prog_name):
    exec("raise KeyboardInterrupt")


forecast.cli.app.app = app
forecast.cli.main()
"""


def test_an_interrupted_command_ends_with_its_own_code_and_goes_through_no_garbage(tmp_path):
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED, encoding="utf-8")
    path = os.pathsep.join(filter(None, sys.path))
    run = [sys.executable, script]
    ended = subprocess.run(run, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert ended.stderr == "forecast: interrupted; nothing was written.\n"
    assert ended.returncode == 130
