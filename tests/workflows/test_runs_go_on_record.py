"""A run and the ledger: on record once, with what was on record before in its report."""

import json

from pypdf import PdfReader

from forecast.ledger.store import open_ledger


def test_a_run_is_put_on_record_once_and_later_runs_tell_of_it(
    unconverged, fitted_already, config, command, tmp_path
):
    ended = command("run", config, "--out", tmp_path, "--allow-unconverged")
    assert (ended.code, ended.err) == (0, "")
    path = tmp_path / "ledger.sqlite"
    assert f"{path}\nOn record as failed: neither listed nor scored; --no-" in ended.out
    folder = tmp_path / "small/2022-01-01"
    forecast = json.loads((folder / "forecast.json").read_text())
    said = {
        (target["name"], milestone["name"]): round(milestone["probability"], 6)
        for target in forecast["targets"]
        for milestone in target["milestones"]
    }
    book = open_ledger(path)
    assert {(one.target, one.milestone_name): one.probability for one in book.forecasts} == said
    assert {one.run_folder for one in book.forecasts} == {folder.as_posix()}
    assert {one.converged for one in book.forecasts} == {False}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {(one.config_sha256, one.data_sha256) for one in book.forecasts} == {
        (manifest["config_sha256"], manifest["data_sha256"])
    }
    ended = command("run", config, "--out", tmp_path, "--allow-unconverged", "--force")
    assert ended.code == 0
    assert open_ledger(path).head == book.head
    text = " ".join(page.extract_text() for page in PdfReader(folder / "report.pdf").pages)
    said = "held no forecast on this pair before this run."
    assert said in " ".join(text.split())


def test_a_run_may_stay_off_the_record_or_go_elsewhere(
    unconverged, fitted_already, no_report, config, command, tmp_path, monkeypatch
):
    options = ("run", config, "--allow-unconverged", "--force", "--out", tmp_path)
    monkeypatch.setenv("FORECAST_LEDGER", str(tmp_path / "by-name.sqlite"))
    assert command(*options, "--no-ledger").code == 0
    assert not (tmp_path / "small/2022-01-01/ledger_record.json").exists()
    assert command(*options).code == 0
    assert command(*options, "--ledger", tmp_path / "elsewhere/by-option.sqlite").code == 0
    found = sorted(path.name for path in tmp_path.rglob("*.sqlite"))
    assert found == ["by-name.sqlite", "by-option.sqlite"]
