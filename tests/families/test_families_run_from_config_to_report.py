"""``focused`` and combinations: from a config file to a report, with few draws."""

import contextlib
import io
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from forecast.cli import main
from forecast.config import load_scenario
from forecast.families.combination import COMBINED
from forecast.runs.run import read_run
from forecast.scenarios import compare_scenarios, plan_scenario
from forecast.scenarios.evaluate import hit_shares_before, milestone_day, weights_for
from forecast.sensitivity.robustness import RobustnessOptions, measure_robustness

CONFIG = """\
name: small
dyad: {a: USA, b: CHN, theatre: [TWN, HKG, CAN]}
as_of: 2022-01-01
events: {source: "bundled:us-china", start: 2019-01-01}
targets:
  severe: {any_of: [sanction, military_incident, military_posture, dispute], min_severity: 4}
  military: {any_of: [military_incident, military_posture], min_severity: 4}
milestones:
  - {name: spring, date: 2022-04-01}
  - {name: new-year, date: 2023-01-01}
headline: {target: military, milestone: new-year}
model: {family: FAMILY}
sampler: {seed: 5, draws: 300, tune: 150, chains: 2, paths_per_draw: 4}
"""
SCENARIO = """\
name: tried
rationale: A drill that is announced, and a bolder prior.
events:
  - {date: 2022-05-01, category: military_posture, severity: 4}
priors: {excitation.half_life_days: "LogNormal(2.4, 0.6)"}
"""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def forecast(*arguments: object) -> Ended:
    """Run the command in this process, as the terminal would."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["forecast", *map(str, arguments)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return Ended(code, out.getvalue(), err.getvalue())


pytestmark = pytest.mark.slow


class Made(NamedTuple):
    ended: Ended
    folder: Path
    config: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Run a family once, and keep its folder for all tests."""
    runs: dict[str, Made] = {}

    def run(family: str) -> Made:
        if family not in runs:
            place = tmp_path_factory.mktemp(family)
            (place / "small.yaml").write_text(CONFIG.replace("FAMILY", family), encoding="utf-8")
            (place / "tried.yaml").write_text(SCENARIO, encoding="utf-8")
            ended = forecast("run", place / "small.yaml", "--out", place / "runs", "--allow-unconverged")
            runs[family] = Made(ended, place / "runs" / "small" / "2022-01-01", place / "small.yaml")
        return runs[family]

    return run


@pytest.mark.parametrize("family", ["focused", "combined"])
def test_a_family_runs_from_config_to_report(made, family):
    ended, folder, _ = made(family)
    assert ended.code == 0, ended.err
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    record = json.loads((folder / "forecast.json").read_text())
    assert (record["model"], [one["name"] for one in record["targets"]]) == (family, ["severe", "military"])
    run = read_run(folder)
    for name, days in run.first_day.items():
        assert days.shape == (600, 4)
        said = next(one for one in record["targets"] if one["name"] == name)["milestones"]
        for milestone in said:
            day = np.datetime64(milestone["date"]) - np.datetime64(run.hits.origin)
            assert milestone["probability"] == pytest.approx(
                run.hits.probability(name, int(day.astype(int))), abs=1e-9
            )


def test_a_scenario_of_focused_is_answered_model_by_model(made):
    _, folder, config = made("focused")
    run = read_run(folder)
    scenario = load_scenario(config.with_name("tried.yaml"))
    (found,) = compare_scenarios(run, [scenario], refit=False)
    assert (found.method, found.withheld) == ("reweight and simulate", None)
    assert [target.name for target in found.targets] == ["severe", "military"]
    for part in run.by_fit():
        (name,) = part.first_day
        spring, new_year = found.target(name).milestones
        # The drill is sure and meets both targets, but only after the first milestone: until then the answer
        # is the reweighted share of the draws of the target's own model.
        assert new_year.probability == pytest.approx(1.0, abs=1e-9)
        weights = weights_for(part, plan_scenario(part.inputs, scenario).priors).weights
        shares = hit_shares_before(part.first_day[name], milestone_day(part, "spring"))
        assert spring.probability == pytest.approx(
            float(weights @ shares), abs=1e-5
        )  # recorded to five digits
        assert np.ptp(weights) > 0


def test_sensitivity_of_focused_reads_each_target_off_its_own_model(made):
    _, folder, _ = made("focused")
    run = read_run(folder)
    parts = {next(iter(part.first_day)): part for part in run.by_fit()}
    options = RobustnessOptions(target="severe", all_targets=True)
    found = measure_robustness(run, options, ())
    own = measure_robustness(parts["severe"], options, ())
    assert found.tornado == own.tornado
    other = measure_robustness(parts["military"], replace(options, target="military"), ())
    assert sorted(found.break_evens, key=repr) == sorted((*own.break_evens, *other.break_evens), key=repr)
    ended = forecast("sensitivity", folder, "--target", "severe", "--json")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert said["target"] == "severe"
    assert {one["target"] for one in said["sensitivities"]} == {"severe", "military"}
    assert said["tornado"] == [one.model_dump(mode="json", by_alias=True) for one in own.tornado]


def test_a_combination_is_the_mean_of_its_members_and_answers_like_its_joint_model(made):
    ended, folder, config = made("combined")
    assert ended.code == 0, ended.err
    record = json.loads((folder / "forecast.json").read_text())
    combination = record["combination"]
    assert [one["name"] for one in combination["members"]] == [one.name for one in COMBINED.members]
    assert combination["tilted"], combination
    lost = {(one["target"], one["milestone"]) for one in combination["dropped"]}
    for target in record["targets"]:
        for milestone in target["milestones"]:
            mean = np.mean([one["probability"] for one in milestone["members"]])
            if (target["name"], milestone["name"]) not in lost:
                assert milestone["probability"] == pytest.approx(mean, abs=1e-6)  # it has no calendar
    asked = forecast("scenario", folder, config.with_name("tried.yaml"), "--no-refit", "--json")
    assert asked.code == 0, asked.err
    (found,) = json.loads(asked.out)["scenarios"]
    assert found["withheld"] is None
    assert found["targets"][0]["milestones"][-1]["probability"] == 1.0
    asked = forecast("sensitivity", folder, "--target", "severe", "--json")
    assert asked.code == 0, asked.err
    assert json.loads(asked.out)["target"] == "severe"
    again = forecast("report", folder, "--json")
    assert again.code == 0, again.err
