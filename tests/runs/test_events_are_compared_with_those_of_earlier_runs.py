"""Acts that the last run of the same name knew and that are gone are told, by ``check`` and by ``run``."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from forecast.cli.app import app
from forecast.config import load_config
from forecast.errors import InputError
from forecast.events.reading import load_events, write_events
from forecast.runs.folder import file_hashes, write_json
from forecast.workflows import forecast as workflow

CONFIG = """name: trial
as_of: 2023-07-09
dyad: {a: USA, b: CHN}
events: {source: events.csv}
targets: {arms: {label: Arms, any_of: [military_incident, military_posture], min_severity: 3}}
milestones: [{name: soon, label: Soon, date: 2023-12-31}]
headline: {target: arms, milestone: soon}
model: {family: panel}
"""


@pytest.fixture
def place(tmp_path):
    """A config whose event file lacks the sanctions of the first half of 2022, which earlier runs knew."""
    whole = load_events("bundled:us-china", tmp_path)
    begin, end = np.datetime64("2022-01-01"), np.datetime64("2022-07-01")
    lost = (whole.category == "sanction") & (whole.date >= begin) & (whole.date < end)
    assert lost.sum() > 10
    (tmp_path / "config.yaml").write_text(CONFIG)
    write_events(whole, tmp_path / "whole.csv")
    write_events(whole.select(~lost), tmp_path / "events.csv")
    return tmp_path


def keep_run(place, day, source="whole.csv", name="trial"):
    """Leave what a run leaves: its events, and a manifest with their hash."""
    folder = place / "reports" / name / day
    folder.mkdir(parents=True)
    (folder / "events.csv").write_bytes((place / source).read_bytes())
    write_json({"kind": "run", "outputs_sha256": file_hashes(folder)}, folder / "manifest.json")
    return folder


def changed_rows(place, *more):
    arguments = ["check", place / "config.yaml", "--out", place / "reports", "--json", *more]
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    faults = [one["fault"] for one in json.loads(result.stdout)["cautions"] if one["code"] == "feed_fault"]
    return [one for one in faults if one["code"] == "changed_rows"]


def test_check_tells_of_acts_that_the_last_run_knew_and_that_are_gone(place):
    assert changed_rows(place) == []
    keep_run(place, "2023-06-01")
    (fault,) = changed_rows(place)
    assert "known on 1 June 2023" in fault["text"]
    assert "gone or coded otherwise, from " in fault["text"]
    assert fault["first"] >= "2022-01-01"
    assert fault["last"] < "2022-07-01"


def test_nothing_is_told_where_the_acts_are_those_of_the_last_run(place):
    keep_run(place, "2023-05-01")
    keep_run(place, "2023-06-01", "events.csv")
    assert changed_rows(place) == []


def test_runs_of_other_names_or_of_the_same_day_or_later_are_no_copies(place):
    keep_run(place, "2023-06-01", name="other")
    keep_run(place, "2023-07-09")
    keep_run(place, "2023-07-10")
    assert changed_rows(place) == []


def test_a_copy_that_was_altered_is_passed_over_for_the_run_before_it(place, caplog):
    keep_run(place, "2023-05-01")
    altered = keep_run(place, "2023-06-01") / "events.csv"
    altered.write_bytes((place / "events.csv").read_bytes())
    (fault,) = changed_rows(place)
    assert "known on 1 May 2023" in fault["text"]
    assert "2023-06-01: events.csv is not as the run left it" in caplog.text


def test_a_named_copy_takes_the_place_of_that_of_a_run(place):
    keep_run(place, "2023-06-01", "events.csv")
    assert len(changed_rows(place, "--earlier", place / "whole.csv")) == 1
    with pytest.raises(InputError, match=r"^--earlier: .*config\.yaml"):
        changed_rows(place, "--earlier", place / "config.yaml")


class ReadError(Exception):
    """Ends a run where its inputs are read."""


def inputs_of_run(monkeypatch, place, **options):
    read = []

    def stop(inputs, *given, **more):
        read.append(inputs)
        raise ReadError

    monkeypatch.setattr(workflow, "_make", stop)
    with pytest.raises(ReadError):
        workflow.run_forecast(
            load_config(place / "config.yaml"), out=place / "reports", on_record=False, **options
        )
    return [one.code for one in read[0].feed]


def test_a_run_compares_too(monkeypatch, place):
    assert "changed_rows" not in inputs_of_run(monkeypatch, place)
    assert "changed_rows" in inputs_of_run(monkeypatch, place, earlier=place / "whole.csv")
    keep_run(place, "2023-06-01")
    assert "changed_rows" in inputs_of_run(monkeypatch, place)
