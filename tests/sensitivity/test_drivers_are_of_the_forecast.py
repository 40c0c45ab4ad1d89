"""Drivers against scenarios that take the event out: one by weights, the other by a new fit."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.config import Scenario, load_config
from forecast.config.settings_file import SourceMap
from forecast.runs.inputs import read_inputs
from forecast.runs.run import simulate
from forecast.scenarios import compare_scenarios
from forecast.sensitivity.drivers import leave_one_out
from forecast.workflows.forecast import GivenDraws, fit_and_judge, run_of_inputs

pytestmark = pytest.mark.slow

CONFIG = """\
name: short
dyad: {a: USA, b: CHN}
as_of: 2021-06-30
events: {source: events.csv, start: 2019-01-01}
targets:
  severe: {any_of: [sanction, military_posture, dispute], min_severity: 3}
milestones:
  - {name: autumn, date: 2021-10-01}
calendar:
  - {date: 2021-08-01, category: visit, severity: 3, probability: 0.5, label: A visit}
model: {family: FAMILY}
sampler: {seed: 3, draws: 600, tune: 300, chains: 2, paths_per_draw: 8}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run by family on one fit of a small record."""
    folder = tmp_path_factory.mktemp("short")
    rng = np.random.default_rng(5)
    days = np.sort(rng.choice(900, 60, replace=False))
    kinds = ("sanction", "dispute", "military_posture", "visit")
    rows = [
        f"e{place},{date(2019, 1, 5) + timedelta(days=int(day))},USA,CHN,{kinds[place % 4]},{1 + place % 4}"
        for place, day in enumerate(days)
    ]
    rows.append("last,2021-06-20,CHN,USA,sanction,3")
    text = "\n".join(["id,date,initiator,target,category,severity", *rows]) + "\n"
    (folder / "events.csv").write_text(text, encoding="utf-8")
    found, given = {}, None
    for family in ("model", "combined", "panel"):
        (folder / "config.yaml").write_text(CONFIG.replace("FAMILY", family), encoding="utf-8")
        inputs = read_inputs(load_config(folder / "config.yaml"))
        if given is None:
            judged = fit_and_judge(inputs)
            given = GivenDraws(judged.fit, judged.gates)
        found[family] = run_of_inputs(inputs, drivers=False, given=given)
    return found


@pytest.mark.parametrize("family", ["model", "combined", "panel"])
def test_a_driver_is_what_taking_the_event_out_takes_away(runs, family):
    run = runs[family]
    (rule,) = run.inputs.rules
    day = run.inputs.config.milestone("autumn").date
    measured = leave_one_out(run.fit, run.mixture, rule, day, seed=3)
    ids = [row.id for row in run.inputs.events.rows()]
    (last,) = [one for one in measured if ids[one.row] == "last"]
    assert last.change is not None
    scenario = Scenario.checked({"name": "s", "rationale": "r", "without": ["last"]}, SourceMap("test"))
    (found,) = compare_scenarios(run, [scenario])
    (one,) = found.targets[0].milestones
    error = float(np.hypot(last.mcse, one.difference.mcse))
    assert abs(last.change + one.difference.value) < 4 * error + 0.005
    assert last.change > 0


def test_drivers_of_the_mean_are_the_mean_of_those_of_its_members(runs):
    """Without acts ahead: of the model by half, of the pooled hazard by half."""
    changes = {}
    for family, run in runs.items():
        inputs = replace(run.inputs, calendar=())
        (rule,) = inputs.rules
        day = inputs.config.milestone("autumn").date
        measured = leave_one_out(run.fit, simulate(inputs, run.fit), rule, day, seed=3, candidates=6)
        changes[family] = {one.row: one.change for one in measured}
    assert set(changes["model"]) == set(changes["combined"]) == set(changes["panel"])
    for row, change in changes["combined"].items():
        if change is not None:
            assert change == pytest.approx((changes["model"][row] + changes["panel"][row]) / 2, abs=1e-12)
    assert any(changes["panel"].values())
