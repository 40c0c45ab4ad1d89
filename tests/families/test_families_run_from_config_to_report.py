"""The three families: from a config file to a report, with few draws, on the same fit of the same model."""

import json
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from forecast.families import FAMILIES
from forecast.runs.run import Run, read_run

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
sampler: {seed: 5, draws: 300, tune: 150, chains: 2}
"""

pytestmark = pytest.mark.slow


class Made(NamedTuple):
    folder: Path
    config: Path
    record: dict
    run: Run

    def probabilities(self) -> np.ndarray:
        """Probability by target and milestone."""
        return np.array(
            [[one["probability"] for one in target["milestones"]] for target in self.record["targets"]]
        )

    def said(self) -> dict[tuple[str, str], dict[str, float]]:
        """What each member says, by target and milestone."""
        return {
            (target["name"], one["name"]): {
                member["name"]: member["probability"] for member in one["members"]
            }
            for target in self.record["targets"]
            for one in target["milestones"]
        }


@pytest.fixture(scope="module")
def made(command, tmp_path_factory):
    """Run a family once, and keep its folder for all tests."""
    runs: dict[str, Made] = {}

    def run(family: str) -> Made:
        if family not in runs:
            place = tmp_path_factory.mktemp(family)
            (place / "small.yaml").write_text(CONFIG.replace("FAMILY", family), encoding="utf-8")
            ended = command("run", place / "small.yaml", "--out", place / "runs", "--allow-unconverged")
            assert ended.code == 0, ended.err
            folder = place / "runs" / "small" / "2022-01-01"
            record = json.loads((folder / "forecast.json").read_text())
            runs[family] = Made(folder, place / "small.yaml", record, read_run(folder))
        return runs[family]

    return run


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_runs_from_config_to_report(made, family):
    folder, _, record, run = made(family)
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (record["model"], [one["name"] for one in record["targets"]]) == (family, ["severe", "military"])
    for target in record["targets"]:
        assert len(run.survival.of(target["name"])) == 600
        for milestone in target["milestones"]:
            day = (date.fromisoformat(milestone["date"]) - run.survival.origin).days
            assert milestone["probability"] == run.mixture.probability(target["name"], day)
    severe, military = made(family).probabilities()
    assert np.all(severe >= military)
    assert np.all(np.diff([severe, military], axis=1) >= 0)


def test_all_families_fit_the_same_model_with_the_same_numbers(made):
    alone = made("model")
    assert [one["name"] for one in alone.record["members"]] == ["model"]
    for family in ("panel", "combined"):
        for name, values in made(family).run.fit.variables.items():
            np.testing.assert_array_equal(values, alone.run.fit.variables[name], err_msg=name)
    # No act is scheduled, so that the member is what the model says when it is asked alone.
    by_model = [one["model"] for one in made("combined").said().values()]
    np.testing.assert_allclose(by_model, alone.probabilities().ravel(), atol=1e-9)


EVERY_ACT = (
    "[visit, channel_opening, cooperation, channel_closure, sanction, military_incident, military_posture, "
    "dispute], min_severity: 1}"
)
ODD_RECORDS = {
    "a target that every act meets": ("[military_incident, military_posture], min_severity: 4}", EVERY_ACT),
    "a cooperative target": (
        "[military_incident, military_posture], min_severity: 4}",
        "[visit], min_severity: 3}",
    ),
    "one act": ('"bundled:us-china", start: 2019-01-01', "one.csv"),
}


@pytest.mark.parametrize("odd", ODD_RECORDS)
def test_odd_targets_and_records_run(command, tmp_path, odd):
    text = CONFIG.replace("FAMILY", "model").replace("draws: 300", "draws: 50")
    old, new = ODD_RECORDS[odd]
    assert old in text
    if odd == "a target that every act meets":  # no category is left for acts that meet no target
        text = text.replace("[sanction, military_incident, military_posture, dispute]", "[sanction]")
    (tmp_path / "odd.yaml").write_text(text.replace(old, new), encoding="utf-8")
    one = "date,initiator,target,category,severity\n2020-01-05,USA,CHN,military_posture,2\n"
    (tmp_path / "one.csv").write_text(one, encoding="utf-8")
    ended = command(
        "run", tmp_path / "odd.yaml", "--out", tmp_path / "runs", "--allow-unconverged", "--no-ledger"
    )
    assert ended.code == 0, ended.err
    record = json.loads((tmp_path / "runs/small/2022-01-01/forecast.json").read_text())
    later = {one["name"]: one["milestones"][-1]["probability"] for one in record["targets"]}
    if odd == "one act":
        assert 0 < later["military"] <= later["severe"] < 0.6
    else:
        assert later["military"] > (0.9 if odd == "a target that every act meets" else 0.3)
