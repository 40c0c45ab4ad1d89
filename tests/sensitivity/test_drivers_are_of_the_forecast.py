"""Drivers against new fits of records without the event."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.config import load_config
from forecast.runs.inputs import inputs_of, read_inputs
from forecast.runs.mixture import direct_answers
from forecast.runs.run import Run, chances_of, mixture_of
from forecast.scenarios.answer import milestone_day
from forecast.sensitivity.drivers import candidates, fit_to, leave_one_out, on_other_records
from forecast.workflows.forecast import fit_and_judge, run_of_inputs

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
sampler: {seed: 3, draws: 600, tune: 300, chains: 2}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run by family of a small record; the same seed gives the same fit."""
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
    found = {}
    for family in ("model", "combined", "pooled_hazard"):
        (folder / "config.yaml").write_text(CONFIG.replace("FAMILY", family), encoding="utf-8")
        inputs = read_inputs(load_config(folder / "config.yaml"))
        found[family] = run_of_inputs(inputs, drivers=False)
    return found


@pytest.fixture(scope="module")
def refitted(runs) -> Run:
    """The model fitted to the record without its last event."""
    inputs = runs["model"].inputs
    left = np.array([event.id != "last" for event in inputs.events.rows()])
    inputs = inputs_of(inputs.config, inputs.events.select(left))
    fit = fit_and_judge(inputs).samples
    return replace(
        runs["model"], inputs=inputs, samples=fit, made=mixture_of(inputs, chances_of(inputs, fit))
    )


@pytest.mark.parametrize("family", ["model", "combined", "pooled_hazard"])
def test_a_driver_is_what_a_fit_without_the_event_takes_away(runs, refitted, family):
    run = runs[family]
    row = [event.id for event in run.inputs.events.rows()].index("last")
    (last,) = leave_one_out(run, "severe", "autumn", left_out=[(row,)])
    assert last.change is not None
    day = milestone_day(run, "autumn")
    direct = direct_answers(run.inputs, refitted.inputs.events, refitted.mixture.horizon_days)
    without = replace(refitted.mixture, inputs=run.inputs, direct=direct)
    error = float(np.hypot(last.mcse, without.error("severe", day, 2)))
    change = run.mixture.probability("severe", day) - without.probability("severe", day)
    assert abs(last.change - change) < 4 * error + 0.005
    assert last.change > 0
    # What draws cannot tell is asked of such a fit itself.
    if family != "pooled_hazard":
        fitted = fit_to(run, refitted.inputs.events, "severe", day)
        assert fitted.change == pytest.approx(change, abs=1e-9)
    # The other way: what the row that is missing there would move.
    if family == "model":
        measure = on_other_records(refitted, "severe", "autumn")
        rows = run.inputs.events.select(run.inputs.events.id == "last")
        back = measure(run.inputs.events, rows)
        assert abs(back.change + change) < 4 * np.hypot(error, back.mcse) + 0.005


def test_rows_of_one_day_that_meet_the_target_are_left_out_together_the_gravest_first(tmp_path):
    rows = [("a", "2020-06-15", 3), ("b", "2020-06-15", 4), ("c", "2020-06-15", 1), ("d", "2021-06-20", 3)]
    text = [f"{name},{day},USA,CHN,sanction,{severity}" for name, day, severity in rows]
    header = "id,date,initiator,target,category,severity"
    (tmp_path / "events.csv").write_text("\n".join([header, *text, ""]), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG.replace("FAMILY", "model"), encoding="utf-8")
    inputs = read_inputs(load_config(tmp_path / "config.yaml"))
    names = [event.id for event in inputs.events.rows()]
    found = [[names[row] for row in one] for one in candidates(inputs, "severe", 24)]
    assert sorted(found) == [["b", "a"], ["c"], ["d"]]


def test_drivers_of_the_mean_are_the_mean_of_those_of_its_members(runs):
    """Without acts ahead: of the model by half, of the pooled hazard by half."""
    changes = {}
    for family, run in runs.items():
        alone = replace(run, made=run.mixture.without_acts)
        left_out = candidates(run.inputs, "severe", 6)
        measured = leave_one_out(alone, "severe", "autumn", left_out=left_out)
        changes[family] = {one.rows: one.change for one in measured}
    assert set(changes["model"]) == set(changes["combined"]) == set(changes["pooled_hazard"])
    for row, change in changes["combined"].items():
        if change is not None:
            assert change == pytest.approx(
                (changes["model"][row] + changes["pooled_hazard"][row]) / 2, abs=1e-12
            )
    assert any(changes["pooled_hazard"].values())
