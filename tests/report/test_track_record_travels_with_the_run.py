"""The backtest beside a run: taken when it is about the run's questions, refused when not, kept for good."""

import json
import shutil
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from pypdf import PdfReader

from forecast.config import load_config
from forecast.evaluation.track_record import find_track_record
from forecast.models.survival import Survival
from forecast.records.analysis import TrackRecord
from forecast.records.notices import notice
from forecast.runs.files import file_hashes
from forecast.runs.mixture import DirectAnswers, Mixture
from forecast.runs.run import Run
from forecast.workflows.report import rebuild_report, save_run
from tests.report.conftest import AS_OF, CONFIG, EVENTS, altered, write_run


def write_backtest(folder, backtest, *, forecasts=None, **settings):
    folder.mkdir(parents=True, exist_ok=True)
    (forecasts or backtest.forecasts).write_csv(folder / "forecasts.csv")
    targets = {
        rule.name: {"any_of": list(rule.any_of), "min_severity": rule.min_severity} for rule in backtest.rules
    }
    content = {"schema": 3, "targets": targets, "priors": {}} | settings
    (folder / "scores.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def find(backtest):
    def find_in(folder, *, events=EVENTS, model="model", as_of=AS_OF, priors=()):
        return find_track_record(
            folder, events, backtest.rules, as_of, model, dict(priors), seed=backtest.seed
        )

    return find_in


def test_a_backtest_of_the_same_questions_gives_the_record_that_its_table_gives(find, backtest, tmp_path):
    found = find(write_backtest(tmp_path / "backtest", backtest))
    assert found.refusal is None
    for part in ("rows", "largest_misses", "reliability"):
        assert getattr(found.record, part) == getattr(backtest.record, part)


def test_an_unfinished_backtest_is_no_backtest(find, backtest, tmp_path):
    folder = write_backtest(tmp_path / "backtest", backtest)
    (folder / "scores.json").unlink()
    assert find(folder) is None
    assert find(tmp_path / "absent") is None


def test_a_backtest_that_is_not_of_the_runs_questions_is_refused_with_the_reason(find, backtest, tmp_path):
    folder, forecasts = write_backtest(tmp_path / "backtest", backtest), backtest.forecasts
    other = EVENTS.known_by(date(2022, 7, 31))  # without the drills of August 2022
    found = find(folder, events=other)
    assert (found.record, found.refusal) == (None, notice("other_outcomes", target="major_escalation"))
    early = AS_OF.replace(year=2022)
    late = notice("later_windows", last_day=date(2023, 6, 30), as_of=early)
    assert find(folder, as_of=early).refusal == late
    untested = notice("untested_model", model="panel", tested=forecasts.models)
    assert find(folder, model="panel").refusal == untested
    defined = {"major_escalation": {"any_of": ["visit"], "min_severity": 1}}
    write_backtest(folder, backtest, targets=defined)
    assert find(folder).refusal == notice("other_definitions")
    write_backtest(folder, backtest, priors={"tension.scale": "slow"})
    assert find(folder).refusal == notice("other_priors")
    assert find(folder, priors={"tension.scale": "slow"}).refusal is None
    (folder / "scores.json").write_text("[]", encoding="utf-8")
    assert find(folder).refusal == notice("settings_unknown")
    kept = np.flatnonzero(forecasts.target != "lethal_clash")
    write_backtest(folder, backtest, forecasts=forecasts.take(kept))
    tested = tuple(name for name in forecasts.targets if name != "lethal_clash")
    asked = tuple(sorted(rule.name for rule in backtest.rules))
    assert find(folder).refusal == notice("other_targets", tested=tested, asked=asked)


def test_a_damaged_file_is_refused_by_line_and_without_its_path(find, backtest, tmp_path):
    folder = write_backtest(tmp_path / "backtest", backtest)
    with (folder / "forecasts.csv").open("a", encoding="utf-8") as file:
        file.write("pair,lethal_clash,2020-01-01,2020-01-31,model,1.7,0,0\n")
    refusal = find(folder).refusal
    assert (refusal.code, refusal.fault[:14]) == ("unreadable", "forecasts.csv:")
    assert "chance: got '1.7'; expected a number from 0 to 1" in refusal.fault
    backtest.forecasts.take(np.arange(0)).write_csv(folder / "forecasts.csv")
    assert find(folder).refusal.fault.startswith("forecasts.csv: holds no row")


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "us-china-2023" / "2023-07-10")


def test_a_saved_run_takes_the_record_once_and_then_gives_the_same_bytes_without_the_backtest(run, backtest):
    write_backtest(run.parent / "backtest", backtest)
    rebuild_report(run)
    record = TrackRecord.model_validate_json((run / "track_record.json").read_bytes())
    assert record.rows == backtest.record.rows
    first = (run / "report.pdf").read_bytes()
    hashes = {name: value for name, value in file_hashes(run).items() if name != "manifest.json"}
    assert json.loads((run / "manifest.json").read_text())["outputs_sha256"] == hashes
    shutil.rmtree(run.parent / "backtest")
    rebuild_report(run)
    assert (run / "report.pdf").read_bytes() == first


def test_a_run_that_has_a_record_keeps_it_when_a_newer_backtest_comes(run, backtest):
    kept = altered(backtest.record, n_origins=7).model_dump_json(by_alias=True)
    (run / "track_record.json").write_text(kept, encoding="utf-8")
    write_backtest(run.parent / "backtest", backtest)
    rebuild_report(run)
    assert (run / "track_record.json").read_text(encoding="utf-8") == kept


@pytest.fixture
def finished(tmp_path, forecast, analysis):
    """A run in memory, with stand-ins for the posterior and its chances."""
    (tmp_path / "events.csv").write_text(EVENTS.canonical_csv(), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    posterior = SimpleNamespace(tree=xr.DataTree(), n_chains=2, target_accept=0.9, tune=400, reruns=0)
    ahead = Survival(("lethal_clash",), date(2023, 7, 11), np.ones((2, 1, 11)))
    inputs = SimpleNamespace(config=load_config(tmp_path / "config.yaml"), events=EVENTS, scenarios=())
    made = Mixture(inputs, DirectAnswers({}), ahead)
    return Run(inputs=inputs, fit=posterior, made=made, forecast=forecast, analysis=analysis)


def test_a_new_run_takes_the_backtest_beside_it(finished, backtest, tmp_path):
    write_backtest(tmp_path / "name" / "backtest", backtest)
    folder = save_run(finished, tmp_path / "name" / "2023-07-10")
    record = TrackRecord.model_validate_json((folder / "track_record.json").read_bytes())
    assert record.rows == backtest.record.rows
    assert "track_record.json" in json.loads((folder / "manifest.json").read_text())["outputs_sha256"]


def test_a_new_run_notes_on_page_1_why_the_backtest_beside_it_was_not_used(finished, backtest, tmp_path):
    write_backtest(tmp_path / "name" / "backtest", backtest, priors={"tension.scale": "slow"})
    folder = save_run(finished, tmp_path / "name" / "2023-07-10")
    front = " ".join(PdfReader(folder / "report.pdf").pages[0].extract_text().split())
    assert "The backtest beside this run was not used: its priors are not this run's." in front
    assert "Never tested: no backtest of this event so far ahead." in front
    assert not (folder / "track_record.json").exists()
