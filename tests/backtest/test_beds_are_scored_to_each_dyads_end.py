"""``forecast bench accuracy``: what beds ask and refuse, the JSON, scores, and how far files reach."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.baselines import BASELINES
from forecast.config.schema import DEFAULT_FAMILY
from forecast.errors import InputError
from forecast.evaluation.past_forecasts import MODELS
from forecast.evaluation.score_table import QUIET_DAYS, quiet_year
from forecast.events.reading import read_events
from forecast.targets import TargetRule
from forecast.wording import HORIZONS
from forecast.workflows.bench import (
    find_bed,
    open_bed,
    plan_dyads,
    read_bed_files,
    run_benchmark,
    shipped_beds,
)

FORCE = TargetRule("force", ("military_incident",), 4)
BED = """\
schema: 1
name: small
sources:
  - {data: data, until: 2007-12-31, dyads: [a-b]}
  - {data: data, until: 2005-12-31, dyads: [c-d]}
targets:
  force: {any_of: [military_incident], min_severity: 4}
  grave: {any_of: [military_incident], min_severity: 5}
from: 2003-01-01
origins: quarterly
"""


def write_record(path: Path, first: date, last: date, seed: int = 1, pace_days: int = 20) -> Path:
    """An event file of one act every so many days or so, every third a use of force."""
    rng = np.random.default_rng(seed)
    rows, day, number = ["id,date,initiator,target,category,severity"], first, 0
    while day <= last:
        kind, severity = ("military_incident", 4) if number % 3 == 0 and day.year % 3 else ("dispute", 2)
        rows.append(f"{number},{day},A,B,{kind},{severity}")
        day += timedelta(days=int(rng.integers(pace_days // 2, 2 * pace_days)))
        number += 1
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("beds")
    write_record(place / "data/a-b.csv", date(2000, 1, 1), date(2007, 12, 25))
    write_record(place / "data/c-d.csv", date(2000, 1, 1), date(2007, 12, 25), seed=2)
    write_record(place / "data/e-f.csv", date(2006, 1, 1), date(2007, 12, 25), seed=3)
    (place / "small.yaml").write_text(BED)
    return place


@pytest.fixture(scope="module")
def scored(folder):
    opened = open_bed(str(folder / "small.yaml"), None)
    return run_benchmark(*opened, models=("panel",)), opened


def test_the_four_beds_are_shipped_and_can_be_read():
    assert shipped_beds() == ("balkans", "mid", "panel", "us-china")
    sizes = {name: [len(one.dyads) for one in find_bed(name).sources] for name in shipped_beds()}
    assert sizes == {"balkans": [0], "mid": [35], "panel": [16, 14], "us-china": [0]}
    bed = find_bed("us-china")
    assert len(bed.targets) == 6
    assert list(read_bed_files(bed, None)[0]) == ["us-china"]


def test_a_target_of_a_bed_counts_the_acts_of_those_it_names(folder):
    by_none = BED.replace("min_severity: 5}", "min_severity: 4, by: [B]}")
    (folder / "by.yaml").write_text(by_none)
    bed, events, _ = open_bed(str(folder / "by.yaml"), None)
    assert {rule.name: rule.by for rule in bed.rules} == {"force": (), "grave": ("B",)}
    assert [rule.mask(events["a-b"]).any() for rule in bed.rules] == [True, False]


def test_no_window_beyond_a_dyads_own_end_is_scored(scored):
    found, opened = scored
    plans, _ = plan_dyads(*opened)
    for cell in found.targets["force"].to_dict()["cells"]:
        plan = plans[cell["dyad"]]
        last = plan.data_end - timedelta(days=cell["horizon_days"] - 1)
        assert cell["n"] == sum(origin <= last for origin in plan.origins)
    ends = {"a-b": date(2007, 12, 31), "c-d": date(2005, 12, 31)}
    assert {one["dyad"]: date.fromisoformat(one["until"]) for one in found.coverage} == ends


def test_scores_by_horizon_are_the_mean_over_dyads(scored):
    scores = scored[0].targets["force"].to_dict()
    assert {one["horizon_days"] for one in scores["by_horizon"]} == set(HORIZONS)
    for one in scores["by_horizon"]:
        key = one["horizon_days"], one["model"]
        own = [c for c in scores["cells"] if (c["horizon_days"], c["model"]) == key]
        for score in ("log", "brier"):
            assert one[score] == pytest.approx(np.mean([cell[score] for cell in own]), abs=1e-12)
        assert (one["n"], one["dyads"]) == (sum(cell["n"] for cell in own), len(own))
        assert one["log_se"] > 0


def test_onset_and_continuation_together_are_all_windows(scored):
    scores = scored[0].targets["force"].to_dict()
    for model in ("panel", "gamma_poisson", "decayed_logistic"):
        for days in HORIZONS:
            own, states = (
                [one for one in scores[part] if (one["horizon_days"], one["model"]) == (days, model)]
                for part in ("cells", "onset")
            )
            assert {one["state"] for one in states} == {"onset", "continuation"}
            assert sum(one["n"] for one in states) == sum(cell["n"] for cell in own)
            total = sum(one["n"] * one["log"] for one in states)
            assert total == pytest.approx(sum(cell["n"] * cell["log"] for cell in own))


def test_a_year_is_quiet_from_the_day_after_its_length(folder):
    events = read_events(folder / "data/a-b.csv")
    last = np.sort(events.date[FORCE.mask(events)])[-1]
    origins = last + np.array([0, 1, QUIET_DAYS, QUIET_DAYS + 1]).astype("timedelta64[D]")
    assert quiet_year(events, FORCE, origins).tolist() == [False, False, False, True]


def test_a_dyad_without_an_event_before_the_first_origin_is_left_out_by_name(folder, forecast):
    whole = BED.replace("  - {data: data, until: 2007-12-31, dyads: [a-b]}\n", "").replace(
        ", dyads: [c-d]", ""
    )
    (folder / "whole.yaml").write_text(whole.replace("2005-12-31", "2007-12-31"))
    command = ("bench", "accuracy", "--bed", folder / "whole.yaml", "--models", "baselines")
    ended = forecast(*command)
    assert ended.code == 0
    assert "Left out: e-f, since no event is known before 2003-01-01" in " ".join(ended.out.split())
    ended = forecast(*command, "--origins", "2003-01-01", "--horizons", "30,4000")
    assert "got 4000 days; allowed: up to 3653, ten years" in ended.err


def test_usual_horizons_without_a_complete_window_are_named_and_stated_ones_refused(folder):
    bed = find_bed(str(folder / "small.yaml")).model_copy(
        update={"first": date(2007, 1, 1), "origins": "monthly"}
    )
    record = {"a-b": read_events(folder / "data/a-b.csv")}, {"a-b": date(2007, 12, 31)}
    plans, _ = plan_dyads(bed, *record)
    assert (plans["a-b"].horizons, plans["a-b"].too_long) == ((30, 90, 180, 365), (540,))
    with pytest.raises(InputError, match="a-b: horizons: no window of 540 days is complete"):
        plan_dyads(bed.model_copy(update={"horizons": (30, 540)}), *record)
    with pytest.raises(InputError, match=r"a-b: no event is known before 1980-01-01.*Begin later"):
        plan_dyads(bed.model_copy(update={"first": date(1980, 1, 1)}), *record)


FAULTS = {
    "an unknown key": ("from:", "form:"),
    "a folder that is not there": ("{data: data, until: 2005", "{data: dta, until: 2005"),
    "a dyad that is not there": ("dyads: [c-d]", "dyads: [c-e]"),
    "a dyad of two sources": ("dyads: [c-d]", "dyads: [a-b]"),
    "a target that never happened": ("military_incident", "visit"),
    "an unknown spacing": ("quarterly", "hourly"),
    "a horizon of no day": ("origins: quarterly", "horizons: [30, 0]"),
    "a horizon of decades": ("origins: quarterly", "horizons: [9000]"),
    "an end before the first origin": ("2005-12-31", "2002-12-31"),
}
REFUSED = (
    "--bed panle",
    "--bed us-china --models baselines,panel",
    "--bed us-china --models best",
    "--bed us-china --models ,",
    "--bed us-china --models panel --horizons 30,1500",
    "--bed us-china --horizons 30,1700",
    "--bed us-china --origins 1980-01-01",
    "--bed us-china --data nowhere",
)


def test_a_bed_with_faults_is_refused_with_line_and_key(folder, refusals, snapshot):
    path = folder / "faulty" / "small.yaml"
    path.parent.mkdir(exist_ok=True)
    said = {}
    for name, (old, new) in FAULTS.items():
        path.write_text(BED.replace(old, new))
        command = ("bench", "accuracy", "--bed", path, "--data", folder)
        said[name] = refusals(command, ["--models baselines"])["--models baselines"]
    places = {str(folder): "DIR", str(Path.cwd()): "HERE"}
    for place, word in places.items():
        said = {name: line.replace(place, word) for name, line in said.items()}
    assert said == snapshot


def test_what_cannot_be_benchmarked_is_refused_before_any_work(drawn_units, refusals, snapshot):
    assert refusals(("bench", "accuracy"), REFUSED) == snapshot
    assert not drawn_units


def test_a_bed_answers_with_one_table_and_one_entry_a_target(folder, forecast):
    command = ("bench", "accuracy", "--bed", folder / "small.yaml", "--models", "baselines")
    content = json.loads(forecast(*command, "--json").out)
    assert list(content["targets"]) == ["force", "grave"]
    assert {"by_horizon", "calibration_by_horizon", "onset"} <= set(content["targets"]["grave"])
    assert [one["until"] for one in content["coverage"]] == ["2007-12-31", "2005-12-31"]
    shown = forecast(*command).out
    assert shown.count("Mean over dyads by days ahead") == 2
    assert "It never happened in these windows." in shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []


@pytest.fixture
def bench(forecast, folder):
    """The command on the small bed."""
    return lambda *options: forecast("bench", "accuracy", "--bed", folder / "small.yaml", *options)


def test_the_contract_of_the_command_is_kept(bench, drawn_units):
    ended = bench("--horizons", "30,90,180", "--origins", "monthly", "--json")
    assert (ended.code, ended.err) == (0, "")
    content = json.loads(ended.out)
    scores = {"cells", "mean", "default", "choice", "by_horizon", "calibration_by_horizon", "onset", "misses"}
    work = {"coverage", "left_out", "seconds_per_origin", "seconds", "fits"}
    assert set(content) == {"bed", "targets"} | work
    assert content["seconds_per_origin"] >= 0
    # The model on two dyads, each with one fit that the fixture makes.
    assert content["fits"] == {"made": 2, "failed": 0}
    assert list(content["seconds"]) == ["refit", "bridge", "chances", "score"]
    content = content["targets"]["force"]
    cells = content["cells"]
    assert set(content) == scores
    assert content["default"] == DEFAULT_FAMILY
    columns = ["dyad", "horizon_days", "model", "n", "base_rate", "brier", "log", "brier_se", "log_se"]
    columns += ["failed_fits"]
    assert {cell["failed_fits"] for cell in cells} == {None}
    assert all(list(cell) == columns for cell in cells)
    assert set(content["choice"]["log_behind_best"]) == set(MODELS)
    keys = [(cell["dyad"], cell["horizon_days"], cell["model"]) for cell in cells]
    assert keys == [
        (dyad, days, model)
        for dyad in ("a-b", "c-d")
        for days in (30, 90, 180)
        for model in (*MODELS, *BASELINES)
    ]
    windows = {(cell["dyad"], cell["horizon_days"]): cell["n"] for cell in cells}
    # Monthly origins from January 2003: 60 to the end of 2007, 36 to the end of 2005, less those whose window
    # ends later.
    ends = {"a-b": (60, 58, 55), "c-d": (36, 34, 31)}
    assert windows == {
        (dyad, days): n for dyad, whole in ends.items() for days, n in zip((30, 90, 180), whole, strict=True)
    }
    assert set(content["mean"]) == {*MODELS, *BASELINES}
    for model, mean in content["mean"].items():
        for score in ("brier", "log"):
            own = [cell[score] for cell in cells if cell["model"] == model]
            assert mean[score] == pytest.approx(np.mean(own), abs=1e-12)


def test_a_benchmark_goes_on_from_what_was_kept(bench, drawn_units, tmp_path):
    kept = tmp_path / "kept"
    command = ("--horizons", "30", "--origins", "quarterly", "--json", "--keep", kept)
    first = json.loads(bench(*command).out)
    units_made = drawn_units.total()
    assert units_made == 2
    rows = (kept / "rows.jsonl").read_text().splitlines()
    # What a kill left: one of the units, and one half-written.
    (kept / "rows.jsonl").write_text(rows[0] + "\n" + rows[1][:50])
    again = json.loads(bench(*command).out)
    assert drawn_units.total() == units_made + 1
    assert again["targets"] == first["targets"]
    # Other models change nothing in a unit; other origins do.
    bench(*command, "--models", "model")
    assert drawn_units.total() == units_made + 1
    shown = bench(*command[:3], "monthly", "--models", "model,panel", "--keep", kept).out
    assert drawn_units.total() == units_made + 3
    assert "Simplest within two errors of the best" in shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []
